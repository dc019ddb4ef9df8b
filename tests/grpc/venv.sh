#!/usr/bin/env bash
# Makes target/grpc-venv, a Python with grpcio, unless it is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

venv=target/grpc-venv
if ! [ "$venv/installed" -nt tests/grpc/requirements.txt ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/grpc/requirements.txt
  touch "$venv/installed"
fi
