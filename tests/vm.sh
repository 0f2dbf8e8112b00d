#!/bin/bash
# vm.sh [-t SECONDS] [-r TREE] [-s DIRECTORY] [-i INIT] COMMAND [ARGUMENT...]
#
# Runs one command as root in a throw-away machine with Debian's stock kernel: qemu without KVM, so it runs anywhere.
# The guest's / is the host's own, or TREE, read only, under an overlay in RAM: nothing that the guest writes reaches the
# host. DIRECTORY is there as /share. With INIT (systemd), that is process 1, and the command runs when it has booted.
# Output and exit status are the command's. A machine that dies is tried once more.
#
# The kernel is fetched with apt and kept in $XDG_CACHE_HOME/underlay-tests (/var/cache/underlay-tests).
# Debian packages: qemu-system-x86 busybox-static kmod cpio xz-utils python3-minimal.
set -euo pipefail

readonly CACHE=${XDG_CACHE_HOME:-/var/cache}/underlay-tests
readonly DIED=125 LATE=124

# One kernel, unpacked, with a small first file system that mounts the host's files; made once.
prepare() {
  mkdir -p "$CACHE"
  exec 9>"$CACHE/lock"
  flock 9
  [ ! -s "$CACHE/initrd.gz" ] || return 0
  rm -rf "$CACHE/kernel"
  local package version
  package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
  (cd "$CACHE" && apt-get -qq -o APT::Sandbox::User=root download "$package" && dpkg -x "$package"_*.deb kernel && rm -f ./*.deb)
  version=$(ls "$CACHE/kernel/lib/modules")
  depmod -b "$CACHE/kernel" "$version"
  unpack_kernel "$CACHE/kernel/boot/vmlinuz-$version" "$CACHE/vmlinux"
  make_initrd "$version"
}

# An unpacked kernel boots 1 to 2 s sooner: the emulated machine would have to unpack it each time.
# Offsets are those of the setup header (Documentation/arch/x86/boot.rst): setup_sects, payload_offset and _length.
unpack_kernel() {
  python3 - "$1" "$2" <<'PYTHON'
import lzma, struct, sys
image = open(sys.argv[1], "rb").read()
setup = ((image[0x1F1] or 4) + 1) * 512
offset, length = struct.unpack_from("<II", image, 0x248)
payload = image[setup + offset : setup + offset + length]
xz = payload.startswith(b"\xfd7zXZ\0")
open(sys.argv[2], "wb").write(lzma.LZMADecompressor().decompress(payload) if xz else image)
PYTHON
}

make_initrd() {
  local version=$1 work file number=100
  work=$(mktemp -d)
  mkdir -p "$work"/{bin,modules,proc,sys,dev,host,root,run}
  cp /bin/busybox "$work/bin/"
  # In the order in which they need each other.
  for file in $(for module in virtio_pci 9pnet_virtio 9p overlay; do
    modprobe -d "$CACHE/kernel" -S "$version" --show-depends "$module"
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'); do
    cp "$file" "$work/modules/$((number++))-${file##*/}"
  done
  find "$work/modules" -name '*.xz' -exec xz -d {} +
  cat >"$work/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox p=trans=virtio,version=9p2000.L,msize=512000
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do $b insmod "$module"; done
$b mount -t tmpfs -o mode=755 tmpfs /run
$b mkdir /run/upper /run/work
$b mount -t 9p -o ro,$p,cache=loose host /host
$b mount -t overlay -o lowerdir=/host,upperdir=/run/upper,workdir=/run/work overlay /root
$b mkdir -p /root/.vm /root/lib/modules
$b mount -t 9p -o rw,$p,cache=none vm /root/.vm
$b mount -t 9p -o ro,$p,cache=loose modules /root/lib/modules
for directory in proc sys dev; do $b mount --move /$directory /root/$directory; done
exec $b switch_root /root /.vm/init
INIT
  chmod +x "$work/init"
  (cd "$work" && find . | cpio -o -H newc --quiet | gzip -1) >"$CACHE/initrd.new"
  mv "$CACHE/initrd.new" "$CACHE/initrd.gz"
  rm -rf "$work"
}

# What the guest runs first, once its files are there. Another language than C would have each of its processes open a dozen
# files first, which are the host's and a long way off.
guest_init() {
  cat <<'INIT'
#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C TERM=dumb
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t mqueue mqueue /dev/mqueue
ln -sf /proc/self/fd /dev/fd
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mkdir -p /share
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose share /share
mount -t cgroup2 cgroup2 /sys/fs/cgroup
sed "s,[^ ][^ ]*,+&,g" /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
ip link set lo up
[ ! -e /.vm/systemd ] || exec /.vm/systemd
exec /.vm/run
INIT
}

