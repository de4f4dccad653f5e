/* resolve.h - the database's host names, looked up beside the loop.
 *
 * Lanes and the listener connect on the loop, where nothing may resolve a name.  A thread of its
 * own does it when asked, one question at a time, and the loop hears the outcome.  It is asked
 * again whenever a connection is lost, because a name may have moved.  Loop thread only.
 */
#ifndef CSMS_RESOLVE_H
#define CSMS_RESOLVE_H

#include "db/address.h"

#include "csms/loop.h"

struct resolve;

/* On the loop.  conninfo: with addresses, valid until it returns; NULL: none, why says it. */
typedef void resolve_found(void *ctx, const char *conninfo, const char *why);

struct resolve_config {
    struct loop *loop;
    const char *conninfo;      /* borrowed */
    db_address_lookup *lookup; /* NULL: the system's */
    resolve_found *found;
    void *ctx;
};

/* NULL: no memory. */
MUST_CHECK struct resolve *resolve_new(const struct resolve_config *);
/* Waits for a look-up that is under way; `found` is not called. */
void resolve_free(struct resolve *);
/* Nothing if a look-up is under way already. */
void resolve_ask(struct resolve *);

#endif
