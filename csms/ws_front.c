/* ws_front.c - sockets whose request is not complete: read it, judge it, answer or hand over.
 *
 * Bounded in number, per address, in bytes and in time.  When there are too many the oldest gives
 * way, so that silence cannot keep others out.  libwebsockets knows nothing of these sockets.
 */
#include "csms/fault_crash.h"
#include "csms/ws_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_HEAD = 512, DISCARD_MAX = 65536, FULL_RETRY_S = 30 };

enum front_state { READING, ANSWERING, LINGERING };

struct ws_front {
    struct ws *ws;
    struct ws_front *older, *newer;
    const struct listener *listener;
    struct loop_fd *watch;
    struct wheel_timer deadline;
    struct core_address address;
    int fd;
    enum front_state state;
    char *bytes; /* the request; later the answer */
    size_t length, room, sent, discarded;
};

static void front_free(struct ws_front *front)
{
    struct ws *ws = front->ws;
    struct ws_peer *peer = ws_peers_find(ws->peers, &front->address);

    if (peer) {
        peer->half_open--;
        ws_peers_tidy(ws->peers, peer);
    }
    *(front->older ? &front->older->newer : &ws->oldest) = front->newer;
    *(front->newer ? &front->newer->older : &ws->newest) = front->older;
    ws->stats.half_open--;
    loop_timer_disarm(ws->loop, &front->deadline);
    loop_fd_free(front->watch);
    if (front->fd >= 0)
        close(front->fd);
    free(front->bytes);
    free(front);
}

static void tell_refused(struct ws *ws, const struct core_address *address,
    enum core_refusal reason, const char *identity)
{
    char remote[INET6_ADDRSTRLEN];
    struct ws_door door = { .reason = reason, .identity = identity, .remote = remote };

    ws->stats.refused[reason]++;
    listener_address_text(address, remote);
    ws->ports.refused(ws->ports.ctx, &door);
}

/* The peer has what it needs; leave it a moment to read, or our close would discard it. */
static void linger(struct ws_front *front)
{
    shutdown(front->fd, SHUT_WR);
    front->state = LINGERING;
    loop_fd_want(front->watch, true, false);
    loop_timer_arm(
        front->ws->loop, &front->deadline, loop_mono_ms(front->ws->loop) + WS_LINGER_MS);
}

static void send_answer(struct ws_front *front)
{
    if (front->sent == 0)
        crash_point("before_write", "answer");
    while (front->sent < front->length) {
        ssize_t n = send(front->fd, front->bytes + front->sent, front->length - front->sent,
            MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            loop_fd_want(front->watch, false, true);
            return;
        }
        if (n <= 0) {
            front_free(front);
            return;
        }
        front->sent += (size_t)n;
    }
    crash_point("after_write", "answer");
    linger(front);
}

static void answer(struct ws_front *front, const struct http_answer *head, const char *body,
    bool with_body)
{
    size_t body_length = with_body ? head->length : 0;
    char *bytes = malloc(ANSWER_HEAD + body_length);
    size_t length;

    if (!bytes) {
        front_free(front);
        return;
    }
    length = http_answer_head(bytes, ANSWER_HEAD, head);
    if (body_length)
        memcpy(bytes + length, body, body_length);
    free(front->bytes);
    front->bytes = bytes;
    front->length = length + body_length;
    front->sent = 0;
    front->state = ANSWERING;
    send_answer(front);
}

static void refuse(struct ws_front *front, const struct core_verdict *verdict)
{
    struct http_answer head = { .status = core_refusal_status(verdict->refusal),
        .retry_after_s = verdict->retry_after_s };

    tell_refused(front->ws, &front->address, verdict->refusal, verdict->identity);
    if (head.status)
        answer(front, &head, NULL, false);
    else
        front_free(front);
}

static void refuse_for(struct ws_front *front, enum core_refusal reason)
{
    struct core_verdict verdict = { .refusal = reason };

    refuse(front, &verdict);
}

static void evict(struct ws_front *front)
{
    if (front->state == READING)
        refuse_for(front, CORE_REFUSAL_EVICTED);
    else
        front_free(front);
}

static void on_deadline(void *ctx)
{
    struct ws_front *front = ctx;

    if (front->state == READING && front->length)
        refuse_for(front, CORE_REFUSAL_TOO_SLOW);
    else if (front->state == READING) {
        /* One that said nothing is told nothing. */
        tell_refused(front->ws, &front->address, CORE_REFUSAL_TOO_SLOW, "");
        front_free(front);
    } else
        front_free(front);
}

