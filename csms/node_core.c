/* node_core.c - the core's effects: statements, frames, notes. */
#include "csms/node_inside.h"

#include "ocpp/frame.h"

#include "csms/fault.h"
#include "csms/mask.h"

#include <string.h>

static struct ws_conn ws_conn_of(struct core_conn conn)
{
    return (struct ws_conn){.slot = conn.slot, .generation = conn.generation};
}

static bool port_send(void *ctx, struct core_conn conn, const char *text, size_t length)
{
    struct node *node = ctx;
    bool sent;

    crash_point("before_write", "frame");
    sent = ws_send(node->ws, ws_conn_of(conn), text, length);
    crash_point("after_write", "frame");
    return sent;
}

static void port_close(void *ctx, struct core_conn conn, int code, const char *reason)
{
    struct node *node = ctx;

    crash_point("before_write", "close");
    ws_close(node->ws, ws_conn_of(conn), code, reason);
    crash_point("after_write", "close");
}

static void port_pause(void *ctx, struct core_conn conn, bool paused)
{
    struct node *node = ctx;

    ws_pause(node->ws, ws_conn_of(conn), paused);
}

static void count_decision(struct node *node, const char *status)
{
    static const char *const names[METRIC_AUTH_STATUSES] = {
        [METRIC_ACCEPTED] = "Accepted",
        [METRIC_BLOCKED] = "Blocked",
        [METRIC_EXPIRED] = "Expired",
        [METRIC_INVALID] = "Invalid",
        [METRIC_CONCURRENT] = "ConcurrentTx",
    };

    for (int16_t i = 0; status != NULL && i < METRIC_AUTH_STATUSES; i++)
        if (strcmp(names[i], status) == 0)
            metrics_add(node->metrics, METRIC_AUTH_DECISIONS, METRIC_AT(i), 1);
}

/* A result of either way, given to the core as what it knows. */
void node_give(const struct node_kind *of, uint64_t token, enum db_result result,
    const struct db_row *row)
{
    struct node *node = of->node;
    enum core_work_kind kind = of->kind;
    enum core_outcome outcome = inbound_outcome(result, row != NULL);
    struct core_answer answer;

    crash_point("after_commit", db_statements[inbound_statement(kind)].name);
    inbound_answer(kind, row, &answer);
    if (kind == CORE_AUTHORIZE || kind == CORE_START)
        count_decision(node, answer.status);
    core_work_done(node->core, node_now(node), token, outcome, &answer);
    crash_point("after_answer", db_statements[inbound_statement(kind)].name);
}

static void lane_done(
    void *ctx, uint64_t token, enum db_result result, const struct db_row *row)
{
    node_give(ctx, token, result, row);
}

static void count_command(struct node *node, const struct core_work *work)
{
    static const char *const names[METRIC_COMMAND_ENDS] = {
        [METRIC_COMMAND_ACCEPTED] = "accepted",
        [METRIC_COMMAND_REJECTED] = "rejected",
        [METRIC_COMMAND_CALL_ERROR] = "call_error",
        [METRIC_COMMAND_TIMED_OUT] = "timed_out",
        [METRIC_COMMAND_UNKNOWN] = "unknown",
        [METRIC_COMMAND_REFUSED] = "refused",
    };
    int16_t action = (int16_t)work->action, end = 0;

    while (end < METRIC_COMMAND_ENDS && strcmp(names[end], work->state) != 0)
        end++;
    metrics_add(node->metrics, METRIC_COMMANDS, METRIC_AT(action, end), 1);
    if (end == METRIC_COMMAND_TIMED_OUT)
        metrics_add(node->metrics, METRIC_OCPP_MESSAGES,
            METRIC_AT(action, METRIC_OUT, METRIC_TIMEOUT), 1);
}

static bool port_work(void *ctx, const struct core_work *work)
{
    struct node *node = ctx;
    struct db_work db_work = {
        .stmt = inbound_statement(work->kind),
        .args = &node->args,
        .done = work->token != 0 ? lane_done : NULL,
        .ctx = &node->kinds[work->kind],
        .token = work->token,
    };
    bool telemetry = inbound_lane(work->kind) == INBOUND_TELEMETRY;

    if (work->kind == CORE_CONNECTION_CLOSE)
        return closing_add(node->closing, work, loop_mono_ms(node->config.loop));
    if (fault_early(node, work))
        return true;
    if (work->patient && !telemetry)
        return node_patient_start(node, work);
    if (work->kind == CORE_COMMAND_ANSWER)
        count_command(node, work);
    if (work->kind == CORE_COMMAND_ANSWER || work->kind == CORE_COMMAND_UNSENT ||
        work->kind == CORE_COMMAND_LATE)
        return node_patient_write(node, work);
    crash_point("before_submit", db_statements[db_work.stmt].name);
    inbound_bind(work, node->id, &node->args);
    if (!db_lane_submit(telemetry ? node->telemetry : node->money, &db_work,
            loop_mono_ms(node->config.loop)))
        return false;
    crash_point("after_submit", db_statements[db_work.stmt].name);
    return true;
}

static void count_frame(struct node *node, const struct core_trace *frame)
{
    int16_t action = (int16_t)frame->action;
    /* An answer that leaves ends a call that came in. */
    int16_t direction = frame->out ? METRIC_IN : METRIC_OUT;
    int16_t outcome = frame->type == OCPP_CALL_RESULT ? METRIC_OK : METRIC_ERROR;

    if (frame->type != OCPP_CALL_RESULT && frame->type != OCPP_CALL_ERROR) {
        if (frame->type == 0)
            metrics_add(node->metrics, METRIC_OCPP_MESSAGES,
                METRIC_AT(action, METRIC_IN, METRIC_MALFORMED), 1);
        return;
    }
    metrics_add(node->metrics, METRIC_OCPP_MESSAGES, METRIC_AT(action, direction, outcome), 1);
    if (frame->call_us > 0 && frame->at_us >= frame->call_us)
        metrics_time(node->metrics, METRIC_OCPP_CALL_DURATION, METRIC_AT(action, direction),
            (uint64_t)(frame->at_us - frame->call_us));
}

