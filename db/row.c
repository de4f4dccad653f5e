/* row.c - see row.h.  Results are always asked for in binary. */
#include "db/row.h"

#include "db/wire.h"

#include <libpq-fe.h>

#include <assert.h>

static const char *value(const struct db_row *row, int column)
{
    assert(column >= 0 && column < PQnfields(row->result));
    return PQgetisnull(row->result, row->index, column)
               ? NULL
               : PQgetvalue(row->result, row->index, column);
}

bool db_row_is_null(const struct db_row *row, int column)
{
    return value(row, column) == NULL;
}

const char *db_row_text(const struct db_row *row, int column)
{
    const char *at = value(row, column);

    switch ((int)PQftype(row->result, column)) {
    case DB_OID_TEXT:
    case DB_OID_VARCHAR:
    case DB_OID_NAME:
    case DB_OID_JSON:
    case DB_OID_UNKNOWN:
        return at;
    case DB_OID_JSONB:
        return at ? at + 1 : NULL; /* behind the format's version */
    default:
        assert(false && "the column is text");
        return NULL;
    }
}

int64_t db_row_int8(const struct db_row *row, int column)
{
    const char *at = value(row, column);

    if (!at)
        return 0;
    switch ((int)PQftype(row->result, column)) {
    case DB_OID_INT8:
        return (int64_t)wire_get64(at);
    case DB_OID_INT4:
        return (int32_t)wire_get32(at);
    case DB_OID_INT2:
        return (int16_t)wire_get16(at);
    default:
        assert(false && "the column is an integer");
        return 0;
    }
}

bool db_row_bool(const struct db_row *row, int column)
{
    const char *at = value(row, column);

    assert(PQftype(row->result, column) == DB_OID_BOOL);
    return at && *at;
}

int64_t db_row_time_us(const struct db_row *row, int column)
{
    const char *at = value(row, column);
    int64_t us;

    assert(PQftype(row->result, column) == DB_OID_TIMESTAMPTZ);
    if (!at)
        return 0;
    us = (int64_t)wire_get64(at);
    if (us == INT64_MIN || us > INT64_MAX - DB_EPOCH_US)
        return us; /* the infinities, and times too far off for unix microseconds */
    return us + DB_EPOCH_US;
}
