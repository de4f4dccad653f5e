/* ws.c - libwebsockets as a guest on our loop: its context, its callback, adoption, and the turn.
 *
 * What is shut (Debian's 4.1.6 is unpatched): it has no listening socket; it is given connections
 * whose request we have written ourselves, and refuses any other; no HTTP/2, no extensions, no
 * mounts, no timers of its own for each connection.
 */
#include "csms/fault_crash.h"
#include "csms/ws_internal.h"

#include <libwebsockets.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DESCRIPTORS_BESIDE = 256, /* files, the database, listening sockets */
    REQUEST_MAX = 512,
    TURN_BUDGET = 4096 /* connections looked after before the loop polls again */
};

void ws_limits_default(struct ws_limits *ret)
{
    *ret = (struct ws_limits){ .connections = 15000, .half_open = 4096,
        .half_open_per_address = 256, .connections_per_address = 4096,
        .accepts_per_address = { 3000, 500 }, .accepts_per_s = 2000, .head_bytes = 4096,
        .handshake_ms = 10000, .message_bytes = 1 << 20, .large_bytes = 64 << 20,
        .fragments = 64, .stall_ms = 30000, .message_ms = 120000, .send_messages = 64,
        .send_bytes = 1 << 20,
        .control_frames = { 120, 120 }, .ping_ms = 60000, .dead_ms = 90000,
        .spare_loopback = true };
}

static struct core_rate bounded(struct core_rate rate)
{
    if (rate.burst > rate.per_minute)
        rate.burst = rate.per_minute;
    return rate;
}

static void take_limits(struct ws *ws, const struct ws_limits *limits)
{
    ws->limits = *limits;
    ws->limits.accepts_per_address = bounded(limits->accepts_per_address);
    ws->limits.control_frames = bounded(limits->control_frames);
}

/* The path of our own requests is the slot, so that nothing else can pass for one. */
static struct ws_slot *slot_of_request(struct lws *wsi)
{
    struct ws *ws = lws_context_user(lws_get_context(wsi));
    char path[64];
    struct ws_conn conn;
    struct ws_slot *slot;

    if (lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) <= 0 ||
        sscanf(path, "/%u-%u", &conn.slot, &conn.generation) != 2)
        return NULL;
    slot = ws_slot_of(ws, conn);
    return slot && slot->state == WS_ADOPTING ? slot : NULL;
}

static int on_established(struct lws *wsi)
{
    struct ws_slot *slot = slot_of_request(wsi);

    if (!slot)
        return -1;
    lws_set_opaque_user_data(wsi, slot);
    ws_slot_opened(slot, wsi);
    return 0;
}

static int on_pong(struct ws_slot *slot)
{
    if (slot->state != WS_OPEN)
        return 0;
    ws_slot_heard(slot);
    if (ws_slot_control(slot))
        return 0;
    return ws_slot_cut(slot, 1008, "too many control frames", &slot->ws->stats.cut_control);
}

static int on_peer_closes(struct ws_slot *slot, const unsigned char *payload, size_t length)
{
    if (slot->state != WS_OPEN)
        return slot->farewell_sent ? -1 : 0;
    slot->by_peer = true;
    ws_slot_closing(
        slot, length >= 2 ? payload[0] << 8 | payload[1] : 1005, "closed by the pile");
    return 0;
}

static int callback(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    struct ws_slot *slot = NULL;

    (void)user;
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        /* `in` is not read here: CVE-2025-11677. */
        return slot_of_request(wsi) ? 0 : -1;
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_FILTER_HTTP_CONNECTION:
        return -1;
    case LWS_CALLBACK_ESTABLISHED:
        crash_point("after_write", "upgrade");
        return on_established(wsi);
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        slot = lws_get_opaque_user_data(wsi);
        break;
    default:
        return 0;
    }
    if (!slot || slot->wsi != wsi)
        return 0;
    switch ((int)reason) {
    case LWS_CALLBACK_RECEIVE:
        return ws_receive(slot, in, length);
    case LWS_CALLBACK_RECEIVE_PONG:
        return on_pong(slot);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return ws_writable(slot);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return on_peer_closes(slot, in, length);
    default:
        ws_slot_gone(slot);
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    { .name = "ocpp1.6", .callback = callback, .rx_buffer_size = 1024, .tx_packet_size = 65536 },
    { 0 }
};

uint64_t ws_descriptors(const struct ws_limits *limits)
{
    return (uint64_t)limits->connections + limits->half_open + DESCRIPTORS_BESIDE;
}

