/* ws.h - the sockets of the piles: who is let in, whole text messages in, text messages out.
 *
 * The request for an upgrade is read and judged here, before libwebsockets sees the connection:
 * a stranger's bytes never reach it, and what it is given is a request of our own making for a
 * connection that is already admitted.  It speaks RFC 6455 and nothing else, with one deviation:
 * libwebsockets 4.1.6 takes frames that are not masked and tells nobody (tested harmless).
 *
 * A connection is a slot and a generation, so a late event for a predecessor is told apart and
 * ignored.  No port is ever called from inside a function of this header.
 * Loop thread only; never blocks; a pointer given to a port is valid until the port returns.
 */
#ifndef CSMS_WS_H
#define CSMS_WS_H

#include "csms/core/admit.h"
#include "csms/listener.h"
#include "csms/loop.h"

struct ws;

struct ws_conn {
    uint32_t slot; /* < limits.connections */
    uint32_t generation;
};

struct ws_limits {
    uint32_t connections;          /* open at once; fixed at ws_new */
    uint32_t half_open;            /* sockets whose request is not complete */
    uint32_t half_open_per_address;
    uint32_t connections_per_address;
    struct core_rate accepts_per_address;
    uint32_t accepts_per_s; /* of all addresses; the rest waits in the backlog */
    uint32_t head_bytes;    /* of a request */
    uint32_t handshake_ms;
    uint32_t message_bytes;
    uint32_t large_bytes;  /* of messages above CORE_LARGE_BYTES that may come at once, together */
    uint32_t fragments;    /* of a message */
    uint32_t stall_ms;     /* between two pieces of a message */
    uint32_t message_ms;   /* from its first piece to its last, while it is read */
    uint32_t send_messages; /* waiting for a slow reader */
    uint32_t send_bytes;
    struct core_rate control_frames; /* pings and pongs of one connection */
    uint32_t ping_ms;                /* 0: never, unless the station asks for it */
    uint32_t dead_ms;                /* without a sign of life after a ping became due */
    bool spare_loopback; /* no limits per address for 127.0.0.0/8 and ::1, for a proxy in front */
};
void ws_limits_default(struct ws_limits *ret);
/* Descriptors of the process that serve these limits and what is beside them. */
uint64_t ws_descriptors(const struct ws_limits *);

struct ws_page {
    int status;
    const char *content_type;
    const char *body; /* valid until the next turn of the loop; NULL with length 0 */
    size_t length;
};

struct ws_door {
    enum core_refusal reason;
    const char *identity; /* "" if none was understood */
    const char *remote;   /* the address as text */
};

struct ws_ports {
    void *ctx;
    void (*admit)(void *ctx, const struct core_request *, struct core_verdict *ret);
    void (*opened)(void *ctx, struct ws_conn, const struct core_verdict *, const char *remote);
    void (*frame)(void *ctx, struct ws_conn, const char *text, size_t length);
    /* Can the owner take a message of this length?  False: it is asked again at the end of each
     * turn of the loop, and the socket is not read meanwhile.  NULL: always. */
    bool (*room)(void *ctx, size_t length);
    /* The connection is being cut for a message of at least this length.  NULL: nobody asks. */
    void (*too_large)(void *ctx, struct ws_conn, size_t length);
    /* Exactly once for each opened, when it begins to close: at the end of that turn of the loop,
     * or of one of the next where some thousands close at once.  Its socket may be there for a
     * while to let the peer read why.  code: of the close frame, or 1006. */
    void (*closed)(void *ctx, struct ws_conn, int code, const char *reason);
    /* False: no such page, 404. */
    bool (*page)(void *ctx, const struct listener *, const char *path, struct ws_page *ret);
    void (*refused)(void *ctx, const struct ws_door *);
    void (*starved)(void *ctx); /* no file descriptor was left for a newcomer; may be NULL */
};

/* Copies limits and ports.  NULL: no memory, or no event library of libwebsockets. */
MUST_CHECK struct ws *ws_new(struct loop *, const struct ws_limits *, const struct ws_ports *);
/* Closes what is open without a farewell; `closed` is not called. */
void ws_free(struct ws *);
/* False: errno says why. */
MUST_CHECK bool ws_listen(struct ws *, const struct listener_spec *);
/* Of the n-th listener that was opened; 0: there is none. */
uint16_t ws_port(const struct ws *, uint32_t listener);
/* All but `connections` may change while it runs.  A burst is at most a minute's worth. */
void ws_limits_set(struct ws *, const struct ws_limits *);

/* Sends at once or queues.  A connection whose queue is full is closed with 1008.  False: it is
 * gone or closing, and the text was dropped. */
bool ws_send(struct ws *, struct ws_conn, const char *text, size_t length);
/* What was sent before still leaves first.  No frame comes after it. */
void ws_close(struct ws *, struct ws_conn, int code, const char *reason);
/* While paused no frame comes; when two wait, the socket is not read. */
void ws_pause(struct ws *, struct ws_conn, bool paused);

/* Closes the listening sockets and refuses what is half open.  Connections stay. */
void ws_listen_stop(struct ws *);
/* Closes all connections with this code; those that have not gone after grace_ms are cut. */
void ws_drain(struct ws *, int code, const char *reason, uint32_t grace_ms);

struct ws_stats {
    uint32_t connections, half_open;
    uint64_t accepted, opened, closed, messages_in, messages_out, bytes_in, bytes_out;
    uint64_t refused[CORE_REFUSAL_COUNT];
    uint64_t cut_too_large, cut_fragments, cut_binary, cut_stalled, cut_control, cut_slow_reader,
        cut_silent, cut_no_memory;
    uint64_t accept_paused; /* times that no descriptor was left */
};
void ws_stats(const struct ws *, struct ws_stats *ret);

#endif
