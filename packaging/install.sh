#!/bin/bash
# install.sh install|uninstall: the one list of files, for `make install`, the .deb and the .rpm. Called by package.mk, which
# says where everything goes to: BUILT, DESTDIR, PREFIX, HOOKSDIR, UNITDIR, SYSUSERSDIR, TMPFILESDIR, DOCDIR, ZSHDIR.
set -euo pipefail
cd "$(dirname "$0")/.."

# Man pages, completions and the schema: the program that is installed writes those that belong to it.
documents=$(mktemp -d)
trap 'rm -rf "$documents"' EXIT
"$BUILT/underlay" documents "$documents"

entries=()

# add MODE DIRECTORY FILE...
add() {
  local mode=$1 directory=$2 file
  for file in "${@:3}"; do entries+=("$mode $file $directory/$(basename "$file")"); done
}

# In the order in which they are put: engines silently start containers unattached if the program that a hooks.d file names
# is missing, so the programs come first.
add 755 "$PREFIX/libexec/underlay" "$BUILT/underlay-nsenter"
add 755 "$PREFIX/libexec/oci/hooks.d" "$BUILT/underlay-hook"
add 755 "$PREFIX/bin" "$BUILT/underlay"
add 644 "$SYSUSERSDIR" packaging/sysusers.d/*
add 644 "$TMPFILESDIR" packaging/tmpfiles.d/*
for section in 1 5 8; do
  add 644 "$PREFIX/share/man/man$section" "$documents"/man/*."$section"
done
add 644 "$PREFIX/share/bash-completion/completions" "$documents/completions/underlay"
add 644 "$PREFIX/share/fish/vendor_completions.d" "$documents/completions/underlay.fish"
add 644 "$ZSHDIR" "$documents/completions/_underlay"
add 644 "$PREFIX/share/underlay" "$documents/schema/underlay-network.schema.json"
add 644 "$UNITDIR" packaging/systemd/*
add 644 "$DOCDIR" README.md docs/*.md
add 644 "$DOCDIR/examples" packaging/examples/*.json
add 644 "$PREFIX/share/underlay/hooks.d/kubernetes" hooks.d/kubernetes/*.json
add 644 "$PREFIX/share/underlay/apparmor.d" packaging/apparmor.d/*
add 644 "$HOOKSDIR" hooks.d/*.json

# A file is never missing and never half there: a container may start meanwhile.
put() {
  local mode=$1 file=$2 target=$DESTDIR$3
  install -D -m "$mode" "$file" "$target.new"
  # Units, profiles, hooks.d files and pages say where programs are.
  if [ "$mode" = 644 ]; then
    sed -i -E "s#/usr/(libexec/|bin/underlay|share/underlay/)#$PREFIX/\\1#g" "$target.new"
  fi
  mv -f "$target.new" "$target"
}

# Builds nothing, so that root need not have Rust.
check_build() {
  grep -qF "$PREFIX/libexec/underlay/underlay-nsenter" "$BUILT/underlay-hook" && return
  echo "the programs were not built for this place: make build PREFIX=$PREFIX" >&2
  exit 1
}

case "$1" in
install)
  check_build
  for entry in "${entries[@]}"; do
    read -r mode file target <<<"$entry"
    put "$mode" "$file" "$target"
  done
  install -d -m 755 "$DESTDIR/etc/underlay/networks"
  ;;
uninstall)
  # The other way round. Networks and records stay: they are the administrator's, and of containers that run.
  for ((i = ${#entries[@]} - 1; i >= 0; i--)); do
    read -r _ _ target <<<"${entries[i]}"
    rm -f "$DESTDIR$target"
    rmdir -p --ignore-fail-on-non-empty "$(dirname "$DESTDIR$target")" 2>/dev/null || :
  done
  ;;
*)
  echo "install or uninstall?" >&2
  exit 2
  ;;
esac
