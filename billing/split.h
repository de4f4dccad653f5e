/* split.h - from readings and states to segments.
 *
 * A splitter is a fold of fixed size.  It is fed in order of time: states and readings as the pile
 * told them, or whole intervals.  Each stretch of energy is cut wherever a restriction of the
 * tariff may begin or cease to hold, and given to the sink at once; nothing is kept but the last
 * reading.  The pieces of one interval add up to its register difference exactly.
 *
 * Energy between two readings is linear in time whatever the states say: how a session's energy
 * falls into price windows follows from its readings and its tariff alone.
 *
 * Tariff, clock and sink are borrowed and must outlive the splitter.  No allocation, no clock.
 */
#ifndef BILLING_SPLIT_H
#define BILLING_SPLIT_H

#include "billing/clock.h"
#include "billing/segment.h"

/* What a connector's state means for time: Charging; the vehicle does not want (SuspendedEV,
 * Finishing); anything else, SuspendedEVSE above all, is waiting and costs nothing. */
enum bill_state { BILL_STATE_CHARGING, BILL_STATE_IDLE, BILL_STATE_WAITING };

enum bill_context { BILL_CONTEXT_OTHER, BILL_CONTEXT_BEGIN, BILL_CONTEXT_END };

struct bill_reading {
    int64_t at_us;
    int64_t import_mwh, export_mwh; /* registers; BILL_ABSENT: not in this reading */
    int64_t power_mw, current_ma;   /* BILL_ABSENT: not measured */
    enum bill_context context;
};

/* Quantities that are already measured over a stretch of time, spread evenly over it. */
struct bill_interval {
    int64_t from_us, to_us;
    int64_t import_mwh, export_mwh, charge_us, park_us, reserve_us;
    int64_t power_mw, current_ma;
};

enum bill_split_result {
    BILL_SPLIT_OK,
    BILL_SPLIT_BACKWARDS,       /* earlier than what was fed before, or a register fell */
    BILL_SPLIT_TOO_MUCH,        /* above BILL_ENERGY_MAX_MWH */
    BILL_SPLIT_TOO_LONG,        /* above BILL_SESSION_MAX_US */
    BILL_SPLIT_TOO_MANY_STATES, /* more than BILL_STATES_PENDING_MAX between two readings */
};

struct bill_split {
    const struct bill_tariff *tariff;
    const struct bill_clock *clock;
    struct bill_sink sink;
    bool expired; /* the session's reservation was not used */
    /* Private from here on. */
    bool started, reserving, fresh;
    int64_t begin_us, origin_us, last_us;
    int64_t import_mwh, export_mwh, idle_us, spent_us;
    uint16_t duration_next, energy_next;
    int64_t wall_end_us;
    struct bill_local local;
    bool has_reading;
    struct bill_reading reading;
    enum bill_state state;
    uint32_t pending_count;
    struct {
        int64_t at_us;
        enum bill_state state;
    } pending[BILL_STATES_PENDING_MAX];
};

/* The session begins at begin_us; until told otherwise the vehicle is charging. */
void bill_split_init(struct bill_split *, const struct bill_tariff *, const struct bill_clock *,
    struct bill_sink, int64_t begin_us);

/* From at_us on the connector is in this state.  Counts from the next reading on. */
BILL_MUST_CHECK enum bill_split_result bill_split_state(
    struct bill_split *, int64_t at_us, enum bill_state);

/* The next reading; both registers must be there.  The first one only sets the baseline. */
BILL_MUST_CHECK enum bill_split_result bill_split_reading(
    struct bill_split *, const struct bill_reading *);

/* An interval with its quantities.  Not to be mixed with readings in one session. */
BILL_MUST_CHECK enum bill_split_result bill_split_interval(
    struct bill_split *, const struct bill_interval *);

const char *bill_split_text(enum bill_split_result);

#endif
