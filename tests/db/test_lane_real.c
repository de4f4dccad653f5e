/* test_lane_real.c - the daemon's own login, the real schema, the real BULK statements. */
#include "tests/db/cluster.h"
#include "tests/db/drive.h"

#include "db/migrate.h"

#include <check.h>

#include <stdio.h>
#include <string.h>

static char conninfo[CLUSTER_TEXT_MAX];
static struct drive *drive;
static int done_count;
static enum db_result results[64];

static void setup(void)
{
    char login[CLUSTER_TEXT_MAX + 32];
    struct db_lane_config config = {.conninfo = login, .name = "real", .durability_test = true};
    struct db_fault fault;

    cluster_database(conninfo);
    ck_assert_msg(db_migrate(conninfo, NULL, NULL, &fault) == DB_OK, "%s", fault.text);
    snprintf(login, sizeof login, "%s user=joulebook_app", conninfo);
    drive = drive_new_on(&config);
    done_count = 0;
    ck_assert_msg(drive_until_up(drive), "%s", drive->last[DB_LANE_UNPREPARED]);
}

static void teardown(void)
{
    drive_free(drive);
}

static void done(void *ctx, uint64_t token, enum db_result result, const struct db_row *row)
{
    (void)ctx;
    (void)row;
    results[token] = result;
    done_count++;
}

static void submit(enum db_stmt stmt)
{
    static uint64_t token;
    struct db_work work = {
        .stmt = stmt, .args = &drive->args, .done = done, .token = token++ % 64};

    results[work.token] = DB_RESULT_COUNT;
    ck_assert(db_lane_submit(drive->lane, &work, drive_now()));
    db_args_reset(&drive->args);
}

static void all_ok(int count)
{
    uint64_t end = drive_now() + DRIVE_PATIENCE_MS;

    while (done_count < count && drive_now() < end)
        drive_turn(drive, 20);
    ck_assert_int_eq(done_count, count);
    for (int i = 0; i < count; i++)
        ck_assert_msg(results[i] == DB_OK, "%s", drive->last[DB_LANE_FAILED]);
}

struct reading {
    int64_t station, at_us, hash, transaction_id;
    const char *context, *extra;
    bool suspect;
};

static void bind(const struct reading *reading)
{
    struct db_args *args = &drive->args;

    db_args_int8(args, reading->station);
    db_args_time_us(args, reading->at_us);
    db_args_int4(args, 1);
    db_args_int8(args, reading->hash);
    db_args_time_us(args, 1793520000000000);
    db_args_int8(args, reading->transaction_id);
    db_args_text(args, reading->context);
    for (int column = 8; column <= 25; column++)
        db_args_int8(args, column * 1000);
    db_args_text(args, reading->extra);
    db_args_bool(args, reading->suspect);
    db_args_row(args);
}

START_TEST(readings_never_hide_one_another)
{
    static const struct reading readings[] = {
        {1, 1793520000000000, 11, 5, "Sample.Periodic", NULL, false},
        {1, 1793520000000000, 12, 5, "Sample.Clock", "{\"x\": 1}", false}, /* the same second */
        {1, 1793520000000000, 11, 5, "Sample.Periodic", NULL, false},      /* a repeat */
        {1, 0, 13, 5, "Sample.Periodic", NULL, false},                     /* 1970 */
        {2, INT64_MAX, 14, 6, NULL, NULL, false},
    };

    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        bind(&readings[i]);
        submit(DB_STMT_READING_INSERT);
    }
    all_ok(5);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM core.meter_reading"), 4);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM core.meter_reading"
                                              " WHERE at = '1970-01-01 00:00:00+00'"),
        1);
    ck_assert_int_eq(
        cluster_number(conninfo, "SELECT (extra->>'x')::int FROM core.meter_reading"
                                 " WHERE context = 'Sample.Clock'"),
        1);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT soc_ppm FROM core.meter_reading LIMIT 1"),
        25000);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM core.review"), 0);
}
END_TEST

