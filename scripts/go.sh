#!/usr/bin/env bash
# go.sh COMMAND ARGUMENTS...: runs a go command in every Go module of the project.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mapfile -t modules < <(git ls-files --cached --others --exclude-standard '*go.mod')
for module in "${modules[@]}"; do
  (cd "$(dirname "$module")" && go "$@")
done
