/* test_evidence.c - which registers decide, and every reason to look at a session. */
#include "kit.h"

#include "billing/evidence.h"

#include <string.h>

enum { ROOM = 16 };

static struct bill_claim claim;
static struct bill_reading r[ROOM];
static uint32_t count;
static struct bill_evidence verdict;

static void setup(void)
{
    /* An hour at 60 kW: 10 kWh are plausible. */
    claim = (struct bill_claim){0, KIT_HOUR, 100 * KIT_KWH, 110 * KIT_KWH, 60000, false};
    count = 0;
}

static void add(int64_t at_s, int64_t import_mwh, enum bill_context context)
{
    r[count++] = (struct bill_reading){
        at_s * KIT_S, import_mwh, BILL_ABSENT, BILL_ABSENT, BILL_ABSENT, context};
}

static void judge(enum bill_reason reason)
{
    bill_evidence_judge(&claim, r, count, &verdict);
    ck_assert_str_eq(bill_reason_name(verdict.reason), bill_reason_name(reason));
}

START_TEST(meter_start_and_stop_decide_alone)
{
    judge(BILL_REASON_NONE);
    ck_assert_int_eq(verdict.proof, BILL_PROOF_START_STOP);
    ck_assert_uint_eq(verdict.count, 2);
    ck_assert_int_eq(verdict.import_mwh, 10 * KIT_KWH);
    ck_assert_int_eq(r[1].at_us, KIT_HOUR);
    ck_assert_int_eq(r[1].export_mwh, 0);
}
END_TEST

START_TEST(readings_between_say_when)
{
    add(1200, 106 * KIT_KWH, BILL_CONTEXT_OTHER);
    add(600, 105 * KIT_KWH, BILL_CONTEXT_OTHER);
    judge(BILL_REASON_NONE);
    ck_assert_uint_eq(verdict.count, 4);
    ck_assert_int_eq(r[1].import_mwh, 105 * KIT_KWH);
    ck_assert_int_eq(r[2].import_mwh, 106 * KIT_KWH);
}
END_TEST

START_TEST(a_series_with_begin_and_end_decides_to_the_milliwatthour)
{
    add(0, 100 * KIT_KWH + 400, BILL_CONTEXT_BEGIN);
    add(3605, 110 * KIT_KWH - 300, BILL_CONTEXT_END); /* stamped a little late */
    judge(BILL_REASON_NONE);
    ck_assert_int_eq(verdict.proof, BILL_PROOF_SERIES);
    ck_assert_int_eq(verdict.import_mwh, 10 * KIT_KWH - 700);
    ck_assert_int_eq(r[verdict.count - 1].at_us, KIT_HOUR);
}
END_TEST

START_TEST(half_a_series_leaves_it_to_the_meter_values)
{
    add(0, 100 * KIT_KWH + 400, BILL_CONTEXT_BEGIN);
    judge(BILL_REASON_NONE);
    ck_assert_int_eq(verdict.proof, BILL_PROOF_START_STOP);
    ck_assert_int_eq(verdict.import_mwh, 10 * KIT_KWH);
}
END_TEST

START_TEST(readings_outside_the_session_hurt_nothing)
{
    add(-1, 5, BILL_CONTEXT_OTHER);
    add(3601, 999 * KIT_KWH, BILL_CONTEXT_OTHER);
    r[count] = (struct bill_reading){KIT_S, BILL_ABSENT, BILL_ABSENT, 5, 5, BILL_CONTEXT_OTHER};
    count++;
    judge(BILL_REASON_NONE);
    ck_assert_uint_eq(verdict.count, 2);
    ck_assert_uint_eq(verdict.ignored, 3);
}
END_TEST

START_TEST(a_difference_of_rounding_is_straightened)
{
    add(600, 105 * KIT_KWH, BILL_CONTEXT_OTHER);
    add(700, 105 * KIT_KWH - BILL_TOLERANCE_MWH, BILL_CONTEXT_OTHER);
    add(3500, 110 * KIT_KWH + BILL_TOLERANCE_MWH, BILL_CONTEXT_OTHER);
    judge(BILL_REASON_NONE);
    ck_assert_int_eq(r[2].import_mwh, 105 * KIT_KWH);
    ck_assert_int_eq(r[3].import_mwh, 110 * KIT_KWH);
}
END_TEST

