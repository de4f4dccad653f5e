/* frame.h - one frame: what counts as large, and how the core shows it to whoever traces or counts.
 *
 * All pointers are valid until the port returns.
 */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include "ocpp/catalogue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text above this is large: there are bounds for all of them together, and a station's next is
 * not read before its large one is done. */
enum { CORE_LARGE_BYTES = 16 * 1024 };

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
