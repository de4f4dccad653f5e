/* test_tariff.c - what a tariff may be, and that each fault is named where it is. */
#include "kit.h"

#include <string.h>

static struct bill_tariff t;

static void setup(void)
{
    kit_tariff(&t);
    kit_element(&t);
    kit_component(&t, BILL_ENERGY, 1200000);
}

/* Each spoils the good tariff in one way. */
static void no_element(void)
{
    t.element_count = 0;
}
static void many_elements(void)
{
    t.element_count = BILL_ELEMENTS_MAX + 1;
}
static void no_component(void)
{
    t.elements[0].count = 0;
}
static void gap(void)
{
    t.elements[0].first = 1;
}
static void many_components(void)
{
    t.elements[0].count = 2;
}
static void currency(void)
{
    t.currency[1] = 'n';
}
static void long_currency(void)
{
    memcpy(t.currency, "CNYX", 4);
}
static void exponent(void)
{
    t.exponent = BILL_EXPONENT_MAX + 1;
}
static void negative_price(void)
{
    t.components[0].price_micro = -1;
}
static void high_price(void)
{
    t.components[0].price_micro = BILL_PRICE_MAX_MICRO + 1;
}
static void negative_vat(void)
{
    t.components[0].vat_ppm = -1;
}
static void high_vat(void)
{
    t.components[0].vat_given = true, t.components[0].vat_ppm = 1000001;
}
static void vat_not_given(void)
{
    t.components[0].vat_ppm = 60000;
}
static void negative_step(void)
{
    t.components[0].step = -1;
}
static void high_step(void)
{
    t.components[0].step = BILL_STEP_MAX + 1;
}
static void zero_factor(void)
{
    t.components[0].factor_ppm = 0;
}
static void high_factor(void)
{
    t.components[0].factor_ppm = BILL_FACTOR_MAX_PPM + 1;
}
static void negative_cap(void)
{
    t.components[0].cap_micro = -2;
}
static void high_cap(void)
{
    t.components[0].cap_micro = BILL_BOUND_MAX_MICRO + 1;
}
static void endless_label(void)
{
    memset(t.components[0].label, 'x', BILL_LABEL_SIZE);
}
static void unknown_charge(void)
{
    t.components[0].charge = BILL_CHARGE_COUNT;
}
static void high_min(void)
{
    t.min_price.net_micro = BILL_BOUND_MAX_MICRO + 1;
}
static void negative_max(void)
{
    t.max_price.gross_micro = -5;
}
static void min_gross_below(void)
{
    t.min_price = (struct bill_bounds){10, 9};
}
static void min_above_max(void)
{
    t.min_price.net_micro = 10, t.max_price.net_micro = 9;
}
static void gross_min_above(void)
{
    t.min_price.gross_micro = 10, t.max_price.gross_micro = 9;
}
static void empty_window(void)
{
    t.elements[0].when.start_minute = t.elements[0].when.end_minute = 60;
}
static void late_start(void)
{
    t.elements[0].when.start_minute = 1440;
}
static void late_end(void)
{
    t.elements[0].when.end_minute = 1441;
}
static void zero_end(void)
{
    t.elements[0].when.end_minute = 0;
}
static void same_dates(void)
{
    t.elements[0].when.start_day = t.elements[0].when.end_day = 20000;
}
static void zero_kwh(void)
{
    t.elements[0].when.energy_mwh.max = 0;
}
static void empty_kwh(void)
{
    t.elements[0].when.energy_mwh = (struct bill_range){5, 5};
}
static void high_kwh(void)
{
    t.elements[0].when.energy_mwh.min = BILL_ENERGY_MAX_MWH + 1;
}
static void zero_current(void)
{
    t.elements[0].when.current_ma.max = 0;
}
static void high_current(void)
{
    t.elements[0].when.current_ma.max = BILL_RESTRICTION_MAX + 1;
}
static void empty_power(void)
{
    t.elements[0].when.power_mw = (struct bill_range){7, 6};
}
static void negative_power(void)
{
    t.elements[0].when.power_mw.min = -2;
}
static void zero_duration(void)
{
    t.elements[0].when.duration_us.max = 0;
}
static void long_duration(void)
{
    t.elements[0].when.duration_us.max = BILL_SESSION_MAX_US + 1;
}
static void eighth_day(void)
{
    t.elements[0].when.weekdays = 0x80;
}
static void unnamed_day(void)
{
    t.elements[0].when.day_types = 1;
}
static void negative_idle(void)
{
    t.elements[0].when.min_idle_us = -1;
}
static void export_code(void)
{
    t.components[0].charge = BILL_V2G_BASE;
}
static void import_code(void)
{
    t.elements[0].direction = BILL_EXPORT;
}
static void duplicate(void)
{
    kit_component(&t, BILL_ENERGY, 1);
}
static void export_time(void)
{
    t.elements[0].direction = BILL_EXPORT;
    t.components[0] = bill_component_default(BILL_TIME);
    t.components[0].charge = BILL_V2G_BASE;
}
static void export_step(void)
{
    t.elements[0].direction = BILL_EXPORT;
    t.components[0].charge = BILL_V2G_BASE;
    t.components[0].step = 2;
}
static void export_reservation(void)
{
    t.elements[0].direction = BILL_EXPORT;
    t.elements[0].scope = BILL_SCOPE_RESERVATION;
}
static void reserved_energy(void)
{
    t.elements[0].scope = BILL_SCOPE_EXPIRED;
}
static void flat_factor(void)
{
    t.components[0] = bill_component_default(BILL_FLAT);
    t.components[0].factor_ppm = 1100000;
}
static void nine_rates(void)
{
    for (int i = 1; i < 9; i++) {
        kit_element(&t);
        kit_component(&t, BILL_ENERGY, 1)->vat_given = true;
        t.components[i].vat_ppm = i;
    }
}

