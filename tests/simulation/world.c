/* world.c - see world.h: the heap of events, the clock, the digest, and the end of a world. */
#include "tests/simulation/check.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_S = 1000000, CALM_MIN_S = 340, CALM_MAX_S = 4 * 3600, LEAVING_MAX_S = 900 };
#define SECOND INT64_C(1000000)

struct world *world_now;

#define FAULT(name, text) [FAULT_##name] = text,
static const char *const fault_names[FAULT_COUNT] = {FAULTS(FAULT)};
#undef FAULT

static const char *const breach_names[] = {
    [BREACH_CONFIRMED_EARLY] = "no confirmation before its commit",
    [BREACH_LOST] = "what was confirmed is stored exactly once",
    [BREACH_SESSION] = "each true session is there once, with its true registers",
    [BREACH_OWNER] = "one connection owns a station",
    [BREACH_EPOCH] = "epochs rise, and nothing is done on an old one",
    [BREACH_COMMAND_TWICE] = "a command's CALL leaves at most once",
    [BREACH_COMMAND_STUCK] = "a command ends by its deadline",
    [BREACH_MEMORY] = "the core's memory is bounded, and empty at the end",
    [BREACH_ORDER] = "a pile's frames are worked in order",
    [BREACH_ANSWER] = "the answer is the right one",
    [BREACH_CALM] = "a calm world comes to rest",
    [BREACH_UNFAIR] = "no pile waits much longer than the others",
    [BREACH_DIGEST] = "a seed is a world",
    [BREACH_ASSERT] = "no assertion of the core fails",
};

const char *world_fault_name(enum fault fault)
{
    return fault_names[fault];
}

const char *world_breach_name(enum breach breach)
{
    return breach_names[breach];
}

