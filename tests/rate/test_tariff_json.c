/* test_tariff_json.c - tariff documents: what is read, what is let pass, what is refused where. */
#include "csms/rate/tariff_json.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bill_tariff t;
static struct ocpp_fault fault;

static bool read_text(const char *text)
{
    struct ocpp_json *json = ocpp_json_read(text, strlen(text), &ocpp_limits_pile, &fault);
    bool ok;

    ck_assert_msg(json != NULL, "%s", fault.text);
    ok = csms_tariff_read(json, ocpp_json_root(json), &t, &fault);
    ocpp_json_free(json);
    return ok;
}

/* A tariff of one element; `component` and `restrictions` are members of theirs. */
static bool read_parts(const char *top, const char *component, const char *restrictions)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
        "{\"currency\":\"CNY\"%s,\"elements\":[{\"price_components\":"
        "[{\"type\":\"ENERGY\",\"price\":1.2%s}],\"restrictions\":{%s}}]}",
        top, component, restrictions);
    return read_text(text);
}

START_TEST(everything_is_read)
{
    const struct bill_component *c = &t.components[0];
    const struct bill_restrictions *w = &t.elements[0].when;

    ck_assert(read_text(
        "{\"currency\":\"KWD\",\"tax_mode\":\"gross\",\"min_price\":{\"excl_vat\":\"0.5\"},"
        "\"max_price\":{\"excl_vat\":10,\"incl_vat\":11.25},\"elements\":["
        "{\"price_components\":[{\"type\":\"ENERGY\",\"price\":\"1.20345\",\"vat\":5.2,\"step_"
        "size\":100,"
        "\"quantity_factor\":1.05,\"cap\":30,\"rate_label\":\"sharp\",\"charge_code\":\"ENERGY_"
        "SERVICE\"}],"
        "\"restrictions\":{\"start_time\":\"22:00\",\"end_time\":\"00:00\",\"start_date\":\"2026-"
        "05-01\","
        "\"end_date\":\"2026-06-01\",\"min_kwh\":0,\"max_kwh\":20.5,\"min_current\":16,\"max_"
        "power\":22.5,"
        "\"min_duration\":60,\"day_of_week\":[\"MONDAY\",\"SUNDAY\"],\"day_type\":[\"holiday\","
        "\"hot\"],"
        "\"min_idle_s\":900}},"
        "{\"direction\":\"EXPORT\",\"price_components\":[{\"type\":\"ENERGY\",\"price\":0.7}]}]}"));
    ck_assert_int_eq(t.exponent, 3);
    ck_assert_int_eq(t.tax, BILL_TAX_GROSS);
    ck_assert_int_eq(t.min_price.net_micro, 500000);
    ck_assert_int_eq(t.min_price.gross_micro, BILL_ABSENT);
    ck_assert_int_eq(t.max_price.gross_micro, 11250000);
    ck_assert_int_eq(c->price_micro, 1203450);
    ck_assert_int_eq(c->vat_ppm, 52000);
    ck_assert_int_eq(c->step, 100);
    ck_assert_int_eq(c->factor_ppm, 1050000);
    ck_assert_int_eq(c->cap_micro, 30000000);
    ck_assert_str_eq(c->label, "sharp");
    ck_assert_int_eq(c->charge, BILL_ENERGY_SERVICE);
    ck_assert_int_eq(w->start_minute, 1320);
    ck_assert_int_eq(w->end_minute, 1440);
    ck_assert_int_eq(w->start_day, 20574);
    ck_assert_int_eq(w->end_day, 20605);
    ck_assert_int_eq(w->energy_mwh.max, 20500000);
    ck_assert_int_eq(w->current_ma.min, 16000);
    ck_assert_int_eq(w->power_mw.max, 22500000);
    ck_assert_int_eq(w->duration_us.min, 60 * BILL_SECOND_US);
    ck_assert_int_eq(w->weekdays, 1 | 1 << 6);
    ck_assert_int_eq(w->day_types, 3);
    ck_assert_str_eq(t.day_types[1], "hot");
    ck_assert_int_eq(w->min_idle_us, 900 * BILL_SECOND_US);
    ck_assert_int_eq(t.elements[1].direction, BILL_EXPORT);
    ck_assert_int_eq(t.components[1].charge, BILL_V2G_BASE);
}
END_TEST

