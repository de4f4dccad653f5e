/* test_tolerate.c - what becomes of payloads that are not quite right: the values themselves. */
#include "tests/ocpp/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct support_frame f;

static const void *decode(const char *text, enum ocpp_action action, enum ocpp_verdict expected)
{
    const void *payload;

    ck_assert_int_eq(support_payload_read(&f, text, action, false, &payload), expected);
    return payload;
}

START_TEST(numbers_are_understood_from_strings_and_strings_from_numbers)
{
    const struct ocpp_start_transaction_req *req = decode(
        "{\"connectorId\":\"1\",\"idTag\":4711,\"meterStart\":108178.0,\"reservationId\":null,"
        "\"timestamp\":\"2026-01-31T12:01:00\"}",
        OCPP_START_TRANSACTION, OCPP_TOLERATED);

    ck_assert_int_eq(req->connector_id.value, 1);
    ck_assert_str_eq(req->id_tag, "4711");
    ck_assert_int_eq(req->meter_start.value, 108178);
    ck_assert(!req->reservation_id.present);
    ck_assert(req->timestamp.present);
    ck_assert_int_eq(req->timestamp.unix_us, INT64_C(1769860860000000));
    ck_assert_str_eq(req->timestamp.text, "2026-01-31T12:01:00");
    ck_assert_str_eq(ocpp_frame_deviation(&f.frame, 0)->member, "connectorId");
    ck_assert_str_eq(ocpp_frame_deviation(&f.frame, 4)->member, "timestamp");
    ck_assert_ptr_null(ocpp_frame_deviation(&f.frame, 5));
    support_frame_done(&f);
}
END_TEST

START_TEST(an_unknown_enum_value_is_kept_as_text_and_never_becomes_the_default)
{
    static const struct {
        const char *unit, *text;
    } units[] = {
        {"\"Hertz\"", "Hertz"}, {"7", "7"}, {"{\"u\":1.50}", "{\"u\":1.50}"}, {"true", "true"}};

    for (size_t i = 0; i < COUNT(units); i++) {
        char text[256];
        const struct ocpp_meter_values_req *req;
        const struct ocpp_sampled_value *sample;

        snprintf(text, sizeof(text),
            "{\"connectorId\":1,\"meterValue\":[{\"timestamp\":\"2026-01-31T12:01:00Z\","
            "\"sampledValue\":[{\"value\":\"1\"},{\"value\":\"50\",\"unit\":%s}]}]}",
            units[i].unit);
        req = decode(text, OCPP_METER_VALUES, OCPP_TOLERATED);
        sample = &req->meter_value.items[0].sampled_value.items[1];
        ck_assert(sample->unit.present);
        ck_assert_int_eq(sample->unit.value, OCPP_UNKNOWN);
        ck_assert_str_eq(sample->unit.text, units[i].text);
        ck_assert(!req->meter_value.items[0].sampled_value.items[0].unit.present);
        ck_assert_str_eq(
            ocpp_frame_deviation(&f.frame, 0)->member, "meterValue[0].sampledValue[1].unit");
        support_frame_done(&f);
    }
}
END_TEST

START_TEST(an_over_long_string_is_kept_whole)
{
    const struct ocpp_boot_notification_req *req =
        decode("{\"chargePointVendor\":\"Schneider Electric Industries\","
               "\"chargePointModel\":\"MONOBLOCK\"}",
            OCPP_BOOT_NOTIFICATION, OCPP_TOLERATED);

    ck_assert_str_eq(req->charge_point_vendor, "Schneider Electric Industries");
    support_frame_done(&f);
}
END_TEST

START_TEST(data_that_is_no_string_is_kept_as_its_json_text)
{
    const struct ocpp_data_transfer_req *req =
        decode("{\"vendorId\":\"v\",\"data\": {\"a\" : [1.10, 1e400,\"\\u00e9\\n\", null,true]}}",
            OCPP_DATA_TRANSFER, OCPP_TOLERATED);

    ck_assert_str_eq(req->data, "{\"a\":[1.10,1e400,\"é\\n\",null,true]}");
    support_frame_done(&f);
}
END_TEST

START_TEST(an_optional_time_that_cannot_be_read_keeps_its_text)
{
    const struct ocpp_status_notification_req *req =
        decode("{\"connectorId\":1,\"errorCode\":\"NoError\",\"status\":\"Available\","
               "\"timestamp\":\"222222017-01-01T00:00:00Z\"}",
            OCPP_STATUS_NOTIFICATION, OCPP_TOLERATED);

    ck_assert(!req->timestamp.present);
    ck_assert_str_eq(req->timestamp.text, "222222017-01-01T00:00:00Z");
    support_frame_done(&f);
}
END_TEST

