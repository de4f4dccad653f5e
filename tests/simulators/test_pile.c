/* test_pile.c - a pile's life against a system that the test plays. */
#include "bench_pile.h"

#include <unistd.h>

START_TEST(a_pile_boots_first_and_then_reports_itself_and_each_connector)
{
    bench_fleet();
    bench_start(0, 0, NULL);
    open_connection();
    ck_assert_int_eq(bench.sent_count, 1);
    ck_assert_ptr_nonnull(strstr(bench.sent[0], "\"BootNotification\""));
    answer_all();
    ck_assert_int_eq(bench.sent_count, 4);
    ck_assert_int_eq(
        sent_with("\"connectorId\":0,\"errorCode\":\"NoError\",\"status\":\"Available\""), 1);
    ck_assert_int_eq(
        sent_with("\"connectorId\":1,\"errorCode\":\"NoError\",\"status\":\"Available\""), 1);
    ck_assert_int_eq(
        sent_with("\"connectorId\":2,\"errorCode\":\"NoError\",\"status\":\"Available\""), 1);
}
END_TEST

START_TEST(a_pending_pile_says_nothing_but_boots_again_after_the_interval)
{
    bench_fleet();
    bench_start(0, 0, NULL);
    open_connection();
    system_confirms(
        "{\"status\":\"Pending\",\"currentTime\":\"2027-01-15T08:00:00Z\",\"interval\":40}");
    pass_s(39, false);
    ck_assert_int_eq(bench.sent_count, 1);
    pass_s(1, true);
    ck_assert_int_eq(sent_with("BootNotification"), 2);
    ck_assert_int_eq(sent_with("StatusNotification"), 3);
}
END_TEST

START_TEST(a_charge_of_sixty_seconds_at_120_kw_is_two_kwh_to_the_mwh)
{
    int64_t before_mwh;

    bench_up();
    before_mwh = bench.pile.connectors[0].meter.register_mwh;
    ask_charge(60);
    pass_s(120, true);
    ck_assert_int_eq(bench.pile.connectors[0].meter.register_mwh - before_mwh, 2000000);
    ck_assert_int_eq(sent_with("\"StartTransaction\""), 1);
    ck_assert_int_eq(sent_with("\"MeterValues\""), 2); /* at 20 s and 40 s */
    ck_assert_int_eq(sent_with("\"StopTransaction\""), 1);
    ck_assert_int_eq(sent_with("\"reason\":\"Local\""), 1);
    ck_assert(sim_pile_idle(&bench.pile));
}
END_TEST

START_TEST(the_states_of_a_charge_follow_one_another)
{
    int preparing, authorize, start, charging, stop, finishing, available;

    bench_up();
    bench.sent_count = 0;
    ask_charge(30);
    pass_s(120, true);
    preparing = sent_at("\"Preparing\"");
    authorize = sent_at("\"Authorize\"");
    start = sent_at("\"StartTransaction\"");
    charging = sent_at("\"status\":\"Charging\"");
    stop = sent_at("\"StopTransaction\"");
    finishing = sent_at("\"Finishing\"");
    available = sent_at("\"Available\"");
    ck_assert_int_ge(preparing, 0);
    ck_assert_int_lt(preparing, authorize);
    ck_assert_int_lt(authorize, start);
    ck_assert_int_lt(start, charging);
    ck_assert_int_lt(charging, stop);
    ck_assert_int_lt(stop, finishing);
    ck_assert_int_lt(finishing, available);
}
END_TEST

START_TEST(a_refused_card_starts_nothing)
{
    bench_up();
    bench.card_status = "Blocked";
    ask_charge(60);
    pass_s(120, true);
    ck_assert_int_eq(sent_with("\"Authorize\""), 1);
    ck_assert_int_eq(sent_with("\"StartTransaction\""), 0);
    ck_assert_uint_eq(bench.pile.counts.refused, 1);
    ck_assert_int_eq(bench.pile.connectors[0].status, OCPP_CHARGE_POINT_STATUS_AVAILABLE);
}
END_TEST

START_TEST(a_start_that_is_not_accepted_is_stopped_as_deauthorized)
{
    bench_up();
    bench.start_status = "Invalid";
    ask_charge(600);
    pass_s(60, true);
    ck_assert_int_eq(sent_with("\"reason\":\"DeAuthorized\""), 1);
    ck_assert_uint_eq(bench.pile.queue.count, 0);
}
END_TEST

