/* test_lane.c - batches, their results and their order, against a real server. */
#include "tests/db/cluster.h"
#include "tests/db/drive.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char conninfo[CLUSTER_TEXT_MAX];
static struct drive *drive;

static void setup(void)
{
    cluster_database(conninfo);
    cluster_exec(conninfo, drive_schema);
    drive = drive_new(conninfo, true);
    ck_assert(drive_until_commits(drive, 1)); /* past the first probe: up and idle */
}

static void teardown(void)
{
    drive_free(drive);
}

static int64_t items(void)
{
    return cluster_number(conninfo, "SELECT count(*) FROM item");
}

START_TEST(a_call_is_done_with_its_row)
{
    ck_assert(drive_put(drive, 1, 42, "good"));
    ck_assert(drive_until_done(drive, 1));
    ck_assert_int_eq(drive->results[1], DB_OK);
    ck_assert_int_eq(drive->values[1], 42);
    ck_assert_int_eq(items(), 1);
}
END_TEST

static const struct {
    const char *what;
    enum db_result result;
    bool row;
} endings[] = {
    {"good", DB_OK, true},
    {"refused", DB_REFUSED, true},
    {"norow", DB_NONE, false},
    {"raise:23514", DB_REFUSED, false},
    {"raise:22003", DB_REFUSED, false},
    {"raise:JB001", DB_REFUSED, false},
    {"raise:42883", DB_REFUSED, false},
    {"raise:40001", DB_RETRY, false},
    {"raise:40P01", DB_RETRY, false},
    {"raise:57014", DB_RETRY, false},
    {"raise:P0002", DB_NONE, false},
    {"raise:53100", DB_DOWN, false},
    {"raise:40003", DB_UNKNOWN, false},
    {"raise:55P03", DB_BUSY, false},
    {"unique", DB_CONFLICT, false},
    {"deferred", DB_REFUSED, false},
    {"warn", DB_OK, true},
};

START_TEST(a_member_ends_as_its_statement_says)
{
    cluster_exec(conninfo, "INSERT INTO item (id) SELECT 7 WHERE true");
    ck_assert(drive_put(drive, 1, strcmp(endings[_i].what, "unique") ? 8 : 7, endings[_i].what));
    ck_assert(drive_put(drive, 2, 9, "good"));
    ck_assert(drive_until_done(drive, 2));
    ck_assert_msg(drive->results[1] == endings[_i].result, "%s: %d, not %d", endings[_i].what,
        (int)drive->results[1], (int)endings[_i].result);
    ck_assert_int_eq(drive->values[1] != -1, endings[_i].row);
    ck_assert_int_eq(drive->results[2], DB_OK);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item WHERE id = 9"), 1);
}
END_TEST

static void put_hundred(const char *bad)
{
    for (int i = 0; i < 100; i++)
        ck_assert(drive_put(drive, i, i, i == 63 ? bad : "good"));
    ck_assert(drive_until_done(drive, 100));
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(drive->results[i], i == 63 ? DB_REFUSED : DB_OK);
    ck_assert_int_eq(items(), 99);
    ck_assert(db_lane_stats(drive->lane).split > 0);
}

START_TEST(one_bad_member_harms_only_itself)
{
    put_hundred("raise:23514");
    ck_assert_str_eq(drive->last[DB_LANE_FAILED], "put 23514");
}
END_TEST

START_TEST(one_deferred_constraint_harms_only_its_member)
{
    put_hundred("deferred");
    ck_assert_str_eq(drive->last[DB_LANE_FAILED], "COMMIT 23503 child child_parent_fkey");
}
END_TEST

START_TEST(many_members_share_a_commit)
{
    struct db_lane_stats stats;

    for (int i = 0; i < 500; i++)
        ck_assert(drive_put(drive, i, i, "good"));
    ck_assert(drive_until_done(drive, 500));
    stats = db_lane_stats(drive->lane);
    ck_assert_int_eq(stats.commits, stats.probes + 1);
    ck_assert_int_eq(stats.queued, 0);
    ck_assert_int_eq(stats.queued_bytes, 0);
    ck_assert_int_eq(items(), 500);
}
END_TEST

