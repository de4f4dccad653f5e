/* wheel.h - a hierarchical timer wheel: arm and disarm in constant time, whatever the number.
 *
 * Four levels of 256 slots with a tick of one millisecond reach 49 days; what lies beyond waits in
 * the last level and is filed again when its slot comes.  A timer is part of its owner's object and
 * costs no memory of its own.  Pure: time is handed in, and never runs backwards.
 * Not safe for more than one thread.
 */
#ifndef CSMS_WHEEL_H
#define CSMS_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

enum { WHEEL_LEVELS = 4, WHEEL_SLOTS = 256 };

typedef void wheel_fire(void *ctx);

/* Zeroed, with fire and ctx set, it is ready.  The owner disarms it before its memory goes. */
struct wheel_timer {
    struct wheel_timer *next;
    struct wheel_timer **link; /* what points at us; NULL: not armed */
    uint64_t due_ms;
    wheel_fire *fire;
    void *ctx;
};

struct wheel {
    uint64_t now_ms;
    uint64_t count;
    uint64_t used[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* a bit a slot that holds timers */
    struct wheel_timer *slots[WHEEL_LEVELS][WHEEL_SLOTS];
    struct wheel_timer *ripe;    /* due already when armed */
    struct wheel_timer *running; /* taken from its slot, being fired or filed again */
};

void wheel_init(struct wheel *, uint64_t now_ms);
/* Arms or moves it.  A time that has passed means the next wheel_advance. */
void wheel_arm(struct wheel *, struct wheel_timer *, uint64_t due_ms);
void wheel_disarm(struct wheel *, struct wheel_timer *);
static inline bool wheel_armed(const struct wheel_timer *timer)
{
    return timer->link != 0;
}
/* Fires what is due at now_ms; a timer is disarmed before its function runs, which may arm it
 * again and may arm or disarm any other. */
void wheel_advance(struct wheel *, uint64_t now_ms);
/* When wheel_advance should be called next, at the latest; UINT64_MAX: no timer is armed. */
uint64_t wheel_next_ms(const struct wheel *);

#endif
