/* test_station.c - what the core does with a station's messages. */
#include "tests/core/support.h"

#include <stdio.h>
#include <string.h>

#define START                                                                                      \
    "[2,\"s1\",\"StartTransaction\",{\"connectorId\":1,\"idTag\":\"T1\",\"meterStart\":1000,"      \
    "\"timestamp\":\"2025-11-24T16:00:00Z\"}]"
#define STOP                                                                                       \
    "[2,\"p1\",\"StopTransaction\",{\"transactionId\":17,\"meterStop\":2000,"                      \
    "\"timestamp\":\"2025-11-24T16:00:00Z\"}]"
#define METER(transaction)                                                                         \
    "[2,\"m1\",\"MeterValues\",{\"connectorId\":1,\"transactionId\":" transaction                  \
    ",\"meterValue\":[{\"timestamp\":\"2025-11-24T16:00:00Z\",\"sampledValue\":"                   \
    "[{\"value\":\"1500\"}]}]}]"
#define STATUS(time)                                                                               \
    "[2,\"n1\",\"StatusNotification\",{\"connectorId\":1,\"errorCode\":\"NoError\","               \
    "\"status\":\"Available\",\"timestamp\":\"" time "\"}]"
#define BOOT                                                                                       \
    "[2,\"b1\",\"BootNotification\",{\"chargePointVendor\":\"V\",\"chargePointModel\":\"M\"}]"

static const struct core_answer started = {.transaction_id = 17, .status = "Accepted"};
static const struct core_answer nothing;

START_TEST(a_confirmation_waits_for_the_commit)
{
    static const struct {
        const char *text, *answer;
        enum core_work_kind kind;
    } rows[] = {
        {START, "[3,\"s1\",{\"idTagInfo\":{\"status\":\"Accepted\"},\"transactionId\":17}]",
            CORE_START},
        {STOP, "[3,\"p1\",{\"idTagInfo\":{\"status\":\"Accepted\"}}]", CORE_STOP},
        {METER("17"), "[3,\"m1\",{}]", CORE_READINGS},
        {STATUS("2025-11-24T16:00:00Z"), "[3,\"n1\",{}]", CORE_STATUS},
        {"[2,\"a1\",\"Authorize\",{\"idTag\":\"T1\"}]",
            "[3,\"a1\",{\"idTagInfo\":{\"status\":\"Accepted\"}}]", CORE_AUTHORIZE},
        {"[2,\"d1\",\"DataTransfer\",{\"vendorId\":\"x\"}]", "[3,\"d1\",{\"status\":\"Accepted\"}]",
            CORE_DATA_TRANSFER},
        {"[2,\"f1\",\"FirmwareStatusNotification\",{\"status\":\"Idle\"}]", "[3,\"f1\",{}]",
            CORE_NOTE},
        {"[2,\"e1\",\"SecurityEventNotification\",{\"type\":\"t\",\"timestamp\":"
         "\"2025-11-24T16:00:00Z\"}]",
            "[3,\"e1\",{}]", CORE_NOTE},
        {"[2,\"c1\",\"SignCertificate\",{\"csr\":\"x\"}]", "[3,\"c1\",{\"status\":\"Rejected\"}]",
            CORE_NOTE},
    };
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t before = bench->sent_count;

        bench_say(bench, conn, rows[i].text);
        bench_wait(bench, 5000);
        ck_assert_uint_eq(bench->sent_count, before);
        bench_done(bench, rows[i].kind, CORE_DONE, &started);
        ck_assert_str_eq(bench_last(bench), rows[i].answer);
    }
    bench_free(bench);
}
END_TEST

START_TEST(heartbeat_is_answered_from_memory)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    uint32_t works = bench->work_count;

    bench_say(bench, conn, "[2,\"h\",\"Heartbeat\",{}]");
    ck_assert_str_eq(bench_last(bench), "[3,\"h\",{\"currentTime\":\"2025-11-24T16:00:00.000Z\"}]");
    ck_assert_uint_eq(bench->work_count, works);
    bench_free(bench);
}
END_TEST

enum { LARGE = 1000000, LARGE_SUM = 8 * 1024 * 1024 };

/* A reading of LARGE bytes, most of them blanks. */
static const char *large_meter(void)
{
    static char text[LARGE + 1];
    const char *end = strchr(METER("17"), 'M'); /* from the action on */
    size_t head = (size_t)(end - METER("17")), tail = strlen(end);

    memset(text, ' ', LARGE);
    memcpy(text, METER("17"), head - 1);
    memcpy(text + LARGE - tail - 1, end - 1, tail + 1);
    return text;
}

