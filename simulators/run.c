/* run.c - one libev loop with all piles of a run.  See run.h.
 *
 * Each event of a pile (socket, timer) is followed by `settle`, which asks the pile when it wants
 * to be woken next and looks whether the run is over.
 */
#include "simulators/run.h"

#include "simulators/agenda.h"
#include "simulators/crew.h"
#include "simulators/socket.h"

#include <ev.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { PROGRESS_S = 5, DRAIN_MS = 30000, CLOSE_MS = 2000 };

/* ENDING: sessions end, queues empty.  CLOSING: the sockets close. */
enum stage { LIVING, ENDING, CLOSING };

struct run {
    const struct sim_options *options;
    struct ev_loop *loop;
    struct sim_crew crew;
    struct sim_sockets *sockets;
    struct sim_ports ports;
    struct sim_agenda agenda;
    ev_timer wake, second, deadline;
    ev_signal interrupt, terminate;
    int64_t last_wall_us;
    uint64_t began_ms, worked_ms;
    unsigned seconds;
    enum stage stage;
    bool gave_up, broken;
};

static struct sim_now now_of(struct run *run)
{
    struct timespec mono, wall;
    int64_t wall_us;

    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    wall_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000;
    if (wall_us > run->last_wall_us) /* a pile's clock never goes back */
        run->last_wall_us = wall_us;
    return (struct sim_now){
        .mono_ms = (uint64_t)mono.tv_sec * 1000 + (uint64_t)mono.tv_nsec / 1000000,
        .wall_us = run->last_wall_us,
    };
}

static void restart(struct run *run, ev_timer *timer, uint64_t after_ms)
{
    ev_timer_stop(run->loop, timer);
    ev_timer_set(timer, (ev_tstamp)after_ms / 1000, 0.);
    ev_timer_start(run->loop, timer);
}

static void set_wake(struct run *run, struct sim_now now)
{
    const struct sim_pile *first = sim_agenda_first(&run->agenda);

    if (run->stage == CLOSING || !first || first->due_ms == UINT64_MAX)
        ev_timer_stop(run->loop, &run->wake);
    else if (first->due_ms > now.mono_ms)
        restart(run, &run->wake, first->due_ms - now.mono_ms);
    else
        restart(run, &run->wake, 0);
}

static void close_all(struct run *run)
{
    struct sim_totals totals;

    run->stage = CLOSING;
    sim_crew_total(&run->crew, &totals);
    if (totals.up == 0) {
        ev_break(run->loop, EVBREAK_ALL);
        return;
    }
    for (uint32_t i = 0; i < run->crew.count; i++)
        sim_socket_disconnect(run->sockets, &run->crew.piles[i]);
    ev_timer_stop(run->loop, &run->wake);
    restart(run, &run->deadline, CLOSE_MS);
}

static void end_run(struct run *run)
{
    struct sim_now now = now_of(run);

    if (run->stage != LIVING)
        return;
    run->stage = ENDING;
    for (uint32_t i = 0; i < run->crew.count; i++) {
        sim_pile_finish(&run->crew.piles[i], now);
        sim_agenda_set(&run->agenda, &run->crew.piles[i], now.mono_ms);
    }
    restart(run, &run->deadline, DRAIN_MS);
    set_wake(run, now);
}

static void settle(struct run *run, struct sim_pile *pile, struct sim_now now)
{
    if (pile->truth.failed) {
        run->broken = true;
        ev_break(run->loop, EVBREAK_ALL);
        return;
    }
    if (pile->link == SIM_UP && pile->accepted)
        run->worked_ms = now.mono_ms;
    sim_agenda_set(&run->agenda, pile, sim_pile_due(pile, now));
    set_wake(run, now);
    if (run->stage == CLOSING || pile->queue.count)
        return;
    if (run->stage == ENDING || run->options->catch_up) {
        if (sim_pile_idle(pile) && sim_crew_idle(&run->crew))
            close_all(run);
    } else if (run->options->once && !sim_crew_asked(&run->crew)) {
        end_run(run);
    }
}

