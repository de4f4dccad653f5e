/* lane.c - the lanes of db/lane.h in a model: group commit, and each way in which one can end.
 *
 * A batch commits at one instant or not at all.  Who waits for it hears of it later, or never: then
 * its outcome is unknown, and it runs again.
 */
#include "tests/simulation/node.h"

#include <assert.h>
#include <stdlib.h>

#define SECOND INT64_C(1000000)
enum { BATCH_MAX = 64, WINDOW_US = 1000, BUSY_AGAIN_US = 50000, BUSY_LIMIT_US = 2000000 };

static void schedule(struct lane *lane, enum event_kind kind, int64_t at_us, struct task *data)
{
    world_at(lane->node->world, at_us, &(struct event){
        .kind = kind, .who = lane->node->index, .stamp = lane->stamp, .more = lane->kind,
        .data = data});
}

static void append(struct lane *lane, struct task *task)
{
    task->next = NULL;
    if (lane->first != NULL)
        lane->last->next = task;
    else
        lane->first = task;
    lane->last = task;
    lane->count++;
}

/* The next batch is formed soon, or when a held row may be free again. */
static void go(struct lane *lane)
{
    struct world *world = lane->node->world;
    int64_t at_us = INT64_MAX;

    if (lane->running || lane->going || !lane->up)
        return;
    if (lane->batch != NULL)
        at_us = world->now_us + WINDOW_US;
    for (const struct task *task = lane->first; task != NULL; task = task->next)
        if (task->again_us < at_us)
            at_us = task->again_us;
    if (at_us == INT64_MAX)
        return;
    lane->going = true;
    schedule(lane, EVENT_LANE_GO,
        at_us > world->now_us + WINDOW_US ? at_us : world->now_us + WINDOW_US, NULL);
}

bool lane_submit(struct lane *lane, struct task *task)
{
    struct world *world = lane->node->world;

    if (world_fault(world, FAULT_FULL, 6))
        lane->full_until_us =
            world->now_us + random_between(&world->fault_random[FAULT_FULL], 1, 4000) * 1000;
    if (lane->count >= LANE_ROOM || lane->full_until_us > world->now_us) {
        task_free(task);
        return false;
    }
    task->since_us = task->again_us = world->now_us;
    append(lane, task);
    go(lane);
    return true;
}

void lane_begin(struct lane *lane)
{
    struct world *world = lane->node->world;

    lane->stamp = ++world->serial;
    lane->up = lane->running = lane->going = false;
    lane->down_us = world->now_us;
    lane->alone = 0;
    schedule(lane, EVENT_LANE_UP, world_delay(world, 5000, 200000), NULL);
}

static void list_free(struct task *task)
{
    while (task != NULL) {
        struct task *next = task->next;

        task_free(task);
        task = next;
    }
}

void lane_end(struct lane *lane)
{
    list_free(lane->first);
    list_free(lane->batch);
    lane->first = lane->last = lane->batch = NULL;
    lane->count = 0;
    lane->up = lane->running = lane->going = false;
    lane->stamp = ++lane->node->world->serial;
}

int64_t lane_oldest_us(const struct lane *lane)
{
    int64_t oldest_us = lane->node->world->now_us;

    if (!lane->up)
        oldest_us = lane->down_us;
    for (const struct task *task = lane->batch; task != NULL; task = task->next)
        if (task->since_us < oldest_us)
            oldest_us = task->since_us;
    if (lane->first != NULL && lane->first->since_us < oldest_us)
        oldest_us = lane->first->since_us;
    return lane->node->world->now_us - oldest_us;
}

/* Takes what may run now, in order. */
static struct task *batch_take(struct lane *lane)
{
    struct task **at = &lane->first, *batch = NULL, **last = &batch, *before = NULL;
    uint32_t most = lane->alone > 0 ? 1 : BATCH_MAX;

    lane->alone -= lane->alone > 0;
    while (*at != NULL && most > 0) {
        struct task *task = *at;

        if (task->again_us > lane->node->world->now_us) {
            before = task;
            at = &task->next;
            continue;
        }
        *at = task->next;
        if (lane->last == task)
            lane->last = before;
        task->next = NULL;
        *last = task;
        last = &task->next;
        lane->count--;
        most--;
    }
    return batch;
}

static void begin(struct lane *lane)
{
    struct world *world = lane->node->world;
    int64_t at_us = world_delay(world, 300, 6000);

    lane->going = false;
    if (!lane->up || lane->running)
        return;
    if (lane->batch == NULL)
        lane->batch = batch_take(lane);
    if (lane->batch == NULL) {
        go(lane);
        return;
    }
    if (world_fault(world, FAULT_SLOW, 10))
        at_us += random_between(&world->fault_random[FAULT_SLOW], 1, 4000) * 1000;
    lane->running = true;
    schedule(lane, EVENT_LANE_COMMIT, at_us, NULL);
}

