/* bucket.h - token buckets for many keys in a table of fixed size.
 *
 * A key that finds no room takes the place of the fullest bucket of its row, which is the one whose
 * loss changes least.  So a flood of keys costs no memory, and can only forget, never block.
 * Pure; not safe for more than one thread.
 */
#ifndef CORE_BUCKET_H
#define CORE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

struct core_address {
    uint8_t bytes[16]; /* IPv6; IPv4 is mapped (::ffff:a.b.c.d) */
};

struct core_rate {
    uint32_t per_minute;
    uint32_t burst;
};

struct core_buckets;

/* NULL: no memory.  seed keeps strangers from choosing which keys share a row. */
MUST_CHECK struct core_buckets *core_buckets_new(uint32_t keys, uint64_t seed);
void core_buckets_free(struct core_buckets *);
/* False: its bucket is empty. */
MUST_CHECK bool core_buckets_take(
    struct core_buckets *, const struct core_address *, struct core_rate, uint64_t now_ms);

/* Whom a limit of one address counts: an IPv4 address, or an IPv6 network of 64 bits, since each of
 * its 2^64 addresses belongs to the same party.  core_buckets_take does it by itself. */
struct core_address core_address_party(const struct core_address *);
/* 127.0.0.0/8 and ::1. */
bool core_address_is_loopback(const struct core_address *);

#endif
