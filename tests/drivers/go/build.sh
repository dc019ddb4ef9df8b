#!/bin/sh
# Builds the Go conformance driver to target/drivers/wool-driver-go. Needs target/release/libwool.so.
set -eu
cd "$(dirname "$0")"
exec go build -o ../../../target/drivers/wool-driver-go .
