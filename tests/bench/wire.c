/* wire.c - see wire.h. */
#include "tests/bench/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS = 512,
    RECEIVE_MAX = 65536,
    SOURCE_CONNECTIONS = 10000,
    OP_TEXT = 1,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_PONG = 10,
    FIN = 0x80,
    MASKED = 0x80
};

static char received[RECEIVE_MAX];

uint64_t wire_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool wire_init(struct wire *wire, uint32_t count, uint16_t port, const struct wire_ports *ports)
{
    *wire = (struct wire){.ports = *ports, .count = count, .port = port, .keys = wire_now_ns()};
    wire->conns = calloc(count, sizeof *wire->conns);
    wire->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; wire->conns != NULL && i < count; i++)
        wire->conns[i] = (struct wire_conn){.fd = -1, .index = i};
    return wire->conns != NULL && wire->epoll >= 0;
}

void wire_done(struct wire *wire)
{
    for (uint32_t i = 0; i < wire->count; i++)
        wire_close(wire, i);
    free(wire->conns);
    if (wire->epoll >= 0)
        close(wire->epoll);
}

static uint64_t key_next(struct wire *wire)
{
    wire->keys += UINT64_C(0x9e3779b97f4a7c15);
    return (wire->keys ^ wire->keys >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
}

void wire_close(struct wire *wire, uint32_t index)
{
    struct wire_conn *conn = &wire->conns[index];

    if (conn->fd >= 0)
        close(conn->fd);
    free(conn->keep);
    *conn = (struct wire_conn){.fd = -1, .index = index};
}

static void gone(struct wire *wire, struct wire_conn *conn, const char *why)
{
    uint32_t index = conn->index;

    wire_close(wire, index);
    wire->ports.closed(wire->ports.ctx, index, why);
}

void wire_connect(struct wire *wire, uint32_t index)
{
    struct wire_conn *conn = &wire->conns[index];
    struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
    struct epoll_event event = {.events = EPOLLOUT, .data.u32 = index};
    int on = 1;

    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0) {
        perror("socket");
        exit(1);
    }
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + index / SOURCE_CONNECTIONS);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(wire->port);
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(conn->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(conn->fd, (struct sockaddr *)&from, sizeof from) != 0) {
        perror("bind");
        exit(1);
    }
    /* Whatever it says, the event tells how it ends. */
    (void)!connect(conn->fd, (struct sockaddr *)&to, sizeof to);
    conn->state = WIRE_CONNECTING;
    if (epoll_ctl(wire->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0) {
        perror("epoll_ctl");
        exit(1);
    }
}

static void base64(char *to, const char *from, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < length; i += 3) {
        unsigned a = (unsigned char)from[i];
        unsigned b = i + 1 < length ? (unsigned char)from[i + 1] : 0;
        unsigned c = i + 2 < length ? (unsigned char)from[i + 2] : 0;

        *to++ = digits[a >> 2];
        *to++ = digits[(a & 3) << 4 | b >> 4];
        *to++ = i + 1 < length ? digits[(b & 15) << 2 | c >> 6] : '=';
        *to++ = i + 2 < length ? digits[c & 63] : '=';
    }
    *to = '\0';
}

/* The key is the one that seed.sql gives the pile. */
static void ask_upgrade(struct wire *wire, struct wire_conn *conn)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = conn->index};
    char pair[64], basic[96], nonce[17], key[32], text[512];
    int error = 0, length;
    socklen_t size = sizeof error;

    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        gone(wire, conn, strerror(error));
        return;
    }
    length = snprintf(pair, sizeof pair, "BENCH-%05u:bench key %010u", conn->index, conn->index);
    base64(basic, pair, (size_t)length);
    snprintf(nonce, sizeof nonce, "%016llx", (unsigned long long)key_next(wire));
    base64(key, nonce, 16);
    length = snprintf(text, sizeof text,
        "GET /ocpp/BENCH-%05u HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
        "Sec-WebSocket-Protocol: ocpp1.6\r\nAuthorization: Basic %s\r\n\r\n",
        conn->index, wire->port, key, basic);
    conn->state = WIRE_UPGRADING;
    if (send(conn->fd, text, (size_t)length, MSG_NOSIGNAL) != length ||
        epoll_ctl(wire->epoll, EPOLL_CTL_MOD, conn->fd, &event) != 0)
        gone(wire, conn, "the request could not be sent");
}

static bool send_frame(
    struct wire *wire, struct wire_conn *conn, int op, const char *text, size_t length)
{
    static unsigned char frame[WIRE_TEXT_MAX + 8];
    uint64_t key = key_next(wire) | UINT64_C(1) << 32;
    unsigned char *at = frame;
    uint32_t mask = (uint32_t)key;

