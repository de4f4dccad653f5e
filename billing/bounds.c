/* bounds.c - min_price and max_price of an OCPI 2.2.1 tariff.
 *
 * Net and gross limits both hold, each on its own total.  If the tariff limits only one of the
 * two, the other follows in proportion.  What the limit adds or takes is shared among the cells:
 * the net part by their net amounts, the VAT part by their VAT, so that a rate of zero stays free
 * of VAT; each cell gets a line of its own for it.
 */
#include "billing/compose.h"

struct limited {
    enum bill_line_kind net_kind, gross_kind; /* PRICE: within the limits */
    int64_t net_micro, gross_micro;           /* the totals that hold */
};

static enum bill_line_kind apply(int64_t *amount, int64_t min, int64_t max)
{
    if (min != BILL_ABSENT && *amount < min) {
        *amount = min;
        return BILL_LINE_MIN_PRICE;
    }
    if (max != BILL_ABSENT && *amount > max) {
        *amount = max;
        return BILL_LINE_MAX_PRICE;
    }
    return BILL_LINE_PRICE;
}

/* The cell that takes a minimum when nothing else was priced: the tariff's first component. */
static const struct bill_component *first_component(const struct bill_work *w)
{
    const struct bill_tariff *t = w->rate->tariff;

    for (unsigned i = 0; i < t->element_count; i++) {
        if (t->elements[i].direction == BILL_IMPORT)
            return &t->components[t->elements[i].first];
    }
    return &t->components[0];
}

static void follow(struct bill_work *w, struct limited *l)
{
    const struct bill_tariff *t = w->rate->tariff;
    const struct bill_bounds *net =
        l->net_kind == BILL_LINE_MIN_PRICE ? &t->min_price : &t->max_price;
    const struct bill_bounds *gross =
        l->gross_kind == BILL_LINE_MIN_PRICE ? &t->min_price : &t->max_price;
    int64_t net_was = w->side->net_micro, gross_was = w->side->gross_micro;
    int64_t vat_ppm = first_component(w)->vat_ppm;

    if (l->net_kind != BILL_LINE_PRICE && net->gross_micro == BILL_ABSENT) {
        l->gross_micro = net_was > 0 ? bill_scale(gross_was, l->net_micro, net_was)
                                     : bill_scale(l->net_micro, BILL_MICRO + vat_ppm, BILL_MICRO);
        l->gross_kind = apply(&l->gross_micro, t->min_price.gross_micro, t->max_price.gross_micro);
    } else if (l->gross_kind != BILL_LINE_PRICE && gross->net_micro == BILL_ABSENT) {
        l->net_micro = gross_was > 0 ? bill_scale(net_was, l->gross_micro, gross_was)
                                     : bill_scale(l->gross_micro, BILL_MICRO, BILL_MICRO + vat_ppm);
        l->net_kind = apply(&l->net_micro, t->min_price.net_micro, t->max_price.net_micro);
    }
}

/* Keeps sums of weights in their type; what it costs in precision is below 1e-15. */
enum { WEIGHT_BITS = 56 };

static __int128 scaled(__int128 list, struct bill_ratio ratio)
{
    return list / ratio.divide * ratio.multiply +
           list % ratio.divide * ratio.multiply / ratio.divide;
}

/* The proportions in which a limit is shared come from the exact amounts: those at six decimals
 * would let a rounding grow with the limit. */
static void weigh_cells(struct bill_work *w)
{
    enum bill_tax tax = w->rate->tariff->tax;
    __int128 most = 0;
    unsigned shift = 0;

    for (unsigned i = 0; i < w->cell_count; i++)
        most = w->cells[i].list > most ? w->cells[i].list : most;
    while (most >> shift >> WEIGHT_BITS != 0)
        shift++;
    for (unsigned i = 0; i < w->cell_count; i++) {
        struct bill_cell *c = &w->cells[i];

        c->net_weight = (int64_t)(scaled(c->list, bill_ratio_net(tax, c->vat_ppm)) >> shift);
        c->vat_weight = (int64_t)(scaled(c->list, bill_ratio_vat(tax, c->vat_ppm)) >> shift);
    }
}

static bool any(const int64_t *weights, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (weights[i] > 0)
            return true;
    }
    return false;
}

static void share_over_cells(struct bill_work *w, int64_t net_micro, int64_t vat_micro)
{
    int64_t net[BILL_CELLS_MAX], vat[BILL_CELLS_MAX], shares[BILL_CELLS_MAX];

    for (unsigned i = 0; i < w->cell_count; i++) {
        net[i] = w->cells[i].net_weight;
        vat[i] = w->cells[i].vat_weight;
    }
    if (net_micro != w->side->net_micro) {
        bill_share(net_micro, net, w->cell_count, shares);
        for (unsigned i = 0; i < w->cell_count; i++)
            w->cells[i].net_change = shares[i] - w->cells[i].net_micro;
    }
    if (vat_micro != w->side->vat_micro) {
        bill_share(vat_micro, any(vat, w->cell_count) ? vat : net, w->cell_count, shares);
        for (unsigned i = 0; i < w->cell_count; i++)
            w->cells[i].vat_change = shares[i] - w->cells[i].vat_micro;
    }
}

