/* worker.c - see worker.h.  One mutex guards the queues; nothing is done while it is held.
 *
 * Every wait for the database ends when `interrupt` becomes readable, which it stays.
 */
#include "csms/worker.h"

#include "csms/fault.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Between two attempts to connect: doubled each time, and half of it left to chance, so that those
 * who were shut out together do not come back together. */
enum { RECONNECT_MIN_MS = 500, RECONNECT_MAX_MS = 5000 };

struct queue {
    struct worker_task *first, *last;
};

struct worker {
    struct workers *pool;
    pthread_t thread;
    struct db_conn *conn;
    uint64_t connect_ms; /* no attempt to connect before */
    uint32_t backoff_ms;
    unsigned chance;
    char name[96];
};

struct workers {
    struct worker_config config;
    struct loop_wake *wake;
    pthread_mutex_t lock;
    pthread_cond_t there; /* a task, or the end */
    pthread_cond_t left;  /* a thread has */
    struct queue waiting, finished;
    bool ending, draining, held, interrupted;
    int interrupt; /* an eventfd */
    struct workers_stats stats;
    uint32_t count, living; /* threads that were made; that work */
    struct worker items[WORKERS_THREADS_MAX];
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

static uint64_t mono_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* False: it was not signalled in time. */
static bool cond_wait(struct workers *pool, pthread_cond_t *cond, uint64_t until_ms)
{
    struct timespec until = {
        .tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000};

    return pthread_cond_timedwait(cond, &pool->lock, &until) == 0;
}

/* False at the end, when nothing waits any more; the task is NULL if none came in time. */
static bool task_wait(struct workers *pool, uint64_t until_ms, struct worker_task **ret_task)
{
    bool more;

    pthread_mutex_lock(&pool->lock);
    while (pool->waiting.first == NULL && !pool->ending)
        if (!cond_wait(pool, &pool->there, until_ms))
            break;
    *ret_task = queue_take(&pool->waiting);
    pool->stats.waiting -= *ret_task != NULL;
    more = *ret_task != NULL || !pool->ending;
    pthread_mutex_unlock(&pool->lock);
    return more;
}

static bool is_interrupted(struct workers *pool)
{
    bool interrupted;

    pthread_mutex_lock(&pool->lock);
    interrupted = pool->interrupted;
    pthread_mutex_unlock(&pool->lock);
    return interrupted;
}

static void connect_try(struct worker *worker)
{
    struct workers *pool = worker->pool;
    struct db_wait wait = {
        .interrupt_fd = pool->interrupt, .silence_ms = (int)pool->config.silence_ms};
    struct db_fault fault;

    worker->conn = db_conn_open_within(pool->config.conninfo, worker->name, &wait, &fault);
    if (worker->conn != NULL) {
        worker->backoff_ms = RECONNECT_MIN_MS;
        return;
    }
    worker->connect_ms = mono_ms() + worker->backoff_ms -
                         (uint32_t)rand_r(&worker->chance) % (worker->backoff_ms / 2);
    worker->backoff_ms = worker->backoff_ms * 2 < RECONNECT_MAX_MS ? worker->backoff_ms * 2
                                                                   : RECONNECT_MAX_MS;
}

static bool connected(struct worker *worker)
{
    if (worker->conn != NULL && !db_conn_up(worker->conn)) {
        db_conn_close(worker->conn);
        worker->conn = NULL;
    }
    if (worker->conn == NULL && mono_ms() >= worker->connect_ms && !is_interrupted(worker->pool))
        connect_try(worker);
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

enum db_result worker_db_run(struct db_conn *conn, enum db_stmt stmt, const struct db_args *args,
    struct db_rows *ret_rows)
{
    enum db_result result;

    crash_point("before_commit", db_statements[stmt].name);
    result = db_conn_run(conn, stmt, args, ret_rows);
    crash_point("after_commit", db_statements[stmt].name);
    return result;
}

void worker_job_bind(const struct worker_job *job, struct db_args *args)
{
    db_args_int8(args, job->id);
    db_args_text(args, job->worker);
    db_args_int4(args, job->attempts);
}

enum worker_end worker_put_off(const struct db_conn *conn, char why[WORKER_WHY_MAX])
{
    snprintf(why, WORKER_WHY_MAX, "somebody holds a row: %.360s", db_conn_fault(conn)->text);
    return WORKER_PUT_OFF;
}

/* Does the database take the end of the job from this worker?  If the connection is lost, the job's
 * lease ends, and another worker claims it. */
static bool job_told(
    struct worker *worker, const struct worker_job *job, enum worker_end end, const char *why)
{
    static const enum db_stmt statements[] = {
        [WORKER_FAILED] = DB_STMT_JOB_FAIL,
        [WORKER_PUT_OFF] = DB_STMT_JOB_PUT_OFF,
        [WORKER_DONE] = DB_STMT_JOB_DONE,
    };
    struct db_rows rows = {0};
    struct db_args args;
    bool taken = false;

    db_args_init(&args);
    worker_job_bind(job, &args);
    if (end != WORKER_DONE)
        db_args_text(&args, why);
    db_args_row(&args);
    if (worker_db_run(worker->conn, statements[end], &args, &rows) == DB_OK && rows.count == 1) {
        struct db_row row = db_rows_at(&rows, 0);
        const char *outcome = db_row_text(&row, 0);

        taken = outcome != NULL && strcmp(outcome, "done") == 0;
    }
    db_rows_done(&rows);
    db_args_done(&args);
    return taken;
}

static void job_end(struct worker *worker, const struct worker_job *job, enum worker_end end,
    const char *why)
{
    struct workers *pool = worker->pool;
    bool ok = end == WORKER_DONE || end == WORKER_ENDED;
    bool taken = end == WORKER_ENDED || job_told(worker, job, end, why);

    pthread_mutex_lock(&pool->lock);
    pool->stats.jobs_done += taken && ok;
    pool->stats.jobs_failed += taken && end == WORKER_FAILED;
    pool->stats.jobs_lost += !taken;
    pthread_mutex_unlock(&pool->lock);
    if (!taken)
        log_event(pool->config.log, JOB_LOST, log_str("kind", job->kind), log_str("key", job->key),
            log_int("attempt", job->attempts));
    else if (ok)
        log_event(pool->config.log, JOB_DONE, log_str("kind", job->kind), log_str("key", job->key));
    else if (end == WORKER_PUT_OFF)
        log_event(pool->config.log, JOB_PUT_OFF, log_str("kind", job->kind),
            log_str("key", job->key), log_str("why", why));
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
    if (worker_db_run(worker->conn, DB_STMT_JOB_CLAIM, &args, &rows) == DB_OK && rows.count > 0) {
        struct db_row row = db_rows_at(&rows, 0);
        struct worker_job job = {
            .id = db_row_int8(&row, 0),
            .kind = db_row_text(&row, 1),
            .key = db_row_text(&row, 2),
            .payload = db_row_text(&row, 3),
            .worker = worker->name,
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

/* Looks for a job, if this pool works any now; in how long the next look is due. */
static uint32_t job_look(struct worker *worker)
{
    if (!job_wanted(worker->pool))
        return worker->pool->config.poll_ms;
    if (!connected(worker)) {
        uint64_t now_ms = mono_ms();

        return worker->connect_ms > now_ms ? (uint32_t)(worker->connect_ms - now_ms)
                                           : RECONNECT_MIN_MS;
    }
    return job_run(worker) ? 0 : worker->pool->config.poll_ms;
}

static void *worker_main(void *ctx)
{
    struct worker *worker = ctx;
    struct workers *pool = worker->pool;
    struct worker_task *task;
    uint64_t look_ms = 0;

    while (task_wait(pool, look_ms, &task)) {
        if (task != NULL)
            task_run(worker, task);
        if (mono_ms() >= look_ms)
            look_ms = job_look(worker) + mono_ms();
    }
    db_conn_close(worker->conn);
    pthread_mutex_lock(&pool->lock);
    pool->living--;
    pthread_cond_signal(&pool->left);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Signals belong to the loop's thread. */
static bool worker_start(struct workers *pool, uint32_t index)
{
    struct worker *worker = &pool->items[index];
    sigset_t all, before;
    int error;

    worker->pool = pool;
    worker->backoff_ms = RECONNECT_MIN_MS;
    worker->chance = (unsigned)(mono_ms() ^ (uint64_t)getpid() << 16) + index;
    snprintf(worker->name, sizeof worker->name, "joulebook/%.64s/%.16s%u", pool->config.name,
        pool->config.role, index + 1);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&pool->lock);
    error = pthread_create(&worker->thread, NULL, worker_main, worker);
    pool->living += error == 0;
    pthread_mutex_unlock(&pool->lock);
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
    pthread_cond_init(&pool->left, &attr);
    pthread_condattr_destroy(&attr);
    pool->interrupt = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (pool->interrupt >= 0)
        pool->wake = loop_wake_new(loop, give_back, pool);
    while (pool->wake != NULL && pool->count < config->threads &&
           pool->count < WORKERS_THREADS_MAX && worker_start(pool, pool->count))
        pool->count++;
    if (pool->count == 0) {
        workers_free(pool, 0);
        return NULL;
    }
    pool->stats.threads = pool->count;
    return pool;
}

/* All threads are gone afterwards; what waited for a silent database was interrupted. */
static void threads_end(struct workers *pool, uint32_t grace_ms)
{
    uint64_t until_ms = mono_ms() + grace_ms;

    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->there);
    while (pool->living > 0)
        if (!cond_wait(pool, &pool->left, until_ms))
            break;
    pool->interrupted = true;
    pthread_mutex_unlock(&pool->lock);
    (void)!eventfd_write(pool->interrupt, 1); /* a first write does not fail */
    for (uint32_t i = 0; i < pool->count; i++)
        pthread_join(pool->items[i].thread, NULL);
}

void workers_free(struct workers *pool, uint32_t grace_ms)
{
    struct worker_task *task;

    if (pool == NULL)
        return;
    threads_end(pool, grace_ms);
    do {
        while ((task = queue_take(&pool->waiting)) != NULL) {
            pool->stats.waiting--;
            task->run(task, NULL);
            queue_put(&pool->finished, task);
        }
        give_back(pool);
    } while (pool->waiting.first != NULL);
    loop_wake_free(pool->wake);
    if (pool->interrupt >= 0)
        close(pool->interrupt);
    pthread_cond_destroy(&pool->there);
    pthread_cond_destroy(&pool->left);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

bool workers_post(struct workers *pool, struct worker_task *task)
{
    bool room;

    pthread_mutex_lock(&pool->lock);
    room = pool->stats.waiting < WORKERS_TASKS_MAX;
    if (room) {
        queue_put(&pool->waiting, task);
        pool->stats.waiting++;
        pthread_cond_signal(&pool->there);
    }
    pthread_mutex_unlock(&pool->lock);
    return room;
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
