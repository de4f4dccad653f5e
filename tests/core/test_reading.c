/* test_reading.c - from sampled values to wide rows. */
#include "ocpp/frame.h"

#include "csms/core/reading.h"
#include "tests/core/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT "2025-11-24T16:00:00Z"

/* Decodes MeterValues of this time with these sampledValues and converts them. */
static struct core_reading_list convert_at(const char *at, const char *samples)
{
    static char text[4096];
    struct core_reading_source source = {.connector = 1, .transaction_id = 17,
        .has_transaction = true, .received_us = 5};
    struct core_reading_list list = {0};
    struct ocpp_frame frame = {0};
    struct ocpp_fault fault;
    const void *request = NULL;
    const struct ocpp_meter_values_req *values;

    snprintf(text, sizeof text,
        "[2,\"1\",\"MeterValues\",{\"connectorId\":1,\"meterValue\":[{\"timestamp\":\"%s\","
        "\"sampledValue\":[%s]}]}]",
        at, samples);
    ck_assert_int_eq(
        ocpp_frame_read(text, strlen(text), &ocpp_limits_pile, &frame, &fault), OCPP_READ_FRAME);
    ck_assert_int_ne(ocpp_frame_request(&frame, &request), OCPP_UNUSABLE);
    values = request;
    ck_assert(core_reading_convert(&list, &source, &values->meter_value));
    for (uint32_t i = 0; i < list.count; i++) /* it outlives the frame here */
        list.items[i].context = strcmp(list.items[i].context, "Trigger") == 0 ? "Trigger" : "other";
    ocpp_frame_done(&frame);
    return list;
}

static struct core_reading_list convert(const char *samples)
{
    return convert_at(AT, samples);
}

