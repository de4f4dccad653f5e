/* test_lane_server.c - servers that stop, come back, are standbys or come from the past. */
#include "tests/db/cluster.h"
#include "tests/db/drive.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cluster cluster;
static char conninfo[CLUSTER_TEXT_MAX];

static void setup(void)
{
    cluster_start(&cluster, true);
    cluster_database_of(cluster.conninfo, conninfo);
    cluster_exec(conninfo, drive_schema);
}

static void teardown(void)
{
    cluster_stop(&cluster);
}

/* The server makes the file itself, as it may run as another user. */
static void become_standby(void)
{
    char text[CLUSTER_TEXT_MAX + 64];

    snprintf(
        text, sizeof text, "COPY (SELECT WHERE false) TO '%s/data/standby.signal'", cluster.dir);
    cluster_exec(conninfo, text);
    cluster_halt(&cluster);
    cluster_resume(&cluster);
}

START_TEST(a_server_that_is_killed_for_three_seconds_loses_and_doubles_nothing)
{
    struct drive *drive = drive_new(conninfo, false);
    int count = 0;

    ck_assert(drive_until_up(drive));
    for (; count < 200; count++)
        ck_assert(drive_put(drive, count, count, count == 50 ? "gate" : "good"));
    ck_assert(drive_until_active(drive, conninfo, "SELECT * FROM put("));
    cluster_halt(&cluster);
    for (; count < 300; count++)
        ck_assert(drive_put(drive, count, count, "good"));
    drive_for(drive, 3000);
    ck_assert_int_eq(drive->done_count, 0);
    ck_assert_int_ge(db_lane_oldest_ms(drive->lane, drive_now()), 3000);
    cluster_resume(&cluster);
    drive_gate_open(conninfo);
    ck_assert(drive_until_done(drive, 300));
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(drive->results[i], DB_OK);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item"), 299);
    ck_assert_int_ge(drive->events[DB_LANE_UP], 2);
    drive_free(drive);
}
END_TEST

START_TEST(what_was_told_is_there_after_a_kill)
{
    struct drive *drive = drive_new(conninfo, false);
    char query[200];
    int count = 0;

    ck_assert(drive_until_up(drive));
    for (int round = 0; round < 3; round++) {
        int enough = drive->done_count + 200;

        for (uint64_t end = drive_now() + DRIVE_PATIENCE_MS;
             drive->done_count < enough && drive_now() < end;) {
            if (count < drive->done_count + 50) {
                ck_assert(drive_put(drive, count, count, "good"));
                count++;
            }
            drive_turn(drive, 0);
        }
        cluster_halt(&cluster);
        cluster_resume(&cluster);
        /* The lane has not run since: what it told by then, in order, must be there. */
        ck_assert_int_ge(drive->done_count, enough);
        for (int i = 0; i < drive->done_count; i++)
            ck_assert_int_eq(drive->results[i], DB_OK);
        snprintf(query, sizeof query, "SELECT count(*) FROM item WHERE id < %d", drive->done_count);
        ck_assert_int_eq(cluster_number(conninfo, query), drive->done_count);
    }
    ck_assert(drive_until_done(drive, count));
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item"), count);
    drive_free(drive);
}
END_TEST

START_TEST(a_server_in_recovery_is_refused_until_it_is_promoted)
{
    struct drive *drive;

    become_standby();
    drive = drive_new(conninfo, true);
    ck_assert(drive_until_event(drive, DB_LANE_SERVER, 2));
    ck_assert_str_eq(drive->last[DB_LANE_SERVER], "the server is in recovery");
    ck_assert(drive_put(drive, 1, 1, "good"));
    drive_for(drive, 200);
    ck_assert_int_eq(drive->done_count, 0);
    cluster_exec(conninfo, "SELECT pg_promote()");
    ck_assert(drive_until_done(drive, 1));
    ck_assert_int_eq(drive->results[1], DB_OK);
    drive_free(drive);
}
END_TEST

START_TEST(a_server_on_an_older_timeline_is_refused)
{
    char link[64] = "/tmp/joulebook-link-XXXXXX", text[CLUSTER_TEXT_MAX];
    struct cluster past;
    struct drive *drive;

    become_standby();
    cluster_exec(conninfo, "SELECT pg_promote()");
    cluster_start(&past, true);
    ck_assert_ptr_nonnull(mkdtemp(link));
    ck_assert_int_eq(rmdir(link), 0);
    ck_assert_int_eq(symlink(cluster.dir, link), 0);
    snprintf(text, sizeof text, "%.150s host=%s", conninfo, link);
    drive = drive_new(text, false);
    ck_assert(drive_until_up(drive));
    cluster_halt(&cluster);
    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(symlink(past.dir, link), 0);
    snprintf(text, sizeof text, "CREATE DATABASE %s", strrchr(conninfo, '=') + 1);
    cluster_exec(past.conninfo, text);
    ck_assert(drive_until_event(drive, DB_LANE_SERVER, 1));
    ck_assert_str_eq(drive->last[DB_LANE_SERVER],
        "the server is on an older timeline than one that was seen before");
    drive_free(drive);
    unlink(link);
    cluster_stop(&past);
}
END_TEST

static Suite *suite(void)
{
    Suite *lane = suite_create("db lane server");
    TCase *cases = tcase_create("server");

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_server_that_is_killed_for_three_seconds_loses_and_doubles_nothing);
    tcase_add_test(cases, what_was_told_is_there_after_a_kill);
    tcase_add_test(cases, a_server_in_recovery_is_refused_until_it_is_promoted);
    tcase_add_test(cases, a_server_on_an_older_timeline_is_refused);
    suite_add_tcase(lane, cases);
    return lane;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
