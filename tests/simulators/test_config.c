/* test_config.c - configuration keys: found without case, changed by their rules. */
#include "simulators/config.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

static struct sim_config config;

static void setup(void)
{
    sim_config_init(&config, 2, true);
}

static void teardown(void)
{
    sim_config_done(&config);
}

static const struct {
    const char *key, *value;
    enum sim_change change;
} changes[] = {
    {"HeartbeatInterval", "60", SIM_CHANGE_ACCEPTED},
    {"heartbeatinterval", "60", SIM_CHANGE_ACCEPTED},
    {"HeartbeatInterval", "0", SIM_CHANGE_REJECTED},
    {"HeartbeatInterval", "1.5", SIM_CHANGE_REJECTED},
    {"HeartbeatInterval", "soon", SIM_CHANGE_REJECTED},
    {"LocalAuthorizeOffline", "true", SIM_CHANGE_ACCEPTED},
    {"LocalAuthorizeOffline", "yes", SIM_CHANGE_REJECTED},
    {"MeterValuesSampledData", "SoC,Voltage", SIM_CHANGE_ACCEPTED},
    {"MeterValuesSampledData", "", SIM_CHANGE_ACCEPTED},
    {"MeterValuesSampledData", "SoC,RPM", SIM_CHANGE_REJECTED},
    {"NumberOfConnectors", "3", SIM_CHANGE_REJECTED},
    {"SupportedFeatureProfiles", "Core", SIM_CHANGE_REJECTED},
    {"WebSocketPingInterval", "-1", SIM_CHANGE_REJECTED},
    {"AuthorizationKey", "000102030405060708090a0b0c0d0e0f", SIM_CHANGE_ACCEPTED},
    {"AuthorizationKey", "0001", SIM_CHANGE_REJECTED},
    {"Whatever", "1", SIM_CHANGE_NOT_SUPPORTED},
};

START_TEST(a_change_follows_the_keys_rule)
{
    ck_assert_int_eq(
        sim_config_change(&config, changes[_i].key, changes[_i].value), changes[_i].change);
}
END_TEST

START_TEST(a_refused_change_changes_nothing)
{
    ck_assert_int_eq(sim_config_change(&config, "HeartbeatInterval", "77"), SIM_CHANGE_ACCEPTED);
    ck_assert_int_eq(sim_config_change(&config, "HeartbeatInterval", "0"), SIM_CHANGE_REJECTED);
    ck_assert_int_eq(sim_config_int(&config, SIM_KEY_HeartbeatInterval), 77);
}
END_TEST

START_TEST(lists_hold_whole_items)
{
    ck_assert(sim_config_lists(&config, SIM_KEY_MeterValuesSampledData, "SoC"));
    ck_assert(!sim_config_lists(&config, SIM_KEY_MeterValuesSampledData, "So"));
    ck_assert(!sim_config_lists(&config, SIM_KEY_StopTxnAlignedData, "SoC"));
}
END_TEST

START_TEST(the_key_of_the_pile_is_never_told)
{
    int key = sim_config_find("AuthorizationKey");

    ck_assert_int_eq(
        sim_config_change(&config, "AuthorizationKey", "000102030405060708090a0b0c0d0e0f"),
        SIM_CHANGE_ACCEPTED);
    ck_assert_ptr_null(sim_config_value(&config, key));
}
END_TEST

START_TEST(what_describes_the_pile_is_told)
{
    ck_assert_str_eq(sim_config_value(&config, SIM_KEY_NumberOfConnectors), "2");
    ck_assert(!sim_config_bool(&config, SIM_KEY_UnlockConnectorOnEVSideDisconnect));
    ck_assert(sim_config_readonly(SIM_KEY_NumberOfConnectors));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulators config");
    TCase *tcase = tcase_create("config");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_change_follows_the_keys_rule, 0, sizeof changes / sizeof *changes);
    tcase_add_test(tcase, a_refused_change_changes_nothing);
    tcase_add_test(tcase, lists_hold_whole_items);
    tcase_add_test(tcase, the_key_of_the_pile_is_never_told);
    tcase_add_test(tcase, what_describes_the_pile_is_told);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
