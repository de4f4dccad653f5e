# packages.sh - the Debian packages that Joulebook needs, and how they get there.
#
# Sourced by csms/quickstart.sh and tests/run.sh, which say which list they want. Installs only
# what is missing, from Debian alone, and leaves the machine's own PostgreSQL as it was: the
# package postgresql-15 would create and start a cluster of its own, so that is switched off
# while it installs. Each function that sets a variable is a subshell: those of the caller stay.

PACKAGES_RUN='gcc libc6-dev meson ninja-build pkg-config check
libwebsockets-dev libwebsockets-evlib-ev libev-dev libcjson-dev libconfuse-dev
libpq-dev libssl-dev zlib1g-dev postgresql-15 postgresql-client-15 tzdata python3 util-linux'
PACKAGES_TEST='clang libclang-rt-14-dev llvm universal-ctags binutils git nodejs npm debootstrap'

# The oldest versions that hold the security fixes we rely on.
PACKAGES_FLOOR='postgresql-15=15.20 libpq5=15.20 libssl3=3.0.22 libcjson1=1.7.15-1+deb12u4'

packages_have() {
  dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -q ' installed$'
}

# The names of the list in $1 that are not installed, and of the floors that are not reached.
# Node and npm count as present when their commands are there, whoever installed them.
packages_missing() (
  for name in $1; do
    case $name in
      nodejs) command -v node >/dev/null 2>&1 && continue ;;
      npm) command -v npm >/dev/null 2>&1 && continue ;;
    esac
    packages_have "$name" || echo "$name"
  done
  for floor in $PACKAGES_FLOOR; do
    version=$(dpkg-query -W -f '${Version}' "${floor%%=*}" 2>/dev/null) || continue
    [ -z "$version" ] || dpkg --compare-versions "$version" ge "${floor#*=}" || echo "${floor%%=*}"
  done
)

# Installs what is missing of the list in $1. 69 (EX_UNAVAILABLE): it cannot be done here, and
# the line to type has been printed.
packages_need() (
  missing=$(packages_missing "$1" | sort -u | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  line="apt-get update && apt-get install --yes --no-install-recommends $missing"
  if [ "$(id -u)" = 0 ]; then
    packages_install "$missing" '' || return 69
  elif sudo -n true 2>/dev/null; then
    packages_install "$missing" sudo || return 69
  else
    echo "These Debian packages are missing: $missing" >&2
    echo "They need root. Run this as root, then start again:" >&2
    echo "  $line" >&2
    return 69
  fi
)

packages_install() (
  echo "  installing Debian packages: $1"
  # Given after sudo, which hands no environment on.
  as="$2 env DEBIAN_FRONTEND=noninteractive"
  $as apt-get update -q >/dev/null || {
    echo "apt-get update failed: is this machine online? It said why above." >&2
    return 1
  }
  packages_quietly "$as" $1
)

# Debian's cluster is not created, and no service of these packages is started, whatever is
# on this machine already stays as it is.
packages_quietly() (
  as=$1
  shift
  conf=/etc/postgresql-common/createcluster.conf
  policy=/usr/sbin/policy-rc.d
  $as apt-get install -q --yes --no-install-recommends postgresql-common >/dev/null || return 1
  $as cp -p "$conf" "$conf.joulebook"
  $as sh -c "echo \"create_main_cluster = false\" >>$conf"
  made_policy=
  if [ ! -e $policy ] && ! pg_lsclusters -h 2>/dev/null | grep -q ' online'; then
    $as sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy" && made_policy=1
  fi
  status=0
  $as apt-get install -q --yes --no-install-recommends "$@" >/dev/null || status=1
  [ -z "$made_policy" ] || $as rm -f $policy
  $as mv "$conf.joulebook" "$conf"
  [ $status = 0 ] || echo "apt-get could not install: $*. Its own message is above." >&2
  return $status
)
