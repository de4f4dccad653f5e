/* segment.h - what split hands to rate: a stretch in which no price can change.
 *
 * Everything a restriction may ask is on the segment, taken at its beginning (power and current in
 * its middle), so that rate looks at no clock, zone or reading.
 */
#ifndef BILLING_SEGMENT_H
#define BILLING_SEGMENT_H

#include "billing/tariff.h"

struct bill_segment {
    int64_t from_us, to_us;
    int64_t import_mwh, export_mwh;                 /* used in it */
    int64_t charge_us, park_us, reserve_us;         /* spent in it */
    int64_t import_before_mwh, elapsed_us, idle_us; /* the session so far, at from_us */
    int64_t power_mw, current_ma;                   /* BILL_ABSENT: not measured */
    int32_t day;                                    /* local date, days since 1970 */
    int64_t day_us;                                 /* local time of day */
    uint16_t day_type;                              /* one bit of tariff.day_types, or 0 */
    uint8_t weekday;                                /* 0 is Monday */
    bool expired;                                   /* the reservation was not used */
    bool estimated;                                 /* energy interpolated over a gap */
    bool fresh;                                     /* the choice of prices must be made again */
};

/* Do all restrictions of the element hold in the segment? */
bool bill_element_holds(const struct bill_element *, const struct bill_segment *);

/* Is the segment (part of) a reservation and nothing else? */
static inline bool bill_segment_is_reservation(const struct bill_segment *s)
{
    return s->reserve_us > 0 && s->import_mwh == 0 && s->export_mwh == 0 && s->charge_us == 0 &&
           s->park_us == 0;
}

/* Takes a segment; it is valid during the call only. */
struct bill_sink {
    void (*take)(void *ctx, const struct bill_segment *);
    void *ctx;
};

#endif