# Runs the command, and is the end of the machine. Its answer is the file `status`.
guest_run() {
  cat <<'RUN'
#!/bin/sh
setsid -w bash /.vm/command >>/.vm/out 2>>/.vm/err </dev/null
echo $? >/.vm/status.new
mv /.vm/status.new /.vm/status
sync
echo o >/proc/sysrq-trigger
sleep 9
RUN
}

# The other process 1. The target waits for what it wants, but for units without dependencies by default.
guest_systemd() {
  cat <<'SYSTEMD'
#!/bin/sh
mkdir -p /run/systemd/system/multi-user.target.wants
cat >/run/systemd/system/vm.service <<'UNIT'
[Unit]
DefaultDependencies=no
After=multi-user.target
[Service]
Type=oneshot
TimeoutStartSec=infinity
Environment=HOME=/root LANG=C.UTF-8 TERM=dumb
ExecStart=/.vm/run
UNIT
ln -s ../vm.service /run/systemd/system/multi-user.target.wants/
exec /lib/systemd/systemd --unit=multi-user.target
SYSTEMD
}

# Boots a machine for the command. Prints what the command prints, as it prints it. Gives its status, or 124 or 125.
run() {
  local vm qemu status=0 shares=security_model=none,multidevs=remap
  vm=$(mktemp -d)
  printf '%q ' "$@" >"$vm/command"
  guest_init >"$vm/init"
  guest_run >"$vm/run"
  [ -z "$init" ] || "guest_$init" >"$vm/$init"
  chmod +x "$vm/init" "$vm/run" ${init:+"$vm/$init"}
  touch "$vm/out" "$vm/err"
  # norandmaps and nokaslr: the emulator translates code anew at every address where it appears. One processor and the
  # watchdog: two of them have been seen to lock each other up, and a machine that hangs should say so.
  timeout -k 5 "$seconds" qemu-system-x86_64 -M q35 -accel tcg,thread=multi,tb-size=1024 -cpu Nehalem -smp 1 -m 2G \
    -fsdev local,id=host,path="$root",readonly=on,$shares -device virtio-9p-pci,fsdev=host,mount_tag=host \
    -fsdev local,id=vm,path="$vm",$shares -device virtio-9p-pci,fsdev=vm,mount_tag=vm \
    -fsdev local,id=modules,path="$CACHE/kernel/lib/modules",readonly=on,$shares \
    -device virtio-9p-pci,fsdev=modules,mount_tag=modules \
    -fsdev local,id=share,path="${share:-$vm}",readonly=on,$shares -device virtio-9p-pci,fsdev=share,mount_tag=share \
    -kernel "$CACHE/vmlinux" -initrd "$CACHE/initrd.gz" \
    -append "console=ttyS0 quiet loglevel=3 panic=-1 softlockup_panic=1 watchdog_thresh=10 mitigations=off \
random.trust_cpu=on nokaslr norandmaps cgroup_no_v1=all" \
    -display none -no-reboot -serial file:"$vm/console" -monitor none -nodefaults -net none \
    </dev/null >"$vm/qemu" 2>&1 &
  qemu=$!
  trap 'kill "$qemu" 2>/dev/null; rm -rf "$vm"' EXIT
  tail -q -c +1 -s 0.1 --pid=$qemu -f "$vm/out" &
  tail -q -c +1 -s 0.1 --pid=$qemu -f "$vm/err" >&2 &
  wait $qemu || status=$?
  wait
  if [ -s "$vm/status" ]; then
    status=$(cat "$vm/status")
  else
    { echo "vm.sh: the machine ended without an answer"; tail -n 40 "$vm/console" "$vm/qemu"; } >&2
    [ "$status" = $LATE ] || status=$DIED
  fi
  trap - EXIT
  rm -rf "$vm"
  return "$status"
}

seconds=2400 root=/ share='' init=''
while getopts t:r:s:i: option; do
  case $option in
  t) seconds=$OPTARG ;;
  r) root=$OPTARG ;;
  s) share=$OPTARG ;;
  i) init=$OPTARG ;;
  *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { sed -n '2,10s/^# \?//p' "$0" >&2; exit 2; }
(prepare)
status=0
run "$@" || status=$?
if [ $status = $DIED ]; then
  echo "vm.sh: once more" >&2
  status=0
  run "$@" || status=$?
fi
exit $status