START_TEST(calls_run_in_the_order_of_their_submission)
{
    cluster_exec(conninfo, "CREATE TABLE log (n serial, id bigint);"
                           "CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                           " INSERT INTO log (id) VALUES (new.id); RETURN NULL; END $$;"
                           "CREATE TRIGGER logged AFTER INSERT ON item FOR EACH ROW"
                           " EXECUTE FUNCTION logged();");
    for (int i = 0; i < 300; i++)
        ck_assert(drive_put(drive, i, (i * 7) % 300, "good"));
    ck_assert(drive_until_done(drive, 300));
    ck_assert_int_eq(
        cluster_number(conninfo, "SELECT count(*) FROM log WHERE id <> ((n - 1) * 7) % 300"), 0);
}
END_TEST

START_TEST(bulk_members_become_one_execution)
{
    for (int i = 0; i < 50; i++)
        ck_assert(drive_rows(drive, i, i * 10, 10));
    ck_assert(drive_until_done(drive, 50));
    ck_assert_int_eq(items(), 500);
    ck_assert_int_eq(db_lane_stats(drive->lane).executions, 1);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item WHERE note IS NULL"), 200);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item WHERE at IS NULL"), 250);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item WHERE at ="
                                              " '2023-11-14 22:13:20.000009+00'"),
        50);
}
END_TEST

START_TEST(ten_thousand_rows_with_nulls_and_repeats)
{
    ck_assert(drive_rows(drive, 1, 0, 10000));
    ck_assert(drive_rows(drive, 2, 5000, 10000));
    ck_assert(drive_rows(drive, 3, 0, 10000));
    ck_assert(drive_until_done(drive, 3));
    for (int i = 1; i <= 3; i++)
        ck_assert_int_eq(drive->results[i], DB_OK);
    ck_assert_int_eq(items(), 15000);
}
END_TEST

START_TEST(a_bad_row_harms_only_its_member_of_a_bulk)
{
    for (int i = 0; i < 20; i++) {
        db_args_reset(&drive->args);
        ck_assert(drive_rows(drive, i, i * 10, 10));
    }
    cluster_exec(conninfo, "ALTER TABLE item ADD CHECK (id <> 55)");
    ck_assert(drive_until_done(drive, 20));
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(drive->results[i], i == 5 ? DB_REFUSED : DB_OK);
    ck_assert_int_eq(items(), 190);
    ck_assert_str_eq(drive->last[DB_LANE_FAILED], "rows 23514 item item_id_check");
}
END_TEST

START_TEST(a_member_with_the_wrong_parameters_is_refused_alone)
{
    struct db_lane_stats stats;

    ck_assert(drive_rows(drive, 1, 0, 5));
    /* Times where the statement takes whole numbers: the bytes would fit. */
    db_args_reset(&drive->args);
    db_args_time_us(&drive->args, 5);
    db_args_text(&drive->args, "good");
    db_args_row(&drive->args);
    ck_assert(db_lane_submit(drive->lane,
        &(struct db_work){.stmt = (enum db_stmt)PUT, .args = &drive->args}, drive_now()));
    ck_assert(drive_put(drive, 2, 77, "good"));
    ck_assert(drive_until_done(drive, 2));
    stats = db_lane_stats(drive->lane);
    ck_assert_int_eq(stats.done[DB_REFUSED], 1);
    ck_assert_int_eq(stats.done[DB_OK], 2);
    ck_assert_str_eq(drive->last[DB_LANE_FAILED], "put: parameters do not fit");
}
END_TEST

