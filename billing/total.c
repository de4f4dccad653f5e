/* total.c - the fold's tallies become the lines and sums of a bill.
 *
 * Reads the fold, writes the bill; both sides go the same way: lines, steps, exact amounts, cells,
 * VAT groups, limits, and at the very end the minor units shared out.
 */
#include "billing/compose.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

struct bill_ratio bill_ratio_net(enum bill_tax tax, int32_t vat_ppm)
{
    if (tax == BILL_TAX_NET)
        return (struct bill_ratio){1, 1};
    return (struct bill_ratio){BILL_MICRO, BILL_MICRO + vat_ppm};
}

struct bill_ratio bill_ratio_gross(enum bill_tax tax, int32_t vat_ppm)
{
    if (tax == BILL_TAX_GROSS)
        return (struct bill_ratio){1, 1};
    return (struct bill_ratio){BILL_MICRO + vat_ppm, BILL_MICRO};
}

struct bill_ratio bill_ratio_vat(enum bill_tax tax, int32_t vat_ppm)
{
    return (struct bill_ratio){vat_ppm, tax == BILL_TAX_NET ? BILL_MICRO : BILL_MICRO + vat_ppm};
}

struct bill_line *bill_work_line(struct bill_work *w)
{
    struct bill_line *line = &w->bill->lines[w->bill->line_count];

    assert(w->bill->line_count < BILL_LINES_MAX);
    w->bill->line_count++;
    w->side->count++;
    memset(line, 0, sizeof(*line));
    line->direction = w->direction;
    line->component = BILL_NO_COMPONENT;
    return line;
}

struct bill_cell *bill_work_cell(struct bill_work *w, int32_t vat_ppm, enum bill_charge charge)
{
    struct bill_cell *cell;

    for (unsigned i = 0; i < w->cell_count; i++) {
        if (w->cells[i].vat_ppm == vat_ppm && w->cells[i].charge == charge)
            return &w->cells[i];
    }
    assert(w->cell_count < BILL_CELLS_MAX);
    cell = &w->cells[w->cell_count++];
    memset(cell, 0, sizeof(*cell));
    cell->vat_ppm = vat_ppm;
    cell->charge = charge;
    return cell;
}

unsigned bill_work_group(struct bill_work *w, int32_t vat_ppm)
{
    struct bill_side *side = w->side;
    unsigned i = 0;

    while (i < side->group_count && side->groups[i].vat_ppm != vat_ppm)
        i++;
    if (i == side->group_count) {
        assert(i < BILL_VAT_RATES_MAX);
        side->groups[side->group_count++] = (struct bill_group){.vat_ppm = vat_ppm};
        w->plain_minor[i] = 0;
    }
    return i;
}

static void collect(struct bill_work *w, __int128 *fine)
{
    const struct bill_rate *rate = w->rate;
    const struct bill_tariff *t = rate->tariff;

    for (unsigned i = 0; i < rate->tally_count; i++) {
        const struct bill_tally *tally = &rate->tallies[i];
        const struct bill_component *c = &t->components[tally->component];
        const struct bill_element *e = &t->elements[c->element];
        bool reservation = e->scope != BILL_SCOPE_SESSION;
        struct bill_line *line;

        if (e->direction != w->direction)
            continue;
        if (w->nothing && c->dimension == BILL_FLAT && !reservation)
            continue;
        line = bill_work_line(w);
        line->component = tally->component;
        line->dimension = c->dimension;
        line->charge = c->charge;
        line->reservation = reservation;
        line->estimated = tally->estimated > 0;
        line->vat_ppm = c->vat_ppm;
        line->from_us = tally->from_us;
        line->to_us = tally->to_us;
        line->metered = tally->quantity;
        fine[w->price_count++] = (__int128)tally->quantity * c->factor_ppm;
    }
}

static void price(struct bill_work *w, const __int128 *fine)
{
    struct bill_line *lines = &w->bill->lines[w->side->first];

    for (unsigned i = 0; i < w->price_count; i++) {
        const struct bill_component *c = &w->rate->tariff->components[lines[i].component];
        __int128 cap = (__int128)c->cap_micro * BILL_DENOMINATOR;

        lines[i].quantity = (int64_t)((fine[i] + BILL_MICRO / 2) / BILL_MICRO);
        lines[i].uncapped = lines[i].list = bill_list_amount(c, fine[i]);
        if (c->cap_micro != BILL_ABSENT && lines[i].list > cap)
            lines[i].list = cap;
        bill_work_cell(w, c->vat_ppm, c->charge)->list += lines[i].list;
        bill_work_group(w, c->vat_ppm);
    }
}

/* The sum of all net prices with their VAT, exact over every group, then cut. */
static int64_t sum_with_vat(const struct bill_work *w)
{
    __int128 first = 0, rest = 0;

    for (unsigned i = 0; i < w->cell_count; i++) {
        int64_t factor = BILL_MICRO + w->cells[i].vat_ppm;

        first += w->cells[i].list / BILL_DENOMINATOR * factor;
        rest += w->cells[i].list % BILL_DENOMINATOR * factor;
    }
    rest += first % BILL_MICRO * BILL_DENOMINATOR;
    return (int64_t)(first / BILL_MICRO + rest / ((__int128)BILL_DENOMINATOR * BILL_MICRO));
}

