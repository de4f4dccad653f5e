/* test_split.c - where stretches are cut, that no energy is lost, and what is refused. */
#include "kit.h"

#include <string.h>

static struct kit k;

/* 2026-01-12 00:00:00 UTC, a Monday. */
static int64_t midnight(void)
{
    return bill_day_number(2026, 1, 12) * BILL_DAY_US;
}

static void setup(void)
{
    memset(&k, 0, sizeof(k));
    kit_tariff(&k.tariff);
    kit_element(&k.tariff);
    kit_component(&k.tariff, BILL_ENERGY, 1000000);
}

static struct bill_restrictions *when(void)
{
    return &k.tariff.elements[0].when;
}

static void begin(void)
{
    kit_seal(&k.tariff);
    kit_open_segments(&k, midnight());
}

static int64_t sum_import(void)
{
    int64_t sum = 0;

    for (unsigned i = 0; i < k.segment_count; i++)
        sum += k.segments[i].import_mwh;
    return sum;
}

/* Each piece begins where the one before ended. */
static void check_chain(int64_t from, int64_t to)
{
    ck_assert_uint_gt(k.segment_count, 0);
    ck_assert_int_eq(k.segments[0].from_us, from);
    for (unsigned i = 1; i < k.segment_count; i++)
        ck_assert_int_eq(k.segments[i].from_us, k.segments[i - 1].to_us);
    ck_assert_int_eq(k.segments[k.segment_count - 1].to_us, to);
}

START_TEST(without_restrictions_nothing_is_cut)
{
    begin();
    kit_energy(&k, midnight(), midnight() + 30 * KIT_HOUR, 7);
    ck_assert_uint_eq(k.segment_count, 1);
    ck_assert_int_eq(k.segments[0].import_mwh, 7);
}
END_TEST

START_TEST(the_clock_cuts_at_the_exact_instant_and_at_midnight)
{
    when()->start_minute = 8 * 60;
    when()->end_minute = 10 * 60;
    begin();
    kit_energy(&k, midnight() + 7 * KIT_HOUR, midnight() + 25 * KIT_HOUR, 18000001);
    ck_assert_uint_eq(k.segment_count, 4);
    check_chain(midnight() + 7 * KIT_HOUR, midnight() + 25 * KIT_HOUR);
    ck_assert_int_eq(k.segments[0].to_us, midnight() + 8 * KIT_HOUR);
    ck_assert_int_eq(k.segments[1].to_us, midnight() + 10 * KIT_HOUR);
    ck_assert_int_eq(k.segments[2].to_us, midnight() + 24 * KIT_HOUR);
    ck_assert_int_eq(k.segments[0].import_mwh, 1000000);
    ck_assert_int_eq(k.segments[3].import_mwh, 1000001); /* the remainder is the last piece's */
    ck_assert_int_eq(sum_import(), 18000001);
    ck_assert_int_eq(k.segments[3].weekday, 1);
    ck_assert_int_eq(k.segments[3].day_us, 0);
}
END_TEST

START_TEST(a_boundary_at_the_very_end_cuts_nothing)
{
    when()->start_minute = 8 * 60;
    begin();
    kit_energy(&k, midnight() + 7 * KIT_HOUR, midnight() + 8 * KIT_HOUR, 100);
    ck_assert_uint_eq(k.segment_count, 1);
    kit_energy(&k, midnight() + 8 * KIT_HOUR, midnight() + 9 * KIT_HOUR, 100);
    ck_assert_uint_eq(k.segment_count, 2);
    ck_assert(k.segments[1].fresh);
    ck_assert_int_eq(k.segments[1].day_us, 8 * KIT_HOUR);
}
END_TEST

START_TEST(every_way_to_look_at_the_calendar_cuts_at_midnight)
{
    switch (_i) {
    case 0:
        when()->weekdays = 1;
        break;
    case 1:
        when()->start_day = 20000;
        break;
    case 2:
        when()->end_day = 30000;
        break;
    default:
        memcpy(k.tariff.day_types[k.tariff.day_type_count++], "holiday", 8);
        when()->day_types = 1;
    }
    begin();
    kit_energy(&k, midnight() + 23 * KIT_HOUR, midnight() + 25 * KIT_HOUR, 2000);
    ck_assert_uint_eq(k.segment_count, 2);
    ck_assert_int_eq(k.segments[0].import_mwh, 1000);
}
END_TEST

