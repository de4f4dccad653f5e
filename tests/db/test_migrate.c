/* test_migrate.c - the migrator, on sets of files made for the test. */
#include "tests/db/cluster.h"

#include "db/migrate.h"

#include <check.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char conninfo[CLUSTER_TEXT_MAX];
static struct db_fault fault;
static int applied, replaced, dropped;
static char last_dropped[200];

static void report(void *ctx, enum db_migrate_step step, const char *name)
{
    (void)ctx;
    applied += step == DB_MIGRATE_APPLIED;
    replaced += step == DB_MIGRATE_REPLACED;
    dropped += step == DB_MIGRATE_DROPPED;
    if (step == DB_MIGRATE_DROPPED)
        snprintf(last_dropped, sizeof last_dropped, "%s", name);
}

static enum db_result migrate(const struct db_migration *items, size_t count)
{
    struct db_migrations set = {items, count};
    struct db_migrate_ports ports = {NULL, report};

    applied = replaced = dropped = 0;
    return db_migrate(conninfo, &set, &ports, &fault);
}

static enum db_schema check(const struct db_migration *items, size_t count)
{
    struct db_migrations set = {items, count};
    struct db_conn *conn = cluster_connect(conninfo);
    enum db_schema schema = db_schema_check(conn, &set, &fault);

    db_conn_close(conn);
    return schema;
}

static void ok(const struct db_migration *items, size_t count)
{
    ck_assert_msg(migrate(items, count) == DB_OK, "%s", fault.text);
}

static void refused(const struct db_migration *items, size_t count, const char *why)
{
    ck_assert_int_ne(migrate(items, count), DB_OK);
    ck_assert_msg(strstr(fault.text, why) != NULL, "\"%s\" is not in \"%s\"", why, fault.text);
}

#define TABLES                                                                                     \
    {                                                                                              \
        DB_MIGRATION_NUMBERED, "0001_tables",                                                      \
            "CREATE SCHEMA s; CREATE TABLE s.a (x int); DO $$ BEGIN CREATE ROLE "                  \
            "test_migrate_reader;"                                                                 \
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;\n"            \
            "GRANT USAGE ON SCHEMA s TO test_migrate_reader;"                                      \
    }
#define MORE                                                                                       \
    {                                                                                              \
        DB_MIGRATION_NUMBERED, "0002_more", "CREATE TABLE s.b (y int)"                             \
    }
#define ONE(type, value)                                                                           \
    {                                                                                              \
        DB_MIGRATION_FUNCTION, "one",                                                              \
            "CREATE OR REPLACE FUNCTION s.one() RETURNS " type " LANGUAGE sql AS 'SELECT " value   \
            "::" type "';"                                                                         \
            "REVOKE ALL ON FUNCTION s.one() FROM PUBLIC;"                                          \
            "GRANT EXECUTE ON FUNCTION s.one() TO test_migrate_reader;"                            \
    }
#define VIEW(columns)                                                                              \
    {                                                                                              \
        DB_MIGRATION_VIEW, "v", "CREATE OR REPLACE VIEW s.v AS SELECT " columns " FROM s.a"        \
    }

static const struct db_migration base[] = {TABLES, MORE, ONE("int", "1"), VIEW("x")};

static void setup(void)
{
    cluster_database(conninfo);
    ok(base, 4);
}

START_TEST(a_fresh_database_gets_everything_once)
{
    ck_assert_int_eq(applied, 2);
    ck_assert_int_eq(replaced, 2);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT s.one() + count(*) FROM s.v"), 1);
    ck_assert_int_eq(check(base, 4), DB_SCHEMA_OK);
    ok(base, 4);
    ck_assert_int_eq(applied + replaced + dropped, 0);
}
END_TEST

START_TEST(an_edited_numbered_file_is_refused)
{
    const struct db_migration edited[] = {
        TABLES,
        {DB_MIGRATION_NUMBERED, "0002_more", "CREATE TABLE s.b (y bigint)"},
        ONE("int", "1"),
        VIEW("x"),
    };

    refused(edited, 4, "0002_more: was applied, and has been edited since");
    ck_assert_int_eq(check(edited, 4), DB_SCHEMA_OLDER);
}
END_TEST

START_TEST(a_renamed_numbered_file_is_refused)
{
    const struct db_migration renamed[] = {
        TABLES,
        {DB_MIGRATION_NUMBERED, "0002_other", "CREATE TABLE s.b (y int)"},
    };

    refused(renamed, 2, "0002_more: was applied, but is not in this build");
}
END_TEST

START_TEST(a_number_before_the_newest_is_refused)
{
    const struct db_migration gap[] = {
        TABLES,
        MORE,
        {DB_MIGRATION_NUMBERED, "0009_late", "SELECT 1"},
    };
    const struct db_migration filled[] = {
        TABLES,
        MORE,
        {DB_MIGRATION_NUMBERED, "0005_early", "SELECT 1"},
        {DB_MIGRATION_NUMBERED, "0009_late", "SELECT 1"},
    };

    ok(gap, 3);
    refused(filled, 4, "0005_early: comes before one that was applied already");
}
END_TEST

START_TEST(a_failing_numbered_file_changes_nothing_and_says_where)
{
    const struct db_migration failing[] = {
        TABLES,
        MORE,
        {DB_MIGRATION_NUMBERED, "0003_fails", "CREATE TABLE s.c (z int);\n\nSELEKT 1;"},
        ONE("int", "2"),
        VIEW("x"),
    };

    refused(failing, 5, "0003_fails: syntax error");
    ck_assert_ptr_nonnull(strstr(fault.text, "(line 3)"));
    ck_assert_str_eq(fault.sqlstate, "42601");
    ck_assert_int_eq(
        cluster_number(conninfo, "SELECT count(*) FROM pg_class WHERE relname = 'c'"), 0);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT s.one()"), 1);
}
END_TEST

START_TEST(a_changed_function_is_replaced_in_place)
{
    const struct db_migration changed[] = {TABLES, MORE, ONE("int", "2"), VIEW("x")};
    int64_t oid = cluster_number(conninfo, "SELECT 's.one'::regproc::oid::int8");

    ck_assert_int_eq(check(changed, 4), DB_SCHEMA_OLDER);
    ok(changed, 4);
    ck_assert_int_eq(replaced, 1);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT s.one()"), 2);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT 's.one'::regproc::oid::int8"), oid);
    ck_assert_int_eq(check(changed, 4), DB_SCHEMA_OK);
}
END_TEST