START_TEST(or_only_starved_where_the_key_says_so)
{
    int64_t register_mwh;

    bench_up();
    system_says("[2,\"k\",\"ChangeConfiguration\",{\"key\":\"StopTransactionOnInvalidId\","
                "\"value\":\"false\"}]");
    bench.start_status = "Invalid";
    ask_charge(600);
    pass_s(20, true);
    register_mwh = bench.pile.connectors[0].meter.register_mwh;
    pass_s(60, true);
    ck_assert_int_eq(sent_with("\"StopTransaction\""), 0);
    ck_assert_int_eq(sent_with("\"SuspendedEVSE\""), 1);
    ck_assert_int_le(bench.pile.connectors[0].meter.register_mwh - register_mwh, 350000);
}
END_TEST

START_TEST(a_pile_without_connection_charges_and_delivers_later_in_order)
{
    bench_fleet();
    bench_start(0, 0, NULL);
    ask_charge(60);
    pass_s(100, false);
    ck_assert_int_eq(bench.sent_count, 0);
    ck_assert_uint_eq(bench.pile.queue.count, 4);
    open_connection();
    answer_all();
    ck_assert_int_lt(sent_at("\"StartTransaction\""), sent_at("\"MeterValues\""));
    ck_assert_int_lt(sent_at("\"MeterValues\""), sent_at("\"StopTransaction\""));
    ck_assert_uint_eq(bench.pile.queue.count, 0);
    ck_assert_uint_eq(bench.pile.counts.lost, 0);
}
END_TEST

/* The system answers all but the start, which stays on its way. */
static void until_start_is_out(void)
{
    for (int i = 0; i < BENCH_STEPS; i++) {
        if (bench.pile.call.active && bench.pile.call.action == OCPP_START_TRANSACTION)
            return;
        if (bench.pile.call.active)
            system_answers();
        else
            step(bench.now.mono_ms + 5000);
    }
    ck_abort_msg("no start was sent");
}

START_TEST(an_answer_that_got_lost_with_the_connection_is_asked_for_again)
{
    bench_up();
    ask_charge(600);
    until_start_is_out();
    sim_pile_closed(&bench.pile, bench.now, "cut");
    pass_s(9, false);
    open_connection();
    answer_all();
    ck_assert_int_eq(sent_with("\"StartTransaction\""), 2);
    ck_assert_int_eq(sent_with("\"BootNotification\""), 1); /* J-5.4: not on a mere reconnect */
    ck_assert_uint_eq(bench.pile.counts.lost, 0);
}
END_TEST

START_TEST(unanswered_three_times_a_message_is_the_piles_own_loss)
{
    uint64_t out_ms;

    bench_up();
    ask_charge(20);
    until_start_is_out();
    out_ms = bench.now.mono_ms;
    while (bench.pile.counts.lost == 0)
        step(bench.now.mono_ms + 5000);
    /* Three times MessageTimeout, and between them once and twice the interval. */
    ck_assert_uint_eq(bench.now.mono_ms - out_ms, 3 * 30000 + 60000 + 120000);
    ck_assert_int_eq(sent_with("\"StartTransaction\""), 3);
    answer_all();
    ck_assert_int_eq(sent_with("\"StopTransaction\",{\"idTag\":\"CARD\""), 1);
    ck_assert_int_eq(sent_with("\"transactionId\":-1"), 1); /* errata 3.18 */
}
END_TEST

START_TEST(a_callerror_is_waited_for_and_repeated_with_a_new_id)
{
    char text[256];
    uint64_t failed_ms;

    bench_up();
    ask_charge(600);
    until_start_is_out();
    snprintf(text, sizeof text, "[4,\"%s\",\"InternalError\",\"\",{}]", bench.pile.call.id);
    system_says(text);
    failed_ms = bench.now.mono_ms;
    while (sent_with("\"StartTransaction\"") < 2) {
        step(bench.now.mono_ms + 5000);
        if (bench.pile.call.active && bench.pile.call.action != OCPP_START_TRANSACTION)
            system_answers();
    }
    ck_assert_uint_eq(bench.now.mono_ms - failed_ms, 60000);
    ck_assert_int_eq(sent_with(bench.pile.call.id), 1);
}
END_TEST

