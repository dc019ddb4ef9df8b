#!/usr/bin/env bash
# The ABI as C and C++ see it: the headers, what the library exports, and how it behaves - each test in a process of
# its own, plain, under the address and undefined-behaviour sanitizers, and a few under valgrind.
#
#   tests/c/run.sh [WORDS]    only the behaviour tests with WORDS in their name
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
top=$(cd ../.. && pwd)
built=$top/target/tests-c
release=$top/target/release
words=${1:-}
warnings=(-Wall -Wextra -Wpedantic -Werror)
passed=0
failed=0

# pass NAME, fail NAME [FILE WITH ITS OUTPUT]
pass() { passed=$((passed + 1)); }
fail() {
  failed=$((failed + 1))
  echo "FAILED $1"
  [ -z "${2:-}" ] || sed 's/^/  /' "$2"
}

# check NAME COMMAND...
check() {
  local name=$1 output=$built/output
  shift
  if "$@" >"$output" 2>&1; then pass "$name"; else fail "$name" "$output"; fi
}

# skip NAME WHY: said aloud, and in CI a failure.
skip() {
  if [ "${CI:-}" = true ]; then fail "$1: $2"; else echo "SKIPPED $1: $2"; fi
}

compiles() {
  local compiler=$1 standard=$2 language=$3
  shift 3
  printf '#include "%s"\n' "$@" >"$built/include.$language"
  "$compiler" "-std=$standard" "${warnings[@]}" -I"$top/include" -x "$language" -fsyntax-only "$built/include.$language"
}

headers() {
  local standard
  for compiler in gcc clang; do
    if ! command -v "$compiler" >/dev/null || ! command -v "${compiler/gcc/g}++" >/dev/null; then
      skip "headers with $compiler" "it is not installed"
      continue
    fi
    for standard in c99 c11 c17 c2x; do
      check "wool.h twice, $compiler $standard" compiles "$compiler" "$standard" c wool.h wool.h
    done
    for standard in c++17 c++20; do
      check "wool.h twice, $compiler $standard" compiles "${compiler/gcc/g}++" "$standard" c++ wool.h wool.h
      check "wool.hpp twice, $compiler $standard" compiles "${compiler/gcc/g}++" "$standard" c++ wool.hpp wool.hpp
    done
  done
}

# What the header declares, what the library exports and what these tests call is the same list.
declared() { grep -oE '\bwool_[a-z0-9_]+\(' "$top/include/wool.h" | grep -vE '_(fn|init)\(' | tr -d '(' | sort -u; }
exported() { nm -D --defined-only "$release/libwool.so" | awk '{ print $3 }' | sort -u; }
called() { grep -ohE '\bwool_[a-z0-9_]+\(' ./*.c | tr -d '(' | sort -u; }

library() {
  check "exports are what wool.h declares" diff <(declared) <(exported)
  check "every function is called here" test -z "$(comm -23 <(declared) <(called))"
  check "SONAME" grep -q 'SONAME.*\[libwool\.so\.0\]' <(readelf -d "$release/libwool.so")
  check "nodelete" grep -q 'FLAGS_1.*NODELETE' <(readelf -d "$release/libwool.so")
}

# build FOLDER FLAGS...: the tests, into target/tests-c/FOLDER
build() {
  local folder=$built/$1 source name
  shift
  mkdir -p "$folder"
  local flags=(-g -O1 "${warnings[@]}" -I"$top/include" "$@")
  for source in check world generators status records certificates; do
    gcc -std=c11 -D_GNU_SOURCE "${flags[@]}" -c "$source.c" -o "$folder/$source.o" || return
  done
  local link=("$folder/check.o" "$folder/world.o" "$folder/generators.o" "$folder/status.o" "$folder/records.o" "$folder/certificates.o" -L"$release" "-Wl,-rpath,$release" -lwool -lpthread -ldl)
  for source in test_*.c; do
    name=${source%.c}
    gcc -std=c11 -D_GNU_SOURCE "${flags[@]}" "$source" -o "$folder/$name" "${link[@]}" || return
  done
  for source in test_*.cpp; do
    [ -e "$source" ] || continue
    name=${source%.cpp}
    g++ -std=c++17 "${flags[@]}" "$source" -o "$folder/$name" "${link[@]}" || return
  done
}

# run FOLDER TEST_PATTERN COMMAND...: every test whose name fits, and does not fit `without`, each by COMMAND in a process of
# its own
run() {
  local folder=$1 pattern=$2 program test
  shift 2
  for program in "$built/$folder"/test_*; do
    for test in $("$program" --list); do
      [[ $test == *$words* && "${program##*/}.$test" =~ $pattern ]] || continue
      [[ -z ${without:-} || ! "${program##*/}.$test" =~ $without ]] || continue
      check "$folder: ${program##*/} $test" timeout 180 "$@" "$program" "$test"
    done
  done
}

static_program() {
  gcc -std=c11 -D_GNU_SOURCE -I"$top/include" test_calls.c check.c world.c -o "$built/static" "$release/libwool.a" \
    -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc &&
    "$built/static" a_call_waits_for_its_result
}

mkdir -p "$built"
cargo build --release --quiet -p libwool -p wool-certs || exit
export LIBWOOL=$release/libwool.so
# Of the development CA.
export WOOL_CERTS=$built/certs
"$release/wool-certs" "$WOOL_CERTS" >"$built/output" || exit
"$release/wool-certs" "$WOOL_CERTS" named named.wool.example >"$built/output" || exit

if [ -z "$words" ]; then
  headers
  library
  check "linked against libwool.a" static_program
fi

if build plain; then run plain . env; else fail "the tests compile"; fi

# A process that leaves without closing, or is forked, leaves memory behind by design.
if build sanitized -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer; then
  run sanitized '^test_(admission|arguments|balancers|budgets|calls|cpp|cpp_admission|cpp_credentials|cpp_discovery|cpp_errors|cpp_generators|cpp_nested|cpp_pools|context|context_faces|credentials|custom_discovery|discoveries|discovery|errors|fan_out|generators|io_thread|load|nested|peer_checks|peer_limits|pools|provided|queues|run|spawn|values)\.' env
  ASAN_OPTIONS=detect_leaks=0 run sanitized '^test_(lifecycle|process)\.' env
else
  fail "the tests compile with sanitizers"
fi

if ! ./fuzz.sh possible; then
  skip "fuzzing" "clang has no libFuzzer here"
elif [ -z "$words" ]; then
  check "any bytes are a value or an error" ./fuzz.sh 3
fi

leaks=(--quiet --error-exitcode=9 --suppressions=valgrind.supp --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite)
with_tls='^test_(cpp_credentials|credentials|peer_checks|provided)\.'
if command -v valgrind >/dev/null; then
  without=$with_tls run plain 'a_fault_keeps|every_kind|misuse_of|what_is_thrown|a_queue_asks|a_question_holds_a_place_until_its_caller|what_is_not_caught|long_texts|closes_may_race|closes_are_told|step_by_step|published_worker_is_found|\.closing_leaves_no_process|served_without_waiting|a_check_decides' \
    valgrind "${leaks[@]}"
  # Records are encrypted by assembly, which memcheck takes for uninitialised, and with it all that depends on them.
  run plain "$with_tls.*(misuse_of|what_is_thrown|a_queue_asks|a_check_decides|is_provided_is_used|go_by_tls)" \
    valgrind --undef-value-errors=no "${leaks[@]}"
else
  skip "valgrind" "it is not installed"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
