/* drive.c - see drive.h. */
#include "tests/db/drive.h"

#include "tests/db/cluster.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct db_statement drive_statements[DRIVE_STATEMENTS] = {
    [PUT] = {"put", "SELECT * FROM put($1::bigint, $2::text)", DB_KIND_CALL},
    [ROWS] = {"rows",
        "INSERT INTO item (id, note, at) SELECT * FROM"
        " unnest($1::bigint[], $2::text[], $3::timestamptz[]) ORDER BY 1 ON CONFLICT DO NOTHING",
        DB_KIND_BULK},
    [MARK] = {"mark",
        "INSERT INTO mark (lane) VALUES ($1::text)"
        " ON CONFLICT (lane) DO UPDATE SET token = mark.token + 1",
        DB_KIND_MARK},
};

/* put() does what its second argument says, so that every way a statement can end is at hand. */
const char drive_schema[] =
    "CREATE TABLE item (id bigint PRIMARY KEY, note text CHECK (note <> 'bad'), at timestamptz,"
    "                   times int NOT NULL DEFAULT 1);"
    "CREATE TABLE mark (lane text PRIMARY KEY, token bigint NOT NULL DEFAULT 1);"
    "CREATE TABLE held (id int PRIMARY KEY); INSERT INTO held VALUES (1), (2);"
    "CREATE TABLE parent (id bigint PRIMARY KEY);"
    "CREATE TABLE child (id bigint PRIMARY KEY,"
    "    parent bigint REFERENCES parent DEFERRABLE INITIALLY DEFERRED);"
    "CREATE TABLE gate (opened bool);"
    "CREATE FUNCTION gate() RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
    "    FOR i IN 1..12000 LOOP"
    "        IF EXISTS (SELECT FROM gate) THEN RETURN; END IF;"
    "        PERFORM pg_sleep(0.01);"
    "    END LOOP; END $$;"
    "CREATE TABLE slow (id bigint PRIMARY KEY);"
    "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
    "    $$ BEGIN PERFORM gate(); RETURN NULL; END $$;"
    "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED"
    "    FOR EACH ROW EXECUTE FUNCTION slow();"
    "CREATE SEQUENCE tries;"
    "CREATE FUNCTION put(p_id bigint, p_what text) RETURNS TABLE (outcome text, value bigint)"
    " LANGUAGE plpgsql AS $$ BEGIN"
    "    value := p_id; outcome := 'done';"
    "    CASE split_part(p_what, ':', 1)"
    "    WHEN 'good' THEN"
    "        INSERT INTO item (id, note) VALUES (p_id, p_what) ON CONFLICT DO NOTHING;"
    "    WHEN 'count' THEN"
    "        INSERT INTO item (id, note) VALUES (p_id, p_what)"
    "        ON CONFLICT (id) DO UPDATE SET times = item.times + 1;"
    "    WHEN 'raise' THEN"
    "        RAISE EXCEPTION 'secret %', p_what USING ERRCODE = split_part(p_what, ':', 2);"
    "    WHEN 'turn' THEN"
    "        IF split_part(p_what, ':', 2) = '' THEN PERFORM nextval('tries');"
    "        ELSIF currval('tries') = split_part(p_what, ':', 2)::int THEN"
    "            RAISE EXCEPTION 'now' USING ERRCODE = '40P01';"
    "        END IF;"
    "        INSERT INTO item (id, note) VALUES (p_id, p_what);"
    "    WHEN 'twice' THEN"
    "        IF nextval('tries') < split_part(p_what, ':', 3)::int THEN"
    "            RAISE EXCEPTION 'again' USING ERRCODE = split_part(p_what, ':', 2);"
    "        END IF;"
    "        INSERT INTO item (id, note) VALUES (p_id, p_what);"
    "    WHEN 'unique' THEN INSERT INTO item (id, note) VALUES (p_id, p_what);"
    "    WHEN 'refused' THEN"
    "        outcome := 'refused'; INSERT INTO item (id, note) VALUES (p_id, p_what);"
    "    WHEN 'norow' THEN RETURN;"
    "    WHEN 'deferred' THEN INSERT INTO child VALUES (p_id, -1);"
    "    WHEN 'slow' THEN INSERT INTO slow VALUES (p_id) ON CONFLICT DO NOTHING;"
    "    WHEN 'gate' THEN PERFORM gate();"
    "    WHEN 'held' THEN"
    "        PERFORM FROM held WHERE id = split_part(p_what, ':', 2)::int"
    "        FOR NO KEY UPDATE SKIP LOCKED;"
    "        IF NOT FOUND THEN outcome := 'busy'; RETURN NEXT; RETURN; END IF;"
    "        INSERT INTO item (id, note) VALUES (p_id, p_what)"
    "        ON CONFLICT (id) DO UPDATE SET times = item.times + 1;"
    "    WHEN 'wait' THEN PERFORM FROM held WHERE id = split_part(p_what, ':', 2)::int FOR UPDATE;"
    "    WHEN 'crash' THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5);"
    "    WHEN 'warn' THEN"
    "        RAISE WARNING 'not at the commit';"
    "        INSERT INTO item (id, note) VALUES (p_id, p_what) ON CONFLICT DO NOTHING;"
    "    ELSE RAISE EXCEPTION 'what?';"
    "    END CASE;"
    "    RETURN NEXT; END $$;";

