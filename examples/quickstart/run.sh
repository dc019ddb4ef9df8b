#!/usr/bin/env bash
# Runs the quick starts of every language, or of those named: the plain one, whose output is compared, and the secure one, as a worker
# and as a caller, with certificates of a development CA. Needs target/release/libwool.so and target/release/wool-certs.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
link=(-I "$top/include" -L "$top/target/release" -lwool "-Wl,-rpath,$top/target/release")

# Each builds both programs of its language and sets their commands.
rust() {
  (cd "$top" && cargo build --release --quiet --package quickstart) || return
  plain=("$top/target/release/quickstart") secure=("$top/target/release/quickstart-secure")
}
c() {
  plain=("$built/c") secure=("$built/c-secure")
  gcc -std=c11 -Wall -Wextra -Werror -o "$built/c" "$here/c/main.c" "${link[@]}" &&
    gcc -std=c11 -Wall -Wextra -Werror -o "$built/c-secure" "$here/c/secure.c" "${link[@]}"
}
cpp() {
  plain=("$built/cpp") secure=("$built/cpp-secure")
  g++ -std=c++17 -Wall -Wextra -Werror -o "$built/cpp" "$here/cpp/main.cpp" "${link[@]}" &&
    g++ -std=c++17 -Wall -Wextra -Werror -o "$built/cpp-secure" "$here/cpp/secure.cpp" "${link[@]}"
}
go() {
  plain=("$built/go") secure=("$built/go-secure")
  (cd "$here/go" && command go build -o "$built/go" . && command go build -o "$built/go-secure" ./secure)
}
node() {
  plain=(node "$here/node/main.mjs") secure=(node "$here/node/secure.mjs")
  "$top/examples/link-node.sh" "$here/node"
}

# call_securely: what the secure program's caller prints, with its worker in a process of its own.
call_securely() {
  local address worker out status
  cd "$built" || return
  exec {out}< <(exec "${secure[@]}" worker 127.0.0.1:0)
  worker=$!
  read -r -t 60 address <&"$out" && timeout 60 "${secure[@]}" caller "$address"
  status=$?
  kill "$worker"
  wait "$worker" && return "$status"
}

# compare NAME EXPECTED STATUS PRINTED: says how a program went.
compare() {
  local difference
  if [ "$3" -ne 0 ]; then
    echo "FAIL  $1"
  elif difference=$(diff "$2" - <<<"$4"); then
    echo "ok    $1"
    return 0
  else
    printf 'FAIL  %s prints something else\n%s\n' "$1" "$difference"
  fi
  return 1
}

"$top/target/release/wool-certs" "$built/certs" >/dev/null || exit 1
languages=("$@")
[ "${#languages[@]}" -gt 0 ] || languages=(rust c cpp go node)
failed=0
for language in "${languages[@]}"; do
  if ! "$language"; then
    echo "FAIL  $language does not build"
    failed=1
    continue
  fi
  printed=$(timeout 300 "${plain[@]}")
  compare "$language" "$here/expected.txt" $? "$printed" || failed=1
  printed=$(call_securely)
  compare "$language, secure" "$here/expected-secure.txt" $? "$printed" || failed=1
done
exit "$failed"
