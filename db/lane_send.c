/* lane_send.c - a range of the flying batch as one transaction of one pipeline.
 *
 * BEGIN, the mark if the outcome of an earlier try is unknown, each BULK statement once with its
 * members' rows turned into one array per column, each CALL, COMMIT, Sync.  Loop thread.
 */
#include "db/lane_internal.h"

#include "db/alloc.h"
#include "db/bind.h"

#include <string.h>

bool lane_step_add(struct db_lane *lane, enum lane_step_kind kind, uint32_t index)
{
    if (lane->step_count == lane->step_size) {
        uint32_t size = lane->step_size ? lane->step_size * 2 : 256;
        struct lane_step *grown = db_realloc(lane->steps, size * sizeof *grown);

        if (!grown)
            return false;
        lane->steps = grown;
        lane->step_size = size;
    }
    lane->steps[lane->step_count++] = (struct lane_step){kind, index};
    return true;
}

static bool send_plain(struct db_lane *lane, enum lane_step_kind kind, const char *text)
{
    return lane_step_add(lane, kind, 0) &&
           PQsendQueryParams(lane->conn, text, 0, NULL, NULL, NULL, NULL, 1);
}

bool lane_send_sync(struct db_lane *lane)
{
    return lane_step_add(lane, LANE_STEP_SYNC, 0) && PQpipelineSync(lane->conn);
}

static bool send_mark(struct db_lane *lane)
{
    const char *value = lane->name;
    int length = (int)strlen(lane->name), format = 1;

    for (uint32_t i = 0; i < lane->statement_count; i++) {
        if (lane->statements[i].kind == DB_KIND_MARK)
            return lane_step_add(lane, LANE_STEP_MARK, i) &&
                   PQsendQueryPrepared(
                       lane->conn, lane->statements[i].name, 1, &value, &length, &format, 1);
    }
    return send_plain(lane, LANE_STEP_MARK, "SELECT");
}

static bool fits(
    const struct db_lane *lane, const struct lane_batch *flight, const struct lane_member *member)
{
    const struct lane_prepared *prepared = &lane->prepared[member->stmt];

    return member->columns == prepared->columns &&
           memcmp(flight->bytes + member->offset, prepared->types, member->columns) == 0;
}

static const unsigned char *rows_of(
    const struct lane_batch *flight, const struct lane_member *member)
{
    return flight->bytes + member->offset + member->columns;
}

static bool send_prepared(struct db_lane *lane, uint32_t stmt, const struct bind_values *bound)
{
    lane->stats.executions++;
    return PQsendQueryPrepared(lane->conn, lane->statements[stmt].name,
        lane->prepared[stmt].columns, bound->values, bound->lengths, bound->formats, 1);
}

static bool send_call(struct db_lane *lane, const struct lane_batch *flight, uint32_t index)
{
    const struct lane_member *member = &flight->members[index];
    struct bind_values bound;

    bind_row(&bound, rows_of(flight, member), member->columns);
    return lane_step_add(lane, LANE_STEP_CALL, index) && send_prepared(lane, member->stmt, &bound);
}

static bool scratch_reserve(struct db_lane *lane, size_t size)
{
    unsigned char *grown;

    if (size <= lane->scratch_size)
        return true;
    grown = db_realloc(lane->scratch, size + size / 2);
    if (!grown)
        return false;
    lane->scratch = grown;
    lane->scratch_size = size + size / 2;
    return true;
}

static bool takes_part(const struct lane_member *member, uint32_t stmt)
{
    return member->stmt == stmt && !member->misfit;
}

/* All rows of a statement's members in the range, as one execution. */
static bool send_bulk(struct db_lane *lane, const struct lane_range *range, uint32_t stmt)
{
    const struct lane_batch *flight = lane_queue_flight(lane);
    const struct lane_member *members = flight->members;
    struct bind_arrays arrays;
    struct bind_values bound;

    bind_arrays_begin(&arrays, lane->prepared[stmt].columns);
    for (uint32_t i = range->from; i < range->to; i++) {
        if (takes_part(&members[i], stmt))
            bind_arrays_measure(&arrays, rows_of(flight, &members[i]), members[i].rows);
    }
    if (arrays.rows == 0)
        return true;
    if (!scratch_reserve(lane, bind_arrays_size(&arrays)))
        return false;
    bind_arrays_lay_out(&arrays, lane->prepared[stmt].types, lane->scratch, &bound);
    for (uint32_t i = range->from; i < range->to; i++) {
        if (takes_part(&members[i], stmt))
            bind_arrays_fill(&arrays, rows_of(flight, &members[i]), members[i].rows);
    }
    return lane_step_add(lane, LANE_STEP_BULK, stmt) && send_prepared(lane, stmt, &bound);
}

static bool send_members(struct db_lane *lane, const struct lane_range *range)
{
    struct lane_batch *flight = lane_queue_flight(lane);
    bool calls = false, bulks = false;

    for (uint32_t i = range->from; i < range->to; i++) {
        struct lane_member *member = &flight->members[i];

        member->misfit = !fits(lane, flight, member);
        if (lane->statements[member->stmt].kind == DB_KIND_BULK)
            bulks = true;
        else
            calls = true;
    }
    for (uint32_t stmt = 0; bulks && stmt < lane->statement_count; stmt++) {
        if (lane->statements[stmt].kind == DB_KIND_BULK && !send_bulk(lane, range, stmt))
            return false;
    }
    for (uint32_t i = range->from; calls && i < range->to; i++) {
        const struct lane_member *member = &flight->members[i];

        if (lane->statements[member->stmt].kind == DB_KIND_CALL && !member->misfit &&
            !send_call(lane, flight, i))
            return false;
    }
    return true;
}

void lane_script_begin(struct db_lane *lane, enum lane_state state)
{
    lane->state = state;
    lane->step_count = 0;
    lane->step_at = 0;
    lane->step_answered = false;
    lane->warned = false;
    lane->committed = false;
    lane->failure = DB_OK;
    lane->cancelled = false;
    lane->culprit = LANE_NOBODY;
    lane->sent_ms = lane->heard_ms = lane->now_ms;
}

void lane_flush(struct db_lane *lane)
{
    int left = PQflush(lane->conn);

    if (left < 0)
        lane_lost(lane, DB_LANE_LOST, "cannot send");
    else
        lane_watch(lane, left == 1);
}

void lane_send_range(struct db_lane *lane)
{
    static const struct lane_range probe = {.unknown = true};
    const struct lane_range *range = lane->flying ? &lane->ranges[lane->range_count - 1] : &probe;

    lane_script_begin(lane, LANE_RUNNING);
    if (!send_plain(lane, LANE_STEP_BEGIN, "BEGIN") || (range->unknown && !send_mark(lane)) ||
        (lane->flying && !send_members(lane, range)) ||
        !send_plain(lane, LANE_STEP_COMMIT, "COMMIT") || !lane_send_sync(lane)) {
        lane_lost(lane, DB_LANE_LOST, "cannot send");
        return;
    }
    lane_flush(lane);
    if (lane->state == LANE_RUNNING && lane->flying)
        lane_event(lane, DB_LANE_SENT, "");
}

void lane_send_rollback(struct db_lane *lane)
{
    lane_script_begin(lane, LANE_CLEANING);
    if (!send_plain(lane, LANE_STEP_ROLLBACK, "ROLLBACK") || !lane_send_sync(lane)) {
        lane_lost(lane, DB_LANE_LOST, "cannot send");
        return;
    }
    lane_flush(lane);
}
