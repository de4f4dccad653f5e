/* test_call.c - commands: claimed, sent at most once, ended exactly once. */
#include "csms/core/station.h"

#include "tests/core/support.h"

#include <string.h>

static const struct core_answer reset = {.command = 9, .action = "Reset",
    .payload = "{\"type\":\"Soft\"}", .message_id = "u-1"};
static const struct core_answer remote_start = {.command = 10, .action = "RemoteStartTransaction",
    .payload = "{\"idTag\":\"T1\",\"connectorId\":1}", .message_id = "u-2", .timeout_s = 60};

/* Gives the command to the station; what was sent before is forgotten. */
static void command(struct bench *bench, int64_t station, const struct core_answer *row)
{
    core_command_hint(bench->core, bench->now, station);
    bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, row);
}

static const struct bench_work *ended(const struct bench *bench)
{
    for (uint32_t i = bench->work_count; i > 0; i--)
        if (bench->work[i - 1].work.kind == CORE_COMMAND_ANSWER)
            return &bench->work[i - 1];
    return NULL;
}

/* The claim that was undone last; its state tells nothing. */
static const struct bench_work *put_back(const struct bench *bench)
{
    for (uint32_t i = bench->work_count; i > 0; i--)
        if (bench->work[i - 1].work.kind == CORE_COMMAND_UNSENT)
            return &bench->work[i - 1];
    return NULL;
}

START_TEST(a_call_leaves_only_after_its_claim)
{
    struct bench *bench = bench_new();

    bench_join(bench, 0, 1, CORE_ACCEPTED);
    core_command_hint(bench->core, bench->now, 1);
    ck_assert_uint_eq(bench->sent_count, 0);
    bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, &reset);
    ck_assert_str_eq(bench_last(bench), "[2,\"u-1\",\"Reset\",{\"type\":\"Soft\"}]");
    bench_free(bench);
}
END_TEST

START_TEST(an_answer_ends_the_command_by_its_status)
{
    static const struct {
        const char *text, *state, *answer;
    } rows[] = {
        {"[3,\"u-1\",{\"status\":\"Accepted\"}]", "accepted", "{\"status\":\"Accepted\"}"},
        {"[3,\"u-1\",{\"status\":\"Rejected\"}]", "rejected", "{\"status\":\"Rejected\"}"},
        {"[3,\"u-1\",{}]", "call_error", NULL},
        {"[3,\"u-1\",{\"status\":\"Perhaps\"}]", "unknown", "{\"status\":\"Perhaps\"}"},
        {"[3,\"u-1\",{\"status\":\"accepted\"}]", "unknown", "{\"status\":\"accepted\"}"},
        {"[3,\"u-1\",{\"status\":7}]", "unknown", "{\"status\":7}"},
        {"[4,\"u-1\",\"InternalError\",\"no\",{}]", "call_error",
            "{\"code\":\"InternalError\",\"text\":\"no\"}"},
        {"[4,\"u-1\",\"InternalError\",\"no\"]", "call_error", NULL},
    };
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    command(bench, 1, &reset);
    bench_say(bench, conn, rows[_i].text);
    ck_assert_ptr_nonnull(ended(bench));
    ck_assert_str_eq(ended(bench)->state, rows[_i].state);
    ck_assert_int_eq(ended(bench)->work.command, 9);
    ck_assert_str_eq(ended(bench)->message_id, "u-1"); /* the claim, and no later one */
    if (rows[_i].answer != NULL)
        ck_assert_str_eq(ended(bench)->text, rows[_i].answer);
    ck_assert(bench_has(bench, CORE_COMMAND_NEXT)); /* the next one may wait already */
    bench_free(bench);
}
END_TEST