static size_t large_bytes(const struct bench *bench, size_t *ret_max)
{
    struct core_stats stats;

    core_stats(bench->core, &stats);
    *ret_max = stats.large_bytes_max;
    return stats.large_bytes;
}

START_TEST(large_messages_in_work_have_a_sum_and_small_ones_pass_it)
{
    struct bench *bench = bench_new();
    struct core_conn conns[BENCH_CONNECTIONS];
    uint32_t taken = 0;
    size_t max;

    for (uint32_t i = 0; i < BENCH_CONNECTIONS; i++)
        conns[i] = bench_join(bench, i, i + 1, CORE_ACCEPTED);
    for (uint32_t i = 0; i < 2 * BENCH_CONNECTIONS; i++)
        if (core_room(bench->core, LARGE)) {
            bench_say(bench, conns[i % BENCH_CONNECTIONS], large_meter());
            taken++;
        }
    ck_assert_uint_eq(taken, LARGE_SUM / LARGE);
    ck_assert_uint_eq(large_bytes(bench, &max), (size_t)taken * LARGE);
    ck_assert(core_room(bench->core, 16384));
    for (uint32_t i = 0; i < taken; i++) {
        bench_commit(bench, CORE_READINGS);
        ck_assert(core_room(bench->core, LARGE));
    }
    ck_assert_uint_eq(large_bytes(bench, &max), 0);
    ck_assert_uint_le(max, LARGE_SUM);
    bench_free(bench);
}
END_TEST

START_TEST(the_sum_of_large_messages_is_a_setting)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    struct core_config config = {.call_timeout_ms = 30000, .heartbeat_s = 300,
        .large_bytes = 2 * LARGE, .limits = ocpp_limits_pile};
    size_t max;

    bench_say(bench, conn, large_meter());
    ck_assert_uint_eq(large_bytes(bench, &max), LARGE);
    core_configure(bench->core, &config);
    ck_assert(core_room(bench->core, LARGE) && !core_room(bench->core, LARGE + 1));
    bench_free(bench);
}
END_TEST

START_TEST(a_large_message_in_work_holds_back_the_next_of_its_station)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, large_meter());
    ck_assert_uint_eq(bench->pauses, 1);
    ck_assert_uint_eq(bench->resumes, 0);
    bench_commit(bench, CORE_READINGS);
    ck_assert_uint_eq(bench->pauses, 1);
    ck_assert_uint_eq(bench->resumes, 1);
    bench_free(bench);
}
END_TEST

START_TEST(a_large_message_of_a_lost_connection_counts_until_it_is_stored)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    size_t max;

    bench_say(bench, conn, large_meter());
    core_conn_closed(bench->core, bench->now, conn, "message stalled");
    ck_assert_int_eq(bench->work[bench->work_count - 1].work.kind, CORE_CONNECTION_CLOSE);
    ck_assert_str_eq(bench->work[bench->work_count - 1].text, "message stalled");
    ck_assert_uint_eq(large_bytes(bench, &max), LARGE);
    bench_done(bench, CORE_READINGS, CORE_DONE, &nothing);
    ck_assert_uint_eq(large_bytes(bench, &max), 0);
    bench_free(bench);
}
END_TEST

START_TEST(a_message_above_the_limit_is_told_of_its_station)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 7, CORE_ACCEPTED);
    uint32_t before = bench->work_count;
    const struct core_work *work = &bench->work[before].work;

    core_conn_too_large(bench->core, bench->now, (struct core_conn){.slot = 0}, 9);
    ck_assert_uint_eq(bench->work_count, before); /* a connection that is gone */
    core_conn_too_large(bench->core, bench->now, conn, 5000000);
    ck_assert_uint_eq(bench->work_count, before + 1);
    ck_assert_int_eq(work->kind, CORE_STUCK);
    ck_assert_int_eq(work->station, 7);
    ck_assert_int_eq(work->bytes, 5000000);
    bench_free(bench);
}
END_TEST

START_TEST(calls_are_worked_one_at_a_time_and_in_order)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, START);
    bench_say(bench, conn, METER("17"));
    bench_say(bench, conn, STOP);
    ck_assert(!bench_has(bench, CORE_READINGS));
    bench_done(bench, CORE_START, CORE_DONE, &started);
    ck_assert(bench_has(bench, CORE_READINGS));
    ck_assert(!bench_has(bench, CORE_STOP));
    bench_commit(bench, CORE_READINGS);
    bench_commit(bench, CORE_STOP);
    ck_assert_str_eq(bench->sent[0].text,
        "[3,\"s1\",{\"idTagInfo\":{\"status\":\"Accepted\"},\"transactionId\":17}]");
    ck_assert_str_eq(bench->sent[1].text, "[3,\"m1\",{}]");
    ck_assert_str_eq(bench->sent[2].text, "[3,\"p1\",{}]");
    bench_free(bench);
}
END_TEST

