/* lane_connect.c - from no connection to a prepared one, and back.
 *
 * PQconnectStart and PQconnectPoll on the owner's loop; then one pipeline that checks the server
 * and prepares and describes every statement.  Loop thread.
 */
#include "db/lane_internal.h"

#include "db/bind.h"

#include <stdio.h>
#include <string.h>

/* A database error's first line, without what could quote a value. */
void lane_lost(struct db_lane *lane, enum db_lane_event event, const char *why)
{
    bool was_running = lane->state == LANE_RUNNING;
    char text[LANE_DETAIL_MAX];

    snprintf(text, sizeof text, "%s", why);
    lane_unwatch(lane);
    PQfinish(lane->conn);
    lane->conn = NULL;
    lane->state = LANE_OFF;
    lane->until_ms = lane->now_ms + lane_jitter(lane, lane->backoff_ms);
    lane->backoff_ms = lane->backoff_ms * 2 > DB_LANE_BACKOFF_MAX_MS ? DB_LANE_BACKOFF_MAX_MS
                                                                     : lane->backoff_ms * 2;
    if (lane->stuck_ms == 0)
        lane->stuck_ms = lane->now_ms;
    lane->stats.lost++;
    lane_event(lane, event, text);
    if (was_running && lane->flying) {
        snprintf(lane->detail, sizeof lane->detail, "connection lost with a batch out");
        lane_range_down(lane);
    }
}

/* The only warning that matters comes between the last statement's answer and the COMMIT's. */
static void take_notice(void *arg, const PGresult *notice)
{
    struct db_lane *lane = arg;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (lane->state == LANE_RUNNING && lane->step_at < lane->step_count &&
        lane->steps[lane->step_at].kind == LANE_STEP_COMMIT && severity &&
        strcmp(severity, "WARNING") == 0)
        lane->warned = true;
}

void lane_connect(struct db_lane *lane)
{
    char application[80];
    const char *const keys[] = {"dbname", "application_name", "client_encoding", NULL};
    const char *const values[] = {lane->conninfo, application, "UTF8", NULL};

    snprintf(application, sizeof application, "joulebook/%s", lane->name);
    lane->state = LANE_CONNECTING;
    lane->sent_ms = lane->now_ms;
    if (!lane->conninfo) {
        lane_lost(lane, DB_LANE_LOST, "the database's address is not known yet");
        return;
    }
    lane->conn = PQconnectStartParams(keys, values, 1);
    if (!lane->conn) {
        lane_lost(lane, DB_LANE_LOST, "no memory to connect");
        return;
    }
    PQsetNoticeReceiver(lane->conn, take_notice, lane);
    if (PQstatus(lane->conn) == CONNECTION_BAD) {
        db_first_line(lane->detail, sizeof lane->detail, PQerrorMessage(lane->conn));
        lane_lost(lane, DB_LANE_LOST, lane->detail);
        return;
    }
    lane_watch(lane, true);
}

static bool send_check(struct db_lane *lane)
{
    return lane_step_add(lane, LANE_STEP_CHECK, 0) &&
           PQsendQueryParams(
               lane->conn, db_statements[DB_STMT_LANE_SERVER].text, 0, NULL, NULL, NULL, NULL, 1);
}

static bool send_prepare(struct db_lane *lane, uint32_t stmt)
{
    const struct db_statement *statement = &lane->statements[stmt];

    if (statement->kind == DB_KIND_QUERY || statement->kind == DB_KIND_SCRIPT)
        return true;
    return lane_step_add(lane, LANE_STEP_PREPARE, stmt) &&
           PQsendPrepare(lane->conn, statement->name, statement->text, 0, NULL) &&
           lane_step_add(lane, LANE_STEP_DESCRIBE, stmt) &&
           PQsendDescribePrepared(lane->conn, statement->name);
}

