/* node_inside.h - the parts of a node, for csms/node*.c alone. */
#ifndef CSMS_NODE_INSIDE_H
#define CSMS_NODE_INSIDE_H

#include "db/lane.h"
#include "db/listen.h"

#include "csms/closing.h"
#include "csms/core/admit.h"
#include "csms/core/core.h"
#include "csms/inbound.h"
#include "csms/link.h"
#include "csms/metrics.h"
#include "csms/node.h"
#include "csms/pages.h"
#include "csms/pepper.h"
#include "csms/resolve.h"
#include "csms/roster.h"
#include "csms/trace.h"
#include "csms/worker.h"
#include "csms/ws.h"

struct node_lane {
    struct node *node;
    const char *name;
    struct link link;
    bool down;              /* and told so */
    enum db_lane_event why; /* the last event */
};

/* What a lane's `done` needs besides the token. */
struct node_kind {
    struct node *node;
    enum core_work_kind kind;
};

/* The first words with the database; see node_greet.c. */
struct node_greeting {
    struct worker_task task;
    struct node *node;
    bool under_way;
    uint64_t asked_ms;
    int64_t id;
    int status; /* an exit status, if the database is not ours to use */
    char why[NODE_WHY_MAX];
};

struct node {
    struct node_config config;
    char name[65];
    char conninfo[1536];
    char address[DB_ADDRESS_MAX]; /* the same with its hosts' addresses; "": not known yet */
    struct resolve *resolve;      /* NULL: there is no name to look up */
    bool unresolved;              /* and told so */
    int64_t id; /* 0: the database has not answered yet; no listening, no roster */
    struct node_greeting greeting;
    struct pepper pepper;
    struct node_lane money_lane, telemetry_lane, listen_lane;
    struct db_lane *money, *telemetry;
    struct db_listen *listening;
    struct core *core;
    struct core_directory *directory;
    struct core_admit *admit;
    struct ws *ws;
    struct pages *pages;
    struct metrics *metrics;
    struct workers *workers, *lookers; /* jobs and patients; what the node asks for itself */
    struct roster *roster;
    struct trace *trace;
    struct closing *closing;
    struct patient *patients; /* of node_patient.c */
    uint32_t patient_count;
    size_t patient_bytes; /* of those that nobody waits for */
    struct node_kind kinds[CORE_WORK_KINDS];
    struct db_args args; /* of the work that is being bound */
    struct wheel_timer tick;
    bool moved; /* another node may have taken a pile from us; looked at with the next tick */
    uint64_t looked_ms, others_ms, seen_ms, drain_ms, drained_ms;
    uint64_t ticked_ms, resumed_ms; /* the last tick; when it came much too late */
    uint64_t unlocked_ms; /* since when the node's lock is lost; 0: it is held, or was never */
    bool away, draining, ending, sockets_drained;
    loop_call *ended;
    void *ended_ctx;
};

/* node.c */
struct core_now node_now(const struct node *);
const char *node_not_ready(const struct node *); /* NULL: ready */
/* The database has given the node its number. */
MUST_CHECK bool node_begin(struct node *, int64_t id);

/* node_greet.c */
void node_greet(struct node *, uint64_t now_ms);

/* node_core.c */
/* A result, given to the core as what it knows. */
void node_give(
    const struct node_kind *, uint64_t token, enum db_result, const struct db_row *);
MUST_CHECK bool node_core_make(struct node *);
void node_core_reload(struct node *);

/* node_patient.c */
/* A worker tries it, and again while the row is held, for 2 s; then the outcome is given.  False:
 * no memory, or too much waits for the workers. */
MUST_CHECK bool node_patient_start(struct node *, const struct core_work *);
/* Has it written by the money lane; by a worker while the row is held, for a minute, and once the
 * database is back.  No outcome is given.  False: no memory, or too much waits; that is told. */
MUST_CHECK bool node_patient_write(struct node *, const struct core_work *);
/* After the workers and the lane. */
void node_patients_end(struct node *);

/* node_ws.c */
MUST_CHECK bool node_ws_make(struct node *);
/* Opens the listening sockets; an exit status. */
MUST_CHECK int node_listen(struct node *, char why[NODE_WHY_MAX]);

#endif