START_TEST(a_full_queue_pauses_the_socket_and_a_flood_ends_it)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    for (int i = 0; i < 5; i++)
        bench_say(bench, conn, METER("17"));
    ck_assert_uint_eq(bench->pauses, 1);
    bench_commit(bench, CORE_READINGS);
    ck_assert_uint_eq(bench->resumes, 1);
    for (int i = 0; i < 100 && bench->closed_count == 0; i++)
        bench_say(bench, conn, METER("17"));
    ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_POLICY);
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_OVERRUN), 1);
    bench_free(bench);
}
END_TEST

START_TEST(what_is_no_request_of_a_pile_gets_its_error)
{
    static const struct {
        const char *text, *answer;
    } rows[] = {
        {"[2,\"1\",\"Fly\",{}]", "[4,\"1\",\"NotImplemented\","},
        {"[2,\"1\",\"heartbeat\",{}]", "[4,\"1\",\"NotImplemented\","},
        {"[2,\"1\",\"Reset\",{\"type\":\"Soft\"}]", "[4,\"1\",\"NotSupported\","},
        {"[2,\"1\",\"RegisterVehicle\",{}]", "[4,\"1\",\"NotImplemented\","},
        {"[2,\"1\",\"Authorize\",{}]", "[4,\"1\",\"OccurenceConstraintViolation\","},
        {"[2,\"1\",\"Authorize\",{\"idTag\":[7]}]", "[4,\"1\",\"TypeConstraintViolation\","},
        {"[2,\"1\",\"StatusNotification\",{\"connectorId\":3000000000,\"errorCode\":\"NoError\","
         "\"status\":\"Available\"}]",
            "[4,\"1\",\"PropertyConstraintViolation\","},
        {"[2,\"1\",\"Authorize\",[]]", "[4,\"1\",\"FormationViolation\","},
    };
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    uint32_t works = bench->work_count;

    bench_say(bench, conn, rows[_i].text);
    ck_assert_msg(strncmp(bench_last(bench), rows[_i].answer, strlen(rows[_i].answer)) == 0,
        "%s gave %s", rows[_i].text, bench_last(bench));
    ck_assert_uint_eq(bench->work_count, works);
    bench_free(bench);
}
END_TEST

START_TEST(a_refusal_names_the_member)
{
    static const struct {
        const char *text, *answer;
        bool strict;
    } rows[] = {
        {"[2,\"1\",\"BootNotification\",{\"chargePointVendor\":\"V\"}]",
            "[4,\"1\",\"OccurenceConstraintViolation\",\"chargePointModel: is required\","
            "{\"member\":\"chargePointModel\"}]", false},
        {"[2,\"1\",\"Authorize\",{\"idTag\":\"T\",\"a\\\"b\\u0007\":1}]", "{\"member\":\"", true},
    };
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench->strict = rows[_i].strict;
    bench_say(bench, conn, rows[_i].text);
    ck_assert_msg(strstr(bench_last(bench), rows[_i].answer) != NULL, "%s", bench_last(bench));
    if (!rows[_i].strict)
        ck_assert_str_eq(bench->note_detail, "OccurenceConstraintViolation: chargePointModel");
    bench_free(bench);
}
END_TEST
enum { ERROR_ROWS = 8 };

START_TEST(what_is_no_frame_is_not_answered)
{
    static const char *const rows[] = {"", " ", "{", "null", "[]", "[9,\"1\",{}]", "[3,\"x\",{}]",
        "[4,\"x\",\"GenericError\",\"\",{}]", "hello"};
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    for (size_t i = 0; i < COUNT(rows); i++)
        bench_say(bench, conn, rows[i]);
    ck_assert_uint_eq(bench->sent_count, 0);
    ck_assert_uint_eq(bench->closed_count, 0);
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_UNMATCHED), 2);
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_NOT_FRAME), 7);
    bench_say(bench, conn, "[2,\"h\",\"Heartbeat\",{}]");
    ck_assert_uint_eq(bench->sent_count, 1);
    bench_free(bench);
}
END_TEST

