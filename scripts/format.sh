#!/usr/bin/env bash
# Formats Rust and Go; in CI nothing is written, and what is not formatted fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mapfile -t go_files < <(git ls-files --cached --others --exclude-standard '*.go')
if [ -n "${CI:-}" ]; then
  cargo fmt --all --check
  unformatted=$(gofmt -l "${go_files[@]}")
  if [ -n "$unformatted" ]; then
    printf 'not formatted by gofmt:\n%s\n' "$unformatted" >&2
    exit 1
  fi
else
  cargo fmt --all
  gofmt -w "${go_files[@]}"
fi
