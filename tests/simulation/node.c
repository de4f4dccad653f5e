/* node.c - see node.h: the life of a node, and what it does by the clock. */
#include "tests/simulation/check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
enum { TICK_US = 250000, LOOK_US = 2000000, OTHERS_US = 10000000, AWAY_US = 10000000,
       DRAIN_US = 10000000, LATELY_US = 300000000 };
#define WALL_US INT64_C(1764000000000000)

struct core_now node_now(const struct node *node)
{
    int64_t now_us = node->world->now_us;

    return (struct core_now){
        .mono_ms = (uint64_t)now_us / 1000, .wall_us = WALL_US + now_us + node->skew_us};
}

void node_init(struct world *world, struct node *node, uint32_t index)
{
    *node = (struct node){.world = world, .index = index};
    node->slot_count = world->options.piles * (world->options.day ? 1 : 2) + SLOTS_SPARE;
    node->slots = calloc(node->slot_count, sizeof *node->slots);
    node->attached = calloc(world->options.piles, 1);
    node->in_work = calloc(world->options.piles, 1);
    node->last_epoch = calloc(world->options.piles, sizeof *node->last_epoch);
    node->socket_of = calloc(world->options.piles, sizeof *node->socket_of);
    assert(node->slots && node->attached && node->in_work && node->last_epoch);
    assert(node->socket_of != NULL);
    node->skew_us = random_between(&world->random, -SECOND, SECOND);
    for (int i = 0; i < LANES; i++)
        node->lanes[i] = (struct lane){.node = node, .kind = i};
}

void node_done(struct node *node)
{
    for (int i = 0; i < LANES; i++)
        lane_end(&node->lanes[i]);
    core_free(node->core);
    keys_done(&node->takings);
    free(node->slots);
    free(node->attached);
    free(node->in_work);
    free(node->last_epoch);
    free(node->socket_of);
}

void node_start(struct node *node)
{
    struct world *world = node->world;
    struct core_config config = {
        .connections = node->slot_count,
        .call_timeout_ms = 20000,
        .heartbeat_s = 300,
        .large_bytes = 8 * 1024 * 1024,
        .limits = ocpp_limits_pile,
    };
    struct core_ports ports = node_ports;

    ports.ctx = node;
    node->core = core_new(&config, &ports);
    assert(node->core != NULL);
    node->number = ++world->model->nodes;
    node->stamp = ++world->serial;
    node->away = node->draining = node->lock_lost = false;
    node->polled_us = node->others_us = world->now_us;
    memset(node->attached, 0, world->options.piles);
    memset(node->in_work, 0, world->options.piles);
    memset(node->last_epoch, 0, world->options.piles * sizeof *node->last_epoch);
    for (int i = 0; i < LANES; i++)
        lane_begin(&node->lanes[i]);
    world_line(world, "node starts", node->index, node->number, NULL);
    world_at(world, world->now_us + TICK_US,
        &(struct event){.kind = EVENT_TICK, .who = node->index, .stamp = node->stamp});
}

static void down(struct node *node, int64_t back_us)
{
    struct world *world = node->world;

    core_free(node->core);
    node->core = NULL;
    node->stamp = ++world->serial;
    node->workers = 0;
    for (int i = 0; i < LANES; i++)
        lane_end(&node->lanes[i]);
    keys_done(&node->takings);
    net_node_died(world, node->index);
    world_at(world, back_us,
        &(struct event){.kind = EVENT_START, .who = node->index, .stamp = node->stamp});
}

void node_kill(struct node *node)
{
    world_line(node->world, "node killed", node->index, node->number, NULL);
    down(node, world_delay(node->world, SECOND / 2, 40 * SECOND));
}

void node_drain(struct node *node)
{
    if (node->draining)
        return;
    world_line(node->world, "node drains", node->index, node->number, NULL);
    node->draining = true;
    node->drain_us = node->world->now_us;
    core_drain(node->core, node_now(node));
    check_connections(node);
}

/* Nobody may take a pile here until the lock is held again. */
void node_lock_lost(struct node *node)
{
    node->lock_lost = true;
    core_close_all(node->core, node_now(node), CORE_CLOSE_RESTART, "the node lost its lock");
    check_connections(node);
}

bool node_ready(const struct node *node)
{
    return node->core != NULL && !node->draining && !node->away && !node->lock_lost &&
           node->lanes[0].up && node->lanes[1].up && core_serving(node->core);
}

struct socket *node_socket(struct node *node, struct core_conn conn)
{
    struct slot *slot = &node->slots[conn.slot];

    assert(conn.slot < node->slot_count);
    if (slot->generation != conn.generation)
        return NULL;
    return net_socket(node->world, slot->socket);
}

struct socket *node_attached(struct node *node, int64_t station)
{
    struct socket *socket = &node->world->sockets[node->socket_of[station - 1]];

    if (node->attached[station - 1] == 0)
        return NULL;
    assert(socket->used && socket->attached && socket->pile + 1 == station);
    return socket;
}

static void taken(struct node *node, const struct task *task)
{
    const int64_t *serial = keys_find(&node->takings, task->token);
    struct socket *socket = node_attached(node, task->station);

    assert(serial != NULL);
    if (socket != NULL && socket->serial == (uint64_t)*serial)
        check_epoch(node, socket, task->answer.epoch);
}

