/* fault.c - see fault.h.  Built only with -Dtests_fault=true. */
#include "csms/fault.h"

#include "csms/node_inside.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORED_LATER_MS = 1000, UNSTORED_MAX = 65536 };

static const char *fault, *crash_file;
static volatile sig_atomic_t told;

/* Passed by the loop and by workers. */
static struct {
    pthread_mutex_t lock;
    char wanted[128]; /* "": nowhere */
    long passed;
} crash = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void tell(int number)
{
    (void)number;
    told = 1;
}

/* Once: each message passes several of these places, and the environment is long. */
__attribute__((constructor)) static void environment_read(void)
{
    const char *at = getenv("JOULEBOOK_CRASH_AT");

    snprintf(crash.wanted, sizeof crash.wanted, "%s", at != NULL ? at : "");
    fault = getenv("JOULEBOOK_FAULT");
    crash_file = getenv("JOULEBOOK_CRASH_FILE");
    if (crash_file != NULL)
        sigaction(SIGUSR1, &(struct sigaction){.sa_handler = tell, .sa_flags = SA_RESTART}, NULL);
}

static void wanted_read(void)
{
    FILE *file = fopen(crash_file, "r");

    told = 0;
    crash.passed = 0;
    if (file == NULL || fgets(crash.wanted, sizeof crash.wanted, file) == NULL)
        crash.wanted[0] = '\0';
    if (file != NULL)
        fclose(file);
}

/* Is it the place that crash.wanted names, for the N-th time? */
static bool crash_wanted(const char *place, const char *subject)
{
    size_t length = strlen(place), rest = strlen(subject);
    const char *wanted = crash.wanted;
    long times = 1;

    if (strncmp(wanted, place, length) != 0 || wanted[length] != '.' ||
        strncmp(wanted + length + 1, subject, rest) != 0)
        return false;
    wanted += length + 1 + rest;
    if (*wanted == ':')
        times = strtol(wanted + 1, NULL, 10);
    else if (*wanted != '\0')
        return false;
    return ++crash.passed == times;
}

void crash_point(const char *place, const char *subject)
{
    bool now;

    pthread_mutex_lock(&crash.lock);
    if (told)
        wanted_read();
    now = crash_wanted(place, subject);
    pthread_mutex_unlock(&crash.lock);
    if (now)
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
