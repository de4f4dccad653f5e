/* fault.c - see fault.h.  Built only with -Dtests_fault=true. */
#include "csms/fault.h"

#include "csms/node_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { STORED_LATER_MS = 1000, UNSTORED_MAX = 65536 };

static const char *fault;

/* Once: each message asks for it, and the environment is long. */
__attribute__((constructor)) static void environment_read(void)
{
    fault = getenv("JOULEBOOK_FAULT");
}

struct early {
    struct node *node;
    enum core_work_kind kind;
    uint64_t token;
    struct db_args args;
    struct wheel_timer answer, store;
};

static void answer(void *ctx)
{
    static const struct core_answer nothing;
    struct early *early = ctx;

    core_work_done(
        early->node->core, node_now(early->node), early->token, CORE_DONE, &nothing);
}

static void store(void *ctx)
{
    struct early *early = ctx;
    struct node *node = early->node;
    struct db_work work = {.stmt = inbound_statement(early->kind), .args = &early->args};
    bool telemetry = inbound_lane(early->kind) == INBOUND_TELEMETRY;

    (void)!db_lane_submit(telemetry ? node->telemetry : node->money, &work,
        loop_mono_ms(node->config.loop));
    db_args_done(&early->args);
    free(early);
}

/* Readings that are not stored, answered together; of the loop's thread. */
static struct {
    struct node *node;
    struct wheel_timer timer;
    uint32_t count;
    uint64_t tokens[UNSTORED_MAX];
} unstored;

static void unstored_answer(void *ctx)
{
    static const struct core_answer nothing;
    uint32_t count = unstored.count;

    (void)ctx;
    unstored.count = 0; /* what an answer brings in turn only overwrites, and is answered later */
    for (uint32_t i = 0; i < count; i++) {
        uint64_t token = unstored.tokens[i];

        assert(unstored.count <= i);
        core_work_done(unstored.node->core, node_now(unstored.node), token, CORE_DONE, &nothing);
    }
}

/* Bound as if for the lane, so that only the lane and the database are left out. */
static bool unstored_take(struct node *node, const struct core_work *work)
{
    if (work->kind != CORE_READINGS || work->token == 0 || unstored.count == UNSTORED_MAX)
        return false;
    inbound_bind(work, node->id, &node->args);
    if (unstored.count == 0) {
        unstored.node = node;
        unstored.timer.fire = unstored_answer;
        loop_timer_arm(node->config.loop, &unstored.timer, loop_mono_ms(node->config.loop));
    }
    unstored.tokens[unstored.count++] = work->token;
    return true;
}

bool fault_early(struct node *node, const struct core_work *work)
{
    uint64_t now_ms = loop_mono_ms(node->config.loop);
    struct early *early;

    if (fault != NULL && strcmp(fault, "answer_unstored") == 0)
        return unstored_take(node, work);
    if (fault == NULL || strcmp(fault, "answer_before_commit") != 0 || work->token == 0 ||
        (work->kind != CORE_STOP && work->kind != CORE_READINGS))
        return false;
    early = calloc(1, sizeof *early);
    if (early == NULL)
        return false;
    *early = (struct early){
        .node = node,
        .kind = work->kind,
        .token = work->token,
        .answer = {.fire = answer, .ctx = early},
        .store = {.fire = store, .ctx = early},
    };
    db_args_init(&early->args);
    inbound_bind(work, node->id, &early->args);
    loop_timer_arm(node->config.loop, &early->answer, now_ms);
    loop_timer_arm(node->config.loop, &early->store, now_ms + STORED_LATER_MS);
    return true;
}
