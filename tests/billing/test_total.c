/* test_total.c - rounding, VAT, limits and caps: from quantities to cents. */
#include "kit.h"

#include <string.h>

static struct kit k;

static void setup(void)
{
    memset(&k, 0, sizeof(k));
    kit_tariff(&k.tariff);
    kit_element(&k.tariff);
}

static struct bill_component *price(int64_t price_micro, int32_t vat_ppm, enum bill_charge charge)
{
    struct bill_component *c = kit_component(&k.tariff, BILL_ENERGY, price_micro);

    c->vat_given = true;
    c->vat_ppm = vat_ppm;
    c->charge = charge;
    c->step = 0;
    return c;
}

static const struct bill_bill *bill(int64_t mwh)
{
    kit_seal(&k.tariff);
    kit_open(&k, 0);
    kit_energy(&k, 0, KIT_HOUR, mwh);
    return kit_total(&k);
}

START_TEST(each_vat_rate_is_rounded_once)
{
    const struct bill_bill *b;

    /* net 0.004 and 0.004 at one rate are 0.008: rounded apart they would be nothing */
    price(4000, 0, BILL_ENERGY_ELEC);
    price(4000, 0, BILL_ENERGY_SERVICE);
    b = bill(KIT_KWH);
    ck_assert_int_eq(b->charge.gross_minor, 1);
    ck_assert_uint_eq(b->charge.group_count, 1);
    ck_assert_int_eq(b->lines[0].amount_minor, 1);
    ck_assert_int_eq(b->lines[1].amount_minor, 0);
}
END_TEST

START_TEST(two_vat_rates_are_two_groups)
{
    const struct bill_bill *b;

    price(1000000, 130000, BILL_ENERGY_ELEC);
    price(500000, 60000, BILL_ENERGY_SERVICE);
    b = bill(10 * KIT_KWH);
    ck_assert_uint_eq(b->charge.group_count, 2);
    ck_assert_int_eq(b->charge.groups[0].net_minor, 1000);
    ck_assert_int_eq(b->charge.groups[0].vat_minor, 130);
    ck_assert_int_eq(b->charge.groups[0].gross_minor, 1130);
    ck_assert_int_eq(b->charge.groups[1].gross_minor, 530);
    ck_assert_int_eq(b->charge.gross_minor, 1660);
    ck_assert_int_eq(b->charge.net_minor, 1500);
}
END_TEST

START_TEST(with_gross_prices_the_net_is_taken_out_of_the_rounded_group)
{
    const struct bill_bill *b;

    k.tariff.tax = BILL_TAX_GROSS;
    price(1000400, 60000, BILL_ENERGY_ELEC);
    b = bill(10 * KIT_KWH); /* 10.004 gross is 10.00, of which 9.43 net: from 10.004 it were 9.44 */
    ck_assert_int_eq(b->charge.gross_minor, 1000);
    ck_assert_int_eq(b->charge.net_minor, 943);
    ck_assert_int_eq(b->charge.vat_minor, 57);
    ck_assert_int_eq(b->charge.gross_micro, 10004000);
    ck_assert_int_eq(b->charge.net_micro, 9437735);
}
END_TEST

static const struct {
    int64_t price, mwh, micro, minor;
    unsigned exponent;
} halves[] = {
    {5000, KIT_KWH, 5000, 1, 2},
    {4999, KIT_KWH, 4999, 0, 2},
    {500000, KIT_KWH, 500000, 1, 0},
    {499999, KIT_KWH, 499999, 0, 0},
    {500, KIT_KWH, 500, 1, 3},
    {50, KIT_KWH, 50, 1, 4},
    /* 0.004999999 is below the half: no rounding on the way may lift it */
    {4999999, 1000, 4999, 0, 2},
};

START_TEST(a_half_goes_up_and_less_does_not)
{
    const struct bill_bill *b;

    k.tariff.exponent = (uint8_t)halves[_i].exponent;
    price(halves[_i].price, 0, BILL_ENERGY_ELEC);
    b = bill(halves[_i].mwh);
    ck_assert_int_eq(b->charge.gross_micro, halves[_i].micro);
    ck_assert_int_eq(b->charge.gross_minor, halves[_i].minor);
}
END_TEST

