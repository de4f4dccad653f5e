/* queue.c - order, attempts and intervals of transaction messages.  Pure; see queue.h. */
#include "simulators/queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_queue_init(struct sim_queue *queue)
{
    memset(queue, 0, sizeof *queue);
    queue->next_seq = 1;
    queue->next_session = 1;
}

void sim_queue_done(struct sim_queue *queue)
{
    if (!queue)
        return;
    while (queue->head) {
        struct sim_entry *entry = queue->head;

        queue->head = entry->next;
        free(entry);
    }
    while (queue->sessions) {
        struct sim_session *session = queue->sessions;

        queue->sessions = session->next;
        free(session);
    }
}

static struct sim_entry *push(struct sim_queue *queue, enum sim_message message,
    struct sim_session *session)
{
    struct sim_entry *entry = calloc(1, sizeof *entry);

    if (!entry)
        return NULL;
    entry->seq = queue->next_seq++;
    entry->message = message;
    entry->session = session;
    if (queue->tail)
        queue->tail->next = entry;
    else
        queue->head = entry;
    queue->tail = entry;
    queue->count++;
    return entry;
}

struct sim_session *sim_queue_begin(struct sim_queue *queue, uint32_t connector, const char *tag,
    const struct sim_reading *begin)
{
    struct sim_session *session = calloc(1, sizeof *session);

    if (!session)
        return NULL;
    session->number = queue->next_session++;
    session->connector = connector;
    snprintf(session->tag, sizeof session->tag, "%s", tag);
    session->transaction_id = -1;
    session->begin = *begin;
    session->begin.context = SIM_BEGIN;
    if (!push(queue, SIM_START, session)) {
        free(session);
        return NULL;
    }
    session->next = queue->sessions;
    queue->sessions = session;
    return session;
}

bool sim_queue_reading(struct sim_queue *queue, struct sim_session *session,
    const struct sim_reading *reading)
{
    struct sim_entry *entry;

    assert(!session->ended);
    entry = push(queue, SIM_READING, session);
    if (!entry)
        return false;
    entry->reading = *reading;
    return true;
}

bool sim_queue_end(struct sim_queue *queue, struct sim_session *session,
    const struct sim_reading *end, const char *reason)
{
    assert(!session->ended);
    assert(end->register_mwh >= session->begin.register_mwh);
    if (!push(queue, SIM_STOP, session))
        return false;
    session->ended = true;
    session->end = *end;
    session->end.context = SIM_END;
    snprintf(session->reason, sizeof session->reason, "%s", reason);
    return true;
}

struct sim_entry *sim_queue_due(struct sim_queue *queue, uint64_t now_ms)
{
    if (queue->in_flight || !queue->head || now_ms < queue->not_before_ms)
        return NULL;
    return queue->head;
}

void sim_queue_sent(struct sim_queue *queue)
{
    assert(queue->head && !queue->in_flight);
    queue->in_flight = true;
    queue->head->sent_once = true;
}

static void forget_session(struct sim_queue *queue, struct sim_session *session)
{
    struct sim_session **at = &queue->sessions;

    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    free(session);
}

static void pop(struct sim_queue *queue)
{
    struct sim_entry *entry = queue->head;

    queue->head = entry->next;
    if (!queue->head)
        queue->tail = NULL;
    queue->count--;
    queue->in_flight = false;
    queue->not_before_ms = 0;
    if (entry->message == SIM_STOP) {
        if (entry->session->started)
            queue->open--;
        forget_session(queue, entry->session);
    }
    free(entry);
}

void sim_queue_answered(struct sim_queue *queue, int64_t transaction_id)
{
    assert(queue->head);
    if (queue->head->message == SIM_START) {
        queue->head->session->transaction_id = transaction_id;
        queue->head->session->started = true;
        queue->open++;
    }
    pop(queue);
}

enum sim_failed sim_queue_failed(struct sim_queue *queue, const struct sim_retry *retry,
    uint64_t now_ms)
{
    assert(queue->head && queue->in_flight);
    queue->in_flight = false;
    queue->head->attempts++;
    if (queue->head->attempts >= retry->attempts) {
        pop(queue);
        return SIM_LOST;
    }
    queue->not_before_ms = now_ms + retry->interval_ms * queue->head->attempts;
    return SIM_KEPT;
}

void sim_queue_disconnected(struct sim_queue *queue)
{
    queue->in_flight = false;
    queue->not_before_ms = 0;
}

struct sim_session *sim_queue_session(struct sim_queue *queue, uint32_t number)
{
    struct sim_session *session = queue->sessions;

    while (session && session->number != number)
        session = session->next;
    return session;
}
