/* test_meter.c - energy integrates exactly, however an interval is cut. */
#include "simulators/meter.h"
#include "simulators/random.h"

#include <check.h>

#include <stdlib.h>

START_TEST(sixty_seconds_at_120_kw_are_two_kwh)
{
    struct sim_meter meter = {.register_mwh = 7000};

    sim_meter_advance(&meter, 120000000, 60000);
    ck_assert_int_eq(meter.register_mwh, 7000 + 2000000);
    ck_assert_int_eq(meter.remainder_mw_ms, 0);
}
END_TEST

START_TEST(cutting_an_interval_changes_nothing)
{
    struct sim_random random;
    struct sim_meter whole = {0}, cut = {0};

    sim_random_init(&random, (uint64_t)_i, "meter", 0);
    for (int i = 0; i < 200; i++) {
        int64_t power_mw = sim_random_between(&random, 0, 150000000);
        int64_t duration_ms = sim_random_between(&random, 1, 100000);
        int64_t first_ms = sim_random_between(&random, 0, duration_ms);

        sim_meter_advance(&whole, power_mw, duration_ms);
        sim_meter_advance(&cut, power_mw, first_ms);
        sim_meter_advance(&cut, power_mw, duration_ms - first_ms);
        ck_assert_int_eq(whole.register_mwh, cut.register_mwh);
        ck_assert_int_eq(whole.remainder_mw_ms, cut.remainder_mw_ms);
    }
}
END_TEST

START_TEST(after_the_promised_time_the_energy_is_there_and_not_before)
{
    struct sim_random random;

    sim_random_init(&random, (uint64_t)_i, "time", 0);
    for (int i = 0; i < 200; i++) {
        struct sim_meter meter = {.remainder_mw_ms = sim_random_between(&random, 0, 3599999)};
        struct sim_meter early = meter;
        int64_t power_mw = sim_random_between(&random, 1, 150000000);
        int64_t energy_mwh = sim_random_between(&random, 1, 100000000);
        int64_t time_ms = sim_meter_time_ms(&meter, power_mw, energy_mwh);

        sim_meter_advance(&meter, power_mw, time_ms);
        ck_assert_int_ge(meter.register_mwh, energy_mwh);
        if (time_ms > 0) {
            sim_meter_advance(&early, power_mw, time_ms - 1);
            ck_assert_int_lt(early.register_mwh, energy_mwh);
        }
    }
}
END_TEST

START_TEST(without_power_nothing_comes_ever)
{
    struct sim_meter meter = {.register_mwh = 5};

    ck_assert_int_eq(sim_meter_time_ms(&meter, 0, 1), INT64_MAX);
    ck_assert_int_eq(sim_meter_time_ms(&meter, 0, 0), 0);
    sim_meter_advance(&meter, 0, 3600000);
    ck_assert_int_eq(meter.register_mwh, 5);
}
END_TEST

START_TEST(the_display_cuts_off)
{
    ck_assert_int_eq(sim_meter_wh(1999), 1);
    ck_assert_int_eq(sim_meter_wh(2000), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulators meter");
    TCase *tcase = tcase_create("meter");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, sixty_seconds_at_120_kw_are_two_kwh);
    tcase_add_loop_test(tcase, cutting_an_interval_changes_nothing, 0, 20);
    tcase_add_loop_test(tcase, after_the_promised_time_the_energy_is_there_and_not_before, 0, 20);
    tcase_add_test(tcase, without_power_nothing_comes_ever);
    tcase_add_test(tcase, the_display_cuts_off);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
