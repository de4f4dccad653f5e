/* net.h - sockets between piles and nodes: in order within one, never across two.
 *
 * Each end learns of its death by itself, at once, late, or (half-open) only by its own patience.
 * The server's end keeps what the core shall have seen: the CALLs that wait for their answers.
 */
#ifndef SIMULATION_NET_H
#define SIMULATION_NET_H

#include "tests/simulation/world.h"

enum what {
    WHAT_NOTHING, /* no answer can come: no frame */
    WHAT_OTHER,
    WHAT_BOOT,
    WHAT_STATUS,
    WHAT_START,
    WHAT_STOP,
    WHAT_READING,
    WHAT_NOTE,
    WHAT_UNUSABLE, /* evidence that cannot be understood */
    WHAT_WRONG     /* no evidence, and wrong: a CALLERROR is due */
};

/* What a message of a pile says, as its pile knows it. */
struct content {
    enum what what;
    uint32_t pile; /* index; the station's id is one more */
    int32_t connector;
    int64_t at_us, wh, transaction;
    int64_t tag;
    uint64_t digest; /* of the frame without its message id */
    bool data;       /* a Stop with transactionData */
};

struct frame {
    struct frame *next;
    struct content content;
    char id[16]; /* in JSON's spelling, quotes included if it is a string */
    int64_t front_us; /* since when it is the next to be answered */
    size_t length;
    char text[];
};

struct socket {
    bool used, pile_end, server_end, attached, paused, torn;
    uint32_t pile, node, slot, generation;
    uint64_t serial;
    int64_t up_us, down_us;       /* when the last one that is under way arrives */
    struct frame *held, *held_last; /* read by nobody while paused */
    struct frame *seen, *seen_last; /* CALLs given to the core and not answered, in order */
    uint32_t ahead;               /* given to it since it asked to pause */
    int64_t epoch;
};

struct socket_ref {
    uint32_t index;
    uint64_t serial;
};

uint64_t frame_digest(const char *text);
struct frame *frame_new(const struct content *, const char *id, const char *text);

struct socket *net_socket(struct world *, struct socket_ref);
struct socket_ref net_ref(const struct world *, const struct socket *);
struct socket_ref net_connect(struct world *, uint32_t pile, uint32_t node);
void net_up(struct world *, struct socket *, struct frame *);
void net_down(struct world *, struct socket *, const char *text, size_t length);
void net_pile_close(struct world *, struct socket *);
/* The core has closed it. */
void net_server_close(struct world *, struct socket *);
void net_tear(struct world *, struct socket *, bool half_open);
void net_node_died(struct world *, uint32_t node);
void net_resume(struct world *, struct socket *);
void net_event(struct world *, struct event *);
void net_done(struct world *);

#endif
