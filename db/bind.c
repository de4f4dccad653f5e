/* bind.c - see bind.h. */
#include "db/bind.h"

#include "db/wire.h"

#include <assert.h>

/* Array: dimensions, nulls, element type, length, lower bound. */
enum { ARRAY_HEADER = 20 };

static const struct {
    uint32_t oid, array;
} oids[DB_TYPE_COUNT] = {
    [DB_INT8] = {DB_OID_INT8, 1016},
    [DB_INT4] = {DB_OID_INT4, 1007},
    [DB_INT2] = {DB_OID_INT2, 1005},
    [DB_BOOL] = {DB_OID_BOOL, 1000},
    [DB_TEXT] = {DB_OID_TEXT, 1009},
    [DB_BYTES] = {DB_OID_BYTEA, 1001},
    [DB_TIME] = {DB_OID_TIMESTAMPTZ, 1185},
    [DB_JSON] = {DB_OID_JSONB, 3807},
};

bool bind_type_of_oid(uint32_t oid, bool array, uint8_t *ret_type)
{
    for (uint8_t type = 0; type < DB_TYPE_COUNT; type++) {
        if (oid == (array ? oids[type].array : oids[type].oid)) {
            *ret_type = type;
            return true;
        }
    }
    return false;
}

static size_t element_size(const unsigned char *at)
{
    uint32_t length = wire_get32(at);

    return 4 + (length == UINT32_MAX ? 0 : (size_t)length);
}

void bind_row(struct bind_values *ret, const unsigned char *row, uint16_t columns)
{
    for (uint16_t column = 0; column < columns; column++) {
        size_t size = element_size(row);
        bool null = wire_get32(row) == UINT32_MAX;

        ret->values[column] = null ? NULL : (const char *)row + 4;
        ret->lengths[column] = (int)(size - 4);
        ret->formats[column] = 1;
        row += size;
    }
}

void bind_arrays_begin(struct bind_arrays *arrays, uint16_t columns)
{
    assert(columns <= DB_COLUMNS_MAX);
    arrays->rows = 0;
    arrays->columns = columns;
    for (uint16_t column = 0; column < columns; column++) {
        arrays->null[column] = false;
        arrays->size[column] = ARRAY_HEADER;
    }
}

void bind_arrays_measure(struct bind_arrays *arrays, const unsigned char *rows, uint32_t count)
{
    arrays->rows += count;
    for (uint32_t row = 0; row < count; row++) {
        for (uint16_t column = 0; column < arrays->columns; column++) {
            size_t size = element_size(rows);

            arrays->size[column] += size;
            arrays->null[column] |= wire_get32(rows) == UINT32_MAX;
            rows += size;
        }
    }
}

size_t bind_arrays_size(const struct bind_arrays *arrays)
{
    size_t size = 0;

    for (uint16_t column = 0; column < arrays->columns; column++)
        size += arrays->size[column];
    return size;
}

void bind_arrays_lay_out(struct bind_arrays *arrays, const uint8_t *types, unsigned char *scratch,
    struct bind_values *ret)
{
    for (uint16_t column = 0; column < arrays->columns; column++) {
        assert(types[column] < DB_TYPE_COUNT);
        wire_put32(scratch, 1);
        wire_put32(scratch + 4, arrays->null[column]);
        wire_put32(scratch + 8, oids[types[column]].oid);
        wire_put32(scratch + 12, arrays->rows);
        wire_put32(scratch + 16, 1);
        arrays->at[column] = scratch + ARRAY_HEADER;
        ret->values[column] = (const char *)scratch;
        ret->lengths[column] = (int)arrays->size[column];
        ret->formats[column] = 1;
        scratch += arrays->size[column];
    }
}

void bind_arrays_fill(struct bind_arrays *arrays, const unsigned char *rows, uint32_t count)
{
    for (uint32_t row = 0; row < count; row++) {
        for (uint16_t column = 0; column < arrays->columns; column++) {
            size_t size = element_size(rows);

            memcpy(arrays->at[column], rows, size);
            arrays->at[column] += size;
            rows += size;
        }
    }
}