START_TEST(what_money_does_not_need_is_let_pass)
{
    ck_assert(read_parts(
        ",\"id\":\"16\",\"country_code\":\"DE\",\"tariff_alt_text\":[{\"language\":\"en\"}],"
        "\"energy_mix\":{\"is_green_energy\":true},\"end_date_time\":null,\"x\":[]",
        ",\"vat\":null,\"step_size\":1", "\"start_time\":null,\"max_kwh\":null"));
    ck_assert(!t.components[0].vat_given);
}
END_TEST

START_TEST(vat_of_zero_is_not_vat_that_is_absent)
{
    ck_assert(read_parts("", ",\"vat\":0.0", ""));
    ck_assert(t.components[0].vat_given);
    ck_assert(read_parts("", "", ""));
    ck_assert(!t.components[0].vat_given);
}
END_TEST

START_TEST(a_reservations_default_charge_code_is_its_own)
{
    ck_assert(read_text("{\"currency\":\"EUR\",\"elements\":[{\"price_components\":[{\"type\":"
                        "\"TIME\",\"price\":1},"
                        "{\"type\":\"FLAT\",\"price\":2}],\"restrictions\":{\"reservation\":"
                        "\"RESERVATION_EXPIRES\"}}]}"));
    ck_assert_int_eq(t.elements[0].scope, BILL_SCOPE_EXPIRED);
    ck_assert_int_eq(t.components[0].charge, BILL_RESERVATION);
    ck_assert_int_eq(t.components[1].charge, BILL_RESERVATION);
}
END_TEST

