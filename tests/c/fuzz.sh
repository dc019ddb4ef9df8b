#!/usr/bin/env bash
# fuzz.sh SECONDS: the fuzz target of the values, by libFuzzer, beginning with the golden vectors.
# fuzz.sh possible: whether clang is there, with libFuzzer, which is a package of its own in some distributions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
top=$(cd ../.. && pwd)
built=$top/target/fuzz
sanitizers=-fsanitize=fuzzer,address,undefined
if [ "$1" = possible ]; then
  echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d == 0 && n > 0; }' |
    clang $sanitizers -x c - -o /dev/null 2>/dev/null
  exit
fi
mkdir -p "$built/seeds" "$built/found"
clang -std=c11 -g -O1 $sanitizers -fno-sanitize-recover=undefined -I"$top/include" fuzz_values.c \
  -o "$built/values" -L"$top/target/release" "-Wl,-rpath,$top/target/release" -lwool
python3 - "$top/proto/vectors" "$built/seeds" <<'END'
import json, pathlib, sys

vectors, seeds = map(pathlib.Path, sys.argv[1:])
for file in vectors.glob("*.json"):
    for number, vector in enumerate(json.loads(file.read_text())):
        (seeds / f"{file.stem}-{number}").write_bytes(bytes.fromhex(vector["hex"]))
END
# Leaks of the host would be told at the first input; the library keeps what it has for the process.
"$built/values" -max_total_time="$1" -timeout=20 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=0 -verbosity=0 \
  -artifact_prefix="$built/found/" "$built/seeds"
