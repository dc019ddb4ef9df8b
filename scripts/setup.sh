#!/usr/bin/env bash
# Makes sure that what the build needs is there: installs missing system packages where that is possible (root on Debian or
# Ubuntu), names the command where it is not, and installs the Node packages at their locked versions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Where Debian has servers, which users do not look into.
PATH="$PATH:/usr/sbin"

# command -> Debian package
needed=(gcc:gcc g++:g++ clang:clang cmake:cmake make:make valgrind:valgrind gdb:gdb script:bsdutils unshare:util-linux ip:iproute2 nft:nftables python3:python3 dnsmasq:dnsmasq-base openssl:openssl curl:curl)

packages=()
for entry in "${needed[@]}"; do
  command -v "${entry%%:*}" >/dev/null || packages+=("${entry##*:}")
done
# Debian ships the module that makes virtual environments apart from Python.
python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
# install PACKAGE...: where that may be, else says how. False: they are not there now.
install() {
  local command="apt-get install -y --no-install-recommends $*"
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing system packages; on Debian or Ubuntu: sudo $command" >&2
    return 1
  fi
  echo "installing $*"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  $command -qq >/dev/null
}
if [ "${#packages[@]}" -gt 0 ]; then
  install "${packages[@]}" || exit 1
fi

# For the demo, which looks for the toolchains itself and goes on without those that are missing.
[ "${1:-}" != packages ] || exit 0

# Debian ships clang's sanitizers and its fuzzer apart from it. Without them the tests say what they leave out.
if ! tests/c/fuzz.sh possible; then
  install "libclang-rt-$(clang -dumpversion | cut -d . -f 1)-dev" || true
fi

# at_least WANTED FOUND: dotted versions
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# toolchain NAME WANTED FOUND HOW
toolchain() {
  if [ -z "$3" ] || ! at_least "$2" "$3"; then
    echo "$1 $2 or newer is needed, found ${3:-none}: $4" >&2
    exit 1
  fi
}

version() { "$@" 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1 || true; }

toolchain Rust 1.88 "$(version cargo --version)" "https://rustup.rs"
toolchain Go 1.23 "$(version go version)" "https://go.dev/dl"
toolchain Node 20 "$(version node --version)" "https://nodejs.org"
toolchain Python 3.11 "$(version python3 --version)" "https://www.python.org"
cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy

# npm ci empties node_modules first, so it runs only when the lock file is newer than what it installed.
if [ -f bindings/node/package-lock.json ] && ! [ bindings/node/node_modules/.package-lock.json -nt bindings/node/package-lock.json ]; then
  npm ci --prefix bindings/node --no-audit --no-fund --loglevel=error
fi
