#!/bin/bash
# documents.sh UNDERLAY: man pages, completions and schema are such as their readers take.
set -euo pipefail

documents=$(mktemp -d)
trap 'rm -rf "$documents"' EXIT
"$1" documents "$documents"

# The pages have no date: it would differ with every build. The breaks around an option's values are clap_mangen's.
complaints=$(mandoc -T lint -W warning "$documents"/man/* |
  grep -Ev 'WARNING: (missing date|skipping paragraph macro: br (before|after) sp)' || true)
if [ -n "$complaints" ]; then
  printf '%s\n' "$complaints"
  exit 1
fi
bash -n "$documents/completions/underlay"
zsh -n "$documents/completions/_underlay"
fish --no-execute "$documents/completions/underlay.fish"
jq --exit-status '.properties.driver' "$documents/schema/underlay-network.schema.json" >/dev/null
echo "pages: $(ls "$documents/man" | wc -l), completions: $(ls "$documents/completions" | wc -l)"