START_TEST(a_limit_of_energy_cuts_at_the_limit_itself)
{
    when()->energy_mwh = (struct bill_range){20 * KIT_KWH, 50 * KIT_KWH};
    begin();
    kit_energy(&k, midnight(), midnight() + KIT_HOUR, 60 * KIT_KWH);
    ck_assert_uint_eq(k.segment_count, 3);
    ck_assert_int_eq(k.segments[0].import_mwh, 20 * KIT_KWH);
    ck_assert_int_eq(k.segments[0].to_us, midnight() + KIT_HOUR / 3);
    ck_assert_int_eq(k.segments[1].import_mwh, 30 * KIT_KWH);
    ck_assert_int_eq(k.segments[1].import_before_mwh, 20 * KIT_KWH);
    ck_assert_int_eq(k.segments[2].import_mwh, 10 * KIT_KWH);
}
END_TEST

START_TEST(a_limit_is_cut_at_the_first_instant_that_has_reached_it)
{
    when()->energy_mwh = (struct bill_range){1, 2};
    begin();
    kit_energy(&k, midnight(), midnight() + 10, 3);
    ck_assert_uint_eq(k.segment_count, 3);
    ck_assert_int_eq(k.segments[0].to_us, midnight() + 4); /* 10/3 and 20/3, upwards */
    ck_assert_int_eq(k.segments[1].to_us, midnight() + 7);
    ck_assert_int_eq(k.segments[1].import_mwh, 1);
}
END_TEST

START_TEST(a_limit_that_is_just_reached_cuts_nothing)
{
    when()->energy_mwh.max = 20 * KIT_KWH;
    begin();
    kit_energy(&k, midnight(), midnight() + KIT_HOUR, 20 * KIT_KWH);
    ck_assert_uint_eq(k.segment_count, 1);
    kit_energy(&k, midnight() + KIT_HOUR, midnight() + 2 * KIT_HOUR, 1);
    ck_assert(k.segments[1].fresh);
    ck_assert_int_eq(k.segments[1].import_before_mwh, 20 * KIT_KWH);
}
END_TEST

START_TEST(energy_of_one_instant_is_cut_at_limits_too)
{
    when()->energy_mwh = (struct bill_range){1000, 3000};
    begin();
    kit_energy(&k, midnight(), midnight(), 4500);
    ck_assert_uint_eq(k.segment_count, 3);
    ck_assert_int_eq(k.segments[0].import_mwh, 1000);
    ck_assert_int_eq(k.segments[1].import_mwh, 2000);
    ck_assert_int_eq(k.segments[2].import_mwh, 1500);
}
END_TEST

START_TEST(a_limit_of_duration_counts_from_the_session_start)
{
    when()->duration_us.max = 1800 * KIT_S;
    begin();
    kit_energy(&k, midnight() + 600 * KIT_S, midnight() + 3600 * KIT_S, 3000);
    ck_assert_uint_eq(k.segment_count, 2);
    ck_assert_int_eq(k.segments[0].to_us, midnight() + 1800 * KIT_S);
    ck_assert_int_eq(k.segments[0].import_mwh, 1200);
    ck_assert_int_eq(k.segments[1].elapsed_us, 1800 * KIT_S);
}
END_TEST

START_TEST(duration_begins_anew_after_a_reservation)
{
    struct bill_interval wait = kit_stretch(midnight(), midnight() + KIT_HOUR);

    when()->duration_us.max = 1800 * KIT_S;
    wait.reserve_us = KIT_HOUR;
    begin();
    kit_interval(&k, wait);
    kit_energy(&k, midnight() + KIT_HOUR, midnight() + 2 * KIT_HOUR, 3600);
    ck_assert_uint_eq(k.segment_count, 4);
    ck_assert_int_eq(k.segments[2].from_us, midnight() + KIT_HOUR);
    ck_assert_int_eq(k.segments[2].to_us, midnight() + KIT_HOUR + 1800 * KIT_S);
    ck_assert_int_eq(k.segments[3].elapsed_us, 1800 * KIT_S);
}
END_TEST

START_TEST(a_grace_of_idling_cuts_when_it_is_used_up)
{
    struct bill_interval idle = kit_stretch(midnight(), midnight() + 1500 * KIT_S);

    when()->min_idle_us = 900 * KIT_S;
    idle.park_us = 1500 * KIT_S;
    begin();
    kit_interval(&k, idle);
    ck_assert_uint_eq(k.segment_count, 2);
    ck_assert_int_eq(k.segments[0].park_us, 900 * KIT_S);
    ck_assert_int_eq(k.segments[1].idle_us, 900 * KIT_S);
    ck_assert_int_eq(k.segments[1].park_us, 600 * KIT_S);
}
END_TEST

