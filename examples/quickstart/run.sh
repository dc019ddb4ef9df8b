#!/usr/bin/env bash
# Runs the quick start of every language, or of those named, and compares what they print. Needs target/release/libwool.so.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
link=(-I "$top/include" -L "$top/target/release" -lwool "-Wl,-rpath,$top/target/release")

rust() { (cd "$top" && cargo run --release --quiet --package quickstart); }
c() { gcc -std=c11 -Wall -Wextra -Werror -o "$built/c" "$here/c/main.c" "${link[@]}" && "$built/c"; }
cpp() { g++ -std=c++17 -Wall -Wextra -Werror -o "$built/cpp" "$here/cpp/main.cpp" "${link[@]}" && "$built/cpp"; }
go() { (cd "$here/go" && command go run .); }
node() { "$top/examples/link-node.sh" "$here/node" && command node "$here/node/main.mjs"; }

languages=("$@")
[ "${#languages[@]}" -gt 0 ] || languages=(rust c cpp go node)
failed=0
for language in "${languages[@]}"; do
  if printed=$(timeout 300 bash -c "$(declare -f "$language"); $(declare -p here top built link); $language"); then
    if difference=$(diff "$here/expected.txt" - <<<"$printed"); then
      echo "ok    $language"
      continue
    fi
    printf 'FAIL  %s prints something else\n%s\n' "$language" "$difference"
  else
    echo "FAIL  $language"
  fi
  failed=1
done
exit "$failed"
