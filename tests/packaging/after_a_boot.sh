#!/bin/bash
# after_a_boot.sh: what is tested on a machine that has booted (booted.sh); one boot for all of it.
cd "$(dirname "$0")" || exit
status=0
for part in systemd apparmor; do
  printf '\n%s:\n' "$part"
  ./$part.sh || status=1
done
exit $status