START_TEST(foreign_answers_are_counted_and_ignored)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    command(bench, 1, &reset);
    bench_say(bench, conn, "[3,\"u-2\",{\"status\":\"Accepted\"}]");
    bench_say(bench, conn, "[4,\"other\",\"InternalError\",\"\",{}]");
    ck_assert_ptr_null(ended(bench));
    bench_say(bench, conn, "[3,\"u-1\",{\"status\":\"Accepted\"}]");
    bench_say(bench, conn, "[3,\"u-1\",{\"status\":\"Rejected\"}]");
    ck_assert_str_eq(ended(bench)->state, "accepted");
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_UNMATCHED), 3);
    bench_free(bench);
}
END_TEST

START_TEST(one_call_is_outstanding_at_a_time)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    command(bench, 1, &reset);
    core_command_hint(bench->core, bench->now, 1);
    ck_assert(!bench_has(bench, CORE_COMMAND_NEXT));
    bench_say(bench, conn, "[3,\"u-1\",{\"status\":\"Accepted\"}]");
    bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, &remote_start);
    ck_assert_uint_eq(bench->sent_count, 2);
    bench_free(bench);
}
END_TEST

START_TEST(a_call_without_answer_times_out)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    command(bench, 1, &remote_start); /* names 60 s */
    bench_wait(bench, 59900);
    ck_assert_ptr_null(ended(bench));
    bench_wait(bench, 200);
    ck_assert_str_eq(ended(bench)->state, "timed_out");
    bench_say(bench, conn, "[3,\"u-2\",{\"status\":\"Accepted\"}]"); /* too late */
    ck_assert_str_eq(ended(bench)->state, "timed_out");
    ck_assert_uint_eq(bench->closed_count, 0);
    bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, &reset); /* 30 s, the node's own */
    bench_wait(bench, 30000);
    ck_assert_int_eq(ended(bench)->work.command, 9);
    bench_free(bench);
}
END_TEST

START_TEST(a_connection_that_ends_leaves_the_outcome_unknown)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    command(bench, 1, &reset);
    if (_i == 0)
        core_conn_closed(bench->core, bench->now, conn, "closed by the pile");
    else
        conn = bench_join(bench, 1, 1, CORE_ACCEPTED);
    ck_assert_str_eq(ended(bench)->state, "unknown");
    ck_assert_str_eq(ended(bench)->message_id, "u-1");
    bench_say(bench, conn, "[3,\"u-1\",{\"status\":\"Accepted\"}]"); /* never of the new one */
    ck_assert_str_eq(ended(bench)->state, "unknown");
    bench_free(bench);
}
END_TEST

/* The answer nobody waited for that was handed on last. */
static const struct bench_work *late(const struct bench *bench)
{
    for (uint32_t i = bench->work_count; i > 0; i--)
        if (bench->work[i - 1].work.kind == CORE_COMMAND_LATE)
            return &bench->work[i - 1];
    return NULL;
}

START_TEST(an_answer_that_nobody_waits_for_goes_to_the_database)
{
    static const struct {
        const char *text, *state, *answer;
    } rows[] = {
        {"[3,\"jb-9-1\",{\"status\":\"Accepted\"}]", "accepted", "{\"status\":\"Accepted\"}"},
        {"[3,\"jb-9-1\",{\"status\":\"Faulted\"}]", "rejected", "{\"status\":\"Faulted\"}"},
        {"[3,\"jb-9-1\",{\"listVersion\":4}]", "no_status", "{\"listVersion\":4}"},
        {"[4,\"jb-9-1\",\"InternalError\",\"no\",{}]", "call_error",
            "{\"code\":\"InternalError\",\"text\":\"no\"}"},
    };
    struct bench *bench = bench_new();
    struct core_conn conn = bench_conn(0, 1);

    /* While the connection is being taken over, too: some piles answer at once. */
    core_conn_open(bench->core, bench->now, conn, 1, "192.0.2.1");
    bench_say(bench, conn, rows[_i].text);
    ck_assert_ptr_nonnull(late(bench));
    ck_assert_int_eq(late(bench)->work.station, 1);
    ck_assert_uint_eq(late(bench)->work.token, 0);
    ck_assert_str_eq(late(bench)->message_id, "jb-9-1");
    ck_assert_str_eq(late(bench)->state, rows[_i].state);
    ck_assert_str_eq(late(bench)->text, rows[_i].answer);
    bench_free(bench);
}
END_TEST

