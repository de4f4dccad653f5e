/* frame.h - one frame as the core shows it to whoever traces, logs or counts.
 *
 * All pointers are valid until the port returns.
 */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include "ocpp/catalogue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One frame, for the trace.  action is OCPP_ACTION_NONE if it is not known. */
struct core_trace {
    int64_t station;
    int64_t at_us;
    int64_t call_us; /* of an answer: when its CALL came or left; else 0 */
    bool out;
    int type; /* 2, 3, 4; 0: no frame */
    enum ocpp_action action;
    const char *action_name, *message_id; /* may be NULL; the id as sent, quotes included */
    const char *text;
    size_t length;
    const char *note; /* may be NULL */
};

#endif