static void on_opened(void *ctx, struct sim_pile *pile)
{
    struct run *run = ctx;
    struct sim_now now = now_of(run);

    sim_pile_opened(pile, now);
    settle(run, pile, now);
}

static void on_closed(void *ctx, struct sim_pile *pile, const char *why)
{
    struct run *run = ctx;
    struct sim_now now = now_of(run);
    struct sim_totals totals;

    sim_pile_closed(pile, now, why);
    settle(run, pile, now);
    if (run->stage != CLOSING)
        return;
    sim_crew_total(&run->crew, &totals);
    if (totals.up == 0)
        ev_break(run->loop, EVBREAK_ALL);
}

static void on_frame(void *ctx, struct sim_pile *pile, const char *text, size_t length)
{
    struct run *run = ctx;
    struct sim_now now = now_of(run);

    sim_pile_frame(pile, now, text, length);
    settle(run, pile, now);
}

static void on_wake(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct run *run = timer->data;
    struct sim_now now = now_of(run);
    struct sim_pile *pile;

    (void)loop;
    (void)events;
    /* At most once each, so that a pile that is always due cannot hold the loop. */
    for (uint32_t i = 0; i < run->crew.count && run->stage != CLOSING; i++) {
        pile = sim_agenda_first(&run->agenda);
        if (pile->due_ms > now.mono_ms || run->broken)
            break;
        sim_pile_tick(pile, now);
        settle(run, pile, now);
    }
    set_wake(run, now);
}

static void print_progress(const struct run *run)
{
    struct sim_totals totals;

    sim_crew_total(&run->crew, &totals);
    fprintf(stderr,
        "pilesim: %" PRIu32 "/%" PRIu32 " piles up, %" PRIu32 " charging, %" PRIu64
        " sessions begun, %" PRIu64 " open, %" PRIu64 " calls sent, %" PRIu64 " answered, %" PRIu64
        " queued, %" PRIu64 " lost\n",
        totals.up, run->crew.count, totals.charging, totals.counts.sessions, totals.open,
        totals.counts.sent, totals.counts.answered, totals.queued, totals.counts.lost);
    if (totals.up == 0 && run->stage != CLOSING && *run->crew.piles[0].disconnect)
        fprintf(stderr, "pilesim: %s: %s\n", run->options->url, run->crew.piles[0].disconnect);
}

static void on_second(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct run *run = timer->data;
    const struct sim_options *options = run->options;
    struct sim_now now = now_of(run);

    (void)loop;
    (void)events;
    if (++run->seconds % PROGRESS_S == 0)
        print_progress(run);
    if (options->duration_s && now.mono_ms - run->began_ms >= (uint64_t)options->duration_s * 1000)
        end_run(run);
    if (options->give_up_s && now.mono_ms - run->worked_ms >= (uint64_t)options->give_up_s * 1000 &&
        run->stage != CLOSING) {
        run->gave_up = true;
        ev_break(run->loop, EVBREAK_ALL);
    }
}

/* What is not done by now stays in the truth, and the next run goes on with it. */
static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct run *run = timer->data;

    (void)events;
    if (run->stage == CLOSING)
        ev_break(loop, EVBREAK_ALL);
    else
        close_all(run);
}

/* The first signal ends the run in order, the second at once. */
static void on_signal(struct ev_loop *loop, ev_signal *signal, int events)
{
    struct run *run = signal->data;

    (void)events;
    if (run->stage != LIVING || run->options->catch_up)
        ev_break(loop, EVBREAK_ALL);
    else
        end_run(run);
}

static void port_connect(void *ctx, struct sim_pile *pile)
{
    struct run *run = ctx;

    sim_socket_connect(run->sockets, pile);
}

static void port_disconnect(void *ctx, struct sim_pile *pile)
{
    struct run *run = ctx;

    sim_socket_disconnect(run->sockets, pile);
}

static void port_send(void *ctx, struct sim_pile *pile, const char *text, size_t length)
{
    struct run *run = ctx;

    sim_socket_send(run->sockets, pile, text, length);
}