static bool before(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void world_at(struct world *world, int64_t at_us, const struct event *event)
{
    struct event added = *event;
    size_t at = world->heap_count++;

    assert(at_us >= world->now_us);
    added.at_us = at_us;
    added.order = ++world->order;
    if (world->heap_count > world->heap_room) {
        world->heap_room = world->heap_room != 0 ? world->heap_room * 2 : 256;
        world->heap = realloc(world->heap, world->heap_room * sizeof *world->heap);
        assert(world->heap != NULL);
    }
    while (at > 0 && before(&added, &world->heap[(at - 1) / 2])) {
        world->heap[at] = world->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    world->heap[at] = added;
}

static struct event next(struct world *world)
{
    struct event first = world->heap[0], last = world->heap[--world->heap_count];
    size_t at = 0, child;

    while ((child = 2 * at + 1) < world->heap_count) {
        if (child + 1 < world->heap_count &&
            before(&world->heap[child + 1], &world->heap[child]))
            child++;
        if (!before(&world->heap[child], &last))
            break;
        world->heap[at] = world->heap[child];
        at = child;
    }
    world->heap[at] = last;
    return first;
}

bool world_fault(struct world *world, enum fault fault, uint32_t permille)
{
    if (!(world->faults & 1u << fault) || !random_chance(&world->fault_random[fault], permille) ||
        world->calm || world->fault_count >= world->options.fault_limit)
        return false;
    world->fault_count++;
    world_line(world, "FAULT", world->fault_count, 0, fault_names[fault]);
    return true;
}

void world_digest(struct world *world, int64_t value)
{
    world->digest = hash_int(world->digest, value);
}

int64_t world_delay(struct world *world, int64_t low_us, int64_t high_us)
{
    return world->now_us + random_between(&world->random, low_us, high_us);
}

void world_line(struct world *world, const char *what, int64_t a, int64_t b, const char *text)
{
    struct line *line = &world->lines[world->line_count++ % LINES];
    size_t length = text != NULL ? strnlen(text, sizeof line->text - 1) : 0;

    line->at_us = world->now_us;
    line->what = what;
    line->number[0] = a;
    line->number[1] = b;
    memcpy(line->text, text != NULL ? text : "", length);
    line->text[length] = '\0';
}

static void print_lines(const struct world *world)
{
    uint64_t i = world->line_count > LINES ? world->line_count - LINES : 0;

    for (; i < world->line_count; i++) {
        const struct line *line = &world->lines[i % LINES];

        printf("  %12.6f  %-18s %6" PRId64 " %6" PRId64 "  %s\n",
            (double)(line->at_us - FIRST_S * SECOND) / 1e6, line->what, line->number[0],
            line->number[1], line->text);
    }
}

void world_breach(struct world *world, enum breach breach, const char *format, ...)
{
    va_list arguments;

    print_lines(world);
    printf("seed %" PRIu64 " breaks \"%s\" after %" PRIu64 " steps, %" PRIu32
           " faults, %.1f s:\n  ", world->options.seed, breach_names[breach], world->steps,
        world->fault_count, (double)(world->now_us - FIRST_S * SECOND) / 1e6);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    _Exit(100 + (int)breach);
}

static void handle(struct world *world, struct event *event)
{
    switch (event->kind) {
    case EVENT_PILE:
        pile_event(world, event);
        break;
    case EVENT_OPEN:
    case EVENT_OPENED:
    case EVENT_UP:
    case EVENT_HELD:
    case EVENT_UP_CLOSE:
    case EVENT_DOWN:
    case EVENT_DOWN_CLOSE:
    case EVENT_GONE:
    case EVENT_PILE_LEARNS:
        net_event(world, event);
        break;
    case EVENT_TICK:
    case EVENT_START:
    case EVENT_HINT:
    case EVENT_MOVED:
    case EVENT_WORKER:
        node_event(world, event);
        break;
    case EVENT_LANE_GO:
    case EVENT_LANE_COMMIT:
    case EVENT_LANE_ANSWER:
    case EVENT_LANE_UP:
        lane_event(world, event);
        break;
    case EVENT_DATABASE_BACK:
        world->away = false;
        break;
    case EVENT_FAULTS:
        plan_faults(world);
        break;
    case EVENT_COMMAND:
        plan_command(world);
        break;
    case EVENT_EXPIRY:
        model_commands_expire(world->model, world->now_us);
        world_at(world, world->now_us + 5 * SECOND, &(struct event){.kind = EVENT_EXPIRY});
        break;
    case EVENT_KINDS:
        break;
    }
}

static void step(struct world *world)
{
    struct event event;

    assert(world->heap_count > 0);
    event = next(world);
    world->now_us = event.at_us;
    if (event.kind != EVENT_TICK)
        world->steps++;
    world_digest(world, event.at_us);
    world_digest(world, event.kind);
    handle(world, &event);
}

struct world *world_new(const struct world_options *options)
{
    struct world *world = calloc(1, sizeof *world);
    struct random plan;

    assert(world != NULL);
    world->options = *options;
    world->now_us = FIRST_S * SECOND;
    world->digest = HASH_START;
    random_init(&plan, options->seed, 1);
    random_init(&world->random, options->seed, 2);
    world->faults = (uint32_t)random_next(&plan) & options->faults;
    world->node_count = 1 + random_below(&plan, 2);
    if (options->nodes != 0)
        world->node_count = options->nodes;
    for (uint32_t i = 0; i < FAULT_COUNT; i++)
        random_init(&world->fault_random[i], options->seed, 100 + i);
    world->model = model_new(world, options->piles);
    world->nodes = calloc(world->node_count, sizeof *world->nodes);
    world->piles = calloc(options->piles, sizeof *world->piles);
    assert(world->nodes != NULL && world->piles != NULL);
    for (uint32_t i = 0; i < world->node_count; i++)
        node_init(world, &world->nodes[i], i);
    for (uint32_t i = 0; i < options->piles; i++)
        pile_init(world, &world->piles[i], i);
    world_now = world;
    return world;
}

static void event_free(struct event *event)
{
    struct task *task = event->data;

    if (event->kind != EVENT_LANE_COMMIT && event->kind != EVENT_LANE_ANSWER &&
        event->kind != EVENT_WORKER) {
        free(event->data);
        return;
    }
    while (task != NULL) {
        struct task *after = task->next;

        task_free(task);
        task = after;
    }
}

void world_free(struct world *world)
{
    if (world == NULL)
        return;
    for (size_t i = 0; i < world->heap_count; i++)
        event_free(&world->heap[i]);
    for (uint32_t i = 0; i < world->node_count; i++)
        node_done(&world->nodes[i]);
    for (uint32_t i = 0; i < world->options.piles; i++)
        pile_done(&world->piles[i]);
    net_done(world);
    model_free(world->model);
    keys_done(&world->epochs);
    free(world->nodes);
    free(world->piles);
    free(world->heap);
    free(world);
    world_now = NULL;
}

static bool at_rest(const struct world *world)
{
    for (uint32_t i = 0; i < world->options.piles; i++)
        if (!pile_at_rest(&world->piles[i]))
            return false;
    for (uint32_t i = 0; i < world->node_count; i++)
        if (world->nodes[i].core == NULL)
            return false;
    return world->now_us > world->calm_us + CALM_MIN_S * SECOND &&
           world->model->command_first == world->model->command_count;
}

static bool all_gone(const struct world *world)
{
    struct core_stats stats;

    for (uint32_t i = 0; i < world->node_count; i++) {
        const struct node *node = &world->nodes[i];

        core_stats(node->core, &stats);
        if (stats.connections > 0 || stats.in_work > 0 || node->workers > 0)
            return false;
        for (int k = 0; k < LANES; k++)
            if (node->lanes[k].count > 0 || node->lanes[k].running || node->lanes[k].batch != NULL)
                return false;
    }
    return true;
}

static void calm_until(
    struct world *world, bool (*done)(const struct world *), int64_t limit_s, const char *what)
{
    int64_t from_us = world->now_us;

    do {
        for (int i = 0; i < 64; i++)
            step(world);
        check_commands(world);
        if (world->now_us - from_us > limit_s * SECOND)
            world_breach(world, BREACH_CALM, "%s", what);
    } while (!done(world));
}

uint64_t world_run(struct world *world)
{
    int64_t day_us = world->now_us + 86400 * SECOND;

    plan_begin(world);
    while (world->options.day ? world->now_us < day_us : world->steps < world->options.steps)
        step(world);
    world->calm = true;
    world->away = false;
    world->calm_us = world->now_us;
    world_line(world, "CALM", 0, 0, NULL);
    calm_until(world, at_rest, CALM_MAX_S, "a queue, a connection or a command does not end");
    check_owners(world);
    world->leaving = true;
    for (uint32_t i = 0; i < world->options.piles; i++)
        pile_leave(&world->piles[i]);
    calm_until(world, all_gone, LEAVING_MAX_S, "something is left in a node");
    for (uint32_t i = 0; i < world->node_count; i++)
        check_memory(&world->nodes[i], true);
    check_fair(world);
    check_books(world);
    world_digest(world, (int64_t)world->frames_in);
    world_digest(world, (int64_t)world->frames_out);
    world_digest(world, world->model->stored_count);
    world_digest(world, (int64_t)world->model->rows.count);
    return world->digest;
}