START_TEST(nothing_is_done_before_the_commit_is_back)
{
    drive_clock_stop(drive);
    ck_assert(drive_put(drive, 1, 1, "slow"));
    ck_assert(drive_put(drive, 2, 2, "good"));
    ck_assert(drive_until_active(drive, conninfo, "COMMIT"));
    drive_for(drive, 50); /* the statements have answered */
    ck_assert_int_eq(drive->done_count, 0);
    drive_clock_pass(drive, 200);
    ck_assert_int_eq(db_lane_oldest_ms(drive->lane, drive_clock(drive)), 200);
    drive_gate_open(conninfo);
    ck_assert(drive_until_done(drive, 2));
    ck_assert_int_eq(db_lane_oldest_ms(drive->lane, drive_clock(drive)), 0);
}
END_TEST

/* A member that is in flight until the gate is opened. */
static void fly_gate(uint64_t token)
{
    ck_assert(drive_put(drive, token, 1, "gate"));
    ck_assert(drive_until_active(drive, conninfo, "SELECT * FROM put("));
}

START_TEST(a_batch_forms_while_another_is_in_flight)
{
    struct db_lane_stats stats;

    fly_gate(0);
    for (int i = 1; i <= 200; i++)
        ck_assert(drive_put(drive, i, i, "good"));
    drive_for(drive, 50);
    ck_assert_int_eq(drive->done_count, 0);
    drive_gate_open(conninfo);
    ck_assert(drive_until_done(drive, 201));
    stats = db_lane_stats(drive->lane);
    ck_assert_int_eq(stats.commits, stats.probes + 2);
    ck_assert_int_eq(stats.batch_members_max, 200);
}
END_TEST

static struct db_conn *hold(const char *query)
{
    struct db_conn *conn = cluster_connect(conninfo);

    ck_assert_int_eq(db_conn_begin(conn), DB_OK);
    ck_assert_int_eq(db_conn_script(conn, query), DB_OK);
    return conn;
}

/* Closing alone ends the transaction only when the server comes to see it. */
static void release(struct db_conn *holder)
{
    db_conn_rollback(holder);
    db_conn_close(holder);
}

START_TEST(a_busy_member_joins_the_next_batches_and_delays_nobody)
{
    struct db_conn *holder = hold("SELECT FROM held WHERE id = 1 FOR UPDATE");

    drive_clock_stop(drive);
    ck_assert(drive_put(drive, 0, 1, "held:1"));
    for (int i = 1; i < 50; i++)
        ck_assert(drive_put(drive, i, 100 + i, i % 2 ? "held:2" : "good"));
    ck_assert(drive_until_done(drive, 49)); /* in no time of the lane's */
    ck_assert_int_eq(drive->results[0], DB_RESULT_COUNT);
    ck_assert(drive_until_busy(drive, 2)); /* its own batch and the next one */
    drive_clock_pass(drive, DB_LANE_BUSY_RETRY_MS - 1);
    drive_for(drive, 50);
    ck_assert_int_eq(db_lane_stats(drive->lane).busy, 2);
    drive_clock_pass(drive, 1);
    ck_assert(drive_until_busy(drive, 3));
    release(holder);
    drive_clock_pass(drive, DB_LANE_BUSY_RETRY_MS);
    ck_assert(drive_until_done(drive, 50));
    ck_assert_int_eq(drive->results[0], DB_OK);
    ck_assert_int_eq(items(), 50);
}
END_TEST

START_TEST(a_member_that_stays_busy_is_given_back_after_two_seconds)
{
    struct db_conn *holder = hold("SELECT FROM held WHERE id = 1 FOR UPDATE");

    drive_clock_stop(drive);
    ck_assert(drive_put(drive, 0, 1, "held:1"));
    ck_assert(drive_until_busy(drive, 2));
    drive_clock_pass(drive, DB_LANE_BUSY_LIMIT_MS - 1);
    ck_assert(drive_until_busy(drive, 3));
    drive_for(drive, 50);
    ck_assert_int_eq(drive->done_count, 0);
    drive_clock_pass(drive, DB_LANE_BUSY_RETRY_MS);
    ck_assert(drive_until_done(drive, 1));
    ck_assert_int_eq(drive->results[0], DB_BUSY);
    ck_assert_int_eq(items(), 0);
    ck_assert_int_eq(db_lane_stats(drive->lane).queued, 0);
    release(holder);
}
END_TEST