static void lost(struct lane *lane)
{
    struct world *world = lane->node->world;

    world_line(world, "lane lost", lane->node->index, lane->kind, NULL);
    lane->up = lane->running = false;
    lane->down_us = world->now_us;
    schedule(lane, EVENT_LANE_UP, world_delay(world, 100000, 3 * SECOND), NULL);
}

static void apply(struct world *world, struct task *task)
{
    for (; task != NULL; task = task->next)
        model_run(world->model, task);
}

/* The server goes on with what it has received, although nobody listens any more. */
static void zombie(struct lane *lane)
{
    struct world *world = lane->node->world;
    struct task *copies = NULL, **last = &copies;

    for (const struct task *task = lane->batch; task != NULL; task = task->next) {
        *last = task_copy(task);
        last = &(*last)->next;
    }
    world_at(world, world_delay(world, 0, 2 * SECOND), &(struct event){
        .kind = EVENT_LANE_COMMIT, .who = lane->node->index, .stamp = 0, .more = lane->kind,
        .data = copies});
}

/* Nobody can be blamed: all of them run again, each by itself. */
static void batch_back(struct lane *lane)
{
    struct task *batch = lane->batch, *rest = lane->first;
    uint32_t waiting = lane->count;

    lane->batch = lane->first = lane->last = NULL;
    lane->count = 0;
    while (batch != NULL) {
        struct task *next = batch->next;

        append(lane, batch);
        batch = next;
    }
    lane->alone = lane->count;
    if (rest == NULL)
        return;
    if (lane->last != NULL)
        lane->last->next = rest;
    else
        lane->first = rest;
    while (rest->next != NULL)
        rest = rest->next;
    lane->last = rest;
    lane->count += waiting;
}

static void commit(struct lane *lane)
{
    struct world *world = lane->node->world;
    bool alone = lane->batch->next == NULL;

    if (!lane->running)
        return;
    if (world->away || world_fault(world, FAULT_CRASH, 6)) {
        lost(lane);
    } else if (world_fault(world, FAULT_UNKNOWN, 12)) {
        apply(world, lane->batch);
        lost(lane);
    } else if (world_fault(world, FAULT_ZOMBIE, 6)) {
        zombie(lane);
        lost(lane);
    } else if (alone && world_fault(world, FAULT_BATCH, 8)) { /* and its tries are used up */
        lane->batch->outcome = CORE_AWAY;
        schedule(lane, EVENT_LANE_ANSWER, world_delay(world, 100, 3000), NULL);
    } else if (!alone && world_fault(world, FAULT_BATCH, 60)) {
        batch_back(lane);
        lane->running = false;
        go(lane);
    } else {
        apply(world, lane->batch);
        schedule(lane, EVENT_LANE_ANSWER, world_delay(world, 100, 3000), NULL);
    }
}

static void settle(struct lane *lane, struct task *task)
{
    int64_t now_us = lane->node->world->now_us;

    task->next = NULL;
    if (task->outcome != CORE_BUSY ||
        (!task->lived && now_us - task->since_us >= BUSY_LIMIT_US)) {
        node_give(lane->node, task);
        return;
    }
    task->again_us = now_us + BUSY_AGAIN_US;
    append(lane, task);
}

static void answer(struct lane *lane)
{
    struct task *batch = lane->batch;

    lane->batch = NULL;
    lane->running = false;
    while (batch != NULL) {
        struct task *next = batch->next;

        settle(lane, batch);
        batch = next;
    }
    go(lane);
}

static void connected(struct lane *lane)
{
    struct world *world = lane->node->world;

    if (world->away) {
        schedule(lane, EVENT_LANE_UP, world_delay(world, 100000, 3 * SECOND), NULL);
        return;
    }
    lane->up = true;
    lane->going = false;
    go(lane);
}

void lane_event(struct world *world, struct event *event)
{
    struct lane *lane = &world->nodes[event->who].lanes[event->more];

    if (event->data != NULL) { /* a late commit */
        if (!world->away) {
            world_line(world, "late commit", event->who, 0, NULL);
            apply(world, event->data);
        }
        list_free(event->data);
        return;
    }
    if (event->stamp != lane->stamp)
        return;
    if (event->kind == EVENT_LANE_GO)
        begin(lane);
    else if (event->kind == EVENT_LANE_COMMIT)
        commit(lane);
    else if (event->kind == EVENT_LANE_ANSWER && lane->running)
        answer(lane);
    else if (event->kind == EVENT_LANE_UP)
        connected(lane);
}
