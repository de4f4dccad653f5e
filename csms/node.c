/* node.c - see node.h: making and ending a node, and what it does by the clock.
 *
 * The core's effects are in node_core.c, the transport's events in node_ws.c.
 */
#include "csms/node_inside.h"

#include "csms/fault.h"
#include "csms/jobs.h"
#include "db/conninfo.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    TICK_MS = 100,
    LOOK_MS = 2000,
    SEEN_MS = 30000,
    OTHERS_MS = 10000,
    AWAY_MS = 10000, /* without a commit: then the piles keep their queues */
    JOB_POLL_MS = 500,
    JOB_SILENCE_MS = 130000, /* a statement may work for two minutes (0001_roles.sql) */
    JOB_GRACE_MS = 2000,     /* for what workers have begun, at the end */
    LOOKER_SILENCE_MS = 10000,
    LOOKS_LATE_MS = 15000, /* so long without a look at the directory or the clock: not ready */
    STOOD_MS = 3000,
    CLOCK_US = 2000000 /* a clock further off than this is not ready */
};

struct core_now node_now(const struct node *node)
{
    return (struct core_now){loop_mono_ms(node->config.loop), loop_wall_us(node->config.loop)};
}

/* A key may have been revoked since; a time when the process stood still does not count. */
static bool looks_late(const struct node *node)
{
    uint64_t looked_ms = roster_looked_ms(node->roster);

    if (looked_ms < node->resumed_ms)
        looked_ms = node->resumed_ms;
    return loop_mono_ms(node->config.loop) - looked_ms >= LOOKS_LATE_MS;
}

const char *node_not_ready(const struct node *node)
{
    if (node->draining)
        return "draining";
    if (!db_lane_up(node->money) || !db_lane_up(node->telemetry))
        return "the database is not connected";
    if (node->away)
        return "the database does not commit";
    if (node->id == 0)
        return "the database has not told the node's number yet";
    if (!db_listen_up(node->listening))
        return "the node's lock is not held";
    if (!roster_loaded(node->roster))
        return "the directory is not loaded";
    if (llabs(roster_behind_us(node->roster)) > CLOCK_US)
        return "the clock differs from the database's by more than 2 s";
    if (looks_late(node))
        return "the directory or the clock has not been looked at for 15 s";
    return NULL;
}

/* Nothing has been committed for 10 s although something waits; and both lanes commit again. */
static void database_watch(struct node *node)
{
    uint64_t now_ms = loop_mono_ms(node->config.loop);
    uint64_t money_ms = db_lane_oldest_ms(node->money, now_ms);
    uint64_t telemetry_ms = db_lane_oldest_ms(node->telemetry, now_ms);
    uint64_t oldest_ms = money_ms > telemetry_ms ? money_ms : telemetry_ms;
    bool up = db_lane_up(node->money) && db_lane_up(node->telemetry);

    if (!node->away && oldest_ms >= AWAY_MS && now_ms - node->resumed_ms >= AWAY_MS) {
        node->away = true;
        log_event(node->config.log, DB_AWAY, log_uint("oldest_ms", oldest_ms));
        core_database_away(node->core, node_now(node));
    } else if (node->away && up && oldest_ms < AWAY_MS / 5) {
        node->away = false;
        log_event(node->config.log, DB_BACK, log_uint("oldest_ms", oldest_ms));
        core_database_back(node->core, node_now(node));
    }
}

static void lock_gone(struct node *node)
{
    node->unlocked_ms = 0;
    core_close_all(node->core, node_now(node), CORE_CLOSE_RESTART, "the node lost its lock");
}

/* The time to drain is five eighths for answers that are under way, one for the piles' good-bye,
 * and with that up to a half more for what the lanes still hold. */
static void drain_watch(struct node *node)
{
    uint64_t now_ms = loop_mono_ms(node->config.loop);
    uint32_t eighth_ms = (uint32_t)node->config.conf->limits_drain_s * 1000 / 8;
    struct core_stats stats;

    core_stats(node->core, &stats);
    if (stats.connections > 0 && now_ms - node->drain_ms < 5 * eighth_ms)
        return;
    if (stats.connections > 0)
        core_close_all(
            node->core, node_now(node), CORE_CLOSE_GOING_AWAY, "the node is going down");
    if (stats.in_work > 0 && now_ms - node->drain_ms < 5 * eighth_ms)
        return;
    if (!node->sockets_drained) {
        node->sockets_drained = true;
        ws_drain(node->ws, CORE_CLOSE_GOING_AWAY, "the node is going down", eighth_ms);
        node->drained_ms = now_ms;
        trace_flush(node->trace, now_ms);
    }
    if (now_ms - node->drained_ms < eighth_ms + eighth_ms / 2 &&
        (db_lane_stats(node->money).queued > 0 || closing_count(node->closing) > 0 ||
            node->patient_count > 0))
        return;
    if (node->ended != NULL) {
        loop_call *ended = node->ended;

        node->ended = NULL;
        ended(node->ended_ctx);
    }
}

