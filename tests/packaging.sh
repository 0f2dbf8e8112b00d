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

# Or they would not be the same when they are built elsewhere.
programs_name_nobodys_directories() {
  for program in underlay underlay-hook underlay-nsenter; do
    fails grep -aoF -e "$PWD" -e "${CARGO_HOME:-$HOME/.cargo}" \
      "${CARGO_TARGET_DIR:-target}/x86_64-unknown-linux-musl/release/$program"
  done
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

# Debug programs: those of the unit tests, but for the few packages that have the place in them.
below_another_prefix_everything_names_its_place_there() {
  local root=$SHARE/elsewhere target=${CARGO_TARGET_DIR:-target} prefix=/opt/underlay
  local at=(PREFIX=$prefix DESTDIR="$root" BUILT="$target/debug")
  fails make --silent install "${at[@]}" BUILT="$target/x86_64-unknown-linux-musl/release"
  UNDERLAY_HELPER=$prefix/libexec/underlay/underlay-nsenter UNDERLAY_HOOK=$prefix/libexec/oci/hooks.d/underlay-hook \
    cargo build --quiet --package underlay-hook --package underlay-nsenter --package underlay-cli
  make --silent install "${at[@]}"
  fails grep -rIE '/usr/(libexec/|bin/underlay|share/underlay/)' "$root"
  same "$(jq -r .hook.path "$root"/usr/share/containers/oci/hooks.d/*.json "$root$prefix"/share/underlay/hooks.d/*/*.json |
    sort -u)" $prefix/libexec/oci/hooks.d/underlay-hook
  grep -qx "ExecStart=$prefix/bin/underlay gc" "$root$prefix/lib/systemd/system/underlay-gc.service"
  grep -qF "$prefix/libexec/underlay/underlay-nsenter" "$root$prefix/share/man/man8/underlay-hook.8"
  fails grep /usr/libexec <("$root$prefix/libexec/oci/hooks.d/underlay-hook" --help)
  echo '{}' >"$SHARE/config.json"
  "$root$prefix/bin/underlay" bundle add-hooks "$SHARE/config.json"
  same "$(jq -r '.hooks[][].path' "$SHARE/config.json" | sort -u)" $prefix/libexec/oci/hooks.d/underlay-hook
  make --silent uninstall "${at[@]}"
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

# The offline word of Debian 12's systemd: 7.2 without what the unit says. What is left of it is what gc is for.
systemd_finds_the_unit_shut_in() {
  systemd-analyze security --offline=true --threshold=32 "$SHARE/root/lib/systemd/system/underlay-gc.service"
}

# Undecided things, so that they can be decided.
the_address_of_the_maintainers_stands_in_one_place() {
  same "$(git grep -lF "$(sed -n 's/^MAILBOX ?= //p' packaging/package.mk)" -- . | xargs)" packaging/package.mk
  same "$(dpkg-deb -f "$DEB" Maintainer)" "$(rpm -qp --qf '%{PACKAGER}' "$RPM")"
  fails grep -r @MAILBOX@ "$SHARE/root"
  fails grep @MAILBOX@ <(dpkg-deb -I "$DEB"; zcat "$SHARE/root/usr/share/doc/underlay/changelog.gz")
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

# The README, as it is read: first where the source is, then on a machine that has nothing but what came from there.

the_readme_says_how_to_make_it() {
  mkdir -p "$SHARE"/blocks/{readme,engines} "$SHARE/source/target/package"
  awk -v out="$SHARE/blocks/readme" -f tests/packaging/blocks.awk README.md
  awk -v out="$SHARE/blocks/engines" -f tests/packaging/blocks.awk docs/engines.md
  for goal in $(sed -n 's/^make \([a-z]*\).*/\1/p' "$SHARE"/blocks/readme/*.sh | sort -u); do
    # Which is this.
    [ "$goal" = test ] || make --silent "$goal"
  done
  cp "$DEB" "$SHARE/source/target/package/"
}

tests/tree.sh bookworm && tests/tree.sh trixie || exit
try changelogs_begin_with_this_version built_twice_they_are_the_same_bytes programs_name_nobodys_directories \
  the_deb_holds_these_files_with_these_modes the_rpm_holds_these_files_with_these_modes \
  make_installs_what_the_deb_holds_and_takes_it_back below_another_prefix_everything_names_its_place_there \
  programs_come_before_what_makes_engines_call_them lintian_finds_nothing rpmlint_finds_no_error \
  systemd_understands_the_units systemd_finds_the_unit_shut_in the_address_of_the_maintainers_stands_in_one_place \
  a_successor_can_be_packed the_readme_says_how_to_make_it
status=$?
lives deb || status=1
lives rpm || status=1
printf '\nthe README:\n'
tests/packaging/machine.sh "$TREE" /share/packaging/readme.sh || status=1
for suite in bookworm trixie; do
  printf '\nthe engines of %s:\n' "$suite"
  tests/packaging/machine.sh "$CACHE/$suite" /share/packaging/engines.sh || status=1
done
tests/packaging/booted.sh "$TREE" /share/packaging/after_a_boot.sh || status=1
printf '\nwhat lintian and rpmlint say:\n'
{
  lintian --allow-root --display-info --show-overrides "$DEB"
  rpmlint --config packaging/rpmlint.toml "$RPM"
} 2>&1 | sed '/^N:/d; s/^/    /'
printf '\nsizes:\n'
du --apparent-size --bytes "$DEB" "$RPM" | awk '{ sub(".*/", "", $2); printf "    %8d %s\n", $1, $2 }'
dpkg-deb -c "$DEB" | awk '$1 ~ /x$/ && $1 !~ /^d/ { printf "    %8d %s\n", $3, substr($6, 2) }'
exit $status
