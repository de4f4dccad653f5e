/* worker.c - see worker.h.  One mutex guards the queues; nothing is done while it is held. */
#include "csms/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS_MAX = 32, RECONNECT_MS = 500 };

struct queue {
    struct worker_task *first, *last;
};

struct worker {
    struct workers *pool;
    pthread_t thread;
    struct db_conn *conn;
    char name[96];
};

struct workers {
    struct worker_config config;
    struct loop_wake *wake;
    pthread_mutex_t lock;
    pthread_cond_t there; /* a task, or the end */
    struct queue waiting, finished;
    bool ending, draining, held;
    struct workers_stats stats;
    uint32_t count;
    struct worker items[THREADS_MAX];
};

static void queue_put(struct queue *queue, struct worker_task *task)
{
    task->next = NULL;
    if (queue->last != NULL)
        queue->last->next = task;
    else
        queue->first = task;
    queue->last = task;
}

static struct worker_task *queue_take(struct queue *queue)
{
    struct worker_task *task = queue->first;

    if (task == NULL)
        return NULL;
    queue->first = task->next;
    if (queue->first == NULL)
        queue->last = NULL;
    return task;
}

/* Runs on the loop. */
static void give_back(void *ctx)
{
    struct workers *pool = ctx;
    struct worker_task *task;

    for (;;) {
        pthread_mutex_lock(&pool->lock);
        task = queue_take(&pool->finished);
        pthread_mutex_unlock(&pool->lock);
        if (task == NULL)
            return;
        task->done(task);
    }
}

/* The next task; NULL after a while without one, or at the end. */
static struct worker_task *task_wait(struct workers *pool, uint32_t ms, bool *ret_ending)
{
    struct worker_task *task;
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&pool->lock);
    while (pool->waiting.first == NULL && !pool->ending)
        if (pthread_cond_timedwait(&pool->there, &pool->lock, &until) != 0)
            break;
    task = queue_take(&pool->waiting);
    *ret_ending = pool->ending;
    pthread_mutex_unlock(&pool->lock);
    return task;
}

static bool connected(struct worker *worker)
{
    struct db_fault fault;

    if (worker->conn != NULL && !db_conn_up(worker->conn)) {
        db_conn_close(worker->conn);
        worker->conn = NULL;
    }
    if (worker->conn == NULL)
        worker->conn = db_conn_open(worker->pool->config.conninfo, worker->name, &fault);
    return worker->conn != NULL;
}

static void task_run(struct worker *worker, struct worker_task *task)
{
    struct workers *pool = worker->pool;

    task->run(task, connected(worker) ? worker->conn : NULL);
    pthread_mutex_lock(&pool->lock);
    queue_put(&pool->finished, task);
    pthread_mutex_unlock(&pool->lock);
    loop_wake_send(pool->wake);
}

static void job_end(struct worker *worker, const struct worker_job *job, bool ok, const char *why)
{
    struct workers *pool = worker->pool;
    struct db_args args;

    db_args_init(&args);
    db_args_int8(&args, job->id);
    db_args_text(&args, worker->name);
    db_args_int4(&args, job->attempts);
    if (!ok)
        db_args_text(&args, why);
    db_args_row(&args);
    /* If this is lost too, the job's lease ends, and another worker claims it. */
    (void)!db_conn_run(worker->conn, ok ? DB_STMT_JOB_DONE : DB_STMT_JOB_FAIL, &args, NULL);
    db_args_done(&args);
    pthread_mutex_lock(&pool->lock);
    pool->stats.jobs_done += ok;
    pool->stats.jobs_failed += !ok;
    pthread_mutex_unlock(&pool->lock);
    if (ok)
        log_event(pool->config.log, JOB_DONE, log_str("kind", job->kind), log_str("key", job->key));
    else
        log_event(pool->config.log, JOB_FAILED, log_str("kind", job->kind),
            log_str("key", job->key), log_str("why", why));
}

static bool job_wanted(struct workers *pool)
{
    bool wanted;

    pthread_mutex_lock(&pool->lock);
    wanted = pool->config.job != NULL && !pool->held && !pool->draining && !pool->ending;
    pthread_mutex_unlock(&pool->lock);
    return wanted;
}

