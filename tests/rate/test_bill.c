/* test_bill.c - from a settlement's input to a bill: bytes, refusals, reviews and sums. */
#include "csms/rate/bill.h"
#include "tests/rate/bill_check.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARIFF                                                                                     \
    "{\"currency\":\"CNY\",\"tax_mode\":\"gross\",\"elements\":["                                  \
    "{\"price_components\":[{\"type\":\"ENERGY\",\"price\":1.2,\"vat\":13,\"rate_label\":"         \
    "\"peak\"},"                                                                                   \
    "{\"type\":\"ENERGY\",\"price\":0.4,\"vat\":6,\"charge_code\":\"ENERGY_SERVICE\"}],"           \
    "\"restrictions\":{\"start_time\":\"14:00\",\"end_time\":\"18:00\"}},"                         \
    "{\"price_components\":[{\"type\":\"ENERGY\",\"price\":0.6,\"vat\":13,\"rate_label\":"         \
    "\"valley\"},"                                                                                 \
    "{\"type\":\"ENERGY\",\"price\":0.4,\"vat\":6,\"charge_code\":\"ENERGY_SERVICE\"}]}]}"

/* One hour from 13:30 to 14:30 in Shanghai, 2 kWh, half of them after 14:00. */
#define SESSION                                                                                    \
    "\"uid\":\"u\",\"transaction_id\":17,\"started_at\":\"2026-11-24T05:30:00.000000Z\","          \
    "\"stopped_at\":\"2026-11-24T06:30:00.000000Z\",\"zone\":\"Asia/"                              \
    "Shanghai\",\"currency\":\"CNY\","                                                             \
    "\"exponent\":2,\"meter_start_mwh\":\"108000000\",\"meter_stop_mwh\":\"110000000\","           \
    "\"max_power_w\":120000,\"direction_allowed\":\"import\""

static const char good[] =
    "{\"session\":{" SESSION "},\"tariff\":" TARIFF ",\"calendar\":[],"
    "\"readings\":[{\"at\":\"2026-11-24T06:00:00Z\",\"received_at\":\"2026-11-24T06:00:01Z\","
    "\"context\":\"Sample.Periodic\",\"import_mwh\":\"109000000\",\"export_mwh\":null}],"
    "\"states\":[{\"at\":\"2026-11-24T05:30:05Z\",\"state\":\"Charging\"}]}";

static struct csms_bill wrapped, bill;

static void teardown(void)
{
    csms_bill_done(&wrapped);
    csms_bill_done(&bill);
}

/* Wraps and rates; the result is that of the step that ended it. */
static const struct csms_bill *make(const char *input)
{
    teardown();
    csms_bill_wrap(input, strlen(input), NULL, &wrapped);
    if (wrapped.result != CSMS_BILL_OK)
        return &wrapped;
    csms_bill_rate(wrapped.text, wrapped.length, &bill);
    return &bill;
}

/* The good input with one text replaced. */
static const struct csms_bill *make_with(const char *from, const char *to)
{
    char text[4096];
    const char *at = strstr(good, from);

    ck_assert_msg(at != NULL, "%s", from);
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    return make(text);
}

static void check_has(const char *part)
{
    ck_assert_msg(bill.text != NULL && strstr(bill.text, part) != NULL, "%s not in %s", part,
        bill.text != NULL ? bill.text : "nothing");
}

START_TEST(wrapping_adds_engine_and_offsets_and_keeps_every_byte)
{
    static const char head[] =
        "{\"engine\":1,\"zone_offsets\":[[\"1970-01-01T00:00:00Z\",28800]],\"input\":";

    make(good);
    ck_assert_uint_eq(wrapped.length, strlen(head) + strlen(good) + 1);
    ck_assert_int_eq(memcmp(wrapped.text, head, strlen(head)), 0);
    ck_assert_int_eq(memcmp(wrapped.text + strlen(head), good, strlen(good)), 0);
    ck_assert_int_eq(wrapped.text[wrapped.length - 1], '}');
}
END_TEST

