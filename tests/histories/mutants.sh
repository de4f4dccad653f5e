#!/bin/sh
# mutants.sh BUILD [NAME] - would the histories notice a database or an engine that is wrong?
#
# For each fault below one function is changed after the migration, or one source of the engine in a
# build of its own; then seeds are played until one has a fault. Each must be caught within the first
# seeds, in which the right one has none; the line tells by which seed, and how it showed. Exit status
# 0: all were caught.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:?"usage: mutants.sh BUILD [NAME]"}
only=${2:-}
seeds=1-19
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. tests/simulation/mutant.sh

# noticed NAME BUILD OPTION...: by which seed.
noticed() {
  name=$1 built=$2
  shift 2
  python3 tests/histories/histories.py --build "$built" --seeds $seeds --stop "$@" >"$work/output" 2>&1
  status=$?
  seed=$(sed -n '/^seed .* faults\{0,1\}$/{/ no faults$/!s/:.*//p}' "$work/output")
  said=$(sed -n 's/^  FAULT: //p' "$work/output" | head -n 1)
  if [ "$status" = 1 ] && [ -n "$seed" ] && [ -n "$said" ]; then
    caught "$name" "$seed: $said"
  else
    not_caught "$name (exit status $status)"
    tail -n 5 "$work/output"
  fi
}

# database NAME FILE OLD NEW...: a file of migrations/functions with its fault.
database() {
  [ -z "$only" ] || [ "$only" = "$1" ] || return 0
  name=$1
  shift
  changed "$@" >"$work/patch.sql" || { not_caught "$name"; return; }
  noticed "$name" "$build" --patch "$work/patch.sql"
}

# engine NAME FILE OLD NEW...: a daemon built from a copy of the sources with its fault.
engine() {
  [ -z "$only" ] || [ "$only" = "$1" ] || return 0
  name=$1 file=$2
  shift
  mkdir -p "$work/tree" && git archive HEAD | tar -x -C "$work/tree" || exit 1
  changed "$@" >"$work/tree/$file" || { not_caught "$name"; return; }
  (meson setup "$work/tree/build" "$work/tree" --buildtype=release &&
    ninja -C "$work/tree/build" csms/csmsd csms/csms) >"$work/output" 2>&1 || { tail "$work/output"; exit 1; }
  noticed "$name" "$work/tree/build"
}

if [ -z "$only" ] && ! python3 tests/histories/histories.py --build "$build" --seeds $seeds >"$work/output" 2>&1; then
  echo 'the right one has faults, too:'
  cat "$work/output"
  exit 1
fi

database 'a Stop ends a session that the next one had ended' migrations/functions/inbound_stop_parts.sql \
  '(o.started_at, o.transaction_id) > (s.started_at, s.transaction_id)' 'false'
sed -n '/^CREATE FUNCTION core.session_window/,/^\$\$;/p' migrations/0101_session_window.sql |
  sed 's/^CREATE FUNCTION/CREATE OR REPLACE FUNCTION/' >"$work/window.sql"
database 'the next start does not end the time of a session' "$work/window.sql" \
  'AND (o.started_at, o.transaction_id) > (s.started_at, s.transaction_id)' 'AND false'
database 'a start is known without its connector' migrations/functions/inbound_start.sql \
  'content := inbound.digest(p_station::text, p_connector::text,' 'content := inbound.digest(p_station::text,'
database 'a start without a time is known without its boot' migrations/functions/inbound_start.sql \
  "here.boot_number || '/' || COALESCE(p_meter_start_mwh::text, '')" "''"
database 'a start is a new one with each register' migrations/functions/inbound_start.sql \
  "CASE WHEN clock.clockless THEN here" "CASE WHEN true THEN here"
database 'the hold is not released' migrations/functions/ledger_settle.sql \
  "    PERFORM ledger.release_holds(s.uid, 'captured');" ''
database 'what was paid for a bill without a Stop is kept' migrations/functions/ledger_settle.sql \
  'IF live.journal_id IS NOT NULL THEN' 'IF false THEN'
database 'readings keep the clock of their pile' migrations/functions/ledger_settlement_input.sql \
  "'at', to_char((r.at + shift) AT TIME ZONE 'UTC', utc),
               'received_at'" "'at', to_char(r.at AT TIME ZONE 'UTC', utc),
               'received_at'"
database 'a known offset is not added' migrations/functions/inbound_refuse.sql \
  'abs(p_offset_us) >= 30000000' 'abs(p_offset_us) >= 30000000000000'
database 'a time that is none is not doubted' migrations/functions/inbound_refuse.sql \
  "doubt := 'implausible_time'" 'doubt := NULL'
database 'readings without a number belong to nobody' migrations/functions/core_session_readings.sql \
  'r.at BETWEEN w.since AND w.until' 'false'
database 'readings that came with an early Stop are not found' migrations/functions/core_session_readings.sql \
  'r.connector = ANY (places)' 'r.connector = p_session.connector'
database 'a session without a Stop ends with its first reading' migrations/functions/core_session_end.sql \
  'ORDER BY r.at DESC, r.import_mwh DESC LIMIT 1' 'ORDER BY r.at, r.import_mwh LIMIT 1'
database 'a Stop takes any session of the pile' migrations/functions/inbound_stop_parts.sql \
  'AND (p_report.tag_key IS NULL OR s.tag_key IS NULL OR inbound.stop_tag_fits(s, p_report.tag_key))' ''
database 'an early Stop is not joined' migrations/functions/inbound_start_parts.sql \
  'IF early.id IS NOT NULL THEN' 'IF false THEN'
database 'lanes wait for one another' migrations/functions/ledger_hold.sql \
  'ORDER BY b.account_id FOR NO KEY UPDATE SKIP LOCKED LOOP' 'ORDER BY b.account_id FOR NO KEY UPDATE LOOP'
database 'a Stop again is a Stop' migrations/functions/inbound_stop.sql \
  'IF s.stopped_at IS NOT NULL THEN' 'IF false THEN'
engine 'half a cent is cut off' billing/money.c \
  ': (value + divide / 2) / divide' ': value / divide'
engine 'the hour ends a second later' billing/split.c \
  'at_us + cuts->at[i] - of_day' 'at_us + cuts->at[i] - of_day + 1000000'
exit $result
