/* test_loop.c - what may wake the loop: timers, other threads, signals, descriptors. */
#include "csms/loop.h"
#include "tests/csms/support.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { SENDS = 10000 };

struct probe {
    struct loop *loop;
    struct loop_wake *wake;
    struct loop_fd *watch;
    struct wheel_timer timer;
    int pipe[2];
    unsigned calls, turns;
    uint64_t at_ms;
};

static void stop(void *ctx)
{
    struct probe *probe = ctx;

    probe->calls++;
    probe->at_ms = loop_mono_ms(probe->loop);
    loop_stop(probe->loop);
}

static struct probe probe_new(void)
{
    struct probe probe = { .loop = loop_new() };

    ck_assert_ptr_nonnull(probe.loop);
    return probe;
}

START_TEST(a_timer_fires_when_due_and_not_before)
{
    struct probe probe = probe_new();
    uint64_t started = loop_mono_ms(probe.loop);

    probe.timer = (struct wheel_timer){ .fire = stop, .ctx = &probe };
    loop_timer_arm(probe.loop, &probe.timer, started + 30);
    loop_run(probe.loop);
    ck_assert_uint_ge(probe.at_ms, started + 30);
    ck_assert_uint_eq(probe.calls, 1);
    loop_free(probe.loop);
}
END_TEST

static void *send_many(void *ctx)
{
    struct probe *probe = ctx;

    for (unsigned i = 0; i < SENDS; i++)
        loop_wake_send(probe->wake);
    return NULL;
}

START_TEST(another_thread_wakes_it_and_no_last_wake_is_lost)
{
    struct probe probe = probe_new();
    pthread_t thread;

    probe.wake = loop_wake_new(probe.loop, stop, &probe);
    ck_assert_int_eq(pthread_create(&thread, NULL, send_many, &probe), 0);
    loop_run(probe.loop);
    pthread_join(thread, NULL);
    loop_wake_send(probe.wake);
    loop_run(probe.loop);
    ck_assert_uint_ge(probe.calls, 2);
    ck_assert_uint_le(probe.calls, SENDS + 1);
    loop_wake_free(probe.wake);
    loop_free(probe.loop);
}
END_TEST

START_TEST(a_signal_calls_in_the_loop_and_a_ninth_is_refused)
{
    static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD,
        SIGWINCH };
    struct probe probe = probe_new();

    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        ck_assert(loop_signal(probe.loop, signals[i], stop, &probe));
    ck_assert(!loop_signal(probe.loop, SIGURG, stop, &probe));
    raise(SIGHUP);
    ck_assert_uint_eq(probe.calls, 0);
    loop_run(probe.loop);
    ck_assert_uint_eq(probe.calls, 1);
    loop_free(probe.loop);
}
END_TEST

static void ready(void *ctx, bool readable, bool writable)
{
    struct probe *probe = ctx;
    char byte;

    ck_assert(readable && !writable);
    ck_assert_int_eq(read(probe->pipe[0], &byte, 1), 1);
    loop_fd_free(probe->watch); /* from within its own call */
    probe->watch = NULL;
    stop(probe);
}

START_TEST(a_descriptor_is_watched_only_when_wanted_and_may_be_freed_at_once)
{
    struct probe probe = probe_new();

    ck_assert_int_eq(pipe(probe.pipe), 0);
    probe.watch = loop_fd_new(probe.loop, probe.pipe[0], ready, &probe);
    ck_assert_int_eq(write(probe.pipe[1], "x", 1), 1);
    probe.timer = (struct wheel_timer){ .fire = stop, .ctx = &probe };
    loop_timer_arm(probe.loop, &probe.timer, loop_mono_ms(probe.loop) + 20);
    loop_run(probe.loop);
    ck_assert_ptr_nonnull(probe.watch); /* it was the timer */
    loop_fd_want(probe.watch, true, false);
    loop_run(probe.loop);
    ck_assert_ptr_null(probe.watch);
    ck_assert_uint_eq(probe.calls, 2);
    close(probe.pipe[0]);
    close(probe.pipe[1]);
    loop_free(probe.loop);
}
END_TEST

/* So does libpq: one socket is closed, the next has its number. */
START_TEST(a_watcher_may_be_led_to_another_descriptor_of_the_same_number)
{
    struct probe probe = probe_new();
    int first[2];

    ck_assert_int_eq(pipe(first), 0);
    probe.watch = loop_fd_new(probe.loop, -1, ready, &probe);
    loop_fd_move(probe.watch, first[0]);
    loop_fd_want(probe.watch, true, false);
    probe.timer = (struct wheel_timer){ .fire = stop, .ctx = &probe };
    loop_timer_arm(probe.loop, &probe.timer, loop_mono_ms(probe.loop) + 20);
    loop_run(probe.loop); /* it is watched now */
    loop_fd_move(probe.watch, -1);
    close(first[0]);
    close(first[1]);
    ck_assert_int_eq(pipe(probe.pipe), 0);
    ck_assert_int_eq(probe.pipe[0], first[0]);
    loop_fd_move(probe.watch, probe.pipe[0]);
    loop_fd_want(probe.watch, true, false);
    ck_assert_int_eq(write(probe.pipe[1], "x", 1), 1);
    loop_run(probe.loop);
    ck_assert_ptr_null(probe.watch);
    close(probe.pipe[0]);
    close(probe.pipe[1]);
    loop_free(probe.loop);
}
END_TEST

static void count_turn(void *ctx)
{
    ((struct probe *)ctx)->turns++;
}

static void no_turn(void *ctx)
{
    (void)ctx;
}

START_TEST(the_end_of_each_turn_is_called_and_an_idle_loop_does_not_turn)
{
    struct probe probe = probe_new();

    ck_assert(loop_each_turn(probe.loop, count_turn, &probe));
    for (int i = 1; i < 8; i++)
        ck_assert(loop_each_turn(probe.loop, no_turn, &probe));
    ck_assert(!loop_each_turn(probe.loop, no_turn, &probe)); /* a ninth */
    probe.timer = (struct wheel_timer){ .fire = stop, .ctx = &probe };
    loop_timer_arm(probe.loop, &probe.timer, loop_mono_ms(probe.loop) + 300);
    loop_run(probe.loop);
    ck_assert_uint_ge(probe.turns, 1);
    ck_assert_uint_le(probe.turns, 8);
    loop_free(probe.loop);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, a_timer_fires_when_due_and_not_before);
    tcase_add_test(tcase, another_thread_wakes_it_and_no_last_wake_is_lost);
    tcase_add_test(tcase, a_signal_calls_in_the_loop_and_a_ninth_is_refused);
    tcase_add_test(tcase, a_descriptor_is_watched_only_when_wanted_and_may_be_freed_at_once);
    tcase_add_test(tcase, a_watcher_may_be_led_to_another_descriptor_of_the_same_number);
    tcase_add_test(tcase, the_end_of_each_turn_is_called_and_an_idle_loop_does_not_turn);
}

int main(void)
{
    return support_run("loop", add);
}
