/* bill_text.c - writes bills as JSON. */
#include "csms/rate/bill_text.h"

#include <inttypes.h>

static const char *direction_name(enum bill_direction direction)
{
    return direction == BILL_IMPORT ? "import" : "export";
}

/* The lines of a cap and of a limit have dimensions of their own. */
static const char *line_name(const struct bill_line *line)
{
    switch (line->kind) {
    case BILL_LINE_PRICE:
        return bill_dimension_name(line->dimension);
    case BILL_LINE_CAP:
        return "CAP";
    case BILL_LINE_MIN_PRICE:
        return "MIN_PRICE";
    case BILL_LINE_MAX_PRICE:
        return "MAX_PRICE";
    }
    return "?";
}

static const char *unit_name(const struct bill_line *line)
{
    if (line->kind != BILL_LINE_PRICE || line->dimension == BILL_FLAT)
        return "1";
    return line->dimension == BILL_ENERGY ? "mWh" : "us";
}

static void write_place(
    struct csms_out *out, const struct bill_tariff *t, const struct bill_line *line)
{
    const struct bill_component *c;

    if (line->component == BILL_NO_COMPONENT) {
        csms_out_text(out, ",\"rate_label\":null,\"element\":null");
        return;
    }
    c = &t->components[line->component];
    csms_out_text(out, ",\"rate_label\":");
    if (c->label[0] != 0)
        csms_out_quoted(out, c->label);
    else
        csms_out_text(out, "null");
    csms_out_text(
        out, ",\"element\":\"%u.%u\"", c->element, line->component - t->elements[c->element].first);
}

static int64_t price_of(const struct bill_tariff *t, const struct bill_line *line)
{
    return line->kind == BILL_LINE_PRICE ? t->components[line->component].price_micro : 0;
}

/* OCPI: an absent VAT means that none applies, which is not a rate of zero. */
static bool is_untaxed(const struct bill_tariff *t, const struct bill_line *line)
{
    return line->component != BILL_NO_COMPONENT && !t->components[line->component].vat_given;
}

static void write_line(
    struct csms_out *out, const struct bill_tariff *t, const struct bill_line *line, unsigned seq)
{
    csms_out_text(out, "%s{\"seq\":%u,\"from\":", seq > 1 ? "," : "", seq);
    csms_out_time(out, line->from_us);
    csms_out_text(out, ",\"to\":");
    csms_out_time(out, line->to_us);
    csms_out_text(out, ",\"direction\":\"%s\",\"dimension\":\"%s\",\"charge_code\":\"%s\"",
        direction_name(line->direction), line_name(line), bill_charge_name(line->charge));
    write_place(out, t, line);
    csms_out_text(out, ",\"unit\":\"%s\",", unit_name(line));
    csms_out_int(out, "quantity", line->quantity);
    csms_out_text(out, ",");
    csms_out_int(out, "metered", line->metered);
    csms_out_text(out, ",");
    csms_out_int(out, "step", line->step);
    csms_out_text(out, ",");
    csms_out_int(out, "price_micro", price_of(t, line));
    csms_out_text(out, ",");
    csms_out_int(out, "net_micro", line->net_micro);
    if (is_untaxed(t, line))
        csms_out_text(out, ",\"vat_ppm\":null,");
    else
        csms_out_text(out, ",\"vat_ppm\":%" PRId32 ",", line->vat_ppm);
    csms_out_int(out, "vat_micro", line->vat_micro);
    csms_out_text(out, ",");
    csms_out_int(out, "gross_micro", line->gross_micro);
    csms_out_text(out, ",");
    csms_out_int(out, "amount_minor", line->amount_minor);
    csms_out_text(out, ",\"estimated\":%s}", line->estimated ? "true" : "false");
}

static void write_groups(struct csms_out *out, const struct bill_side *side)
{
    for (unsigned i = 0; i < side->group_count; i++) {
        const struct bill_group *g = &side->groups[i];

        csms_out_text(out, "%s{\"vat_ppm\":%" PRId32 ",", i > 0 ? "," : "", g->vat_ppm);
        csms_out_int(out, "net_minor", g->net_minor);
        csms_out_text(out, ",");
        csms_out_int(out, "vat_minor", g->vat_minor);
        csms_out_text(out, ",");
        csms_out_int(out, "gross_minor", g->gross_minor);
        csms_out_text(out, "}");
    }
}

static void write_codes(struct csms_out *out, const struct bill_side *side)
{
    for (unsigned i = 0; i < side->code_count; i++) {
        csms_out_text(out, "%s{\"charge_code\":\"%s\",", i > 0 ? "," : "",
            bill_charge_name(side->codes[i].charge));
        csms_out_int(out, "net_minor", side->codes[i].net_minor);
        csms_out_text(out, "}");
    }
}

static const char *limit_name(const struct bill_bill *bill)
{
    if (bill->limit == BILL_LINE_MIN_PRICE)
        return "\"min_price\"";
    return bill->limit == BILL_LINE_MAX_PRICE ? "\"max_price\"" : "null";
}

