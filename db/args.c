/* args.c - see args.h. */
#include "db/args.h"

#include "db/alloc.h"
#include "db/wire.h"

#include <assert.h>
#include <string.h>

void db_args_init(struct db_args *args)
{
    memset(args, 0, sizeof *args);
}

void db_args_done(struct db_args *args)
{
    if (!args)
        return;
    db_free(args->data);
    memset(args, 0, sizeof *args);
}

void db_args_reset(struct db_args *args)
{
    args->used = 0;
    args->rows = 0;
    args->columns = 0;
    args->in_row = 0;
    args->failed = false;
}

static bool reserve(struct db_args *args, size_t more)
{
    size_t size = args->size ? args->size : 512;
    unsigned char *data;

    if (args->size - args->used >= more)
        return true;
    if (more > DB_ARGS_BYTES_MAX - args->used)
        return false;
    while (size - args->used < more)
        size *= 2;
    data = db_realloc(args->data, size);
    if (!data)
        return false;
    args->data = data;
    args->size = size;
    return true;
}

/* The column's type is fixed by the first row; a later row that disagrees is a bug. */
static void note_type(struct db_args *args, enum db_type type)
{
    uint16_t column = args->in_row++;

    assert(column < DB_COLUMNS_MAX);
    if (args->rows == 0)
        args->types[column] = (uint8_t)type;
    else
        assert(column < args->columns && args->types[column] == (uint8_t)type);
}

/* Room for a value of `length` bytes behind its length; NULL once something has failed. */
static unsigned char *value(struct db_args *args, enum db_type type, size_t length)
{
    unsigned char *at;

    note_type(args, type);
    if (args->failed || length > DB_ARGS_BYTES_MAX || !reserve(args, length + 4)) {
        args->failed = true;
        return NULL;
    }
    at = args->data + args->used;
    wire_put32(at, (uint32_t)length);
    args->used += length + 4;
    return at + 4;
}

void db_args_int8(struct db_args *args, int64_t number)
{
    unsigned char *at = value(args, DB_INT8, 8);

    if (at)
        wire_put64(at, (uint64_t)number);
}

void db_args_int4(struct db_args *args, int32_t number)
{
    unsigned char *at = value(args, DB_INT4, 4);

    if (at)
        wire_put32(at, (uint32_t)number);
}

void db_args_int2(struct db_args *args, int16_t number)
{
    unsigned char *at = value(args, DB_INT2, 2);
    uint16_t swapped = __builtin_bswap16((uint16_t)number);

    if (at)
        memcpy(at, &swapped, sizeof swapped);
}

void db_args_bool(struct db_args *args, bool truth)
{
    unsigned char *at = value(args, DB_BOOL, 1);

    if (at)
        *at = truth;
}

void db_args_text(struct db_args *args, const char *text)
{
    if (text)
        db_args_text_n(args, text, strlen(text));
    else
        db_args_null(args, DB_TEXT);
}

void db_args_text_n(struct db_args *args, const char *text, size_t length)
{
    unsigned char *at = value(args, DB_TEXT, length);

    if (at && length)
        memcpy(at, text, length);
}

void db_args_bytes(struct db_args *args, const void *bytes, size_t length)
{
    unsigned char *at;

    if (!bytes) {
        db_args_null(args, DB_BYTES);
        return;
    }
    at = value(args, DB_BYTES, length);
    if (at && length)
        memcpy(at, bytes, length);
}

void db_args_time_us(struct db_args *args, int64_t unix_us)
{
    unsigned char *at = value(args, DB_TIME, 8);
    int64_t us = unix_us < INT64_MIN + DB_EPOCH_US ? INT64_MIN : unix_us - DB_EPOCH_US;

    if (us < DB_TIME_MIN_US)
        us = DB_TIME_MIN_US;
    if (us >= DB_TIME_END_US)
        us = DB_TIME_END_US - 1;
    if (at)
        wire_put64(at, (uint64_t)us);
}

void db_args_json(struct db_args *args, const char *text, size_t length)
{
    unsigned char *at;

    if (!text) {
        db_args_null(args, DB_JSON);
        return;
    }
    at = value(args, DB_JSON, length + 1);
    if (!at)
        return;
    at[0] = 1; /* jsonb's only format version */
    memcpy(at + 1, text, length);
}

void db_args_null(struct db_args *args, enum db_type type)
{
    note_type(args, type);
    if (args->failed || !reserve(args, 4)) {
        args->failed = true;
        return;
    }
    wire_put32(args->data + args->used, UINT32_MAX);
    args->used += 4;
}

void db_args_row(struct db_args *args)
{
    if (args->rows == 0)
        args->columns = args->in_row;
    assert(args->in_row == args->columns);
    args->in_row = 0;
    args->rows++;
}

bool db_args_ok(const struct db_args *args)
{
    return !args->failed && args->in_row == 0;
}
