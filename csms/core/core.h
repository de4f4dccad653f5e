/* core.h - the logic of all stations of one node: connections, calls both ways, take-over.
 *
 * Events go in, effects come out through struct core_ports; there is no system call, clock or
 * randomness here, so the same objects run in the daemon and in a simulation.
 *
 * What always holds:
 *  - a station's inbound CALLs are worked one at a time, in order, and only after the epoch of
 *    its connection is taken; the newest authenticated connection wins;
 *  - a confirmation to anything but Heartbeat leaves only as the consequence of
 *    core_work_done with a committed outcome;
 *  - a command's CALL leaves only after its claim is committed, and ends exactly once.
 *
 * Loop thread only; nothing blocks.  No function here is called from inside a port, and no port
 * keeps a pointer after it has returned.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "ocpp/message.h"

#include "csms/core/frame.h"
#include "csms/core/work.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core;

/* One socket.  The transport gives the numbers: slot < config.connections; a slot that is used
 * again has another generation, so that a late event of its predecessor is told apart. */
struct core_conn {
    uint32_t slot;
    uint32_t generation;
};

struct core_now {
    uint64_t mono_ms;
    int64_t wall_us;
};

enum core_close {
    CORE_CLOSE_GOING_AWAY = 1001, CORE_CLOSE_NOT_TEXT = 1003,
    CORE_CLOSE_POLICY = 1008,
    CORE_CLOSE_INTERNAL = 1011,
    CORE_CLOSE_RESTART = 1012
};

/* What an operator may want to know; each is counted, see core_note_name. */
enum core_note {
    CORE_NOTE_OPENED,         /* the epoch is taken */
    CORE_NOTE_CLOSED,
    CORE_NOTE_REPLACED,       /* the old connection gave way to a newer one */
    CORE_NOTE_REPLACED_ALIVE, /* the same, and the old one had spoken in the last 30 s */
    CORE_NOTE_NOT_FRAME,      /* no JSON, no OCPP frame, another message type, an empty text */
    CORE_NOTE_UNMATCHED,      /* an answer to no call of ours */
    CORE_NOTE_CALL_ERROR,     /* we answered a CALLERROR */
    CORE_NOTE_TOLERATED,
    CORE_NOTE_UNUSABLE,
    CORE_NOTE_BUSY,     /* a row was held by somebody else for 2 s */
    CORE_NOTE_REFUSED,  /* kept as evidence only */
    CORE_NOTE_UNANSWERED, /* given up without an answer; the pile keeps its message */
    CORE_NOTE_OVERRUN, /* a pile sent more unanswered CALLs than its queue holds */
    CORE_NOTE_COMMAND, /* a command's CALL left */
    CORE_NOTE_COMMAND_UNSENT, /* claimed, but its CALL did not leave: it is put back */
    CORE_NOTE_COMMAND_ENDED, CORE_NOTE_NO_MEMORY,
    CORE_NOTES
};

struct core_ports {
    void *ctx;
    /* False: nothing has left, and core_conn_closed is about to come. */
    bool (*send)(void *ctx, struct core_conn, const char *text, size_t length);
    /* What was sent before still leaves first.  core_conn_closed may come later, or never. */
    void (*close)(void *ctx, struct core_conn, int code, const char *reason);
    void (*pause)(void *ctx, struct core_conn, bool paused);
    /* Copies what it needs.  False: cannot take it now (the lane's queue is full). */
    bool (*work)(void *ctx, const struct core_work *);
    void (*trace)(void *ctx, const struct core_trace *);
    void (*note)(void *ctx, enum core_note, int64_t station, const char *detail);
    /* Is this station held to the letter (certification)?  NULL: none is. */
    bool (*strict)(void *ctx, int64_t station);
};

struct core_config {
    uint32_t connections;     /* sockets, and the stations kept in memory */
    uint32_t call_timeout_ms; /* of our calls, unless the command names its own */
    uint32_t heartbeat_s;     /* interval of BootNotification, unless the database names one */
    size_t large_bytes;       /* CALLs above CORE_LARGE_BYTES, queued or in work, together */
    struct ocpp_limits limits;
};

/* NULL: no memory. */
MUST_CHECK struct core *core_new(const struct core_config *, const struct core_ports *);
void core_free(struct core *);
/* Everything but `connections` may change while it runs. */
void core_configure(struct core *, const struct core_config *);

/* Events of the transport.  opened comes after authentication and upgrade. */
void core_conn_open(
    struct core *, struct core_now, struct core_conn, int64_t station, const char *remote);
void core_conn_frame(
    struct core *, struct core_now, struct core_conn, const char *text, size_t length);
/* The connection is cut for a message of this length, which the pile will send again. */
void core_conn_too_large(struct core *, struct core_now, struct core_conn, size_t length);
void core_conn_closed(struct core *, struct core_now, struct core_conn, const char *reason);

/* The outcome of a piece of work; answer is read with CORE_DONE and CORE_REFUSED only. */
void core_work_done(struct core *, struct core_now, uint64_t token, enum core_outcome,
    const struct core_answer *);

/* Commands may wait for this station. */
void core_command_hint(struct core *, struct core_now, int64_t station);
/* Deadlines; to be called at least every 250 ms. */
void core_tick(struct core *, struct core_now);
/* Work has waited for 10 s without a commit; and both lanes commit again. */
void core_database_away(struct core *, struct core_now);
void core_database_back(struct core *, struct core_now);
/* Closes the station's connection, if there is one: revoked credential, blocked. */
void core_station_close(struct core *, struct core_now, int64_t station, const char *reason);
/* Another node has taken the station over: closes a connection of an epoch before `epoch`. */
void core_station_moved(struct core *, struct core_now, int64_t station, int64_t epoch);
/* No new work; each connection is closed with 1001 as soon as nothing is outstanding on it. */
void core_drain(struct core *, struct core_now);
/* Closes what is left: the drain took too long, or the node lost its lock. */
void core_close_all(struct core *, struct core_now, enum core_close, const char *reason);

/* What admission asks: may this station connect now?  False: it came again 60 times in an hour,
 * whether its last connection was there still or not; then it may once a minute. */
bool core_may_open(const struct core *, struct core_now, int64_t station);
bool core_serving(const struct core *); /* false: database away or draining: upgrades get 503 */

/* Can a message of this length be taken now?  False: hand it over when work has been done. */
bool core_room(const struct core *, size_t length);

struct core_stats {
    uint32_t connections, open, in_work, calls_outstanding;
    size_t large_bytes, large_bytes_max; /* texts of large messages that are queued or in work */
    uint64_t notes[CORE_NOTES];
    uint64_t requests[OCPP_ACTION_COUNT];
    /* Confirmed, a repeated message included; by enum reason, the last is any other text. */
    uint64_t started, stopped[OCPP_REASON_COUNT + 1];
};
void core_stats(const struct core *, struct core_stats *ret);
const char *core_note_name(enum core_note);
/* Walks the connected stations: `heard` is when one last spoke.  False from visit ends it. */
typedef bool core_visit(void *ctx, int64_t station, struct core_now heard);
void core_each(const struct core *, core_visit *, void *ctx);

#endif
