/* lane_settle.c - what becomes of the members of a range, once it is known whether it committed.
 *
 * Committed: each is told, or waits for another batch if it was busy.  Not committed: the range is
 * run again as it is, in parts, or given up, by the class of its failure.  Loop thread.
 */
#include "db/lane_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static enum db_result outcome_of(const struct db_lane *lane, const struct lane_member *member)
{
    struct db_row row = {member->result, 0};

    if (member->misfit)
        return DB_REFUSED;
    if (lane->statements[member->stmt].kind == DB_KIND_BULK)
        return DB_OK;
    if (!member->result || PQntuples(member->result) == 0)
        return DB_NONE;
    return db_result_of_word(db_row_text(&row, 0));
}

/* The member is finished: its owner is told, once. */
static void settle(struct db_lane *lane, struct lane_member *member, enum db_result outcome)
{
    PGresult *result = member->result;
    struct db_row row = {result, 0};
    bool has_row = result && PQntuples(result) && (outcome == DB_OK || outcome == DB_REFUSED);

    assert(!member->settled);
    member->settled = true;
    member->result = NULL;
    lane->stats.queued--;
    lane->stats.queued_bytes -= member->length;
    lane->stats.done[outcome]++;
    if (member->done)
        member->done(member->ctx, member->token, outcome, has_row ? &row : NULL);
    PQclear(result);
}

/* A member whose row is held by somebody else waits for a later batch, up to its limit. */
static void settle_busy(
    struct db_lane *lane, struct lane_member *member, const struct lane_range *range)
{
    lane->stats.busy++;
    member->unknown |= range->unknown;
    if ((member->busy_since_ms && lane->now_ms - member->busy_since_ms >= DB_LANE_BUSY_LIMIT_MS) ||
        !lane_queue_busy(lane, member)) {
        settle(lane, member, DB_BUSY);
        return;
    }
    PQclear(member->result);
    member->result = NULL;
    member->settled = true;
}

void lane_settle_range(struct db_lane *lane)
{
    struct lane_batch *flight = lane_queue_flight(lane);
    struct lane_range range = lane->ranges[--lane->range_count];

    for (uint32_t i = range.from; i < range.to; i++) {
        struct lane_member *member = &flight->members[i];
        enum db_result outcome = outcome_of(lane, member);

        if (member->misfit) {
            snprintf(lane->detail, sizeof lane->detail, "%s: parameters do not fit",
                lane->statements[member->stmt].name);
            lane_event(lane, DB_LANE_FAILED, lane->detail);
        }
        lane->stats.rows += member->rows;
        if (outcome == DB_BUSY)
            settle_busy(lane, member, &range);
        else
            settle(lane, member, outcome);
    }
    if (lane->range_count == 0)
        lane_queue_land(lane);
}

static void drop_rows(struct db_lane *lane, const struct lane_range *range)
{
    struct lane_batch *flight = lane_queue_flight(lane);

    for (uint32_t i = range->from; i < range->to; i++) {
        PQclear(flight->members[i].result);
        flight->members[i].result = NULL;
    }
}

/* Nothing more can be tried for the members of the top range. */
static void fail_range(struct db_lane *lane, enum db_result result)
{
    struct lane_batch *flight = lane_queue_flight(lane);
    struct lane_range range = lane->ranges[--lane->range_count];

    for (uint32_t i = range.from; i < range.to; i++) {
        lane_event(lane, DB_LANE_FAILED, lane->detail);
        settle(lane, &flight->members[i], result);
    }
    if (lane->range_count == 0)
        lane_queue_land(lane);
}

static void push(struct db_lane *lane, const struct lane_range *like, uint32_t from, uint32_t to)
{
    struct lane_range range = *like;

    if (from == to)
        return;
    assert(lane->range_count < LANE_RANGES_MAX && from < to);
    range.from = from;
    range.to = to;
    lane->ranges[lane->range_count++] = range;
}

/* It is not known who spoiled the range: halves, the first one first. */
static void halve(struct db_lane *lane)
{
    struct lane_range top = lane->ranges[--lane->range_count];
    uint32_t middle = top.from + (top.to - top.from) / 2;

    push(lane, &top, middle, top.to);
    push(lane, &top, top.from, middle);
}