START_TEST(a_session_over_a_price_boundary_is_billed)
{
    ck_assert_int_eq(make(good)->result, CSMS_BILL_OK);
    check_has("\"energy_import_mwh\":\"2000000\"");
    check_has("\"gross_minor\":\"260\""); /* 1 x 1.20 + 1 x 0.60 + 2 x 0.40 */
    check_has("\"evidence\":\"meter_start_stop\"");
    check_has("\"rate_label\":\"peak\"");
    check_has("\"from\":\"2026-11-24T06:00:00.000000Z\"");
    check_has(
        "\"groups\":[{\"vat_ppm\":130000,\"net_minor\":\"159\",\"vat_minor\":\"21\",\"gross_"
        "minor\":\"180\"},"
        "{\"vat_ppm\":60000,\"net_minor\":\"75\",\"vat_minor\":\"5\",\"gross_minor\":\"80\"}]");
    check_has("\"totals\":[{\"charge_code\":\"ENERGY_ELEC\",\"net_minor\":\"159\"},"
              "{\"charge_code\":\"ENERGY_SERVICE\",\"net_minor\":\"75\"}]");
}
END_TEST

START_TEST(the_same_input_gives_the_same_bytes)
{
    char *first;

    make(good);
    first = strndup(bill.text, bill.length);
    ck_assert_ptr_nonnull(first);
    make(good);
    ck_assert_str_eq(bill.text, first);
    free(first);
}
END_TEST

START_TEST(the_order_of_readings_and_states_does_not_matter)
{
    char *first;

    make_with("\"readings\":[",
        "\"readings\":[{\"at\":\"2026-11-24T05:45:00Z\",\"import_mwh\":108700000},");
    first = strndup(bill.text, bill.length);
    ck_assert_ptr_nonnull(first);
    make_with("\"export_mwh\":null}],",
        "\"export_mwh\":null},{\"at\":\"2026-11-24T05:45:00Z\",\"import_mwh\":108700000}],");
    ck_assert_str_eq(bill.text, first);
    free(first);
}
END_TEST

START_TEST(a_day_type_is_found_in_the_calendar)
{
    ck_assert_int_eq(
        make_with("\"start_time\":\"14:00\",\"end_time\":\"18:00\"", "\"day_type\":[\"holiday\"]")
            ->result,
        CSMS_BILL_OK);
    check_has("\"gross_minor\":\"200\"");
    ck_assert_int_eq(make("{\"session\":{" SESSION
                          "},\"calendar\":[{\"date\":\"2026-11-24\",\"day_type\":\"holiday\"},"
                          "{\"date\":\"2026-11-23\",\"day_type\":\"ordinary\"}],\"tariff\":{"
                          "\"currency\":\"CNY\",\"elements\":"
                          "[{\"price_components\":[{\"type\":\"ENERGY\",\"price\":2}],"
                          "\"restrictions\":{\"day_type\":[\"holiday\"]}}]}}")
                         ->result,
        CSMS_BILL_OK);
    check_has("\"gross_minor\":\"400\"");
    check_has("\"vat_ppm\":null"); /* none was given: none applies */
}
END_TEST

