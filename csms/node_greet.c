/* node_greet.c - a node's first words with its database: is the schema ours, and what is my number?
 *
 * Asked by a worker until the database answers, so that a database that is away at start only means
 * that nobody is admitted yet.  A schema of another build ends the process, whenever it is met.
 */
#include "csms/node_inside.h"

#include "db/migrate.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { GREET_MS = 1000 };

static void number_get(struct node_greeting *greeting, struct db_conn *conn)
{
    struct node *node = greeting->node;
    struct db_rows rows = {0};
    struct db_args args;

    db_args_init(&args);
    db_args_text(&args, node->name);
    db_args_text(&args, node->config.version);
    db_args_row(&args);
    if (worker_db_run(conn, DB_STMT_NODE_START, &args, &rows) == DB_OK && rows.count == 1) {
        struct db_row row = db_rows_at(&rows, 0);

        greeting->id = db_row_int8(&row, 0);
    } else {
        snprintf(greeting->why, sizeof greeting->why, "the database gives no node number: %.400s",
            db_conn_fault(conn)->text);
    }
    db_rows_done(&rows);
    db_args_done(&args);
}

/* In a worker. */
static void greet_run(struct worker_task *task, struct db_conn *conn)
{
    struct node_greeting *greeting = (struct node_greeting *)task;
    struct db_fault fault;

    if (conn == NULL)
        return;
    switch (db_schema_check(conn, NULL, &fault)) {
    case DB_SCHEMA_OK:
        number_get(greeting, conn);
        return;
    case DB_SCHEMA_OLDER:
        greeting->status = EX_UNAVAILABLE;
        snprintf(greeting->why, sizeof greeting->why, "%.400s; run: csms db migrate", fault.text);
        return;
    case DB_SCHEMA_NEWER:
        greeting->status = EX_CONFIG;
        snprintf(greeting->why, sizeof greeting->why,
            "%.400s; install the csmsd of that version (csmsd --version shows this one's)",
            fault.text);
        return;
    case DB_SCHEMA_UNREADABLE:
        snprintf(greeting->why, sizeof greeting->why, "the schema cannot be read: %.400s",
            fault.text);
        return;
    }
}

static void greet_done(struct worker_task *task)
{
    struct node_greeting *greeting = (struct node_greeting *)task;
    struct node *node = greeting->node;

    greeting->under_way = false;
    if (node->draining || node->ending)
        return;
    if (greeting->id != 0 && !node_begin(node, greeting->id)) {
        greeting->status = EX_TEMPFAIL;
        snprintf(greeting->why, sizeof greeting->why, "out of memory");
    }
    if (greeting->status != EX_OK) {
        log_event(node->config.log, FATAL, log_str("reason", greeting->why),
            log_int("status", greeting->status));
        loop_stop(node->config.loop);
    } else if (greeting->why[0] != '\0') {
        log_event(node->config.log, DB_REFUSED, log_str("lane", "start"),
            log_str("detail", greeting->why));
    }
}

void node_greet(struct node *node, uint64_t now_ms)
{
    struct node_greeting *greeting = &node->greeting;

    if (node->id != 0 || greeting->under_way || node->draining || greeting->status != EX_OK ||
        (greeting->asked_ms != 0 && now_ms - greeting->asked_ms < GREET_MS))
        return;
    greeting->task = (struct worker_task){.run = greet_run, .done = greet_done};
    greeting->node = node;
    greeting->asked_ms = now_ms;
    greeting->why[0] = '\0';
    greeting->under_way = workers_post(node->lookers, &greeting->task);
}
