/* support.c - see support.h. */
#include "tests/ocpp/support.h"

#include <stdlib.h>
#include <string.h>

int support_run(const char *name, const struct support_test *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    SRunner *runner;
    bool signals = false;
    int failed;

    tcase_set_timeout(tcase, 120);
    for (size_t i = 0; i < count; i++) {
        tcase_add_loop_test_raise_signal(
            tcase, tests[i].test, tests[i].signal, 0, (int)tests[i].loops);
        signals |= tests[i].signal != 0;
    }
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    /* With the sanitizers a fork costs far more than most of these tests. */
    if (!signals && getenv("CK_FORK") == NULL)
        srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static char *exact_copy(const char *text, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    return copy;
}

enum ocpp_read support_frame_read(
    struct support_frame *ret, const char *text, size_t length, struct ocpp_fault *ret_fault)
{
    ret->text = exact_copy(text, length);
    return ocpp_frame_read(ret->text, length, &ocpp_limits_pile, &ret->frame, ret_fault);
}

void support_frame_done(struct support_frame *frame)
{
    ocpp_frame_done(&frame->frame);
    free(frame->text);
    frame->text = NULL;
}

enum ocpp_verdict support_payload_read(struct support_frame *ret, const char *text,
    enum ocpp_action action, bool confirmation, const void **ret_payload)
{
    ret->text = exact_copy(text, strlen(text));
    return ocpp_payload_read(
        ret->text, strlen(text), action, confirmation, &ret->frame, ret_payload);
}