/* A process that was stopped for a while (or swapped out) has heard nothing in the meantime: what
 * waits in its sockets comes first, and nobody else was late. */
static bool stood_still(struct node *node, uint64_t now_ms)
{
    bool stood = node->ticked_ms != 0 && now_ms - node->ticked_ms >= STOOD_MS;

    node->ticked_ms = now_ms;
    if (stood)
        node->resumed_ms = now_ms;
    return stood;
}

static void tick(void *ctx)
{
    struct node *node = ctx;
    uint64_t now_ms = loop_mono_ms(node->config.loop);

    if (!stood_still(node, now_ms))
        core_tick(node->core, node_now(node));
    trace_flush(node->trace, now_ms);
    closing_again(node->closing, now_ms);
    database_watch(node);
    node_greet(node, now_ms);
    if (node->unlocked_ms != 0 && now_ms - node->unlocked_ms >= AWAY_MS)
        lock_gone(node);
    if (node->id != 0 && now_ms - node->looked_ms >= LOOK_MS) {
        node->looked_ms = now_ms;
        roster_directory(node->roster);
        roster_commands(node->roster);
        roster_clock(node->roster);
    }
    if (node->moved) {
        node->moved = false;
        roster_moved(node->roster);
    }
    if (node->id != 0 && now_ms - node->others_ms >= OTHERS_MS) {
        node->others_ms = now_ms;
        roster_others(node->roster);
    }
    if (now_ms - node->seen_ms >= SEEN_MS) {
        node->seen_ms = now_ms;
        trace_seen(node->trace, node->core, now_ms);
    }
    if (node->draining)
        drain_watch(node);
    loop_timer_arm(node->config.loop, &node->tick, now_ms + TICK_MS);
}

/* A connection was lost, or there is none yet: its host's name may lead elsewhere now. */
static void address_ask(struct node *node)
{
    if (node->resolve != NULL)
        resolve_ask(node->resolve);
}

static void address_found(void *ctx, const char *conninfo, const char *why)
{
    struct node *node = ctx;

    if (conninfo == NULL) {
        if (!node->unresolved)
            log_event(
                node->config.log, DB_DOWN, log_str("lane", "resolver"), log_str("detail", why));
        node->unresolved = true;
        return;
    }
    node->unresolved = false;
    snprintf(node->address, sizeof node->address, "%s", conninfo);
    if (!db_lane_address(node->money, conninfo) || !db_lane_address(node->telemetry, conninfo) ||
        (node->listening != NULL && !db_listen_address(node->listening, conninfo)))
        log_event(node->config.log, DB_DOWN, log_str("lane", "resolver"),
            log_str("detail", "no memory for the address"));
}

static bool address_begin(struct node *node)
{
    struct resolve_config config = {.loop = node->config.loop, .conninfo = node->conninfo,
        .found = address_found, .ctx = node};

    if (db_address_of(node->conninfo) != DB_ADDRESS_NAMES) {
        snprintf(node->address, sizeof node->address, "%s", node->conninfo);
        return true;
    }
    node->resolve = resolve_new(&config);
    if (node->resolve == NULL)
        return false;
    resolve_ask(node->resolve);
    return true;
}

static const char *address(const struct node *node)
{
    return node->address[0] != '\0' ? node->address : NULL;
}

static void lane_log(struct node_lane *lane, enum db_lane_event event, const char *detail)
{
    static const enum log_event_id events[] = {
        [DB_LANE_UP] = LOG_DB_UP,
        [DB_LANE_LOST] = LOG_DB_DOWN,
        [DB_LANE_SERVER] = LOG_DB_REFUSED,
        [DB_LANE_UNPREPARED] = LOG_DB_REFUSED,
        [DB_LANE_AGAIN] = LOG_DB_AGAIN,
        [DB_LANE_SPLIT] = LOG_DB_REFUSED,
        [DB_LANE_FAILED] = LOG_DB_REFUSED,
    };
    static const char *const words[] = {
        [DB_LANE_UP] = "up",
        [DB_LANE_LOST] = "lost",
        [DB_LANE_SERVER] = "server_refused",
        [DB_LANE_UNPREPARED] = "unprepared",
        [DB_LANE_AGAIN] = "again",
        [DB_LANE_SPLIT] = "split",
        [DB_LANE_FAILED] = "failed",
    };
    struct log_kv pairs[] = {log_str("lane", lane->name), log_str("what", words[event]),
        log_str("detail", detail)};
    bool down = event == DB_LANE_LOST || event == DB_LANE_SERVER || event == DB_LANE_UNPREPARED;
    bool again = down && lane->down && event == lane->why; /* not one line for each try */

    lane->down = down;
    lane->why = event;
    if (event == DB_LANE_LOST)
        address_ask(lane->node);
    if (!again)
        log_write(lane->node->config.log, events[event], pairs, 3);
}