START_TEST(charging_again_ends_the_idling)
{
    struct bill_interval idle = kit_stretch(midnight(), midnight() + 600 * KIT_S);

    when()->min_idle_us = 900 * KIT_S;
    idle.park_us = 600 * KIT_S;
    begin();
    kit_interval(&k, idle);
    kit_energy(&k, midnight() + 600 * KIT_S, midnight() + 700 * KIT_S, 1000);
    idle.from_us = midnight() + 700 * KIT_S;
    idle.to_us = idle.from_us + 600 * KIT_S;
    kit_interval(&k, idle);
    ck_assert_uint_eq(k.segment_count, 3);
    ck_assert_int_eq(k.segments[2].idle_us, 0);
}
END_TEST

/* Power runs straight from one reading to the next. */
static void power_reading(int64_t at, int64_t mwh, int64_t mw)
{
    struct bill_reading r = {at, mwh, 0, mw, BILL_ABSENT, BILL_CONTEXT_OTHER};

    ck_assert_int_eq(bill_split_reading(&k.split, &r), BILL_SPLIT_OK);
}

START_TEST(measured_power_cuts_where_it_crosses)
{
    when()->power_mw.max = 16000000;
    begin();
    power_reading(midnight(), 0, 10000000);
    power_reading(midnight() + 100 * KIT_S, 1000, 20000000);
    power_reading(midnight() + 200 * KIT_S, 2000, 16000000);
    power_reading(midnight() + 300 * KIT_S, 3000, BILL_ABSENT);
    ck_assert_uint_eq(k.segment_count, 4);
    ck_assert_int_eq(k.segments[0].to_us, midnight() + 60 * KIT_S);
    ck_assert_int_eq(k.segments[0].import_mwh, 600);
    ck_assert_int_lt(k.segments[0].power_mw, 16000000);
    ck_assert_int_ge(k.segments[1].power_mw, 16000000);
    ck_assert_int_ge(k.segments[2].power_mw, 16000000);
    ck_assert_int_eq(k.segments[3].power_mw, 16000000); /* one measured end stands for both */
}
END_TEST

START_TEST(unknown_power_stays_unknown)
{
    when()->power_mw.max = 16000000;
    begin();
    power_reading(midnight(), 0, BILL_ABSENT);
    power_reading(midnight() + KIT_HOUR, 1000, BILL_ABSENT);
    ck_assert_uint_eq(k.segment_count, 1);
    ck_assert_int_eq(k.segments[0].power_mw, BILL_ABSENT);
}
END_TEST

START_TEST(states_cut_time_and_leave_energy_straight)
{
    begin();
    ck_assert_int_eq(
        bill_split_state(&k.split, midnight() - KIT_HOUR, BILL_STATE_WAITING), BILL_SPLIT_OK);
    kit_reading(&k, midnight(), 5000);
    ck_assert_int_eq(
        bill_split_state(&k.split, midnight() + 10 * KIT_S, BILL_STATE_CHARGING), BILL_SPLIT_OK);
    ck_assert_int_eq(
        bill_split_state(&k.split, midnight() + 70 * KIT_S, BILL_STATE_IDLE), BILL_SPLIT_OK);
    kit_reading(&k, midnight() + 100 * KIT_S, 6000);
    ck_assert_uint_eq(k.segment_count, 3);
    check_chain(midnight(), midnight() + 100 * KIT_S);
    ck_assert_int_eq(k.segments[0].charge_us + k.segments[0].park_us, 0);
    ck_assert_int_eq(k.segments[0].import_mwh, 100);
    ck_assert_int_eq(k.segments[1].charge_us, 60 * KIT_S);
    ck_assert_int_eq(k.segments[1].import_mwh, 600);
    ck_assert_int_eq(k.segments[2].park_us, 30 * KIT_S);
    ck_assert_int_eq(sum_import(), 1000);
}
END_TEST

START_TEST(until_a_state_is_told_the_vehicle_charges)
{
    begin();
    kit_reading(&k, midnight(), 0);
    kit_reading(&k, midnight() + KIT_HOUR, 0);
    ck_assert_int_eq(k.segments[0].charge_us, KIT_HOUR);
}
END_TEST

START_TEST(a_price_boundary_in_a_long_silence_makes_an_estimate)
{
    when()->start_minute = 8 * 60;
    begin();
    kit_reading(&k, midnight() + 8 * KIT_HOUR - BILL_GAP_US / 2, 0);
    kit_reading(&k, midnight() + 8 * KIT_HOUR + BILL_GAP_US / 2 + (_i == 0 ? 0 : 1), 1000);
    ck_assert_uint_eq(k.segment_count, 2);
    ck_assert_int_eq(k.segments[0].estimated, _i == 1);
    ck_assert_int_eq(k.segments[1].estimated, _i == 1);
}
END_TEST

