/* test_fleet.c - the fleet file: taken as written, refused with the member's name. */
#include "simulators/fleet.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sim_fleet fleet;
static struct sim_error error;

START_TEST(the_shipped_fleet_is_two_sites_and_twenty_piles)
{
    ck_assert_msg(sim_fleet_read(SOURCE_ROOT "/simulators/fleets/quickstart.json", &fleet, &error),
        "%s", error.text);
    ck_assert_uint_eq(fleet.site_count, 2);
    ck_assert_uint_eq(fleet.pile_count, 20);
    ck_assert_uint_eq(fleet.charge_count, 2);
    ck_assert_str_eq(fleet.piles[0].identity, "CP-1");
    ck_assert_str_eq(fleet.piles[19].identity, "BE-8");
    ck_assert_int_eq(fleet.piles[0].model->power_mw, 120000000);
    ck_assert(!fleet.piles[19].model->dc);
    ck_assert_uint_eq(fleet.card_count, 40); /* those of the two charges are not drawn */
    sim_fleet_done(&fleet);
}
END_TEST

#define MODELS                                                                                     \
    "\"models\":[{\"name\":\"M\",\"vendor\":\"V\",\"model\":\"m\",\"current\":\"DC\",\"power_w\":" \
    "1000,\"connectors\":1}],"
#define VEHICLES                                                                                   \
    "\"vehicles\":[{\"name\":\"c\",\"capacity_wh\":1000,\"ac_limit_w\":1000,\"curve\":[]}],"
#define SITES "\"sites\":[{\"code\":\"S\",\"currency\":\"EUR\"}],"
#define PILES "\"piles\":[{\"identity\":\"P\",\"site\":\"S\",\"model\":\"M\"}],"
#define USERS "\"users\":[{\"tag\":\"T\",\"currency\":\"EUR\"}]"

static const struct {
    const char *text, *complaint;
} wrong[] = {
    {"{", "no JSON"},
    {"{}", "needs piles"},
    {"{" MODELS VEHICLES SITES
     "\"piles\":[{\"identity\":\"P\",\"site\":\"X\",\"model\":\"M\"}]," USERS "}",
        "piles[0]: member site"},
    {"{" MODELS VEHICLES SITES
     "\"piles\":[{\"identity\":\"P\",\"site\":\"S\",\"model\":\"X\"}]," USERS "}",
        "piles[0]: member model"},
    {"{" MODELS VEHICLES SITES
     "\"piles\":[{\"identity\":\"P\",\"site\":\"S\",\"model\":\"M\",\"key\":\"0g\"}]," USERS "}",
        "piles[0]: member key"},
    {"{\"models\":[{\"name\":\"M\",\"vendor\":\"V\",\"model\":\"m\",\"current\":\"XX\",\"power_w\":"
     "1,\"connectors\":1}]}",
        "models[0]: member current"},
    {"{\"models\":[{\"name\":\"M\",\"vendor\":\"V\",\"model\":\"m\",\"current\":\"AC\",\"power_w\":"
     "1.5,\"connectors\":1}]}",
        "models[0]: member power_w"},
    {"{\"vehicles\":[{\"name\":\"c\",\"capacity_wh\":0,\"ac_limit_w\":1}]}",
        "vehicles[0]: member capacity_wh"},
    {"{\"vehicles\":[{\"name\":\"c\",\"capacity_wh\":9,\"ac_limit_w\":1,\"curve\":[[50,1],[20,1]]}]"
     "}",
        "vehicles[0]: member curve"},
    {"{\"sites\":[{\"code\":\"S\",\"currency\":\"EUR\",\"arrivals\":{\"per_connector_day\":1,"
     "\"hour_weights\":[1]}}]}",
        "sites[0]: member hour_weights"},
    {"{\"sites\":[{\"currency\":\"EUR\"}]}", "sites[0]: member code"},
    {"{" MODELS VEHICLES SITES PILES
     "\"users\":[{\"tag\":\"012345678901234567890\",\"currency\":\"EUR\"}]}",
        "users[0]: member tag"},
    {"{" MODELS VEHICLES SITES PILES USERS ",\"charges\":[{\"pile\":\"P\",\"tag\":\"T\"}]}",
        "charges[0]: member seconds"},
    {"{\"sample_interval_s\":-1," MODELS VEHICLES SITES PILES USERS "}", "sample_interval_s"},
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(what_is_wrong_is_named)
{
    char path[] = "/tmp/joulebook-fleet.XXXXXX";

    close(mkstemp(path));
    write_file(path, wrong[_i].text);
    ck_assert(!sim_fleet_read(path, &fleet, &error));
    ck_assert_msg(strstr(error.text, wrong[_i].complaint) != NULL, "%s", error.text);
    unlink(path);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_said)
{
    ck_assert(!sim_fleet_read("/nonexistent.json", &fleet, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent.json"));
}
END_TEST

START_TEST(keys_are_hexadecimal_of_at_most_twenty_bytes)
{
    struct sim_key key = {.length = 99};

    ck_assert(sim_key_read("00fFa1", &key));
    ck_assert_uint_eq(key.length, 3);
    ck_assert_int_eq(key.bytes[1], 0xff);
    ck_assert(!sim_key_read("", &key));
    ck_assert(!sim_key_read("0", &key));
    ck_assert(!sim_key_read("zz", &key));
    ck_assert(!sim_key_read("000102030405060708090a0b0c0d0e0f1011121314", &key));
    ck_assert_uint_eq(key.length, 3);
}
END_TEST

START_TEST(a_key_file_gives_each_pile_its_own)
{
    char path[] = "/tmp/joulebook-keys.XXXXXX";

    ck_assert(sim_fleet_read(SOURCE_ROOT "/tests/simulators/bench.json", &fleet, &error));
    close(mkstemp(path));
    write_file(path, "# keys\n\nB-1 0102\nB 4/x a0b0c0\nNOBODY 00\n");
    ck_assert_msg(sim_fleet_read_keys(&fleet, path, &error), "%s", error.text);
    ck_assert_uint_eq(fleet.piles[0].key.length, 2);
    ck_assert_uint_eq(fleet.piles[3].key.length, 3);
    write_file(path, "B-1 xyz\n");
    ck_assert(!sim_fleet_read_keys(&fleet, path, &error));
    ck_assert_ptr_nonnull(strstr(error.text, ":1:"));
    unlink(path);
    sim_fleet_done(&fleet);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulators fleet");
    TCase *tcase = tcase_create("fleet");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, the_shipped_fleet_is_two_sites_and_twenty_piles);
    tcase_add_loop_test(tcase, what_is_wrong_is_named, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tcase, a_file_that_is_not_there_is_said);
    tcase_add_test(tcase, keys_are_hexadecimal_of_at_most_twenty_bytes);
    tcase_add_test(tcase, a_key_file_gives_each_pile_its_own);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