static const struct {
    const char *top, *component, *restrictions, *member;
} refusals[] = {
    {"", ",\"vat\":\"ten\"", "", "elements[0].price_components[0].vat"},
    {"", ",\"vat\":-1", "", "elements[0].price_components[0].vat"},
    {"", ",\"vat\":100.0001", "", "elements[0].price_components[0].vat"},
    {"", ",\"vat\":5.00001", "", "elements[0].price_components[0].vat"},
    {"", ",\"step_size\":1.5", "", "elements[0].price_components[0].step_size"},
    {"", ",\"step_size\":-1", "", "elements[0].price_components[0].step_size"},
    {"", ",\"quantity_factor\":0", "", "elements[0].price_components[0].quantity_factor"},
    {"", ",\"cap\":-1", "", "elements[0].price_components[0].cap"},
    {"", ",\"cap\":-0.000001", "", "elements[0].price_components[0].cap"},
    {"", ",\"charge_code\":\"TEA\"", "", "elements[0].price_components[0].charge_code"},
    {"", ",\"charge_code\":\"V2G_BASE\"", "", "elements[0].price_components[0].charge_code"},
    {"", ",\"rate_label\":\"0123456789012345678901234567890123456789012345678901234567890123\"", "",
        "elements[0].price_components[0].rate_label"},
    {"", ",\"rate_label\":\"  \"", "", "elements[0].price_components[0].rate_label"},
    {"", ",\"rate_label\":\"a\\tb\"", "", "elements[0].price_components[0].rate_label"},
    {"", ",\"cap\":\"1,5\"", "", "elements[0].price_components[0].cap"},
    {"", ",\"cap\":\"1.\"", "", "elements[0].price_components[0].cap"},
    {"", ",\"cap\":\"-\"", "", "elements[0].price_components[0].cap"},
    {"", ",\"kap\":1", "", "elements[0].price_components[0].kap"},
    {"", ",\"charge_code\":\"START_FEE\"", "", "elements[0].price_components[0].charge_code"},
    {"", "", "\"start\":\"08:00\"", "elements[0].restrictions.start"},
    {"", "", "\"day_type\":[\"Holiday\"]", "elements[0].restrictions.day_type"},
    {",\"min_price\":{\"excl_tax\":1}", "", "", "min_price.excl_tax"},
    {"", ",\"rate_label\":5", "", "elements[0].price_components[0].rate_label"},
    {"", "", "\"start_time\":\"24:00\"", "elements[0].restrictions.start_time"},
    {"", "", "\"start_time\":\"8:00\"", "elements[0].restrictions.start_time"},
    {"", "", "\"start_time\":\"08:60\"", "elements[0].restrictions.start_time"},
    {"", "", "\"start_time\":\"0::00\"", "elements[0].restrictions.start_time"},
    {"", "", "\"start_time\":\"08:00\",\"end_time\":\"08:00\"",
        "elements[0].restrictions.end_time"},
    {"", "", "\"start_date\":\"2026-02-29\"", "elements[0].restrictions.start_date"},
    {"", "", "\"start_date\":\"2026-13-01\"", "elements[0].restrictions.start_date"},
    {"", "", "\"end_date\":\"20260101\"", "elements[0].restrictions.end_date"},
    {"", "", "\"start_date\":\"2026-01-02\",\"end_date\":\"2026-01-02\"",
        "elements[0].restrictions.end_date"},
    {"", "", "\"max_kwh\":0", "elements[0].restrictions.max_kwh"},
    {"", "", "\"min_kwh\":-1", "elements[0].restrictions.min_kwh"},
    {"", "", "\"min_kwh\":-0.000001", "elements[0].restrictions.min_kwh"},
    {"", "", "\"min_power\":5,\"max_power\":5", "elements[0].restrictions.min_power"},
    {"", "", "\"max_current\":\"much\"", "elements[0].restrictions.max_current"},
    {"", "", "\"day_of_week\":[]", "elements[0].restrictions.day_of_week"},
    {"", "", "\"day_of_week\":[\"Monday\"]", "elements[0].restrictions.day_of_week"},
    {"", "", "\"day_of_week\":\"MONDAY\"", "elements[0].restrictions.day_of_week"},
    {"", "", "\"day_type\":[]", "elements[0].restrictions.day_type"},
    {"", "", "\"day_type\":[\"\"]", "elements[0].restrictions.day_type"},
    {"", "", "\"min_idle_s\":-1", "elements[0].restrictions.min_idle_s"},
    {"", "", "\"reservation\":\"MAYBE\"", "elements[0].restrictions.reservation"},
    {"", "", "\"reservation\":\"RESERVATION\"", "elements[0].price_components[0].type"},
    {",\"tax_mode\":\"both\"", "", "", "tax_mode"},
    {",\"tax_included\":\"YES\"", "", "", "tax_included"},
    {",\"min_price\":0.5", "", "", "min_price"},
    {",\"min_price\":{}", "", "", "min_price.excl_vat"},
    {",\"min_price\":{\"excl_vat\":-1}", "", "", "min_price.excl_vat"},
    {",\"max_price\":{\"excl_vat\":2,\"incl_vat\":1}", "", "", "max_price"},
    {",\"min_price\":{\"excl_vat\":2},\"max_price\":{\"excl_vat\":1}", "", "", "min_price"},
};

START_TEST(a_document_is_refused_at_its_member)
{
    ck_assert(!read_parts(refusals[_i].top, refusals[_i].component, refusals[_i].restrictions));
    ck_assert_str_eq(fault.member, refusals[_i].member);
    ck_assert_int_gt(strlen(fault.text), 5);
}
END_TEST

static const struct {
    const char *text, *member;
} documents[] = {
    {"[]", ""},
    {"{}", "currency"},
    {"{\"currency\":\"EURO\"}", "currency"},
    {"{\"currency\":\"eur\",\"elements\":[{\"price_components\":[{\"type\":\"FLAT\",\"price\":0}]}]"
     "}",
        "currency"},
    {"{\"currency\":5}", "currency"},
    {"{\"currency\":\"EUR\"}", "elements"},
    {"{\"currency\":\"EUR\",\"elements\":{}}", "elements"},
    {"{\"currency\":\"EUR\",\"elements\":[{}]}", "elements[0].price_components"},
    {"{\"currency\":\"EUR\",\"elements\":[7]}", "elements[0].price_components"},
    {"{\"currency\":\"EUR\",\"elements\":[{\"price_components\":[{}]}]}",
        "elements[0].price_components[0].type"},
    {"{\"currency\":\"EUR\",\"elements\":[{\"price_components\":[{\"type\":\"TIME\"}]}]}",
        "elements[0].price_components[0].price"},
    {"{\"currency\":\"EUR\",\"elements\":[{\"price_components\":[{\"type\":\"TIME\",\"price\":0."
     "0000001}]}]}",
        "elements[0].price_components[0].price"},
    {"{\"currency\":\"EUR\",\"elements\":[{\"price_components\":[{\"type\":\"TIME\",\"price\":1e30}"
     "]}]}",
        "elements[0].price_components[0].price"},
    {"{\"currency\":\"EUR\",\"elements\":[{\"direction\":\"UP\",\"price_components\":[{\"type\":"
     "\"TIME\",\"price\":1}]}]}",
        "elements[0].direction"},
    {"{\"currency\":\"EUR\",\"elements\":[{\"price_components\":[{\"type\":\"TIME\",\"price\":1},{"
     "\"type\":\"TIME\",\"price\":1}]}]}",
        "elements[0].price_components[1].charge_code"},
};

