#!/bin/sh
# Compares our field tables and decoder with the official OCPP 1.6 schemas (npm: ocpp-rpc).
# Usage: run.sh BUILD_DIR     the folder that meson built in; node_modules go below it
# Exit status: 0 no difference, 1 a difference, 77 cannot run here (the reason is printed).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: $0 BUILD_DIR" >&2; exit 2; }
build=$(cd "$1" && pwd)
work=$build/conformance

status=0
sh "$here/install.sh" "$work" || status=$?
[ $status = 0 ] || exit $status
for program in ocpp-describe ocpp-judge; do
  [ -x "$build/tests/ocpp/$program" ] || {
    echo "$build/tests/ocpp/$program is missing: build it first (ninja -C $build)" >&2
    exit 1
  }
done

programs=$build/tests/ocpp
exec node "$here/compare.js" "$work" "$programs/ocpp-describe" "$programs/ocpp-judge"