    if (conn->state != WIRE_OPEN || length > WIRE_TEXT_MAX)
        return false;
    *at++ = (unsigned char)(FIN | op);
    if (length < 126) {
        *at++ = (unsigned char)(MASKED | length);
    } else {
        *at++ = MASKED | 126;
        *at++ = (unsigned char)(length >> 8);
        *at++ = (unsigned char)length;
    }
    memcpy(at, &mask, 4);
    at += 4;
    for (size_t i = 0; i < length; i++)
        at[i] = (unsigned char)text[i] ^ (unsigned char)(mask >> (8 * (i & 3)));
    length += (size_t)(at - frame);
    return send(conn->fd, frame, length, MSG_NOSIGNAL) == (ssize_t)length;
}

bool wire_send(struct wire *wire, uint32_t index, const char *text, size_t length)
{
    return send_frame(wire, &wire->conns[index], OP_TEXT, text, length);
}

/* One frame of the server's. Returns its length; 0: it is not whole yet, or the connection ended.
 */
static size_t take_frame(struct wire *wire, struct wire_conn *conn, char *data, size_t size)
{
    const unsigned char *head = (const unsigned char *)data;
    size_t length, at = 2;

    if (size < 2)
        return 0;
    length = head[1];
    if (length == 126 && size >= 4) {
        length = (size_t)head[2] << 8 | head[3];
        at = 4;
    }
    if (!(head[0] & FIN) || length == 127 || head[1] & MASKED) {
        gone(wire, conn, "a frame that is fragmented, masked or too long");
        return 0;
    }
    if (size < at + length || (head[1] == 126 && at == 2))
        return 0;
    switch (head[0] & 15) {
    case OP_TEXT:
        wire->ports.text(wire->ports.ctx, conn->index, data + at, length);
        break;
    case OP_PING:
        (void)!send_frame(wire, conn, OP_PONG, data + at, length);
        break;
    case OP_CLOSE: {
        char why[WIRE_WHY_MAX];

        snprintf(why, sizeof why, "closed by the server: %d %.*s",
            length >= 2 ? head[at] << 8 | head[at + 1] : 1005, length > 2 ? (int)(length - 2) : 0,
            data + at + 2);
        gone(wire, conn, why);
        return 0;
    }
    default:
        break;
    }
    return at + length;
}

/* The answer to the upgrade. Returns its length; 0: not whole, or refused. */
static size_t take_answer(struct wire *wire, struct wire_conn *conn, char *data, size_t size)
{
    static const char good[] = "HTTP/1.1 101 ";
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    const char *line = memchr(data, '\r', size);

    if (end == NULL || line == NULL)
        return 0;
    if (strncmp(data, good, sizeof good - 1) != 0) {
        char why[WIRE_WHY_MAX];

        snprintf(why, sizeof why, "the upgrade was answered: %.*s", (int)(line - data), data);
        gone(wire, conn, why);
        return 0;
    }
    conn->state = WIRE_OPEN;
    wire->ports.opened(wire->ports.ctx, conn->index);
    return (size_t)(end - data) + 4;
}

static void keep(struct wire *wire, struct wire_conn *conn, const char *data, size_t size)
{
    free(conn->keep);
    conn->keep = NULL;
    conn->kept = 0;
    if (size == 0)
        return;
    if (size > RECEIVE_MAX / 2 || (conn->keep = malloc(size)) == NULL) {
        gone(wire, conn, "a message that is too long");
        return;
    }
    memcpy(conn->keep, data, size);
    conn->kept = (uint32_t)size;
}

static void receive(struct wire *wire, struct wire_conn *conn)
{
    size_t size = conn->kept, at = 0, taken;
    int fd = conn->fd;
    ssize_t n;

    if (size > 0)
        memcpy(received, conn->keep, size);
    n = recv(fd, received + size, sizeof received - size, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        gone(wire, conn, n == 0 ? "closed without a word" : strerror(errno));
        return;
    }
    size += (size_t)n;
    while (at < size) {
        taken = conn->state == WIRE_UPGRADING ? take_answer(wire, conn, received + at, size - at)
                                              : take_frame(wire, conn, received + at, size - at);
        if (conn->fd != fd) /* it ended */
            return;
        if (taken == 0)
            break;
        at += taken;
    }
    if (at < size || conn->kept > 0)
        keep(wire, conn, received + at, size - at);
}

void wire_turn(struct wire *wire, uint64_t until_ns)
{
    static struct epoll_event events[EVENTS];
    uint64_t now = wire_now_ns(), wait = until_ns > now ? until_ns - now : 0;
    struct timespec time = {
        .tv_sec = (time_t)(wait / 1000000000u), .tv_nsec = (long)(wait % 1000000000u)};
    int n = epoll_pwait2(wire->epoll, events, EVENTS, &time, NULL);

    for (int i = 0; i < n; i++) {
        struct wire_conn *conn = &wire->conns[events[i].data.u32];

        if (conn->state == WIRE_CONNECTING)
            ask_upgrade(wire, conn);
        else if (conn->state != WIRE_NONE)
            receive(wire, conn);
    }
}
