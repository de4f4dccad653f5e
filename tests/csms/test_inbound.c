/* test_inbound.c - work is bound to statements parameter by parameter. */
#include "csms/inbound.h"

#include "ocpp/frame.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME "\"2025-11-24T16:00:00Z\""

/* A request for each kind that has one. */
static const char *const frames[CORE_WORK_KINDS] = {
    [CORE_BOOT] = "[2,\"1\",\"BootNotification\",{\"chargePointVendor\":\"V\","
                  "\"chargePointModel\":\"M\"}]",
    [CORE_STATUS] = "[2,\"1\",\"StatusNotification\",{\"connectorId\":1,\"errorCode\":\"NoError\","
                    "\"status\":\"Available\"}]",
    [CORE_AUTHORIZE] = "[2,\"1\",\"Authorize\",{\"idTag\":\"T\"}]",
    [CORE_START] = "[2,\"1\",\"StartTransaction\",{\"connectorId\":1,\"idTag\":\"T\","
                   "\"meterStart\":7,\"timestamp\":" TIME "}]",
    [CORE_STOP] = "[2,\"1\",\"StopTransaction\",{\"transactionId\":9,\"meterStop\":8,"
                  "\"timestamp\":" TIME "}]",
    [CORE_DATA_TRANSFER] = "[2,\"1\",\"DataTransfer\",{\"vendorId\":\"x\"}]",
};

struct bound {
    struct ocpp_frame frame;
    struct core_work work;
    struct core_reading readings[2];
    struct db_args args;
};

static void bind(struct bound *bound, enum core_work_kind kind)
{
    struct ocpp_fault fault;

    memset(bound, 0, sizeof *bound);
    bound->work = (struct core_work){.kind = kind, .station = 5, .epoch = 2, .received_us = 1,
        .action = OCPP_ACTION_NONE, .text = "t", .frame = "[]", .state = "accepted"};
    for (int i = 0; i < 2; i++)
        bound->readings[i] = (struct core_reading){.at_us = i, .context = "Trigger"};
    bound->readings[1].present = (1u << CORE_QUANTITIES) - 1;
    bound->readings[1].has_transaction = true;
    bound->work.readings = bound->readings;
    bound->work.reading_count = 2;
    if (frames[kind] != NULL) {
        ck_assert_int_eq(ocpp_frame_read(frames[kind], strlen(frames[kind]), &ocpp_limits_pile,
                             &bound->frame, &fault),
            OCPP_READ_FRAME);
        ck_assert_int_ne(
            ocpp_frame_request(&bound->frame, &bound->work.request), OCPP_UNUSABLE);
    }
    db_args_init(&bound->args);
    inbound_bind(&bound->work, 3, &bound->args);
    ck_assert(db_args_ok(&bound->args));
}

static void bound_done(struct bound *bound)
{
    db_args_done(&bound->args);
    ocpp_frame_done(&bound->frame);
}

/* The highest $n of a statement's text. */
static int parameters(enum db_stmt stmt)
{
    int most = 0;

    for (const char *at = db_statements[stmt].text; (at = strchr(at, '$')) != NULL; at++) {
        int number = (int)strtol(at + 1, NULL, 10);

        if (number > most)
            most = number;
    }
    return most;
}

START_TEST(every_kind_binds_as_many_values_as_its_statement_has)
{
    enum core_work_kind kind = (enum core_work_kind)_i;
    struct bound bound;

    bind(&bound, kind);
    ck_assert_int_eq(bound.args.columns, parameters(inbound_statement(kind)));
    ck_assert_uint_eq(bound.args.rows, kind == CORE_READINGS ? 2 : 1);
    ck_assert_uint_eq(bound.args.in_row, 0);
    bound_done(&bound);
}
END_TEST

START_TEST(only_readings_travel_on_the_telemetry_lane)
{
    enum core_work_kind kind = (enum core_work_kind)_i;
    bool readings = kind == CORE_READINGS;

    ck_assert_int_eq(inbound_lane(kind), readings ? INBOUND_TELEMETRY : INBOUND_MONEY);
    ck_assert_int_eq(db_statements[inbound_statement(kind)].kind,
        readings ? DB_KIND_BULK : DB_KIND_CALL);
}
END_TEST

START_TEST(no_two_kinds_share_a_statement)
{
    for (int i = CORE_NO_WORK + 1; i < CORE_WORK_KINDS; i++)
        for (int k = CORE_NO_WORK + 1; k < i; k++)
            ck_assert_int_ne(inbound_statement((enum core_work_kind)i),
                inbound_statement((enum core_work_kind)k));
}
END_TEST

START_TEST(a_result_means_one_outcome)
{
    static const struct {
        enum db_result result;
        bool row;
        enum core_outcome outcome;
    } rows[] = {
        {DB_OK, true, CORE_DONE},
        {DB_OK, false, CORE_DONE},
        {DB_BUSY, true, CORE_BUSY},
        {DB_BUSY, false, CORE_BUSY},
        {DB_REFUSED, true, CORE_REFUSED},
        {DB_REFUSED, false, CORE_FAILED}, /* the statement itself: nothing is stored */
        {DB_CONFLICT, false, CORE_FAILED},
        {DB_NONE, false, CORE_FAILED},
        {DB_RETRY, false, CORE_AWAY},
        {DB_DOWN, false, CORE_AWAY},
        {DB_UNKNOWN, false, CORE_AWAY},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_int_eq(inbound_outcome(rows[i].result, rows[i].row), rows[i].outcome);
}
END_TEST

START_TEST(without_a_row_there_is_nothing_to_answer)
{
    struct core_answer answer = {.transaction_id = 9, .status = "x"};

    inbound_answer(CORE_READINGS, NULL, &answer);
    ck_assert_int_eq(answer.transaction_id, 0);
    ck_assert_ptr_null(answer.status);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inbound");
    TCase *tcase = tcase_create("inbound");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(
        tcase, every_kind_binds_as_many_values_as_its_statement_has,
        CORE_NO_WORK + 1, CORE_WORK_KINDS);
    tcase_add_loop_test(tcase, only_readings_travel_on_the_telemetry_lane,
        CORE_NO_WORK + 1, CORE_WORK_KINDS);
    tcase_add_test(tcase, no_two_kinds_share_a_statement);
    tcase_add_test(tcase, a_result_means_one_outcome);
    tcase_add_test(tcase, without_a_row_there_is_nothing_to_answer);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
