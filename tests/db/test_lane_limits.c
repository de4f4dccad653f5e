/* test_lane_limits.c - how much a lane takes, what goes in a batch, and whose turn it is.
 *
 * A member that stands at the gate is in flight while the others are submitted; the lane's clock
 * stands, so that no probe and no retry comes between.
 */
#include "tests/db/cluster.h"
#include "tests/db/drive.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GATE = DRIVE_TOKENS_MAX - 1 };

static char conninfo[CLUSTER_TEXT_MAX];
static struct drive *drive;

static void setup(void)
{
    cluster_database(conninfo);
    cluster_exec(conninfo, drive_schema);
    drive = drive_new(conninfo, true);
    ck_assert(drive_until_commits(drive, 1)); /* past the first probe: up and idle */
    drive_clock_stop(drive);
    ck_assert(drive_put(drive, GATE, GATE, "gate"));
    ck_assert(drive_until_active(drive, conninfo, "SELECT * FROM put("));
}

static void teardown(void)
{
    drive_free(drive);
}

static int64_t items(void)
{
    return cluster_number(conninfo, "SELECT count(*) FROM item");
}

/* Of the members that were submitted while the gate was closed. */
static uint64_t batches(void)
{
    struct db_lane_stats stats = db_lane_stats(drive->lane);

    return stats.commits - stats.probes - 1;
}

static void open_until_done(int count)
{
    drive_gate_open(conninfo);
    for (int i = 0; i < count; i += 10000) /* patience is for so many */
        ck_assert(drive_until_done(drive, i));
    ck_assert(drive_until_done(drive, count + 1));
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(drive->results[i], DB_OK);
}

START_TEST(a_full_queue_refuses_and_forgets_nothing)
{
    int taken = 0;

    while (taken < GATE && drive_put(drive, taken, 100 + taken, "good"))
        taken++;
    ck_assert_int_eq(taken, (DB_LANE_BATCHES_MAX - 1) * DB_LANE_BATCH_MEMBERS_MAX);
    ck_assert_int_eq(db_lane_stats(drive->lane).refused_full, 1);
    open_until_done(taken);
    ck_assert_int_eq(batches(), DB_LANE_BATCHES_MAX - 1);
    ck_assert(drive_put(drive, taken, 1, "good"));
    ck_assert(drive_until_done(drive, taken + 2));
    ck_assert_int_eq(items(), taken + 1);
}
END_TEST

START_TEST(the_queue_is_limited_in_bytes_too)
{
    char *large = malloc(1000001);
    int taken = 0;

    memset(large, 'x', 1000000);
    large[1000000] = '\0';
    memcpy(large, "good:", 5);
    while (taken < 200 && drive_put(drive, taken, taken, large))
        taken++;
    ck_assert_int_eq(taken, DB_LANE_QUEUE_BYTES_MAX / (1000000 + 18));
    open_until_done(taken);
    ck_assert_int_eq(batches(), (taken + 3) / 4); /* four make not quite DB_LANE_BATCH_BYTES_MAX */
    ck_assert_int_eq(items(), taken);
    ck_assert_int_eq(db_lane_stats(drive->lane).queued_bytes, 0);
    free(large);
}
END_TEST

START_TEST(a_batch_takes_no_more_rows_than_its_maximum)
{
    const int rows = DB_LANE_LARGE_ROWS, members = DB_LANE_BATCH_ROWS_MAX / rows;

    for (int i = 0; i < 2 * members + 1; i++)
        ck_assert(drive_rows(drive, i, i * rows, rows));
    open_until_done(2 * members + 1);
    ck_assert_int_eq(db_lane_stats(drive->lane).batch_rows_max, DB_LANE_BATCH_ROWS_MAX);
    ck_assert_int_eq(batches(), 3);
    ck_assert_int_eq(items(), (2 * members + 1) * rows);
}
END_TEST

START_TEST(large_members_share_a_batch_up_to_its_maximum_of_rows)
{
    const int rows = DB_LANE_BATCH_ROWS_MAX / 4;

    for (int i = 0; i < 5; i++)
        ck_assert(drive_rows(drive, i, i * rows, rows));
    drive_clock_go(drive);
    open_until_done(5);
    ck_assert_int_eq(db_lane_stats(drive->lane).batch_rows_max, DB_LANE_BATCH_ROWS_MAX);
    ck_assert_int_eq(batches(), 2);
    ck_assert_int_eq(items(), 5 * rows);
}
END_TEST