START_TEST(an_answer_with_an_id_that_is_none_of_ours_goes_nowhere)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench_say(bench, conn, "[3,\"u-1\",{\"status\":\"Accepted\"}]");
    bench_say(bench, conn, "[3,\"\",{\"status\":\"Accepted\"}]");
    bench_say(
        bench, conn, "[3,\"jb-90123456789012345678901234567890-1234\",{\"status\":\"Accepted\"}]");
    ck_assert_ptr_null(late(bench));
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_UNMATCHED), 3);
    bench_free(bench);
}
END_TEST

START_TEST(a_pile_that_invents_answers_is_heeded_so_often_in_a_minute)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    uint32_t before = bench->work_count;

    for (uint32_t i = 0; i < CORE_LATE_MAX + 5; i++)
        bench_say(bench, conn, "[3,\"jb-9-1\",{\"status\":\"Accepted\"}]");
    ck_assert_uint_eq(bench->work_count - before, CORE_LATE_MAX);
    bench->now.mono_ms += CORE_LATE_WINDOW_MS;
    bench_say(bench, conn, "[3,\"jb-9-1\",{\"status\":\"Accepted\"}]");
    ck_assert_uint_eq(bench->work_count - before, CORE_LATE_MAX + 1);
    bench_free(bench);
}
END_TEST

START_TEST(a_claim_that_comes_back_too_late_is_not_sent)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    core_command_hint(bench->core, bench->now, 1);
    core_conn_closed(bench->core, bench->now, conn, "closed by the pile");
    conn = bench_conn(1, 500);
    core_conn_open(bench->core, bench->now, conn, 1, "192.0.2.1");
    bench_done(bench, CORE_TAKE_OVER, CORE_DONE,
        &(struct core_answer){.epoch = 700, .registration = CORE_ACCEPTED});
    bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, &reset); /* claimed with the old epoch */
    ck_assert_uint_eq(bench->sent_count, 0);
    ck_assert_ptr_null(ended(bench));
    ck_assert_int_eq(put_back(bench)->work.command, 9);
    ck_assert_str_eq(put_back(bench)->message_id, "u-1");
    bench_free(bench);
}
END_TEST

static const char boot[] =
    "[2,\"b\",\"BootNotification\",{\"chargePointVendor\":\"V\",\"chargePointModel\":\"M\"}]";

START_TEST(a_call_that_was_held_back_until_the_connection_ended_is_put_back)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);
    struct core_stats stats;

    core_command_hint(bench->core, bench->now, 1);
    bench_say(bench, conn, boot);
    bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, &remote_start);
    core_conn_closed(bench->core, bench->now, conn, "closed by the pile");
    ck_assert_uint_eq(bench->sent_count, 0);
    ck_assert_ptr_null(ended(bench));
    ck_assert_int_eq(put_back(bench)->work.command, 10);
    ck_assert_str_eq(put_back(bench)->message_id, "u-2");
    core_stats(bench->core, &stats);
    ck_assert_uint_eq(stats.calls_outstanding, 0);
    bench_free(bench);
}
END_TEST

START_TEST(a_call_that_the_transport_refused_has_not_left)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    bench->ending = true;
    bench_say(bench, conn, "[2,\"h\",\"Heartbeat\",{}]");
    ck_assert_uint_eq(bench->traced_out, 0);
    command(bench, 1, &remote_start);
    bench_wait(bench, 120 * 1000);
    ck_assert_ptr_null(ended(bench));
    core_conn_closed(bench->core, bench->now, conn, "message too large");
    ck_assert_ptr_null(ended(bench));
    ck_assert_str_eq(put_back(bench)->message_id, "u-2");
    ck_assert_uint_eq(bench->traced_out, 0);
    ck_assert_uint_eq(bench_notes(bench, CORE_NOTE_COMMAND), 0);
    bench_free(bench);
}
END_TEST

