/* closing.c - see closing.h. */
#include "csms/closing.h"

#include "csms/fault.h"
#include "csms/inbound.h"

#include <stdlib.h>
#include <string.h>

enum { REASON_MAX = 96 };

struct item {
    struct item *next, *before;
    struct item *later; /* of those that were not given to the lane yet */
    struct closing *closing;
    int64_t station, epoch, at_us;
    uint8_t tries;
    bool waits; /* was given and came back */
    char reason[REASON_MAX];
};

struct closing {
    struct db_lane *lane;
    struct item *first;          /* of all */
    struct item *fresh, *newest; /* not given yet, the oldest first */
    uint32_t count, waiting, given;
    uint64_t now_ms; /* of the last call */
    struct db_args args;
};

struct closing *closing_new(struct db_lane *money)
{
    struct closing *closing = calloc(1, sizeof *closing);

    if (closing == NULL)
        return NULL;
    closing->lane = money;
    db_args_init(&closing->args);
    return closing;
}

static void item_free(struct item *item)
{
    struct closing *closing = item->closing;

    if (item->next != NULL)
        item->next->before = item->before;
    if (item->before != NULL)
        item->before->next = item->next;
    else
        closing->first = item->next;
    closing->count--;
    closing->waiting -= item->waits;
    free(item);
}

void closing_free(struct closing *closing)
{
    if (closing == NULL)
        return;
    while (closing->first != NULL)
        item_free(closing->first);
    db_args_done(&closing->args);
    free(closing);
}

static void wait_again(struct item *item)
{
    item->waits = true;
    item->closing->waiting++;
}

static void item_done(void *ctx, uint64_t token, enum db_result result, const struct db_row *row);

static bool item_give(struct item *item)
{
    struct closing *closing = item->closing;
    struct core_work work = {
        .kind = CORE_CONNECTION_CLOSE,
        .station = item->station,
        .epoch = item->epoch,
        .received_us = item->at_us,
        .text = item->reason,
    };
    struct db_work db_work = {
        .stmt = inbound_statement(work.kind),
        .args = &closing->args,
        .done = item_done,
        .ctx = item,
    };

    inbound_bind(&work, 0, &closing->args);
    crash_point("before_submit", db_statements[db_work.stmt].name);
    if (!db_lane_submit(closing->lane, &db_work, closing->now_ms))
        return false;
    crash_point("after_submit", db_statements[db_work.stmt].name);
    closing->given++;
    return true;
}

/* Nobody waits for these, and everything else that is said waits behind those in the lane. */
static void fresh_give(struct closing *closing)
{
    while (closing->fresh != NULL && closing->given < CLOSING_AT_ONCE && item_give(closing->fresh))
        closing->fresh = closing->fresh->later;
}

static void item_done(void *ctx, uint64_t token, enum db_result result, const struct db_row *row)
{
    struct item *item = ctx;
    struct closing *closing = item->closing;

    (void)token;
    (void)row;
    crash_point("after_commit", db_statements[DB_STMT_CONNECTION_CLOSE].name);
    closing->given--;
    if (result == DB_BUSY && item->tries < CLOSING_TRIES)
        wait_again(item);
    else
        item_free(item);
    fresh_give(closing);
}

bool closing_add(struct closing *closing, const struct core_work *work, uint64_t now_ms)
{
    struct item *item;

    if (closing->count >= CLOSING_MAX)
        return false;
    item = calloc(1, sizeof *item);
    if (item == NULL)
        return false;
    item->closing = closing;
    item->station = work->station;
    item->epoch = work->epoch;
    item->at_us = work->received_us;
    strncpy(item->reason, work->text, sizeof item->reason - 1);
    item->next = closing->first;
    if (item->next != NULL)
        item->next->before = item;
    closing->first = item;
    closing->count++;
    if (closing->fresh != NULL)
        closing->newest->later = item;
    else
        closing->fresh = item;
    closing->newest = item;
    closing->now_ms = now_ms;
    fresh_give(closing);
    return true;
}

void closing_again(struct closing *closing, uint64_t now_ms)
{
    struct item *item = closing->waiting > 0 ? closing->first : NULL;

    closing->now_ms = now_ms;
    fresh_give(closing);
    for (; item != NULL; item = item->next) {
        if (!item->waits)
            continue;
        if (closing->given >= CLOSING_AT_ONCE || !item_give(item)) /* no room costs no try */
            return;
        item->waits = false;
        item->tries++;
        closing->waiting--;
    }
}

uint32_t closing_count(const struct closing *closing)
{
    return closing->count;
}