START_TEST(a_value_finds_its_column_and_scale)
{
    static const struct {
        const char *sample;
        enum core_quantity quantity;
        int64_t value;
    } rows[] = {
        {"{\"value\":\"1500\"}", CORE_IMPORT_MWH, 1500000},
        {"{\"value\":\"1500\",\"unit\":\"Wh\"}", CORE_IMPORT_MWH, 1500000},
        {"{\"value\":\"1.5\",\"unit\":\"kWh\"}", CORE_IMPORT_MWH, 1500000},
        {"{\"value\":\"0.000001\",\"unit\":\"kWh\"}", CORE_IMPORT_MWH, 1},
        {"{\"value\":\"-3\"}", CORE_IMPORT_MWH, -3000},
        {"{\"value\":\"12\",\"measurand\":\"Energy.Active.Export.Register\"}", CORE_EXPORT_MWH,
            12000},
        {"{\"value\":\"7.4\",\"measurand\":\"Power.Active.Import\",\"unit\":\"kW\"}",
            CORE_POWER_IMPORT_MW, 7400000},
        {"{\"value\":\"-7.4\",\"measurand\":\"Power.Active.Import\",\"unit\":\"kW\"}",
            CORE_POWER_EXPORT_MW, 7400000},
        {"{\"value\":\"7\",\"measurand\":\"Power.Active.Export\",\"unit\":\"W\"}",
            CORE_POWER_EXPORT_MW, 7000},
        {"{\"value\":\"7\",\"measurand\":\"Power.Offered\"}", CORE_POWER_OFFERED_MW, 7000},
        {"{\"value\":\"16.1\",\"measurand\":\"Current.Import\",\"unit\":\"A\"}",
            CORE_CURRENT_IMPORT_MA, 16100},
        {"{\"value\":\"16\",\"measurand\":\"Current.Import\",\"phase\":\"L1\"}",
            CORE_CURRENT_L1_MA, 16000},
        {"{\"value\":\"16\",\"measurand\":\"Current.Import\",\"phase\":\"L2\"}",
            CORE_CURRENT_L2_MA, 16000},
        {"{\"value\":\"16\",\"measurand\":\"Current.Import\",\"phase\":\"L3-N\"}",
            CORE_CURRENT_L3_MA, 16000},
        {"{\"value\":\"-2\",\"measurand\":\"Current.Import\"}", CORE_CURRENT_EXPORT_MA, 2000},
        {"{\"value\":\"32\",\"measurand\":\"Current.Offered\"}", CORE_CURRENT_OFFERED_MA, 32000},
        {"{\"value\":\"400\",\"measurand\":\"Voltage\",\"unit\":\"V\"}", CORE_VOLTAGE_MV, 400000},
        {"{\"value\":\"230.5\",\"measurand\":\"Voltage\",\"phase\":\"L1-N\"}", CORE_VOLTAGE_L1_MV,
            230500},
        {"{\"value\":\"231\",\"measurand\":\"Voltage\",\"phase\":\"L2\"}", CORE_VOLTAGE_L2_MV,
            231000},
        {"{\"value\":\"49.98\",\"measurand\":\"Frequency\"}", CORE_FREQUENCY_MHZ, 49980},
        {"{\"value\":\"-5\",\"measurand\":\"Temperature\",\"unit\":\"Celsius\"}",
            CORE_TEMPERATURE_MC, -5000},
        {"{\"value\":\"-5\",\"measurand\":\"Temperature\",\"unit\":\"Celcius\","
         "\"location\":\"Body\"}",
            CORE_TEMPERATURE_MC, -5000},
        {"{\"value\":\"300\",\"measurand\":\"Temperature\",\"unit\":\"K\"}", CORE_TEMPERATURE_MC,
            26850},
        {"{\"value\":\"41.5\",\"measurand\":\"SoC\",\"unit\":\"Percent\",\"location\":\"EV\"}",
            CORE_SOC_PPM, 415000},
        {"{\"value\":\" 1500 \"}", CORE_IMPORT_MWH, 1500000},
        {"{\"value\":\"1,5\",\"unit\":\"kWh\"}", CORE_IMPORT_MWH, 1500000},
        {"{\"value\":\"1.5e3\"}", CORE_IMPORT_MWH, 1500000},
    };
    struct core_reading_list list = convert(rows[_i].sample);

    ck_assert_uint_eq(list.count, 1);
    ck_assert_uint_eq(list.items[0].present, 1u << rows[_i].quantity);
    ck_assert_int_eq(list.items[0].value[rows[_i].quantity], rows[_i].value);
    ck_assert_ptr_null(list.items[0].extra);
    core_reading_list_done(&list);
}
END_TEST
enum { COLUMN_ROWS = 27 };

START_TEST(what_fits_no_column_exactly_stays_verbatim)
{
    static const char *const rows[] = {
        "{\"value\":\"123456789012345678901234567890\"}",
        "{\"value\":\"1.2345\"}",
        "{\"value\":\"0.1234567\",\"unit\":\"kWh\"}",
        "{\"value\":\"\"}",
        "{\"value\":\"NaN\"}",
        "{\"value\":\"12 kWh\"}",
        "{\"value\":\"OCMF|{}|{}\",\"format\":\"SignedData\"}",
        "{\"value\":\"1500\",\"location\":\"Inlet\"}",
        "{\"value\":\"1500\",\"phase\":\"L1\"}",
        "{\"value\":\"1500\",\"unit\":\"kvarh\"}",
        "{\"value\":\"12\",\"measurand\":\"Energy.Reactive.Import.Register\",\"unit\":\"varh\"}",
        "{\"value\":\"12\",\"measurand\":\"Energy.Active.Import.Interval\"}",
        "{\"value\":\"0.98\",\"measurand\":\"Power.Factor\"}",
        "{\"value\":\"900\",\"measurand\":\"RPM\"}",
        "{\"value\":\"7\",\"measurand\":\"Fluid.Flow\"}",
        "{\"value\":\"400\",\"measurand\":\"Voltage\",\"phase\":\"L1-L2\"}",
        "{\"value\":\"-2\",\"measurand\":\"Current.Import\",\"phase\":\"L1\"}",
        "{\"value\":\"90\",\"measurand\":\"Temperature\",\"unit\":\"Fahrenheit\"}",
    };
    struct core_reading_list list = convert(rows[_i]);
    char expected[256];

    snprintf(expected, sizeof expected, "[%s]", rows[_i]);
    ck_assert_uint_eq(list.count, 1);
    ck_assert_uint_eq(list.items[0].present, 0);
    ck_assert_str_eq(list.items[0].extra, expected);
    core_reading_list_done(&list);
}
END_TEST
enum { VERBATIM_ROWS = 18 };

