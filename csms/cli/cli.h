/* cli.h - the csms command: one table of commands, each with its own options.
 *
 * Exit statuses: 0 ok, 1 failed, 2 usage, 7 not permitted, 8 not reachable; `sql` ends with psql's.
 */
#ifndef CSMS_CLI_H
#define CSMS_CLI_H

#include "db/result.h"

#include "csms/conf.h"

#include <stddef.h>

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_NOT_PERMITTED = 7,
    CLI_UNREACHABLE = 8
};

enum { CLI_CONNINFO_MAX = 2048 };

/* Options of every command; they may stand before it or after it. */
struct cli {
    const char *config;   /* NULL: built-in values and the environment */
    const char *database; /* NULL: from the configuration */
    const char *role;     /* NULL: the command's own */
};

struct cli_command {
    const char *name;      /* one or two words */
    const char *arguments;
    const char *help;
    int (*run)(struct cli *, int argc, char **argv); /* argv[0] is the command's last word */
};
extern const struct cli_command cli_commands[];
extern const size_t cli_command_count;

/* How people connect: --database as it stands, or the configuration's database as the login
 * NAME.<role>, NAME being who runs this.  role NULL: the login NAME itself, which owns an embedded
 * cluster.  An exit status. */
MUST_CHECK int cli_conninfo(const struct cli *, const char *dbname, const char *role,
    char ret[CLI_CONNINFO_MAX]);

/* The configuration, its faults told on standard error; NULL: there were some. */
MUST_CHECK struct conf *cli_conf(const struct cli *);
/* Says what went wrong and gives the status that fits. */
int cli_db_failed(const char *what, const struct db_fault *);
/* The usage of one command, on standard error; CLI_USAGE. */
int cli_usage(const char *command);

int cli_sql(struct cli *, int argc, char **argv);
int cli_rate(struct cli *, int argc, char **argv);
/* Writes the catalogue and the field tables into the database; an exit status. */
int cli_catalogue_load(const char *conninfo);
int cli_migrate(struct cli *, int argc, char **argv);
int cli_pile_key(struct cli *, int argc, char **argv);

#endif
