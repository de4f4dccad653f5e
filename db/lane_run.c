/* lane_run.c - reading the answers of the script that is out.
 *
 * Nothing is decided before the Sync has come back: only then it is known whether the COMMIT
 * held.  Loop thread.
 */
#include "db/lane_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Statement, SQLSTATE, constraint: what may be told.  Messages and details quote values. */
static void describe_failure(
    struct db_lane *lane, const struct lane_step *step, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
    const char *name = "COMMIT";

    if (step->kind == LANE_STEP_CALL)
        name = lane->statements[lane_queue_flight(lane)->members[step->index].stmt].name;
    else if (step->kind == LANE_STEP_BULK || step->kind == LANE_STEP_MARK)
        name = lane->statements[step->index].name;
    snprintf(lane->detail, sizeof lane->detail, "%s %s%s%s%s%s", name, state ? state : "lost",
        table ? " " : "", table ? table : "", constraint ? " " : "", constraint ? constraint : "");
}

static void note_failure(struct db_lane *lane, const struct lane_step *step, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (lane->failure != DB_OK)
        return;
    lane->failure = db_result_of_sqlstate(state);
    lane->cancelled = state && strcmp(state, "57014") == 0;
    if (step->kind == LANE_STEP_CALL)
        lane->culprit = step->index;
    else if (lane->failure == DB_BUSY)
        lane->failure = DB_DOWN; /* a table is locked, not somebody's row: all wait */
    describe_failure(lane, step, result);
}

/* A CALL's row waits with its member until the commit is back. */
static void keep_row(struct db_lane *lane, const struct lane_step *step, PGresult *result)
{
    struct lane_member *member = &lane_queue_flight(lane)->members[step->index];

    PQclear(member->result);
    member->result = result;
}

static void take_result(struct db_lane *lane, const struct lane_step *step, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_TUPLES_OK && step->kind == LANE_STEP_CALL) {
        keep_row(lane, step, result);
        return;
    }
    if (lane->state == LANE_SETUP)
        lane_setup_result(lane, step, result);
    else if (status == PGRES_FATAL_ERROR)
        note_failure(lane, step, result);
    else if (status == PGRES_COMMAND_OK && step->kind == LANE_STEP_COMMIT)
        lane->committed = strcmp(PQcmdStatus(result), "COMMIT") == 0;
    PQclear(result);
}

static void count_commit(struct db_lane *lane)
{
    uint64_t took_ms = lane->now_ms - lane->sent_ms;

    lane->stuck_ms = 0;
    lane->stats.commits++;
    lane->stats.batch_ms_total += took_ms;
    if (took_ms > lane->stats.batch_ms_max)
        lane->stats.batch_ms_max = took_ms;
}

static void range_ended(struct db_lane *lane)
{
    bool broken = PQtransactionStatus(lane->conn) != PQTRANS_IDLE;

    lane->state = LANE_IDLE;
    lane->until_ms = 0;
    lane->probe_ms = lane->now_ms + DB_LANE_PROBE_MS;
    if (lane->failure == DB_OK && !lane->committed)
        lane->failure = DB_RETRY;
    if (lane->failure == DB_OK && lane->warned) {
        /* The wait for the standby was cancelled: committed here, perhaps nowhere else. */
        lane->failure = DB_UNKNOWN;
        snprintf(lane->detail, sizeof lane->detail, "COMMIT came with a warning");
    }
    if (lane->failure == DB_OK) {
        count_commit(lane);
        if (lane->flying)
            lane_settle_range(lane);
        return;
    }
    if ((lane->failure == DB_DOWN || lane->failure == DB_UNKNOWN || !lane->flying) &&
        lane->stuck_ms == 0)
        lane->stuck_ms = lane->now_ms;
    if (lane->flying)
        lane_range_failed(lane);
    if (broken)
        lane_send_rollback(lane);
}

static void script_ended(struct db_lane *lane)
{
    switch (lane->state) {
    case LANE_SETUP:
        lane_setup_end(lane);
        break;
    case LANE_RUNNING:
        range_ended(lane);
        break;
    case LANE_CLEANING:
        if (lane->failure != DB_OK || PQtransactionStatus(lane->conn) != PQTRANS_IDLE)
            lane_lost(lane, DB_LANE_LOST, "cannot roll back");
        else
            lane->state = lane->until_ms > lane->now_ms ? LANE_PAUSED : LANE_IDLE;
        break;
    case LANE_OFF:
    case LANE_CONNECTING:
    case LANE_IDLE:
    case LANE_PAUSED:
        assert(false && "no script was out");
    }
}

static bool script_is_out(const struct db_lane *lane)
{
    return lane->state == LANE_SETUP || lane->state == LANE_RUNNING || lane->state == LANE_CLEANING;
}

/* One result, or the NULL that ends a statement's results.  False: nothing more to read. */
static bool take_one(struct db_lane *lane)
{
    PGresult *result = PQgetResult(lane->conn);

    assert(lane->step_at < lane->step_count);
    if (!result) {
        if (!lane->step_answered)
            return false;
        lane->step_answered = false;
        lane->step_at++;
        return true;
    }
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        assert(lane->steps[lane->step_at].kind == LANE_STEP_SYNC);
        PQclear(result);
        script_ended(lane);
        return false;
    }
    lane->step_answered = true;
    take_result(lane, &lane->steps[lane->step_at], result);
    return true;
}

static void take_results(struct db_lane *lane)
{
    int idle = 0;

    while (script_is_out(lane) && PQstatus(lane->conn) == CONNECTION_OK && idle < 2 &&
           !PQisBusy(lane->conn))
        idle = take_one(lane) ? 0 : idle + 1;
}

void lane_read(struct db_lane *lane)
{
    bool heard = PQconsumeInput(lane->conn);
    lane->heard_ms = lane->now_ms;
    take_results(lane);
    if (lane->state == LANE_OFF)
        return;
    if (!heard || PQstatus(lane->conn) != CONNECTION_OK)
        lane_lost(lane, DB_LANE_LOST, lane->failure == DB_DOWN ? lane->detail : "connection lost");
}