static const struct {
    void (*spoil)(void);
    enum bill_lint lint;
    int element, component;
    const char *member;
} faults[] = {
    {no_element, BILL_LINT_NO_ELEMENT, -1, -1, "elements"},
    {many_elements, BILL_LINT_TOO_MANY_ELEMENTS, -1, -1, "elements"},
    {no_component, BILL_LINT_NO_COMPONENT, 0, -1, "price_components"},
    {gap, BILL_LINT_NO_COMPONENT, 0, -1, "price_components"},
    {many_components, BILL_LINT_TOO_MANY_COMPONENTS, 0, -1, "price_components"},
    {currency, BILL_LINT_CURRENCY, -1, -1, "currency"},
    {long_currency, BILL_LINT_CURRENCY, -1, -1, "currency"},
    {exponent, BILL_LINT_EXPONENT, -1, -1, "currency"},
    {negative_price, BILL_LINT_PRICE, 0, 0, "price"},
    {high_price, BILL_LINT_PRICE, 0, 0, "price"},
    {negative_vat, BILL_LINT_VAT, 0, 0, "vat"},
    {high_vat, BILL_LINT_VAT, 0, 0, "vat"},
    {vat_not_given, BILL_LINT_VAT, 0, 0, "vat"},
    {negative_step, BILL_LINT_STEP, 0, 0, "step_size"},
    {high_step, BILL_LINT_STEP, 0, 0, "step_size"},
    {zero_factor, BILL_LINT_FACTOR, 0, 0, "quantity_factor"},
    {high_factor, BILL_LINT_FACTOR, 0, 0, "quantity_factor"},
    {negative_cap, BILL_LINT_CAP, 0, 0, "cap"},
    {high_cap, BILL_LINT_CAP, 0, 0, "cap"},
    {endless_label, BILL_LINT_RANGE, 0, 0, "rate_label"},
    {unknown_charge, BILL_LINT_RANGE, 0, 0, "charge_code"},
    {high_min, BILL_LINT_BOUND, -1, -1, "min_price"},
    {negative_max, BILL_LINT_BOUND, -1, -1, "max_price"},
    {min_gross_below, BILL_LINT_BOUND_TAX, -1, -1, "min_price"},
    {min_above_max, BILL_LINT_MIN_ABOVE_MAX, -1, -1, "min_price"},
    {gross_min_above, BILL_LINT_MIN_ABOVE_MAX, -1, -1, "min_price"},
    {empty_window, BILL_LINT_EMPTY_WINDOW, 0, -1, "end_time"},
    {late_start, BILL_LINT_TIME, 0, -1, "start_time"},
    {late_end, BILL_LINT_TIME, 0, -1, "end_time"},
    {zero_end, BILL_LINT_TIME, 0, -1, "end_time"},
    {same_dates, BILL_LINT_EMPTY_DATES, 0, -1, "end_date"},
    {zero_kwh, BILL_LINT_ZERO_MAX, 0, -1, "max_kwh"},
    {empty_kwh, BILL_LINT_EMPTY_RANGE, 0, -1, "min_kwh"},
    {high_kwh, BILL_LINT_RANGE, 0, -1, "min_kwh"},
    {zero_current, BILL_LINT_ZERO_MAX, 0, -1, "max_current"},
    {high_current, BILL_LINT_RANGE, 0, -1, "max_current"},
    {empty_power, BILL_LINT_EMPTY_RANGE, 0, -1, "min_power"},
    {negative_power, BILL_LINT_RANGE, 0, -1, "min_power"},
    {zero_duration, BILL_LINT_ZERO_MAX, 0, -1, "max_duration"},
    {long_duration, BILL_LINT_RANGE, 0, -1, "max_duration"},
    {eighth_day, BILL_LINT_WEEKDAYS, 0, -1, "day_of_week"},
    {unnamed_day, BILL_LINT_DAY_TYPE, 0, -1, "day_type"},
    {negative_idle, BILL_LINT_IDLE, 0, -1, "min_idle_s"},
    {export_code, BILL_LINT_CHARGE_DIRECTION, 0, 0, "charge_code"},
    {import_code, BILL_LINT_CHARGE_DIRECTION, 0, 0, "charge_code"},
    {duplicate, BILL_LINT_DUPLICATE, 0, 1, "charge_code"},
    {export_time, BILL_LINT_EXPORT_DIMENSION, 0, 0, "type"},
    {export_step, BILL_LINT_EXPORT_STEP, 0, 0, "step_size"},
    {export_reservation, BILL_LINT_EXPORT_RESERVATION, 0, -1, "direction"},
    {reserved_energy, BILL_LINT_RESERVATION_DIMENSION, 0, 0, "type"},
    {flat_factor, BILL_LINT_FLAT_FACTOR, 0, 0, "quantity_factor"},
    {nine_rates, BILL_LINT_TOO_MANY_VAT_RATES, -1, -1, "vat"},
};
enum { FAULTS = sizeof(faults) / sizeof(faults[0]) };

