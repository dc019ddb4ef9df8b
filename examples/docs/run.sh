#!/usr/bin/env bash
# Runs the programs that the pages under docs/ quote, of every language or of those named, and compares what each prints with the
# expected.txt beside it. They run in a folder with the certificates of a development CA in certs/. Needs target/release/libwool.so,
# target/release/wool-certs, and the Node addon.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
export here top built
export link="-I $top/include -L $top/target/release -lwool -Wl,-rpath,$top/target/release"

# Each gets the page; $link is several words.
run_rust() { "$top/target/release/docs-$1"; }
run_c() { gcc -std=c11 -Wall -Wextra -Werror -o "$built/c-$1" "$here/c/$1"/*.c $link -lpthread && "$built/c-$1"; }
run_cpp() { g++ -std=c++17 -Wall -Wextra -Werror -o "$built/cpp-$1" "$here/cpp/$1"/*.cpp $link && "$built/cpp-$1"; }
run_go() { (cd "$here/go/$1" && go build -o "$built/go-$1" .) && "$built/go-$1"; }
run_node() { node "$here/node/$1/main.mjs"; }

# play LANGUAGE/PAGE: says how it went, all at once.
play() {
  local language=${1%/*} page=${1#*/} printed difference
  if ! printed=$(cd "$built" && timeout 300 bash -c "run_$language $page" 2>"$built/$language-$page.log"); then
    printf 'FAIL  %s\n%s\n%s\n' "$1" "$printed" "$(cat "$built/$language-$page.log")"
  elif ! difference=$(diff "$here/$1/expected.txt" - <<<"$printed"); then
    printf 'FAIL  %s prints something else\n%s\n' "$1" "$difference"
  else
    echo "ok    $1"
    return 0
  fi
  return 1
}
export -f run_rust run_c run_cpp run_go run_node play

certify() { "$top/target/release/wool-certs" "$built/certs" "$@" >/dev/null; }
certify && certify admin admin.wool.example && certify next next.wool.example || exit 1

languages=("$@")
[ "${#languages[@]}" -gt 0 ] || languages=(rust c cpp go node)
programs=()
for language in "${languages[@]}"; do
  case $language in
    rust) (cd "$top" && cargo build --release --quiet --package docs-examples) || exit 1 ;;
    # One of them first: the others find the binding built.
    go) (cd "$here/go/streams" && go build -o "$built/first" .) || exit 1 ;;
    node) "$top/examples/link-node.sh" "$here/node" || exit 1 ;;
  esac
  for page in streams cancelling errors limits nested context events deploying fanout discovery balancing worker securing rotating; do
    programs+=("$language/$page")
  done
done
printf '%s\n' "${programs[@]}" | xargs -P 4 -I '{}' bash -c 'play "$1"' play '{}'
