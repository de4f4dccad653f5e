/* decimal.h - exact decimal numbers from text, as integers.  No floating point. */
#ifndef OCPP_DECIMAL_H
#define OCPP_DECIMAL_H

#include "ocpp/types.h"

enum ocpp_decimal_result {
    OCPP_DECIMAL_OK,
    OCPP_DECIMAL_SYNTAX,
    OCPP_DECIMAL_INEXACT, /* digits beyond the scale would be lost */
    OCPP_DECIMAL_RANGE    /* more than an int64 holds */
};

enum { OCPP_DECIMAL_SCALE_MAX = 18, OCPP_DECIMAL_BYTES = 32 };

/* *ret = the number x 10^scale.  Takes JSON's numbers, and besides what piles write into strings: a
 * plus sign, leading zeros, blanks around, a point without digits on one of its sides, and a comma
 * in its place, unless it could divide thousands (108,000).  On any other result *ret is untouched.
 */
MUST_CHECK enum ocpp_decimal_result ocpp_decimal_read(
    const char *text, size_t length, int scale, int64_t *ret);

/* value / 10^scale in the shortest form ("7.4", "-0.000001", "12").  The length without NUL; 0: it
 * does not fit (OCPP_DECIMAL_BYTES always does). */
size_t ocpp_decimal_write(char *buf, size_t size, int64_t value, int scale);

#endif
