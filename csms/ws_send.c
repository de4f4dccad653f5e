/* ws_send.c - text out: at once when lws holds nothing back, otherwise through a bounded queue.
 *
 * libwebsockets 4.1.6 corrupts the stream when it is written to while a part of the last write is
 * still in its buffer, so that is asked before every write.
 */
#include "csms/ws_internal.h"

#include <libwebsockets.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)WS_PRE >= (int)LWS_PRE, "lws_write needs this room before the text");

bool ws_queue_push(struct ws_queue *queue, const char *bytes, size_t length)
{
    struct ws_text *text = malloc(sizeof(*text) + WS_PRE + length + 1);

    if (!text)
        return false;
    text->next = NULL;
    text->length = length;
    if (length)
        memcpy(text->data + WS_PRE, bytes, length);
    *(queue->last ? &queue->last->next : &queue->first) = text;
    queue->last = text;
    queue->count++;
    queue->bytes += length;
    return true;
}

struct ws_text *ws_queue_shift(struct ws_queue *queue)
{
    struct ws_text *text = queue->first;

    if (!text)
        return NULL;
    queue->first = text->next;
    if (!queue->first)
        queue->last = NULL;
    queue->count--;
    queue->bytes -= text->length;
    return text;
}

void ws_queue_clear(struct ws_queue *queue)
{
    struct ws_text *text;

    while ((text = ws_queue_shift(queue)))
        free(text);
}

void ws_want_writable(struct ws_slot *slot)
{
    if (slot->want_writable)
        return;
    slot->want_writable = true;
    lws_callback_on_writable(slot->wsi);
}

static bool write_text(struct ws_slot *slot, unsigned char *text, size_t length)
{
    if (lws_write(slot->wsi, text, length, LWS_WRITE_TEXT) < (int)length)
        return false;
    slot->ws->stats.messages_out++;
    slot->ws->stats.bytes_out += length;
    return true;
}

static bool scratch_fits(struct ws *ws, size_t length)
{
    unsigned char *bytes;

    if (WS_PRE + length <= ws->scratch_room)
        return true;
    bytes = realloc(ws->scratch, WS_PRE + length);
    if (!bytes)
        return false;
    ws->scratch = bytes;
    ws->scratch_room = WS_PRE + length;
    return true;
}

static bool enqueue(struct ws_slot *slot, const char *text, size_t length)
{
    const struct ws_limits *limits = &slot->ws->limits;

    if (slot->queue.count >= limits->send_messages ||
        slot->queue.bytes + length > limits->send_bytes ||
        !ws_queue_push(&slot->queue, text, length)) {
        ws_slot_doom(slot, &slot->ws->stats.cut_slow_reader, "does not read");
        return false;
    }
    ws_want_writable(slot);
    return true;
}

bool ws_send(struct ws *ws, struct ws_conn conn, const char *text, size_t length)
{
    struct ws_slot *slot = ws_slot_of(ws, conn);

    if (!slot || slot->state != WS_OPEN)
        return false;
    if (slot->queue.first || lws_partial_buffered(slot->wsi) || !scratch_fits(ws, length))
        return enqueue(slot, text, length);
    memcpy(ws->scratch + WS_PRE, text, length);
    if (write_text(slot, ws->scratch + WS_PRE, length))
        return true;
    ws_slot_doom(slot, NULL, "write failed");
    return false;
}

/* With a payload: lws does not tell of the answer to an empty ping. */
static bool write_ping(struct ws_slot *slot)
{
    unsigned char bytes[WS_PRE + 4] = { 0 };

    memcpy(bytes + WS_PRE, "ping", 4);
    slot->ping_due = false;
    return lws_write(slot->wsi, bytes + WS_PRE, 4, LWS_WRITE_PING) >= 0;
}

void ws_ping(struct ws_slot *slot)
{
    if (lws_partial_buffered(slot->wsi)) {
        slot->ping_due = true;
        ws_want_writable(slot);
    } else if (!write_ping(slot)) {
        ws_slot_doom(slot, NULL, "write failed");
    }
}

/* One write a call, as lws wants it. */
static int write_next(struct ws_slot *slot)
{
    struct ws_text *text;
    bool written;

    if (slot->ping_due)
        return write_ping(slot) ? 0 : -1;
    text = ws_queue_shift(&slot->queue);
    if (!text)
        return 0;
    written = write_text(slot, text->data + WS_PRE, text->length);
    free(text);
    return written ? 0 : -1;
}

static int say_good_bye(struct ws_slot *slot)
{
    const char *reason = slot->close_reason ? slot->close_reason : "";
    unsigned char text[WS_REASON_MAX + 1];
    size_t length = strlen(reason);

    memcpy(text, reason, length);
    lws_close_reason(slot->wsi, (enum lws_close_status)slot->close_code, text, length);
    return -1;
}

/* lws_close_reason would stop lws reading; a close frame that is written does not.  lws has no
 * public name for it: the number is the one between those of HTTP and PING. */
static int send_farewell(struct ws_slot *slot)
{
    const enum lws_write_protocol close_frame = (enum lws_write_protocol)(LWS_WRITE_HTTP + 1);
    unsigned char bytes[WS_PRE + 2 + WS_REASON_MAX];
    size_t length = slot->close_reason ? strlen(slot->close_reason) : 0;

    if (lws_partial_buffered(slot->wsi)) {
        ws_want_writable(slot);
        return 0;
    }
    bytes[WS_PRE] = (unsigned char)(slot->close_code >> 8);
    bytes[WS_PRE + 1] = (unsigned char)slot->close_code;
    if (length)
        memcpy(bytes + WS_PRE + 2, slot->close_reason, length);
    slot->farewell_sent = true;
    return lws_write(slot->wsi, bytes + WS_PRE, length + 2, close_frame) < 0 ? -1 : 0;
}

int ws_writable(struct ws_slot *slot)
{
    bool asked = slot->want_writable;

    slot->want_writable = false;
    if (slot->state == WS_CLOSING && (slot->by_peer || slot->farewell_sent))
        return 0;
    if (slot->state == WS_CLOSING && !slot->queue.first)
        return slot->farewell ? send_farewell(slot) : say_good_bye(slot);
    if (!asked && slot->state == WS_OPEN) {
        /* lws does not tell of pings; but after each pong it calls back unasked. */
        ws_slot_heard(slot);
        if (!ws_slot_control(slot))
            return ws_slot_cut(
                slot, 1008, "too many control frames", &slot->ws->stats.cut_control);
    }
    if (lws_partial_buffered(slot->wsi)) {
        ws_want_writable(slot);
        return 0;
    }
    if (write_next(slot) < 0)
        return -1;
    if (slot->queue.first || slot->ping_due || slot->state == WS_CLOSING)
        ws_want_writable(slot);
    return 0;
}
