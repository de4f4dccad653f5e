/* test_clock.c - what is believed of a station's clock. */
#include "csms/core/clock.h"

#include "tests/core/support.h"

#define SECOND INT64_C(1000000)

START_TEST(the_offset_is_unknown_until_a_live_message_came)
{
    struct core_clock clock = {0};
    int64_t offset_us = 7;

    ck_assert(!core_clock_offset(&clock, &offset_us));
    ck_assert_int_eq(offset_us, 7);
    core_clock_learn(&clock, 100 * SECOND, 130 * SECOND);
    ck_assert(core_clock_offset(&clock, &offset_us));
    ck_assert_int_eq(offset_us, 30 * SECOND);
    core_clock_forget(&clock);
    ck_assert(!core_clock_offset(&clock, &offset_us));
}
END_TEST

START_TEST(the_offset_is_the_median_of_the_last_five)
{
    static const int64_t offsets[] = {900, 1, 2, 3, 4, 5, -800};
    struct core_clock clock = {0};
    int64_t offset_us = 0;

    for (size_t i = 0; i < COUNT(offsets); i++)
        core_clock_learn(&clock, 0, offsets[i] * SECOND);
    ck_assert(core_clock_offset(&clock, &offset_us));
    ck_assert_int_eq(offset_us, 3 * SECOND); /* of 2 3 4 5 -800 */
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
    };
    struct core_clock clock = {0};
    struct core_clock_line line = {
        .connected_us = rows[_i].connected * SECOND,
        .busy_since_us = rows[_i].busy_since * SECOND,
        .received_us = rows[_i].received * SECOND,
    };

    if (rows[_i].offset != 0)
        core_clock_learn(&clock, 0, rows[_i].offset * SECOND);
    ck_assert_int_eq(core_clock_queued(&clock, &line, rows[_i].at * SECOND), rows[_i].queued);
}
END_TEST
enum { QUEUED_ROWS = 9 };

int main(void)
{
    const struct bench_test tests[] = {
        {the_offset_is_unknown_until_a_live_message_came, 0},
        {the_offset_is_the_median_of_the_last_five, 0},
        {queued_is_in_the_past_and_away_or_busy_since, QUEUED_ROWS},
    };

    return bench_run("core clock", tests, COUNT(tests));
}
