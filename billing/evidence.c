/* evidence.c - from what a pile told to the points that are billed. */
#include "billing/evidence.h"

#include <stddef.h>

/* One of the two registers of a reading. */
enum side { SIDE_IMPORT, SIDE_EXPORT };

static int64_t *value_of(struct bill_reading *r, enum side side)
{
    return side == SIDE_IMPORT ? &r->import_mwh : &r->export_mwh;
}

static int compare(const struct bill_reading *a, const struct bill_reading *b)
{
    const int64_t keys[][2] = {{a->at_us, b->at_us}, {a->import_mwh, b->import_mwh},
        {a->export_mwh, b->export_mwh}, {(int64_t)a->context, (int64_t)b->context},
        {a->power_mw, b->power_mw}, {a->current_ma, b->current_ma}};

    for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    }
    return 0;
}

static void sift(struct bill_reading *r, uint32_t root, uint32_t count)
{
    for (;;) {
        uint32_t child = 2 * root + 1;
        struct bill_reading tmp;

        if (child >= count)
            return;
        if (child + 1 < count && compare(&r[child], &r[child + 1]) < 0)
            child++;
        if (compare(&r[root], &r[child]) >= 0)
            return;
        tmp = r[root];
        r[root] = r[child];
        r[child] = tmp;
        root = child;
    }
}

/* Heap sort: the order of arrival must not matter, and nothing may be allocated. */
static void sort(struct bill_reading *r, uint32_t count)
{
    for (uint32_t i = count / 2; i > 0; i--)
        sift(r, i - 1, count);
    for (uint32_t end = count; end > 1; end--) {
        struct bill_reading tmp = r[0];

        r[0] = r[end - 1];
        r[end - 1] = tmp;
        sift(r, 0, end - 1);
    }
}

static bool out_of_range(int64_t mwh)
{
    return mwh != BILL_ABSENT && (mwh < 0 || mwh > BILL_REGISTER_MAX_MWH);
}

static enum bill_reason check_claim(const struct bill_claim *c)
{
    if (c->stopped_us < c->started_us)
        return BILL_REASON_STOP_BEFORE_START;
    if (c->stopped_us - c->started_us > BILL_SESSION_MAX_US)
        return BILL_REASON_TOO_LONG;
    if (c->meter_start_mwh == BILL_ABSENT)
        return BILL_REASON_METER_START_MISSING;
    if (c->meter_stop_mwh == BILL_ABSENT)
        return BILL_REASON_METER_STOP_MISSING;
    if (out_of_range(c->meter_start_mwh) || out_of_range(c->meter_stop_mwh))
        return BILL_REASON_REGISTER_RANGE;
    return BILL_REASON_NONE;
}

/* Begin and End readings are the session's ends whatever the second they are stamped with; of the
 * others only those inside the session count. */
static uint32_t keep_inside(const struct bill_claim *c, struct bill_reading *r, uint32_t count)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (r[i].import_mwh == BILL_ABSENT && r[i].export_mwh == BILL_ABSENT)
            continue;
        if (r[i].context == BILL_CONTEXT_BEGIN)
            r[i].at_us = c->started_us;
        else if (r[i].context == BILL_CONTEXT_END)
            r[i].at_us = c->stopped_us;
        else if (r[i].at_us < c->started_us || r[i].at_us > c->stopped_us)
            continue;
        r[kept++] = r[i];
    }
    return kept;
}

static int64_t find(
    struct bill_reading *r, uint32_t count, enum bill_context context, enum side side)
{
    int64_t found = BILL_ABSENT;

    for (uint32_t i = 0; i < count; i++) {
        int64_t value = *value_of(&r[i], side);

        /* Of several the lowest begin and the highest end: a repeat says the same. */
        if (r[i].context != context || value == BILL_ABSENT)
            continue;
        if (found == BILL_ABSENT || (context == BILL_CONTEXT_BEGIN) == (value < found))
            found = value;
    }
    return found;
}

static bool differ(int64_t a, int64_t b)
{
    return a > b ? a - b > BILL_TOLERANCE_MWH : b - a > BILL_TOLERANCE_MWH;
}

/* The session's first and last import value. */
static enum bill_reason find_ends(const struct bill_claim *c, struct bill_reading *r,
    uint32_t count, int64_t ends[2], enum bill_proof *proof)
{
    int64_t begin = find(r, count, BILL_CONTEXT_BEGIN, SIDE_IMPORT);
    int64_t end = find(r, count, BILL_CONTEXT_END, SIDE_IMPORT);

    ends[0] = c->meter_start_mwh;
    ends[1] = c->meter_stop_mwh;
    *proof = BILL_PROOF_START_STOP;
    if ((begin != BILL_ABSENT && differ(begin, ends[0])) ||
        (end != BILL_ABSENT && differ(end, ends[1])))
        return BILL_REASON_SERIES_DISAGREES;
    if (begin != BILL_ABSENT && end != BILL_ABSENT) {
        ends[0] = begin;
        ends[1] = end;
        *proof = BILL_PROOF_SERIES;
    }
    return ends[1] < ends[0] ? BILL_REASON_REGISTER_FALLS : BILL_REASON_NONE;
}

