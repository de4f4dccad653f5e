/* test_wheel.c - the timer wheel against a list that is searched whole. */
#include "csms/wheel.h"
#include "tests/csms/support.h"

#include <stdlib.h>

enum { TIMERS = 400 };

struct probe {
    struct wheel_timer timer;
    struct wheel *wheel;
    uint64_t fired_at;
    unsigned fired;
    uint64_t again_ms; /* arms itself again after this */
    struct probe *victim;
};

static void fire(void *ctx)
{
    struct probe *probe = ctx;

    probe->fired++;
    probe->fired_at = probe->wheel->now_ms;
    if (probe->again_ms)
        wheel_arm(probe->wheel, &probe->timer, probe->wheel->now_ms + probe->again_ms);
    if (probe->victim)
        wheel_disarm(probe->wheel, &probe->victim->timer);
}

static void probe_init(struct probe *probe, struct wheel *wheel)
{
    *probe = (struct probe){ .wheel = wheel, .timer = { .fire = fire, .ctx = probe } };
}

/* Distances around every edge between levels. */
static const uint64_t distances[] = { 0, 1, 2, 254, 255, 256, 257, 511, 512, 65534, 65535, 65536,
    65537, 16777215, 16777216, 16777217, UINT64_C(4294967295), UINT64_C(4294967296),
    UINT64_C(5000000000) };

START_TEST(every_distance_fires_exactly_then)
{
    static const uint64_t starts[] = { 0, 1, 255, 256, 65535, 65536, 1234567, 16777215 };
    uint64_t distance = distances[_i];

    for (unsigned s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
        struct wheel *wheel = malloc(sizeof(*wheel));
        struct probe probe;

        wheel_init(wheel, starts[s]);
        probe_init(&probe, wheel);
        wheel_arm(wheel, &probe.timer, starts[s] + distance);
        if (distance) {
            wheel_advance(wheel, starts[s] + distance - 1);
            ck_assert_uint_eq(probe.fired, 0);
            ck_assert_uint_le(wheel_next_ms(wheel), starts[s] + distance);
        }
        wheel_advance(wheel, starts[s] + distance);
        ck_assert_uint_eq(probe.fired, 1);
        ck_assert_uint_eq(probe.fired_at, starts[s] + distance);
        ck_assert_uint_eq(wheel->count, 0);
        ck_assert(wheel_next_ms(wheel) == UINT64_MAX);
        free(wheel);
    }
}
END_TEST

START_TEST(a_past_time_fires_at_the_next_advance_and_only_once)
{
    static struct wheel wheel;
    struct probe probe;

    wheel_init(&wheel, 1000);
    probe_init(&probe, &wheel);
    wheel_arm(&wheel, &probe.timer, 5);
    ck_assert_uint_eq(probe.fired, 0);
    ck_assert_uint_eq(wheel_next_ms(&wheel), 1000);
    wheel_advance(&wheel, 1000);
    wheel_advance(&wheel, 5000);
    ck_assert_uint_eq(probe.fired, 1);
}
END_TEST

START_TEST(one_that_arms_itself_at_once_waits_for_the_next_advance)
{
    static struct wheel wheel;
    struct probe probe;

    wheel_init(&wheel, 0);
    probe_init(&probe, &wheel);
    probe.again_ms = 3;
    wheel_arm(&wheel, &probe.timer, 3);
    wheel_advance(&wheel, 30);
    ck_assert_uint_eq(probe.fired, 10);
    wheel_disarm(&wheel, &probe.timer);
    wheel_advance(&wheel, 60);
    ck_assert_uint_eq(probe.fired, 10);
}
END_TEST

START_TEST(a_timer_may_disarm_another_of_the_same_slot)
{
    static struct wheel wheel;
    struct probe a, b;

    wheel_init(&wheel, 0);
    probe_init(&a, &wheel);
    probe_init(&b, &wheel);
    a.victim = &b;
    b.victim = &a;
    wheel_arm(&wheel, &a.timer, 700);
    wheel_arm(&wheel, &b.timer, 700);
    wheel_advance(&wheel, 1000);
    ck_assert_uint_eq(a.fired + b.fired, 1);
    ck_assert_uint_eq(wheel.count, 0);
}
END_TEST

START_TEST(random_arms_moves_and_disarms_agree_with_the_list)
{
    static struct wheel wheel;
    static struct probe probes[TIMERS];
    static uint64_t due[TIMERS]; /* UINT64_MAX: not armed */
    unsigned seed = (unsigned)_i + 1;

    wheel_init(&wheel, 99);
    for (unsigned i = 0; i < TIMERS; i++) {
        probe_init(&probes[i], &wheel);
        due[i] = UINT64_MAX;
    }
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)rand_r(&seed) % TIMERS;
        uint64_t span = UINT64_C(1) << rand_r(&seed) % 26;

        if (rand_r(&seed) % 4 == 0) {
            wheel_disarm(&wheel, &probes[i].timer);
            due[i] = UINT64_MAX;
        } else {
            due[i] = wheel.now_ms + 1 + (uint64_t)rand_r(&seed) % span;
            wheel_arm(&wheel, &probes[i].timer, due[i]);
        }
        if (rand_r(&seed) % 8)
            continue;
        wheel_advance(&wheel, wheel.now_ms + (uint64_t)rand_r(&seed) % span);
        for (unsigned k = 0; k < TIMERS; k++) {
            bool should = due[k] <= wheel.now_ms;

            /* An assertion of Check is a system call: only where it fails. */
            if (probes[k].fired != should || (should && probes[k].fired_at != due[k]))
                ck_abort_msg("timer %u, due %lu, fired %u times at %lu", k, due[k],
                    probes[k].fired, probes[k].fired_at);
            if (!should)
                continue;
            probes[k].fired = 0;
            due[k] = UINT64_MAX;
        }
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, every_distance_fires_exactly_then, 0,
        sizeof(distances) / sizeof(distances[0]));
    tcase_add_test(tcase, a_past_time_fires_at_the_next_advance_and_only_once);
    tcase_add_test(tcase, one_that_arms_itself_at_once_waits_for_the_next_advance);
    tcase_add_test(tcase, a_timer_may_disarm_another_of_the_same_slot);
    tcase_add_loop_test(tcase, random_arms_moves_and_disarms_agree_with_the_list, 0, 5);
}

int main(void)
{
    return support_run("wheel", add);
}
