/* sql.c - csms sql: psql with the right socket and login.  csms rate: its main is in csms/rate. */
#include "csms/cli/cli.h"

#include "csms/rate/cli_rate.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const roles[] = {"viewer", "operator", "cashier", "admin"};

static bool role_known(const char *role)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i], role) == 0)
            return true;
    return false;
}

static int role_refuse(const char *role)
{
    fprintf(stderr, "csms: no role \"%s\"; there are", role);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : "", roles[i]);
    fputc('\n', stderr);
    return CLI_USAGE;
}

static int psql(const char *conninfo, bool tuples, const char *statement)
{
    const char *argv[12] = {"psql", "-d", conninfo};
    int count = 3;

    if (tuples) {
        argv[count++] = "-A";
        argv[count++] = "-t";
    }
    if (statement != NULL) {
        argv[count++] = "-X";
        argv[count++] = "-v";
        argv[count++] = "ON_ERROR_STOP=1";
        argv[count++] = "-c";
        argv[count++] = statement;
    }
    argv[count] = NULL;
    execvp("psql", (char *const *)argv);
    perror("csms: psql");
    return CLI_FAILED;
}

int cli_sql(struct cli *cli, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"database", required_argument, NULL, 'd'},
        {"role", required_argument, NULL, 'r'},
        {"tuples", no_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    char conninfo[CLI_CONNINFO_MAX];
    const char *role = "viewer";
    bool tuples = false;
    int option, status;

    while ((option = getopt_long(argc, argv, "c:d:r:t", options, NULL)) != -1) {
        if (option == 'c')
            cli->config = optarg;
        else if (option == 'd')
            cli->database = optarg;
        else if (option == 'r')
            role = optarg;
        else if (option == 't')
            tuples = true;
        else
            return cli_usage("sql");
    }
    if (argc - optind > 1)
        return cli_usage("sql");
    if (!role_known(role))
        return role_refuse(role);
    status = cli_conninfo(cli, "joulebook", role, conninfo);
    if (status != CLI_OK)
        return status;
    return psql(conninfo, tuples, argc > optind ? argv[optind] : NULL);
}

int cli_rate(struct cli *cli, int argc, char **argv)
{
    (void)cli;
    return csms_rate_main(argc, argv);
}