uint64_t drive_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void watch(void *ctx, int fd, bool want_read, bool want_write)
{
    struct drive *drive = ctx;

    assert(drive->fd == fd || drive->fd == -1);
    drive->fd = want_read || want_write ? fd : -1;
    drive->read = want_read;
    drive->write = want_write;
}

static void alarm_at(void *ctx, uint64_t at_mono_ms)
{
    struct drive *drive = ctx;

    drive->alarm_ms = at_mono_ms;
}

static void event(void *ctx, enum db_lane_event what, const char *detail)
{
    struct drive *drive = ctx;

    assert(!strstr(detail, "secret"));
    drive->events[what]++;
    snprintf(drive->last[what], DRIVE_LINE_MAX, "%s", detail);
    if (getenv("DRIVE_EVENTS"))
        fprintf(stderr, "%d %s\n", (int)what, detail);
}

static void done(void *ctx, uint64_t token, enum db_result result, const struct db_row *row)
{
    struct drive *drive = ctx;

    assert(!drive->in_submit);
    assert(token < DRIVE_TOKENS_MAX);
    assert(drive->results[token] == DB_RESULT_COUNT);
    drive->results[token] = result;
    drive->values[token] = row ? db_row_int8(row, 1) : -1;
    drive->order[token] = drive->done_count++;
}

struct drive *drive_new_on(const struct db_lane_config *config)
{
    struct drive *drive = calloc(1, sizeof *drive);
    struct db_lane_ports ports = {drive, watch, alarm_at, event};

    assert(drive);
    drive->fd = -1;
    drive->alarm_ms = UINT64_MAX;
    for (int i = 0; i < DRIVE_TOKENS_MAX; i++)
        drive->results[i] = DB_RESULT_COUNT;
    db_args_init(&drive->args);
    drive->lane = db_lane_new(config, &ports);
    assert(drive->lane);
    return drive;
}

struct drive *drive_new(const char *conninfo, bool durability_test)
{
    struct db_lane_config config = {
        .conninfo = conninfo,
        .name = "test",
        .durability_test = durability_test,
        .statements = drive_statements,
        .statement_count = DRIVE_STATEMENTS,
    };

    return drive_new_on(&config);
}

void drive_free(struct drive *drive)
{
    db_lane_free(drive->lane);
    assert(drive->fd == -1);
    db_args_done(&drive->args);
    free(drive);
}

uint64_t drive_clock(const struct drive *drive)
{
    return drive->stopped_ms ? drive->stopped_ms : drive_now() + drive->ahead_ms;
}

void drive_clock_stop(struct drive *drive)
{
    drive->stopped_ms = drive_clock(drive);
}

void drive_clock_pass(struct drive *drive, uint64_t ms)
{
    assert(drive->stopped_ms);
    drive->stopped_ms += ms;
}

void drive_clock_go(struct drive *drive)
{
    drive->ahead_ms = drive->stopped_ms - drive_now();
    drive->stopped_ms = 0;
}

