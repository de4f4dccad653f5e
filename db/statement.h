/* statement.h - the table of statements, one line each in statements.def, one file each in sql/.
 *
 * The text is embedded at build: a name without a file does not link.
 */
#ifndef DB_STATEMENT_H
#define DB_STATEMENT_H

#include <stdint.h>

enum db_stmt {
#define STMT(name, NAME, kind) DB_STMT_##NAME,
#include "db/statements.def"
#undef STMT
    DB_STMT_COUNT
};

enum db_kind {
    DB_KIND_CALL,   /* one function call, one row; column 0 is text: done, busy, refused */
    DB_KIND_BULK,   /* one INSERT or UPDATE from unnested arrays; its members' rows run together */
    DB_KIND_QUERY,  /* rows; workers only */
    DB_KIND_SCRIPT, /* several statements without parameters: db_conn_script only */
    DB_KIND_MARK,   /* the lane's own write: $1 is the lane's name */
};

struct db_statement {
    const char *name;
    const char *text;
    enum db_kind kind;
};

/* The table in use: DB_STMT_COUNT entries, indexed by enum db_stmt. */
extern const struct db_statement db_statements[DB_STMT_COUNT];

#endif
