/* ports.c - what the core does to the world. */
#include "tests/simulation/check.h"

#include <string.h>

static struct socket *attached(struct node *node, struct core_conn conn, const char *what)
{
    struct socket *socket = node_socket(node, conn);

    if (socket == NULL || !socket->attached)
        world_breach(node->world, BREACH_OWNER, "%s on a connection that is closed", what);
    world_digest(node->world, conn.slot);
    world_digest(node->world, conn.generation);
    return socket;
}

static bool port_send(void *ctx, struct core_conn conn, const char *text, size_t length)
{
    struct node *node = ctx;
    struct world *world = node->world;
    struct socket *socket = attached(node, conn, "sent");
    char shown[112] = "";

    world->frames_out++;
    world->digest = hash_bytes(world->digest, text, length);
    memcpy(shown, text, length < sizeof shown ? length : sizeof shown - 1);
    world_line(world, "frame out", node->index, (int64_t)socket->pile + 1, shown);
    if (text[1] == '2')
        check_call(node, socket, text);
    else
        check_answer(node, socket, text, length);
    net_down(world, socket, text, length);
    return true;
}

static void port_close(void *ctx, struct core_conn conn, int code, const char *reason)
{
    struct node *node = ctx;
    struct socket *socket = attached(node, conn, "closed");

    world_line(node->world, "closes", node->index, (int64_t)socket->pile + 1, reason);
    world_digest(node->world, code);
    net_server_close(node->world, socket);
}

static void port_pause(void *ctx, struct core_conn conn, bool paused)
{
    struct node *node = ctx;
    struct socket *socket = attached(node, conn, "paused");

    if (socket->paused == paused)
        world_breach(node->world, BREACH_OWNER, "paused or resumed twice");
    socket->paused = paused;
    socket->ahead = 0;
    if (!paused)
        net_resume(node->world, socket);
}

/* Which connection the epoch of this take-over will be. */
static void taking(struct node *node, const struct core_work *work)
{
    const struct socket *socket = node_attached(node, work->station);

    if (socket != NULL)
        *keys_at(&node->takings, work->token) = (int64_t)socket->serial;
}

static bool port_work(void *ctx, const struct core_work *work)
{
    struct node *node = ctx;
    struct world *world = node->world;
    struct task *task;
    bool taken = true;

    world_digest(world, work->kind);
    world_digest(world, work->station);
    world_digest(world, work->epoch);
    check_work(node, work);
    task = task_new(work, node->number);
    task->lived = work->token == 0;
    if (work->patient && work->kind != CORE_READINGS) {
        node->workers++;
        world_at(world, world_delay(world, 1000, 2000000), &(struct event){
            .kind = EVENT_WORKER, .who = node->index, .stamp = node->stamp, .data = task});
    } else {
        taken = lane_submit(
            &node->lanes[work->kind == CORE_READINGS ? LANE_TELEMETRY : LANE_MONEY], task);
    }
    if (taken && work->token != 0 && work->kind != CORE_COMMAND_NEXT)
        node->in_work[work->station - 1]++;
    if (taken && work->kind == CORE_TAKE_OVER)
        taking(node, work);
    return taken;
}

static void port_trace(void *ctx, const struct core_trace *trace)
{
    struct node *node = ctx;

    world_digest(node->world, (int64_t)trace->length);
    world_digest(node->world, trace->type);
}

static void port_note(void *ctx, enum core_note note, int64_t station, const char *detail)
{
    struct node *node = ctx;

    world_line(node->world, core_note_name(note), node->index, station, detail);
    world_digest(node->world, note);
}

const struct core_ports node_ports = {
    .send = port_send,
    .close = port_close,
    .pause = port_pause,
    .work = port_work,
    .trace = port_trace,
    .note = port_note,
};
