/* bill.h - a settlement's input as JSON becomes a bill as JSON.
 *
 * Two steps, so that a bill can be made again from what was stored and from nothing else.  Wrapping
 * adds what is not in the database (the engine's version and the zone's offsets); the wrapped text,
 * byte for byte, is the evidence that is hashed and kept.  Rating reads only that text.
 *
 * The result is one of three: a bill; a review with its kind and details, for evidence that nobody
 * can trust and input that cannot be rated; or what is to be tried again, since there was no memory
 * or the zone's file could not be read.  Pure but for reading that file.
 */
#ifndef CSMS_RATE_BILL_H
#define CSMS_RATE_BILL_H

#include "ocpp/message.h"

enum csms_bill_result { CSMS_BILL_OK, CSMS_BILL_REVIEW, CSMS_BILL_NO_MEMORY, CSMS_BILL_NO_ZONE };

enum { CSMS_BILL_ENGINE = 1, CSMS_BILL_INPUT_MAX = 64 * 1024 * 1024 };

/* Owns its text; csms_bill_done frees it. */
struct csms_bill {
    enum csms_bill_result result;
    char kind[32]; /* of a review: bill_reason_name's names, input_invalid, tariff_invalid,
                      zone_unknown, currency_differs, unbalanced */
    char *text;    /* the wrapped input, the bill, or the review's details */
    size_t length;
};

void csms_bill_done(struct csms_bill *);

/* Adds engine and zone offsets.  zone_directory NULL: the system's. */
void csms_bill_wrap(
    const char *input, size_t length, const char *zone_directory, struct csms_bill *ret);

/* Rates a wrapped input. */
void csms_bill_rate(const char *wrapped, size_t length, struct csms_bill *ret);

#endif
