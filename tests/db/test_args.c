/* test_args.c - values to the wire and back, without a server; the classes of SQLSTATE. */
#include "db/alloc.h"
#include "db/args.h"
#include "db/bind.h"
#include "db/wire.h"

#include <check.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct db_args args;

static void setup(void)
{
    db_args_init(&args);
}

static void teardown(void)
{
    db_args_done(&args);
    db_set_realloc(NULL);
}

START_TEST(a_row_binds_to_its_values)
{
    struct bind_values bound;

    db_args_int8(&args, -2);
    db_args_int4(&args, 70000);
    db_args_int2(&args, -3);
    db_args_bool(&args, true);
    db_args_text(&args, "grüße");
    db_args_text(&args, NULL);
    db_args_text_n(&args, "abc", 2);
    db_args_bytes(&args, "\0\1", 2);
    db_args_bytes(&args, NULL, 0);
    db_args_time_us(&args, 946684800000001);
    db_args_json(&args, "{}", 2);
    db_args_json(&args, NULL, 0);
    db_args_null(&args, DB_BOOL);
    db_args_row(&args);
    ck_assert(db_args_ok(&args));
    ck_assert_int_eq(args.columns, 13);
    bind_row(&bound, args.data, args.columns);
    ck_assert_int_eq((int64_t)wire_get64(bound.values[0]), -2);
    ck_assert_int_eq(wire_get32(bound.values[1]), 70000);
    ck_assert_int_eq((int16_t)wire_get16(bound.values[2]), -3);
    ck_assert_int_eq(bound.values[3][0], 1);
    ck_assert_int_eq(bound.lengths[4], (int)strlen("grüße"));
    ck_assert_ptr_null(bound.values[5]);
    ck_assert_int_eq(bound.lengths[6], 2);
    ck_assert_mem_eq(bound.values[7], "\0\1", 2);
    ck_assert_ptr_null(bound.values[8]);
    ck_assert_int_eq((int64_t)wire_get64(bound.values[9]), 1);
    ck_assert_mem_eq(bound.values[10], "\1{}", 3);
    ck_assert_ptr_null(bound.values[11]);
    ck_assert_ptr_null(bound.values[12]);
}
END_TEST

START_TEST(times_beyond_timestamptz_are_clamped)
{
    static const int64_t times[] = {INT64_MIN, INT64_MAX, INT64_MIN + DB_EPOCH_US - 1};

    for (int i = 0; i < 3; i++) {
        int64_t sent;

        db_args_reset(&args);
        db_args_time_us(&args, times[i]);
        sent = (int64_t)wire_get64(args.data + 4);
        ck_assert(sent >= DB_TIME_MIN_US && sent < DB_TIME_END_US);
    }
}
END_TEST

START_TEST(rows_become_arrays_by_column)
{
    struct bind_arrays arrays;
    struct bind_values bound;
    unsigned char *scratch;

    for (int i = 0; i < 3; i++) {
        db_args_int8(&args, i);
        if (i == 1)
            db_args_null(&args, DB_TEXT);
        else
            db_args_text(&args, "ab");
        db_args_row(&args);
    }
    bind_arrays_begin(&arrays, args.columns);
    bind_arrays_measure(&arrays, args.data, args.rows);
    ck_assert_int_eq(bind_arrays_size(&arrays), (20 + 3 * 12) + (20 + 6 + 4 + 6));
    scratch = malloc(bind_arrays_size(&arrays));
    bind_arrays_lay_out(&arrays, args.types, scratch, &bound);
    bind_arrays_fill(&arrays, args.data, args.rows);
    ck_assert_mem_eq(bound.values[0], "\0\0\0\1\0\0\0\0\0\0\0\24\0\0\0\3\0\0\0\1\0\0\0\10", 24);
    ck_assert_mem_eq(bound.values[1],
        "\0\0\0\1\0\0\0\1\0\0\0\31\0\0\0\3\0\0\0\1"
        "\0\0\0\2ab\377\377\377\377\0\0\0\2ab",
        36);
    free(scratch);
}
END_TEST

START_TEST(a_row_of_other_types_is_a_bug)
{
    db_args_int8(&args, 1);
    db_args_row(&args);
    db_args_text(&args, "x");
}
END_TEST

START_TEST(a_row_of_another_length_is_a_bug)
{
    db_args_int8(&args, 1);
    db_args_int8(&args, 1);
    db_args_row(&args);
    db_args_int8(&args, 1);
    db_args_row(&args);
}
END_TEST

static void columns(int count)
{
    for (int i = 0; i < count; i++)
        db_args_int4(&args, i);
    db_args_row(&args);
}