START_TEST(a_long_silence_without_a_boundary_is_no_estimate)
{
    when()->start_minute = 8 * 60;
    begin();
    kit_reading(&k, midnight() + 9 * KIT_HOUR, 0);
    kit_reading(&k, midnight() + 15 * KIT_HOUR, 1000);
    ck_assert_uint_eq(k.segment_count, 1);
    ck_assert(!k.segments[0].estimated);
}
END_TEST

START_TEST(a_clock_that_is_set_back_repeats_its_hour)
{
    /* Berlin, 2025-10-26: at 01:00 UTC 03:00 becomes 02:00. */
    struct bill_offset offsets[] = {{0, 7200}, {0, 3600}};
    int64_t day = bill_day_number(2025, 10, 26) * BILL_DAY_US;
    int64_t inside = 0;

    offsets[1].at_us = day + KIT_HOUR;
    k.clock = (struct bill_clock){.offsets = offsets, .offset_count = 2};
    when()->start_minute = 120;
    when()->end_minute = 180;
    kit_seal(&k.tariff);
    kit_open_segments(&k, day - KIT_HOUR);
    kit_energy(&k, day - KIT_HOUR, day + 3 * KIT_HOUR, 4000);
    for (unsigned i = 0; i < k.segment_count; i++) {
        if (bill_element_holds(&k.tariff.elements[0], &k.segments[i]))
            inside += k.segments[i].import_mwh;
    }
    ck_assert_int_eq(inside, 2000);
}
END_TEST

START_TEST(time_and_registers_that_run_backwards_are_refused)
{
    struct bill_interval i = kit_stretch(midnight() + 10, midnight() + 20);
    struct bill_reading r = {
        midnight() + 100, 1000, 0, BILL_ABSENT, BILL_ABSENT, BILL_CONTEXT_OTHER};

    begin();
    kit_interval(&k, i);
    i.from_us--;
    i.to_us += 100;
    ck_assert_int_eq(bill_split_interval(&k.split, &i), BILL_SPLIT_BACKWARDS);
    i = kit_stretch(midnight() + 30, midnight() + 29);
    ck_assert_int_eq(bill_split_interval(&k.split, &i), BILL_SPLIT_BACKWARDS);
    i = kit_stretch(midnight() + 30, midnight() + 40);
    i.import_mwh = -1;
    ck_assert_int_eq(bill_split_interval(&k.split, &i), BILL_SPLIT_BACKWARDS);
    i.import_mwh = 0;
    i.park_us = -1;
    ck_assert_int_eq(bill_split_interval(&k.split, &i), BILL_SPLIT_BACKWARDS);
    i = kit_stretch(midnight() + 30, midnight() + 30);
    i.charge_us = 1; /* time spent in no time */
    ck_assert_int_eq(bill_split_interval(&k.split, &i), BILL_SPLIT_BACKWARDS);
    ck_assert_int_eq(bill_split_reading(&k.split, &r), BILL_SPLIT_OK);
    r.at_us++;
    r.import_mwh--;
    ck_assert_int_eq(bill_split_reading(&k.split, &r), BILL_SPLIT_BACKWARDS);
    r.import_mwh = 1000;
    r.export_mwh = -2;
    ck_assert_int_eq(bill_split_reading(&k.split, &r), BILL_SPLIT_BACKWARDS);
    ck_assert_uint_eq(k.segment_count, 1);
}
END_TEST

START_TEST(energy_reaches_its_limit_and_not_more)
{
    struct bill_interval i = kit_stretch(midnight(), midnight() + 1);

    begin();
    i.import_mwh = BILL_ENERGY_MAX_MWH - 1;
    i.export_mwh = BILL_ENERGY_MAX_MWH;
    kit_interval(&k, i);
    i.import_mwh = 2;
    i.export_mwh = 0;
    i.from_us = i.to_us;
    ck_assert_int_eq(bill_split_interval(&k.split, &i), BILL_SPLIT_TOO_MUCH);
    i.import_mwh = 1;
    kit_interval(&k, i);
    i.import_mwh = 0;
    i.export_mwh = 1;
    ck_assert_int_eq(bill_split_interval(&k.split, &i), BILL_SPLIT_TOO_MUCH);
}
END_TEST

