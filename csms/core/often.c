/* often.c - how often each station came lately.
 *
 * Kept apart from the stations' records, which are gone whenever a pile is away for a moment.  A
 * count is the time at which it will be forgotten whole (generic cell rate); the table has a fixed
 * size, and who finds no room in a row takes the place of the smallest count in it.  So a flood of
 * identities can only make it forget those that came seldom.
 */
#include "csms/core/inside.h"

#include <stdlib.h>

enum { WAYS = 8, STEP_MS = 3600 * 1000 / CORE_AGAIN_HOUR };

struct core_often {
    struct came {
        int64_t station;
        uint64_t until_ms;
    } table[WAYS];
};

bool often_make(struct core *core)
{
    uint32_t rows = 1;

    while (rows * WAYS < core->capacity)
        rows *= 2;
    core->often = calloc(rows, sizeof *core->often);
    core->often_mask = rows - 1;
    return core->often != NULL;
}

/* Its place, or the one that it would get. */
static struct came *place_of(const struct core *core, int64_t station)
{
    uint64_t mixed = (uint64_t)station * UINT64_C(0x9e3779b97f4a7c15);
    struct came *row = core->often[(mixed >> 32) & core->often_mask].table, *best = row;

    for (struct came *at = row; at < row + WAYS; at++) {
        if (at->station == station)
            return at;
        if (at->until_ms < best->until_ms)
            best = at;
    }
    return best;
}

static uint64_t left_ms(const struct came *place, struct core_now now, int64_t station)
{
    return place->station == station && place->until_ms > now.mono_ms
               ? place->until_ms - now.mono_ms
               : 0;
}

void often_came(struct core *core, struct core_now now, int64_t station)
{
    struct came *place = place_of(core, station);

    place->until_ms = now.mono_ms + left_ms(place, now, station) + STEP_MS;
    place->station = station;
}

bool often_may(const struct core *core, struct core_now now, int64_t station)
{
    return left_ms(place_of(core, station), now, station) <= (uint64_t)CORE_AGAIN_HOUR * STEP_MS;
}
