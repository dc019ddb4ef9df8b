#!/usr/bin/env bash
# Plays the quick start of every language, started in ways that programs are started: each time its pool has to start the
# program again, and nothing may be left when it has ended. Needs the libraries of `make build`.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
quickstart="$top/examples/quickstart"
expected="$quickstart/expected.txt"
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT

link=(-I "$top/include" -L "$top/target/release" -lwool "-Wl,-rpath,$top/target/release")
gcc -std=c11 -o "$built/c" "$quickstart/c/main.c" "${link[@]}" || exit 1
g++ -std=c++17 -o "$built/cpp" "$quickstart/cpp/main.cpp" "${link[@]}" || exit 1
(cd "$quickstart/go" && go build -o "$built/go" .) || exit 1
"$top/examples/link-node.sh" "$quickstart/node" || exit 1

# The command of each language's program.
program() {
  case $1 in
    rust) echo "$top/target/release/quickstart" ;;
    node) echo "node $quickstart/node/main.mjs" ;;
    *) echo "$built/$1" ;;
  esac
}

# The ways. Each is a function that runs its arguments.
plainly() { "$@"; }
by_a_shell() { sh -c '"$@"; exit $?' sh "$@"; }
without_standard_input() { "$@" <&-; }
in_the_background_of_a_terminal() { script -qefc "$(printf '%q ' "$@")" /dev/null </dev/null | tr -d '\r'; }
where_children_are_not_waited_for() { (trap '' CHLD && exec "$@"); }
in_a_directory_that_is_gone() { (folder=$(mktemp -d) && cd "$folder" && rmdir "$folder" && exec "$@"); }
as_process_1() { unshare --pid --fork --mount-proc --kill-child "$@"; }
under_a_debugger() {
  # Into a file of its own: the debugger tells of threads and processes while the program prints, in the middle of a line.
  local output
  output=$(mktemp)
  gdb -q -batch -ex 'set debuginfod enabled off' -ex "run $(printf '%q ' "${@:2}") >$output" -ex quit "$1" >&2
  cat "$output"
  rm "$output"
}
ways=(plainly by_a_shell without_standard_input in_the_background_of_a_terminal where_children_are_not_waited_for
  in_a_directory_that_is_gone as_process_1 under_a_debugger)

passed=0 failed=0
for way in "${ways[@]}"; do
  for language in rust c cpp go node; do
    read -ra command <<<"$(program "$language")"
    if [ "$way" = as_process_1 ] && [ "$(id -u)" -ne 0 ]; then
      echo "skipped $language, ${way//_/ }: needs root"
      [ -z "${CI:-}" ] || failed=$((failed + 1))
      continue
    fi
    # In Node the working directory is asked for before any of the program runs.
    [ "$way:$language" != in_a_directory_that_is_gone:node ] || continue
    export -f "$way"
    export expected
    printed=$(timeout 120 bash -c '"$0" "$@"' "$way" "${command[@]}" 2>"$built/stderr")
    if difference=$(diff "$expected" - <<<"$printed"); then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      printf 'FAIL  %s, %s\n%s\n%s\n' "$language" "${way//_/ }" "$difference" "$(tail -n 20 "$built/stderr")"
    fi
  done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
