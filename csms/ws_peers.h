/* ws_peers.h - how many sockets an address (core_address_party) has, half open and connected.
 *
 * Only addresses with sockets are remembered.  Loop thread only.
 */
#ifndef CSMS_WS_PEERS_H
#define CSMS_WS_PEERS_H

#include "csms/core/bucket.h"

struct ws_peers;

struct ws_peer {
    struct ws_peer *next;
    struct core_address address;
    uint32_t half_open, connections;
};

/* NULL: no memory. */
MUST_CHECK struct ws_peers *ws_peers_new(uint64_t seed);
void ws_peers_free(struct ws_peers *);
struct ws_peer *ws_peers_find(struct ws_peers *, const struct core_address *);
/* NULL: no memory. */
MUST_CHECK struct ws_peer *ws_peers_get(struct ws_peers *, const struct core_address *);
/* Forgets an address without sockets; NULL is allowed. */
void ws_peers_tidy(struct ws_peers *, struct ws_peer *);

#endif
