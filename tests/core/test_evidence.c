/* test_evidence.c - what is wrong with a part of a message does not lose the rest of it. */
#include "tests/core/support.h"

#include <stdio.h>
#include <string.h>

#define START_HEAD                                                                                 \
    "[2,\"s1\",\"StartTransaction\",{\"connectorId\":1,\"idTag\":\"T1\",\"meterStart\":1000,"      \
    "\"timestamp\":\"2025-11-24T16:00:00Z\","
#define KEYS_10(k)                                                                                 \
    "\"" k "0\":1,\"" k "1\":1,\"" k "2\":1,\"" k "3\":1,\"" k "4\":1,"                            \
    "\"" k "5\":1,\"" k "6\":1,\"" k "7\":1,\"" k "8\":1,\"" k "9\":1"

/* What the gate minds in a text that is JSON all the same. */
static const char *const odd[] = {
    "\"x\":\"\\u0000\"",
    "\"x\":\"\\ud800\"",
    "\"x\":\"\\udc00\\ud83d\\ud83d\\udd0c\"",
    "\"x\":\"\\u0000\",\"\\udfff\":\"\\ud800\"",
    "\"\\u0000\":1",
    "\"x\":1,\"x\":2",
    (KEYS_10("a") "," KEYS_10("b") "," KEYS_10("c") "," KEYS_10("d") "," KEYS_10("e") ","
        KEYS_10("f") "," KEYS_10("g")),
    "\"x\":1111111111222222222233333333334444444444555555555566666666667777777777",
    "\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
};

START_TEST(a_start_with_an_odd_member_is_kept_and_confirmed)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    struct bench_work *work;
    char text[2048];

    snprintf(text, sizeof text, START_HEAD "%s}]", odd[_i]);
    bench_say(bench, conn, text);
    ck_assert_uint_eq(bench->sent_count, 0);
    work = bench_work(bench, CORE_UNUSABLE);
    ck_assert_str_eq(work->frame, text);
    ck_assert_str_eq(work->code, "FormationViolation");
    ck_assert_int_eq(work->work.action, OCPP_START_TRANSACTION);
    bench_done(bench, CORE_UNUSABLE, CORE_DONE, &(struct core_answer){.transaction_id = 99});
    ck_assert_str_eq(bench_last(bench),
        "[3,\"s1\",{\"idTagInfo\":{\"status\":\"Invalid\"},\"transactionId\":99}]");
    bench_free(bench);
}
END_TEST

START_TEST(all_evidence_is_kept_whatever_odd_member_it_has)
{
    static const char *const actions[] = {
        "StopTransaction", "MeterValues", "SecurityEventNotification"};
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_PENDING);

    for (size_t i = 0; i < COUNT(actions); i++) {
        char text[2048], answer[32];

        snprintf(text, sizeof text, "[2,%zu,\"%s\",{%s}]", i, actions[i], odd[_i]);
        snprintf(answer, sizeof answer, "[3,%zu,{}]", i);
        bench_say(bench, conn, text);
        ck_assert_str_eq(bench_work(bench, CORE_UNUSABLE)->frame, text);
        bench_commit(bench, CORE_UNUSABLE);
        ck_assert_str_eq(bench_last(bench), answer);
    }
    bench_free(bench);
}
END_TEST

START_TEST(another_message_with_an_odd_member_gets_an_error)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    char text[2048];

    snprintf(text, sizeof text, "[2,\"a1\",\"Authorize\",{\"idTag\":\"T1\",%s}]", odd[_i]);
    bench_say(bench, conn, text);
    ck_assert_int_eq(
        strncmp(bench_last(bench), "[4,\"a1\",\"FormationViolation\",", 29), 0);
    ck_assert(!bench_has(bench, CORE_UNUSABLE));
    bench_free(bench);
}
END_TEST

static const char *const broken[] = {
    START_HEAD "\"x\":1,\"x\":2}",
    START_HEAD "\"x\":1,\"x\":2}]]",
    START_HEAD "\"x\":1,\"x\":2},1]",
    START_HEAD "\"x\":1,\"x\":02}]",
    START_HEAD "\"x\":\"\\u0000\",\"y\":\"\xff\"}]",
};

START_TEST(a_start_that_is_no_json_or_no_frame_gets_an_error)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, broken[_i]);
    ck_assert_int_eq(
        strncmp(bench_last(bench), "[4,\"s1\",\"FormationViolation\",", 29), 0);
    ck_assert(!bench_has(bench, CORE_UNUSABLE));
    bench_free(bench);
}
END_TEST

