#!/bin/sh
# run.sh - prints figures. They depend on the machine, so none of them is a test.
#
#   sh tests/bench/run.sh BUILD [SECONDS]     BUILD: a release build; SECONDS: a row of the lane (3)
#
# Exit status 1 only if a program could not do its work.
set -eu
build=$(cd "$1" && pwd)
seconds=${2:-3}
cd "$(dirname "$0")/../.."

echo '# a 632-byte MeterValues read and decoded, CPU'
"$build/tests/ocpp/ocpp-cost"
echo '# sessions split and rated: 4 rates, 2 charge codes, 3 boundaries, 60 readings'
"$build/tests/bench/bench_rate"
echo '# one lane against PostgreSQL, fsync on'
"$build/tests/db/bench_db_lane" "$seconds"