static bool port_may_send(void *ctx, const struct sim_pile *pile, const struct sim_entry *entry)
{
    struct run *run = ctx;

    if (!run->options->open || entry->message != SIM_STOP || entry->sent_once)
        return true;
    return sim_crew_may_stop(&run->crew, pile, run->options->open);
}

static void watch(struct run *run)
{
    struct sim_now now = now_of(run);

    ev_init(&run->wake, on_wake);
    ev_init(&run->deadline, on_deadline);
    ev_timer_init(&run->second, on_second, 1., 1.);
    ev_signal_init(&run->interrupt, on_signal, SIGINT);
    ev_signal_init(&run->terminate, on_signal, SIGTERM);
    run->wake.data = run->deadline.data = run->second.data = run;
    run->interrupt.data = run->terminate.data = run;
    ev_timer_start(run->loop, &run->second);
    ev_signal_start(run->loop, &run->interrupt);
    ev_signal_start(run->loop, &run->terminate);
    run->began_ms = run->worked_ms = now.mono_ms;
    set_wake(run, now);
}

static void unwatch(struct run *run)
{
    ev_timer_stop(run->loop, &run->wake);
    ev_timer_stop(run->loop, &run->second);
    ev_timer_stop(run->loop, &run->deadline);
    ev_signal_stop(run->loop, &run->interrupt);
    ev_signal_stop(run->loop, &run->terminate);
}

static int finish(struct run *run)
{
    struct sim_totals totals;

    run->stage = CLOSING;
    print_progress(run);
    sim_crew_total(&run->crew, &totals);
    if (run->broken)
        fprintf(stderr, "pilesim: the truth in %s can no longer be written (disk full?); "
                        "what was sent since then is not in it\n",
            run->options->truth);
    if (run->gave_up)
        fprintf(stderr, "pilesim: no pile could work at %s for %lld s: %s\n", run->options->url,
            (long long)run->options->give_up_s, run->crew.piles[0].disconnect);
    for (uint32_t i = 0; i < run->crew.count; i++) {
        const struct sim_pile *pile = &run->crew.piles[i];

        if (pile->counts.refused)
            fprintf(stderr, "pilesim: %s: %s\n", pile->setup.spec->identity, pile->refusal);
    }
    if (run->gave_up)
        return SIM_EXIT_UNREACHED;
    if (run->broken || totals.counts.refused || totals.counts.lost)
        return SIM_EXIT_DIFFERENT;
    if (run->options->once && (totals.queued || totals.charging))
        return SIM_EXIT_UNREACHED;
    return SIM_EXIT_OK;
}

static bool prepare(struct run *run, struct sim_error *ret_error)
{
    struct rlimit files;
    struct sim_address address;
    struct sim_socket_ports socket_ports = {
        .ctx = run, .opened = on_opened, .closed = on_closed, .frame = on_frame};

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (!sim_address_read(run->options->url, &address, ret_error) ||
        !sim_crew_init(&run->crew, run->options, &run->ports, now_of(run), ret_error))
        return false;
    run->sockets = sim_socket_new(run->loop, &address, run->options->ca, &socket_ports);
    if (run->sockets && sim_agenda_init(&run->agenda, run->crew.piles, run->crew.count))
        return true;
    sim_error_set(ret_error, "libwebsockets does not start; are libwebsockets17 and "
                             "libwebsockets-evlib-ev installed?");
    return false;
}

int sim_run(const struct sim_options *options)
{
    struct run run = {.options = options, .loop = ev_loop_new(EVFLAG_AUTO)};
    struct sim_error error;
    int status = SIM_EXIT_FILE;

    run.ports = (struct sim_ports){.ctx = &run,
        .connect = port_connect,
        .disconnect = port_disconnect,
        .send = port_send,
        .may_send = port_may_send};
    if (prepare(&run, &error)) {
        watch(&run);
        ev_run(run.loop, 0);
        status = finish(&run);
        unwatch(&run);
    } else {
        fprintf(stderr, "pilesim: %s\n", error.text);
    }
    sim_socket_free(run.sockets);
    sim_agenda_done(&run.agenda);
    sim_crew_done(&run.crew);
    ev_loop_destroy(run.loop);
    return status;
}
