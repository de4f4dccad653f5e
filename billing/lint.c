/* lint.c - what a tariff must not be.
 *
 * Each check returns BILL_LINT_OK or the fault and names the member; a tariff that could never
 * hold, could overflow, or prices one thing twice is refused when it is saved, not when it bills.
 * Pure; reads the tariff only.
 */
#include "billing/tariff.h"

#include <stddef.h>
#include <string.h>

#define CHECK(condition, fault, name)                                                              \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            *ret_member = (name);                                                                  \
            return (fault);                                                                        \
        }                                                                                          \
    } while (0)

static bool within(int64_t value, int64_t max)
{
    return value >= 0 && value <= max;
}

static bool absent_or_within(int64_t value, int64_t max)
{
    return value == BILL_ABSENT || within(value, max);
}

static enum bill_lint lint_price(const struct bill_component *c, const char **ret_member)
{
    CHECK(c->dimension < BILL_DIMENSION_COUNT, BILL_LINT_RANGE, "type");
    CHECK(c->charge < BILL_CHARGE_COUNT, BILL_LINT_RANGE, "charge_code");
    CHECK(within(c->price_micro, BILL_PRICE_MAX_MICRO), BILL_LINT_PRICE, "price");
    CHECK(within(c->vat_ppm, BILL_VAT_MAX_PPM), BILL_LINT_VAT, "vat");
    CHECK(c->vat_given || c->vat_ppm == 0, BILL_LINT_VAT, "vat");
    CHECK(within(c->step, BILL_STEP_MAX), BILL_LINT_STEP, "step_size");
    CHECK(c->factor_ppm > 0 && c->factor_ppm <= BILL_FACTOR_MAX_PPM, BILL_LINT_FACTOR,
        "quantity_factor");
    CHECK(c->dimension != BILL_FLAT || c->factor_ppm == BILL_MICRO, BILL_LINT_FLAT_FACTOR,
        "quantity_factor");
    CHECK(absent_or_within(c->cap_micro, BILL_BOUND_MAX_MICRO), BILL_LINT_CAP, "cap");
    CHECK(memchr(c->label, 0, BILL_LABEL_SIZE) != NULL, BILL_LINT_RANGE, "rate_label");
    return BILL_LINT_OK;
}

/* What a component may be depends on its element's direction and scope. */
static enum bill_lint lint_place(
    const struct bill_element *e, const struct bill_component *c, const char **ret_member)
{
    bool export = e->direction == BILL_EXPORT;

    CHECK(bill_charge_is_export(c->charge) == export, BILL_LINT_CHARGE_DIRECTION, "charge_code");
    CHECK(!export || c->dimension == BILL_ENERGY, BILL_LINT_EXPORT_DIMENSION, "type");
    CHECK(!export || c->step <= 1, BILL_LINT_EXPORT_STEP, "step_size");
    CHECK(e->scope == BILL_SCOPE_SESSION || c->dimension == BILL_FLAT || c->dimension == BILL_TIME,
        BILL_LINT_RESERVATION_DIMENSION, "type");
    return BILL_LINT_OK;
}

static enum bill_lint lint_range(
    const struct bill_range *r, int64_t max, const char *const *names, const char **ret_member)
{
    CHECK(absent_or_within(r->min, max), BILL_LINT_RANGE, names[0]);
    CHECK(absent_or_within(r->max, max), BILL_LINT_RANGE, names[1]);
    CHECK(r->max != 0, BILL_LINT_ZERO_MAX, names[1]);
    CHECK(r->min == BILL_ABSENT || r->max == BILL_ABSENT || r->min < r->max, BILL_LINT_EMPTY_RANGE,
        names[0]);
    return BILL_LINT_OK;
}

static enum bill_lint lint_ranges(const struct bill_restrictions *w, const char **ret_member)
{
    static const char *const names[][2] = {{"min_kwh", "max_kwh"}, {"min_current", "max_current"},
        {"min_power", "max_power"}, {"min_duration", "max_duration"}};
    const struct bill_range *ranges[] = {
        &w->energy_mwh, &w->current_ma, &w->power_mw, &w->duration_us};
    int64_t maxima[] = {
        BILL_ENERGY_MAX_MWH, BILL_RESTRICTION_MAX, BILL_RESTRICTION_MAX, BILL_SESSION_MAX_US};

    for (unsigned i = 0; i < 4; i++) {
        enum bill_lint lint = lint_range(ranges[i], maxima[i], names[i], ret_member);

        if (lint != BILL_LINT_OK)
            return lint;
    }
    return BILL_LINT_OK;
}

static enum bill_lint lint_when(
    const struct bill_tariff *t, const struct bill_restrictions *w, const char **ret_member)
{
    CHECK(w->start_minute >= -1 && w->start_minute < 1440, BILL_LINT_TIME, "start_time");
    CHECK(w->end_minute >= -1 && w->end_minute <= 1440 && w->end_minute != 0, BILL_LINT_TIME,
        "end_time");
    CHECK(w->start_minute < 0 || w->start_minute != w->end_minute, BILL_LINT_EMPTY_WINDOW,
        "end_time");
    CHECK(w->start_day == INT32_MIN || w->end_day == INT32_MIN || w->start_day < w->end_day,
        BILL_LINT_EMPTY_DATES, "end_date");
    CHECK(w->weekdays <= BILL_WEEKDAYS_ALL, BILL_LINT_WEEKDAYS, "day_of_week");
    CHECK(w->day_types >> t->day_type_count == 0, BILL_LINT_DAY_TYPE, "day_type");
    CHECK(within(w->min_idle_us, BILL_SESSION_MAX_US), BILL_LINT_IDLE, "min_idle_s");
    return lint_ranges(w, ret_member);
}

