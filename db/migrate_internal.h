/* migrate_internal.h - what the two files of the migrator share.
 *
 * migrate.c          numbered files, the check of a schema
 * migrate_objects.c  functions and views
 */
#ifndef DB_MIGRATE_INTERNAL_H
#define DB_MIGRATE_INTERNAL_H

#include "db/migrate.h"

enum { MIGRATE_PATH_MAX = 160 };

struct migrate {
    struct db_conn *conn;
    const struct db_migrations *set;
    const struct db_migrate_ports *ports;
    struct db_fault *fault;
    struct db_args args;
    bool lost; /* the transaction cannot go on */
};

/* The parameters of a migrate_ statement, in this order; what is 0 or NULL is left out. */
struct migrate_values {
    uint32_t number;
    const char *name, *text;
};

void migrate_path(char *to, size_t size, const struct db_migration *);
char *migrate_joined(const struct db_migrations *, bool numbered, bool texts); /* NULL: no memory */
MUST_CHECK enum db_result migrate_run(
    struct migrate *, enum db_stmt, const struct migrate_values *, struct db_rows *ret_rows);
void migrate_report(struct migrate *, enum db_migrate_step, const char *name);

/* Both set the fault; the first from the connection's. */
enum db_result migrate_fail(struct migrate *, const char *what);
enum db_result migrate_refuse(struct migrate *, const char *what, const char *why);

MUST_CHECK enum db_result migrate_objects(struct migrate *);

#endif