START_TEST(a_late_or_foreign_answer_is_ignored)
{
    bench_up();
    system_says("[3,\"nobody\",{}]");
    system_says("[4,\"nobody\",\"GenericError\",\"\",{}]");
    system_says("no json");
    system_says("[5,\"x\",{}]");
    ck_assert_int_eq(bench.sent_count, 4);
}
END_TEST

START_TEST(a_pile_charges_from_afar_and_stops_from_afar)
{
    bench_up();
    system_says("[2,\"r1\",\"RemoteStartTransaction\",{\"connectorId\":2,\"idTag\":\"AFAR\"}]");
    ck_assert_int_eq(sent_with("[3,\"r1\",{\"status\":\"Accepted\"}]"), 1);
    pass_s(30, true);
    ck_assert_int_eq(sent_with("\"connectorId\":2,\"idTag\":\"AFAR\""), 1);
    ck_assert_int_eq(sent_with("\"Authorize\""), 0);
    system_says("[2,\"r2\",\"RemoteStopTransaction\",{\"transactionId\":99}]");
    ck_assert_int_eq(sent_with("[3,\"r2\",{\"status\":\"Rejected\"}]"), 1);
    system_says("[2,\"r3\",\"RemoteStopTransaction\",{\"transactionId\":1}]");
    answer_all();
    ck_assert_int_eq(sent_with("[3,\"r3\",{\"status\":\"Accepted\"}]"), 1);
    ck_assert_int_eq(sent_with("\"reason\":\"Remote\""), 1);
}
END_TEST

START_TEST(a_connector_in_use_takes_no_remote_start)
{
    bench_up();
    ask_charge(600);
    pass_s(10, true);
    system_says("[2,\"r1\",\"RemoteStartTransaction\",{\"connectorId\":1,\"idTag\":\"AFAR\"}]");
    ck_assert_int_eq(sent_with("[3,\"r1\",{\"status\":\"Rejected\"}]"), 1);
    system_says("[2,\"r2\",\"RemoteStartTransaction\",{\"connectorId\":9,\"idTag\":\"AFAR\"}]");
    ck_assert_int_eq(sent_with("[3,\"r2\",{\"status\":\"Rejected\"}]"), 1);
}
END_TEST

START_TEST(with_the_key_set_a_remote_start_asks_first)
{
    bench_up();
    system_says("[2,\"k\",\"ChangeConfiguration\",{\"key\":\"AuthorizeRemoteTxRequests\",\"value\":"
                "\"true\"}]");
    system_says("[2,\"r1\",\"RemoteStartTransaction\",{\"connectorId\":1,\"idTag\":\"AFAR\"}]");
    pass_s(30, true);
    ck_assert_int_lt(sent_at("\"Authorize\""), sent_at("\"StartTransaction\""));
    ck_assert_int_eq(sent_with("\"Authorize\""), 1);
}
END_TEST

START_TEST(a_reset_ends_sessions_boots_again_and_loses_nothing)
{
    bench_up();
    ask_charge(600);
    pass_s(30, true);
    system_says("[2,\"x\",\"Reset\",{\"type\":\"Soft\"}]");
    ck_assert_int_eq(sent_with("[3,\"x\",{\"status\":\"Accepted\"}]"), 1);
    ck_assert(bench.closing);
    sim_pile_closed(&bench.pile, bench.now, "reset");
    pass_s(5, false);
    open_connection();
    answer_all();
    ck_assert_int_eq(sent_with("\"BootNotification\""), 2);
    ck_assert_int_eq(sent_with("\"reason\":\"SoftReset\""), 1);
    ck_assert_uint_eq(bench.pile.queue.count, 0);
}
END_TEST

