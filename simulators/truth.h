/* truth.h - what one pile knows to be true, as JSON lines that are only ever appended.
 *
 * Each record is one write(2), so it survives the end of the process at any instant; the file is
 * also the pile's own memory: sim_truth_recall builds registers and queue again from it.  The
 * records and their members are described in README.md.  Owns its descriptor.  One thread.
 */
#ifndef SIMULATORS_TRUTH_H
#define SIMULATORS_TRUTH_H

#include "simulators/meter.h"
#include "simulators/queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_truth {
    int fd;      /* -1: no truth is kept */
    bool failed; /* a record could not be written: nothing after it counts */
};

/* Opens or makes DIR/IDENTITY.jsonl (the identity percent-encoded). */
__attribute__((warn_unused_result)) bool sim_truth_open(struct sim_truth *, const char *dir,
    const char *identity, struct sim_error *ret_error);
void sim_truth_close(struct sim_truth *);

void sim_truth_pile(struct sim_truth *, const struct sim_pile_spec *, uint64_t seed,
    int64_t at_us);
void sim_truth_begin(struct sim_truth *, uint64_t seq, const struct sim_session *);
void sim_truth_reading(struct sim_truth *, uint64_t seq, uint32_t session,
    const struct sim_reading *);
void sim_truth_end(struct sim_truth *, uint64_t seq, const struct sim_session *);

/* `payload` is the message's JSON as it leaves. */
void sim_truth_sent(struct sim_truth *, const struct sim_entry *, const char *id, int64_t at_us,
    const char *payload);
void sim_truth_answered(struct sim_truth *, const struct sim_entry *, int64_t at_us,
    int64_t transaction_id, const char *status);
void sim_truth_failed(struct sim_truth *, const struct sim_entry *, int64_t at_us,
    const char *why);
void sim_truth_lost(struct sim_truth *, const struct sim_entry *, int64_t at_us);

struct sim_recalled {
    int64_t register_mwh[SIM_CONNECTORS_MAX]; /* by connector - 1 */
    bool known[SIM_CONNECTORS_MAX];
    int64_t metered_us[SIM_CONNECTORS_MAX]; /* when the register was noted last */
    int64_t last_us; /* of the last thing that happened; INT64_MIN: nothing ever did */
    uint64_t records;
};

/* Reads the file from its beginning into an empty queue.  An unfinished last line is cut off.
 * False: not readable as truth. */
__attribute__((warn_unused_result)) bool sim_truth_recall(struct sim_truth *, struct sim_queue *,
    struct sim_recalled *ret, struct sim_error *ret_error);

/* Percent-encodes what RFC 3986 does not reserve for itself; 0: does not fit. */
size_t sim_identity_encode(char *buf, size_t size, const char *identity);

#endif