#define LETTERS_50 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwx"
#define LETTERS_250 LETTERS_50 LETTERS_50 LETTERS_50 LETTERS_50 LETTERS_50
#define START_TAIL                                                                                 \
    "\"StartTransaction\",{\"connectorId\":1,\"idTag\":\"T1\",\"meterStart\":1000,"              \
    "\"timestamp\":\"2025-11-24T16:00:00Z\"}]"

static const char *const odd_ids[] = {
    "\"\"", "\"{123e4567-e89b-12d3-a456-426614174000}\"", "\"" LETTERS_250 "12345\"",
    "\"a\\nb\"", "-1", "5.5", "1e3", "123456789012345678901234567890123456789"};

START_TEST(a_start_with_an_odd_id_is_worked_and_answered_with_it)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    char text[1024], answer[1024];

    bench->strict = _i % 2 != 0; /* evidence is tolerated in any case */
    snprintf(text, sizeof text, "[2,%s," START_TAIL, odd_ids[_i]);
    snprintf(answer, sizeof answer,
        "[3,%s,{\"idTagInfo\":{\"status\":\"Accepted\"},\"transactionId\":99}]", odd_ids[_i]);
    bench_say(bench, conn, text);
    ck_assert_uint_eq(bench->sent_count, 0);
    ck_assert_str_eq(bench_work(bench, CORE_START)->frame, text);
    ck_assert_ptr_nonnull(strstr(bench_work(bench, CORE_START)->deviations, "message id"));
    bench_done(bench, CORE_START, CORE_DONE,
        &(struct core_answer){.transaction_id = 99, .status = "Accepted"});
    ck_assert_str_eq(bench_last(bench), answer);
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_TOLERATED), 1);
    bench_free(bench);
}
END_TEST

static const char *const lost_ids[] = {
    "null", "true", "[]", "{\"a\":1}", "\"" LETTERS_250 "123456\"", "\"\\u0000\"", "\"\\ud800\""};

START_TEST(evidence_whose_id_cannot_be_given_back_is_kept_unanswered)
{
    static const char *const tails[] = {START_TAIL, "\"StopTransaction\",{\"x\":1,\"x\":1}]",
        "\"MeterValues\",{}]", "\"SecurityEventNotification\",7]"};
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    for (size_t i = 0; i < COUNT(tails); i++) {
        char text[1024];

        snprintf(text, sizeof text, "[2,%s,%s", lost_ids[_i], tails[i]);
        bench_say(bench, conn, text);
        ck_assert_str_eq(bench_work(bench, CORE_UNUSABLE)->frame, text);
        bench_done(bench, CORE_UNUSABLE, CORE_DONE, &(struct core_answer){.transaction_id = 99});
    }
    ck_assert_uint_eq(bench->sent_count, 0);
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_UNANSWERED), COUNT(tails));
    bench_say(bench, conn, "[2,\"h\",\"Heartbeat\",{}]");
    ck_assert_int_eq(strncmp(bench_last(bench), "[3,\"h\",", 7), 0);
    ck_assert_uint_eq(bench->closed_count, 0);
    bench_free(bench);
}
END_TEST

START_TEST(another_message_whose_id_cannot_be_given_back_is_passed_over)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, "[2,\"s\",\"StopTransaction\",{}]"); /* in work meanwhile */
    for (size_t i = 0; i < COUNT(lost_ids); i++) {
        char text[1024];

        snprintf(text, sizeof text, "[2,%s,\"%s\",{}]", lost_ids[i], i % 2 ? "Fly" : "Heartbeat");
        bench_say(bench, conn, text);
    }
    bench_say(bench, conn, "[2,\"a\",\"Fly\",{}]");
    bench_commit(bench, CORE_UNUSABLE);
    ck_assert_uint_eq(bench->sent_count, 2);
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_UNANSWERED), COUNT(lost_ids));
    ck_assert(!bench_has(bench, CORE_UNUSABLE));
    bench_free(bench);
}
END_TEST

