/* roster.c - see roster.h. */
#include "csms/roster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Columns of directory.sql. */
enum {
    SEQ,
    STATION,
    IDENTITY,
    KEY_HASHES,
    SECURITY_PROFILE,
    REGISTRATION,
    BOOT_NUMBER,
    BLOCKED,
    PING_S,
    QUIRKS
};

/* One look: a query with one number, at most one under way at a time. */
struct look {
    struct worker_task task;
    struct roster *roster;
    enum db_stmt stmt;
    int64_t argument;
    bool under_way, again;
    enum db_result result;
    struct db_rows rows;
};

struct roster {
    struct roster_config config;
    struct look directory, commands, clock, moved, settle;
    int64_t dead; /* the node that was found without its lock last time; 0: none */
    bool loaded, whole;
    int64_t behind_us;
    int64_t passed_seq; /* the highest of a row that could not be read */
    uint64_t unreadable;
    uint64_t directory_ms, clock_ms; /* when they were looked at last */
};

/* Taken in the worker, so that the time a task waits for its turn does not count. */
static int64_t wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void look_run(struct worker_task *task, struct db_conn *conn)
{
    struct look *look = (struct look *)task;
    struct db_args args;

    look->result = DB_DOWN;
    if (conn == NULL)
        return;
    db_args_init(&args);
    db_args_int8(&args, look->stmt == DB_STMT_CLOCK ? wall_us() : look->argument);
    db_args_row(&args);
    look->result = worker_db_run(conn, look->stmt, &args, &look->rows);
    db_args_done(&args);
}

static void look_start(struct look *look, int64_t argument)
{
    if (look->under_way) {
        look->again = true;
        return;
    }
    look->argument = argument;
    look->under_way = workers_post(look->roster->config.workers, &look->task);
}

static bool entry_read(const struct db_row *row, struct core_entry *ret)
{
    const char *identity = db_row_text(row, IDENTITY);
    const char *registration = db_row_text(row, REGISTRATION);
    const char *hashes = db_row_text(row, KEY_HASHES);
    const char *quirks = db_row_text(row, QUIRKS);

    *ret = (struct core_entry){
        .station = db_row_int8(row, STATION),
        .seq = db_row_int8(row, SEQ),
        .security_profile = (uint8_t)db_row_int8(row, SECURITY_PROFILE),
        .blocked = db_row_bool(row, BLOCKED),
        .ping_s = db_row_is_null(row, PING_S) ? -1 : (int32_t)db_row_int8(row, PING_S),
        .boot_number = (int32_t)db_row_int8(row, BOOT_NUMBER),
        .quirks = core_quirks_read(quirks != NULL ? quirks : ""),
    };
    if (identity == NULL || !core_identity_valid(identity, strlen(identity)))
        return false;
    memcpy(ret->identity, identity, strlen(identity) + 1);
    if (registration != NULL)
        strncpy(ret->registration, registration, sizeof ret->registration - 1);
    return core_key_hashes_read(hashes != NULL ? hashes : "", ret);
}

/* Does every key that was good before still open the door? */
static bool keys_kept(const struct core_entry *before, const struct core_entry *after)
{
    for (uint8_t i = 0; i < before->key_count; i++) {
        bool kept = false;

        for (uint8_t k = 0; k < after->key_count; k++)
            kept |= memcmp(before->key_hashes[i], after->key_hashes[k], CORE_KEY_HASH) == 0;
        if (!kept)
            return false;
    }
    return true;
}

/* False: no memory. */
static bool entry_put(struct roster *roster, const struct core_entry *entry, struct core_now now)
{
    const struct core_entry *before =
        core_directory_get(roster->config.directory, entry->station);
    bool revoked = entry->blocked || (before != NULL && !keys_kept(before, entry));

    if (revoked)
        core_station_close(
            roster->config.core, now, entry->station, "the credentials are no longer valid");
    return core_directory_put(roster->config.directory, entry);
}

/* A station whose row cannot be read must not stay as it was: perhaps its key was revoked. */
static void entry_refuse(struct roster *roster, const struct core_entry *entry, struct core_now now)
{
    roster->unreadable++;
    if (entry->seq > roster->passed_seq)
        roster->passed_seq = entry->seq;
    log_event(roster->config.log, DIRECTORY_UNREADABLE, log_int("station", entry->station),
        log_str("identity", entry->identity), log_int("seq", entry->seq));
    core_directory_remove(roster->config.directory, entry->station);
    core_station_close(
        roster->config.core, now, entry->station, "what is known of the station cannot be read");
}

/* False: there was no memory for all of them. */
static bool entries_put(struct roster *roster, const struct look *look, struct core_now now)
{
    bool all = true;

    for (int i = 0; look->result == DB_OK && i < look->rows.count; i++) {
        struct db_row row = db_rows_at(&look->rows, i);
        struct core_entry entry;

        if (entry_read(&row, &entry))
            all &= entry_put(roster, &entry, now);
        else
            entry_refuse(roster, &entry, now);
    }
    return all;
}