START_TEST(a_member_of_more_rows_than_the_maximum_goes_alone_and_whole)
{
    const int rows[] = {100, DB_LANE_BATCH_ROWS_MAX + 1, 100};

    for (int i = 0; i < 3; i++)
        ck_assert(drive_rows(drive, i, i * 10000, rows[i]));
    drive_clock_go(drive);
    open_until_done(3);
    ck_assert_int_eq(db_lane_stats(drive->lane).batch_rows_max, DB_LANE_BATCH_ROWS_MAX + 1);
    ck_assert_int_eq(batches(), 3);
    ck_assert_int_eq(
        cluster_number(conninfo, "SELECT max(n) FROM (SELECT count(*) AS n FROM item"
                                 " WHERE id >= 10000 AND id < 20000 GROUP BY xmin::text) t"),
        DB_LANE_BATCH_ROWS_MAX + 1);
}
END_TEST

enum { LARGE = 10, LARGE_ROWS_EACH = DB_LANE_BATCH_ROWS_MAX + 1000 };

static int large_done(void)
{
    int count = 0;

    for (int i = 0; i < LARGE; i++)
        count += drive->results[i] != DB_RESULT_COUNT;
    return count;
}

static void flood(void)
{
    for (int i = 0; i < LARGE; i++)
        ck_assert(drive_rows(drive, i, i * 10000, LARGE_ROWS_EACH));
}

/* A small member from its submission to its end; how many large ones ended meanwhile. */
static int small_through(int token)
{
    int before = large_done();

    ck_assert(drive_rows(drive, token, 1000000 + token, 1));
    while (drive->results[token] == DB_RESULT_COUNT)
        ck_assert(drive_until_done(drive, drive->done_count + 1));
    return large_done() - before;
}

START_TEST(small_members_wait_for_one_large_batch_not_for_all_and_large_ones_get_on)
{
    int small = LARGE, waited_max = 0;

    flood();
    drive_gate_open(conninfo);
    drive_clock_go(drive);
    while (large_done() < LARGE) {
        int waited = small_through(small++);

        waited_max = waited > waited_max ? waited : waited_max;
        ck_assert_int_lt(small, 10000);
    }
    ck_assert_int_eq(waited_max, 1);
    for (int i = 0; i < small; i++)
        ck_assert_int_eq(drive->results[i], DB_OK);
    ck_assert_int_eq(items(), LARGE * LARGE_ROWS_EACH + small - LARGE);
}
END_TEST

START_TEST(small_members_that_came_later_go_first)
{
    flood();
    for (int i = LARGE; i < LARGE + 100; i++)
        ck_assert(drive_rows(drive, i, 1000000 + i, 1));
    drive_clock_go(drive);
    open_until_done(LARGE + 100);
    for (int i = LARGE; i < LARGE + 100; i++)
        ck_assert_int_le(drive->order[i], 1 + 1 + (i - LARGE)); /* the gate, one large */
}
END_TEST

/* The first of the flood is made to take so long; the next one must not come before as long. */
static void large_takes(uint64_t took_ms, uint64_t pause_ms)
{
    drive_gate_open(conninfo);
    ck_assert(drive_until_done(drive, 1));
    cluster_exec(conninfo, "DELETE FROM gate;"
                           "CREATE TRIGGER slow AFTER INSERT ON item FOR EACH ROW"
                           " WHEN (new.id = 7) EXECUTE FUNCTION slow()");
    flood();
    ck_assert(drive_until_active(drive, conninfo, "INSERT INTO item"));
    drive_clock_pass(drive, took_ms);
    drive_gate_open(conninfo);
    ck_assert(drive_until_done(drive, 2));
    for (int i = LARGE; i < LARGE + 5; i++)
        ck_assert_int_eq(small_through(i), 0);
    drive_clock_pass(drive, pause_ms);
    drive_for(drive, 50);
    ck_assert_int_eq(small_through(LARGE + 5), 0);
    ck_assert_int_eq(large_done(), 1);
    drive_clock_pass(drive, 1);
    ck_assert(drive_until_done(drive, 1 + 1 + 6 + 1));
    ck_assert_int_eq(large_done(), 2);
}

START_TEST(as_much_time_as_a_large_batch_took_belongs_to_the_others)
{
    large_takes(300, 300);
}
END_TEST

START_TEST(a_very_slow_large_batch_delays_the_next_one_for_a_limited_time)
{
    large_takes(DB_LANE_LARGE_PAUSE_MAX_MS + 500, DB_LANE_LARGE_PAUSE_MAX_MS);
}
END_TEST

