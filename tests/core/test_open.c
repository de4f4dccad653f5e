/* test_open.c - the transactions known to be open, up to as many as are remembered. */
#include "csms/core/inside.h"
#include "tests/core/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(as_many_as_are_remembered_and_one_more_harms_nobody)
{
    struct core_station station = {0};

    for (int64_t id = 1; id <= CORE_OPEN_MAX; id++)
        open_add(&station, id);
    ck_assert_uint_eq(station.open_count, CORE_OPEN_MAX);
    open_add(&station, CORE_OPEN_MAX); /* known already */
    open_add(&station, CORE_OPEN_MAX + 1);
    ck_assert_uint_eq(station.open_count, CORE_OPEN_MAX);
    ck_assert(!open_has(&station, CORE_OPEN_MAX + 1));
    for (int64_t id = 1; id <= CORE_OPEN_MAX; id++)
        ck_assert(open_has(&station, id));
    open_remove(&station, 7);
    open_add(&station, CORE_OPEN_MAX + 1);
    ck_assert(open_has(&station, CORE_OPEN_MAX + 1) && !open_has(&station, 7));
    free(station.open);
}
END_TEST

START_TEST(a_list_replaces_what_was_known_and_ends_where_it_cannot_be_read)
{
    struct core_station station = {0};
    char list[4096] = "";

    open_add(&station, 5);
    for (int i = 100; i < 100 + CORE_OPEN_MAX + 1; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%d,", i);
    open_set(&station, list);
    ck_assert_uint_eq(station.open_count, CORE_OPEN_MAX);
    ck_assert(!open_has(&station, 5) && open_has(&station, 100));
    ck_assert(!open_has(&station, 100 + CORE_OPEN_MAX));
    open_set(&station, "12,x,15");
    ck_assert(open_has(&station, 12) && !open_has(&station, 15));
    open_set(&station, NULL);
    ck_assert_uint_eq(station.open_count, 0);
    free(station.open);
}
END_TEST

int main(void)
{
    const struct bench_test tests[] = {
        {as_many_as_are_remembered_and_one_more_harms_nobody, 0},
        {a_list_replaces_what_was_known_and_ends_where_it_cannot_be_read, 0},
    };

    return bench_run("open", tests, COUNT(tests));
}