START_TEST(an_unusable_payload_gives_what_could_be_read)
{
    const struct ocpp_stop_transaction_req *req = decode(
        "{\"reason\":\"Sunburn\",\"transactionId\":17,\"timestamp\":\"2026-01-31T13:00:00Z\"}",
        OCPP_STOP_TRANSACTION, OCPP_UNUSABLE);
    const struct ocpp_fault *fault = ocpp_frame_deviation(&f.frame, 0);

    ck_assert_int_eq(fault->error, OCPP_OCCURENCE_CONSTRAINT_VIOLATION);
    ck_assert_str_eq(fault->member, "meterStop");
    ck_assert_str_eq(ocpp_frame_deviation(&f.frame, 1)->member, "reason");
    ck_assert_int_eq(req->transaction_id.value, 17);
    ck_assert(!req->meter_stop.present);
    ck_assert_str_eq(req->reason.text, "Sunburn");
    support_frame_done(&f);
}
END_TEST

/* Whatever else was lost, and whenever. */
static const struct {
    const char *text, *member;
} reasons[] = {
    {"{}", "meterStop"},
    {"{\"transactionId\":{},\"idTag\":{},\"meterStop\":1}", "transactionId"},
    {"{\"idTag\":{},\"timestamp\":\"x\",\"transactionId\":[],\"reason\":null}", "timestamp"},
};

START_TEST(the_first_member_that_spoils_a_payload_is_the_reason)
{
    (void)decode(reasons[_i].text, OCPP_STOP_TRANSACTION, OCPP_UNUSABLE);
    ck_assert_str_eq(ocpp_frame_deviation(&f.frame, 0)->member, reasons[_i].member);
    support_frame_done(&f);
}
END_TEST

START_TEST(a_location_that_is_no_uri_is_kept_as_text)
{
    const struct ocpp_get_diagnostics_req *req =
        decode("{\"location\":\"here and there\"}", OCPP_GET_DIAGNOSTICS, OCPP_TOLERATED);

    ck_assert_str_eq(req->location, "here and there");
    ck_assert_int_eq(ocpp_frame_deviation(&f.frame, 0)->error, OCPP_PROPERTY_CONSTRAINT_VIOLATION);
    support_frame_done(&f);
}
END_TEST

START_TEST(a_member_name_of_another_case_is_another_member)
{
    const struct ocpp_authorize_req *req =
        decode("{\"idtag\":\"A\"}", OCPP_AUTHORIZE, OCPP_UNUSABLE);

    ck_assert_ptr_null(req->id_tag);
    ck_assert_str_eq(ocpp_frame_deviation(&f.frame, 0)->member, "idTag");
    ck_assert_str_eq(ocpp_frame_deviation(&f.frame, 1)->member, "idtag");
    support_frame_done(&f);
}
END_TEST

/* Rules that stand in the prose only: listed, marked, and without effect on the verdict. */
static const struct {
    enum ocpp_action action;
    const char *text, *member;
} prose[] = {
    {OCPP_START_TRANSACTION,
        "{\"connectorId\":0,\"idTag\":\"A\",\"meterStart\":0,"
        "\"timestamp\":\"2026-01-31T12:01:00Z\"}",
        "connectorId"},
    {OCPP_STATUS_NOTIFICATION,
        "{\"connectorId\":-1,\"errorCode\":\"NoError\",\"status\":\"Available\"}", "connectorId"},
    {OCPP_METER_VALUES, "{\"connectorId\":1,\"meterValue\":[]}", "meterValue"},
    {OCPP_METER_VALUES,
        "{\"connectorId\":1,\"meterValue\":[{\"timestamp\":\"2026-01-31T12:01:00Z\","
        "\"sampledValue\":[]}]}",
        "meterValue[0].sampledValue"},
    {OCPP_STOP_TRANSACTION,
        "{\"meterStop\":2147483648,\"timestamp\":\"2026-01-31T12:01:00Z\",\"transactionId\":1}",
        "meterStop"},
    {OCPP_UNLOCK_CONNECTOR, "{\"connectorId\":0}", "connectorId"},
};

START_TEST(rules_of_the_prose_do_not_change_the_verdict)
{
    const struct ocpp_fault *fault;

    (void)decode(prose[_i].text, prose[_i].action, OCPP_EXACT);
    fault = ocpp_frame_deviation(&f.frame, 0);
    ck_assert_ptr_nonnull(fault);
    ck_assert(fault->prose);
    ck_assert_str_eq(fault->member, prose[_i].member);
    ck_assert_ptr_null(ocpp_frame_deviation(&f.frame, 1));
    support_frame_done(&f);
}
END_TEST

