# The first process of a lab's host: bash, since it reaps the containers that are left to it.
# It has its own mount, network and process namespaces (unshare); its end is the end of everything in them.
set -eu
# /proc is still the one outside, and so is the process id in it.
read -r pid _ </proc/self/stat

mount -t proc proc /proc
# Another Debian under this kernel: what is written to it goes to RAM. pivot_root and not chroot, since runtimes cannot
# set the propagation of a / that is no mount.
if [ -n "${TREE:-}" ]; then
  mount -t tmpfs tmpfs /mnt
  mkdir /mnt/upper /mnt/work /mnt/root
  mount -t overlay -o "lowerdir=$TREE,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
  cd /mnt/root
  mkdir -p .old
  mount -t proc proc proc
  mount --rbind /dev dev
  mount --rbind /sys sys
  mount --bind "$BINARIES" mnt
  BINARIES=/mnt
  pivot_root . .old
  umount -l /.old
fi
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm      # podman's locks, which labs would share otherwise
mkdir -p /run/lock /run/cgroup /run/bin /run/config /run/containers

# A sysfs of this network namespace, with the cgroups bound back into it.
# crun 1.8 refuses the hybrid layout (version 1, and 2 below `unified`).
if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
mount --rbind /sys/fs/cgroup /run/cgroup
# All that was there goes, tracefs and the like, too: the kernel makes no other sysfs in a user namespace where a mount
# below hides a part of this one (mount_too_revealing), and podman's containers in one would not start.
umount --lazy --recursive /sys
mount -t sysfs sysfs /sys
mount --rbind /run/cgroup /sys/fs/cgroup

# The NIC and the LAN behind it. A new namespace takes over the forwarding of the machine's first one. Nobody on
# this wire has the same address twice, so nobody need wait to find out.
ip netns add lan
for namespace in "" lan; do
  ${namespace:+ip netns exec "$namespace"} sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 \
    net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
done
ip link set lo up
ip link add eth0 type veth peer name wire netns lan
ip -n lan link set lo up
ip -n lan link set wire up
ip link set eth0 up
until [ "$(cat /sys/class/net/eth0/operstate)" = up ]; do sleep 0.01; done

# What containers see of the world: busybox.
mkdir -p /run/rootfs/bin /run/rootfs/proc /run/rootfs/dev /run/rootfs/sys /run/rootfs/etc
cp "$BUSYBOX" /run/rootfs/bin/busybox
for applet in sh sleep ip cat true; do ln -s busybox /run/rootfs/bin/$applet; done
cp "$BINARIES"/underlay "$BINARIES"/underlay-hook "$BINARIES"/underlay-nsenter /run/bin/
# youki is there if somebody built it, and only for labs with this machine's libraries.
if [ -z "${TREE:-}" ] && [ -x "${ENGINES:-}/youki" ]; then ln -s "$ENGINES/youki" /run/bin/; fi

echo "$pid"
# Until the test closes its end of the pipe, be it by dying.
while read -r _; do :; done