/* Makes a register's points rise from the first to the last; what is out of order by rounding
 * alone is straightened, what is out by more is a fall. */
static bool straighten(struct bill_reading *r, uint32_t count, enum side side)
{
    int64_t last = *value_of(&r[count - 1], side), previous = *value_of(&r[0], side);

    for (uint32_t i = 1; i + 1 < count; i++) {
        int64_t *value = value_of(&r[i], side);

        if (*value == BILL_ABSENT)
            continue;
        if (*value < previous - BILL_TOLERANCE_MWH || *value > last + BILL_TOLERANCE_MWH)
            return false;
        if (*value < previous)
            *value = previous;
        if (*value > last)
            *value = last;
        previous = *value;
    }
    return last >= previous;
}

/* Points that lack this register get it by the straight line between their neighbours. */
static void fill(struct bill_reading *r, uint32_t count, enum side side)
{
    uint32_t from = 0;

    for (uint32_t i = 1; i < count; i++) {
        int64_t whole = r[i].at_us - r[from].at_us;
        int64_t base = *value_of(&r[from], side), rise = *value_of(&r[i], side) - base;

        if (*value_of(&r[i], side) == BILL_ABSENT)
            continue;
        for (uint32_t k = from + 1; k < i; k++) {
            int64_t part = r[k].at_us - r[from].at_us;

            *value_of(&r[k], side) =
                base + (whole == 0 ? 0 : (int64_t)((__int128)rise * part / whole));
        }
        from = i;
    }
}

/* Puts the session's two ends around the readings, which then have room in front. */
static uint32_t frame(const struct bill_claim *c, struct bill_reading *r, uint32_t count,
    const int64_t import[2], const int64_t export[2])
{
    for (uint32_t i = count; i > 0; i--)
        r[i] = r[i - 1];
    r[0] = (struct bill_reading){
        c->started_us, import[0], export[0], BILL_ABSENT, BILL_ABSENT, BILL_CONTEXT_BEGIN};
    r[count + 1] = (struct bill_reading){
        c->stopped_us, import[1], export[1], BILL_ABSENT, BILL_ABSENT, BILL_CONTEXT_END};
    return count + 2;
}

/* Energy of P_max over a time with its margin; more is a fault of the meter or the data. */
static bool is_plausible(const struct bill_claim *c, int64_t mwh, int64_t time_us)
{
    int64_t power_w =
        c->max_power_w > 0 && c->max_power_w < BILL_POWER_MAX_W ? c->max_power_w : BILL_POWER_MAX_W;
    /* W x microseconds / 3.6e6 is mWh. */
    __int128 limit = (__int128)power_w * time_us * BILL_PLAUSIBLE_PERCENT / 100 / 3600000 +
                     BILL_PLAUSIBLE_EXTRA_MWH;

    return mwh <= limit;
}

/* A rise from one reading to the next that nobody can have delivered meanwhile, however plausible
 * the session is as a whole: a meter was changed, or a placeholder gave way to the true register.
 * The points rise (straighten). */
static bool jumps(
    const struct bill_claim *c, struct bill_reading *r, uint32_t count, enum side side)
{
    uint32_t from = 0;

    for (uint32_t i = 1; i < count; i++) {
        if (*value_of(&r[i], side) == BILL_ABSENT)
            continue;
        if (!is_plausible(c, *value_of(&r[i], side) - *value_of(&r[from], side),
                r[i].at_us - r[from].at_us + BILL_REFRESH_US))
            return true;
        from = i;
    }
    return false;
}

static bool has_export(const struct bill_reading *r, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (r[i].export_mwh != BILL_ABSENT)
            return true;
    }
    return false;
}

/* Without both ends there is no credit; the session is looked at if one was to be expected. */
static enum bill_reason find_export(
    const struct bill_claim *c, struct bill_reading *r, uint32_t count, int64_t ends[2])
{
    ends[0] = find(r, count, BILL_CONTEXT_BEGIN, SIDE_EXPORT);
    ends[1] = find(r, count, BILL_CONTEXT_END, SIDE_EXPORT);
    if (ends[0] != BILL_ABSENT && ends[1] != BILL_ABSENT)
        return ends[1] < ends[0] ? BILL_REASON_EXPORT_FALLS : BILL_REASON_NONE;
    if (c->export_expected)
        return BILL_REASON_EXPORT_UNPROVEN;
    if (has_export(r, count)) {
        for (uint32_t i = 0; i < count; i++)
            r[i].export_mwh = BILL_ABSENT;
    }
    ends[0] = ends[1] = 0;
    return BILL_REASON_NONE;
}

