/* settle.h - the settlement job: from a stopped session to postings, or to a review.
 *
 * Repeatable at any point: the input comes from the database, rating is a pure function of it, and
 * the ledger posts a session once whatever is handed in again.  A worker that lost its job
 * meanwhile posts nothing.  Worker threads.
 */
#ifndef CSMS_SETTLE_H
#define CSMS_SETTLE_H

#include "csms/worker.h"

/* The job's key is the session's uid. */
enum worker_end settle_job(
    struct db_conn *, const struct worker_job *, char why[WORKER_WHY_MAX]);

#endif
