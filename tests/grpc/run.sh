#!/usr/bin/env bash
# A generic gRPC client, as published in the package registry, against a worker of each language: what any tool that speaks
# gRPC can learn of a worker without a file of ours.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

venv=target/grpc-venv
if ! [ "$venv/installed" -nt tests/grpc/requirements.txt ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/grpc/requirements.txt
  touch "$venv/installed"
fi
exec "$venv/bin/python" tests/grpc/generic_client.py