static const struct {
    const char *from, *to, *kind, *named;
} reviews[] = {
    {"\"110000000\"", "null", "meter_stop_missing", "the register at the end is not known"},
    {"\"108000000\"", "null", "meter_start_missing", ""},
    {"\"110000000\"", "\"107999999\"", "register_falls", ""},
    {"\"110000000\"", "\"-1\"", "register_range", ""},
    {"\"109000000\"", "\"-5\"", "register_range", ""},
    {"\"109000000\"", "\"50\"", "register_falls", ""},
    {"\"110000000\"", "\"300000000\"", "implausible_energy", ""},
    {"\"110000000\"", "\"180000000\"", "register_jumps", ""}, /* 71 of 72 kWh in half the time */
    {"T06:30:00.000000Z", "T05:29:59Z", "stop_before_start", ""},
    {"2026-11-24T06:30:00.000000Z", "2026-12-30T00:00:00Z", "too_long", ""},
    {"\"109000000\",\"export_mwh\":null",
        "\"109000000\"},{\"at\":\"2026-11-24T06:30:00Z\",\"context\":"
        "\"Transaction.End\",\"import_mwh\":\"200000000\"",
        "series_disagrees", ""},
    {"Asia/Shanghai", "Mars/Olympus", "zone_unknown", "Mars/Olympus"},
    {"Asia/Shanghai", "../../etc/passwd", "zone_unknown", "session.zone"},
    {"\"currency\":\"CNY\",\"exponent\"", "\"currency\":\"EUR\",\"exponent\"", "currency_differs",
        "EUR"},
    {"\"price\":1.2", "\"price\":-1", "tariff_invalid",
        "tariff.elements[0].price_components[0].price"},
    {"\"exponent\":2", "\"exponent\":5", "input_invalid", "exponent"},
    {"\"exponent\":2,", "", "input_invalid", "exponent"},
    {"\"direction_allowed\":\"import\"", "\"direction_allowed\":\"up\"", "input_invalid",
        "direction_allowed"},
    {"\"started_at\":\"2026-11-24T05:30:00.000000Z\",", "", "input_invalid", "started_at"},
    {"2026-11-24T05:30:00.000000Z", "soon", "input_invalid", "started_at"},
    {"\"at\":\"2026-11-24T06:00:00Z\",", "", "input_invalid", "readings[0].at"},
    {"\"109000000\"", "\"1.5\"", "input_invalid", "readings[0].import_mwh"},
    {"\"state\":\"Charging\"", "\"state\":7", "input_invalid", "states[0].state"},
    {"\"calendar\":[]", "\"calendar\":[{\"date\":\"2026-11-31\",\"day_type\":\"x\"}]",
        "input_invalid", "date"},
    {"\"session\":", "\"sessions\":", "input_invalid", "session"},
    {"\"readings\":[", "\"readings\":{\"x\":[", "input_invalid", ""},
};

START_TEST(what_cannot_be_billed_goes_to_review_with_its_reason)
{
    const struct csms_bill *result = make_with(reviews[_i].from, reviews[_i].to);

    ck_assert_int_eq(result->result, CSMS_BILL_REVIEW);
    ck_assert_str_eq(result->kind, reviews[_i].kind);
    ck_assert_msg(strstr(result->text, reviews[_i].named) != NULL, "%s", result->text);
}
END_TEST

static const struct {
    const char *state, *gross;
} parkings[] = {
    {"SuspendedEV", "\"gross_minor\":\"200\""},
    {"Finishing", "\"gross_minor\":\"200\""},
    {"SuspendedEVSE", "\"gross_minor\":\"100\""},
    {"Preparing", "\"gross_minor\":\"100\""},
    {"NeverHeardOf", "\"gross_minor\":\"100\""},
    {"Charging", "\"gross_minor\":\"200\""},
};

/* Half an hour of charging at 2.00, then half an hour in the state; parking costs 2.00 too. */
START_TEST(a_state_says_what_its_time_costs)
{
    char text[2048];

    (void)snprintf(text, sizeof(text),
        "{\"session\":{" SESSION "},\"tariff\":{\"currency\":\"CNY\",\"elements\":[{\"price_"
        "components\":[{\"type\":\"TIME\","
        "\"price\":2},{\"type\":\"PARKING_TIME\",\"price\":2}]}]},\"states\":["
        "{\"at\":\"2026-11-24T05:00:00Z\",\"state\":\"Charging\"},"
        "{\"at\":\"2026-11-24T06:00:00Z\",\"state\":\"%s\"},"
        "{\"at\":\"2026-11-24T07:00:00Z\",\"state\":\"Available\"}]}",
        parkings[_i].state);
    ck_assert_int_eq(make(text)->result, CSMS_BILL_OK);
    check_has(parkings[_i].gross);
}
END_TEST