static void setup(struct db_lane *lane)
{
    bool ok;

    lane_script_begin(lane, LANE_SETUP);
    snprintf(lane->detail, sizeof lane->detail, "cannot send");
    ok =
        PQsetnonblocking(lane->conn, 1) == 0 && PQenterPipelineMode(lane->conn) && send_check(lane);
    for (uint32_t stmt = 0; ok && stmt < lane->statement_count; stmt++)
        ok = send_prepare(lane, stmt);
    if (!ok || !lane_send_sync(lane)) {
        lane_lost(lane, DB_LANE_LOST, lane->detail);
        return;
    }
    lane_flush(lane);
}

void lane_connect_poll(struct db_lane *lane)
{
    PostgresPollingStatusType status;

    lane_unwatch(lane); /* libpq may try another address on another socket */
    status = PQconnectPoll(lane->conn);
    switch (status) {
    case PGRES_POLLING_OK:
        setup(lane);
        break;
    case PGRES_POLLING_READING:
        lane_watch(lane, false);
        break;
    case PGRES_POLLING_WRITING:
        lane_watch(lane, true);
        break;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE:
        db_first_line(lane->detail, sizeof lane->detail, PQerrorMessage(lane->conn));
        lane_lost(lane, DB_LANE_LOST, lane->detail);
        break;
    }
}

/* Why this server is not to be trusted with a commit; NULL: it is. */
static const char *distrust(struct db_lane *lane, const PGresult *result)
{
    struct db_row row = {result, 0};
    int64_t timeline = db_row_int8(&row, 4);

    if (db_row_int8(&row, 0) < 150000)
        return "the server is older than PostgreSQL 15";
    if (db_row_bool(&row, 1))
        return "the server is in recovery";
    if (!lane->durability_test && !db_row_bool(&row, 2))
        return "fsync is off";
    if (!lane->durability_test && !db_row_bool(&row, 3))
        return "full_page_writes is off";
    if (timeline < lane->timeline)
        return "the server is on an older timeline than one that was seen before";
    lane->timeline = timeline;
    return NULL;
}

static bool describe(struct db_lane *lane, uint32_t stmt, const PGresult *result)
{
    struct lane_prepared *prepared = &lane->prepared[stmt];
    bool array = lane->statements[stmt].kind == DB_KIND_BULK;
    int count = PQnparams(result);

    if (count > DB_COLUMNS_MAX)
        return false;
    prepared->columns = (uint8_t)count;
    for (int i = 0; i < count; i++) {
        if (!bind_type_of_oid(PQparamtype(result, i), array, &prepared->types[i]))
            return false;
    }
    return true;
}

static void setup_failed(
    struct db_lane *lane, enum db_lane_event event, const char *what, const char *why)
{
    if (lane->failure != DB_OK)
        return;
    lane->failure = DB_REFUSED;
    lane->setup_event = event;
    snprintf(lane->detail, sizeof lane->detail, "%s%s%s", what, *why ? ": " : "", why);
}

void lane_setup_result(struct db_lane *lane, const struct lane_step *step, const PGresult *result)
{
    const char *name = "check", *why;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (step->kind != LANE_STEP_CHECK)
        name = lane->statements[step->index].name;
    if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
        setup_failed(lane, DB_LANE_UNPREPARED, name, state ? state : "lost");
    } else if (step->kind == LANE_STEP_CHECK && PQresultStatus(result) == PGRES_TUPLES_OK) {
        snprintf(lane->version, sizeof lane->version, "%s",
            PQparameterStatus(lane->conn, "server_version"));
        why = distrust(lane, result);
        if (why)
            setup_failed(lane, DB_LANE_SERVER, why, "");
    } else if (step->kind == LANE_STEP_DESCRIBE && PQresultStatus(result) == PGRES_COMMAND_OK) {
        if (!describe(lane, step->index, result))
            setup_failed(lane, DB_LANE_UNPREPARED, name, "a parameter of a type not known");
    }
}

void lane_setup_end(struct db_lane *lane)
{
    if (lane->failure != DB_OK) {
        lane_lost(lane, lane->setup_event, lane->detail);
        return;
    }
    lane->state = LANE_IDLE;
    lane->until_ms = 0;
    lane->probe_ms = lane->now_ms; /* up is proved by a commit */
    lane->backoff_ms = DB_LANE_BACKOFF_MIN_MS;
    lane_event(lane, DB_LANE_UP, lane->version);
}
