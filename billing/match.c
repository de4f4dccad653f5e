/* match.c - does an element's restriction hold in a segment?  (OCPI 2.2.1, TariffRestrictions)
 *
 * All that are set must hold.  Lower bounds are inclusive, upper bounds exclusive.  Pure.
 */
#include "billing/segment.h"

static bool in_range(const struct bill_range *range, int64_t value)
{
    return value >= range->min && (range->max == BILL_ABSENT || value < range->max);
}

/* What was not measured matches no restriction: the fallback element prices it. */
static bool in_measured_range(const struct bill_range *range, int64_t value)
{
    if (range->min == BILL_ABSENT && range->max == BILL_ABSENT)
        return true;
    return value != BILL_ABSENT && in_range(range, value);
}

/* 22:00 to 06:00 wraps over midnight; both ends are tested on the instant, so the night's second
 * half has the next day's weekday and date. */
static bool in_window(const struct bill_restrictions *w, int64_t day_us)
{
    int64_t start = (w->start_minute < 0 ? 0 : w->start_minute) * 60 * BILL_SECOND_US;
    int64_t end = (w->end_minute < 0 ? 1440 : w->end_minute) * 60 * BILL_SECOND_US;

    if (w->start_minute < 0 && w->end_minute < 0)
        return true;
    if (start < end)
        return day_us >= start && day_us < end;
    return day_us >= start || day_us < end;
}

static bool in_days(const struct bill_restrictions *w, const struct bill_segment *s)
{
    if (s->day < w->start_day || (w->end_day != INT32_MIN && s->day >= w->end_day))
        return false;
    if (w->weekdays != 0 && (w->weekdays >> s->weekday & 1) == 0)
        return false;
    return w->day_types == 0 || (w->day_types & s->day_type) != 0;
}

bool bill_element_holds(const struct bill_element *e, const struct bill_segment *s)
{
    const struct bill_restrictions *w = &e->when;

    if (e->scope == BILL_SCOPE_EXPIRED && !s->expired)
        return false;
    return in_window(w, s->day_us) && in_days(w, s) &&
           in_range(&w->energy_mwh, s->import_before_mwh) &&
           in_range(&w->duration_us, s->elapsed_us) && s->idle_us >= w->min_idle_us &&
           in_measured_range(&w->power_mw, s->power_mw) &&
           in_measured_range(&w->current_ma, s->current_ma);
}