START_TEST(states_that_flap_beyond_measure_go_to_review)
{
    char states[64 * 80] = "", more[64];

    for (int i = 0; i < 65; i++) {
        (void)snprintf(more, sizeof(more),
            "{\"at\":\"2026-11-24T05:%02d:%02dZ\",\"state\":\"%s\"},", 31 + i / 60, i % 60,
            i % 2 ? "Charging" : "SuspendedEV");
        strncat(states, more, sizeof(states) - strlen(states) - 1);
    }
    (void)snprintf(states + strlen(states) - 1, 2, "%s", "");
    {
        static char text[8192];
        const char *at = strstr(good, "{\"at\":\"2026-11-24T05:30:05Z\"");

        (void)snprintf(text, sizeof(text), "%.*s%s]}", (int)(at - good), good, states);
        ck_assert_str_eq(make(text)->kind, "input_invalid");
        ck_assert_ptr_nonnull(strstr(bill.text, "state changes"));
    }
}
END_TEST

START_TEST(a_wrapped_input_of_another_engine_is_refused)
{
    static const char *const texts[] = {"{}", "[]", "",
        "{\"engine\":2,\"zone_offsets\":[],\"input\":{}}", "{\"engine\":1,\"input\":{}}",
        "{\"engine\":1,\"zone_offsets\":[[\"1970-01-01T00:00:00Z\"]],\"input\":{}}",
        "{\"engine\":1,\"zone_offsets\":[[\"1970-01-01T00:00:00Z\",0],[\"1970-01-01T00:00Z\",1]]}",
        "{\"engine\":1,\"zone_offsets\":[[\"1970-01-01T00:00:00Z\",172801]],\"input\":{}}",
        "{\"engine\":1,\"zone_offsets\":[[\"1970-01-01T00:00:00Z\",0]],\"input\":{}}"};

    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        teardown();
        csms_bill_rate(texts[i], strlen(texts[i]), &bill);
        ck_assert_int_eq(bill.result, CSMS_BILL_REVIEW);
        ck_assert_str_eq(bill.kind, "input_invalid");
    }
}
END_TEST

START_TEST(every_shortened_input_goes_to_review)
{
    for (size_t n = 0; n < strlen(good); n += 7) {
        char *part = strndup(good, n);

        ck_assert_ptr_nonnull(part);
        ck_assert_int_eq(make(part)->result, CSMS_BILL_REVIEW);
        free(part);
    }
}
END_TEST

START_TEST(a_discharge_is_credited_with_proof_and_only_with_permission)
{
    static const char *const both[] = {"import", "both"};
    char text[4096];

    (void)snprintf(text, sizeof(text),
        "{\"session\":{"
        "%.*s"
        "\"direction_allowed\":\"%s\"},\"tariff\":"
        "{\"currency\":\"CNY\",\"elements\":[{\"price_components\":[{\"type\":\"ENERGY\",\"price\":"
        "1}]},"
        "{\"direction\":\"EXPORT\",\"price_components\":[{\"type\":\"ENERGY\",\"price\":0.5}]}]},"
        "\"readings\":["
        "{\"at\":\"2026-11-24T05:30:00Z\",\"context\":\"Transaction.Begin\",\"import_mwh\":"
        "\"108000000\",\"export_mwh\":\"7000000\"},"
        "{\"at\":\"2026-11-24T06:30:00Z\",\"context\":\"Transaction.End\",\"import_mwh\":"
        "\"110000000\",\"export_mwh\":\"8000000\"}]}",
        (int)(strstr(SESSION, "\"direction_allowed\"") - SESSION), SESSION, both[_i]);
    ck_assert_int_eq(make(text)->result, CSMS_BILL_OK);
    check_has("\"energy_export_mwh\":\"1000000\"");
    check_has("\"gross_minor\":\"200\"");
    check_has(_i == 0 ? "\"credit_minor\":\"0\"" : "\"credit_minor\":\"50\"");
    check_has("\"evidence\":\"register_series\"");
}
END_TEST

