/* ws_conn.c - slots: the life of an admitted connection, its state and its timers. */
#include "csms/ws_internal.h"

#include <libwebsockets.h>

#include <assert.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct ws_conn ws_conn_of(const struct ws_slot *slot)
{
    return (struct ws_conn){ (uint32_t)(slot - slot->ws->slots), slot->generation };
}

struct ws_slot *ws_slot_of(struct ws *ws, struct ws_conn conn)
{
    struct ws_slot *slot;

    if (conn.slot >= ws->limits.connections)
        return NULL;
    slot = &ws->slots[conn.slot];
    return slot->state != WS_FREE && slot->generation == conn.generation ? slot : NULL;
}

static uint64_t now_of(const struct ws_slot *slot)
{
    return loop_mono_ms(slot->ws->loop);
}

static void on_stalled(void *ctx)
{
    struct ws_slot *slot = ctx;
    bool late = now_of(slot) >= slot->end_ms;

    if (slot->socket_off)
        return; /* it is we who do not read */
    ws_slot_farewell(slot, 1008, late ? "message too slow" : "message stalled",
        &slot->ws->stats.cut_stalled);
}

/* lws tells neither of empty pongs nor of pings that it drops; the socket's own counter does. */
static bool floods_untold(struct ws_slot *slot)
{
    struct tcp_info info = { 0 };
    socklen_t length = sizeof(info);
    uint64_t untold, before = slot->untold_bytes;

    if (getsockopt(lws_get_socket_fd(slot->wsi), IPPROTO_TCP, TCP_INFO, &info, &length) ||
        info.tcpi_bytes_received < slot->told_bytes)
        return false;
    untold = info.tcpi_bytes_received - slot->told_bytes;
    slot->untold_bytes = untold;
    return untold > before + WS_UNTOLD_MAX;
}

/* A pile that was heard lately needs no ping; one that is not read cannot be heard. */
static void on_quiet(struct ws_slot *slot)
{
    uint64_t now = now_of(slot), silent = now - slot->heard_ms;

    if (slot->socket_off) {
        loop_timer_arm(slot->ws->loop, &slot->life, now + slot->ping_ms);
        return;
    }
    if (floods_untold(slot)) {
        ws_slot_doom(slot, &slot->ws->stats.cut_control, "too many control frames");
        return;
    }
    if (silent >= slot->dead_ms) {
        ws_slot_doom(slot, &slot->ws->stats.cut_silent, "no sign of life");
        return;
    }
    if (silent >= slot->ping_ms && !slot->pinged) {
        slot->pinged = true;
        ws_ping(slot);
    }
    loop_timer_arm(slot->ws->loop, &slot->life,
        slot->heard_ms + (slot->pinged ? slot->dead_ms : slot->ping_ms));
}

static void on_life(void *ctx)
{
    struct ws_slot *slot = ctx;

    if (slot->state == WS_OPEN)
        on_quiet(slot);
    else
        ws_slot_doom(slot, NULL, NULL); /* it had its time to say good-bye */
}

struct ws_slot *ws_slot_claim(struct ws *ws)
{
    struct ws_slot *slot = ws->free_slots;
    uint32_t generation;

    if (!slot)
        return NULL;
    ws->free_slots = slot->next;
    generation = slot->generation;
    *slot = (struct ws_slot){ .ws = ws, .generation = generation, .state = WS_ADOPTING,
        .life = { .fire = on_life, .ctx = slot }, .stall = { .fire = on_stalled, .ctx = slot } };
    ws->stats.connections++;
    return slot;
}

void ws_slot_pinging(struct ws_slot *slot)
{
    const struct ws_limits *limits = &slot->ws->limits;
    int32_t own = slot->own_ping_s;
    uint32_t grace = limits->dead_ms > limits->ping_ms ? limits->dead_ms - limits->ping_ms : 1000;

    ws_slot_heard(slot);
    slot->ping_ms = own < 0 ? limits->ping_ms : (uint32_t)own * 1000;
    slot->dead_ms = slot->ping_ms + grace;
    if (slot->ping_ms)
        loop_timer_arm(slot->ws->loop, &slot->life, slot->heard_ms + slot->ping_ms);
    else
        loop_timer_disarm(slot->ws->loop, &slot->life);
}

void ws_slot_opened(struct ws_slot *slot, struct lws *wsi)
{
    struct ws *ws = slot->ws;
    struct core_verdict *verdict = slot->verdict;
    char remote[INET6_ADDRSTRLEN];

    assert(slot->state == WS_ADOPTING);
    slot->state = WS_OPEN;
    slot->wsi = wsi;
    slot->own_ping_s = verdict->ping_s;
    ws_slot_pinging(slot);
    ws->stats.opened++;
    listener_address_text(&slot->address, remote);
    ws->ports.opened(ws->ports.ctx, ws_conn_of(slot), verdict, remote);
    free(verdict);
    slot->verdict = NULL;
}

