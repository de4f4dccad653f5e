/* limits.h - every bound of the rating engine, by name.
 *
 * The bounds on prices, factors, energy and time are chosen together: they are why no product of
 * this folder overflows its __int128 and no amount of a bill overflows its int64.  An exact amount
 * is kept as a numerator over BILL_DENOMINATOR (money.h); the largest one is
 *   price 1e11 * energy 1e12 * factor 2e6 * 3600 = 7.2e32 for a component,
 * five charge codes of energy at once give 3.6e33, and an __int128 holds 1.7e38.  In money that is
 * 1e12 main units, 2e18 millionths with a VAT of 100 %, and an int64 holds 9.2e18.
 */
#ifndef BILLING_LIMITS_H
#define BILLING_LIMITS_H

#include <stdint.h>

enum {
    BILL_ELEMENTS_MAX = 128,      /* of a tariff; 48 half-hour slots in two seasons fit */
    BILL_COMPONENTS_MAX = 256,    /* of a tariff, over all its elements */
    BILL_LABEL_SIZE = 64,         /* bytes of a rate label or day type, its NUL included */
    BILL_DAY_TYPES_MAX = 16,      /* different day types that one tariff may name */
    BILL_VAT_RATES_MAX = 8,       /* different VAT rates in one direction of one tariff */
    BILL_EXPONENT_MAX = 4,        /* decimal places of a currency's minor unit */
    BILL_STATES_PENDING_MAX = 64, /* state changes between two readings */
    BILL_OFFSETS_MAX = 16,        /* offsets of a zone during one session */
    BILL_CALENDAR_MAX = 64,       /* calendar days of one session */
    BILL_WEEKDAYS_ALL = 0x7f,
};

#define BILL_MICRO     INT64_C(1000000)
#define BILL_SECOND_US INT64_C(1000000)
#define BILL_DAY_US    (INT64_C(86400) * BILL_SECOND_US)

#define BILL_PRICE_MAX_MICRO  (INT64_C(100000) * BILL_MICRO)     /* per kWh, hour or session */
#define BILL_BOUND_MAX_MICRO  (INT64_C(1000000000) * BILL_MICRO) /* min_price, max_price, cap */
#define BILL_FACTOR_MAX_PPM   (2 * BILL_MICRO)                   /* quantity factor */
#define BILL_VAT_MAX_PPM      BILL_MICRO                         /* 100 % */
#define BILL_STEP_MAX         INT64_C(1000000)                   /* Wh or seconds */
#define BILL_ENERGY_MAX_MWH   (INT64_C(1000000) * BILL_MICRO)    /* of a session: 1,000,000 kWh */
#define BILL_SESSION_MAX_US   (31 * BILL_DAY_US)
#define BILL_RESTRICTION_MAX  INT64_C(1000000000000)      /* mWh, mA, mW; 1e12 */
#define BILL_INSTANT_MAX_US   INT64_C(253402300799000000) /* the end of the year 9999 */
#define BILL_REGISTER_MAX_MWH INT64_C(1000000000000000)   /* a meter's whole life */

/* A sample interval longer than this that a price boundary cuts has its energy estimated: a quarter
 * of an hour is the longest interval piles are configured to sample at. */
#define BILL_GAP_US (900 * BILL_SECOND_US)

/* What registers may differ by for rounding alone: meterStart and meterStop are whole Wh. */
#define BILL_TOLERANCE_MWH INT64_C(1000)

/* Below this, and without a moment of charging, nothing was delivered: no start fee. */
#define BILL_NOTHING_MWH INT64_C(10000)

/* Energy is plausible up to P_max x time x 1.1 + 0.5 kWh. */
#define BILL_PLAUSIBLE_PERCENT   INT64_C(110)
#define BILL_PLAUSIBLE_EXTRA_MWH INT64_C(500000)

/* Between two readings the energy of this long may come in one step as well: meters refresh their
 * registers once a minute, and piles stamp readings by the second. */
#define BILL_REFRESH_US (60 * BILL_SECOND_US)

/* P_max of a pile that did not tell: no charging system delivers more. */
#define BILL_POWER_MAX_W INT64_C(3750000)

#endif