START_TEST(a_fall_goes_to_review)
{
    switch (_i) {
    case 0:
        claim.meter_stop_mwh = claim.meter_start_mwh - 1;
        break;
    case 1:
        add(600, 105 * KIT_KWH, BILL_CONTEXT_OTHER);
        add(700, 105 * KIT_KWH - BILL_TOLERANCE_MWH - 1, BILL_CONTEXT_OTHER);
        break;
    case 2:
        add(600, 110 * KIT_KWH + BILL_TOLERANCE_MWH + 1, BILL_CONTEXT_OTHER);
        break;
    default:
        add(600, 0, BILL_CONTEXT_OTHER);
        break; /* the register was reset */
    }
    judge(BILL_REASON_REGISTER_FALLS);
}
END_TEST

START_TEST(a_series_that_disagrees_goes_to_review)
{
    add(0, _i == 0 ? 0 : 100 * KIT_KWH, BILL_CONTEXT_BEGIN);
    add(3600, _i == 1 ? 110 * KIT_KWH + BILL_TOLERANCE_MWH + 1 : 110 * KIT_KWH, BILL_CONTEXT_END);
    judge(BILL_REASON_SERIES_DISAGREES);
}
END_TEST

static const struct {
    int64_t start, stop;
    enum bill_reason reason;
} claims[] = {
    {BILL_ABSENT, 5, BILL_REASON_METER_START_MISSING},
    {5, BILL_ABSENT, BILL_REASON_METER_STOP_MISSING},
    {-2, 5, BILL_REASON_REGISTER_RANGE},
    {5, -2, BILL_REASON_REGISTER_RANGE},
    {INT64_MIN, 5, BILL_REASON_REGISTER_RANGE},
    {0, BILL_REGISTER_MAX_MWH + 1, BILL_REASON_REGISTER_RANGE},
    {BILL_REGISTER_MAX_MWH - 5, BILL_REGISTER_MAX_MWH, BILL_REASON_NONE},
    {0, 0, BILL_REASON_NONE},
};

START_TEST(a_series_may_differ_by_exactly_the_rounding)
{
    int64_t by = _i == 0 ? BILL_TOLERANCE_MWH : -BILL_TOLERANCE_MWH;

    add(0, 100 * KIT_KWH + by, BILL_CONTEXT_BEGIN);
    add(3600, 110 * KIT_KWH + by, BILL_CONTEXT_END);
    judge(BILL_REASON_NONE);
    ck_assert_int_eq(r[0].import_mwh, 100 * KIT_KWH + by);
}
END_TEST

START_TEST(meter_values_must_be_there_and_in_range)
{
    claim.meter_start_mwh = claims[_i].start;
    claim.meter_stop_mwh = claims[_i].stop;
    judge(claims[_i].reason);
}
END_TEST

START_TEST(a_reading_out_of_range_goes_to_review)
{
    add(600, _i == 0 ? -7 : BILL_REGISTER_MAX_MWH + 1, BILL_CONTEXT_OTHER);
    judge(BILL_REASON_REGISTER_RANGE);
}
END_TEST

START_TEST(time_must_run_forward_and_not_too_long)
{
    claim.stopped_us = -1;
    judge(BILL_REASON_STOP_BEFORE_START);
    claim.stopped_us = BILL_SESSION_MAX_US + 1;
    judge(BILL_REASON_TOO_LONG);
    claim.stopped_us = BILL_SESSION_MAX_US;
    judge(BILL_REASON_NONE);
}
END_TEST

/* 60 kW x 1 h x 1.1 + 0.5 kWh = 66.5 kWh. */
static const struct {
    int64_t power_w, used_mwh;
    enum bill_reason reason;
} plausible[] = {
    {60000, 66500000, BILL_REASON_NONE},
    {60000, 66500001, BILL_REASON_IMPLAUSIBLE_ENERGY},
    {0, 4125500000, BILL_REASON_NONE}, /* unknown: as the largest pile there is */
    {0, 4125500001, BILL_REASON_IMPLAUSIBLE_ENERGY},
    {INT64_MAX, 4125500001, BILL_REASON_IMPLAUSIBLE_ENERGY},
    {-5, 4125500001, BILL_REASON_IMPLAUSIBLE_ENERGY},
};