/* The claim comes back in the drain, or has come back and waits for the answer to a boot. */
START_TEST(a_claim_that_a_drain_meets_is_put_back_and_holds_up_nobody)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    core_command_hint(bench->core, bench->now, 1);
    if (_i == 1) {
        bench_say(bench, conn, boot);
        bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, &reset);
    }
    core_drain(bench->core, bench->now);
    ck_assert_uint_eq(bench->closed_count, 0);
    if (_i == 0)
        bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, &reset);
    else
        bench_done(bench, CORE_BOOT, CORE_DONE,
            &(struct core_answer){.registration = CORE_ACCEPTED});
    ck_assert_ptr_null(strstr(bench_last(bench), "Reset"));
    ck_assert_ptr_null(ended(bench));
    ck_assert_str_eq(put_back(bench)->message_id, "u-1");
    ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_GOING_AWAY);
    bench_free(bench);
}
END_TEST

START_TEST(a_call_that_has_left_is_never_put_back)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    command(bench, 1, &reset);
    ck_assert_uint_eq(bench->sent_count, 1);
    core_drain(bench->core, bench->now);
    if (_i == 0)
        core_conn_closed(bench->core, bench->now, conn, "closed by the pile");
    else
        core_close_all(bench->core, bench->now, CORE_CLOSE_GOING_AWAY, "the node is going down");
    ck_assert_ptr_null(put_back(bench));
    ck_assert_str_eq(ended(bench)->state, "unknown");
    bench_free(bench);
}
END_TEST

START_TEST(a_command_that_breaks_the_schema_is_refused_by_us)
{
    static const struct {
        const char *action, *payload;
    } rows[] = {
        {"Reset", "{\"type\":\"Gently\"}"},
        {"Reset", "{}"},
        {"Reset", "not json"},
        {"Reset", "{\"type\":\"Soft\",\"more\":1}"},
        {"Heartbeat", "{}"},
        {"NoSuchThing", "{}"},
    };
    struct bench *bench = bench_new();
    struct core_answer row = {.command = 11, .action = rows[_i].action,
        .payload = rows[_i].payload, .message_id = "u-9"};

    bench_join(bench, 0, 1, CORE_ACCEPTED);
    command(bench, 1, &row);
    ck_assert_uint_eq(bench->sent_count, 0);
    ck_assert_str_eq(ended(bench)->state, "refused");
    ck_assert_str_eq(ended(bench)->message_id, "u-9");
    ck_assert_ptr_nonnull(strstr(ended(bench)->text, "\"code\""));
    bench_free(bench);
}
END_TEST

START_TEST(registration_decides_what_may_be_sent)
{
    struct bench *bench = bench_new();

    bench_join(bench, 0, 1, CORE_NEVER_BOOTED);
    bench_join(bench, 1, 2, CORE_REJECTED);
    core_command_hint(bench->core, bench->now, 1);
    core_command_hint(bench->core, bench->now, 2);
    core_command_hint(bench->core, bench->now, 3);
    ck_assert(!bench_has(bench, CORE_COMMAND_NEXT));
    bench_join(bench, 2, 4, CORE_PENDING);
    command(bench, 4, &remote_start);
    ck_assert_uint_eq(bench->sent_count, 0);
    ck_assert_str_eq(ended(bench)->state, "refused");
    bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, &reset);
    ck_assert_uint_eq(bench->sent_count, 1);
    bench_free(bench);
}
END_TEST

