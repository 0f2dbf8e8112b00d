#!/bin/bash
# run.sh SECONDS [TARGET...]: fuzzes all targets, or these, each for so long, two at a time; what they find is in
# target/fuzz/found.
#
# cargo-fuzz would want a nightly compiler, for options that are stable by their own names: LLVM's counters of covered
# edges and its comparisons. Left out is its address sanitizer, which is not; there is no unsafe code to be watched.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly SECONDS_EACH=$1
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(state annotation network plan report record)
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
mkdir -p "$target/found"

RUSTFLAGS="--cfg fuzzing -C passes=sancov-module -C codegen-units=1 \
  -C llvm-args=-sanitizer-coverage-level=4 -C llvm-args=-sanitizer-coverage-inline-8bit-counters \
  -C llvm-args=-sanitizer-coverage-pc-table -C llvm-args=-sanitizer-coverage-trace-compares" \
  CARGO_TARGET_DIR=$target cargo build --quiet --release --locked --manifest-path fuzz/Cargo.toml \
  --target x86_64-unknown-linux-gnu

# What is new goes to the first directory, which is kept between runs; the seeds stay as they are.
fuzz() {
  local corpus=$target/corpus/$1
  mkdir -p "$corpus"
  if "$target/x86_64-unknown-linux-gnu/release/$1" -max_total_time="$SECONDS_EACH" -timeout=5 -rss_limit_mb=1024 \
    -max_len=16384 -print_final_stats=1 -artifact_prefix="$target/found/$1-" "$corpus" "fuzz/seeds/$1" \
    >"$target/$1.log" 2>&1; then
    printf 'fuzz %s: %s executions, nothing found\n' "$1" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$target/$1.log")"
  else
    tail -n 40 "$target/$1.log"
    printf 'fuzz %s: found something, see above\n' "$1"
    return 1
  fi
}
export -f fuzz
export target SECONDS_EACH
printf '%s\n' "${targets[@]}" | xargs -P 2 -I '{}' bash -c 'fuzz {}'
