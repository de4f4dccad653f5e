/* test_trace.c - what is written behind the answers, with a lane whose database is never there. */
#include "csms/trace.h"

#include <check.h>

#include <stdio.h>
#include <string.h>

static void no_watch(void *ctx, int fd, bool want_read, bool want_write)
{
    (void)ctx, (void)fd, (void)want_read, (void)want_write;
}

static void no_alarm(void *ctx, uint64_t at_mono_ms)
{
    (void)ctx, (void)at_mono_ms;
}

static void no_event(void *ctx, enum db_lane_event event, const char *detail)
{
    (void)ctx, (void)event, (void)detail;
}

static struct db_lane *lane_new(void)
{
    struct db_lane_config config = {.conninfo = "host=/nonexistent", .name = "trace"};
    struct db_lane_ports ports = {.watch = no_watch, .alarm = no_alarm, .event = no_event};
    struct db_lane *lane = db_lane_new(&config, &ports);

    ck_assert_ptr_nonnull(lane);
    return lane;
}

static void knock(struct trace *trace, int64_t at_us, int count)
{
    char name[32];

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "stranger-%d", i);
        trace_door(trace, at_us, name, "10.0.0.1", "unknown_identity");
    }
}

START_TEST(the_door_writes_so_many_callers_a_second_and_counts_the_rest)
{
    struct db_lane *lane = lane_new();
    struct trace *trace = trace_new(lane);

    ck_assert_ptr_nonnull(trace);
    knock(trace, 1000000, 199);
    trace_flush(trace, 1);
    knock(trace, 1100000, 301); /* a flush makes no room */
    ck_assert_uint_eq(trace_dropped(trace), 300);
    knock(trace, 1999999, 10);
    ck_assert_uint_eq(trace_dropped(trace), 310);
    knock(trace, 2000000, 200); /* the next second */
    ck_assert_uint_eq(trace_dropped(trace), 310);
    knock(trace, 500000, 201); /* the wall clock was set back */
    ck_assert_uint_eq(trace_dropped(trace), 311);
    trace_free(trace);
    db_lane_free(lane);
}
END_TEST

START_TEST(so_many_rows_are_gathered_between_two_flushes)
{
    static char text[9000];
    struct core_trace frame = {.station = 1, .action = OCPP_ACTION_NONE, .text = text,
        .length = sizeof text, .message_id = "1"};
    struct db_lane *lane = lane_new();
    struct trace *trace = trace_new(lane);

    memset(text, 'x', sizeof text); /* longer than is kept of one */
    trace_frame(trace, &frame);
    frame.length = 8;
    for (int i = 1; i < 4096; i++)
        trace_frame(trace, &frame);
    ck_assert_uint_eq(trace_dropped(trace), 0);
    trace_frame(trace, &frame);
    ck_assert_uint_eq(trace_dropped(trace), 1);
    for (int second = 1; second <= 21; second++)
        knock(trace, second * INT64_C(1000000), 200);
    ck_assert_uint_eq(trace_dropped(trace), 1 + 21 * 200 - 4096);
    trace_free(trace);
    db_lane_free(lane);
}
END_TEST

/* A core whose database takes every station over at once. */
struct house {
    struct core *core;
    struct core_now now;
    uint64_t token;
};

static bool take_work(void *ctx, const struct core_work *work)
{
    ((struct house *)ctx)->token = work->token;
    return true;
}

static void no_note(void *ctx, enum core_note note, int64_t station, const char *detail)
{
    (void)ctx, (void)note, (void)station, (void)detail;
}

static void no_trace(void *ctx, const struct core_trace *frame)
{
    (void)ctx, (void)frame;
}

static void house_open(struct house *house, uint32_t stations)
{
    struct core_config config = {
        .connections = stations, .call_timeout_ms = 30000, .heartbeat_s = 300};
    struct core_ports ports = {.ctx = house, .work = take_work, .trace = no_trace, .note = no_note};

    house->core = core_new(&config, &ports);
    ck_assert_ptr_nonnull(house->core);
    for (uint32_t i = 0; i < stations; i++)
        core_conn_open(house->core, house->now, (struct core_conn){.slot = i, .generation = 1},
            i + 1, "10.0.0.1");
}

START_TEST(every_pile_is_written_as_seen_however_many_there_are)
{
    struct house house = {.now = {1, 1000000}};
    struct db_lane *lane = lane_new();
    struct trace *trace = trace_new(lane);

    house_open(&house, 60000);
    trace_seen(trace, house.core, 2);
    ck_assert_uint_eq(db_lane_stats(lane).submitted, 6); /* of 10,000 rows each */
    trace_seen(trace, house.core, 3); /* nobody has spoken since */
    ck_assert_uint_eq(db_lane_stats(lane).submitted, 6);
    core_free(house.core);
    trace_free(trace);
    db_lane_free(lane);
}
END_TEST

START_TEST(a_pile_is_written_as_seen_after_the_clock_was_set_back)
{
    struct house house = {.now = {1, 1000000}};
    struct db_lane *lane = lane_new();
    struct trace *trace = trace_new(lane);

    house_open(&house, 1);
    trace_seen(trace, house.core, 5);
    ck_assert_uint_eq(db_lane_stats(lane).submitted, 1);
    house.now = (struct core_now){5, 900000};
    core_conn_frame(house.core, house.now, (struct core_conn){.generation = 1}, "", 0);
    trace_seen(trace, house.core, 6);
    ck_assert_uint_eq(db_lane_stats(lane).submitted, 2);
    core_free(house.core);
    trace_free(trace);
    db_lane_free(lane);
}
END_TEST

/* To the last kilobyte. */
static void fill(struct db_lane *lane)
{
    static char text[1 << 20];
    struct db_args args;
    struct db_work work = {.stmt = DB_STMT_DOOR, .args = &args};

    for (size_t size = sizeof text; size >= 1024; size /= 2) {
        memset(text, 'x', size - 1);
        text[size - 1] = '\0';
        db_args_init(&args);
        db_args_text(&args, text);
        db_args_row(&args);
        while (db_lane_submit(lane, &work, 1))
            ;
        db_args_done(&args);
    }
}

START_TEST(a_pile_seen_while_the_lane_is_full_is_written_later)
{
    struct house house = {.now = {1, 1000000}};
    struct db_lane *lane = lane_new();
    struct trace *trace = trace_new(lane);
    uint64_t refused;

    house_open(&house, 20000);
    fill(lane);
    refused = db_lane_stats(lane).refused_full;
    trace_seen(trace, house.core, 1);
    ck_assert_uint_eq(db_lane_stats(lane).refused_full, refused + 1); /* and no further try */
    trace_seen(trace, house.core, 2); /* nobody has spoken since, yet it is tried again */
    ck_assert_uint_eq(db_lane_stats(lane).refused_full, refused + 2);
    core_free(house.core);
    trace_free(trace);
    db_lane_free(lane);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *cases = tcase_create("trace");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, so_many_rows_are_gathered_between_two_flushes);
    tcase_add_test(cases, the_door_writes_so_many_callers_a_second_and_counts_the_rest);
    tcase_add_test(cases, every_pile_is_written_as_seen_however_many_there_are);
    tcase_add_test(cases, a_pile_is_written_as_seen_after_the_clock_was_set_back);
    tcase_add_test(cases, a_pile_seen_while_the_lane_is_full_is_written_later);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
