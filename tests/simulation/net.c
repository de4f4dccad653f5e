/* net.c - see net.h. */
#include "tests/simulation/check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
enum { AHEAD_MAX = 6 }; /* a transport may have read so many more when it is asked to pause */

uint64_t frame_digest(const char *text)
{
    const char *at = text[0] == '[' ? strchr(text + 1, ',') : NULL; /* after the type */
    const char *end = at != NULL ? strchr(at + 1, ',') : NULL;      /* after the id */

    text = end != NULL ? end : text;
    return hash_bytes(HASH_START, text, strlen(text));
}

struct frame *frame_new(const struct content *content, const char *id, const char *text)
{
    size_t length = strlen(text);
    struct frame *frame = calloc(1, sizeof *frame + length + 1);

    assert(frame != NULL && strlen(id) < sizeof frame->id);
    memcpy(frame->text, text, length + 1);
    memcpy(frame->id, id, strlen(id) + 1);
    frame->length = length;
    frame->content = *content;
    if (content->digest == 0)
        frame->content.digest = frame_digest(text);
    return frame;
}

static void frames_free(struct frame **first)
{
    while (*first != NULL) {
        struct frame *frame = *first;

        *first = frame->next;
        free(frame);
    }
}

static void append(struct frame **first, struct frame **last, struct frame *frame)
{
    frame->next = NULL;
    if (*first != NULL)
        (*last)->next = frame;
    else
        *first = frame;
    *last = frame;
}

struct socket *net_socket(struct world *world, struct socket_ref ref)
{
    struct socket *socket;

    if (ref.serial == 0 || ref.index >= world->socket_count)
        return NULL;
    socket = &world->sockets[ref.index];
    return socket->used && socket->serial == ref.serial ? socket : NULL;
}

struct socket_ref net_ref(const struct world *world, const struct socket *socket)
{
    return (struct socket_ref){(uint32_t)(socket - world->sockets), socket->serial};
}

static void schedule(
    struct world *world, const struct socket *socket, enum event_kind kind, int64_t at_us)
{
    struct socket_ref ref = net_ref(world, socket);

    world_at(world, at_us, &(struct event){.kind = kind, .who = ref.index, .stamp = ref.serial});
}

static struct socket *socket_new(struct world *world)
{
    struct socket *socket = NULL;

    for (uint32_t i = 0; i < world->socket_count && socket == NULL; i++) {
        uint32_t at = (world->socket_free + i) % world->socket_count;

        if (!world->sockets[at].used)
            socket = &world->sockets[at];
    }
    if (socket == NULL) {
        if (world->socket_count == world->socket_room) {
            world->socket_room = world->socket_room != 0 ? world->socket_room * 2 : 32;
            world->sockets =
                realloc(world->sockets, world->socket_room * sizeof *world->sockets);
            assert(world->sockets != NULL);
        }
        socket = &world->sockets[world->socket_count++];
    }
    world->socket_free = (uint32_t)(socket - world->sockets) + 1;
    *socket = (struct socket){.used = true, .serial = ++world->serial};
    return socket;
}

static void release(struct world *world, struct socket *socket)
{
    if (socket->pile_end || socket->server_end)
        return;
    assert(!socket->attached);
    frames_free(&socket->held);
    frames_free(&socket->seen);
    socket->used = false;
    world->socket_free = (uint32_t)(socket - world->sockets);
}

struct socket_ref net_connect(struct world *world, uint32_t pile, uint32_t node)
{
    struct socket *socket = socket_new(world);

    socket->pile = pile;
    socket->node = node;
    socket->pile_end = true;
    schedule(world, socket, EVENT_OPEN, world_delay(world, 2000, 150000));
    return net_ref(world, socket);
}

/* TCP keeps the order and sends again what is lost: a line is slow, or dead. */
static int64_t arrival(struct world *world, int64_t *last_us)
{
    int64_t at_us = world_delay(world, 300, 30000);

    if (world_fault(world, FAULT_SLOW, 10))
        at_us += random_between(&world->fault_random[FAULT_SLOW], 1, 8000) * 1000;
    if (at_us <= *last_us)
        at_us = *last_us + 1;
    *last_us = at_us;
    return at_us;
}

static void transfer(struct world *world, struct socket *socket, enum event_kind kind,
    int64_t *last_us, struct frame *frame)
{
    struct socket_ref ref = net_ref(world, socket);

    world_at(world, arrival(world, last_us), &(struct event){
        .kind = kind, .who = ref.index, .stamp = ref.serial, .data = frame});
}

void net_up(struct world *world, struct socket *socket, struct frame *frame)
{
    if (socket->torn)
        free(frame);
    else
        transfer(world, socket, EVENT_UP, &socket->up_us, frame);
}