START_TEST(a_member_that_waits_for_a_lock_is_busy_and_delays_nobody_long)
{
    struct db_conn *holder = hold("SELECT FROM held WHERE id = 1 FOR UPDATE");

    drive_clock_stop(drive);
    for (int i = 0; i < 100; i++)
        ck_assert(drive_put(drive, i, i, i == 30 || i == 60 ? "wait:1" : "good"));
    ck_assert(drive_until_done(drive, 98)); /* none of them waited for a time of the lane's */
    ck_assert_int_eq(items(), 98);
    ck_assert(drive_until_busy(drive, 4));
    drive_clock_pass(drive, DB_LANE_BUSY_LIMIT_MS);
    ck_assert(drive_until_done(drive, 100));
    ck_assert_int_eq(drive->results[30], DB_BUSY);
    ck_assert_int_eq(drive->results[60], DB_BUSY);
    release(holder);
}
END_TEST

START_TEST(a_locked_table_is_waited_for_by_bulks)
{
    struct db_conn *holder = hold("LOCK TABLE item IN ACCESS EXCLUSIVE MODE");

    drive_clock_stop(drive);
    for (int i = 0; i < 20; i++)
        ck_assert(drive_rows(drive, i, i * 10, 10));
    drive_for(drive, 300);
    drive_clock_pass(drive, 600);
    drive_for(drive, 300);
    ck_assert_int_eq(drive->done_count, 0);
    ck_assert_int_eq(db_lane_oldest_ms(drive->lane, drive_clock(drive)), 600);
    release(holder);
    drive_clock_go(drive);
    ck_assert(drive_until_done(drive, 20));
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(drive->results[i], DB_OK);
    ck_assert_int_eq(items(), 200);
}
END_TEST

START_TEST(many_bad_members_leave_the_good_ones_alone)
{
    for (int i = 0; i < 300; i++)
        ck_assert(drive_put(drive, i, i, i % 3 ? i % 3 == 1 ? "raise:22003" : "good" : "deferred"));
    ck_assert(drive_until_done(drive, 300));
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(drive->results[i], i % 3 == 2 ? DB_OK : DB_REFUSED);
    ck_assert_int_eq(items(), 100);
}
END_TEST

START_TEST(a_deadlock_passes)
{
    ck_assert(drive_put(drive, 1, 1, "twice:40P01:3"));
    ck_assert(drive_put(drive, 2, 2, "good"));
    ck_assert(drive_until_done(drive, 2));
    ck_assert_int_eq(drive->results[1], DB_OK);
    ck_assert_int_eq(drive->results[2], DB_OK);
    ck_assert_int_eq(items(), 2);
}
END_TEST

/* What may pass is tried again so often; `runs` is of a member that is alone in its batch. */
static void passes_at_the_last_run(const char *sqlstate, int runs, enum db_result if_not)
{
    char what[32];

    snprintf(what, sizeof what, "twice:%s:%d", sqlstate, runs);
    ck_assert(drive_put(drive, 1, 1, what));
    ck_assert(drive_until_done(drive, 1));
    ck_assert_int_eq(drive->results[1], DB_OK);
    cluster_exec(conninfo, "ALTER SEQUENCE tries RESTART");
    snprintf(what, sizeof what, "twice:%s:%d", sqlstate, runs + 1);
    ck_assert(drive_put(drive, 2, 2, what));
    ck_assert(drive_until_done(drive, 2));
    ck_assert_int_eq(drive->results[2], if_not);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT last_value FROM tries"), runs);
    ck_assert_int_eq(items(), 1);
}

START_TEST(a_failure_that_may_pass_is_tried_so_often_and_no_more)
{
    passes_at_the_last_run("40P01", 1 + DB_LANE_TRIES_MAX, DB_RETRY);
}
END_TEST

