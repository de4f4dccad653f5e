/* random.c - PCG32 (XSH-RR) with named streams.  Pure; see random.h. */
#include "simulators/random.h"

#include <assert.h>

static uint64_t fnv1a(uint64_t hash, const char *text)
{
    for (; *text; text++) {
        hash ^= (unsigned char)*text;
        hash *= 1099511628211ULL;
    }
    return hash;
}

static uint32_t next(struct sim_random *random)
{
    uint64_t old = random->state;
    uint32_t mixed = (uint32_t)(((old >> 18) ^ old) >> 27);
    uint32_t turn = (uint32_t)(old >> 59);

    random->state = old * 6364136223846793005ULL + random->stream;
    return (mixed >> turn) | (mixed << ((32 - turn) & 31));
}

void sim_random_init(struct sim_random *random, uint64_t seed, const char *name, uint32_t number)
{
    uint64_t stream = fnv1a(14695981039346656037ULL, name) + number * 0x9e3779b97f4a7c15ULL;

    random->state = 0;
    random->stream = (stream << 1) | 1;
    next(random);
    random->state += seed;
    next(random);
}

uint32_t sim_random_below(struct sim_random *random, uint32_t bound)
{
    return (uint32_t)(((uint64_t)next(random) * bound) >> 32);
}

int64_t sim_random_between(struct sim_random *random, int64_t low, int64_t high)
{
    assert(low <= high);
    assert(high - low < UINT32_MAX);
    return low + sim_random_below(random, (uint32_t)(high - low + 1));
}
