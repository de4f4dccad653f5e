/* bind.h - from the bytes of struct db_args to the parameters of one execution.
 *
 * Internal, pure; pointers into the given bytes.  For a BULK the rows of any number of args become
 * one array per column: measure all, lay out, fill all.
 */
#ifndef DB_BIND_H
#define DB_BIND_H

#include "db/args.h"

struct bind_values {
    const char *values[DB_COLUMNS_MAX];
    int lengths[DB_COLUMNS_MAX], formats[DB_COLUMNS_MAX];
};

/* The parameters of one row. */
void bind_row(struct bind_values *ret, const unsigned char *row, uint16_t columns);

struct bind_arrays {
    uint32_t rows;
    uint16_t columns;
    bool null[DB_COLUMNS_MAX];
    size_t size[DB_COLUMNS_MAX];
    unsigned char *at[DB_COLUMNS_MAX]; /* where the column's next element goes */
};

void bind_arrays_begin(struct bind_arrays *, uint16_t columns);
void bind_arrays_measure(struct bind_arrays *, const unsigned char *rows, uint32_t count);
size_t bind_arrays_size(const struct bind_arrays *);

/* `scratch` has bind_arrays_size() bytes and outlives the execution. */
void bind_arrays_lay_out(
    struct bind_arrays *, const uint8_t *types, unsigned char *scratch, struct bind_values *ret);
void bind_arrays_fill(struct bind_arrays *, const unsigned char *rows, uint32_t count);

/* The server's type number to ours, of the array's elements if `array`. */
MUST_CHECK bool bind_type_of_oid(uint32_t oid, bool array, uint8_t *ret_type);

#endif