/* lws sizes its tables by this limit, and searches them one by one when told another. */
static void limit_descriptors(const struct ws_limits *limits)
{
    rlim_t want = ws_descriptors(limits);
    struct rlimit now;

    if (getrlimit(RLIMIT_NOFILE, &now))
        return;
    now.rlim_cur = want < now.rlim_max ? want : now.rlim_max;
    setrlimit(RLIMIT_NOFILE, &now);
}

static bool start_lws(struct ws *ws)
{
    void *loops[] = { loop_ev(ws->loop) };
    static const lws_retry_bo_t no_pings = { 0 };
    struct lws_context_creation_info info = { .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_VALIDATE_UTF8 |
            LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops, .protocols = protocols, .alpn = "http/1.1", .user = ws,
        .gid = (gid_t)-1, .uid = (uid_t)-1, .pt_serv_buf_size = 16384,
        .max_http_header_data = 1024, .timeout_secs = 10, .retry_and_idle_policy = &no_pings };

    lws_set_log_level(0, NULL);
    ws->context = lws_create_context(&info);
    if (!ws->context)
        return false;
    ws->vhost = lws_create_vhost(ws->context, &info);
    return ws->vhost != NULL;
}

static void on_again(void *ctx)
{
    (void)ctx; /* the turn that this makes does the work */
}

static void on_drained(void *ctx)
{
    struct ws *ws = ctx;

    for (uint32_t i = 0; i < ws->limits.connections; i++)
        if (ws->slots[i].state != WS_FREE)
            ws_slot_doom(&ws->slots[i], NULL, NULL);
}

static bool make_slots(struct ws *ws)
{
    ws->slots = calloc(ws->limits.connections, sizeof(*ws->slots));
    if (!ws->slots)
        return false;
    for (uint32_t i = ws->limits.connections; i-- > 0;) {
        ws->slots[i].ws = ws;
        ws->slots[i].generation = 1;
        ws->slots[i].next = ws->free_slots;
        ws->free_slots = &ws->slots[i];
    }
    return true;
}

/* lws would keep a socket for what it could not write yet; the peer does not read it. */
static void cut(struct ws_slot *slot)
{
    const struct linger none = { .l_onoff = 1 };
    int fd = lws_get_socket_fd(slot->wsi);

    if (lws_partial_buffered(slot->wsi)) {
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
        (void)shutdown(fd, SHUT_RDWR);
    }
    lws_set_timeout(slot->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

static void look_after(struct ws_slot *slot)
{
    if (slot->state == WS_CLOSING)
        ws_slot_tell(slot);
    if (slot->doomed)
        cut(slot);
    else
        ws_receive_resume(slot);
}

static void turn(void *ctx)
{
    struct ws *ws = ctx;

    ws_receive_room(ws);
    for (unsigned budget = TURN_BUDGET; ws->dirty && budget; budget--) {
        struct ws_slot *slot = ws->dirty;

        ws->dirty = slot->next;
        slot->dirty = false;
        look_after(slot);
    }
    if (ws->dirty)
        loop_timer_arm(ws->loop, &ws->again, loop_mono_ms(ws->loop));
    if (ws->kick) {
        ws->kick = false;
        lws_cancel_service(ws->context);
    }
}

struct ws *ws_new(
    struct loop *loop, const struct ws_limits *limits, const struct ws_ports *ports)
{
    struct ws *ws = calloc(1, sizeof(*ws));
    uint64_t seed = 0;

    if (!ws)
        return NULL;
    ws->loop = loop;
    take_limits(ws, limits);
    ws->ports = *ports;
    ws->drain = (struct wheel_timer){ .fire = on_drained, .ctx = ws };
    ws->again = (struct wheel_timer){ .fire = on_again, .ctx = ws };
    limit_descriptors(limits);
    if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed)) {
        ws->peers = ws_peers_new(seed);
        ws->accepts = core_buckets_new(8192, seed);
    }
    if (!ws->peers || !ws->accepts || !make_slots(ws) || !loop_each_turn(loop, turn, ws) ||
        !start_lws(ws)) {
        ws_free(ws);
        return NULL;
    }
    return ws;
}

static void silent_closed(void *ctx, struct ws_conn conn, int code, const char *reason)
{
    (void)ctx, (void)conn, (void)code, (void)reason;
}

void ws_free(struct ws *ws)
{
    if (!ws)
        return;
    ws->ports.closed = silent_closed;
    ws_listen_stop(ws);
    if (ws->context)
        lws_context_destroy(ws->context);
    loop_timer_disarm(ws->loop, &ws->drain);
    loop_timer_disarm(ws->loop, &ws->again);
    ws_peers_free(ws->peers);
    core_buckets_free(ws->accepts);
    free(ws->slots);
    free(ws->scratch);
    free(ws);
}

