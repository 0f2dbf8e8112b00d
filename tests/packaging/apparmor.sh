#!/bin/bash
# apparmor.sh: hook and helper under the profile that the package brings, on a machine that has booted (booted.sh, systemd.sh).
# /share/blocks/engines has what docs/engines.md says to type.
set -uo pipefail
cd "$(dirname "$0")" || exit
. ./steps.sh
. ./container.sh

# What was denied to the programs of ours, since the last look.
denied() {
  dmesg --read-clear | grep -F 'apparmor="DENIED"' | grep -o 'operation=.*profile="underlay[^ ]* .*' || :
}

the_profile_is_loaded_as_the_manual_says() {
  dmesg --clear
  bash -e /share/blocks/engines/apparmor-1.sh
  same "$(grep ^underlay /sys/kernel/security/apparmor/profiles | sort | xargs)" \
    "underlay-hook (enforce) underlay-nsenter (enforce)"
}

podman_attaches() {
  start confined
  is_attached confined
  stop confined
  same "$(leases)" ""
}

runc_and_crun_attach() {
  for runtime in runc crun; do
    make_bundle /run/bundle
    underlay bundle add-hooks /run/bundle/config.json
    bundle_reaches_the_router "$runtime"
  done
}

# Both families, a sub-interface that is made and removed, and a namespace that outlives the container.
a_shared_namespace_on_a_vlan_is_attached() {
  underlay network create -d macvlan --subnet 10.50.0.0/24 --subnet 2001:db8:50::/64 --ipv6 -o parent=eth0.50 voice
  ip netns add kept
  make_bundle /run/bundle
  sed -i 's|{"type": "network"}|{"type": "network", "path": "/run/netns/kept"}|; s/"lan"/"voice"/; s/"args".*/"args": ["sleep", "1000"],/' \
    /run/bundle/config.json
  underlay bundle add-hooks /run/bundle/config.json
  crun run --detach --bundle /run/bundle kept </dev/null
  same "$(ip -n kept -brief address show eth0 | grep -o '2001:db8:50::1/64')" 2001:db8:50::1/64
  crun delete --force kept
  fails ip -n kept link show eth0
  same "$(leases)" ""
  underlay network rm voice
  ip netns delete kept
}

# From 256 records on, the helper writes sysctls in a procfs of its own. These are names of no namespace.
among_many_namespaces_too() {
  touch /run/underlay/namespaces/no-{1..512}
  make_bundle /run/bundle
  underlay bundle add-hooks /run/bundle/config.json
  bundle_reaches_the_router runc
  rm /run/underlay/namespaces/no-*
}

nothing_that_they_need_was_denied() {
  same "$(denied)" ""
}

# The same without the profile is no failure: the directory is root's, and the hook is root.
a_directory_that_is_not_ours_is_closed_to_the_hook() {
  cp -r /etc/underlay /root/elsewhere
  make_bundle /run/bundle
  underlay --config /root/elsewhere bundle add-hooks /run/bundle/config.json
  fails runc run --bundle /run/bundle elsewhere </dev/null
  denied | grep -F 'profile="underlay-hook" name="/root/elsewhere'
  same "$(leases)" ""
  apparmor_parser --remove /etc/apparmor.d/underlay
  bundle_reaches_the_router runc
  bash -e /share/blocks/engines/apparmor-1.sh
}

no_file_is_open_to_the_helper() {
  cat /etc/hostname
  fails aa-exec --profile underlay-nsenter -- /bin/cat /etc/hostname
  denied | grep -F 'profile="underlay-nsenter"'
}

try the_profile_is_loaded_as_the_manual_says podman_attaches runc_and_crun_attach \
  a_shared_namespace_on_a_vlan_is_attached among_many_namespaces_too nothing_that_they_need_was_denied \
  a_directory_that_is_not_ours_is_closed_to_the_hook no_file_is_open_to_the_helper
