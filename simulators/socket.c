/* socket.c - libwebsockets as a client of many connections.  See socket.h. */
#include "simulators/socket.h"

#include "simulators/pile.h"

#include "ocpp/decimal.h"

#include <libwebsockets.h>

#include <ev.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 1 << 20, CHUNK = 4096, TOO_BIG = 1009, NORMAL = 1000 };

/* Text that could not leave at once. */
struct outgoing {
    struct outgoing *next;
    size_t length;
    unsigned char bytes[]; /* LWS_PRE, then the text */
};

struct peer {
    struct sim_sockets *sockets;
    struct sim_pile *pile;
    struct lws *wsi;
    struct outgoing *first, *last;
    char *text;
    size_t text_length, text_size;
    bool inside;  /* a call of lws_client_connect_via_info is on the stack */
    bool failed;  /* and the connection failed meanwhile */
    bool closing;
    char why[96];
    struct peer *next_failed;
    struct peer *next;
};

struct sim_sockets {
    struct lws_context *context;
    struct ev_loop *loop;
    struct sim_address address;
    struct sim_socket_ports ports;
    struct peer *peers;
    struct peer *failed;
    ev_timer tell_failed;
    bool ending;
};

static const lws_retry_bo_t idle = {.secs_since_valid_ping = 60, .secs_since_valid_hangup = 90};

static int port_of(const char *text)
{
    int64_t port = 0;

    if (ocpp_decimal_read(text, strcspn(text, "/"), 0, &port) != OCPP_DECIMAL_OK || port < 1 ||
        port > 65535)
        return 0;
    return (int)port;
}

bool sim_address_read(const char *url, struct sim_address *ret, struct sim_error *ret_error)
{
    struct sim_address address = {.port = 0};
    const char *at = url;
    size_t host;

    address.tls = !strncmp(at, "wss://", 6);
    if (!address.tls && strncmp(at, "ws://", 5)) {
        sim_error_set(ret_error, "--url must begin with ws:// or wss://, not %s", url);
        return false;
    }
    at += address.tls ? 6 : 5;
    host = strcspn(at, ":/");
    address.port = address.tls ? 443 : 80;
    if (at[host] == ':')
        address.port = port_of(at + host + 1);
    snprintf(address.host, sizeof address.host, "%.*s", (int)host, at);
    at += strcspn(at, "/");
    snprintf(address.path, sizeof address.path, "%s", at);
    while (*address.path && address.path[strlen(address.path) - 1] == '/')
        address.path[strlen(address.path) - 1] = '\0';
    if (!host || host >= sizeof address.host || address.port == 0) {
        sim_error_set(ret_error, "--url %s has no host or no port that can be", url);
        return false;
    }
    *ret = address;
    return true;
}

static void drop_outgoing(struct peer *peer)
{
    while (peer->first) {
        struct outgoing *item = peer->first;

        peer->first = item->next;
        free(item);
    }
    peer->last = NULL;
    peer->text_length = 0;
}

/* The connection is over, or never was. */
static void gone(struct peer *peer, const char *why)
{
    struct sim_sockets *sockets = peer->sockets;

    peer->wsi = NULL;
    peer->closing = false;
    drop_outgoing(peer);
    snprintf(peer->why, sizeof peer->why, "%s", why);
    if (sockets->ending)
        return;
    if (!peer->inside) {
        sockets->ports.closed(sockets->ports.ctx, peer->pile, peer->why);
        return;
    }
    peer->failed = true;
    peer->next_failed = sockets->failed;
    sockets->failed = peer;
    ev_timer_stop(sockets->loop, &sockets->tell_failed);
    ev_timer_set(&sockets->tell_failed, 0., 0.);
    ev_timer_start(sockets->loop, &sockets->tell_failed);
}

static void tell_failed(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct sim_sockets *sockets = timer->data;

    (void)loop;
    (void)events;
    while (sockets->failed) {
        struct peer *peer = sockets->failed;

        sockets->failed = peer->next_failed;
        peer->failed = false;
        sockets->ports.closed(sockets->ports.ctx, peer->pile, peer->why);
    }
}

