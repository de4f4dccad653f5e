/* test_truth.c - what a pile wrote down it knows again, and what is no truth it refuses. */
#include "simulators/truth.h"

#include <check.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];
static struct sim_truth truth;
static struct sim_queue queue;
static struct sim_error error;

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/joulebook-truth.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert(sim_truth_open(&truth, dir, "P", &error));
    sim_queue_init(&queue);
}

static void teardown(void)
{
    char path[96];

    sim_truth_close(&truth);
    sim_queue_done(&queue);
    snprintf(path, sizeof path, "%s/P.jsonl", dir);
    unlink(path);
    rmdir(dir);
}

static struct sim_session *write_session(const char *tag)
{
    struct sim_reading reading = {
        .at_us = 1000000, .register_mwh = 5000, .voltage_mv = 400000, .soc_ppm = 200000};
    struct sim_session *session = sim_queue_begin(&queue, 2, tag, &reading);

    sim_truth_begin(&truth, queue.tail->seq, session);
    reading.at_us = 2000000;
    reading.register_mwh = 6500;
    ck_assert(sim_queue_reading(&queue, session, &reading));
    sim_truth_reading(&truth, queue.tail->seq, session->number, &reading);
    return session;
}

static void write_end(struct sim_session *session)
{
    struct sim_reading end = {.at_us = 3000000, .register_mwh = 7777, .soc_ppm = -1};

    ck_assert(sim_queue_end(&queue, session, &end, "Local"));
    sim_truth_end(&truth, queue.tail->seq, session);
}

static void write_answer(int64_t transaction_id)
{
    sim_truth_sent(&truth, queue.head, "id-1", 3100000, "{\"a\":1}");
    sim_truth_answered(&truth, queue.head, 3200000, transaction_id, "Accepted");
    sim_queue_sent(&queue);
    sim_queue_answered(&queue, transaction_id);
}

static bool recall(struct sim_queue *ret_queue, struct sim_recalled *ret)
{
    sim_queue_init(ret_queue);
    return sim_truth_recall(&truth, ret_queue, ret, &error);
}

START_TEST(queue_and_registers_come_back)
{
    struct sim_queue again;
    struct sim_recalled recalled;
    struct sim_session *session = write_session("A\"B\\");

    write_answer(4711);
    write_end(session);
    ck_assert_msg(recall(&again, &recalled), "%s", error.text);
    ck_assert_uint_eq(again.count, 2);
    ck_assert_uint_eq(again.open, 1);
    ck_assert_int_eq(again.head->message, SIM_READING);
    ck_assert_int_eq(again.head->reading.register_mwh, 6500);
    ck_assert_int_eq(again.head->session->transaction_id, 4711);
    ck_assert_str_eq(again.head->session->tag, "A\"B\\");
    ck_assert_int_eq(again.tail->session->end.register_mwh, 7777);
    ck_assert_uint_eq(again.next_seq, queue.next_seq);
    ck_assert(!recalled.known[0]);
    ck_assert(recalled.known[1]);
    ck_assert_int_eq(recalled.register_mwh[1], 7777);
    ck_assert_int_eq(recalled.last_us, 3000000);
    sim_queue_done(&again);
}
END_TEST

START_TEST(attempts_and_losses_come_back)
{
    struct sim_queue again;
    struct sim_recalled recalled;
    struct sim_retry twice = {.attempts = 2};

    write_session("A");
    sim_truth_sent(&truth, queue.head, "id-1", 1, "{}");
    sim_queue_sent(&queue);
    sim_truth_failed(&truth, queue.head, 2, "no answer");
    ck_assert_int_eq(sim_queue_failed(&queue, &twice, 0), SIM_KEPT);
    ck_assert(recall(&again, &recalled));
    ck_assert_uint_eq(again.head->attempts, 1);
    ck_assert(again.head->sent_once);
    sim_queue_done(&again);

    sim_truth_lost(&truth, queue.head, 3);
    ck_assert(recall(&again, &recalled));
    ck_assert_int_eq(again.head->message, SIM_READING);
    ck_assert_int_eq(again.head->session->transaction_id, -1);
    sim_queue_done(&again);
}
END_TEST

START_TEST(a_line_that_a_crash_cut_off_is_forgotten)
{
    struct sim_queue again;
    struct sim_recalled recalled;
    static const char half[] = "{\"record\":\"reading\",\"seq\":3,\"sess";
    off_t before = 0;

    write_session("A");
    before = lseek(truth.fd, 0, SEEK_END);
    ck_assert_int_eq(write(truth.fd, half, sizeof half - 1), sizeof half - 1);
    ck_assert(recall(&again, &recalled));
    ck_assert_uint_eq(again.count, 2);
    ck_assert_int_eq(lseek(truth.fd, 0, SEEK_END), before);
    sim_queue_done(&again);
}
END_TEST

static const char *const lies[] = {
    "no json\n",
    "[1]\n",
    "{\"record\":\"begin\",\"at_us\":1}\n",
    "{\"record\":\"reading\",\"seq\":1,\"session\":9,\"at_us\":1,\"register_mwh\":1,\"voltage_mv\":"
    "0,\"soc_ppm\":-1}\n",
    "{\"record\":\"answered\",\"seq\":1,\"session\":1,\"at_us\":1}\n",
    "{\"record\":\"begin\",\"seq\":7,\"session\":1,\"connector\":1,\"tag\":\"A\",\"at_us\":1,"
    "\"register_mwh\":1,"
    "\"voltage_mv\":0,\"soc_ppm\":-1}\n",
    "{\"record\":\"begin\",\"seq\":1,\"session\":1,\"connector\":1,\"tag\":\"A\",\"at_us\":1,"
    "\"register_mwh\":1.5,"
    "\"voltage_mv\":0,\"soc_ppm\":-1}\n",
};

START_TEST(what_is_no_truth_is_refused)
{
    struct sim_queue again;
    struct sim_recalled recalled;

    ck_assert_int_eq(write(truth.fd, lies[_i], strlen(lies[_i])), strlen(lies[_i]));
    ck_assert(!recall(&again, &recalled));
    ck_assert_ptr_nonnull(strstr(error.text, "record 1"));
    sim_queue_done(&again);
}
END_TEST

START_TEST(an_identity_becomes_a_file_name_of_its_own)
{
    char name[64];

    ck_assert_uint_gt(sim_identity_encode(name, sizeof name, "A 1/2*"), 0);
    ck_assert_str_eq(name, "A%201%2F2%2A");
    ck_assert_uint_eq(sim_identity_encode(name, 4, "ABCD"), 0);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_said)
{
    struct sim_truth other;

    ck_assert(!sim_truth_open(&other, "/nonexistent", "P", &error));
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent/P.jsonl"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulators truth");
    TCase *tcase = tcase_create("truth");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, queue_and_registers_come_back);
    tcase_add_test(tcase, attempts_and_losses_come_back);
    tcase_add_test(tcase, a_line_that_a_crash_cut_off_is_forgotten);
    tcase_add_loop_test(tcase, what_is_no_truth_is_refused, 0, sizeof lies / sizeof *lies);
    tcase_add_test(tcase, an_identity_becomes_a_file_name_of_its_own);
    tcase_add_test(tcase, a_folder_that_is_not_there_is_said);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