START_TEST(more_than_the_pile_can_deliver_goes_to_review)
{
    claim.max_power_w = plausible[_i].power_w;
    claim.meter_stop_mwh = claim.meter_start_mwh + plausible[_i].used_mwh;
    judge(plausible[_i].reason);
}
END_TEST

/* A register that is told once a minute may come a minute late: 60 kW x 120 s x 1.1 + 0.5 kWh. */
static const struct {
    int64_t at_s[2], told[2];
    enum bill_reason reason;
} rises[] = {
    {{600, 660}, {101000000, 103700000}, BILL_REASON_NONE},
    {{600, 660}, {101000000, 103700001}, BILL_REASON_REGISTER_JUMPS},
    {{600, 600}, {101000000, 102600001}, BILL_REASON_REGISTER_JUMPS}, /* in no time */
    {{60, 3540}, {102700001, 109000000}, BILL_REASON_REGISTER_JUMPS}, /* after the start */
    {{60, 3540}, {101000000, 107299999}, BILL_REASON_REGISTER_JUMPS}, /* before the stop */
    {{60, 3540}, {101000000, 107300000}, BILL_REASON_NONE},
};

START_TEST(a_register_that_jumps_goes_to_review_however_little_it_is)
{
    add(rises[_i].at_s[0], rises[_i].told[0], BILL_CONTEXT_OTHER);
    add(rises[_i].at_s[1], rises[_i].told[1], BILL_CONTEXT_OTHER);
    judge(rises[_i].reason);
}
END_TEST

START_TEST(readings_without_a_register_hide_no_jump)
{
    add(600, 101 * KIT_KWH, BILL_CONTEXT_OTHER);
    add(630, BILL_ABSENT, BILL_CONTEXT_OTHER);
    r[count - 1].export_mwh = 0;
    add(660, 104 * KIT_KWH, BILL_CONTEXT_OTHER);
    judge(BILL_REASON_REGISTER_JUMPS);
}
END_TEST

static void add_export(int64_t at_s, int64_t import_mwh, int64_t export_mwh, enum bill_context c)
{
    add(at_s, import_mwh, c);
    r[count - 1].export_mwh = export_mwh;
}

START_TEST(export_counts_with_begin_and_end)
{
    claim.export_expected = true;
    add_export(0, 100 * KIT_KWH, 7 * KIT_KWH, BILL_CONTEXT_BEGIN);
    add_export(1800, BILL_ABSENT, 9 * KIT_KWH, BILL_CONTEXT_OTHER);
    add_export(3600, 110 * KIT_KWH, 12 * KIT_KWH, BILL_CONTEXT_END);
    judge(BILL_REASON_NONE);
    ck_assert_int_eq(verdict.export_mwh, 5 * KIT_KWH);
    ck_assert_int_eq(verdict.import_mwh, 10 * KIT_KWH);
    /* the reading without import got it from the straight line between its neighbours */
    ck_assert_int_eq(r[2].at_us, 1800 * KIT_S);
    ck_assert_int_eq(r[2].import_mwh, 105 * KIT_KWH);
}
END_TEST

START_TEST(export_without_both_ends_is_no_credit)
{
    add_export(0, 100 * KIT_KWH, 7 * KIT_KWH, BILL_CONTEXT_BEGIN);
    add_export(1800, 105 * KIT_KWH, 9 * KIT_KWH, BILL_CONTEXT_OTHER);
    judge(BILL_REASON_NONE);
    ck_assert_int_eq(verdict.export_mwh, 0);
    setup();
    claim.export_expected = true;
    add_export(1800, 105 * KIT_KWH, 9 * KIT_KWH, BILL_CONTEXT_OTHER);
    judge(BILL_REASON_EXPORT_UNPROVEN);
}
END_TEST

START_TEST(an_export_register_that_falls_goes_to_review)
{
    add_export(0, 100 * KIT_KWH, 7 * KIT_KWH, BILL_CONTEXT_BEGIN);
    if (_i == 1)
        add_export(60, 100 * KIT_KWH, 9 * KIT_KWH, BILL_CONTEXT_OTHER);
    add_export(3600, 110 * KIT_KWH, _i == 1 ? 8 * KIT_KWH : 6 * KIT_KWH, BILL_CONTEXT_END);
    judge(BILL_REASON_EXPORT_FALLS);
}
END_TEST

