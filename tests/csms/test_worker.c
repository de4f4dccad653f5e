/* test_worker.c - who works what when, the limits, and the end; against a real database. */
#include "csms/worker.h"
#include "tests/db/cluster.h"

#include "db/migrate.h"

#include <check.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char nowhere[] = "host=/nonexistent";
static char house[CLUSTER_TEXT_MAX]; /* a migrated database, made once */
static struct loop *loop;
static struct log *loglines;
static FILE *logfile;
static struct worker_config config;

static void setup(void)
{
    loop = loop_new();
    logfile = tmpfile();
    ck_assert(loop != NULL && logfile != NULL);
    loglines = log_new(fileno(logfile), LOG_LEVEL_DEBUG, LOG_FORMAT_JSON, 256);
    config = (struct worker_config){
        .conninfo = nowhere,
        .name = "test",
        .role = "worker",
        .threads = 1,
        .poll_ms = 20,
        .silence_ms = 60000,
        .log = loglines,
        .kinds = "{}",
    };
}

static void teardown(void)
{
    log_free(loglines);
    fclose(logfile);
    loop_free(loop);
}

static struct workers *pool_new(void)
{
    struct workers *pool = workers_new(loop, &config);

    ck_assert_ptr_nonnull(pool);
    return pool;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Runs the loop until a condition holds; fails after a minute. */
struct until {
    struct wheel_timer timer;
    bool (*holds)(void);
    double end;
};

static void until_tick(void *ctx)
{
    struct until *until = ctx;

    if (until->holds() || seconds() > until->end)
        loop_stop(loop);
    else
        loop_timer_arm(loop, &until->timer, loop_mono_ms(loop) + 2);
}

static void run_until(bool (*holds)(void))
{
    struct until until = {.holds = holds, .end = seconds() + 60};

    until.timer = (struct wheel_timer){.fire = until_tick, .ctx = &until};
    loop_timer_arm(loop, &until.timer, loop_mono_ms(loop));
    loop_run(loop);
    ck_assert_msg(holds(), "it did not come within a minute");
}

/* A task that counts itself; what it does beside that is `work`. */
enum { TASKS = WORKERS_TASKS_MAX + 2 };
struct probe {
    struct worker_task task;
    atomic_int runs, dones;
    bool connected;
    int turn; /* in which it ran */
    enum db_result result;
    const char *query;
    pthread_barrier_t *barrier;
    struct workers *again; /* posts `next` there when it is done */
    struct probe *next;
};
static struct probe probes[TASKS];
static atomic_int turns, finished;

static void probe_run(struct worker_task *task, struct db_conn *conn)
{
    struct probe *probe = (struct probe *)task;

    probe->turn = atomic_fetch_add(&turns, 1);
    probe->connected = conn != NULL;
    if (probe->barrier != NULL)
        pthread_barrier_wait(probe->barrier);
    if (probe->query != NULL && conn != NULL)
        probe->result = db_conn_query(conn, probe->query, NULL, NULL);
    atomic_fetch_add(&probe->runs, 1);
}

static void probe_done(struct worker_task *task)
{
    struct probe *probe = (struct probe *)task;

    probe->dones++;
    finished++;
    if (probe->again != NULL)
        ck_assert(workers_post(probe->again, &probe->next->task));
}

static struct probe *probe_of(int index)
{
    probes[index].task = (struct worker_task){.run = probe_run, .done = probe_done};
    return &probes[index];
}

static bool five_finished(void)
{
    return finished == 5;
}

START_TEST(tasks_run_in_their_order_and_come_back_on_the_loop)
{
    struct workers *pool = pool_new();

    for (int i = 0; i < 5; i++)
        ck_assert(workers_post(pool, &probe_of(i)->task));
    run_until(five_finished);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(probes[i].turn, i);
        ck_assert_int_eq(probes[i].runs, 1);
        ck_assert_int_eq(probes[i].dones, 1);
        ck_assert(!probes[i].connected);
    }
    workers_free(pool, 0);
}
END_TEST

static bool begun(void)
{
    return turns > 0;
}

static bool all_finished(void)
{
    return finished == WORKERS_TASKS_MAX + 1;
}

START_TEST(a_task_for_which_there_is_no_room_is_refused_and_taken_later)
{
    struct workers *pool = pool_new();
    pthread_barrier_t barrier;

    pthread_barrier_init(&barrier, NULL, 2);
    probe_of(0)->barrier = &barrier; /* the only thread waits here */
    ck_assert(workers_post(pool, &probes[0].task));
    run_until(begun);
    for (int i = 1; i <= WORKERS_TASKS_MAX; i++)
        ck_assert(workers_post(pool, &probe_of(i)->task));
    ck_assert(!workers_post(pool, &probe_of(TASKS - 1)->task));
    ck_assert_uint_eq(workers_stats(pool).waiting, WORKERS_TASKS_MAX);
    pthread_barrier_wait(&barrier);
    run_until(all_finished);
    ck_assert_int_eq(probes[TASKS - 1].runs, 0);
    ck_assert_uint_eq(workers_stats(pool).waiting, 0);
    ck_assert(workers_post(pool, &probes[TASKS - 1].task));
    workers_free(pool, 1000);
    ck_assert_int_eq(probes[TASKS - 1].dones, 1);
    pthread_barrier_destroy(&barrier);
}
END_TEST

