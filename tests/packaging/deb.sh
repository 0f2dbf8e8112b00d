#!/bin/bash
# deb.sh: the life of the .deb on a machine (machine.sh). /share holds the package and its successor, old.deb and new.deb.
set -uo pipefail
cd "$(dirname "$0")" || exit
. ./steps.sh
. ./container.sh

installs_with_apt_alone() {
  apt-get -y install /share/old.deb
  same "$(dpkg-query -W -f '${db:Status-Abbrev}' underlay)" "ii "
}

# Each of the two is what configuring ends with.
has_a_user_of_its_own_exactly_where_one_can_be_made() {
  local user='underlay:x:[1-9][0-9]*:[1-9][0-9]*:Underlay helper:/:/usr/sbin/nologin'
  getent passwd underlay | grep -x "$user"
  userdel underlay
  mv /usr/bin/systemd-sysusers /run/
  /var/lib/dpkg/info/underlay.postinst configure
  fails getent passwd underlay
  underlay doctor | grep 'becomes nobody (65534)'
  mv /run/systemd-sysusers /usr/bin/
  /var/lib/dpkg/info/underlay.postinst configure
  getent passwd underlay | grep -x "$user"
  underlay doctor | grep "becomes underlay ($(id -u underlay):$(id -g underlay))"
}

attaches_a_container_of_podman() {
  make_network
  make_image
  start first
  same "$(address_of first)" 192.168.1.128/24
  is_attached first
}

attaches_bundles_to_which_hooks_were_added() {
  for runtime in runc crun; do
    make_bundle /run/bundle
    underlay bundle add-hooks /run/bundle/config.json
    once=$(sha256sum </run/bundle/config.json)
    underlay bundle add-hooks /run/bundle/config.json
    same "$(sha256sum </run/bundle/config.json)" "$once"
    bundle_reaches_the_router "$runtime"
  done
}

is_a_runtime_that_adds_the_hooks() {
  for runtime in runc crun; do
    make_bundle /run/bundle
    bundle_reaches_the_router underlay wrap --runtime "$runtime" -- --log /run/log
  done
}

takes_the_examples_that_it_ships() {
  for example in /usr/share/doc/underlay/examples/*.json; do
    underlay network check "$example"
  done
}

an_upgrade_leaves_running_containers_alone() {
  local before
  before=$(within first ip -json link show eth0)
  apt-get -y install /share/new.deb
  same "$(dpkg-query -W -f '${Version}' underlay)" "$NEW_VERSION"
  same "$(within first ip -json link show eth0)" "$before"
  is_attached first
}

the_new_version_takes_down_what_the_old_one_made() {
  same "$(leases)" 192.168.1.128
  stop first
  same "$(leases)" ""
  same "$(find /run/underlay/namespaces -name '*.json')" ""
}

removal_begins_with_what_the_engines_read() {
  start second
  ln -s /usr/share/underlay/hooks.d/kubernetes/*.json /usr/share/containers/oci/hooks.d/
  # dpkg names each file when it comes to it.
  dpkg -D110 --remove underlay >/run/removal 2>&1
  same "$(grep -oE 'containers/oci/hooks.d/[0-9]|libexec/.*/underlay-' /run/removal | sed 's|/.*||' | uniq | xargs)" \
    "containers libexec"
}

removal_leaves_running_containers_alone() {
  is_attached second
}

# systemd remembers until the purge that the timer was on.
removal_keeps_networks_and_nothing_else() {
  same "$(find /etc/underlay -type f ! -name .lock)" /etc/underlay/networks/lan.json
  same "$(remains | grep -v -e ^/etc/underlay -e ^/var/lib/dpkg -e ^/run/ -e systemd)" ""
  same "$(ls /usr/share/containers/oci/hooks.d 2>/dev/null)" ""
}

# A veth link with the mark stands for a VLAN sub-interface, which not every kernel has.
purging_takes_parents_of_ours_on_which_nobody_stands() {
  ip link add free0 type veth peer name used0
  ip link set free0 alias "underlay parent"
  ip link add other0 type veth peer name used1
  ip link set used1 alias "underlay parent"
  mkdir -p "/run/underlay/parents/ports/used1/macvlan/lan@7"
  dpkg --purge underlay
  same "$(ip -brief link show type veth | sed 's/[@ ].*//' | sort | xargs)" "eth0 other0 used1"
  is_attached second
}

purging_leaves_nothing() {
  same "$(remains)" ""
}

try installs_with_apt_alone has_a_user_of_its_own_exactly_where_one_can_be_made attaches_a_container_of_podman attaches_bundles_to_which_hooks_were_added \
  is_a_runtime_that_adds_the_hooks takes_the_examples_that_it_ships \
  an_upgrade_leaves_running_containers_alone the_new_version_takes_down_what_the_old_one_made \
  removal_begins_with_what_the_engines_read removal_leaves_running_containers_alone \
  removal_keeps_networks_and_nothing_else \
  purging_takes_parents_of_ours_on_which_nobody_stands purging_leaves_nothing