START_TEST(a_connector_in_use_becomes_unavailable_afterwards)
{
    bench_up();
    ask_charge(40);
    pass_s(10, true);
    system_says("[2,\"a1\",\"ChangeAvailability\",{\"connectorId\":1,\"type\":\"Inoperative\"}]");
    system_says("[2,\"a2\",\"ChangeAvailability\",{\"connectorId\":2,\"type\":\"Inoperative\"}]");
    system_says("[2,\"a3\",\"ChangeAvailability\",{\"connectorId\":3,\"type\":\"Inoperative\"}]");
    ck_assert_int_eq(sent_with("[3,\"a1\",{\"status\":\"Scheduled\"}]"), 1);
    ck_assert_int_eq(sent_with("[3,\"a2\",{\"status\":\"Accepted\"}]"), 1);
    ck_assert_int_eq(sent_with("[3,\"a3\",{\"status\":\"Rejected\"}]"), 1);
    pass_s(120, true);
    ck_assert_int_eq(bench.pile.connectors[0].status, OCPP_CHARGE_POINT_STATUS_UNAVAILABLE);
    ck_assert_int_eq(sent_with("\"status\":\"Unavailable\""), 2);
}
END_TEST

static const struct {
    const char *call, *answer;
} commands[] = {
    {"\"ClearCache\",{}", "{\"status\":\"Rejected\"}"},
    {"\"DataTransfer\",{\"vendorId\":\"v\"}", "{\"status\":\"UnknownVendorId\"}"},
    {"\"GetLocalListVersion\",{}", "{\"listVersion\":-1}"},
    {"\"SendLocalList\",{\"listVersion\":1,\"updateType\":\"Full\"}",
        "{\"status\":\"NotSupported\"}"},
    {"\"CancelReservation\",{\"reservationId\":1}", "{\"status\":\"Rejected\"}"},
    {"\"ClearChargingProfile\",{}", "{\"status\":\"Unknown\"}"},
    {"\"GetCompositeSchedule\",{\"connectorId\":1,\"duration\":60}", "{\"status\":\"Rejected\"}"},
    {"\"GetDiagnostics\",{\"location\":\"ftp://x/\"}", "{}"},
    {"\"UnlockConnector\",{\"connectorId\":1}", "{\"status\":\"NotSupported\"}"},
    {"\"ChangeConfiguration\",{\"key\":\"Nonsense\",\"value\":\"1\"}",
        "{\"status\":\"NotSupported\"}"},
    {"\"ChangeConfiguration\",{\"key\":\"NumberOfConnectors\",\"value\":\"1\"}",
        "{\"status\":\"Rejected\"}"},
    {"\"ChangeConfiguration\",{\"key\":\"MeterValueSampleInterval\",\"value\":\"-1\"}",
        "{\"status\":\"Rejected\"}"},
    {"\"ChangeConfiguration\",{\"key\":\"metervaluesampleinterval\",\"value\":\"15\"}",
        "{\"status\":\"Accepted\"}"},
    {"\"ChangeConfiguration\",{\"key\":\"MeterValuesSampledData\",\"value\":\"SoC,Frequency\"}",
        "{\"status\":\"Rejected\"}"},
    {"\"TriggerMessage\",{\"requestedMessage\":\"BootNotification\"}", "{\"status\":\"Rejected\"}"},
    {"\"TriggerMessage\",{\"requestedMessage\":\"MeterValues\",\"connectorId\":7}",
        "{\"status\":\"Rejected\"}"},
    {"\"RemoteStopTransaction\",{\"transactionId\":1}", "{\"status\":\"Rejected\"}"},
};

START_TEST(each_command_gets_its_answer)
{
    char call[256], answer[256];

    bench_up();
    snprintf(call, sizeof call, "[2,\"q\",%s]", commands[_i].call);
    snprintf(answer, sizeof answer, "[3,\"q\",%s]", commands[_i].answer);
    bench.sent_count = 0;
    system_says(call);
    ck_assert_str_eq(bench.sent[0], answer);
}
END_TEST

static const struct {
    const char *call, *error;
} errors[] = {
    {"\"FlyAway\",{}", "NotImplemented"},
    {"\"InstallCertificate\",{\"certificateType\":\"CentralSystemRootCertificate\",\"certificate\":"
     "\"x\"}",
        "NotSupported"},
    {"\"BootNotification\",{\"chargePointVendor\":\"a\",\"chargePointModel\":\"b\"}",
        "NotSupported"},
    {"\"Reset\",{}", "OccurenceConstraintViolation"},
    {"\"RemoteStopTransaction\",{\"transactionId\":\"one\"}", "TypeConstraintViolation"},
};