START_TEST(an_integer_id_comes_back_as_it_was_sent)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, "[2,4711,\"Heartbeat\",{}]");
    ck_assert_str_eq(bench_last(bench), "[3,4711,{\"currentTime\":\"2025-11-24T16:00:00.000Z\"}]");
    bench_say(bench, conn, "[2,4712,\"Fly\",{}]");
    ck_assert_int_eq(strncmp(bench_last(bench), "[4,4712,", 8), 0);
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_TOLERATED), 1);
    bench_free(bench);
}
END_TEST

START_TEST(an_integer_id_is_refused_to_a_strict_station_but_not_for_evidence)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench->strict = true;
    bench_say(bench, conn, "[2,4711,\"Heartbeat\",{}]");
    ck_assert_str_eq(bench_last(bench),
        "[4,4711,\"FormationViolation\",\"the message id is a number and not a string\",{}]");
    bench_say(bench, conn,
        "[2,4712,\"StopTransaction\",{\"transactionId\":17,\"meterStop\":2000,\"timestamp\":"
        "\"2025-11-24T16:00:00Z\"}]");
    ck_assert_ptr_nonnull(strstr(bench_work(bench, CORE_STOP)->deviations, "message id"));
    bench_commit(bench, CORE_STOP);
    ck_assert_str_eq(bench_last(bench), "[3,4712,{}]");
    bench_free(bench);
}
END_TEST

START_TEST(an_id_still_in_work_is_refused_for_another_content)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, "[2,\"a1\",\"Authorize\",{\"idTag\":\"T1\"}]");
    bench_say(bench, conn, "[2,\"a1\",\"Authorize\",{\"idTag\":\"T2\"}]");
    bench_say(bench, conn, "[2,\"a1\",\"Authorize\",{\"idTag\":\"T1\"}]");
    bench_done(bench, CORE_AUTHORIZE, CORE_DONE, &started);
    ck_assert_int_eq(
        strncmp(bench->sent[1].text, "[4,\"a1\",\"ProtocolError\"", 23), 0);
    bench_done(bench, CORE_AUTHORIZE, CORE_DONE, &started); /* the true repeat */
    ck_assert_uint_eq(bench->sent_count, 3);
    bench_say(bench, conn, "[2,\"a1\",\"Authorize\",{\"idTag\":\"T3\"}]");
    ck_assert(bench_has(bench, CORE_AUTHORIZE));
    bench_free(bench);
}
END_TEST

START_TEST(a_reused_id_never_refuses_a_transaction_message)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, METER("17"));
    bench_say(bench, conn, METER("18"));
    bench_commit(bench, CORE_READINGS);
    bench_commit(bench, CORE_READINGS);
    ck_assert_str_eq(bench_last(bench), "[3,\"m1\",{}]");
    bench_free(bench);
}
END_TEST

START_TEST(before_acceptance_only_evidence_and_boot_are_worked)
{
    static const enum core_registration states[] = {
        CORE_NEVER_BOOTED, CORE_PENDING, CORE_REJECTED};
    static const char *const refused[] = {"[2,\"1\",\"Heartbeat\",{}]",
        "[2,\"1\",\"Authorize\",{\"idTag\":\"T\"}]", STATUS("2025-11-24T16:00:00Z"),
        "[2,\"1\",\"DataTransfer\",{\"vendorId\":\"x\"}]"};
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, states[_i]);

    for (size_t i = 0; i < COUNT(refused); i++) {
        bench_say(bench, conn, refused[i]);
        ck_assert_ptr_nonnull(strstr(bench_last(bench), "\"SecurityError\""));
    }
    bench_say(bench, conn, START);
    bench_done(bench, CORE_START, CORE_DONE, &started);
    bench_say(bench, conn, METER("17"));
    bench_commit(bench, CORE_READINGS);
    bench_say(bench, conn, STOP);
    bench_commit(bench, CORE_STOP);
    ck_assert_str_eq(bench_last(bench), "[3,\"p1\",{}]");
    bench_say(bench, conn, BOOT);
    bench_done(bench, CORE_BOOT, CORE_DONE,
        &(struct core_answer){.registration = CORE_ACCEPTED, .interval_s = 60});
    ck_assert_str_eq(bench_last(bench),
        "[3,\"b1\",{\"status\":\"Accepted\",\"currentTime\":\"2025-11-24T16:00:00.000Z\","
        "\"interval\":60}]");
    bench_say(bench, conn, "[2,\"h\",\"Heartbeat\",{}]");
    ck_assert_ptr_nonnull(strstr(bench_last(bench), "[3,\"h\""));
    bench_free(bench);
}
END_TEST

