/* test_roster.c - what the looks make of the directory's rows, which are a table of the test's. */
#include "csms/roster.h"
#include "tests/db/cluster.h"

#include "db/migrate.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The function's rows come from here, and its calls are counted. */
static const char rows_of_the_test[] =
    "CREATE TABLE public.row (seq bigint, station bigint, identity text, key_hashes text,"
    " blocked boolean DEFAULT false);"
    "CREATE SEQUENCE public.looks;"
    "CREATE OR REPLACE FUNCTION inbound.directory(p_since bigint, OUT seq bigint,"
    " OUT station bigint,"
    " OUT identity text, OUT key_hashes text, OUT security_profile smallint, OUT registration text,"
    " OUT boot_number integer, OUT blocked boolean, OUT ping_s integer, OUT quirks text)"
    " RETURNS SETOF record LANGUAGE sql VOLATILE AS $$"
    " SELECT r.seq, r.station, r.identity, r.key_hashes, 0::smallint, 'accepted', 1, r.blocked,"
    " NULL::integer, '' FROM (SELECT nextval('public.looks')) n, public.row r"
    " WHERE r.seq > p_since ORDER BY r.seq $$";

static char house[CLUSTER_TEXT_MAX];
static struct loop *loop;
static struct log *loglines;
static FILE *logfile;
static struct workers *pool;
static struct core_directory *directory;
static struct core *core;
static struct roster *roster;
static int closed[8]; /* by slot */

static bool take_work(void *ctx, const struct core_work *work)
{
    (void)ctx, (void)work;
    return true;
}

static void note_close(void *ctx, struct core_conn conn, int code, const char *reason)
{
    (void)ctx, (void)reason;
    closed[conn.slot] = code;
}

static void no_note(void *ctx, enum core_note note, int64_t station, const char *detail)
{
    (void)ctx, (void)note, (void)station, (void)detail;
}

static struct core_now now(void)
{
    return (struct core_now){loop_mono_ms(loop), loop_wall_us(loop)};
}

static void begin(const char *conninfo)
{
    struct worker_config workers = {.conninfo = conninfo, .name = "test", .role = "look",
        .threads = 1, .poll_ms = 100, .silence_ms = 10000};
    struct core_config config = {.connections = 8, .call_timeout_ms = 30000, .heartbeat_s = 300};
    struct core_ports ports = {.work = take_work, .close = note_close, .note = no_note};
    struct roster_config parts = {.node = 1};

    loop = loop_new();
    logfile = tmpfile();
    ck_assert(loop != NULL && logfile != NULL);
    loglines = log_new(fileno(logfile), LOG_LEVEL_DEBUG, LOG_FORMAT_JSON, 256);
    pool = workers_new(loop, &workers);
    directory = core_directory_new(1);
    core = core_new(&config, &ports);
    ck_assert(loglines != NULL && pool != NULL && directory != NULL && core != NULL);
    parts.loop = loop;
    parts.workers = pool;
    parts.directory = directory;
    parts.core = core;
    parts.log = loglines;
    roster = roster_new(&parts);
    ck_assert_ptr_nonnull(roster);
}

static void setup(void)
{
    cluster_exec(house, "TRUNCATE public.row; SELECT setval('public.looks', 1)");
    begin(house);
}

static void teardown(void)
{
    workers_free(pool, 1000);
    roster_free(roster);
    core_free(core);
    core_directory_free(directory);
    log_free(loglines);
    fclose(logfile);
    loop_free(loop);
}

static void stop(void *ctx)
{
    (void)ctx;
    loop_stop(loop);
}

static void wait_ms(uint32_t ms)
{
    struct wheel_timer timer = {.fire = stop};

    loop_timer_arm(loop, &timer, loop_mono_ms(loop) + ms);
    loop_run(loop);
}

/* Runs the loop until the condition holds, or a minute is over. */
#define UNTIL(condition)                                                                           \
    for (int turn_ = 0; turn_ < 1200 && !(condition); turn_++)                                     \
    wait_ms(50)

static uint32_t look(uint32_t wanted)
{
    roster_directory(roster);
    wait_ms(50);
    UNTIL(core_directory_count(directory) == wanted);
    return core_directory_count(directory);
}

static void rows(const char *values)
{
    char script[1024];

    snprintf(script, sizeof script,
        "INSERT INTO public.row (seq, station, identity, key_hashes, blocked) VALUES %s", values);
    cluster_exec(house, script);
}

static void pile_in(int64_t station)
{
    core_conn_open(core, now(), (struct core_conn){.slot = (uint32_t)station, .generation = 1},
        station, "10.0.0.1");
}

#define KEY_A "repeat('aa', 32)"
#define KEY_B "repeat('bb', 32)"

START_TEST(rows_that_cannot_be_read_are_told_once_and_not_let_in)
{
    char text[8192] = "";
    int told = 0;

    rows("(1, 1, 'GOOD', " KEY_A ", false), (2, 2, NULL, " KEY_A ", false),"
         " (3, 3, repeat('x', 65), " KEY_A ", false), (4, 4, E'TAB\\t', " KEY_A ", false),"
         " (5, 5, 'HASH', 'zz', false),"
         " (6, 6, 'FIVE', array_to_string(array_fill(" KEY_A ", ARRAY[5]), ','), false)");
    ck_assert_uint_eq(look(1), 1);
    ck_assert_ptr_nonnull(core_directory_find(directory, "GOOD", 4));
    ck_assert_ptr_null(core_directory_find(directory, "HASH", 4));
    ck_assert_uint_eq(roster_unreadable(roster), 5);
    ck_assert(roster_loaded(roster));
    look(1); /* they are behind the cursor now */
    ck_assert_uint_eq(roster_unreadable(roster), 5);
    log_free(loglines);
    loglines = NULL;
    rewind(logfile);
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, logfile), 0);
    for (const char *at = text; (at = strstr(at, "directory.unreadable")) != NULL; at++)
        told++;
    ck_assert_int_eq(told, 5);
    ck_assert_ptr_nonnull(strstr(text, "\"identity\":\"FIVE\""));
}
END_TEST

