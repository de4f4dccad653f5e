/* random.c - see random.h. */
#include "tests/simulation/random.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t turn(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

void random_init(struct random *random, uint64_t seed, uint64_t stream)
{
    uint64_t mixed = hash_int(hash_int(HASH_START, (int64_t)seed), (int64_t)stream);

    for (int i = 0; i < 4; i++)
        random->state[i] = splitmix(&mixed);
}

uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state, result = turn(s[1] * 5, 7) * 9, kept = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= kept;
    s[3] = turn(s[3], 45);
    return result;
}

uint32_t random_below(struct random *random, uint32_t bound)
{
    return (uint32_t)(((random_next(random) >> 32) * bound) >> 32);
}

int64_t random_between(struct random *random, int64_t low, int64_t high)
{
    assert(low <= high);
    return low + (int64_t)(random_next(random) % (uint64_t)(high - low + 1));
}

bool random_chance(struct random *random, uint32_t permille)
{
    return random_below(random, 1000) < permille;
}

/* Eight bytes a step. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint64_t part = 0;

    for (; length >= sizeof part; length -= sizeof part, at += sizeof part) {
        memcpy(&part, at, sizeof part);
        hash = hash_int(hash, (int64_t)part);
    }
    part = length;
    for (; length > 0; length--)
        part = part << 8 | *at++;
    return hash_int(hash, (int64_t)part);
}

uint64_t hash_int(uint64_t hash, int64_t value)
{
    hash = (hash ^ (uint64_t)value) * UINT64_C(0xff51afd7ed558ccd);
    return hash ^ (hash >> 32);
}

uint64_t hash_key(const int64_t *parts, size_t count)
{
    uint64_t hash = HASH_START;

    for (size_t i = 0; i < count; i++) {
        hash = hash_int(hash, parts[i]);
        hash = splitmix(&hash);
    }
    return hash;
}

static size_t place(const struct keys *keys, uint64_t key)
{
    size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (keys->room - 1);

    while (keys->key[at] != 0 && keys->key[at] != key)
        at = (at + 1) & (keys->room - 1);
    return at;
}

static void grow(struct keys *keys)
{
    struct keys larger = {.room = keys->room != 0 ? keys->room * 2 : 64, .count = keys->count};

    larger.key = calloc(larger.room, sizeof *larger.key);
    larger.value = calloc(larger.room, sizeof *larger.value);
    assert(larger.key != NULL && larger.value != NULL);
    for (size_t i = 0; i < keys->room; i++) {
        size_t at;

        if (keys->key[i] == 0)
            continue;
        at = place(&larger, keys->key[i]);
        larger.key[at] = keys->key[i];
        larger.value[at] = keys->value[i];
    }
    keys_done(keys);
    *keys = larger;
}

int64_t *keys_at(struct keys *keys, uint64_t key)
{
    size_t at;

    key += key == 0;
    if (keys->count * 3 >= keys->room * 2)
        grow(keys);
    at = place(keys, key);
    if (keys->key[at] == 0) {
        keys->key[at] = key;
        keys->count++;
    }
    return &keys->value[at];
}

const int64_t *keys_find(const struct keys *keys, uint64_t key)
{
    size_t at;

    key += key == 0;
    if (keys->room == 0)
        return NULL;
    at = place(keys, key);
    return keys->key[at] != 0 ? &keys->value[at] : NULL;
}

void keys_done(struct keys *keys)
{
    free(keys->key);
    free(keys->value);
    *keys = (struct keys){0};
}
