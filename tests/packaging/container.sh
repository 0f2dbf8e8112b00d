# Sourced: containers as a package's user starts them, with what is installed and nothing else.

# Not hooks_dir: where podman looks unless it is told otherwise is part of the test.
export CONTAINERS_CONF=/run/containers.conf STORAGE_DRIVER=vfs
cat >"$CONTAINERS_CONF" <<'CONF'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
CONF

engine() {
  podman "$@"
}

make_network() {
  underlay network create -d macvlan --subnet 192.168.1.0/24 --gateway 192.168.1.1 \
    --ip-range 192.168.1.128/25 -o parent=eth0 lan
}

# As busybox, or as what it is called in a registry.
make_image() {
  make_root /run/image
  tar -C /run/image -c . | engine import -q --change CMD=sh - "${1:-busybox}"
}

start() {
  engine run -d --name "$1" --network none --annotation io.underlay.networks=lan busybox sleep 1000
}

stop() {
  engine rm -f -t 0 "$1"
}

# Commands in a container's network.
within() {
  local pid
  pid=$(engine inspect --format '{{.State.Pid}}' "$1")
  nsenter --net="/proc/$pid/ns/net" -- "${@:2}"
}

address_of() {
  within "$1" ip -brief -4 address show eth0 | awk '{ print $3 }'
}

is_attached() {
  within "$1" ping -n -c 1 -w 5 192.168.1.1
}

make_root() {
  mkdir -p "$1"/{bin,proc,dev}
  cp /bin/busybox "$1/bin/"
  for applet in sh sleep ping ip; do
    ln -sf busybox "$1/bin/$applet"
  done
}

# A bundle that nobody gave hooks to.
make_bundle() {
  rm -rf "$1"
  make_root "$1/rootfs"
  cat >"$1/config.json" <<'JSON'
{
  "ociVersion": "1.0.2",
  "process": {
    "user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/bin"],
    "args": ["ping", "-c", "1", "-w", "5", "192.168.1.1"],
    "capabilities": {"bounding": ["CAP_NET_RAW"], "effective": ["CAP_NET_RAW"], "permitted": ["CAP_NET_RAW"]}
  },
  "root": {"path": "rootfs"},
  "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
  "annotations": {"io.underlay.networks": "lan"},
  "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "network"}]}
}
JSON
}

# Runs the bundle to its end with a runtime and its options.
bundle_reaches_the_router() {
  local before
  before=$(leases)
  "$@" run --bundle /run/bundle "packaging-$$" </dev/null
  same "$(leases)" "$before"
}

# Addresses that are leased.
leases() {
  find /run/underlay/leases -type l -printf '%f\n' | sort | xargs
}

# Files of ours, wherever they are.
remains() {
  find / -xdev -name '*underlay*' | sort
  find /run -name '*underlay*' | sort
}
