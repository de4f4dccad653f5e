/* groups.c - from exact amounts to minor units, and from groups back to lines and charge codes. */
#include "billing/compose.h"

#include <assert.h>

static void round_group(struct bill_work *w, unsigned index)
{
    const struct bill_tariff *t = w->rate->tariff;
    struct bill_group *group = &w->side->groups[index];
    struct bill_ratio n = bill_ratio_net(t->tax, group->vat_ppm);
    struct bill_ratio g = bill_ratio_gross(t->tax, group->vat_ppm);
    __int128 list = 0;

    for (unsigned i = 0; i < w->cell_count; i++)
        list += w->cells[i].vat_ppm == group->vat_ppm ? w->cells[i].list : 0;
    group->gross_minor = bill_round(bill_exact_of(list, g.multiply, g.divide).whole, t->exponent);
    if (t->tax == BILL_TAX_GROSS)
        group->net_minor = bill_scale(group->gross_minor, n.multiply, n.divide);
    else
        group->net_minor = bill_round(bill_exact_of(list, n.multiply, n.divide).whole, t->exponent);
    group->vat_minor = group->gross_minor - group->net_minor;
    w->plain_minor[index] = group->gross_minor;
}

static void sum_groups(struct bill_side *side)
{
    side->net_minor = side->vat_minor = 0;
    for (unsigned g = 0; g < side->group_count; g++) {
        side->net_minor += side->groups[g].net_minor;
        side->vat_minor += side->groups[g].vat_minor;
        side->groups[g].gross_minor = side->groups[g].net_minor + side->groups[g].vat_minor;
    }
    side->gross_minor = side->net_minor + side->vat_minor;
}

void bill_groups_round(struct bill_work *w)
{
    for (unsigned g = 0; g < w->side->group_count; g++)
        round_group(w, g);
    sum_groups(w->side);
}

static bool is_limit(const struct bill_line *line)
{
    return line->kind == BILL_LINE_MIN_PRICE || line->kind == BILL_LINE_MAX_PRICE;
}

/* Shares an amount among the group's price lines, or among its lines of a limit. */
static void share_lines(struct bill_work *w, int32_t vat_ppm, int64_t amount, bool limits)
{
    struct bill_line *lines = &w->bill->lines[w->side->first];
    int64_t weights[BILL_SHARES_MAX], shares[BILL_SHARES_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < w->side->count; i++) {
        if (lines[i].vat_ppm != vat_ppm || is_limit(&lines[i]) != limits)
            continue;
        weights[count++] = limits ? bill_work_cell(w, vat_ppm, lines[i].charge)->weight
                                  : bill_exact_of(lines[i].list, 1, 1).whole;
    }
    if (count == 0) {
        assert(amount == 0);
        return;
    }
    bill_share(amount, weights, count, shares);
    for (unsigned i = 0, k = 0; i < w->side->count; i++) {
        if (lines[i].vat_ppm == vat_ppm && is_limit(&lines[i]) == limits)
            lines[i].amount_minor = shares[k++];
    }
}

static bool has_limit_line(const struct bill_work *w, int32_t vat_ppm)
{
    const struct bill_line *lines = &w->bill->lines[w->side->first];

    for (unsigned i = 0; i < w->side->count; i++) {
        if (lines[i].vat_ppm == vat_ppm && is_limit(&lines[i]))
            return true;
    }
    return false;
}

static void add_code(struct bill_side *side, enum bill_charge charge, int64_t net_minor)
{
    unsigned i = 0;

    while (i < side->code_count && side->codes[i].charge != charge)
        i++;
    if (i == side->code_count)
        side->codes[side->code_count++] = (struct bill_code){.charge = charge};
    side->codes[i].net_minor += net_minor;
}

static void share_codes(struct bill_work *w, const struct bill_group *group)
{
    int64_t weights[BILL_CELLS_MAX], shares[BILL_CELLS_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < w->cell_count; i++) {
        if (w->cells[i].vat_ppm == group->vat_ppm)
            weights[count++] = w->cells[i].weight;
    }
    bill_share(group->net_minor, weights, count, shares);
    for (unsigned i = 0, k = 0; i < w->cell_count; i++) {
        if (w->cells[i].vat_ppm == group->vat_ppm)
            add_code(w->side, w->cells[i].charge, shares[k++]);
    }
}

/* What a limit did to a group stands on the limit's lines; a cent that only keeps the rounded
 * total inside a limit has no such line and goes with the others. */
void bill_groups_share(struct bill_work *w)
{
    sum_groups(w->side);
    for (unsigned g = 0; g < w->side->group_count; g++) {
        const struct bill_group *group = &w->side->groups[g];
        int64_t limits = 0;

        if (has_limit_line(w, group->vat_ppm))
            limits = group->gross_minor - w->plain_minor[g];
        share_lines(w, group->vat_ppm, group->gross_minor - limits, false);
        share_lines(w, group->vat_ppm, limits, true);
        share_codes(w, group);
    }
}
