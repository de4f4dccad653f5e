/* test_money.c - rounding, exact amounts and shares at their edges. */
#include "kit.h"

#include "billing/money.h"

static const struct {
    int64_t micro;
    unsigned exponent;
    int64_t minor;
} roundings[] = {
    {5000, 2, 1},
    {4999, 2, 0},
    {-5000, 2, -1},
    {-4999, 2, 0},
    {15000, 2, 2},
    {25000, 2, 3},
    {0, 2, 0},
    {500000, 0, 1},
    {499999, 0, 0},
    {-500000, 0, -1},
    {500, 3, 1},
    {499, 3, 0},
    {50, 4, 1},
    {49, 4, 0},
    {50000, 1, 1},
    {49999, 1, 0},
};

START_TEST(minor_units_round_half_away_from_zero)
{
    ck_assert_int_eq(bill_round(roundings[_i].micro, roundings[_i].exponent), roundings[_i].minor);
}
END_TEST

START_TEST(rounding_down_and_up_keep_whole_units)
{
    ck_assert_int_eq(bill_round_down(19999, 2), 1);
    ck_assert_int_eq(bill_round_up(10001, 2), 2);
    ck_assert_int_eq(bill_round_down(20000, 2), 2);
    ck_assert_int_eq(bill_round_up(20000, 2), 2);
}
END_TEST

static const struct {
    int64_t value, multiply, divide, result;
} scalings[] = {
    {7, 1, 2, 4},
    {-7, 1, 2, -4},
    {5, 1, 3, 2},
    {4, 1, 3, 1},
    {-5, 1, 3, -2},
    {1000, 1000000, 1060000, 943},
    {1000, 1000000, 1130000, 885},
    {0, 5, 7, 0},
};

START_TEST(scaling_rounds_half_away_from_zero)
{
    ck_assert_int_eq(bill_scale(scalings[_i].value, scalings[_i].multiply, scalings[_i].divide),
        scalings[_i].result);
}
END_TEST

START_TEST(list_amounts_have_their_units)
{
    struct bill_component energy = bill_component_default(BILL_ENERGY);
    struct bill_component time = bill_component_default(BILL_PARKING_TIME);
    struct bill_component flat = bill_component_default(BILL_FLAT);

    energy.price_micro = time.price_micro = flat.price_micro = 1250000;
    /* 1 kWh, 1 hour, once: each 1.25 */
    ck_assert_int_eq(
        bill_exact_of(bill_list_amount(&energy, (__int128)KIT_KWH * BILL_MICRO), 1, 1).whole,
        1250000);
    ck_assert_int_eq(
        bill_exact_of(bill_list_amount(&time, (__int128)KIT_HOUR * BILL_MICRO), 1, 1).whole,
        1250000);
    ck_assert_int_eq(bill_exact_of(bill_list_amount(&flat, BILL_MICRO), 1, 1).whole, 1250000);
}
END_TEST

START_TEST(the_largest_amount_of_all_is_exact)
{
    struct bill_component c = bill_component_default(BILL_ENERGY);
    __int128 list;

    c.price_micro = BILL_PRICE_MAX_MICRO;
    list = bill_list_amount(&c, (__int128)BILL_ENERGY_MAX_MWH * BILL_FACTOR_MAX_PPM);
    /* 1e6 kWh x 1e5 x 2 x (1 + 100 %) = 4e11; five charge codes are 2e12, still an int64 */
    ck_assert_int_eq(
        bill_exact_of(list, 2 * BILL_MICRO, BILL_MICRO).whole, INT64_C(400000000000000000));
    ck_assert_int_eq(
        bill_exact_of(list * 5, 2 * BILL_MICRO, BILL_MICRO).whole, INT64_C(2000000000000000000));
    ck_assert_int_eq(bill_exact_of(list * 5 - 1, 2 * BILL_MICRO, BILL_MICRO).whole,
        INT64_C(1999999999999999999));
}
END_TEST

START_TEST(an_exact_amount_is_cut_not_rounded)
{
    __int128 third = (__int128)BILL_DENOMINATOR * 2 / 3; /* two thirds of a millionth */
    struct bill_exact e = bill_exact_of(third, 1, 1);

    ck_assert_int_eq(e.whole, 0);
    ck_assert_int_eq(e.rest, BILL_REST_WHOLE * 2 / 3);
    e = bill_exact_of(third, 1200000, 1000000);
    ck_assert_int_eq(e.whole, 0);
    ck_assert_int_eq(e.rest, INT64_C(800000000000));
}
END_TEST

static const struct {
    int64_t total;
    int64_t weights[4], shares[4];
    unsigned count;
} shares[] = {
    {10, {1, 1, 1}, {4, 3, 3}, 3}, /* equal remainders: the earlier */
    {100, {1, 2, 3}, {17, 33, 50}, 3},
    {1, {0, 5, 5}, {0, 1, 0}, 3},
    {7, {0, 0}, {7, 0}, 2},            /* no weight at all: the first */
    {-10, {1, 1, 1}, {-4, -3, -3}, 3}, /* the mirror */
    {0, {3, 4}, {0, 0}, 2},
    {2, {1, 1, 1, 1}, {1, 1, 0, 0}, 4},
    {2000000000000000000, {1000000000000000000, 1000000000000000000, 0},
        {1000000000000000000, 1000000000000000000, 0}, 3},
};

START_TEST(shares_go_by_largest_remainder)
{
    int64_t got[4];

    bill_share(shares[_i].total, shares[_i].weights, shares[_i].count, got);
    for (unsigned i = 0; i < shares[_i].count; i++)
        ck_assert_int_eq(got[i], shares[_i].shares[i]);
}
END_TEST

START_TEST(the_most_shares_add_up)
{
    static int64_t weights[BILL_SHARES_MAX], got[BILL_SHARES_MAX];
    int64_t sum = 0;

    for (int i = 0; i < BILL_SHARES_MAX; i++)
        weights[i] = i % 7 + 1;
    bill_share(9999999, weights, BILL_SHARES_MAX, got);
    for (int i = 0; i < BILL_SHARES_MAX; i++)
        sum += got[i];
    ck_assert_int_eq(sum, 9999999);
}
END_TEST

START_TEST(what_is_left_goes_to_the_largest_rest)
{
    struct bill_exact parts[] = {{1, 300000000000}, {2, 700000000000}, {3, 0}};

    bill_settle(7, parts, 3);
    ck_assert_int_eq(parts[0].whole, 1);
    ck_assert_int_eq(parts[1].whole, 3);
    ck_assert_int_eq(parts[2].whole, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("billing money");
    TCase *tcase = tcase_create("money");

    tcase_add_loop_test(
        tcase, minor_units_round_half_away_from_zero, 0, sizeof(roundings) / sizeof(roundings[0]));
    tcase_add_test(tcase, rounding_down_and_up_keep_whole_units);
    tcase_add_loop_test(
        tcase, scaling_rounds_half_away_from_zero, 0, sizeof(scalings) / sizeof(scalings[0]));
    tcase_add_test(tcase, list_amounts_have_their_units);
    tcase_add_test(tcase, the_largest_amount_of_all_is_exact);
    tcase_add_test(tcase, an_exact_amount_is_cut_not_rounded);
    tcase_add_loop_test(
        tcase, shares_go_by_largest_remainder, 0, sizeof(shares) / sizeof(shares[0]));
    tcase_add_test(tcase, the_most_shares_add_up);
    tcase_add_test(tcase, what_is_left_goes_to_the_largest_rest);
    suite_add_tcase(suite, tcase);
    return kit_main(suite);
}
