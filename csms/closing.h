/* closing.h - the ends of connections on their way to the database.
 *
 * Nobody waits for them, but when all piles go at once they would stand in the lane before all that
 * is waited for: CLOSING_AT_ONCE are given to it at a time.  A row left open would say that a pile
 * is connected: what finds its row held is given again, up to CLOSING_TRIES times.  What is lost
 * with the process is settled by the nodes that live on or come next (inbound.node_settle).
 * Loop thread only.
 */
#ifndef CSMS_CLOSING_H
#define CSMS_CLOSING_H

#include "db/lane.h"

#include "csms/core/work.h"

enum { CLOSING_MAX = 65536, CLOSING_TRIES = 30, CLOSING_AT_ONCE = 64 };

struct closing;

MUST_CHECK struct closing *closing_new(struct db_lane *money);
/* After the lane, which may still hold some of them. */
void closing_free(struct closing *);
/* False: no memory, or CLOSING_MAX are under way. */
MUST_CHECK bool closing_add(struct closing *, const struct core_work *, uint64_t now_ms);
/* Gives what waits; to be called a few times a second. */
void closing_again(struct closing *, uint64_t now_ms);
/* Those that are not known to be committed. */
uint32_t closing_count(const struct closing *);

#endif
