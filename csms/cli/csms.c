/* csms.c - the command's main: finds the command in the table and gives it its arguments. */
#include "csms/cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#ifndef JOULEBOOK_VERSION
#error "JOULEBOOK_VERSION is defined by the build"
#endif

enum { NAME_MAX_BYTES = 32 };

const struct cli_command cli_commands[] = {
    {"sql", "[--role ROLE] [--tuples] [STATEMENT]",
        "opens psql as the viewer (or operator, cashier, admin); one STATEMENT is run and printed",
        cli_sql},
    {"rate", "--tariff FILE --zone ZONE --session FILE", "prices a session offline and prints JSON",
        cli_rate},
    {"db migrate", "", "brings the database to the schema of this version", cli_migrate},
    {"pile key", "[--keep-old] IDENTITY",
        "makes a pile a new key, registers its hash and prints the key, once", cli_pile_key},
};
const size_t cli_command_count = sizeof cli_commands / sizeof *cli_commands;

static void help(FILE *out)
{
    fputs("usage: csms [--config FILE | --database CONNINFO] COMMAND ...\n\n", out);
    for (size_t i = 0; i < cli_command_count; i++)
        fprintf(out, "  csms %s %s\n      %s\n", cli_commands[i].name, cli_commands[i].arguments,
            cli_commands[i].help);
    fputs("\n  --config FILE        the daemon's configuration\n"
          "  --database CONNINFO  connect with this instead\n"
          "  --help, --version\n",
        out);
}

int cli_usage(const char *command)
{
    for (size_t i = 0; i < cli_command_count; i++)
        if (strcmp(cli_commands[i].name, command) == 0)
            fprintf(stderr, "usage: csms %s %s\n", command, cli_commands[i].arguments);
    return CLI_USAGE;
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

/* Does the user ask how the command goes?  What stands behind "--" is no option. */
static bool help_wanted(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (is_help(argv[i]))
            return true;
    return false;
}

/* The commands of which `word` is the first of two: their usage and what they do.  False: none. */
static bool family(FILE *out, const char *word)
{
    size_t length = strlen(word);
    bool any = false;

    for (size_t i = 0; i < cli_command_count; i++) {
        const struct cli_command *command = &cli_commands[i];

        if (strncmp(command->name, word, length) != 0 || command->name[length] != ' ')
            continue;
        fprintf(out, "usage: csms %s %s\n      %s\n", command->name, command->arguments,
            command->help);
        any = true;
    }
    return any;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* How many letters to change: Levenshtein's distance, of words no longer than ours. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_BYTES + 1], length = strlen(b);

    if (length > NAME_MAX_BYTES)
        return length;
    for (size_t k = 0; k <= length; k++)
        row[k] = k;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t corner = row[0];

        row[0] = i + 1;
        for (size_t k = 1; k <= length; k++) {
            size_t above = row[k];

            row[k] = smallest(above + 1, row[k - 1] + 1, corner + (a[i] != b[k - 1]));
            corner = above;
        }
    }
    return row[length];
}

static int unknown(const char *name)
{
    const char *nearest = NULL;
    size_t least = 4;

    for (size_t i = 0; i < cli_command_count; i++) {
        size_t far = distance(cli_commands[i].name, name);

        if (far < least) {
            least = far;
            nearest = cli_commands[i].name;
        }
    }
    if (nearest != NULL)
        fprintf(stderr, "csms: no command \"%s\"; did you mean \"%s\"?\n", name, nearest);
    else
        fprintf(stderr, "csms: no command \"%s\"; csms --help lists them\n", name);
    return CLI_USAGE;
}

/* The command that argv begins with; words: how many of them name it. */
static const struct cli_command *find(int argc, char **argv, int *ret_words)
{
    char two[2 * NAME_MAX_BYTES];

    snprintf(two, sizeof two, "%s %s", argv[0], argc > 1 ? argv[1] : "");
    for (size_t i = 0; i < cli_command_count; i++) {
        const char *name = cli_commands[i].name;

        *ret_words = strchr(name, ' ') != NULL ? 2 : 1;
        if (strcmp(name, *ret_words == 2 ? two : argv[0]) == 0)
            return &cli_commands[i];
    }
    return NULL;
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
    char two[2 * NAME_MAX_BYTES];
    const struct cli_command *command;
    int words;

    if (argc == 0) {
        help(stderr);
        return CLI_USAGE;
    }
    command = find(argc, argv, &words);
    if (command == NULL && argc == 1 && family(stderr, argv[0]))
        return CLI_USAGE;
    if (command == NULL && argc > 1 && is_help(argv[1]) && family(stdout, argv[0]))
        return CLI_OK;
    if (command == NULL) {
        snprintf(two, sizeof two, "%s%s%s", argv[0], argc > 1 && argv[1][0] != '-' ? " " : "",
            argc > 1 && argv[1][0] != '-' ? argv[1] : "");
        return unknown(two);
    }
    if (help_wanted(argc - words, argv + words)) {
        printf("usage: csms %s %s\n      %s\n", command->name, command->arguments, command->help);
        return CLI_OK;
    }
    optind = 0; /* glibc: begin anew */
    return command->run(cli, argc - words + 1, argv + words - 1);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"database", required_argument, NULL, 'd'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct cli cli = {0};
    int option;

    while ((option = getopt_long(argc, argv, "+c:d:Vh", options, NULL)) != -1) {
        if (option == 'c') {
            cli.config = optarg;
        } else if (option == 'd') {
            cli.database = optarg;
        } else if (option == 'V') {
            printf("csms %s\n", JOULEBOOK_VERSION);
            return CLI_OK;
        } else if (option == 'h') {
            help(stdout);
            return CLI_OK;
        } else {
            help(stderr);
            return CLI_USAGE;
        }
    }
    return dispatch(&cli, argc - optind, argv + optind);
}