/* HTTP Basic: identity, colon, the key's bytes as they are (OCPP-J 1.6, 6.2.1). */
static bool add_authorization(struct peer *peer, struct lws *wsi, unsigned char **at,
    unsigned char *end)
{
    const struct sim_key *key = &peer->pile->key;
    char plain[SIM_IDENTITY_MAX + 1 + SIM_KEY_MAX];
    char value[160] = "Basic ";
    size_t length = strlen(peer->pile->setup.spec->identity);

    if (key->length == 0)
        return true;
    memcpy(plain, peer->pile->setup.spec->identity, length);
    plain[length++] = ':';
    memcpy(plain + length, key->bytes, key->length);
    length += key->length;
    if (lws_b64_encode_string(plain, (int)length, value + 6, (int)sizeof value - 6) < 0)
        return false;
    return lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
               (const unsigned char *)value, (int)strlen(value), at, end) == 0;
}

/* -1 closes the connection. */
static int receive(struct peer *peer, struct lws *wsi, const char *bytes, size_t length)
{
    struct sim_sockets *sockets = peer->sockets;

    if (peer->text_length + length > MESSAGE_MAX) {
        lws_close_reason(wsi, (enum lws_close_status)TOO_BIG, NULL, 0);
        return -1;
    }
    if (peer->text_length + length > peer->text_size) {
        size_t size = (peer->text_length + length) * 2;
        char *more = realloc(peer->text, size);

        if (!more)
            return -1;
        peer->text = more;
        peer->text_size = size;
    }
    memcpy(peer->text + peer->text_length, bytes, length);
    peer->text_length += length;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi))
        return 0;
    length = peer->text_length;
    peer->text_length = 0;
    if (!lws_frame_is_binary(wsi))
        sockets->ports.frame(sockets->ports.ctx, peer->pile, peer->text, length);
    return 0;
}

static int write_some(struct peer *peer, struct lws *wsi)
{
    while (peer->first && !lws_partial_buffered(wsi)) {
        struct outgoing *item = peer->first;

        if (lws_write(wsi, item->bytes + LWS_PRE, item->length, LWS_WRITE_TEXT) < 0)
            return -1;
        peer->first = item->next;
        if (!peer->first)
            peer->last = NULL;
        free(item);
    }
    if (peer->first) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    if (!peer->closing)
        return 0;
    lws_close_reason(wsi, (enum lws_close_status)NORMAL, NULL, 0);
    return -1;
}

static const char *close_text(char *buf, size_t size, const unsigned char *in, size_t length)
{
    if (length < 2)
        return "closed";
    snprintf(buf, size, "closed with %u", (unsigned)in[0] << 8 | in[1]);
    return buf;
}

static int on_socket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
    size_t length)
{
    struct peer *peer = lws_get_opaque_user_data(wsi);

    (void)user;
    if (!peer)
        return 0;
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return add_authorization(peer, wsi, in, *(unsigned char **)in + length) ? 0 : -1;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        peer->why[0] = '\0';
        peer->sockets->ports.opened(peer->sockets->ports.ctx, peer->pile);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(peer, wsi, in, length);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_some(peer, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        close_text(peer->why, sizeof peer->why, in, length);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        gone(peer, in ? (const char *)in : "no connection");
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED: {
        char why[sizeof peer->why];

        snprintf(why, sizeof why, "%s", peer->why[0] ? peer->why : "connection lost");
        gone(peer, why);
        return 0;
    }
    /* One that ends between its connect and its request is told in no other way. */
    case LWS_CALLBACK_WSI_DESTROY:
        if (peer->wsi == wsi)
            gone(peer, "ended before it was asked");
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "ocpp1.6", .callback = on_socket, .rx_buffer_size = CHUNK,
        .tx_packet_size = 65536},
    {.name = NULL},
};

