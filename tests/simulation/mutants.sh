#!/bin/sh
# mutants.sh BUILD [NAME] - would the simulation notice a core, a lane or a database that is wrong?
#
# For each fault below a copy of one source is changed, linked with the rest of BUILD (one without
# sanitizers), and run until a seed breaks something. Each must be caught within 1,000 seeds; the
# line tells by which, and what it broke. Exit status 0: all were. Ten more, and who else notices
# them, are in planted.sh.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:?"usage: mutants.sh BUILD [NAME]"}
only=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. tests/simulation/mutant.sh

mutant() {
  [ -z "$only" ] || [ "$only" = "$1" ] || return 0
  in_simulation "$@"
}

simulation_objects

mutant 'a close is taken by the slot, not by the handle' csms/core/core.c \
  'slot->station == 0 || slot->generation != conn.generation' 'slot->station == 0'
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
mutant 'a reading is known by its connector alone' tests/simulation/model.c \
  'row->at_us, row->connector, row->hash)' '0, row->connector, row->connector)'
mutant 'a call waits by the wall clock' csms/core/call.c \
  'now.mono_ms >= station->call->deadline_ms' \
  'now.wall_us >= station->call->sent_us + (int64_t)station->call->timeout_ms * 1000'
mutant 'one pile'"'"'s work is given at the tick only' csms/core/station.c \
  'if (core->ports.work(core->ports.ctx, &job->work))' \
  'if ((station->id != 2 || now.mono_ms % 1000 < 300) &&
        core->ports.work(core->ports.ctx, &job->work))' \
  '    (void)now;
    assert(job != NULL && station->work_token == 0' '    assert(job != NULL && station->work_token == 0'
mutant 'who leaves without room stays counted' csms/core/core.c \
  '        core->stalled--;
    }
    station_go(station, STATION_LEAVING);' '    }
    station_go(station, STATION_LEAVING);'
mutant 'a Start while a session is open gets that session' tests/simulation/model.c \
  '    if (*known == 0) {
        presume' '    for (uint32_t i = model->stations[task->station - 1].sessions; i != 0 && *known == 0;
         i = model->stored[i].next)
        if (!model->stored[i].stopped && model->stored[i].connector == task->connector &&
            model->stored[i].kind == SESSION_READ)
            *known = TRANSACTION_BASE + i;
    if (*known == 0) {
        presume'
mutant 'a late answer settles whatever pile it came from' tests/simulation/commands.c \
  'command->station == task->station && attempt == command->attempts &&
        command->left' 'attempt == command->attempts && command->left'
mutant 'an answer without a status is none' csms/core/call.c \
  '        if (state == no_status)
            state = "accepted";
' ''
mutant 'an answer is taken by its command, not by its claim' tests/simulation/commands.c \
  'if (attempt != command->attempts ||
        (command->state != COMMAND_SENT && !(evidence && doubtful(command))))' \
  'if (command->state != COMMAND_SENT && !(evidence && doubtful(command)))'
exit $result
