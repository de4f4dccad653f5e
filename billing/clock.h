/* clock.h - the local wall clock of a site, as data.
 *
 * The engine knows no zones: whoever calls it hands over the UTC offsets that hold during the
 * session and the calendar's day types.  Both stay the caller's and must outlive the split.
 */
#ifndef BILLING_CLOCK_H
#define BILLING_CLOCK_H

#include "billing/limits.h"

struct bill_offset {
    int64_t at_us;
    int32_t offset_s;
}; /* holds from at_us on; sorted */
struct bill_day {
    int32_t day;
    uint16_t day_type;
}; /* one bit of tariff.day_types; sorted */

struct bill_clock {
    const struct bill_offset *offsets; /* at least one; the first holds before its time too */
    uint32_t offset_count;
    const struct bill_day *days; /* NULL: no calendar */
    uint32_t day_count;
};

/* A stretch [from, end) of the wall clock without a midnight or a change of offset. */
struct bill_local {
    int64_t end_us; /* UTC */
    int64_t offset_us;
    int32_t day;
    uint16_t day_type;
    uint8_t weekday;
};

struct bill_local bill_clock_at(const struct bill_clock *, int64_t at_us);

/* The date's number of days since 1970-01-01, proleptic Gregorian. */
int32_t bill_day_number(int year, int month, int day);

#endif
