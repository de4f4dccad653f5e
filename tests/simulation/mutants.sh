#!/bin/sh
# mutants.sh BUILD [NAME] - would the simulation notice a core, a lane or a database that is wrong?
#
# For each fault below a copy of one source is changed, linked with the rest of BUILD (one without
# sanitizers), and run until a seed breaks something. Each must be caught within 1,000 seeds; the
# line tells by which, and what it broke. Exit status 0: all were.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:?"usage: mutants.sh BUILD [NAME]"}
only=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
result=0

objects() {
  for source in tests/simulation/*.c; do
    cc -std=gnu17 -D_GNU_SOURCE -O1 -I. -c "$source" -o "$work/$(basename "$source" .c).o" || exit 1
  done
}

# mutant NAME FILE OLD NEW: OLD stands in FILE exactly once.
mutant() {
  name=$1 file=$2
  [ -z "$only" ] || [ "$only" = "$name" ] || return 0
  if ! python3 - "$2" "$3" "$4" >"$work/mutant.c" <<'PYTHON'
import sys
text = open(sys.argv[1], encoding="utf-8").read()
if text.count(sys.argv[2]) != 1:
    sys.exit(f"{sys.argv[1]}: {sys.argv[2]!r} stands there {text.count(sys.argv[2])} times")
print(text.replace(sys.argv[2], sys.argv[3]), end="")
PYTHON
  then
    result=1
    return
  fi
  cc -std=gnu17 -D_GNU_SOURCE -O1 -w -I. -c "$work/mutant.c" -o "$work/mutant.o" || exit 1
  others=$(ls "$work"/*.o | grep -v -e /mutant.o -e "/$(basename "$file" .c).o")
  # The mutant comes first, so that the library's own member is not asked for.
  # shellcheck disable=SC2086
  cc "$work/mutant.o" $others "$build/csms/core/libcore.a" "$build/ocpp/libocpp.a" -lcjson \
    -o "$work/simulation" || exit 1
  timeout 1800 "$work/simulation" --seeds 1-1000 >"$work/output" 2>&1
  status=$?
  said=$(grep -a '^seed ' "$work/output" | tail -n 1)
  if [ "$status" -gt 100 ] && [ "$status" -lt 124 ] && [ -n "$said" ]; then
    echo "caught: $name: ${said%:}"
  else
    echo "NOT CAUGHT: $name (exit status $status)"
    tail -n 3 "$work/output"
    result=1
  fi
}

objects

mutant 'a reading is confirmed before its commit' csms/core/station.c \
  '        station->work_token = job->work.token;' \
  '        static const struct core_answer none;
        if (job->work.kind == CORE_READINGS && station->state == STATION_OPEN)
            confirm(core, now, station, CORE_DONE, &none);
        else
            station->work_token = job->work.token;'
mutant 'a member is done by its own result, before the batch commits' tests/simulation/lane.c \
  '        batch_back(lane);
        lane->running = false;
        go(lane);' \
  '        for (struct task *task = lane->batch; task != NULL; task = task->next)
            if (task->kind == CORE_READINGS || task->kind == CORE_STOP)
                task->outcome = CORE_DONE;
            else
                model_run(world->model, task);
        schedule(lane, EVENT_LANE_ANSWER, world->now_us + 1000, NULL);'
mutant 'a close is taken by the slot, not by the handle' csms/core/core.c \
  'slot->station == 0 || slot->generation != conn.generation' 'slot->station == 0'
mutant 'a command is claimed whatever the epoch' tests/simulation/commands.c \
  'station->epoch != task->epoch || station->closed' 'station->closed'
mutant 'a command that may have left is queued again' tests/simulation/commands.c \
  'command->repeatable && command->deadline_us' 'command->deadline_us'
mutant 'a call that may have left is kept for the next connection' csms/core/call.c \
  '        call_end(core, now, station, "unknown", NULL);' \
  '        station->call->sent = false;'
mutant 'the old connection stays when a new one comes' csms/core/core.c \
  '    station_disconnect(core, now, station, CORE_CLOSE_GOING_AWAY, "replaced by a newer connection");
}

bool core_may_open' \
  '    station_gone(core, now, station, "replaced");
}

bool core_may_open'
mutant 'another node'"'"'s take-over is not minded' csms/core/core.c \
  'station->state != STATION_OPEN || station->epoch >= epoch' 'true'
mutant 'a claim whose call has left is put back' csms/core/call.c \
  'call == NULL || call->sent' 'call == NULL'
mutant 'work of a lost connection is not waited for' csms/core/core.c \
  'station->work_token == 0 && !station->stalled' '!station->stalled'
mutant 'the last message is worked first' csms/core/station.c \
  '        station->last->next = job;
    else' '        station->last->next = NULL, job->next = station->first, station->first = job,
        job = station->last;
    else'
mutant 'a paused connection is not resumed' csms/core/core.c \
  'station->paused && !core_queue_full(station)' 'station->paused && false'
mutant 'a call never times out' csms/core/call.c \
  'now.mono_ms >= station->call->deadline_ms' 'false'
mutant 'what the database refuses gets a CALLERROR' csms/core/station.c \
  '    if (!evidence(job->frame.action))
        refuse(core, now, station, OCPP_INTERNAL_ERROR' \
  '    if (true)
        refuse(core, now, station, OCPP_INTERNAL_ERROR'
mutant 'a message that found no room is forgotten' csms/core/core.c \
  '        station_job_submit(core, now, station);
    else
        take_over_submit' '        core_job_free(station->job), station->job = NULL;
    else
        take_over_submit'
mutant 'a reading is known by its time alone' tests/simulation/model.c \
  'row->at_us, row->connector, row->hash)' '0, row->connector, row->connector)'
mutant 'a Start that is sent again is another session' tests/simulation/model.c \
  '    if (*known == 0) {
        presume' '    if (true) {
        presume'
exit $result