static void lane_event(void *ctx, enum db_lane_event event, const char *detail)
{
    struct node_lane *lane = ctx;

    if (event == DB_LANE_SENT)
        crash_point("commit_sent", lane->name);
    else
        lane_log(lane, event, detail);
}

static void lane_watch(void *ctx, int fd, bool want_read, bool want_write)
{
    struct node_lane *lane = ctx;

    link_watch(&lane->link, fd, want_read, want_write);
}

static void lane_alarm(void *ctx, uint64_t at_mono_ms)
{
    struct node_lane *lane = ctx;

    link_alarm_set(&lane->link, at_mono_ms);
}

static void lane_ready(void *guest, bool readable, bool writable, uint64_t now_ms)
{
    db_lane_ready(guest, readable, writable, now_ms);
}

static void lane_rang(void *guest, uint64_t now_ms)
{
    db_lane_alarm(guest, now_ms);
}

static void listen_ready(void *guest, bool readable, bool writable, uint64_t now_ms)
{
    db_listen_ready(guest, readable, writable, now_ms);
}

static void listen_rang(void *guest, uint64_t now_ms)
{
    db_listen_alarm(guest, now_ms);
}

static struct db_lane *lane_make(struct node *node, struct node_lane *lane, const char *name)
{
    struct db_lane_config config = {
        .conninfo = address(node),
        .name = name,
        .durability_test = node->config.conf->top_durability == CONF_DURABILITY_TEST,
    };
    struct db_lane_ports ports = {
        .ctx = lane, .watch = lane_watch, .alarm = lane_alarm, .event = lane_event};
    struct db_lane *made;

    lane->node = node;
    lane->name = name;
    if (!link_init(&lane->link, node->config.loop, lane_ready, lane_rang))
        return NULL;
    made = db_lane_new(&config, &ports);
    lane->link.guest = made;
    return made;
}

/* Anybody who may log in may notify: what is heard is a reason to look, never a fact. */
static void heard(struct node *node, const char *channel, const char *detail)
{
    long long station = detail != NULL ? strtoll(detail, NULL, 10) : 0;

    if (strncmp(channel, "joulebook_node_", 15) != 0)
        roster_directory(node->roster);
    else if (station > 0)
        core_command_hint(node->core, node_now(node), station);
    else
        node->moved = true;
}

/* A node that lost its lock no longer owns its piles.  While the database is away nobody else
 * can take it either, so the piles stay for as long as they would stay without it; who finds
 * the lock in other hands gives them up at once. */
static void listen_event(
    void *ctx, enum db_listen_event event, const char *channel, const char *detail)
{
    struct node_lane *lane = ctx;
    struct node *node = lane->node;

    if (event == DB_LISTEN_HEARD) {
        heard(node, channel, detail);
        return;
    }
    if (event == DB_LISTEN_UP) {
        node->unlocked_ms = 0;
        lane->down = false;
        log_event(node->config.log, DB_UP, log_str("lane", "listen"));
        roster_reload(node->roster);
        return;
    }
    if (!lane->down)
        log_event(node->config.log, DB_DOWN, log_str("lane", "listen"), log_str("detail", detail));
    lane->down = true;
    if (event != DB_LISTEN_OTHER)
        address_ask(node);
    if (event == DB_LISTEN_LOST)
        node->unlocked_ms = loop_mono_ms(node->config.loop);
    if (event == DB_LISTEN_OTHER)
        lock_gone(node);
}

static bool listen_make(struct node *node)
{
    struct node_lane *lane = &node->listen_lane;
    struct db_listen_ports ports = {
        .ctx = lane, .watch = lane_watch, .alarm = lane_alarm, .event = listen_event};

    lane->node = node;
    lane->name = "listen";
    if (!link_init(&lane->link, node->config.loop, listen_ready, listen_rang))
        return false;
    node->listening = db_listen_new(address(node), node->id, &ports);
    lane->link.guest = node->listening;
    return node->listening != NULL;
}

static void node_name(const struct conf *conf, char name[65])
{
    snprintf(name, 65, "%s", conf->top_node);
    if (name[0] == '\0' && gethostname(name, 64) != 0)
        snprintf(name, 65, "node");
}

static void conninfo_make(const struct conf *conf, char *buf, size_t size)
{
    bool fits = true; /* both settings are far shorter */

    if (strcmp(conf->top_database, "embedded") == 0)
        fits = db_conninfo_in(conf->top_run_dir, "joulebook", "joulebook_app", buf, size);
    else
        snprintf(buf, size, "%s", conf->top_database);
    assert(fits);
}

