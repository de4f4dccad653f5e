#!/bin/sh
# mutants.sh BUILD [SEED] - would chaos.py notice a central system that loses or doubles?
#
# Runs it with one that confirms before it commits, and with one that knows a start by its message
# id. Both must end with status 1 because the audit found what they do, after all of the kills.
# BUILD is configured with -Dtests_fault=true. Exit status 0: both were caught.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:?"usage: mutants.sh BUILD [SEED]"}
seed=${2:-$(date +%s)}
output=$(mktemp)
trap 'rm -f "$output"' EXIT
trap 'exit 130' INT TERM

# caught NAME PATTERN OPTION...: PATTERN is the audit's word for what this fault does.
#
# A kill finds something only when it falls between two steps of the fault, which no run can promise;
# on a slow machine fewer do. What three runs do not find is not found.
caught() {
  name=$1 pattern=$2
  shift 2
  for further in 0 1 2; do
    python3 tests/chaos/chaos.py --build "$build" --seed $((seed + further)) "$@" >"$output" 2>&1
    status=$?
    found=$(grep -c "^  $pattern " "$output")
    if [ "$status" = 1 ] && [ "$found" -gt 0 ] &&
      grep -q '10 kills of csmsd, 10 of PostgreSQL' "$output" &&
      grep -q '^FAILED: the audit ended with status 1$' "$output"; then
      echo "caught: $name; $(grep '^differences:' "$output"); the first:"
      grep "^  $pattern " "$output" | head -n 3
      return 0
    fi
  done
  echo "NOT CAUGHT: $name (exit status $status, $found times \"$pattern\"); its output ends:"
  tail -n 40 "$output"
  return 1
}

result=0
caught 'a daemon that confirms before it commits' 'reading lost' --fault answer_before_commit || result=1
caught 'a start known by its message id' 'session too many' \
  --patch tests/chaos/start_by_message_id.sql || result=1
exit $result