static void log_frame(struct node *node, const struct core_trace *frame)
{
    enum log_event_id event = frame->out ? LOG_FRAME_OUT : LOG_FRAME_IN;
    struct log_kv pairs[] = {
        log_int("station", frame->station),
        log_int("type", frame->type),
        log_str("action", frame->action_name),
        log_str("id", frame->message_id),
        log_uint("bytes", frame->length),
        log_str("frame", NULL),
    };
    char text[LOG_VALUE_MAX + 1];
    struct mask mask;

    if (node->config.conf->log_frames == CONF_FRAMES_OFF || !log_wants(node->config.log, event))
        return;
    if (node->config.conf->log_frames == CONF_FRAMES_FULL) {
        mask_find(frame->text, frame->length, frame->type != 0, &mask);
        pairs[5] = log_bytes(
            "frame", text, mask_apply(&mask, frame->text, frame->length, text, sizeof text));
    }
    log_write(node->config.log, event, pairs, 6);
}

static bool has_quirk(const struct node *node, int64_t station, enum core_quirk quirk)
{
    const struct core_entry *entry = core_directory_get(node->directory, station);

    return entry != NULL && (entry->quirks & quirk) != 0;
}

static bool port_strict(void *ctx, int64_t station)
{
    return has_quirk(ctx, station, CORE_QUIRK_STRICT);
}

static void port_trace(void *ctx, const struct core_trace *frame)
{
    struct node *node = ctx;

    count_frame(node, frame);
    log_frame(node, frame);
    if (frame->action != OCPP_METER_VALUES ||
        has_quirk(node, frame->station, CORE_QUIRK_TRACE_READINGS))
        trace_frame(node->trace, frame);
}

static void port_note(void *ctx, enum core_note note, int64_t station, const char *detail)
{
    static const enum log_event_id events[CORE_NOTES] = {
        [CORE_NOTE_OPENED] = LOG_OPENED,
        [CORE_NOTE_CLOSED] = LOG_CLOSED,
        [CORE_NOTE_REPLACED] = LOG_NOTE,
        [CORE_NOTE_REPLACED_ALIVE] = LOG_NOTE,
        [CORE_NOTE_NOT_FRAME] = LOG_NOTE,
        [CORE_NOTE_UNMATCHED] = LOG_NOTE,
        [CORE_NOTE_CALL_ERROR] = LOG_NOTE,
        [CORE_NOTE_TOLERATED] = LOG_FRAME_IN,
        [CORE_NOTE_UNUSABLE] = LOG_NOTE,
        [CORE_NOTE_BUSY] = LOG_NOTE,
        [CORE_NOTE_REFUSED] = LOG_NOTE,
        [CORE_NOTE_UNANSWERED] = LOG_NOTE,
        [CORE_NOTE_OVERRUN] = LOG_NOTE,
        [CORE_NOTE_COMMAND] = LOG_COMMAND,
        [CORE_NOTE_COMMAND_UNSENT] = LOG_COMMAND,
        [CORE_NOTE_COMMAND_ENDED] = LOG_COMMAND,
        [CORE_NOTE_NO_MEMORY] = LOG_NOTE,
    };
    struct node *node = ctx;
    const struct core_entry *entry = core_directory_get(node->directory, station);
    struct log_kv pairs[] = {
        log_int("station", station),
        log_str("identity", entry != NULL ? entry->identity : NULL),
        log_str("note", core_note_name(note)),
        log_str("detail", detail),
    };

    if (note == CORE_NOTE_UNANSWERED && detail != NULL)
        metrics_add(node->metrics, METRIC_OCPP_MESSAGES,
            METRIC_AT((int16_t)ocpp_action_find(detail, strlen(detail)), METRIC_IN,
                METRIC_UNANSWERED), 1);
    log_write(node->config.log, events[note], pairs, 4);
}

/* Decoded a message is many times as large as its text. */
enum { LARGE_DECODED = 8 };

static struct core_config config_of(const struct conf *conf)
{
    return (struct core_config){
        .connections = (uint32_t)conf->limits_connections,
        .call_timeout_ms = (uint32_t)conf->ocpp_call_timeout_s * 1000,
        .heartbeat_s = (uint32_t)conf->ocpp_heartbeat_s,
        .large_bytes = (size_t)conf->limits_large_bytes / LARGE_DECODED,
        .limits = ocpp_limits_pile,
    };
}

void node_core_reload(struct node *node)
{
    struct core_config config = config_of(node->config.conf);

    core_configure(node->core, &config);
}

bool node_core_make(struct node *node)
{
    struct core_config config = config_of(node->config.conf);
    struct core_ports ports = {
        .ctx = node,
        .send = port_send,
        .close = port_close,
        .pause = port_pause,
        .work = port_work,
        .trace = port_trace,
        .note = port_note,
        .strict = port_strict,
    };

    for (int i = 0; i < CORE_WORK_KINDS; i++)
        node->kinds[i] = (struct node_kind){.node = node, .kind = (enum core_work_kind)i};
    db_args_init(&node->args);
    node->core = core_new(&config, &ports);
    return node->core != NULL;
}
