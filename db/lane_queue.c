/* lane_queue.c - where members and their parameters wait: a ring of batches, and the busy store.
 *
 * A batch is two growing arrays, kept from use to use, so that a member costs two copies and no
 * allocation.  Loop thread.
 */
#include "db/lane_internal.h"

#include "db/alloc.h"

#include <assert.h>
#include <string.h>

static bool grow(void **array, size_t unit, size_t need, size_t *size)
{
    size_t more = *size ? *size : 64;
    void *grown;

    if (need <= *size)
        return true;
    while (more < need)
        more *= 2;
    grown = db_realloc(*array, more * unit);
    if (!grown)
        return false;
    *array = grown;
    *size = more;
    return true;
}

static bool batch_reserve(struct lane_batch *batch, uint32_t members, size_t bytes)
{
    size_t size = batch->size;
    void *array = batch->members;
    bool ok = grow(&array, sizeof *batch->members, (size_t)batch->count + members, &size);

    batch->members = array;
    batch->size = (uint32_t)size;
    if (!ok)
        return false;
    array = batch->bytes;
    ok = grow(&array, 1, batch->used + bytes, &batch->bytes_size);
    batch->bytes = array;
    return ok;
}

static void batch_done(struct lane_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++)
        PQclear(batch->members[i].result);
    db_free(batch->members);
    db_free(batch->bytes);
    memset(batch, 0, sizeof *batch);
}

static void batch_reset(struct lane_batch *batch)
{
    if (batch->bytes_size > LANE_KEEP_BYTES) {
        db_free(batch->bytes);
        batch->bytes = NULL;
        batch->bytes_size = 0;
    }
    batch->count = 0;
    batch->used = 0;
}

/* Room must have been reserved. */
static void batch_append(
    struct lane_batch *batch, const struct lane_member *member, const unsigned char *bytes)
{
    struct lane_member *copy = &batch->members[batch->count];

    *copy = *member;
    copy->offset = batch->used;
    copy->result = NULL;
    copy->settled = false;
    memcpy(batch->bytes + batch->used, bytes, member->length);
    batch->used += member->length;
    if (batch->count == 0 || member->submitted_ms < batch->oldest_ms)
        batch->oldest_ms = member->submitted_ms;
    batch->count++;
}

static struct lane_batch *slot(struct db_lane *lane, uint32_t i)
{
    return &lane->slots[(lane->head + i) % DB_LANE_BATCHES_MAX];
}

struct lane_batch *lane_queue_flight(struct db_lane *lane)
{
    assert(lane->flying);
    return slot(lane, 0);
}

/* The batch that takes a member of this size, or NULL: the ring is full. */
static struct lane_batch *forming(struct db_lane *lane, size_t length)
{
    struct lane_batch *batch;

    if (lane->used > (lane->flying ? 1 : 0)) {
        batch = slot(lane, lane->used - 1);
        if (batch->count == 0 || (batch->count < DB_LANE_BATCH_MEMBERS_MAX &&
                                     batch->used + length <= DB_LANE_BATCH_BYTES_MAX))
            return batch;
    }
    if (lane->used == DB_LANE_BATCHES_MAX)
        return NULL;
    return slot(lane, lane->used++);
}

bool lane_queue_add(struct db_lane *lane, const struct db_work *work, uint64_t now_ms)
{
    const struct db_args *args = work->args;
    size_t length = args->columns + args->used;
    struct lane_batch *batch;
    struct lane_member *member;

    if (lane->stats.queued_bytes + length > DB_LANE_QUEUE_BYTES_MAX)
        return false;
    batch = forming(lane, length);
    if (!batch || !batch_reserve(batch, 1, length))
        return false;
    member = &batch->members[batch->count];
    *member = (struct lane_member){
        .done = work->done,
        .ctx = work->ctx,
        .token = work->token,
        .submitted_ms = now_ms,
        .offset = batch->used,
        .length = (uint32_t)length,
        .rows = args->rows,
        .stmt = (uint16_t)work->stmt,
        .columns = (uint8_t)args->columns,
    };
    memcpy(batch->bytes + batch->used, args->types, args->columns);
    if (args->used)
        memcpy(batch->bytes + batch->used + args->columns, args->data, args->used);
    batch->used += length;
    if (batch->count++ == 0)
        batch->oldest_ms = now_ms;
    lane->stats.queued++;
    lane->stats.queued_bytes += length;
    return true;
}

