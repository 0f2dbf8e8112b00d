#!/bin/bash
# hardening.sh DIRECTORY: how the shipped programs in it are linked, beside tests/hardening.golden. UPDATE_GOLDEN=1 writes
# that anew. Debian package: binutils.
set -euo pipefail
directory=$(realpath "$1")
cd "$(dirname "$0")"
export LC_ALL=C

# A line a property, each in the words of readelf. None of these follows from another.
describe() {
  local headers dynamic
  headers=$(readelf --wide --file-header --program-headers "$1")
  dynamic=$(readelf --wide --dynamic "$1")
  has() { if grep -Eq -- "$2" <<<"$1"; then echo "$3"; else echo "$4"; fi; }
  has "$dynamic" 'FLAGS_1.*PIE' 'PIE' 'no PIE: code at a fixed address'
  has "$headers" ' INTERP ' 'an interpreter' 'no interpreter: nothing of the environment is linked in'
  has "$dynamic" '\(NEEDED\)' 'shared libraries' 'no shared libraries'
  has "$headers" ' GNU_RELRO ' 'RELRO' 'no RELRO: relocations stay writable'
  has "$dynamic" 'FLAGS_1.*NOW' 'BIND_NOW' 'lazy binding'
  has "$headers" ' GNU_STACK .* RW ' 'NX stack' 'an executable stack'
  has "$headers" '^  LOAD .* (RWE|WE) ' 'a segment that is writable and executable' 'no segment that is writable and executable'
  has "$dynamic" '\((RPATH|RUNPATH)\)' 'RPATH' 'no RPATH'
  has "$dynamic" 'TEXTREL' 'text relocations' 'no text relocations'
}

found=$(
  for program in underlay-hook underlay-nsenter underlay; do
    describe "$directory/$program" | sed "s/^/$program: /"
  done
)
if [ -n "${UPDATE_GOLDEN:-}" ]; then
  printf '%s\n' "$found" >hardening.golden
fi
diff hardening.golden - <<<"$found"
echo "hardening: $(wc -l <hardening.golden) properties as they were"
