#!/bin/bash
# readme.sh: what the README says to type, typed on a machine (machine.sh). /share/blocks holds the README's blocks of shell's
# lines and YAML (blocks.awk), /share/source what `make` has left in the directory of the source.
#
# Every block is one test's; a block that no test ran is a failure.
set -uo pipefail
cd "$(dirname "$0")" || exit
. ./steps.sh
. ./container.sh

readonly BLOCKS=/share/blocks/readme
# Where the reader is: it can be written to.
cp -r /share/source /root/source
cd /root/source || exit

# Does what a block says, with another word in place of CONTAINER if there is one. Lines for make(1) have been typed where the
# source is.
type_in() {
  echo "$1.sh" >>/run/typed
  sed "s/CONTAINER/${2:-CONTAINER}/" "$BLOCKS/$1.sh" >/run/block
  { echo "$1:"; sed "s/^/    /" /run/block; } >>/run/commands
  sed -i '/^make /d' /run/block
  bash -e /run/block </dev/null >/run/said
  cat /run/said
}

# What stands behind `#` on the lines of a block that begin so is there in what they said.
comments_are_true() {
  sed -n "s/^$2.*  # //p" "$BLOCKS/$1.sh" | while read -r comment; do
    grep -F "$comment" /run/said
  done
}

# "each under ten lines"
is_short() {
  [ "$(wc -l <"$BLOCKS/$1")" -lt 10 ]
}

the_package_is_installed() {
  is_short quick-start-1.sh
  type_in quick-start-1
  same "$(dpkg-query -W -f '${db:Status-Abbrev}' underlay)" "ii "
}

the_first_network_is_made() {
  is_short quick-start-2.sh
  type_in quick-start-2
  same "$(underlay network ls -q)" lan
}

podman_starts_the_first_container() {
  make_image docker.io/library/busybox
  is_short podman-1.sh
  type_in podman-1
  comments_are_true podman-1 "podman exec"
  same "$(leases)" ""
}

runc_and_crun_start_a_bundle() {
  is_short runc-or-crun-1.sh
  type_in runc-or-crun-1
  grep -F 192.168.1.60/24 /run/said
  grep -F "default via 192.168.1.1 dev eth0" /run/said
  instead=$(sed -n 's/.*  # or: //p' "$BLOCKS/runc-or-crun-1.sh")
  (cd web && $instead </dev/null >/run/said)
  grep -F 192.168.1.60/24 /run/said
  same "$(leases)" ""
}

# CRI-O is not to be had: this is what it does with the files and the pod's annotation.
crio_calls_the_hooks_for_the_pod() {
  local block=$BLOCKS/cri-o-1.yaml
  echo cri-o-1.yaml >>/run/typed
  is_short cri-o-1.yaml
  key=$(sed -n '/^  annotations:/,$s/^    \([^ ]*\): .*/\1/p' "$block")
  value=$(sed -n "s/^    $key: //p" "$block")
  same "$key" io.underlay.networks
  ip netns add pod
  # The cluster's own network.
  ip link add tunnel type veth peer name eth0 netns pod
  mkdir -p /run/pod
  jq -n '{ociVersion: "1.0.2", process: {args: ["x"], cwd: "/"}, root: {path: "/"},
    linux: {namespaces: [{type: "network", path: "/run/netns/pod"}]}}' >/run/pod/config.json
  as_crio_does createRuntime creating "$key" "$value"
  same "$(ip -n pod -brief -4 address show dev net1 | awk '{ print $3 }' | cut -d/ -f2)" 24
  ip netns exec pod ping -n -c 1 -w 5 192.168.1.1
  as_crio_does poststop stopped "$key" "$value"
  same "$(ip -n pod -brief link | awk '{ print $1 }' | sed 's/@.*//' | xargs)" "lo eth0"
  ip link delete tunnel
  ip netns delete pod
  same "$(leases)" ""
}

# Runs the hooks of a stage whose files ask for it by the annotation, with the state that CRI-O's runtime writes.
as_crio_does() {
  local stage=$1 status=$2 key=$3 value=$4 file ran=0
  for file in /usr/share/containers/oci/hooks.d/*.json; do
    jq -e --arg stage "$stage" --arg key "$key" --arg value "$value" '
      .version == "1.0.0" and (.stages | index($stage)) and
      (.when.annotations | to_entries | all(.key as $k | .value as $v | ($key | test($k)) and ($value | test($v))))' \
      "$file" || continue
    mapfile -t args < <(jq -r '.hook.args[1:][]' "$file")
    mapfile -t env < <(jq -r '.hook.env[]' "$file")
    jq -cn --arg status "$status" --arg key "$key" --arg value "$value" '{
      ociVersion: "1.0.2-dev", id: "fcdef452952f", status: $status, bundle: "/run/pod", annotations: {
        ($key): $value, "io.container.manager": "cri-o", "io.kubernetes.cri-o.ContainerType": "container",
        "io.kubernetes.cri-o.ContainerID": "fcdef452952f", "io.kubernetes.cri-o.SandboxID": "4b98eed87b7b",
        "io.kubernetes.pod.name": "web", "io.kubernetes.pod.namespace": "default"}}' |
      (cd /run/pod && env -i "${env[@]}" "$(jq -r .hook.path "$file")" "${args[@]}")
    ran=$((ran + 1))
  done
  same "$ran" 1
}

the_commands_by_hand_do_what_they_say() {
  underlay network create -d macvlan --subnet 10.9.0.0/24 -o parent=eth0 other
  engine run -d --name hand --network none --annotation io.underlay.networks=other docker.io/library/busybox sleep 1000
  type_in by-hand-1 "$(engine inspect --format '{{.Id}}' hand | cut -c1-12)"
  same "$(leases)" 10.9.0.1
  stop hand
  underlay network rm other
}

the_doctor_looks() {
  type_in when-it-does-not-work-1
}

what_died_is_collected() {
  start dead
  kill -KILL "$(engine inspect --format '{{.State.ConmonPid}}' dead)" "$(engine inspect --format '{{.State.Pid}}' dead)"
  same "$(leases | wc -w)" 1
  until [ -z "$(leases)" ]; do
    type_in crashes-and-reboots-1
    sleep 0.1
  done
}

# By packaging.sh, except for `make test`, which this is part of.
the_lines_for_make_are_typed_where_the_source_is() {
  type_in building-and-testing-1
  same "$(sed -n 's/^\(make [a-z]*\).*/\1/p' "$BLOCKS"/*.sh | sort -u | xargs)" "make build make deb make demo make test"
}

no_block_is_left() {
  same "$(cd "$BLOCKS" && ls | grep -v '\.text$' | xargs)" "$(sort -u /run/typed | xargs)"
}

try the_package_is_installed the_first_network_is_made podman_starts_the_first_container runc_and_crun_start_a_bundle \
  crio_calls_the_hooks_for_the_pod the_commands_by_hand_do_what_they_say the_doctor_looks what_died_is_collected \
  the_lines_for_make_are_typed_where_the_source_is no_block_is_left
status=$?
printf '\nwhat was typed, as the README says it:\n'
cat /run/commands
exit $status
