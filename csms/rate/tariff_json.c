/* tariff_json.c - reads a tariff document.
 *
 * Publishing refuses the same documents in SQL (api.tariff_check), before a session can freeze one:
 * a rule that is changed here is changed there.  The members of the document itself that no price
 * depends on are not looked at here.
 */
#include "csms/rate/tariff_json.h"

#include "csms/rate/node.h"

#include <stdio.h>
#include <string.h>

enum { DECIMAL_TEXT_MAX = 64, DAY_TYPE_MAX = 32, DAY_TYPES_LISTED_MAX = 32 };
_Static_assert((int)DAY_TYPE_MAX < (int)BILL_LABEL_SIZE, "a day type fits");

uint8_t csms_currency_exponent(const char *currency)
{
    static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
    static const char three[] = "BHD IQD JOD KWD LYD OMR TND";

    if (strlen(currency) != 3)
        return 2;
    if (strstr(none, currency) != NULL)
        return 0;
    return strstr(three, currency) != NULL ? 3 : 2;
}

/* Finds a word in a list of blank-separated words; the index, or -1. */
static int word_index(const char *words, const char *word)
{
    size_t length = strlen(word);
    int index = 0;

    for (const char *at = words; *at != 0; index++) {
        size_t next = strcspn(at, " ");

        if (next == length && strncmp(at, word, length) == 0)
            return index;
        at += next + (at[next] == ' ');
    }
    return -1;
}

/* A member that must be one of some words; absent leaves *ret. */
static bool read_word(struct csms_reader *r, const struct ocpp_node *object, const char *name,
    const char *words, int *ret)
{
    const char *text = NULL;
    char message[160];

    if (!csms_read_text(r, object, name, &text))
        return false;
    if (text == NULL)
        return true;
    *ret = word_index(words, text);
    if (*ret >= 0)
        return true;
    (void)snprintf(message, sizeof(message), "must be one of: %s", words);
    return csms_reader_refuse(r, name, message);
}

/* What is spelled wrong would sell energy at another price. */
static bool refuse_unknown(struct csms_reader *r, const struct ocpp_node *object, const char *words)
{
    if (object == NULL || ocpp_json_kind(object) != OCPP_KIND_OBJECT)
        return true;
    for (const struct ocpp_node *n = ocpp_json_first(object); n != NULL; n = ocpp_json_next(n)) {
        if (word_index(words, ocpp_json_name(n)) < 0)
            return csms_reader_refuse(r, ocpp_json_name(n), "is not known here");
    }
    return true;
}

/* -?[0-9]+(\.[0-9]+)? */
static bool is_plain_decimal(const char *text)
{
    const char *p = text + (text[0] == '-');
    size_t whole = strspn(p, "0123456789");

    if (whole == 0 || strlen(text) > DECIMAL_TEXT_MAX)
        return false;
    p += whole;
    if (*p == 0)
        return true;
    return *p == '.' && p[1] != 0 && p[1 + strspn(p + 1, "0123456789")] == 0;
}

/* A number, or a text of one without the liberties that piles take. */
static bool read_decimal(struct csms_reader *r, const struct ocpp_node *object, const char *name,
    int scale, int64_t *ret)
{
    const struct ocpp_node *node = csms_member(object, name);
    const char *text = node != NULL ? ocpp_json_string(node) : NULL;

    if (text != NULL && !is_plain_decimal(text))
        return csms_reader_refuse(r, name, "not a decimal number");
    return csms_read_decimal(r, object, name, scale, ret);
}

static bool has_control(const char *text)
{
    for (; *text != 0; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    }
    return false;
}

static bool read_label(struct csms_reader *r, const struct ocpp_node *object, const char *name,
    char ret[BILL_LABEL_SIZE])
{
    const char *text = NULL;

    if (!csms_read_text(r, object, name, &text))
        return false;
    if (text == NULL)
        return true;
    if (strlen(text) >= BILL_LABEL_SIZE)
        return csms_reader_refuse(r, name, "longer than 63 bytes");
    if (text[strspn(text, " ")] == 0 || has_control(text))
        return csms_reader_refuse(r, name, "blank, or with control characters");
    memcpy(ret, text, strlen(text) + 1);
    return true;
}

