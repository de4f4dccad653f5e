/* lane.c - the lane's public functions, its one alarm, and the choice of what to do next.
 *
 * See lane.h and lane_internal.h.  Loop thread.
 */
#include "db/lane_internal.h"

#include "db/address.h"
#include "db/alloc.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

void lane_event(struct db_lane *lane, enum db_lane_event event, const char *detail)
{
    lane->ports.event(lane->ports.ctx, event, detail);
}

void lane_unwatch(struct db_lane *lane)
{
    if (lane->fd < 0)
        return;
    lane->ports.watch(lane->ports.ctx, lane->fd, false, false);
    lane->fd = -1;
}

void lane_watch(struct db_lane *lane, bool want_write)
{
    int fd = PQsocket(lane->conn);
    bool connecting = lane->state == LANE_CONNECTING;
    bool want_read = !connecting || !want_write;

    if (fd == lane->fd && want_read == lane->fd_read && want_write == lane->fd_write)
        return;
    lane->fd = fd;
    lane->fd_read = want_read;
    lane->fd_write = want_write;
    lane->ports.watch(lane->ports.ctx, fd, want_read, want_write);
}

uint64_t lane_jitter(struct db_lane *lane, uint64_t ms)
{
    lane->random ^= lane->random << 13;
    lane->random ^= lane->random >> 7;
    lane->random ^= lane->random << 17;
    return ms - lane->random % (ms / 2 + 1);
}

static uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When something is due, whatever arrives. */
static uint64_t next_ms(const struct db_lane *lane)
{
    uint64_t at = UINT64_MAX;

    switch (lane->state) {
    case LANE_OFF:
    case LANE_PAUSED:
        return lane->until_ms;
    case LANE_CONNECTING:
    case LANE_SETUP:
        return lane->sent_ms + DB_LANE_CONNECT_MS;
    case LANE_RUNNING:
    case LANE_CLEANING:
        return lane->heard_ms + DB_LANE_STALL_MS;
    case LANE_IDLE:
        at = lane->flying ? lane->now_ms : min(lane->probe_ms, lane_queue_due_ms(lane));
        break;
    }
    return at;
}

static void arm(struct db_lane *lane)
{
    uint64_t at = next_ms(lane);

    if (at == lane->alarm_ms)
        return;
    lane->alarm_ms = at;
    lane->ports.alarm(lane->ports.ctx, at);
}

static void launch(struct db_lane *lane)
{
    uint64_t later_ms = lane->now_ms + DB_LANE_BUSY_RETRY_MS;

    if (lane_queue_take(lane)) {
        lane->launch_ms = 0;
        lane_send_range(lane);
    } else { /* no memory */
        lane->launch_ms = lane->large_ms = later_ms;
        if (lane->busy_next_ms < later_ms)
            lane->busy_next_ms = later_ms;
    }
}

static void probe(struct db_lane *lane)
{
    lane->stats.probes++;
    lane->probe_ms = lane->now_ms + DB_LANE_PROBE_MS;
    lane_send_range(lane);
}

/* Does what can be done now; loops, as a launch may fail at once and leave the lane idle. */
static void advance(struct db_lane *lane)
{
    if (lane->state == LANE_PAUSED && lane->until_ms <= lane->now_ms)
        lane->state = LANE_IDLE;
    if (lane->state == LANE_OFF && lane->until_ms <= lane->now_ms)
        lane_connect(lane);
    if (lane->state == LANE_IDLE) {
        if (lane->flying)
            lane_send_range(lane);
        else if (lane_queue_due_ms(lane) <= lane->now_ms)
            launch(lane);
        else if (lane->probe_ms <= lane->now_ms)
            probe(lane);
    }
    arm(lane);
}

static void see(struct db_lane *lane, uint64_t now_ms)
{
    if (now_ms > lane->now_ms)
        lane->now_ms = now_ms;
}

void db_lane_ready(struct db_lane *lane, bool readable, bool writable, uint64_t now_ms)
{
    see(lane, now_ms);
    if (lane->state == LANE_CONNECTING) {
        lane_connect_poll(lane);
    } else if (lane->state != LANE_OFF) {
        if (readable)
            lane_read(lane);
        if ((writable || lane->fd_write) && lane->conn && lane->state != LANE_CONNECTING)
            lane_flush(lane);
    }
    advance(lane);
}

