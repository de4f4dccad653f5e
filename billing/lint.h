/* lint.h - what can be wrong with a tariff.
 *
 * A tariff that could never hold, could overflow, or prices one thing twice is refused when it is
 * saved, not when it bills.
 */
#ifndef BILLING_LINT_H
#define BILLING_LINT_H

struct bill_tariff;

enum bill_lint {
    BILL_LINT_OK,
    BILL_LINT_NO_ELEMENT,
    BILL_LINT_TOO_MANY_ELEMENTS,
    BILL_LINT_NO_COMPONENT,
    BILL_LINT_TOO_MANY_COMPONENTS,
    BILL_LINT_CURRENCY,
    BILL_LINT_EXPONENT,
    BILL_LINT_PRICE,
    BILL_LINT_VAT,
    BILL_LINT_TOO_MANY_VAT_RATES,
    BILL_LINT_STEP,
    BILL_LINT_EXPORT_STEP,
    BILL_LINT_FACTOR,
    BILL_LINT_CAP,
    BILL_LINT_BOUND,
    BILL_LINT_BOUND_TAX,
    BILL_LINT_MIN_ABOVE_MAX,
    BILL_LINT_EMPTY_WINDOW,
    BILL_LINT_TIME,
    BILL_LINT_EMPTY_DATES,
    BILL_LINT_ZERO_MAX,
    BILL_LINT_EMPTY_RANGE,
    BILL_LINT_RANGE,
    BILL_LINT_WEEKDAYS,
    BILL_LINT_DAY_TYPE,
    BILL_LINT_IDLE,
    BILL_LINT_DUPLICATE,
    BILL_LINT_CHARGE_DIRECTION,
    BILL_LINT_EXPORT_DIMENSION,
    BILL_LINT_RESERVATION_DIMENSION,
    BILL_LINT_EXPORT_RESERVATION,
    BILL_LINT_FLAT_FACTOR,
    BILL_LINT_COUNT
};

/* Where a tariff is wrong.  The indexes are -1 where the fault is not in an element or component;
 * `member` is the OCPI (or our) name of the member at fault. */
struct bill_lint_fault {
    enum bill_lint lint;
    int element, component;
    const char *member;
};

/* The first fault without sealing, as bill_tariff_seal would name it. */
struct bill_lint_fault bill_tariff_lint(const struct bill_tariff *);

const char *bill_lint_text(enum bill_lint); /* one English sentence, static */

#endif