void ws_slot_heard(struct ws_slot *slot)
{
    slot->heard_ms = now_of(slot);
    slot->pinged = false;
}

/* The first reason stands. */
static void set_reason(struct ws_slot *slot, int code, const char *reason)
{
    if (slot->close_code)
        return;
    slot->close_code = code;
    slot->close_reason = reason ? strndup(reason, WS_REASON_MAX) : NULL;
}

void ws_slot_closing(struct ws_slot *slot, int code, const char *reason)
{
    assert(slot->state == WS_OPEN);
    set_reason(slot, code, reason);
    slot->state = WS_CLOSING;
    ws_slot_dirty(slot);
    ws_receive_done(slot);
    loop_timer_arm(slot->ws->loop, &slot->life, now_of(slot) + WS_GOODBYE_MS);
}

void ws_slot_tell(struct ws_slot *slot)
{
    struct ws *ws = slot->ws;

    if (slot->told || slot->state == WS_ADOPTING)
        return;
    slot->told = true;
    ws->stats.closed++;
    ws->ports.closed(ws->ports.ctx, ws_conn_of(slot), slot->close_code ? slot->close_code : 1006,
        slot->close_reason ? slot->close_reason : "");
}

/* Sends a close frame, and reads on until the peer answers it. */
void ws_slot_farewell(struct ws_slot *slot, int code, const char *reason, uint64_t *counter)
{
    ++*counter;
    ws_slot_closing(slot, code, reason);
    slot->farewell = true;
    slot->discard_end_ms = now_of(slot) + WS_DISCARD_MS;
    if (slot->socket_off)
        lws_rx_flow_control(slot->wsi, 1);
    ws_want_writable(slot);
}

void ws_slot_dirty(struct ws_slot *slot)
{
    if (slot->dirty)
        return;
    slot->dirty = true;
    slot->next = slot->ws->dirty;
    slot->ws->dirty = slot;
}

void ws_slot_doom(struct ws_slot *slot, uint64_t *counter, const char *reason)
{
    if (slot->doomed)
        return;
    if (counter)
        ++*counter;
    if (slot->state == WS_OPEN)
        ws_slot_closing(slot, 1006, reason);
    slot->doomed = true;
    ws_slot_dirty(slot);
}

int ws_slot_cut(struct ws_slot *slot, int code, const char *reason, uint64_t *counter)
{
    /* lws takes the reason as bytes it does not change. */
    unsigned char text[WS_REASON_MAX];
    size_t length = strnlen(reason, sizeof(text));

    ++*counter;
    memcpy(text, reason, length);
    lws_close_reason(slot->wsi, (enum lws_close_status)code, text, length);
    ws_slot_closing(slot, code, reason);
    return -1;
}

bool ws_slot_control(struct ws_slot *slot)
{
    const struct core_rate rate = slot->ws->limits.control_frames;
    uint64_t now_us = now_of(slot) * 1000, token_us = 60000000 / rate.per_minute;
    uint64_t from = slot->control_full_us > now_us ? slot->control_full_us : now_us;

    slot->control_full_us = from + token_us;
    return slot->control_full_us <= now_us + token_us * rate.burst;
}

static void forget_peer(struct ws_slot *slot)
{
    struct ws_peer *peer = ws_peers_find(slot->ws->peers, &slot->address);

    if (!peer)
        return;
    assert(peer->connections > 0);
    peer->connections--;
    ws_peers_tidy(slot->ws->peers, peer);
}

static void undirty(struct ws_slot *slot)
{
    struct ws_slot **at = &slot->ws->dirty;

    if (!slot->dirty)
        return;
    while (*at != slot)
        at = &(*at)->next;
    *at = slot->next;
    slot->dirty = false;
}

void ws_slot_gone(struct ws_slot *slot)
{
    struct ws *ws = slot->ws;

    assert(slot->state != WS_FREE);
    ws_slot_tell(slot);
    loop_timer_disarm(ws->loop, &slot->life);
    ws_receive_done(slot);
    ws_queue_clear(&slot->queue);
    free(slot->verdict);
    forget_peer(slot);
    undirty(slot);
    slot->wsi = NULL;
    slot->state = WS_FREE;
    slot->generation++;
    slot->next = ws->free_slots;
    ws->free_slots = slot;
    ws->stats.connections--;
    free(slot->close_reason);
    slot->close_reason = NULL;
}

void ws_close(struct ws *ws, struct ws_conn conn, int code, const char *reason)
{
    struct ws_slot *slot = ws_slot_of(ws, conn);

    if (!slot || slot->state != WS_OPEN)
        return;
    ws_slot_closing(slot, code, reason);
    ws_want_writable(slot);
}
