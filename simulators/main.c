/* main.c - pilesim: piles, vehicles and drivers for a central system, and their truth. */
#include "simulators/run.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: pilesim COMMAND [options]\n"
    "\n"
    "  seed      register a fleet's sites, tariffs, piles, users and cards in a database\n"
    "  backfill  let the piles catch up on a past, as after a long time offline\n"
    "  run       let the piles live in real time\n"
    "  audit     compare what the piles know to be true with what the database says\n"
    "\n"
    "`pilesim COMMAND --help` tells more. seed and audit need python3 and psql.\n";

/* seed and audit are scripts: they share no line with what they judge. */
static int run_script(const char *script, char **argv)
{
    char beside[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", beside, sizeof beside - 1);
    char path[PATH_MAX * 2] = "";

    if (length > 0) { /* an installed copy has its scripts beside it */
        beside[length] = '\0';
        snprintf(path, sizeof path, "%s/%s", dirname(beside), script);
    }
    if (access(path, R_OK) != 0)
        snprintf(path, sizeof path, "%s/%s", PILESIM_SCRIPTS, script);
    argv[0] = (char *)"python3"; /* in place of `pilesim audit` */
    argv[1] = path;
    execvp(argv[0], argv);
    fprintf(stderr, "pilesim: cannot start python3: %s\n", strerror(errno));
    return SIM_EXIT_FILE;
}

int main(int argc, char **argv)
{
    struct sim_options options;
    const char *command = argc > 1 ? argv[1] : "";
    bool backfill = !strcmp(command, "backfill");
    enum sim_parsed parsed;

    if (!strcmp(command, "--help") || !strcmp(command, "help")) {
        fputs(help, stdout);
        return SIM_EXIT_OK;
    }
    if (!strcmp(command, "audit"))
        return run_script("audit.py", argv);
    if (!strcmp(command, "seed"))
        return run_script("seed.py", argv);
    if (!backfill && strcmp(command, "run") != 0) {
        fprintf(stderr, "pilesim: %s%s\n%s",
            *command ? "no such command: " : "a command is missing", command, help);
        return SIM_EXIT_USAGE;
    }
    parsed = sim_options_read(&options, backfill, argc - 1, argv + 1);
    if (parsed != SIM_PARSED)
        return parsed == SIM_PARSED_HELP ? SIM_EXIT_OK : SIM_EXIT_USAGE;
    return sim_run(&options);
}
