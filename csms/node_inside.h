/* node_inside.h - the parts of a node, for node.c, node_core.c and node_ws.c alone. */
#ifndef CSMS_NODE_INSIDE_H
#define CSMS_NODE_INSIDE_H

#include "db/lane.h"
#include "db/listen.h"

#include "csms/core/admit.h"
#include "csms/core/core.h"
#include "csms/inbound.h"
#include "csms/link.h"
#include "csms/metrics.h"
#include "csms/node.h"
#include "csms/pages.h"
#include "csms/pepper.h"
#include "csms/roster.h"
#include "csms/trace.h"
#include "csms/worker.h"
#include "csms/ws.h"

struct node_lane {
    struct node *node;
    const char *name;
    struct link link;
    bool down; /* and told so */
};

/* What a lane's `done` needs besides the token. */
struct node_kind {
    struct node *node;
    enum core_work_kind kind;
};

struct node {
    struct node_config config;
    char name[65];
    char conninfo[1536];
    int64_t id;
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
    struct workers *workers;
    struct roster *roster;
    struct trace *trace;
    struct node_kind kinds[CORE_WORK_KINDS];
    struct db_args args; /* of the work that is being bound */
    struct wheel_timer tick;
    uint64_t looked_ms, seen_ms, drain_ms, drained_ms;
    uint64_t ticked_ms, resumed_ms; /* the last tick; when it came much too late */
    uint64_t unlocked_ms; /* since when the node's lock is lost; 0: it is held, or was never */
    bool away, draining, sockets_drained;
    loop_call *ended;
    void *ended_ctx;
};

/* node.c */
struct core_now node_now(const struct node *);
const char *node_not_ready(const struct node *); /* NULL: ready */

/* node_core.c */
MUST_CHECK bool node_core_make(struct node *);
void node_core_reload(struct node *);

/* node_ws.c */
void node_hash(
    void *ctx, const char *identity, const void *key, size_t length, uint8_t ret[PEPPER_HASH]);
MUST_CHECK bool node_ws_make(struct node *);
/* Opens the listening sockets; an exit status. */
MUST_CHECK int node_listen(struct node *, char why[NODE_WHY_MAX]);

#endif