static bool every_thread_was_there(void)
{
    return finished == WORKERS_THREADS_MAX;
}

START_TEST(no_more_threads_are_made_than_the_maximum_and_all_of_them_work)
{
    pthread_barrier_t barrier;
    struct workers *pool;

    config.threads = WORKERS_THREADS_MAX + 8;
    pool = pool_new();
    ck_assert_uint_eq(workers_stats(pool).threads, WORKERS_THREADS_MAX);
    pthread_barrier_init(&barrier, NULL, WORKERS_THREADS_MAX);
    for (int i = 0; i < WORKERS_THREADS_MAX; i++) {
        probe_of(i)->barrier = &barrier;
        ck_assert(workers_post(pool, &probes[i].task));
    }
    run_until(every_thread_was_there);
    workers_free(pool, 0);
    pthread_barrier_destroy(&barrier);
}
END_TEST

START_TEST(a_task_that_is_posted_while_they_end_runs_once_without_a_connection)
{
    struct workers *pool;

    config.conninfo = house;
    pool = pool_new();
    probe_of(0)->again = pool;
    probes[0].next = probe_of(1);
    ck_assert(workers_post(pool, &probes[0].task));
    workers_free(pool, 5000); /* the loop does not run: its `done` is called in here */
    ck_assert(probes[0].connected);
    ck_assert_int_eq(probes[0].dones, 1);
    ck_assert(!probes[1].connected);
    ck_assert_int_eq(probes[1].runs, 1);
    ck_assert_int_eq(probes[1].dones, 1);
}
END_TEST

START_TEST(what_was_begun_is_ended_within_the_grace_and_interrupted_after_it)
{
    struct workers *pool;
    double began;

    config.conninfo = house;
    pool = pool_new();
    probe_of(0)->query = _i == 0 ? "SELECT pg_sleep(0.5)" : "SELECT pg_sleep(60)";
    probe_of(1)->query = "SELECT 1";
    ck_assert(workers_post(pool, &probes[0].task) && workers_post(pool, &probes[1].task));
    run_until(begun);
    began = seconds();
    workers_free(pool, _i == 0 ? 8000 : 300);
    ck_assert(seconds() - began < 30);
    ck_assert(probes[0].connected && probes[1].connected == (_i == 0));
    ck_assert_int_eq(probes[0].result, _i == 0 ? DB_OK : DB_UNKNOWN);
    ck_assert_int_eq(probes[0].dones + probes[1].dones, 2);
}
END_TEST

static atomic_int jobs_worked;

static enum worker_end job_count(
    void *ctx, struct db_conn *conn, const struct worker_job *job, char why[WORKER_WHY_MAX])
{
    (void)ctx, (void)conn, (void)job, (void)why;
    atomic_fetch_add(&jobs_worked, 1);
    usleep(20000);
    return WORKER_DONE;
}

static void jobs_insert(const char *kind, int count)
{
    char script[256];

    snprintf(script, sizeof script,
        "INSERT INTO core.job (kind, key) SELECT '%s', g::text FROM generate_series(1, %d) g", kind,
        count);
    cluster_exec(house, script);
}

static bool ten_jobs_worked(void)
{
    return jobs_worked >= 10;
}

START_TEST(jobs_have_their_turn_however_many_tasks_wait)
{
    struct workers *pool;

    config.conninfo = house;
    config.kinds = "{turn}";
    config.job = job_count;
    jobs_insert("turn", 10);
    pool = pool_new();
    for (int i = 0; i < 50; i++) { /* each comes back for ever */
        probe_of(i)->again = pool;
        probes[i].next = &probes[i];
        probes[i].query = "SELECT pg_sleep(0.002)";
        ck_assert(workers_post(pool, &probes[i].task));
    }
    run_until(ten_jobs_worked);
    ck_assert_uint_gt(workers_stats(pool).waiting, 40);
    for (int i = 0; i < 50; i++)
        probes[i].again = NULL;
    workers_free(pool, 5000);
}
END_TEST

static bool first_finished(void)
{
    return finished >= 1;
}

