/* bill_check.c - reads a bill back and adds it up again, from its text alone. */
#include "tests/rate/bill_check.h"

#include "csms/rate/node.h"

#include <string.h>

static const struct ocpp_limits bill_limits = {
    .bytes = 4 * 1024 * 1024, .nodes = 100000, .depth = 6, .keys = 64};

/* The sum of one member over a list; of the objects whose `only` equals `value`, if given. */
static bool sum(struct csms_reader *r, const struct ocpp_node *root, const char *list_name,
    const char *only, const char *value, const char *member, int64_t *ret)
{
    const struct ocpp_node *list;

    *ret = 0;
    if (!csms_read_array(r, root, list_name, &list))
        return false;
    for (const struct ocpp_node *n = ocpp_json_first(list); n != NULL; n = ocpp_json_next(n)) {
        const char *text = only != NULL ? ocpp_json_string(ocpp_json_member(n, only)) : NULL;
        int64_t amount = 0;

        if (only != NULL && (text == NULL || strcmp(text, value) != 0))
            continue;
        if (!csms_read_decimal(r, n, member, 0, &amount))
            return false;
        if (__builtin_add_overflow(*ret, amount, ret))
            return csms_reader_refuse(r, list_name, "the sum is too large");
    }
    return true;
}

static bool agree(struct csms_reader *r, const char *name, int64_t a, int64_t b)
{
    return a == b || csms_reader_refuse(r, name, "does not add up");
}

/* net + VAT is gross in every VAT group, in sum and one by one. */
static bool check_groups(
    struct csms_reader *r, const struct ocpp_node *root, const char *name, int64_t gross_minor)
{
    const struct ocpp_node *list;
    int64_t total;

    if (!csms_read_array(r, root, name, &list))
        return false;
    for (const struct ocpp_node *n = ocpp_json_first(list); n != NULL; n = ocpp_json_next(n)) {
        int64_t net = 0, vat = 0, gross = 0;

        if (!csms_read_decimal(r, n, "net_minor", 0, &net) ||
            !csms_read_decimal(r, n, "vat_minor", 0, &vat) ||
            !csms_read_decimal(r, n, "gross_minor", 0, &gross) ||
            !agree(r, name, (int64_t)((uint64_t)net + (uint64_t)vat), gross))
            return false;
    }
    return sum(r, root, name, NULL, NULL, "gross_minor", &total) &&
           agree(r, name, total, gross_minor);
}

static bool check_side(struct csms_reader *r, const struct ocpp_node *root, const char *direction,
    const char *gross_name)
{
    bool import = strcmp(direction, "import") == 0;
    const char *groups = import ? "groups" : "credit_groups";
    const char *totals = import ? "totals" : "credit_totals";
    int64_t gross = 0, lines, net, codes;

    return csms_read_decimal(r, root, gross_name, 0, &gross) &&
           sum(r, root, "lines", "direction", direction, "amount_minor", &lines) &&
           agree(r, "lines", lines, gross) && check_groups(r, root, groups, gross) &&
           sum(r, root, groups, NULL, NULL, "net_minor", &net) &&
           sum(r, root, totals, NULL, NULL, "net_minor", &codes) && agree(r, totals, codes, net);
}

static bool check_micro(struct csms_reader *r, const struct ocpp_node *root)
{
    static const char *const names[] = {"net_micro", "vat_micro", "gross_micro"};

    for (unsigned i = 0; i < 3; i++) {
        int64_t total = 0, lines;

        if (csms_member(root, names[i]) == NULL)
            return csms_reader_refuse(r, names[i], "is missing");
        if (!csms_read_decimal(r, root, names[i], 0, &total) ||
            !sum(r, root, "lines", "direction", "import", names[i], &lines) ||
            !agree(r, names[i], lines, total))
            return false;
    }
    return true;
}

bool bill_check(const char *bill, size_t length, struct ocpp_fault *ret_fault)
{
    struct ocpp_json *json = ocpp_json_read(bill, length, &bill_limits, ret_fault);
    struct csms_reader r;
    bool ok;

    if (json == NULL)
        return false;
    csms_reader_init(&r, json, ret_fault);
    ok = check_side(&r, ocpp_json_root(json), "import", "gross_minor") &&
         check_side(&r, ocpp_json_root(json), "export", "credit_minor") &&
         check_micro(&r, ocpp_json_root(json));
    ocpp_json_free(json);
    return ok;
}