static int64_t sum_without_vat(const struct bill_work *w)
{
    int64_t sum = 0;

    for (unsigned g = 0; g < w->side->group_count; g++) {
        int32_t vat_ppm = w->side->groups[g].vat_ppm;
        struct bill_ratio ratio = bill_ratio_net(BILL_TAX_GROSS, vat_ppm);
        __int128 list = 0;

        for (unsigned i = 0; i < w->cell_count; i++)
            list += w->cells[i].vat_ppm == vat_ppm ? w->cells[i].list : 0;
        sum += bill_exact_of(list, ratio.multiply, ratio.divide).whole;
    }
    return sum;
}

static void sum_up(struct bill_work *w)
{
    struct bill_side *side = w->side;
    __int128 list = 0;
    int64_t whole;

    for (unsigned i = 0; i < w->cell_count; i++) {
        list += w->cells[i].list;
        w->cells[i].weight = bill_exact_of(w->cells[i].list, 1, 1).whole;
    }
    whole = bill_exact_of(list, 1, 1).whole;
    if (w->rate->tariff->tax == BILL_TAX_NET) {
        side->net_micro = whole;
        side->gross_micro = sum_with_vat(w);
    } else {
        side->gross_micro = whole;
        side->net_micro = sum_without_vat(w);
    }
    side->vat_micro = side->gross_micro - side->net_micro;
}

/* Gives the totals at six decimals to the lines. */
static void settle_lines(struct bill_work *w)
{
    struct bill_line *lines = &w->bill->lines[w->side->first];
    enum bill_tax tax = w->rate->tariff->tax;
    struct bill_exact net[BILL_COMPONENTS_MAX], vat[BILL_COMPONENTS_MAX];

    for (unsigned i = 0; i < w->price_count; i++) {
        struct bill_ratio n = bill_ratio_net(tax, lines[i].vat_ppm);
        struct bill_ratio v = bill_ratio_vat(tax, lines[i].vat_ppm);

        net[i] = bill_exact_of(lines[i].list, n.multiply, n.divide);
        vat[i] = bill_exact_of(lines[i].list, v.multiply, v.divide);
        if (lines[i].vat_ppm == 0)
            vat[i].rest = -(int64_t)BILL_COMPONENTS_MAX * BILL_REST_WHOLE; /* never its turn */
    }
    bill_settle(w->side->net_micro, net, w->price_count);
    bill_settle(w->side->vat_micro, vat, w->price_count);
    for (unsigned i = 0; i < w->price_count; i++) {
        struct bill_cell *cell = bill_work_cell(w, lines[i].vat_ppm, lines[i].charge);

        lines[i].net_micro = net[i].whole;
        lines[i].vat_micro = vat[i].whole;
        lines[i].gross_micro = net[i].whole + vat[i].whole;
        cell->net_micro += net[i].whole;
        cell->vat_micro += vat[i].whole;
    }
}

/* A capped line shows its full amount, and a line of its own takes the rest off again. */
static void split_caps(struct bill_work *w)
{
    enum bill_tax tax = w->rate->tariff->tax;

    for (unsigned i = 0; i < w->price_count; i++) {
        struct bill_line *line = &w->bill->lines[w->side->first + i], *cap;
        struct bill_ratio n = bill_ratio_net(tax, line->vat_ppm);
        struct bill_ratio g = bill_ratio_gross(tax, line->vat_ppm);
        int64_t net, gross;

        if (line->list == line->uncapped)
            continue;
        net = bill_exact_of(line->uncapped, n.multiply, n.divide).whole;
        gross = bill_exact_of(line->uncapped, g.multiply, g.divide).whole;
        cap = bill_work_line(w);
        *cap = *line;
        cap->kind = BILL_LINE_CAP;
        cap->quantity = cap->step = cap->metered = 0;
        cap->net_micro -= net;
        cap->gross_micro -= gross;
        cap->vat_micro = cap->gross_micro - cap->net_micro;
        cap->amount_minor -= bill_round(gross, w->rate->tariff->exponent);
        line->net_micro = net;
        line->gross_micro = gross;
        line->vat_micro = gross - net;
        line->amount_minor -= cap->amount_minor;
    }
}

static void compose(
    const struct bill_rate *rate, struct bill_bill *bill, enum bill_direction direction)
{
    __int128 fine[BILL_COMPONENTS_MAX];
    struct bill_work w;

    w.rate = rate;
    w.bill = bill;
    w.direction = direction;
    w.side = direction == BILL_IMPORT ? &bill->charge : &bill->credit;
    w.price_count = 0;
    w.cell_count = 0;
    w.nothing =
        rate->terms.nothing_is_free && !rate->charged && rate->import_mwh < BILL_NOTHING_MWH;
    w.side->first = bill->line_count;
    collect(&w, fine);
    if (direction == BILL_IMPORT)
        bill_steps_apply(&w, fine);
    price(&w, fine);
    sum_up(&w);
    settle_lines(&w);
    bill_groups_round(&w);
    if (direction == BILL_IMPORT)
        bill_limits_apply(&w);
    bill_groups_share(&w);
    split_caps(&w);
}

void bill_rate_total(const struct bill_rate *rate, struct bill_bill *ret)
{
    memset(ret, 0, offsetof(struct bill_bill, lines));
    ret->import_mwh = rate->import_mwh;
    ret->export_mwh = rate->export_mwh;
    ret->estimated_mwh = rate->estimated_mwh;
    ret->limit = BILL_LINE_PRICE;
    compose(rate, ret, BILL_IMPORT);
    compose(rate, ret, BILL_EXPORT);
}
