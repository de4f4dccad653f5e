/* test_rate.c - which component is active, what it counts, and how quantities step. */
#include "kit.h"

#include <string.h>

static struct kit k;

static void setup(void)
{
    memset(&k, 0, sizeof(k));
    kit_tariff(&k.tariff);
}

static struct bill_component *price(enum bill_dimension dimension, int64_t price_micro)
{
    return kit_component(&k.tariff, dimension, price_micro);
}

static struct bill_restrictions *element(void)
{
    return &kit_element(&k.tariff)->when;
}

static void begin(void)
{
    kit_seal(&k.tariff);
    kit_open(&k, 0);
}

/* Seconds of charging or parking. */
static void spend(int64_t from_s, int64_t to_s, int64_t charge_s, int64_t park_s)
{
    struct bill_interval i = kit_stretch(from_s * KIT_S, to_s * KIT_S);

    i.charge_us = charge_s * KIT_S;
    i.park_us = park_s * KIT_S;
    kit_interval(&k, i);
}

static int64_t net(void)
{
    return kit_total(&k)->charge.net_micro;
}

START_TEST(the_first_element_that_holds_wins)
{
    element()->energy_mwh.max = KIT_KWH;
    price(BILL_ENERGY, 3000000);
    element();
    price(BILL_ENERGY, 1000000);
    element();
    price(BILL_ENERGY, 9000000); /* never reached */
    begin();
    kit_energy(&k, 0, KIT_HOUR, 3 * KIT_KWH);
    ck_assert_int_eq(net(), 5000000);
    ck_assert_uint_eq(k.bill.line_count, 2);
}
END_TEST

START_TEST(dimensions_are_looked_up_apart)
{
    element()->energy_mwh.max = KIT_KWH;
    price(BILL_ENERGY, 3000000);
    element();
    price(BILL_TIME, 1000000);
    begin();
    kit_energy(&k, 0, KIT_HOUR, 2 * KIT_KWH); /* the second kWh finds no price: it is free */
    spend(3600, 7200, 3600, 0);
    ck_assert_int_eq(net(), 4000000);
}
END_TEST

START_TEST(charge_codes_run_side_by_side)
{
    element()->energy_mwh.max = KIT_KWH;
    price(BILL_ENERGY, 2000000);
    element();
    price(BILL_ENERGY, 1000000);
    price(BILL_ENERGY, 400000)->charge = BILL_ENERGY_SERVICE;
    begin();
    kit_energy(&k, 0, KIT_HOUR, 2 * KIT_KWH);
    ck_assert_int_eq(net(), 3800000); /* 2.00 + 1.00 + 2 x 0.40 */
    ck_assert_uint_eq(k.bill.charge.code_count, 2);
    ck_assert_int_eq(k.bill.charge.codes[0].net_minor, 300);
    ck_assert_int_eq(k.bill.charge.codes[1].net_minor, 80);
}
END_TEST

START_TEST(segments_of_one_component_are_one_line)
{
    element()->start_minute = 60;
    k.tariff.elements[0].when.end_minute = 120;
    price(BILL_ENERGY, 2000000);
    element();
    price(BILL_ENERGY, 1000000);
    begin();
    for (int hour = 0; hour < 48; hour++)
        kit_energy(&k, hour * KIT_HOUR, (hour + 1) * KIT_HOUR, KIT_KWH);
    ck_assert_int_eq(net(), 50000000);
    ck_assert_uint_eq(k.bill.line_count, 2);
    ck_assert_int_eq(k.bill.lines[1].quantity, 2 * KIT_KWH);
    ck_assert_int_eq(k.bill.lines[1].from_us, KIT_HOUR);
    ck_assert_int_eq(k.bill.lines[1].to_us, 26 * KIT_HOUR);
}
END_TEST

