/* sums.c - checks that a bill adds up: the last look before it is booked. */
#include "billing/bill.h"

#include <stddef.h>

static const char *check_lines(const struct bill_bill *bill, const struct bill_side *side)
{
    int64_t net = 0, vat = 0, gross = 0, minor = 0;

    for (unsigned i = side->first; i < side->first + side->count; i++) {
        const struct bill_line *line = &bill->lines[i];

        if (line->net_micro + line->vat_micro != line->gross_micro)
            return "line";
        net += line->net_micro;
        vat += line->vat_micro;
        gross += line->gross_micro;
        minor += line->amount_minor;
    }
    if (net != side->net_micro || vat != side->vat_micro || gross != side->gross_micro)
        return "lines";
    return minor == side->gross_minor ? NULL : "amounts";
}

static const char *check_side(const struct bill_bill *bill, const struct bill_side *side)
{
    int64_t net = 0, gross = 0, codes = 0;

    for (unsigned i = 0; i < side->group_count; i++) {
        const struct bill_group *group = &side->groups[i];

        if (group->net_minor + group->vat_minor != group->gross_minor)
            return "group";
        net += group->net_minor;
        gross += group->gross_minor;
    }
    for (unsigned i = 0; i < side->code_count; i++)
        codes += side->codes[i].net_minor;
    if (net != side->net_minor || gross != side->gross_minor)
        return "groups";
    return codes == net ? check_lines(bill, side) : "codes";
}

const char *bill_check_sums(const struct bill_bill *bill)
{
    const char *wrong = check_side(bill, &bill->charge);

    return wrong != NULL ? wrong : check_side(bill, &bill->credit);
}
