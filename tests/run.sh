#!/bin/bash
# run.sh: every check and test there is, to the end, and a line of sums. `make test` calls it and sees to what it needs.
#
# The kernel tests run twice: what the machine's own kernel lacks (ipvlan, 802.1Q, dummy) runs on Debian's kernel in a
# virtual machine, where nothing may be skipped.
set -uo pipefail
cd "$(dirname "$0")/.."

readonly TARGET=x86_64-unknown-linux-musl
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed_steps=()

# Runs one step and goes on, whatever it ends with.
step() {
  local name=$1
  shift
  printf '\n== %s\n' "$name"
  "$@" 2>&1 | tee -a "$scratch/log"
  [ "${PIPESTATUS[0]}" = 0 ] || failed_steps+=("$name")
}

build() {
  make --silent build
}

# Not linked, let alone run: but whoever ports it shall not find that it never compiled.
other_architecture() {
  rustup --quiet target add aarch64-unknown-linux-musl &&
    cargo check --quiet --target aarch64-unknown-linux-musl \
      --package underlay-hook --package underlay-nsenter --package underlay-cli
}

# The built test, to be run without cargo: the virtual machine has none.
kernel_test() {
  cargo test --package tests --test kernel --no-run --message-format json 2>/dev/null |
    jq -r 'select(.executable != null and .target.name == "kernel") | .executable'
}

# Debians to test on, and what they have not: another runtime. One waits for the network and one computes.
engines() {
  local status=0
  { tests/tree.sh trixie && tests/tree.sh bookworm; } &
  tests/youki.sh || status=1
  wait $! || status=1
  return $status
}

on_this_kernel() {
  "$(kernel_test)" --skipped-to "$scratch/skipped"
}

in_the_second_kernel() {
  tests/vm.sh "$(kernel_test)" --require "$scratch/skipped"
}

step "format" cargo fmt --all --check
step "format of fuzz" cargo fmt --check --manifest-path fuzz/Cargo.toml
step "clippy" cargo clippy --workspace --all-targets --quiet -- -D warnings
# Advisories need a database from the network, and change without a commit: not here.
step "licences, bans, sources" cargo deny check licenses bans sources
step "unit tests" cargo test --workspace --exclude tests --quiet
step "tidy" cargo test --package tests --lib --test tidy --quiet
step "binaries" build
step "aarch64 compiles" other_architecture
step "documents" tests/documents.sh "${CARGO_TARGET_DIR:-target}/$TARGET/release/underlay"
step "hardening" tests/hardening.sh "${CARGO_TARGET_DIR:-target}/$TARGET/release"
step "fuzz" fuzz/run.sh 8
step "engines" engines
step "kernel tests" on_this_kernel
if [ -s "$scratch/skipped" ]; then
  step "kernel tests, second kernel" in_the_second_kernel
fi
step "packages" make --silent deb rpm
step "packaging tests" tests/packaging.sh

# What was skipped here and ran there is not skipped. On a developer's machine a skip is a number; in CI it is a failure.
sums=$(awk -v again="$(wc -l 2>/dev/null <"$scratch/skipped" || echo 0)" '
  /^test result:/ { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) p += $(i-1); if ($i ~ /^failed/) f += $(i-1); if ($i ~ /^ignored/) s += $(i-1) } }
  END { printf "%d passed, %d failed, %d skipped", p, f, s - again }
' "$scratch/log")
case $sums in
  *", 0 skipped") ;;
  *) [ -z "${CI:-}" ] || failed_steps+=("skipped tests, which CI must not have") ;;
esac
if [ ${#failed_steps[@]} -gt 0 ]; then
  printf '\nnot well: %s' "${failed_steps[@]}"
fi
printf '\n'
# Which engines really ran, on each kernel, and what the trials of faults, crowds and soak counted.
grep -E '^(engines|faults): ' "$scratch/log"
printf '%s\n' "$sums"
[ ${#failed_steps[@]} -eq 0 ]
