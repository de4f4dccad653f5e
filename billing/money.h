/* money.h - exact money, and how it is shared out.
 *
 * A list amount is exact: a numerator over BILL_DENOMINATOR, in millionths of the main unit.  It is
 * never rounded before the end; an amount at six decimals is cut, not rounded, because then the one
 * rounding to minor units, half away from zero, comes out as it would from the exact amount.
 * All amounts here are >= 0; limits.h says why nothing overflows.
 */
#ifndef BILLING_MONEY_H
#define BILLING_MONEY_H

#include <stdint.h>

#include "billing/tariff.h"

/* Microseconds of an hour times the scale of a quantity factor. */
#define BILL_DENOMINATOR (INT64_C(3600000000) * BILL_MICRO)

/* whole + rest / BILL_REST_WHOLE, rest cut. */
struct bill_exact {
    int64_t whole, rest;
};
#define BILL_REST_WHOLE INT64_C(1000000000000)

/* The list amount of a quantity: `fine` is the quantity (mWh or microseconds) times its factor. */
__int128 bill_list_amount(const struct bill_component *, __int128 fine);

/* list * multiply / divide, in millionths; both factors at most 2,000,000. */
struct bill_exact bill_exact_of(__int128 list, int64_t multiply, int64_t divide);

/* value * multiply / divide, half away from zero. */
int64_t bill_scale(int64_t value, int64_t multiply, int64_t divide);

/* Millionths to minor units, half away from zero. */
int64_t bill_round(int64_t micro, unsigned exponent);

/* Millionths to minor units, down or up. */
int64_t bill_round_down(int64_t micro, unsigned exponent);
int64_t bill_round_up(int64_t micro, unsigned exponent);

/* Shares a total by weights, largest remainder first, of equal ones the earlier; if no weight is
 * above zero the first gets all.  A negative total is shared like its mirror.  count <=
 * BILL_SHARES_MAX; the shares add up to the total. */
enum { BILL_SHARES_MAX = BILL_COMPONENTS_MAX };
void bill_share(int64_t total, const int64_t *weights, unsigned count, int64_t *ret);

/* Gives a total to parts that are each known exactly: every part its whole, what is left by the
 * largest rest.  Writes the wholes. */
void bill_settle(int64_t total, struct bill_exact *parts, unsigned count);

#endif
