/* bill.h - what a session costs: lines, VAT groups and totals.
 *
 * How it is rounded, once:
 *   every amount is exact until the end; at six decimals (`_micro`) it is cut, and the lines add up
 *   to the totals by largest remainder;
 *   per VAT rate the gross amount is rounded to the minor unit, half away from zero.  With net
 *   prices the group's net amount is rounded likewise; with gross prices it is the rounded gross
 *   amount without its VAT.  VAT is the difference;
 *   a group's gross amount is shared among its lines, its net amount among its charge codes, in
 *   proportion to their list amounts, by largest remainder;
 *   where min_price or max_price holds, the totals are the limit, and lines of their own say by
 *   how much; rounding never carries a total over a limit.
 * Import and export are two sides of one bill and never netted.
 */
#ifndef BILLING_BILL_H
#define BILLING_BILL_H

#include "billing/rate.h"

enum bill_line_kind { BILL_LINE_PRICE, BILL_LINE_CAP, BILL_LINE_MIN_PRICE, BILL_LINE_MAX_PRICE };

struct bill_line {
    enum bill_line_kind kind;
    enum bill_dimension dimension; /* of a PRICE or CAP line */
    enum bill_charge charge;
    enum bill_direction direction;
    uint16_t component; /* BILL_NO_COMPONENT: a line of min_price or max_price */
    bool reservation;
    bool estimated; /* part of the energy was interpolated over a gap */
    int32_t vat_ppm;
    int64_t from_us, to_us;
    int64_t quantity; /* billed: mWh, microseconds, or 1 */
    int64_t step;     /* of the quantity, what step_size added */
    int64_t metered;  /* before factor and step */
    int64_t net_micro, vat_micro, gross_micro;
    int64_t amount_minor;    /* gross; the lines of a side add up to its gross_minor */
    __int128 list, uncapped; /* exact list amounts (money.h) */
};

struct bill_group {
    int32_t vat_ppm;
    int64_t net_minor, vat_minor, gross_minor;
};
struct bill_code {
    enum bill_charge charge;
    int64_t net_minor;
};

enum {
    BILL_LIMIT_LINES_MAX = BILL_VAT_RATES_MAX * BILL_CHARGE_COUNT,
    BILL_LINES_MAX = 2 * BILL_COMPONENTS_MAX + BILL_LIMIT_LINES_MAX
};

/* One direction of a bill.  Its lines are lines[first .. first + count). */
struct bill_side {
    uint16_t first, count;
    uint16_t group_count, code_count;
    int64_t net_micro, vat_micro, gross_micro;
    int64_t net_minor, vat_minor, gross_minor;
    struct bill_group groups[BILL_VAT_RATES_MAX];
    struct bill_code codes[BILL_CHARGE_COUNT];
};

struct bill_bill {
    int64_t import_mwh, export_mwh, estimated_mwh; /* metered */
    enum bill_line_kind limit;       /* MIN_PRICE or MAX_PRICE if it was applied, else PRICE */
    struct bill_side charge, credit; /* import and export */
    uint16_t line_count;
    struct bill_line lines[BILL_LINES_MAX];
};

/* The bill as it stands.  Changes nothing in the fold; only the lines in use are written. */
void bill_rate_total(const struct bill_rate *, struct bill_bill *ret);

/* Do the sums of a bill hold: lines against totals, groups against totals, codes against groups?
 * NULL: yes; else the name of the sum that does not. */
const char *bill_check_sums(const struct bill_bill *);

#endif