START_TEST(a_session_reaches_its_longest_and_not_more)
{
    struct bill_interval i = kit_stretch(midnight(), midnight() + BILL_SESSION_MAX_US + 1);

    begin();
    ck_assert_int_eq(bill_split_interval(&k.split, &i), BILL_SPLIT_TOO_LONG);
    i.to_us--;
    i.park_us = BILL_SESSION_MAX_US + 1;
    ck_assert_int_eq(bill_split_interval(&k.split, &i), BILL_SPLIT_TOO_LONG);
    i.park_us = BILL_SESSION_MAX_US;
    kit_interval(&k, i);
    i.from_us = i.to_us - 1;
    bill_split_init(&k.split, &k.tariff, &k.clock, k.split.sink, BILL_INSTANT_MAX_US);
    i = kit_stretch(BILL_INSTANT_MAX_US, BILL_INSTANT_MAX_US + 1);
    ck_assert_int_eq(bill_split_interval(&k.split, &i), BILL_SPLIT_TOO_LONG);
}
END_TEST

START_TEST(pending_states_reach_their_limit_and_not_more)
{
    begin();
    kit_reading(&k, midnight(), 0);
    for (int i = 1; i <= BILL_STATES_PENDING_MAX; i++)
        ck_assert_int_eq(bill_split_state(&k.split, midnight() + i * KIT_S,
                             i % 2 ? BILL_STATE_IDLE : BILL_STATE_CHARGING),
            BILL_SPLIT_OK);
    ck_assert_int_eq(bill_split_state(&k.split, midnight() + KIT_HOUR, BILL_STATE_IDLE),
        BILL_SPLIT_TOO_MANY_STATES);
    ck_assert_int_eq(bill_split_state(&k.split, midnight(), BILL_STATE_IDLE), BILL_SPLIT_BACKWARDS);
    kit_reading(&k, midnight() + KIT_HOUR, 1000);
    ck_assert_uint_eq(k.segment_count, BILL_STATES_PENDING_MAX + 1);
    ck_assert_int_eq(sum_import(), 1000);
}
END_TEST

START_TEST(each_refusal_has_words)
{
    for (int i = BILL_SPLIT_OK; i <= BILL_SPLIT_TOO_MANY_STATES; i++)
        ck_assert_int_gt(strlen(bill_split_text((enum bill_split_result)i)), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("billing split");
    TCase *tcase = tcase_create("split");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, without_restrictions_nothing_is_cut);
    tcase_add_test(tcase, the_clock_cuts_at_the_exact_instant_and_at_midnight);
    tcase_add_test(tcase, a_boundary_at_the_very_end_cuts_nothing);
    tcase_add_loop_test(tcase, every_way_to_look_at_the_calendar_cuts_at_midnight, 0, 4);
    tcase_add_test(tcase, a_limit_of_energy_cuts_at_the_limit_itself);
    tcase_add_test(tcase, a_limit_is_cut_at_the_first_instant_that_has_reached_it);
    tcase_add_test(tcase, a_limit_that_is_just_reached_cuts_nothing);
    tcase_add_test(tcase, energy_of_one_instant_is_cut_at_limits_too);
    tcase_add_test(tcase, a_limit_of_duration_counts_from_the_session_start);
    tcase_add_test(tcase, duration_begins_anew_after_a_reservation);
    tcase_add_test(tcase, a_grace_of_idling_cuts_when_it_is_used_up);
    tcase_add_test(tcase, charging_again_ends_the_idling);
    tcase_add_test(tcase, measured_power_cuts_where_it_crosses);
    tcase_add_test(tcase, unknown_power_stays_unknown);
    tcase_add_test(tcase, states_cut_time_and_leave_energy_straight);
    tcase_add_test(tcase, until_a_state_is_told_the_vehicle_charges);
    tcase_add_loop_test(tcase, a_price_boundary_in_a_long_silence_makes_an_estimate, 0, 2);
    tcase_add_test(tcase, a_long_silence_without_a_boundary_is_no_estimate);
    tcase_add_test(tcase, a_clock_that_is_set_back_repeats_its_hour);
    tcase_add_test(tcase, time_and_registers_that_run_backwards_are_refused);
    tcase_add_test(tcase, energy_reaches_its_limit_and_not_more);
    tcase_add_test(tcase, a_session_reaches_its_longest_and_not_more);
    tcase_add_test(tcase, pending_states_reach_their_limit_and_not_more);
    tcase_add_test(tcase, each_refusal_has_words);
    suite_add_tcase(suite, tcase);
    return kit_main(suite);
}
