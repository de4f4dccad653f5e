/* session.c - reads a settlement's input. */
#include "csms/rate/session.h"

#include "csms/rate/bill.h"
#include "csms/rate/node.h"
#include "csms/rate/tariff_json.h"
#include "ocpp/datetime.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void csms_session_done(struct csms_session *s)
{
    if (s == NULL)
        return;
    free(s->readings);
    free(s->states);
    s->readings = NULL;
    s->states = NULL;
}

/* A register: decimal digits, or null.  Negative ones are kept for the judge to name. */
static bool read_register(
    struct csms_reader *r, const struct ocpp_node *node, const char *name, int64_t *ret)
{
    *ret = BILL_ABSENT;
    if (!csms_read_decimal(r, node, name, 0, ret))
        return false;
    if (csms_member(node, name) != NULL && *ret < 0)
        *ret = INT64_MIN; /* not to be mistaken for an absent one */
    return true;
}

static bool read_needed_time(
    struct csms_reader *r, const struct ocpp_node *node, const char *name, int64_t *ret)
{
    if (csms_member(node, name) == NULL)
        return csms_reader_refuse(r, name, "is missing");
    return csms_read_time(r, node, name, ret);
}

static bool read_short_text(
    struct csms_reader *r, const struct ocpp_node *node, const char *name, char *buf, size_t size)
{
    const char *text = NULL;

    if (!csms_read_text(r, node, name, &text))
        return false;
    if (text == NULL)
        return csms_reader_refuse(r, name, "is missing");
    if (strlen(text) >= size)
        return csms_reader_refuse(r, name, "too long");
    memcpy(buf, text, strlen(text) + 1);
    return true;
}

static bool read_direction(
    struct csms_reader *r, const struct ocpp_node *node, struct csms_session *s)
{
    const char *text = "import";

    if (!csms_read_text(r, node, "direction_allowed", &text))
        return false;
    s->export_allowed = strcmp(text, "export") == 0 || strcmp(text, "both") == 0;
    if (!s->export_allowed && strcmp(text, "import") != 0)
        return csms_reader_refuse(r, "direction_allowed", "must be one of: import export both");
    return true;
}

static bool read_head(struct csms_reader *r, const struct ocpp_node *input, struct csms_session *s)
{
    const struct ocpp_node *node;
    struct bill_claim *c = &s->claim;
    size_t was;

    if (!csms_read_object(r, input, "session", &node))
        return false;
    if (node == NULL)
        return csms_reader_refuse(r, "session", "is missing");
    was = csms_reader_enter(r, "session", -1);
    s->exponent = -1;
    if (!read_needed_time(r, node, "started_at", &c->started_us) ||
        !read_needed_time(r, node, "stopped_at", &c->stopped_us) ||
        !read_short_text(r, node, "zone", s->zone, sizeof(s->zone)) ||
        !read_short_text(r, node, "currency", s->currency, sizeof(s->currency)) ||
        !csms_read_decimal(r, node, "exponent", 0, &s->exponent) ||
        !read_register(r, node, "meter_start_mwh", &c->meter_start_mwh) ||
        !read_register(r, node, "meter_stop_mwh", &c->meter_stop_mwh) ||
        !csms_read_decimal(r, node, "max_power_w", 0, &c->max_power_w) ||
        !read_direction(r, node, s))
        return false;
    if (s->exponent < 0 || s->exponent > BILL_EXPONENT_MAX)
        return csms_reader_refuse(r, "exponent", bill_lint_text(BILL_LINT_EXPONENT));
    csms_reader_leave(r, was);
    return true;
}

enum csms_session_result csms_session_head(const struct ocpp_json *json,
    const struct ocpp_node *input, struct csms_session *ret, struct ocpp_fault *ret_fault)
{
    struct csms_reader r;

    csms_reader_init(&r, json, ret_fault);
    return read_head(&r, input, ret) ? CSMS_SESSION_OK : CSMS_SESSION_INPUT;
}

static enum bill_context context_of(const char *text)
{
    if (text != NULL && strcmp(text, "Transaction.Begin") == 0)
        return BILL_CONTEXT_BEGIN;
    if (text != NULL && strcmp(text, "Transaction.End") == 0)
        return BILL_CONTEXT_END;
    return BILL_CONTEXT_OTHER;
}

/* Measured values below zero are not what a restriction of a charge speaks of. */
static int64_t measured(int64_t value)
{
    return value < 0 ? BILL_ABSENT : value;
}

static bool read_reading(
    struct csms_reader *r, const struct ocpp_node *node, struct bill_reading *ret)
{
    const char *context = NULL;