START_TEST(a_stop_keeps_its_required_members_when_an_optional_element_is_bad)
{
    const struct ocpp_stop_transaction_req *req =
        decode("{\"meterStop\":1100,\"timestamp\":\"2026-01-31T13:00:00Z\",\"transactionId\":7,"
               "\"transactionData\":[{\"timestamp\":\"2026-01-31T13:00:00Z\","
               "\"sampledValue\":null}]}",
            OCPP_STOP_TRANSACTION, OCPP_TOLERATED);

    ck_assert_int_eq(req->transaction_id.value, 7);
    ck_assert_int_eq(req->meter_stop.value, 1100);
    ck_assert_uint_eq(req->transaction_data.count, 0);
    ck_assert_str_eq(
        ocpp_frame_deviation(&f.frame, 0)->member, "transactionData[0].sampledValue");
    ck_assert_uint_eq(f.frame.elements_lost, 1);
    support_frame_done(&f);
}
END_TEST

START_TEST(a_bad_sample_does_not_take_its_neighbours_with_it)
{
    const struct ocpp_meter_values_req *req =
        decode("{\"connectorId\":1,\"meterValue\":[{\"timestamp\":\"2026-01-31T13:00:00Z\","
               "\"sampledValue\":[{\"value\":\"5\",\"unit\":\"Wh\"},"
               "{\"value\":null,\"unit\":\"kWh\"},"
               "{\"value\":\"7\",\"measurand\":\"SoC\"}]},"
               "{\"timestamp\":\"gestern\",\"sampledValue\":[{\"value\":\"6\"}]}]}",
            OCPP_METER_VALUES, OCPP_TOLERATED);
    const struct ocpp_sampled_value *samples = req->meter_value.items[0].sampled_value.items;

    ck_assert_uint_eq(req->meter_value.count, 1);
    ck_assert_uint_eq(req->meter_value.items[0].sampled_value.count, 2);
    ck_assert_str_eq(samples[0].value, "5");
    ck_assert_str_eq(samples[1].value, "7");
    ck_assert(!samples[1].unit.present); /* nothing of the one between */
    ck_assert_uint_eq(f.frame.elements_lost, 2);
    support_frame_done(&f);
}
END_TEST

/* Whatever was lost with elements before, the reason of the whole comes first. */
static const struct {
    const char *text, *member;
} spoiled[] = {
    {"{\"connectorId\":1,\"meterValue\":[{\"timestamp\":\"x\",\"sampledValue\":[{}]},null]}",
        "meterValue[0].timestamp"},
    {"{\"meterValue\":[{\"timestamp\":\"2026-01-31T13:00:00Z\",\"sampledValue\":[{},"
     "{\"value\":\"1\"}]}],\"connectorId\":null}",
        "connectorId"},
    {"{\"connectorId\":null,\"meterValue\":[{\"timestamp\":\"2026-01-31T13:00:00Z\","
     "\"sampledValue\":[{},{\"value\":\"1\"}]}]}",
        "connectorId"},
    {"{\"connectorId\":1,\"meterValue\":[null,{\"timestamp\":\"2026-01-31T13:00:00Z\","
     "\"sampledValue\":[null,{}]}]}",
        "meterValue[0]"},
};

START_TEST(a_list_without_a_usable_element_spoils_the_payload)
{
    (void)decode(spoiled[_i].text, OCPP_METER_VALUES, OCPP_UNUSABLE);
    ck_assert_str_eq(ocpp_frame_deviation(&f.frame, 0)->member, spoiled[_i].member);
    support_frame_done(&f);
}
END_TEST

START_TEST(deviations_are_counted_to_a_limit_and_the_reason_comes_first)
{
    size_t size = 1 << 16, used;
    char *text = malloc(size);
    uint32_t count = 0;

    used = (size_t)snprintf(text, size, "{\"connectorId\":1,\"meterValue\":[");
    for (int i = 0; i < 100; i++)
        used += (size_t)snprintf(text + used, size - used,
            "%s{\"timestamp\":\"2026-01-31T12:01:00\",\"sampledValue\":[{\"value\":1},%s]}",
            i > 0 ? "," : "", i == 99 ? "{\"unit\":\"V\"}" : "{\"value\":2}");
    snprintf(text + used, size - used, "]}");
    (void)decode(text, OCPP_METER_VALUES, OCPP_TOLERATED);
    while (ocpp_frame_deviation(&f.frame, count) != NULL)
        count++;
    ck_assert_uint_eq(count, OCPP_DEVIATIONS_MAX);
    ck_assert_str_eq(
        ocpp_frame_deviation(&f.frame, 0)->member, "meterValue[99].sampledValue[1].value");
    support_frame_done(&f);
    free(text);
}
END_TEST

