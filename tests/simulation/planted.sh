#!/bin/sh
# planted.sh BUILD - ten faults that systems like this one have had: is each of them caught here?
#
# Each is planted in a copy of one source or SQL function and given to who should notice: the
# simulation within 1,000 seeds, or the test of the suite that is named. The line tells who did.
# BUILD has no sanitizers. Exit status 0: all were caught.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:?"usage: planted.sh BUILD"}
work=$(mktemp -d)
cluster=$work/pg
finish() {
  sh tests/cluster.sh stop "$cluster" >/dev/null 2>&1
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
. tests/simulation/mutant.sh

quiet() {
  psql -X -q -v ON_ERROR_STOP=1 "$@"
}

sql_template() {
  chmod 711 "$work"
  server=$(sh tests/cluster.sh start "$cluster") || exit 1
  server=${server%dbname=*}
  quiet -d "${server}dbname=postgres" -c 'CREATE DATABASE whole' || exit 1
  "$build/csms/csms" --database "${server}dbname=whole" db migrate >/dev/null || exit 1
}

# in_sql NAME FILE TEST SENTENCE OLD NEW...: does this test of tests/sql/TEST.sql fail?
in_sql() {
  name=$1 file=$2 test=$3 sentence=$4
  shift 4
  changed "$file" "$@" >"$work/mutant.sql" || { not_caught "$name"; return; }
  quiet -d "${server}dbname=postgres" -c 'DROP DATABASE IF EXISTS test WITH (FORCE)' \
    -c 'CREATE DATABASE test TEMPLATE whole' >/dev/null 2>&1 || exit 1
  quiet -1 -d "${server}dbname=test" -f "$work/mutant.sql" >"$work/output" 2>&1 || {
    not_caught "$name: the fault is no SQL"
    cat "$work/output"
    return
  }
  quiet -A -t -d "${server}dbname=test" -f tests/sql/fixture.psql -f "tests/sql/$test.sql" >"$work/output" 2>&1
  if grep -qF "not ok - $sentence" "$work/output"; then
    caught "$name" "tests/sql/$test.sql, \"$sentence\""
  else
    not_caught "$name"
    tail -n 3 "$work/output"
  fi
}

# in_room NAME FILE TEST SENTENCE OLD NEW...: the same of tests/TEST.c, linked with the room's library.
in_room() {
  name=$1 file=$2 test=$3 sentence=$4
  shift 4
  changed "$file" "$@" >"$work/room.c" || { not_caught "$name"; return; }
  # shellcheck disable=SC2046
  case $file in
    billing/*) set -- tests/billing/kit.c "$build/billing/libbilling.a" $(pkg-config --libs libcrypto) ;;
    db/*) set -- "$build/tests/db/libdb_fixture.a" "$build/db/libdb.a" $(pkg-config --libs libpq) ;;
  esac
  # shellcheck disable=SC2046
  cc -std=gnu17 -D_GNU_SOURCE -O1 -w -I. -I"${test%/*}" -I/usr/include/postgresql "$work/room.c" "$test" \
    "$@" $(pkg-config --libs check) -o "$work/room" || exit 1
  JOULEBOOK_TEST_PG="${server}dbname=postgres" "$work/room" >"$work/output" 2>&1
  if grep -q ":[FE]:[^:]*:$sentence:" "$work/output"; then
    caught "$name" "$test, $sentence"
  else
    not_caught "$name"
    tail -n 3 "$work/output"
  fi
}

simulation_objects
sql_template

in_simulation '1 answer before commit' csms/core/station.c \
  '        station->work_token = job->work.token;' \
  '        static const struct core_answer none;
        if (job->work.kind == CORE_READINGS && station->state == STATION_OPEN)
            confirm(core, now, station, CORE_DONE, &none);
        else
            station->work_token = job->work.token;' \
  '    (void)now;
    assert(job != NULL && station->work_token == 0' '    assert(job != NULL && station->work_token == 0'

in_simulation '2 key without connector' tests/simulation/model.c \
  'return KEY(station, connector, tag, at_us);' 'return KEY(station, tag, at_us);'
in_sql '2 key without connector' migrations/functions/inbound_start.sql inbound_start \
  'a start is a business key: another tag, connector, time or pile is another start' \
  'p_station::text, p_connector::text, tag.tag_key::text' 'p_station::text, tag.tag_key::text'

# Its message id is kept in a member that a Start has no use for.
in_simulation '3 key by message id' tests/simulation/model.c \
  '    task->command = work->command;' \
  '    task->command = work->kind != CORE_START ? work->command
        : (int64_t)hash_bytes(HASH_START, work->frame, strcspn(work->frame + 3, ",") + 3);' \
  '    if (*known == 0) {
        presume' \
  '    int64_t *same = keys_at(&model->statuses, KEY(task->station, task->command, 3));
    if (*same != 0)
        *known = *same;
    if (*same == 0) {
        presume' \
  '*known = store(model, task, SESSION_READ);' '*same = *known = store(model, task, SESSION_READ);'
in_sql '3 key by message id' migrations/functions/inbound_start.sql inbound_start \
  'a start repeated with another message id, by another connection, is the same start' \
  '    SELECT * INTO known FROM (
        SELECT s.*' \
  '    content := inbound.digest(p_station::text, p_frame::jsonb ->> 1);
    SELECT * INTO known FROM (
        SELECT s.*'

in_simulation '4 close handler by identity' csms/core/core.c \
  '    core->slots[station->conn.slot].station = 0;
    call_lost' '    call_lost' \
  '    assert(core->slots[conn.slot].station == 0);
' '' \
  '    if (slot->station == 0 || slot->generation != conn.generation)
        return NULL;' \
  '    if (slot->station == 0 || slot->generation != conn.generation ||
        core->stations[slot->station - 1].conn.slot != conn.slot ||
        core->stations[slot->station - 1].conn.generation != conn.generation ||
        !station_connected(&core->stations[slot->station - 1]))
        return NULL;' \
  'core_conn_closed(
    struct core *core, struct core_now now, struct core_conn conn, const char *reason)
{
    struct core_station *station = slot_station(core, conn);
' \
  'core_conn_closed(
    struct core *core, struct core_now now, struct core_conn conn, const char *reason)
{
    const struct core_slot *slot = &core->slots[conn.slot];
    struct core_station *station = slot->station != 0 && slot->generation == conn.generation &&
        station_connected(&core->stations[slot->station - 1]) ? &core->stations[slot->station - 1]
        : NULL;
'

in_simulation '5 confirmation on a member'"'"'s own result' tests/simulation/lane.c \
  '        batch_back(lane);
        lane->running = false;
        go(lane);' \
  '        for (struct task *task = lane->batch; task != NULL; task = task->next)
            if (task->kind == CORE_READINGS || task->kind == CORE_STOP)
                task->outcome = CORE_DONE;
            else
                model_run(world->model, task);
        schedule(lane, EVENT_LANE_ANSWER, world->now_us + 1000, NULL);'

in_room '5 confirmation on a member'"'"'s own result' db/lane_run.c tests/db/test_lane.c \
  one_deferred_constraint_harms_only_its_member \
  '    PQclear(member->result);
    member->result = result;
' \
  '    PQclear(member->result);
    member->result = result;
    if (member->done)
        member->done(member->ctx, member->token, DB_OK, &(struct db_row){result, 0});
    member->done = NULL;
'

in_room '6 double for a price' billing/money.c tests/billing/test_money.c \
  the_largest_amount_of_all_is_exact \
  'return fine * c->price_micro * 3600;' \
  'return (__int128)((double)fine * (double)c->price_micro * 3600);'

in_simulation '7 NOTIFY as truth' tests/simulation/node.c \
  '        look_for_commands(node);
        node->lock_lost = false;' '        node->lock_lost = false;'

in_simulation '8 id > last seen' tests/simulation/commands.c \
  '        if (command->station != task->station || command->state != COMMAND_QUEUED ||' \
  '        bool passed = false;

        for (uint32_t k = i + 1; k < model->command_count; k++)
            passed |= model->commands[k].station == task->station && model->commands[k].attempts > 0;
        if (passed || command->station != task->station || command->state != COMMAND_QUEUED ||'
in_sql '8 id > last seen' migrations/functions/inbound_command.sql inbound_work \
  'what a dead connection had sent is unknown; what may be repeated is queued again with a new message id' \
  "c.station_id = p_station AND c.state = 'queued' AND c.deadline > p_at
    ORDER" \
  "c.station_id = p_station AND c.state = 'queued' AND c.deadline > p_at AND c.id > ALL (
        SELECT x.id FROM core.command x WHERE x.station_id = p_station AND x.state <> 'queued')
    ORDER"

in_simulation '9 epoch not checked' tests/simulation/commands.c \
  'station->epoch != task->epoch || station->closed' 'station->closed'
in_sql '9 epoch not checked' migrations/functions/inbound_command.sql inbound_work \
  'a command is claimed once, oldest first, by the living epoch, before its deadline' \
  'AND c.epoch = p_epoch AND c.closed_at IS NULL FOR SHARE' 'AND c.closed_at IS NULL FOR SHARE'

in_sql '10 partition missing' migrations/functions/inbound_job.sql inbound_work \
  'a month is made with the rows that waited for it, and dropped past retention' \
  'this_month + make_interval(months => plan.ahead_months)' 'this_month'
exit $result
