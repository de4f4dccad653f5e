/* socket.h - the piles' websockets: of simulators, socket.c alone knows libwebsockets.
 *
 * Runs on the caller's libev loop.  What happens on a socket is told through the ports, never from
 * inside sim_socket_connect.  Owns one peer per pile that ever connected.
 */
#ifndef SIMULATORS_SOCKET_H
#define SIMULATORS_SOCKET_H

#include "simulators/fleet.h"

#include <stdbool.h>
#include <stddef.h>

struct ev_loop;
struct sim_pile;
struct sim_sockets;

struct sim_address {
    char host[256];
    char path[256]; /* without the identity and the slash before it */
    int port;
    bool tls;
};

struct sim_socket_ports {
    void *ctx;
    void (*opened)(void *ctx, struct sim_pile *);
    void (*closed)(void *ctx, struct sim_pile *, const char *why);
    void (*frame)(void *ctx, struct sim_pile *, const char *text, size_t length);
};

/* ws://HOST:PORT/PATH or wss://... */
__attribute__((warn_unused_result)) bool sim_address_read(
    const char *url, struct sim_address *ret, struct sim_error *ret_error);

/* `ca_file`: for wss, who signed the system's certificate; NULL: the machine's own list.
 * NULL: no memory, or libwebsockets would not start. */
struct sim_sockets *sim_socket_new(struct ev_loop *, const struct sim_address *,
    const char *ca_file, const struct sim_socket_ports *);
void sim_socket_free(struct sim_sockets *);

void sim_socket_connect(struct sim_sockets *, struct sim_pile *);
/* Closes with 1000 once what was sent has left; `closed` follows. */
void sim_socket_disconnect(struct sim_sockets *, struct sim_pile *);
void sim_socket_send(struct sim_sockets *, struct sim_pile *, const char *text, size_t length);

#endif
