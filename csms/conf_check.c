/* conf_check.c - what a configuration names outside itself, before a daemon depends on it. */
#include "csms/conf_internal.h"
#include "csms/listener.h"
#include "csms/pepper.h"
#include "csms/ws.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void check_run_dir(struct conf_reader *reader)
{
    const struct conf *conf = reader->conf;
    struct stat st;

    if (strcmp(conf->top_database, "embedded") != 0)
        return;
    if (stat(conf->top_run_dir, &st) != 0)
        conf_complain(reader, conf_source(conf, "run_dir"),
            "run_dir: %s: %s; make it, or name the folder where PostgreSQL has its socket",
            conf->top_run_dir, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        conf_complain(reader, conf_source(conf, "run_dir"),
            "run_dir: %s is no folder; name the one where PostgreSQL has its socket",
            conf->top_run_dir);
}

static void check_pepper(struct conf_reader *reader)
{
    const char *setting = reader->conf->top_pepper_file[0] ? "pepper_file" : "state_dir";
    char file[CONF_FILE_MAX], why[256];

    conf_pepper_file(reader->conf, file);
    if (!pepper_check(file, why))
        conf_complain(reader, conf_source(reader->conf, setting), "%s: %s", setting, why);
}

static void check_descriptors(struct conf_reader *reader)
{
    const struct conf *conf = reader->conf;
    struct ws_limits limits = {.connections = (uint32_t)conf->limits_connections,
        .half_open = (uint32_t)conf->limits_half_open};
    struct rlimit most;

    if (getrlimit(RLIMIT_NOFILE, &most) != 0 || ws_descriptors(&limits) <= most.rlim_max)
        return;
    conf_complain(reader, conf_source(conf, "limits.connections"),
        "limits.connections: %" PRIu32 " piles and limits.half_open, %" PRIu32 ", need %" PRIu64
        " file descriptors, and the hard limit is %ju; lower them, or raise it (LimitNOFILE= of "
        "the unit, ulimit -Hn)",
        limits.connections, limits.half_open, ws_descriptors(&limits), (uintmax_t)most.rlim_max);
}

static void check_listener(struct conf_reader *reader, const struct conf_listener *listener)
{
    struct listener_spec spec = {
        .name = listener->name, .bind = listener->bind, .port = listener->port};

    if (listener_can_open(&spec))
        return;
    conf_complain(reader, listener->source, "listener %s: %s port %u: %s: %s", listener->name,
        listener->bind, listener->port, strerror(errno), listener_advice(errno));
}

void conf_check_descriptors(const struct conf *conf, conf_report *report, void *ctx)
{
    struct conf_reader reader = {.conf = (struct conf *)conf, .report = report, .ctx = ctx};

    check_descriptors(&reader);
}

bool conf_check(const struct conf *conf, conf_report *report, void *ctx)
{
    struct conf_reader reader = {.conf = (struct conf *)conf, .report = report, .ctx = ctx};

    check_run_dir(&reader);
    check_pepper(&reader);
    check_descriptors(&reader);
    for (uint32_t i = 0; i < conf->listener_count; i++)
        check_listener(&reader, &conf->listeners[i]);
    return !reader.failed;
}