/* 66.5 kWh in the hour, 2.7 kWh from one minute to the next. */
START_TEST(more_export_than_the_pile_can_take_is_no_credit)
{
    static const int64_t told[][2] = {{9 * KIT_KWH, 74 * KIT_KWH}, {9700001, 12 * KIT_KWH}};

    add_export(0, 100 * KIT_KWH, 7 * KIT_KWH, BILL_CONTEXT_BEGIN);
    add_export(60, 100 * KIT_KWH, told[_i][0], BILL_CONTEXT_OTHER);
    add_export(3600, 110 * KIT_KWH, told[_i][1], BILL_CONTEXT_END);
    judge(BILL_REASON_EXPORT_IMPLAUSIBLE);
}
END_TEST

START_TEST(the_order_of_arrival_does_not_matter)
{
    struct bill_reading first[ROOM];

    for (int turn = 0; turn < 7; turn++) {
        setup();
        for (int i = 0; i < 7; i++) {
            int n = (i * 3 + turn) % 7;

            add(600 + n * 100, (101 + n) * KIT_KWH, BILL_CONTEXT_OTHER);
        }
        add(600 + turn * 100, (101 + turn) * KIT_KWH, BILL_CONTEXT_OTHER); /* a repeat */
        r[count - 1] = r[(turn * 2) % 7];
        judge(BILL_REASON_NONE);
        ck_assert_uint_eq(verdict.count, 10);
        if (turn == 0)
            memcpy(first, r, sizeof(first));
        ck_assert_int_eq(r[0].import_mwh, first[0].import_mwh);
        for (unsigned i = 1; i < verdict.count; i++)
            ck_assert_int_ge(r[i].import_mwh, r[i - 1].import_mwh);
    }
}
END_TEST

START_TEST(every_reason_has_a_name_and_a_text_of_its_own)
{
    for (int i = 0; i < BILL_REASON_COUNT; i++) {
        for (int j = 0; j < i; j++) {
            ck_assert_str_ne(
                bill_reason_name((enum bill_reason)i), bill_reason_name((enum bill_reason)j));
            ck_assert_str_ne(
                bill_reason_text((enum bill_reason)i), bill_reason_text((enum bill_reason)j));
        }
    }
    ck_assert_str_eq(bill_proof_name(BILL_PROOF_SERIES), "register_series");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("billing evidence");
    TCase *tcase = tcase_create("evidence");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, meter_start_and_stop_decide_alone);
    tcase_add_test(tcase, readings_between_say_when);
    tcase_add_test(tcase, a_series_with_begin_and_end_decides_to_the_milliwatthour);
    tcase_add_test(tcase, half_a_series_leaves_it_to_the_meter_values);
    tcase_add_test(tcase, readings_outside_the_session_hurt_nothing);
    tcase_add_test(tcase, a_difference_of_rounding_is_straightened);
    tcase_add_loop_test(tcase, a_fall_goes_to_review, 0, 4);
    tcase_add_loop_test(tcase, a_series_that_disagrees_goes_to_review, 0, 2);
    tcase_add_loop_test(
        tcase, meter_values_must_be_there_and_in_range, 0, sizeof(claims) / sizeof(claims[0]));
    tcase_add_loop_test(tcase, a_series_may_differ_by_exactly_the_rounding, 0, 2);
    tcase_add_loop_test(tcase, a_reading_out_of_range_goes_to_review, 0, 2);
    tcase_add_test(tcase, time_must_run_forward_and_not_too_long);
    tcase_add_loop_test(tcase, more_than_the_pile_can_deliver_goes_to_review, 0,
        sizeof(plausible) / sizeof(plausible[0]));
    tcase_add_loop_test(tcase, a_register_that_jumps_goes_to_review_however_little_it_is, 0,
        sizeof(rises) / sizeof(rises[0]));
    tcase_add_test(tcase, readings_without_a_register_hide_no_jump);
    tcase_add_loop_test(tcase, more_export_than_the_pile_can_take_is_no_credit, 0, 2);
    tcase_add_test(tcase, export_counts_with_begin_and_end);
    tcase_add_test(tcase, export_without_both_ends_is_no_credit);
    tcase_add_loop_test(tcase, an_export_register_that_falls_goes_to_review, 0, 2);
    tcase_add_test(tcase, the_order_of_arrival_does_not_matter);
    tcase_add_test(tcase, every_reason_has_a_name_and_a_text_of_its_own);
    suite_add_tcase(suite, tcase);
    return kit_main(suite);
}