START_TEST(a_flat_counts_once_when_it_is_first_active)
{
    element()->energy_mwh.min = KIT_KWH;
    price(BILL_FLAT, 500000);
    element()->energy_mwh.min = 2 * KIT_KWH;
    price(BILL_FLAT, 700000)->charge = BILL_ENERGY_SERVICE;
    element()->energy_mwh.min = 9 * KIT_KWH;
    price(BILL_FLAT, 9000000)->charge = BILL_OCCUPANCY;
    begin();
    ck_assert_int_eq(net(), 0);
    kit_energy(&k, 0, KIT_HOUR, KIT_KWH);
    ck_assert_int_eq(net(), 0);
    kit_energy(&k, KIT_HOUR, 2 * KIT_HOUR, KIT_KWH);
    ck_assert_int_eq(net(), 500000);
    kit_energy(&k, 2 * KIT_HOUR, 9 * KIT_HOUR, 4 * KIT_KWH);
    ck_assert_int_eq(net(), 1200000);
}
END_TEST

START_TEST(a_flat_of_another_element_does_not_count_again)
{
    element()->energy_mwh.max = KIT_KWH;
    price(BILL_FLAT, 500000);
    element();
    price(BILL_FLAT, 800000);
    begin();
    kit_energy(&k, 0, KIT_HOUR, 3 * KIT_KWH);
    ck_assert_int_eq(net(), 500000);
}
END_TEST

START_TEST(a_reservation_and_a_session_have_a_flat_each)
{
    struct bill_interval wait = kit_stretch(0, KIT_HOUR);

    element();
    k.tariff.elements[0].scope = BILL_SCOPE_RESERVATION;
    price(BILL_FLAT, 2000000)->charge = BILL_RESERVATION;
    price(BILL_TIME, 5000000)->charge = BILL_RESERVATION;
    element();
    price(BILL_FLAT, 500000);
    price(BILL_TIME, 1000000);
    begin();
    wait.reserve_us = KIT_HOUR;
    kit_interval(&k, wait);
    ck_assert_int_eq(net(), 7000000);
    spend(3600, 7200, 3600, 0);
    ck_assert_int_eq(net(), 8500000);
}
END_TEST

START_TEST(an_expired_reservation_is_priced_by_both_kinds)
{
    struct bill_interval wait = kit_stretch(0, KIT_HOUR);

    for (int i = 0; i < 2; i++) {
        element();
        k.tariff.elements[i].scope = i == 0 ? BILL_SCOPE_RESERVATION : BILL_SCOPE_EXPIRED;
        price(BILL_TIME, i == 0 ? 2000000 : 6000000)->charge = BILL_RESERVATION;
    }
    price(BILL_FLAT, 4000000)->charge = BILL_RESERVATION;
    begin();
    k.split.expired = _i == 1;
    wait.reserve_us = KIT_HOUR;
    kit_interval(&k, wait);
    ck_assert_int_eq(net(), _i == 1 ? 10000000 : 2000000);
}
END_TEST

static const struct {
    int64_t step, first, second, quantity;
} steps[] = {
    {500, 4300000, 1100000, 5500000},
    {1, 115200, 0, 116000},
    {25, 115200, 0, 125000},
    {500, 115200, 0, 500000},
    {0, 115200, 0, 115200},
    {500, 1000000, 500000, 1500000},
    {1, 1, 0, 1000},
    {500, 0, 0, 0},
};

START_TEST(energy_steps_once_over_the_session)
{
    int64_t sum = 0;

    element()->energy_mwh.max = steps[_i].first;
    if (steps[_i].first == 0)
        k.tariff.elements[0].when.energy_mwh.max = 1;
    price(BILL_ENERGY, 200000)->step = steps[_i].step;
    element();
    price(BILL_ENERGY, 270000)->step = steps[_i].step;
    begin();
    kit_energy(&k, 0, KIT_HOUR, steps[_i].first);
    kit_energy(&k, KIT_HOUR, 2 * KIT_HOUR, steps[_i].second);
    net();
    for (unsigned i = 0; i < k.bill.line_count; i++)
        sum += k.bill.lines[i].quantity;
    ck_assert_int_eq(sum, steps[_i].quantity);
    if (k.bill.line_count > 0) { /* what was added is priced at the last component */
        const struct bill_line *last = &k.bill.lines[k.bill.line_count - 1];

        ck_assert_int_eq(last->quantity - last->step, last->metered);
        ck_assert_int_eq(last->step, steps[_i].quantity - steps[_i].first - steps[_i].second);
    }
}
END_TEST

