/* load.h - the load client: piles that do one thing as fast as they are answered, or at a rate.
 *
 * One thread. A pile has one CALL outstanding at most (OCPP-J 4.1.1). Whoever waits for an answer
 * knows its id, so that anything else is an error that is told.
 */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include "tests/bench/tally.h"
#include "tests/bench/wire.h"

enum { WARM_NS = 300000000, PATIENCE_S = 300 };

enum call { CALL_NONE, CALL_BOOT, CALL_START, CALL_READING, CALL_STOP };

struct pile {
    enum call waits_for;
    uint32_t sequence;   /* of its CALLs */
    int64_t transaction; /* the last that was started */
    int64_t register_wh;
    int64_t at_ms;     /* the time that its last CALL bears; each a later one */
    uint64_t asked_ns; /* when the CALL left, or should have left */
    uint64_t due;      /* open loop: CALLs that should have left */
    uint64_t begun;    /* open loop: CALLs that have left */
    uint64_t again_ns; /* when it connects again; 0: it is connected */
};

struct load {
    /* what was asked for */
    const char *mode, *database;
    uint32_t count, window, rate;
    int port, csmsd, postgres;
    double seconds;
    bool long_message, bare, silent;

    struct wire wire;
    struct pile *piles;
    uint32_t connected, ready, failed;
    char why[WIRE_WHY_MAX]; /* the first failure */
    bool running;
    uint64_t begin_ns, end_ns;    /* what is measured */
    uint64_t sent, confirmed;     /* of the mode's own CALLs; confirmed in all */
    uint64_t measured;            /* confirmed between begin and end */
    struct tally latency, second; /* second: of StopTransaction */
    void (*answered)(struct load *, struct pile *, enum call, uint64_t now_ns);
};

/* load_calls.c */
void calls_prepare(struct load *);
/* Sends that CALL; with `again` the one that was sent last, byte for byte. */
void call_send(struct load *, struct pile *, enum call, bool again);
void answer_take(struct load *, uint32_t index, const char *text, size_t length);
void load_fail(struct load *, const char *why);

/* load_modes.c: what the piles do once they are ready. False: something is wrong, and was told. */
bool mode_readings(struct load *);
bool mode_charges(struct load *);
bool mode_connect(struct load *);
bool mode_idle(struct load *);
bool mode_recover(struct load *);

/* load.c: connects all piles, boots them and, with `start`, starts a transaction on each. */
bool load_connect(struct load *, bool start);
/* How many rows there are of what the mode makes; -1: it cannot be asked. */
int64_t load_count(struct load *, const char *sql);
void load_turn(struct load *, uint64_t until_ns);

#endif
