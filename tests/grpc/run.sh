#!/usr/bin/env bash
# A generic gRPC client, as published in the package registry, against a worker of each language: what any tool that speaks
# gRPC can learn of a worker without a file of ours.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tests/grpc/venv.sh
exec target/grpc-venv/bin/python tests/grpc/generic_client.py
