/* migrate.h - brings a database to the schema that this build carries.
 *
 * Numbered files (migrations/NNNN_name.sql) run once, in order, one transaction each; their hash is
 * recorded and a later edit is refused.  Functions and views (migrations/functions, /views) follow
 * their files: a changed file is run again, its old identity dropped without CASCADE if arguments
 * or result changed, and what no file makes any more is dropped; all of that is one transaction.
 * One migrator at a time, by an advisory lock.  Blocking; needs a superuser's connection string.
 */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include <stddef.h>
#include <stdint.h>

#include "db/conn.h"
#include "db/result.h"

enum db_migration_kind { DB_MIGRATION_NUMBERED, DB_MIGRATION_FUNCTION, DB_MIGRATION_VIEW };

struct db_migration {
    enum db_migration_kind kind;
    const char *name; /* file name without .sql */
    const char *text;
};

/* A set of files in the order in which they run. */
struct db_migrations {
    const struct db_migration *items;
    size_t count;
};

/* What this build carries. */
extern const struct db_migrations db_migrations;

enum db_migrate_step { DB_MIGRATE_APPLIED, DB_MIGRATE_REPLACED, DB_MIGRATE_DROPPED };
typedef void db_migrate_report(void *ctx, enum db_migrate_step, const char *name);

struct db_migrate_ports {
    void *ctx;
    db_migrate_report *report; /* NULL: nobody listens */
};

/* DB_OK: the database is at this build's schema.  Otherwise the fault names file and reason, and
 * the failed file has changed nothing.  `migrations` NULL: db_migrations. */
MUST_CHECK enum db_result db_migrate(const char *conninfo, const struct db_migrations *migrations,
    const struct db_migrate_ports *, struct db_fault *ret_fault);

enum db_schema { DB_SCHEMA_OK, DB_SCHEMA_OLDER, DB_SCHEMA_NEWER, DB_SCHEMA_UNREADABLE };

/* Compares without changing anything; the fault's text has both numbers. */
MUST_CHECK enum db_schema db_schema_check(
    struct db_conn *, const struct db_migrations *migrations, struct db_fault *ret_fault);

#endif