START_TEST(a_lack_of_space_is_waited_for_so_often_and_no_more)
{
    passes_at_the_last_run("53100", 1 + 5, DB_DOWN); /* LANE_DOWN_TRIES_MAX */
}
END_TEST

START_TEST(a_server_without_space_is_waited_for)
{
    uint64_t begin = drive_now();

    ck_assert(drive_put(drive, 1, 1, "twice:53100:4"));
    ck_assert(drive_put(drive, 2, 2, "good"));
    ck_assert(drive_until_done(drive, 2));
    ck_assert_int_ge(drive_now() - begin, 300);
    ck_assert_int_eq(drive->results[1], DB_OK);
    ck_assert_int_eq(items(), 2);
    ck_assert_int_eq(db_lane_stats(drive->lane).split, 0);
}
END_TEST

START_TEST(an_idle_lane_probes_by_a_commit)
{
    drive_clock_stop(drive);
    for (uint64_t probes = 1; probes < 3; probes++) {
        drive_clock_pass(drive, DB_LANE_PROBE_MS - 1);
        drive_for(drive, 50);
        ck_assert_int_eq(db_lane_stats(drive->lane).probes, probes);
        drive_clock_pass(drive, 1);
        ck_assert(drive_until_commits(drive, probes + 1));
    }
    ck_assert_int_eq(cluster_number(conninfo, "SELECT token FROM mark WHERE lane = 'test'"), 3);
    ck_assert_int_eq(db_lane_oldest_ms(drive->lane, drive_clock(drive)), 0);
}
END_TEST

START_TEST(a_quiet_lane_answers_at_once)
{
    drive_clock_stop(drive);
    for (int i = 0; i < 50; i++) { /* each needs a commit, and no time of the lane's */
        ck_assert(drive_put(drive, i, i, "good"));
        ck_assert(drive_until_done(drive, i + 1));
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *lane = suite_create("db lane");
    TCase *cases = tcase_create("lane");

    tcase_set_timeout(cases, 150);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_call_is_done_with_its_row);
    tcase_add_loop_test(
        cases, a_member_ends_as_its_statement_says, 0, sizeof endings / sizeof endings[0]);
    tcase_add_test(cases, one_bad_member_harms_only_itself);
    tcase_add_test(cases, one_deferred_constraint_harms_only_its_member);
    tcase_add_test(cases, many_members_share_a_commit);
    tcase_add_test(cases, calls_run_in_the_order_of_their_submission);
    tcase_add_test(cases, bulk_members_become_one_execution);
    tcase_add_test(cases, ten_thousand_rows_with_nulls_and_repeats);
    tcase_add_test(cases, a_bad_row_harms_only_its_member_of_a_bulk);
    tcase_add_test(cases, a_member_with_the_wrong_parameters_is_refused_alone);
    tcase_add_test(cases, nothing_is_done_before_the_commit_is_back);
    tcase_add_test(cases, a_batch_forms_while_another_is_in_flight);
    tcase_add_test(cases, a_busy_member_joins_the_next_batches_and_delays_nobody);
    tcase_add_test(cases, a_member_that_stays_busy_is_given_back_after_two_seconds);
    tcase_add_test(cases, a_member_that_waits_for_a_lock_is_busy_and_delays_nobody_long);
    tcase_add_test(cases, a_locked_table_is_waited_for_by_bulks);
    tcase_add_test(cases, many_bad_members_leave_the_good_ones_alone);
    tcase_add_test(cases, a_deadlock_passes);
    tcase_add_test(cases, a_failure_that_may_pass_is_tried_so_often_and_no_more);
    tcase_add_test(cases, a_lack_of_space_is_waited_for_so_often_and_no_more);
    tcase_add_test(cases, a_server_without_space_is_waited_for);
    tcase_add_test(cases, an_idle_lane_probes_by_a_commit);
    tcase_add_test(cases, a_quiet_lane_answers_at_once);
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
