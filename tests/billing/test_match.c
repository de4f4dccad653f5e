/* test_match.c - restrictions at their edges, and the local clock that they look at. */
#include "kit.h"

static struct bill_element e;
static struct bill_segment s;

static void setup(void)
{
    e = bill_element_default();
    s = (struct bill_segment){.power_mw = BILL_ABSENT, .current_ma = BILL_ABSENT};
}

static const struct {
    int start, end;
    int64_t second;
    bool holds;
} windows[] = {
    {480, 600, 28799, false},
    {480, 600, 28800, true},
    {480, 600, 35999, true},
    {480, 600, 36000, false},
    {1320, 360, 0, true},
    {1320, 360, 21599, true},
    {1320, 360, 21600, false},
    {1320, 360, 79199, false},
    {1320, 360, 79200, true},
    {1320, 1440, 86399, true},
    {0, 1440, 0, true},
    {0, 1440, 86399, true},
    {480, -1, 86399, true},
    {480, -1, 28799, false},
    {-1, 480, 0, true},
    {-1, 480, 28800, false},
    {-1, -1, 12345, true},
};

START_TEST(a_window_begins_inclusive_and_ends_exclusive)
{
    e.when.start_minute = windows[_i].start;
    e.when.end_minute = windows[_i].end;
    s.day_us = windows[_i].second * KIT_S;
    ck_assert_int_eq(bill_element_holds(&e, &s), windows[_i].holds);
}
END_TEST

static const struct {
    int32_t start, end, day;
    bool holds;
} dates[] = {
    {100, 200, 99, false},
    {100, 200, 100, true},
    {100, 200, 199, true},
    {100, 200, 200, false},
    {INT32_MIN, 200, -5, true},
    {100, INT32_MIN, 90000, true},
};

START_TEST(a_date_begins_inclusive_and_ends_exclusive)
{
    e.when.start_day = dates[_i].start;
    e.when.end_day = dates[_i].end;
    s.day = dates[_i].day;
    ck_assert_int_eq(bill_element_holds(&e, &s), dates[_i].holds);
}
END_TEST

static const struct {
    int64_t min, max, value;
    bool holds;
} ranges[] = {
    {10, 20, 9, false},
    {10, 20, 10, true},
    {10, 20, 19, true},
    {10, 20, 20, false},
    {BILL_ABSENT, 20, 0, true},
    {10, BILL_ABSENT, 1000000, true},
    {0, BILL_ABSENT, 0, true},
};

START_TEST(a_range_begins_inclusive_and_ends_exclusive)
{
    struct bill_range range = {ranges[_i].min, ranges[_i].max};
    struct {
        struct bill_range *range;
        int64_t *value;
    } all[] = {{&e.when.energy_mwh, &s.import_before_mwh}, {&e.when.duration_us, &s.elapsed_us},
        {&e.when.power_mw, &s.power_mw}, {&e.when.current_ma, &s.current_ma}};

    for (unsigned i = 0; i < 4; i++) {
        setup();
        *all[i].range = range;
        *all[i].value = ranges[_i].value;
        ck_assert_int_eq(bill_element_holds(&e, &s), ranges[_i].holds);
    }
}
END_TEST

START_TEST(what_was_not_measured_matches_no_restriction)
{
    e.when.power_mw.min = 0;
    ck_assert(!bill_element_holds(&e, &s));
    setup();
    e.when.current_ma.max = 32000;
    ck_assert(!bill_element_holds(&e, &s));
}
END_TEST

START_TEST(weekdays_day_types_and_grace_must_all_hold)
{
    e.when.weekdays = 1 << 4 | 1 << 5;
    for (uint8_t day = 0; day < 7; day++) {
        s.weekday = day;
        ck_assert_int_eq(bill_element_holds(&e, &s), day == 4 || day == 5);
    }
    s.weekday = 4;
    e.when.day_types = 2;
    ck_assert(!bill_element_holds(&e, &s));
    s.day_type = 1;
    ck_assert(!bill_element_holds(&e, &s));
    s.day_type = 2;
    ck_assert(bill_element_holds(&e, &s));
    e.when.min_idle_us = 900 * KIT_S;
    s.idle_us = 900 * KIT_S - 1;
    ck_assert(!bill_element_holds(&e, &s));
    s.idle_us++;
    ck_assert(bill_element_holds(&e, &s));
}
END_TEST

