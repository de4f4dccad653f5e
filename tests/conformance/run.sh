#!/bin/sh
# Compares our field tables and decoder with the official OCPP 1.6 schemas (npm: ocpp-rpc).
# Usage: run.sh BUILD_DIR     the folder that meson built in; node_modules go below it
# Exit status: 0 no difference, 1 a difference, 77 cannot run here (the reason is printed).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: $0 BUILD_DIR" >&2; exit 2; }
build=$(cd "$1" && pwd)
work=$build/conformance

for tool in node npm; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
for program in ocpp-describe ocpp-judge; do
  [ -x "$build/tests/ocpp/$program" ] || {
    echo "$build/tests/ocpp/$program is missing: build it first (ninja -C $build)" >&2
    exit 1
  }
done

mkdir -p "$work"
if ! cmp -s "$here/package-lock.json" "$work/installed-lock.json"; then
  cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$work/"
  (cd "$work" && npm ci --ignore-scripts --loglevel=error) || {
    echo 'npm ci failed: is the package registry reachable?' >&2
    exit 1
  }
  cp "$here/package-lock.json" "$work/installed-lock.json"
fi
programs=$build/tests/ocpp
exec node "$here/compare.js" "$work" "$programs/ocpp-describe" "$programs/ocpp-judge"
