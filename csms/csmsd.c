/* csmsd.c - the daemon: options, configuration, log, loop, signals, and the node between them.
 *
 * Exit statuses are those of sysexits: 0, 64 usage, 69 the database or a port is not available,
 * 73 a file cannot be made, 75 try again, 77 not permitted, 78 the configuration is wrong.
 */
#include "csms/node.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#ifndef JOULEBOOK_VERSION
#error "JOULEBOOK_VERSION is defined by the build"
#endif

enum { LOG_SLOTS = 8192 };

struct daemon {
    const char *file;
    struct conf *conf;
    struct log *log;
    struct loop *loop;
    struct node *node;
    bool stopping;
};

static const char usage[] =
    "usage: csmsd [--config FILE] [--check-config | --print-config]\n"
    "       csmsd --list-settings | --list-events | --version | --help\n"
    "\n"
    "The OCPP 1.6 central system. Without --config built-in values and the environment\n"
    "(CSMS_<SECTION>_<NAME>) hold.\n"
    "\n"
    "  --config FILE    read this configuration\n"
    "  --check-config   say what is wrong with it, and exit: 0 nothing, 78 something\n"
    "  --print-config   print every setting with where it came from, and exit\n"
    "  --list-settings  print what may be set, and its meaning, as a Markdown table\n"
    "  --list-events    print what the log may say, and its meaning, likewise\n"
    "\n"
    "Signals: TERM and INT end it in good order, HUP reads the configuration again.\n";

static void report(void *ctx, const char *line)
{
    fprintf(ctx, "%s\n", line);
}

static void report_log(void *ctx, const char *line)
{
    struct daemon *daemon = ctx;

    log_event(daemon->log, RELOAD_REFUSED, log_str("reason", line));
}

static void report_restart(void *ctx, const char *line)
{
    struct daemon *daemon = ctx;

    log_event(daemon->log, RELOADED, log_str("restart_needed", line));
}

static void report_descriptors(void *ctx, const char *line)
{
    struct daemon *daemon = ctx;

    log_event(daemon->log, NO_DESCRIPTORS, log_str("reason", line));
}

static void ended(void *ctx)
{
    struct daemon *daemon = ctx;

    loop_stop(daemon->loop);
}

/* The second signal does not wait for anybody. */
static void on_stop(void *ctx)
{
    struct daemon *daemon = ctx;

    if (daemon->stopping) {
        loop_stop(daemon->loop);
        return;
    }
    daemon->stopping = true;
    log_event(daemon->log, STOPPING, log_int("pid", getpid()));
    node_drain(daemon->node, ended, daemon);
}

static void on_reload(void *ctx)
{
    struct daemon *daemon = ctx;
    struct conf *fresh = conf_load(daemon->file, report_log, daemon);

    if (fresh == NULL)
        return;
    conf_restart_needed(daemon->conf, fresh, report_restart, daemon);
    node_reload(daemon->node, fresh);
    conf_free(daemon->conf);
    daemon->conf = fresh;
    log_event(daemon->log, RELOADED, log_str("config", daemon->file));
}

static bool signals_set(struct daemon *daemon)
{
    signal(SIGPIPE, SIG_IGN);
    return loop_signal(daemon->loop, SIGTERM, on_stop, daemon) &&
           loop_signal(daemon->loop, SIGINT, on_stop, daemon) &&
           loop_signal(daemon->loop, SIGHUP, on_reload, daemon);
}

static int serve(struct daemon *daemon)
{
    struct node_config config = {
        .loop = daemon->loop,
        .log = daemon->log,
        .conf = daemon->conf,
        .version = JOULEBOOK_VERSION,
    };
    char why[NODE_WHY_MAX];
    int status;

    if (!signals_set(daemon)) {
        fprintf(stderr, "csmsd: signals cannot be handled\n");
        return EX_OSERR;
    }
    conf_check_descriptors(daemon->conf, report_descriptors, daemon);
    daemon->node = node_new(&config, &status, why);
    if (daemon->node == NULL) {
        log_event(daemon->log, FATAL, log_str("reason", why), log_int("status", status));
        return status;
    }
    log_event(daemon->log, STARTED, log_str("version", JOULEBOOK_VERSION),
        log_int("pid", getpid()));
    loop_run(daemon->loop);
    status = node_status(daemon->node);
    node_free(daemon->node);
    log_event(daemon->log, STOPPED, log_int("pid", getpid()));
    return status;
}

static int run(const char *file)
{
    struct daemon daemon = {.file = file};
    int status = EX_TEMPFAIL;

    daemon.conf = conf_load(file, report, stderr);
    if (daemon.conf == NULL)
        return EX_CONFIG;
    conf_check_environment(report, stderr);
    daemon.log = log_new(STDERR_FILENO, (enum log_level)daemon.conf->log_level,
        (enum log_format)daemon.conf->log_format, LOG_SLOTS);
    daemon.loop = loop_new();
    if (daemon.log != NULL && daemon.loop != NULL)
        status = serve(&daemon);
    else
        fprintf(stderr, "csmsd: out of memory\n");
    loop_free(daemon.loop);
    log_free(daemon.log);
    conf_free(daemon.conf);
    return status;
}

static int check(const char *file, bool print)
{
    struct conf *conf = conf_load(file, report, stderr);
    bool right = true;

    if (conf == NULL)
        return EX_CONFIG;
    conf_check_environment(report, stderr);
    if (print)
        conf_print(conf, stdout);
    else
        right = conf_check(conf, report, stderr);
    conf_free(conf);
    return right ? EX_OK : EX_CONFIG;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check-config", no_argument, NULL, 'k'},
        {"print-config", no_argument, NULL, 'p'},
        {"list-settings", no_argument, NULL, 's'},
        {"list-events", no_argument, NULL, 'e'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *file = NULL;
    int option, mode = 0;

    while ((option = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1) {
        if (option == 'c') {
            file = optarg;
        } else if (option == 'V') {
            printf("csmsd %s\n", JOULEBOOK_VERSION);
            return EX_OK;
        } else if (option == 'h') {
            fputs(usage, stdout);
            return EX_OK;
        } else if (option == 's') {
            conf_describe(stdout);
            return EX_OK;
        } else if (option == 'e') {
            log_describe(stdout);
            return EX_OK;
        } else if (option == 'k' || option == 'p') {
            mode = option;
        } else {
            fputs(usage, stderr);
            return EX_USAGE;
        }
    }
    if (optind != argc) {
        fprintf(stderr, "csmsd: %s is not an option\n%s", argv[optind], usage);
        return EX_USAGE;
    }
    return mode == 0 ? run(file) : check(file, mode == 'p');
}
