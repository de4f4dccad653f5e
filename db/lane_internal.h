/* lane_internal.h - what the files of the lane share; see lane.h for what a lane is.
 *
 * lane.c        the public functions, the alarm, what to do next
 * lane_queue.c  members and their bytes: batches, the busy store
 * lane_connect.c  connecting, the server's check, preparing, back-off
 * lane_send.c   one range of the flying batch as one pipelined transaction
 * lane_run.c    reading its results
 * lane_settle.c  what became of its members
 *
 * Invariants: while a ring is `flying`, its head is closed and `ranges` lists, innermost last,
 * what of it is still to run.
 */
#ifndef DB_LANE_INTERNAL_H
#define DB_LANE_INTERNAL_H

#include "db/lane_queue.h"

#include <libpq-fe.h>

enum {
    /* Ranges are of a member at least, and no two have one in common: so many never are too few. */
    LANE_RANGES_MAX = DB_LANE_BATCH_MEMBERS_MAX + DB_LANE_BUSY_BATCH_MAX,
    LANE_NOBODY = -1,
    LANE_DETAIL_MAX = 320,
    LANE_PAUSE_MS = 100,     /* before the same again, doubled each time */
    LANE_RETRY_PAUSE_MS = 5, /* the same after a deadlock */
    LANE_DOWN_TRIES_MAX = 5, /* of a whole batch while the server has no space or memory */
};

struct lane_range {
    uint32_t from, to;
    uint8_t tries, lost;
    bool unknown; /* run before, outcome not known: goes with the mark */
};

enum lane_state {
    LANE_OFF, /* no connection until `until_ms` */
    LANE_CONNECTING,
    LANE_SETUP, /* a pipeline of check and PREPAREs is out */
    LANE_IDLE,
    LANE_RUNNING,  /* a range (or a probe) is out */
    LANE_CLEANING, /* a ROLLBACK is out */
    LANE_PAUSED,   /* connected, waiting for `until_ms` before the same range again */
};

enum lane_step_kind {
    LANE_STEP_CHECK,
    LANE_STEP_PREPARE,
    LANE_STEP_DESCRIBE,
    LANE_STEP_BEGIN,
    LANE_STEP_MARK,
    LANE_STEP_BULK,
    LANE_STEP_CALL,
    LANE_STEP_COMMIT,
    LANE_STEP_ROLLBACK,
    LANE_STEP_SYNC,
};

struct lane_step {
    enum lane_step_kind kind;
    uint32_t index; /* of the member (CALL) or the statement (PREPARE, DESCRIBE, BULK) */
};

/* A statement's parameters as the server described them; element types for a BULK. */
struct lane_prepared {
    uint8_t types[DB_COLUMNS_MAX];
    uint8_t columns;
};

struct db_lane {
    struct db_lane_ports ports;
    char *conninfo, *name;
    const struct db_statement *statements;
    uint32_t statement_count;
    bool durability_test;

    enum lane_state state;
    PGconn *conn;
    int fd; /* -1: none is watched */
    bool fd_read, fd_write;
    uint64_t now_ms, until_ms, alarm_ms;
    uint64_t sent_ms, heard_ms; /* when the script that is out was sent, when last answered */
    uint64_t launch_ms;         /* when the forming batch goes at the latest */
    uint64_t probe_ms;          /* when an idle lane probes */
    uint64_t stuck_ms;          /* since when nothing could be committed; 0: it can */
    uint32_t backoff_ms;
    uint64_t random;
    int64_t timeline; /* the newest seen */
    struct lane_prepared *prepared;

    struct lane_ring small, large;
    struct lane_ring *flying; /* whose head is in flight; NULL: none */
    uint64_t large_ms;        /* the earliest time of the next large batch */
    struct lane_batch busy, busy_spare;
    uint64_t busy_next_ms; /* the earliest busy_due_ms; UINT64_MAX: none */
    struct lane_range ranges[LANE_RANGES_MAX];
    uint32_t range_count;

    struct lane_step *steps;
    uint32_t step_count, step_size, step_at;
    bool step_answered; /* the current step's result was seen, its end not */
    bool warned;        /* the server warned while it committed */
    bool committed;
    enum db_result failure; /* DB_OK: none in the script that is out */
    bool cancelled;         /* it failed by cancel or statement_timeout */
    int64_t culprit;        /* the member whose CALL failed; LANE_NOBODY: not known */
    char detail[LANE_DETAIL_MAX];
    char version[32];
    enum db_lane_event setup_event; /* what the failure of a setup is told as */
    unsigned char *scratch;
    size_t scratch_size;

    struct db_lane_stats stats;
};

/* lane.c */
void lane_event(struct db_lane *, enum db_lane_event, const char *detail);
void lane_watch(struct db_lane *, bool want_write);
void lane_unwatch(struct db_lane *);
uint64_t lane_jitter(struct db_lane *, uint64_t ms); /* between half of it and all of it */

/* lane_connect.c */
void lane_connect(struct db_lane *);
void lane_connect_poll(struct db_lane *);
void lane_setup_result(struct db_lane *, const struct lane_step *, const PGresult *);
void lane_setup_end(struct db_lane *);
/* Drops the connection and waits; a range that was out is of unknown outcome. */
void lane_lost(struct db_lane *, enum db_lane_event, const char *why);

/* lane_send.c: range and rollback leave state and steps set, or the connection lost */
void lane_script_begin(struct db_lane *, enum lane_state);
void lane_send_range(struct db_lane *);
void lane_send_rollback(struct db_lane *);
MUST_CHECK bool lane_step_add(struct db_lane *, enum lane_step_kind, uint32_t index);
MUST_CHECK bool lane_send_sync(struct db_lane *);
void lane_flush(struct db_lane *);

/* lane_run.c */
void lane_read(struct db_lane *);

/* lane_settle.c: the top range has committed; was rolled back for lane->failure; was out when the
 * connection was lost */
void lane_settle_range(struct db_lane *);
void lane_range_failed(struct db_lane *);
void lane_range_down(struct db_lane *);

#endif
