/* bench_insert.c - the database's own limit: readings by one prepared statement, 500 rows a commit.
 *
 *   bench_insert CONNINFO [SECONDS]
 *
 * One connection, blocking; the statement, the table and the shape of the rows are the telemetry
 * lane's. Prints rows a second, and checks that as many are stored.
 */
#include "db/conn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROWS = 500 };

static const char count_text[] = "SELECT count(*) FROM core.meter_reading";

static int64_t now_us(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* The columns that four samples fill: register, power, one phase's current and voltage. */
static void bind_reading(struct db_args *args, int64_t station, int64_t at_us, int64_t n)
{
    db_args_int8(args, station);
    db_args_time_us(args, at_us);
    db_args_int4(args, 1);
    db_args_int8(args, (int64_t)((uint64_t)n * UINT64_C(0x9e3779b97f4a7c15)));
    db_args_time_us(args, at_us + 150000);
    db_args_int8(args, 1000 + station);
    db_args_text(args, "Sample.Periodic");
    db_args_int8(args, 108200000 + n);
    for (int column = 9; column <= 25; column++) {
        if (column == 10 || column == 14 || column == 20)
            db_args_int8(args, 7400000 + column);
        else
            db_args_null(args, DB_INT8);
    }
    db_args_text(args, NULL);
    db_args_bool(args, false);
    db_args_row(args);
}

static int64_t count(struct db_conn *conn)
{
    struct db_rows rows = {0};
    struct db_row row;
    int64_t n = -1;

    if (db_conn_query(conn, count_text, NULL, &rows) == DB_OK) {
        row = db_rows_at(&rows, 0);
        n = db_row_int8(&row, 0);
    }
    db_rows_done(&rows);
    return n;
}

int main(int argc, char **argv)
{
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 3;
    int64_t n = 0, before, begin, end, stored, cpu;
    struct db_fault fault;
    struct db_conn *conn;
    struct db_args args;

    if (argc < 2) {
        fprintf(stderr, "usage: bench_insert CONNINFO [SECONDS]\n");
        return 64;
    }
    conn = db_conn_open(argv[1], "bench_insert", &fault);
    if (conn == NULL) {
        fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    db_args_init(&args);
    before = count(conn);
    begin = now_us(CLOCK_MONOTONIC);
    cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
    while ((end = now_us(CLOCK_MONOTONIC)) < begin + (int64_t)(seconds * 1e6)) {
        int64_t at_us = now_us(CLOCK_REALTIME);

        db_args_reset(&args);
        for (int i = 0; i < ROWS; i++, n++)
            bind_reading(&args, 1 + i, at_us, n);
        if (!db_args_ok(&args) || db_conn_run(conn, DB_STMT_READING_INSERT, &args, NULL) != DB_OK) {
            fprintf(stderr, "%s\n", db_conn_fault(conn)->text);
            return 1;
        }
    }
    cpu = now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    stored = count(conn) - before;
    printf("insert rate=%.0f client_us=%.1f stored=%" PRId64 " confirmed=%" PRId64 "\n",
        (double)n * 1e6 / (double)(end - begin), (double)cpu / (double)n, stored, n);
    db_args_done(&args);
    db_conn_close(conn);
    return stored == n ? 0 : 1;
}
