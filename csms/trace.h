/* trace.h - what is written behind the answers: the trace of frames, the door, last_seen.
 *
 * Rows are gathered and given to the telemetry lane a few times a second; when that lane is
 * loaded, frames are dropped first and counted.  Secrets are masked before they are gathered.
 * Which MeterValues are traced is the caller's to say.  Loop thread only.
 */
#ifndef CSMS_TRACE_H
#define CSMS_TRACE_H

#include "db/lane.h"

#include "csms/core/core.h"

struct trace;

MUST_CHECK struct trace *trace_new(struct db_lane *telemetry);
void trace_free(struct trace *);

void trace_frame(struct trace *, const struct core_trace *);
void trace_door(
    struct trace *, int64_t at_us, const char *identity, const char *remote, const char *reason);
/* Writes back when stations were last heard of, those that spoke since the last time. */
void trace_seen(struct trace *, const struct core *, uint64_t now_ms);
/* Hands over what was gathered. */
void trace_flush(struct trace *, uint64_t now_ms);
uint64_t trace_dropped(const struct trace *);

#endif
