/* clock.c - from UTC to local dates and times of day.  Pure. */
#include "billing/clock.h"

#include <assert.h>

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static uint16_t day_type_at(const struct bill_clock *clock, int32_t day)
{
    for (uint32_t i = 0; i < clock->day_count; i++) {
        if (clock->days[i].day == day)
            return clock->days[i].day_type;
    }
    return 0;
}

struct bill_local bill_clock_at(const struct bill_clock *clock, int64_t at_us)
{
    struct bill_local local = {0};
    uint32_t i = 0;
    int64_t midnight;

    assert(clock->offset_count > 0);
    while (i + 1 < clock->offset_count && clock->offsets[i + 1].at_us <= at_us)
        i++;
    local.offset_us = clock->offsets[i].offset_s * BILL_SECOND_US;
    local.day = (int32_t)floor_div(at_us + local.offset_us, BILL_DAY_US);
    local.weekday = (uint8_t)(((local.day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    local.day_type = day_type_at(clock, local.day);
    midnight = (local.day + INT64_C(1)) * BILL_DAY_US - local.offset_us;
    local.end_us = midnight;
    if (i + 1 < clock->offset_count && clock->offsets[i + 1].at_us < midnight)
        local.end_us = clock->offsets[i + 1].at_us;
    return local;
}

/* Counts in years that begin in March, so that the leap day is the last of its year. */
int32_t bill_day_number(int year, int month, int day)
{
    int y = month > 2 ? year : year - 1;
    int m = month > 2 ? month - 3 : month + 9;
    int64_t era = floor_div(y, 400);
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * m + 2) / 5 + day - 1;

    return (int32_t)(era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468);
}
