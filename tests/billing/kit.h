/* kit.h - builds tariffs and runs sessions for the tests of billing/. */
#ifndef TESTS_BILLING_KIT_H
#define TESTS_BILLING_KIT_H

#include "billing/bill.h"
#include "billing/split.h"

#include <check.h>

#define KIT_KWH  INT64_C(1000000) /* in mWh */
#define KIT_S    BILL_SECOND_US
#define KIT_HOUR (3600 * BILL_SECOND_US)

/* A whole engine with one offset.  Large: keep it static. */
struct kit {
    struct bill_tariff tariff;
    struct bill_offset offset;
    struct bill_clock clock;
    struct bill_split split;
    struct bill_rate rate;
    struct bill_bill bill;
    struct bill_segment segments[256];
    unsigned segment_count;
};

void kit_tariff(struct bill_tariff *); /* empty, CNY */
struct bill_element *kit_element(struct bill_tariff *);
struct bill_component *kit_component(
    struct bill_tariff *, enum bill_dimension, int64_t price_micro); /* of the last element */
void kit_seal(struct bill_tariff *);                                 /* must succeed */

void kit_open(struct kit *, int64_t begin_us);          /* the fold takes the segments */
void kit_open_segments(struct kit *, int64_t begin_us); /* kit.segments takes them */
void kit_energy(struct kit *, int64_t from_us, int64_t to_us, int64_t mwh);
void kit_interval(struct kit *, struct bill_interval);
void kit_reading(struct kit *, int64_t at_us, int64_t import_mwh);
const struct bill_bill *kit_total(struct kit *); /* also checks that it adds up */

/* Power and current unknown, nothing used. */
struct bill_interval kit_stretch(int64_t from_us, int64_t to_us);

int kit_main(Suite *);

#endif
