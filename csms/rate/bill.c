/* bill.c - settlement input to bill: wrap, judge, split, rate, write. */
#include "csms/rate/bill.h"

#include "csms/rate/bill_text.h"
#include "csms/rate/session.h"
#include "csms/rate/zone.h"
#include "ocpp/datetime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Our own texts: a month of readings every 15 s is some 30 MB. */
static const struct ocpp_limits input_limits = {
    .bytes = CSMS_BILL_INPUT_MAX, .nodes = 8 * 1024 * 1024, .depth = 12, .keys = 64};

void csms_bill_done(struct csms_bill *bill)
{
    if (bill == NULL)
        return;
    free(bill->text);
    memset(bill, 0, sizeof(*bill));
}

/* Hands the text over, or says that memory ran out. */
static void finish(struct csms_out *out, enum csms_bill_result result, struct csms_bill *ret)
{
    if (out->failed) {
        csms_out_done(out);
        ret->result = CSMS_BILL_NO_MEMORY;
        return;
    }
    ret->result = result;
    ret->text = out->text;
    ret->length = out->length;
}

static void review(const char *kind, const struct ocpp_fault *fault, struct csms_bill *ret)
{
    struct csms_out out;

    csms_out_init(&out);
    csms_out_text(&out, "{\"kind\":\"%s\",\"member\":", kind);
    csms_out_quoted(&out, fault->member);
    csms_out_text(&out, ",\"text\":");
    csms_out_quoted(&out, fault->text);
    csms_out_text(&out, "}");
    (void)snprintf(ret->kind, sizeof(ret->kind), "%s", kind);
    finish(&out, CSMS_BILL_REVIEW, ret);
}

static void review_session(
    enum csms_session_result result, const struct ocpp_fault *fault, struct csms_bill *ret)
{
    switch (result) {
    case CSMS_SESSION_OK:
        break;
    case CSMS_SESSION_INPUT:
        review("input_invalid", fault, ret);
        break;
    case CSMS_SESSION_TARIFF:
        review("tariff_invalid", fault, ret);
        break;
    case CSMS_SESSION_CURRENCY:
        review("currency_differs", fault, ret);
        break;
    case CSMS_SESSION_NO_MEMORY:
        ret->result = CSMS_BILL_NO_MEMORY;
        break;
    }
}

/* The document, or why there is none: only memory that ran out is worth another try. */
static enum csms_session_result read_document(
    const char *text, size_t length, struct ocpp_json **ret, struct ocpp_fault *ret_fault)
{
    *ret = ocpp_json_read(text, length, &input_limits, ret_fault);
    if (*ret != NULL)
        return CSMS_SESSION_OK;
    return ret_fault->error == OCPP_INTERNAL_ERROR ? CSMS_SESSION_NO_MEMORY : CSMS_SESSION_INPUT;
}

static void write_offsets(struct csms_out *out, const struct bill_offset *offsets, uint32_t count)
{
    csms_out_text(out, "\"zone_offsets\":[");
    for (uint32_t i = 0; i < count; i++) {
        char at[OCPP_DATETIME_BYTES];

        ocpp_datetime_write(at, offsets[i].at_us);
        csms_out_text(out, "%s[\"%.19sZ\",%d]", i > 0 ? "," : "", at, (int)offsets[i].offset_s);
    }
    csms_out_text(out, "]");
}

/* The offsets of the session's zone, or a review. */
static uint32_t find_offsets(const struct csms_session *s, const char *directory,
    struct bill_offset offsets[BILL_OFFSETS_MAX], struct csms_bill *ret)
{
    struct csms_zone *zone = NULL;
    struct ocpp_fault fault = {.member = "session.zone"};
    enum csms_zone_result result = csms_zone_open(directory, s->zone, &zone);
    uint32_t count = 0;

    if (result == CSMS_ZONE_NO_MEMORY || result == CSMS_ZONE_UNREADABLE) {
        ret->result = result == CSMS_ZONE_NO_MEMORY ? CSMS_BILL_NO_MEMORY : CSMS_BILL_NO_ZONE;
        return 0;
    }
    if (result == CSMS_ZONE_OK) {
        count = csms_zone_offsets(zone, s->claim.started_us, s->claim.stopped_us, offsets);
        csms_zone_free(zone);
    }
    if (count == 0) {
        (void)snprintf(fault.text, sizeof(fault.text), "%s: %s",
            result == CSMS_ZONE_OK ? "more changes of the clock than a session can have"
                                   : csms_zone_text(result),
            s->zone);
        review("zone_unknown", &fault, ret);
    }
    return count;
}

