/* test_memory.c - every allocation fails once: no crash, no false confirmation, service goes on.
 *
 * What is played comes from the catalogue: every action that a pile may send, and every command of
 * ours with its answers.  Each is played with the first allocation failing, then with the second,
 * until none is left to fail.
 */
#include "ocpp/encode.h"
#include "tests/core/support.h"
#include "tests/ocpp/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The linker sends the core's and ocpp's allocations here (--wrap), cJSON's come by its hooks. */
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

enum { PAYLOAD = BENCH_TEXT - 128, TRANSACTION = 17 };

/* How a payload is spoilt.  Evidence is stored in any case, the rest tolerated or refused. */
enum spoilt {
    WHOLE,
    BESIDE, /* with a member that nobody knows */
    EMPTY,  /* without any */
    SPOILTS
};

static void payload_write(
    char text[PAYLOAD], enum ocpp_action action, bool confirmation, enum spoilt spoilt)
{
    struct ocpp_arena arena;
    const void *payload;
    size_t length;

    strcpy(text, "{}");
    if (spoilt == EMPTY)
        return;
    ocpp_arena_init(&arena);
    payload = ocpp_sample(action, confirmation, OCPP_SAMPLE_ALL, 7, &arena);
    ck_assert_ptr_nonnull(payload);
    length = ocpp_encode_payload(text, PAYLOAD - 32, action, confirmation, payload);
    ck_assert_uint_gt(length, 1);
    ocpp_arena_done(&arena);
    if (spoilt == WHOLE)
        return;
    text[length - 1] = '\0';
    strcat(text, length > 2 ? ",\"unheardOf\":[1]}" : "\"unheardOf\":[1]}");
}

/* Everything that was asked for and waits. */
static void all_done(struct bench *bench)
{
    static const struct core_answer row = {
        .registration = CORE_ACCEPTED, .transaction_id = TRANSACTION, .status = "Accepted"};
    static const struct core_answer no_command = {0};

    for (uint32_t i = 0; i < bench->work_count; i++) {
        enum core_work_kind kind = bench->work[i].work.kind;

        if (!bench->work[i].done)
            bench_done(bench, kind, CORE_DONE, kind == CORE_COMMAND_NEXT ? &no_command : &row);
    }
}

/* What became of a message. */
struct fate {
    uint32_t answers, closes, works;
    char answer[BENCH_TEXT];
    struct bench_work work; /* the last that is a message's */
};

static void fate_read(const struct bench *bench, const struct bench *before, struct fate *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->answers = bench->sent_count - before->sent_count;
    ret->closes = bench->closed_count - before->closed_count;
    if (ret->answers > 0)
        memcpy(ret->answer, bench_last(bench), BENCH_TEXT);
    for (uint32_t i = before->work_count; i < bench->work_count; i++)
        if (bench->work[i].work.action != OCPP_ACTION_NONE) {
            ret->works++;
            ret->work = bench->work[i];
        }
}

/* What is stored is all of it, or nothing. */
static void work_same(const struct bench_work *work, const struct bench_work *whole)
{
    ck_assert_int_eq(work->work.kind, whole->work.kind);
    ck_assert_int_eq(work->work.action, whole->work.action);
    ck_assert_uint_eq(work->work.reading_count, whole->work.reading_count);
    ck_assert_str_eq(work->text, whole->text);
    ck_assert_str_eq(work->frame, whole->frame);
    ck_assert_str_eq(work->deviations, whole->deviations);
    ck_assert_str_eq(work->readings, whole->readings);
    ck_assert_str_eq(work->code, whole->code);
    ck_assert_str_eq(work->member, whole->member);
}

static void said(struct bench *bench, struct core_conn conn, const char *text, struct fate *ret)
{
    static struct bench before;

    before = *bench;
    bench_say(bench, conn, text);
    all_done(bench);
    fate_read(bench, &before, ret);
}

/* True: an allocation failed. */
static bool pile_says(const char *text, long n, struct fate *whole)
{
    static struct fate fate;
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    failed = false;
    countdown = n;
    said(bench, conn, text, &fate);
    countdown = -1;
    if (n < 0)
        *whole = fate;
    /* Answered as ever, or closed with nothing stored: a pile keeps what is not answered. */
    ck_assert_uint_eq(fate.answers + fate.closes, 1);
    ck_assert_uint_eq(fate.works, fate.closes == 1 ? 0 : whole->works);
    if (fate.closes == 1) {
        ck_assert(failed);
        ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_INTERNAL);
        conn = bench_join(bench, 1, 1, CORE_ACCEPTED);
    } else {
        ck_assert_str_eq(fate.answer, whole->answer);
        work_same(&fate.work, &whole->work);
    }
    /* It comes again, as piles do; now there is memory. */
    said(bench, conn, text, &fate);
    ck_assert_str_eq(fate.answer, whole->answer);
    ck_assert_uint_eq(fate.works, whole->works);
    work_same(&fate.work, &whole->work);
    said(bench, conn, "[2,\"h\",\"Heartbeat\",{}]", &fate);
    ck_assert(strncmp(fate.answer, "[3,\"h\"", 6) == 0);
    bench_free(bench);
    return failed;
}

