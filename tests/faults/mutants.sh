#!/bin/sh
# mutants.sh BUILD [WORD] - would moving.py and storm.py notice a central system that is wrong?
#
# For each fault below one function of the database is changed, or one source in a build of its own; then the
# short form of a test has to fail by the check that is named. WORD: only those whose name contains it. BUILD has no
# sanitizers. Exit status 0: all were caught.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:?"usage: mutants.sh BUILD [WORD]"}
only=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. tests/simulation/mutant.sh

chosen() {
  case $1 in *"$only"*) ;; *) return 1 ;; esac
}

# noticed NAME TEST SENTENCE BUILD OPTION...: by the check whose line begins so.
#
# Some faults show only in moments that no run can promise; what three runs do not find is not found.
noticed() {
  name=$1 test=$2 sentence=$3 built=$4
  shift 4
  for run in 1 2 3; do
    python3 "tests/faults/$test.py" --build "$built" "$@" >"$work/output" 2>&1
    status=$?
    said=$(sed -n "s/^NOT OK - //p" "$work/output")
    case $status,$said in
      1,"$sentence"*)
        caught "$name" "$test, run $run: $(printf '%s' "$said" | cut -c 1-160)"
        return ;;
    esac
  done
  not_caught "$name (exit status $status)"
  tail -n 20 "$work/output"
}

# database NAME TEST SENTENCE FILE OLD NEW...: a file of migrations/functions with its fault.
database() {
  chosen "$1" || return 0
  name=$1 test=$2 sentence=$3
  shift 3
  changed "$@" >"$work/patch.sql" || { not_caught "$name"; return; }
  noticed "$name" "$test" "$sentence" "$build" --wrong "$work/patch.sql"
}

# daemon NAME TEST SENTENCE FILE OLD NEW...: built from a copy of the sources with its fault.
daemon() {
  chosen "$1" || return 0
  name=$1 test=$2 sentence=$3 file=$4
  shift 3
  mkdir -p "$work/tree" && git archive HEAD | tar -x -C "$work/tree" || exit 1
  changed "$@" >"$work/tree/$file" || { not_caught "$name"; return; }
  (meson setup "$work/tree/build" "$work/tree" --buildtype=release &&
    ninja -C "$work/tree/build" csms/csmsd csms/csms) >"$work/output" 2>&1 || { tail "$work/output"; exit 1; }
  noticed "$name" "$test" "$sentence" "$work/tree/build"
}

connection=migrations/functions/inbound_connection.sql
database 'a claim does not look at the epoch' moving 'no claim by an old epoch' \
  migrations/functions/inbound_command.sql ' AND c.epoch = p_epoch AND c.closed_at IS NULL FOR SHARE' ' FOR SHARE'
database 'a node is not told that a pile has gone' moving 'a connection that has a newer one is closed' \
  $connection "        PERFORM pg_notify('joulebook_node_' || before, 'moved ' || p_station || ' ' || epoch);" '        NULL;'
database 'a late close ends the newer connection' moving 'each pile owns its connection' \
  $connection 'c.station_id = p_station AND c.epoch = p_epoch AND c.closed_at IS NULL;' \
  'c.station_id = p_station AND c.closed_at IS NULL;'
database 'what had left is sent again' moving 'what may not be repeated was not' \
  $connection 'CASE WHEN c.repeatable AND c.deadline' 'CASE WHEN c.deadline'
database 'a pile keeps its epoch' moving 'at most one open ownership' $connection 'epoch = c.epoch + 1,' 'epoch = c.epoch,'
# Two conditions keep a claim of the old connection from the new one: the station is open, the epoch is the claim's.
# Each alone is enough: the lane answers a claim before the take-over behind it, when the station is not open yet, and
# with the new connection the epoch is another one. Without both a CALL of another epoch ends the process.
ours='bool ours = station->state == STATION_OPEN && station->command_epoch == station->epoch;'
always='bool ours = station->state != STATION_LEAVING;'
daemon 'a claim of the old connection becomes a call of the new one' moving 'csmsd' csms/core/call.c "$ours" "$always"
daemon 'a claim of the old connection leaves on the new one' moving 'each CALL came on the connection' csms/core/call.c \
  "$ours" "$always" 'assert(call->epoch == station->epoch && !call->sent);' 'assert(!call->sent);'
database 'each fiftieth pile finds its connection held' storm '500 piles come for the first time' $connection \
  'SELECT CASE WHEN c.closed_at IS NULL THEN c.node_id END INTO before' \
  "IF p_station > 100 AND p_station % 50 = 0 THEN outcome := 'busy'; RETURN; END IF;
    SELECT CASE WHEN c.closed_at IS NULL THEN c.node_id END INTO before"
database 'one pile of those that come holds up all others' storm '99 of 100 of them within' $connection \
  'PERFORM inbound.commands_lost(p_station, epoch, p_at);' 'PERFORM pg_sleep(CASE p_station WHEN 150 THEN 1.5 ELSE 0 END);'
exit $result
