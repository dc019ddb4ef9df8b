#!/usr/bin/env bash
# link-node.sh FOLDER: lets `import 'libwool'` in that folder find the binding in this tree, as an installed package would be.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$1/node_modules"
ln -sfn "$top/bindings/node" "$1/node_modules/libwool"
