#!/bin/sh
# packages.sh - csms/ops/packages.sh is sourced, so it must leave its caller's variables alone.
#
# Goes the whole way of an installation, with `true` in place of sudo: nothing is installed.
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. csms/ops/packages.sh

# What the quickstart has by these names when it needs packages.
conf=csms.conf status=0 name=csmsd user=joulebook

# What the shell itself sets as it goes is left out.
variables() {
  set | grep -Ev '^(_|BASH[A-Z_]*|PIPESTATUS|LINENO|FUNCNAME)='
}
variables >"$work/before"
packages_missing 'libc6 no-such-package' >"$work/missing"
packages_need libc6
packages_install no-such-package true >"$work/said"
variables >"$work/after"

grep -qx no-such-package "$work/missing" || { echo 'what is missing was not told'; exit 1; }
grep -q 'installing Debian packages: no-such-package' "$work/said" || { cat "$work/said"; exit 1; }
diff "$work/before" "$work/after" || exit 1

# sudo hands no environment on, and a question of debconf would wait unseen: each apt-get must know.
cat >"$work/sudo" <<EOF
case "\$*" in *apt-get*) exec env -i PATH="$work:$PATH" "\$@" ;; esac
EOF
cat >"$work/apt-get" <<EOF
echo "\$DEBIAN_FRONTEND \$1" >>"$work/frontends"
EOF
chmod 755 "$work/sudo" "$work/apt-get"
packages_install no-such-package "sh $work/sudo" >/dev/null
[ "$(sort -u "$work/frontends")" = "noninteractive install
noninteractive update" ] || { cat "$work/frontends"; exit 1; }

# A version below its floor counts as missing.
[ "$(PACKAGES_FLOOR='libc6=999' && packages_missing libc6)" = libc6 ] || { echo 'a floor was not told'; exit 1; }

# Whoever has no right to install is told one line that does all: without the update, apt would
# know nothing of a fresh Debian's packages, or only versions below our floors.
(
  id() { echo 1000; }
  sudo() { return 1; }
  packages_need 'libc6 no-such-package' 2>"$work/told"
)
status=$?
[ $status = 69 ] || { echo "exit status $status, not 69"; exit 1; }
names=$(packages_missing 'libc6 no-such-package' | sort -u | tr '\n' ' ')
grep -qx "  apt-get update && apt-get install --yes --no-install-recommends $names" "$work/told" || { cat "$work/told"; exit 1; }
