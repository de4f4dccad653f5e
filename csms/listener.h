/* listener.h - listening sockets of our own: budget, limits of one address, purpose.
 *
 * SO_REUSEPORT, so that several nodes share a port.  At most 64 connections are taken in a turn;
 * when no descriptor is left, accepting rests and one kept in reserve turns the next ones away.
 * Loop thread only.
 */
#ifndef CSMS_LISTENER_H
#define CSMS_LISTENER_H

#include "csms/core/bucket.h"
#include "csms/loop.h"

#include <netinet/in.h>

enum listener_purpose {
    LISTENER_OCPP = 1,
    LISTENER_ADMIN = 2,
    LISTENER_CONSOLE = 4,
    LISTENER_METRICS = 8
};

enum { LISTENER_NAME_MAX = 32, LISTENER_BUDGET = 64, LISTENERS_MAX = 16 };

struct listener_spec {
    const char *name;
    const char *bind; /* an address, no host name */
    uint16_t port;    /* 0: any, see listener_port */
    uint32_t serve;   /* enum listener_purpose, ored */
    bool credentials; /* piles must prove who they are */
    bool tls;
};

struct listener;

/* fd is the receiver's from now on: non-blocking, no delay, keep-alive. */
typedef void listener_accepted(
    void *ctx, const struct listener *, int fd, const struct core_address *);
struct listener_ports {
    void *ctx;
    listener_accepted *accepted;
    bool (*may_accept)(void *ctx); /* false: rest for a moment */
    void (*out_of_descriptors)(void *ctx);
};

/* NULL: errno says why. */
MUST_CHECK struct listener *listener_new(
    struct loop *, const struct listener_spec *, const struct listener_ports *);
void listener_free(struct listener *);
/* Would listener_new get its address?  Takes it for a moment, without listening.  False: errno. */
MUST_CHECK bool listener_can_open(const struct listener_spec *);
/* What to do about the errno of either. */
const char *listener_advice(int error);

uint16_t listener_port(const struct listener *);
uint32_t listener_serves(const struct listener *);
bool listener_wants_credentials(const struct listener *);

/* "192.0.2.7" or "2001:db8::1". */
void listener_address_text(const struct core_address *, char ret[INET6_ADDRSTRLEN]);
/* Is it an address of this machine alone?  "localhost" is none: only addresses are. */
bool listener_bind_is_loopback(const char *bind);

#endif