static void on_ready(void *ctx, bool readable, bool writable);

/* The socket leaves this file; what belongs to the front goes.  Without memory it stays, and is
 * answered. */
static void hand_over(struct ws_front *front, const struct http_head *head,
    struct core_verdict *verdict)
{
    struct ws *ws = front->ws;
    struct http_text rest = { front->bytes + head->length, front->length - head->length };
    int fd = front->fd;

    loop_fd_free(front->watch);
    front->watch = NULL;
    crash_point("before_write", "upgrade");
    if (ws_adopt(ws, fd, &front->address, verdict, head->key, rest)) {
        front->fd = -1;
        front_free(front);
        return;
    }
    front->watch = loop_fd_new(ws->loop, fd, on_ready, front);
    if (!front->watch) { /* no memory to wait for what takes its time */
        tell_refused(ws, &front->address, CORE_REFUSAL_FULL, verdict->identity);
        front_free(front);
        return;
    }
    verdict->refusal = CORE_REFUSAL_FULL;
    verdict->retry_after_s = FULL_RETRY_S;
    refuse(front, verdict);
}

static void judge_upgrade(struct ws_front *front, const struct http_head *head)
{
    struct ws *ws = front->ws;
    struct core_verdict verdict = { .refusal = CORE_REFUSAL_BAD_REQUEST };
    struct core_request request = { .path = head->path.at, .path_length = head->path.length,
        .authorization = head->authorization.at,
        .authorization_length = head->authorization.length,
        .protocols = head->has_protocols ? head->protocols : NULL,
        .protocols_length = head->protocols_length, .address = front->address,
        .credentials = listener_wants_credentials(front->listener) };

    if (http_text_is(head->upgrade, "websocket") && !http_text_is(head->version, "13"))
        verdict.refusal = CORE_REFUSAL_VERSION;
    else if (http_wants_websocket(head) && !(listener_serves(front->listener) & LISTENER_OCPP))
        verdict.refusal = CORE_REFUSAL_PATH;
    else if (http_wants_websocket(head))
        ws->ports.admit(ws->ports.ctx, &request, &verdict);
    if (verdict.refusal == CORE_ADMITTED && !ws->free_slots) {
        verdict.refusal = CORE_REFUSAL_FULL;
        verdict.retry_after_s = FULL_RETRY_S;
    }
    if (verdict.refusal == CORE_ADMITTED)
        hand_over(front, head, &verdict);
    else
        refuse(front, &verdict);
}

static void give_page(struct ws_front *front, const struct http_head *head)
{
    struct ws *ws = front->ws;
    bool get = http_text_is(head->method, "GET");
    struct ws_page page = { 0 };
    struct http_answer answer_head = { 0 };
    char path[128];

    if (!get && !http_text_is(head->method, "HEAD")) {
        answer_head.status = 405;
        answer(front, &answer_head, NULL, false);
        return;
    }
    answer_head.status = 404;
    if (head->path.length < sizeof(path)) {
        memcpy(path, head->path.at, head->path.length);
        path[head->path.length] = '\0';
        if (ws->ports.page(ws->ports.ctx, front->listener, path, &page)) {
            answer_head.status = page.status;
            answer_head.content_type = page.content_type;
            answer_head.length = page.length;
        }
    }
    answer(front, &answer_head, page.body, get);
}

static void judge(struct ws_front *front)
{
    struct http_head head;

    switch (http_head_read(front->bytes, front->length, &head)) {
    case HTTP_MORE:
        if (front->length >= front->ws->limits.head_bytes)
            refuse_for(front, CORE_REFUSAL_TOO_LARGE);
        break;
    case HTTP_BAD:
        refuse_for(front, CORE_REFUSAL_BAD_REQUEST);
        break;
    case HTTP_DONE:
        if (head.length > front->ws->limits.head_bytes)
            refuse_for(front, CORE_REFUSAL_TOO_LARGE);
        else if (head.upgrade.at || head.key.at)
            judge_upgrade(front, &head);
        else
            give_page(front, &head);
        break;
    }
}

static bool make_room(struct ws_front *front)
{
    size_t room = front->room ? front->room * 2 : 512;
    char *bytes;

    if (front->length < front->room)
        return true;
    if (room > front->ws->limits.head_bytes)
        room = front->ws->limits.head_bytes;
    bytes = realloc(front->bytes, room);
    if (!bytes)
        return false;
    front->bytes = bytes;
    front->room = room;
    return true;
}

