/* metrics.h - what Prometheus reads: one table (metrics.def), text format 0.0.4.
 *
 * Values are integers behind relaxed atomics: any thread may count.  Labels are bounded lists; the
 * actions are those of the ocpp catalogue, the refusals those of admission.  A pile is never one.
 */
#ifndef CSMS_METRICS_H
#define CSMS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

#define METRIC(name, type, text, help, d1, d2, d3) METRIC_##name,
enum metric {
#include "csms/metrics.def"
    METRIC_COUNT
};
#undef METRIC

/* The short lists of labels.  LABELS(DIM, "label", NAME, "value") */
enum metric_direction { METRIC_IN, METRIC_OUT, METRIC_DIRECTIONS };
enum metric_outcome {
    METRIC_OK, METRIC_ERROR, METRIC_TIMEOUT, METRIC_MALFORMED, METRIC_REFUSED, METRIC_UNANSWERED,
    METRIC_OUTCOMES
};
enum metric_pile_state { METRIC_ONLINE, METRIC_OFFLINE, METRIC_PILE_STATES };
enum metric_auth_status {
    METRIC_ACCEPTED, METRIC_BLOCKED, METRIC_EXPIRED, METRIC_INVALID, METRIC_CONCURRENT,
    METRIC_AUTH_STATUSES
};
enum metric_db_link { METRIC_TELEMETRY, METRIC_MONEY, METRIC_LISTEN, METRIC_DB_LINKS };
enum metric_command_end {
    METRIC_COMMAND_ACCEPTED, METRIC_COMMAND_REJECTED, METRIC_COMMAND_CALL_ERROR,
    METRIC_COMMAND_TIMED_OUT, METRIC_COMMAND_UNKNOWN, METRIC_COMMAND_REFUSED, METRIC_COMMAND_ENDS
};
enum metric_cut {
    METRIC_CUT_TOO_LARGE, METRIC_CUT_FRAGMENTS, METRIC_CUT_BINARY, METRIC_CUT_STALLED,
    METRIC_CUT_CONTROL, METRIC_CUT_SLOW_READER, METRIC_CUT_SILENT, METRIC_CUT_NO_MEMORY, METRIC_CUTS
};

/* Indices into the metric's dimensions, in their order; unused ones are 0. */
struct metric_at {
    int16_t i[3];
};
#define METRIC_AT(...) ((struct metric_at){ { __VA_ARGS__ } })

struct metrics;

MUST_CHECK struct metrics *metrics_new(void);
void metrics_free(struct metrics *);
/* An index out of its list (an unknown action, -1) is counted under the label value "other". */
void metrics_add(struct metrics *, enum metric, struct metric_at, uint64_t n);
void metrics_set(struct metrics *, enum metric, struct metric_at, uint64_t value);
void metrics_time(struct metrics *, enum metric, struct metric_at, uint64_t us);
/* The whole page; the caller frees it.  NULL: no memory. */
MUST_CHECK char *metrics_page(const struct metrics *, size_t *ret_length);

#endif
