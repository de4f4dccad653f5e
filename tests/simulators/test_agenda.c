/* test_agenda.c - whoever is due first comes first, however often the times change. */
#include "simulators/agenda.h"
#include "simulators/random.h"

#include <check.h>

#include <stdlib.h>

enum { PILES = 50 };

static struct sim_pile piles[PILES];

START_TEST(the_first_is_always_the_earliest)
{
    struct sim_agenda agenda;
    struct sim_random random;

    sim_random_init(&random, (uint64_t)_i, "agenda", 0);
    ck_assert(sim_agenda_init(&agenda, piles, PILES));
    for (int round = 0; round < 2000; round++) {
        uint64_t least = UINT64_MAX;

        sim_agenda_set(&agenda, &piles[sim_random_below(&random, PILES)],
            sim_random_below(&random, 9) ? sim_random_below(&random, 1000) : UINT64_MAX);
        for (int i = 0; i < PILES; i++) {
            ck_assert_ptr_eq(agenda.heap[piles[i].place], &piles[i]);
            least = piles[i].due_ms < least ? piles[i].due_ms : least;
        }
        ck_assert_uint_eq(sim_agenda_first(&agenda)->due_ms, least);
    }
    sim_agenda_done(&agenda);
}
END_TEST

START_TEST(an_empty_agenda_has_nobody)
{
    struct sim_agenda agenda;

    ck_assert(sim_agenda_init(&agenda, piles, 0));
    ck_assert_ptr_null(sim_agenda_first(&agenda));
    sim_agenda_done(&agenda);
    sim_agenda_done(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulators agenda");
    TCase *tcase = tcase_create("agenda");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, the_first_is_always_the_earliest, 0, 5);
    tcase_add_test(tcase, an_empty_agenda_has_nobody);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
