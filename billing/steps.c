/* steps.c - OCPI's step_size: rounding the session's quantity up, once.
 *
 * ENERGY steps once a session and charge code.  TIME and PARKING_TIME step once together: the
 * dimension that was priced last in time is rounded, the other one is not.  A reservation's time
 * steps by itself.  The step of the last component counts, and what it adds is priced there.
 */
#include "billing/compose.h"

static bool is_time(const struct bill_line *line)
{
    return line->dimension == BILL_TIME || line->dimension == BILL_PARKING_TIME;
}

/* Do the two lines share one step? */
static bool is_family(const struct bill_line *a, const struct bill_line *b)
{
    if (a->dimension == BILL_ENERGY || b->dimension == BILL_ENERGY)
        return a->dimension == b->dimension && a->charge == b->charge;
    return is_time(a) && is_time(b) && a->reservation == b->reservation;
}

static uint32_t last_of(const struct bill_work *w, const struct bill_line *line)
{
    const struct bill_rate *rate = w->rate;

    return rate->tallies[rate->tally_of[line->component] - 1].last;
}

/* Is this line the last of its family?  In a stretch with both, parking is taken to follow. */
static bool is_last(const struct bill_work *w, const struct bill_line *line)
{
    const struct bill_line *lines = &w->bill->lines[w->side->first];
    uint32_t last = last_of(w, line);

    for (unsigned i = 0; i < w->price_count; i++) {
        uint32_t other = last_of(w, &lines[i]);

        if (!is_family(line, &lines[i]) || other < last)
            continue;
        if (other > last ||
            (line->dimension == BILL_TIME && lines[i].dimension == BILL_PARKING_TIME))
            return false;
    }
    return true;
}

/* What is missing to the next whole step, in millionths of mWh or microseconds. */
static __int128 missing(
    const struct bill_work *w, const struct bill_line *line, const __int128 *fine)
{
    const struct bill_component *c = &w->rate->tariff->components[line->component];
    const struct bill_line *lines = &w->bill->lines[w->side->first];
    int64_t unit = line->dimension == BILL_ENERGY ? 1000 : BILL_SECOND_US;
    __int128 step = (__int128)c->step * unit * BILL_MICRO, sum = 0;

    for (unsigned i = 0; i < w->price_count; i++) {
        if (lines[i].dimension == line->dimension && lines[i].charge == line->charge &&
            lines[i].reservation == line->reservation)
            sum += fine[i];
    }
    return step == 0 || sum % step == 0 ? 0 : step - sum % step;
}

void bill_steps_apply(struct bill_work *w, __int128 *fine)
{
    struct bill_line *lines = &w->bill->lines[w->side->first];

    for (unsigned i = 0; i < w->price_count; i++) {
        __int128 add;

        if (lines[i].dimension == BILL_FLAT || !is_last(w, &lines[i]))
            continue;
        add = missing(w, &lines[i], fine);
        fine[i] += add;
        lines[i].step = (int64_t)((add + BILL_MICRO / 2) / BILL_MICRO);
    }
}