void node_give(struct node *node, struct task *task)
{
    struct world *world = node->world;
    bool answered = task->outcome == CORE_DONE || task->outcome == CORE_REFUSED;

    world_line(world, "done", task->station, task->outcome, NULL);
    world_digest(world, (int64_t)task->token);
    world_digest(world, task->outcome);
    if (task->token != 0) {
        if (task->kind != CORE_COMMAND_NEXT)
            node->in_work[task->station - 1]--;
        if (task->kind == CORE_TAKE_OVER && task->outcome == CORE_DONE)
            taken(node, task);
        core_work_done(node->core, node_now(node), task->token, task->outcome,
            answered ? &task->answer : NULL);
        check_connections(node);
    }
    task_free(task);
}

static void database_watch(struct node *node)
{
    int64_t money_us = lane_oldest_us(&node->lanes[LANE_MONEY]);
    int64_t telemetry_us = lane_oldest_us(&node->lanes[LANE_TELEMETRY]);
    int64_t oldest_us = money_us > telemetry_us ? money_us : telemetry_us;
    bool up = node->lanes[0].up && node->lanes[1].up;

    if (!node->away && oldest_us >= AWAY_US) {
        node->away = true;
        world_line(node->world, "away", node->index, 0, NULL);
        core_database_away(node->core, node_now(node));
    } else if (node->away && up && oldest_us < AWAY_US / 5) {
        node->away = false;
        core_database_back(node->core, node_now(node));
    }
}

static void look_for_commands(struct node *node)
{
    const struct model *model = node->world->model;

    for (uint32_t i = model->command_first; i < model->command_count; i++) {
        const struct command *command = &model->commands[i];
        const struct model_station *station = &model->stations[command->station - 1];

        if (command->state == COMMAND_QUEUED && command->seen_us <= node->world->now_us &&
            !station->closed && station->node == node->number)
            core_command_hint(node->core, node_now(node), command->station);
    }
}

/* Who was taken over lately, whatever became of it since, and what the dead left open. */
static void look_for_others(struct node *node)
{
    struct world *world = node->world;

    for (uint32_t i = 0; i < world->options.piles; i++) {
        const struct model_station *station = &world->model->stations[i];
        bool alive = false;

        if (world->now_us - station->opened_us < LATELY_US)
            core_station_moved(node->core, node_now(node), (int64_t)i + 1, station->epoch);
        for (uint32_t k = 0; k < world->node_count; k++)
            alive |= world->nodes[k].core != NULL && world->nodes[k].number == station->node;
        if (!alive && !station->closed)
            model_node_settle(world->model, station->node, world->now_us);
    }
}

static void drain_watch(struct node *node)
{
    struct world *world = node->world;
    struct core_stats stats;

    core_stats(node->core, &stats);
    if (stats.connections > 0 && world->now_us - node->drain_us < DRAIN_US * 5 / 8)
        return;
    if (stats.connections > 0)
        core_close_all(
            node->core, node_now(node), CORE_CLOSE_GOING_AWAY, "the node is going down");
    if (stats.in_work > 0 && world->now_us - node->drain_us < DRAIN_US * 5 / 8)
        return;
    if (node->lanes[LANE_MONEY].count + node->workers > 0 &&
        world->now_us - node->drain_us < DRAIN_US)
        return;
    world_line(world, "node ends", node->index, node->number, NULL);
    down(node, world_delay(world, SECOND / 2, 10 * SECOND));
}

static void tick(struct node *node)
{
    struct world *world = node->world;
    bool database = !world->away && node->lanes[0].up;

    node->ticks++;
    core_tick(node->core, node_now(node));
    database_watch(node);
    if (world->now_us - node->polled_us >= LOOK_US && database) {
        node->polled_us = world->now_us;
        look_for_commands(node);
        node->lock_lost = false;
    }
    if (world->now_us - node->others_us >= OTHERS_US && database) {
        node->others_us = world->now_us;
        look_for_others(node);
    }
    if (!world->options.day || node->ticks % 64 == 0) {
        check_memory(node, false);
        check_connections(node);
    }
    world_at(world, world->now_us + TICK_US,
        &(struct event){.kind = EVENT_TICK, .who = node->index, .stamp = node->stamp});
    if (node->draining)
        drain_watch(node);
}

static void worker(struct node *node, struct task *task)
{
    node->workers--;
    if (node->world->away) {
        task->outcome = CORE_AWAY;
    } else {
        model_run(node->world->model, task);
    }
    node_give(node, task);
}

void node_event(struct world *world, struct event *event)
{
    struct node *node = &world->nodes[event->who];
    const struct model_station *station;

    if (event->stamp != node->stamp || (node->core == NULL && event->kind != EVENT_START)) {
        task_free(event->data);
        return;
    }
    if (event->kind == EVENT_START) {
        node_start(node);
    } else if (event->kind == EVENT_TICK) {
        tick(node);
    } else if (event->kind == EVENT_HINT) {
        core_command_hint(node->core, node_now(node), event->more);
    } else if (event->kind == EVENT_MOVED) {
        station = &world->model->stations[event->more];
        if (station->node != node->number)
            core_station_moved(node->core, node_now(node), event->more + 1, station->epoch);
    } else if (event->kind == EVENT_WORKER) {
        worker(node, event->data);
    }
}
