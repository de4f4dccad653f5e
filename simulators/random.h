/* random.h - a small repeatable generator (PCG32).
 *
 * Every connector draws from a stream of its own, named by seed, identity and connector, so that
 * adding a pile to a fleet does not disturb the others.  A value type; no thread of its own.
 */
#ifndef SIMULATORS_RANDOM_H
#define SIMULATORS_RANDOM_H

#include <stdint.h>

struct sim_random {
    uint64_t state;
    uint64_t stream;
};

void sim_random_init(struct sim_random *, uint64_t seed, const char *name, uint32_t number);

/* Uniform in [0, bound); 0 when bound is 0. */
uint32_t sim_random_below(struct sim_random *, uint32_t bound);

/* Uniform in [low, high]; low must not exceed high. */
int64_t sim_random_between(struct sim_random *, int64_t low, int64_t high);

#endif
