/* rate.h - from segments to lines: a fold of fixed size.
 *
 * init, feed, total.  Feeding picks the active component of every slot and adds the segment's
 * quantities to it; nothing else is kept.  The total may be asked at any time, as often as wanted,
 * and changes nothing: a running cost, an offline calculation and the settlement are the same fold.
 *
 * The tariff is borrowed and must outlive the fold.  No allocation, no clock, no input or output.
 */
#ifndef BILLING_RATE_H
#define BILLING_RATE_H

#include "billing/segment.h"

/* What the session's contract says besides its tariff. */
struct bill_terms {
    bool export_allowed;  /* false: discharged energy is recorded, but never credited */
    bool nothing_is_free; /* nothing delivered, no moment of charging: no fee, no minimum */
};

/* What a component has counted so far. */
struct bill_tally {
    int64_t quantity;  /* mWh, microseconds, or 1 */
    int64_t estimated; /* of the quantity */
    int64_t from_us, to_us;
    uint32_t last; /* number of the last segment that added to it */
    uint16_t component;
};

struct bill_rate {
    const struct bill_tariff *tariff;
    struct bill_terms terms;
    /* Private from here on, but for reading. */
    bool begun, charged;
    int64_t from_us, to_us;
    int64_t import_mwh, export_mwh, estimated_mwh;
    uint32_t segments;
    uint64_t flats;                  /* slots whose FLAT has been counted, by bit */
    uint16_t active[BILL_SLOTS_MAX]; /* the slot's component, or BILL_NO_COMPONENT */
    uint16_t tally_count;
    uint16_t tally_of[BILL_COMPONENTS_MAX]; /* index + 1; 0: none yet */
    struct bill_tally tallies[BILL_COMPONENTS_MAX];
};

void bill_rate_init(struct bill_rate *, const struct bill_tariff *, struct bill_terms);
void bill_rate_feed(struct bill_rate *, const struct bill_segment *);

/* A sink for the splitter that feeds this fold. */
struct bill_sink bill_rate_sink(struct bill_rate *);

#endif