static void write_head(struct csms_out *out, const struct bill_bill *bill, const char *evidence)
{
    const struct {
        const char *name;
        int64_t value;
    } totals[] = {
        {"energy_import_mwh", bill->import_mwh},
        {"energy_export_mwh", bill->export_mwh},
        {"estimated_mwh", bill->estimated_mwh},
        {"net_micro", bill->charge.net_micro},
        {"vat_micro", bill->charge.vat_micro},
        {"gross_micro", bill->charge.gross_micro},
        {"net_minor", bill->charge.net_minor},
        {"vat_minor", bill->charge.vat_minor},
        {"gross_minor", bill->charge.gross_minor},
        {"credit_minor", bill->credit.gross_minor},
    };

    csms_out_text(out, "{");
    for (unsigned i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        csms_out_int(out, totals[i].name, totals[i].value);
        csms_out_text(out, ",");
    }
    csms_out_text(out, "\"limit_applied\":%s,\"evidence\":\"%s\"", limit_name(bill), evidence);
}

void csms_bill_write(struct csms_out *out, const struct bill_tariff *t,
    const struct bill_bill *bill, const char *evidence)
{
    write_head(out, bill, evidence);
    csms_out_text(out, ",\"lines\":[");
    for (unsigned i = 0; i < bill->line_count; i++)
        write_line(out, t, &bill->lines[i], i + 1);
    csms_out_text(out, "],\"groups\":[");
    write_groups(out, &bill->charge);
    csms_out_text(out, "],\"totals\":[");
    write_codes(out, &bill->charge);
    csms_out_text(out, "],\"credit_groups\":[");
    write_groups(out, &bill->credit);
    csms_out_text(out, "],\"credit_totals\":[");
    write_codes(out, &bill->credit);
    csms_out_text(out, "]}");
}

static void write_decimal(struct csms_out *out, const char *name, int64_t value, unsigned places)
{
    csms_out_text(out, ",\"%s\":", name);
    csms_out_decimal(out, value, places);
}

static void write_rate_line(
    struct csms_out *out, const struct bill_tariff *t, const struct bill_line *line, unsigned seq)
{
    bool priced = line->kind == BILL_LINE_PRICE;
    bool energy = priced && line->dimension == BILL_ENERGY;

    csms_out_text(out, "%s{\"direction\":\"%s\",\"dimension\":\"%s\",\"charge_code\":\"%s\"",
        seq > 0 ? "," : "", direction_name(line->direction), line_name(line),
        bill_charge_name(line->charge));
    csms_out_text(out, ",\"reservation\":%s", line->reservation ? "true" : "false");
    write_place(out, t, line);
    csms_out_text(out, ",\"from\":");
    csms_out_time(out, line->from_us);
    csms_out_text(out, ",\"to\":");
    csms_out_time(out, line->to_us);
    csms_out_text(out, ",\"unit\":\"%s\"",
        energy                                   ? "kWh"
        : priced && line->dimension != BILL_FLAT ? "s"
                                                 : "1");
    write_decimal(out, "quantity", line->quantity, priced && line->dimension != BILL_FLAT ? 6 : 0);
    write_decimal(out, "price", price_of(t, line), 6);
    write_decimal(out, "vat_percent", line->vat_ppm, 4);
    write_decimal(out, "net", line->net_micro, 6);
    write_decimal(out, "vat", line->vat_micro, 6);
    write_decimal(out, "gross", line->gross_micro, 6);
    csms_out_text(out, "}");
}

/* What was billed of a quantity, once: a second charge code bills the same quantity again. */
static int64_t billed(const struct bill_bill *bill, enum bill_dimension dimension, bool reservation)
{
    int64_t most = 0;

    for (unsigned code = 0; code < BILL_CHARGE_COUNT; code++) {
        int64_t sum = 0;

        for (unsigned i = bill->charge.first; i < bill->charge.first + bill->charge.count; i++) {
            const struct bill_line *line = &bill->lines[i];

            if (line->kind == BILL_LINE_PRICE && line->dimension == dimension &&
                line->reservation == reservation && line->charge == code)
                sum += line->quantity;
        }
        most = sum > most ? sum : most;
    }
    return most;
}

static void write_billed(struct csms_out *out, const struct bill_bill *bill)
{
    csms_out_text(out, ",\"billed\":{\"ENERGY_wh\":");
    csms_out_decimal(out, billed(bill, BILL_ENERGY, false), 3);
    write_decimal(out, "TIME_s", billed(bill, BILL_TIME, false), 6);
    write_decimal(out, "PARKING_TIME_s", billed(bill, BILL_PARKING_TIME, false), 6);
    write_decimal(out, "RESERVATION_s", billed(bill, BILL_TIME, true), 6);
    csms_out_text(out, "}");
}

void csms_bill_write_rate(
    struct csms_out *out, const struct bill_tariff *t, const struct bill_bill *bill)
{
    csms_out_text(out, "{\"currency\":\"%s\"", t->currency);
    write_decimal(out, "total_excl_vat", bill->charge.net_micro, 6);
    write_decimal(out, "total_incl_vat", bill->charge.gross_micro, 6);
    csms_out_text(out, ",\"limit_applied\":%s", limit_name(bill));
    write_decimal(out, "payable", bill->charge.gross_minor, t->exponent);
    write_decimal(out, "credit", bill->credit.gross_minor, t->exponent);
    write_billed(out, bill);
    csms_out_text(out, ",\"lines\":[");
    for (unsigned i = 0; i < bill->line_count; i++)
        write_rate_line(out, t, &bill->lines[i], i);
    csms_out_text(out, "]}");
}