/* Energy is paid for by energy, a start fee is flat, and occupancy is anything but energy. */
static bool charge_fits(enum bill_charge charge, enum bill_dimension dimension)
{
    if (charge == BILL_ENERGY_ELEC || charge == BILL_ENERGY_SERVICE || charge == BILL_V2G_BASE)
        return dimension == BILL_ENERGY;
    if (charge == BILL_START_FEE)
        return dimension == BILL_FLAT;
    return charge != BILL_OCCUPANCY || dimension != BILL_ENERGY;
}

static bool read_charge(struct csms_reader *r, const struct ocpp_node *node,
    const struct bill_element *e, struct bill_component *c)
{
    const char *text = NULL;

    if (!csms_read_text(r, node, "charge_code", &text))
        return false;
    if (text == NULL) {
        if (e->scope != BILL_SCOPE_SESSION)
            c->charge = BILL_RESERVATION;
        else if (e->direction == BILL_EXPORT)
            c->charge = BILL_V2G_BASE;
        return true;
    }
    c->charge = bill_charge_find(text);
    if (c->charge == BILL_CHARGE_COUNT)
        return csms_reader_refuse(r, "charge_code", "unknown charge code");
    if (!charge_fits(c->charge, c->dimension))
        return csms_reader_refuse(r, "charge_code", "does not go with this type");
    return true;
}

/* VAT is in percent; a member that is absent or null says that none applies. */
static bool read_vat(struct csms_reader *r, const struct ocpp_node *node, struct bill_component *c)
{
    int64_t vat = 0;

    c->vat_given = csms_member(node, "vat") != NULL;
    if (!read_decimal(r, node, "vat", 4, &vat))
        return false;
    if (vat < 0 || vat > BILL_VAT_MAX_PPM)
        return csms_reader_refuse(r, "vat", bill_lint_text(BILL_LINT_VAT));
    c->vat_ppm = (int32_t)vat;
    return true;
}

/* A negative cap must not pass for an absent one. */
static bool read_cap(struct csms_reader *r, const struct ocpp_node *node, struct bill_component *c)
{
    if (!read_decimal(r, node, "cap", 6, &c->cap_micro))
        return false;
    if (csms_member(node, "cap") != NULL && c->cap_micro < 0)
        return csms_reader_refuse(r, "cap", bill_lint_text(BILL_LINT_CAP));
    return true;
}

static bool read_component(struct csms_reader *r, const struct ocpp_node *node,
    const struct bill_element *e, struct bill_component *ret)
{
    static const char members[] =
        "type price vat step_size quantity_factor cap rate_label charge_code";
    const char *type = NULL;
    enum bill_dimension dimension;

    if (!refuse_unknown(r, node, members) || !csms_read_text(r, node, "type", &type))
        return false;
    if (type == NULL)
        return csms_reader_refuse(r, "type", "is missing");
    dimension = bill_dimension_find(type);
    if (dimension == BILL_DIMENSION_COUNT)
        return csms_reader_refuse(r, "type", "must be one of: ENERGY FLAT PARKING_TIME TIME");
    if (csms_member(node, "price") == NULL)
        return csms_reader_refuse(r, "price", "is missing");
    *ret = bill_component_default(dimension);
    return read_decimal(r, node, "price", 6, &ret->price_micro) && read_vat(r, node, ret) &&
           read_decimal(r, node, "step_size", 0, &ret->step) &&
           read_decimal(r, node, "quantity_factor", 6, &ret->factor_ppm) &&
           read_cap(r, node, ret) && read_label(r, node, "rate_label", ret->label) &&
           read_charge(r, node, e, ret);
}

/* HH:MM */
static bool read_minute(
    struct csms_reader *r, const struct ocpp_node *node, const char *name, int32_t *ret)
{
    const char *text = NULL;

