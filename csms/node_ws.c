/* node_ws.c - the transport's events: who is admitted, frames on their way to the core, pages. */
#include "csms/node_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>

enum { ADMIT_ADDRESSES = 4096 };

static struct core_conn core_conn_of(struct ws_conn conn)
{
    return (struct core_conn){.slot = conn.slot, .generation = conn.generation};
}

static void port_admit(void *ctx, const struct core_request *request, struct core_verdict *ret)
{
    struct node *node = ctx;

    core_admit_decide(node->admit, request, loop_mono_ms(node->config.loop), ret);
}

static void port_opened(
    void *ctx, struct ws_conn conn, const struct core_verdict *verdict, const char *remote)
{
    struct node *node = ctx;

    core_conn_open(node->core, node_now(node), core_conn_of(conn), verdict->station, remote);
}

static void port_frame(void *ctx, struct ws_conn conn, const char *text, size_t length)
{
    struct node *node = ctx;

    core_conn_frame(node->core, node_now(node), core_conn_of(conn), text, length);
}

static bool port_room(void *ctx, size_t length)
{
    return core_room(((struct node *)ctx)->core, length);
}

static void port_too_large(void *ctx, struct ws_conn conn, size_t length)
{
    struct node *node = ctx;

    core_conn_too_large(node->core, node_now(node), core_conn_of(conn),
        length < INT64_MAX ? length : INT64_MAX);
}

static void port_closed(void *ctx, struct ws_conn conn, int code, const char *reason)
{
    struct node *node = ctx;

    (void)code;
    core_conn_closed(node->core, node_now(node), core_conn_of(conn),
        *reason ? reason : "the connection was lost");
}

static bool port_page(
    void *ctx, const struct listener *listener, const char *path, struct ws_page *ret)
{
    struct node *node = ctx;

    return pages_get(node->pages, listener, path, ret);
}

static void port_refused(void *ctx, const struct ws_door *door)
{
    struct node *node = ctx;
    const char *reason = core_refusal_name(door->reason);

    log_event(node->config.log, REFUSED, log_str("identity", door->identity),
        log_str("remote", door->remote), log_str("reason", reason));
    trace_door(
        node->trace, loop_wall_us(node->config.loop), door->identity, door->remote, reason);
}

static bool port_serving(void *ctx)
{
    struct node *node = ctx;

    return core_serving(node->core) && node_not_ready(node) == NULL;
}

static bool port_loaded(void *ctx)
{
    struct node *node = ctx;

    return node->roster != NULL && roster_loaded(node->roster);
}

static bool port_may_open(void *ctx, int64_t station)
{
    struct node *node = ctx;

    return core_may_open(node->core, node_now(node), station);
}

static void port_starved(void *ctx)
{
    struct node *node = ctx;
    struct ws_stats ws;

    ws_stats(node->ws, &ws);
    log_event(node->config.log, NO_DESCRIPTORS, log_uint("connections", ws.connections),
        log_uint("half_open", ws.half_open));
}

static void port_facts(void *ctx, struct pages_facts *ret)
{
    struct node *node = ctx;
    struct core_stats stats;

    core_stats(node->core, &stats);
    *ret = (struct pages_facts){
        .version = node->config.version,
        .piles_known = core_directory_count(node->directory),
        .piles_connected = stats.open,
    };
}

static const char *port_not_ready(void *ctx)
{
    return node_not_ready(ctx);
}

static void set(struct node *node, enum metric metric, int16_t label, uint64_t value)
{
    metrics_set(node->metrics, metric, METRIC_AT(label), value);
}

static void gauges_lane(struct node *node, int16_t label, const struct db_lane *lane)
{
    set(node, METRIC_DB_UP, label, db_lane_up(lane));
    set(node, METRIC_QUEUE_DEPTH, label, db_lane_stats(lane).queued);
    set(node, METRIC_DB_COMMITS, label, db_lane_stats(lane).commits);
    set(node, METRIC_DB_BATCH_TIME, label, db_lane_stats(lane).batch_ms_total);
    set(node, METRIC_QUEUE_OLDEST, label,
        db_lane_oldest_ms(lane, loop_mono_ms(node->config.loop)));
}

