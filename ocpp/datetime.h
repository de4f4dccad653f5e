/* datetime.h - date-times of OCPP as microseconds since 1970 in UTC. */
#ifndef OCPP_DATETIME_H
#define OCPP_DATETIME_H

#include "ocpp/types.h"

enum ocpp_datetime_result {
    OCPP_DATETIME_OK,        /* RFC 3339 */
    OCPP_DATETIME_TOLERATED, /* ISO 8601, or near enough to be read in one way only */
    OCPP_DATETIME_INVALID
};

enum { OCPP_DATETIME_BYTES = 25 };

/* Tolerated: no zone (UTC), +02 or +0200, a comma before the fraction, no seconds, a blank for T,
 * blanks around.  Digits beyond the microsecond are dropped, the leap second counts as the second
 * after it.  On INVALID *ret_unix_us is untouched. */
MUST_CHECK enum ocpp_datetime_result ocpp_datetime_read(const char *text, int64_t *ret_unix_us);

/* 2026-01-31T12:00:00.000Z; finer digits are dropped.  A time outside the years 0000 to 9999
 * becomes the nearest one inside. */
void ocpp_datetime_write(char buf[OCPP_DATETIME_BYTES], int64_t unix_us);

#endif