static int pepper_get(struct node *node, char why[NODE_WHY_MAX])
{
    char file[CONF_FILE_MAX], reason[256];

    conf_pepper_file(node->config.conf, file);
    if (pepper_load(&node->pepper, file, reason))
        return EX_OK;
    snprintf(why, NODE_WHY_MAX, "%s", reason);
    return EX_CANTCREAT;
}

static bool parts_make(struct node *node)
{
    struct worker_config workers = {
        .conninfo = node->conninfo,
        .name = node->name,
        .role = "worker",
        .silence_ms = JOB_SILENCE_MS,
        .threads = (uint32_t)node->config.conf->workers_threads,
        .poll_ms = JOB_POLL_MS,
        .log = node->config.log,
        .kinds = jobs_kinds,
        .job = node->config.conf->workers_jobs ? jobs_run : NULL,
        .held = true,
    };
    struct worker_config lookers = {
        .conninfo = node->conninfo,
        .name = node->name,
        .role = "look",
        .silence_ms = LOOKER_SILENCE_MS,
        .threads = 1,
        .poll_ms = JOB_POLL_MS,
        .log = node->config.log,
    };

    if (!address_begin(node))
        return false;
    node->money = lane_make(node, &node->money_lane, "money");
    node->telemetry = lane_make(node, &node->telemetry_lane, "telemetry");
    if (node->money == NULL || node->telemetry == NULL || !node_core_make(node))
        return false;
    node->trace = trace_new(node->telemetry);
    node->closing = closing_new(node->money);
    node->workers = workers_new(node->config.loop, &workers);
    node->lookers = workers_new(node->config.loop, &lookers);
    return node->trace != NULL && node->closing != NULL && node->workers != NULL &&
           node->lookers != NULL && node_ws_make(node);
}

bool node_begin(struct node *node, int64_t id)
{
    struct roster_config roster = {
        .loop = node->config.loop,
        .log = node->config.log,
        .node = id,
        .workers = node->lookers,
        .directory = node->directory,
        .core = node->core,
    };

    node->id = id;
    node->roster = roster_new(&roster);
    if (node->roster == NULL || !listen_make(node))
        return false;
    workers_begin(node->workers);
    return true;
}

int node_status(const struct node *node)
{
    return node->greeting.status;
}

struct node *node_new(const struct node_config *config, int *ret_exit, char why[NODE_WHY_MAX])
{
    struct node *node = calloc(1, sizeof *node);

    *ret_exit = EX_TEMPFAIL;
    snprintf(why, NODE_WHY_MAX, "out of memory");
    if (node == NULL)
        return NULL;
    node->config = *config;
    node_name(config->conf, node->name);
    conninfo_make(config->conf, node->conninfo, sizeof node->conninfo);
    *ret_exit = pepper_get(node, why);
    if (*ret_exit == EX_OK && !parts_make(node)) {
        *ret_exit = EX_TEMPFAIL;
        snprintf(why, NODE_WHY_MAX, "out of memory, or no thread could be made");
    }
    if (*ret_exit == EX_OK)
        *ret_exit = node_listen(node, why);
    if (*ret_exit != EX_OK) {
        node_free(node);
        return NULL;
    }
    node->tick = (struct wheel_timer){.fire = tick, .ctx = node};
    loop_timer_arm(config->loop, &node->tick, loop_mono_ms(config->loop));
    return node;
}

void node_free(struct node *node)
{
    if (node == NULL)
        return;
    if (node->tick.fire != NULL)
        loop_timer_disarm(node->config.loop, &node->tick);
    node->ending = true;
    workers_free(node->lookers, 0); /* both give tasks back, and the core may still send */
    workers_free(node->workers, JOB_GRACE_MS);
    ws_free(node->ws);
    resolve_free(node->resolve);
    db_listen_free(node->listening);
    db_lane_free(node->money);
    db_lane_free(node->telemetry);
    link_done(&node->listen_lane.link);
    link_done(&node->money_lane.link);
    link_done(&node->telemetry_lane.link);
    roster_free(node->roster);
    trace_free(node->trace);
    closing_free(node->closing);
    node_patients_end(node);
    core_admit_free(node->admit);
    core_directory_free(node->directory);
    core_free(node->core);
    pages_free(node->pages);
    metrics_free(node->metrics);
    db_args_done(&node->args);
    pepper_done(&node->pepper);
    free(node);
}

void node_drain(struct node *node, loop_call *ended, void *ctx)
{
    if (node->draining)
        return;
    node->draining = true;
    node->drain_ms = loop_mono_ms(node->config.loop);
    node->ended = ended;
    node->ended_ctx = ctx;
    ws_listen_stop(node->ws);
    workers_drain(node->workers);
    core_drain(node->core, node_now(node));
}
