/* split.c - cuts stretches of energy and time at every instant at which a price may change.
 *
 * One loop serves readings and intervals: from `cur` find the earliest cut, give out the piece up
 * to it, go on.  What a piece gets is the difference of two cumulative amounts of the whole
 * stretch, so pieces can neither lose nor invent energy.
 */
#include "billing/split.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* The stretch in work. */
struct stretch {
    int64_t from_us, to_us;
    int64_t import_mwh, export_mwh, charge_us, park_us, reserve_us;
    int64_t power_mw[2], current_ma[2]; /* at its ends */
    bool by_state;                      /* time follows the states, not charge_us and park_us */
    bool estimated;
};

/* How far into the stretch the work is. */
struct cursor {
    int64_t at_us, import_mwh;
};

/* The share of an amount that falls into the first `part` of `whole` microseconds, cut down. */
static int64_t share(int64_t amount, int64_t part, int64_t whole)
{
    if (part == whole)
        return amount;
    return (int64_t)((__int128)amount * part / whole);
}

/* The first microsecond at which the even flow of `amount` has reached `wanted`. */
static int64_t reach(int64_t wanted, int64_t amount, int64_t whole)
{
    return (int64_t)(((__int128)wanted * whole + amount - 1) / amount);
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void bill_split_init(struct bill_split *split, const struct bill_tariff *tariff,
    const struct bill_clock *clock, struct bill_sink sink, int64_t begin_us)
{
    assert(tariff->sealed);
    memset(split, 0, offsetof(struct bill_split, pending));
    split->tariff = tariff;
    split->clock = clock;
    split->sink = sink;
    split->fresh = true;
    split->begin_us = split->origin_us = split->last_us = begin_us;
    split->wall_end_us = INT64_MIN;
    split->state = BILL_STATE_CHARGING;
}

/* Moves to the wall-clock cell that holds `at`: between two cuts of one local day. */
static void enter_cell(struct bill_split *split, int64_t at_us)
{
    const struct bill_cuts *cuts = &split->tariff->wall_us;
    int64_t of_day;
    unsigned i = 0;

    split->fresh = true;
    split->local = bill_clock_at(split->clock, at_us);
    split->wall_end_us = split->local.end_us;
    of_day = at_us + split->local.offset_us - split->local.day * BILL_DAY_US;
    while (i < cuts->count && cuts->at[i] <= of_day)
        i++;
    if (i < cuts->count)
        split->wall_end_us = lesser(split->wall_end_us, at_us + cuts->at[i] - of_day);
}

/* Brings every running condition up to `at`; what has passed a cut makes the next piece fresh. */
static void advance(struct bill_split *split, int64_t at_us)
{
    const struct bill_tariff *t = split->tariff;

    if (t->clock && at_us >= split->wall_end_us)
        enter_cell(split, at_us);
    while (split->duration_next < t->duration_us.count &&
           at_us - split->origin_us >= t->duration_us.at[split->duration_next]) {
        split->duration_next++;
        split->fresh = true;
    }
    while (split->energy_next < t->energy_mwh.count &&
           split->import_mwh >= t->energy_mwh.at[split->energy_next]) {
        split->energy_next++;
        split->fresh = true;
    }
}

/* The next cut by the clock or by the session's duration; INT64_MAX: none. */
static int64_t next_timed_cut(const struct bill_split *split)
{
    const struct bill_cuts *durations = &split->tariff->duration_us;
    int64_t at = split->tariff->clock ? split->wall_end_us : INT64_MAX;

    if (split->duration_next < durations->count)
        at = lesser(at, split->origin_us + durations->at[split->duration_next]);
    return at;
}

/* Where the idle time reaches the next grace, if the vehicle is idle from `at` on. */
static int64_t next_idle_cut(
    const struct bill_split *split, const struct stretch *s, int64_t at_us, bool idle)
{
    const struct bill_cuts *cuts = &split->tariff->idle_us;
    unsigned i = 0;

    while (i < cuts->count && cuts->at[i] <= split->idle_us)
        i++;
    if (i == cuts->count || (s->by_state ? !idle : s->park_us == 0))
        return INT64_MAX;
    if (s->by_state)
        return at_us + cuts->at[i] - split->idle_us;
    return at_us + reach(cuts->at[i] - split->idle_us, s->park_us, s->to_us - s->from_us);
}

static int64_t measured_at(const struct stretch *s, const int64_t ends[2], int64_t at_us)
{
    if (ends[0] == ends[1] || s->to_us == s->from_us)
        return ends[0];
    return ends[0] + (int64_t)((__int128)(ends[1] - ends[0]) * (at_us - s->from_us) /
                               (s->to_us - s->from_us));
}

/* Where a measurand that runs straight from one end to the other first crosses a cut after `at`. */
static int64_t next_crossing(
    const struct bill_cuts *cuts, const struct stretch *s, const int64_t ends[2], int64_t at_us)
{
    int64_t best = INT64_MAX, span = ends[1] > ends[0] ? ends[1] - ends[0] : ends[0] - ends[1];

    for (unsigned i = 0; i < cuts->count; i++) {
        int64_t off = ends[1] > ends[0] ? cuts->at[i] - ends[0] : ends[0] - cuts->at[i];
        int64_t at;

        if (off <= 0 || off >= span)
            continue;
        at = s->from_us + reach(off, span, s->to_us - s->from_us);
        if (at > at_us)
            best = lesser(best, at);
    }
    return best;
}

/* The pending state changes up to `at` take effect; returns the instant of the next one. */
static int64_t next_state_cut(struct bill_split *split, int64_t at_us)
{
    uint32_t done = 0;

    while (done < split->pending_count && split->pending[done].at_us <= at_us)
        split->state = split->pending[done++].state;
    split->pending_count -= done;
    memmove(
        split->pending, &split->pending[done], split->pending_count * sizeof(split->pending[0]));
    return split->pending_count > 0 ? split->pending[0].at_us : INT64_MAX;
}

/* The earliest cut after `cur`, or the stretch's end. */
static struct cursor next_cut(
    struct bill_split *split, const struct stretch *s, const struct cursor *cur)
{
    const struct bill_tariff *t = split->tariff;
    int64_t whole = s->to_us - s->from_us, at = lesser(s->to_us, next_timed_cut(split));
    struct cursor cut;

    if (s->by_state)
        at = lesser(at, next_state_cut(split, cur->at_us));
    if (t->idle_us.count > 0)
        at = lesser(at, next_idle_cut(split, s, cur->at_us, split->state == BILL_STATE_IDLE));
    if (t->power_mw.count > 0)
        at = lesser(at, next_crossing(&t->power_mw, s, s->power_mw, cur->at_us));
    if (t->current_ma.count > 0)
        at = lesser(at, next_crossing(&t->current_ma, s, s->current_ma, cur->at_us));
    cut = (struct cursor){at, share(s->import_mwh, at - s->from_us, whole)};
    assert(
        cut.import_mwh >= cur->import_mwh); /* an energy cut stands at the instant it is reached */
    if (split->energy_next < t->energy_mwh.count) {
        int64_t room = t->energy_mwh.at[split->energy_next] - split->import_mwh;

        if (cur->import_mwh + room < cut.import_mwh) {
            cut.import_mwh = cur->import_mwh + room;
            cut.at_us = s->from_us + reach(cut.import_mwh, s->import_mwh, whole);
        }
    }
    return cut;
}

static void spend_time(
    const struct bill_split *split, const struct stretch *s, struct bill_segment *seg)
{
    int64_t whole = s->to_us - s->from_us;
    int64_t from = seg->from_us - s->from_us, to = seg->to_us - s->from_us;

    if (s->by_state) {
        seg->charge_us = split->state == BILL_STATE_CHARGING ? to - from : 0;
        seg->park_us = split->state == BILL_STATE_IDLE ? to - from : 0;
        return;
    }
    seg->charge_us = share(s->charge_us, to, whole) - share(s->charge_us, from, whole);
    seg->park_us = share(s->park_us, to, whole) - share(s->park_us, from, whole);
    seg->reserve_us = share(s->reserve_us, to, whole) - share(s->reserve_us, from, whole);
}

/* Charging again ends an idle stretch, and its grace begins anew. */
static void track_idle(struct bill_split *split, const struct bill_segment *seg)
{
    if (seg->park_us > 0 || split->idle_us == 0)
        return;
    if (seg->charge_us > 0 || seg->import_mwh > 0) {
        split->idle_us = 0;
        split->fresh = true;
    }
}

static void describe(struct bill_split *split, const struct stretch *s, struct bill_segment *seg)
{
    const struct bill_tariff *t = split->tariff;
    int64_t middle = seg->from_us + (seg->to_us - seg->from_us) / 2;

    seg->import_before_mwh = split->import_mwh;
    seg->elapsed_us = seg->from_us - split->origin_us;
    seg->idle_us = split->idle_us;
    seg->power_mw = measured_at(s, s->power_mw, middle);
    seg->current_ma = measured_at(s, s->current_ma, middle);
    seg->day = split->local.day;
    seg->day_us = seg->from_us + split->local.offset_us - split->local.day * BILL_DAY_US;
    seg->day_type = split->local.day_type;
    seg->weekday = split->local.weekday;
    seg->expired = split->expired;
    seg->estimated = s->estimated;
    seg->fresh =
        split->fresh || t->power_mw.count > 0 || t->current_ma.count > 0 || t->idle_us.count > 0;
}

static void give_piece(struct bill_split *split, const struct stretch *s, const struct cursor *cur,
    const struct cursor *cut)
{
    int64_t whole = s->to_us - s->from_us;
    bool last = cut->at_us == s->to_us && cut->import_mwh == s->import_mwh;
    struct bill_segment seg = {.from_us = cur->at_us, .to_us = cut->at_us};

    seg.import_mwh = cut->import_mwh - cur->import_mwh;
    if (whole > 0)
        seg.export_mwh = share(s->export_mwh, cut->at_us - s->from_us, whole) -
                         share(s->export_mwh, cur->at_us - s->from_us, whole);
    else if (last)
        seg.export_mwh = s->export_mwh;
    spend_time(split, s, &seg);
    track_idle(split, &seg);
    describe(split, s, &seg);
    split->sink.take(split->sink.ctx, &seg);
    split->fresh = false;
    split->import_mwh += seg.import_mwh;
    split->export_mwh += seg.export_mwh;
    split->idle_us += seg.park_us;
}

/* A boundary inside a long silence of the pile has its energy estimated. */
static bool is_estimated(const struct bill_split *split, const struct stretch *s)
{
    return s->to_us - s->from_us > BILL_GAP_US && s->import_mwh + s->export_mwh > 0 &&
           next_timed_cut(split) < s->to_us;
}

static void cut_up(struct bill_split *split, struct stretch *s)
{
    struct cursor cur = {s->from_us, 0};

    advance(split, cur.at_us);
    s->estimated = is_estimated(split, s);
    while (cur.at_us < s->to_us || cur.import_mwh < s->import_mwh ||
           (s->to_us == s->from_us && s->export_mwh > 0)) {
        struct cursor cut = next_cut(split, s, &cur);

        give_piece(split, s, &cur, &cut);
        cur = cut;
        if (s->to_us == s->from_us && cur.import_mwh == s->import_mwh)
            break;
        advance(split, cur.at_us);
    }
    split->last_us = s->to_us;
}

/* The bounds that keep every sum of the engine in its type. */
static enum bill_split_result check(const struct bill_split *split, const struct stretch *s)
{
    if (s->from_us < split->last_us || s->to_us < s->from_us)
        return BILL_SPLIT_BACKWARDS;
    if (s->import_mwh < 0 || s->export_mwh < 0)
        return BILL_SPLIT_BACKWARDS;
    if (s->import_mwh > BILL_ENERGY_MAX_MWH - split->import_mwh ||
        s->export_mwh > BILL_ENERGY_MAX_MWH - split->export_mwh)
        return BILL_SPLIT_TOO_MUCH;
    if (s->to_us > BILL_INSTANT_MAX_US || s->from_us < -BILL_INSTANT_MAX_US ||
        s->to_us - split->begin_us > BILL_SESSION_MAX_US)
        return BILL_SPLIT_TOO_LONG;
    return BILL_SPLIT_OK;
}

enum bill_split_result bill_split_state(
    struct bill_split *split, int64_t at_us, enum bill_state state)
{
    uint32_t n = split->pending_count;

    if (n > 0 && at_us < split->pending[n - 1].at_us)
        return BILL_SPLIT_BACKWARDS;
    if (at_us <= split->last_us) { /* nothing of the time before it is still to be cut */
        split->state = state;
        return BILL_SPLIT_OK;
    }
    if (n == BILL_STATES_PENDING_MAX)
        return BILL_SPLIT_TOO_MANY_STATES;
    split->pending[n].at_us = at_us;
    split->pending[n].state = state;
    split->pending_count++;
    return BILL_SPLIT_OK;
}

/* One end that was measured stands for both. */
static void set_ends(int64_t ends[2], int64_t from, int64_t to)
{
    ends[0] = from == BILL_ABSENT ? to : from;
    ends[1] = to == BILL_ABSENT ? from : to;
}

enum bill_split_result bill_split_reading(
    struct bill_split *split, const struct bill_reading *reading)
{
    const struct bill_reading *old = &split->reading;
    struct stretch s = {.to_us = reading->at_us, .by_state = true};
    enum bill_split_result result;

    assert(reading->import_mwh != BILL_ABSENT && reading->export_mwh != BILL_ABSENT);
    s.from_us = split->has_reading ? old->at_us : reading->at_us;
    if (split->has_reading) {
        s.import_mwh = reading->import_mwh - old->import_mwh;
        s.export_mwh = reading->export_mwh - old->export_mwh;
        set_ends(s.power_mw, old->power_mw, reading->power_mw);
        set_ends(s.current_ma, old->current_ma, reading->current_ma);
    }
    result = check(split, &s);
    if (result != BILL_SPLIT_OK)
        return result;
    cut_up(split, &s);
    split->reading = *reading;
    split->has_reading = true;
    return BILL_SPLIT_OK;
}

static enum bill_split_result check_time(
    const struct bill_split *split, const struct bill_interval *i)
{
    const int64_t times[] = {i->charge_us, i->park_us, i->reserve_us};
    int64_t spent_us = split->spent_us;

    for (unsigned k = 0; k < 3; k++) {
        if (times[k] < 0 || (times[k] > 0 && i->from_us == i->to_us))
            return BILL_SPLIT_BACKWARDS;
        if (times[k] > BILL_SESSION_MAX_US - spent_us)
            return BILL_SPLIT_TOO_LONG;
        spent_us += times[k];
    }
    return BILL_SPLIT_OK;
}

enum bill_split_result bill_split_interval(struct bill_split *split, const struct bill_interval *i)
{
    struct stretch s = {.from_us = i->from_us,
        .to_us = i->to_us,
        .import_mwh = i->import_mwh,
        .export_mwh = i->export_mwh,
        .charge_us = i->charge_us,
        .park_us = i->park_us,
        .reserve_us = i->reserve_us,
        .power_mw = {i->power_mw, i->power_mw},
        .current_ma = {i->current_ma, i->current_ma}};
    bool reservation = i->reserve_us > 0 && i->import_mwh == 0 && i->export_mwh == 0 &&
                       i->charge_us == 0 && i->park_us == 0;
    enum bill_split_result result = check(split, &s);

    if (result != BILL_SPLIT_OK)
        return result;
    result = check_time(split, i);
    if (result != BILL_SPLIT_OK)
        return result;
    split->spent_us += i->charge_us + i->park_us + i->reserve_us;
    if (split->reserving && !reservation) { /* the charge itself begins where the wait ended */
        split->origin_us = i->from_us;
        split->duration_next = 0;
    }
    split->reserving = reservation;
    split->fresh = true;
    cut_up(split, &s);
    return BILL_SPLIT_OK;
}

const char *bill_split_text(enum bill_split_result result)
{
    static const char *const texts[] = {
        [BILL_SPLIT_OK] = "ok",
        [BILL_SPLIT_BACKWARDS] = "time or a register runs backwards",
        [BILL_SPLIT_TOO_MUCH] = "more than 1000000 kWh in one session",
        [BILL_SPLIT_TOO_LONG] = "longer than 31 days",
        [BILL_SPLIT_TOO_MANY_STATES] = "more than 64 state changes between two readings",
    };

    return texts[result];
}
