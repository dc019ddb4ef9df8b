#!/usr/bin/env bash
# Looks for inputs that the decoders get wrong, each for FUZZ_SECONDS (60). Needs target/release/libwool.so. What it finds
# is printed, and kept under target/fuzz or, by Go, in bindings/go/testdata/fuzz, where it is a test from then on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${FUZZ_SECONDS:-60}

if tests/c/fuzz.sh possible; then
  tests/c/fuzz.sh "$seconds"
else
  echo "SKIPPED C: clang has no libFuzzer here"
fi
for target in FuzzDecode FuzzTyped; do
  (cd bindings/go && go test -run '^$' -fuzz "^$target\$" -fuzztime "${seconds}s" .)
done
