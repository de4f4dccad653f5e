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

/* 3D000: there is no such database yet. */
static int database_make(const struct cli *cli, const char *conninfo)
{
    char postgres[CLI_CONNINFO_MAX];
    struct db_fault fault;
    struct db_conn *conn = db_conn_open(conninfo, "joulebook/migrate", &fault);
    int status;

    if (conn != NULL) {
        db_conn_close(conn);
        return CLI_OK;
    }
    if (strcmp(fault.sqlstate, "3D000") != 0 || cli->database != NULL)
        return cli_db_failed("connect", &fault);
    status = cli_conninfo(cli, "postgres", NULL, postgres);
    if (status != CLI_OK)
        return status;
    conn = db_conn_open(postgres, "joulebook/migrate", &fault);
    if (conn == NULL)
        return cli_db_failed("connect", &fault);
    if (db_conn_script(conn, "CREATE DATABASE joulebook") != DB_OK)
        status = cli_db_failed("create database", db_conn_fault(conn));
    else
        printf("created database joulebook\n");
    db_conn_close(conn);
    return status;
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
        status = database_make(cli, conninfo);
    if (status != CLI_OK)
        return status;
    if (db_migrate(conninfo, NULL, &ports, &fault) != DB_OK)
        return cli_db_failed("db migrate", &fault);
    return CLI_OK;
}