START_TEST(a_changed_result_is_dropped_and_made_with_its_grants)
{
    const struct db_migration changed[] = {TABLES, MORE, ONE("bigint", "3"), VIEW("x")};

    ok(changed, 4);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT s.one()"), 3);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT has_function_privilege('test_migrate_reader',"
                                              " 's.one()', 'execute')::int"),
        1);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM pg_proc, aclexplode(proacl) a"
                                              " WHERE proname = 'one' AND a.grantee = 0"),
        0);
}
END_TEST

START_TEST(changed_arguments_leave_no_second_function)
{
    const struct db_migration changed[] = {
        TABLES,
        MORE,
        {DB_MIGRATION_FUNCTION, "one",
            "CREATE OR REPLACE FUNCTION s.one(p int DEFAULT 5) RETURNS int LANGUAGE sql AS 'SELECT "
            "p';"
            "GRANT EXECUTE ON FUNCTION s.one TO test_migrate_reader"},
        VIEW("x"),
    };

    ok(changed, 4); /* the grant without arguments works only once the old one is gone */
    ck_assert_int_eq(
        cluster_number(conninfo, "SELECT count(*) FROM pg_proc WHERE proname = 'one'"), 1);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT s.one()"), 5);
}
END_TEST

START_TEST(what_a_file_no_longer_makes_is_dropped)
{
    const struct db_migration two[] = {
        TABLES,
        MORE,
        {DB_MIGRATION_FUNCTION, "one",
            "CREATE OR REPLACE FUNCTION s.one() RETURNS int LANGUAGE sql AS 'SELECT 1';"
            "CREATE OR REPLACE FUNCTION s.two(int) RETURNS int LANGUAGE sql AS 'SELECT 2'"},
        VIEW("x"),
    };

    ok(two, 4);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT s.two(0)"), 2);
    ok(base, 4);
    ck_assert_int_eq(dropped, 1);
    ck_assert_str_eq(last_dropped, "s.two(integer)");
    ck_assert_int_eq(
        cluster_number(conninfo, "SELECT count(*) FROM pg_proc WHERE proname = 'two'"), 0);
}
END_TEST

START_TEST(what_no_file_makes_any_more_is_dropped)
{
    const struct db_migration fewer[] = {TABLES, MORE};

    ok(fewer, 2);
    ck_assert_int_eq(dropped, 2);
    ck_assert_int_eq(
        cluster_number(conninfo, "SELECT count(*) FROM pg_class WHERE relname = 'v'"), 0);
    ck_assert_int_eq(
        cluster_number(conninfo, "SELECT count(*) FROM pg_proc WHERE proname = 'one'"), 0);
    ck_assert_int_eq(check(fewer, 2), DB_SCHEMA_OK);
}
END_TEST

