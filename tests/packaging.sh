#!/bin/bash
# packaging.sh: the packages as administrators meet them; after `make deb rpm`, as root.
#
# Each lives its whole life on a throw-away machine: a Debian 12 with podman, made once and kept in
# $XDG_CACHE_HOME/underlay-tests (/var/cache/underlay-tests).
set -uo pipefail
cd "$(dirname "$0")/.." || exit
. tests/packaging/steps.sh

readonly CACHE=${XDG_CACHE_HOME:-/var/cache}/underlay-tests
readonly TREE=$CACHE/bookworm NEW_VERSION=99.0
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
readonly DEB=target/package/underlay_${version}_amd64.deb RPM=target/package/underlay-$version-1.x86_64.rpm

SHARE=$(mktemp -d)
trap 'rm -rf "$SHARE"' EXIT
export SHARE NEW_VERSION

# The machine's tree; under its name only when it is complete.
prepare() {
  [ -d "$TREE" ] && return
  rm -rf "$TREE.new"
  mkdir -p "$CACHE"
  debootstrap --variant=minbase \
    --include=runc,crun,conmon,podman,netavark,iproute2,iputils-ping,busybox-static,procps,rpm \
    bookworm "$TREE.new" >"$CACHE/bookworm.log" || {
    tail "$CACHE/bookworm.log"
    return 1
  }
  chroot "$TREE.new" apt-get clean
  mv "$TREE.new" "$TREE"
}

# Prints its path.
again() {
  make --silent --old-file=build "$1" PACKED="$SHARE/again" VERSION="$2" >&2
  echo "$SHARE/again/underlay"[-_]"$2"[-_]*."$1"
}

changelogs_begin_with_this_version() {
  same "$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)" "$version"
  same "$(sed -n '/^%changelog/,$s/^\* .* - //p' packaging/underlay.spec | head -1)" "$version-1"
}

built_twice_they_are_the_same_bytes() {
  cmp "$DEB" "$(again deb "$version")"
  cmp "$RPM" "$(again rpm "$version")"
}

# The pages of single commands are as many as there are commands.
files_are() {
  diff -u "$1" <(grep -v man1/underlay- | LC_ALL=C sort -k 3)
}

the_deb_holds_these_files_with_these_modes() {
  dpkg-deb -c "$DEB" | awk '{ print $1, $2, $6 }' | files_are tests/packaging/deb.list
}

the_rpm_holds_these_files_with_these_modes() {
  rpm -qp --qf '[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]' "$RPM" |
    files_are tests/packaging/rpm.list
}

make_installs_what_the_deb_holds_and_takes_it_back() {
  local root=$SHARE/installed
  make --silent install DESTDIR="$root" UNITDIR=/lib/systemd/system ZSHDIR=/usr/share/zsh/vendor-completions
  diff -u <(dpkg-deb -c "$DEB" | awk '$6 !~ "/$|changelog|copyright|lintian" { print $1, $6 }' | sed 's/\.gz$//' | sort) \
    <(cd "$root" && find . -type f -printf '%M %p\n' | sort)
  make --silent uninstall DESTDIR="$root" UNITDIR=/lib/systemd/system ZSHDIR=/usr/share/zsh/vendor-completions
  same "$(cd "$root" && find . -mindepth 1 | sort | xargs)" "./etc ./etc/underlay ./etc/underlay/networks"
}

programs_come_before_what_makes_engines_call_them() {
  for list in "dpkg-deb -c $DEB" "rpm -qlp $RPM"; do
    same "$($list | grep -oE '(libexec/.*/underlay-|containers/oci/hooks.d/[0-9])' | sed 's|/.*||' | uniq | xargs)" \
      "libexec containers"
  done
}

lintian_finds_nothing() {
  lintian --allow-root --fail-on error,warning "$DEB"
}

rpmlint_finds_no_error() {
  rpmlint --config packaging/rpmlint.toml "$RPM"
}

systemd_understands_the_units() {
  local root=$SHARE/root
  dpkg-deb -x "$DEB" "$root"
  # Of the units that ours refer to, none is there.
  ! systemd-analyze verify --root="$root" --recursive-errors=no --man=no underlay-gc.{service,timer} 2>&1 | grep underlay-gc
}

# What the packages do, on the machines.

a_successor_can_be_packed() {
  mkdir -p "$SHARE/successor"
  cp "$DEB" "$SHARE/old.deb"
  cp "$RPM" "$SHARE/old.rpm"
  cp -r tests/packaging "$SHARE/"
  dpkg-deb -R "$DEB" "$SHARE/successor"
  sed -i "s/^Version: .*/Version: $NEW_VERSION/" "$SHARE/successor/DEBIAN/control"
  dpkg-deb --root-owner-group -b "$SHARE/successor" "$SHARE/new.deb"
  cp "$(again rpm "$NEW_VERSION")" "$SHARE/new.rpm"
}

lives() {
  printf '\nthe life of the .%s:\n' "$1"
  tests/packaging/machine.sh "$TREE" "/share/packaging/$1.sh"
}

prepare || exit
try changelogs_begin_with_this_version built_twice_they_are_the_same_bytes \
  the_deb_holds_these_files_with_these_modes the_rpm_holds_these_files_with_these_modes \
  make_installs_what_the_deb_holds_and_takes_it_back \
  programs_come_before_what_makes_engines_call_them lintian_finds_nothing rpmlint_finds_no_error \
  systemd_understands_the_units a_successor_can_be_packed
status=$?
lives deb || status=1
lives rpm || status=1
exit $status
