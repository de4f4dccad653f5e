/* bench_pile.h - one pile on the bench: its clock, its central system and its fleet are the test's.
 *
 * Every text that the pile sends is kept in `bench.sent`.
 */
#ifndef TESTS_SIMULATORS_BENCH_PILE_H
#define TESTS_SIMULATORS_BENCH_PILE_H

#include "simulators/pile.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENT_MAX = 4096, SENT_TEXT = 4096, BENCH_STEPS = 100000 };

#define BENCH_NOON 1800000000000000LL /* microseconds; the minute is whole */

struct bench {
    struct sim_fleet fleet;
    struct sim_ports ports;
    struct sim_pile pile;
    struct sim_now now;
    char sent[SENT_MAX][SENT_TEXT];
    int sent_count;
    bool wants_connection, closing;
    const char *card_status, *start_status; /* what the system says */
    int transactions;
};

extern struct bench bench;

/* Reads bench.json; then starts its pile of that number, in the past if `days` is not 0. */
void bench_fleet(void);
void bench_start(int pile, int64_t days, const char *truth);

/* Both for the first pile, live, connected and booted. */
void bench_up(void);
void bench_done(void);

/* The system speaks; confirms the CALL that is on its way; confirms it as bench.*_status say; and
 * goes on until none is left. */
void system_says(const char *text);
void system_confirms(const char *payload);
void system_answers(void);
void answer_all(void);

void open_connection(void);

/* Lets time pass to the next thing the pile has to do, at most until then; false: it is then. */
bool step(uint64_t end_ms);

/* Time passes; with `answering` the system confirms all that comes. */
void pass_s(int64_t seconds, bool answering);

/* How many sent texts hold that part; the place of the first (-1: none); the last text. */
int sent_with(const char *part);
int sent_at(const char *part);
const char *last_sent(void);

/* A charge of 120 kW at connector 1, at once. */
void ask_charge(int64_t seconds);

#endif
