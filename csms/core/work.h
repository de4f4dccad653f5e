/* work.h - what the core asks of the database, and what comes back.
 *
 * One inbound message is one piece of work is one SQL statement.  The core knows neither
 * statements nor rows: the daemon binds a piece of work to a statement of schema `inbound`
 * (csms/inbound.c), the simulation runs it on a model.  All pointers of a core_work are valid
 * only until the port returns, those of a core_answer until core_work_done returns.
 */
#ifndef CORE_WORK_H
#define CORE_WORK_H

#include "ocpp/catalogue.h"

#include "csms/core/reading.h"

enum core_work_kind {
    CORE_NO_WORK,          /* so that what was forgotten in a table is none of the others */
    CORE_TAKE_OVER,        /* text: the remote address */
    CORE_CONNECTION_CLOSE, /* text: the reason */
    CORE_BOOT,
    CORE_STATUS,
    CORE_AUTHORIZE,
    CORE_START,
    CORE_STOP,
    CORE_READINGS,
    CORE_DATA_TRANSFER,
    CORE_NOTE,     /* every other event of a station; text: its payload as sent */
    CORE_STUCK,    /* a message above the limit, of which at least `bytes` were announced */
    CORE_UNUSABLE, /* a transaction message that cannot be understood; code and member say why */
    CORE_COMMAND_NEXT,
    CORE_COMMAND_UNSENT, /* a claim is undone, its CALL never left; command, message_id */
    CORE_COMMAND_ANSWER, /* command, message_id, state; text: the answer's JSON or NULL */
    CORE_COMMAND_LATE,   /* nobody waits for this answer; message_id, state or "no_status", text */
    CORE_WORK_KINDS
};

struct core_work {
    enum core_work_kind kind;
    uint64_t token; /* goes back with core_work_done; 0: nobody waits for the outcome */
    int64_t station;
    int64_t epoch;
    int64_t received_us;
    enum ocpp_action action;
    const char *action_name; /* as sent */
    const void *request;     /* struct ocpp_<action>_req, NULL for work that is no message */
    const char *frame;       /* the whole text as sent, NUL-terminated: the evidence */
    const char *deviations;  /* JSON array of what was tolerated, or NULL */
    const char *text;
    const char *code, *member; /* CORE_UNUSABLE */

    const struct core_reading *readings; /* CORE_READINGS */
    uint32_t reading_count;
    const char *readings_json; /* CORE_STOP: transactionData as an array of rows, or NULL */

    bool queued; /* The pile was away, or busy with a predecessor, when it happened */
    bool offset_known;
    int64_t offset_us; /* to be added to the pile's time */

    bool unsecured; /* CORE_START: do not wait for the account, leave the hold to a job */
    bool patient;   /* a row was busy for too long in the lane: let a worker wait for it */

    int64_t command;
    const char *message_id; /* of the claim */
    const char *state;
    int64_t bytes; /* CORE_STUCK */
};

enum core_outcome {
    CORE_DONE,    /* committed */
    CORE_BUSY,    /* nothing written: somebody else holds a row */
    CORE_REFUSED, /* committed: the database kept the message as evidence, but not its effect */
    CORE_FAILED,  /* the database has refused the statement; nothing written */
    CORE_AWAY     /* the database is away; nothing is known to be written */
};

enum core_registration { CORE_NEVER_BOOTED, CORE_ACCEPTED, CORE_PENDING, CORE_REJECTED };

/* The row of an outcome CORE_DONE or CORE_REFUSED.  Each kind fills its own members. */
struct core_answer {
    int64_t epoch;                        /* TAKE_OVER */
    enum core_registration registration;  /* TAKE_OVER, BOOT */
    int32_t boot_number;                  /* TAKE_OVER, BOOT */
    int32_t interval_s;                   /* TAKE_OVER, BOOT; 0: the node's own */
    const char *open_transactions;        /* TAKE_OVER: "12,15", NULL or "" */
    int64_t transaction_id;               /* START, UNUSABLE; 0: none */
    const char *status;                   /* AUTHORIZE, START, STOP, DATA_TRANSFER; may be NULL */
    const char *parent;                   /* AUTHORIZE, START, STOP; may be NULL */
    bool has_expiry;
    int64_t expiry_us;
    const char *data;                     /* DATA_TRANSFER; may be NULL */
    int64_t command;                      /* COMMAND_NEXT; 0: none */
    const char *action, *payload, *message_id;
    int32_t timeout_s; /* 0: the node's own */
};

#endif