START_TEST(a_document_of_another_shape_is_refused)
{
    ck_assert(!read_text(documents[_i].text));
    ck_assert_str_eq(fault.member, documents[_i].member);
}
END_TEST

/* `count` elements of `components` each. */
static bool read_many(unsigned count, unsigned components)
{
    static const char *const types[] = {"ENERGY", "TIME", "PARKING_TIME", "FLAT"};
    size_t size = 200 + count * (60 + components * 40UL), at = 0;
    char *text = malloc(size);
    bool ok;

    ck_assert_ptr_nonnull(text);
    at += (size_t)snprintf(text, size, "{\"currency\":\"EUR\",\"elements\":[");
    for (unsigned i = 0; i < count; i++) {
        at += (size_t)snprintf(text + at, size - at, "%s{\"price_components\":[", i > 0 ? "," : "");
        for (unsigned c = 0; c < components; c++)
            at += (size_t)snprintf(text + at, size - at, "%s{\"type\":\"%s\",\"price\":1}",
                c > 0 ? "," : "", types[c]);
        at += (size_t)snprintf(text + at, size - at, "]}");
    }
    (void)snprintf(text + at, size - at, "]}");
    ok = read_text(text);
    free(text);
    return ok;
}

START_TEST(the_largest_document_is_read_and_a_larger_one_is_not)
{
    ck_assert(read_many(BILL_ELEMENTS_MAX, 2));
    ck_assert(!read_many(BILL_ELEMENTS_MAX + 1, 1));
    ck_assert_str_eq(fault.member, "elements");
    ck_assert(!read_many(BILL_ELEMENTS_MAX, 3));
    ck_assert_str_eq(fault.member, "elements[85].price_components[1]");
}
END_TEST

START_TEST(seventeen_day_types_are_too_many)
{
    char list[600] = "\"day_type\":[";

    for (int i = 0; i < BILL_DAY_TYPES_MAX + _i; i++)
        (void)snprintf(
            list + strlen(list), sizeof(list) - strlen(list), "%s\"d%d\"", i > 0 ? "," : "", i);
    (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "]");
    ck_assert_int_eq(read_parts("", "", list), _i == 0);
}
END_TEST

START_TEST(a_currency_has_its_own_decimals)
{
    ck_assert_uint_eq(csms_currency_exponent("CNY"), 2);
    ck_assert_uint_eq(csms_currency_exponent("JPY"), 0);
    ck_assert_uint_eq(csms_currency_exponent("KWD"), 3);
    ck_assert_uint_eq(csms_currency_exponent("P U"), 2);
    ck_assert_uint_eq(csms_currency_exponent(""), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate tariff_json");
    TCase *tcase = tcase_create("tariff_json");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tcase, everything_is_read);
    tcase_add_test(tcase, what_money_does_not_need_is_let_pass);
    tcase_add_test(tcase, vat_of_zero_is_not_vat_that_is_absent);
    tcase_add_test(tcase, a_reservations_default_charge_code_is_its_own);
    tcase_add_loop_test(
        tcase, a_document_is_refused_at_its_member, 0, sizeof(refusals) / sizeof(refusals[0]));
    tcase_add_loop_test(
        tcase, a_document_of_another_shape_is_refused, 0, sizeof(documents) / sizeof(documents[0]));
    tcase_add_test(tcase, the_largest_document_is_read_and_a_larger_one_is_not);
    tcase_add_loop_test(tcase, seventeen_day_types_are_too_many, 0, 2);
    tcase_add_test(tcase, a_currency_has_its_own_decimals);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
