/* clock.c - see clock.h. */
#include "csms/core/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A message is on its way for some seconds; only what is older was held back by the station. */
enum { ON_ITS_WAY_US = 5 * 1000000 };

void core_clock_learn(struct core_clock *clock, int64_t at_us, int64_t received_us)
{
    clock->offset_us[clock->next] = received_us - at_us;
    clock->next = (uint8_t)((clock->next + 1) % CORE_CLOCK_SAMPLES);
    if (clock->count < CORE_CLOCK_SAMPLES)
        clock->count++;
}

void core_clock_forget(struct core_clock *clock)
{
    *clock = (struct core_clock){0};
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

bool core_clock_offset(const struct core_clock *clock, int64_t *ret_offset_us)
{
    int64_t sorted[CORE_CLOCK_SAMPLES];

    assert(clock->count <= CORE_CLOCK_SAMPLES);
    if (clock->count == 0)
        return false;
    memcpy(sorted, clock->offset_us, sizeof sorted);
    qsort(sorted, clock->count, sizeof *sorted, compare);
    *ret_offset_us = sorted[clock->count / 2];
    return true;
}

bool core_clock_queued(
    const struct core_clock *clock, const struct core_clock_line *line, int64_t at_us)
{
    int64_t offset_us = 0;

    if (core_clock_offset(clock, &offset_us))
        at_us += offset_us;
    if (at_us >= line->received_us - ON_ITS_WAY_US)
        return false;
    if (at_us < line->connected_us)
        return true;
    return line->busy_since_us != 0 && at_us >= line->busy_since_us;
}
