/* connect.c - who people are to the database, and what they are told when it fails. */
#include "csms/cli/cli.h"

#include "db/conninfo.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void report(void *ctx, const char *line)
{
    fprintf(ctx, "csms: %s\n", line);
}

struct conf *cli_conf(const struct cli *cli)
{
    return conf_load(cli->config, report, stderr);
}

static const char *own_name(void)
{
    const struct passwd *entry = getpwuid(getuid());

    return entry != NULL ? entry->pw_name : "nobody";
}

int cli_conninfo(
    const struct cli *cli, const char *dbname, const char *role, char ret[CLI_CONNINFO_MAX])
{
    struct conf *conf;
    char user[96];
    bool fits;

    if (cli->database != NULL) {
        snprintf(ret, CLI_CONNINFO_MAX, "%s", cli->database);
        return CLI_OK;
    }
    conf = cli_conf(cli);
    if (conf == NULL)
        return CLI_FAILED;
    snprintf(user, sizeof user, "%s%s%s", own_name(), role != NULL ? "." : "",
        role != NULL ? role : "");
    if (strcmp(conf->top_database, "embedded") == 0)
        fits = db_conninfo_in(conf->top_run_dir, dbname, user, ret, CLI_CONNINFO_MAX);
    else
        fits = db_conninfo_as(conf->top_database, user, ret, CLI_CONNINFO_MAX);
    conf_free(conf);
    if (!fits)
        fprintf(stderr, "csms: the connection string is too long\n");
    return fits ? CLI_OK : CLI_FAILED;
}

int cli_db_failed(const char *what, const struct db_fault *fault)
{
    fprintf(stderr, "csms: %s: %s\n", what, fault->text);
    if (strncmp(fault->sqlstate, "28", 2) == 0 || strcmp(fault->sqlstate, "42501") == 0)
        return CLI_NOT_PERMITTED;
    return fault->result == DB_DOWN ? CLI_UNREACHABLE : CLI_FAILED;
}
