/* link.c - see link.h. */
#include "csms/link.h"

#include <stddef.h>

static void fd_ready(void *ctx, bool readable, bool writable)
{
    struct link *link = ctx;

    link->ready(link->guest, readable, writable, loop_mono_ms(link->loop));
}

static void timer_fired(void *ctx)
{
    struct link *link = ctx;

    link->alarm(link->guest, loop_mono_ms(link->loop));
}

bool link_init(struct link *link, struct loop *loop, link_ready *ready, link_alarm *alarm)
{
    *link = (struct link){
        .loop = loop,
        .ready = ready,
        .alarm = alarm,
        .fd = -1,
        .watcher = loop_fd_new(loop, -1, fd_ready, link),
        .timer = {.fire = timer_fired, .ctx = link},
    };
    return link->watcher != NULL;
}

void link_done(struct link *link)
{
    if (link->loop == NULL)
        return;
    loop_fd_free(link->watcher);
    link->watcher = NULL;
    loop_timer_disarm(link->loop, &link->timer);
}

void link_watch(void *ctx, int fd, bool want_read, bool want_write)
{
    struct link *link = ctx;

    if (!want_read && !want_write)
        fd = -1; /* it may be closed now, and its number become another's */
    if (fd != link->fd)
        loop_fd_move(link->watcher, fd);
    link->fd = fd;
    loop_fd_want(link->watcher, want_read, want_write);
}

void link_alarm_set(void *ctx, uint64_t at_mono_ms)
{
    struct link *link = ctx;

    if (at_mono_ms == UINT64_MAX)
        loop_timer_disarm(link->loop, &link->timer);
    else
        loop_timer_arm(link->loop, &link->timer, at_mono_ms);
}
