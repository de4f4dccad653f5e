/* test_lane_faults.c - connections cut at the worst moment, servers that are away or not to be
 * trusted, memory that runs out. */
#include "tests/db/cluster.h"
#include "tests/db/drive.h"
#include "tests/db/proxy.h"

#include "db/alloc.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char conninfo[CLUSTER_TEXT_MAX];
static struct proxy proxy;
static struct drive *drive;

static void setup(void)
{
    cluster_database(conninfo);
    cluster_exec(conninfo, drive_schema);
    proxy_start(&proxy, conninfo);
    drive = drive_new(proxy.conninfo, true);
    ck_assert(drive_until_commits(drive, 1)); /* past the first probe */
}

static void teardown(void)
{
    drive_free(drive);
    proxy_stop(&proxy);
}

static void order(enum proxy_order what)
{
    proxy.control->done = 0;
    proxy.control->order = what;
}

static void put(int from, int count, const char *what)
{
    for (int i = from; i < from + count; i++)
        ck_assert(drive_put(drive, i, i, what));
}

static void all_ok(int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(drive->results[i], DB_OK);
}

START_TEST(a_lost_answer_to_commit_is_asked_again_and_stored_once)
{
    order(PROXY_CUT_COMMIT_ANSWER);
    put(0, 40, "count");
    ck_assert(drive_until_event(drive, DB_LANE_LOST, 1));
    /* Committed, and nobody may be told yet. */
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item WHERE times = 1"), 40);
    ck_assert_int_eq(drive->done_count, 0);
    ck_assert(!db_lane_up(drive->lane));
    ck_assert(drive_until_done(drive, 40));
    all_ok(40);
    /* `count` counts how often it ran: once more, in a transaction with the mark. */
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item WHERE times = 2"), 40);
    ck_assert_int_eq(
        cluster_number(conninfo, "SELECT count(*) FROM item, mark WHERE item.xmin = mark.xmin"),
        40);
    ck_assert_int_eq(drive->events[DB_LANE_AGAIN], 1);
    ck_assert_int_eq(db_lane_stats(drive->lane).unknown, 1);
}
END_TEST

/* Only what writes waits for the standby, and what is there already writes nothing. */
START_TEST(a_member_of_unknown_outcome_that_is_busy_then_still_goes_with_the_mark)
{
    struct db_conn *holder = cluster_connect(conninfo);

    order(PROXY_CUT_COMMIT_ANSWER);
    put(0, 1, "held:1");
    ck_assert(drive_until_event(drive, DB_LANE_LOST, 1));
    ck_assert_int_eq(db_conn_begin(holder), DB_OK);
    ck_assert_int_eq(db_conn_script(holder, "SELECT FROM held WHERE id = 1 FOR UPDATE"), DB_OK);
    ck_assert(drive_until_busy(drive, 2));
    drive_clock_stop(drive);
    db_conn_rollback(holder);
    db_conn_close(holder);
    drive_clock_pass(drive, DB_LANE_BUSY_RETRY_MS);
    drive_clock_go(drive);
    ck_assert(drive_until_done(drive, 1));
    all_ok(1);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item, mark"
                                              " WHERE times = 2 AND item.xmin = mark.xmin"),
        1);
}
END_TEST

START_TEST(a_commit_that_did_not_arrive_is_sent_again)
{
    order(PROXY_CUT_COMMIT);
    put(0, 40, "good");
    ck_assert(drive_until_done(drive, 40));
    all_ok(40);
    ck_assert_int_eq(proxy.control->done, 1);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item"), 40);
}
END_TEST

/* Cut at many places of the conversation: nothing is lost, doubled or told twice. */
static void cut_everywhere(enum proxy_order way, int step, int places)
{
    for (int i = 0; i < places; i++) {
        proxy.control->bytes = 1 + (int64_t)i * step;
        order(way);
        put(i * 5, 5, "good");
        ck_assert_msg(drive_until_done(drive, i * 5 + 5), "place %d", i);
        order(PROXY_PASS);
    }
    all_ok(places * 5);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item"), places * 5);
    ck_assert_int_ge(drive->events[DB_LANE_LOST], places / 2);
}

START_TEST(a_request_cut_anywhere_is_stored_once)
{
    cut_everywhere(PROXY_CUT_TO_SERVER, 11, 60);
}
END_TEST

START_TEST(an_answer_cut_anywhere_is_stored_once)
{
    cut_everywhere(PROXY_CUT_TO_CLIENT, 13, 60);
}
END_TEST

START_TEST(a_backend_that_is_terminated_in_its_commit_loses_nothing)
{
    put(0, 1, "slow");
    put(1, 1, "good");
    ck_assert(drive_until_active(drive, conninfo, "COMMIT"));
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(pg_terminate_backend(pid))"
                                              " FROM pg_stat_activity"
                                              " WHERE datname = current_database()"
                                              " AND query = 'COMMIT' AND state = 'active'"
                                              " AND application_name = 'joulebook/test'"),
        1);
    ck_assert(drive_until_event(drive, DB_LANE_LOST, 1));
    ck_assert_int_eq(drive->done_count, 0);
    drive_gate_open(conninfo);
    ck_assert(drive_until_done(drive, 2));
    all_ok(2);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item"), 1);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM slow"), 1);
    ck_assert_int_eq(drive->events[DB_LANE_AGAIN], 1);
}
END_TEST

