/* test_frame.c - messages of OCPP-J: their heads, what is no message, and the specification's own.
 */
#include "ocpp/encode.h"
#include "tests/ocpp/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What each text is, and the id that an answer could name (NULL: none). */
static const struct {
    const char *text;
    enum ocpp_read expected;
    int type;
    const char *id;
} heads[] = {
    {"[2,\"1\",\"Heartbeat\",{}]", OCPP_READ_FRAME, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",null]", OCPP_READ_FRAME, 2, "1"},
    {" [ 2 , \"1\" , \"Heartbeat\" , { } ] ", OCPP_READ_FRAME, 2, "1"},
    {"[3,\"1\",{}]", OCPP_READ_FRAME, 3, "1"},
    {"[4,\"1\",\"InternalError\",\"\",{}]", OCPP_READ_FRAME, 4, "1"},
    {"[4,\"1\",\"InternalError\",\"\"]", OCPP_READ_FRAME, 4, "1"},
    {"[4,\"1\",\"InternalError\"]", OCPP_READ_FRAME, 4, "1"},
    {"[4,\"1\",\"InternalError\",null,null]", OCPP_READ_FRAME, 4, "1"},
    {"", OCPP_READ_EMPTY, 0, NULL},
    {" \n", OCPP_READ_EMPTY, 0, NULL},
    /* no array, an empty one, nested ones, too few or too many elements */
    {"{}", OCPP_READ_NOT_FRAME, 0, NULL},
    {"2", OCPP_READ_NOT_FRAME, 0, NULL},
    {"null", OCPP_READ_NOT_FRAME, 0, NULL},
    {"\"[2]\"", OCPP_READ_NOT_FRAME, 0, NULL},
    {"{\"a\":[2,\"1\",\"Heartbeat\",{}]}", OCPP_READ_NOT_FRAME, 0, NULL},
    {"[]", OCPP_READ_NOT_FRAME, 0, NULL},
    {"[[2,\"1\",\"Heartbeat\",{}]]", OCPP_READ_NOT_FRAME, 0, NULL},
    {"[2]", OCPP_READ_NOT_FRAME, 2, NULL},
    {"[2,\"1\"]", OCPP_READ_NOT_FRAME, 2, "1"},
    {"[2,\"1\",\"Heartbeat\"]", OCPP_READ_NOT_FRAME, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{},{}]", OCPP_READ_NOT_FRAME, 2, "1"},
    {"[3,\"1\"]", OCPP_READ_NOT_FRAME, 3, "1"},
    {"[3,\"1\",{},{}]", OCPP_READ_NOT_FRAME, 3, "1"},
    {"[4,\"1\"]", OCPP_READ_NOT_FRAME, 4, "1"},
    {"[4,\"1\",\"GenericError\",\"\",{},{}]", OCPP_READ_NOT_FRAME, 4, "1"},
    {"[2,\"1\",7,{}]", OCPP_READ_NOT_FRAME, 2, "1"},
    {"[2,\"1\",null,{}]", OCPP_READ_NOT_FRAME, 2, "1"},
    {"[4,\"1\",7,\"\",{}]", OCPP_READ_NOT_FRAME, 4, "1"},
    /* types */
    {"[0,\"1\",\"Heartbeat\",{}]", OCPP_READ_OTHER_TYPE, 0, NULL},
    {"[1,\"1\",\"Heartbeat\",{}]", OCPP_READ_OTHER_TYPE, 0, NULL},
    {"[5,\"1\",\"Heartbeat\",{}]", OCPP_READ_OTHER_TYPE, 0, NULL},
    {"[-2,\"1\",\"Heartbeat\",{}]", OCPP_READ_OTHER_TYPE, 0, NULL},
    {"[22,\"1\",\"Heartbeat\",{}]", OCPP_READ_OTHER_TYPE, 0, NULL},
    {"[2.0,\"1\",\"Heartbeat\",{}]", OCPP_READ_OTHER_TYPE, 0, NULL},
    {"[2e0,\"1\",\"Heartbeat\",{}]", OCPP_READ_OTHER_TYPE, 0, NULL},
    {"[\"2\",\"1\",\"Heartbeat\",{}]", OCPP_READ_NOT_FRAME, 0, NULL},
    {"[null,\"1\",\"Heartbeat\",{}]", OCPP_READ_NOT_FRAME, 0, NULL},
    {"[true,\"1\",\"Heartbeat\",{}]", OCPP_READ_NOT_FRAME, 0, NULL},
    /* ids */
    {"[2,\"\",\"Heartbeat\",{}]", OCPP_READ_FRAME, 2, ""},
    {"[2,17,\"Heartbeat\",{}]", OCPP_READ_FRAME, 2, "17"}, /* to be given back as it came */
    {"[2,-17,\"Heartbeat\",{}]", OCPP_READ_FRAME, 2, "-17"},
    {"[2,1.5,\"Heartbeat\",{}]", OCPP_READ_FRAME, 2, "1.5"},
    {"[2,null,\"Heartbeat\",{}]", OCPP_READ_REFUSED, 2, NULL},
    {"[2,[],\"Heartbeat\",{}]", OCPP_READ_REFUSED, 2, NULL},
    {"[2,\"a\\nb\",\"Heartbeat\",{}]", OCPP_READ_FRAME, 2, "a\\nb"},
    {"[2,\"a\\u001f\",\"Heartbeat\",{}]", OCPP_READ_FRAME, 2, "a\\u001f"},
    {"[2,\"a\x7f\",\"Heartbeat\",{}]", OCPP_READ_FRAME, 2, "a\x7f"},
    {"[2,\"123456789012345678901234567890123456\",\"Heartbeat\",{}]", OCPP_READ_FRAME, 2,
        "123456789012345678901234567890123456"},
    {"[2,\"1234567890123456789012345678901234567\",\"Heartbeat\",{}]", OCPP_READ_FRAME, 2,
        "1234567890123456789012345678901234567"},
    {"[2,\"\\ud800\",\"Heartbeat\",{}]", OCPP_READ_REFUSED, 2, NULL},
    {"[2,[],7,{}]", OCPP_READ_NOT_FRAME, 2, NULL},
    {"[2,{},\"Heartbeat\"]", OCPP_READ_NOT_FRAME, 2, NULL},
    {"[3,null,{}]", OCPP_READ_NOT_FRAME, 3, NULL},
    {"[2,\"\\\"]\\\\\",\"Heartbeat\",{}]", OCPP_READ_FRAME, 2, "\\\"]\\\\"},
    {"[2,\"\\u0031\",\"Heartbeat\",{}]", OCPP_READ_FRAME, 2, "\\u0031"},
    {"[2,\"充电\",\"Heartbeat\",{}]", OCPP_READ_FRAME, 2, "充电"},
    /* broken, but the sender can still be told which message it was */
    {"[2,\"1\",\"Heartbeat\",{]", OCPP_READ_NOT_JSON, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{\"a\":1,\"a\":1}", OCPP_READ_NOT_JSON, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{\"a\":1,\"a\":1},1]", OCPP_READ_NOT_JSON, 2, "1"},
    {"[2,\"1\",7,{\"a\":1,\"a\":1}]", OCPP_READ_NOT_JSON, 2, "1"},
    {"[2,\"\\u0000\",\"Heartbeat\",{}]", OCPP_READ_REFUSED, 2, NULL},
    {"[2,\"1\",\"Heartbeat\",{\"a\":\"\\u0000\",\"b\":\"\xff\"}]", OCPP_READ_NOT_JSON, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{\"a\":\"\\u0000\",\"b\":01}]", OCPP_READ_NOT_JSON, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{\"a\":\"\\u0000\"}]]", OCPP_READ_NOT_JSON, 2, "1"},
    /* a CALL in JSON, with something in it that is not let in */
    {"[2,\"1\",\"Heartbeat\",{\"a\":1,\"a\":1}]", OCPP_READ_REFUSED, 2, "1"},
    {"[2,17,\"Heartbeat\",{\"a\":[{\"a\":1,\"a\":1}]}]", OCPP_READ_REFUSED, 2, "17"},
    {"[2,\"1\",\"Heartbeat\",{\"a\":\"\\u0000\"}]", OCPP_READ_REFUSED, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{\"\\u0000\":{}}]", OCPP_READ_REFUSED, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{\"a\":\"\\ud800\"}]", OCPP_READ_REFUSED, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{\"\\udc00\\ud800\":\"\"}]", OCPP_READ_REFUSED, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{\"a\":\"\\ud80\"}]", OCPP_READ_NOT_JSON, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{\"a\":"
     "1111111111222222222233333333334444444444555555555566666666667777}]",
        OCPP_READ_REFUSED, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{\"a\":[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]}]", OCPP_READ_REFUSED, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{\"a\":[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]}]", OCPP_READ_NOT_JSON, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{}] x", OCPP_READ_NOT_JSON, 2, "1"},
    {"[2,\"1\",\"Heartbeat\",{}][]", OCPP_READ_NOT_JSON, 2, "1"},
    {"[2,\"1\",\"MeterValues\",{\"connectorId\":007}]", OCPP_READ_NOT_JSON, 2, "1"},
    {"[3,\"1\",{\"a\":\"\\u0000\"}]", OCPP_READ_NOT_JSON, 3, "1"},
    {"[2,\"1", OCPP_READ_NOT_JSON, 2, NULL},
    {"[2,\"a\\nb\",\"Heartbeat\",{]", OCPP_READ_NOT_JSON, 2, "a\\nb"},
    {"\xEF\xBB\xBF[2,\"1\",\"Heartbeat\",{}]", OCPP_READ_NOT_JSON, 0, NULL},
    {"hello", OCPP_READ_NOT_JSON, 0, NULL},
};

START_TEST(each_text_is_read_as_what_it_is)
{
    struct support_frame f;
    struct ocpp_fault fault = {.error = OCPP_ERROR_COUNT};
    enum ocpp_read result = support_frame_read(&f, heads[_i].text, strlen(heads[_i].text), &fault);

    ck_assert_msg(result == heads[_i].expected, "%s: %d", heads[_i].text, (int)result);
    ck_assert_msg((int)f.frame.type == heads[_i].type, "%s: type", heads[_i].text);
    ck_assert_pstr_eq(f.frame.id, heads[_i].id);
    if (f.frame.id != NULL)
        ck_assert_uint_eq(f.frame.id_length, strlen(heads[_i].id));
    if (result == OCPP_READ_REFUSED) {
        ck_assert_int_eq(f.frame.action, OCPP_HEARTBEAT);
        ck_assert_uint_eq(f.frame.payload[0], '{');
        ck_assert_uint_eq(f.frame.payload[f.frame.payload_length - 1], '}');
    }
    if (result != OCPP_READ_FRAME && result != OCPP_READ_EMPTY && result != OCPP_READ_OTHER_TYPE) {
        ck_assert_int_eq(fault.error, OCPP_FORMATION_VIOLATION);
        ck_assert_str_ne(fault.text, "");
    }
    support_frame_done(&f);
}
END_TEST

START_TEST(an_odd_id_is_a_deviation_of_an_exact_payload)
{
    static const char number[] = "the message id is a number and not a string";
    static const char text_of[] = "the message id must have 1 to 36 printable characters";
    static const struct {
        const char *id, *deviation;
    } ids[] = {
        {"\"17\"", NULL},
        {"17", number},
        {"0", number},
        {"-17", number},
        {"1.5e3", number},
        {"123456789012345678901234567890123456", number},
        {"\"\"", text_of},
        {"\"{123e4567-e89b-12d3-a456-426614174000}\"", text_of},
        {"\"a\\nb\"", text_of},
    };

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct ocpp_fault fault;
        struct ocpp_frame frame;
        const void *request;
        char text[100];

        snprintf(text, sizeof(text), "[2,%s,\"Heartbeat\",{}]", ids[i].id);
        ck_assert_int_eq(ocpp_frame_read(text, strlen(text), &ocpp_limits_pile, &frame, &fault),
            OCPP_READ_FRAME);
        ck_assert_int_eq(
            ocpp_frame_request(&frame, &request), i == 0 ? OCPP_EXACT : OCPP_TOLERATED);
        ck_assert_int_eq(frame.id_bare, ids[i].deviation == number);
        ck_assert_ptr_nonnull(request);
        if (i > 0)
            ck_assert_str_eq(ocpp_frame_deviation(&frame, 0)->text, ids[i].deviation);
        ocpp_frame_done(&frame);
    }
}
END_TEST

START_TEST(the_longest_id_fits_in_its_longest_spelling)
{
    char text[4096] = "[2,\"", id[OCPP_ID_BYTES_MAX + 20] = "";
    char answer[4096], expected[4096];
    struct support_frame f;
    struct ocpp_fault fault;

    for (int i = 0; i < OCPP_ID_ECHO_MAX; i++)
        strcat(id, "\\ud83d\\udd0c");
    strcat(strcat(text, id), "\",\"Heartbeat\",{}]");
    ck_assert_int_eq(support_frame_read(&f, text, strlen(text), &fault), OCPP_READ_FRAME);
    ck_assert_str_eq(f.frame.id, id);
    ck_assert_uint_gt(ocpp_encode_error(answer, sizeof(answer), f.frame.id, OCPP_INTERNAL_ERROR,
                          "a \"quoted\" text"),
        0);
    snprintf(expected, sizeof(expected),
        "[4,\"%s\",\"InternalError\",\"a \\\"quoted\\\" text\",{}]", id);
    ck_assert_str_eq(answer, expected);
    support_frame_done(&f);
    snprintf(text, sizeof(text), "[2,\"%sx\",\"Heartbeat\",{}]", id);
    ck_assert_int_eq(support_frame_read(&f, text, strlen(text), &fault), OCPP_READ_REFUSED);
    ck_assert_ptr_null(f.frame.id);
    ck_assert_str_eq(fault.text, "the message id cannot be given back");
    support_frame_done(&f);
}
END_TEST

static const struct {
    const char *text;
    enum ocpp_action action;
    const char *name;
} calls[] = {
    {"[2,\"1\",\"Heartbeat\",{}]", OCPP_HEARTBEAT, "Heartbeat"},
    {"[2,\"1\",\"\\u0048eartbeat\",{}]", OCPP_HEARTBEAT, "Heartbeat"},
    {"[2,\"1\",\"heartbeat\",{}]", OCPP_ACTION_NONE, "heartbeat"},
    {"[2,\"1\",\"Heartbeat.req\",{}]", OCPP_ACTION_NONE, "Heartbeat.req"},
    {"[2,\"1\",\"Heartbeat \",{}]", OCPP_ACTION_NONE, "Heartbeat "},
    {"[2,\"1\",\"\",{}]", OCPP_ACTION_NONE, ""},
    {"[2,\"1\",\"NotifyEvent\",{}]", OCPP_ACTION_NONE, "NotifyEvent"},
    {"[2,\"1\",\"RemoteStartTransaction\",{}]", OCPP_REMOTE_START_TRANSACTION,
        "RemoteStartTransaction"},
};

START_TEST(each_action_is_found_or_not)
{
    struct support_frame f;
    struct ocpp_fault fault;

    ck_assert_int_eq(
        support_frame_read(&f, calls[_i].text, strlen(calls[_i].text), &fault), OCPP_READ_FRAME);
    ck_assert_int_eq(f.frame.action, calls[_i].action);
    ck_assert_str_eq(f.frame.action_name, calls[_i].name);
    ck_assert_uint_eq(f.frame.payload_length, 2);
    ck_assert_mem_eq(f.frame.payload, "{}", 2);
    support_frame_done(&f);
}
END_TEST

START_TEST(an_action_of_a_thousand_letters_is_unknown_and_cut)
{
    char text[4096];
    struct support_frame f;
    struct ocpp_fault fault;

    snprintf(text, sizeof(text), "[2,\"1\",\"%01000d充\",{}]", 0);
    ck_assert_int_eq(support_frame_read(&f, text, strlen(text), &fault), OCPP_READ_FRAME);
    ck_assert_int_eq(f.frame.action, OCPP_ACTION_NONE);
    ck_assert_uint_eq(strlen(f.frame.action_name), OCPP_NAME_BYTES_MAX);
    support_frame_done(&f);
}
END_TEST

START_TEST(an_error_tells_its_code_and_description)
{
    static const char text[] =
        "[4,\"1\",\"OccurrenceConstraintViolation\",\"say \\\"why\\\" \\u00e9\",{\"a\":[1]}]";
    struct support_frame f;
    struct ocpp_fault fault;

    ck_assert_int_eq(support_frame_read(&f, text, sizeof(text) - 1, &fault), OCPP_READ_FRAME);
    ck_assert_str_eq(f.frame.error_code, "OccurrenceConstraintViolation");
    ck_assert_str_eq(f.frame.error_text, "say \"why\" é");
    ck_assert_mem_eq(f.frame.payload, "{\"a\":[1]}", f.frame.payload_length);
    support_frame_done(&f);
}
END_TEST

START_TEST(the_payload_is_the_text_as_sent)
{
    static const char text[] = "[2,\"1\",\"MeterValues\", {\"connectorId\" : 1.0 , \"x\":[ ]}\n]";
    struct support_frame f;
    struct ocpp_fault fault;

    ck_assert_int_eq(support_frame_read(&f, text, sizeof(text) - 1, &fault), OCPP_READ_FRAME);
    ck_assert_uint_eq(f.frame.payload_length, strlen("{\"connectorId\" : 1.0 , \"x\":[ ]}"));
    ck_assert_mem_eq(
        f.frame.payload, "{\"connectorId\" : 1.0 , \"x\":[ ]}", f.frame.payload_length);
    support_frame_done(&f);
}
END_TEST

/* More numbers than a frame holds by itself, and each of them still the right one. */
START_TEST(a_frame_of_many_numbers_keeps_them_apart)
{
    enum { PERIODS = 500 };
    size_t size = 1 << 18, used = 0;
    char *text = malloc(size);
    struct support_frame f;
    struct ocpp_fault fault;
    const void *conf;
    const struct ocpp_charging_schedule *schedule;

    used += (size_t)snprintf(text, size,
        "[3,\"1\",{\"status\":\"Accepted\",\"connectorId\":1,\"chargingSchedule\":{"
        "\"chargingRateUnit\":\"A\",\"chargingSchedulePeriod\":[");
    for (int i = 0; i < PERIODS; i++)
        used += (size_t)snprintf(text + used, size - used,
            "%s{\"startPeriod\":%d,\"limit\":%d.1,\"numberPhases\":3}", i > 0 ? "," : "", i, i);
    used += (size_t)snprintf(text + used, size - used, "]}}]");
    ck_assert_int_eq(support_frame_read(&f, text, used, &fault), OCPP_READ_FRAME);
    ck_assert_int_eq(
        ocpp_frame_confirmation(&f.frame, OCPP_GET_COMPOSITE_SCHEDULE, &conf), OCPP_EXACT);
    schedule = ((const struct ocpp_get_composite_schedule_conf *)conf)->charging_schedule;
    ck_assert_uint_eq(schedule->charging_schedule_period.count, PERIODS);
    for (int i = 0; i < PERIODS; i++) {
        const struct ocpp_charging_schedule_period *period =
            &schedule->charging_schedule_period.items[i];

        ck_assert_int_eq(period->start_period.value, i);
        ck_assert_int_eq(period->limit.micro, i * 1000000 + 100000);
        ck_assert_int_eq(period->number_phases.value, 3);
    }
    support_frame_done(&f);
    free(text);
}
END_TEST

/* Frames of each action, valid by the official schemas.  Members stand in the tables' order, so
 * that what is encoded again must be the same text. */
static const struct {
    enum ocpp_action action; /* of a CALLRESULT: the call that it answers */
    const char *text;
} references[] = {
    {OCPP_BOOT_NOTIFICATION,
        "[2,\"b1\",\"BootNotification\",{\"chargePointVendor\":\"VendorX\","
        "\"chargePointModel\":\"SingleSocket\",\"firmwareVersion\":\"1.0.3\"}]"},
    {OCPP_BOOT_NOTIFICATION, "[3,\"b1\",{\"status\":\"Accepted\","
                             "\"currentTime\":\"2026-01-31T12:00:00.000Z\",\"interval\":300}]"},
    {OCPP_BOOT_NOTIFICATION, "[3,\"b1\",{\"status\":\"Pending\","
                             "\"currentTime\":\"2026-01-31T12:00:00.000Z\",\"interval\":30}]"},
    {OCPP_ACTION_NONE, "[4,\"h1\",\"SecurityError\",\"not accepted yet\",{}]"},
    {OCPP_STATUS_NOTIFICATION,
        "[2,\"s0\",\"StatusNotification\",{\"connectorId\":0,\"errorCode\":\"NoError\","
        "\"status\":\"Available\"}]"},
    {OCPP_STATUS_NOTIFICATION, "[3,\"s0\",{}]"},
    {OCPP_AUTHORIZE, "[2,\"a1\",\"Authorize\",{\"idTag\":\"04A1B2C3D4E5F6\"}]"},
    {OCPP_AUTHORIZE, "[3,\"a1\",{\"idTagInfo\":{\"expiryDate\":\"2027-01-01T00:00:00Z\","
                     "\"parentIdTag\":\"GROUP1\",\"status\":\"Accepted\"}}]"},
    {OCPP_START_TRANSACTION,
        "[2,\"t1\",\"StartTransaction\",{\"connectorId\":1,\"idTag\":\"04A1B2C3D4E5F6\","
        "\"meterStart\":108178,\"timestamp\":\"2026-01-31T12:01:00Z\"}]"},
    {OCPP_START_TRANSACTION,
        "[3,\"t1\",{\"idTagInfo\":{\"status\":\"Invalid\"},\"transactionId\":4711}]"},
    {OCPP_METER_VALUES,
        "[2,\"m1\",\"MeterValues\",{\"connectorId\":1,\"transactionId\":4711,\"meterValue\":["
        "{\"timestamp\":\"2026-01-31T12:02:00Z\",\"sampledValue\":[{\"value\":\"108200\"},"
        "{\"value\":\"16.1\",\"context\":\"Sample.Periodic\",\"measurand\":\"Current.Import\","
        "\"phase\":\"L1\",\"unit\":\"A\"},"
        "{\"value\":\"7.4\",\"measurand\":\"Power.Active.Import\",\"unit\":\"kW\"},"
        "{\"value\":\"0.0\",\"measurand\":\"Energy.Active.Export.Register\","
        "\"unit\":\"kWh\"}]}]}]"},
    {OCPP_STOP_TRANSACTION, "[2,\"t2\",\"StopTransaction\",{\"meterStop\":108814,"
                            "\"timestamp\":\"2026-01-31T13:00:00Z\",\"transactionId\":4711,"
                            "\"reason\":\"EVDisconnected\"}]"},
    {OCPP_STOP_TRANSACTION, "[3,\"t2\",{}]"},
    {OCPP_SET_CHARGING_PROFILE,
        "[2,\"c1\",\"SetChargingProfile\",{\"connectorId\":1,\"csChargingProfiles\":{"
        "\"chargingProfileId\":7,\"transactionId\":4711,\"stackLevel\":0,"
        "\"chargingProfilePurpose\":\"TxProfile\",\"chargingProfileKind\":\"Absolute\","
        "\"validFrom\":\"2026-01-31T12:00:00Z\",\"validTo\":\"2026-02-01T12:00:00Z\","
        "\"chargingSchedule\":{\"duration\":86400,\"startSchedule\":\"2026-01-31T12:00:00Z\","
        "\"chargingRateUnit\":\"A\",\"chargingSchedulePeriod\":[{\"startPeriod\":0,"
        "\"limit\":8.1,\"numberPhases\":3}]}}}]"},
    {OCPP_CLEAR_CHARGING_PROFILE, "[2,\"c2\",\"ClearChargingProfile\",{}]"},
    {OCPP_GET_COMPOSITE_SCHEDULE,
        "[2,\"c3\",\"GetCompositeSchedule\",{\"connectorId\":1,\"duration\":3600,"
        "\"chargingRateUnit\":\"A\"}]"},
    {OCPP_REMOTE_START_TRANSACTION,
        "[2,\"r1\",\"RemoteStartTransaction\",{\"connectorId\":1,\"idTag\":\"VIRTUAL-0001\"}]"},
    {OCPP_CHANGE_CONFIGURATION, "[2,\"k1\",\"ChangeConfiguration\",{\"key\":\"AuthorizationKey\","
                                "\"value\":\"0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF\"}]"},
    {OCPP_SEND_LOCAL_LIST,
        "[2,\"l1\",\"SendLocalList\",{\"listVersion\":5,\"localAuthorizationList\":["
        "{\"idTag\":\"ADD1\",\"idTagInfo\":{\"status\":\"Accepted\"}},{\"idTag\":\"DEL1\"}],"
        "\"updateType\":\"Differential\"}]"},
    {OCPP_EXTENDED_TRIGGER_MESSAGE, "[2,\"e1\",\"ExtendedTriggerMessage\","
                                    "{\"requestedMessage\":\"SignChargePointCertificate\"}]"},
    {OCPP_DATA_TRANSFER,
        "[2,\"d1\",\"DataTransfer\",{\"vendorId\":\"org.openchargealliance.costmsg\","
        "\"messageId\":\"FinalCost\",\"data\":\"{\\\"transactionId\\\":4711,\\\"cost\\\":3.31,"
        "\\\"priceText\\\":\\\"3.31 EUR\\\"}\"}]"},
    {OCPP_ACTION_NONE,
        "[4,\"x1\",\"OccurenceConstraintViolation\",\"connectorId is required\",{}]"},
};

static enum ocpp_error error_of(const char *text)
{
    int error = 0;

    while (error < OCPP_ERROR_COUNT && strcmp(ocpp_error_text((enum ocpp_error)error), text) != 0)
        error++;
    ck_assert_int_lt(error, OCPP_ERROR_COUNT);
    return (enum ocpp_error)error;
}

static size_t encode_again(
    struct ocpp_frame *frame, enum ocpp_action action, char *buf, size_t size)
{
    const void *payload;

    switch (frame->type) {
    case OCPP_CALL:
        ck_assert_int_eq(frame->action, action);
        ck_assert_int_eq(ocpp_frame_request(frame, &payload), OCPP_EXACT);
        ck_assert_ptr_null(ocpp_frame_deviation(frame, 0));
        return ocpp_encode_call(buf, size, frame->id, action, payload);
    case OCPP_CALL_RESULT:
        ck_assert_int_eq(ocpp_frame_confirmation(frame, action, &payload), OCPP_EXACT);
        ck_assert_ptr_null(ocpp_frame_deviation(frame, 0));
        return ocpp_encode_result(buf, size, frame->id, action, payload);
    case OCPP_CALL_ERROR:
    default:
        return ocpp_encode_error(
            buf, size, frame->id, error_of(frame->error_code), frame->error_text);
    }
}

START_TEST(each_reference_frame_is_exact_and_encodes_to_itself)
{
    const char *text = references[_i].text;
    size_t length = strlen(text);
    struct support_frame f;
    struct ocpp_fault fault;
    char again[2048];

    ck_assert_int_eq(support_frame_read(&f, text, length, &fault), OCPP_READ_FRAME);
    ck_assert_uint_eq(encode_again(&f.frame, references[_i].action, again, sizeof(again)), length);
    ck_assert_str_eq(again, text);
    support_frame_done(&f);
}
END_TEST

START_TEST(each_reference_frame_cut_anywhere_is_refused)
{
    const char *text = references[_i].text;

    for (size_t length = 1; length < strlen(text); length++) {
        struct support_frame f;
        struct ocpp_fault fault;

        ck_assert_int_eq(support_frame_read(&f, text, length, &fault), OCPP_READ_NOT_JSON);
        support_frame_done(&f);
    }
}
END_TEST

/* The same members in another order, with blanks everywhere, mean the same. */
START_TEST(order_and_blanks_do_not_matter)
{
    static const char text[] =
        "\t[ 2 ,\r\n \"t1\" , \"StartTransaction\" , { \"timestamp\" : \"2026-01-31T12:01:00Z\" ,"
        " \"reservationId\" : -5 , \"meterStart\" :\n\n 108178 , \"idTag\" : \"A\" ,"
        "\"connectorId\"\t:\t1 } ]  \n";
    struct support_frame f;
    struct ocpp_fault fault;
    const struct ocpp_start_transaction_req *req;
    const void *payload;

    ck_assert_int_eq(support_frame_read(&f, text, sizeof(text) - 1, &fault), OCPP_READ_FRAME);
    ck_assert_int_eq(ocpp_frame_request(&f.frame, &payload), OCPP_EXACT);
    req = payload;
    ck_assert_int_eq(req->connector_id.value, 1);
    ck_assert_int_eq(req->meter_start.value, 108178);
    ck_assert_int_eq(req->reservation_id.value, -5);
    ck_assert_str_eq(req->id_tag, "A");
    ck_assert_int_eq(req->timestamp.unix_us, INT64_C(1769860860000000));
    support_frame_done(&f);
}
END_TEST

START_TEST(a_frame_that_was_never_read_can_be_done_with)
{
    struct ocpp_frame frame = {0};

    ocpp_frame_done(&frame);
    ocpp_frame_done(&frame);
    ocpp_frame_done(NULL);
}
END_TEST

int main(void)
{
    const struct support_test tests[] = {
        {each_text_is_read_as_what_it_is, COUNT(heads)},
        {an_odd_id_is_a_deviation_of_an_exact_payload, 1},
        {the_longest_id_fits_in_its_longest_spelling, 1},
        {each_action_is_found_or_not, COUNT(calls)},
        {an_action_of_a_thousand_letters_is_unknown_and_cut, 1},
        {an_error_tells_its_code_and_description, 1},
        {the_payload_is_the_text_as_sent, 1},
        {a_frame_of_many_numbers_keeps_them_apart, 1},
        {each_reference_frame_is_exact_and_encodes_to_itself, COUNT(references)},
        {each_reference_frame_cut_anywhere_is_refused, COUNT(references)},
        {order_and_blanks_do_not_matter, 1},
        {a_frame_that_was_never_read_can_be_done_with, 1},
    };

    return support_run("frame", tests, COUNT(tests));
}