START_TEST(a_function_that_moves_to_another_file_stays)
{
    const struct db_migration moved[] = {
        TABLES,
        MORE,
        {DB_MIGRATION_FUNCTION, "elsewhere",
            "CREATE OR REPLACE FUNCTION s.one() RETURNS int LANGUAGE sql AS 'SELECT 1'"},
        VIEW("x"),
    };

    ok(moved, 4);
    ck_assert_int_eq(dropped, 0);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT s.one()"), 1);
}
END_TEST

START_TEST(nothing_is_dropped_with_what_depends_on_it)
{
    const struct db_migration fewer[] = {TABLES, MORE};

    cluster_exec(conninfo, "CREATE VIEW public.mine AS SELECT s.one() AS one");
    refused(fewer, 2, "s.one(): cannot drop function");
    /* All or nothing: the view of the set is there, too. */
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM s.v"), 0);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT one FROM public.mine"), 1);
}
END_TEST

START_TEST(files_need_not_be_in_the_order_of_their_dependencies)
{
    const struct db_migration tangled[] = {
        TABLES,
        MORE,
        ONE("int", "1"),
        {DB_MIGRATION_VIEW, "a", "CREATE OR REPLACE VIEW s.va AS SELECT * FROM s.vb"},
        {DB_MIGRATION_VIEW, "b", "CREATE OR REPLACE VIEW s.vb AS SELECT * FROM s.vc"},
        {DB_MIGRATION_VIEW, "c", "CREATE OR REPLACE VIEW s.vc AS SELECT s.one() AS x"},
    };
    const struct db_migration fewer[] = {TABLES, MORE};

    ok(tangled, 6);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT x FROM s.va"), 1);
    ok(fewer, 2);
    ck_assert_int_eq(dropped, 4);
}
END_TEST

START_TEST(a_view_may_only_grow)
{
    const struct db_migration grown[] = {TABLES, MORE, ONE("int", "1"), VIEW("x, x AS y")};

    ok(grown, 4);
    refused(base, 4, "views/v: cannot drop columns from view");
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(y) FROM s.v"), 0);
}
END_TEST

START_TEST(a_failing_function_leaves_all_others_as_they_were)
{
    const struct db_migration failing[] = {
        TABLES,
        MORE,
        ONE("int", "9"),
        {DB_MIGRATION_FUNCTION, "zero", "CREATE FUNCTION s.zero() RETURNS nothing"},
        VIEW("x"),
    };

    refused(failing, 5, "functions/zero: ");
    ck_assert_int_eq(cluster_number(conninfo, "SELECT s.one()"), 1);
    ck_assert_int_eq(check(base, 4), DB_SCHEMA_OK);
}
END_TEST

START_TEST(a_role_that_a_file_leaves_set_is_undone)
{
    const struct db_migration roles[] = {
        TABLES,
        MORE,
        {DB_MIGRATION_NUMBERED, "0003_role", "SET LOCAL ROLE test_migrate_reader; SELECT 1;"},
        {DB_MIGRATION_FUNCTION, "one",
            "CREATE OR REPLACE FUNCTION s.one() RETURNS int LANGUAGE sql AS 'SELECT 1';"
            "SET ROLE test_migrate_reader; SET search_path = nowhere"},
        VIEW("x"),
    };

    ok(roles, 5);
    ck_assert_int_eq(applied, 1);
}
END_TEST

START_TEST(a_newer_schema_is_refused_with_both_numbers)
{
    const struct db_migration older[] = {TABLES, ONE("int", "1"), VIEW("x")};

    ck_assert_int_eq(check(older, 3), DB_SCHEMA_NEWER);
    ck_assert_str_eq(fault.text, "the database is at 0002, this build knows 0001");
    refused(older, 3, "the database is at 0002, this build knows 0001");
}
END_TEST

START_TEST(a_database_that_was_never_migrated_is_older)
{
    cluster_database(conninfo);
    ck_assert_int_eq(check(base, 4), DB_SCHEMA_OLDER);
    ck_assert_str_eq(fault.text, "the database was never migrated, this build knows 0002");
}
END_TEST

START_TEST(a_login_without_rights_can_compare)
{
    char text[CLUSTER_TEXT_MAX + 64];
    struct db_migrations set = {base, 4};
    struct db_conn *conn;

    cluster_exec(conninfo,
        "DO $$ BEGIN CREATE ROLE test_migrate_login LOGIN;"
        " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$");
    snprintf(text, sizeof text, "%s user=test_migrate_login", conninfo);
    conn = cluster_connect(text);
    ck_assert_int_eq(db_schema_check(conn, &set, &fault), DB_SCHEMA_OK);
    db_conn_close(conn);
}
END_TEST