START_TEST(an_expected_discharge_without_proof_goes_to_review)
{
    ck_assert_str_eq(make("{\"session\":{\"started_at\":\"2026-11-24T05:30:00Z\",\"stopped_at\":"
                          "\"2026-11-24T06:30:00Z\","
                          "\"zone\":\"UTC\",\"currency\":\"CNY\",\"exponent\":2,\"meter_start_"
                          "mwh\":0,\"meter_stop_mwh\":0,"
                          "\"direction_allowed\":\"export\"},\"tariff\":{\"currency\":\"CNY\","
                          "\"elements\":[{\"direction\":\"EXPORT\","
                          "\"price_components\":[{\"type\":\"ENERGY\",\"price\":0.5}]}]}}")
                         ->kind,
        "export_unproven");
}
END_TEST

static const struct {
    const char *from, *to;
} forgeries[] = {
    {"\"amount_minor\":\"120\"", "\"amount_minor\":\"121\""},
    {"\"gross_minor\":\"260\"", "\"gross_minor\":\"261\""},
    {"\"net_minor\":\"159\",\"vat_minor\":\"21\"", "\"net_minor\":\"158\",\"vat_minor\":\"22\""},
    {"\"vat_minor\":\"21\"", "\"vat_minor\":\"20\""},
    {"\"ENERGY_ELEC\",\"net_minor\":\"159\"", "\"ENERGY_ELEC\",\"net_minor\":\"160\""},
    {"\"net_micro\":\"", "\"net_micro\":\"1"},
    {"\"credit_minor\":\"0\"", "\"credit_minor\":\"1\""},
    {"\"amount_minor\":\"120\"", "\"amount_minor\":\"9223372036854775807\""},
};

START_TEST(a_bill_is_checked_from_its_text)
{
    struct ocpp_fault fault = {0};
    char text[8192];
    const char *at;

    make(good);
    ck_assert(bill_check(bill.text, bill.length, &fault));
    at = strstr(bill.text, forgeries[_i].from);
    ck_assert_msg(at != NULL, "%s", bill.text);
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - bill.text), bill.text,
        forgeries[_i].to, at + strlen(forgeries[_i].from));
    ck_assert(!bill_check(text, strlen(text), &fault));
    ck_assert(!bill_check("{}", 2, &fault));
    ck_assert(!bill_check("no bill", 7, &fault));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate bill");
    TCase *tcase = tcase_create("bill");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, wrapping_adds_engine_and_offsets_and_keeps_every_byte);
    tcase_add_test(tcase, a_session_over_a_price_boundary_is_billed);
    tcase_add_test(tcase, the_same_input_gives_the_same_bytes);
    tcase_add_test(tcase, the_order_of_readings_and_states_does_not_matter);
    tcase_add_test(tcase, a_day_type_is_found_in_the_calendar);
    tcase_add_loop_test(tcase, what_cannot_be_billed_goes_to_review_with_its_reason, 0,
        sizeof(reviews) / sizeof(reviews[0]));
    tcase_add_loop_test(
        tcase, a_state_says_what_its_time_costs, 0, sizeof(parkings) / sizeof(parkings[0]));
    tcase_add_test(tcase, states_that_flap_beyond_measure_go_to_review);
    tcase_add_test(tcase, a_wrapped_input_of_another_engine_is_refused);
    tcase_add_test(tcase, every_shortened_input_goes_to_review);
    tcase_add_loop_test(tcase, a_discharge_is_credited_with_proof_and_only_with_permission, 0, 2);
    tcase_add_test(tcase, an_expected_discharge_without_proof_goes_to_review);
    tcase_add_loop_test(
        tcase, a_bill_is_checked_from_its_text, 0, sizeof(forgeries) / sizeof(forgeries[0]));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
