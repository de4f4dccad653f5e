/* evidence.h - which values decide what a session used, and whether they can be trusted.
 *
 * The register series decides where the pile gave one that begins and ends with the transaction
 * (contexts Transaction.Begin and Transaction.End); otherwise meterStart and meterStop do, and the
 * readings between them only say when.  Whatever falls, contradicts itself or is more than the pile
 * can deliver is not corrected here: the verdict is `review`, with the reason's name, and the
 * session waits for a person.  Export is credited only if its register has a begin and an end.
 *
 * Pure; works in the caller's array.
 */
#ifndef BILLING_EVIDENCE_H
#define BILLING_EVIDENCE_H

#include "billing/split.h"

struct bill_claim {
    int64_t started_us, stopped_us;
    int64_t meter_start_mwh, meter_stop_mwh; /* BILL_ABSENT: not told */
    int64_t max_power_w;                     /* 0: unknown */
    bool export_expected;                    /* the contract credits discharging */
};

enum bill_reason {
    BILL_REASON_NONE, /* it can be billed */
    BILL_REASON_METER_START_MISSING,
    BILL_REASON_METER_STOP_MISSING,
    BILL_REASON_STOP_BEFORE_START,
    BILL_REASON_TOO_LONG,
    BILL_REASON_REGISTER_RANGE, /* negative, or more than any meter shows */
    BILL_REASON_REGISTER_FALLS,
    BILL_REASON_SERIES_DISAGREES,   /* with meterStart or meterStop, by more than rounding */
    BILL_REASON_IMPLAUSIBLE_ENERGY, /* above P_max x time x 1.1 + 0.5 kWh */
    BILL_REASON_REGISTER_JUMPS,     /* the same between two readings, with a minute of grace */
    BILL_REASON_EXPORT_UNPROVEN,    /* no begin or no end of the export register */
    BILL_REASON_EXPORT_FALLS,
    BILL_REASON_EXPORT_IMPLAUSIBLE, /* too much, or a jump */
    BILL_REASON_COUNT
};

enum bill_proof { BILL_PROOF_SERIES, BILL_PROOF_START_STOP };

struct bill_evidence {
    enum bill_reason reason;
    enum bill_proof proof;
    int64_t import_mwh, export_mwh;
    uint32_t count;   /* points to feed to the splitter, in order, both registers in each */
    uint32_t ignored; /* readings that lie outside the session or say nothing of energy */
};

/* Judges a session.  `readings` holds `count` readings in any order and has room for two more; it
 * is rewritten to the points that decide.  With a reason, the points are undefined. */
void bill_evidence_judge(const struct bill_claim *, struct bill_reading *readings, uint32_t count,
    struct bill_evidence *ret);

const char *bill_reason_name(enum bill_reason); /* snake_case, static */
const char *bill_reason_text(enum bill_reason); /* one English sentence, static */
const char *bill_proof_name(enum bill_proof);

#endif
