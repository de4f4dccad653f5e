/* listen.h - the node's LISTEN connection on the owner's loop, and its sign of life.
 *
 * Holds the node's session advisory lock and listens on joulebook_node_<id> and
 * joulebook_directory.  When the connection is lost the lock is gone, so `lost` means: this node
 * no longer owns its piles.  It reconnects by itself, with back-off and jitter.
 * One thread, the loop's.  Never blocks, reads no clock, writes no log.
 */
#ifndef DB_LISTEN_H
#define DB_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "db/result.h"

enum db_listen_event {
    DB_LISTEN_UP,    /* the lock is held, notifications come */
    DB_LISTEN_LOST,  /* it was up and is no more; detail: why */
    DB_LISTEN_DOWN,  /* an attempt to connect failed; detail: why */
    DB_LISTEN_OTHER, /* somebody else holds the node's lock; tried again */
    DB_LISTEN_HEARD, /* detail: the notification's payload */
};

/* watch and alarm as in lane.h. */
struct db_listen_ports {
    void *ctx;
    void (*watch)(void *ctx, int fd, bool want_read, bool want_write);
    void (*alarm)(void *ctx, uint64_t at_mono_ms);
    void (*event)(void *ctx, enum db_listen_event, const char *channel, const char *detail);
};

struct db_listen;

/* conninfo as for a lane: NULL or with known addresses.  NULL: no memory, or the connection string
 * is not of that kind. */
MUST_CHECK struct db_listen *db_listen_new(
    const char *conninfo, int64_t node, const struct db_listen_ports *);
/* As db_lane_address. */
MUST_CHECK bool db_listen_address(struct db_listen *, const char *conninfo);
void db_listen_free(struct db_listen *); /* not from inside a port */

void db_listen_ready(struct db_listen *, bool readable, bool writable, uint64_t now_ms);
void db_listen_alarm(struct db_listen *, uint64_t now_ms);
bool db_listen_up(const struct db_listen *);

#endif
