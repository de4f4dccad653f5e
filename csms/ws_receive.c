/* ws_receive.c - from pieces of frames to whole text messages.
 *
 * libwebsockets hands over pieces of at most rx_buffer_size bytes.  A message that comes in one
 * piece is passed on where it lies; others are gathered here, within every limit.
 */
#include "csms/ws_internal.h"

#include <libwebsockets.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void leave_waiting(struct ws_slot *slot)
{
    struct ws *ws = slot->ws;
    struct ws_slot **at = &ws->waiting_first, *last = NULL;

    if (!slot->waits)
        return;
    while (*at != slot) {
        last = *at;
        at = &last->next_waiting;
    }
    *at = slot->next_waiting;
    if (ws->waiting_last == slot)
        ws->waiting_last = last;
    slot->next_waiting = NULL;
    slot->waits = false;
}

/* A share is as much as the frames have announced so far.  A whole message's worth is kept apart,
 * for one at a time that finds no room: it can finish whatever its later frames announce, so shares
 * that grow cannot wait for each other for ever. */
static bool take_share(struct ws_slot *slot, size_t length)
{
    struct ws *ws = slot->ws;
    size_t others = ws->large_used - slot->share;

    if (ws->spare != slot) {
        if (others + length + ws->limits.message_bytes <= ws->limits.large_bytes) {
            ws->large_used = others + length;
            slot->share = length;
        } else if (!ws->spare) {
            ws->spare = slot;
        } else {
            return false;
        }
    }
    slot->granted = length;
    return true;
}

static void give_share_back(struct ws_slot *slot)
{
    struct ws *ws = slot->ws;

    if (!slot->granted)
        return;
    ws->large_used -= slot->share;
    slot->share = slot->granted = 0;
    if (ws->spare == slot)
        ws->spare = NULL;
    while (ws->waiting_first && take_share(ws->waiting_first, ws->waiting_first->wanted)) {
        struct ws_slot *next = ws->waiting_first;

        leave_waiting(next);
        ws_slot_dirty(next);
    }
}

/* The next piece in time, and all of them. */
static void expect_more(struct ws_slot *slot)
{
    struct ws *ws = slot->ws;
    uint64_t next_ms = loop_mono_ms(ws->loop) + ws->limits.stall_ms;

    loop_timer_arm(ws->loop, &slot->stall, next_ms < slot->end_ms ? next_ms : slot->end_ms);
}

/* The time when we did not read is not the pile's. */
static void begin_time(struct ws_slot *slot)
{
    slot->end_ms = loop_mono_ms(slot->ws->loop) + slot->ws->limits.message_ms;
}

static void read_socket(struct ws_slot *slot, bool on)
{
    if (slot->socket_off == !on)
        return;
    slot->socket_off = !on;
    lws_rx_flow_control(slot->wsi, on);
    if (on) {
        /* What lws has already read is served only when something wakes it; it may also ask for a
         * call-back of its own, which must not count as a ping. */
        slot->ws->kick = true;
        slot->want_writable = true;
        lws_callback_on_writable(slot->wsi);
        ws_slot_heard(slot);
        if (slot->in_message) {
            begin_time(slot);
            expect_more(slot);
        }
    }
}

static void wait_for_share(struct ws_slot *slot)
{
    struct ws *ws = slot->ws;

    slot->waits = true;
    *(ws->waiting_last ? &ws->waiting_last->next_waiting : &ws->waiting_first) = slot;
    ws->waiting_last = slot;
    loop_timer_disarm(ws->loop, &slot->stall);
    read_socket(slot, false);
}

/* The text itself is the caller's now. */
static char *take_text(struct ws_slot *slot)
{
    char *text = slot->text;

    slot->text = NULL;
    slot->length = slot->room = 0;
    slot->fragments = 0;
    slot->in_message = false;
    loop_timer_disarm(slot->ws->loop, &slot->stall);
    return text;
}

static void leave_room(struct ws_slot *slot)
{
    struct ws *ws = slot->ws;
    struct ws_slot **at = &ws->room_first, *last = NULL;

    if (!slot->wants_room)
        return;
    while (*at != slot) {
        last = *at;
        at = &last->next_room;
    }
    *at = slot->next_room;
    if (ws->room_last == slot)
        ws->room_last = last;
    slot->next_room = NULL;
    slot->wants_room = false;
}

/* Whoever came first is asked for first. */
static bool has_room(struct ws_slot *slot, size_t length)
{
    struct ws *ws = slot->ws;

    if (!ws->ports.room || ws->ports.room(ws->ports.ctx, length))
        return true;
    if (!slot->wants_room) {
        slot->wants_room = true;
        *(ws->room_last ? &ws->room_last->next_room : &ws->room_first) = slot;
        ws->room_last = slot;
    }
    return false;
}

void ws_receive_room(struct ws *ws)
{
    struct ws_slot *slot;

    while ((slot = ws->room_first)) {
        assert(slot->held.first);
        if (!ws->ports.room(ws->ports.ctx, slot->held.first->length))
            return;
        leave_room(slot);
        ws_receive_resume(slot);
    }
}

void ws_receive_done(struct ws_slot *slot)
{
    leave_room(slot);
    leave_waiting(slot);
    free(take_text(slot));
    ws_queue_clear(&slot->held);
    give_share_back(slot);
}

static bool hold(struct ws_slot *slot, const char *text, size_t length)
{
    if (!ws_queue_push(&slot->held, text, length))
        return false;
    if (slot->held.count >= WS_HELD_MAX || slot->held.bytes > CORE_LARGE_BYTES)
        read_socket(slot, false);
    return true;
}

