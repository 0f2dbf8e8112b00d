#!/bin/bash
# tree.sh SUITE: a Debian of that suite with its container engines, for the trials that run on it; as root.
#
# Made once, and kept in $XDG_CACHE_HOME/underlay-tests/SUITE (/var/cache/underlay-tests). Debian package: debootstrap.
set -euo pipefail

readonly CACHE=${XDG_CACHE_HOME:-/var/cache}/underlay-tests SUITE=$1
readonly TREE=$CACHE/$SUITE

[ ! -d "$TREE" ] || exit 0
mkdir -p "$CACHE"
rm -rf "$TREE.new"
# curl and protobuf-compiler speak to containerd; containernetworking-plugins are what it asks for an address for pods.
debootstrap --variant=minbase --include=\
runc,crun,conmon,podman,catatonit,netavark,containerd,containernetworking-plugins,nftables,iptables,\
curl,protobuf-compiler,iproute2,iputils-ping,busybox-static,procps \
  "$SUITE" "$TREE.new" >"$CACHE/$SUITE.log" || {
  tail "$CACHE/$SUITE.log"
  exit 1
}
chroot "$TREE.new" apt-get clean
# Under its name only when it is complete.
mv "$TREE.new" "$TREE"