START_TEST(a_fault_is_refused_and_named)
{
    struct bill_lint_fault fault = {0};

    faults[_i].spoil();
    ck_assert(!bill_tariff_seal(&t, &fault));
    ck_assert_int_eq(fault.lint, faults[_i].lint);
    ck_assert_int_eq(fault.element, faults[_i].element);
    ck_assert_int_eq(fault.component, faults[_i].component);
    ck_assert_str_eq(fault.member, faults[_i].member);
    ck_assert(!t.sealed);
    ck_assert_int_gt(strlen(bill_lint_text(fault.lint)), 10);
}
END_TEST

START_TEST(every_lint_has_a_test)
{
    bool seen[BILL_LINT_COUNT] = {[BILL_LINT_OK] = true};

    for (unsigned i = 0; i < FAULTS; i++)
        seen[faults[i].lint] = true;
    for (unsigned i = 0; i < BILL_LINT_COUNT; i++)
        ck_assert_msg(seen[i], "%s", bill_lint_text((enum bill_lint)i));
}
END_TEST

START_TEST(every_bound_itself_is_accepted)
{
    struct bill_component *c = &t.components[0];
    struct bill_restrictions *w = &t.elements[0].when;

    c->price_micro = BILL_PRICE_MAX_MICRO;
    c->vat_given = true;
    c->vat_ppm = BILL_VAT_MAX_PPM;
    c->step = BILL_STEP_MAX;
    c->factor_ppm = BILL_FACTOR_MAX_PPM;
    c->cap_micro = BILL_BOUND_MAX_MICRO;
    w->energy_mwh = (struct bill_range){0, BILL_ENERGY_MAX_MWH};
    w->power_mw = (struct bill_range){0, BILL_RESTRICTION_MAX};
    w->duration_us = (struct bill_range){BILL_SESSION_MAX_US - 1, BILL_SESSION_MAX_US};
    w->start_minute = 1439;
    w->end_minute = 1440;
    w->min_idle_us = BILL_SESSION_MAX_US;
    t.min_price = t.max_price = (struct bill_bounds){BILL_BOUND_MAX_MICRO, BILL_BOUND_MAX_MICRO};
    t.exponent = BILL_EXPONENT_MAX;
    kit_seal(&t);
}
END_TEST