START_TEST(a_boot_is_answered_by_its_state)
{
    static const struct {
        enum core_registration registration;
        int32_t interval_s;
        const char *status, *interval;
    } rows[] = {
        {CORE_ACCEPTED, 0, "\"Accepted\"", "\"interval\":300}"},
        {CORE_ACCEPTED, 900, "\"Accepted\"", "\"interval\":900}"},
        {CORE_PENDING, 0, "\"Pending\"", "\"interval\":60}"},
        {CORE_PENDING, 900, "\"Pending\"", "\"interval\":60}"},
        {CORE_REJECTED, 0, "\"Rejected\"", "\"interval\":60}"},
        {CORE_REJECTED, 900, "\"Rejected\"", "\"interval\":60}"},
    };
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_NEVER_BOOTED);
    struct core_answer answer = {
        .registration = rows[_i].registration, .interval_s = rows[_i].interval_s};

    bench_say(bench, conn, BOOT);
    bench_done(bench, CORE_BOOT, CORE_DONE, &answer);
    ck_assert_ptr_nonnull(strstr(bench_last(bench), rows[_i].status));
    ck_assert_ptr_nonnull(strstr(bench_last(bench), rows[_i].interval));
    bench_free(bench);
}
END_TEST

START_TEST(unusable_evidence_is_kept_and_confirmed)
{
    static const struct {
        const char *text, *answer, *code;
    } rows[] = {
        {"[2,\"1\",\"StartTransaction\",{\"connectorId\":1,\"idTag\":\"T\",\"timestamp\":"
         "\"2025-11-24T16:00:00Z\"}]",
            "[3,\"1\",{\"idTagInfo\":{\"status\":\"Invalid\"},\"transactionId\":99}]",
            "OccurenceConstraintViolation"},
        {"[2,\"1\",\"StartTransaction\",{\"connectorId\":1,\"idTag\":\"T\",\"meterStart\":"
         "9223372036854775807,\"timestamp\":\"2025-11-24T16:00:00Z\"}]",
            "[3,\"1\",{\"idTagInfo\":{\"status\":\"Invalid\"},\"transactionId\":99}]",
            "PropertyConstraintViolation"},
        {"[2,\"1\",\"StopTransaction\",{\"transactionId\":1,\"timestamp\":"
         "\"2025-11-24T16:00:00Z\"}]",
            "[3,\"1\",{}]", "OccurenceConstraintViolation"},
        {"[2,\"1\",\"StopTransaction\",{\"transactionId\":1,\"meterStop\":5,\"timestamp\":\"x\"}]",
            "[3,\"1\",{}]", NULL},
        {"[2,\"1\",\"MeterValues\",{\"connectorId\":1}]", "[3,\"1\",{}]", NULL},
        {"[2,\"1\",\"MeterValues\",{\"connectorId\":1,\"meterValue\":[]}]", "[3,\"1\",{}]", NULL},
        {"[2,\"1\",\"SecurityEventNotification\",{}]", "[3,\"1\",{}]", NULL},
    };
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    struct bench_work *work;

    bench_say(bench, conn, rows[_i].text);
    ck_assert_uint_eq(bench->sent_count, 0);
    work = bench_work(bench, CORE_UNUSABLE);
    ck_assert_str_eq(work->frame, rows[_i].text);
    if (rows[_i].code != NULL)
        ck_assert_str_eq(work->code, rows[_i].code);
    bench_done(bench, CORE_UNUSABLE, CORE_DONE, &(struct core_answer){.transaction_id = 99});
    ck_assert_str_eq(bench_last(bench), rows[_i].answer);
    bench_free(bench);
}
END_TEST
enum { UNUSABLE_ROWS = 7 };

START_TEST(a_tolerated_message_carries_its_deviations)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn,
        "[2,\"1\",\"StopTransaction\",{\"transactionId\":17,\"meterStop\":2000,\"timestamp\":"
        "\"2025-11-24T16:00:00Z\",\"reason\":\"Whim\"}]");
    ck_assert_ptr_nonnull(strstr(bench_work(bench, CORE_STOP)->deviations, "\"reason\""));
    bench_commit(bench, CORE_STOP);
    ck_assert_str_eq(bench_last(bench), "[3,\"1\",{}]");
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_TOLERATED), 1);
    bench_free(bench);
}
END_TEST

