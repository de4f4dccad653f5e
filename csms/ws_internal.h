/* ws_internal.h - what the files of the websocket transport share.
 *
 * A connection's life: a socket is accepted (struct ws_front), its request is read and judged,
 * an admitted one gets a slot and is adopted by libwebsockets (ADOPTING), is OPEN, is CLOSING,
 * and its slot is FREE again.  slot->state is written by slot_* functions of ws_conn.c alone.
 */
#ifndef CSMS_WS_INTERNAL_H
#define CSMS_WS_INTERNAL_H

#include "csms/core/frame.h"
#include "csms/http.h"
#include "csms/ws.h"
#include "csms/ws_peers.h"

struct lws;
struct lws_context;
struct lws_vhost;

enum {
    WS_PRE = 16,               /* room that lws_write wants before the text */
    WS_HELD_MAX = 2,           /* messages kept while paused, then the socket is not read */
    WS_GOODBYE_MS = 5000,      /* for the peer to answer our close frame */
    WS_DISCARD_MAX = 16 << 20, WS_DISCARD_MS = 60000, /* dropped after our close frame */
    WS_LINGER_MS = 2000,       /* for the peer to read our refusal */
    WS_REASON_MAX = 123,
    WS_FRAME_HEAD = 14,
    WS_UNTOLD_MAX = 262144 /* received between two looks without lws telling of it */
};

struct ws_text {
    struct ws_text *next;
    size_t length;
    unsigned char data[]; /* WS_PRE bytes of room, then the text */
};

struct ws_queue {
    struct ws_text *first, *last;
    uint32_t count;
    size_t bytes;
};

enum ws_state { WS_FREE, WS_ADOPTING, WS_OPEN, WS_CLOSING };

struct ws_slot {
    struct ws *ws;
    struct lws *wsi;
    uint32_t generation;
    enum ws_state state;
    bool paused;        /* the owner wants no frames */
    bool socket_off;    /* lws does not read the socket */
    bool want_writable; /* we asked lws to call back */
    bool ping_due, pinged;
    bool waits;         /* is in the queue for a share */
    bool wants_room;    /* is in the queue for the owner's room */
    bool doomed, dirty; /* to be cut, to be looked at, at the end of a turn (TURN_BUDGET) */
    bool by_peer;       /* the peer began to close */
    bool farewell, farewell_sent; /* what comes is dropped, lest a reset overtake our close */
    bool in_message, told; /* told: the owner knows that it ends */

    char *text; /* of the message that is coming */
    size_t length, room;
    size_t share, granted, wanted; /* what it has of large_bytes; may hold; wants to hold */
    uint32_t fragments;
    struct ws_queue held, queue;

    struct wheel_timer life, stall;
    uint64_t heard_ms, control_full_us, discard_end_ms, end_ms; /* of the message that is coming */
    size_t discarded;
    uint64_t told_bytes, untold_bytes; /* by lws, frames' heads with them; by the socket besides */
    int32_t own_ping_s;                /* of the station; -1: the node's */
    uint32_t ping_ms, dead_ms;
    int close_code;
    char *close_reason; /* NULL: none */
    struct core_address address;
    struct core_verdict *verdict; /* until it is open */
    struct ws_slot *next;         /* free, or dirty */
    struct ws_slot *next_waiting, *next_room;
};

struct ws_front; /* ws_front.c */

struct ws {
    struct loop *loop;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct ws_limits limits;
    struct ws_ports ports;
    struct ws_stats stats;
    struct listener *listeners[LISTENERS_MAX];
    uint32_t listener_count;

    struct ws_slot *slots, *free_slots, *dirty;
    struct ws_slot *waiting_first, *waiting_last; /* for a share of large_bytes */
    struct ws_slot *room_first, *room_last; /* whose held message the owner has no room for */
    size_t large_used;
    struct ws_slot *spare; /* who may take a whole message's worth beside it */
    bool kick; /* lws has something to do that no socket will tell it of */
    unsigned char *scratch; /* WS_PRE and a text, for direct writes */
    size_t scratch_room;
    struct wheel_timer drain, again;

    struct ws_peers *peers;
    struct core_buckets *accepts;
    struct ws_front *oldest, *newest;
    uint64_t accept_full_us; /* token bucket of all addresses */
};

/* ws_front.c */
void ws_front_accepted(void *ctx, const struct listener *, int fd, const struct core_address *);
bool ws_front_may_accept(void *ctx);
void ws_front_clear(struct ws *);

/* ws.c: gives an admitted connection to libwebsockets, with what the peer sent after its head.
 * Takes fd in any case.  False: no slot was free; only then fd is still the caller's. */
MUST_CHECK bool ws_adopt(struct ws *, int fd, const struct core_address *,
    const struct core_verdict *, struct http_text key, struct http_text rest);

/* ws_conn.c */
struct ws_conn ws_conn_of(const struct ws_slot *);
struct ws_slot *ws_slot_of(struct ws *, struct ws_conn); /* NULL: gone */
struct ws_slot *ws_slot_claim(struct ws *);              /* NULL: none is free */
void ws_slot_opened(struct ws_slot *, struct lws *);
void ws_slot_heard(struct ws_slot *);
void ws_slot_pinging(struct ws_slot *); /* by the limits in force, as if it was heard now */
void ws_slot_closing(struct ws_slot *, int code, const char *reason);
void ws_slot_farewell(struct ws_slot *, int code, const char *reason, uint64_t *counter);
void ws_slot_tell(struct ws_slot *); /* the owner, of its end, once */
void ws_slot_gone(struct ws_slot *);
void ws_slot_dirty(struct ws_slot *);
void ws_slot_doom(struct ws_slot *, uint64_t *counter, const char *reason);
/* From within a callback of libwebsockets: returns what the callback returns. */
MUST_CHECK int ws_slot_cut(struct ws_slot *, int code, const char *reason, uint64_t *counter);
MUST_CHECK bool ws_slot_control(struct ws_slot *); /* one more ping or pong; false: too many */

/* ws_receive.c */
MUST_CHECK int ws_receive(struct ws_slot *, const char *bytes, size_t length);
void ws_receive_resume(struct ws_slot *);
/* At the end of a turn: passes on what the owner has room for now, the longest waiting first. */
void ws_receive_room(struct ws *);
void ws_receive_done(struct ws_slot *); /* drops what it holds */

/* ws_send.c */
MUST_CHECK int ws_writable(struct ws_slot *);
void ws_ping(struct ws_slot *);
void ws_want_writable(struct ws_slot *);
MUST_CHECK bool ws_queue_push(struct ws_queue *, const char *text, size_t length);
struct ws_text *ws_queue_shift(struct ws_queue *); /* the caller frees it */
void ws_queue_clear(struct ws_queue *);

#endif