/* Until none is left to fail; how many there were. */
static long every_allocation(const char *text)
{
    static struct fate whole;
    long n = 0;

    (void)pile_says(text, -1, &whole);
    ck_assert_uint_eq(whole.answers, 1);
    while (pile_says(text, n, &whole))
        n++;
    return n;
}

START_TEST(whatever_a_pile_says_any_allocation_may_fail)
{
    enum ocpp_action action = (enum ocpp_action)_i;
    char payload[PAYLOAD], text[BENCH_TEXT];

    if (!(ocpp_action_sender(action) & OCPP_SENDER_PILE))
        return;
    for (enum spoilt spoilt = WHOLE; spoilt < SPOILTS; spoilt++) {
        payload_write(payload, action, false, spoilt);
        snprintf(text, sizeof text, "[2,\"m\",\"%s\",%s]", ocpp_action_name(action), payload);
        /* What it is read into and what is made of it at least. */
        ck_assert_int_ge(every_allocation(text), 2);
    }
}
END_TEST

#define AT "\"timestamp\":\"2025-11-24T16:00:00Z\""

/* What makes the core allocate in ways that no sample does. */
static const char *const odd[] = {
    "[2,\"a\",\"Unheard\",{}]",
    "[2,\"r\",\"Reset\",{\"type\":\"Soft\"}]",
    "[2,\"b\",\"StatusNotification\",{\"connectorId\":1]",
    "[2,\"m\",\"MeterValues\",{\"connectorId\":1,\"transactionId\":17,\"meterValue\":[{" AT
    ",\"sampledValue\":[{\"value\":\"1\"},{\"value\":\"x\"},{\"value\":\"1\","
    "\"context\":\"Sample.Clock\"}]},{\"sampledValue\":7}]}]",
    "[2,\"p\",\"StopTransaction\",{\"transactionId\":17,\"meterStop\":2,\"reason\":\"Whim\"," AT
    ",\"transactionData\":[{" AT ",\"sampledValue\":[{\"value\":\"1\"},{\"value\":\"x\"}]}]}]",
};

START_TEST(so_it_may_with_odd_messages)
{
    ck_assert_int_gt(every_allocation(odd[_i]), 0);
}
END_TEST

/* How a command of ours is answered. */
enum answered { CONFIRMED, CONFIRMED_BESIDE, CONFIRMED_EMPTY, ERRED, ANSWERS };

struct command {
    struct core_answer row;
    char payload[PAYLOAD], answer[BENCH_TEXT];
};

/* What became of a command, and what was heard when its answer came once more. */
struct ending {
    bool sent;
    char state[32], late_state[32], text[BENCH_TEXT], late_text[BENCH_TEXT];
};

static void ending_read(const struct bench *bench, uint32_t from, struct ending *ret)
{
    uint32_t ends = 0, lates = 0;

    for (uint32_t i = from; i < bench->work_count; i++) {
        const struct bench_work *work = &bench->work[i];

        if (work->work.kind == CORE_COMMAND_ANSWER) {
            ends++;
            strcpy(ret->state, work->state);
            strcpy(ret->text, work->text);
        } else if (work->work.kind == CORE_COMMAND_LATE) {
            lates++;
            strcpy(ret->late_state, work->state);
            strcpy(ret->late_text, work->text);
        }
    }
    ck_assert_uint_eq(ends, 1); /* however it went */
    ck_assert_uint_le(lates, 1);
}

static void commanded(struct bench *bench, struct core_conn conn, const struct command *command,
    struct ending *ret)
{
    uint32_t from = bench->work_count, sent = bench->sent_count, closed = bench->closed_count;

    memset(ret, 0, sizeof *ret);
    bench_in_core = true;
    core_command_hint(bench->core, bench->now, 1);
    bench_in_core = false;
    bench_done(bench, CORE_COMMAND_NEXT, CORE_DONE, &command->row);
    ret->sent = bench->sent_count > sent;
    if (ret->sent)
        ck_assert(strncmp(bench_last(bench), "[2,\"jb-8-1\",", 12) == 0);
    for (int i = 0; i < 2 && ret->sent && bench->closed_count == closed; i++)
        bench_say(bench, conn, command->answer);
    all_done(bench);
    ending_read(bench, from, ret);
}