bool lane_queue_waits(const struct db_lane *lane)
{
    const struct lane_batch *first = &lane->slots[lane->head];

    assert(!lane->flying);
    return (lane->used && first->count) || lane->busy_next_ms <= lane->now_ms;
}

/* Moves due busy members to the flight and packs the others into the spare store. */
static bool join_busy(struct db_lane *lane, struct lane_batch *flight)
{
    struct lane_batch *spare = &lane->busy_spare, old = lane->busy;
    uint32_t joined = 0;

    if (lane->busy_next_ms > lane->now_ms)
        return true;
    if (!batch_reserve(spare, old.count, old.used) ||
        !batch_reserve(flight, DB_LANE_BUSY_BATCH_MAX, old.used))
        return false;
    lane->busy_next_ms = UINT64_MAX;
    for (uint32_t i = 0; i < old.count; i++) {
        const struct lane_member *member = &old.members[i];
        bool joins = member->busy_due_ms <= lane->now_ms && joined < DB_LANE_BUSY_BATCH_MAX;

        batch_append(joins ? flight : spare, member, old.bytes + member->offset);
        joined += joins;
        if (!joins && member->busy_due_ms < lane->busy_next_ms)
            lane->busy_next_ms = member->busy_due_ms;
    }
    lane->busy = *spare;
    batch_reset(&old);
    lane->busy_spare = old;
    return true;
}

bool lane_queue_take(struct db_lane *lane)
{
    struct lane_batch *flight;

    assert(!lane->flying);
    if (lane->used == 0)
        lane->used = 1;
    flight = slot(lane, 0);
    if (!join_busy(lane, flight))
        return false;
    lane->flying = true;
    lane->ranges[0] = (struct lane_range){.from = 0, .to = flight->count};
    lane->range_count = 1;
    if (flight->count > lane->stats.batch_members_max)
        lane->stats.batch_members_max = flight->count;
    return true;
}

void lane_queue_land(struct db_lane *lane)
{
    assert(lane->flying && lane->range_count == 0);
    batch_reset(slot(lane, 0));
    lane->head = (lane->head + 1) % DB_LANE_BATCHES_MAX;
    lane->used--;
    lane->flying = false;
}

bool lane_queue_busy(struct db_lane *lane, struct lane_member *member)
{
    const struct lane_batch *flight = lane_queue_flight(lane);

    if (lane->busy.count >= DB_LANE_BUSY_MAX || !batch_reserve(&lane->busy, 1, member->length))
        return false;
    if (member->busy_since_ms == 0) {
        member->busy_since_ms = lane->now_ms;
        member->busy_due_ms = lane->now_ms;
    } else {
        member->busy_due_ms = lane->now_ms + DB_LANE_BUSY_RETRY_MS;
    }
    batch_append(&lane->busy, member, flight->bytes + member->offset);
    if (member->busy_due_ms < lane->busy_next_ms)
        lane->busy_next_ms = member->busy_due_ms;
    return true;
}

uint64_t lane_queue_oldest_ms(const struct db_lane *lane)
{
    uint64_t oldest = UINT64_MAX;

    for (uint32_t i = 0; i < lane->used; i++) {
        const struct lane_batch *batch = &lane->slots[(lane->head + i) % DB_LANE_BATCHES_MAX];

        if (batch->count && batch->oldest_ms < oldest)
            oldest = batch->oldest_ms;
    }
    if (lane->busy.count && lane->busy.oldest_ms < oldest)
        oldest = lane->busy.oldest_ms;
    return oldest;
}

void lane_queue_done(struct db_lane *lane)
{
    for (uint32_t i = 0; i < DB_LANE_BATCHES_MAX; i++)
        batch_done(&lane->slots[i]);
    batch_done(&lane->busy);
    batch_done(&lane->busy_spare);
}
