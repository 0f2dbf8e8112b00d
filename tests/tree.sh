#!/bin/bash
# tree.sh SUITE: a Debian of that suite with its container engines, for the tests that run on it; as root.
#
# Made once, and again when it should hold something else; kept in $XDG_CACHE_HOME/underlay-tests/SUITE
# (/var/cache/underlay-tests). Debian package: debootstrap.
set -euo pipefail

readonly CACHE=${XDG_CACHE_HOME:-/var/cache}/underlay-tests SUITE=$1
readonly TREE=$CACHE/$SUITE
readonly ENGINES=runc,crun,conmon,podman,catatonit,netavark,containerd,docker.io
readonly TOOLS=iproute2,iputils-ping,busybox-static,procps,jq

case $SUITE in
# Where packages are installed, and boot.
bookworm) programs=$ENGINES,$TOOLS,rpm,systemd-sysv,dbus,kmod,apparmor ;;
# curl and protobuf-compiler speak to containerd; containernetworking-plugins are what it asks for an address for pods.
trixie) programs=$ENGINES,docker-cli,$TOOLS,containernetworking-plugins,nftables,iptables,curl,protobuf-compiler ;;
*)
  echo "tree.sh: nobody said what a $SUITE should hold" >&2
  exit 2
  ;;
esac

[ ! -d "$TREE" ] || [ "$(cat "$TREE.programs" 2>/dev/null)" != "$programs" ] || exit 0
mkdir -p "$CACHE"
rm -rf "$TREE.new"
debootstrap --variant=minbase --include="$programs" "$SUITE" "$TREE.new" >"$CACHE/$SUITE.log" || {
  tail "$CACHE/$SUITE.log"
  exit 1
}
chroot "$TREE.new" apt-get clean
# Under its name only when it is complete.
rm -rf "$TREE"
mv "$TREE.new" "$TREE"
echo "$programs" >"$TREE.programs"
