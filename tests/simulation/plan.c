/* plan.c - what befalls a world: outages, deaths, torn sockets, and commands of operators. */
#include "tests/simulation/check.h"

#define SECOND INT64_C(1000000)
enum { CALM_COMMANDS_S = 220 };

void plan_begin(struct world *world)
{
    for (uint32_t i = 0; i < world->node_count; i++)
        node_start(&world->nodes[i]);
    world_at(world, world->now_us + SECOND, &(struct event){.kind = EVENT_FAULTS});
    world_at(world, world->now_us + 2 * SECOND, &(struct event){.kind = EVENT_COMMAND});
    world_at(world, world->now_us + SECOND, &(struct event){.kind = EVENT_EXPIRY});
}

static struct socket *any_socket(struct world *world, enum fault fault)
{
    uint32_t at = random_below(&world->fault_random[fault], world->socket_count);

    for (uint32_t i = 0; i < world->socket_count; i++) {
        struct socket *socket = &world->sockets[(at + i) % world->socket_count];

        if (socket->used && socket->server_end && socket->pile_end && !socket->torn)
            return socket;
    }
    return NULL;
}

static struct pile *any_pile(struct world *world, enum fault fault)
{
    return &world->piles[random_below(&world->fault_random[fault], world->options.piles)];
}

static struct node *any_node(struct world *world, enum fault fault)
{
    return &world->nodes[random_below(&world->fault_random[fault], world->node_count)];
}

static void tear(struct world *world, enum fault fault, uint32_t permille)
{
    struct socket *socket;

    if (!world_fault(world, fault, permille))
        return;
    socket = any_socket(world, fault);
    if (socket != NULL)
        net_tear(world, socket, fault == FAULT_HALF_OPEN);
}

static void database_away(struct world *world)
{
    int64_t longest = random_chance(&world->fault_random[FAULT_AWAY], 300) ? 90 : 9;

    if (!world_fault(world, FAULT_AWAY, 8) || world->away)
        return;
    world->away = true;
    world_at(world, world->now_us + random_between(&world->fault_random[FAULT_AWAY], 1,
                                        longest * 10) * SECOND / 10,
        &(struct event){.kind = EVENT_DATABASE_BACK});
}

/* Somebody holds a pile's rows in an open transaction. */
static void rows_held(struct world *world)
{
    struct random *random = &world->fault_random[FAULT_HELD];
    int64_t until_us = world->now_us + random_between(random, 1, 150) * SECOND / 10;
    uint32_t station = random_below(random, world->options.piles);

    if (world_fault(world, FAULT_HELD, 40))
        world->model->stations[station].held_until_us = until_us;
}

/* Pending for a while, as an operator may set it. */
static void pending(struct world *world)
{
    struct pile *pile = any_pile(world, FAULT_PENDING);
    enum core_registration *at = &world->model->stations[pile->index].registration;

    if (*at == CORE_PENDING)
        *at = CORE_ACCEPTED;
    else if (*at == CORE_ACCEPTED && world_fault(world, FAULT_PENDING, 30))
        *at = CORE_PENDING;
}

static void clock_step(struct world *world)
{
    struct random *random = &world->fault_random[FAULT_CLOCK];
    int64_t step_us = random_between(random, -3600, 3600) * SECOND;

    if (!world_fault(world, FAULT_CLOCK, 10))
        return;
    if (random_chance(random, 500))
        any_node(world, FAULT_CLOCK)->skew_us += step_us;
    else
        any_pile(world, FAULT_CLOCK)->clock_us += step_us;
}

static void heal(struct world *world)
{
    for (uint32_t i = 0; i < world->options.piles; i++)
        if (world->model->stations[i].registration == CORE_PENDING)
            world->model->stations[i].registration = CORE_ACCEPTED;
}

void plan_faults(struct world *world)
{
    struct node *node;

    if (world->calm) {
        heal(world);
        return;
    }
    tear(world, FAULT_TEAR, 60);
    tear(world, FAULT_HALF_OPEN, 20);
    database_away(world);
    rows_held(world);
    pending(world);
    clock_step(world);
    node = any_node(world, FAULT_KILL);
    if (node->core != NULL && world_fault(world, FAULT_KILL, 12))
        node_kill(node);
    node = any_node(world, FAULT_DRAIN);
    if (node->core != NULL && world_fault(world, FAULT_DRAIN, 6))
        node_drain(node);
    node = any_node(world, FAULT_LOCK_LOST);
    if (node->core != NULL && world_fault(world, FAULT_LOCK_LOST, 6))
        node_lock_lost(node);
    node = any_node(world, FAULT_REVOKE);
    if (node->core != NULL && world_fault(world, FAULT_REVOKE, 15))
        core_station_close(node->core, node_now(node),
            (int64_t)any_pile(world, FAULT_REVOKE)->index + 1, "its key was revoked");
    if (world_fault(world, FAULT_REBOOT, 25))
        pile_reboot(any_pile(world, FAULT_REBOOT));
    if (world_fault(world, FAULT_FORGET, 6))
        pile_forget(any_pile(world, FAULT_FORGET));
    if (world_fault(world, FAULT_SECOND_SOCKET, 40))
        pile_second_socket(any_pile(world, FAULT_SECOND_SOCKET));
    world_at(world, world->now_us + SECOND, &(struct event){.kind = EVENT_FAULTS});
}

/* In a calm world, too: a notice is a hint. */
static bool notice_lost(struct world *world)
{
    if (!world->calm)
        return world_fault(world, FAULT_NOTICE, 300);
    return world->faults & 1u << FAULT_NOTICE &&
           random_chance(&world->fault_random[FAULT_NOTICE], 300);
}

void plan_command(struct world *world)
{
    uint32_t station = random_below(&world->random, world->options.piles);
    int64_t most = world->options.day ? 60 : 100;
    const struct command *command;
    const struct model_station *owned = &world->model->stations[station];

    if (world->calm && world->now_us > world->calm_us + CALM_COMMANDS_S * SECOND)
        return;
    command = model_command_add(world->model, (int64_t)station + 1);
    world_line(world, "command", command->station,
        (int64_t)(command - world->model->commands) + 1, command->action);
    for (uint32_t i = 0; i < world->node_count && !owned->closed; i++)
        if (world->nodes[i].number == owned->node && !notice_lost(world))
            world_at(world, command->seen_us - world->now_us + world_delay(world, 500, 20000),
                &(struct event){.kind = EVENT_HINT, .who = i, .stamp = world->nodes[i].stamp,
                    .more = command->station});
    world_at(world, world_delay(world, SECOND / 10, most * SECOND / 10),
        &(struct event){.kind = EVENT_COMMAND});
}