START_TEST(a_station_whose_row_becomes_unreadable_is_out_at_once)
{
    rows("(1, 1, 'ONE', " KEY_A ", false), (2, 2, 'TWO', " KEY_A ", false)");
    ck_assert_uint_eq(look(2), 2);
    pile_in(1);
    pile_in(2);
    cluster_exec(house, "UPDATE public.row SET key_hashes = 'zz', seq = 3 WHERE station = 1");
    ck_assert_uint_eq(look(1), 1);
    ck_assert_int_eq(closed[1], CORE_CLOSE_POLICY);
    ck_assert_int_eq(closed[2], 0);
    ck_assert_ptr_null(core_directory_find(directory, "ONE", 3));
    cluster_exec(
        house, "UPDATE public.row SET key_hashes = " KEY_B ", seq = 4 WHERE station = 1");
    ck_assert_uint_eq(look(2), 2); /* and in again when it can be read */
}
END_TEST

START_TEST(a_key_that_is_gone_closes_and_one_that_is_added_does_not)
{
    static const struct {
        const char *set;
        int closed;
    } cases[] = {
        {"key_hashes = " KEY_A " || ',' || " KEY_B, 0},
        {"key_hashes = " KEY_B, CORE_CLOSE_POLICY},
        {"key_hashes = ''", CORE_CLOSE_POLICY},
        {"blocked = true", CORE_CLOSE_POLICY},
    };
    char script[256];

    rows("(1, 1, 'ONE', " KEY_A ", false)");
    ck_assert_uint_eq(look(1), 1);
    pile_in(1);
    snprintf(script, sizeof script, "UPDATE public.row SET seq = 2, %s", cases[_i].set);
    cluster_exec(house, script);
    roster_directory(roster);
    UNTIL(core_directory_seq(directory) == 2);
    wait_ms(50);
    ck_assert_int_eq(closed[1], cases[_i].closed);
    ck_assert_int_eq(core_directory_seq(directory), 2);
}
END_TEST

START_TEST(who_asks_while_it_looks_has_one_more_look)
{
    int64_t before;

    rows("(1, 1, 'ONE', " KEY_A ", false)");
    ck_assert_uint_eq(look(1), 1);
    before = cluster_number(house, "SELECT last_value FROM public.looks");
    for (int i = 0; i < 7; i++)
        roster_directory(roster);
    UNTIL(cluster_number(house, "SELECT last_value FROM public.looks") >= before + 2);
    wait_ms(500);
    ck_assert_int_eq(cluster_number(house, "SELECT last_value FROM public.looks"), before + 2);
}
END_TEST

START_TEST(a_reload_forgets_who_is_gone)
{
    rows("(1, 1, 'ONE', " KEY_A ", false), (2, 2, 'TWO', " KEY_A ", false)");
    ck_assert_uint_eq(look(2), 2);
    cluster_exec(house, "DELETE FROM public.row WHERE station = 1");
    ck_assert_uint_eq(look(2), 2); /* a change that no row tells */
    roster_reload(roster);
    UNTIL(core_directory_count(directory) == 1);
    ck_assert_uint_eq(core_directory_count(directory), 1);
}
END_TEST

START_TEST(both_the_directory_and_the_clock_must_have_been_looked_at)
{
    uint64_t made_ms = roster_looked_ms(roster);

    wait_ms(300);
    look(0);
    ck_assert_uint_eq(roster_looked_ms(roster), made_ms);
    roster_clock(roster);
    UNTIL(roster_looked_ms(roster) != made_ms);
    ck_assert_uint_ge(roster_looked_ms(roster), made_ms + 300);
    ck_assert_int_lt(llabs(roster_behind_us(roster)), 1000000);
}
END_TEST

START_TEST(a_look_without_a_database_is_none)
{
    uint64_t made_ms;

    teardown();
    begin("host=/nonexistent");
    made_ms = roster_looked_ms(roster);
    roster_directory(roster);
    roster_clock(roster);
    wait_ms(500);
    ck_assert_uint_eq(roster_looked_ms(roster), made_ms);
    ck_assert(!roster_loaded(roster));
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("csms roster");
    TCase *cases = tcase_create("roster");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, rows_that_cannot_be_read_are_told_once_and_not_let_in);
    tcase_add_test(cases, a_station_whose_row_becomes_unreadable_is_out_at_once);
    tcase_add_loop_test(cases, a_key_that_is_gone_closes_and_one_that_is_added_does_not, 0, 4);
    tcase_add_test(cases, who_asks_while_it_looks_has_one_more_look);
    tcase_add_test(cases, a_reload_forgets_who_is_gone);
    tcase_add_test(cases, both_the_directory_and_the_clock_must_have_been_looked_at);
    tcase_add_test(cases, a_look_without_a_database_is_none);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void)
{
    struct db_fault fault;
    SRunner *runner;
    int failed;

    cluster_need();
    cluster_database(house);
    if (db_migrate(house, NULL, NULL, &fault) != DB_OK) {
        fprintf(stderr, "no schema: %s\n", fault.text);
        return 1;
    }
    cluster_exec(house, rows_of_the_test);
    runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
