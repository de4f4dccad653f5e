/* support.h - one line for a test program's main. */
#ifndef TESTS_CSMS_SUPPORT_H
#define TESTS_CSMS_SUPPORT_H

#include <check.h>

/* Runs a suite of one case; fills the case with `add`. */
static inline int support_run(const char *name, void (*add)(TCase *))
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 60);
    add(tcase);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#endif
