/* lane_queue.h - members and their parameters, waiting and flying.
 *
 * Internal to the lane.  Two rings of batches, one for large members, and a store of busy members
 * that join later batches.
 */
#ifndef DB_LANE_QUEUE_H
#define DB_LANE_QUEUE_H

#include "db/lane.h"

#include <libpq-fe.h>

enum { LANE_KEEP_BYTES = 1 << 20 }; /* a batch's buffer of up to so much is kept for the next one */

struct lane_member {
    db_done *done;
    void *ctx;
    uint64_t token;
    uint64_t submitted_ms;
    uint64_t busy_since_ms, busy_due_ms; /* both 0: never was busy */
    size_t offset;                       /* in the batch's bytes: types, then values */
    uint32_t length, rows;
    uint16_t stmt;
    uint8_t columns;
    bool settled; /* its done has been called, or it has gone to the busy store */
    bool misfit;  /* its parameters are not what the statement takes: it was left out */
    bool unknown; /* it was busy in a range of unknown outcome: its next one is such, too */
    PGresult *result;
};

struct lane_batch {
    struct lane_member *members;
    uint32_t count, size, rows;
    unsigned char *bytes;
    size_t used, bytes_size;
    uint64_t oldest_ms;
};

/* `used` batches from `head`; the first may be flying, the last is forming. */
struct lane_ring {
    struct lane_batch slots[DB_LANE_BATCHES_MAX];
    uint32_t head, used;
};

MUST_CHECK bool lane_queue_add(struct db_lane *, const struct db_work *, uint64_t now_ms);
uint64_t lane_queue_due_ms(const struct db_lane *); /* when a batch may fly; UINT64_MAX: none */
MUST_CHECK bool lane_queue_take(struct db_lane *);  /* closes a head; false: no memory, later */
void lane_queue_land(struct db_lane *);
MUST_CHECK bool lane_queue_busy(struct db_lane *, struct lane_member *);
struct lane_batch *lane_queue_flight(struct db_lane *);
uint64_t lane_queue_oldest_ms(const struct db_lane *); /* UINT64_MAX: empty */
void lane_queue_done(struct db_lane *);

#endif
