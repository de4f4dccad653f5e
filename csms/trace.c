/* trace.c - see trace.h. */
#include "csms/trace.h"

#include "csms/fault.h"
#include "csms/mask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAME_BYTES_MAX = 8 * 1024, /* of one frame in the trace */
    ROWS_MAX = 4096,            /* gathered between two flushes */
    LOADED = 8192,              /* members waiting in the lane: the trace gives way */
    SEEN_ROWS_MAX = 10000, /* in one statement */
    DOORS_PER_S = 200 /* refused callers that are written; all are counted in the metrics */
};

struct trace {
    struct db_lane *lane;
    struct db_args frames, doors, seen;
    uint64_t seen_ms; /* whoever spoke before it is written; the wall clock may be set back */
    int64_t door_us; /* the beginning of this second of the door */
    uint32_t doors_now;
    uint64_t dropped;
    char text[FRAME_BYTES_MAX + 1], masked[FRAME_BYTES_MAX + 1];
};

struct trace *trace_new(struct db_lane *lane)
{
    struct trace *trace = calloc(1, sizeof *trace);

    if (trace == NULL)
        return NULL;
    trace->lane = lane;
    db_args_init(&trace->frames);
    db_args_init(&trace->doors);
    db_args_init(&trace->seen);
    return trace;
}

void trace_free(struct trace *trace)
{
    if (trace == NULL)
        return;
    db_args_done(&trace->frames);
    db_args_done(&trace->doors);
    db_args_done(&trace->seen);
    free(trace);
}

/* The length of the UTF-8 sequence at `at`, 0 if it is none. */
static size_t sequence(const unsigned char *at, size_t left)
{
    size_t length = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

    if (at[0] == 0 || at[0] > 0xf4 || length == 0 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

/* Text that the database takes: what is no UTF-8 becomes '?', what is too long is cut. */
static const char *clean(struct trace *trace, const char *text, size_t length)
{
    const unsigned char *from = (const unsigned char *)text;
    size_t at = 0, to = 0;

    while (at < length) {
        size_t size = sequence(from + at, length - at);

        if (to + (size > 0 ? size : 1) > FRAME_BYTES_MAX)
            break;
        if (size > 0)
            memcpy(trace->text + to, from + at, size);
        else
            trace->text[to] = '?';
        to += size > 0 ? size : 1;
        at += size > 0 ? size : 1;
    }
    trace->text[to] = '\0';
    return trace->text;
}

/* A credential never reaches the trace. */
static const char *frame_text(struct trace *trace, const struct core_trace *frame)
{
    struct mask mask;
    size_t length;

    mask_find(frame->text, frame->length, frame->type != 0, &mask);
    length = mask_apply(
        &mask, frame->text, frame->length, trace->masked, sizeof trace->masked);
    return clean(trace, trace->masked, length);
}

void trace_frame(struct trace *trace, const struct core_trace *frame)
{
    struct db_args *args = &trace->frames;

    if (args->rows >= ROWS_MAX || db_lane_stats(trace->lane).queued > LOADED) {
        trace->dropped++;
        return;
    }
    db_args_int8(args, frame->station);
    db_args_time_us(args, frame->at_us);
    db_args_text(args, frame->out ? "out" : "in");
    db_args_int2(args, (int16_t)frame->type);
    db_args_text(args, frame->action != OCPP_ACTION_NONE ? ocpp_action_name(frame->action)
                                                         : frame->action_name);
    db_args_text(args, frame->message_id);
    db_args_text(args, frame_text(trace, frame));
    db_args_text(args, frame->note);
    db_args_row(args);
}

/* Anybody can knock, as often as the accept limits let him. */
static bool door_has_room(struct trace *trace, int64_t at_us)
{
    if (at_us < trace->door_us || at_us - trace->door_us >= 1000000) {
        trace->door_us = at_us;
        trace->doors_now = 0;
    }
    return trace->doors.rows < ROWS_MAX && trace->doors_now++ < DOORS_PER_S;
}

void trace_door(struct trace *trace, int64_t at_us, const char *identity, const char *remote,
    const char *reason)
{
    struct db_args *args = &trace->doors;

    if (!door_has_room(trace, at_us)) {
        trace->dropped++;
        return;
    }
    db_args_text(args, clean(trace, identity, strlen(identity)));
    db_args_time_us(args, at_us);
    db_args_text(args, remote);
    db_args_text(args, reason);
    db_args_row(args);
}

static void give(struct trace *trace, struct db_args *args, enum db_stmt stmt, uint64_t now_ms)
{
    struct db_work work = {.stmt = stmt, .args = args};

    if (args->rows == 0)
        return;
    crash_point("before_submit", db_statements[stmt].name);
    if (!db_args_ok(args) || !db_lane_submit(trace->lane, &work, now_ms))
        trace->dropped += args->rows;
    crash_point("after_submit", db_statements[stmt].name);
    db_args_reset(args);
}

void trace_flush(struct trace *trace, uint64_t now_ms)
{
    give(trace, &trace->frames, DB_STMT_FRAME_INSERT, now_ms);
    give(trace, &trace->doors, DB_STMT_DOOR, now_ms);
}

struct seen_visit {
    struct trace *trace;
    uint64_t now_ms;
    bool lost;
};

/* What the lane does not take is written the next time. */
static void seen_give(struct seen_visit *visit)
{
    struct trace *trace = visit->trace;
    struct db_work work = {.stmt = DB_STMT_SEEN, .args = &trace->seen};

    crash_point("before_submit", db_statements[DB_STMT_SEEN].name);
    if (trace->seen.rows > 0 && (!db_args_ok(&trace->seen) ||
                                    !db_lane_submit(trace->lane, &work, visit->now_ms)))
        visit->lost = true;
    crash_point("after_submit", db_statements[DB_STMT_SEEN].name);
    db_args_reset(&trace->seen);
}

static bool seen_add(void *ctx, int64_t station, struct core_now heard)
{
    struct seen_visit *visit = ctx;
    struct db_args *args = &visit->trace->seen;

    if (heard.mono_ms < visit->trace->seen_ms)
        return true;
    db_args_int8(args, station);
    db_args_time_us(args, heard.wall_us);
    db_args_row(args);
    if (args->rows >= SEEN_ROWS_MAX)
        seen_give(visit);
    return !visit->lost;
}

void trace_seen(struct trace *trace, const struct core *core, uint64_t now_ms)
{
    struct seen_visit visit = {.trace = trace, .now_ms = now_ms};

    core_each(core, seen_add, &visit);
    seen_give(&visit);
    if (!visit.lost)
        trace->seen_ms = now_ms;
}

uint64_t trace_dropped(const struct trace *trace)
{
    return trace->dropped;
}