static enum bill_lint lint_bounds(
    const struct bill_bounds *b, const char *name, const char **ret_member)
{
    CHECK(absent_or_within(b->net_micro, BILL_BOUND_MAX_MICRO), BILL_LINT_BOUND, name);
    CHECK(absent_or_within(b->gross_micro, BILL_BOUND_MAX_MICRO), BILL_LINT_BOUND, name);
    CHECK(b->net_micro == BILL_ABSENT || b->gross_micro == BILL_ABSENT ||
              b->net_micro <= b->gross_micro,
        BILL_LINT_BOUND_TAX, name);
    return BILL_LINT_OK;
}

static bool above(int64_t min, int64_t max)
{
    return min != BILL_ABSENT && max != BILL_ABSENT && min > max;
}

static enum bill_lint lint_head(const struct bill_tariff *t, const char **ret_member)
{
    enum bill_lint lint;

    for (unsigned i = 0; i < 3; i++)
        CHECK(t->currency[i] >= 'A' && t->currency[i] <= 'Z', BILL_LINT_CURRENCY, "currency");
    CHECK(t->currency[3] == 0, BILL_LINT_CURRENCY, "currency");
    CHECK(t->exponent <= BILL_EXPONENT_MAX, BILL_LINT_EXPONENT, "currency");
    CHECK(t->element_count > 0, BILL_LINT_NO_ELEMENT, "elements");
    CHECK(t->element_count <= BILL_ELEMENTS_MAX, BILL_LINT_TOO_MANY_ELEMENTS, "elements");
    CHECK(t->component_count <= BILL_COMPONENTS_MAX, BILL_LINT_TOO_MANY_COMPONENTS, "elements");
    CHECK(t->day_type_count <= BILL_DAY_TYPES_MAX, BILL_LINT_DAY_TYPE, "day_type");
    lint = lint_bounds(&t->min_price, "min_price", ret_member);
    if (lint == BILL_LINT_OK)
        lint = lint_bounds(&t->max_price, "max_price", ret_member);
    if (lint != BILL_LINT_OK)
        return lint;
    CHECK(!above(t->min_price.net_micro, t->max_price.net_micro), BILL_LINT_MIN_ABOVE_MAX,
        "min_price");
    CHECK(!above(t->min_price.gross_micro, t->max_price.gross_micro), BILL_LINT_MIN_ABOVE_MAX,
        "min_price");
    return BILL_LINT_OK;
}

static bool is_duplicate(const struct bill_tariff *t, const struct bill_element *e, unsigned index)
{
    const struct bill_component *c = &t->components[index];

    for (unsigned i = e->first; i < index; i++) {
        if (t->components[i].dimension == c->dimension && t->components[i].charge == c->charge)
            return true;
    }
    return false;
}

static enum bill_lint lint_element(
    const struct bill_tariff *t, struct bill_lint_fault *ret, unsigned *next)
{
    const struct bill_element *e = &t->elements[ret->element];
    const char **ret_member = &ret->member;
    enum bill_lint lint = BILL_LINT_OK;

    CHECK(e->count > 0 && e->first == *next, BILL_LINT_NO_COMPONENT, "price_components");
    *next += e->count;
    CHECK(*next <= t->component_count, BILL_LINT_TOO_MANY_COMPONENTS, "price_components");
    CHECK(e->direction == BILL_IMPORT || e->scope == BILL_SCOPE_SESSION,
        BILL_LINT_EXPORT_RESERVATION, "direction");
    lint = lint_when(t, &e->when, ret_member);
    for (unsigned i = e->first; lint == BILL_LINT_OK && i < *next; i++) {
        ret->component = (int)(i - e->first);
        lint = lint_price(&t->components[i], ret_member);
        if (lint == BILL_LINT_OK)
            lint = lint_place(e, &t->components[i], ret_member);
        if (lint == BILL_LINT_OK)
            CHECK(!is_duplicate(t, e, i), BILL_LINT_DUPLICATE, "charge_code");
    }
    return lint;
}

static bool too_many_rates(const struct bill_tariff *t, enum bill_direction direction)
{
    int32_t rates[BILL_VAT_RATES_MAX];
    unsigned count = 0;

    for (unsigned e = 0; e < t->element_count; e++) {
        for (unsigned i = 0; i < t->elements[e].count; i++) {
            int32_t rate = t->components[t->elements[e].first + i].vat_ppm;
            unsigned k = 0;

            while (k < count && rates[k] != rate)
                k++;
            if (t->elements[e].direction != direction || k < count)
                continue;
            if (count == BILL_VAT_RATES_MAX)
                return true;
            rates[count++] = rate;
        }
    }
    return false;
}

struct bill_lint_fault bill_tariff_lint(const struct bill_tariff *t)
{
    struct bill_lint_fault fault = {.element = -1, .component = -1};
    unsigned next = 0;

    fault.lint = lint_head(t, &fault.member);
    for (unsigned i = 0; fault.lint == BILL_LINT_OK && i < t->element_count; i++) {
        fault.element = (int)i;
        fault.component = -1;
        fault.lint = lint_element(t, &fault, &next);
    }
    if (fault.lint != BILL_LINT_OK)
        return fault;
    fault = (struct bill_lint_fault){.element = -1, .component = -1};
    if (too_many_rates(t, BILL_IMPORT) || too_many_rates(t, BILL_EXPORT)) {
        fault.lint = BILL_LINT_TOO_MANY_VAT_RATES;
        fault.member = "vat";
    }
    return fault;
}
