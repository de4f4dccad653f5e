/* settle.h - the settlement job: from a stopped session to postings, or to a review.
 *
 * Repeatable at any point: the input comes from the database, rating is a pure function of it, and
 * the ledger posts a session once whatever is handed in again.  Worker threads.
 */
#ifndef CSMS_SETTLE_H
#define CSMS_SETTLE_H

#include "csms/worker.h"

/* session is the uid as text.  False: to be tried again, why says why. */
bool settle_session(struct db_conn *, const char *session, char why[WORKER_WHY_MAX]);

#endif