static void gauges_ws(struct node *node)
{
    struct ws_stats ws;

    ws_stats(node->ws, &ws);
    set(node, METRIC_WS_CONNECTIONS, 0, ws.connections);
    set(node, METRIC_WS_HALF_OPEN, 0, ws.half_open);
    set(node, METRIC_WS_ACCEPTED, 0, ws.accepted);
    set(node, METRIC_WS_OPENED, 0, ws.opened);
    set(node, METRIC_WS_CLOSED, 0, ws.closed);
    set(node, METRIC_WS_ACCEPT_PAUSED, 0, ws.accept_paused);
    set(node, METRIC_WS_MESSAGES, METRIC_IN, ws.messages_in);
    set(node, METRIC_WS_MESSAGES, METRIC_OUT, ws.messages_out);
    set(node, METRIC_WS_BYTES, METRIC_IN, ws.bytes_in);
    set(node, METRIC_WS_BYTES, METRIC_OUT, ws.bytes_out);
    for (int16_t i = 0; i < CORE_REFUSAL_COUNT; i++)
        set(node, METRIC_WS_REFUSED, i, ws.refused[i]);
    set(node, METRIC_WS_CUT, METRIC_CUT_TOO_LARGE, ws.cut_too_large);
    set(node, METRIC_WS_CUT, METRIC_CUT_FRAGMENTS, ws.cut_fragments);
    set(node, METRIC_WS_CUT, METRIC_CUT_BINARY, ws.cut_binary);
    set(node, METRIC_WS_CUT, METRIC_CUT_STALLED, ws.cut_stalled);
    set(node, METRIC_WS_CUT, METRIC_CUT_CONTROL, ws.cut_control);
    set(node, METRIC_WS_CUT, METRIC_CUT_SLOW_READER, ws.cut_slow_reader);
    set(node, METRIC_WS_CUT, METRIC_CUT_SILENT, ws.cut_silent);
    set(node, METRIC_WS_CUT, METRIC_CUT_NO_MEMORY, ws.cut_no_memory);
}

static void port_before_metrics(void *ctx)
{
    struct node *node = ctx;
    struct workers_stats jobs = workers_stats(node->workers);
    uint32_t known = core_directory_count(node->directory);
    struct core_stats stats;

    core_stats(node->core, &stats);
    set(node, METRIC_PILES, METRIC_ONLINE, stats.open);
    set(node, METRIC_PILES, METRIC_OFFLINE, known > stats.open ? known - stats.open : 0);
    set(node, METRIC_JOBS, METRIC_OK, jobs.jobs_done);
    set(node, METRIC_JOBS, METRIC_ERROR, jobs.jobs_failed + jobs.jobs_lost);
    set(node, METRIC_SESSIONS_STARTED, 0, stats.started);
    for (int16_t i = 0; i <= OCPP_REASON_COUNT; i++)
        set(node, METRIC_SESSIONS_FINISHED, i, stats.stopped[i]);
    set(node, METRIC_TRACE_DROPPED, 0, trace_dropped(node->trace));
    set(node, METRIC_DIRECTORY_UNREADABLE, 0,
        node->roster != NULL ? roster_unreadable(node->roster) : 0);
    set(node, METRIC_LOG_DROPPED, 0, log_dropped(node->config.log));
    set(node, METRIC_DB_UP, METRIC_LISTEN,
        node->listening != NULL && db_listen_up(node->listening));
    gauges_lane(node, METRIC_TELEMETRY, node->telemetry);
    gauges_lane(node, METRIC_MONEY, node->money);
    gauges_ws(node);
}