START_TEST(an_element_for_expired_reservations_needs_one)
{
    e.scope = BILL_SCOPE_EXPIRED;
    ck_assert(!bill_element_holds(&e, &s));
    s.expired = true;
    ck_assert(bill_element_holds(&e, &s));
    e.scope = BILL_SCOPE_RESERVATION;
    ck_assert(bill_element_holds(&e, &s));
}
END_TEST

static const struct {
    int year, month, day;
    int32_t number;
} days[] = {
    {1970, 1, 1, 0},
    {1969, 12, 31, -1},
    {2000, 2, 29, 11016},
    {2000, 3, 1, 11017},
    {1900, 3, 1, -25508},
    {2026, 11, 24, 20781},
    {2100, 2, 28, 47540},
    {2100, 3, 1, 47541},
    {1, 1, 1, -719162},
    {9999, 12, 31, 2932896},
};

START_TEST(days_are_numbered_from_1970)
{
    ck_assert_int_eq(bill_day_number(days[_i].year, days[_i].month, days[_i].day), days[_i].number);
}
END_TEST

START_TEST(the_local_day_follows_the_offset)
{
    struct bill_offset offset = {0, 28800};
    struct bill_clock clock = {&offset, 1, NULL, 0};
    /* 2026-03-10 15:59:59 UTC is 23:59:59 in Shanghai, a Tuesday */
    int64_t at = bill_day_number(2026, 3, 10) * BILL_DAY_US + (15 * 3600 + 59 * 60 + 59) * KIT_S;
    struct bill_local local = bill_clock_at(&clock, at);

    ck_assert_int_eq(local.day, bill_day_number(2026, 3, 10));
    ck_assert_int_eq(local.weekday, 1);
    ck_assert_int_eq(local.end_us, at + KIT_S);
    local = bill_clock_at(&clock, at + KIT_S);
    ck_assert_int_eq(local.day, bill_day_number(2026, 3, 11));
    ck_assert_int_eq(local.weekday, 2);
}
END_TEST

START_TEST(a_cell_ends_where_the_offset_changes)
{
    struct bill_offset offsets[] = {{0, 3600}, {3600 * KIT_S, 7200}};
    struct bill_day calendar[] = {{0, 1}, {1, 2}};
    struct bill_clock clock = {offsets, 2, calendar, 2};
    struct bill_local before = bill_clock_at(&clock, 3600 * KIT_S - 1);
    struct bill_local after = bill_clock_at(&clock, 3600 * KIT_S);

    ck_assert_int_eq(before.offset_us, 3600 * KIT_S);
    ck_assert_int_eq(before.end_us, 3600 * KIT_S);
    ck_assert_int_eq(before.day_type, 1);
    ck_assert_int_eq(after.offset_us, 7200 * KIT_S);
    ck_assert_int_eq(after.end_us, BILL_DAY_US - 7200 * KIT_S);
    ck_assert_int_eq(bill_clock_at(&clock, BILL_DAY_US).day_type, 2);
    ck_assert_int_eq(bill_clock_at(&clock, 2 * BILL_DAY_US).day_type, 0);
    /* before 1970: still the first offset, and a day of its own */
    ck_assert_int_eq(bill_clock_at(&clock, -3601 * KIT_S).day, -1);
    ck_assert_int_eq(bill_clock_at(&clock, -3601 * KIT_S).weekday, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("billing match");
    TCase *tcase = tcase_create("match");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test(tcase, a_window_begins_inclusive_and_ends_exclusive, 0,
        sizeof(windows) / sizeof(windows[0]));
    tcase_add_loop_test(
        tcase, a_date_begins_inclusive_and_ends_exclusive, 0, sizeof(dates) / sizeof(dates[0]));
    tcase_add_loop_test(
        tcase, a_range_begins_inclusive_and_ends_exclusive, 0, sizeof(ranges) / sizeof(ranges[0]));
    tcase_add_test(tcase, what_was_not_measured_matches_no_restriction);
    tcase_add_test(tcase, weekdays_day_types_and_grace_must_all_hold);
    tcase_add_test(tcase, an_element_for_expired_reservations_needs_one);
    tcase_add_loop_test(tcase, days_are_numbered_from_1970, 0, sizeof(days) / sizeof(days[0]));
    tcase_add_test(tcase, the_local_day_follows_the_offset);
    tcase_add_test(tcase, a_cell_ends_where_the_offset_changes);
    suite_add_tcase(suite, tcase);
    return kit_main(suite);
}