START_TEST(each_charge_code_of_energy_steps_by_itself)
{
    element();
    price(BILL_ENERGY, 1000000)->step = 500;
    price(BILL_ENERGY, 1000000)->charge = BILL_ENERGY_SERVICE;
    begin();
    kit_energy(&k, 0, KIT_HOUR, 1200000);
    ck_assert_int_eq(net(), 1500000 + 1200000);
}
END_TEST

/* Minutes in order: charge, then park, or the other way round. */
static const struct {
    int charge, park;
    bool park_last;
    int billed_charge, billed_park;
} times[] = {
    {21, 16, true, 21, 20},
    {21, 16, false, 30, 16},
    {20, 0, true, 20, 0},
    {0, 1, true, 0, 10},
    {21, 0, true, 30, 0},
};

START_TEST(time_and_parking_step_once_together)
{
    element();
    price(BILL_TIME, 1000000)->step = 600;
    price(BILL_PARKING_TIME, 2000000)->step = 600;
    begin();
    if (!times[_i].park_last)
        spend(0, times[_i].park * 60, 0, times[_i].park * 60);
    if (times[_i].charge > 0)
        spend(3600, 3600 + times[_i].charge * 60, times[_i].charge * 60, 0);
    if (times[_i].park_last && times[_i].park > 0)
        spend(7200, 7200 + times[_i].park * 60, 0, times[_i].park * 60);
    net();
    for (unsigned i = 0; i < k.bill.line_count; i++) {
        int billed = k.bill.lines[i].dimension == BILL_TIME ? times[_i].billed_charge
                                                            : times[_i].billed_park;

        ck_assert_int_eq(k.bill.lines[i].quantity, billed * 60 * KIT_S);
    }
}
END_TEST

START_TEST(the_last_components_step_and_price_count)
{
    element()->duration_us.max = 1500 * KIT_S;
    price(BILL_TIME, 1200000)->step = 1800;
    element();
    price(BILL_TIME, 2400000)->step = 900;
    begin();
    spend(0, 1500, 1500, 0);
    spend(1500, 2100, 600, 0);
    ck_assert_int_eq(net(), 1300000); /* 25 min at 1.20 and 20 min at 2.40 */
}
END_TEST

START_TEST(a_quantity_factor_multiplies_before_the_step)
{
    element();
    price(BILL_ENERGY, 2000000)->factor_ppm = 1050000;
    begin();
    kit_energy(&k, 0, KIT_HOUR, 10 * KIT_KWH);
    ck_assert_int_eq(net(), 21000000);
    ck_assert_int_eq(k.bill.lines[0].metered, 10 * KIT_KWH);
    ck_assert_int_eq(k.bill.lines[0].quantity, 10500000);
}
END_TEST

static void discharge(int64_t mwh)
{
    struct bill_interval i = kit_stretch(0, KIT_HOUR);

    i.import_mwh = 20 * KIT_KWH;
    i.export_mwh = mwh;
    kit_interval(&k, i);
}

static void two_way_tariff(void)
{
    element();
    price(BILL_ENERGY, 1000000);
    element();
    k.tariff.elements[1].direction = BILL_EXPORT;
    price(BILL_ENERGY, 770100)->charge = BILL_V2G_BASE;
    price(BILL_ENERGY, 100000)->charge = BILL_SUBSIDY;
    begin();
}

START_TEST(import_and_export_are_never_netted)
{
    two_way_tariff();
    discharge(10 * KIT_KWH);
    ck_assert_int_eq(net(), 20000000);
    ck_assert_int_eq(k.bill.credit.gross_micro, 8701000);
    ck_assert_int_eq(k.bill.credit.gross_minor, 870);
    ck_assert_int_eq(k.bill.import_mwh, 20 * KIT_KWH);
    ck_assert_int_eq(k.bill.export_mwh, 10 * KIT_KWH);
}
END_TEST

START_TEST(a_credit_does_not_step_and_min_kwh_counts_import_only)
{
    two_way_tariff();
    k.tariff.elements[1].when.energy_mwh.min = 20 * KIT_KWH + 1;
    begin();
    discharge(1500);
    net();
    ck_assert_int_eq(k.bill.credit.gross_micro, 0);
    setup();
    two_way_tariff();
    discharge(500);
    net();
    ck_assert_int_eq(k.bill.lines[k.bill.credit.first].quantity, 500);
}
END_TEST

