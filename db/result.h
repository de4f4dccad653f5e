/* result.h - what became of a statement.
 *
 * Everything that can happen to work handed to the database is one of these eight, decided from
 * the SQLSTATE in one function.  Pure; any thread.
 */
#ifndef DB_RESULT_H
#define DB_RESULT_H

#include <stddef.h>

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

enum db_result {
    DB_OK,       /* committed (lane), done (conn) */
    DB_NONE,     /* a query found no row */
    DB_BUSY,     /* a row it needs is held by somebody else; nothing was written */
    DB_CONFLICT, /* a unique or exclusion constraint says that it is there already */
    DB_REFUSED,  /* the data is not acceptable; from a CALL with a row: recorded and committed */
    DB_RETRY,    /* deadlock, serialization failure, cancelled: the same work may succeed later */
    DB_DOWN,     /* the server cannot work now (no connection, no space, shutting down) */
    DB_UNKNOWN,  /* it may or may not have been committed */
    DB_RESULT_COUNT
};

/* The class of a five-character SQLSTATE.  NULL or "" is a lost connection: DB_DOWN. */
enum db_result db_result_of_sqlstate(const char *sqlstate);

/* What a CALL says of itself in its first column: "done", "busy", or refused; NULL is refused. */
enum db_result db_result_of_word(const char *word);
/* The first line of a message, as much as fits. */
void db_first_line(char *to, size_t size, const char *text);

enum { DB_FAULT_TEXT_MAX = 400 };

/* What a person is told about a failure.  Never holds parameters' values or passwords. */
struct db_fault {
    enum db_result result;
    char sqlstate[6];             /* "" when the server did not say */
    char text[DB_FAULT_TEXT_MAX]; /* one line */
};

#endif