static void add_lines(struct bill_work *w, enum bill_line_kind kind)
{
    for (unsigned i = 0; i < w->cell_count; i++) {
        const struct bill_cell *cell = &w->cells[i];
        struct bill_line *line;

        if (cell->net_change == 0 && cell->vat_change == 0)
            continue;
        line = bill_work_line(w);
        line->kind = kind;
        line->charge = cell->charge;
        line->vat_ppm = cell->vat_ppm;
        line->from_us = w->rate->from_us;
        line->to_us = w->rate->to_us;
        line->net_micro = cell->net_change;
        line->vat_micro = cell->vat_change;
        line->gross_micro = cell->net_change + cell->vat_change;
    }
}

/* A rounded total that no rounding may carry over a limit. */
static int64_t limit_minor(const struct bill_work *w, int64_t minor, int64_t min, int64_t max)
{
    unsigned exponent = w->rate->tariff->exponent;

    if (max != BILL_ABSENT && minor > bill_round_down(max, exponent))
        return bill_round_down(max, exponent);
    if (min != BILL_ABSENT && minor < bill_round_up(min, exponent))
        return bill_round_up(min, exponent);
    return minor;
}

static void share_over_groups(struct bill_work *w, int64_t net_minor, int64_t vat_minor)
{
    struct bill_side *side = w->side;
    int64_t net[BILL_VAT_RATES_MAX] = {0}, vat[BILL_VAT_RATES_MAX] = {0};
    int64_t shares[BILL_VAT_RATES_MAX];

    for (unsigned i = 0; i < w->cell_count; i++) {
        unsigned g = bill_work_group(w, w->cells[i].vat_ppm);

        net[g] += w->cells[i].net_weight;
        vat[g] += w->cells[i].vat_weight;
    }
    if (net_minor != side->net_minor) {
        bill_share(net_minor, net, side->group_count, shares);
        for (unsigned g = 0; g < side->group_count; g++)
            side->groups[g].net_minor = shares[g];
    }
    if (vat_minor != side->vat_minor) {
        bill_share(vat_minor, any(vat, side->group_count) ? vat : net, side->group_count, shares);
        for (unsigned g = 0; g < side->group_count; g++)
            side->groups[g].vat_minor = shares[g];
    }
}

/* An unclamped total keeps its one rounding per VAT rate; a clamped one is rounded as a whole. */
static void limit_groups(
    struct bill_work *w, const struct limited *l, const struct bill_bounds *min)
{
    const struct bill_tariff *t = w->rate->tariff;
    int64_t net = w->side->net_minor, gross = w->side->gross_minor;

    if (l->net_micro != w->side->net_micro)
        net = bill_round(l->net_micro, t->exponent);
    if (l->gross_micro != w->side->gross_micro)
        gross = bill_round(l->gross_micro, t->exponent);
    net = limit_minor(w, net, min->net_micro, t->max_price.net_micro);
    gross = limit_minor(w, gross, min->gross_micro, t->max_price.gross_micro);
    if (gross < net) /* a minimum was rounded up: no VAT is less than none */
        gross = limit_minor(w, net, BILL_ABSENT, t->max_price.gross_micro);
    if (gross < net)
        net = gross;
    if (net != w->side->net_minor || gross != w->side->gross_minor)
        share_over_groups(w, net, gross - net);
}

void bill_limits_apply(struct bill_work *w)
{
    static const struct bill_bounds none = {BILL_ABSENT, BILL_ABSENT};
    const struct bill_tariff *t = w->rate->tariff;
    const struct bill_bounds *min = w->nothing ? &none : &t->min_price;
    struct bill_side *side = w->side;
    struct limited l = {.net_micro = side->net_micro, .gross_micro = side->gross_micro};

    if (!w->rate->begun)
        return;
    weigh_cells(w);
    l.net_kind = apply(&l.net_micro, min->net_micro, t->max_price.net_micro);
    l.gross_kind = apply(&l.gross_micro, min->gross_micro, t->max_price.gross_micro);
    follow(w, &l);
    if (l.net_kind != BILL_LINE_PRICE || l.gross_kind != BILL_LINE_PRICE) {
        if (w->cell_count == 0) {
            const struct bill_component *c = first_component(w);

            bill_work_cell(w, c->vat_ppm, c->charge);
            bill_work_group(w, c->vat_ppm);
        }
        w->bill->limit = l.net_kind != BILL_LINE_PRICE ? l.net_kind : l.gross_kind;
        share_over_cells(w, l.net_micro, l.gross_micro - l.net_micro);
        add_lines(w, w->bill->limit);
    }
    if (side->group_count > 0)
        limit_groups(w, &l, min);
    side->net_micro = l.net_micro;
    side->gross_micro = l.gross_micro;
    side->vat_micro = l.gross_micro - l.net_micro;
}