START_TEST(elements_and_components_reach_their_maximum)
{
    kit_tariff(&t);
    for (int i = 0; i < BILL_ELEMENTS_MAX; i++) {
        struct bill_element *e = kit_element(&t);

        e->when.start_minute = i;
        e->when.end_minute = 1439 - i;
        e->when.energy_mwh = (struct bill_range){2 * i + 1, 2 * i + 2};
        kit_component(&t, BILL_ENERGY, 1);
        kit_component(&t, BILL_TIME, 1);
    }
    ck_assert_uint_eq(t.component_count, BILL_COMPONENTS_MAX);
    kit_seal(&t);
    ck_assert_uint_eq(t.energy_mwh.count, BILL_CUTS_MAX);
    ck_assert_uint_eq(t.wall_us.count, BILL_CUTS_MAX - 1); /* minute 0 is midnight */
    for (unsigned i = 1; i < t.energy_mwh.count; i++)
        ck_assert_int_lt(t.energy_mwh.at[i - 1], t.energy_mwh.at[i]);
}
END_TEST

START_TEST(every_possible_slot_fits)
{
    kit_tariff(&t);
    for (int dimension = 0; dimension < BILL_DIMENSION_COUNT; dimension++) {
        kit_element(&t);
        for (int code = 0; code < BILL_CHARGE_COUNT; code++) {
            if (!bill_charge_is_export((enum bill_charge)code))
                kit_component(&t, (enum bill_dimension)dimension, 1)->charge =
                    (enum bill_charge)code;
        }
    }
    for (int scope = BILL_SCOPE_RESERVATION; scope <= BILL_SCOPE_EXPIRED; scope++) {
        kit_element(&t)->scope = (enum bill_scope)scope;
        for (int code = 0; code < BILL_CHARGE_COUNT; code++) {
            if (bill_charge_is_export((enum bill_charge)code))
                continue;
            kit_component(&t, BILL_TIME, 1)->charge = (enum bill_charge)code;
            kit_component(&t, BILL_FLAT, 1)->charge = (enum bill_charge)code;
        }
    }
    kit_element(&t)->direction = BILL_EXPORT;
    for (int code = BILL_V2G_BASE; code < BILL_CHARGE_COUNT; code++)
        kit_component(&t, BILL_ENERGY, 1)->charge = (enum bill_charge)code;
    kit_seal(&t);
    ck_assert_uint_eq(t.slot_count, 33);
}
END_TEST

START_TEST(names_are_found_and_unknown_ones_are_not)
{
    for (int i = 0; i < BILL_CHARGE_COUNT; i++)
        ck_assert_int_eq(bill_charge_find(bill_charge_name((enum bill_charge)i)), i);
    for (int i = 0; i < BILL_DIMENSION_COUNT; i++)
        ck_assert_int_eq(bill_dimension_find(bill_dimension_name((enum bill_dimension)i)), i);
    ck_assert_int_eq(bill_charge_find("energy_elec"), BILL_CHARGE_COUNT);
    ck_assert_int_eq(bill_dimension_find(""), BILL_DIMENSION_COUNT);
}
END_TEST

START_TEST(default_charge_codes_follow_the_dimension)
{
    ck_assert_int_eq(bill_component_default(BILL_ENERGY).charge, BILL_ENERGY_ELEC);
    ck_assert_int_eq(bill_component_default(BILL_FLAT).charge, BILL_START_FEE);
    ck_assert_int_eq(bill_component_default(BILL_TIME).charge, BILL_OCCUPANCY);
    ck_assert_int_eq(bill_component_default(BILL_PARKING_TIME).charge, BILL_OCCUPANCY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("billing tariff");
    TCase *tcase = tcase_create("tariff");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test(tcase, a_fault_is_refused_and_named, 0, FAULTS);
    tcase_add_test(tcase, every_lint_has_a_test);
    tcase_add_test(tcase, every_bound_itself_is_accepted);
    tcase_add_test(tcase, elements_and_components_reach_their_maximum);
    tcase_add_test(tcase, every_possible_slot_fits);
    tcase_add_test(tcase, names_are_found_and_unknown_ones_are_not);
    tcase_add_test(tcase, default_charge_codes_follow_the_dimension);
    suite_add_tcase(suite, tcase);
    return kit_main(suite);
}
