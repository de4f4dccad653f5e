/* node.h - a node: the real core behind modelled lanes, and what the daemon does by the clock. */
#ifndef SIMULATION_NODE_H
#define SIMULATION_NODE_H

#include "tests/simulation/model.h"
#include "tests/simulation/net.h"

enum { LANE_MONEY, LANE_TELEMETRY, LANES, LANE_ROOM = 4096, SLOTS_SPARE = 8 };

struct lane {
    struct node *node;
    int kind;
    struct task *first, *last; /* waiting */
    uint32_t count;
    uint32_t alone; /* so many run each by itself: their batch has failed */
    bool up, running, going;
    uint64_t stamp;
    int64_t down_us, full_until_us;
    struct task *batch; /* in flight; its outcome may be unknown */
};

struct slot {
    uint32_t generation;
    struct socket_ref socket;
    bool used;
};

struct node {
    struct world *world;
    uint32_t index;
    struct core *core; /* NULL: it is down */
    int64_t number;    /* the database's */
    uint64_t stamp;    /* of this life */
    struct lane lanes[LANES];
    struct slot *slots;
    uint32_t slot_count;
    uint8_t *attached, *in_work; /* per pile: sockets the core has, messages in work */
    uint32_t *socket_of;         /* per pile: the last that was attached, an index */
    int64_t *last_epoch;         /* per pile */
    struct keys takings;         /* token of a take-over to the socket's serial */
    int64_t skew_us, drain_us, polled_us, others_us;
    uint32_t workers; /* pieces of work that wait with one */
    uint64_t ticks, checked;
    bool away, draining, lock_lost;
};

void node_init(struct world *, struct node *, uint32_t index);
void node_done(struct node *);
void node_start(struct node *);
void node_kill(struct node *);
void node_drain(struct node *);
void node_lock_lost(struct node *);
struct core_now node_now(const struct node *);
bool node_ready(const struct node *);
struct socket *node_socket(struct node *, struct core_conn);
/* The connection of a pile that the core has, or NULL. */
struct socket *node_attached(struct node *, int64_t station);
/* Hands the outcome of a task to the core and frees it. */
void node_give(struct node *, struct task *);
void node_event(struct world *, struct event *);

/* lane.c */
bool lane_submit(struct lane *, struct task *);
void lane_begin(struct lane *);
/* The node is dead; what is in flight may commit all the same. */
void lane_end(struct lane *);
int64_t lane_oldest_us(const struct lane *);
void lane_event(struct world *, struct event *);

/* ports.c */
extern const struct core_ports node_ports;

#endif