START_TEST(one_meter_value_is_one_row_for_each_context)
{
    struct core_reading_list list = convert(
        "{\"value\":\"1\",\"context\":\"Sample.Clock\"},{\"value\":\"2\"},"
        "{\"value\":\"3\",\"context\":\"Trigger\"},{\"value\":\"230\",\"measurand\":\"Voltage\"},"
        "{\"value\":\"231\",\"measurand\":\"Voltage\",\"context\":\"Sample.Clock\"},"
        "{\"value\":\"9\",\"context\":\"Sample.Periodic\"},"
        "{\"value\":\"4\",\"context\":\"My.Own\"},{\"value\":\"5\",\"context\":\"My.Other\"}");

    ck_assert_uint_eq(list.count, 4);
    ck_assert_int_eq(list.items[0].value[CORE_IMPORT_MWH], 1000);
    ck_assert_int_eq(list.items[0].value[CORE_VOLTAGE_MV], 231000);
    ck_assert_int_eq(list.items[1].value[CORE_IMPORT_MWH], 2000);
    ck_assert_int_eq(list.items[1].value[CORE_VOLTAGE_MV], 230000);
    /* The same column twice: the first stands, the second is not lost. */
    ck_assert_str_eq(
        list.items[1].extra, "[{\"value\":\"9\",\"context\":\"Sample.Periodic\"}]");
    ck_assert_str_eq(list.items[2].context, "Trigger");
    ck_assert_int_eq(list.items[3].value[CORE_IMPORT_MWH], 4000);
    ck_assert_str_eq(list.items[3].extra, "[{\"value\":\"5\",\"context\":\"My.Other\"}]");
    core_reading_list_done(&list);
}
END_TEST

START_TEST(two_readings_of_one_second_are_two_rows)
{
    struct core_reading_list clock =
        convert("{\"value\":\"1\",\"context\":\"Sample.Clock\"}");
    struct core_reading_list trigger = convert("{\"value\":\"1\",\"context\":\"Trigger\"}");

    ck_assert_int_eq(clock.items[0].at_us, trigger.items[0].at_us);
    ck_assert_int_ne(clock.items[0].hash, trigger.items[0].hash);
    core_reading_list_done(&clock);
    core_reading_list_done(&trigger);
}
END_TEST

START_TEST(a_hash_is_equal_for_true_repeats_alone)
{
    static const char *const rows[] = {
        "{\"value\":\"1500\"}",
        "{\"value\":\"1500.0\",\"unit\":\"Wh\",\"context\":\"Sample.Periodic\"}",
        "{\"value\":\"1.5\",\"unit\":\"kWh\"}",
        "{\"value\":\"1501\"}",
        "{\"value\":\"1500\",\"measurand\":\"Energy.Active.Export.Register\"}",
        "{\"value\":\"1500\",\"location\":\"Inlet\"}",
        "{\"value\":\"1500\"},{\"value\":\"1\",\"measurand\":\"Voltage\"}",
        "{\"value\":\"0\"}",
    };
    int64_t hashes[COUNT(rows)];

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct core_reading_list list = convert(rows[i]);

        hashes[i] = list.items[0].hash;
        core_reading_list_done(&list);
    }
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t k = 0; k < i; k++)
            ck_assert_msg((hashes[i] == hashes[k]) == (i < 3 && k < 3), "%zu and %zu", i, k);
}
END_TEST

