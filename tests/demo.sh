#!/bin/bash
# demo.sh: two containers on a LAN, and nothing left of them afterwards. Needs root, and what `make build` built.
#
# All of it happens in namespaces of its own: a host with a NIC, and behind the NIC a LAN with a router.
set -euo pipefail

if [ "${1:-}" != inside ]; then
  cd "$(dirname "$0")/.."
  target=$(cargo metadata --no-deps --format-version 1 | jq -r .target_directory)
  export BINARIES=$target/x86_64-unknown-linux-musl/release BUSYBOX=/bin/busybox
  lab=$PWD/tests/src/host.sh
  # The lab's first process lives as long as its standard input is open: it ends with this script.
  coproc HOST { exec unshare --mount --net --pid --fork --kill-child --propagation private bash "$lab"; }
  read -r pid <&"${HOST[0]}"
  nsenter -t "$pid" -m -n -p -- bash "$PWD/tests/demo.sh" inside
  exit
fi

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() {
  printf '$ %s\n' "$*"
  "$@"
}

# The container would keep our output open.
show_detached() {
  printf '$ %s\n' "$*"
  "$@" </dev/null >/dev/null 2>/run/complaint || { cat /run/complaint; return 1; }
}

underlay() { /run/bin/underlay --config /run/config --run /run/underlay --helper /run/bin/underlay-nsenter "$@"; }

# What a container sees: commands in its network namespace.
in_container() {
  local name=$1
  shift
  printf '%s$ %s\n' "$name" "$*"
  nsenter -t "$(runc state "$name" | jq .pid)" -n -- "$@"
}

bundle() {
  mkdir -p "/run/bundles/$1"
  jq -n --arg networks "$2" '
    def hook($stage): [{
      path: "/run/bin/underlay-hook",
      args: ["underlay-hook", $stage, "--config", "/run/config", "--run", "/run/underlay", "--helper", "/run/bin/underlay-nsenter"]
    }];
    {
      ociVersion: "1.0.2",
      process: {user: {uid: 0, gid: 0}, args: ["sleep", "3600"], env: ["PATH=/bin"], cwd: "/"},
      root: {path: "/run/rootfs", readonly: true},
      mounts: [{destination: "/proc", type: "proc", source: "proc"}],
      annotations: {"io.underlay.networks": $networks},
      hooks: {createRuntime: hook("createRuntime"), poststop: hook("poststop")},
      linux: {namespaces: [{type: "pid"}, {type: "mount"}, {type: "network"}]}
    }' >"/run/bundles/$1/config.json"
}

say "The host has one NIC, eth0. Behind it is a LAN with a router, 172.16.86.1."
ip -n lan address add 172.16.86.1/24 dev wire
show ip -brief link

say "A network, as docker would be told of it."
show underlay network create -d macvlan --subnet=172.16.86.0/24 --gateway=172.16.86.1 -o parent=eth0 pub_net
show underlay network ls

say "Two containers. All that they say is the annotation io.underlay.networks."
bundle web pub_net
bundle db 'pub_net:ip=172.16.86.10'
for name in web db; do
  show_detached runc run --detach --bundle "/run/bundles/$name" "$name"
done
in_container web ip -brief address show eth0
in_container web ip route
in_container db ip -brief address show eth0

say "They reach each other, the router, and are reached from the LAN."
in_container web ping -q -c 2 -i 0.2 172.16.86.10
in_container db ping -q -c 2 -i 0.2 172.16.86.1
printf 'lan$ ping web\n'
ip netns exec lan ping -q -c 2 -i 0.2 172.16.86.2

say "What is recorded: one symbolic link a lease."
show ls -l /run/underlay/leases

say "They end, and so does all that was made for them."
show runc delete --force web
show runc delete --force db
show underlay network rm pub_net
show ip -brief link
show find /run/underlay ! -type d
[ -z "$(find /run/underlay ! -type d)" ] || { say "Something is left."; exit 1; }
say "Nothing is left."
