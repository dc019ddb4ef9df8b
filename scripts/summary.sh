#!/usr/bin/env bash
# Every stage of this run with its outcome and seconds; the last line is the sum.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
printf '\n== stages\n'
awk -F '\t' '
  { printf "%8.1f s  %-12s %s\n", $3, $2, $1; total += $3; if ($2 != "ok") failed++ }
  END { printf "%8.1f s  %s\n", total, failed ? failed " failed" : "all " NR " stages passed" }
' "$top/target/stages.tsv"
