/* bucket.c - see bucket.h.
 *
 * A bucket is kept as the time at which it will be full again (generic cell rate): one number, and
 * a bucket whose time has passed is as good as an empty place.
 */
#include "csms/core/bucket.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 8 };

struct bucket {
    struct core_address key;
    uint64_t full_at_us; /* 0: never used */
};

struct core_buckets {
    uint64_t seed;
    uint32_t rows; /* a power of two */
    struct bucket table[][WAYS];
};

struct core_buckets *core_buckets_new(uint32_t keys, uint64_t seed)
{
    uint32_t rows = 1;
    struct core_buckets *buckets;

    while (rows < keys / WAYS)
        rows *= 2;
    buckets = calloc(1, sizeof(*buckets) + rows * sizeof(buckets->table[0]));
    if (!buckets)
        return NULL;
    buckets->seed = seed;
    buckets->rows = rows;
    return buckets;
}

void core_buckets_free(struct core_buckets *buckets)
{
    free(buckets);
}

static uint64_t mix(uint64_t value)
{
    value ^= value >> 33;
    value *= UINT64_C(0xff51afd7ed558ccd);
    value ^= value >> 33;
    value *= UINT64_C(0xc4ceb9fe1a85ec53);
    return value ^ value >> 33;
}

static struct bucket *row_of(struct core_buckets *buckets, const struct core_address *key)
{
    uint64_t half[2];

    memcpy(half, key->bytes, sizeof(half));
    return buckets->table[mix(mix(half[0] ^ buckets->seed) ^ half[1]) & (buckets->rows - 1)];
}

static struct bucket *find(struct bucket *row, const struct core_address *key)
{
    for (unsigned i = 0; i < WAYS; i++)
        if (row[i].full_at_us && !memcmp(&row[i].key, key, sizeof(*key)))
            return &row[i];
    return NULL;
}

static struct bucket *find_or_replace(struct bucket *row, const struct core_address *key)
{
    struct bucket *best = find(row, key);

    if (best)
        return best;
    best = row;
    for (unsigned i = 1; i < WAYS; i++)
        if (row[i].full_at_us < best->full_at_us)
            best = &row[i];
    *best = (struct bucket){ .key = *key };
    return best;
}

/* What the bucket's time would be after one more token; false: that is too far ahead. */
static bool next_full(
    uint64_t full_at_us, struct core_rate rate, uint64_t now_us, uint64_t *ret_full_at_us)
{
    uint64_t token_us = 60000000 / (rate.per_minute ? rate.per_minute : 1);
    uint64_t next = (full_at_us > now_us ? full_at_us : now_us) + token_us;

    *ret_full_at_us = next;
    return next - now_us <= token_us * rate.burst;
}

bool core_buckets_take(struct core_buckets *buckets, const struct core_address *key,
    struct core_rate rate, uint64_t now_ms)
{
    struct core_address party = core_address_party(key);
    struct bucket *bucket = find_or_replace(row_of(buckets, &party), &party);
    uint64_t next;

    if (!next_full(bucket->full_at_us, rate, now_ms * 1000, &next))
        return false;
    bucket->full_at_us = next;
    return true;
}

struct core_address core_address_party(const struct core_address *address)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    struct core_address party = *address;

    if (memcmp(address->bytes, mapped, sizeof(mapped)) && !core_address_is_loopback(address))
        memset(party.bytes + 8, 0, 8);
    return party;
}

bool core_address_is_loopback(const struct core_address *address)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t one[16] = { [15] = 1 };

    if (!memcmp(address->bytes, mapped, sizeof(mapped)))
        return address->bytes[12] == 127;
    return !memcmp(address->bytes, one, sizeof(one));
}
