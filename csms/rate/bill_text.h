/* bill_text.h - a bill as JSON, for the ledger and for people (internal to csms/rate/). */
#ifndef CSMS_RATE_BILL_TEXT_H
#define CSMS_RATE_BILL_TEXT_H

#include "billing/bill.h"
#include "csms/rate/out.h"

/* The ledger's form: integers as strings. */
void csms_bill_write(
    struct csms_out *, const struct bill_tariff *, const struct bill_bill *, const char *evidence);

/* The offline calculator's form: decimals as strings, six places, unrounded. */
void csms_bill_write_rate(struct csms_out *, const struct bill_tariff *, const struct bill_bill *);

#endif