START_TEST(thirds_of_a_cent_add_up_exactly)
{
    const struct bill_bill *b;

    /* 20 s at 1.50 an hour are 0.0083333...; three of them in three lines are 0.025: 3 cents */
    k.tariff.element_count = k.tariff.component_count = 0;
    for (int i = 0; i < 3; i++) {
        kit_element(&k.tariff)->when.duration_us.max = (i + 1) * 20 * KIT_S;
        kit_component(&k.tariff, BILL_TIME, 1500000);
    }
    kit_seal(&k.tariff);
    kit_open(&k, 0);
    for (int i = 0; i < 3; i++) {
        struct bill_interval stretch = kit_stretch(i * 20 * KIT_S, (i + 1) * 20 * KIT_S);

        stretch.charge_us = 20 * KIT_S;
        kit_interval(&k, stretch);
    }
    b = kit_total(&k);
    ck_assert_uint_eq(b->line_count, 3);
    ck_assert_int_eq(b->charge.gross_micro, 25000);
    ck_assert_int_eq(b->charge.gross_minor, 3);
}
END_TEST

START_TEST(vat_that_was_not_given_is_none)
{
    const struct bill_bill *b;

    price(1000000, 0, BILL_ENERGY_ELEC)->vat_given = false;
    b = bill(10 * KIT_KWH);
    ck_assert_int_eq(b->charge.vat_minor, 0);
    ck_assert_int_eq(b->charge.gross_minor, 1000);
}
END_TEST

/* One component at 1.00 with 10 % VAT; limits in micro. */
static const struct {
    int64_t kwh;
    struct bill_bounds min, max;
    int64_t net, gross;
    enum bill_line_kind limit;
} limits[] = {
    {10, {-1, -1}, {-1, -1}, 1000, 1100, BILL_LINE_PRICE},
    {10, {10000000, 11000000}, {10000000, 11000000}, 1000, 1100, BILL_LINE_PRICE},
    {10, {10010000, 11000000}, {-1, -1}, 1001, 1100, BILL_LINE_MIN_PRICE},
    {10, {10000000, 11010000}, {-1, -1}, 1000, 1101, BILL_LINE_MIN_PRICE},
    {10, {-1, -1}, {9990000, 11000000}, 999, 1100, BILL_LINE_MAX_PRICE},
    {10, {-1, -1}, {10000000, 10990000}, 1000, 1099, BILL_LINE_MAX_PRICE},
    {10, {-1, -1}, {5000000, -1}, 500, 550, BILL_LINE_MAX_PRICE},
    {10, {-1, -1}, {-1, 5500000}, 500, 550, BILL_LINE_MAX_PRICE},
    {10, {20000000, -1}, {-1, -1}, 2000, 2200, BILL_LINE_MIN_PRICE},
    {10, {-1, 22000000}, {-1, -1}, 2000, 2200, BILL_LINE_MIN_PRICE},
    {10, {-1, -1}, {0, 0}, 0, 0, BILL_LINE_MAX_PRICE},
    {10, {20000000, -1}, {-1, 21000000}, 2000, 2100, BILL_LINE_MIN_PRICE},
    {0, {500000, 550000}, {-1, -1}, 50, 55, BILL_LINE_MIN_PRICE},
    {0, {-1, 550000}, {-1, -1}, 50, 55, BILL_LINE_MIN_PRICE},
};

