/* rate.c - the fold: which component is active, and how much it has counted. */
#include "billing/rate.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

void bill_rate_init(
    struct bill_rate *rate, const struct bill_tariff *tariff, struct bill_terms terms)
{
    assert(tariff->sealed);
    memset(rate, 0, offsetof(struct bill_rate, tallies));
    rate->tariff = tariff;
    rate->terms = terms;
    memset(rate->active, 0xff, sizeof(rate->active));
}

/* OCPI: walk the elements in order, take the first with a component for this dimension whose
 * restrictions hold.  None: the dimension costs nothing. */
static uint16_t choose(
    const struct bill_tariff *t, const struct bill_slot *slot, const struct bill_segment *s)
{
    uint16_t i = slot->first;

    while (i != BILL_NO_COMPONENT && !bill_element_holds(&t->elements[t->components[i].element], s))
        i = t->components[i].next;
    return i;
}

static struct bill_tally *tally_for(struct bill_rate *rate, uint16_t component, int64_t from_us)
{
    uint16_t *index = &rate->tally_of[component];

    if (*index == 0) {
        struct bill_tally *new = &rate->tallies[rate->tally_count];

        *new = (struct bill_tally){.component = component, .from_us = from_us};
        *index = ++rate->tally_count;
    }
    return &rate->tallies[*index - 1];
}

static int64_t quantity_in(const struct bill_slot *slot, const struct bill_segment *s)
{
    switch (slot->dimension) {
    case BILL_ENERGY:
        return slot->direction == BILL_EXPORT ? s->export_mwh : s->import_mwh;
    case BILL_TIME:
        return slot->reservation ? s->reserve_us : s->charge_us;
    case BILL_PARKING_TIME:
        return s->park_us;
    case BILL_FLAT:
        return 1;
    case BILL_DIMENSION_COUNT:
        break;
    }
    assert(false);
}

static void count(struct bill_rate *rate, unsigned slot_index, const struct bill_segment *s)
{
    const struct bill_slot *slot = &rate->tariff->slots[slot_index];
    int64_t quantity = quantity_in(slot, s);
    struct bill_tally *tally;

    if (quantity == 0)
        return;
    if (slot->dimension == BILL_FLAT) { /* once per scope, when it is first active */
        if (rate->flats >> slot_index & 1)
            return;
        rate->flats |= UINT64_C(1) << slot_index;
    }
    tally = tally_for(rate, rate->active[slot_index], s->from_us);
    tally->quantity += quantity;
    if (s->estimated && slot->dimension == BILL_ENERGY)
        tally->estimated += quantity;
    tally->to_us = slot->dimension == BILL_FLAT ? s->from_us : s->to_us;
    tally->last = rate->segments;
}

static void note(struct bill_rate *rate, const struct bill_segment *s)
{
    if (!rate->begun)
        rate->from_us = s->from_us;
    rate->begun = true;
    rate->to_us = s->to_us;
    rate->import_mwh += s->import_mwh;
    rate->export_mwh += s->export_mwh;
    if (s->estimated)
        rate->estimated_mwh += s->import_mwh + s->export_mwh;
    rate->charged = rate->charged || s->charge_us > 0;
    rate->segments++;
}

void bill_rate_feed(struct bill_rate *rate, const struct bill_segment *s)
{
    const struct bill_tariff *t = rate->tariff;
    bool reserving = bill_segment_is_reservation(s);

    note(rate, s);
    for (unsigned i = 0; i < t->slot_count; i++) {
        const struct bill_slot *slot = &t->slots[i];

        if (slot->direction == BILL_EXPORT && !rate->terms.export_allowed)
            continue;
        if (s->fresh)
            rate->active[i] = choose(t, slot, s);
        /* A reservation is a scope of its own; what is used in the same stretch as a
         * reservation is counted in its own scope too. */
        if (slot->reservation ? s->reserve_us == 0 : reserving)
            continue;
        if (rate->active[i] != BILL_NO_COMPONENT)
            count(rate, i, s);
    }
}

static void take(void *ctx, const struct bill_segment *segment)
{
    bill_rate_feed(ctx, segment);
}

struct bill_sink bill_rate_sink(struct bill_rate *rate)
{
    return (struct bill_sink){take, rate};
}
