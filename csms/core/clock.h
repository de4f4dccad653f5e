/* clock.h - what is known of a station's clock, and which of its messages were queued.
 *
 * An offline queue looks like a wrong clock, so only messages that are live by nature teach the
 * offset; it is the median of the last ones.  One alone may have come out of the queue all the
 * same: two have to agree, unless we asked for it.  Values only; no clock is read here.
 */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { CORE_CLOCK_SAMPLES = 5 };

struct core_clock {
    struct core_clock_sample {
        int64_t offset_us; /* received minus sent */
        bool asked;
    } samples[CORE_CLOCK_SAMPLES]; /* newest overwrites oldest */
    uint8_t count, next;
};

/* A live message bore at_us and came at received_us; asked: it is the answer to our trigger. */
void core_clock_learn(struct core_clock *, int64_t at_us, int64_t received_us, bool asked);
/* The station has booted: its clock may have been set. */
void core_clock_forget(struct core_clock *);
/* To be added to at_us, a time of the station.  False: not known, or not this time's, since
 * nothing happens after it was told. */
bool core_clock_offset(
    const struct core_clock *, int64_t at_us, int64_t received_us, int64_t *ret_offset_us);

/* Since when a station was unable to tell us of an event at once. */
struct core_clock_line {
    int64_t connected_us;   /* when this connection was opened */
    int64_t busy_since_us;  /* first CALL of the unbroken run of CALLs that goes on now; 0: none */
    int64_t received_us;
};
/* Did it happen in the past, when the station was away or busy with a predecessor? */
bool core_clock_queued(const struct core_clock *, const struct core_clock_line *, int64_t at_us);

#endif