START_TEST(a_strict_station_is_refused_what_deviates_but_never_evidence)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench->strict = true;
    bench_say(bench, conn, "[2,\"1\",\"Heartbeat\",{\"colour\":\"red\"}]");
    ck_assert_ptr_nonnull(strstr(bench_last(bench), "[4,\"1\",\"FormationViolation\""));
    bench_say(bench, conn, "[2,\"2\",\"Heartbeat\",{}]");
    ck_assert_ptr_nonnull(strstr(bench_last(bench), "[3,\"2\","));
    bench_say(bench, conn,
        "[2,\"3\",\"StopTransaction\",{\"transactionId\":17,\"meterStop\":2000,\"timestamp\":"
        "\"2025-11-24T16:00:00Z\",\"reason\":\"Whim\"}]");
    bench_commit(bench, CORE_STOP);
    ck_assert_str_eq(bench_last(bench), "[3,\"3\",{}]");
    bench_free(bench);
}
END_TEST

START_TEST(a_busy_start_goes_on_without_its_hold)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, START);
    ck_assert(!bench_work(bench, CORE_START)->work.unsecured);
    bench_done(bench, CORE_START, CORE_BUSY, NULL);
    ck_assert(bench_work(bench, CORE_START)->work.unsecured);
    ck_assert(!bench_work(bench, CORE_START)->work.patient);
    ck_assert_uint_eq(bench->sent_count, 0);
    bench_done(bench, CORE_START, CORE_DONE, &started);
    ck_assert_uint_eq(bench->sent_count, 1);
    bench_free(bench);
}
END_TEST

START_TEST(what_else_is_busy_waits_with_a_worker_and_is_put_off_at_last)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, STOP);
    bench_done(bench, CORE_STOP, CORE_BUSY, NULL);
    for (int i = 0; i < 3; i++) {
        ck_assert(bench_work(bench, CORE_STOP)->work.patient);
        ck_assert_uint_eq(bench->closed_count, 0);
        bench_done(bench, CORE_STOP, CORE_BUSY, NULL);
    }
    ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_RESTART);
    ck_assert_uint_eq(bench->sent_count, 0);
    bench_free(bench);
}
END_TEST

START_TEST(a_refused_message_is_confirmed)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, STOP);
    bench_done(bench, CORE_STOP, CORE_REFUSED, &nothing);
    ck_assert_str_eq(bench_last(bench), "[3,\"p1\",{}]");
    bench_say(bench, conn, START);
    bench_done(bench, CORE_START, CORE_REFUSED, &nothing); /* without a transaction */
    bench_done(
        bench, CORE_UNUSABLE, CORE_DONE, &(struct core_answer){.transaction_id = 5});
    ck_assert_ptr_nonnull(strstr(bench_last(bench), "\"transactionId\":5"));
    bench_free(bench);
}
END_TEST

START_TEST(a_statement_that_fails_leaves_evidence_or_no_answer)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, "[2,\"a\",\"Authorize\",{\"idTag\":\"T\"}]");
    bench_done(bench, CORE_AUTHORIZE, CORE_FAILED, NULL);
    ck_assert_ptr_nonnull(strstr(bench_last(bench), "\"InternalError\""));
    bench_say(bench, conn, METER("17"));
    bench_done(bench, CORE_READINGS, CORE_FAILED, NULL);
    ck_assert_str_eq(bench_work(bench, CORE_UNUSABLE)->frame, METER("17"));
    ck_assert_uint_eq(bench->sent_count, 1);
    bench_done(bench, CORE_UNUSABLE, CORE_FAILED, NULL);
    ck_assert_uint_eq(bench->sent_count, 1);
    ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_INTERNAL);
    bench_free(bench);
}
END_TEST

START_TEST(without_a_database_nothing_is_answered)
{
    static const char *const rows[] = {START, STOP, METER("17"), BOOT};
    static const enum core_work_kind kinds[] = {CORE_START, CORE_STOP, CORE_READINGS, CORE_BOOT};
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, rows[_i]);
    bench_done(bench, kinds[_i], CORE_AWAY, NULL);
    ck_assert_uint_eq(bench->sent_count, 0);
    ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_RESTART);
    bench_free(bench);
}
END_TEST

START_TEST(piles_are_closed_while_the_database_is_away_and_come_back_by_themselves)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_join(bench, 1, 2, CORE_ACCEPTED);
    bench_say(bench, conn, START);
    core_database_away(bench->core, bench->now);
    ck_assert_uint_eq(bench->closed_count, 2);
    ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_RESTART);
    ck_assert(!core_serving(bench->core));
    core_conn_open(bench->core, bench->now, bench_conn(2, 900), 3, "192.0.2.9");
    ck_assert_uint_eq(bench->closed_count, 3);
    bench_done(bench, CORE_START, CORE_DONE, &started); /* it was committed after all */
    ck_assert_uint_eq(bench->sent_count, 0);
    core_database_back(bench->core, bench->now);
    ck_assert(core_serving(bench->core));
    conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    bench_say(bench, conn, START);
    bench_done(bench, CORE_START, CORE_DONE, &started);
    ck_assert_uint_eq(bench->sent_count, 1);
    bench_free(bench);
}
END_TEST

