#!/bin/sh
# Builds the C conformance driver to target/drivers/wool-driver-c. Needs target/release/libwool.so.
set -eu
cd "$(dirname "$0")"
top=$(cd ../../.. && pwd)
mkdir -p "$top/target/drivers"
exec "${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror -O2 -g -pthread \
  -I "$top/include" -o "$top/target/drivers/wool-driver-c" ./*.c \
  -L "$top/target/release" -lwool "-Wl,-rpath,$top/target/release"
