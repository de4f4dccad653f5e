#!/bin/sh
# Fuzzes the gate, the frames, the decoder and the door, each for the given time.
# Usage: run.sh SECONDS BUILD_DIR     BUILD_DIR is made if it is not there
# Exit status: 0 nothing found, 1 something found (the input is kept in BUILD_DIR/findings),
# 77 cannot run here (the reason is printed).
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -eq 2 ] || { echo "usage: $0 SECONDS BUILD_DIR" >&2; exit 2; }
seconds=$1
build=$2

command -v clang >/dev/null || { echo 'skipped: clang is not installed'; exit 77; }
if [ ! -f "$build/build.ninja" ]; then
  CC=clang CFLAGS=-fsanitize=fuzzer-no-link meson setup "$build" "$root" \
    -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
fi
ninja -C "$build" tests/fuzz/fuzz_gate tests/fuzz/fuzz_frame tests/fuzz/fuzz_decode \
  tests/fuzz/fuzz-seeds tests/csms/fuzz_door >"$build/fuzz-build.log" 2>&1 || {
  cat "$build/fuzz-build.log" >&2
  exit 1
}

rm -rf "$build/seeds"
mkdir -p "$build/seeds" "$build/findings"
"$build/tests/fuzz/fuzz-seeds" "$build/seeds"
status=0
# The door speaks HTTP: seeds and words of its own.
door_seeds() {
  for path in /ocpp/CP /ocpp/C%50 / /metrics; do
    printf 'GET %s HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' "$path"
    printf 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n'
    printf 'Sec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Basic Q1A6MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n'
  done >"$1/all"
  head -n 9 "$1/all" >"$1/first"
}

for target in gate frame decode door; do
  program=$build/tests/fuzz/fuzz_$target
  corpus=$build/corpus-$target
  start=$build/start-$target
  rm -rf "$start"
  mkdir -p "$corpus" "$start"
  if [ "$target" = door ]; then
    program=$build/tests/csms/fuzz_door
    door_seeds "$start"
  else
    cp "$root/tests/fuzz/corpus/$target"/* "$start/"
    kind=$target
    [ "$target" != gate ] || kind=frame
    cp "$build/seeds/$kind"-* "$start/"
  fi
  if "$program" -dict="$build/seeds/dictionary" -max_total_time="$seconds" \
    -timeout=60 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$target-" "$corpus" "$start" >"$build/fuzz-$target.log" 2>&1
  then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/fuzz-$target.log")
    [ "${runs:-0}" -gt 0 ] || { echo "$target: ran nothing"; status=1; }
    echo "$target: $runs inputs in $seconds s, nothing found"
  else
    echo "$target: FOUND something, see $build/fuzz-$target.log"
    tail -n 40 "$build/fuzz-$target.log"
    status=1
  fi
done
exit $status