static void read_request(struct ws_front *front)
{
    ssize_t n;

    /* A reload may allow less than came already. */
    if (front->length >= front->ws->limits.head_bytes) {
        refuse_for(front, CORE_REFUSAL_TOO_LARGE);
        return;
    }
    if (!make_room(front)) {
        front_free(front);
        return;
    }
    n = recv(front->fd, front->bytes + front->length, front->room - front->length, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        front->ws->stats.refused[CORE_REFUSAL_GONE]++;
        front_free(front);
        return;
    }
    front->length += (size_t)n;
    judge(front);
}

static void discard(struct ws_front *front)
{
    char bytes[4096];
    ssize_t n = recv(front->fd, bytes, sizeof(bytes), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        front->discarded += (size_t)n;
    if (n <= 0 || front->discarded > DISCARD_MAX)
        front_free(front);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    struct ws_front *front = ctx;

    (void)readable, (void)writable;
    switch (front->state) {
    case READING:
        read_request(front);
        break;
    case ANSWERING:
        send_answer(front);
        break;
    case LINGERING:
        discard(front);
        break;
    }
}

/* Said at once and without waiting whether it is read. */
static void turn_away(struct ws *ws, int fd, const struct core_address *address)
{
    struct http_answer head = { .status = 503, .retry_after_s = 60 };
    char bytes[ANSWER_HEAD];
    size_t length = http_answer_head(bytes, sizeof(bytes), &head);

    tell_refused(ws, address, CORE_REFUSAL_ADDRESS, "");
    if (send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        shutdown(fd, SHUT_WR);
    close(fd);
}

static bool address_may(struct ws *ws, const struct ws_peer *peer)
{
    const struct ws_limits *limits = &ws->limits;

    if (limits->spare_loopback && core_address_is_loopback(&peer->address))
        return true;
    return peer->half_open < limits->half_open_per_address &&
        peer->connections < limits->connections_per_address &&
        core_buckets_take(ws->accepts, &peer->address, limits->accepts_per_address,
            loop_mono_ms(ws->loop));
}

static void append(struct ws *ws, struct ws_front *front, struct ws_peer *peer)
{
    front->older = ws->newest;
    *(ws->newest ? &ws->newest->newer : &ws->oldest) = front;
    ws->newest = front;
    ws->stats.half_open++;
    peer->half_open++;
}

void ws_front_accepted(
    void *ctx, const struct listener *listener, int fd, const struct core_address *address)
{
    struct ws *ws = ctx;
    struct ws_peer *peer = ws_peers_get(ws->peers, address);
    struct ws_front *front;

    ws->stats.accepted++;
    if (!peer) {
        close(fd);
        return;
    }
    if (!address_may(ws, peer)) {
        turn_away(ws, fd, address);
        ws_peers_tidy(ws->peers, peer);
        return;
    }
    while (ws->stats.half_open >= ws->limits.half_open)
        evict(ws->oldest);
    front = calloc(1, sizeof(*front));
    if (!front) {
        close(fd);
        return;
    }
    *front = (struct ws_front){ .ws = ws, .listener = listener, .address = *address, .fd = fd,
        .deadline = { .fire = on_deadline, .ctx = front } };
    /* Evicting may have forgotten the address. */
    peer = ws_peers_get(ws->peers, address);
    front->watch = loop_fd_new(ws->loop, fd, on_ready, front);
    if (!peer || !front->watch) {
        loop_fd_free(front->watch);
        close(fd);
        free(front);
        return;
    }
    append(ws, front, peer);
    loop_fd_want(front->watch, true, false);
    loop_timer_arm(ws->loop, &front->deadline, loop_mono_ms(ws->loop) + ws->limits.handshake_ms);
}

/* A token bucket of a tenth of a second: above it the backlog waits. */
bool ws_front_may_accept(void *ctx)
{
    struct ws *ws = ctx;
    uint64_t now_us = loop_mono_ms(ws->loop) * 1000;
    uint64_t token_us = 1000000 / ws->limits.accepts_per_s;
    uint64_t from = ws->accept_full_us > now_us ? ws->accept_full_us : now_us;

    if (!token_us)
        return true;
    if (from + token_us > now_us + 100000 + token_us)
        return false;
    ws->accept_full_us = from + token_us;
    return true;
}

void ws_front_clear(struct ws *ws)
{
    while (ws->oldest)
        front_free(ws->oldest);
}
