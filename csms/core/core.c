/* core.c - see core.h: the table of stations and slots, events in, who is connected.
 *
 * What a station's messages mean is in station.c, what we send to it in call.c.
 */
#include "csms/core/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_INDEX_BITS = 24, SPARE_STATIONS = 64 };
#define BIT(n) (1u << (n))

static const unsigned may_go[STATION_STATES] = {
    [STATION_FREE] = BIT(STATION_TAKING),
    [STATION_WAITING] = BIT(STATION_TAKING) | BIT(STATION_LEAVING),
    [STATION_TAKING] = BIT(STATION_OPEN) | BIT(STATION_LEAVING),
    [STATION_OPEN] = BIT(STATION_LEAVING),
    [STATION_LEAVING] = BIT(STATION_FREE) | BIT(STATION_WAITING),
};

static const char *const note_names[CORE_NOTES] = {
    [CORE_NOTE_OPENED] = "opened",
    [CORE_NOTE_CLOSED] = "closed",
    [CORE_NOTE_REPLACED] = "replaced",
    [CORE_NOTE_REPLACED_ALIVE] = "replaced_alive",
    [CORE_NOTE_NOT_FRAME] = "not_frame",
    [CORE_NOTE_UNMATCHED] = "unmatched",
    [CORE_NOTE_CALL_ERROR] = "call_error",
    [CORE_NOTE_TOLERATED] = "tolerated",
    [CORE_NOTE_UNUSABLE] = "unusable",
    [CORE_NOTE_BUSY] = "busy",
    [CORE_NOTE_REFUSED] = "refused",
    [CORE_NOTE_UNANSWERED] = "unanswered",
    [CORE_NOTE_OVERRUN] = "overrun",
    [CORE_NOTE_COMMAND] = "command",
    [CORE_NOTE_COMMAND_UNSENT] = "command_unsent",
    [CORE_NOTE_COMMAND_ENDED] = "command_ended",
    [CORE_NOTE_NO_MEMORY] = "no_memory",
};

const char *core_note_name(enum core_note note)
{
    assert(note < CORE_NOTES);
    return note_names[note];
}

struct core *core_new(const struct core_config *config, const struct core_ports *ports)
{
    struct core *core = calloc(1, sizeof *core);
    uint32_t room = 16;

    station_rows_check();
    if (core == NULL)
        return NULL;
    core->config = *config;
    core->ports = *ports;
    core->capacity = config->connections + config->connections / 8 + SPARE_STATIONS;
    assert(core->capacity < 1u << TOKEN_INDEX_BITS);
    while (room < core->capacity * 2)
        room *= 2;
    core->map_mask = room - 1;
    core->stations = calloc(core->capacity, sizeof *core->stations);
    core->free = calloc(core->capacity, sizeof *core->free);
    core->map = calloc(room, sizeof *core->map);
    core->slots = calloc(config->connections, sizeof *core->slots);
    if (!core->stations || !core->free || !core->map || !core->slots || !often_make(core)) {
        core_free(core);
        return NULL;
    }
    for (uint32_t i = 0; i < core->capacity; i++)
        core->free[core->free_count++] = core->capacity - 1 - i;
    return core;
}

void core_configure(struct core *core, const struct core_config *config)
{
    uint32_t connections = core->config.connections;

    core->config = *config;
    core->config.connections = connections;
}

static void station_empty(struct core_station *station)
{
    while (station->first != NULL) {
        struct core_job *job = station->first;

        station->first = job->next;
        core_job_free(job);
    }
    station->last = NULL;
    station->waiting = 0;
    station->waiting_bytes = 0;
}

void core_free(struct core *core)
{
    if (core == NULL)
        return;
    for (uint32_t i = 0; core->stations != NULL && i < core->capacity; i++) {
        struct core_station *station = &core->stations[i];

        station_empty(station);
        core_job_free(station->job);
        free(station->call);
        free(station->open);
    }
    free(core->stations);
    free(core->free);
    free(core->map);
    free(core->slots);
    free(core->often);
    free(core);
}