START_TEST(large_members_leave_room_for_small_ones)
{
    char *note = malloc(20001);
    size_t length = 3 + (DB_LANE_LARGE_ROWS + 1) * (12 + 4 + 20000 + 4);
    int taken = 0;

    memset(note, 'x', 20000);
    note[20000] = '\0';
    while (taken < 1000 && drive_notes(drive, taken, taken * 100, DB_LANE_LARGE_ROWS + 1, note))
        taken++;
    ck_assert_int_eq(taken, DB_LANE_LARGE_BYTES_MAX / length);
    for (int i = taken; i < taken + 5000; i++)
        ck_assert(drive_put(drive, i, 1000000 + i, "good"));
    drive_clock_go(drive);
    open_until_done(taken + 5000);
    ck_assert_int_eq(items(), taken * (DB_LANE_LARGE_ROWS + 1) + 5000);
    free(note);
}
END_TEST

START_TEST(large_batches_are_limited_in_number_too)
{
    int taken = 0;

    while (taken < 100 && drive_rows(drive, taken, 0, DB_LANE_BATCH_ROWS_MAX))
        taken++;
    ck_assert_int_eq(taken, DB_LANE_BATCHES_MAX);
    ck_assert(drive_put(drive, taken, 1000000, "good"));
    drive_clock_go(drive);
    open_until_done(taken + 1);
    ck_assert_int_eq(batches(), DB_LANE_BATCHES_MAX + 1);
}
END_TEST

START_TEST(busy_members_beyond_the_maximum_are_given_back_and_the_others_join_a_few_at_a_time)
{
    const int more = 100, count = DB_LANE_BUSY_MAX + more;
    struct db_conn *holder = cluster_connect(conninfo);
    uint64_t before;
    int given_back = 0;

    ck_assert_int_eq(db_conn_begin(holder), DB_OK);
    ck_assert_int_eq(db_conn_script(holder, "SELECT FROM held WHERE id = 1 FOR UPDATE"), DB_OK);
    for (int i = 0; i < count; i++)
        ck_assert(drive_put(drive, i, i, "held:1"));
    drive_gate_open(conninfo);
    ck_assert(drive_until_busy(drive, 2 * count)); /* each again, at once */
    ck_assert_int_eq(drive->done_count, 1 + more);
    ck_assert_int_eq(db_lane_stats(drive->lane).queued, DB_LANE_BUSY_MAX);
    for (int i = 0; i < count; i++)
        given_back += drive->results[i] == DB_BUSY;
    ck_assert_int_eq(given_back, more);
    db_conn_rollback(holder);
    db_conn_close(holder);
    before = batches();
    drive_clock_pass(drive, DB_LANE_BUSY_RETRY_MS);
    ck_assert(drive_until_done(drive, 1 + count));
    ck_assert_int_eq(batches() - before, DB_LANE_BUSY_MAX / DB_LANE_BUSY_BATCH_MAX);
    ck_assert_int_eq(items(), DB_LANE_BUSY_MAX);
}
END_TEST

/* Each run stops two members before where the one before it did: nothing is settled, and what is
 * still to run is in more and more parts. */
START_TEST(failures_that_come_earlier_in_each_run_do_not_exhaust_the_lane)
{
    const int count = 200;
    char what[32] = "turn:";

    for (int i = 0; i < count; i++) {
        if (i % 2)
            snprintf(what, sizeof what, "turn:%d", (count + 1 - i) / 2);
        ck_assert(drive_put(drive, i, i, i == 0 ? "turn:" : i % 2 ? what : "good"));
    }
    drive_clock_go(drive);
    open_until_done(count);
    ck_assert_int_eq(items(), count);
    ck_assert_int_eq(db_lane_stats(drive->lane).split, count / 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *lane = suite_create("db lane limits");
    TCase *cases = tcase_create("limits");

    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_full_queue_refuses_and_forgets_nothing);
    tcase_add_test(cases, the_queue_is_limited_in_bytes_too);
    tcase_add_test(cases, a_batch_takes_no_more_rows_than_its_maximum);
    tcase_add_test(cases, large_members_share_a_batch_up_to_its_maximum_of_rows);
    tcase_add_test(cases, a_member_of_more_rows_than_the_maximum_goes_alone_and_whole);
    tcase_add_test(cases, small_members_wait_for_one_large_batch_not_for_all_and_large_ones_get_on);
    tcase_add_test(cases, small_members_that_came_later_go_first);
    tcase_add_test(cases, as_much_time_as_a_large_batch_took_belongs_to_the_others);
    tcase_add_test(cases, a_very_slow_large_batch_delays_the_next_one_for_a_limited_time);
    tcase_add_test(cases, large_members_leave_room_for_small_ones);
    tcase_add_test(cases, large_batches_are_limited_in_number_too);
    tcase_add_test(
        cases, busy_members_beyond_the_maximum_are_given_back_and_the_others_join_a_few_at_a_time);
    tcase_add_test(cases, failures_that_come_earlier_in_each_run_do_not_exhaust_the_lane);
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