    if (!csms_read_text(r, node, name, &text))
        return false;
    if (text == NULL)
        return true;
    if (strlen(text) != 5 || text[2] != ':' || strspn(text, "0123456789:") != 5 || text[0] == ':' ||
        text[1] == ':' || text[3] == ':' || text[4] == ':')
        return csms_reader_refuse(r, name, "not a time of the form HH:MM");
    *ret = ((text[0] - '0') * 10 + text[1] - '0') * 60 + (text[3] - '0') * 10 + text[4] - '0';
    if (text[3] > '5' || *ret >= 1440)
        return csms_reader_refuse(r, name, "not a time between 00:00 and 23:59");
    return true;
}

static bool read_range(struct csms_reader *r, const struct ocpp_node *node,
    const char *const names[2], int scale, struct bill_range *ret)
{
    int64_t *ends[] = {&ret->min, &ret->max};

    for (unsigned i = 0; i < 2; i++) {
        if (!read_decimal(r, node, names[i], scale, ends[i]))
            return false;
        if (csms_member(node, names[i]) != NULL && *ends[i] < 0)
            return csms_reader_refuse(r, names[i], bill_lint_text(BILL_LINT_RANGE));
    }
    return true;
}

static bool read_weekdays(struct csms_reader *r, const struct ocpp_node *node, uint8_t *ret)
{
    static const char days[] = "MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY";
    const struct ocpp_node *list;

    if (!csms_read_array(r, node, "day_of_week", &list))
        return false;
    if (list == NULL)
        return true;
    for (const struct ocpp_node *n = ocpp_json_first(list); n != NULL; n = ocpp_json_next(n)) {
        const char *text = ocpp_json_string(n);
        int day = text != NULL ? word_index(days, text) : -1;

        if (day < 0)
            return csms_reader_refuse(r, "day_of_week", "not a day of the week");
        *ret |= (uint8_t)(1 << day);
    }
    if (ocpp_json_count(list) > 7)
        return csms_reader_refuse(r, "day_of_week", "more days than a week has");
    return *ret != 0 || csms_reader_refuse(r, "day_of_week", "an empty list never holds");
}

/* As management.set_calendar_day takes them. */
static bool is_day_type(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return text[0] >= 'a' && text[0] <= 'z' && text[length] == 0 && length <= DAY_TYPE_MAX;
}

static int day_type_index(struct bill_tariff *t, const char *name)
{
    unsigned i = 0;

    while (i < t->day_type_count && strcmp(t->day_types[i], name) != 0)
        i++;
    if (i == BILL_DAY_TYPES_MAX)
        return -1;
    if (i == t->day_type_count) {
        memcpy(t->day_types[i], name, strlen(name) + 1);
        t->day_type_count++;
    }
    return (int)i;
}

static bool read_day_types(
    struct csms_reader *r, const struct ocpp_node *node, struct bill_tariff *t, uint16_t *ret)
{
    const struct ocpp_node *list;

    if (!csms_read_array(r, node, "day_type", &list))
        return false;
    if (list == NULL)
        return true;
    for (const struct ocpp_node *n = ocpp_json_first(list); n != NULL; n = ocpp_json_next(n)) {
        const char *text = ocpp_json_string(n);
        int index;

        if (text == NULL || !is_day_type(text))
            return csms_reader_refuse(
                r, "day_type", "1 to 32 of a-z, 0-9 and _ are expected, a letter first");
        index = day_type_index(t, text);
        if (index < 0)
            return csms_reader_refuse(r, "day_type", "more than 16 different day types");
        *ret |= (uint16_t)(1U << index);
    }
    if (ocpp_json_count(list) > DAY_TYPES_LISTED_MAX)
        return csms_reader_refuse(r, "day_type", "more than 32 are listed");
    return *ret != 0 || csms_reader_refuse(r, "day_type", "an empty list never holds");
}

static bool read_ranges(
    struct csms_reader *r, const struct ocpp_node *node, struct bill_restrictions *w)
{
    static const char *const kwh[] = {"min_kwh", "max_kwh"};
    static const char *const current[] = {"min_current", "max_current"};
    static const char *const power[] = {"min_power", "max_power"};
    static const char *const duration[] = {"min_duration", "max_duration"};

