/* test_encode.c - samples of every payload: valid, exact when read, equal when written again. */
#include "ocpp/datetime.h"
#include "ocpp/describe.h"
#include "ocpp/encode.h"
#include "tests/ocpp/sample.h"
#include "tests/ocpp/support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOADS = OCPP_ACTION_COUNT * 2, SEEDS = 20 };

static char text[1 << 18], again[1 << 18];

static void expect_round_trip(
    enum ocpp_action action, bool confirmation, enum ocpp_sample_size size, uint64_t seed)
{
    struct ocpp_arena arena;
    const void *sample, *payload;
    struct support_frame f;
    struct ocpp_fault fault;
    size_t length;

    ocpp_arena_init(&arena);
    sample = ocpp_sample(action, confirmation, size, seed, &arena);
    ck_assert_ptr_nonnull(sample);
    ck_assert_msg(!ocpp_payload_fault(action, confirmation, sample, &fault), "%s %s: %s",
        ocpp_action_name(action), fault.member, fault.text);
    length = ocpp_encode_payload(text, sizeof(text), action, confirmation, sample);
    ck_assert_uint_gt(length, 0);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_int_eq(support_payload_read(&f, text, action, confirmation, &payload), OCPP_EXACT);
    ck_assert_msg(ocpp_frame_deviation(&f.frame, 0) == NULL, "%s", text);
    ck_assert_uint_eq(
        ocpp_encode_payload(again, sizeof(again), action, confirmation, payload), length);
    ck_assert_str_eq(again, text);
    support_frame_done(&f);
    ocpp_arena_done(&arena);
}

START_TEST(every_sample_survives_a_round_trip)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (int size = OCPP_SAMPLE_LEAST; size <= OCPP_SAMPLE_LARGEST; size++)
            expect_round_trip(
                (enum ocpp_action)(_i / 2), _i % 2 == 1, (enum ocpp_sample_size)size, seed);
}
END_TEST

START_TEST(a_seed_makes_the_same_payload_and_another_seed_another)
{
    struct ocpp_arena arena;
    size_t length;

    ocpp_arena_init(&arena);
    length = ocpp_encode_payload(text, sizeof(text), OCPP_METER_VALUES, false,
        ocpp_sample(OCPP_METER_VALUES, false, OCPP_SAMPLE_ALL, 7, &arena));
    ck_assert_uint_gt(length, 0);
    ck_assert_uint_gt(ocpp_encode_payload(again, sizeof(again), OCPP_METER_VALUES, false,
                          ocpp_sample(OCPP_METER_VALUES, false, OCPP_SAMPLE_ALL, 7, &arena)),
        0);
    ck_assert_str_eq(text, again);
    ck_assert_uint_gt(ocpp_encode_payload(again, sizeof(again), OCPP_METER_VALUES, false,
                          ocpp_sample(OCPP_METER_VALUES, false, OCPP_SAMPLE_ALL, 8, &arena)),
        0);
    ck_assert_str_ne(text, again);
    ocpp_arena_done(&arena);
}
END_TEST