void db_lane_alarm(struct db_lane *lane, uint64_t now_ms)
{
    bool late;

    see(lane, now_ms);
    lane->alarm_ms = UINT64_MAX - 1; /* it has rung: whatever is next must be set anew */
    late = next_ms(lane) <= lane->now_ms;
    if (late && (lane->state == LANE_CONNECTING || lane->state == LANE_SETUP))
        lane_lost(lane, DB_LANE_LOST, "no answer while connecting");
    else if (late && (lane->state == LANE_RUNNING || lane->state == LANE_CLEANING))
        lane_lost(lane, DB_LANE_LOST, "no answer to a batch");
    advance(lane);
}

bool db_lane_submit(struct db_lane *lane, const struct db_work *work, uint64_t now_ms)
{
    see(lane, now_ms);
    assert((uint32_t)work->stmt < lane->statement_count);
    assert(lane->statements[work->stmt].kind == DB_KIND_BULK ? work->args->rows > 0
                                                             : work->args->rows == 1);
    assert(lane->statements[work->stmt].kind == DB_KIND_CALL ||
           lane->statements[work->stmt].kind == DB_KIND_BULK);
    if (!db_args_ok(work->args) || !lane_queue_add(lane, work, lane->now_ms)) {
        lane->stats.refused_full++;
        return false;
    }
    lane->stats.submitted++;
    if (lane->launch_ms == 0) /* an idle lane goes as soon as the loop comes round */
        lane->launch_ms = lane->now_ms + (lane->state == LANE_IDLE ? 0 : DB_LANE_WINDOW_MS);
    if (lane->state == LANE_IDLE)
        arm(lane);
    return true;
}

bool db_lane_up(const struct db_lane *lane)
{
    return lane->state >= LANE_IDLE;
}

uint64_t db_lane_oldest_ms(const struct db_lane *lane, uint64_t now_ms)
{
    uint64_t since = lane_queue_oldest_ms(lane);

    if (lane->stuck_ms)
        since = min(since, lane->stuck_ms);
    if (lane->state == LANE_RUNNING)
        since = min(since, lane->sent_ms);
    return since < now_ms ? now_ms - since : 0;
}

struct db_lane_stats db_lane_stats(const struct db_lane *lane)
{
    return lane->stats;
}

bool db_lane_address(struct db_lane *lane, const char *conninfo)
{
    char *copy = db_address_of(conninfo) == DB_ADDRESS_KNOWN ? db_strdup(conninfo) : NULL;

    if (!copy)
        return false;
    db_free(lane->conninfo);
    lane->conninfo = copy;
    return true;
}

static uint64_t seed(const char *name, const void *address)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ (uintptr_t)address;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return hash ? hash : 1;
}

struct db_lane *db_lane_new(const struct db_lane_config *config, const struct db_lane_ports *ports)
{
    struct db_lane *lane;

    if (config->conninfo && db_address_of(config->conninfo) != DB_ADDRESS_KNOWN)
        return NULL;
    lane = db_alloc_zero(sizeof *lane);
    if (!lane)
        return NULL;
    lane->fd = -1;
    lane->ports = *ports;
    lane->statements = config->statements ? config->statements : db_statements;
    lane->statement_count = config->statements ? config->statement_count : DB_STMT_COUNT;
    lane->durability_test = config->durability_test;
    lane->conninfo = config->conninfo ? db_strdup(config->conninfo) : NULL;
    lane->name = db_strdup(config->name);
    lane->prepared = db_alloc_zero(lane->statement_count * sizeof *lane->prepared);
    lane->random = seed(config->name, lane);
    lane->backoff_ms = DB_LANE_BACKOFF_MIN_MS;
    lane->busy_next_ms = UINT64_MAX;
    lane->alarm_ms = UINT64_MAX;
    if ((config->conninfo && !lane->conninfo) || !lane->name || !lane->prepared) {
        db_lane_free(lane);
        return NULL;
    }
    arm(lane);
    return lane;
}

void db_lane_free(struct db_lane *lane)
{
    if (!lane)
        return;
    lane_unwatch(lane);
    PQfinish(lane->conn);
    lane_queue_done(lane);
    db_free(lane->steps);
    db_free(lane->scratch);
    db_free(lane->prepared);
    db_free(lane->conninfo);
    db_free(lane->name);
    db_free(lane);
}