START_TEST(what_cannot_be_taken_gets_the_right_callerror)
{
    char call[256], begin[64];

    bench_up();
    snprintf(call, sizeof call, "[2,\"q\",%s]", errors[_i].call);
    snprintf(begin, sizeof begin, "[4,\"q\",\"%s\",", errors[_i].error);
    bench.sent_count = 0;
    system_says(call);
    ck_assert_msg(!strncmp(bench.sent[0], begin, strlen(begin)), "%s", bench.sent[0]);
}
END_TEST

START_TEST(configuration_is_told_whole_or_by_name)
{
    bench_up();
    bench.sent_count = 0;
    system_says("[2,\"q\",\"GetConfiguration\",{}]");
    ck_assert_int_eq(
        sent_with("\"key\":\"NumberOfConnectors\",\"readonly\":true,\"value\":\"2\""), 1);
    ck_assert_int_eq(sent_with("AuthorizationKey"), 0);
    system_says("[2,\"q2\",\"GetConfiguration\",{\"key\":[\"heartbeatinterval\",\"Nope\"]}]");
    ck_assert_str_eq(last_sent(),
        "[3,\"q2\",{\"configurationKey\":[{\"key\":\"HeartbeatInterval\",\"readonly\":false,"
        "\"value\":\"300\"}],\"unknownKey\":[\"Nope\"]}]");
}
END_TEST

START_TEST(what_is_triggered_follows_its_confirmation)
{
    bench_up();
    bench.sent_count = 0;
    system_says(
        "[2,\"q\",\"TriggerMessage\",{\"requestedMessage\":\"MeterValues\",\"connectorId\":2}]");
    ck_assert_str_eq(bench.sent[0], "[3,\"q\",{\"status\":\"Accepted\"}]");
    ck_assert_int_eq(sent_with("\"context\":\"Trigger\""), 1);
    ck_assert_int_eq(sent_with("\"transactionId\""), 0);
    answer_all();
    system_says("[2,\"q\",\"TriggerMessage\",{\"requestedMessage\":\"Heartbeat\"}]");
    ck_assert_int_eq(sent_with("\"Heartbeat\""), 1);
    answer_all();
    system_says(
        "[2,\"q\",\"TriggerMessage\",{\"requestedMessage\":\"FirmwareStatusNotification\"}]");
    ck_assert_int_eq(sent_with("\"FirmwareStatusNotification\",{\"status\":\"Idle\"}"), 1);
}
END_TEST

START_TEST(a_silent_pile_beats_its_heart)
{
    bench_up();
    pass_s(299, true);
    ck_assert_int_eq(sent_with("\"Heartbeat\""), 0);
    pass_s(2, true);
    ck_assert_int_eq(sent_with("\"Heartbeat\""), 1);
}
END_TEST

START_TEST(a_pile_that_catches_up_tells_a_past_without_future_and_in_order)
{
    char last[40] = "";

    bench_fleet();
    bench_start(2, 1, NULL);
    open_connection();
    answer_all();
    ck_assert(sim_pile_idle(&bench.pile));
    ck_assert_int_gt(sent_with("\"StartTransaction\""), 4);
    ck_assert_int_eq(sent_with("\"StartTransaction\""), sent_with("\"StopTransaction\""));
    ck_assert_int_eq(sent_with("\"Authorize\""), 0);
    ck_assert_int_eq(sent_with("\"StatusNotification\""), 3);
    for (int i = 0; i < bench.sent_count; i++) {
        const char *at = strstr(bench.sent[i], "\"timestamp\":\"");

        if (!at || strstr(bench.sent[i], "StatusNotification"))
            continue;
        ck_assert_str_le(at, "\"timestamp\":\"2027-01-15T08:00:00.000Z");
        if (strstr(bench.sent[i], "\"StopTransaction\""))
            continue; /* its first time is its session's begin */
        ck_assert_str_ge(at, last);
        snprintf(last, sizeof last, "%.37s", at);
    }
}
END_TEST

START_TEST(the_same_seed_tells_the_same_past)
{
    static char first[SENT_TEXT];
    int count;

    bench_fleet();
    bench_start(2, 1, NULL);
    open_connection();
    answer_all();
    count = bench.sent_count;
    snprintf(first, sizeof first, "%s", last_sent());
    bench_done();
    bench_fleet();
    bench_start(2, 1, NULL);
    open_connection();
    answer_all();
    ck_assert_int_eq(bench.sent_count, count);
    ck_assert_str_eq(last_sent(), first);
}
END_TEST

