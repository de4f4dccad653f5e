/* worker.h - a few threads with a blocking database connection each, for what a lane must not do.
 *
 * Two kinds of work: tasks, handed over by the loop and given back to it when they are done
 * (queries, statements that found a row held), and jobs of core.job, which each thread claims for
 * itself.  Neither keeps the other from its turn: a thread that has run a task looks for a job if
 * it is time to, and the other way round.  A job that fails is told so and tried again later by
 * the database; ten times.  One that found a row held is put off for two seconds, however often.
 *
 * A database that does not answer is given up after silence_ms, and at the end without any delay.
 *
 * workers_post and workers_free belong to the loop's thread; `run` and `job` are called in a
 * worker's, `done` on the loop.
 */
#ifndef CSMS_WORKER_H
#define CSMS_WORKER_H

#include "db/conn.h"

#include "csms/log.h"
#include "csms/loop.h"

struct workers;
struct worker_task;

/* conn is NULL if the database cannot be reached. */
typedef void worker_run(struct worker_task *, struct db_conn *conn);
typedef void worker_done(struct worker_task *);

/* Embedded in its owner's object, which lives until `done`. */
struct worker_task {
    struct worker_task *next;
    worker_run *run;
    worker_done *done;
};

/* One claimed job.  The claim is the worker's name and the attempt, this one counted. */
struct worker_job {
    int64_t id;
    const char *kind, *key, *payload, *worker;
    int32_t attempts;
};
/* db_conn_run, for all that is done in a worker: crash points stand around it (csms/fault.h). */
MUST_CHECK enum db_result worker_db_run(
    struct db_conn *, enum db_stmt, const struct db_args *, struct db_rows *ret_rows);
/* Adds the job and its claim, for a statement that only who has the job may run. */
void worker_job_bind(const struct worker_job *, struct db_args *);

enum worker_end {
    WORKER_FAILED, /* `why` says it; the database decides when it is tried again */
    WORKER_PUT_OFF, /* somebody else holds a row, and nothing was written; with `why` */
    WORKER_DONE,
    WORKER_ENDED /* done, and the transaction that did it has ended the job */
};
enum { WORKER_WHY_MAX = 400 };
/* For a statement that came to DB_BUSY by itself: says so. */
enum worker_end worker_put_off(const struct db_conn *, char why[WORKER_WHY_MAX]);
typedef enum worker_end worker_job_fn(void *ctx, struct db_conn *, const struct worker_job *,
    char why[WORKER_WHY_MAX]);

enum {
    WORKERS_THREADS_MAX = 32,
    WORKERS_TASKS_MAX = 4096 /* that wait for a thread */
};

struct worker_config {
    const char *conninfo;
    const char *name; /* the node's */
    const char *role; /* what these threads are, in their connections' names */
    uint32_t threads; /* at most WORKERS_THREADS_MAX are made */
    uint32_t poll_ms; /* between two looks for jobs when there was none */
    uint32_t silence_ms; /* of the server; longer than what it may work at one statement */
    struct log *log;
    const char *kinds;  /* of jobs, as an array's text: {settle,sweep} */
    worker_job_fn *job; /* NULL: this process works no jobs */
    void *ctx;
    bool held; /* no job is claimed before workers_begin */
};

/* NULL: no memory or no thread.  Borrows the configuration's strings. */
MUST_CHECK struct workers *workers_new(struct loop *, const struct worker_config *);
/* Waits grace_ms for what is being worked and what waits, then interrupts it; tasks that were not
 * begun by then, or are posted by those that end here, are run with conn NULL. */
void workers_free(struct workers *, uint32_t grace_ms);
/* False: WORKERS_TASKS_MAX wait already. */
MUST_CHECK bool workers_post(struct workers *, struct worker_task *);
void workers_begin(struct workers *);
/* From now on no job is claimed. */
void workers_drain(struct workers *);

struct workers_stats {
    uint64_t jobs_done, jobs_failed;
    uint64_t jobs_lost; /* worked, but the database did not take the end of it from this worker */
    uint32_t threads, waiting;
};
struct workers_stats workers_stats(struct workers *);

#endif
