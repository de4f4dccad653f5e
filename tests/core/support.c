/* support.c - see support.h. */
#include "tests/core/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool bench_in_core;

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from != NULL ? from : "");
}

static bool port_send(void *ctx, struct core_conn conn, const char *text, size_t length)
{
    struct bench *bench = ctx;
    struct bench_sent *sent;

    if (bench->ending)
        return false;
    bench_in_core = false;
    sent = &bench->sent[bench->sent_count++ % BENCH_EVENTS];
    ck_assert_uint_lt(length, sizeof sent->text);
    sent->conn = conn;
    memcpy(sent->text, text, length);
    sent->text[length] = '\0';
    if (text[1] == '3' && strstr(sent->text, "currentTime") == NULL)
        bench->confirmations++;
    bench_in_core = true;
    return true;
}

static void port_close(void *ctx, struct core_conn conn, int code, const char *reason)
{
    struct bench *bench = ctx;

    bench_in_core = false;
    ck_assert_ptr_nonnull(reason);
    bench->closed[bench->closed_count++ % BENCH_EVENTS] =
        (struct bench_close){.conn = conn, .code = code};
    bench_in_core = true;
}

static void port_pause(void *ctx, struct core_conn conn, bool paused)
{
    struct bench *bench = ctx;

    bench_in_core = false;
    (void)conn;
    bench->pauses += paused;
    bench->resumes += !paused;
    bench_in_core = true;
}

static bool port_work(void *ctx, const struct core_work *work)
{
    struct bench *bench = ctx;
    struct bench_work *kept;

    if (bench->lane_full)
        return false;
    bench_in_core = false;
    ck_assert_uint_lt(bench->work_count, BENCH_EVENTS);
    kept = &bench->work[bench->work_count++];
    kept->work = *work;
    kept->done = work->token == 0;
    copy(kept->text, sizeof kept->text, work->text);
    copy(kept->frame, sizeof kept->frame, work->frame);
    copy(kept->deviations, sizeof kept->deviations, work->deviations);
    copy(kept->code, sizeof kept->code, work->code);
    copy(kept->member, sizeof kept->member, work->member);
    copy(kept->readings, sizeof kept->readings, work->readings_json);
    copy(kept->state, sizeof kept->state, work->state);
    copy(kept->message_id, sizeof kept->message_id, work->message_id);
    bench_in_core = true;
    return true;
}

static void port_trace(void *ctx, const struct core_trace *trace)
{
    struct bench *bench = ctx;

    bench_in_core = false;
    bench->traced_out += trace->out;
    ck_assert_int_gt(trace->station, 0);
    ck_assert_ptr_nonnull(trace->text);
    bench_in_core = true;
}

static void port_note(void *ctx, enum core_note note, int64_t station, const char *detail)
{
    struct bench *bench = ctx;

    bench_in_core = false;
    if (note == CORE_NOTE_CALL_ERROR)
        copy(bench->note_detail, sizeof bench->note_detail, detail);
    ck_assert_int_gt(station, 0);
    ck_assert_ptr_nonnull(core_note_name(note));
    bench_in_core = true;
}

static bool port_strict(void *ctx, int64_t station)
{
    const struct bench *bench = ctx;

    (void)station;
    return bench->strict;
}

struct bench *bench_new(void)
{
    struct core_config config = {
        .connections = BENCH_ROOM,
        .call_timeout_ms = 30000,
        .heartbeat_s = 300,
        .large_bytes = 8 * 1024 * 1024,
        .limits = ocpp_limits_pile,
    };
    struct bench *bench = calloc(1, sizeof *bench);
    struct core_ports ports = {
        .ctx = bench,
        .send = port_send,
        .close = port_close,
        .pause = port_pause,
        .work = port_work,
        .trace = port_trace,
        .note = port_note,
        .strict = port_strict,
    };

    ck_assert_ptr_nonnull(bench);
    bench->now = (struct core_now){.mono_ms = 5000000, .wall_us = INT64_C(1764000000000000)};
    bench->core = core_new(&config, &ports);
    ck_assert_ptr_nonnull(bench->core);
    return bench;
}

void bench_free(struct bench *bench)
{
    /* Whatever a test did, nothing was confirmed that had not been committed. */
    ck_assert_uint_le(bench->confirmations, bench->committed);
    core_free(bench->core);
    free(bench);
}

struct core_conn bench_conn(uint32_t slot, uint32_t generation)
{
    return (struct core_conn){.slot = slot, .generation = generation};
}

struct core_conn bench_join(
    struct bench *bench, uint32_t slot, int64_t station, enum core_registration registration)
{
    static uint32_t generation;
    static int64_t epoch;
    struct core_conn conn = bench_conn(slot, ++generation);
    struct core_answer answer = {.epoch = ++epoch, .registration = registration};

    bench_in_core = true;
    core_conn_open(bench->core, bench->now, conn, station, "192.0.2.1");
    bench_in_core = false;
    bench_done(bench, CORE_TAKE_OVER, CORE_DONE, &answer);
    if (bench_has(bench, CORE_COMMAND_NEXT))
        bench_commit(bench, CORE_COMMAND_NEXT);
    return conn;
}

void bench_say(struct bench *bench, struct core_conn conn, const char *text)
{
    bench_in_core = true;
    core_conn_frame(bench->core, bench->now, conn, text, strlen(text));
    bench_in_core = false;
}

void bench_wait(struct bench *bench, uint32_t ms)
{
    bench->now.mono_ms += ms;
    bench->now.wall_us += (int64_t)ms * 1000;
    bench_in_core = true;
    core_tick(bench->core, bench->now);
    bench_in_core = false;
}

bool bench_has(const struct bench *bench, enum core_work_kind kind)
{
    for (uint32_t i = 0; i < bench->work_count; i++)
        if (bench->work[i].work.kind == kind && !bench->work[i].done)
            return true;
    return false;
}

struct bench_work *bench_work(struct bench *bench, enum core_work_kind kind)
{
    for (uint32_t i = 0; i < bench->work_count; i++)
        if (bench->work[i].work.kind == kind && !bench->work[i].done)
            return &bench->work[i];
    ck_abort_msg("no work of kind %d was asked for", (int)kind);
}

void bench_done(struct bench *bench, enum core_work_kind kind, enum core_outcome outcome,
    const struct core_answer *answer)
{
    struct bench_work *work = bench_work(bench, kind);

    work->done = true;
    if ((outcome == CORE_DONE || outcome == CORE_REFUSED) && work->work.action != OCPP_ACTION_NONE)
        bench->committed++;
    bench_in_core = true;
    core_work_done(bench->core, bench->now, work->work.token, outcome, answer);
    bench_in_core = false;
}

void bench_commit(struct bench *bench, enum core_work_kind kind)
{
    static const struct core_answer nothing;

    bench_done(bench, kind, CORE_DONE, &nothing);
}

const char *bench_last(const struct bench *bench)
{
    return bench->sent_count > 0 ? bench->sent[(bench->sent_count - 1) % BENCH_EVENTS].text : "";
}

int bench_last_close(const struct bench *bench)
{
    return bench->closed_count > 0
               ? bench->closed[(bench->closed_count - 1) % BENCH_EVENTS].code
               : 0;
}

uint64_t bench_notes(const struct bench *bench, enum core_note note)
{
    struct core_stats stats;

    core_stats(bench->core, &stats);
    return stats.notes[note];
}

int bench_run(const char *name, const struct bench_test *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    SRunner *runner;
    int failed;

    for (size_t i = 0; i < count; i++)
        if (tests[i].loops > 0)
            tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].loops);
        else
            tcase_add_test(tcase, tests[i].test);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
