#!/usr/bin/env bash
# The ABI is what it was, and two tools that read the sources each in its own way agree on it: cbindgen, which writes
# include/wool.h, and safer-ffi, whose view is kept in abi.lock.json. In CI both files must be up to date; elsewhere they are
# rewritten.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
told=$PWD/target/abi.json
check=$PWD/target/abi_check.c

mkdir -p target
cargo build --release --quiet -p libwool
WOOL_ABI_JSON=$told cargo test --quiet -p libwool --features headers --lib -- lock::tell_the_abi >/dev/null
ffi/abi_lock.py "$told" "$check"
for compiler in gcc clang; do
  if command -v "$compiler" >/dev/null; then
    "$compiler" -std=c11 -Wall -Wextra -Werror -Iinclude -fsyntax-only "$check"
  elif [ "${CI:-}" = true ]; then
    echo "$compiler is not installed" >&2
    exit 1
  else
    echo "SKIPPED $compiler: it is not installed"
  fi
done
echo "wool.h, the library and the ABI lock agree"
