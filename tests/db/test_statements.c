/* test_statements.c - the real migrations and the real statements. */
#include "tests/db/cluster.h"

#include "db/bind.h"
#include "db/migrate.h"
#include "db/statement.h"

#include <check.h>
#include <libpq-fe.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char conninfo[CLUSTER_TEXT_MAX];

static void migrated(void)
{
    struct db_fault fault;

    cluster_database(conninfo);
    ck_assert_msg(db_migrate(conninfo, NULL, NULL, &fault) == DB_OK, "%s", fault.text);
}

START_TEST(every_statement_prepares_on_a_migrated_database)
{
    PGconn *pg;
    int wrong = 0;

    migrated();
    pg = PQconnectdb(conninfo);
    for (int i = 0; i < DB_STMT_COUNT; i++) {
        const struct db_statement *statement = &db_statements[i];
        PGresult *result;

        if (statement->kind == DB_KIND_SCRIPT)
            continue;
        result = PQprepare(pg, statement->name, statement->text, 0, NULL);
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            fprintf(stderr, "%s: %s", statement->name, PQerrorMessage(pg));
            wrong++;
        }
        PQclear(result);
    }
    PQfinish(pg);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

/* What a lane needs: parameters that args can make, and the outcome in front. */
START_TEST(every_lane_statement_has_parameters_and_columns_of_its_kind)
{
    PGconn *pg;

    migrated();
    pg = PQconnectdb(conninfo);
    for (int i = 0; i < DB_STMT_COUNT; i++) {
        const struct db_statement *statement = &db_statements[i];
        PGresult *result;
        uint8_t type;

        if (statement->kind != DB_KIND_CALL && statement->kind != DB_KIND_BULK)
            continue;
        PQclear(PQprepare(pg, statement->name, statement->text, 0, NULL));
        result = PQdescribePrepared(pg, statement->name);
        ck_assert_msg(
            PQnparams(result) > 0 && PQnparams(result) <= DB_COLUMNS_MAX, "%s", statement->name);
        for (int k = 0; k < PQnparams(result); k++)
            ck_assert_msg(
                bind_type_of_oid(PQparamtype(result, k), statement->kind == DB_KIND_BULK, &type),
                "%s: parameter %d", statement->name, k + 1);
        if (statement->kind == DB_KIND_CALL)
            ck_assert_msg(PQnfields(result) > 0 && strcmp(PQfname(result, 0), "outcome") == 0 &&
                              PQftype(result, 0) == 25,
                "%s: its first column is not the outcome", statement->name);
        PQclear(result);
    }
    PQfinish(pg);
}
END_TEST

START_TEST(every_file_of_sql_is_a_statement)
{
    DIR *dir = opendir(SQL_DIR);
    struct dirent *entry;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        size_t length = strlen(entry->d_name);
        bool found = false;

        if (length < 4 || strcmp(entry->d_name + length - 4, ".sql") != 0)
            continue;
        for (int i = 0; i < DB_STMT_COUNT; i++)
            found |= strlen(db_statements[i].name) == length - 4 &&
                     strncmp(db_statements[i].name, entry->d_name, length - 4) == 0;
        ck_assert_msg(found, "%s is not in statements.def", entry->d_name);
    }
    closedir(dir);
}
END_TEST

START_TEST(every_statement_explains_its_parameters)
{
    for (int i = 0; i < DB_STMT_COUNT; i++) {
        const char *text = db_statements[i].text;
        char word[16];

        ck_assert_msg(strncmp(text, "-- ", 3) == 0, "%s", db_statements[i].name);
        for (int k = 1; k <= DB_COLUMNS_MAX; k++) {
            const char *body = strstr(text, "\n-- $1 ");
            const char *first, *last;

            snprintf(word, sizeof word, "$%d", k);
            last = strstr(text, word);
            if (!last)
                break;
            ck_assert_msg(body != NULL, "%s", db_statements[i].name);
            snprintf(word, sizeof word, "$%d ", k);
            first = strstr(text, word);
            ck_assert_msg(first != NULL, "%s does not explain %s", db_statements[i].name, word);
        }
    }
}
END_TEST

START_TEST(the_embedded_text_is_the_file)
{
    for (int i = 0; i < DB_STMT_COUNT; i++) {
        char path[400], *text = calloc(1, 65536);
        FILE *file;

        snprintf(path, sizeof path, "%s/%s.sql", SQL_DIR, db_statements[i].name);
        file = fopen(path, "r");
        ck_assert_ptr_nonnull(file);
        (void)!fread(text, 1, 65535, file);
        fclose(file);
        ck_assert_str_eq(text, db_statements[i].text);
        free(text);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *statements = suite_create("db statements");
    TCase *cases = tcase_create("statements");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, every_statement_prepares_on_a_migrated_database);
    tcase_add_test(cases, every_lane_statement_has_parameters_and_columns_of_its_kind);
    tcase_add_test(cases, every_file_of_sql_is_a_statement);
    tcase_add_test(cases, every_statement_explains_its_parameters);
    tcase_add_test(cases, the_embedded_text_is_the_file);
    suite_add_tcase(statements, cases);
    return statements;
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