    return read_range(r, node, kwh, 6, &w->energy_mwh) &&
           read_range(r, node, current, 3, &w->current_ma) &&
           read_range(r, node, power, 6, &w->power_mw) &&
           read_range(r, node, duration, 6, &w->duration_us) &&
           read_decimal(r, node, "min_idle_s", 6, &w->min_idle_us);
}

static bool read_restrictions(struct csms_reader *r, const struct ocpp_node *node,
    struct bill_tariff *t, struct bill_element *e)
{
    static const char members[] =
        "start_time end_time start_date end_date min_kwh max_kwh min_current max_current min_power "
        "max_power min_duration max_duration min_idle_s day_of_week day_type reservation";
    struct bill_restrictions *w = &e->when;
    int scope = -1;

    if (!refuse_unknown(r, node, members) ||
        !read_word(r, node, "reservation", "RESERVATION RESERVATION_EXPIRES", &scope))
        return false;
    if (scope >= 0)
        e->scope = scope == 0 ? BILL_SCOPE_RESERVATION : BILL_SCOPE_EXPIRED;
    if (!read_minute(r, node, "start_time", &w->start_minute) ||
        !read_minute(r, node, "end_time", &w->end_minute))
        return false;
    if (w->end_minute == 0)
        w->end_minute = 1440; /* 00:00 as an end is the end of the day */
    return csms_read_date(r, node, "start_date", &w->start_day) &&
           csms_read_date(r, node, "end_date", &w->end_day) && read_ranges(r, node, w) &&
           read_weekdays(r, node, &w->weekdays) && read_day_types(r, node, t, &w->day_types);
}

static bool read_components(struct csms_reader *r, const struct ocpp_node *node,
    struct bill_tariff *t, struct bill_element *e)
{
    const struct ocpp_node *list;

    if (!csms_read_array(r, node, "price_components", &list))
        return false;
    if (ocpp_json_count(list) == 0)
        return csms_reader_refuse(r, "price_components", bill_lint_text(BILL_LINT_NO_COMPONENT));
    e->first = t->component_count;
    for (const struct ocpp_node *n = ocpp_json_first(list); n != NULL; n = ocpp_json_next(n)) {
        size_t was = csms_reader_enter(r, "price_components", e->count);

        if (t->component_count == BILL_COMPONENTS_MAX)
            return csms_reader_refuse(r, "", bill_lint_text(BILL_LINT_TOO_MANY_COMPONENTS));
        if (!read_component(r, n, e, &t->components[t->component_count]))
            return false;
        t->component_count++;
        e->count++;
        csms_reader_leave(r, was);
    }
    return true;
}

static bool read_element(struct csms_reader *r, const struct ocpp_node *node, struct bill_tariff *t)
{
    struct bill_element *e = &t->elements[t->element_count];
    const struct ocpp_node *restrictions;
    int direction = BILL_IMPORT;
    size_t was;

    *e = bill_element_default();
    if (!refuse_unknown(r, node, "direction price_components restrictions") ||
        !read_word(r, node, "direction", "IMPORT EXPORT", &direction) ||
        !csms_read_object(r, node, "restrictions", &restrictions))
        return false;
    e->direction = direction == 0 ? BILL_IMPORT : BILL_EXPORT;
    was = csms_reader_enter(r, "restrictions", -1);
    if (!read_restrictions(r, restrictions, t, e))
        return false;
    csms_reader_leave(r, was);
    if (!read_components(r, node, t, e))
        return false;
    t->element_count++;
    return true;
}

static bool read_elements(
    struct csms_reader *r, const struct ocpp_node *node, struct bill_tariff *t)
{
    const struct ocpp_node *list;

    if (!csms_read_array(r, node, "elements", &list))
        return false;
    if (ocpp_json_count(list) == 0)
        return csms_reader_refuse(r, "elements", bill_lint_text(BILL_LINT_NO_ELEMENT));
    if (ocpp_json_count(list) > BILL_ELEMENTS_MAX)
        return csms_reader_refuse(r, "elements", bill_lint_text(BILL_LINT_TOO_MANY_ELEMENTS));
    for (const struct ocpp_node *n = ocpp_json_first(list); n != NULL; n = ocpp_json_next(n)) {
        size_t was = csms_reader_enter(r, "elements", t->element_count);

        if (!read_element(r, n, t))
            return false;
        csms_reader_leave(r, was);
    }
    return true;
}

