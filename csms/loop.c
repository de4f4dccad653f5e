/* loop.c - see loop.h.
 *
 * libev counts in floating seconds; here that is never more than the span of one sleep.
 */
#include "csms/loop.h"

#include <assert.h>
#include <ev.h>
#include <stdlib.h>
#include <time.h>

enum { SIGNALS_MAX = 8, TURNS_MAX = 8 };

struct signal_watch {
    ev_signal watcher;
    loop_call *call;
    void *ctx;
};

struct turn {
    loop_call *call;
    void *ctx;
};

struct loop {
    struct ev_loop *ev;
    ev_check check;
    ev_prepare prepare;
    ev_timer sleep;
    struct wheel wheel;
    uint64_t mono_ms;
    int64_t wall_us;
    struct signal_watch signals[SIGNALS_MAX];
    struct turn turns[TURNS_MAX];
    uint32_t signal_count, turn_count;
};

struct loop_fd {
    struct loop *loop;
    ev_io io;
    loop_fd_ready *ready;
    void *ctx;
};

struct loop_wake {
    struct loop *loop;
    ev_async async;
    loop_call *call;
    void *ctx;
};

static void read_clocks(struct loop *loop)
{
    struct timespec mono, wall;

    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    loop->mono_ms = (uint64_t)mono.tv_sec * 1000 + (uint64_t)mono.tv_nsec / 1000000;
    loop->wall_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000;
}

/* Has the highest priority, so it runs before the turn's other events. */
static void on_woken(struct ev_loop *ev, ev_check *check, int events)
{
    struct loop *loop = check->data;

    (void)ev, (void)events;
    read_clocks(loop);
    wheel_advance(&loop->wheel, loop->mono_ms);
}

static void on_before_sleep(struct ev_loop *ev, ev_prepare *prepare, int events)
{
    struct loop *loop = prepare->data;
    uint64_t next, wait;

    (void)events;
    for (uint32_t i = 0; i < loop->turn_count; i++)
        loop->turns[i].call(loop->turns[i].ctx);
    next = wheel_next_ms(&loop->wheel);
    ev_timer_stop(ev, &loop->sleep);
    if (next == UINT64_MAX)
        return;
    /* The turn itself took time. */
    read_clocks(loop);
    wait = next > loop->mono_ms ? next - loop->mono_ms : 0;
    if (wait > 3600 * 1000)
        wait = 3600 * 1000;
    ev_now_update(ev);
    ev_timer_set(&loop->sleep, (ev_tstamp)wait / 1000, 0);
    ev_timer_start(ev, &loop->sleep);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int events)
{
    (void)ev, (void)timer, (void)events; /* on_woken has done the work */
}

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    if (!loop)
        return NULL;
    loop->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    if (!loop->ev) {
        free(loop);
        return NULL;
    }
    read_clocks(loop);
    wheel_init(&loop->wheel, loop->mono_ms);
    ev_check_init(&loop->check, on_woken);
    ev_set_priority(&loop->check, EV_MAXPRI);
    ev_prepare_init(&loop->prepare, on_before_sleep);
    ev_timer_init(&loop->sleep, on_timer, 0, 0);
    loop->check.data = loop->prepare.data = loop;
    ev_check_start(loop->ev, &loop->check);
    ev_prepare_start(loop->ev, &loop->prepare);
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    for (uint32_t i = 0; i < loop->signal_count; i++)
        ev_signal_stop(loop->ev, &loop->signals[i].watcher);
    ev_check_stop(loop->ev, &loop->check);
    ev_prepare_stop(loop->ev, &loop->prepare);
    ev_timer_stop(loop->ev, &loop->sleep);
    ev_loop_destroy(loop->ev);
    free(loop);
}

void loop_run(struct loop *loop)
{
    ev_run(loop->ev, 0);
}

void loop_stop(struct loop *loop)
{
    ev_break(loop->ev, EVBREAK_ALL);
}