void csms_bill_wrap(
    const char *input, size_t length, const char *zone_directory, struct csms_bill *ret)
{
    struct csms_session *s = calloc(1, sizeof(*s));
    struct ocpp_fault fault = {0};
    struct ocpp_json *json = NULL;
    struct bill_offset offsets[BILL_OFFSETS_MAX];
    enum csms_session_result result = CSMS_SESSION_NO_MEMORY;
    struct csms_out out;
    uint32_t count;

    memset(ret, 0, sizeof(*ret));
    csms_out_init(&out);
    if (s != NULL)
        result = read_document(input, length, &json, &fault);
    if (result == CSMS_SESSION_OK)
        result = csms_session_head(json, ocpp_json_root(json), s, &fault);
    review_session(result, &fault, ret);
    if (result == CSMS_SESSION_OK) {
        count = find_offsets(s, zone_directory, offsets, ret);
        if (count > 0) {
            csms_out_text(&out, "{\"engine\":%d,", CSMS_BILL_ENGINE);
            write_offsets(&out, offsets, count);
            csms_out_text(&out, ",\"input\":");
            csms_out_bytes(&out, input, length);
            csms_out_text(&out, "}");
            finish(&out, CSMS_BILL_OK, ret);
        }
    }
    ocpp_json_free(json);
    free(s);
}

static bool has_export(const struct bill_tariff *t)
{
    for (unsigned i = 0; i < t->element_count; i++) {
        if (t->elements[i].direction == BILL_EXPORT)
            return true;
    }
    return false;
}

/* Feeds the points and, between them, the states.  A state that begins after the session's end
 * says nothing of it. */
static enum bill_split_result feed(
    const struct csms_session *s, uint32_t points, struct bill_split *split)
{
    uint32_t state = 0;

    for (uint32_t i = 0; i < points; i++) {
        enum bill_split_result result;

        while (state < s->state_count && s->states[state].at_us < s->readings[i].at_us) {
            result = bill_split_state(split, s->states[state].at_us, s->states[state].state);
            if (result != BILL_SPLIT_OK)
                return result;
            state++;
        }
        result = bill_split_reading(split, &s->readings[i]);
        if (result != BILL_SPLIT_OK)
            return result;
    }
    return BILL_SPLIT_OK;
}

/* The working memory of one bill: too large for a worker's stack. */
struct desk {
    struct csms_session session;
    struct bill_split split;
    struct bill_rate rate;
    struct bill_bill bill;
};

static void settle(struct desk *d, struct csms_bill *ret)
{
    struct csms_session *s = &d->session;
    struct bill_clock clock = {s->offsets, s->offset_count, s->days, s->day_count};
    struct bill_terms terms = {.export_allowed = s->export_allowed, .nothing_is_free = true};
    struct bill_evidence evidence;
    struct ocpp_fault fault = {.member = "readings"};
    enum bill_split_result result;
    const char *wrong;
    struct csms_out out;

    s->claim.export_expected = s->export_allowed && has_export(&s->tariff);
    bill_evidence_judge(&s->claim, s->readings, s->reading_count, &evidence);
    if (evidence.reason != BILL_REASON_NONE) {
        (void)snprintf(fault.text, sizeof(fault.text), "%s", bill_reason_text(evidence.reason));
        review(bill_reason_name(evidence.reason), &fault, ret);
        return;
    }
    bill_rate_init(&d->rate, &s->tariff, terms);
    bill_split_init(&d->split, &s->tariff, &clock, bill_rate_sink(&d->rate), s->claim.started_us);
    result = feed(s, evidence.count, &d->split);
    if (result != BILL_SPLIT_OK) {
        (void)snprintf(fault.text, sizeof(fault.text), "%s", bill_split_text(result));
        review("input_invalid", &fault, ret);
        return;
    }
    bill_rate_total(&d->rate, &d->bill);
    wrong = bill_check_sums(&d->bill);
    if (wrong != NULL) {
        (void)snprintf(fault.text, sizeof(fault.text), "the bill does not add up: %s", wrong);
        review("unbalanced", &fault, ret);
        return;
    }
    csms_out_init(&out);
    csms_bill_write(&out, &s->tariff, &d->bill, bill_proof_name(evidence.proof));
    finish(&out, CSMS_BILL_OK, ret);
}

void csms_bill_rate(const char *wrapped, size_t length, struct csms_bill *ret)
{
    struct desk *d = calloc(1, sizeof(*d));
    struct ocpp_fault fault = {0};
    struct ocpp_json *json = NULL;
    enum csms_session_result result = CSMS_SESSION_NO_MEMORY;

    memset(ret, 0, sizeof(*ret));
    if (d != NULL)
        result = read_document(wrapped, length, &json, &fault);
    if (result == CSMS_SESSION_OK)
        result = csms_session_read(json, &d->session, &fault);
    if (result == CSMS_SESSION_OK)
        settle(d, ret);
    else
        review_session(result, &fault, ret);
    csms_session_done(d != NULL ? &d->session : NULL);
    ocpp_json_free(json);
    free(d);
}
