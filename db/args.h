/* args.h - parameters of a statement, kept in PostgreSQL's binary form.
 *
 * Values are appended column by column; db_args_row() ends a row.  A CALL or QUERY has exactly one
 * row, a BULK one or more, all of the same columns.  Each value is kept as the wire's four-byte
 * length and bytes, which is also the form of an array's element, so that nothing is formatted
 * twice.  The buffer only grows and is meant to be reused: reset, fill, submit.
 * Failed allocation is remembered, not reported per value: db_args_ok() tells.
 * Owned by the caller; not shared between threads.
 */
#ifndef DB_ARGS_H
#define DB_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/result.h"

enum db_type {
    DB_INT8,
    DB_INT4,
    DB_INT2,
    DB_BOOL,
    DB_TEXT,
    DB_BYTES,
    DB_TIME,
    DB_JSON, /* jsonb */
    DB_TYPE_COUNT
};

enum {
    DB_COLUMNS_MAX = 40,
    DB_ARGS_BYTES_MAX = 16 * 1024 * 1024, /* one member's parameters */
};

struct db_args {
    unsigned char *data;
    size_t used, size;
    uint32_t rows;    /* ended rows */
    uint16_t columns; /* of the first row, once it has ended */
    uint16_t in_row;  /* values in the row that is open */
    uint8_t types[DB_COLUMNS_MAX];
    bool failed;
};

void db_args_init(struct db_args *);
void db_args_done(struct db_args *);
void db_args_reset(struct db_args *); /* keeps the memory */

void db_args_int8(struct db_args *, int64_t value);
void db_args_int4(struct db_args *, int32_t value);
void db_args_int2(struct db_args *, int16_t value);
void db_args_bool(struct db_args *, bool value);
void db_args_text(struct db_args *, const char *text); /* NULL is null */
void db_args_text_n(struct db_args *, const char *text, size_t length);
void db_args_bytes(struct db_args *, const void *bytes, size_t length);
void db_args_time_us(struct db_args *, int64_t unix_us); /* clamped to what timestamptz holds */
void db_args_json(struct db_args *, const char *text, size_t length); /* a jsonb parameter */
void db_args_null(struct db_args *, enum db_type);

/* Ends the row. */
void db_args_row(struct db_args *);

/* False: memory ran out or DB_ARGS_BYTES_MAX was reached since the last reset. */
MUST_CHECK bool db_args_ok(const struct db_args *);

#endif