/* How many items match. */
static int64_t items(const char *condition)
{
    char sql[512];

    snprintf(sql, sizeof sql,
        "SELECT count(*) FROM core.review WHERE kind = 'reading_unknown_session' AND %s",
        condition);
    return cluster_number(conninfo, sql);
}

START_TEST(suspect_readings_of_no_session_are_one_review_item_a_day)
{
    static const struct reading suspects[] = {
        {1, 1793520001000000, 1, -1, NULL, NULL, true},
        {1, 1793520002000000, 2, -1, NULL, NULL, true},
        {1, 1793520003000000, 3, 99, NULL, NULL, true},
        {1, 1793520004000000, 4, 98, NULL, NULL, false},
        {2, 1793520005000000, 5, 97, NULL, NULL, true},
    };
    struct reading more = {1, 1793520006000000, 6, 0, NULL, NULL, true};

    for (size_t i = 0; i < sizeof suspects / sizeof suspects[0]; i++)
        bind(&suspects[i]);
    submit(DB_STMT_READING_INSERT);
    all_ok(1);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM core.meter_reading"), 5);
    ck_assert_int_eq(items("true"), 2);
    ck_assert_int_eq(items("station_id = 1 AND detail ->> 'transactionId' = '-1'"), 1);
    for (int i = 0; i < 20; i++) { /* however many numbers a pile makes up */
        more.transaction_id = 1000 + i;
        bind(&more);
        submit(DB_STMT_READING_INSERT);
        all_ok(2 + i);
    }
    ck_assert_int_eq(items("true"), 2);
    ck_assert_int_eq(items("station_id = 1 AND detail ->> 'transactionId' = '-1'"), 1);
}
END_TEST

START_TEST(last_seen_never_moves_back)
{
    static const int64_t times_us[] = {1793520005000000, 1793520009000000, 1793520001000000};

    for (int i = 0; i < 3; i++) {
        db_args_int8(&drive->args, 1);
        db_args_time_us(&drive->args, times_us[i]);
        db_args_row(&drive->args);
        submit(DB_STMT_SEEN);
        all_ok(i + 1);
    }
    ck_assert_int_eq(cluster_number(conninfo, "SELECT (extract(epoch FROM at) * 1000000)::bigint"
                                              " FROM core.station_seen"),
        1793520009000000);
}
END_TEST

START_TEST(frames_and_the_door_are_written_by_the_daemons_login)
{
    for (int i = 0; i < 3; i++) {
        db_args_int8(&drive->args, 1);
        db_args_time_us(&drive->args, 1793520000000000 + i);
        db_args_text(&drive->args, i ? "in" : "out");
        if (i)
            db_args_int2(&drive->args, 2);
        else
            db_args_null(&drive->args, DB_INT2);
        for (int column = 5; column <= 8; column++)
            db_args_text(&drive->args, column == 6 ? NULL : "text");
        db_args_row(&drive->args);
    }
    submit(DB_STMT_FRAME_INSERT);
    for (int i = 0; i < 3; i++) {
        db_args_text(&drive->args, "CP\xc3\xa9");
        db_args_time_us(&drive->args, 1793520000000000 + i);
        db_args_text(&drive->args, i == 2 ? "10.0.0.2" : "10.0.0.1");
        db_args_text(&drive->args, "unknown");
        db_args_row(&drive->args);
    }
    submit(DB_STMT_DOOR);
    all_ok(2);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM core.frame"), 3);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count FROM core.door"
                                              " WHERE remote = '10.0.0.2' AND last_at > first_at"),
        3);
}
END_TEST

static void knock(const char *identity, int first, int count)
{
    char name[64];

    for (int i = first; i < first + count; i++) {
        snprintf(name, sizeof name, "%s%d", identity, i);
        db_args_text(&drive->args, name);
        db_args_time_us(&drive->args, 1793520000000000 + i);
        db_args_text(&drive->args, "10.0.0.1");
        db_args_text(&drive->args, "unknown_identity");
        db_args_row(&drive->args);
    }
    submit(DB_STMT_DOOR);
}