static void limits_of(const struct conf *conf, struct ws_limits *ret)
{
    ws_limits_default(ret);
    ret->connections = (uint32_t)conf->limits_connections;
    ret->half_open = (uint32_t)conf->limits_half_open;
    ret->half_open_per_address = (uint32_t)conf->limits_half_open_per_address;
    ret->connections_per_address = (uint32_t)conf->limits_connections_per_address;
    ret->accepts_per_s = (uint32_t)conf->limits_accepts_per_s;
    ret->accepts_per_address.per_minute =
        (uint32_t)conf->limits_accepts_per_address_per_minute;
    ret->head_bytes = (uint32_t)conf->limits_head_bytes;
    ret->handshake_ms = (uint32_t)conf->limits_handshake_s * 1000;
    ret->message_bytes = (uint32_t)conf->limits_message_bytes;
    ret->large_bytes = (uint32_t)conf->limits_large_bytes;
    ret->fragments = (uint32_t)conf->limits_fragments;
    ret->stall_ms = (uint32_t)conf->limits_stall_s * 1000;
    ret->message_ms = (uint32_t)conf->limits_message_s * 1000;
    ret->send_messages = (uint32_t)conf->limits_send_messages;
    ret->send_bytes = (uint32_t)conf->limits_send_bytes;
    ret->control_frames.per_minute = (uint32_t)conf->limits_control_frames_per_minute;
    ret->ping_ms = (uint32_t)conf->ocpp_ping_s * 1000;
    ret->dead_ms = (uint32_t)conf->ocpp_dead_s * 1000;
    ret->spare_loopback = conf->limits_spare_loopback;
}

static struct core_rate failures_of(const struct conf *conf)
{
    uint32_t per_minute = (uint32_t)conf->limits_failures_per_address_per_minute;

    return (struct core_rate){.per_minute = per_minute, .burst = per_minute};
}

static void port_hash(
    void *ctx, const char *identity, const void *key, size_t length, uint8_t ret[PEPPER_HASH])
{
    struct node *node = ctx;

    pepper_hash(&node->pepper, identity, key, length, ret);
}

static bool admit_make(struct node *node)
{
    struct core_admit_config config = {
        .prefix = "/ocpp",
        .failures = failures_of(node->config.conf),
        .addresses = ADMIT_ADDRESSES,
    };
    struct core_admit_ports ports = {
        .ctx = node, .serving = port_serving, .loaded = port_loaded, .may_open = port_may_open,
        .hash = port_hash};
    uint64_t seeds[2];

    if (getrandom(seeds, sizeof seeds, 0) != sizeof seeds)
        return false;
    config.seed = seeds[0];
    node->directory = core_directory_new(seeds[1]);
    if (node->directory == NULL)
        return false;
    node->admit = core_admit_new(node->directory, &config, &ports);
    return node->admit != NULL;
}

bool node_ws_make(struct node *node)
{
    struct pages_ports pages = {
        .ctx = node, .facts = port_facts, .not_ready = port_not_ready,
        .before_metrics = port_before_metrics};
    struct ws_ports ports = {
        .ctx = node,
        .admit = port_admit,
        .opened = port_opened,
        .frame = port_frame,
        .room = port_room,
        .too_large = port_too_large,
        .closed = port_closed,
        .page = port_page,
        .refused = port_refused,
        .starved = port_starved,
    };
    struct ws_limits limits;

    limits_of(node->config.conf, &limits);
    node->metrics = metrics_new();
    if (node->metrics == NULL || !admit_make(node))
        return false;
    node->pages = pages_new(node->metrics, &pages);
    node->ws = ws_new(node->config.loop, &limits, &ports);
    return node->pages != NULL && node->ws != NULL;
}

int node_listen(struct node *node, char why[NODE_WHY_MAX])
{
    const struct conf *conf = node->config.conf;

    for (uint32_t i = 0; i < conf->listener_count; i++) {
        const struct conf_listener *from = &conf->listeners[i];
        struct listener_spec spec = {
            .name = from->name,
            .bind = from->bind,
            .port = from->port,
            .serve = from->serve,
            .credentials = from->credentials,
            .tls = from->tls,
        };

        if (!ws_listen(node->ws, &spec)) {
            int error = errno;

            snprintf(why, NODE_WHY_MAX, "listener %s: %s port %u: %s: %s", from->name, from->bind,
                from->port, strerror(error), listener_advice(error));
            return error == EACCES ? EX_NOPERM : EX_UNAVAILABLE;
        }
        log_event(node->config.log, LISTENING, log_str("name", from->name),
            log_str("bind", from->bind), log_uint("port", from->port));
    }
    return EX_OK;
}

void node_reload(struct node *node, const struct conf *conf)
{
    struct ws_limits limits;

    node->config.conf = conf;
    limits_of(conf, &limits);
    ws_limits_set(node->ws, &limits);
    core_admit_failures(node->admit, failures_of(conf));
    node_core_reload(node);
    log_level_set(node->config.log, (enum log_level)conf->log_level);
}