uint64_t loop_mono_ms(const struct loop *loop)
{
    return loop->mono_ms;
}

int64_t loop_wall_us(const struct loop *loop)
{
    return loop->wall_us;
}

void loop_timer_arm(struct loop *loop, struct wheel_timer *timer, uint64_t at_mono_ms)
{
    wheel_arm(&loop->wheel, timer, at_mono_ms);
}

void loop_timer_disarm(struct loop *loop, struct wheel_timer *timer)
{
    wheel_disarm(&loop->wheel, timer);
}

static void on_fd(struct ev_loop *ev, ev_io *io, int events)
{
    struct loop_fd *watch = io->data;
    bool failed = events & EV_ERROR;

    (void)ev;
    watch->ready(watch->ctx, failed || events & EV_READ, failed || events & EV_WRITE);
}

struct loop_fd *loop_fd_new(struct loop *loop, int fd, loop_fd_ready *ready, void *ctx)
{
    struct loop_fd *watch = calloc(1, sizeof(*watch));

    if (!watch)
        return NULL;
    *watch = (struct loop_fd){ .loop = loop, .ready = ready, .ctx = ctx };
    ev_io_init(&watch->io, on_fd, fd, 0);
    watch->io.data = watch;
    return watch;
}

void loop_fd_want(struct loop_fd *watch, bool read, bool write)
{
    int events = (read ? EV_READ : 0) | (write ? EV_WRITE : 0);

    if (ev_is_active(&watch->io) && (watch->io.events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(watch->loop->ev, &watch->io);
    if (!events)
        return;
    ev_io_set(&watch->io, watch->io.fd, events);
    ev_io_start(watch->loop->ev, &watch->io);
}

void loop_fd_move(struct loop_fd *watch, int fd)
{
    ev_io_stop(watch->loop->ev, &watch->io);
    ev_io_set(&watch->io, fd, 0);
}

void loop_fd_free(struct loop_fd *watch)
{
    if (!watch)
        return;
    ev_io_stop(watch->loop->ev, &watch->io);
    free(watch);
}

static void on_wake(struct ev_loop *ev, ev_async *async, int events)
{
    struct loop_wake *wake = async->data;

    (void)ev, (void)events;
    wake->call(wake->ctx);
}

struct loop_wake *loop_wake_new(struct loop *loop, loop_call *call, void *ctx)
{
    struct loop_wake *wake = calloc(1, sizeof(*wake));

    if (!wake)
        return NULL;
    *wake = (struct loop_wake){ .loop = loop, .call = call, .ctx = ctx };
    ev_async_init(&wake->async, on_wake);
    wake->async.data = wake;
    ev_async_start(loop->ev, &wake->async);
    return wake;
}

void loop_wake_send(struct loop_wake *wake)
{
    ev_async_send(wake->loop->ev, &wake->async);
}

void loop_wake_free(struct loop_wake *wake)
{
    if (!wake)
        return;
    ev_async_stop(wake->loop->ev, &wake->async);
    free(wake);
}

static void on_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
    struct signal_watch *watch = watcher->data;

    (void)ev, (void)events;
    watch->call(watch->ctx);
}

bool loop_signal(struct loop *loop, int signum, loop_call *call, void *ctx)
{
    struct signal_watch *watch;

    if (loop->signal_count == SIGNALS_MAX)
        return false;
    watch = &loop->signals[loop->signal_count++];
    watch->call = call;
    watch->ctx = ctx;
    ev_signal_init(&watch->watcher, on_signal, signum);
    watch->watcher.data = watch;
    ev_signal_start(loop->ev, &watch->watcher);
    return true;
}

bool loop_each_turn(struct loop *loop, loop_call *call, void *ctx)
{
    if (loop->turn_count == TURNS_MAX)
        return false;
    loop->turns[loop->turn_count++] = (struct turn){ .call = call, .ctx = ctx };
    return true;
}

struct ev_loop *loop_ev(struct loop *loop)
{
    return loop->ev;
}
