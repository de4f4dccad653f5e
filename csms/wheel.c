/* wheel.c - see wheel.h.
 *
 * A timer is filed at the level whose slots are wide enough to reach it.  When the time enters a
 * slot of a higher level, its timers are filed again, now nearer; level 0 fires.
 */
#include "csms/wheel.h"

#include <assert.h>
#include <stddef.h>

enum { BITS = 8, MASK = WHEEL_SLOTS - 1 };

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
    *wheel = (struct wheel){ .now_ms = now_ms };
}

static void push(struct wheel_timer **head, struct wheel_timer *timer)
{
    timer->next = *head;
    if (timer->next)
        timer->next->link = &timer->next;
    timer->link = head;
    *head = timer;
}

static void unlink_timer(struct wheel_timer *timer)
{
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    timer->next = NULL;
    timer->link = NULL;
}

/* Moves a whole list to the one that is being worked: what is armed meanwhile joins it no more. */
static void take(struct wheel *wheel, struct wheel_timer **head)
{
    assert(!wheel->running);
    wheel->running = *head;
    *head = NULL;
    if (wheel->running)
        wheel->running->link = &wheel->running;
}

static void file(struct wheel *wheel, struct wheel_timer *timer)
{
    const uint64_t reach = UINT64_C(1) << (BITS * WHEEL_LEVELS);
    uint64_t due = timer->due_ms;
    unsigned level = 0, slot;

    if (due <= wheel->now_ms) {
        push(&wheel->ripe, timer);
        return;
    }
    if (due - wheel->now_ms >= reach)
        due = wheel->now_ms + reach - 1;
    while ((due - wheel->now_ms) >> (BITS * (level + 1)))
        level++;
    slot = (due >> (BITS * level)) & MASK;
    push(&wheel->slots[level][slot], timer);
    wheel->used[level][slot / 64] |= UINT64_C(1) << slot % 64;
}

void wheel_arm(struct wheel *wheel, struct wheel_timer *timer, uint64_t due_ms)
{
    assert(timer->fire);
    wheel_disarm(wheel, timer);
    timer->due_ms = due_ms;
    wheel->count++;
    file(wheel, timer);
}

/* The list that ends with this timer may be a slot: then its bit goes too. */
static void forget_slot(struct wheel *wheel, struct wheel_timer **head)
{
    const uintptr_t first = (uintptr_t)&wheel->slots[0][0], at = (uintptr_t)head;
    unsigned index;

    if (*head || at < first || at >= first + sizeof(wheel->slots))
        return;
    index = (unsigned)((at - first) / sizeof(*head));
    wheel->used[index / WHEEL_SLOTS][index % WHEEL_SLOTS / 64] &=
        ~(UINT64_C(1) << index % 64);
}

void wheel_disarm(struct wheel *wheel, struct wheel_timer *timer)
{
    struct wheel_timer **link = timer->link;

    if (!link)
        return;
    unlink_timer(timer);
    forget_slot(wheel, link);
    assert(wheel->count > 0);
    wheel->count--;
}

/* How many slots from `from` (excluded) to the next used one, going round; 0: none is used. */
static unsigned distance(const uint64_t used[WHEEL_SLOTS / 64], unsigned from)
{
    for (unsigned step = 1; step <= WHEEL_SLOTS;) {
        unsigned slot = (from + step) & MASK;
        uint64_t word = used[slot / 64] >> slot % 64;

        if (word)
            return step + (unsigned)__builtin_ctzll(word);
        step += 64 - slot % 64;
    }
    return 0;
}

/* The next tick at which a slot fires or is filed again. */
static uint64_t next_tick(const struct wheel *wheel)
{
    uint64_t next = UINT64_MAX;

    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t at = wheel->now_ms >> (BITS * level);
        unsigned steps = distance(wheel->used[level], at & MASK);

        if (steps && (at + steps) << (BITS * level) < next)
            next = (at + steps) << (BITS * level);
    }
    return next;
}

uint64_t wheel_next_ms(const struct wheel *wheel)
{
    return wheel->ripe ? wheel->now_ms : next_tick(wheel);
}

static void fire_all(struct wheel *wheel, struct wheel_timer **head)
{
    take(wheel, head);
    while (wheel->running) {
        struct wheel_timer *timer = wheel->running;

        unlink_timer(timer);
        wheel->count--;
        timer->fire(timer->ctx);
    }
}

static void file_again(struct wheel *wheel, unsigned level, unsigned slot)
{
    take(wheel, &wheel->slots[level][slot]);
    wheel->used[level][slot / 64] &= ~(UINT64_C(1) << slot % 64);
    while (wheel->running) {
        struct wheel_timer *timer = wheel->running;

        unlink_timer(timer);
        file(wheel, timer);
    }
}

static void tick(struct wheel *wheel)
{
    const unsigned slot = wheel->now_ms & MASK;

    for (unsigned level = WHEEL_LEVELS - 1; level > 0; level--)
        if (!(wheel->now_ms & ((UINT64_C(1) << (BITS * level)) - 1)))
            file_again(wheel, level, (wheel->now_ms >> (BITS * level)) & MASK);
    wheel->used[0][slot / 64] &= ~(UINT64_C(1) << slot % 64);
    fire_all(wheel, &wheel->slots[0][slot]);
}

void wheel_advance(struct wheel *wheel, uint64_t now_ms)
{
    fire_all(wheel, &wheel->ripe);
    while (wheel->now_ms < now_ms) {
        uint64_t next = next_tick(wheel);

        if (next > now_ms) {
            wheel->now_ms = now_ms;
            break;
        }
        wheel->now_ms = next;
        tick(wheel);
        /* Filed again exactly when due: these must not wait for another turn. */
        fire_all(wheel, &wheel->ripe);
    }
}
