/* lane_queue.c - where members and their parameters wait: rings of batches, and the busy store.
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
    batch->rows = 0;
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
    batch->rows += member->rows;
    batch->count++;
}

static struct lane_batch *slot(struct lane_ring *ring, uint32_t i)
{
    return &ring->slots[(ring->head + i) % DB_LANE_BATCHES_MAX];
}

static bool ring_waits(const struct lane_ring *ring)
{
    return ring->used && ring->slots[ring->head].count;
}

static size_t ring_bytes(struct lane_ring *ring)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < ring->used; i++)
        bytes += slot(ring, i)->used;
    return bytes;
}

struct lane_batch *lane_queue_flight(struct db_lane *lane)
{
    assert(lane->flying);
    return slot(lane->flying, 0);
}

static bool has_room(const struct lane_batch *batch, size_t length, uint32_t rows)
{
    return batch->count == 0 || (batch->count < DB_LANE_BATCH_MEMBERS_MAX &&
                                    batch->used + length <= DB_LANE_BATCH_BYTES_MAX &&
                                    batch->rows + rows <= DB_LANE_BATCH_ROWS_MAX);
}

/* The batch that takes a member of this size, or NULL: its ring is full. */
static struct lane_batch *forming(struct db_lane *lane, size_t length, uint32_t rows)
{
    struct lane_ring *ring = rows > DB_LANE_LARGE_ROWS ? &lane->large : &lane->small;

    if (ring == &lane->large && ring->used && ring_bytes(ring) + length > DB_LANE_LARGE_BYTES_MAX)
        return NULL;
    if (ring->used > (lane->flying == ring) && has_room(slot(ring, ring->used - 1), length, rows))
        return slot(ring, ring->used - 1);
    if (ring->used == DB_LANE_BATCHES_MAX)
        return NULL;
    return slot(ring, ring->used++);
}

bool lane_queue_add(struct db_lane *lane, const struct db_work *work, uint64_t now_ms)
{
    const struct db_args *args = work->args;
    size_t length = args->columns + args->used;
    struct lane_batch *batch;
    struct lane_member *member;

    if (lane->stats.queued_bytes + length > DB_LANE_QUEUE_BYTES_MAX)
        return false;
    batch = forming(lane, length, args->rows);
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
    batch->rows += args->rows;
    if (batch->count++ == 0)
        batch->oldest_ms = now_ms;
    lane->stats.queued++;
    lane->stats.queued_bytes += length;
    return true;
}

/* A batch goes when it is full enough, or its first member has waited for the window. */
static uint64_t small_due_ms(const struct db_lane *lane)
{
    const struct lane_ring *small = &lane->small;

    if (!ring_waits(small))
        return UINT64_MAX;
    return small->used > 1 || small->slots[small->head].count >= DB_LANE_WINDOW_MEMBERS
               ? 0
               : lane->launch_ms;
}

uint64_t lane_queue_due_ms(const struct db_lane *lane)
{
    uint64_t at = small_due_ms(lane);

    assert(!lane->flying);
    if (lane->busy_next_ms < at)
        at = lane->busy_next_ms;
    if (ring_waits(&lane->large) && lane->large_ms < at)
        at = lane->large_ms;
    return at;
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
    bool large = ring_waits(&lane->large) && lane->large_ms <= lane->now_ms;
    struct lane_ring *ring = large ? &lane->large : &lane->small;
    struct lane_batch *flight;

    assert(!lane->flying);
    if (ring->used == 0)
        ring->used = 1;
    flight = slot(ring, 0);
    if (!join_busy(lane, flight))
        return false;
    lane->flying = ring;
    lane->ranges[0] = (struct lane_range){.from = 0, .to = flight->count};
    for (uint32_t i = 0; i < flight->count; i++)
        lane->ranges[0].unknown |= flight->members[i].unknown;
    lane->range_count = 1;
    if (flight->count > lane->stats.batch_members_max)
        lane->stats.batch_members_max = flight->count;
    if (flight->rows > lane->stats.batch_rows_max)
        lane->stats.batch_rows_max = flight->rows;
    return true;
}

void lane_queue_land(struct db_lane *lane)
{
    struct lane_ring *ring = lane->flying;
    uint64_t took_ms = lane->now_ms - lane->sent_ms;

    assert(ring && lane->range_count == 0);
    if (took_ms > DB_LANE_LARGE_PAUSE_MAX_MS)
        took_ms = DB_LANE_LARGE_PAUSE_MAX_MS;
    if (ring == &lane->large)
        lane->large_ms = lane->now_ms + took_ms + 1;
    batch_reset(slot(ring, 0));
    ring->head = (ring->head + 1) % DB_LANE_BATCHES_MAX;
    ring->used--;
    lane->flying = NULL;
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

static uint64_t oldest_of(const struct lane_batch *batches, uint32_t count, uint64_t oldest_ms)
{
    for (uint32_t i = 0; i < count; i++) {
        if (batches[i].count && batches[i].oldest_ms < oldest_ms)
            oldest_ms = batches[i].oldest_ms;
    }
    return oldest_ms;
}

uint64_t lane_queue_oldest_ms(const struct db_lane *lane)
{
    uint64_t oldest_ms = UINT64_MAX;

    oldest_ms = oldest_of(lane->small.slots, DB_LANE_BATCHES_MAX, oldest_ms);
    oldest_ms = oldest_of(lane->large.slots, DB_LANE_BATCHES_MAX, oldest_ms);
    return oldest_of(&lane->busy, 1, oldest_ms);
}

void lane_queue_done(struct db_lane *lane)
{
    for (uint32_t i = 0; i < DB_LANE_BATCHES_MAX; i++) {
        batch_done(&lane->small.slots[i]);
        batch_done(&lane->large.slots[i]);
    }
    batch_done(&lane->busy);
    batch_done(&lane->busy_spare);
}