START_TEST(net_and_gross_limits_each_hold)
{
    const struct bill_bill *b;

    price(1000000, 100000, BILL_ENERGY_ELEC);
    kit_component(&k.tariff, BILL_PARKING_TIME, 0);
    k.tariff.min_price = limits[_i].min;
    k.tariff.max_price = limits[_i].max;
    kit_seal(&k.tariff);
    kit_open(&k, 0);
    if (limits[_i].kwh == 0) { /* nothing priced at all: the minimum alone */
        struct bill_interval wait = kit_stretch(0, KIT_HOUR);

        kit_interval(&k, wait);
    } else {
        kit_energy(&k, 0, KIT_HOUR, limits[_i].kwh * KIT_KWH);
    }
    b = kit_total(&k);
    ck_assert_int_eq(b->charge.net_minor, limits[_i].net);
    ck_assert_int_eq(b->charge.gross_minor, limits[_i].gross);
    ck_assert_int_eq(b->limit, limits[_i].limit);
    ck_assert_int_eq(b->charge.net_micro, limits[_i].net * 10000);
    ck_assert_int_eq(b->charge.gross_micro, limits[_i].gross * 10000);
}
END_TEST

START_TEST(a_limit_has_lines_of_its_own)
{
    const struct bill_bill *b;

    price(750000, 100000, BILL_ENERGY_ELEC);
    price(250000, 0, BILL_ENERGY_SERVICE);
    k.tariff.max_price = (struct bill_bounds){5000000, 5300000};
    b = bill(10 * KIT_KWH);
    ck_assert_uint_eq(b->line_count, 4);
    ck_assert_int_eq(b->lines[0].amount_minor, 825);
    ck_assert_int_eq(b->lines[2].kind, BILL_LINE_MAX_PRICE);
    ck_assert_int_eq(b->lines[2].net_micro, -3750000);
    ck_assert_int_eq(b->lines[3].net_micro, -1250000);
    ck_assert_int_eq(b->lines[3].vat_micro, 0); /* a rate of zero stays free of VAT */
    ck_assert_int_eq(b->charge.groups[1].vat_minor, 0);
    ck_assert_int_eq(b->charge.gross_minor, 530);
    ck_assert_int_eq(b->charge.codes[0].net_minor, 375);
    ck_assert_int_eq(b->charge.codes[1].net_minor, 125);
}
END_TEST

START_TEST(rounding_carries_no_total_over_its_limit)
{
    const struct bill_bill *b;

    /* 5.495 and 5.505 at two rates round to 11.01, a cent above what may be asked */
    price(5495000, 0, BILL_ENERGY_ELEC);
    price(5000000, 101000, BILL_ENERGY_SERVICE);
    k.tariff.max_price.gross_micro = 11000000;
    b = bill(KIT_KWH);
    ck_assert_int_eq(b->limit, BILL_LINE_PRICE);
    ck_assert_int_eq(b->charge.gross_micro, 11000000);
    ck_assert_int_eq(b->charge.gross_minor, 1100);
    ck_assert_uint_eq(b->line_count, 2);
}
END_TEST

START_TEST(a_limit_finer_than_the_minor_unit_is_kept)
{
    const struct bill_bill *b;

    price(1000000, 0, BILL_ENERGY_ELEC);
    if (_i == 0)
        k.tariff.max_price.gross_micro = 5009000;
    else
        k.tariff.min_price.gross_micro = 15001000;
    b = bill(10 * KIT_KWH);
    ck_assert_int_eq(b->charge.gross_minor, _i == 0 ? 500 : 1501);
}
END_TEST

START_TEST(a_limit_that_rounding_cannot_keep_gives_way_to_the_maximum)
{
    const struct bill_bill *b;

    /* at least 2.2449 and at most 2.2449: in whole cents there is none; the customer pays less */
    price(1000000, 0, BILL_ENERGY_ELEC);
    k.tariff.min_price.net_micro = 2244900;
    k.tariff.max_price.gross_micro = 2244900;
    b = bill(KIT_KWH);
    ck_assert_int_eq(b->charge.gross_minor, 224);
    ck_assert_int_eq(b->charge.net_minor, 224);
}
END_TEST

START_TEST(a_cap_has_a_line_of_its_own)
{
    const struct bill_bill *b;

    price(1000000, 60000, BILL_OCCUPANCY)->cap_micro = 4000000;
    b = bill(10 * KIT_KWH);
    ck_assert_uint_eq(b->line_count, 2);
    ck_assert_int_eq(b->lines[0].net_micro, 10000000);
    ck_assert_int_eq(b->lines[1].kind, BILL_LINE_CAP);
    ck_assert_int_eq(b->lines[1].net_micro, -6000000);
    ck_assert_int_eq(b->charge.net_minor, 400);
    ck_assert_int_eq(b->charge.gross_minor, 424);
    ck_assert_int_eq(b->lines[0].amount_minor + b->lines[1].amount_minor, 424);
}
END_TEST

