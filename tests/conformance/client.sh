#!/bin/sh
# A client that is not ours (npm: ocpp-rpc, strict mode) charges at a csmsd of its own, and every
# frame that csmsd sends is held against the official OCPP 1.6 schemas.
# Usage: client.sh BUILD_DIR WORK_DIR     WORK_DIR gets the npm packages
# Exit status: 0 all well, 1 a difference, 77 cannot run here (the reason is printed).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 2 ] || { echo "usage: $0 BUILD_DIR WORK_DIR" >&2; exit 2; }
build=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)

status=0
sh "$here/install.sh" "$work" || status=$?
[ $status = 0 ] || exit $status
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/client.py" "$build" "$work"