static bool read_bounds(
    struct csms_reader *r, const struct ocpp_node *node, const char *name, struct bill_bounds *ret)
{
    const struct ocpp_node *price;
    size_t was;

    if (!csms_read_object(r, node, name, &price))
        return false;
    if (price == NULL)
        return true;
    was = csms_reader_enter(r, name, -1);
    if (!refuse_unknown(r, price, "excl_vat incl_vat"))
        return false;
    if (csms_member(price, "excl_vat") == NULL && csms_member(price, "incl_vat") == NULL)
        return csms_reader_refuse(r, "excl_vat", "is missing");
    if (!read_decimal(r, price, "excl_vat", 6, &ret->net_micro) ||
        !read_decimal(r, price, "incl_vat", 6, &ret->gross_micro))
        return false;
    if (csms_member(price, "excl_vat") != NULL && ret->net_micro < 0)
        return csms_reader_refuse(r, "excl_vat", bill_lint_text(BILL_LINT_BOUND));
    if (csms_member(price, "incl_vat") != NULL && ret->gross_micro < 0)
        return csms_reader_refuse(r, "incl_vat", bill_lint_text(BILL_LINT_BOUND));
    csms_reader_leave(r, was);
    return true;
}

static bool read_head(struct csms_reader *r, const struct ocpp_node *node, struct bill_tariff *t)
{
    const char *currency = NULL;
    int tax = BILL_TAX_NET;

    if (ocpp_json_kind(node) != OCPP_KIND_OBJECT)
        return csms_reader_refuse(r, "", "an object is expected");
    if (!csms_read_text(r, node, "currency", &currency))
        return false;
    if (currency == NULL || strlen(currency) != 3)
        return csms_reader_refuse(r, "currency", bill_lint_text(BILL_LINT_CURRENCY));
    memcpy(t->currency, currency, 4);
    t->exponent = csms_currency_exponent(currency);
    /* OCPI 2.3 moved the taxes; read as 2.2.1 its prices would mean something else. */
    if (csms_member(node, "tax_included") != NULL)
        return csms_reader_refuse(r, "tax_included", "a tariff of OCPI 2.3; 2.2.1 is expected");
    if (!read_word(r, node, "tax_mode", "net gross", &tax))
        return false;
    t->tax = tax == 0 ? BILL_TAX_NET : BILL_TAX_GROSS;
    return read_bounds(r, node, "min_price", &t->min_price) &&
           read_bounds(r, node, "max_price", &t->max_price);
}

/* Where lint stands, in the document's words. */
static bool refuse_lint(struct csms_reader *r, const struct bill_lint_fault *lint)
{
    static const char *const when[] = {"start_time", "end_time", "start_date", "end_date",
        "min_kwh", "max_kwh", "min_current", "max_current", "min_power", "max_power",
        "min_duration", "max_duration", "day_of_week", "day_type", "min_idle_s"};

    r->path[0] = 0;
    if (lint->element >= 0)
        csms_reader_enter(r, "elements", lint->element);
    if (lint->component >= 0)
        csms_reader_enter(r, "price_components", lint->component);
    for (unsigned i = 0; i < sizeof(when) / sizeof(when[0]); i++) {
        if (strcmp(when[i], lint->member) == 0)
            csms_reader_enter(r, "restrictions", -1);
    }
    return csms_reader_refuse(r, lint->member, bill_lint_text(lint->lint));
}

bool csms_tariff_read(const struct ocpp_json *json, const struct ocpp_node *node,
    struct bill_tariff *ret, struct ocpp_fault *ret_fault)
{
    struct csms_reader r;
    struct bill_lint_fault lint;

    csms_reader_init(&r, json, ret_fault);
    bill_tariff_init(ret);
    if (!read_head(&r, node, ret) || !read_elements(&r, node, ret))
        return false;
    return bill_tariff_seal(ret, &lint) || refuse_lint(&r, &lint);
}