static enum bill_reason judge(
    const struct bill_claim *c, struct bill_reading *r, uint32_t count, struct bill_evidence *ret)
{
    int64_t import[2], export[2];
    enum bill_reason reason = check_claim(c);

    if (reason != BILL_REASON_NONE)
        return reason;
    ret->count = keep_inside(c, r, count);
    ret->ignored = count - ret->count;
    sort(r, ret->count);
    for (uint32_t i = 0; i < ret->count; i++) {
        if (out_of_range(r[i].import_mwh) || out_of_range(r[i].export_mwh))
            return BILL_REASON_REGISTER_RANGE;
    }
    reason = find_ends(c, r, ret->count, import, &ret->proof);
    if (reason == BILL_REASON_NONE)
        reason = find_export(c, r, ret->count, export);
    if (reason != BILL_REASON_NONE)
        return reason;
    ret->count = frame(c, r, ret->count, import, export);
    if (!straighten(r, ret->count, SIDE_IMPORT))
        return BILL_REASON_REGISTER_FALLS;
    if (!straighten(r, ret->count, SIDE_EXPORT))
        return BILL_REASON_EXPORT_FALLS;
    ret->import_mwh = import[1] - import[0];
    ret->export_mwh = export[1] - export[0];
    if (!is_plausible(c, ret->import_mwh, c->stopped_us - c->started_us))
        return BILL_REASON_IMPLAUSIBLE_ENERGY;
    if (jumps(c, r, ret->count, SIDE_IMPORT))
        return BILL_REASON_REGISTER_JUMPS;
    if (!is_plausible(c, ret->export_mwh, c->stopped_us - c->started_us) ||
        jumps(c, r, ret->count, SIDE_EXPORT))
        return BILL_REASON_EXPORT_IMPLAUSIBLE;
    fill(r, ret->count, SIDE_IMPORT);
    fill(r, ret->count, SIDE_EXPORT);
    return BILL_REASON_NONE;
}

void bill_evidence_judge(const struct bill_claim *c, struct bill_reading *readings, uint32_t count,
    struct bill_evidence *ret)
{
    *ret = (struct bill_evidence){.proof = BILL_PROOF_START_STOP};
    ret->reason = judge(c, readings, count, ret);
}

const char *bill_reason_name(enum bill_reason reason)
{
    static const char *const names[BILL_REASON_COUNT] = {
        [BILL_REASON_NONE] = "none",
        [BILL_REASON_METER_START_MISSING] = "meter_start_missing",
        [BILL_REASON_METER_STOP_MISSING] = "meter_stop_missing",
        [BILL_REASON_STOP_BEFORE_START] = "stop_before_start",
        [BILL_REASON_TOO_LONG] = "too_long",
        [BILL_REASON_REGISTER_RANGE] = "register_range",
        [BILL_REASON_REGISTER_FALLS] = "register_falls",
        [BILL_REASON_SERIES_DISAGREES] = "series_disagrees",
        [BILL_REASON_IMPLAUSIBLE_ENERGY] = "implausible_energy",
        [BILL_REASON_REGISTER_JUMPS] = "register_jumps",
        [BILL_REASON_EXPORT_UNPROVEN] = "export_unproven",
        [BILL_REASON_EXPORT_FALLS] = "export_falls",
        [BILL_REASON_EXPORT_IMPLAUSIBLE] = "export_implausible",
    };

    return reason < BILL_REASON_COUNT ? names[reason] : "?";
}

const char *bill_reason_text(enum bill_reason reason)
{
    static const char *const texts[BILL_REASON_COUNT] = {
        [BILL_REASON_NONE] = "the session can be billed",
        [BILL_REASON_METER_START_MISSING] = "the register at the start is not known",
        [BILL_REASON_METER_STOP_MISSING] = "the register at the end is not known",
        [BILL_REASON_STOP_BEFORE_START] = "the session ends before it begins",
        [BILL_REASON_TOO_LONG] = "the session is longer than 31 days",
        [BILL_REASON_REGISTER_RANGE] = "a register is below zero or above what a meter can show",
        [BILL_REASON_REGISTER_FALLS] = "a register falls within the session",
        [BILL_REASON_SERIES_DISAGREES] =
            "the readings of the session's begin or end differ from meterStart or meterStop",
        [BILL_REASON_IMPLAUSIBLE_ENERGY] =
            "the energy is more than the connector can give in that time",
        [BILL_REASON_REGISTER_JUMPS] =
            "a register rises between two readings by more than the connector can give",
        [BILL_REASON_EXPORT_UNPROVEN] =
            "a discharge would be credited, and its register lacks a begin or an end",
        [BILL_REASON_EXPORT_FALLS] = "the export register falls within the session",
        [BILL_REASON_EXPORT_IMPLAUSIBLE] =
            "the discharge is more than the connector can take in that time",
    };

    return reason < BILL_REASON_COUNT ? texts[reason] : "?";
}

const char *bill_proof_name(enum bill_proof proof)
{
    return proof == BILL_PROOF_SERIES ? "register_series" : "meter_start_stop";
}
