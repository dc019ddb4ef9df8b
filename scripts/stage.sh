#!/usr/bin/env bash
# stage.sh NAME COMMAND...: runs one stage under a header, with the command's own output, and notes how it went and how
# long it took for scripts/summary.sh. The status is the command's.
set -uo pipefail
name=$1
shift
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$top/target"

printf '\n== %s\n' "$name"
began=$EPOCHREALTIME
"$@"
status=$?
seconds=$(awk -v began="$began" -v ended="$EPOCHREALTIME" 'BEGIN { printf "%.1f", ended - began }')
outcome=ok
[ "$status" -eq 0 ] || outcome="FAILED ($status)"
printf -- '-- %s: %s, %s s\n' "$name" "$outcome" "$seconds"
printf '%s\t%s\t%s\n' "$name" "$outcome" "$seconds" >>"$top/target/stages.tsv"
exit "$status"
