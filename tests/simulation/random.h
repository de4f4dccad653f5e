/* random.h - xoshiro256** in streams, a hash, and a table of 64-bit keys.
 *
 * Each part of the world and each kind of fault draws from a stream of its own, so that switching
 * one off leaves the others as they were.  Value types; one thread.
 */
#ifndef SIMULATION_RANDOM_H
#define SIMULATION_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_init(struct random *, uint64_t seed, uint64_t stream);
uint64_t random_next(struct random *);
uint32_t random_below(struct random *, uint32_t bound); /* 0 if bound is 0 */
int64_t random_between(struct random *, int64_t low, int64_t high);
bool random_chance(struct random *, uint32_t permille);

#define HASH_START UINT64_C(14695981039346656037)
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length);
uint64_t hash_int(uint64_t hash, int64_t value);
/* A key of some integers; so well mixed that the simulation takes equal keys for equal things. */
#define KEY(...)                                                                                   \
    hash_key((const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
uint64_t hash_key(const int64_t *parts, size_t count);

struct keys {
    uint64_t *key;
    int64_t *value;
    size_t count, room;
};

/* The value's place; a new key's is 0.  Valid until the next key is added. */
int64_t *keys_at(struct keys *, uint64_t key);
const int64_t *keys_find(const struct keys *, uint64_t key); /* NULL: not there */
void keys_done(struct keys *);

#endif