/* Claims one job and works it.  False: there was none. */
static bool job_run(struct worker *worker)
{
    struct workers *pool = worker->pool;
    struct db_rows rows = {0};
    struct db_args args;
    bool worked = false;

    db_args_init(&args);
    db_args_text(&args, pool->config.kinds);
    db_args_text(&args, worker->name);
    db_args_row(&args);
    if (db_conn_run(worker->conn, DB_STMT_JOB_CLAIM, &args, &rows) == DB_OK && rows.count > 0) {
        struct db_row row = db_rows_at(&rows, 0);
        struct worker_job job = {
            .id = db_row_int8(&row, 0),
            .kind = db_row_text(&row, 1),
            .key = db_row_text(&row, 2),
            .payload = db_row_text(&row, 3),
            .attempts = (int32_t)db_row_int8(&row, 4),
        };
        char why[WORKER_WHY_MAX] = "";

        worked = job.kind != NULL && job.key != NULL;
        if (worked)
            job_end(worker, &job, pool->config.job(pool->config.ctx, worker->conn, &job, why), why);
    }
    db_rows_done(&rows);
    db_args_done(&args);
    return worked;
}

static void *worker_main(void *ctx)
{
    struct worker *worker = ctx;
    struct workers *pool = worker->pool;
    uint32_t wait_ms = 0;
    bool ending = false;

    while (!ending) {
        struct worker_task *task = task_wait(pool, wait_ms, &ending);

        if (task != NULL) {
            ending = false; /* first what waits */
            task_run(worker, task);
            wait_ms = 0;
        } else if (!ending && job_wanted(pool)) {
            wait_ms = pool->config.poll_ms;
            if (!connected(worker))
                wait_ms = RECONNECT_MS;
            else if (job_run(worker))
                wait_ms = 0;
        } else {
            wait_ms = pool->config.poll_ms;
        }
    }
    db_conn_close(worker->conn);
    return NULL;
}

/* Signals belong to the loop's thread. */
static bool worker_start(struct workers *pool, uint32_t index)
{
    struct worker *worker = &pool->items[index];
    sigset_t all, before;
    int error;

    worker->pool = pool;
    snprintf(worker->name, sizeof worker->name, "joulebook/%.64s/worker%u", pool->config.name,
        index + 1);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&worker->thread, NULL, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0;
}

struct workers *workers_new(struct loop *loop, const struct worker_config *config)
{
    struct workers *pool = calloc(1, sizeof *pool);
    pthread_condattr_t attr;

    if (pool == NULL)
        return NULL;
    pool->config = *config;
    pool->held = config->held;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->there, &attr);
    pthread_condattr_destroy(&attr);
    pool->wake = loop_wake_new(loop, give_back, pool);
    while (pool->wake != NULL && pool->count < config->threads && pool->count < THREADS_MAX &&
           worker_start(pool, pool->count))
        pool->count++;
    if (pool->count == 0) {
        workers_free(pool);
        return NULL;
    }
    return pool;
}

void workers_free(struct workers *pool)
{
    struct worker_task *task;

    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->there);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->count; i++)
        pthread_join(pool->items[i].thread, NULL);
    while ((task = queue_take(&pool->waiting)) != NULL) {
        task->run(task, NULL);
        queue_put(&pool->finished, task);
    }
    give_back(pool);
    loop_wake_free(pool->wake);
    pthread_cond_destroy(&pool->there);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void workers_post(struct workers *pool, struct worker_task *task)
{
    pthread_mutex_lock(&pool->lock);
    queue_put(&pool->waiting, task);
    pthread_cond_signal(&pool->there);
    pthread_mutex_unlock(&pool->lock);
}

void workers_begin(struct workers *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->held = false;
    pthread_mutex_unlock(&pool->lock);
}

void workers_drain(struct workers *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->draining = true;
    pthread_mutex_unlock(&pool->lock);
}

struct workers_stats workers_stats(struct workers *pool)
{
    struct workers_stats stats;

    pthread_mutex_lock(&pool->lock);
    stats = pool->stats;
    pthread_mutex_unlock(&pool->lock);
    return stats;
}