START_TEST(a_server_that_is_away_is_said_to_be)
{
    snprintf(conninfo, sizeof conninfo, "host=/tmp/nowhere password=hidden");
    ck_assert_int_eq(migrate(base, 4), DB_DOWN);
    ck_assert_ptr_nonnull(strstr(fault.text, "/tmp/nowhere"));
    ck_assert_ptr_null(strstr(fault.text, "hidden"));
    snprintf(conninfo, sizeof conninfo, "host=/tmp hidden");
    ck_assert_int_eq(migrate(base, 4), DB_DOWN);
    ck_assert_str_eq(fault.text, "the connection string cannot be read");
}
END_TEST

static void *migrate_in_thread(void *arg)
{
    static const struct db_migration slow[] = {
        {DB_MIGRATION_NUMBERED, "0001_slow", "CREATE TABLE once (x int); SELECT pg_sleep(0.5)"},
        {DB_MIGRATION_FUNCTION, "f", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"},
    };
    struct db_migrations set = {slow, 2};
    struct db_fault *of_thread = arg;

    (void)!db_migrate(conninfo, &set, NULL, of_thread);
    return NULL;
}

START_TEST(two_migrators_at_once_do_the_work_once)
{
    pthread_t threads[3];
    struct db_fault faults[3];

    cluster_database(conninfo);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, migrate_in_thread, &faults[i]), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_msg(faults[i].result == DB_OK, "%s", faults[i].text);
    }
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM migration.step"), 1);
}
END_TEST

START_TEST(this_build_migrates_a_fresh_database_and_then_has_nothing_to_do)
{
    struct db_migrate_ports ports = {NULL, report};
    struct db_conn *conn;

    cluster_database(conninfo);
    applied = replaced = dropped = 0;
    ck_assert_msg(db_migrate(conninfo, NULL, &ports, &fault) == DB_OK, "%s", fault.text);
    ck_assert_int_gt(applied, 0);
    ck_assert_int_gt(replaced, 0);
    ck_assert_int_eq(dropped, 0);
    applied = replaced = 0;
    ck_assert_msg(db_migrate(conninfo, NULL, &ports, &fault) == DB_OK, "%s", fault.text);
    ck_assert_int_eq(applied + replaced + dropped, 0);
    conn = cluster_connect(conninfo);
    ck_assert_int_eq(db_schema_check(conn, NULL, &fault), DB_SCHEMA_OK);
    db_conn_close(conn);
}
END_TEST

static Suite *suite(void)
{
    Suite *migrator = suite_create("db migrate");
    TCase *cases = tcase_create("migrate");

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, NULL);
    tcase_add_test(cases, a_fresh_database_gets_everything_once);
    tcase_add_test(cases, an_edited_numbered_file_is_refused);
    tcase_add_test(cases, a_renamed_numbered_file_is_refused);
    tcase_add_test(cases, a_number_before_the_newest_is_refused);
    tcase_add_test(cases, a_failing_numbered_file_changes_nothing_and_says_where);
    tcase_add_test(cases, a_changed_function_is_replaced_in_place);
    tcase_add_test(cases, a_changed_result_is_dropped_and_made_with_its_grants);
    tcase_add_test(cases, changed_arguments_leave_no_second_function);
    tcase_add_test(cases, what_a_file_no_longer_makes_is_dropped);
    tcase_add_test(cases, what_no_file_makes_any_more_is_dropped);
    tcase_add_test(cases, a_function_that_moves_to_another_file_stays);
    tcase_add_test(cases, nothing_is_dropped_with_what_depends_on_it);
    tcase_add_test(cases, files_need_not_be_in_the_order_of_their_dependencies);
    tcase_add_test(cases, a_view_may_only_grow);
    tcase_add_test(cases, a_failing_function_leaves_all_others_as_they_were);
    tcase_add_test(cases, a_role_that_a_file_leaves_set_is_undone);
    tcase_add_test(cases, a_newer_schema_is_refused_with_both_numbers);
    tcase_add_test(cases, a_database_that_was_never_migrated_is_older);
    tcase_add_test(cases, a_login_without_rights_can_compare);
    tcase_add_test(cases, a_server_that_is_away_is_said_to_be);
    tcase_add_test(cases, two_migrators_at_once_do_the_work_once);
    tcase_add_test(cases, this_build_migrates_a_fresh_database_and_then_has_nothing_to_do);
    suite_add_tcase(migrator, cases);
    return migrator;
}

int main(void)
{
    SRunner *runner;
    int failed;

    cluster_need();
    runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
