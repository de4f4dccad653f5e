#!/bin/sh
# run.sh - all tests of Joulebook.
#
#   sh tests/run.sh            everything
#   sh tests/run.sh -k WORD    only the steps whose name contains WORD
#
# Installs what is missing, builds (gcc with the address and undefined sanitizers, clang, and the
# release build), starts its own throw-away PostgreSQL cluster, and touches neither a running
# quickstart nor Debian's clusters. Full output is in build-test/log/. A step that cannot run
# here says why and counts as skipped. At the end stand the failures once more, each with the end
# of its output, and their names. The last line is `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/.." || exit 1
top=$(pwd)
. csms/ops/packages.sh

only=
[ "${1:-}" = -k ] && only=${2:?"-k needs a word"}

work=$top/build-test
logs=$work/log
failures=$work/failures
mkdir -p "$logs"
: >"$failures"
passed=0 failed=0 skipped=0
cluster=

finish() {
  [ -z "$cluster" ] || sh tests/cluster.sh stop "$cluster" >/dev/null 2>&1
  rm -rf "${scratch:-}"
}
trap finish EXIT
trap 'exit 130' INT TERM

# fail HEAD FILE: a failure with the end of its output, now and once more when all is done.
fail() {
  failed=$((failed + 1))
  echo "FAILED   $1"
  tail -n 25 "$2" | sed 's/^/         /'
  { echo "FAILED   $1" && tail -n 15 "$2" | sed 's/^/         /'; } >>"$failures"
}

# step NAME COMMAND...: one test. Exit status 77 means skipped, and the last line says why.
step() {
  name=$1
  shift
  case $name in *"$only"*) ;; *) return 0 ;; esac
  log=$logs/$(printf '%s' "$name" | tr -c 'a-zA-Z0-9\n' -).log
  began=$(date +%s)
  "$@" >"$log" 2>&1 </dev/null
  status=$?
  took=$(($(date +%s) - began))
  case $status in
    0) passed=$((passed + 1)) && echo "ok       $name ($took s)" ;;
    77) skipped=$((skipped + 1)) && echo "skipped  $name: $(tail -n 1 "$log")" ;;
    *) fail "$name (exit status $status, $took s); the end of $log:" "$log" ;;
  esac
}

# suite BUILD ARGUMENTS...: a folder's tests as meson runs them, each counted by itself.
suite() {
  build=$1
  shift
  case "meson $build" in *"$only"*) ;; *) return 0 ;; esac
  said=$logs/meson-${build##*/}.log
  log=$build/meson-logs/testlog.json
  rm -f "$log" # what an earlier run left
  meson test -C "$build" --no-rebuild --print-errorlogs "$@" >"$said" 2>&1 </dev/null
  if ! counts=$(python3 tests/meson_counts.py "$log" "${build##*/}" "$failures" 2>>"$said"); then
    fail "the tests of ${build##*/} could not be run; the end of $said:" "$said"
    return
  fi
  printf '%s\n' "$counts" | sed '$d'
  # The last line is three numbers.
  set -- $(printf '%s\n' "$counts" | tail -n 1)
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

configure() {
  build=$1 CC=$2
  export CC
  shift 2
  if [ -f "$build/build.ninja" ]; then
    meson configure "$build" "$@"
  else
    meson setup "$build" "$@"
  fi
}

build() {
  ninja -C "$1"
}

# first_run ROW: a row of tests/firstrun.sh; when it is skipped the last line says why.
first_run() (
  said=$(FIRSTRUN_SECONDS=300 sh tests/firstrun.sh -k "$1")
  status=$?
  printf '%s\n' "$said"
  [ $status != 77 ] || printf '%s\n' "$said" | sed -n 's/^skipped *[^:]*: [^:]*: //p'
  return $status
)

packages_need "$PACKAGES_RUN $PACKAGES_TEST" || exit $?

# promtool alone: the package around it would install a server that starts at boot.
if ! command -v promtool >/dev/null 2>&1; then
  [ -x "$work/prometheus/usr/bin/promtool" ] || (
    cd "$work" && apt-get download -q prometheus >"$logs/promtool.log" 2>&1 && dpkg -x prometheus_*.deb prometheus
  ) || echo 'promtool could not be had; what needs it will say so'
  PATH=$PATH:$work/prometheus/usr/bin
fi

scratch=$(mktemp -d /tmp/joulebook-test.XXXXXX)
chmod 755 "$scratch"
cluster=$scratch/pg
# The checkout may be another user's.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0="$top"
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

step 'shell scripts parse' sh -c 'files=$(git ls-files "*.sh") && [ -n "$files" ] || exit
  for f in $files; do sh -n "$f" || exit; done'
step 'installing packages touches no variable of the caller' sh tests/packages.sh
step 'layers and sizes' sh tests/layers.sh
step 'configure the sanitizer build' configure "$top/build-asan" gcc -Db_sanitize=address,undefined -Dtests_fault=true
step 'build with gcc and sanitizers' build "$top/build-asan"
step 'configure the clang build' configure "$top/build-clang" clang
step 'build with clang' build "$top/build-clang"
step 'configure the release build' configure "$top/build-release" gcc --buildtype=release
step 'build the release' build "$top/build-release"
step 'configure the build with faults' configure "$top/build-fault" gcc --buildtype=release -Dtests_fault=true
step 'build with faults' ninja -C "$top/build-fault" csms/csmsd csms/csms simulators/pilesim

if JOULEBOOK_TEST_PG=$(sh tests/cluster.sh start "$cluster" 2>"$logs/cluster.log"); then
  export JOULEBOOK_TEST_PG
else
  fail "the test cluster did not start; the end of $logs/cluster.log:" "$logs/cluster.log"
fi

suite "$top/build-asan"
suite "$top/build-clang" --suite unit

# The rest starts what it needs by itself.
unset JOULEBOOK_TEST_PG
step 'SQL: tables, functions, views, roles' sh tests/sql/run.sh "$top/build-asan"
step 'our tables and the official schemas' sh tests/conformance/run.sh "$top/build-asan"
step 'a client from outside' sh tests/conformance/client.sh "$top/build-asan" "$work/client"
step 'fuzz for a short while' sh tests/fuzz/run.sh 10 "$top/build-fuzz"
step 'a simulated day of 10,000 piles' "$top/build-release/tests/simulation/simulation" --day
step 'the simulation finds wrong cores' sh tests/simulation/mutants.sh "$top/build-release"
step 'ten planted faults are caught' sh tests/simulation/planted.sh "$top/build-release"
step 'chaos: 20 kills' python3 tests/chaos/chaos.py --build "$top/build-release" --seed 20
step 'chaos finds wrong daemons' sh tests/chaos/mutants.sh "$top/build-fault"
step 'bench' sh tests/bench/run.sh "$top/build-release"
step 'first run: an ordinary user on a fresh Debian' first_run bare
step 'README and quickstart' python3 tests/quickstart.py

if [ "$failed" != 0 ]; then
  echo 'The failures once more:'
  cat "$failures"
  echo 'Their names:'
  sed -n 's/; the end of .*//; s/^FAILED  */  /p' "$failures"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
