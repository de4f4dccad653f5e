/* inside.h - what the core's files need of one another.  Private to csms/core. */
#ifndef CORE_INSIDE_H
#define CORE_INSIDE_H

#include "csms/core/station.h"

/* core.c */
uint64_t core_token(struct core *, const struct core_station *);
void core_count(struct core *, enum core_note, const struct core_station *, const char *detail);
/* Sends to the station's present connection.  False: that is ending, and nothing has left. */
bool station_send(struct core *, struct core_now, struct core_station *, const struct core_trace *);
/* Takes the connection away from the station and closes it. */
void station_disconnect(
    struct core *, struct core_now, struct core_station *, enum core_close, const char *reason);

/* station.c: the inbound side */
/* Every action that a pile sends is some work; Heartbeat alone is none. */
void station_rows_check(void);
void station_frame(struct core *, struct core_now, struct core_station *, const char *, size_t);
void station_job_start(struct core *, struct core_now, struct core_station *, struct core_job *);
void station_job_submit(struct core *, struct core_now, struct core_station *);
void station_job_done(struct core *, struct core_now, struct core_station *, enum core_outcome,
    const struct core_answer *);
void core_job_free(struct core_job *);
/* Is as much waiting, or in work, as is read ahead? */
bool core_queue_full(const struct core_station *);

/* reply.c: confirmations */
/* Writes the confirmation of the station's job into core->out; 0 only if no confirmation fits. */
size_t reply_encode(
    struct core *, struct core_now, const struct core_job *, const struct core_answer *);
size_t reply_heartbeat(struct core *, struct core_now, const struct core_job *);

/* call.c: the outbound side */
void call_next(struct core *, struct core_now, struct core_station *);
void call_claimed(struct core *, struct core_now, struct core_station *, enum core_outcome,
    const struct core_answer *);
/* Is it the id of the call that waits for its answer? */
bool call_is(const struct core_station *, const char *id);
/* A CALLRESULT or CALLERROR has come. */
void call_answered(struct core *, struct core_now, struct core_station *, struct ocpp_frame *);
void call_tick(struct core *, struct core_now, struct core_station *);
void call_lost(struct core *, struct core_now, struct core_station *);
/* A call that has not left yet shall not. */
void call_put_back(struct core *, struct core_now, struct core_station *);

/* often.c: who came how often */
bool often_make(struct core *); /* false: no memory */
void often_came(struct core *, struct core_now, int64_t station);
bool often_may(const struct core *, struct core_now, int64_t station);

/* open.c: the transactions known to be open */
void open_set(struct core_station *, const char *list);
void open_add(struct core_station *, int64_t transaction_id);
void open_remove(struct core_station *, int64_t transaction_id);
bool open_has(const struct core_station *, int64_t transaction_id);

#endif
