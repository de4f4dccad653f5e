/* support.h - a bench for the core: its ports write down what it does, the test plays the world. */
#ifndef TESTS_CORE_SUPPORT_H
#define TESTS_CORE_SUPPORT_H

#include "csms/core/core.h"

#include <check.h>

enum { BENCH_TEXT = 2048, BENCH_EVENTS = 512, BENCH_CONNECTIONS = 8, BENCH_ROOM = 160 };

struct bench_sent {
    struct core_conn conn;
    char text[BENCH_TEXT];
};

struct bench_close {
    struct core_conn conn;
    int code;
};

/* A copy of the work as it was asked for; texts are cut. */
struct bench_work {
    struct core_work work;
    char text[BENCH_TEXT], frame[BENCH_TEXT], deviations[BENCH_TEXT], code[64], member[128];
    char readings[BENCH_TEXT], state[32], message_id[64];
    bool done;
};

struct bench {
    struct core *core;
    struct core_now now;
    bool lane_full;
    bool ending; /* the transport takes no text any more */
    bool strict; /* all stations */
    struct bench_sent sent[BENCH_EVENTS];
    struct bench_close closed[BENCH_EVENTS];
    struct bench_work work[BENCH_EVENTS];
    uint32_t sent_count, closed_count, work_count, pauses, resumes;
    uint32_t traced_out;
    char note_detail[192]; /* of the last CALLERROR */
    uint32_t committed;     /* outcomes done or refused that were given for messages */
    uint32_t confirmations; /* CALLRESULTs that are no Heartbeat's */
};

/* Is it the core that runs now, and not the bench?  Whose allocations a test may let fail. */
extern bool bench_in_core;

struct bench *bench_new(void);
void bench_free(struct bench *);

struct core_conn bench_conn(uint32_t slot, uint32_t generation);
/* Opens a connection and lets its take-over commit. */
struct core_conn bench_join(
    struct bench *, uint32_t slot, int64_t station, enum core_registration registration);
void bench_say(struct bench *, struct core_conn, const char *text);
void bench_wait(struct bench *, uint32_t ms);

/* The oldest piece of work of this kind that is not done; fails the test if there is none. */
struct bench_work *bench_work(struct bench *, enum core_work_kind);
bool bench_has(const struct bench *, enum core_work_kind);
/* Ends it. */
void bench_done(
    struct bench *, enum core_work_kind, enum core_outcome, const struct core_answer *);
void bench_commit(struct bench *, enum core_work_kind);

/* What was sent last; "" if nothing was. */
const char *bench_last(const struct bench *);
int bench_last_close(const struct bench *); /* 0: nothing was closed */
uint64_t bench_notes(const struct bench *, enum core_note);

struct bench_test {
    const TTest *test;
    int loops;
};
int bench_run(const char *name, const struct bench_test *tests, size_t count);
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
