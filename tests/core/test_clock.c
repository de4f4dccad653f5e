/* test_clock.c - what is believed of a station's clock. */
#include "csms/core/clock.h"

#include "tests/core/support.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)

/* The time of the bench is 16:00. */
#define BOOT                                                                                       \
    "[2,\"b\",\"BootNotification\",{\"chargePointVendor\":\"V\",\"chargePointModel\":\"M\"}]"
#define STATUS(time)                                                                               \
    "[2,\"n\",\"StatusNotification\",{\"connectorId\":1,\"errorCode\":\"NoError\","                \
    "\"status\":\"Available\",\"timestamp\":\"2025-11-24T" time "Z\"}]"
#define STOP(time)                                                                                 \
    "[2,\"e\",\"StopTransaction\",{\"transactionId\":17,\"meterStop\":2,"                          \
    "\"timestamp\":\"2025-11-24T" time "Z\"}]"

START_TEST(the_offset_is_unknown_until_a_live_message_came)
{
    struct core_clock clock = {0};
    int64_t offset_us = 7;

    ck_assert(!core_clock_offset(&clock, 0, HOUR, &offset_us));
    ck_assert_int_eq(offset_us, 7);
    core_clock_learn(&clock, 100 * SECOND, 130 * SECOND, true);
    ck_assert(core_clock_offset(&clock, 0, HOUR, &offset_us));
    ck_assert_int_eq(offset_us, 30 * SECOND);
    core_clock_forget(&clock);
    ck_assert(!core_clock_offset(&clock, 0, HOUR, &offset_us));
}
END_TEST

START_TEST(the_offset_is_the_median_of_the_last_five)
{
    static const int64_t offsets[] = {900, 1, 2, 3, 4, 5, 800};
    struct core_clock clock = {0};
    int64_t offset_us = 0;

    for (size_t i = 0; i < COUNT(offsets); i++)
        core_clock_learn(&clock, 0, offsets[i] * SECOND, false);
    ck_assert(core_clock_offset(&clock, 0, HOUR, &offset_us));
    ck_assert_int_eq(offset_us, 4 * SECOND); /* of 2 3 4 5 800 */
}
END_TEST

START_TEST(one_that_nobody_asked_for_is_no_witness)
{
    static const struct {
        int64_t samples[3];
        int count, asked; /* the first ones were asked for */
        bool known;
        int64_t offset;
    } rows[] = {
        {{7200}, 1, 0, false, 0},
        {{-28800}, 1, 0, false, 0},
        {{7200}, 1, 1, true, 7200},
        {{-28800, -28740}, 2, 0, true, -28800},
        {{-28800, -28739}, 2, 0, false, 0},
        {{7200, 0}, 2, 0, false, 0},
        {{7200, 10, 0}, 3, 0, true, 10},        /* the first out of a queue */
        {{7200, 7200, 0}, 3, 0, false, 0},      /* by that the last were of the future */
        {{7200, 7200, 0}, 3, 2, false, 0},
    };
    struct core_clock clock = {0};
    int64_t offset_us = 0;

    for (int i = 0; i < rows[_i].count; i++)
        core_clock_learn(&clock, 0, rows[_i].samples[i] * SECOND, i < rows[_i].asked);
    ck_assert_int_eq(core_clock_offset(&clock, 0, 24 * HOUR, &offset_us), rows[_i].known);
    if (rows[_i].known)
        ck_assert_int_eq(offset_us, rows[_i].offset * SECOND);
}
END_TEST
enum { WITNESS_ROWS = 9 };

START_TEST(an_offset_that_leads_past_the_receipt_is_not_this_times)
{
    struct core_clock clock = {0};
    int64_t offset_us;

    core_clock_learn(&clock, 0, 3 * HOUR, true);
    ck_assert(core_clock_offset(&clock, 7 * HOUR, 10 * HOUR, &offset_us));
    ck_assert(core_clock_offset(&clock, 7 * HOUR + 60 * SECOND, 10 * HOUR, &offset_us));
    ck_assert(!core_clock_offset(&clock, 7 * HOUR + 61 * SECOND, 10 * HOUR, &offset_us));
}
END_TEST

START_TEST(queued_is_in_the_past_and_away_or_busy_since)
{
    static const struct {
        int64_t at, connected, busy_since, received, offset;
        bool queued;
    } rows[] = {
        {1000, 500, 0, 1000, 0, false},      /* just now */
        {997, 500, 0, 1000, 0, false},       /* on its way */
        {1500, 500, 0, 1000, 0, false},      /* the future */
        {400, 500, 0, 1000, 0, true},        /* before the connection */
        {700, 500, 0, 1000, 0, false},       /* connected, idle: no reason to be late */
        {700, 500, 650, 1000, 0, true},      /* a predecessor was outstanding */
        {600, 500, 650, 1000, 0, false},     /* before that one */
        {400, 500, 0, 1000, 600, false},     /* the clock is behind: it is now */
        {1000, 500, 0, 1000, -600, true},    /* the clock is ahead: it was before */
        {400, 500, 0, 1000, 700, true},      /* an offset past the receipt is none */
    };
    struct core_clock clock = {0};
    struct core_clock_line line = {
        .connected_us = rows[_i].connected * SECOND,
        .busy_since_us = rows[_i].busy_since * SECOND,
        .received_us = rows[_i].received * SECOND,
    };

    if (rows[_i].offset != 0)
        core_clock_learn(&clock, 0, rows[_i].offset * SECOND, true);
    ck_assert_int_eq(core_clock_queued(&clock, &line, rows[_i].at * SECOND), rows[_i].queued);
}
END_TEST
enum { QUEUED_ROWS = 10 };