static void count_out_of_descriptors(void *ctx)
{
    struct ws *ws = ctx;

    ws->stats.accept_paused++;
    if (ws->ports.starved)
        ws->ports.starved(ws->ports.ctx);
}

bool ws_listen(struct ws *ws, const struct listener_spec *spec)
{
    struct listener_ports ports = { .ctx = ws, .accepted = ws_front_accepted,
        .may_accept = ws_front_may_accept, .out_of_descriptors = count_out_of_descriptors };
    struct listener *listener;

    if (ws->listener_count == LISTENERS_MAX) {
        errno = ENOSPC;
        return false;
    }
    listener = listener_new(ws->loop, spec, &ports);
    if (!listener)
        return false;
    ws->listeners[ws->listener_count++] = listener;
    return true;
}

uint16_t ws_port(const struct ws *ws, uint32_t listener)
{
    return listener < ws->listener_count ? listener_port(ws->listeners[listener]) : 0;
}

void ws_listen_stop(struct ws *ws)
{
    ws_front_clear(ws);
    while (ws->listener_count)
        listener_free(ws->listeners[--ws->listener_count]);
}

void ws_limits_set(struct ws *ws, const struct ws_limits *limits)
{
    const struct ws_limits old = ws->limits;

    take_limits(ws, limits);
    ws->limits.connections = old.connections;
    if (old.ping_ms == limits->ping_ms && old.dead_ms == limits->dead_ms)
        return;
    for (uint32_t i = 0; i < old.connections; i++)
        if (ws->slots[i].state == WS_OPEN)
            ws_slot_pinging(&ws->slots[i]);
}

void ws_drain(struct ws *ws, int code, const char *reason, uint32_t grace_ms)
{
    for (uint32_t i = 0; i < ws->limits.connections; i++)
        if (ws->slots[i].state == WS_OPEN)
            ws_close(ws, ws_conn_of(&ws->slots[i]), code, reason);
    loop_timer_arm(ws->loop, &ws->drain, loop_mono_ms(ws->loop) + grace_ms);
}

void ws_stats(const struct ws *ws, struct ws_stats *ret)
{
    *ret = ws->stats;
}

/* The request that lws is given in the peer's stead. */
static int write_request(char buf[REQUEST_MAX], struct ws_conn conn,
    const struct core_verdict *verdict, struct http_text key)
{
    return snprintf(buf, REQUEST_MAX,
        "GET /%u-%u HTTP/1.1\r\nHost: pile\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %.*s\r\n%s%s%s\r\n",
        conn.slot, conn.generation, (int)key.length, key.at,
        verdict->protocol ? "Sec-WebSocket-Protocol: " : "",
        verdict->protocol ? verdict->protocol : "", verdict->protocol ? "\r\n" : "");
}

static bool count_peer(struct ws *ws, const struct core_address *address)
{
    struct ws_peer *peer = ws_peers_get(ws->peers, address);

    if (!peer)
        return false;
    peer->connections++;
    return true;
}

/* Everything that can fail before lws owns the socket. */
static struct ws_slot *prepare_slot(
    struct ws *ws, const struct core_address *address, const struct core_verdict *verdict)
{
    struct core_verdict *copy = malloc(sizeof(*copy));
    struct ws_slot *slot = copy && count_peer(ws, address) ? ws_slot_claim(ws) : NULL;

    if (!slot) {
        free(copy);
        return NULL;
    }
    *copy = *verdict;
    slot->verdict = copy;
    slot->address = *address;
    return slot;
}

bool ws_adopt(struct ws *ws, int fd, const struct core_address *address,
    const struct core_verdict *verdict, struct http_text key, struct http_text rest)
{
    char *bytes = malloc(REQUEST_MAX + rest.length);
    struct ws_slot *slot = bytes && ws->free_slots ? prepare_slot(ws, address, verdict) : NULL;
    struct ws_conn conn;
    size_t length;

    if (!slot) {
        free(bytes);
        return false;
    }
    conn = ws_conn_of(slot);
    length = (size_t)write_request(bytes, conn, verdict, key);
    if (rest.length)
        memcpy(bytes + length, rest.at, rest.length);
    /* Serves the request at once: established, or closed. */
    lws_adopt_socket_vhost_readbuf(ws->vhost, fd, bytes, length + rest.length);
    free(bytes);
    if (ws_slot_of(ws, conn) && slot->state == WS_ADOPTING)
        ws_slot_gone(slot);
    else if (ws_slot_of(ws, conn) && rest.length)
        ws_want_writable(slot); /* lws looks at what it has read at the next event only */
    return true;
}
