#!/usr/bin/env bash
# Discovery on the network beside its relatives, as published in the package registry: python-zeroconf, and Python wool. In a
# network namespace of their own, where only they are heard.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

alone=(unshare --net)
[ "$(id -u)" -eq 0 ] || alone=(unshare --user --map-root-user --net)
if ! "${alone[@]}" ip link set lo up; then
  if [ "${CI:-}" = true ]; then exit 1; fi
  echo "SKIPPED: no network namespace can be made here"
  exit 0
fi

venv=target/lan-venv
if ! [ "$venv/installed" -nt tests/lan/requirements.txt ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/lan/requirements.txt
  touch "$venv/installed"
fi
cargo build --quiet -p wool --example lan_peer
exec "${alone[@]}" sh -c 'ip link set lo up && exec "$@"' sh timeout 300 "$venv/bin/python" tests/lan/relatives.py
