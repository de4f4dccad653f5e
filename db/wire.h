/* wire.h - PostgreSQL's binary format: big-endian integers, its epoch, its type numbers.
 *
 * Internal, pure.
 */
#ifndef DB_WIRE_H
#define DB_WIRE_H

#include <stdint.h>
#include <string.h>

enum {
    DB_OID_BOOL = 16,
    DB_OID_BYTEA = 17,
    DB_OID_NAME = 19,
    DB_OID_INT8 = 20,
    DB_OID_INT2 = 21,
    DB_OID_INT4 = 23,
    DB_OID_TEXT = 25,
    DB_OID_JSON = 114,
    DB_OID_UNKNOWN = 705,
    DB_OID_VARCHAR = 1043,
    DB_OID_TIMESTAMPTZ = 1184,
    DB_OID_JSONB = 3802,
};

/* 2000-01-01 in unix time, where PostgreSQL's timestamps begin. */
#define DB_EPOCH_US INT64_C(946684800000000)
/* What timestamptz holds, in its own epoch: 4713 BC up to the year 294277. */
#define DB_TIME_MIN_US (-INT64_C(211813488000000000))
#define DB_TIME_END_US INT64_C(9223371331200000000)

static inline void wire_put32(unsigned char *to, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(to, &value, sizeof value);
}

static inline void wire_put64(unsigned char *to, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(to, &value, sizeof value);
}

static inline uint16_t wire_get16(const void *from)
{
    uint16_t value;

    memcpy(&value, from, sizeof value);
    return __builtin_bswap16(value);
}

static inline uint32_t wire_get32(const void *from)
{
    uint32_t value;

    memcpy(&value, from, sizeof value);
    return __builtin_bswap32(value);
}

static inline uint64_t wire_get64(const void *from)
{
    uint64_t value;

    memcpy(&value, from, sizeof value);
    return __builtin_bswap64(value);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the byte swaps are for little-endian");

#endif
