/* migrate.c - numbered files, and the check of a schema; see migrate.h.
 *
 * The hashes are the server's sha256, so that db/ needs no library but libpq.
 */
#include "db/migrate_internal.h"

#include "db/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t number_of(const struct db_migration *file)
{
    return file->kind == DB_MIGRATION_NUMBERED ? (uint32_t)strtoul(file->name, NULL, 10) : 0;
}

/* The number of the newest numbered file; 0: there is none. */
static uint32_t newest_of(const struct db_migrations *migrations)
{
    uint32_t newest = 0;

    for (size_t i = 0; i < migrations->count; i++) {
        uint32_t number = number_of(&migrations->items[i]);

        if (number > newest)
            newest = number;
    }
    return newest;
}

void migrate_path(char *to, size_t size, const struct db_migration *file)
{
    static const char *const folders[] = {
        [DB_MIGRATION_NUMBERED] = "",
        [DB_MIGRATION_FUNCTION] = "functions/",
        [DB_MIGRATION_VIEW] = "views/",
    };

    snprintf(to, size, "%s%s", folders[file->kind], file->name);
}

enum db_result migrate_fail(struct migrate *m, const char *what)
{
    const struct db_fault *fault = db_conn_fault(m->conn);

    *m->fault = *fault;
    snprintf(m->fault->text, sizeof m->fault->text, "%.100s: %.290s", what, fault->text);
    return fault->result == DB_OK ? DB_REFUSED : fault->result;
}

enum db_result migrate_refuse(struct migrate *m, const char *what, const char *why)
{
    memset(m->fault, 0, sizeof *m->fault);
    m->fault->result = DB_REFUSED;
    snprintf(m->fault->text, sizeof m->fault->text, "%s: %s", what, why);
    return DB_REFUSED;
}

void migrate_report(struct migrate *m, enum db_migrate_step step, const char *name)
{
    if (m->ports && m->ports->report)
        m->ports->report(m->ports->ctx, step, name);
}

enum db_result migrate_run(struct migrate *m, enum db_stmt stmt,
    const struct migrate_values *values, struct db_rows *ret_rows)
{
    db_args_reset(&m->args);
    if (values->number)
        db_args_int4(&m->args, (int32_t)values->number);
    if (values->name)
        db_args_text(&m->args, values->name);
    if (values->text)
        db_args_bytes(&m->args, values->text, strlen(values->text));
    db_args_row(&m->args);
    return db_conn_run(m->conn, stmt, &m->args, ret_rows);
}

/* The names of the set's files of these kinds, one a line; or all texts, one after the other. */
char *migrate_joined(const struct db_migrations *set, bool numbered, bool texts)
{
    size_t size = 1, used = 0;
    char *joined;

    for (size_t i = 0; i < set->count; i++)
        size += strlen(set->items[i].name) + strlen(set->items[i].text) + 32;
    joined = db_realloc(NULL, size);
    for (size_t i = 0; joined && i < set->count; i++) {
        const struct db_migration *file = &set->items[i];
        char path[MIGRATE_PATH_MAX];

        if (!texts && (file->kind == DB_MIGRATION_NUMBERED) != numbered)
            continue;
        migrate_path(path, sizeof path, file);
        used +=
            (size_t)snprintf(joined + used, size - used, "%s\n%s", path, texts ? file->text : "");
    }
    if (joined)
        joined[used] = '\0';
    return joined;
}

static enum db_result newest(struct migrate *m, uint32_t *ret_number)
{
    struct db_rows rows;
    enum db_result result =
        migrate_run(m, DB_STMT_MIGRATE_NEWEST, &(struct migrate_values){0}, &rows);
    struct db_row row;

    if (result != DB_OK)
        return migrate_fail(m, "the migrator's books");
    row = db_rows_at(&rows, 0);
    *ret_number = (uint32_t)db_row_int8(&row, 0);
    db_rows_done(&rows);
    return DB_OK;
}

static enum db_result refuse_newer(struct migrate *m, uint32_t number)
{
    char why[120];

    snprintf(why, sizeof why, "the database is at %04u, this build knows %04u", number,
        newest_of(m->set));
    return migrate_refuse(m, "the schema is newer than this build", why);
}

/* A file that was applied and is not in this build, although no newer one is: another history. */
static enum db_result refuse_strange(struct migrate *m)
{
    char *names = migrate_joined(m->set, true, false);
    struct db_rows rows;
    enum db_result result;
    struct db_row row;

    if (!names)
        return migrate_refuse(m, "migrate", "no memory");
    result = migrate_run(
        m, DB_STMT_MIGRATE_STEP_STRANGE, &(struct migrate_values){.name = names}, &rows);
    db_free(names);
    if (result == DB_OK) {
        row = db_rows_at(&rows, 0);
        result = migrate_refuse(m, db_row_text(&row, 0), "was applied, but is not in this build");
    } else {
        result = result == DB_NONE ? DB_OK : migrate_fail(m, "the migrator's books");
    }
    db_rows_done(&rows);
    return result;
}

static enum db_result apply(struct migrate *m, const struct db_migration *file)
{
    struct migrate_values values = {number_of(file), file->name, file->text};
    enum db_result result;

