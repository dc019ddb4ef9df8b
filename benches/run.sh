#!/usr/bin/env bash
# run.sh OPTIONS...: builds what is measured and measures it; README.md has the options. What a language lacks to be measured
# is said, and the others are.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/.." && pwd)
target=${CARGO_TARGET_DIR:-$top/target}
built=$target/bench

# The numbers are those of what is shipped; whether everything runs shows on what the tests build, too.
profile=dist
for option in "$@"; do
  [ "$option" != --quick ] || profile=release
done
library=$target/$profile

go_peer() {
  # Before the binding's own -L and rpath, which name the release profile.
  (cd "$here/go" && CGO_LDFLAGS="-L$library -Wl,-rpath,$library" go build -o "$built/go-peer" .)
}

# The addon is linked into a copy of the binding, so that the one that is tested stays what it is.
node_peer() {
  local binding=$top/bindings/node copy=$built/node/node_modules/libwool
  npm run --silent build:ts --prefix "$binding" &&
    mkdir -p "$copy" &&
    cp -r "$binding"/{package.json,dist,native,scripts} "$copy" &&
    ln -sfn "$binding/node_modules" "$copy/node_modules" &&
    WOOL_LIBRARY="$library/libwool.a" WOOL_INCLUDE="$top/include" node "$copy/scripts/build-native.mjs" >/dev/null &&
    cp "$here/node/peer.mjs" "$built/node"
}

# Exits here: without Rust there is neither a rival nor a library.
(cd "$top" && cargo build --quiet --profile "$profile" -p wool-bench -p libwool) || exit 1
mkdir -p "$built"
others=()
if go_peer; then others+=(--go "$built/go-peer"); fi
if node_peer; then others+=(--node "$built/node/peer.mjs"); fi
"$library/wool-bench" "${others[@]}" "$@"
