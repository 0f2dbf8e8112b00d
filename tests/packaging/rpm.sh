#!/bin/bash
# rpm.sh: the life of the .rpm on a machine (machine.sh). /share holds the package and its successor, old.rpm and new.rpm.
#
# The machine is a Debian and runs no systemd: rpm has no database there but its own, and systemctl only writes down what it is told.
set -uo pipefail
cd "$(dirname "$0")" || exit
. ./steps.sh
. ./container.sh

cat >/usr/bin/systemctl <<'FAKE'
#!/bin/sh
echo "$*" >>/run/systemctl
FAKE
chmod 755 /usr/bin/systemctl

installs() {
  rpm --force-debian --nodeps -i /share/old.rpm
  same "$(rpm -q --qf '%{NAME}' underlay)" underlay
  same "$(cat /run/systemctl)" "preset underlay-gc.timer"
}

has_a_user_of_its_own() {
  getent passwd underlay
  underlay doctor | grep "becomes underlay ($(id -u underlay):$(id -g underlay))"
}

changes_nothing_that_it_installed() {
  rpm -V --nodeps underlay
}

attaches_a_container_of_podman() {
  make_network
  make_image
  start first
  same "$(address_of first)" 192.168.1.128/24
  is_attached first
}

an_upgrade_leaves_running_containers_alone() {
  rm /run/systemctl
  rpm --force-debian --nodeps -U /share/new.rpm
  same "$(rpm -q --qf '%{VERSION}' underlay)" "$NEW_VERSION"
  # The timer is as the administrator left it.
  same "$(cat /run/systemctl 2>/dev/null)" ""
  is_attached first
}

the_new_version_takes_down_what_the_old_one_made() {
  same "$(leases)" 192.168.1.128
  stop first
  same "$(leases)" ""
}

erasure_begins_with_what_the_engines_read() {
  ln -s /usr/share/underlay/hooks.d/kubernetes/*.json /usr/share/containers/oci/hooks.d/
  # rpm names each file, without its directory, when it comes to it.
  rpm --nodeps -evv underlay >/run/erasure 2>&1
  same "$(grep -oE '^D: erase .* (50-underlay-.*json|underlay-(hook|nsenter))$' /run/erasure |
    sed 's|.*json|json|; s|.*underlay-.*|program|' | uniq | xargs)" "json program"
  same "$(cat /run/systemctl)" "--no-reload disable --now underlay-gc.timer"
}

erasure_keeps_networks_and_nothing_else() {
  same "$(find /etc/underlay -type f ! -name .lock)" /etc/underlay/networks/lan.json
  same "$(remains | grep -v -e ^/etc/underlay -e ^/run/)" ""
}

try installs has_a_user_of_its_own changes_nothing_that_it_installed attaches_a_container_of_podman \
  an_upgrade_leaves_running_containers_alone the_new_version_takes_down_what_the_old_one_made \
  erasure_begins_with_what_the_engines_read erasure_keeps_networks_and_nothing_else