START_TEST(a_row_has_columns_up_to_the_maximum)
{
    struct bind_values bound;

    columns(DB_COLUMNS_MAX);
    ck_assert(db_args_ok(&args));
    bind_row(&bound, args.data, args.columns);
    ck_assert_int_eq(wire_get32(bound.values[DB_COLUMNS_MAX - 1]), DB_COLUMNS_MAX - 1);
}
END_TEST

START_TEST(a_row_of_more_columns_is_a_bug)
{
    columns(DB_COLUMNS_MAX + 1);
}
END_TEST

START_TEST(an_open_row_is_not_ok)
{
    db_args_int8(&args, 1);
    ck_assert(!db_args_ok(&args));
    db_args_row(&args);
    ck_assert(db_args_ok(&args));
}
END_TEST

START_TEST(what_is_too_large_is_remembered_until_reset)
{
    char *large = calloc(1, DB_ARGS_BYTES_MAX + 1);

    db_args_bytes(&args, large, DB_ARGS_BYTES_MAX - 4);
    db_args_row(&args);
    ck_assert(db_args_ok(&args));
    db_args_bytes(&args, large, 1);
    db_args_row(&args);
    ck_assert(!db_args_ok(&args));
    db_args_bytes(&args, large, 0);
    db_args_row(&args);
    ck_assert(!db_args_ok(&args));
    db_args_reset(&args);
    db_args_int8(&args, 1);
    db_args_row(&args);
    ck_assert(db_args_ok(&args));
    free(large);
}
END_TEST

static void *no_memory(void *pointer, size_t size)
{
    if (size == 0)
        free(pointer);
    return NULL;
}

START_TEST(missing_memory_is_remembered)
{
    db_set_realloc(no_memory);
    db_args_text(&args, "x");
    db_args_null(&args, DB_TEXT);
    db_args_row(&args);
    ck_assert(!db_args_ok(&args));
}
END_TEST

static const struct {
    const char *state;
    enum db_result result;
} classes[] = {
    {NULL, DB_DOWN},
    {"", DB_DOWN},
    {"02000", DB_NONE},
    {"P0002", DB_NONE},
    {"08006", DB_DOWN},
    {"22P02", DB_REFUSED},
    {"22003", DB_REFUSED},
    {"23502", DB_REFUSED},
    {"23503", DB_REFUSED},
    {"23505", DB_CONFLICT},
    {"23514", DB_REFUSED},
    {"23P01", DB_CONFLICT},
    {"25006", DB_DOWN},
    {"25P02", DB_RETRY},
    {"25P03", DB_DOWN},
    {"26000", DB_DOWN},
    {"28P01", DB_DOWN},
    {"3D000", DB_DOWN},
    {"40001", DB_RETRY},
    {"40003", DB_UNKNOWN},
    {"40P01", DB_RETRY},
    {"42501", DB_REFUSED},
    {"42883", DB_REFUSED},
    {"53100", DB_DOWN},
    {"53300", DB_DOWN},
    {"54000", DB_REFUSED},
    {"55006", DB_RETRY},
    {"55P03", DB_BUSY},
    {"57014", DB_RETRY},
    {"57P01", DB_DOWN},
    {"57P03", DB_DOWN},
    {"58030", DB_DOWN},
    {"JB001", DB_REFUSED},
    {"P0001", DB_REFUSED},
    {"XX000", DB_RETRY},
};

START_TEST(a_sqlstate_has_one_class)
{
    ck_assert_msg(db_result_of_sqlstate(classes[_i].state) == classes[_i].result, "%s",
        classes[_i].state ? classes[_i].state : "NULL");
}
END_TEST

static Suite *suite(void)
{
    Suite *values = suite_create("db args");
    TCase *cases = tcase_create("args");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_row_binds_to_its_values);
    tcase_add_test(cases, times_beyond_timestamptz_are_clamped);
    tcase_add_test(cases, rows_become_arrays_by_column);
    tcase_add_test_raise_signal(cases, a_row_of_other_types_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(cases, a_row_of_another_length_is_a_bug, SIGABRT);
    tcase_add_test(cases, a_row_has_columns_up_to_the_maximum);
    tcase_add_test_raise_signal(cases, a_row_of_more_columns_is_a_bug, SIGABRT);
    tcase_add_test(cases, an_open_row_is_not_ok);
    tcase_add_test(cases, what_is_too_large_is_remembered_until_reset);
    tcase_add_test(cases, missing_memory_is_remembered);
    tcase_add_loop_test(cases, a_sqlstate_has_one_class, 0, sizeof classes / sizeof classes[0]);
    suite_add_tcase(values, cases);
    return values;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
