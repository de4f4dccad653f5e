/* test_lane_libpq.c - the N-th call of libpq fails, for every N: members still end once.
 *
 * The linker hands the lane these functions in libpq's place (--wrap).
 */
#include "tests/db/cluster.h"
#include "tests/db/drive.h"

#include <check.h>
#include <libpq-fe.h>

static long calls_left;

static bool fails(void)
{
    return calls_left > 0 && --calls_left == 0;
}

#define WRAP(type, name, parameters, arguments, failure)                                           \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fails() ? failure : __real_##name arguments;                                        \
    }

WRAP(PGconn *, PQconnectStartParams,
    (const char *const *keys, const char *const *values, int expand), (keys, values, expand), NULL)
WRAP(PostgresPollingStatusType, PQconnectPoll, (PGconn * conn), (conn), PGRES_POLLING_FAILED)
WRAP(int, PQsetnonblocking, (PGconn * conn, int value), (conn, value), -1)
WRAP(int, PQenterPipelineMode, (PGconn * conn), (conn), 0)
WRAP(int, PQsendQueryParams,
    (PGconn * conn, const char *text, int count, const Oid *types, const char *const *values,
        const int *lengths, const int *formats, int format),
    (conn, text, count, types, values, lengths, formats, format), 0)
WRAP(int, PQsendPrepare,
    (PGconn * conn, const char *name, const char *text, int count, const Oid *types),
    (conn, name, text, count, types), 0)
WRAP(int, PQsendDescribePrepared, (PGconn * conn, const char *name), (conn, name), 0)
WRAP(int, PQsendQueryPrepared,
    (PGconn * conn, const char *name, int count, const char *const *values, const int *lengths,
        const int *formats, int format),
    (conn, name, count, values, lengths, formats, format), 0)
WRAP(int, PQpipelineSync, (PGconn * conn), (conn), 0)
WRAP(int, PQflush, (PGconn * conn), (conn), -1)
WRAP(int, PQconsumeInput, (PGconn * conn), (conn), 0)

START_TEST(any_call_of_libpq_may_fail)
{
    char conninfo[CLUSTER_TEXT_MAX];
    long n = 0;
    bool failed;

    cluster_database(conninfo);
    cluster_exec(conninfo, drive_schema);
    do {
        struct drive *drive;

        calls_left = ++n;
        drive = drive_new(conninfo, true);
        for (int i = 0; i < 10; i++)
            ck_assert(drive_put(drive, i, n * 100 + i, i == 4 ? "raise:23514" : "good"));
        for (int i = 10; i < 15; i++)
            ck_assert(drive_rows(drive, i, n * 100 + i * 2, 2));
        ck_assert_msg(drive_until_done(drive, 15), "call %ld", n);
        failed = calls_left == 0;
        calls_left = 0;
        for (int i = 0; i < 15; i++)
            ck_assert_int_eq(drive->results[i], i == 4 ? DB_REFUSED : DB_OK);
        ck_assert_int_eq(drive->events[DB_LANE_LOST] > 0, failed);
        drive_free(drive);
    } while (failed && n < 1000);
    ck_assert_int_gt(n, 40);
    ck_assert_int_lt(n, 1000);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item"), n * 19);
}
END_TEST

static Suite *suite(void)
{
    Suite *lane = suite_create("db lane libpq");
    TCase *cases = tcase_create("libpq");

    tcase_set_timeout(cases, 200);
    tcase_add_test(cases, any_call_of_libpq_may_fail);
    suite_add_tcase(lane, cases);
    return lane;
}

int main(void)
{
    SRunner *runner;
    int failed;

    cluster_need();
    runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
