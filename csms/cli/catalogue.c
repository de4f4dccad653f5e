/* catalogue.c - gives the database its copy of the protocol's catalogue and field tables, so that
 * SQL can check an action's members without a second list of them. */
#include "csms/cli/cli.h"

#include "db/conn.h"
#include "ocpp/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_BYTES = 256 };

/* The tables hold plain names: nothing in them needs an escape. */
struct writer {
    FILE *out;
    const char *action;
    bool confirmation;
    int ordinal; /* within the payload */
    bool any;    /* a field was written */
};

static void write_allowed(FILE *out, enum ocpp_enum_kind kind)
{
    for (int value = 0; value < ocpp_enum_count(kind); value++)
        fprintf(out, "%s\"%s\"", value == 0 ? "" : ",", ocpp_enum_text(kind, value));
}

static void write_field(struct writer *w, const struct ocpp_field *field, const char *path)
{
    fprintf(w->out, "%s{\"action\":\"%s\",\"confirmation\":%s,", w->any ? "," : "", w->action,
        w->confirmation ? "true" : "false");
    fprintf(w->out, "\"path\":\"%s\",\"kind\":\"%s\",", path, ocpp_field_kind_text(field->kind));
    fprintf(
        w->out, "\"required\":%s,\"ordinal\":%d", field->required ? "true" : "false", ++w->ordinal);
    if (field->bounded)
        fprintf(w->out, ",\"minimum\":%lld", (long long)field->least);
    if (field->max > 0)
        fprintf(w->out, ",\"maximum\":%u", (unsigned)field->max);
    if (field->kind == OCPP_FIELD_ENUM) {
        fputs(",\"allowed\":[", w->out);
        write_allowed(w->out, field->enum_kind);
        fputc(']', w->out);
    }
    fputc('}', w->out);
    w->any = true;
}

/* Depth is that of the field tables: constant, and three at the most. */
static void write_shape(struct writer *w, const struct ocpp_shape *shape, const char *above)
{
    char path[PATH_MAX_BYTES];

    for (uint32_t i = 0; i < shape->count; i++) {
        const struct ocpp_field *field = &shape->fields[i];
        bool many = field->kind == OCPP_FIELD_STRINGS || field->kind == OCPP_FIELD_OBJECTS;
        int length = snprintf(path, sizeof path, "%s%s%s%s", above, *above == '\0' ? "" : ".",
            field->name, many ? "[]" : "");

        if (length < 0 || (size_t)length >= sizeof path)
            abort();
        write_field(w, field, path);
        if (field->nested != NULL)
            write_shape(w, field->nested, path);
    }
}

static void write_catalogue(FILE *out)
{
    static const char *const senders[] = {
        [OCPP_SENDER_PILE] = "pile",
        [OCPP_SENDER_SYSTEM] = "system",
        [OCPP_SENDER_BOTH] = "both",
    };
    struct writer w = {.out = out};

    fputs("{\"actions\":[", out);
    for (enum ocpp_action action = 0; action < OCPP_ACTION_COUNT; action++)
        fprintf(out, "%s{\"action\":\"%s\",\"sender\":\"%s\",\"repeatable\":%s,\"section\":\"%s\"}",
            action == 0 ? "" : ",", ocpp_action_name(action), senders[ocpp_action_sender(action)],
            ocpp_action_repeatable(action) ? "true" : "false", ocpp_action_section(action));
    fputs("],\"fields\":[", out);
    for (enum ocpp_action action = 0; action < OCPP_ACTION_COUNT; action++)
        for (int confirmation = 0; confirmation <= 1; confirmation++) {
            w.action = ocpp_action_name(action);
            w.confirmation = confirmation == 1;
            w.ordinal = 0;
            write_shape(&w, ocpp_shape_of(action, w.confirmation), "");
        }
    fputs("]}", out);
}

static int load(const char *conninfo, const char *text)
{
    struct db_fault fault;
    struct db_args args;
    struct db_conn *conn = db_conn_open(conninfo, "joulebook/migrate", &fault);
    int status = CLI_OK;

    if (conn == NULL)
        return cli_db_failed("db migrate", &fault);
    db_args_init(&args);
    db_args_json(&args, text, strlen(text));
    db_args_row(&args);
    if (db_conn_run(conn, DB_STMT_CATALOGUE_LOAD, &args, NULL) != DB_OK)
        status = cli_db_failed("db migrate: the catalogue of actions", db_conn_fault(conn));
    db_args_done(&args);
    db_conn_close(conn);
    return status;
}

int cli_catalogue_load(const char *conninfo)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int status = CLI_FAILED;

    if (out != NULL) {
        write_catalogue(out);
        status = fclose(out) == 0 ? load(conninfo, text) : CLI_FAILED;
    }
    if (text == NULL)
        fputs("csms: no memory for the catalogue of actions\n", stderr);
    free(text);
    return status;
}