struct sim_sockets *sim_socket_new(struct ev_loop *loop, const struct sim_address *address,
    const char *ca_file, const struct sim_socket_ports *ports)
{
    struct sim_sockets *sockets = calloc(1, sizeof *sockets);
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN};
    void *loops[1] = {loop};

    if (!sockets)
        return NULL;
    lws_set_log_level(0, NULL);
    sockets->loop = loop;
    sockets->address = *address;
    sockets->ports = *ports;
    ev_init(&sockets->tell_failed, tell_failed);
    sockets->tell_failed.data = sockets;
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_LIBEV;
    info.foreign_loops = loops;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    if (address->tls) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.client_ssl_ca_filepath = ca_file;
    }
    sockets->context = lws_create_context(&info);
    if (!sockets->context) {
        free(sockets);
        return NULL;
    }
    return sockets;
}

void sim_socket_free(struct sim_sockets *sockets)
{
    if (!sockets)
        return;
    sockets->ending = true;
    ev_timer_stop(sockets->loop, &sockets->tell_failed);
    lws_context_destroy(sockets->context);
    while (sockets->peers) {
        struct peer *peer = sockets->peers;

        sockets->peers = peer->next;
        drop_outgoing(peer);
        free(peer->text);
        free(peer);
    }
    free(sockets);
}

static struct peer *peer_of(struct sim_sockets *sockets, struct sim_pile *pile)
{
    struct peer *peer = pile->peer;

    if (peer)
        return peer;
    peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->sockets = sockets;
    peer->pile = pile;
    peer->next = sockets->peers;
    sockets->peers = peer;
    pile->peer = peer;
    return peer;
}

void sim_socket_connect(struct sim_sockets *sockets, struct sim_pile *pile)
{
    struct lws_client_connect_info info = {.context = sockets->context};
    char path[sizeof sockets->address.path + SIM_IDENTITY_MAX * 3 + 2];
    char identity[SIM_IDENTITY_MAX * 3 + 1];
    struct peer *peer = peer_of(sockets, pile);

    if (!peer)
        abort();
    if (sim_identity_encode(identity, sizeof identity, pile->setup.spec->identity) == 0)
        abort(); /* the fleet's reader has bounded it */
    snprintf(path, sizeof path, "%s/%s", sockets->address.path, identity);
    info.address = sockets->address.host;
    info.host = sockets->address.host;
    info.origin = sockets->address.host;
    info.port = sockets->address.port;
    info.path = path;
    info.protocol = protocols[0].name;
    info.local_protocol_name = protocols[0].name;
    info.ssl_connection = sockets->address.tls ? LCCSCF_USE_SSL : 0;
    info.opaque_user_data = peer;
    info.retry_and_idle_policy = &idle;
    info.pwsi = &peer->wsi;
    peer->inside = true;
    if (!lws_client_connect_via_info(&info) && !peer->failed)
        gone(peer, "no connection");
    peer->inside = false;
}

void sim_socket_disconnect(struct sim_sockets *sockets, struct sim_pile *pile)
{
    struct peer *peer = pile->peer;

    (void)sockets;
    if (!peer || !peer->wsi)
        return;
    peer->closing = true;
    lws_callback_on_writable(peer->wsi);
}

void sim_socket_send(
    struct sim_sockets *sockets, struct sim_pile *pile, const char *text, size_t length)
{
    struct peer *peer = pile->peer;
    struct outgoing *item;

    (void)sockets;
    if (!peer || !peer->wsi || peer->closing)
        return;
    item = malloc(sizeof *item + LWS_PRE + length);
    if (!item)
        abort();
    item->next = NULL;
    item->length = length;
    memcpy(item->bytes + LWS_PRE, text, length);
    if (peer->last)
        peer->last->next = item;
    else
        peer->first = item;
    peer->last = item;
    if (write_some(peer, peer->wsi) < 0)
        lws_set_timeout(peer->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}
