/* fault.c - see fault.h.  Built only with -Dtests_fault=true. */
#include "csms/fault.h"

#include "csms/node_inside.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { STORED_LATER_MS = 1000 };

void crash_point(const char *place, const char *subject)
{
    static atomic_long passed;
    const char *wanted = getenv("JOULEBOOK_CRASH_AT");
    size_t length = strlen(place);
    const char *colon;
    long times = 1;

    if (wanted == NULL || strncmp(wanted, place, length) != 0 || wanted[length] != '.')
        return;
    wanted += length + 1;
    colon = strchr(wanted, ':');
    length = colon != NULL ? (size_t)(colon - wanted) : strlen(wanted);
    if (strlen(subject) != length || strncmp(wanted, subject, length) != 0)
        return;
    if (colon != NULL)
        times = strtol(colon + 1, NULL, 10);
    if (atomic_fetch_add(&passed, 1) + 1 == times)
        raise(SIGKILL);
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

bool fault_early(struct node *node, const struct core_work *work)
{
    const char *fault = getenv("JOULEBOOK_FAULT");
    uint64_t now_ms = loop_mono_ms(node->config.loop);
    struct early *early;

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
