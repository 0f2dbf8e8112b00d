#!/bin/bash
# order.sh: writes hook/order.ld and nsenter-helper/order.ld anew: the functions that run when a container starts and ends, in
# the order of their first calls. Needs root, a kernel with uprobes, and Debian's binutils, iproute2 and jq.
#
# The programs are built with their names, and the kernel's tracer is told to note each function of theirs that is called,
# while they attach and detach containers in namespaces of their own.
set -euo pipefail

PROGRAMS=(underlay-hook underlay-nsenter)
# Probes are told apart by their names: h1, h2 ... and n1, n2 ...
letter() { echo "${1:9:1}"; }
TRIPLE=x86_64-unknown-linux-musl

cd "$(dirname "$0")/.."
if [ "${1:-}" != inside ]; then
  target=$(cargo metadata --no-deps --format-version 1 | jq -r .target_directory)
  CARGO_PROFILE_RELEASE_STRIP=false cargo build --release --target $TRIPLE --target-dir "$target/order" \
    --package underlay-hook --package underlay-nsenter --package underlay-cli
  export BINARIES=$target/order/$TRIPLE/release BUSYBOX=/bin/busybox
  lab=$PWD/tests/src/host.sh
  # The lab's first process lives as long as its standard input is open: it ends with this script.
  coproc HOST { exec unshare --mount --net --pid --fork --kill-child --propagation private bash "$lab"; }
  read -r pid <&"${HOST[0]}"
  nsenter -t "$pid" -m -n -p -- bash "$PWD/tests/order.sh" inside
  exit
fi

tracing=/run/tracing
mkdir $tracing
mount -t tracefs tracefs $tracing
instance=$tracing/instances/underlay-order
mkdir $instance

stop() {
  for program in "${PROGRAMS[@]}"; do echo 0 2>/dev/null >"$instance/events/${program/-/_}/enable" || true; done
  rmdir $instance
  sed -n 's/^p:\(underlay_[a-z]*\/[^ ]*\) .*/-:\1/p' $tracing/uprobe_events >/run/ours
  while read -r probe; do echo "$probe" >>$tracing/uprobe_events; done </run/ours
}
trap stop EXIT

# "ADDRESS NAME" of each function; of several names of one address, one.
functions() { nm --defined-only "/run/bin/$1" | awk '$2 ~ /[tTwW]/ {print $1, $3}' | sort -u -k 1,1; }

# A function's address is its offset in the file, too: the segments before it are as long in the file as in memory (readelf
# --program-headers). The kernel takes no probe at some instructions; what it refuses is not listed.
for program in "${PROGRAMS[@]}"; do
  functions "$program" >"/run/$program.functions"
  number=0
  while read -r address _; do
    echo "p:${program/-/_}/$(letter "$program")$number /run/bin/$program:0x$address" 2>/dev/null >>$tracing/uprobe_events || true
    number=$((number + 1))
  done <"/run/$program.functions"
  echo 1 >"$instance/events/${program/-/_}/enable"
done
echo 20000 >$instance/buffer_size_kb

underlay() { /run/bin/underlay --config /run/config --run /run/underlay "$@"; }
hook() { /run/bin/underlay-hook "$1" --config /run/config --run /run/underlay --helper /run/bin/underlay-nsenter; }

state() {
  jq -nc --arg status "$1" --argjson pid "$2" --argjson annotations "$3" \
    '{ociVersion: "1.0.2", id: "order", status: $status, pid: $pid, bundle: "/run/bundle", annotations: $annotations}'
}

underlay network create -d macvlan --subnet=172.16.86.0/24 --gateway=172.16.86.1 -o parent=eth0 lan
mkdir /run/bundle
echo '{"ociVersion": "1.0.2", "linux": {"namespaces": [{"type": "network"}]}}' >/run/bundle/config.json
asks='{"io.underlay.networks": "lan"}'
for ends in with-its-namespace before-its-namespace; do
  unshare --net sleep 600 &
  container=$!
  until [ "$(readlink /proc/$container/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
  state creating $container '{}' | hook createRuntime
  state creating $container "$asks" | hook createRuntime
  if [ $ends = with-its-namespace ]; then kill $container && wait $container || true; fi
  state stopped 0 "$asks" | hook poststop
  if [ $ends = before-its-namespace ]; then kill $container && wait $container || true; fi
done

# The compiler's own names, but for the hashes in them, which it makes of its version and of ours: at the end of an old name,
# beside each crate of a new one (RFC 2603), as the standard library has them.
order() {
  local program=$1 letter
  letter=$(letter "$1")
  echo "/* Written by tests/order.sh (\`make order\`): what runs, in the order of its first call. */"
  echo "SECTIONS"
  echo "{"
  echo "  .text.first :"
  echo "  {"
  # What a static program begins with, and the C library, of which each function is a file of its own.
  echo "    *rcrt1.o(.text .text.*)"
  echo "    *libc.a:*(.text .text.*)"
  grep -o ": $letter[0-9]*: " $instance/trace | tr -dc '0-9\n' | awk '!seen[$1]++' |
    awk 'NR == FNR {name[FNR - 1] = $2; next} {print name[$1]}' "/run/$program.functions" - |
    grep '^_ZN\|^_R\|^main$\|^mem' |
    sed 's/17h[0-9a-f]\{16\}E$/17h*E/; s/Cs[0-9A-Za-z]*_/Cs*_/g; s/\$/?/g; s/.*/    *(.text.& .text.unlikely.&)/' |
    awk '!seen[$0]++'
  echo "  }"
  echo "}"
  echo "INSERT BEFORE .text;"
}

for program in "${PROGRAMS[@]}"; do
  grep -q ": $(letter "$program")[0-9]*: " $instance/trace || {
    echo "order.sh: the kernel noted no function of $program: it may lack uprobes (CONFIG_UPROBE_EVENTS); the lists are as they were" >&2
    exit 1
  }
  order "$program" >"/run/$program.ld"
done
cp /run/underlay-hook.ld hook/order.ld
cp /run/underlay-nsenter.ld nsenter-helper/order.ld
wc -l hook/order.ld nsenter-helper/order.ld