START_TEST(without_permission_discharge_is_recorded_and_not_credited)
{
    two_way_tariff();
    k.rate.terms.export_allowed = false;
    discharge(10 * KIT_KWH);
    net();
    ck_assert_int_eq(k.bill.export_mwh, 10 * KIT_KWH);
    ck_assert_int_eq(k.bill.credit.gross_micro, 0);
    ck_assert_uint_eq(k.bill.credit.count, 0);
}
END_TEST

START_TEST(a_total_changes_nothing_and_may_be_asked_at_any_time)
{
    static struct bill_rate before;
    static struct bill_bill often, once;

    element();
    price(BILL_FLAT, 500000);
    price(BILL_ENERGY, 1234567)->step = 7;
    begin();
    for (int i = 0; i < 20; i++) {
        kit_energy(&k, i * KIT_HOUR, (i + 1) * KIT_HOUR, 777777);
        memcpy(&before, &k.rate, sizeof(before));
        net();
        ck_assert_int_eq(memcmp(&before, &k.rate, sizeof(before)), 0);
    }
    memcpy(&often, &k.bill, sizeof(often));
    kit_open(&k, 0);
    for (int i = 0; i < 20; i++)
        kit_energy(&k, i * KIT_HOUR, (i + 1) * KIT_HOUR, 777777);
    net();
    memcpy(&once, &k.bill, sizeof(once));
    ck_assert_int_eq(memcmp(&often, &once, offsetof(struct bill_bill, lines)), 0);
}
END_TEST

START_TEST(nothing_delivered_costs_no_start_fee_and_no_minimum)
{
    struct bill_interval waiting = kit_stretch(0, KIT_HOUR);

    element();
    price(BILL_FLAT, 500000);
    price(BILL_ENERGY, 1000000)->step = 0;
    k.tariff.min_price.net_micro = 2000000;
    begin();
    k.rate.terms.nothing_is_free = true;
    waiting.import_mwh = BILL_NOTHING_MWH - (_i == 1 ? 0 : 1);
    waiting.charge_us = _i == 2 ? 1 : 0;
    kit_interval(&k, waiting);
    ck_assert_int_eq(net(), _i == 0 ? 9999 : 2000000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("billing rate");
    TCase *tcase = tcase_create("rate");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, the_first_element_that_holds_wins);
    tcase_add_test(tcase, dimensions_are_looked_up_apart);
    tcase_add_test(tcase, charge_codes_run_side_by_side);
    tcase_add_test(tcase, segments_of_one_component_are_one_line);
    tcase_add_test(tcase, a_flat_counts_once_when_it_is_first_active);
    tcase_add_test(tcase, a_flat_of_another_element_does_not_count_again);
    tcase_add_test(tcase, a_reservation_and_a_session_have_a_flat_each);
    tcase_add_loop_test(tcase, an_expired_reservation_is_priced_by_both_kinds, 0, 2);
    tcase_add_loop_test(
        tcase, energy_steps_once_over_the_session, 0, sizeof(steps) / sizeof(steps[0]));
    tcase_add_test(tcase, each_charge_code_of_energy_steps_by_itself);
    tcase_add_loop_test(
        tcase, time_and_parking_step_once_together, 0, sizeof(times) / sizeof(times[0]));
    tcase_add_test(tcase, the_last_components_step_and_price_count);
    tcase_add_test(tcase, a_quantity_factor_multiplies_before_the_step);
    tcase_add_test(tcase, import_and_export_are_never_netted);
    tcase_add_test(tcase, a_credit_does_not_step_and_min_kwh_counts_import_only);
    tcase_add_test(tcase, without_permission_discharge_is_recorded_and_not_credited);
    tcase_add_test(tcase, a_total_changes_nothing_and_may_be_asked_at_any_time);
    tcase_add_loop_test(tcase, nothing_delivered_costs_no_start_fee_and_no_minimum, 0, 3);
    suite_add_tcase(suite, tcase);
    return kit_main(suite);
}