START_TEST(exactly_the_cap_has_none)
{
    price(1000000, 60000, BILL_OCCUPANCY)->cap_micro = 10000000;
    ck_assert_uint_eq(bill(10 * KIT_KWH)->line_count, 1);
}
END_TEST

START_TEST(every_component_capped_and_limited_fits_into_a_bill)
{
    const struct bill_bill *b;

    k.tariff.element_count = k.tariff.component_count = 0;
    for (int i = 0; i < BILL_ELEMENTS_MAX; i++) {
        kit_element(&k.tariff)->when.energy_mwh =
            (struct bill_range){i * KIT_KWH, (i + 1) * KIT_KWH};
        for (int c = 0; c < 2; c++) {
            struct bill_component *p = price(1000000, (i % BILL_VAT_RATES_MAX) * 10000,
                c == 0 ? BILL_ENERGY_ELEC : BILL_ENERGY_SERVICE);

            p->cap_micro = 900000;
        }
    }
    k.tariff.max_price = (struct bill_bounds){100000000, 110000000};
    b = bill(BILL_ELEMENTS_MAX * KIT_KWH);
    ck_assert_uint_eq(b->line_count, 2 * BILL_COMPONENTS_MAX + 2 * BILL_VAT_RATES_MAX);
    ck_assert_int_eq(b->charge.net_minor, 10000);
}
END_TEST

START_TEST(a_bill_that_does_not_add_up_is_found)
{
    price(1000000, 60000, BILL_ENERGY_ELEC);
    bill(10 * KIT_KWH);
    switch (_i) {
    case 0:
        k.bill.lines[0].net_micro++;
        break;
    case 1:
        k.bill.lines[0].net_micro++, k.bill.lines[0].gross_micro++;
        break;
    case 2:
        k.bill.lines[0].amount_minor--;
        break;
    case 3:
        k.bill.charge.groups[0].vat_minor++;
        break;
    case 4:
        k.bill.charge.codes[0].net_minor++;
        break;
    case 5:
        k.bill.charge.gross_minor++;
        break;
    default:
        k.bill.charge.vat_micro++;
        break;
    }
    ck_assert_ptr_nonnull(bill_check_sums(&k.bill));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("billing total");
    TCase *tcase = tcase_create("total");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, each_vat_rate_is_rounded_once);
    tcase_add_test(tcase, two_vat_rates_are_two_groups);
    tcase_add_test(tcase, with_gross_prices_the_net_is_taken_out_of_the_rounded_group);
    tcase_add_loop_test(
        tcase, a_half_goes_up_and_less_does_not, 0, sizeof(halves) / sizeof(halves[0]));
    tcase_add_test(tcase, thirds_of_a_cent_add_up_exactly);
    tcase_add_test(tcase, vat_that_was_not_given_is_none);
    tcase_add_loop_test(
        tcase, net_and_gross_limits_each_hold, 0, sizeof(limits) / sizeof(limits[0]));
    tcase_add_test(tcase, a_limit_has_lines_of_its_own);
    tcase_add_test(tcase, rounding_carries_no_total_over_its_limit);
    tcase_add_loop_test(tcase, a_limit_finer_than_the_minor_unit_is_kept, 0, 2);
    tcase_add_test(tcase, a_limit_that_rounding_cannot_keep_gives_way_to_the_maximum);
    tcase_add_test(tcase, a_cap_has_a_line_of_its_own);
    tcase_add_test(tcase, exactly_the_cap_has_none);
    tcase_add_test(tcase, every_component_capped_and_limited_fits_into_a_bill);
    tcase_add_loop_test(tcase, a_bill_that_does_not_add_up_is_found, 0, 7);
    suite_add_tcase(suite, tcase);
    return kit_main(suite);
}
