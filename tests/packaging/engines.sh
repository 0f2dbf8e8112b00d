#!/bin/bash
# engines.sh: what docs/engines.md says, done on a machine (machine.sh) with a Debian's containerd and Docker.
# /share/blocks/engines holds its blocks (blocks.awk); one that nobody tried is a failure.
set -uo pipefail
cd "$(dirname "$0")" || exit
. ./steps.sh
. ./container.sh

readonly BLOCKS=/share/blocks/engines

dpkg --install /share/old.deb >/run/dpkg 2>&1 || { cat /run/dpkg; exit 1; }
make_network

# Prints a block and remembers that it was of use.
block() {
  echo "$1" >>/run/used
  cat "$BLOCKS/$1"
}

podman_needs_nothing() {
  make_image
  bash -e <(block podman-1.sh)
  same "$(address_of web)" 192.168.1.128/24
  stop web
}

crio_finds_the_annotation_that_the_hooks_files_name() {
  key=$(block cri-o-1.yaml | sed -n 's/^    \([^ ]*\): .*/\1/p')
  jq -e --arg key "$key" '.when.annotations | keys[] as $pattern | $key | test($pattern)' \
    /usr/share/containers/oci/hooks.d/50-underlay-attach.json
}

the_kubernetes_annotation_is_honoured_from_then_on() {
  asks_by_kubernetes() {
    engine run -d --name pod --network none --annotation k8s.v1.cni.cncf.io/networks=lan busybox sleep 1000
  }
  asks_by_kubernetes
  same "$(leases)" ""
  stop pod
  bash -e <(block the-kubernetes-annotation-1.sh)
  asks_by_kubernetes
  same "$(leases | wc -w)" 1
  stop pod
  same "$(leases)" ""
  rm /usr/share/containers/oci/hooks.d/51-*
}

bundles_get_hooks() {
  make_bundle /run/bundle
  (cd /run/bundle && bash -e <(block runc-crun-and-other-runtimes-without-an-engine-1.sh))
  bundle_reaches_the_router runc
}

containerd_starts() {
  mkdir -p /etc/containerd
  { echo 'version = 2'; block containerd-1.toml; } >/etc/containerd/config.toml
  # Without CAP_SYS_RESOURCE, which not every test machine gives.
  sed -i '/^version/a [plugins."io.containerd.grpc.v1.cri"]\n  restrict_oom_score_adj = true' /etc/containerd/config.toml
  bash -e <(block containerd-1.sh)
  containerd >/run/containerd.log 2>&1 &
  answers ctr version || { cat /run/containerd.log; return 1; }
  containerd config dump | grep -F 'base_runtime_spec = "/etc/containerd/underlay.json"'
  containerd config dump | grep -F 'pod_annotations = ["io.underlay.networks"]'
}

# Until it does, for ten seconds.
answers() {
  for _ in $(seq 100); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.1
  done
  "$@"
}

# ctr takes it whole where the CRI plugin makes a container's of it.
containers_of_that_specification_are_attached() {
  make_root /run/image
  jq '.root = {path: "/run/image"} | .process.args = ["/bin/ping", "-c", "1", "-w", "5", "192.168.1.1"]
    | .process.terminal = false | del(.process.rlimits, .process.oomScoreAdj, .linux.cgroupsPath)
    | .annotations["io.underlay.networks"] = "lan"' /etc/containerd/underlay.json >/run/spec.json
  ctr run --rm --config /run/spec.json made-of-it </dev/null | grep -F "1 packets received"
  same "$(leases)" ""
}

containerd_runs_the_file_for_nerdctl() {
  block nerdctl-1.script >/usr/local/bin/underlay-runc
  chmod 755 /usr/local/bin/underlay-runc
  ctr run --rm --runc-binary /usr/local/bin/underlay-runc --annotation io.underlay.networks=lan --cap-add CAP_NET_RAW \
    --rootfs /run/image wrapped /bin/ping -c 1 -w 5 192.168.1.1 </dev/null | grep -F "1 packets received"
  same "$(leases)" ""
}

docker_starts() {
  mkdir -p /etc/docker
  block docker-1.json >/etc/docker/daemon.json
  dockerd --iptables=false --ip6tables=false --bridge=none --storage-driver vfs >/run/dockerd.log 2>&1 &
  answers docker version || { tail -30 /run/dockerd.log; return 1; }
  tar -C /run/image -c . | docker import - busybox
}

# From 24 on; Debian 12 has 20.10, and Debian 13 has 26.
docker_attaches_what_is_annotated_if_it_can_be() {
  if [ "$(docker version --format '{{.Server.Version}}' | cut -d. -f1)" -ge 24 ]; then
    bash -e <(block docker-1.sh)
    docker_is_attached
  else
    fails bash -e <(block docker-1.sh)
  fi
}

docker_attaches_what_its_runtime_says() {
  bash -e <(block docker-2.sh)
  docker_is_attached
}

docker_is_attached() {
  local pid
  pid=$(docker inspect --format '{{.State.Pid}}' web)
  nsenter --net="/proc/$pid/ns/net" ping -n -c 1 -w 5 192.168.1.1
  same "$(nsenter --net="/proc/$pid/ns/net" ip -brief -4 address show eth0 | awk '{ print $3 }' | cut -d/ -f2)" 24
  docker rm -f -v web
  same "$(leases)" ""
}

# A restart is another container for its runtime, and the bundle is written anew.
docker_restarts_what_it_attached() {
  docker run -d --name again --runtime on-lan --network none busybox sleep 1000
  docker restart -t 0 again
  same "$(leases | wc -w)" 1
  docker rm -f again
  same "$(leases)" ""
}

# apparmor.sh has those of AppArmor.
no_block_is_left() {
  same "$(cd "$BLOCKS" && ls | grep -v ^apparmor- | grep -v -e '\.text$' -e '\.untested$' | xargs)" "$(sort -u /run/used | xargs)"
}

try podman_needs_nothing crio_finds_the_annotation_that_the_hooks_files_name \
  the_kubernetes_annotation_is_honoured_from_then_on bundles_get_hooks containerd_starts \
  containers_of_that_specification_are_attached containerd_runs_the_file_for_nerdctl docker_starts \
  docker_attaches_what_is_annotated_if_it_can_be docker_attaches_what_its_runtime_says docker_restarts_what_it_attached no_block_is_left