static void directory_done(struct worker_task *task)
{
    struct look *look = (struct look *)task;
    struct roster *roster = look->roster;
    bool whole = look->argument == 0, ok = look->result == DB_OK || look->result == DB_NONE, all;
    struct core_now now = {
        loop_mono_ms(roster->config.loop), loop_wall_us(roster->config.loop)};

    look->under_way = false;
    if (ok && whole)
        core_directory_begin(roster->config.directory);
    all = entries_put(roster, look, now);
    db_rows_done(&look->rows);
    if (ok)
        roster->directory_ms = now.mono_ms;
    if (ok && whole) {
        core_directory_end(roster->config.directory);
        if (roster->whole)
            log_event(roster->config.log, DIRECTORY,
                log_uint("stations", core_directory_count(roster->config.directory)));
        roster->whole = false;
        roster->loaded = true;
    }
    if (!all) /* what was passed over now comes with a whole look alone */
        roster->whole = true;
    if (look->again) {
        look->again = false;
        roster_directory(roster);
    }
}

static void commands_done(struct worker_task *task)
{
    struct look *look = (struct look *)task;
    struct roster *roster = look->roster;
    struct core_now now = {
        loop_mono_ms(roster->config.loop), loop_wall_us(roster->config.loop)};

    look->under_way = false;
    for (int i = 0; look->result == DB_OK && i < look->rows.count; i++) {
        struct db_row row = db_rows_at(&look->rows, i);

        core_command_hint(roster->config.core, now, db_row_int8(&row, 0));
    }
    db_rows_done(&look->rows);
    if (look->again) {
        look->again = false;
        roster_commands(roster);
    }
}

static void clock_done(struct worker_task *task)
{
    struct look *look = (struct look *)task;

    look->under_way = look->again = false;
    if (look->result == DB_OK && look->rows.count == 1) {
        struct db_row row = db_rows_at(&look->rows, 0);

        look->roster->behind_us = db_row_int8(&row, 0);
        look->roster->clock_ms = loop_mono_ms(look->roster->config.loop);
    }
    db_rows_done(&look->rows);
}

static void moved_done(struct worker_task *task)
{
    struct look *look = (struct look *)task;
    struct roster *roster = look->roster;
    struct core_now now = {
        loop_mono_ms(roster->config.loop), loop_wall_us(roster->config.loop)};

    look->under_way = false;
    for (int i = 0; look->result == DB_OK && i < look->rows.count; i++) {
        struct db_row row = db_rows_at(&look->rows, i);

        core_station_moved(
            roster->config.core, now, db_row_int8(&row, 0), db_row_int8(&row, 1));
    }
    db_rows_done(&look->rows);
    if (look->again) {
        look->again = false;
        roster_moved(roster);
    }
}

static void settle_done(struct worker_task *task)
{
    struct look *look = (struct look *)task;
    struct roster *roster = look->roster;

    look->under_way = look->again = false;
    roster->dead = 0;
    if (look->result == DB_OK && look->rows.count == 1) {
        struct db_row row = db_rows_at(&look->rows, 0);
        int64_t closed = db_row_int8(&row, 1);

        roster->dead = db_row_int8(&row, 0);
        if (closed > 0)
            log_event(roster->config.log, NODE_SETTLED, log_int("node", look->argument),
                log_int("closed", closed));
    }
    db_rows_done(&look->rows);
}

static struct look look_make(
    struct roster *roster, enum db_stmt stmt, void (*done)(struct worker_task *))
{
    return (struct look){
        .task = {.run = look_run, .done = done}, .roster = roster, .stmt = stmt};
}

struct roster *roster_new(const struct roster_config *config)
{
    struct roster *roster = calloc(1, sizeof *roster);

    if (roster == NULL)
        return NULL;
    roster->config = *config;
    roster->whole = true;
    roster->directory_ms = roster->clock_ms = loop_mono_ms(config->loop);
    roster->directory = look_make(roster, DB_STMT_DIRECTORY, directory_done);
    roster->commands = look_make(roster, DB_STMT_COMMAND_STATIONS, commands_done);
    roster->clock = look_make(roster, DB_STMT_CLOCK, clock_done);
    roster->moved = look_make(roster, DB_STMT_CONNECTIONS_MOVED, moved_done);
    roster->settle = look_make(roster, DB_STMT_NODE_SETTLE, settle_done);
    return roster;
}

void roster_free(struct roster *roster)
{
    if (roster == NULL)
        return;
    assert(!roster->directory.under_way && !roster->commands.under_way);
    assert(!roster->clock.under_way && !roster->moved.under_way && !roster->settle.under_way);
    free(roster);
}

void roster_directory(struct roster *roster)
{
    int64_t seq = core_directory_seq(roster->config.directory);

    if (roster->passed_seq > seq)
        seq = roster->passed_seq;
    look_start(&roster->directory, roster->whole ? 0 : seq);
}

void roster_commands(struct roster *roster)
{
    look_start(&roster->commands, roster->config.node);
}

void roster_clock(struct roster *roster)
{
    look_start(&roster->clock, 0);
}

void roster_moved(struct roster *roster)
{
    look_start(&roster->moved, roster->config.node);
}

void roster_others(struct roster *roster)
{
    roster_moved(roster);
    look_start(&roster->settle, roster->dead);
}

int64_t roster_behind_us(const struct roster *roster)
{
    return roster->behind_us;
}

uint64_t roster_looked_ms(const struct roster *roster)
{
    return roster->directory_ms < roster->clock_ms ? roster->directory_ms : roster->clock_ms;
}

uint64_t roster_unreadable(const struct roster *roster)
{
    return roster->unreadable;
}

void roster_reload(struct roster *roster)
{
    roster->whole = true;
    roster_directory(roster);
}

bool roster_loaded(const struct roster *roster)
{
    return roster->loaded;
}