    if (db_conn_begin(m->conn) != DB_OK || db_conn_script(m->conn, file->text) != DB_OK ||
        db_conn_script(m->conn, db_statements[DB_STMT_MIGRATE_SESSION].text) != DB_OK ||
        migrate_run(m, DB_STMT_MIGRATE_STEP_ADD, &values, NULL) != DB_OK ||
        db_conn_commit(m->conn) != DB_OK) {
        result = migrate_fail(m, file->name);
        db_conn_rollback(m->conn);
        return result;
    }
    migrate_report(m, DB_MIGRATE_APPLIED, file->name);
    return DB_OK;
}

static enum db_result step(struct migrate *m, const struct db_migration *file, uint32_t applied)
{
    struct migrate_values values = {number_of(file), file->name, file->text};
    struct db_rows rows;
    enum db_result result = migrate_run(m, DB_STMT_MIGRATE_STEP_SAME, &values, &rows);

    if (result == DB_NONE) {
        db_rows_done(&rows);
        if (values.number <= applied)
            return migrate_refuse(m, file->name, "comes before one that was applied already");
        return apply(m, file);
    }
    if (result == DB_OK) {
        struct db_row row = db_rows_at(&rows, 0);

        if (!db_row_bool(&row, 0))
            result = migrate_refuse(m, file->name, "was applied, and has been edited since");
    } else {
        result = migrate_fail(m, file->name);
    }
    db_rows_done(&rows);
    return result;
}

/* Everything is compared before anything is applied. */
static enum db_result numbered(struct migrate *m)
{
    uint32_t applied;
    enum db_result result = newest(m, &applied);

    if (result != DB_OK)
        return result;
    if (applied > newest_of(m->set))
        return refuse_newer(m, applied);
    result = refuse_strange(m);
    for (size_t i = 0; result == DB_OK && i < m->set->count; i++) {
        if (m->set->items[i].kind == DB_MIGRATION_NUMBERED)
            result = step(m, &m->set->items[i], applied);
    }
    return result;
}

static enum db_result migrate_all(struct migrate *m)
{
    enum db_result result;

    if (db_conn_script(m->conn, db_statements[DB_STMT_MIGRATE_BASE].text) != DB_OK)
        return migrate_fail(m, "the migrator's books");
    result = numbered(m);
    return result == DB_OK ? migrate_objects(m) : result;
}

enum db_result db_migrate(const char *conninfo, const struct db_migrations *migrations,
    const struct db_migrate_ports *ports, struct db_fault *ret_fault)
{
    struct migrate m = {
        .set = migrations ? migrations : &db_migrations, .ports = ports, .fault = ret_fault};
    enum db_result result;

    memset(ret_fault, 0, sizeof *ret_fault);
    m.conn = db_conn_open(conninfo, "joulebook/migrate", ret_fault);
    if (!m.conn)
        return DB_DOWN;
    db_args_init(&m.args);
    result = migrate_all(&m);
    db_args_done(&m.args);
    db_conn_close(m.conn);
    return result;
}

static enum db_schema compare(struct migrate *m)
{
    char *texts = migrate_joined(m->set, false, true);
    uint32_t number = newest_of(m->set), applied;
    struct db_rows rows = {0};
    enum db_schema schema = DB_SCHEMA_UNREADABLE;

    if (!texts || newest(m, &applied) != DB_OK)
        goto done;
    schema = applied > number ? DB_SCHEMA_NEWER : DB_SCHEMA_OLDER;
    snprintf(m->fault->text, sizeof m->fault->text,
        "the database is at %04u, this build knows %04u%s", applied, number,
        applied == number ? ", and its functions or views differ" : "");
    if (applied == number && migrate_run(m, DB_STMT_MIGRATE_DIGEST,
                                 &(struct migrate_values){.text = texts}, &rows) == DB_OK) {
        struct db_row row = db_rows_at(&rows, 0);

        if (db_row_bool(&row, 0))
            schema = DB_SCHEMA_OK;
    }
done:
    db_rows_done(&rows);
    db_free(texts);
    return schema;
}

enum db_schema db_schema_check(
    struct db_conn *conn, const struct db_migrations *migrations, struct db_fault *ret_fault)
{
    struct migrate m = {
        .conn = conn, .set = migrations ? migrations : &db_migrations, .fault = ret_fault};
    struct db_rows rows;
    struct db_row row;
    enum db_schema schema = DB_SCHEMA_OLDER;

    memset(ret_fault, 0, sizeof *ret_fault);
    if (db_conn_run(conn, DB_STMT_MIGRATE_KNOWN, NULL, &rows) != DB_OK) {
        *ret_fault = *db_conn_fault(conn);
        return DB_SCHEMA_UNREADABLE;
    }
    row = db_rows_at(&rows, 0);
    db_args_init(&m.args);
    if (db_row_bool(&row, 0))
        schema = compare(&m);
    else
        snprintf(ret_fault->text, sizeof ret_fault->text,
            "the database was never migrated, this build knows %04u", newest_of(m.set));
    db_args_done(&m.args);
    db_rows_done(&rows);
    return schema;
}