    *ret = (struct bill_reading){.power_mw = BILL_ABSENT, .current_ma = BILL_ABSENT};
    if (!read_needed_time(r, node, "at", &ret->at_us) ||
        !csms_read_text(r, node, "context", &context) ||
        !read_register(r, node, "import_mwh", &ret->import_mwh) ||
        !read_register(r, node, "export_mwh", &ret->export_mwh) ||
        !csms_read_decimal(r, node, "power_import_mw", 0, &ret->power_mw) ||
        !csms_read_decimal(r, node, "current_import_ma", 0, &ret->current_ma))
        return false;
    ret->context = context_of(context);
    ret->power_mw = measured(ret->power_mw);
    ret->current_ma = measured(ret->current_ma);
    return true;
}

/* SuspendedEV and Finishing are the vehicle's doing; in every other state but Charging nothing is
 * counted. */
static enum bill_state state_of(const char *text)
{
    if (strcmp(text, "Charging") == 0)
        return BILL_STATE_CHARGING;
    if (strcmp(text, "SuspendedEV") == 0 || strcmp(text, "Finishing") == 0)
        return BILL_STATE_IDLE;
    return BILL_STATE_WAITING;
}

static bool read_state(struct csms_reader *r, const struct ocpp_node *node, struct csms_state *ret)
{
    const char *text = NULL;

    if (!read_needed_time(r, node, "at", &ret->at_us) || !csms_read_text(r, node, "state", &text))
        return false;
    if (text == NULL)
        return csms_reader_refuse(r, "state", "is missing");
    ret->state = state_of(text);
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct csms_state *x = a, *y = b;

    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static enum csms_session_result read_readings(
    struct csms_reader *r, const struct ocpp_node *input, struct csms_session *s)
{
    const struct ocpp_node *list;

    if (!csms_read_array(r, input, "readings", &list))
        return CSMS_SESSION_INPUT;
    s->readings = calloc((size_t)ocpp_json_count(list) + 2, sizeof(s->readings[0]));
    if (s->readings == NULL)
        return CSMS_SESSION_NO_MEMORY;
    for (const struct ocpp_node *n = ocpp_json_first(list); n != NULL; n = ocpp_json_next(n)) {
        size_t was = csms_reader_enter(r, "readings", (int)s->reading_count);

        if (!read_reading(r, n, &s->readings[s->reading_count++]))
            return CSMS_SESSION_INPUT;
        csms_reader_leave(r, was);
    }
    return CSMS_SESSION_OK;
}

static enum csms_session_result read_states(
    struct csms_reader *r, const struct ocpp_node *input, struct csms_session *s)
{
    const struct ocpp_node *list;

    if (!csms_read_array(r, input, "states", &list))
        return CSMS_SESSION_INPUT;
    s->states = calloc((size_t)ocpp_json_count(list) + 1, sizeof(s->states[0]));
    if (s->states == NULL)
        return CSMS_SESSION_NO_MEMORY;
    for (const struct ocpp_node *n = ocpp_json_first(list); n != NULL; n = ocpp_json_next(n)) {
        size_t was = csms_reader_enter(r, "states", (int)s->state_count);

        s->states[s->state_count].order = s->state_count;
        if (!read_state(r, n, &s->states[s->state_count++]))
            return CSMS_SESSION_INPUT;
        csms_reader_leave(r, was);
    }
    qsort(s->states, s->state_count, sizeof(s->states[0]), by_time);
    return CSMS_SESSION_OK;
}

static uint16_t day_type_bit(const struct bill_tariff *t, const char *name)
{
    for (unsigned i = 0; i < t->day_type_count; i++) {
        if (strcmp(t->day_types[i], name) == 0)
            return (uint16_t)(1U << i);
    }
    return 0;
}

/* Only days near the session with a type that the tariff names can matter. */
static bool read_calendar(
    struct csms_reader *r, const struct ocpp_node *input, struct csms_session *s)
{
    int64_t first = s->claim.started_us / BILL_DAY_US - 2;
    int64_t last = s->claim.stopped_us / BILL_DAY_US + 2;
    const struct ocpp_node *list;

    if (!csms_read_array(r, input, "calendar", &list))
        return false;
    for (const struct ocpp_node *n = ocpp_json_first(list); n != NULL; n = ocpp_json_next(n)) {
        const char *type = NULL;
        int32_t day = INT32_MIN;
        uint16_t bit;

        if (!csms_read_date(r, n, "date", &day) || !csms_read_text(r, n, "day_type", &type))
            return false;
        if (type == NULL || day == INT32_MIN)
            return csms_reader_refuse(r, "calendar", "a day needs date and day_type");
        bit = day_type_bit(&s->tariff, type);
        if (bit == 0 || day < first || day > last)
            continue;
        if (s->day_count == BILL_CALENDAR_MAX)
            return csms_reader_refuse(r, "calendar", "more than 64 days");
        s->days[s->day_count++] = (struct bill_day){day, bit};
    }
    return true;
}

static bool read_offset(
    struct csms_reader *r, const struct ocpp_node *pair, struct bill_offset *ret)
{
    const struct ocpp_node *at = ocpp_json_first(pair), *offset = ocpp_json_next(at);
    const char *text = ocpp_json_string(at);
    int64_t seconds = 0;

    if (text == NULL || offset == NULL ||
        ocpp_datetime_read(text, &ret->at_us) == OCPP_DATETIME_INVALID)
        return csms_reader_refuse(r, "", "a pair of time and offset is expected");
    if (!csms_node_decimal(r, offset, "", 0, &seconds))
        return false;
    if (seconds < -172800 || seconds > 172800)
        return csms_reader_refuse(r, "", "no offset is longer than two days");
    ret->offset_s = (int32_t)seconds;
    return true;
}

static bool read_offsets(
    struct csms_reader *r, const struct ocpp_node *root, struct csms_session *s)
{
    const struct ocpp_node *list;

    if (!csms_read_array(r, root, "zone_offsets", &list))
        return false;
    for (const struct ocpp_node *n = ocpp_json_first(list); n != NULL; n = ocpp_json_next(n)) {
        struct bill_offset *o = &s->offsets[s->offset_count];
        size_t was = csms_reader_enter(r, "zone_offsets", (int)s->offset_count);

        if (s->offset_count == BILL_OFFSETS_MAX)
            return csms_reader_refuse(r, "", "more than 16 offsets");
        if (!read_offset(r, n, o))
            return false;
        if (s->offset_count > 0 && o->at_us <= o[-1].at_us)
            return csms_reader_refuse(r, "", "offsets must be in order of time");
        s->offset_count++;
        csms_reader_leave(r, was);
    }
    return s->offset_count > 0 || csms_reader_refuse(r, "zone_offsets", "is missing");
}

static enum csms_session_result read_tariff(const struct ocpp_json *json,
    const struct ocpp_node *input, struct csms_session *s, struct ocpp_fault *fault)
{
    char member[sizeof(fault->member)];

    if (!csms_tariff_read(json, ocpp_json_member(input, "tariff"), &s->tariff, fault)) {
        memcpy(member, fault->member, sizeof(member));
        (void)snprintf(fault->member, sizeof(fault->member), "tariff%s%.100s",
            member[0] != 0 ? "." : "", member);
        return CSMS_SESSION_TARIFF;
    }
    if (strcmp(s->tariff.currency, s->currency) != 0) {
        (void)snprintf(fault->member, sizeof(fault->member), "tariff.currency");
        (void)snprintf(fault->text, sizeof(fault->text),
            "the tariff's currency is %s, the session's %s", s->tariff.currency, s->currency);
        return CSMS_SESSION_CURRENCY;
    }
    s->tariff.exponent = (uint8_t)s->exponent;
    return CSMS_SESSION_OK;
}

enum csms_session_result csms_session_read(
    const struct ocpp_json *json, struct csms_session *ret, struct ocpp_fault *ret_fault)
{
    const struct ocpp_node *root = ocpp_json_root(json), *input;
    enum csms_session_result result;
    struct csms_reader r;
    int64_t engine = 0;

    csms_reader_init(&r, json, ret_fault);
    if (!csms_read_decimal(&r, root, "engine", 0, &engine) ||
        !csms_read_object(&r, root, "input", &input))
        return CSMS_SESSION_INPUT;
    if (engine != CSMS_BILL_ENGINE) {
        csms_reader_refuse(&r, "engine", "not the input of this engine");
        return CSMS_SESSION_INPUT;
    }
    if (!read_offsets(&r, root, ret))
        return CSMS_SESSION_INPUT;
    csms_reader_enter(&r, "input", -1);
    if (!read_head(&r, input, ret))
        return CSMS_SESSION_INPUT;
    result = read_tariff(json, input, ret, ret_fault);
    if (result == CSMS_SESSION_OK)
        result = read_readings(&r, input, ret);
    if (result == CSMS_SESSION_OK)
        result = read_states(&r, input, ret);
    if (result == CSMS_SESSION_OK && !read_calendar(&r, input, ret))
        result = CSMS_SESSION_INPUT;
    return result;
}