START_TEST(a_full_lane_delays_and_loses_nothing)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench->lane_full = true;
    bench_say(bench, conn, START);
    bench_wait(bench, 300);
    ck_assert(!bench_has(bench, CORE_START));
    bench->lane_full = false;
    bench_wait(bench, 300);
    bench_done(bench, CORE_START, CORE_DONE, &started);
    ck_assert_uint_eq(bench->sent_count, 1);
    bench->lane_full = true;
    bench_say(bench, conn, STOP);
    core_conn_closed(bench->core, bench->now, conn, "closed by the pile");
    bench->lane_full = false;
    bench_wait(bench, 300);
    ck_assert(!bench_has(bench, CORE_STOP)); /* the pile still has it */
    bench_free(bench);
}
END_TEST

START_TEST(readings_of_unknown_transactions_are_suspect)
{
    struct bench *bench = bench_new();
    struct core_answer answer = {
        .epoch = 900, .registration = CORE_ACCEPTED, .open_transactions = "12,15"};
    struct core_conn conn = bench_conn(0, 900);
    const struct core_reading *reading;

    core_conn_open(bench->core, bench->now, conn, 1, "192.0.2.1");
    bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &answer);
    bench_say(bench, conn, METER("15"));
    reading = bench_work(bench, CORE_READINGS)->work.readings;
    ck_assert(!reading->suspect);
    bench_commit(bench, CORE_READINGS);
    bench_say(bench, conn, METER("17"));
    reading = bench_work(bench, CORE_READINGS)->work.readings;
    ck_assert(reading->suspect);
    bench_commit(bench, CORE_READINGS);
    bench_say(bench, conn, START);
    bench_done(bench, CORE_START, CORE_DONE, &started);
    bench_say(bench, conn, METER("17"));
    reading = bench_work(bench, CORE_READINGS)->work.readings;
    ck_assert(!reading->suspect);
    bench_commit(bench, CORE_READINGS);
    bench_say(bench, conn, STOP);
    bench_commit(bench, CORE_STOP);
    bench_say(bench, conn, METER("17"));
    reading = bench_work(bench, CORE_READINGS)->work.readings;
    ck_assert(reading->suspect);
    bench_free(bench);
}
END_TEST

START_TEST(an_answer_holds_no_more_than_the_schema_allows)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    struct core_answer answer = {.status = "Accepted", .parent = "123456789012345678901"};

    bench_say(bench, conn, "[2,\"a\",\"Authorize\",{\"idTag\":\"T\"}]");
    bench_done(bench, CORE_AUTHORIZE, CORE_DONE, &answer);
    ck_assert_str_eq(bench_last(bench), "[3,\"a\",{\"idTagInfo\":{\"status\":\"Accepted\"}}]");
    bench_say(bench, conn, "[2,\"a\",\"Authorize\",{\"idTag\":\"T\"}]");
    answer = (struct core_answer){.status = "NoSuchStatus", .parent = "P",
        .has_expiry = true, .expiry_us = INT64_C(1764000000000000)};
    bench_done(bench, CORE_AUTHORIZE, CORE_DONE, &answer);
    ck_assert_str_eq(bench_last(bench),
        "[3,\"a\",{\"idTagInfo\":{\"expiryDate\":\"2025-11-24T16:00:00.000Z\","
        "\"parentIdTag\":\"P\",\"status\":\"Invalid\"}}]");
    bench_free(bench);
}
END_TEST

START_TEST(a_queue_delivered_in_one_run_is_queued)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn,
        "[2,\"s\",\"StartTransaction\",{\"connectorId\":1,\"idTag\":\"T\",\"meterStart\":1,"
        "\"timestamp\":\"2025-11-24T09:00:00Z\"}]");
    ck_assert(bench_work(bench, CORE_START)->work.queued); /* before this connection */
    bench_done(bench, CORE_START, CORE_DONE, &started);
    bench_wait(bench, 3600000);
    bench_say(bench, conn,
        "[2,\"s\",\"StartTransaction\",{\"connectorId\":2,\"idTag\":\"T\",\"meterStart\":1,"
        "\"timestamp\":\"2025-11-24T16:30:00Z\"}]");
    ck_assert(!bench_work(bench, CORE_START)->work.queued); /* connected throughout: doubtful */
    bench_free(bench);
}
END_TEST