START_TEST(a_buffer_that_is_too_small_takes_nothing)
{
    struct ocpp_start_transaction_conf conf = {
        .id_tag_info =
            &(struct ocpp_id_tag_info){.status = {OCPP_AUTHORIZATION_STATUS_ACCEPTED, NULL, true}},
        .transaction_id = {17, true}};
    static const char expected[] =
        "[3,\"t1\",{\"idTagInfo\":{\"status\":\"Accepted\"},\"transactionId\":17}]";

    for (size_t size = 0; size < sizeof(expected); size++) {
        char *buf = malloc(size > 0 ? size : 1);

        ck_assert_uint_eq(ocpp_encode_result(buf, size, "t1", OCPP_START_TRANSACTION, &conf), 0);
        free(buf);
    }
    ck_assert_uint_eq(
        ocpp_encode_result(text, sizeof(expected), "t1", OCPP_START_TRANSACTION, &conf),
        sizeof(expected) - 1);
    ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(times_and_decimals_without_text_are_written_from_their_values)
{
    struct ocpp_charging_schedule_period period = {
        {0, true}, {.micro = 16100000, .present = true}, {3, true}};
    struct ocpp_charging_schedule schedule = {
        .charging_rate_unit = {OCPP_CHARGING_RATE_UNIT_W, NULL, true},
        .start_schedule = {INT64_C(1769860800123456), NULL, true},
        .charging_schedule_period = {&period, 1, true},
        .min_charging_rate = {.micro = 6000000, .present = true}};
    struct ocpp_get_composite_schedule_conf conf = {
        .status = {OCPP_GET_COMPOSITE_SCHEDULE_STATUS_ACCEPTED, NULL, true},
        .charging_schedule = &schedule};

    ck_assert_uint_gt(
        ocpp_encode_payload(text, sizeof(text), OCPP_GET_COMPOSITE_SCHEDULE, true, &conf), 0);
    ck_assert_str_eq(text,
        "{\"status\":\"Accepted\",\"chargingSchedule\":{"
        "\"startSchedule\":\"2026-01-31T12:00:00.123Z\",\"chargingRateUnit\":\"W\","
        "\"chargingSchedulePeriod\":[{\"startPeriod\":0,\"limit\":16.1,\"numberPhases\":3}],"
        "\"minChargingRate\":6}}");
}
END_TEST

/* Payloads of ours that the schema would refuse. */
static const struct ocpp_id_tag_info unknown_status = {.status = {OCPP_UNKNOWN, "Odd", true}};
static const struct ocpp_id_tag_info long_parent = {.parent_id_tag = "123456789012345678901",
    .status = {OCPP_AUTHORIZATION_STATUS_ACCEPTED, NULL, true}};
static const struct ocpp_id_tag_info loose_time = {.expiry_date = {0, "2026-01-31T12:00", true},
    .status = {OCPP_AUTHORIZATION_STATUS_ACCEPTED, NULL, true}};
static const struct ocpp_charging_schedule_period fine_period = {
    {0, true}, {.micro = 8150000, .present = true}, {0, false}};
static const struct ocpp_charging_schedule_period other_text = {
    {0, true}, {.micro = 8100000, .text = "8.2", .present = true}, {0, false}};
static const struct ocpp_charging_schedule fine_schedule = {
    .charging_rate_unit = {OCPP_CHARGING_RATE_UNIT_W, NULL, true},
    .charging_schedule_period = {&fine_period, 1, true}};
static const struct ocpp_charging_schedule other_schedule = {
    .charging_rate_unit = {OCPP_CHARGING_RATE_UNIT_W, NULL, true},
    .charging_schedule_period = {&other_text, 1, true}};
static const char *const long_keys[] = {
    "short", "123456789012345678901234567890123456789012345678901"};

static const struct {
    enum ocpp_action action;
    bool confirmation;
    const void *payload;
    enum ocpp_error error;
    const char *member;
} faulty[] = {
    {OCPP_AUTHORIZE, true, &(struct ocpp_authorize_conf){NULL}, OCPP_OCCURENCE_CONSTRAINT_VIOLATION,
        "idTagInfo"},
    {OCPP_AUTHORIZE, true, &(struct ocpp_authorize_conf){&unknown_status},
        OCPP_PROPERTY_CONSTRAINT_VIOLATION, "idTagInfo.status"},
    {OCPP_AUTHORIZE, true, &(struct ocpp_authorize_conf){&long_parent},
        OCPP_PROPERTY_CONSTRAINT_VIOLATION, "idTagInfo.parentIdTag"},
    {OCPP_AUTHORIZE, true, &(struct ocpp_authorize_conf){&loose_time},
        OCPP_PROPERTY_CONSTRAINT_VIOLATION, "idTagInfo.expiryDate"},
    {OCPP_GET_COMPOSITE_SCHEDULE, true,
        &(struct ocpp_get_composite_schedule_conf){
            .status = {OCPP_GET_COMPOSITE_SCHEDULE_STATUS_ACCEPTED, NULL, true},
            .charging_schedule = &fine_schedule},
        OCPP_PROPERTY_CONSTRAINT_VIOLATION, "chargingSchedule.chargingSchedulePeriod[0].limit"},
    {OCPP_GET_COMPOSITE_SCHEDULE, true,
        &(struct ocpp_get_composite_schedule_conf){
            .status = {OCPP_GET_COMPOSITE_SCHEDULE_STATUS_ACCEPTED, NULL, true},
            .charging_schedule = &other_schedule},
        OCPP_PROPERTY_CONSTRAINT_VIOLATION, "chargingSchedule.chargingSchedulePeriod[0].limit"},
    {OCPP_GET_CONFIGURATION, false, &(struct ocpp_get_configuration_req){{long_keys, 2, true}},
        OCPP_PROPERTY_CONSTRAINT_VIOLATION, "key[1]"},
    {OCPP_GET_DIAGNOSTICS, false, &(struct ocpp_get_diagnostics_req){.location = "not a uri"},
        OCPP_PROPERTY_CONSTRAINT_VIOLATION, "location"},
    {OCPP_GET_INSTALLED_CERTIFICATE_IDS, true,
        &(struct ocpp_get_installed_certificate_ids_conf){.certificate_hash_data = {NULL, 0, true},
            .status = {OCPP_GET_INSTALLED_CERTIFICATE_STATUS_ACCEPTED, NULL, true}},
        OCPP_OCCURENCE_CONSTRAINT_VIOLATION, "certificateHashData"},
    {OCPP_START_TRANSACTION, false, &(struct ocpp_start_transaction_req){.id_tag = "A"},
        OCPP_OCCURENCE_CONSTRAINT_VIOLATION, "connectorId"},
};

START_TEST(a_payload_that_breaks_the_schema_is_named)
{
    struct ocpp_fault fault;

    ck_assert(
        ocpp_payload_fault(faulty[_i].action, faulty[_i].confirmation, faulty[_i].payload, &fault));
    ck_assert_int_eq(fault.error, faulty[_i].error);
    ck_assert_str_eq(fault.member, faulty[_i].member);
}
END_TEST

START_TEST(encoding_a_payload_that_breaks_the_schema_is_a_bug)
{
    ck_assert_uint_eq(ocpp_encode_payload(text, sizeof(text), faulty[_i].action,
                          faulty[_i].confirmation, faulty[_i].payload),
        0); /* not reached */
}
END_TEST

/* Where the description would be longer than 255 characters, only the details name the member. */
START_TEST(a_fault_is_told_with_its_member)
{
    struct ocpp_fault fault = {.error = OCPP_TYPE_CONSTRAINT_VIOLATION, .text = "is \"no\" text"};

    ck_assert_uint_gt(ocpp_encode_fault(text, sizeof(text), "7", &fault), 0);
    ck_assert_str_eq(text, "[4,\"7\",\"TypeConstraintViolation\",\"is \\\"no\\\" text\",{}]");
    strcpy(fault.member, "a[1].b");
    ck_assert_uint_gt(ocpp_encode_fault(text, sizeof(text), "7", &fault), 0);
    ck_assert_str_eq(text, "[4,\"7\",\"TypeConstraintViolation\",\"a[1].b: is \\\"no\\\" text\","
                           "{\"member\":\"a[1].b\"}]");
    memset(fault.member, 'm', sizeof(fault.member) - 1);
    memset(fault.text, 't', sizeof(fault.text) - 1);
    ck_assert_uint_gt(ocpp_encode_fault(text, sizeof(text), "7", &fault), 0);
    ck_assert_ptr_null(strstr(text, "m: t"));
    ck_assert_ptr_nonnull(strstr(text, "{\"member\":\"mmm"));
    ck_assert_uint_eq(ocpp_encode_fault(text, 100, "7", &fault), 0);
}
END_TEST

int main(void)
{
    const struct support_test tests[] = {
        {every_sample_survives_a_round_trip, PAYLOADS},
        {a_seed_makes_the_same_payload_and_another_seed_another, 1},
        {a_buffer_that_is_too_small_takes_nothing, 1},
        {times_and_decimals_without_text_are_written_from_their_values, 1},
        {a_payload_that_breaks_the_schema_is_named, COUNT(faulty)},
        {a_fault_is_told_with_its_member, 1},
        {encoding_a_payload_that_breaks_the_schema_is_a_bug, COUNT(faulty), SIGABRT},
    };

    return support_run("encode", tests, COUNT(tests));
}
