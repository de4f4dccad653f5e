/* test_resolve.c - a slow resolver holds up nobody but who asked. */
#include "csms/resolve.h"

#include <check.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TICK_MS = 10, TICKS = 5 };

static struct loop *loop;
static struct wheel_timer timer;
static atomic_int ticks, ticks_meanwhile;
static int answers;
static char got[DB_ADDRESS_MAX], reason[DB_ADDRESS_WHY_MAX];
static atomic_int looked_up, longest_ms = 60000; /* of a look-up beside which the loop stands */

static int slow(const char *name, char ret[DB_ADDRESS_EACH_MAX][DB_ADDRESS_NUMERIC_MAX])
{
    int before = ticks;

    for (int ms = 0; ms < longest_ms && ticks - before < TICKS; ms++)
        usleep(1000);
    ticks_meanwhile = ticks - before;
    atomic_fetch_add(&looked_up, 1);
    if (strcmp(name, "gone") == 0)
        return 0;
    strcpy(ret[0], "192.0.2.1");
    return 1;
}

static void tick(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&ticks, 1);
    loop_timer_arm(loop, &timer, loop_mono_ms(loop) + TICK_MS);
}

static void found(void *ctx, const char *conninfo, const char *why)
{
    (void)ctx;
    answers++;
    snprintf(got, sizeof got, "%s", conninfo ? conninfo : "none");
    snprintf(reason, sizeof reason, "%s", why);
    loop_stop(loop);
}

static struct resolve *begin(const char *conninfo)
{
    struct resolve_config config = {.conninfo = conninfo, .lookup = slow, .found = found};
    struct resolve *resolve;

    loop = loop_new();
    ck_assert_ptr_nonnull(loop);
    config.loop = loop;
    resolve = resolve_new(&config);
    ck_assert_ptr_nonnull(resolve);
    timer = (struct wheel_timer){.fire = tick};
    loop_timer_arm(loop, &timer, loop_mono_ms(loop) + TICK_MS);
    return resolve;
}

static void end(struct resolve *resolve)
{
    loop_timer_disarm(loop, &timer);
    resolve_free(resolve);
    loop_free(loop);
}

START_TEST(the_loop_goes_on_while_a_name_is_looked_up)
{
    struct resolve *resolve = begin("host=db.example dbname=x");

    resolve_ask(resolve);
    resolve_ask(resolve); /* one at a time */
    loop_run(loop);
    ck_assert_str_eq(got, "host='db.example' hostaddr='192.0.2.1' dbname='x'");
    ck_assert_int_eq(looked_up, 1);
    ck_assert_int_ge(ticks_meanwhile, TICKS);
    resolve_ask(resolve); /* and again when it is asked again */
    loop_run(loop);
    ck_assert_int_eq(answers, 2);
    end(resolve);
}
END_TEST

START_TEST(a_name_without_an_address_is_told)
{
    struct resolve *resolve = begin("host=gone password=secret");

    resolve_ask(resolve);
    loop_run(loop);
    ck_assert_str_eq(got, "none");
    ck_assert_str_eq(reason, "no address was found for gone");
    end(resolve);
}
END_TEST

START_TEST(nothing_is_told_after_the_end)
{
    struct resolve *resolve = begin("host=db.example");

    longest_ms = 300;
    resolve_ask(resolve);
    end(resolve);
    ck_assert_int_eq(looked_up, 1);
    ck_assert_int_eq(answers, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolve");
    TCase *cases = tcase_create("resolve");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(cases, the_loop_goes_on_while_a_name_is_looked_up);
    tcase_add_test(cases, a_name_without_an_address_is_told);
    tcase_add_test(cases, nothing_is_told_after_the_end);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