void net_down(struct world *world, struct socket *socket, const char *text, size_t length)
{
    static const struct content nothing;
    char *copy;

    if (socket->torn)
        return;
    copy = strndup(text, length);
    assert(copy != NULL);
    transfer(world, socket, EVENT_DOWN, &socket->down_us, frame_new(&nothing, "", copy));
    free(copy);
}

void net_pile_close(struct world *world, struct socket *socket)
{
    socket->pile_end = false;
    if (!socket->torn && socket->server_end)
        transfer(world, socket, EVENT_UP_CLOSE, &socket->up_us, NULL);
    release(world, socket);
}

static void slot_free(struct node *node, const struct socket *socket)
{
    struct slot *slot = &node->slots[socket->slot];

    if (slot->used && slot->generation == socket->generation)
        slot->used = false;
}

static void detach(struct world *world, struct socket *socket)
{
    socket->attached = false;
    socket->paused = false;
    world->nodes[socket->node].attached[socket->pile]--;
    frames_free(&socket->held);
    frames_free(&socket->seen);
}

void net_server_close(struct world *world, struct socket *socket)
{
    detach(world, socket);
    if (random_chance(&world->random, 500)) /* the slot may be another's before the end is told */
        slot_free(&world->nodes[socket->node], socket);
    if (!socket->torn)
        transfer(world, socket, EVENT_DOWN_CLOSE, &socket->down_us, NULL);
    schedule(world, socket, EVENT_GONE, world_delay(world, 100, 400000));
}

void net_tear(struct world *world, struct socket *socket, bool half_open)
{
    socket->torn = true;
    schedule(world, socket, EVENT_GONE,
        half_open ? world_delay(world, 20 * SECOND, 300 * SECOND)
                  : world_delay(world, 0, 3 * SECOND));
    if (!half_open)
        schedule(world, socket, EVENT_PILE_LEARNS, world_delay(world, 0, 3 * SECOND));
}

void net_node_died(struct world *world, uint32_t node)
{
    bool host = random_chance(&world->random, 200); /* the machine itself: nobody says good-bye */

    for (uint32_t i = 0; i < world->socket_count; i++) {
        struct socket *socket = &world->sockets[i];

        if (!socket->used || socket->node != node || !socket->server_end)
            continue;
        socket->torn = true;
        if (socket->attached)
            detach(world, socket);
        socket->server_end = false;
        if (!host)
            schedule(world, socket, EVENT_PILE_LEARNS, world_delay(world, 500, SECOND));
        release(world, socket);
    }
    for (uint32_t i = 0; i < world->nodes[node].slot_count; i++)
        world->nodes[node].slots[i].used = false;
}

void net_resume(struct world *world, struct socket *socket)
{
    if (socket->held != NULL)
        schedule(world, socket, EVENT_HELD, world_delay(world, 10, 2000));
}

static struct slot *slot_take(struct world *world, struct node *node, struct socket *socket)
{
    uint32_t at = random_below(&world->random, world->options.day ? node->slot_count : 3);

    for (uint32_t i = 0; i < node->slot_count; i++) {
        struct slot *slot = &node->slots[(at + i) % node->slot_count];

        if (slot->used)
            continue;
        slot->used = true;
        slot->generation++;
        slot->socket = net_ref(world, socket);
        socket->slot = (uint32_t)(slot - node->slots);
        socket->generation = slot->generation;
        return slot;
    }
    return NULL;
}

static struct core_conn conn_of(const struct socket *socket)
{
    return (struct core_conn){.slot = socket->slot, .generation = socket->generation};
}

/* The upgrade: admitted or not, the pile hears of it. */
static void open_socket(struct world *world, struct socket *socket)
{
    struct node *node = &world->nodes[socket->node];
    int64_t station = (int64_t)socket->pile + 1;
    bool ready = node_ready(node) && core_may_open(node->core, node_now(node), station);

    if (!socket->pile_end || !ready || slot_take(world, node, socket) == NULL) {
        schedule(world, socket, EVENT_OPENED, world_delay(world, 300, 30000));
        return;
    }
    socket->server_end = socket->attached = true;
    node->attached[socket->pile]++;
    node->socket_of[socket->pile] = (uint32_t)(socket - world->sockets);
    world_line(world, "open", (int64_t)node->index, station, NULL);
    socket->down_us = world_delay(world, 300, 30000);
    schedule(world, socket, EVENT_OPENED, socket->down_us);
    core_conn_open(node->core, node_now(node), conn_of(socket), station, "192.0.2.1");
    check_connections(node);
}