void drive_turn(struct drive *drive, int wait_ms)
{
    struct pollfd polled = {.fd = drive->fd};
    uint64_t now = drive_clock(drive);
    int heard;

    polled.events = (short)((drive->read ? POLLIN : 0) | (drive->write ? POLLOUT : 0));
    if (drive->alarm_ms <= now)
        wait_ms = 0;
    else if (drive->alarm_ms - now < (uint64_t)wait_ms)
        wait_ms = (int)(drive->alarm_ms - now);
    heard = poll(&polled, drive->fd >= 0, wait_ms);
    now = drive_clock(drive);
    if (heard > 0)
        db_lane_ready(drive->lane, polled.revents & (POLLIN | POLLHUP | POLLERR),
            polled.revents & POLLOUT, now);
    if (drive->alarm_ms <= now) {
        drive->alarm_ms = UINT64_MAX;
        db_lane_alarm(drive->lane, now);
    }
}

/* Turns until the condition holds; its value. */
#define UNTIL(drive, condition)                                                                    \
    ({                                                                                             \
        uint64_t end_ms = drive_now() + DRIVE_PATIENCE_MS;                                         \
        bool met;                                                                                  \
                                                                                                   \
        while (!(met = (condition)) && drive_now() < end_ms)                                       \
            drive_turn(drive, 20);                                                                 \
        met;                                                                                       \
    })

bool drive_until_done(struct drive *drive, int count)
{
    return UNTIL(drive, drive->done_count >= count);
}

bool drive_until_up(struct drive *drive)
{
    return UNTIL(drive, db_lane_up(drive->lane));
}

bool drive_until_event(struct drive *drive, enum db_lane_event what, int count)
{
    return UNTIL(drive, drive->events[what] >= count);
}

bool drive_until_commits(struct drive *drive, uint64_t count)
{
    return UNTIL(drive, db_lane_stats(drive->lane).commits >= count);
}

bool drive_until_busy(struct drive *drive, uint64_t count)
{
    return UNTIL(drive, db_lane_stats(drive->lane).busy >= count);
}

bool drive_until_active(struct drive *drive, const char *conninfo, const char *query)
{
    char text[400];

    snprintf(text, sizeof text,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'joulebook/test' AND state = 'active' AND query LIKE '%s%%'",
        query);
    return UNTIL(drive, cluster_number(conninfo, text) > 0);
}

void drive_for(struct drive *drive, uint64_t ms)
{
    uint64_t end = drive_now() + ms;

    while (drive_now() < end)
        drive_turn(drive, 10);
}

void drive_gate_open(const char *conninfo)
{
    cluster_exec(conninfo, "INSERT INTO gate VALUES (true)");
}

static bool submit(struct drive *drive, int stmt, uint64_t token)
{
    struct db_work work = {.stmt = (enum db_stmt)stmt,
        .args = &drive->args,
        .done = done,
        .ctx = drive,
        .token = token};
    bool taken;

    drive->in_submit = true;
    taken = db_lane_submit(drive->lane, &work, drive_clock(drive));
    drive->in_submit = false;
    return taken;
}

bool drive_put(struct drive *drive, uint64_t token, int64_t id, const char *what)
{
    db_args_reset(&drive->args);
    db_args_int8(&drive->args, id);
    db_args_text(&drive->args, what);
    db_args_row(&drive->args);
    return submit(drive, PUT, token);
}

bool drive_rows(struct drive *drive, uint64_t token, int64_t id, int count)
{
    db_args_reset(&drive->args);
    for (int i = 0; i < count; i++) {
        db_args_int8(&drive->args, id + i);
        db_args_text(&drive->args, i % 3 ? "row" : NULL);
        if (i % 2)
            db_args_time_us(&drive->args, 1700000000000000 + i);
        else
            db_args_null(&drive->args, DB_TIME);
        db_args_row(&drive->args);
    }
    return submit(drive, ROWS, token);
}

bool drive_notes(struct drive *drive, uint64_t token, int64_t id, int count, const char *note)
{
    db_args_reset(&drive->args);
    for (int i = 0; i < count; i++) {
        db_args_int8(&drive->args, id + i);
        db_args_text(&drive->args, note);
        db_args_null(&drive->args, DB_TIME);
        db_args_row(&drive->args);
    }
    return submit(drive, ROWS, token);
}
