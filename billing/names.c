/* names.c - the words of a tariff: dimensions, charge codes, and what lint says.
 *
 * Static tables; safe from any thread.
 */
#include "billing/tariff.h"

#include <string.h>

static const char *const dimensions[BILL_DIMENSION_COUNT] = {
    [BILL_ENERGY] = "ENERGY",
    [BILL_TIME] = "TIME",
    [BILL_PARKING_TIME] = "PARKING_TIME",
    [BILL_FLAT] = "FLAT",
};

static const char *const charges[BILL_CHARGE_COUNT] = {
    [BILL_ENERGY_ELEC] = "ENERGY_ELEC",
    [BILL_ENERGY_SERVICE] = "ENERGY_SERVICE",
    [BILL_OCCUPANCY] = "OCCUPANCY",
    [BILL_RESERVATION] = "RESERVATION",
    [BILL_START_FEE] = "START_FEE",
    [BILL_V2G_BASE] = "V2G_BASE",
    [BILL_V2G_BONUS] = "V2G_BONUS",
    [BILL_SUBSIDY] = "SUBSIDY",
};

static const char *const texts[BILL_LINT_COUNT] = {
    [BILL_LINT_OK] = "no fault",
    [BILL_LINT_NO_ELEMENT] = "a tariff needs at least one element",
    [BILL_LINT_TOO_MANY_ELEMENTS] = "more than 128 elements",
    [BILL_LINT_NO_COMPONENT] = "an element needs at least one price component",
    [BILL_LINT_TOO_MANY_COMPONENTS] = "more than 256 price components in all",
    [BILL_LINT_CURRENCY] = "a currency is three capital letters",
    [BILL_LINT_EXPONENT] = "a currency has 0 to 4 decimal places",
    [BILL_LINT_PRICE] = "a price is between 0 and 100000",
    [BILL_LINT_VAT] = "VAT is between 0 and 100 percent",
    [BILL_LINT_TOO_MANY_VAT_RATES] = "more than 8 different VAT rates",
    [BILL_LINT_STEP] = "a step is between 0 and 1000000",
    [BILL_LINT_EXPORT_STEP] = "a credit is paid for exactly what was measured: no step above 1",
    [BILL_LINT_FACTOR] = "a quantity factor is above 0 and at most 2",
    [BILL_LINT_CAP] = "a cap is between 0 and 1000000000",
    [BILL_LINT_BOUND] = "a price limit is between 0 and 1000000000",
    [BILL_LINT_BOUND_TAX] = "a price limit with VAT is below the one without",
    [BILL_LINT_MIN_ABOVE_MAX] = "min_price is above max_price",
    [BILL_LINT_EMPTY_WINDOW] = "start_time equals end_time: the window never holds",
    [BILL_LINT_TIME] = "a time of day is between 00:00 and 24:00",
    [BILL_LINT_EMPTY_DATES] = "start_date is not before end_date: the range never holds",
    [BILL_LINT_ZERO_MAX] = "a maximum of 0 never holds",
    [BILL_LINT_EMPTY_RANGE] = "the minimum is not below the maximum: the range never holds",
    [BILL_LINT_RANGE] = "a restriction's value is out of range",
    [BILL_LINT_WEEKDAYS] = "a week has seven days",
    [BILL_LINT_DAY_TYPE] = "a day type that the tariff does not name",
    [BILL_LINT_IDLE] = "min_idle_s is between 0 and 31 days",
    [BILL_LINT_DUPLICATE] = "two components of one element have the same type and charge code",
    [BILL_LINT_CHARGE_DIRECTION] = "the charge code belongs to the other direction",
    [BILL_LINT_EXPORT_DIMENSION] = "an EXPORT element prices ENERGY only",
    [BILL_LINT_RESERVATION_DIMENSION] = "a reservation has FLAT and TIME only",
    [BILL_LINT_EXPORT_RESERVATION] = "a reservation has no direction EXPORT",
    [BILL_LINT_FLAT_FACTOR] = "a FLAT has no quantity to multiply",
};

const char *bill_dimension_name(enum bill_dimension dimension)
{
    return dimension < BILL_DIMENSION_COUNT ? dimensions[dimension] : "?";
}

const char *bill_charge_name(enum bill_charge charge)
{
    return charge < BILL_CHARGE_COUNT ? charges[charge] : "?";
}

static unsigned find(const char *const *names, unsigned count, const char *name)
{
    unsigned i = 0;

    while (i < count && strcmp(names[i], name) != 0)
        i++;
    return i;
}

enum bill_dimension bill_dimension_find(const char *name)
{
    return (enum bill_dimension)find(dimensions, BILL_DIMENSION_COUNT, name);
}

enum bill_charge bill_charge_find(const char *name)
{
    return (enum bill_charge)find(charges, BILL_CHARGE_COUNT, name);
}

bool bill_charge_is_export(enum bill_charge charge)
{
    return charge == BILL_V2G_BASE || charge == BILL_V2G_BONUS || charge == BILL_SUBSIDY;
}

const char *bill_lint_text(enum bill_lint lint)
{
    return lint < BILL_LINT_COUNT ? texts[lint] : "?";
}
