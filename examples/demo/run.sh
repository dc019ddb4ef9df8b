#!/usr/bin/env bash
# run.sh [FILE...]: builds the demo and runs it, on these files or else on this repository's and the system's licences.
# A language whose toolchain is missing, or that does not build, is left out; the demo says so, and how to change that.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
built="$top/target/demo"
mkdir -p "$built"

# at_least WANTED FOUND: dotted versions
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

version() { "$@" 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1 || true; }

languages=()
with() { languages+=(--with "$1=$2"); }
without() { languages+=(--without "$1=$2"); }

# step NAME COMMAND...: a build with its output in target/demo/NAME.log.
step() {
  local name=$1 status=0
  shift
  echo "building: $name" >&2
  "$@" >"$built/$name.log" 2>&1 || status=$?
  return "$status"
}

command -v cargo >/dev/null || {
  echo "Rust is missing; get it with: curl --proto '=https' -sSf https://sh.rustup.rs | sh" >&2
  exit 1
}
rust_build() {
  cd "$top"
  # Together, so that what they share is compiled once.
  cargo build --release -p libwool -p wool-demo
}
step rust rust_build || {
  cat "$built/rust.log" >&2
  exit 1
}

c_build() {
  gcc -std=c11 -O2 -Wall -Wextra -I "$top/include" -o "$built/c" "$here"/c/*.c \
    -L "$top/target/release" -lwool "-Wl,-rpath,$top/target/release"
}
if ! command -v gcc >/dev/null; then
  without c "gcc is not installed; get it with: apt-get install gcc"
elif step c c_build; then
  with c "$built/c"
else
  without c "it does not build; see target/demo/c.log, try: examples/demo/run.sh"
fi

go_build() {
  cd "$here/go"
  go build -o "$built/go" .
}
found=$(version go version)
if [ -z "$found" ]; then
  without go "Go 1.23 or newer is not installed; get it with: apt-get install golang-go gcc, or from https://go.dev/dl"
elif ! at_least 1.23 "$found"; then
  without go "Go $found is too old; get 1.23 or newer from https://go.dev/dl"
elif step go go_build; then
  with go "$built/go"
else
  without go "it does not build; see target/demo/go.log, try: cd examples/demo/go && go build"
fi

node_build() {
  cd "$top/bindings/node"
  [ -d node_modules ] || npm ci --no-audit --no-fund --loglevel=error
  npm run --silent build
  "$top/examples/link-node.sh" "$here/node"
}
found=$(version node --version)
if [ -z "$found" ]; then
  without node "Node 20 or newer is not installed; get it with: apt-get install nodejs npm, or from https://nodejs.org"
elif ! at_least 20 "$found"; then
  without node "Node $found is too old; get 20 or newer from https://nodejs.org"
elif step node node_build; then
  with node "$here/node/main.mjs"
else
  without node "it does not build; see target/demo/node.log, try: npm ci --prefix bindings/node && npm run build --prefix bindings/node"
fi

files=("$@")
at_least=0
if [ "${#files[@]}" -eq 0 ]; then
  # Some seconds' worth.
  at_least=$((12 << 20))
  cd "$top"
  while IFS= read -r -d '' file; do
    [ ! -f "$file" ] || files+=("$file")
  done < <(git ls-files -z 2>/dev/null || true)
  for file in /usr/share/common-licenses/*; do
    [ ! -f "$file" ] || files+=("$file")
  done
fi

# In the shell's place, so that a signal to the demo reaches the program that ends what it has started.
exec "$top/target/release/wool-demo" run --at-least "$at_least" "${languages[@]}" "${files[@]}"