START_TEST(a_stop_with_a_bad_element_stops_its_session)
{
    static const char text[] =
        "[2,\"p1\",\"StopTransaction\",{\"transactionId\":17,\"meterStop\":2000,\"timestamp\":"
        "\"2025-11-24T16:00:00Z\",\"transactionData\":[{\"timestamp\":\"2025-11-24T16:00:00Z\","
        "\"sampledValue\":null},{\"timestamp\":\"2025-11-24T16:00:00Z\",\"sampledValue\":"
        "[{\"value\":\"1900\"}]}]}]";
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    struct bench_work *work;

    bench_say(bench, conn, text);
    work = bench_work(bench, CORE_STOP);
    ck_assert_str_eq(work->frame, text);
    ck_assert_ptr_nonnull(strstr(work->deviations, "transactionData[0].sampledValue"));
    ck_assert_ptr_nonnull(strstr(work->readings, "\"import_mwh\":1900000"));
    bench_commit(bench, CORE_STOP);
    ck_assert_str_eq(bench_last(bench), "[3,\"p1\",{}]");
    bench_free(bench);
}
END_TEST

#define SAMPLES                                                                                    \
    "{\"connectorId\":1,\"meterValue\":[{\"timestamp\":\"2025-11-24T16:00:00Z\","                  \
    "\"sampledValue\":[{\"value\":\"5\"},{\"value\":null},"                                        \
    "{\"value\":\"70\",\"measurand\":\"SoC\"}]},{\"timestamp\":\"gestern\",\"sampledValue\":"      \
    "[{\"value\":\"6\"}]}]}"

static int64_t hash_of_samples(struct bench *bench, struct core_conn conn, const char *id)
{
    struct bench_work *work;
    const struct core_reading *reading;
    char text[1024];
    int64_t hash;

    snprintf(text, sizeof text, "[2,\"%s\",\"MeterValues\"," SAMPLES "]", id);
    bench_say(bench, conn, text);
    work = bench_work(bench, CORE_READINGS);
    ck_assert_uint_eq(work->work.reading_count, 1);
    reading = work->work.readings; /* alive while the message is in work */
    hash = reading->hash;
    ck_assert_int_eq(reading->value[CORE_IMPORT_MWH], 5000);
    ck_assert_int_eq(reading->value[CORE_SOC_PPM], 700000);
    ck_assert_ptr_nonnull(strstr(reading->extra, "\\\"gestern\\\""));
    ck_assert_ptr_nonnull(strstr(reading->extra, "meterValue[0].sampledValue[1].value"));
    ck_assert_ptr_nonnull(strstr(reading->extra, "meterValue[1].timestamp"));
    bench_commit(bench, CORE_READINGS);
    return hash;
}

START_TEST(good_samples_are_kept_and_what_was_lost_stays_beside_them)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    int64_t hash = hash_of_samples(bench, conn, "m1");

    ck_assert_str_eq(bench_last(bench), "[3,\"m1\",{}]");
    ck_assert_int_eq(hash_of_samples(bench, conn, "m2"), hash); /* the same again is a repeat */
    bench_free(bench);
}
END_TEST

START_TEST(meter_values_without_a_usable_element_stay_unusable)
{
    static const char text[] =
        "[2,\"m1\",\"MeterValues\",{\"connectorId\":1,\"meterValue\":[{\"timestamp\":"
        "\"2025-11-24T16:00:00Z\",\"sampledValue\":[{\"value\":null},7]},{\"timestamp\":null}]}]";
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    struct bench_work *work;

    bench_say(bench, conn, text);
    work = bench_work(bench, CORE_UNUSABLE);
    ck_assert_str_eq(work->frame, text);
    ck_assert_str_eq(work->member, "meterValue[0].sampledValue[0].value");
    bench_commit(bench, CORE_UNUSABLE);
    ck_assert_str_eq(bench_last(bench), "[3,\"m1\",{}]");
    bench_free(bench);
}
END_TEST

int main(void)
{
    const struct bench_test tests[] = {
        {a_start_with_an_odd_member_is_kept_and_confirmed, COUNT(odd)},
        {all_evidence_is_kept_whatever_odd_member_it_has, COUNT(odd)},
        {another_message_with_an_odd_member_gets_an_error, COUNT(odd)},
        {a_start_that_is_no_json_or_no_frame_gets_an_error, COUNT(broken)},
        {a_start_with_an_odd_id_is_worked_and_answered_with_it, COUNT(odd_ids)},
        {evidence_whose_id_cannot_be_given_back_is_kept_unanswered, COUNT(lost_ids)},
        {another_message_whose_id_cannot_be_given_back_is_passed_over, 1},
        {a_stop_with_a_bad_element_stops_its_session, 1},
        {good_samples_are_kept_and_what_was_lost_stays_beside_them, 1},
        {meter_values_without_a_usable_element_stay_unusable, 1},
    };

    return bench_run("evidence", tests, COUNT(tests));
}
