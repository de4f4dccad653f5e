/* migrate.c - csms db migrate: the database is made if it is not there, and brought up to date. */
#include "csms/cli/cli.h"

#include "db/conn.h"
#include "db/migrate.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static void report(void *ctx, enum db_migrate_step step, const char *name)
{
    static const char *const words[] = {
        [DB_MIGRATE_APPLIED] = "applied",
        [DB_MIGRATE_REPLACED] = "replaced",
        [DB_MIGRATE_DROPPED] = "dropped",
    };

    (void)ctx;
    printf("%s %s\n", words[step], name);
}

/* The plain name in a connection string of keywords; false: there is none to be made. */
static bool database_name(const char *conninfo, char *ret, size_t size)
{
    const char *at = strstr(conninfo, "dbname=");
    size_t length;

    if (at == NULL)
        return false;
    at += strlen("dbname=");
    length = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (length == 0 || length >= size || (at[length] != '\0' && at[length] != ' '))
        return false;
    memcpy(ret, at, length);
    ret[length] = '\0';
    return true;
}

/* A refused connection does not say why in a form to rely on; but if the server lets us in by
 * another name and has no such database yet, that was why.  CREATE DATABASE takes no parameter and
 * is no statement of ours: it runs beside the schema. */
static bool database_create(const char *conninfo, const char *name)
{
    char postgres[CLI_CONNINFO_MAX], text[128];
    struct db_fault fault;
    struct db_conn *conn;
    bool made;

    snprintf(postgres, sizeof postgres, "%.1900s dbname=postgres", conninfo);
    snprintf(text, sizeof text, "CREATE DATABASE %s", name);
    conn = db_conn_open(postgres, "joulebook/migrate", &fault);
    if (conn == NULL)
        return false;
    made = db_conn_script(conn, text) == DB_OK;
    db_conn_close(conn);
    if (made)
        printf("created database %s\n", name);
    return made;
}

static int database_make(const char *conninfo)
{
    char name[64];
    struct db_fault fault;
    struct db_conn *conn = db_conn_open(conninfo, "joulebook/migrate", &fault);

    if (conn != NULL) {
        db_conn_close(conn);
        return CLI_OK;
    }
    if (database_name(conninfo, name, sizeof name) && database_create(conninfo, name))
        return CLI_OK;
    return cli_db_failed("connect", &fault);
}

int cli_migrate(struct cli *cli, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"database", required_argument, NULL, 'd'},
        {NULL, 0, NULL, 0},
    };
    struct db_migrate_ports ports = {.report = report};
    char conninfo[CLI_CONNINFO_MAX];
    struct db_fault fault;
    int option, status;

    while ((option = getopt_long(argc, argv, "c:d:", options, NULL)) != -1) {
        if (option == 'c')
            cli->config = optarg;
        else if (option == 'd')
            cli->database = optarg;
        else
            return cli_usage("db migrate");
    }
    if (argc != optind)
        return cli_usage("db migrate");
    status = cli_conninfo(cli, "joulebook", NULL, conninfo);
    if (status == CLI_OK)
        status = database_make(conninfo);
    if (status != CLI_OK)
        return status;
    if (db_migrate(conninfo, NULL, &ports, &fault) != DB_OK)
        return cli_db_failed("db migrate", &fault);
    return CLI_OK;
}
