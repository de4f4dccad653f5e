#!/bin/sh
# Installs the npm packages of these tests, as package-lock.json has them.
# Usage: install.sh FOLDER     made if it is not there; nothing is done if it holds them already
# Exit status: 0 installed, 1 the registry was not reachable, 77 node or npm is missing.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
for tool in node npm; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
mkdir -p "$1"
cmp -s "$here/package-lock.json" "$1/installed-lock.json" && exit 0
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$1/"
(cd "$1" && npm ci --ignore-scripts --loglevel=error) || {
  echo 'npm ci failed: is the package registry reachable?' >&2
  exit 1
}
cp "$here/package-lock.json" "$1/installed-lock.json"
