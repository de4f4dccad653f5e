/* ws_peers.c - see ws_peers.h. */
#include "csms/ws_peers.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 4096 };

struct ws_peers {
    uint64_t seed;
    struct ws_peer *rows[ROWS];
};

struct ws_peers *ws_peers_new(uint64_t seed)
{
    struct ws_peers *peers = calloc(1, sizeof(*peers));

    if (peers)
        peers->seed = seed;
    return peers;
}

void ws_peers_free(struct ws_peers *peers)
{
    if (!peers)
        return;
    for (unsigned i = 0; i < ROWS; i++) {
        while (peers->rows[i]) {
            struct ws_peer *peer = peers->rows[i];

            peers->rows[i] = peer->next;
            free(peer);
        }
    }
    free(peers);
}

static struct ws_peer **row_of(struct ws_peers *peers, const struct core_address *address)
{
    uint64_t half[2], hash;

    memcpy(half, address->bytes, sizeof(half));
    hash = (half[0] ^ peers->seed) * UINT64_C(0x9e3779b97f4a7c15);
    hash = ((hash ^ hash >> 32) + half[1]) * UINT64_C(0xff51afd7ed558ccd);
    return &peers->rows[hash >> 32 & (ROWS - 1)];
}

static struct ws_peer *find(struct ws_peers *peers, const struct core_address *party)
{
    struct ws_peer *peer = *row_of(peers, party);

    while (peer && memcmp(&peer->address, party, sizeof(*party)))
        peer = peer->next;
    return peer;
}

struct ws_peer *ws_peers_find(struct ws_peers *peers, const struct core_address *address)
{
    struct core_address party = core_address_party(address);

    return find(peers, &party);
}

struct ws_peer *ws_peers_get(struct ws_peers *peers, const struct core_address *address)
{
    struct core_address party = core_address_party(address);
    struct ws_peer *peer = find(peers, &party), **row;

    if (peer)
        return peer;
    peer = calloc(1, sizeof(*peer));
    if (!peer)
        return NULL;
    row = row_of(peers, &party);
    peer->address = party;
    peer->next = *row;
    *row = peer;
    return peer;
}

void ws_peers_tidy(struct ws_peers *peers, struct ws_peer *peer)
{
    struct ws_peer **at;

    if (!peer || peer->half_open || peer->connections)
        return;
    for (at = row_of(peers, &peer->address); *at != peer; at = &(*at)->next)
        ;
    *at = peer->next;
    free(peer);
}
