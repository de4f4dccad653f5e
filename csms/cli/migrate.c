/* migrate.c - csms db migrate: brings the database to this build's schema.  Whoever runs the server
 * makes the database itself (createdb). */
#include "csms/cli/cli.h"

#include "db/migrate.h"

#include <getopt.h>
#include <stdio.h>

static void report(void *ctx, enum db_migrate_step step, const char *name)
{
    static const char *const words[] = {
        [DB_MIGRATE_APPLIED] = "applied",
        [DB_MIGRATE_REPLACED] = "replaced",
        [DB_MIGRATE_DROPPED] = "dropped",
    };

    (void)ctx;
    printf("%s %s\n", words[step], name);
    fflush(stdout); /* in a log, what fails stands after what was done */
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
    if (status != CLI_OK)
        return status;
    if (db_migrate(conninfo, NULL, &ports, &fault) != DB_OK)
        return cli_db_failed("db migrate", &fault);
    return cli_catalogue_load(conninfo);
}
