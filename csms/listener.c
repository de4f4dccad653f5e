/* listener.c - see listener.h. */
#include "csms/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    REST_MS = 20,             /* when the owner wants no more for now */
    NO_DESCRIPTOR_REST_MS = 200,
    KEEPALIVE_IDLE_S = 60,
    KEEPALIVE_INTERVAL_S = 15,
    KEEPALIVE_PROBES = 4,
    UNACKNOWLEDGED_MS = 90000 /* sent data that long without an ACK: the peer is gone */
};

struct listener {
    struct loop *loop;
    struct loop_fd *watch;
    struct wheel_timer rest;
    struct listener_ports ports;
    int fd, reserve;
    uint16_t port;
    uint32_t serve;
    bool credentials;
};

static bool address_read(const char *bind, uint16_t port, struct sockaddr_storage *ret,
    socklen_t *ret_length)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

    *ret = (struct sockaddr_storage){ 0 };
    if (inet_pton(AF_INET, bind, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *ret_length = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, bind, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    *ret_length = sizeof(*v6);
    return true;
}

static struct core_address address_of(const struct sockaddr_storage *from)
{
    struct core_address address = { { 0 } };

    if (from->ss_family == AF_INET6) {
        memcpy(address.bytes, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    } else {
        address.bytes[10] = address.bytes[11] = 0xff;
        memcpy(address.bytes + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
    }
    return address;
}

bool listener_bind_is_loopback(const char *bind)
{
    struct sockaddr_storage storage;
    struct core_address address;
    socklen_t length;

    if (!address_read(bind, 0, &storage, &length))
        return false;
    address = address_of(&storage);
    return core_address_is_loopback(&address);
}

void listener_address_text(const struct core_address *address, char ret[INET6_ADDRSTRLEN])
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    bool v4 = !memcmp(address->bytes, mapped, sizeof(mapped));

    if (!inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes + (v4 ? 12 : 0), ret,
            INET6_ADDRSTRLEN))
        ret[0] = '\0';
}

/* Accepted sockets inherit these on Linux. */
static bool set_options(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        { SOL_SOCKET, SO_REUSEADDR, 1 },
        { SOL_SOCKET, SO_REUSEPORT, 1 },
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_NODELAY, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
        { IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
        { IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
        { IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS },
    };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int)))
            return false;
    return true;
}

const char *listener_advice(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another program has it (ss -ltnp shows which); stop that, or name another port";
    case EACCES:
    case EPERM:
        return "ports below 1024 want a privilege; name a higher one, or give "
               "CAP_NET_BIND_SERVICE";
    case EADDRNOTAVAIL:
        return "no interface of this machine has it; name one that `ip address` shows";
    default:
        return "name another address";
    }
}

/* A socket at the address; -1: errno says why. */
static int bound_socket(const struct listener_spec *spec)
{
    struct sockaddr_storage address;
    socklen_t length;
    int fd, error;

    if (!address_read(spec->bind, spec->port, &address, &length)) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || (set_options(fd) && !bind(fd, (struct sockaddr *)&address, length)))
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

bool listener_can_open(const struct listener_spec *spec)
{
    int fd = bound_socket(spec);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

static bool open_socket(struct listener *listener, const struct listener_spec *spec)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);

    listener->fd = bound_socket(spec);
    if (listener->fd < 0 || listen(listener->fd, BACKLOG) ||
        getsockname(listener->fd, (struct sockaddr *)&address, &length))
        return false;
    listener->port = ntohs(address.ss_family == AF_INET6
            ? ((struct sockaddr_in6 *)&address)->sin6_port
            : ((struct sockaddr_in *)&address)->sin_port);
    return true;
}

static void rest(struct listener *listener, uint32_t ms)
{
    loop_fd_want(listener->watch, false, false);
    loop_timer_arm(listener->loop, &listener->rest, loop_mono_ms(listener->loop) + ms);
}

static void on_rested(void *ctx)
{
    struct listener *listener = ctx;

    loop_fd_want(listener->watch, true, false);
}

/* The backlog would wake us for ever: turn one away with the descriptor kept for this, and rest. */
static void out_of_descriptors(struct listener *listener)
{
    int fd;

    listener->ports.out_of_descriptors(listener->ports.ctx);
    if (listener->reserve >= 0) {
        close(listener->reserve);
        fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            close(fd);
    }
    listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    rest(listener, NO_DESCRIPTOR_REST_MS);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    struct listener *listener = ctx;

    (void)readable, (void)writable;
    for (int budget = LISTENER_BUDGET; budget > 0; budget--) {
        struct sockaddr_storage from = { 0 };
        socklen_t length = sizeof(from);
        struct core_address address;
        int fd;

        if (!listener->ports.may_accept(listener->ports.ctx)) {
            rest(listener, REST_MS);
            return;
        }
        fd = accept4(listener->fd, (struct sockaddr *)&from, &length,
            SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                out_of_descriptors(listener);
            return;
        }
        address = address_of(&from);
        listener->ports.accepted(listener->ports.ctx, listener, fd, &address);
    }
}

struct listener *listener_new(
    struct loop *loop, const struct listener_spec *spec, const struct listener_ports *ports)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    int error;

    if (!listener)
        return NULL;
    *listener = (struct listener){ .loop = loop, .ports = *ports, .fd = -1,
        .serve = spec->serve, .credentials = spec->credentials };
    listener->rest = (struct wheel_timer){ .fire = on_rested, .ctx = listener };
    listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (open_socket(listener, spec)) {
        listener->watch = loop_fd_new(loop, listener->fd, on_ready, listener);
        if (listener->watch) {
            loop_fd_want(listener->watch, true, false);
            return listener;
        }
        errno = ENOMEM;
    }
    error = errno;
    listener_free(listener);
    errno = error;
    return NULL;
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    loop_timer_disarm(listener->loop, &listener->rest);
    loop_fd_free(listener->watch);
    if (listener->fd >= 0)
        close(listener->fd);
    if (listener->reserve >= 0)
        close(listener->reserve);
    free(listener);
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

uint32_t listener_serves(const struct listener *listener)
{
    return listener->serve;
}

bool listener_wants_credentials(const struct listener *listener)
{
    return listener->credentials;
}