static void opened(struct world *world, struct socket *socket)
{
    bool admitted = socket->server_end || socket->torn;

    if (!socket->pile_end) {
        release(world, socket);
        return;
    }
    if (!admitted)
        socket->pile_end = false;
    pile_opened(&world->piles[socket->pile], net_ref(world, socket), admitted);
    release(world, socket);
}

static void give(struct world *world, struct socket *socket, struct frame *frame)
{
    struct node *node = &world->nodes[socket->node];

    world->frames_in++;
    world_line(world, "frame in", (int64_t)node->index, (int64_t)socket->pile + 1, frame->text);
    if (socket->attached && frame->content.what != WHAT_NOTHING) {
        struct frame *seen = frame_new(&frame->content, frame->id, frame->text);

        seen->front_us = world->now_us;
        append(&socket->seen, &socket->seen_last, seen);
    }
    core_conn_frame(node->core, node_now(node), conn_of(socket), frame->text, frame->length);
    free(frame);
}

/* The server's end is gone: the core is told, though it may know, or is never told. */
static void gone(struct world *world, struct socket *socket)
{
    struct node *node = &world->nodes[socket->node];
    bool attached = socket->attached;

    if (!socket->server_end)
        return;
    socket->server_end = false;
    if (attached)
        detach(world, socket);
    slot_free(node, socket);
    if (attached || random_chance(&world->random, 900))
        core_conn_closed(node->core, node_now(node), conn_of(socket), "closed by the pile");
    check_connections(node);
    release(world, socket);
}

/* Cut for its size: the pile has it still, and will be back with it. */
static bool cut(struct world *world, struct socket *socket, const struct frame *frame)
{
    struct node *node = &world->nodes[socket->node];

    if (frame->content.what != WHAT_READING || !world_fault(world, FAULT_TOO_LARGE, 5))
        return false;
    core_conn_too_large(node->core, node_now(node), conn_of(socket), 2 * OCPP_PILE_BYTES_MAX);
    net_tear(world, socket, false);
    gone(world, socket);
    return true;
}

static void arrived(struct world *world, struct socket *socket, struct frame *frame)
{
    struct node *node = &world->nodes[socket->node];
    bool hold;

    if (socket->torn || !socket->server_end) {
        free(frame);
        return;
    }
    hold = socket->held != NULL || !core_room(node->core, frame->length) ||
           (socket->paused && socket->ahead++ >= AHEAD_MAX);
    if (!socket->attached || !hold) {
        if (cut(world, socket, frame))
            free(frame);
        else
            give(world, socket, frame);
        return;
    }
    append(&socket->held, &socket->held_last, frame);
    if (!socket->paused)
        schedule(world, socket, EVENT_HELD, world_delay(world, 1000, 100000));
}

static void held_on(struct world *world, struct socket *socket)
{
    while (socket->held != NULL && socket->attached && !socket->paused) {
        struct frame *frame = socket->held;

        if (!core_room(world->nodes[socket->node].core, frame->length)) {
            schedule(world, socket, EVENT_HELD, world_delay(world, 1000, 100000));
            return;
        }
        socket->held = frame->next;
        give(world, socket, frame);
    }
}

static void pile_end_closed(struct world *world, struct socket *socket)
{
    struct socket_ref ref = net_ref(world, socket);

    if (!socket->pile_end)
        return;
    socket->pile_end = false;
    pile_closed(&world->piles[socket->pile], ref);
    release(world, socket);
}

void net_event(struct world *world, struct event *event)
{
    struct socket_ref ref = {event->who, event->stamp};
    struct socket *socket = net_socket(world, ref);
    struct frame *frame = event->data;

    if (socket == NULL) {
        free(frame);
        return;
    }
    if (event->kind == EVENT_OPEN)
        open_socket(world, socket);
    else if (event->kind == EVENT_OPENED)
        opened(world, socket);
    else if (event->kind == EVENT_UP)
        arrived(world, socket, frame);
    else if (event->kind == EVENT_HELD)
        held_on(world, socket);
    else if (event->kind == EVENT_UP_CLOSE && !socket->torn)
        gone(world, socket);
    else if (event->kind == EVENT_GONE)
        gone(world, socket);
    else if (event->kind == EVENT_DOWN_CLOSE && !socket->torn)
        pile_end_closed(world, socket);
    else if (event->kind == EVENT_PILE_LEARNS)
        pile_end_closed(world, socket);
    else if (event->kind == EVENT_DOWN) {
        if (socket->pile_end && !socket->torn)
            pile_frame(&world->piles[socket->pile], ref, frame->text);
        free(frame);
    }
}

void net_done(struct world *world)
{
    for (uint32_t i = 0; i < world->socket_count; i++) {
        frames_free(&world->sockets[i].held);
        frames_free(&world->sockets[i].seen);
    }
    free(world->sockets);
}
