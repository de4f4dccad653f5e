/* test_memory.c - every allocation fails once: no crash, no false confirmation, service goes on. */
#include "tests/core/support.h"

#include <stdlib.h>
#include <string.h>

enum { ALLOCATIONS = 100 }; /* more than the script makes */

/* The linker sends the core's and ocpp's allocations here (-Wl,--wrap). */
static long countdown = -1; /* of allocations until one fails; negative: none does */
static bool failed;

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
char *__wrap_strndup(const char *text, size_t length);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
char *__real_strndup(const char *text, size_t length);

static bool fails(void)
{
    if (!bench_in_core || countdown < 0 || countdown-- != 0)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
    return fails() ? NULL : __real_realloc(pointer, size);
}

char *__wrap_strndup(const char *text, size_t length)
{
    return fails() ? NULL : __real_strndup(text, length);
}

#define AT "\"timestamp\":\"2025-11-24T16:00:00Z\""

/* All kinds of messages, with everything that makes the core allocate. */
static const struct {
    const char *text;
    enum core_work_kind kind;
} script[] = {
    {"[2,\"b\",\"BootNotification\",{\"chargePointVendor\":\"V\",\"chargePointModel\":\"M\"}]",
        CORE_BOOT},
    {"[2,\"s\",\"StartTransaction\",{\"connectorId\":1,\"idTag\":\"T\",\"meterStart\":1," AT "}]",
        CORE_START},
    {"[2,\"m\",\"MeterValues\",{\"connectorId\":1,\"transactionId\":17,\"meterValue\":[{" AT
     ",\"sampledValue\":[{\"value\":\"1\"},{\"value\":\"x\"},{\"value\":\"1\","
     "\"context\":\"Sample.Clock\"}]}]}]",
        CORE_READINGS},
    {"[2,\"f\",\"FirmwareStatusNotification\",{\"status\":\"Idle\"}]", CORE_NOTE},
    {"[2,\"u\",\"MeterValues\",{}]", CORE_UNUSABLE},
    {"[2,\"p\",\"StopTransaction\",{\"transactionId\":17,\"meterStop\":2,\"reason\":\"Whim\"," AT
     ",\"transactionData\":[{" AT ",\"sampledValue\":[{\"value\":\"1\"},{\"value\":\"x\"}]}]}]",
        CORE_STOP},
};

static const struct core_answer reset = {.command = 9, .action = "Reset",
    .payload = "{\"type\":\"Soft\"}", .message_id = "u-1"};

static void joined(struct bench *bench, struct core_conn conn)
{
    struct core_answer answer = {.epoch = conn.generation, .registration = CORE_ACCEPTED,
        .open_transactions = "1,2,3"};

    bench_in_core = true;
    core_conn_open(bench->core, bench->now, conn, 1, "192.0.2.1");
    bench_in_core = false;
    if (bench_has(bench, CORE_TAKE_OVER))
        bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &answer);
}

static void played(struct bench *bench, struct core_conn conn)
{
    static const struct core_answer answer = {
        .registration = CORE_ACCEPTED, .transaction_id = 17, .status = "Accepted"};

    for (size_t i = 0; i < COUNT(script); i++) {
        bench_say(bench, conn, script[i].text);
        if (bench_has(bench, script[i].kind))
            bench_done(bench, script[i].kind, CORE_DONE, &answer);
        if (bench_has(bench, CORE_UNUSABLE))
            bench_done(bench, CORE_UNUSABLE, CORE_DONE, &answer);
    }
    bench_in_core = true;
    core_command_hint(bench->core, bench->now, 1);
    bench_in_core = false;
    if (bench_has(bench, CORE_COMMAND_NEXT))
        bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, &reset);
    bench_say(bench, conn, "[3,\"u-1\",{\"status\":\"Accepted\"}]");
    bench_say(bench, conn, "[3,\"jb-8-1\",{\"status\":\"Accepted\"}]"); /* nobody waits for it */
    bench_say(bench, conn, "[4,\"jb-8-1\",\"InternalError\",\"no\",{}]");
}

/* Without memory an answer is forgotten, but never becomes another. */
static uint32_t late_answers(const struct bench *bench)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < bench->work_count; i++) {
        const struct bench_work *work = &bench->work[i];

        if (work->work.kind != CORE_COMMAND_LATE)
            continue;
        ck_assert_str_eq(work->message_id, "jb-8-1");
        ck_assert_msg(
            strcmp(work->state, "accepted") == 0 || strcmp(work->state, "call_error") == 0, "%s",
            work->state);
        count++;
    }
    return count;
}

START_TEST(any_allocation_may_fail)
{
    struct bench *bench = bench_new();
    struct core_conn conn = bench_conn(0, 1), again = bench_conn(1, 2);
    uint32_t before, late;

    countdown = _i;
    joined(bench, conn);
    played(bench, conn);
    countdown = -1;
    joined(bench, again); /* the pile comes back, and all is as before */
    before = bench->confirmations;
    late = late_answers(bench);
    played(bench, again);
    ck_assert_uint_eq(late_answers(bench) - late, 2);
    /* The boot is not counted. */
    ck_assert_uint_eq(bench->confirmations - before, COUNT(script) - 1);
    bench_free(bench);
}
END_TEST

/* The loop above must reach the last allocation of the script. */
START_TEST(the_loop_covers_the_script)
{
    struct bench *bench = bench_new();

    countdown = _i == 0 ? 5 : ALLOCATIONS;
    failed = false;
    joined(bench, bench_conn(0, 1));
    played(bench, bench_conn(0, 1));
    ck_assert_int_eq(failed, _i == 0);
    countdown = -1;
    bench_free(bench);
}
END_TEST

START_TEST(a_core_without_memory_is_none)
{
    struct core_config config = {.connections = 4, .limits = ocpp_limits_pile};
    struct core_ports ports = {0};
    struct core *core;

    countdown = _i;
    bench_in_core = true;
    core = core_new(&config, &ports);
    bench_in_core = false;
    countdown = -1;
    ck_assert_ptr_null(core);
}
END_TEST

int main(void)
{
    const struct bench_test tests[] = {
        {any_allocation_may_fail, ALLOCATIONS},
        {the_loop_covers_the_script, 2},
        {a_core_without_memory_is_none, 5},
    };

    return bench_run("core memory", tests, COUNT(tests));
}