void core_count(
    struct core *core, enum core_note note, const struct core_station *station, const char *detail)
{
    core->stats.notes[note]++;
    core->ports.note(core->ports.ctx, note, station->id, detail);
}

uint64_t core_token(struct core *core, const struct core_station *station)
{
    return ++core->sequence << TOKEN_INDEX_BITS | (uint64_t)(station - core->stations);
}

/* The ids come from a sequence; the product spreads them over the table. */
static uint32_t map_start(const struct core *core, int64_t id)
{
    return (uint32_t)(((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & core->map_mask;
}

static struct core_station *station_find(const struct core *core, int64_t id)
{
    for (uint32_t at = map_start(core, id); core->map[at] != 0; at = (at + 1) & core->map_mask) {
        struct core_station *station = &core->stations[core->map[at] - 1];

        if (station->id == id)
            return station;
    }
    return NULL;
}

static struct core_station *station_make(struct core *core, int64_t id)
{
    struct core_station *station;
    uint32_t at, index;

    if (core->free_count == 0)
        return NULL;
    index = core->free[--core->free_count];
    station = &core->stations[index];
    *station = (struct core_station){.id = id, .triggered = OCPP_ACTION_NONE};
    for (at = map_start(core, id); core->map[at] != 0; at = (at + 1) & core->map_mask)
        ;
    core->map[at] = index + 1;
    return station;
}

/* Closes the gap that a removed entry would leave in the chains that run over it. */
static void map_remove(struct core *core, int64_t id)
{
    uint32_t hole = map_start(core, id), at;

    while (core->stations[core->map[hole] - 1].id != id)
        hole = (hole + 1) & core->map_mask;
    core->map[hole] = 0;
    for (at = (hole + 1) & core->map_mask; core->map[at] != 0; at = (at + 1) & core->map_mask) {
        uint32_t start = map_start(core, core->stations[core->map[at] - 1].id);

        if (((at - start) & core->map_mask) < ((at - hole) & core->map_mask))
            continue;
        core->map[hole] = core->map[at];
        core->map[at] = 0;
        hole = at;
    }
}

static void station_release(struct core *core, struct core_station *station)
{
    assert(station->job == NULL && station->first == NULL && station->call == NULL);
    map_remove(core, station->id);
    free(station->open);
    core->free[core->free_count++] = (uint32_t)(station - core->stations);
    *station = (struct core_station){0};
}

/* Whatever is possible next: take over, work the next CALL, send a command, leave. */
static void station_next(struct core *, struct core_now, struct core_station *);

static void station_go(struct core_station *station, enum station_state to)
{
    assert(may_go[station->state] & BIT(to));
    station->state = to;
}

static bool station_connected(const struct core_station *station)
{
    return station->state == STATION_WAITING || station->state == STATION_TAKING ||
           station->state == STATION_OPEN;
}

static struct core_station *slot_station(const struct core *core, struct core_conn conn)
{
    const struct core_slot *slot;

    assert(conn.slot < core->config.connections);
    slot = &core->slots[conn.slot];
    if (slot->station == 0 || slot->generation != conn.generation)
        return NULL;
    return &core->stations[slot->station - 1];
}

bool station_send(struct core *core, struct core_now now, struct core_station *station,
    const struct core_trace *message)
{
    struct core_trace trace = *message;

    assert(station->state == STATION_OPEN);
    if (!core->ports.send(core->ports.ctx, station->conn, message->text, message->length))
        return false;
    trace.station = station->id;
    trace.at_us = now.wall_us;
    trace.out = true;
    core->ports.trace(core->ports.ctx, &trace);
    return true;
}

static void connection_close_submit(struct core *core, struct core_now now,
    const struct core_station *station, const char *reason)
{
    struct core_work work = {
        .kind = CORE_CONNECTION_CLOSE,
        .station = station->id,
        .epoch = station->epoch,
        .received_us = now.wall_us,
        .action = OCPP_ACTION_NONE,
        .text = reason,
    };

    /* The port tries again; what is lost is mended by the next take-over or by the next node. */
    (void)core->ports.work(core->ports.ctx, &work);
}

/* The connection is gone, whoever ended it. */
static void station_gone(
    struct core *core, struct core_now now, struct core_station *station, const char *reason)
{
    core->slots[station->conn.slot].station = 0;
    call_lost(core, now, station);
    station_empty(station);
    station->paused = false;
    core_count(core, CORE_NOTE_CLOSED, station, reason);
    if (station->state == STATION_OPEN)
        connection_close_submit(core, now, station, reason);
    if (station->job != NULL && station->stalled) { /* never submitted: the pile sends it again */
        core_job_free(station->job);
        station->job = NULL;
    }
    if (station->stalled) {
        station->stalled = false;
        core->stalled--;
    }
    station_go(station, STATION_LEAVING);
}

void station_disconnect(struct core *core, struct core_now now, struct core_station *station,
    enum core_close code, const char *reason)
{
    struct core_conn conn = station->conn;

    assert(station_connected(station));
    station_gone(core, now, station, reason);
    core->ports.close(core->ports.ctx, conn, (int)code, reason);
}

static void take_over_submit(struct core *core, struct core_now now, struct core_station *station)
{
    struct core_work work = {
        .kind = CORE_TAKE_OVER,
        .token = core_token(core, station),
        .station = station->id,
        .received_us = now.wall_us,
        .action = OCPP_ACTION_NONE,
        .text = station->remote,
    };

    if (station->state != STATION_TAKING)
        station_go(station, STATION_TAKING);
    if (core->taking < CORE_TAKING_MAX && core->ports.work(core->ports.ctx, &work)) {
        station->work_token = work.token;
        core->taking++;
    } else if (!station->stalled) {
        station->stalled = true;
        core->stalled++;
    }
}

/* The newest authenticated connection wins at once. */
static void station_replace(struct core *core, struct core_now now, struct core_station *station)
{
    bool alive = now.mono_ms - station->heard_ms < CORE_ALIVE_MS;

    core_count(
        core, alive ? CORE_NOTE_REPLACED_ALIVE : CORE_NOTE_REPLACED, station, station->remote);
    station_disconnect(core, now, station, CORE_CLOSE_GOING_AWAY, "replaced by a newer connection");
}

bool core_may_open(const struct core *core, struct core_now now, int64_t id)
{
    return often_may(core, now, id);
}

bool core_room(const struct core *core, size_t length)
{
    return length <= CORE_LARGE_BYTES || core->large_sum == 0 ||
           core->large_sum + length <= core->config.large_bytes;
}

bool core_serving(const struct core *core)
{
    return !core->away && !core->draining;
}

void core_conn_open(struct core *core, struct core_now now, struct core_conn conn, int64_t id,
    const char *remote)
{
    struct core_station *station = station_find(core, id);

    assert(conn.slot < core->config.connections);
    assert(core->slots[conn.slot].station == 0);
    often_came(core, now, id);
    if (station == NULL && core_serving(core))
        station = station_make(core, id);
    if (station == NULL || !core_serving(core)) {
        core->ports.close(core->ports.ctx, conn, CORE_CLOSE_RESTART, "try again later");
        return;
    }
    if (station_connected(station))
        station_replace(core, now, station);
    core->slots[conn.slot] = (struct core_slot){
        .generation = conn.generation,
        .station = (uint32_t)(station - core->stations) + 1,
    };
    station->conn = conn;
    station->epoch = 0;
    station->connected_us = station->heard_us = now.wall_us;
    station->heard_ms = now.mono_ms;
    station->busy_since_us = station->answered_us = 0;
    strncpy(station->remote, remote, sizeof station->remote - 1);
    if (station->state == STATION_LEAVING)
        station_go(station, STATION_WAITING);
    station_next(core, now, station);
}

void core_conn_frame(
    struct core *core, struct core_now now, struct core_conn conn, const char *text, size_t length)
{
    struct core_station *station = slot_station(core, conn);

    if (station == NULL)
        return;
    station->heard_ms = now.mono_ms;
    station->heard_us = now.wall_us;
    station_frame(core, now, station, text, length);
    station_next(core, now, station);
}

void core_conn_too_large(
    struct core *core, struct core_now now, struct core_conn conn, size_t length)
{
    struct core_station *station = slot_station(core, conn);
    struct core_work work = {
        .kind = CORE_STUCK,
        .received_us = now.wall_us,
        .action = OCPP_ACTION_NONE,
        .bytes = (int64_t)length,
    };

    if (station == NULL)
        return;
    work.station = station->id;
    work.epoch = station->epoch;
    /* If the lane is full now: the pile will be back with the same message. */
    (void)core->ports.work(core->ports.ctx, &work);
}

void core_conn_closed(
    struct core *core, struct core_now now, struct core_conn conn, const char *reason)
{
    struct core_station *station = slot_station(core, conn);

    if (station == NULL)
        return;
    station_gone(core, now, station, reason);
    station_next(core, now, station);
}

static void stalled_again(struct core *core, struct core_now now, struct core_station *station)
{
    station->stalled = false;
    core->stalled--;
    if (station->job != NULL)
        station_job_submit(core, now, station);
    else
        take_over_submit(core, now, station);
}

/* One has left the lane: another one that waits, each in its turn, takes its place. */
static void taking_again(struct core *core, struct core_now now)
{
    core->taking--;
    for (uint32_t i = 0; core->stalled > 0 && i < core->capacity; i++) {
        struct core_station *station = &core->stations[core->taking_next];

        core->taking_next = (core->taking_next + 1) % core->capacity;
        if (station->stalled && station->job == NULL) {
            stalled_again(core, now, station);
            return;
        }
    }
}

static void taken_over(struct core *core, struct core_now now, struct core_station *station,
    enum core_outcome outcome, const struct core_answer *answer)
{
    if (outcome == CORE_DONE)
        station->epoch = answer->epoch;
    if (station->state != STATION_TAKING) {
        if (outcome == CORE_DONE && station->state == STATION_LEAVING)
            connection_close_submit(core, now, station, "closed before it was taken over");
        return;
    }
    if (outcome != CORE_DONE) {
        core_count(core, CORE_NOTE_UNANSWERED, station, "take-over");
        station_disconnect(core, now, station, CORE_CLOSE_RESTART, "try again later");
        return;
    }
    station_go(station, STATION_OPEN);
    station->registration = answer->registration;
    open_set(station, answer->open_transactions);
    station->hinted = true;
    core_count(core, CORE_NOTE_OPENED, station, station->remote);
}

void core_work_done(struct core *core, struct core_now now, uint64_t token,
    enum core_outcome outcome, const struct core_answer *answer)
{
    uint64_t index = token & ((UINT64_C(1) << TOKEN_INDEX_BITS) - 1);
    struct core_station *station;

    if (token == 0)
        return;
    assert(index < core->capacity);
    assert(answer != NULL || (outcome != CORE_DONE && outcome != CORE_REFUSED));
    station = &core->stations[index];
    if (token == station->command_token) {
        station->command_token = 0;
        call_claimed(core, now, station, outcome, answer);
    } else if (token == station->work_token) {
        station->work_token = 0;
        if (station->job != NULL) {
            station_job_done(core, now, station, outcome, answer);
        } else {
            taken_over(core, now, station, outcome, answer);
            taking_again(core, now);
        }
    } else {
        return;
    }
    station_next(core, now, station);
}

static void job_next(struct core *core, struct core_now now, struct core_station *station)
{
    struct core_job *job = station->first;

    station->first = job->next;
    if (station->first == NULL)
        station->last = NULL;
    station->waiting--;
    station->waiting_bytes -= job->length;
    job->next = NULL;
    station_job_start(core, now, station, job);
}

static void station_next(struct core *core, struct core_now now, struct core_station *station)
{
    bool outstanding = station->work_token != 0 || station->command_token != 0;

    if (station->state == STATION_LEAVING && !outstanding) {
        station_go(station, STATION_FREE);
        station_release(core, station);
        return;
    }
    if (station->state == STATION_FREE || station->state == STATION_WAITING) {
        if (station->work_token == 0 && !station->stalled)
            take_over_submit(core, now, station);
        return;
    }
    while (station->state == STATION_OPEN && station->job == NULL && station->first != NULL &&
           !core->draining)
        job_next(core, now, station);
    if (station->state == STATION_OPEN && station->paused && !core_queue_full(station)) {
        station->paused = false;
        core->ports.pause(core->ports.ctx, station->conn, false);
    }
    if (station->state != STATION_OPEN || station->job != NULL)
        return;
    if (core->draining)
        call_put_back(core, now, station);
    if (core->draining && station->call == NULL && station->command_token == 0) {
        station_disconnect(core, now, station, CORE_CLOSE_GOING_AWAY, "the node is going down");
        station_next(core, now, station);
        return;
    }
    call_next(core, now, station);
}

void core_command_hint(struct core *core, struct core_now now, int64_t id)
{
    struct core_station *station = station_find(core, id);

    if (station == NULL || !station_connected(station))
        return;
    station->hinted = true;
    station_next(core, now, station);
}

void core_tick(struct core *core, struct core_now now)
{
    if (core->stalled == 0 && core->calls == 0)
        return;
    for (uint32_t i = 0; i < core->capacity; i++) {
        struct core_station *station = &core->stations[i];

        if (station->stalled)
            stalled_again(core, now, station);
        if (station->call == NULL)
            continue;
        call_tick(core, now, station);
        station_next(core, now, station);
    }
}

void core_close_all(
    struct core *core, struct core_now now, enum core_close code, const char *reason)
{
    for (uint32_t i = 0; i < core->capacity; i++) {
        struct core_station *station = &core->stations[i];

        if (!station_connected(station))
            continue;
        station_disconnect(core, now, station, code, reason);
        station_next(core, now, station);
    }
}

void core_database_away(struct core *core, struct core_now now)
{
    if (core->away)
        return;
    core->away = true;
    core_close_all(core, now, CORE_CLOSE_RESTART, "the database is away");
}

void core_database_back(struct core *core, struct core_now now)
{
    (void)now;
    core->away = false;
}

void core_station_close(struct core *core, struct core_now now, int64_t id, const char *reason)
{
    struct core_station *station = station_find(core, id);

    if (station == NULL || !station_connected(station))
        return;
    station_disconnect(core, now, station, CORE_CLOSE_POLICY, reason);
    station_next(core, now, station);
}

void core_station_moved(struct core *core, struct core_now now, int64_t id, int64_t epoch)
{
    struct core_station *station = station_find(core, id);

    if (station == NULL || station->state != STATION_OPEN || station->epoch >= epoch)
        return;
    core_count(core, CORE_NOTE_REPLACED, station, "by another node");
    station_disconnect(core, now, station, CORE_CLOSE_GOING_AWAY, "replaced by a newer connection");
    station_next(core, now, station);
}

void core_drain(struct core *core, struct core_now now)
{
    core->draining = true;
    for (uint32_t i = 0; i < core->capacity; i++) {
        struct core_station *station = &core->stations[i];

        if (!station_connected(station))
            continue;
        if (station->state != STATION_OPEN)
            station_disconnect(
                core, now, station, CORE_CLOSE_GOING_AWAY, "the node is going down");
        station_next(core, now, station);
    }
}

void core_stats(const struct core *core, struct core_stats *ret)
{
    *ret = core->stats;
    ret->calls_outstanding = core->calls;
    ret->large_bytes = core->large_sum;
    for (uint32_t i = 0; i < core->capacity; i++) {
        const struct core_station *station = &core->stations[i];

        ret->connections += station_connected(station);
        ret->open += station->state == STATION_OPEN;
        ret->in_work += station->work_token != 0;
    }
}

void core_each(const struct core *core, core_visit *visit, void *ctx)
{
    for (uint32_t i = 0; i < core->capacity; i++) {
        const struct core_station *station = &core->stations[i];
        struct core_now heard = {station->heard_ms, station->heard_us};

        if (station_connected(station) && !visit(ctx, station->id, heard))
            return;
    }
}