START_TEST(a_member_that_kills_its_backend_ends_unknown_and_alone)
{
    put(0, 10, "good");
    put(10, 1, "crash");
    put(11, 10, "good");
    ck_assert(drive_until_done(drive, 21));
    for (int i = 0; i < 21; i++)
        ck_assert_int_eq(drive->results[i], i == 10 ? DB_UNKNOWN : DB_OK);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item"), 20);
}
END_TEST

START_TEST(a_warning_at_commit_is_not_a_commit)
{
    order(PROXY_WARN_AT_COMMIT);
    put(0, 10, "count");
    ck_assert(drive_until_event(drive, DB_LANE_AGAIN, 1));
    ck_assert_int_eq(drive->done_count, 0);
    ck_assert(drive_until_done(drive, 10));
    all_ok(10);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item, mark"
                                              " WHERE times = 2 AND item.xmin = mark.xmin"),
        10);
}
END_TEST

START_TEST(warnings_at_every_commit_end_unknown)
{
    proxy.control->repeat = 100;
    order(PROXY_WARN_AT_COMMIT);
    put(0, 1, "good");
    ck_assert(drive_until_done(drive, 1));
    ck_assert_int_eq(drive->results[0], DB_UNKNOWN);
    ck_assert_int_gt(db_lane_oldest_ms(drive->lane, drive_now()), 100);
}
END_TEST

START_TEST(a_line_that_is_dead_is_given_up)
{
    order(PROXY_STALL);
    put(0, 3, "good");
    drive_for(drive, 300);
    ck_assert_int_eq(drive->done_count, 0);
    ck_assert_int_ge(db_lane_oldest_ms(drive->lane, drive_now()), 290);
    /* The lane reads no clock: half a minute passes by telling it so. */
    db_lane_alarm(drive->lane, drive_now() + DB_LANE_STALL_MS + 100);
    ck_assert_int_eq(drive->events[DB_LANE_LOST], 1);
    ck_assert_str_eq(drive->last[DB_LANE_LOST], "no answer to a batch");
    ck_assert(!db_lane_up(drive->lane));
}
END_TEST

START_TEST(a_server_that_is_not_there_is_tried_with_growing_pauses)
{
    struct drive *other = drive_new("host=/tmp/nowhere-at-all dbname=x", true);
    uint64_t pause_ms = DB_LANE_BACKOFF_MIN_MS;

    drive_clock_stop(other);
    for (int i = 1; i < 9; i++) {
        ck_assert(drive_until_event(other, DB_LANE_LOST, i));
        drive_clock_pass(other, pause_ms / 2 - 1); /* the pause is between half of it and it */
        drive_for(other, 20);
        ck_assert_int_eq(other->events[DB_LANE_LOST], i);
        drive_clock_pass(other, pause_ms - pause_ms / 2 + 1);
        pause_ms = pause_ms * 2 > DB_LANE_BACKOFF_MAX_MS ? DB_LANE_BACKOFF_MAX_MS : pause_ms * 2;
    }
    ck_assert_int_eq(pause_ms, DB_LANE_BACKOFF_MAX_MS);
    ck_assert(!db_lane_up(other->lane));
    ck_assert_int_ge(db_lane_oldest_ms(other->lane, drive_clock(other)), DB_LANE_BACKOFF_MAX_MS);
    ck_assert(drive_put(other, 1, 1, "good")); /* waits */
    drive_for(other, 100);
    ck_assert_int_eq(other->done_count, 0);
    ck_assert_int_eq(db_lane_stats(other->lane).queued, 1);
    drive_free(other);
}
END_TEST

START_TEST(a_password_never_shows)
{
    struct db_lane_config config = {
        .conninfo = "host=/tmp/nowhere password=secret",
        .name = "test",
        .statements = drive_statements,
        .statement_count = DRIVE_STATEMENTS,
    };
    struct db_lane_ports none = {0};
    struct drive *other = drive_new_on(&config); /* its event port looks for "secret" */

    ck_assert(drive_until_event(other, DB_LANE_LOST, 2));
    drive_free(other);
    config.conninfo = "host=/tmp secret";
    ck_assert_ptr_null(db_lane_new(&config, &none));
}
END_TEST

START_TEST(a_statement_that_cannot_be_prepared_keeps_the_lane_down)
{
    static const struct db_statement wrong[] = {
        {"wrong", "SELECT * FROM no_such_function($1::bigint)", DB_KIND_CALL},
    };
    struct db_lane_config config = {.conninfo = conninfo,
        .name = "test",
        .durability_test = true,
        .statements = wrong,
        .statement_count = 1};
    struct drive *other = drive_new_on(&config);

    ck_assert(drive_until_event(other, DB_LANE_UNPREPARED, 2));
    ck_assert_str_eq(other->last[DB_LANE_UNPREPARED], "wrong: 42883");
    ck_assert(!db_lane_up(other->lane));
    drive_free(other);
}
END_TEST

