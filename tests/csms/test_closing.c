/* test_closing.c - the ends of connections: so many in the lane at once, none forgotten. */
#include "csms/closing.h"
#include "tests/csms/support.h"

enum { MANY = 1000, HELD = 7 };

/* The lane, which the test plays: what it was given, in order. */
static struct {
    struct db_work works[2 * MANY];
    uint32_t given, done;
    bool full;
} lane;

bool db_lane_submit(struct db_lane *ignored, const struct db_work *work, uint64_t now_ms)
{
    (void)ignored;
    (void)now_ms;
    if (lane.full)
        return false;
    ck_assert_uint_lt(lane.given, 2 * MANY);
    lane.works[lane.given++] = *work;
    return true;
}

static void finish(enum db_result result)
{
    struct db_work *work = &lane.works[lane.done++];

    work->done(work->ctx, 0, result, NULL);
}

static struct closing *closing_of_many(void)
{
    struct closing *closing = closing_new(NULL);
    struct core_work work = {.kind = CORE_CONNECTION_CLOSE, .text = "cut"};

    lane.given = lane.done = 0;
    for (work.station = 1; work.station <= MANY; work.station++)
        ck_assert(closing_add(closing, &work, 0));
    return closing;
}

START_TEST(a_few_are_in_the_lane_and_the_rest_follow)
{
    struct closing *closing = closing_of_many();

    ck_assert_uint_eq(lane.given, CLOSING_AT_ONCE);
    ck_assert_uint_eq(closing_count(closing), MANY);
    closing_again(closing, 100); /* the clock gives no room */
    ck_assert_uint_eq(lane.given, CLOSING_AT_ONCE);
    while (lane.done < lane.given) {
        finish(DB_OK);
        ck_assert_uint_le(lane.given - lane.done, CLOSING_AT_ONCE);
    }
    ck_assert_uint_eq(lane.given, MANY);
    ck_assert_uint_eq(closing_count(closing), 0);
    closing_free(closing);
}
END_TEST

START_TEST(what_is_held_is_given_again_by_the_clock)
{
    struct closing *closing = closing_of_many();

    for (int i = 0; i < HELD; i++)
        finish(DB_BUSY);
    while (lane.done < lane.given)
        finish(DB_OK);
    ck_assert_uint_eq(lane.given, MANY);
    ck_assert_uint_eq(closing_count(closing), HELD);
    closing_again(closing, 100);
    ck_assert_uint_eq(lane.given, MANY + HELD);
    while (lane.done < lane.given)
        finish(DB_OK);
    ck_assert_uint_eq(closing_count(closing), 0);
    closing_free(closing);
}
END_TEST

START_TEST(a_full_lane_delays_and_loses_nothing)
{
    struct closing *closing;

    lane.full = true;
    closing = closing_of_many();
    closing_again(closing, 100);
    ck_assert_uint_eq(lane.given, 0);
    lane.full = false;
    closing_again(closing, 200);
    while (lane.done < lane.given)
        finish(DB_OK);
    ck_assert_uint_eq(lane.given, MANY);
    ck_assert_uint_eq(closing_count(closing), 0);
    closing_free(closing);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, a_few_are_in_the_lane_and_the_rest_follow);
    tcase_add_test(tcase, what_is_held_is_given_again_by_the_clock);
    tcase_add_test(tcase, a_full_lane_delays_and_loses_nothing);
}

int main(void)
{
    return support_run("closing", add);
}
