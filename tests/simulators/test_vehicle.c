/* test_vehicle.c - batteries take what their curve says, and no more. */
#include "simulators/vehicle.h"

#include <check.h>

#include <stdlib.h>

static const struct sim_vehicle car = {
    .name = "car",
    .capacity_mwh = 50000000,
    .ac_limit_mw = 11000000,
    .curve = {{0, 60000000}, {200000, 100000000}, {800000, 40000000}, {1000000, 5000000}},
    .corners = 4,
};

static const struct {
    int64_t soc_ppm, offered_mw, power_mw;
} powers[] = {
    {0, 200000000, 60000000},
    {100000, 200000000, 80000000}, /* half-way between two corners */
    {200000, 200000000, 100000000},
    {500000, 200000000, 70000000},
    {900000, 200000000, 22500000},
    {500000, 22000000, 22000000}, /* the pile offers less */
    {500000, 0, 0},
    {1000000, 200000000, 0}, /* full */
};

START_TEST(power_follows_the_curve_and_the_offer)
{
    struct sim_battery battery;

    sim_battery_init(&battery, &car, powers[_i].soc_ppm);
    ck_assert_int_eq(sim_battery_power_mw(&battery, powers[_i].offered_mw), powers[_i].power_mw);
}
END_TEST

START_TEST(state_of_charge_is_energy_over_capacity)
{
    struct sim_battery battery;

    sim_battery_init(&battery, &car, 200000);
    ck_assert_int_eq(battery.energy_mwh, 10000000);
    battery.energy_mwh += 2500000;
    ck_assert_int_eq(sim_battery_soc_ppm(&battery), 250000);
}
END_TEST

START_TEST(room_is_what_is_left_to_the_target_and_never_negative)
{
    struct sim_battery battery;

    sim_battery_init(&battery, &car, 700000);
    ck_assert_int_eq(sim_battery_room_mwh(&battery, 800000), 5000000);
    ck_assert_int_eq(sim_battery_room_mwh(&battery, 700000), 0);
    ck_assert_int_eq(sim_battery_room_mwh(&battery, 100000), 0);
}
END_TEST

START_TEST(a_vehicle_without_a_curve_takes_the_offer)
{
    struct sim_vehicle plain = {.capacity_mwh = 1000000, .corners = 0};
    struct sim_battery battery;

    sim_battery_init(&battery, &plain, 999999);
    ck_assert_int_eq(sim_battery_power_mw(&battery, 12345), 12345);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulators vehicle");
    TCase *tcase = tcase_create("vehicle");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(
        tcase, power_follows_the_curve_and_the_offer, 0, sizeof powers / sizeof *powers);
    tcase_add_test(tcase, state_of_charge_is_energy_over_capacity);
    tcase_add_test(tcase, room_is_what_is_left_to_the_target_and_never_negative);
    tcase_add_test(tcase, a_vehicle_without_a_curve_takes_the_offer);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
