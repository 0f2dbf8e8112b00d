#!/bin/bash
# booted.sh TREE COMMAND [ARGUMENT...]: runs a command as root on a machine with the .deb of /share in it, which has booted:
# Debian's kernel, systemd as process 1, AppArmor (vm.sh).
#
# The package is installed as whoever builds images does, before anything runs. /share is $SHARE, read only. tests/packaging/boot
# holds what the machine finds in /etc besides.
set -euo pipefail

if [ "${1:-}" != --inside ]; then
  exec unshare --mount --propagation private "$0" --inside "$@"
fi
shift
tree=$1 vm=$(realpath "$(dirname "$0")/../vm.sh") etc=$(realpath "$(dirname "$0")/boot")
shift

mount -t tmpfs tmpfs /mnt
mkdir /mnt/{upper,work,root}
mount -t overlay -o "lowerdir=$tree,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
cp -r "$etc/." /mnt/root/etc/
cp "$SHARE/old.deb" /mnt/root/tmp/
chroot /mnt/root dpkg --install /tmp/old.deb >/mnt/dpkg 2>&1 || { cat /mnt/dpkg; exit 1; }
# They would start with the machine, and take their time.
for unit in docker.service docker.socket containerd.service e2scrub_reap.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer; do
  ln -sf /dev/null "/mnt/root/etc/systemd/system/$unit"
done
"$vm" -t 300 -r /mnt/root -s "$SHARE" -i systemd "$@"
