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
touch "$scratch/unsteady" "$scratch/failures"

# Runs one step and goes on, whatever it ends with. In CI, what is well of it is not told one by one.
step() {
  local name=$1
  shift
  printf '\n== %s\n' "$name"
  "$@" 2>&1 | tee "$scratch/step" | if [ -n "${CI:-}" ]; then grep --line-buffered -v ' \.\.\. ok$'; else cat; fi
  local status=${PIPESTATUS[0]}
  cat "$scratch/step" >>"$scratch/log"
  [ "$status" = 0 ] || failed_step "$name"
}

# What it said is told again at the very end, where it is looked for, and where a log that was cut still has it.
failed_step() {
  failed_steps+=("$1")
  { printf '\n== %s, again\n' "$1"; grep -vE ' \.\.\. (ok|ignored)$' "$scratch/step" | tail -n 150; } >>"$scratch/failures"
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

# Trials on one kernel; a few that fail are tried once more, by themselves. Engines have races of their own (runc 1.1.5: "symlink
# pts/ptmx: file exists"; podman 4.3: a container's cgroup that is gone while it looks), and so has whoever watches them. One that
# passes then is unsteady: told at the end with what it said, counted, and to be mended.
steadily() {
  local first=$scratch/first again=$scratch/again kernel status
  kernel=$(kernel_test)
  "$1" "$kernel" "${@:2}" 2>&1 | tee "$first"
  status=${PIPESTATUS[0]}
  sed -n 's/^---- \(.*\) ----$/\1/p' "$first" >"$again"
  [ "$status" != 0 ] && [ -s "$again" ] && [ "$(wc -l <"$again")" -le 3 ] || return "$status"
  printf '\nonce more:\n'
  "$1" "$kernel" --require "$again" || return
  cat "$again" >>"$scratch/unsteady"
  { printf '\n== unsteady\n'; sed -n '/^failures:$/,$p' "$first"; } >>"$scratch/failures"
}

on_this_kernel() {
  steadily env --skipped-to "$scratch/skipped"
}

in_the_second_kernel() {
  steadily tests/vm.sh --require "$scratch/skipped"
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

# What was skipped here and ran there is not skipped, and what failed and then passed has not failed. On a developer's machine a skip
# is a number; in CI it is a failure.
unsteady=$(wc -l <"$scratch/unsteady")
sums=$(awk -v again="$(wc -l 2>/dev/null <"$scratch/skipped" || echo 0)" -v unsteady="$unsteady" '
  /^test result:/ { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) p += $(i-1); if ($i ~ /^failed/) f += $(i-1); if ($i ~ /^ignored/) s += $(i-1) } }
  END { printf "%d passed, %d failed, %d skipped", p, f - unsteady, s - again }
' "$scratch/log")
case $sums in
  *", 0 skipped") ;;
  *) [ -z "${CI:-}" ] || failed_steps+=("skipped tests, which CI must not have") ;;
esac
cat "$scratch/failures"
if [ "$unsteady" -gt 0 ]; then
  printf '\nunsteady, passed at the second try: %s' "$(paste -sd ';' "$scratch/unsteady")"
fi
if [ ${#failed_steps[@]} -gt 0 ]; then
  printf '\nnot well: %s' "${failed_steps[@]}"
fi
printf '\n'
# Which engines really ran, on each kernel, and what the trials of faults, crowds and soak counted.
grep -E '^(engines|faults): ' "$scratch/log"
printf '%s\n' "$sums"
[ ${#failed_steps[@]} -eq 0 ]
