/* migrate_objects.c - functions and views follow their files; see migrate.h.
 *
 * One transaction.  Each changed file runs in a savepoint: first over what is there; if that is
 * refused, because arguments or result changed, after dropping what the file made before.  Files
 * that fail are tried again after the others, as long as one of them succeeds, so that their names
 * need not follow their dependencies.  What a file no longer makes is dropped at the end, never
 * with CASCADE.
 */
#include "db/migrate_internal.h"

#include "db/alloc.h"

#include <stdio.h>
#include <string.h>

static enum db_result script(struct migrate *m, const char *text)
{
    return db_conn_script(m->conn, text);
}

/* Keeps the fault of what failed: the rollback has none of its own to tell. */
static void back_to_savepoint(struct migrate *m)
{
    if (script(m, "ROLLBACK TO SAVEPOINT file; RELEASE SAVEPOINT file") != DB_OK)
        m->lost = true;
}

static enum db_result drop_before(struct migrate *m, const char *path)
{
    struct db_rows rows;
    enum db_result result =
        migrate_run(m, DB_STMT_MIGRATE_FILE_DROPS, &(struct migrate_values){.name = path}, &rows);

    for (int i = 0; result == DB_OK && i < rows.count; i++) {
        struct db_row row = db_rows_at(&rows, i);

        result = script(m, db_row_text(&row, 0));
    }
    db_rows_done(&rows);
    return result == DB_NONE ? DB_OK : result;
}

static enum db_result run_file(
    struct migrate *m, const struct db_migration *file, const char *path, bool drop)
{
    struct migrate_values name = {.name = path}, both = {.name = path, .text = file->text};
    enum db_result result = script(m, "SAVEPOINT file");

    if (result == DB_OK && drop)
        result = drop_before(m, path);
    if (result == DB_OK)
        result = migrate_run(m, DB_STMT_MIGRATE_FILE_BEGIN, &name, NULL);
    if (result == DB_OK)
        result = script(m, file->text);
    if (result == DB_OK)
        result = script(m, db_statements[DB_STMT_MIGRATE_SESSION].text);
    if (result == DB_OK)
        result = migrate_run(m, DB_STMT_MIGRATE_FILE_END, &both, NULL);
    if (result == DB_OK)
        result = migrate_run(m, DB_STMT_MIGRATE_FILE_OBJECTS, &name, NULL);
    if (result == DB_OK)
        return script(m, "RELEASE SAVEPOINT file");
    (void)migrate_fail(m, path);
    back_to_savepoint(m);
    return result;
}

static enum db_result try_file(struct migrate *m, const struct db_migration *file)
{
    char path[MIGRATE_PATH_MAX];
    struct db_fault first;
    enum db_result result;

    migrate_path(path, sizeof path, file);
    result = run_file(m, file, path, false);
    if (result != DB_OK && file->kind == DB_MIGRATION_FUNCTION && !m->lost) {
        first = *m->fault;
        result = run_file(m, file, path, true);
        if (result != DB_OK && strcmp(m->fault->sqlstate, "2BP01") != 0)
            *m->fault = first;
    }
    if (result == DB_OK)
        migrate_report(m, DB_MIGRATE_REPLACED, path);
    return result;
}

static enum db_result is_changed(struct migrate *m, const struct db_migration *file, bool *ret)
{
    char path[MIGRATE_PATH_MAX];
    struct db_rows rows;
    struct db_row row;
    enum db_result result;

    migrate_path(path, sizeof path, file);
    result = migrate_run(m, DB_STMT_MIGRATE_FILE_SAME,
        &(struct migrate_values){.name = path, .text = file->text}, &rows);
    *ret = true;
    if (result == DB_OK) {
        row = db_rows_at(&rows, 0);
        *ret = !db_row_bool(&row, 0);
    }
    db_rows_done(&rows);
    return result == DB_OK || result == DB_NONE ? DB_OK : migrate_fail(m, path);
}

/* Rounds over the files that are still to be run, until none is left or none succeeds. */
static enum db_result run_pending(struct migrate *m, bool *pending, size_t left)
{
    struct db_fault first;