START_TEST(a_long_foreign_name_is_cut_between_code_points)
{
    char text[1024];
    const struct ocpp_fault *fault;

    snprintf(text, sizeof(text), "{\"%s%s%s%s\":1}", "充电充电充电充电充电充电充电充电充电充电",
        "充电充电充电充电充电充电充电充电充电充电", "充电充电充电充电充电充电充电充电充电充电",
        "充电充电充电充电充电充电充电充电充电充电");
    (void)decode(text, OCPP_HEARTBEAT, OCPP_TOLERATED);
    fault = ocpp_frame_deviation(&f.frame, 0);
    ck_assert_uint_eq(strlen(fault->member), 126); /* 42 letters of three bytes, not 127 bytes */
    support_frame_done(&f);
}
END_TEST

START_TEST(ten_thousand_samples_are_decoded_one_by_one)
{
    enum { SAMPLES = 10000 };
    size_t size = 1 << 20, used;
    char *text = malloc(size);
    const struct ocpp_meter_values_req *req;

    used = (size_t)snprintf(text, size,
        "{\"connectorId\":1,\"meterValue\":[{\"timestamp\":\"2026-01-31T12:01:00Z\","
        "\"sampledValue\":[");
    for (int i = 0; i < SAMPLES; i++)
        used +=
            (size_t)snprintf(text + used, size - used, "%s{\"value\":\"%d\"}", i > 0 ? "," : "", i);
    snprintf(text + used, size - used, "]}]}");
    req = decode(text, OCPP_METER_VALUES, OCPP_EXACT);
    ck_assert_uint_eq(req->meter_value.items[0].sampled_value.count, SAMPLES);
    for (int i = 0; i < SAMPLES; i++)
        ck_assert_int_eq(atoi(req->meter_value.items[0].sampled_value.items[i].value), i);
    support_frame_done(&f);
    free(text);
}
END_TEST

/* Odd letters are kept byte for byte: nothing is folded, normalized or dropped. */
START_TEST(text_is_kept_verbatim)
{
    static const char *const tags[] = {"' OR 1=1;--", "%n%s${jndi:x}",
        "\xE2\x80\xAE"
        "abc",
        "e\xCC\x81", "\xC3\xA9", "\xE2\x80\x8B", "\xF0\x9F\x94\x8C",
        "\xD0\x90"
        "BC",
        "=cmd|x"};

    for (size_t i = 0; i < COUNT(tags); i++) {
        char text[128];
        const struct ocpp_authorize_req *req;

        snprintf(text, sizeof(text), "{\"idTag\":\"%s\"}", tags[i]);
        req = decode(text, OCPP_AUTHORIZE, OCPP_EXACT);
        ck_assert_str_eq(req->id_tag, tags[i]);
        support_frame_done(&f);
    }
}
END_TEST

START_TEST(a_payload_that_is_no_json_is_unusable)
{
    static const char *const texts[] = {"", "{", "{\"a\":1,\"a\":2}", "{} {}", "{\"idTag\":01}"};

    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_ptr_null(decode(texts[i], OCPP_AUTHORIZE, OCPP_UNUSABLE));
        ck_assert_int_eq(ocpp_frame_deviation(&f.frame, 0)->error, OCPP_FORMATION_VIOLATION);
        ck_assert_ptr_null(ocpp_frame_deviation(&f.frame, 1));
        support_frame_done(&f);
    }
}
END_TEST

int main(void)
{
    const struct support_test tests[] = {
        {numbers_are_understood_from_strings_and_strings_from_numbers, 1},
        {an_unknown_enum_value_is_kept_as_text_and_never_becomes_the_default, 1},
        {an_over_long_string_is_kept_whole, 1},
        {data_that_is_no_string_is_kept_as_its_json_text, 1},
        {an_optional_time_that_cannot_be_read_keeps_its_text, 1},
        {an_unusable_payload_gives_what_could_be_read, 1},
        {the_first_member_that_spoils_a_payload_is_the_reason, COUNT(reasons)},
        {a_location_that_is_no_uri_is_kept_as_text, 1},
        {a_member_name_of_another_case_is_another_member, 1},
        {rules_of_the_prose_do_not_change_the_verdict, COUNT(prose)},
        {a_stop_keeps_its_required_members_when_an_optional_element_is_bad, 1},
        {a_bad_sample_does_not_take_its_neighbours_with_it, 1},
        {a_list_without_a_usable_element_spoils_the_payload, COUNT(spoiled)},
        {deviations_are_counted_to_a_limit_and_the_reason_comes_first, 1},
        {a_long_foreign_name_is_cut_between_code_points, 1},
        {ten_thousand_samples_are_decoded_one_by_one, 1},
        {text_is_kept_verbatim, 1},
        {a_payload_that_is_no_json_is_unusable, 1},
    };

    return support_run("tolerate", tests, COUNT(tests));
}