START_TEST(a_statement_of_too_many_parameters_keeps_the_lane_down)
{
    char text[800] = "SELECT 'done' AS outcome";
    struct db_statement wide = {"wide", text, DB_KIND_CALL};
    struct db_lane_config config = {.conninfo = conninfo,
        .name = "test",
        .durability_test = true,
        .statements = &wide,
        .statement_count = 1};
    struct drive *other;

    for (int i = 1; i <= DB_COLUMNS_MAX; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), ", $%d::int", i);
    other = drive_new_on(&config);
    ck_assert(drive_until_up(other));
    drive_free(other);
    snprintf(text + strlen(text), sizeof text - strlen(text), ", $%d::int", DB_COLUMNS_MAX + 1);
    other = drive_new_on(&config);
    ck_assert(drive_until_event(other, DB_LANE_UNPREPARED, 1));
    ck_assert_str_eq(other->last[DB_LANE_UNPREPARED], "wide: a parameter of a type not known");
    drive_free(other);
}
END_TEST

START_TEST(a_server_without_fsync_is_refused)
{
    struct drive *other = drive_new(conninfo, false);

    ck_assert(drive_until_event(other, DB_LANE_SERVER, 2));
    ck_assert_str_eq(other->last[DB_LANE_SERVER], "fsync is off");
    ck_assert(!db_lane_up(other->lane));
    drive_free(other);
}
END_TEST

/* The N-th allocation fails, for N = 1, 2, ... until none does. */
static long allocations_left;

static void *failing_realloc(void *pointer, size_t size)
{
    if (size == 0) {
        free(pointer);
        return NULL;
    }
    if (--allocations_left == 0)
        return NULL;
    return realloc(pointer, size);
}

static bool run_with_failure_at(long n)
{
    int taken = 0;

    allocations_left = n;
    for (int i = 0; i < 100; i++)
        taken += drive_put(drive, (uint64_t)taken, 1000 * n + i, "good");
    for (int i = 0; i < 10; i++)
        taken += drive_rows(drive, (uint64_t)taken, 1000 * n + 200 + i * 10, 10);
    ck_assert(drive_until_done(drive, taken));
    all_ok(taken);
    return allocations_left > 0;
}

START_TEST(an_allocation_that_fails_loses_no_member)
{
    long n = 1;

    db_set_realloc(failing_realloc);
    do {
        drive_free(drive);
        allocations_left = 0; /* none fails while the lane is made */
        drive = drive_new(conninfo, true);
        ck_assert(drive_until_up(drive));
    } while (!run_with_failure_at(n++));
    ck_assert_int_ge(n, 5);
    db_set_realloc(NULL);
}
END_TEST

START_TEST(a_lane_cannot_be_made_without_memory)
{
    struct db_lane_ports none = {0};
    struct db_lane_config config = {
        .conninfo = conninfo,
        .name = "test",
        .statements = drive_statements,
        .statement_count = DRIVE_STATEMENTS,
    };

    db_set_realloc(failing_realloc);
    for (long n = 1; n <= 4; n++) {
        allocations_left = n;
        ck_assert_ptr_null(db_lane_new(&config, &none));
    }
    db_set_realloc(NULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *lane = suite_create("db lane faults");
    TCase *cases = tcase_create("faults");

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_lost_answer_to_commit_is_asked_again_and_stored_once);
    tcase_add_test(cases, a_member_of_unknown_outcome_that_is_busy_then_still_goes_with_the_mark);
    tcase_add_test(cases, a_commit_that_did_not_arrive_is_sent_again);
    tcase_add_test(cases, a_request_cut_anywhere_is_stored_once);
    tcase_add_test(cases, an_answer_cut_anywhere_is_stored_once);
    tcase_add_test(cases, a_backend_that_is_terminated_in_its_commit_loses_nothing);
    tcase_add_test(cases, a_member_that_kills_its_backend_ends_unknown_and_alone);
    tcase_add_test(cases, a_warning_at_commit_is_not_a_commit);
    tcase_add_test(cases, warnings_at_every_commit_end_unknown);
    tcase_add_test(cases, a_line_that_is_dead_is_given_up);
    tcase_add_test(cases, a_server_that_is_not_there_is_tried_with_growing_pauses);
    tcase_add_test(cases, a_password_never_shows);
    tcase_add_test(cases, a_statement_that_cannot_be_prepared_keeps_the_lane_down);
    tcase_add_test(cases, a_statement_of_too_many_parameters_keeps_the_lane_down);
    tcase_add_test(cases, a_server_without_fsync_is_refused);
    tcase_add_test(cases, an_allocation_that_fails_loses_no_member);
    tcase_add_test(cases, a_lane_cannot_be_made_without_memory);
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
