/* tariff.c - makes a tariff ready: the slots with their candidates, and the cutting points.
 *
 * Pure; writes nothing but the tariff it seals.  No allocation.
 */
#include "billing/tariff.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

void bill_tariff_init(struct bill_tariff *t)
{
    memset(t, 0, sizeof(*t));
    t->min_price = t->max_price = (struct bill_bounds){BILL_ABSENT, BILL_ABSENT};
}

struct bill_element bill_element_default(void)
{
    struct bill_range open = {BILL_ABSENT, BILL_ABSENT};

    return (struct bill_element){
        .when = {.start_minute = -1,
            .end_minute = -1,
            .start_day = INT32_MIN,
            .end_day = INT32_MIN,
            .energy_mwh = open,
            .current_ma = open,
            .power_mw = open,
            .duration_us = open},
    };
}

struct bill_component bill_component_default(enum bill_dimension dimension)
{
    static const enum bill_charge charges[BILL_DIMENSION_COUNT] = {
        [BILL_ENERGY] = BILL_ENERGY_ELEC,
        [BILL_TIME] = BILL_OCCUPANCY,
        [BILL_PARKING_TIME] = BILL_OCCUPANCY,
        [BILL_FLAT] = BILL_START_FEE,
    };

    assert(dimension < BILL_DIMENSION_COUNT);
    return (struct bill_component){.dimension = dimension,
        .charge = charges[dimension],
        .step = 1,
        .factor_ppm = BILL_MICRO,
        .cap_micro = BILL_ABSENT};
}

static void cut_add(struct bill_cuts *cuts, int64_t value)
{
    unsigned i = 0;

    while (i < cuts->count && cuts->at[i] < value)
        i++;
    if (i < cuts->count && cuts->at[i] == value)
        return;
    assert(cuts->count < BILL_CUTS_MAX);
    memmove(&cuts->at[i + 1], &cuts->at[i], (cuts->count - i) * sizeof(cuts->at[0]));
    cuts->at[i] = value;
    cuts->count++;
}

/* A value of 0 or none always holds, so nothing changes there. */
static void cut_add_range(struct bill_cuts *cuts, const struct bill_range *range)
{
    if (range->min > 0)
        cut_add(cuts, range->min);
    if (range->max > 0)
        cut_add(cuts, range->max);
}

static bool is_bound_to_clock(const struct bill_restrictions *w)
{
    return w->start_minute >= 0 || w->end_minute >= 0 || w->start_day != INT32_MIN ||
           w->end_day != INT32_MIN || w->weekdays != 0 || w->day_types != 0;
}

/* Minutes 0 and 1440 need no entry: the splitter ends every cell at midnight anyway, so that
 * two cuts an element is all there can be. */
static void collect_cuts(struct bill_tariff *t)
{
    bool clock = false;

    for (unsigned i = 0; i < t->element_count; i++) {
        const struct bill_restrictions *w = &t->elements[i].when;

        clock = clock || is_bound_to_clock(w);
        if (w->start_minute > 0)
            cut_add(&t->wall_us, w->start_minute * 60 * BILL_SECOND_US);
        if (w->end_minute > 0 && w->end_minute < 1440)
            cut_add(&t->wall_us, w->end_minute * 60 * BILL_SECOND_US);
        cut_add_range(&t->energy_mwh, &w->energy_mwh);
        cut_add_range(&t->current_ma, &w->current_ma);
        cut_add_range(&t->power_mw, &w->power_mw);
        cut_add_range(&t->duration_us, &w->duration_us);
        if (w->min_idle_us > 0)
            cut_add(&t->idle_us, w->min_idle_us);
    }
    t->clock = clock;
}

static struct bill_slot *slot_of(
    struct bill_tariff *t, const struct bill_element *e, const struct bill_component *c)
{
    bool reservation = e->scope != BILL_SCOPE_SESSION;

    for (unsigned i = 0; i < t->slot_count; i++) {
        struct bill_slot *s = &t->slots[i];

        if (s->dimension == c->dimension && s->charge == c->charge &&
            s->direction == e->direction && s->reservation == reservation)
            return s;
    }
    /* 4 dimensions x 5 codes of import, 3 codes of export, 2 x 5 of reservations: 33 at most. */
    assert(t->slot_count < BILL_SLOTS_MAX);
    t->slots[t->slot_count] = (struct bill_slot){.dimension = c->dimension,
        .charge = c->charge,
        .direction = e->direction,
        .reservation = reservation,
        .first = BILL_NO_COMPONENT};
    return &t->slots[t->slot_count++];
}

static void slot_append(struct bill_tariff *t, struct bill_slot *slot, uint16_t component)
{
    uint16_t *link = &slot->first;

    while (*link != BILL_NO_COMPONENT)
        link = &t->components[*link].next;
    *link = component;
    t->components[component].next = BILL_NO_COMPONENT;
}

/* RESERVATION_EXPIRES wins over RESERVATION in the same slot wherever it stands in the list, so
 * the candidates of expired reservations are chained first. */
static void collect_slots(struct bill_tariff *t, bool expired)
{
    for (uint16_t i = 0; i < t->element_count; i++) {
        const struct bill_element *e = &t->elements[i];

        if ((e->scope == BILL_SCOPE_EXPIRED) != expired)
            continue;
        for (uint16_t k = e->first; k < e->first + e->count; k++) {
            t->components[k].element = i;
            slot_append(t, slot_of(t, e, &t->components[k]), k);
        }
    }
}

bool bill_tariff_seal(struct bill_tariff *t, struct bill_lint_fault *ret)
{
    struct bill_lint_fault fault = bill_tariff_lint(t);

    if (fault.lint != BILL_LINT_OK) {
        *ret = fault;
        return false;
    }
    t->slot_count = 0;
    t->wall_us.count = t->energy_mwh.count = t->current_ma.count = 0;
    t->power_mw.count = t->duration_us.count = t->idle_us.count = 0;
    collect_cuts(t);
    collect_slots(t, true);
    collect_slots(t, false);
    t->sealed = true;
    return true;
}
