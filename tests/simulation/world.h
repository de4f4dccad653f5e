/* world.h - time, events, faults and the judge of one simulated world.
 *
 * One thread, one heap of events, a virtual clock in microseconds: nothing here asks the machine
 * for anything but memory, so a seed is a world.  A world owns all that is in it.
 */
#ifndef SIMULATION_WORLD_H
#define SIMULATION_WORLD_H

#include "csms/core/core.h"

#include "tests/simulation/random.h"

/* FAULT(NAME, "name"): each seed has about half.  What they do stands where they are drawn. */
#define FAULTS(FAULT)                                                                              \
    FAULT(TEAR, "tear") FAULT(HALF_OPEN, "half-open") FAULT(SECOND_SOCKET, "second-socket")        \
    FAULT(REBOOT, "reboot") FAULT(JUNK, "junk") FAULT(MUTE, "mute") FAULT(LATE, "late-answer")     \
    FAULT(KILL, "kill") FAULT(DRAIN, "drain") FAULT(LOCK_LOST, "lock-lost")                        \
    FAULT(AWAY, "database-away") FAULT(CRASH, "database-crash") FAULT(UNKNOWN, "commit-unknown")   \
    FAULT(ZOMBIE, "late-commit") FAULT(BATCH, "batch-fails") FAULT(HELD, "rows-held")              \
    FAULT(SLOW, "slow") FAULT(FULL, "lane-full") FAULT(REFUSE, "refuse")                           \
    FAULT(NOTICE, "no-notice") FAULT(LARGE, "large") FAULT(TOO_LARGE, "too-large")                 \
    FAULT(PENDING, "pending") FAULT(REVOKE, "revoke") FAULT(CLOCK, "clock-step")                   \
    FAULT(FORGET, "pile-forgets")

#define FAULT(name, text) FAULT_##name,
enum fault { FAULTS(FAULT) FAULT_COUNT };
#undef FAULT

enum breach {
    BREACH_CONFIRMED_EARLY = 1, /* a confirmation before its commit */
    BREACH_LOST,                /* confirmed, but not stored exactly once */
    BREACH_SESSION,             /* a true session is missing, doubled or has other registers */
    BREACH_OWNER,               /* two connections own a station, or core and transport differ */
    BREACH_EPOCH,               /* epochs do not rise, or something is done on an old one */
    BREACH_COMMAND_TWICE,
    BREACH_COMMAND_STUCK,
    BREACH_MEMORY, /* of the core: not bounded, or not empty at the end */
    BREACH_ORDER,  /* a pile's frames are not worked and answered in order */
    BREACH_ANSWER, /* a wrong answer */
    BREACH_CALM,   /* the world does not come to rest */
    BREACH_UNFAIR, /* one pile waits far longer than the others */
    BREACH_DIGEST, /* the same seed came out differently */
    BREACH_ASSERT
};

enum event_kind {
    EVENT_PILE,
    EVENT_OPEN,
    EVENT_OPENED,
    EVENT_UP,
    EVENT_HELD,
    EVENT_UP_CLOSE,
    EVENT_DOWN,
    EVENT_DOWN_CLOSE,
    EVENT_GONE,
    EVENT_PILE_LEARNS,
    EVENT_TICK,
    EVENT_START,
    EVENT_HINT,
    EVENT_MOVED,
    EVENT_LANE_GO,
    EVENT_LANE_COMMIT,
    EVENT_LANE_ANSWER,
    EVENT_LANE_UP,
    EVENT_WORKER,
    EVENT_DATABASE_BACK,
    EVENT_FAULTS,
    EVENT_COMMAND,
    EVENT_EXPIRY,
    EVENT_KINDS
};

/* `who` and `stamp` say whom it meant: one that was meant for a dead one is dropped.  `data` is the
 * handler's to free. */
struct event {
    int64_t at_us;
    uint64_t order;
    enum event_kind kind;
    uint32_t who;
    uint64_t stamp;
    int64_t more;
    void *data;
};

struct world_options {
    uint64_t seed;
    uint32_t steps; /* events before it becomes calm */
    uint32_t piles;
    uint32_t nodes; /* 0: the seed says */
    uint32_t faults; /* bit per enum fault that may occur */
    uint32_t fault_limit;
    bool day; /* a day of well-behaved piles */
};

struct line {
    int64_t at_us, number[3];
    const char *what;
    char text[112];
};

enum { LINES = 256, WAIT_MS_MAX = 4096 };

struct world {
    struct world_options options;
    int64_t now_us;
    struct event *heap;
    size_t heap_count, heap_room;
    uint64_t order, steps;
    struct random random; /* of the network and of the world's own plans */
    struct random fault_random[FAULT_COUNT];
    uint32_t faults, fault_count;
    bool calm, leaving, away;
    int64_t calm_us;
    uint64_t digest, frames_in, frames_out;
    struct keys epochs;          /* given to a connection */
    uint32_t waits[WAIT_MS_MAX]; /* how many answers took so many milliseconds */
    struct model *model;
    struct node *nodes;
    uint32_t node_count;
    struct pile *piles;
    struct socket *sockets;
    uint32_t socket_count, socket_room, socket_free;
    uint64_t serial; /* of sockets and everything else that may die */
    struct line lines[LINES];
    uint64_t line_count;
};

extern struct world *world_now; /* for the last words when the core asserts */

struct world *world_new(const struct world_options *);
void world_free(struct world *);
/* From beginning to end; a breach ends the process.  Its digest. */
uint64_t world_run(struct world *);

void world_at(struct world *, int64_t at_us, const struct event *);
bool world_fault(struct world *, enum fault, uint32_t permille);
void world_digest(struct world *, int64_t);
void world_line(struct world *, const char *what, int64_t a, int64_t b, const char *text);
int64_t world_delay(struct world *, int64_t low_us, int64_t high_us);
const char *world_fault_name(enum fault);
const char *world_breach_name(enum breach);
__attribute__((noreturn, format(printf, 3, 4))) void world_breach(
    struct world *, enum breach, const char *format, ...);

/* plan.c: what befalls the world. */
void plan_begin(struct world *);
void plan_faults(struct world *);
void plan_command(struct world *);

#endif
