/* jobs.c - see jobs.h: settlement is worked here; each other kind is a function of the database. */
#include "csms/jobs.h"

#include "csms/settle.h"

#include <stdio.h>
#include <string.h>

const char jobs_kinds[] = "{settle,sequence,sweep,command_expiry,partitions,hold}";

static enum worker_end function_run(
    struct db_conn *conn, const struct worker_job *job, char why[WORKER_WHY_MAX])
{
    struct db_rows rows = {0};
    struct db_args args;
    enum worker_end end = WORKER_DONE;
    enum db_result result;

    db_args_init(&args);
    db_args_text(&args, job->kind);
    db_args_text(&args, job->key);
    db_args_row(&args);
    result = worker_db_run(conn, DB_STMT_JOB_RUN, &args, &rows);
    db_args_done(&args);
    if (result == DB_BUSY) {
        end = worker_put_off(conn, why);
    } else if (result != DB_OK) {
        snprintf(why, WORKER_WHY_MAX, "%s", db_conn_fault(conn)->text);
        end = WORKER_FAILED;
    }
    db_rows_done(&rows);
    return end;
}

enum worker_end jobs_run(
    void *ctx, struct db_conn *conn, const struct worker_job *job, char why[WORKER_WHY_MAX])
{
    (void)ctx;
    if (strcmp(job->kind, "settle") == 0)
        return settle_job(conn, job, why);
    return function_run(conn, job, why);
}