START_TEST(a_pile_that_lost_power_ends_its_session_from_memory)
{
    char dir[] = "/tmp/joulebook-truth.XXXXXX";
    char path[64];
    int64_t register_mwh;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    bench_fleet();
    bench_start(0, 0, dir);
    open_connection();
    answer_all();
    ask_charge(600);
    pass_s(50, true); /* begun after 3 s, read after 23 s and 43 s */
    register_mwh = bench.pile.connectors[0].session->begin.register_mwh + 40 * 120000000LL / 3600;
    bench_done();

    bench_fleet();
    bench_start(0, 0, dir);
    ck_assert_uint_eq(bench.pile.queue.count, 1);
    ck_assert_str_eq(bench.pile.queue.head->session->reason, "PowerLoss");
    ck_assert_int_eq(bench.pile.queue.head->session->end.register_mwh, register_mwh);
    ck_assert_int_eq(bench.pile.connectors[0].meter.register_mwh, register_mwh);
    open_connection();
    answer_all();
    ck_assert_int_eq(sent_with("\"transactionId\":1,\"reason\":\"PowerLoss\""), 1);
    snprintf(path, sizeof path, "%s/B-1.jsonl", dir);
    unlink(path);
    rmdir(dir);
}
END_TEST

static void add_life(TCase *tcase)
{
    tcase_add_test(tcase, a_pile_boots_first_and_then_reports_itself_and_each_connector);
    tcase_add_test(tcase, a_pending_pile_says_nothing_but_boots_again_after_the_interval);
    tcase_add_test(tcase, a_charge_of_sixty_seconds_at_120_kw_is_two_kwh_to_the_mwh);
    tcase_add_test(tcase, the_states_of_a_charge_follow_one_another);
    tcase_add_test(tcase, a_refused_card_starts_nothing);
    tcase_add_test(tcase, a_start_that_is_not_accepted_is_stopped_as_deauthorized);
    tcase_add_test(tcase, or_only_starved_where_the_key_says_so);
    tcase_add_test(tcase, a_pile_without_connection_charges_and_delivers_later_in_order);
    tcase_add_test(tcase, an_answer_that_got_lost_with_the_connection_is_asked_for_again);
    tcase_add_test(tcase, unanswered_three_times_a_message_is_the_piles_own_loss);
    tcase_add_test(tcase, a_callerror_is_waited_for_and_repeated_with_a_new_id);
    tcase_add_test(tcase, a_late_or_foreign_answer_is_ignored);
    tcase_add_test(tcase, a_silent_pile_beats_its_heart);
    tcase_add_test(tcase, a_pile_that_catches_up_tells_a_past_without_future_and_in_order);
    tcase_add_test(tcase, the_same_seed_tells_the_same_past);
    tcase_add_test(tcase, a_pile_that_lost_power_ends_its_session_from_memory);
}

static void add_commands(TCase *tcase)
{
    tcase_add_test(tcase, a_pile_charges_from_afar_and_stops_from_afar);
    tcase_add_test(tcase, a_connector_in_use_takes_no_remote_start);
    tcase_add_test(tcase, with_the_key_set_a_remote_start_asks_first);
    tcase_add_test(tcase, a_reset_ends_sessions_boots_again_and_loses_nothing);
    tcase_add_test(tcase, a_connector_in_use_becomes_unavailable_afterwards);
    tcase_add_loop_test(
        tcase, each_command_gets_its_answer, 0, sizeof commands / sizeof *commands);
    tcase_add_loop_test(
        tcase, what_cannot_be_taken_gets_the_right_callerror, 0, sizeof errors / sizeof *errors);
    tcase_add_test(tcase, configuration_is_told_whole_or_by_name);
    tcase_add_test(tcase, what_is_triggered_follows_its_confirmation);
}

int main(void)
{
    Suite *suite = suite_create("simulators pile");
    TCase *life = tcase_create("life");
    TCase *orders = tcase_create("commands");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, life);
    suite_add_tcase(suite, orders);
    tcase_add_checked_fixture(life, NULL, bench_done);
    tcase_add_checked_fixture(orders, NULL, bench_done);
    add_life(life);
    add_commands(orders);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
