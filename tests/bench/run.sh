#!/bin/sh
# run.sh - prints figures. They depend on the machine, so none of them is a test.
#
#   sh tests/bench/run.sh BUILD [SECONDS [ROUNDS]]
#
# BUILD is a release build; SECONDS are measured for each row (2). With ROUNDS (1) more than one, each
# round runs all rows, and the median is printed with the least and the most: `BUILD 10 5` for figures
# to be told. Then 15,000 piles connect instead of 1,000, and perf tells where csmsd spends its time.
#
# csmsd without its database is measured if the folder beside BUILD, or $JOULEBOOK_BUILD_FAULT, is a
# release build with -Dtests_fault=true. It all runs in a throw-away cluster, on free ports, and is
# removed at the end, however that comes.
#
# Exit status 1 only if a program could not do its work, or what is stored is not what was confirmed.
set -eu
[ $# -ge 1 ] || { sed -n '4,14s/^# \{0,1\}//p' "$0" >&2; exit 64; }
build=$(cd "$1" && pwd)
seconds=${2:-2} rounds=${3:-1}
cd "$(dirname "$0")/../.."

set -- "$build" --seconds "$seconds" --rounds "$rounds"
fault=${JOULEBOOK_BUILD_FAULT:-$(dirname "$build")/build-fault}
[ ! -x "$fault/csms/csmsd" ] || set -- "$@" --fault-build "$fault"
[ "$rounds" = 1 ] || set -- "$@" --piles 15000 --profile

echo '# a 632-byte MeterValues read and decoded, CPU'
"$build/tests/ocpp/ocpp-cost"
echo '# sessions split and rated: 4 rates, 2 charge codes, 3 boundaries, 60 readings'
"$build/tests/bench/bench_rate"

# bench.py tidies up behind itself, and the kernel ends what it started if it dies. What it cannot
# remove then is removed here.
told=$(mktemp)
tidy() {
  folder=$(cat "$told")
  rm -f "$told"
  [ -n "$folder" ] && [ -d "$folder" ] || return 0
  tries=100
  while [ -e "$folder/pg/postmaster.pid" ] && [ $tries -gt 0 ]; do
    tries=$((tries - 1))
    sleep 0.1
  done
  [ ! -e "$folder/pg/postmaster.pid" ] || kill -KILL "$(head -n 1 "$folder/pg/postmaster.pid")"
  rm -rf "$folder"
}
trap tidy EXIT
trap 'kill "$bench"; wait "$bench"; exit 130' INT TERM HUP
python3 tests/bench/bench.py "$@" --folder "$told" &
bench=$!
wait "$bench"
