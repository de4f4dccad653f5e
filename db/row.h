/* row.h - reading one row of a result.
 *
 * A row is a view into a result: valid until the callback that got it returns (lane), or until
 * db_rows_done (conn).  Columns count from 0; a column that does not exist, or has another type
 * than the accessor, is a bug of the statement and asserted.
 */
#ifndef DB_ROW_H
#define DB_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg_result;

struct db_row {
    const struct pg_result *result;
    int index;
};

bool db_row_is_null(const struct db_row *, int column);

/* Text, varchar, name, json, jsonb; NULL when null.  NUL-terminated. */
const char *db_row_text(const struct db_row *, int column);

int64_t db_row_int8(const struct db_row *, int column);    /* int2, int4, int8; 0 when null */
bool db_row_bool(const struct db_row *, int column);       /* false when null */
int64_t db_row_time_us(const struct db_row *, int column); /* unix microseconds; 0 when null;
                                                              infinities are INT64_MIN and _MAX */

#endif