START_TEST(strangers_names_fill_no_more_than_their_share_of_the_door)
{
    knock("A-", 0, 6000);
    all_ok(1);
    knock("B-", 0, 6000); /* 4,000 find room */
    all_ok(2);
    knock("C-", 0, 6000);
    all_ok(3);
    knock("A-", 7, 1); /* has a row already */
    all_ok(4);
    ck_assert_int_eq(
        cluster_number(conninfo, "SELECT count(*) FROM core.door WHERE identity <> ''"), 10000);
    ck_assert_int_eq(
        cluster_number(conninfo, "SELECT count FROM core.door WHERE identity = ''"), 8000);
    ck_assert_int_eq(
        cluster_number(conninfo, "SELECT count FROM core.door WHERE identity = 'A-7'"), 2);
}
END_TEST

START_TEST(a_pile_has_its_row_at_the_door_however_many_strangers_came)
{
    cluster_exec(conninfo, "INSERT INTO core.site (code, name, kind, zone, currency) VALUES"
                           " ('S1', 'S1', 'car_park', 'UTC', 'CNY');"
                           "INSERT INTO core.station (identity, site_id, protection)"
                           " SELECT 'Pile-1', id, 'IP54' FROM core.site WHERE code = 'S1'");
    knock("D-", 0, 10001);
    all_ok(1);
    knock("PILE-", 1, 1); /* in whatever case: otherwise a pile's name would give a stranger many */
    knock("pile-", 1, 1);
    all_ok(3);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count FROM core.door"
                                              " WHERE identity = 'Pile-1' AND NOT stranger"),
        2);
}
END_TEST

START_TEST(a_failing_bulk_leaves_the_other_statements_alone)
{
    static const struct reading bad = {1, 1793520000000000, 1, 1, NULL, "no json", false};
    static const struct reading good = {1, 1793520001000000, 2, 1, NULL, "{}", false};

    bind(&good);
    submit(DB_STMT_READING_INSERT);
    bind(&bad);
    submit(DB_STMT_READING_INSERT);
    db_args_int8(&drive->args, 1);
    db_args_time_us(&drive->args, 1793520000000000);
    db_args_row(&drive->args);
    submit(DB_STMT_SEEN);
    for (uint64_t end = drive_now() + DRIVE_PATIENCE_MS; done_count < 3 && drive_now() < end;)
        drive_turn(drive, 20);
    ck_assert_int_eq(results[0], DB_OK);
    ck_assert_int_eq(results[1], DB_REFUSED);
    ck_assert_int_eq(results[2], DB_OK);
    ck_assert_str_eq(drive->last[DB_LANE_FAILED], "reading_insert 22P02");
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM core.meter_reading"), 1);
}
END_TEST

START_TEST(probes_are_written_by_the_daemons_login)
{
    ck_assert(drive_until_commits(drive, 2));
    ck_assert_int_eq(db_lane_oldest_ms(drive->lane, drive_now()), 0);
    ck_assert_int_ge(cluster_number(conninfo, "SELECT token FROM core.lane_mark"
                                              " WHERE lane = 'real'"),
        2);
}
END_TEST

static Suite *suite(void)
{
    Suite *lane = suite_create("db lane real");
    TCase *cases = tcase_create("real");

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, readings_never_hide_one_another);
    tcase_add_test(cases, suspect_readings_of_no_session_are_one_review_item_a_day);
    tcase_add_test(cases, last_seen_never_moves_back);
    tcase_add_test(cases, frames_and_the_door_are_written_by_the_daemons_login);
    tcase_add_test(cases, strangers_names_fill_no_more_than_their_share_of_the_door);
    tcase_add_test(cases, a_pile_has_its_row_at_the_door_however_many_strangers_came);
    tcase_add_test(cases, a_failing_bulk_leaves_the_other_statements_alone);
    tcase_add_test(cases, probes_are_written_by_the_daemons_login);
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