START_TEST(a_negative_register_is_kept_and_suspect)
{
    struct core_reading_list list = convert("{\"value\":\"-3\"}");

    ck_assert(list.items[0].suspect);
    core_reading_list_done(&list);
    list = convert("{\"value\":\"-3\",\"measurand\":\"Power.Active.Import\"}");
    ck_assert(!list.items[0].suspect);
    core_reading_list_done(&list);
}
END_TEST

START_TEST(rows_become_json_with_the_names_of_the_columns)
{
    struct core_reading_list list = convert(
        "{\"value\":\"1.5\",\"unit\":\"kWh\",\"context\":\"Trigger\"},"
        "{\"value\":\"q\\\"\",\"measurand\":\"Odd\",\"context\":\"Trigger\"}");
    char expected[512];
    char *json = core_reading_json(&list);

    snprintf(expected, sizeof expected,
        "[{\"at\":\"2025-11-24T16:00:00.000000Z\",\"connector\":1,\"hash\":\"%lld\","
        "\"transaction_id\":17,\"context\":\"Trigger\",\"import_mwh\":1500000,"
        "\"extra\":[{\"value\":\"q\\\"\",\"context\":\"Trigger\",\"measurand\":\"Odd\"}],"
        "\"suspect\":false}]",
        (long long)list.items[0].hash);
    ck_assert_str_eq(json, expected);
    free(json);
    core_reading_list_done(&list);
}
END_TEST

START_TEST(a_time_that_the_database_cannot_hold_is_that_of_receipt_and_stays_as_text)
{
    static const struct {
        const char *at;
        const char *stored; /* NULL: as sent */
    } rows[] = {
        {"0000-01-01T00:00:00Z", "1970-01-01T00:00:00.000005Z"},
        {"0000-12-31T23:59:59.999999Z", "1970-01-01T00:00:00.000005Z"},
        {"0001-01-01T00:00:00+01:00", "1970-01-01T00:00:00.000005Z"},
        {"0001-01-01T00:00:00.000000Z", NULL},
        {"9999-12-31T23:59:59.000000Z", NULL},
        {"9999-12-31T23:59:59-01:00", "1970-01-01T00:00:00.000005Z"},
    };
    struct core_reading_list list = convert_at(rows[_i].at, "{\"value\":\"1\"}");
    char expected[128], *json = core_reading_json(&list);

    snprintf(expected, sizeof expected, "\"at\":\"%s\"",
        rows[_i].stored != NULL ? rows[_i].stored : rows[_i].at);
    ck_assert_msg(strstr(json, expected) != NULL, "%s in %s", expected, json);
    snprintf(expected, sizeof expected, "[{\"timestamp\":\"%s\"}]", rows[_i].at);
    ck_assert_pstr_eq(list.items[0].extra, rows[_i].stored != NULL ? expected : NULL);
    free(json);
    core_reading_list_done(&list);
}
END_TEST
enum { TIME_ROWS = 6 };

int main(void)
{
    const struct bench_test tests[] = {
        {a_time_that_the_database_cannot_hold_is_that_of_receipt_and_stays_as_text, TIME_ROWS},
        {a_value_finds_its_column_and_scale, COLUMN_ROWS},
        {what_fits_no_column_exactly_stays_verbatim, VERBATIM_ROWS},
        {one_meter_value_is_one_row_for_each_context, 0},
        {two_readings_of_one_second_are_two_rows, 0},
        {a_hash_is_equal_for_true_repeats_alone, 0},
        {a_negative_register_is_kept_and_suspect, 0},
        {rows_become_json_with_the_names_of_the_columns, 0},
    };

    return bench_run("core reading", tests, COUNT(tests));
}
