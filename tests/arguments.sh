#!/bin/sh
# arguments.sh - what tests/run.sh is told: it does that, or says that it cannot, and runs nothing else.
set -u
cd "$(dirname "$0")/.." || exit 1
said=$(mktemp)
trap 'rm -f "$said"' EXIT

# run STATUS WORDS ARGUMENTS...: ends with the status and says the words.
run() {
  wanted=$1 words=$2
  shift 2
  timeout 60 sh tests/run.sh "$@" >"$said" 2>&1 </dev/null
  status=$?
  [ $status = "$wanted" ] && grep -qF -e "$words" "$said" && ! grep -qE '[0-9]+ passed' "$said" && return
  echo "run.sh $*: status $status, not $wanted, or it does not say \"$words\" alone:"
  cat "$said"
  exit 1
}
run 0 '-k WORD' --help
run 64 'knows no "--all"' --all
run 64 'knows no "sql"' sql
run 64 'knows no "more"' -k sql more
run 64 '-k needs a word' -k
run 64 'contains "nosuchword"' -k nosuchword

# A step brings the builds that it uses, and no others.
lists() {
  sh tests/run.sh --list -k "$1" >"$said" || exit
  shift
  printf '%s\n' "$@" | diff - "$said" || exit 1
}
lists official 'build with gcc and sanitizers' 'our tables and the official schemas'
lists 'finds wrong' 'build the release' 'build with faults' 'the simulation finds wrong cores' 'chaos finds wrong daemons'
lists 'meson build-clang' 'build with clang' 'meson build-clang'
lists 'with faults' 'build with faults'
lists 'layers' 'layers and sizes'
