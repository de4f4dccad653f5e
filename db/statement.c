/* statement.c - the table of statements; the texts are made from the files in sql/ by embed.sh. */
#include "db/statement.h"

#define STMT(name, NAME, kind) extern const char db_sql_##name[];
#include "db/statements.def"
#undef STMT

const struct db_statement db_statements[DB_STMT_COUNT] = {
#define STMT(name, NAME, kind) [DB_STMT_##NAME] = {#name, db_sql_##name, DB_KIND_##kind},
#include "db/statements.def"
#undef STMT
};