START_TEST(a_drain_answers_what_is_in_work_and_takes_nothing_more)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_join(bench, 1, 2, CORE_ACCEPTED);
    bench_say(bench, conn, START);
    bench_say(bench, conn, METER("17"));
    core_drain(bench->core, bench->now);
    ck_assert_uint_eq(bench->closed_count, 1); /* the idle one */
    ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_GOING_AWAY);
    bench_done(bench, CORE_START, CORE_DONE, &started);
    ck_assert_uint_eq(bench->sent_count, 1);
    ck_assert(!bench_has(bench, CORE_READINGS));
    ck_assert_uint_eq(bench->closed_count, 2);
    core_conn_open(bench->core, bench->now, bench_conn(5, 901), 7, "192.0.2.1");
    ck_assert_uint_eq(bench->closed_count, 3);
    bench_free(bench);
}
END_TEST

/* Every action of the catalogue, as a CALL of a pile: an answer or work, never silence, and no
 * confirmation before the commit. */
START_TEST(every_action_is_answered_or_worked)
{
    enum ocpp_action action = (enum ocpp_action)_i;
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    char text[128];
    bool ours = !(ocpp_action_sender(action) & OCPP_SENDER_PILE);

    snprintf(text, sizeof text, "[2,\"1\",\"%s\",{}]", ocpp_action_name(action));
    bench_say(bench, conn, text);
    if (ours)
        ck_assert_ptr_nonnull(strstr(bench_last(bench), "\"NotSupported\""));
    else if (action == OCPP_HEARTBEAT)
        ck_assert_int_eq(strncmp(bench_last(bench), "[3,", 3), 0);
    else if (ocpp_action_gate(action) == OCPP_GATE_EVIDENCE)
        ck_assert(bench_has(bench, CORE_UNUSABLE) && bench->sent_count == 0);
    else
        ck_assert(bench->sent_count == 1 && strncmp(bench_last(bench), "[4,", 3) == 0);
    bench_free(bench);
}
END_TEST

int main(void)
{
    const struct bench_test tests[] = {
        {a_confirmation_waits_for_the_commit, 0},
        {heartbeat_is_answered_from_memory, 0},
        {large_messages_in_work_have_a_sum_and_small_ones_pass_it, 0},
        {the_sum_of_large_messages_is_a_setting, 0},
        {a_large_message_in_work_holds_back_the_next_of_its_station, 0},
        {a_large_message_of_a_lost_connection_counts_until_it_is_stored, 0},
        {a_message_above_the_limit_is_told_of_its_station, 0},
        {calls_are_worked_one_at_a_time_and_in_order, 0},
        {a_full_queue_pauses_the_socket_and_a_flood_ends_it, 0},
        {what_is_no_request_of_a_pile_gets_its_error, ERROR_ROWS},
        {a_refusal_names_the_member, 2},
        {what_is_no_frame_is_not_answered, 0},
        {an_integer_id_comes_back_as_it_was_sent, 0},
        {an_integer_id_is_refused_to_a_strict_station_but_not_for_evidence, 0},
        {an_id_still_in_work_is_refused_for_another_content, 0},
        {a_reused_id_never_refuses_a_transaction_message, 0},
        {before_acceptance_only_evidence_and_boot_are_worked, 3},
        {a_boot_is_answered_by_its_state, 6},
        {unusable_evidence_is_kept_and_confirmed, UNUSABLE_ROWS},
        {a_tolerated_message_carries_its_deviations, 0},
        {a_strict_station_is_refused_what_deviates_but_never_evidence, 0},
        {a_busy_start_goes_on_without_its_hold, 0},
        {what_else_is_busy_waits_with_a_worker_and_is_put_off_at_last, 0},
        {a_refused_message_is_confirmed, 0},
        {a_statement_that_fails_leaves_evidence_or_no_answer, 0},
        {without_a_database_nothing_is_answered, 4},
        {piles_are_closed_while_the_database_is_away_and_come_back_by_themselves, 0},
        {a_full_lane_delays_and_loses_nothing, 0},
        {readings_of_unknown_transactions_are_suspect, 0},
        {an_answer_holds_no_more_than_the_schema_allows, 0},
        {a_queue_delivered_in_one_run_is_queued, 0},
        {a_drain_answers_what_is_in_work_and_takes_nothing_more, 0},
        {every_action_is_answered_or_worked, OCPP_ACTION_COUNT},
    };

    return bench_run("core station", tests, COUNT(tests));
}
