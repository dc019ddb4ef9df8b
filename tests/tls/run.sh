#!/usr/bin/env bash
# TLS of real workers and callers, from outside: with openssl, plain sockets, and grpcio as published in the package registry.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tests/grpc/venv.sh
# Refusals are what is wanted, and told by the checks.
export GRPC_VERBOSITY=NONE
exec target/grpc-venv/bin/python tests/tls "$@"