static const struct core_answer accepted = {.registration = CORE_ACCEPTED};

static void say_boot(struct bench *bench, struct core_conn conn)
{
    bench_say(bench, conn, BOOT);
    bench_done(bench, CORE_BOOT, CORE_DONE, &accepted);
    bench_commit(bench, CORE_COMMAND_NEXT);
}

static void say_status(struct bench *bench, struct core_conn conn, const char *status)
{
    bench_say(bench, conn, status);
    bench_commit(bench, CORE_STATUS);
}

static const struct core_work *say_stop(
    struct bench *bench, struct core_conn conn, const char *stop)
{
    bench_say(bench, conn, stop);
    return &bench_work(bench, CORE_STOP)->work;
}

START_TEST(two_statuses_after_a_boot_teach_the_clock)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    const struct core_work *work;

    say_status(bench, conn, STATUS("18:00:00")); /* no boot: not live by nature */
    say_status(bench, conn, STATUS("18:00:00"));
    say_boot(bench, conn);
    say_status(bench, conn, STATUS("15:00:00"));
    say_status(bench, conn, STATUS("15:00:00"));
    bench_wait(bench, 20000);
    say_status(bench, conn, STATUS("10:00:00")); /* too late to be live by nature */
    work = say_stop(bench, conn, STOP("15:00:20"));
    ck_assert(work->offset_known);
    ck_assert_int_eq(work->offset_us, HOUR);
    ck_assert(!work->queued);
    bench_free(bench);
}
END_TEST

START_TEST(one_queued_status_after_a_boot_teaches_nothing)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    const struct core_work *work;

    say_boot(bench, conn);
    say_status(bench, conn, STATUS("13:00:00"));
    work = say_stop(bench, conn, STOP("15:00:00"));
    ck_assert(!work->offset_known);
    ck_assert(work->queued);
    bench_free(bench);
}
END_TEST

START_TEST(a_boot_forgets_the_clock)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    say_boot(bench, conn);
    say_status(bench, conn, STATUS("15:00:00"));
    say_status(bench, conn, STATUS("15:00:00"));
    say_boot(bench, conn); /* its answer tells the time, by which the pile sets its clock */
    ck_assert(!say_stop(bench, conn, STOP("15:00:00"))->offset_known);
    bench_free(bench);
}
END_TEST

START_TEST(what_was_asked_for_teaches_the_clock_alone)
{
    static const char reading[] =
        "[2,\"m\",\"MeterValues\",{\"connectorId\":1,\"meterValue\":["
        "{\"timestamp\":\"2025-11-24T15:00:00Z\",\"sampledValue\":["
        "{\"value\":\"1\",\"context\":\"Trigger\"}]},"
        "{\"timestamp\":\"2025-11-24T15:00:01Z\",\"sampledValue\":["
        "{\"value\":\"1\",\"context\":\"Trigger\"}]}]}]";
    static const struct core_answer trigger = {.command = 12, .action = "TriggerMessage",
        .payload = "{\"requestedMessage\":\"MeterValues\"}", .message_id = "u-3"};
    bool asked = _i == 1;
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    if (asked) {
        core_command_hint(bench->core, bench->now, 1);
        bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, &trigger);
        bench_say(bench, conn, "[3,\"u-3\",{\"status\":\"Accepted\"}]");
        bench_commit(bench, CORE_COMMAND_NEXT);
    }
    bench_say(bench, conn, reading);
    bench_commit(bench, CORE_READINGS);
    ck_assert_int_eq(say_stop(bench, conn, STOP("15:00:00"))->offset_known, asked);
    bench_free(bench);
}
END_TEST

int main(void)
{
    const struct bench_test tests[] = {
        {the_offset_is_unknown_until_a_live_message_came, 0},
        {the_offset_is_the_median_of_the_last_five, 0},
        {one_that_nobody_asked_for_is_no_witness, WITNESS_ROWS},
        {an_offset_that_leads_past_the_receipt_is_not_this_times, 0},
        {queued_is_in_the_past_and_away_or_busy_since, QUEUED_ROWS},
        {two_statuses_after_a_boot_teach_the_clock, 0},
        {one_queued_status_after_a_boot_teaches_nothing, 0},
        {a_boot_forgets_the_clock, 0},
        {what_was_asked_for_teaches_the_clock_alone, 2},
    };

    return bench_run("core clock", tests, COUNT(tests));
}
