#!/bin/bash
# machine.sh TREE COMMAND [ARGUMENT...]: runs a command as root on a throw-away machine made of a Debian tree.
#
# Network, mounts, processes and /run are its own; what it writes goes to RAM. eth0 is a NIC with a LAN behind it (the namespace
# `lan`), in which 192.168.1.1 answers. /share is $SHARE, read only.
#
# pivot_root and not chroot: runtimes cannot set the propagation of a / that is no mount.
set -euo pipefail

if [ "${1:-}" != --inside ]; then
  # exec: whoever ends this ends all of it.
  exec unshare --mount --net --pid --fork --kill-child --propagation private "$0" --inside "$@"
fi
shift
tree=$1
shift

mount -t proc proc /proc
mount -t tmpfs tmpfs /mnt
mkdir /mnt/{upper,work,root}
mount -t overlay -o "lowerdir=$tree,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
cd /mnt/root
mkdir -p share .old var/lib/containers
mount --bind "$SHARE" share
mount -o remount,bind,ro share
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs var/lib/containers
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
# crun 1.8 refuses the hybrid layout.
if mountpoint -q sys/fs/cgroup/unified; then umount sys/fs/cgroup/unified; fi
mkdir -p run/lock run/netns
pivot_root . .old
umount -l /.old
rmdir /.old

ip netns add lan
ip link set lo up
ip link add eth0 type veth peer name wire netns lan
ip -n lan addr add 192.168.1.1/24 dev wire
ip -n lan link set wire up
ip link set eth0 up

env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive \
  NEW_VERSION="${NEW_VERSION:-}" "$@"