/* The others go on without the culprit, which runs alone, after them. */
static void isolate(struct db_lane *lane, uint32_t culprit)
{
    struct lane_range top = lane->ranges[--lane->range_count], others = top;

    others.tries = 0;
    push(lane, &top, culprit, culprit + 1);
    push(lane, &others, culprit + 1, top.to);
    push(lane, &others, top.from, culprit);
}

/* The culprit's row is held: it has written nothing, and the others go on without it. */
static void set_aside(struct db_lane *lane, uint32_t culprit)
{
    struct lane_range top = lane->ranges[--lane->range_count];

    settle_busy(lane, &lane_queue_flight(lane)->members[culprit], &top);
    push(lane, &top, culprit + 1, top.to);
    push(lane, &top, top.from, culprit);
    if (lane->range_count == 0)
        lane_queue_land(lane);
}

static void split_range(struct db_lane *lane)
{
    lane->stats.split++;
    lane_event(lane, DB_LANE_SPLIT, lane->detail);
    if (lane->failure == DB_BUSY)
        set_aside(lane, (uint32_t)lane->culprit);
    else if (lane->culprit != LANE_NOBODY)
        isolate(lane, (uint32_t)lane->culprit);
    else
        halve(lane);
}

static void pause_range(struct db_lane *lane)
{
    const struct lane_range *top = &lane->ranges[lane->range_count - 1];
    uint64_t pause_ms = lane->failure == DB_RETRY ? LANE_RETRY_PAUSE_MS : LANE_PAUSE_MS;

    lane->state = LANE_PAUSED;
    lane->until_ms = lane->now_ms + lane_jitter(lane, pause_ms << top->tries);
}

/* How often a range that failed so is run again as it is.  What one member may have caused is not
 * repeated with the others; a cancelled statement has used up its time. */
static int tries_max(const struct db_lane *lane, uint32_t count)
{
    switch (lane->failure) {
    case DB_DOWN:
        return LANE_DOWN_TRIES_MAX;
    case DB_UNKNOWN:
        return DB_LANE_TRIES_MAX;
    case DB_RETRY:
        return count > 1 || lane->cancelled ? 0 : DB_LANE_TRIES_MAX;
    case DB_OK:
    case DB_NONE:
    case DB_BUSY:
    case DB_CONFLICT:
    case DB_REFUSED:
    case DB_RESULT_COUNT:
        break;
    }
    return 0;
}

/* The top range was rolled back (or, if unknown, perhaps not).  What may pass is tried again as it
 * is, a few times; then, and at once for what will not pass, the range is split; a single member
 * takes the result. */
void lane_range_failed(struct db_lane *lane)
{
    struct lane_range *top = &lane->ranges[lane->range_count - 1];
    uint32_t count = top->to - top->from;

    drop_rows(lane, top);
    if (lane->failure == DB_UNKNOWN) {
        top->unknown = true;
        lane->stats.unknown++;
        lane_event(lane, DB_LANE_AGAIN, lane->detail);
    }
    if (top->tries < tries_max(lane, count)) {
        top->tries++;
        pause_range(lane);
    } else if (count > 1 || lane->failure == DB_BUSY) {
        split_range(lane);
    } else {
        fail_range(lane, lane->failure);
    }
}

void lane_range_down(struct db_lane *lane)
{
    struct lane_range *top = &lane->ranges[lane->range_count - 1];

    if (lane->range_count == 0)
        return;
    drop_rows(lane, top);
    top->unknown = true;
    top->lost++;
    lane->stats.unknown++;
    lane_event(lane, DB_LANE_AGAIN, lane->detail);
    if (top->lost < 2)
        return;
    lane->culprit = LANE_NOBODY;
    lane->failure = DB_UNKNOWN;
    if (top->to - top->from > 1)
        split_range(lane);
    else if (top->lost >= DB_LANE_TRIES_MAX)
        fail_range(lane, DB_UNKNOWN);
}
