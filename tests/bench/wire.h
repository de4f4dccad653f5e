/* wire.h - many websocket connections of one thread: the client's side of OCPP-J over TCP.
 *
 * Written for load: one read and one write a message, no allocation while messages are whole. It
 * masks what it sends, answers pings, and takes what a server of ours sends: unmasked frames that
 * are not fragmented. The accept key of the handshake is not verified.
 */
#ifndef TESTS_BENCH_WIRE_H
#define TESTS_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_TEXT_MAX = 4096, WIRE_WHY_MAX = 160 };

enum wire_state { WIRE_NONE, WIRE_CONNECTING, WIRE_UPGRADING, WIRE_OPEN };

struct wire_conn {
    int fd;
    enum wire_state state;
    uint32_t index;
    uint32_t kept; /* bytes of a message that has not come whole */
    char *keep;
};

struct wire_ports {
    void *ctx;
    void (*opened)(void *ctx, uint32_t index);
    /* Not NUL-terminated; valid until it returns. */
    void (*text)(void *ctx, uint32_t index, const char *text, size_t length);
    /* The connection is gone, or did not come about; never from inside wire_connect or wire_send.
     */
    void (*closed)(void *ctx, uint32_t index, const char *why);
};

struct wire {
    struct wire_ports ports;
    struct wire_conn *conns;
    uint32_t count;
    uint16_t port;
    int epoll;
    uint64_t keys; /* makes masks and handshake keys */
};

uint64_t wire_now_ns(void); /* monotonic */

/* False: errno says why. */
bool wire_init(struct wire *, uint32_t count, uint16_t port, const struct wire_ports *);
void wire_done(struct wire *);

/* Connects as BENCH-<index> with its key to 127.0.0.1; a source address serves 10,000 of them. */
void wire_connect(struct wire *, uint32_t index);
void wire_close(struct wire *, uint32_t index);
/* False: the socket did not take it whole. */
bool wire_send(struct wire *, uint32_t index, const char *text, size_t length);

/* Waits for events until then, at the latest, and works them. */
void wire_turn(struct wire *, uint64_t until_ns);

#endif
