/* conn.h - a blocking connection for workers, tools and tests.
 *
 * Straight-line code: open, run statements, close.  A statement is prepared when it is first used.
 * Reconnecting is the caller's: after DB_DOWN or DB_UNKNOWN close and open anew.
 * One connection belongs to one thread at a time.
 */
#ifndef DB_CONN_H
#define DB_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "db/args.h"
#include "db/result.h"
#include "db/row.h"
#include "db/statement.h"

struct db_conn;

/* The rows of one run; owned by the caller, done or reused by the next run. */
struct db_rows {
    struct pg_result *result;
    int count;
};

/* NULL: not connected; the fault says why.  At most 5 s (10 s with name resolution). */
MUST_CHECK struct db_conn *db_conn_open(
    const char *conninfo, const char *application_name, struct db_fault *ret_fault);

/* What ends the wait for a server that does not answer: the connection is lost then, and whether
 * the statement was worked is not known. */
struct db_wait {
    int interrupt_fd; /* becomes readable: from then on nothing is waited for; -1: none */
    int silence_ms;   /* so long without a word of the server; above 0 */
};
/* The same with such an end; only the resolution of a name cannot be interrupted. */
MUST_CHECK struct db_conn *db_conn_open_within(const char *conninfo, const char *application_name,
    const struct db_wait *, struct db_fault *ret_fault);
void db_conn_close(struct db_conn *);

/* False once the connection is lost. */
bool db_conn_up(const struct db_conn *);

/* The fault of the last run that was not DB_OK or DB_NONE. */
const struct db_fault *db_conn_fault(const struct db_conn *);

/* Outside begin/commit a run is its own transaction.  DB_NONE: a QUERY without rows.  CALL: the
 * outcome column decides (done: DB_OK, busy: DB_BUSY, refused: DB_REFUSED), rows are there in all
 * three.  `args` may be NULL when there are none, `ret_rows` when nobody looks. */
MUST_CHECK enum db_result db_conn_run(
    struct db_conn *, enum db_stmt, const struct db_args *, struct db_rows *ret_rows);

/* The same for a text of the caller's own .sql file (one statement, $n with casts). */
MUST_CHECK enum db_result db_conn_query(
    struct db_conn *, const char *text, const struct db_args *, struct db_rows *ret_rows);

/* Several statements in one text, of statements.def or of a migration's file, without parameters,
 * in the open transaction or in one of its own. */
MUST_CHECK enum db_result db_conn_script(struct db_conn *, const char *text);

MUST_CHECK enum db_result db_conn_begin(struct db_conn *);
/* DB_UNKNOWN when the answer to COMMIT was lost or came with a warning. */
MUST_CHECK enum db_result db_conn_commit(struct db_conn *);
void db_conn_rollback(struct db_conn *);

struct db_row db_rows_at(const struct db_rows *, int index);
void db_rows_done(struct db_rows *);

#endif
