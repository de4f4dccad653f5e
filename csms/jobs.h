/* jobs.h - what the workers do with a claimed job of core.job, by its kind.  Worker threads. */
#ifndef CSMS_JOBS_H
#define CSMS_JOBS_H

#include "csms/worker.h"

/* ctx is not used. */
enum worker_end jobs_run(
    void *ctx, struct db_conn *, const struct worker_job *, char why[WORKER_WHY_MAX]);
/* The kinds that are worked here, as the text of an array. */
extern const char jobs_kinds[];

#endif
