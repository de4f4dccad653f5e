/* clock.c - see clock.h. */
#include "csms/core/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* A message is on its way for some seconds; only what is older was held back. */
    ON_ITS_WAY_US = 5 * 1000000,
    AGREE_US = 60 * 1000000, /* what differs by less is of the same clock */
};

void core_clock_learn(struct core_clock *clock, int64_t at_us, int64_t received_us, bool asked)
{
    clock->samples[clock->next] =
        (struct core_clock_sample){.offset_us = received_us - at_us, .asked = asked};
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
    const struct core_clock_sample *left = a, *right = b;

    return (left->offset_us > right->offset_us) - (left->offset_us < right->offset_us);
}

bool core_clock_offset(
    const struct core_clock *clock, int64_t at_us, int64_t received_us, int64_t *ret_offset_us)
{
    struct core_clock_sample sorted[CORE_CLOCK_SAMPLES];
    int64_t median_us;
    int witnesses = 0;

    assert(clock->count <= CORE_CLOCK_SAMPLES);
    if (clock->count == 0)
        return false;
    memcpy(sorted, clock->samples, sizeof sorted);
    qsort(sorted, clock->count, sizeof *sorted, compare);
    median_us = sorted[(clock->count - 1) / 2].offset_us;
    /* Added to the smallest sample's time, or to at_us, it must not lead past the receipt. */
    if (median_us - sorted[0].offset_us > AGREE_US ||
        median_us - (received_us - at_us) > AGREE_US)
        return false;
    for (int i = 0; i < clock->count; i++)
        if (sorted[i].offset_us - median_us <= AGREE_US)
            witnesses += sorted[i].asked ? 2 : 1;
    *ret_offset_us = median_us;
    return witnesses >= 2;
}

bool core_clock_queued(
    const struct core_clock *clock, const struct core_clock_line *line, int64_t at_us)
{
    int64_t offset_us = 0;

    if (core_clock_offset(clock, at_us, line->received_us, &offset_us))
        at_us += offset_us;
    if (at_us >= line->received_us - ON_ITS_WAY_US)
        return false;
    if (at_us < line->connected_us)
        return true;
    return line->busy_since_us != 0 && at_us >= line->busy_since_us;
}
