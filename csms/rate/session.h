/* session.h - a settlement's input, read into the engine's structures (internal to csms/rate/). */
#ifndef CSMS_RATE_SESSION_H
#define CSMS_RATE_SESSION_H

#include "billing/bill.h"
#include "billing/evidence.h"

#include "ocpp/json.h"

struct csms_state {
    int64_t at_us;
    uint32_t order;
    enum bill_state state;
};

struct csms_session {
    struct bill_claim claim;
    bool export_allowed;
    char zone[80];
    char currency[8];
    int64_t exponent;
    struct bill_tariff tariff;
    struct bill_offset offsets[BILL_OFFSETS_MAX];
    uint32_t offset_count;
    struct bill_day days[BILL_CALENDAR_MAX];
    uint32_t day_count;
    struct bill_reading *readings; /* room for two more */
    uint32_t reading_count;
    struct csms_state *states;
    uint32_t state_count;
};

enum csms_session_result {
    CSMS_SESSION_OK,
    CSMS_SESSION_INPUT, /* the fault names the member */
    CSMS_SESSION_TARIFF,
    CSMS_SESSION_CURRENCY,
    CSMS_SESSION_NO_MEMORY,
};

/* The head alone: times, zone, currency. */
MUST_CHECK enum csms_session_result csms_session_head(const struct ocpp_json *,
    const struct ocpp_node *input, struct csms_session *ret, struct ocpp_fault *ret_fault);

/* The whole of a wrapped input.  Zeroed by the caller; csms_session_done in any case. */
MUST_CHECK enum csms_session_result csms_session_read(
    const struct ocpp_json *, struct csms_session *ret, struct ocpp_fault *ret_fault);
void csms_session_done(struct csms_session *);

#endif