    while (left) {
        size_t failed = 0;

        for (size_t i = 0; i < m->set->count; i++) {
            if (!pending[i])
                continue;
            if (try_file(m, &m->set->items[i]) == DB_OK)
                pending[i] = false;
            else if (failed++ == 0)
                first = *m->fault;
            if (m->lost)
                return DB_DOWN;
        }
        if (failed == left) {
            *m->fault = first;
            return first.result == DB_OK ? DB_REFUSED : first.result;
        }
        left = failed;
    }
    return DB_OK;
}

static enum db_result run_changed(struct migrate *m)
{
    bool *pending = db_alloc_zero(m->set->count + 1);
    enum db_result result = pending ? DB_OK : migrate_refuse(m, "migrate", "no memory");
    size_t left = 0;

    for (size_t i = 0; result == DB_OK && i < m->set->count; i++) {
        if (m->set->items[i].kind == DB_MIGRATION_NUMBERED)
            continue;
        result = is_changed(m, &m->set->items[i], &pending[i]);
        left += pending[i];
    }
    if (result == DB_OK)
        result = run_pending(m, pending, left);
    db_free(pending);
    return result;
}

/* Whether the drop succeeded; the fault says why not. */
static bool drop_one(struct migrate *m, const char *identity, const char *text)
{
    if (script(m, "SAVEPOINT file") == DB_OK && script(m, text) == DB_OK &&
        migrate_run(m, DB_STMT_MIGRATE_FORGET, &(struct migrate_values){.name = identity}, NULL) ==
            DB_OK &&
        script(m, "RELEASE SAVEPOINT file") == DB_OK) {
        migrate_report(m, DB_MIGRATE_DROPPED, identity);
        return true;
    }
    (void)migrate_fail(m, identity);
    back_to_savepoint(m);
    return false;
}

/* One round of drops; what others still use is left for the next. */
static enum db_result drop_round(struct migrate *m, int *ret_dropped, int *ret_left)
{
    struct db_rows rows;
    enum db_result result = db_conn_run(m->conn, DB_STMT_MIGRATE_STALE, NULL, &rows);

    *ret_dropped = *ret_left = 0;
    for (int i = 0; i < rows.count; i++) {
        struct db_row row = db_rows_at(&rows, i);

        if (drop_one(m, db_row_text(&row, 0), db_row_text(&row, 1)))
            ++*ret_dropped;
        else
            ++*ret_left;
    }
    db_rows_done(&rows);
    return result == DB_OK || result == DB_NONE ? DB_OK : migrate_fail(m, "the migrator's books");
}

static enum db_result drop_stale(struct migrate *m)
{
    int dropped, left;
    char *paths = migrate_joined(m->set, false, false);
    enum db_result result;

    if (!paths)
        return migrate_refuse(m, "migrate", "no memory");
    result = migrate_run(m, DB_STMT_MIGRATE_GONE, &(struct migrate_values){.name = paths}, NULL);
    db_free(paths);
    if (result != DB_OK)
        return migrate_fail(m, "the migrator's books");
    do {
        result = drop_round(m, &dropped, &left);
    } while (result == DB_OK && dropped && left);
    if (result == DB_OK && left)
        return m->fault->result == DB_OK ? DB_REFUSED : m->fault->result;
    return result;
}

static enum db_result remember(struct migrate *m)
{
    char *texts = migrate_joined(m->set, false, true);
    enum db_result result;

    if (!texts)
        return migrate_refuse(m, "migrate", "no memory");
    result =
        migrate_run(m, DB_STMT_MIGRATE_DIGEST_SET, &(struct migrate_values){.text = texts}, NULL);
    db_free(texts);
    return result == DB_OK ? DB_OK : migrate_fail(m, "the migrator's books");
}

enum db_result migrate_objects(struct migrate *m)
{
    enum db_result result;

    if (db_conn_script(m->conn, db_statements[DB_STMT_MIGRATE_SESSION].text) != DB_OK ||
        db_conn_begin(m->conn) != DB_OK)
        return migrate_fail(m, "functions and views");
    result = run_changed(m);
    if (result == DB_OK)
        result = drop_stale(m);
    if (result == DB_OK)
        result = remember(m);
    if (result == DB_OK && db_conn_commit(m->conn) != DB_OK)
        result = migrate_fail(m, "functions and views");
    db_conn_rollback(m->conn);
    return result;
}
