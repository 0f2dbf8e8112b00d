#!/bin/bash
# youki.sh: builds youki, a runtime that Debian has not, into engines/bin of the target directory; once.
#
# Not optimised, which would take most of the time; and not --debug, which makes it talk. Debian package: libseccomp-dev.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly VERSION=0.7.0 ENGINES=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}/engines")

[ ! -x "$ENGINES/bin/youki" ] || exit 0
export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256
# Without systemd and wasm, which nothing here uses.
cargo install youki --version "$VERSION" --locked --quiet --no-track --root "$ENGINES" \
  --target-dir "$ENGINES/build" --no-default-features --features v1,v2,seccomp
rm -rf "$ENGINES/build"