START_TEST(a_task_has_its_turn_however_many_jobs_are_due)
{
    enum { MANY = 400 };
    struct workers *pool;

    config.conninfo = house;
    config.kinds = "{many}";
    config.job = job_count;
    jobs_insert("many", MANY); /* eight seconds of them */
    pool = pool_new();
    run_until(ten_jobs_worked);
    ck_assert(workers_post(pool, &probe_of(0)->task));
    run_until(first_finished);
    ck_assert_int_lt(jobs_worked, MANY);
    workers_drain(pool);
    workers_free(pool, 5000);
}
END_TEST

/* Somebody else claims the job while it is worked here. */
static enum worker_end job_stolen(
    void *ctx, struct db_conn *conn, const struct worker_job *job, char why[WORKER_WHY_MAX])
{
    bool ok = strcmp(job->key, "1") == 0;

    (void)ctx;
    snprintf(why, WORKER_WHY_MAX, "it failed");
    ck_assert_int_eq(db_conn_query(conn,
                         "UPDATE core.job SET worker = 'another', attempts = attempts + 1"
                         " WHERE kind = 'stolen' AND state = 'running' AND worker <> 'another'",
                         NULL, NULL),
        DB_OK);
    atomic_fetch_add(&jobs_worked, 1);
    return ok ? WORKER_DONE : WORKER_FAILED;
}

static bool two_jobs_worked(void)
{
    return jobs_worked == 2;
}

START_TEST(the_end_of_a_job_that_was_taken_over_is_not_called_done)
{
    struct workers_stats stats;
    struct workers *pool;
    char text[4096] = "";

    config.conninfo = house;
    config.kinds = "{stolen}";
    config.job = job_stolen;
    jobs_insert("stolen", 2);
    pool = pool_new();
    run_until(two_jobs_worked);
    workers_drain(pool);
    for (double end = seconds() + 60; seconds() < end; usleep(10000)) {
        stats = workers_stats(pool);
        if (stats.jobs_done + stats.jobs_failed + stats.jobs_lost >= 2)
            break;
    }
    workers_free(pool, 5000);
    ck_assert_uint_eq(stats.jobs_done, 0);
    ck_assert_uint_eq(stats.jobs_failed, 0);
    ck_assert_uint_eq(stats.jobs_lost, 2);
    ck_assert_int_eq(cluster_number(house, "SELECT count(*) FROM core.job WHERE kind = 'stolen'"
                                           " AND state = 'running' AND worker = 'another'"),
        2);
    log_free(loglines);
    loglines = NULL;
    rewind(logfile);
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, logfile), 0);
    ck_assert_ptr_nonnull(strstr(text, "job.lost"));
    ck_assert_ptr_null(strstr(text, "job.done"));
    ck_assert_ptr_null(strstr(text, "job.failed"));
}
END_TEST

START_TEST(no_job_is_claimed_before_the_beginning_or_after_the_drain)
{
    struct workers *pool;

    config.conninfo = house;
    config.kinds = "{quiet}";
    config.job = job_count;
    config.held = _i == 0;
    if (_i == 0)
        jobs_insert("quiet", 1);
    pool = pool_new();
    if (_i == 1) {
        workers_drain(pool);
        usleep(1000000); /* a look that had begun is over */
        cluster_exec(house, "INSERT INTO core.job (kind, key) VALUES ('quiet', 'late')");
    }
    usleep(300000);
    ck_assert_int_eq(jobs_worked, 0);
    if (_i == 0) {
        workers_begin(pool);
        for (double end = seconds() + 60; jobs_worked == 0 && seconds() < end;)
            usleep(10000);
        ck_assert_int_eq(jobs_worked, 1);
    }
    workers_free(pool, 5000);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("csms worker");
    TCase *cases = tcase_create("worker");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, tasks_run_in_their_order_and_come_back_on_the_loop);
    tcase_add_test(cases, a_task_for_which_there_is_no_room_is_refused_and_taken_later);
    tcase_add_test(cases, no_more_threads_are_made_than_the_maximum_and_all_of_them_work);
    tcase_add_test(cases, a_task_that_is_posted_while_they_end_runs_once_without_a_connection);
    tcase_add_loop_test(
        cases, what_was_begun_is_ended_within_the_grace_and_interrupted_after_it, 0, 2);
    tcase_add_test(cases, jobs_have_their_turn_however_many_tasks_wait);
    tcase_add_test(cases, a_task_has_its_turn_however_many_jobs_are_due);
    tcase_add_test(cases, the_end_of_a_job_that_was_taken_over_is_not_called_done);
    tcase_add_loop_test(cases, no_job_is_claimed_before_the_beginning_or_after_the_drain, 0, 2);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void)
{
    struct db_fault fault;
    SRunner *runner;
    int failed;

    cluster_need();
    cluster_database(house);
    if (db_migrate(house, NULL, NULL, &fault) != DB_OK) {
        fprintf(stderr, "no schema: %s\n", fault.text);
        return 1;
    }
    runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
