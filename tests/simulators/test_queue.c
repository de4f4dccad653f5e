/* test_queue.c - order, attempts and intervals of transaction messages (OCPP 1.6, 3.7.1). */
#include "simulators/queue.h"

#include <check.h>

#include <stdlib.h>

static const struct sim_retry by_default = {.attempts = 3, .interval_ms = 60000};
static struct sim_queue queue;

static void setup(void)
{
    sim_queue_init(&queue);
}

static void teardown(void)
{
    sim_queue_done(&queue);
}

static struct sim_session *one_session(void)
{
    struct sim_reading reading = {.at_us = 1000000, .register_mwh = 5000};
    struct sim_session *session = sim_queue_begin(&queue, 1, "TAG", &reading);

    ck_assert_ptr_nonnull(session);
    reading.register_mwh = 6000;
    ck_assert(sim_queue_reading(&queue, session, &reading));
    reading.register_mwh = 7000;
    ck_assert(sim_queue_end(&queue, session, &reading, "Local"));
    return session;
}

static void send_head(uint64_t now_ms, enum sim_message message)
{
    struct sim_entry *entry = sim_queue_due(&queue, now_ms);

    ck_assert_ptr_nonnull(entry);
    ck_assert_int_eq(entry->message, message);
    sim_queue_sent(&queue);
}

START_TEST(messages_leave_in_order_one_at_a_time)
{
    struct sim_session *session = one_session();

    ck_assert_uint_eq(queue.count, 3);
    send_head(0, SIM_START);
    ck_assert_ptr_null(sim_queue_due(&queue, UINT64_MAX));
    sim_queue_answered(&queue, 4711);
    ck_assert_int_eq(session->transaction_id, 4711);
    ck_assert_uint_eq(queue.open, 1);
    send_head(0, SIM_READING);
    sim_queue_answered(&queue, 0);
    send_head(0, SIM_STOP);
    sim_queue_answered(&queue, 0);
    ck_assert_uint_eq(queue.count, 0);
    ck_assert_uint_eq(queue.open, 0);
    ck_assert_ptr_null(queue.sessions);
}
END_TEST

START_TEST(a_connected_pile_waits_interval_times_transmissions_and_gives_up_at_the_last)
{
    one_session();
    send_head(1000, SIM_START);
    ck_assert_int_eq(sim_queue_failed(&queue, &by_default, 1000), SIM_KEPT);
    ck_assert_ptr_null(sim_queue_due(&queue, 60999));
    send_head(61000, SIM_START);
    ck_assert_int_eq(sim_queue_failed(&queue, &by_default, 70000), SIM_KEPT);
    ck_assert_ptr_null(sim_queue_due(&queue, 189999));
    send_head(190000, SIM_START);
    ck_assert_int_eq(sim_queue_failed(&queue, &by_default, 200000), SIM_LOST);
    send_head(200000, SIM_READING);
}
END_TEST

START_TEST(a_lost_start_leaves_its_session_without_a_transaction)
{
    struct sim_session *session = one_session();
    struct sim_retry once = {.attempts = 1};

    send_head(0, SIM_START);
    ck_assert_int_eq(sim_queue_failed(&queue, &once, 0), SIM_LOST);
    ck_assert_int_eq(session->transaction_id, -1);
    ck_assert(!session->started);
    ck_assert_uint_eq(queue.open, 0);
    send_head(0, SIM_READING);
    sim_queue_answered(&queue, 0);
    send_head(0, SIM_STOP);
    sim_queue_answered(&queue, 0);
    ck_assert_uint_eq(queue.open, 0);
}
END_TEST

START_TEST(a_broken_connection_counts_no_attempt_and_ends_the_waiting)
{
    one_session();
    send_head(0, SIM_START);
    ck_assert_int_eq(sim_queue_failed(&queue, &by_default, 0), SIM_KEPT);
    for (int i = 0; i < 100; i++) {
        sim_queue_disconnected(&queue);
        send_head(10, SIM_START);
    }
    ck_assert_uint_eq(queue.head->attempts, 1);
    ck_assert_int_eq(sim_queue_failed(&queue, &by_default, 10), SIM_KEPT);
    ck_assert_ptr_null(sim_queue_due(&queue, 10 + 2 * 60000 - 1));
}
END_TEST

START_TEST(attempts_are_counted_for_each_message_anew)
{
    struct sim_retry twice = {.attempts = 2, .interval_ms = 10};

    one_session();
    send_head(0, SIM_START);
    ck_assert_int_eq(sim_queue_failed(&queue, &twice, 0), SIM_KEPT);
    send_head(10, SIM_START);
    sim_queue_answered(&queue, 1);
    send_head(10, SIM_READING);
    ck_assert_int_eq(sim_queue_failed(&queue, &twice, 10), SIM_KEPT);
}
END_TEST

START_TEST(sessions_of_two_connectors_keep_apart)
{
    struct sim_reading reading = {.at_us = 1};
    struct sim_session *first = sim_queue_begin(&queue, 1, "A", &reading);
    struct sim_session *second = sim_queue_begin(&queue, 2, "B", &reading);

    ck_assert_uint_eq(first->number, 1);
    ck_assert_uint_eq(second->number, 2);
    send_head(0, SIM_START);
    sim_queue_answered(&queue, 10);
    send_head(0, SIM_START);
    sim_queue_answered(&queue, 11);
    ck_assert_int_eq(first->transaction_id, 10);
    ck_assert_int_eq(second->transaction_id, 11);
    ck_assert_uint_eq(queue.open, 2);
    ck_assert_ptr_eq(sim_queue_session(&queue, 2), second);
    ck_assert_ptr_null(sim_queue_session(&queue, 3));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulators queue");
    TCase *tcase = tcase_create("queue");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, messages_leave_in_order_one_at_a_time);
    tcase_add_test(
        tcase, a_connected_pile_waits_interval_times_transmissions_and_gives_up_at_the_last);
    tcase_add_test(tcase, a_lost_start_leaves_its_session_without_a_transaction);
    tcase_add_test(tcase, a_broken_connection_counts_no_attempt_and_ends_the_waiting);
    tcase_add_test(tcase, attempts_are_counted_for_each_message_anew);
    tcase_add_test(tcase, sessions_of_two_connectors_keep_apart);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
