#!/bin/sh
# Fuzzes the gate, the frames and the decoder, each for the given time.
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
  tests/fuzz/fuzz-seeds >"$build/fuzz-build.log" 2>&1 || {
  cat "$build/fuzz-build.log" >&2
  exit 1
}

rm -rf "$build/seeds"
mkdir -p "$build/seeds" "$build/findings"
"$build/tests/fuzz/fuzz-seeds" "$build/seeds"
status=0
for target in gate frame decode; do
  corpus=$build/corpus-$target
  start=$build/start-$target
  rm -rf "$start"
  mkdir -p "$corpus" "$start"
  cp "$root/tests/fuzz/corpus/$target"/* "$start/"
  kind=$target
  [ "$target" != gate ] || kind=frame
  cp "$build/seeds/$kind"-* "$start/"
  if "$build/tests/fuzz/fuzz_$target" -dict="$build/seeds/dictionary" -max_total_time="$seconds" \
    -timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
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
