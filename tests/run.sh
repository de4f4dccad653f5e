#!/bin/sh
# run.sh - all tests of Joulebook.
#
#   sh tests/run.sh            everything
#   sh tests/run.sh -k WORD    only the steps whose name contains WORD, and the builds that they use
#   sh tests/run.sh --list     the steps; with -k WORD those that would run
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

usage() {
  sed -n '3,7s/^# \{0,1\}//p' "$top/tests/run.sh"
}

# What is done with the steps: plan, list, run.
only= mode=run
while [ $# -gt 0 ]; do
  case $1 in
    -k) [ -n "${2:-}" ] || { echo '-k needs a word' >&2 && usage >&2; exit 64; }
      only=$2 && shift ;;
    --list) mode=list ;;
    -h | --help) usage && exit ;;
    *) echo "run.sh knows no \"$1\"" >&2 && usage >&2
      exit 64 ;;
  esac
  shift
done

work=$top/build-test
logs=$work/log
failures=$work/failures
passed=0 failed=0 skipped=0
cluster=
beside_pid=

finish() {
  # It ends what it has begun.
  [ -z "$beside_pid" ] || { kill "$(cat "$scratch/beside")" && wait "$beside_pid"; } 2>/dev/null
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

# chosen NAME [WORD...]: by its name; or, a build, because a chosen step has its folder as a word. In a plan
# each chosen step leaves its words. Only when it is to be run it goes on.
used=
chosen() {
  case $1 in
    *"$only"*) ;;
    *) case "$used " in *" ${built:-none} "*) ;; *) return 1 ;; esac ;;
  esac
  case $mode in
    plan) used="$used $*" ;;
    list) echo "$1" ;;
  esac
  [ $mode = run ]
}

# timed NAME COMMAND...: leaves the exit status and the seconds in the log's .end.
timed() {
  log=$logs/$(printf '%s' "$1" | tr -c 'a-zA-Z0-9\n' -).log
  shift
  began=$(date +%s)
  "$@" >"$log" 2>&1 </dev/null
  echo "$? $(($(date +%s) - began))" >"$log.end"
}

# tell NAME: how it ended. Exit status 77 means skipped, and the last line says why.
tell() {
  log=$logs/$(printf '%s' "$1" | tr -c 'a-zA-Z0-9\n' -).log
  read -r status took <"$log.end"
  rm "$log.end"
  case $status in
    0) passed=$((passed + 1)) && echo "ok       $1 ($took s)" ;;
    77) skipped=$((skipped + 1)) && echo "skipped  $1: $(tail -n 1 "$log")" ;;
    *) fail "$1 (exit status $status, $took s); the end of $log:" "$log" ;;
  esac
}

# step NAME COMMAND...: one test.
step() {
  chosen "$@" || return 0
  timed "$@"
  tell "$1"
}

# beside NAME COMMAND...: a step that waits more than it works, begun here and told by `join`.
beside() {
  chosen "$@" || return 0
  beside_name=$1
  shift
  timed "$beside_name" sh -c 'echo $$ >"$0" && exec "$@"' "$scratch/beside" "$@" &
  beside_pid=$!
}

join() {
  [ -n "$beside_pid" ] || return 0
  wait "$beside_pid"
  beside_pid=
  tell "$beside_name"
}

# suite BUILD ARGUMENTS...: a folder's tests as meson runs them, each counted by itself.
suite() {
  chosen "meson ${1##*/}" "$1" || return 0
  build=$1
  shift
  start_cluster
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

# The suites share one cluster; the rest starts what it needs by itself.
start_cluster() {
  [ -z "$cluster" ] || return 0
  cluster=$scratch/pg
  if JOULEBOOK_TEST_PG=$(sh tests/cluster.sh start "$cluster" 2>"$logs/cluster.log"); then
    export JOULEBOOK_TEST_PG
  else
    fail "the test cluster did not start; the end of $logs/cluster.log:" "$logs/cluster.log"
  fi
}

# builds NAME FOLDER COMPILER TARGETS OPTIONS...: a step of its own, and before any that uses the folder.
builds() {
  built=$top/$2
  step "$1" build "$built" "$3" "$4" "$(shift 4 && echo "$*")"
  built=
}

build() {
  folder=$1 CC=$2
  export CC
  if [ -f "$folder/build.ninja" ]; then
    meson configure "$folder" $4
  else
    meson setup "$folder" $4
  fi && ninja -C "$folder" $3
}

# first_run ROW: a row of tests/firstrun.sh; when it is skipped the last line says why.
first_run() (
  said=$(FIRSTRUN_SECONDS=300 sh tests/firstrun.sh -k "$1")
  status=$?
  printf '%s\n' "$said"
  [ $status != 77 ] || printf '%s\n' "$said" | sed -n 's/^skipped *[^:]*: [^:]*: //p'
  return $status
)

steps() {
  step 'shell scripts parse' sh -c 'files=$(git ls-files "*.sh") && [ -n "$files" ] || exit
    for f in $files; do sh -n "$f" || exit; done'
  step 'installing packages touches no variable of the caller' sh tests/packages.sh
  step 'the arguments of run.sh' sh tests/arguments.sh
  step 'layers and sizes' sh tests/layers.sh
  builds 'build with gcc and sanitizers' build-asan gcc '' -Db_sanitize=address,undefined -Dtests_fault=true
  builds 'build with clang' build-clang clang ''
  builds 'build the release' build-release gcc '' --buildtype=release
  builds 'build with faults' build-fault gcc 'csms/csmsd csms/csms simulators/pilesim' --buildtype=release -Dtests_fault=true
  suite "$top/build-asan"
  beside 'README and quickstart' python3 tests/quickstart.py
  suite "$top/build-clang" --suite unit
  unset JOULEBOOK_TEST_PG
  step 'SQL: tables, functions, views, roles' sh tests/sql/run.sh "$top/build-asan"
  step 'our tables and the official schemas' sh tests/conformance/run.sh "$top/build-asan"
  step 'a client from outside' sh tests/conformance/client.sh "$top/build-asan" "$work/client"
  step 'fuzz for a short while' sh tests/fuzz/run.sh 10 "$top/build-fuzz"
  step 'the simulation finds wrong cores' sh tests/simulation/mutants.sh "$top/build-release"
  step 'ten planted faults are caught' sh tests/simulation/planted.sh "$top/build-release"
  step 'chaos: 30 kills' python3 tests/chaos/chaos.py --build "$top/build-fault" --seed 20 --points 10
  step 'chaos finds wrong daemons' sh tests/chaos/mutants.sh "$top/build-fault"
  step 'random histories, billed anew' python3 tests/histories/histories.py --build "$top/build-release" --seeds 1-8
  step 'the fault matrix names what is there' python3 tests/faults/matrix.py "$top/build-asan"
  join
  step 'PostgreSQL fails while piles charge' python3 tests/faults/run.py --build "$top/build-release"
  step 'bench' sh tests/bench/run.sh "$top/build-release"
  step 'first run: an ordinary user on a fresh Debian' first_run bare
}

# Which builds are used is known once all steps are seen.
then=$mode mode=plan
steps
mode=$then
if [ -z "$used" ]; then
  echo "No step's name contains \"$only\"; --list tells them." >&2
  exit 64
fi
if [ $mode = list ]; then
  steps
  exit
fi

mkdir -p "$logs"
: >"$failures"
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
# The checkout may be another user's.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0="$top"
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

steps

if [ "$failed" != 0 ]; then
  echo 'The failures once more:'
  cat "$failures"
  echo 'Their names:'
  sed -n 's/; the end of .*//; s/^FAILED  */  /p' "$failures"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