START_TEST(nothing_is_sent_while_a_boot_is_unanswered)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    core_command_hint(bench->core, bench->now, 1);
    bench_say(bench, conn, boot);
    bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, &remote_start);
    ck_assert_uint_eq(bench->sent_count, 0); /* claimed, held back */
    bench_done(bench, CORE_BOOT, CORE_DONE,
        &(struct core_answer){.registration = _i == 0 ? CORE_ACCEPTED : CORE_PENDING});
    if (_i == 0) {
        ck_assert_ptr_nonnull(strstr(bench_last(bench), "RemoteStartTransaction"));
    } else {
        ck_assert_ptr_nonnull(strstr(bench_last(bench), "Pending"));
        ck_assert_str_eq(ended(bench)->state, "refused");
        ck_assert_str_eq(ended(bench)->message_id, "u-2");
    }
    bench_free(bench);
}
END_TEST

START_TEST(a_pending_station_may_send_what_was_triggered)
{
    static const struct core_answer trigger = {.command = 12, .action = "TriggerMessage",
        .payload = "{\"requestedMessage\":\"StatusNotification\"}", .message_id = "u-3"};
    static const char status[] =
        "[2,\"n\",\"StatusNotification\",{\"connectorId\":0,\"errorCode\":\"NoError\","
        "\"status\":\"Available\",\"timestamp\":\"2025-11-24T15:59:30Z\"}]";
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_PENDING);

    bench_say(bench, conn, status);
    ck_assert_ptr_nonnull(strstr(bench_last(bench), "SecurityError"));
    command(bench, 1, &trigger);
    bench_say(bench, conn, "[3,\"u-3\",{\"status\":\"Accepted\"}]");
    bench_commit(bench, CORE_COMMAND_NEXT);
    bench_say(bench, conn, status);
    bench_commit(bench, CORE_STATUS);
    ck_assert_str_eq(bench_last(bench), "[3,\"n\",{}]");
    bench_say(bench, conn, "[2,\"h\",\"Heartbeat\",{}]");
    ck_assert_ptr_nonnull(strstr(bench_last(bench), "SecurityError"));
    bench_wait(bench, 61000);
    bench_say(bench, conn, status);
    ck_assert_ptr_nonnull(strstr(bench_last(bench), "SecurityError"));
    bench_free(bench);
}
END_TEST

START_TEST(a_drain_waits_for_the_answer_and_claims_nothing)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    command(bench, 1, &reset);
    core_drain(bench->core, bench->now);
    ck_assert_uint_eq(bench->closed_count, 0);
    bench_say(bench, conn, "[3,\"u-1\",{\"status\":\"Accepted\"}]");
    ck_assert_str_eq(ended(bench)->state, "accepted");
    ck_assert(!bench_has(bench, CORE_COMMAND_NEXT));
    ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_GOING_AWAY);
    bench_free(bench);
}
END_TEST

int main(void)
{
    const struct bench_test tests[] = {
        {a_call_leaves_only_after_its_claim, 0},
        {an_answer_ends_the_command_by_its_status, 8},
        {foreign_answers_are_counted_and_ignored, 0},
        {one_call_is_outstanding_at_a_time, 0},
        {a_call_without_answer_times_out, 0},
        {a_connection_that_ends_leaves_the_outcome_unknown, 2},
        {an_answer_that_nobody_waits_for_goes_to_the_database, 4},
        {an_answer_with_an_id_that_is_none_of_ours_goes_nowhere, 0},
        {a_pile_that_invents_answers_is_heeded_so_often_in_a_minute, 0},
        {a_claim_that_comes_back_too_late_is_not_sent, 0},
        {a_call_that_was_held_back_until_the_connection_ended_is_put_back, 0},
        {a_call_that_the_transport_refused_has_not_left, 0},
        {a_claim_that_a_drain_meets_is_put_back_and_holds_up_nobody, 2},
        {a_call_that_has_left_is_never_put_back, 2},
        {a_command_that_breaks_the_schema_is_refused_by_us, 6},
        {registration_decides_what_may_be_sent, 0},
        {nothing_is_sent_while_a_boot_is_unanswered, 2},
        {a_pending_station_may_send_what_was_triggered, 0},
        {a_drain_waits_for_the_answer_and_claims_nothing, 0},
    };

    return bench_run("core call", tests, COUNT(tests));
}
