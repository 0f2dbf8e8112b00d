#!/bin/bash
# systemd.sh: the units where systemd is process 1 (booted.sh). The package was installed before the machine ran.
set -uo pipefail
cd "$(dirname "$0")" || exit
. ./steps.sh
. ./container.sh

boots() {
  same "$(cat /proc/1/comm)" systemd
  same "$(systemctl list-units --failed --no-legend 'underlay-*')" ""
}

the_run_directory_is_there_before_anybody_needs_it() {
  same "$(stat -c '%a %U %G' /run/underlay)" "700 root root"
  same "$(systemctl show -p ActiveState --value systemd-tmpfiles-setup.service)" active
}

the_helper_has_its_user() {
  underlay doctor | grep "becomes underlay ($(id -u underlay):$(id -g underlay))"
}

the_timer_is_on_since_the_installation() {
  same "$(systemctl is-enabled underlay-gc.timer)" enabled
  same "$(systemctl is-active underlay-gc.timer)" active
}

# In the machine it is told to begin at once.
gc_runs_at_boot_and_collects() {
  for _ in $(seq 100); do
    [ -z "$(systemctl show -p ExecMainExitTimestamp --value underlay-gc.service)" ] || break
    sleep 0.2
  done
  systemctl status --no-pager underlay-gc.service || :
  same "$(systemctl show -p Result -p ExecMainStatus underlay-gc.service | sort | xargs)" "ExecMainStatus=0 Result=success"
  same "$(leases)" ""
}

the_timer_comes_again() {
  same "$(systemctl show -p TimersMonotonic --value underlay-gc.timer | grep -o 'OnUnitInactiveUSec=10min')" \
    OnUnitInactiveUSec=10min
  [ "$(systemctl show -p NextElapseUSecMonotonic --value underlay-gc.timer)" != infinity ]
}

a_lan_is_there() {
  ip netns add lan
  ip link add eth0 type veth peer name wire netns lan
  ip -n lan addr add 192.168.1.1/24 dev wire
  ip -n lan link set wire up
  ip link set eth0 up
  make_network
}

podman_attaches_a_container() {
  mount -t tmpfs tmpfs /var/lib/containers
  make_image
  start first
  same "$(address_of first)" 192.168.1.128/24
  is_attached first
  stop first
  same "$(leases)" ""
}

# All that a collection can have to do, within what the unit lets it do: the helper, a link in a living namespace, a
# sub-interface that no network wants.
the_unit_lets_gc_work() {
  underlay network create -d ipvlan --subnet 10.50.0.0/24 -o parent=eth0.50 voice
  ip netns add kept
  make_bundle /run/bundle
  sed -i 's|{"type": "network"}|{"type": "network", "path": "/run/netns/kept"}|; s/"lan"/"voice"/; s/"args".*/"args": ["sleep", "1000"],/' \
    /run/bundle/config.json
  underlay bundle add-hooks /run/bundle/config.json
  crun run --detach --bundle /run/bundle kept </dev/null
  ip -n kept link show eth0
  kill -KILL "$(crun state kept | jq .pid)"
  rm -rf /run/crun/kept
  rm /etc/underlay/networks/voice.json
  systemctl start underlay-gc.service || journalctl --no-pager --unit underlay-gc.service --lines 20
  same "$(leases)" ""
  fails ip -n kept link show eth0
  fails ip link show eth0.50
  ip netns delete kept
}

nothing_was_denied() {
  fails grep -i -e 'apparmor="DENIED".*underlay' -e 'underlay.*permitted' <(journalctl --no-pager -b; dmesg)
}

try boots the_run_directory_is_there_before_anybody_needs_it the_helper_has_its_user \
  the_timer_is_on_since_the_installation gc_runs_at_boot_and_collects the_timer_comes_again a_lan_is_there \
  podman_attaches_a_container the_unit_lets_gc_work nothing_was_denied