static void ending_may_be(const struct ending *ending, const struct ending *whole)
{
    /* Without memory nobody knows what the pile did, unless the command never left. */
    if (!ending->sent)
        ck_assert_str_eq(ending->state, "refused");
    else if (strcmp(ending->state, whole->state) != 0) {
        ck_assert_str_eq(ending->state, "unknown");
        ck_assert_str_eq(ending->text, ""); /* with an answer it would not be asked again */
    }
    if (ending->sent && ending->text[0] != '\0')
        ck_assert_str_eq(ending->text, whole->text);
    /* A late answer is forgotten, but never becomes another. */
    if (ending->late_state[0] != '\0')
        ck_assert_str_eq(ending->late_state, whole->late_state);
    if (ending->late_text[0] != '\0')
        ck_assert_str_eq(ending->late_text, whole->late_text);
}

static bool system_says(const struct command *command, long n, struct ending *whole)
{
    static struct ending ending;
    struct bench *bench = bench_new();
    struct core_conn conn = bench_join(bench, 0, 1, CORE_ACCEPTED);

    failed = false;
    countdown = n;
    commanded(bench, conn, command, &ending);
    countdown = -1;
    if (n < 0)
        *whole = ending;
    ending_may_be(&ending, whole);
    if (bench->closed_count > 0) {
        ck_assert_int_eq(bench_last_close(bench), CORE_CLOSE_INTERNAL);
        conn = bench_join(bench, 1, 1, CORE_ACCEPTED);
    }
    commanded(bench, conn, command, &ending);
    ck_assert(ending.sent);
    ck_assert_str_eq(ending.state, whole->state);
    ck_assert_str_eq(ending.text, whole->text);
    ck_assert_str_eq(ending.late_state, whole->late_state);
    bench_free(bench);
    return failed;
}

static void answer_write(struct command *command, enum ocpp_action action, enum answered answered)
{
    static const enum spoilt spoilt[] = {
        [CONFIRMED] = WHOLE, [CONFIRMED_BESIDE] = BESIDE, [CONFIRMED_EMPTY] = EMPTY};
    char payload[PAYLOAD];

    if (answered == ERRED) {
        strcpy(command->answer, "[4,\"jb-8-1\",\"InternalError\",\"no\",{\"a\":1}]");
        return;
    }
    payload_write(payload, action, true, spoilt[answered]);
    snprintf(command->answer, sizeof command->answer, "[3,\"jb-8-1\",%s]", payload);
}

START_TEST(whatever_we_command_any_allocation_may_fail)
{
    static struct command command;
    static struct ending whole;
    enum ocpp_action action = (enum ocpp_action)_i;

    if (!(ocpp_action_sender(action) & OCPP_SENDER_SYSTEM))
        return;
    payload_write(command.payload, action, false, WHOLE);
    command.row = (struct core_answer){.command = 9, .action = ocpp_action_name(action),
        .payload = command.payload, .message_id = "jb-8-1"};
    for (enum answered answered = CONFIRMED; answered < ANSWERS; answered++) {
        long n = 0;

        answer_write(&command, action, answered);
        (void)system_says(&command, -1, &whole);
        ck_assert(whole.sent);
        while (system_says(&command, n, &whole))
            n++;
        ck_assert_int_gt(n, 6);
    }
}
END_TEST

/* The take-over too, and what the pile has open then. */
START_TEST(a_pile_may_come_while_any_allocation_fails)
{
    static const struct core_answer answer = {
        .epoch = 3, .registration = CORE_ACCEPTED, .open_transactions = "1,2,3"};
    long n = -1;

    do {
        static struct fate fate;
        struct bench *bench = bench_new();

        failed = false;
        countdown = ++n;
        bench_in_core = true;
        core_conn_open(bench->core, bench->now, bench_conn(0, 1), 1, "192.0.2.1");
        bench_in_core = false;
        bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &answer);
        countdown = -1;
        said(bench, bench_conn(0, 1),
            "[2,\"s\",\"FirmwareStatusNotification\",{\"status\":\"Idle\"}]", &fate);
        ck_assert_str_eq(fate.answer, "[3,\"s\",{}]");
        bench_free(bench);
    } while (failed);
    ck_assert_int_gt(n, 0);
}
END_TEST

START_TEST(a_core_without_memory_is_none)
{
    struct core_config config = {.connections = 4, .limits = ocpp_limits_pile};
    struct core_ports ports = {0};
    struct core *core;
    long n = -1;

    do {
        failed = false;
        countdown = ++n;
        bench_in_core = true;
        core = core_new(&config, &ports);
        bench_in_core = false;
        ck_assert(failed == (core == NULL));
        core_free(core);
    } while (failed);
    countdown = -1;
    ck_assert_int_gt(n, 3);
}
END_TEST

int main(void)
{
    const struct bench_test tests[] = {
        {whatever_a_pile_says_any_allocation_may_fail, OCPP_ACTION_COUNT},
        {so_it_may_with_odd_messages, COUNT(odd)},
        {whatever_we_command_any_allocation_may_fail, OCPP_ACTION_COUNT},
        {a_pile_may_come_while_any_allocation_fails, 0},
        {a_core_without_memory_is_none, 0},
    };

    return bench_run("core memory", tests, COUNT(tests));
}