static int deliver(struct ws_slot *slot, const char *text, size_t length)
{
    struct ws *ws = slot->ws;

    ws->stats.messages_in++;
    ws->stats.bytes_in += length;
    if (!slot->paused && !slot->held.first && has_room(slot, length)) {
        ws->ports.frame(ws->ports.ctx, ws_conn_of(slot), text, length);
        return 0;
    }
    if (hold(slot, text, length))
        return 0;
    return ws_slot_cut(slot, 1011, "no memory", &ws->stats.cut_no_memory);
}

/* Memory follows what has come, never what was announced. */
static bool append(struct ws_slot *slot, const char *bytes, size_t length)
{
    size_t need = slot->length + length, room = slot->room ? slot->room : 2048;
    char *text;

    while (room < need)
        room *= 2;
    if (room > slot->room) {
        text = realloc(slot->text, room);
        if (!text)
            return false;
        slot->text = text;
        slot->room = room;
    }
    if (length)
        memcpy(slot->text + slot->length, bytes, length);
    slot->length = need;
    return true;
}

/* 1: the message is whole. */
static int gather(struct ws_slot *slot, const char *bytes, size_t length, bool final)
{
    struct ws *ws = slot->ws;
    size_t announced = slot->length + length + lws_remaining_packet_payload(slot->wsi);

    if (!append(slot, bytes, length))
        return ws_slot_cut(slot, 1011, "no memory", &ws->stats.cut_no_memory);
    if (announced > CORE_LARGE_BYTES && announced > slot->granted && !final) {
        bool in_turn = !ws->waiting_first || ws->spare == slot;

        slot->wanted = announced;
        if (!slot->waits && (!in_turn || !take_share(slot, announced)))
            wait_for_share(slot);
    }
    if (!final && !slot->waits)
        expect_more(slot);
    return final;
}

/* A large message that is held for a paused owner keeps its share. */
static int deliver_gathered(struct ws_slot *slot)
{
    size_t length = slot->length;
    char *text = take_text(slot);
    int result = deliver(slot, text, length);

    free(text);
    if (!slot->held.first)
        give_share_back(slot);
    return result;
}

/* A close with input unread is a reset, which may take our close frame from the peer. */
static int discard(struct ws_slot *slot, size_t length)
{
    uint64_t now = loop_mono_ms(slot->ws->loop);

    if (!slot->farewell)
        return 0;
    slot->discarded += length;
    if (slot->discarded > WS_DISCARD_MAX || now >= slot->discard_end_ms)
        return -1;
    loop_timer_arm(slot->ws->loop, &slot->life, now + WS_GOODBYE_MS);
    return 0;
}

static int too_large(struct ws_slot *slot, size_t length, size_t remaining)
{
    struct ws *ws = slot->ws;
    size_t rest = SIZE_MAX - slot->length - length; /* a frame may announce any length */

    if (ws->ports.too_large)
        ws->ports.too_large(ws->ports.ctx, ws_conn_of(slot),
            slot->length + length + (remaining < rest ? remaining : rest));
    ws_slot_farewell(slot, 1009, "message too large", &ws->stats.cut_too_large);
    return 0;
}

int ws_receive(struct ws_slot *slot, const char *bytes, size_t length)
{
    struct ws *ws = slot->ws;
    size_t remaining = lws_remaining_packet_payload(slot->wsi);
    bool final = lws_is_final_fragment(slot->wsi);
    int whole;

    if (slot->state != WS_OPEN)
        return discard(slot, length);
    ws_slot_heard(slot);
    slot->told_bytes += length + WS_FRAME_HEAD;
    if (lws_frame_is_binary(slot->wsi))
        return ws_slot_cut(slot, 1003, "text only", &ws->stats.cut_binary);
    if (remaining > ws->limits.message_bytes ||
        slot->length + length + remaining > ws->limits.message_bytes)
        return too_large(slot, length, remaining);
    if (!remaining && ++slot->fragments > ws->limits.fragments)
        return ws_slot_cut(slot, 1008, "too many fragments", &ws->stats.cut_fragments);
    if (final && !slot->in_message) {
        slot->fragments = 0;
        return deliver(slot, bytes, length);
    }
    if (!slot->in_message)
        begin_time(slot);
    slot->in_message = true;
    whole = gather(slot, bytes, length, final);
    return whole == 1 ? deliver_gathered(slot) : whole;
}

/* At the end of a turn: passes on what was held, and reads again when nothing holds it back. */
void ws_receive_resume(struct ws_slot *slot)
{
    struct ws *ws = slot->ws;
    struct ws_conn conn = ws_conn_of(slot);

    while (slot->state == WS_OPEN && slot->generation == conn.generation && !slot->paused) {
        struct ws_text *text;

        if (!slot->held.first || !has_room(slot, slot->held.first->length))
            break;
        leave_room(slot); /* its turn may have come before the turn of those who wait longer */
        text = ws_queue_shift(&slot->held);
        ws->ports.frame(ws->ports.ctx, conn, (char *)text->data + WS_PRE, text->length);
        free(text);
    }
    if (slot->state != WS_OPEN || slot->generation != conn.generation || slot->held.first)
        return;
    if (!slot->in_message)
        give_share_back(slot);
    if (!slot->waits && !slot->paused)
        read_socket(slot, true);
}

void ws_pause(struct ws *ws, struct ws_conn conn, bool paused)
{
    struct ws_slot *slot = ws_slot_of(ws, conn);

    if (!slot || slot->state != WS_OPEN)
        return;
    slot->paused = paused;
    if (!paused && (slot->held.first || slot->socket_off))
        ws_slot_dirty(slot);
}
