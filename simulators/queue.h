/* queue.h - the transaction messages a pile still owes, in order, by the book.
 *
 * OCPP 1.6, 3.7.1 and errata: a message that a connected pile got no answer to (or a CALLERROR)
 * is sent again after interval x preceding transmissions, and discarded after `attempts`
 * transmissions; a disconnected pile queues without counting.  Only the head is ever in flight.
 * The queue owns its entries and sessions; a session lives until its stop has left the queue.
 */
#ifndef SIMULATORS_QUEUE_H
#define SIMULATORS_QUEUE_H

#include "simulators/fleet.h"

#include <stdbool.h>
#include <stdint.h>

enum sim_message { SIM_START, SIM_READING, SIM_STOP };
enum sim_context { SIM_PERIODIC, SIM_BEGIN, SIM_END, SIM_TRIGGER };

/* What the meter showed at one instant. */
struct sim_reading {
    int64_t at_us;
    int64_t register_mwh;
    int64_t power_mw;
    int64_t voltage_mv;
    int64_t soc_ppm; /* -1: the pile does not know it */
    enum sim_context context;
};

struct sim_session {
    uint32_t number; /* of the pile, from 1 */
    uint32_t connector;
    char tag[SIM_TAG_MAX + 1];
    int64_t transaction_id; /* -1: not known, also after a lost start (errata 3.18) */
    bool started;           /* the start's confirmation is here */
    bool ended;
    struct sim_reading begin;
    struct sim_reading end;
    char reason[16];
    struct sim_session *next;
};

struct sim_entry {
    uint64_t seq;
    enum sim_message message;
    struct sim_session *session;
    struct sim_reading reading; /* of SIM_READING */
    uint32_t attempts;          /* transmissions that failed on a live connection */
    bool sent_once;
    struct sim_entry *next;
};

struct sim_queue {
    struct sim_entry *head, *tail;
    struct sim_session *sessions;
    uint32_t count;
    uint32_t open; /* sessions whose start is confirmed and whose stop is not */
    uint64_t next_seq;
    uint32_t next_session;
    uint64_t not_before_ms;
    bool in_flight;
};

struct sim_retry {
    uint32_t attempts;
    uint64_t interval_ms;
};

enum sim_failed { SIM_KEPT, SIM_LOST };

void sim_queue_init(struct sim_queue *);
void sim_queue_done(struct sim_queue *);

/* A new session with its StartTransaction at the tail.  NULL: no memory. */
struct sim_session *sim_queue_begin(struct sim_queue *, uint32_t connector, const char *tag,
    const struct sim_reading *begin);
__attribute__((warn_unused_result)) bool sim_queue_reading(
    struct sim_queue *, struct sim_session *, const struct sim_reading *);
__attribute__((warn_unused_result)) bool sim_queue_end(
    struct sim_queue *, struct sim_session *, const struct sim_reading *end, const char *reason);

/* The head, if it may be sent now; NULL otherwise.  Valid until the next call that removes. */
struct sim_entry *sim_queue_due(struct sim_queue *, uint64_t now_ms);
void sim_queue_sent(struct sim_queue *);

/* The head was answered: it leaves.  `transaction_id` counts for a start only. */
void sim_queue_answered(struct sim_queue *, int64_t transaction_id);

/* No answer, or a CALLERROR, on a connection that is up.  SIM_LOST: discarded by the rule. */
enum sim_failed sim_queue_failed(struct sim_queue *, const struct sim_retry *, uint64_t now_ms);

/* The connection is gone: the transmission does not count, the head is due at the next one. */
void sim_queue_disconnected(struct sim_queue *);

struct sim_session *sim_queue_session(struct sim_queue *, uint32_t number);

#endif
