/* station.c - what a station's messages mean: from a frame to a piece of work, from its outcome to
 * the answer.
 *
 * A confirmation is written in one place only, `confirm`, which is reached from a committed
 * outcome; Heartbeat alone is answered from memory.
 */
#include "csms/core/inside.h"

#include "ocpp/encode.h"

#include "csms/core/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum prepared { PREPARED, OUT_OF_RANGE, NO_MEMORY };

typedef enum prepared prepare_fn(struct core *, struct core_station *, struct core_job *);

static prepare_fn prepare_status, prepare_start, prepare_stop, prepare_readings;

/* Per action: the work it is, and what has to be made for it; see station_rows_check. */
static const struct inbound {
    enum core_work_kind kind;
    prepare_fn *prepare;
} inbound[OCPP_ACTION_COUNT] = {
    [OCPP_BOOT_NOTIFICATION] = {CORE_BOOT, NULL},
    [OCPP_STATUS_NOTIFICATION] = {CORE_STATUS, prepare_status},
    [OCPP_AUTHORIZE] = {CORE_AUTHORIZE, NULL},
    [OCPP_START_TRANSACTION] = {CORE_START, prepare_start},
    [OCPP_STOP_TRANSACTION] = {CORE_STOP, prepare_stop},
    [OCPP_METER_VALUES] = {CORE_READINGS, prepare_readings},
    [OCPP_DATA_TRANSFER] = {CORE_DATA_TRANSFER, NULL},
    [OCPP_DIAGNOSTICS_STATUS_NOTIFICATION] = {CORE_NOTE, NULL},
    [OCPP_FIRMWARE_STATUS_NOTIFICATION] = {CORE_NOTE, NULL},
    [OCPP_LOG_STATUS_NOTIFICATION] = {CORE_NOTE, NULL},
    [OCPP_SECURITY_EVENT_NOTIFICATION] = {CORE_NOTE, NULL},
    [OCPP_SIGN_CERTIFICATE] = {CORE_NOTE, NULL},
    [OCPP_SIGNED_FIRMWARE_STATUS_NOTIFICATION] = {CORE_NOTE, NULL},
};

void station_rows_check(void)
{
    for (int action = 0; action < OCPP_ACTION_COUNT; action++)
        assert(action == OCPP_HEARTBEAT || inbound[action].kind != CORE_NO_WORK ||
               !(ocpp_action_sender((enum ocpp_action)action) & OCPP_SENDER_PILE));
}

void core_job_free(struct core_job *job)
{
    if (job == NULL)
        return;
    if (job->sum != NULL)
        *job->sum -= job->length;
    ocpp_frame_done(&job->frame);
    core_reading_list_done(&job->readings);
    free(job->readings_json);
    free(job->deviations);
    free(job->payload);
    free(job);
}

static bool evidence(enum ocpp_action action)
{
    return ocpp_action_gate(action) == OCPP_GATE_EVIDENCE;
}

static void out_of_memory(struct core *core, struct core_now now, struct core_station *station)
{
    core_count(core, CORE_NOTE_NO_MEMORY, station, "message");
    station_disconnect(core, now, station, CORE_CLOSE_INTERNAL, "out of memory");
}

/* Ends the job in work. */
static void job_end(struct core_station *station, int64_t now_us)
{
    core_job_free(station->job);
    station->job = NULL;
    station->answered_us = now_us;
}

/* An id that was a bare number is given back as it came. */
static size_t id_unquote(char *text, size_t length, const struct ocpp_frame *frame)
{
    char *id = text + 3; /* after [3, */

    if (!frame->id_bare)
        return length;
    assert(*id == '"' && id[frame->id_length + 1] == '"');
    memmove(id, id + 1, frame->id_length);
    memmove(id + frame->id_length, id + frame->id_length + 2, length - 3 - frame->id_length - 2);
    return length - 2;
}

static void answer_send(struct core *core, struct core_now now, struct core_station *station,
    size_t length, int type)
{
    const struct core_job *job = station->job;
    struct core_trace message = {
        .type = type,
        .call_us = job->received_us,
        .action = job->frame.action,
        .action_name = job->frame.action_name,
        .message_id = job->frame.id,
        .text = core->out,
        .length = id_unquote(core->out, length, &job->frame),
    };

    assert(length > 0);
    /* What did not leave the pile asks for again. */
    (void)station_send(core, now, station, &message);
    job_end(station, now.wall_us);
}

/* Without an id to give back there is no answer: the job ends. */
static bool answerable(struct core *core, struct core_now now, struct core_station *station)
{
    if (station->job->frame.id != NULL)
        return true;
    core_count(core, CORE_NOTE_UNANSWERED, station, station->job->frame.action_name);
    job_end(station, now.wall_us);
    return false;
}

static void refuse_for(struct core *core, struct core_now now, struct core_station *station,
    const struct ocpp_fault *fault)
{
    char detail[192];
    size_t length;

    if (!answerable(core, now, station))
        return;
    length = ocpp_encode_fault(core->out, sizeof core->out, station->job->frame.id, fault);
    snprintf(detail, sizeof detail, "%s%s%s", ocpp_error_text(fault->error),
        fault->member[0] != '\0' ? ": " : "", fault->member);
    core_count(core, CORE_NOTE_CALL_ERROR, station, detail);
    answer_send(core, now, station, length, OCPP_CALL_ERROR);
}

static void refuse(struct core *core, struct core_now now, struct core_station *station,
    enum ocpp_error error, const char *text)
{
    struct ocpp_fault fault = {.error = error};

    snprintf(fault.text, sizeof fault.text, "%s", text);
    refuse_for(core, now, station, &fault);
}

static void session_count(struct core *core, const struct core_job *job)
{
    const struct ocpp_stop_transaction_req *stop = job->request;
    int reason = OCPP_REASON_LOCAL; /* 1.6, 6.51: what is not told */

    if (job->work.kind == CORE_START)
        core->stats.started++;
    if (job->work.kind != CORE_STOP)
        return;
    if (stop->reason.present)
        reason = stop->reason.value != OCPP_UNKNOWN ? stop->reason.value : OCPP_REASON_COUNT;
    core->stats.stopped[reason]++;
}

/* The one place from which a confirmation leaves. */
static void confirm(struct core *core, struct core_now now, struct core_station *station,
    enum core_outcome outcome, const struct core_answer *answer)
{
    size_t length;

    assert(outcome == CORE_DONE || outcome == CORE_REFUSED);
    assert(answer != NULL);
    session_count(core, station->job);
    if (!answerable(core, now, station))
        return;
    length = reply_encode(core, now, station->job, answer);
    answer_send(core, now, station, length, OCPP_CALL_RESULT);
}

static void heartbeat(struct core *core, struct core_now now, struct core_station *station)
{
    size_t length = reply_heartbeat(core, now, station->job);

    assert(station->job->frame.action == OCPP_HEARTBEAT);
    answer_send(core, now, station, length, OCPP_CALL_RESULT);
}

/* Not answered, so the pile keeps its message and sends it again. */
static void give_up(struct core *core, struct core_now now, struct core_station *station,
    enum core_close code, const char *reason)
{
    core_count(core, CORE_NOTE_UNANSWERED, station, station->job->frame.action_name);
    job_end(station, now.wall_us);
    station_disconnect(core, now, station, code, reason);
}

static void trace_in(
    struct core *core, const struct core_station *station, const struct core_job *job, int type)
{
    struct core_trace trace = {
        .station = station->id,
        .at_us = job->received_us,
        .type = type,
        .action = type == OCPP_CALL ? job->frame.action : OCPP_ACTION_NONE,
        .action_name = type == OCPP_CALL ? job->frame.action_name : NULL,
        .message_id = job->frame.id,
        .text = job->text,
        .length = job->length,
        .note = job->broken || job->refused || type == 0 ? job->fault.text : NULL,
    };

    if (type != OCPP_CALL && call_is(station, job->frame.id)) {
        trace.action = station->call->action;
        trace.call_us = station->call->sent_us;
    }
    core->ports.trace(core->ports.ctx, &trace);
}

/* OCPP-J 1.6, 4.1.4: an id is used once.  One that equals one still being worked, with another
 * content, is refused.  A transaction message never is: its business key says what it is. */
static bool id_taken(const struct core_station *station, const struct core_job *job)
{
    const struct core_job *other = station->job;
    bool in_work = true;

    if (job->broken || job->frame.id == NULL || job->frame.action == OCPP_ACTION_NONE ||
        evidence(job->frame.action))
        return false;
    if (other == NULL) {
        other = station->first;
        in_work = false;
    }
    while (other != NULL) {
        if (other->frame.id != NULL && strcmp(other->frame.id, job->frame.id) == 0)
            return other->length != job->length ||
                   memcmp(other->text, job->text, job->length) != 0;
        other = in_work ? station->first : other->next;
        in_work = false;
    }
    return false;
}

bool core_queue_full(const struct core_station *station)
{
    return station->waiting >= CORE_QUEUE_PAUSE || station->waiting_bytes > CORE_LARGE_BYTES ||
           (station->job != NULL && station->job->sum != NULL);
}

static void call_queue(
    struct core *core, struct core_now now, struct core_station *station, struct core_job *job)
{
    bool idle = station->job == NULL && station->first == NULL;

    if (station->waiting >= CORE_QUEUE_MAX) {
        core_count(core, CORE_NOTE_OVERRUN, station, job->frame.action_name);
        core_job_free(job);
        station_disconnect(
            core, now, station, CORE_CLOSE_POLICY, "more CALLs than answers are waited for");
        return;
    }
    if (station->busy_since_us == 0 ||
        (idle && now.wall_us - station->answered_us > CORE_RUN_GAP_US))
        station->busy_since_us = now.wall_us;
    if (id_taken(station, job)) {
        job->broken = true;
        job->fault = (struct ocpp_fault){
            .error = OCPP_PROTOCOL_ERROR, .text = "This message id is still being worked."};
    }
    if (station->last != NULL)
        station->last->next = job;
    else
        station->first = job;
    station->last = job;
    station->waiting++;
    station->waiting_bytes += job->length;
    if (!station->paused && core_queue_full(station)) {
        station->paused = true;
        core->ports.pause(core->ports.ctx, station->conn, true);
    }
}

static struct core_job *job_new(struct core *core, struct core_now now,
    struct core_conn conn, const char *text, size_t length)
{
    struct core_job *job = calloc(1, sizeof *job + length + 1);

    if (job == NULL)
        return NULL;
    memcpy(job->text, text, length);
    job->length = length;
    if (length > CORE_LARGE_BYTES) {
        job->sum = &core->large_sum;
        core->large_sum += length;
        if (core->large_sum > core->stats.large_bytes_max)
            core->stats.large_bytes_max = core->large_sum;
    }
    job->conn = conn;
    job->received_us = now.wall_us;
    job->received_ms = now.mono_ms;
    return job;
}

void station_frame(struct core *core, struct core_now now, struct core_station *station,
    const char *text, size_t length)
{
    struct core_job *job = job_new(core, now, station->conn, text, length);
    enum ocpp_read read = OCPP_READ_NO_MEMORY;

    if (job != NULL)
        read = ocpp_frame_read(job->text, length, &core->config.limits, &job->frame, &job->fault);
    if (read == OCPP_READ_NO_MEMORY) {
        core_job_free(job);
        out_of_memory(core, now, station);
        return;
    }
    job->broken = read == OCPP_READ_NOT_JSON || read == OCPP_READ_NOT_FRAME;
    job->refused = read == OCPP_READ_REFUSED;
    if (read != OCPP_READ_FRAME)
        core_count(core, CORE_NOTE_NOT_FRAME, station, job->fault.text);
    if (read == OCPP_READ_FRAME && job->frame.type != OCPP_CALL) {
        trace_in(core, station, job, (int)job->frame.type);
        call_answered(core, now, station, &job->frame);
    } else if (read == OCPP_READ_FRAME || job->refused ||
               (job->broken && job->frame.type == OCPP_CALL && job->frame.id != NULL)) {
        trace_in(core, station, job, OCPP_CALL);
        call_queue(core, now, station, job);
        return;
    } else {
        trace_in(core, station, job, 0);
    }
    core_job_free(job);
}

/* What a station may send before it is accepted.  Evidence is stored in any case. */
static bool may_send(
    const struct core_station *station, const struct core_job *job, enum ocpp_action action)
{
    enum ocpp_gate gate = ocpp_action_gate(action);

    if (gate == OCPP_GATE_ANY || gate == OCPP_GATE_EVIDENCE)
        return true;
    if (station->registration == CORE_ACCEPTED)
        return true;
    return station->registration == CORE_PENDING && gate == OCPP_GATE_PENDING &&
           station->triggered == action &&
           job->received_ms - station->triggered_ms < CORE_TRIGGERED_MS;
}

/* Said within seconds of our trigger, it is its answer. */
static bool asked_for(const struct core_station *station, const struct core_job *job)
{
    return station->triggered == job->frame.action &&
           job->received_ms - station->triggered_ms < CORE_LIVE_MS;
}

/* Said within seconds of a boot or our trigger, it is hardly a matter of a queue. */
static bool is_live(const struct core_station *station, const struct core_job *job)
{
    return asked_for(station, job) ||
           (station->booted_ms != 0 && job->received_ms - station->booted_ms < CORE_LIVE_MS);
}

static enum prepared prepare_status(
    struct core *core, struct core_station *station, struct core_job *job)
{
    const struct ocpp_status_notification_req *req = job->request;

    (void)core;
    if (req->connector_id.value < 0 || req->connector_id.value > INT32_MAX)
        return OUT_OF_RANGE;
    if (req->timestamp.present && is_live(station, job))
        core_clock_learn(&station->clock, req->timestamp.unix_us, job->received_us,
            asked_for(station, job));
    return PREPARED;
}

static void date(const struct core_station *station, struct core_job *job, int64_t at_us)
{
    struct core_clock_line line = {
        .connected_us = station->connected_us,
        .busy_since_us = station->busy_since_us,
        .received_us = job->received_us,
    };

    job->work.queued = core_clock_queued(&station->clock, &line, at_us);
    job->work.offset_known = core_clock_offset(
        &station->clock, at_us, job->received_us, &job->work.offset_us);
}

/* Does it still fit an int64 when it is in mWh? */
static bool energy_fits(const struct ocpp_int *wh)
{
    return wh->value >= INT64_MIN / 1000 && wh->value <= INT64_MAX / 1000;
}

static enum prepared prepare_start(
    struct core *core, struct core_station *station, struct core_job *job)
{
    const struct ocpp_start_transaction_req *req = job->request;

    (void)core;
    if (req->connector_id.value < 0 || req->connector_id.value > INT32_MAX ||
        !energy_fits(&req->meter_start))
        return OUT_OF_RANGE;
    date(station, job, req->timestamp.unix_us);
    return PREPARED;
}

static enum prepared prepare_stop(
    struct core *core, struct core_station *station, struct core_job *job)
{
    const struct ocpp_stop_transaction_req *req = job->request;
    struct core_reading_source source = {
        .transaction_id = req->transaction_id.value,
        .has_transaction = true,
        .received_us = job->received_us,
    };

    (void)core;
    if (!energy_fits(&req->meter_stop))
        return OUT_OF_RANGE;
    date(station, job, req->timestamp.unix_us);
    if (req->transaction_data.count == 0)
        return PREPARED;
    if (!core_reading_convert(&job->readings, &source, &req->transaction_data))
        return NO_MEMORY;
    job->readings_json = core_reading_json(&job->readings);
    job->work.readings_json = job->readings_json;
    return job->readings_json != NULL ? PREPARED : NO_MEMORY;
}

/* A reading that we triggered says what the station's clock says now. */
static void clock_from_readings(
    struct core_station *station, const struct core_job *job, const struct core_reading_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].context, "Trigger") == 0) {
            core_clock_learn(&station->clock, list->items[i].at_us, job->received_us,
                asked_for(station, job));
            return; /* a message is one witness */
        }
}

/* Elements that could not be understood stay as evidence beside those that could. */
static bool lost_keep(struct core_job *job)
{
    job->payload = strndup(job->frame.payload, job->frame.payload_length);
    return job->payload != NULL &&
           core_reading_remark(&job->readings, job->deviations, job->payload);
}

static enum prepared prepare_readings(
    struct core *core, struct core_station *station, struct core_job *job)
{
    const struct ocpp_meter_values_req *req = job->request;
    struct core_reading_source source = {
        .connector = req->connector_id.value,
        .transaction_id = req->transaction_id.value,
        .has_transaction = req->transaction_id.present,
        .suspect = req->transaction_id.present && !open_has(station, req->transaction_id.value),
        .received_us = job->received_us,
    };

    (void)core;
    if (req->connector_id.value < 0 || req->connector_id.value > INT32_MAX)
        return OUT_OF_RANGE;
    if (!core_reading_convert(&job->readings, &source, &req->meter_value))
        return NO_MEMORY;
    if (job->readings.count == 0) /* nothing to keep but the message itself */
        return OUT_OF_RANGE;
    if (job->frame.elements_lost > 0 && !lost_keep(job))
        return NO_MEMORY;
    clock_from_readings(station, job, &job->readings);
    job->work.readings = job->readings.items;
    job->work.reading_count = job->readings.count;
    return PREPARED;
}

/* The list of what was tolerated goes with the row. */
static bool deviations_write(struct core_job *job)
{
    struct core_text text = {0};
    const struct ocpp_fault *fault;

    for (uint32_t i = 0; (fault = ocpp_frame_deviation(&job->frame, i)) != NULL; i++) {
        core_text_add(&text, i == 0 ? "[{" : ",{");
        core_text_member(&text, "code", ocpp_error_text(fault->error));
        core_text_member(&text, "member", fault->member);
        core_text_member(&text, "text", fault->text);
        core_text_add(&text, "}");
    }
    if (text.length == 0 && !text.failed)
        return true;
    core_text_add(&text, "]");
    job->deviations = core_text_take(&text);
    job->work.deviations = job->deviations;
    return job->deviations != NULL;
}

static void work_fill(const struct core_station *station, struct core_job *job)
{
    job->work.station = station->id;
    job->work.epoch = station->epoch;
    job->work.received_us = job->received_us;
    job->work.action = job->frame.action;
    job->work.action_name = job->frame.action_name;
    job->work.request = job->request;
    job->work.frame = job->text;
    job->work.kind = inbound[job->frame.action].kind;
}

static bool payload_copy(struct core_job *job)
{
    job->payload = strndup(job->frame.payload, job->frame.payload_length);
    job->work.text = job->payload;
    return job->payload != NULL;
}

/* Kept as it came, confirmed, reviewed. */
static void unusable(struct core *core, struct core_now now, struct core_station *station,
    const struct ocpp_fault *fault)
{
    struct core_job *job = station->job;

    core_count(core, CORE_NOTE_UNUSABLE, station, fault->member);
    if (fault != &job->fault)
        job->fault = *fault;
    job->work.kind = CORE_UNUSABLE;
    job->work.code = ocpp_error_text(job->fault.error);
    job->work.member = job->fault.member;
    station_job_submit(core, now, station);
}

static void out_of_range(struct core *core, struct core_now now, struct core_station *station)
{
    struct core_job *job = station->job;

    job->fault = (struct ocpp_fault){
        .error = OCPP_PROPERTY_CONSTRAINT_VIOLATION,
        .text = "A number is out of range, or the list is empty.",
    };
    if (evidence(job->frame.action))
        unusable(core, now, station, &job->fault);
    else
        refuse(core, now, station, job->fault.error, job->fault.text);
}

static void job_give(struct core *core, struct core_now now, struct core_station *station)
{
    struct core_job *job = station->job;
    const struct inbound *row = &inbound[job->frame.action];
    enum prepared prepared = PREPARED;

    if (row->kind == CORE_NOTE && !payload_copy(job))
        prepared = NO_MEMORY;
    if (prepared == PREPARED && !deviations_write(job))
        prepared = NO_MEMORY;
    if (prepared == PREPARED && row->prepare != NULL)
        prepared = row->prepare(core, station, job);
    if (prepared == NO_MEMORY) {
        job_end(station, now.wall_us);
        out_of_memory(core, now, station);
    } else if (prepared == OUT_OF_RANGE) {
        out_of_range(core, now, station);
    } else {
        station_job_submit(core, now, station);
    }
}

/* Whether a deviation is tolerated.  Evidence always is: it is not refused for what it says. */
static bool strictly_refused(const struct core *core, const struct core_station *station)
{
    const struct core_job *job = station->job;

    return job->verdict == OCPP_TOLERATED && !evidence(job->frame.action) &&
           core->ports.strict != NULL && core->ports.strict(core->ports.ctx, station->id);
}

static void job_unusable(struct core *core, struct core_now now, struct core_station *station)
{
    struct core_job *job = station->job;
    const struct ocpp_fault *fault = ocpp_frame_deviation(&job->frame, 0);

    assert(fault != NULL);
    if (fault->error == OCPP_INTERNAL_ERROR) {
        job_end(station, now.wall_us);
        out_of_memory(core, now, station);
    } else if (evidence(job->frame.action)) {
        unusable(core, now, station, fault);
    } else {
        refuse_for(core, now, station, fault);
    }
}

/* It is JSON and a CALL, so its text is evidence, whatever else stands in it or for its id. */
static void job_refused(struct core *core, struct core_now now, struct core_station *station)
{
    struct core_job *job = station->job;

    work_fill(station, job);
    if (evidence(job->frame.action))
        unusable(core, now, station, &job->fault);
    else
        refuse_for(core, now, station, &job->fault);
}

void station_job_start(
    struct core *core, struct core_now now, struct core_station *station, struct core_job *job)
{
    enum ocpp_action action = job->frame.action;

    assert(station->state == STATION_OPEN && station->job == NULL && station->work_token == 0);
    station->job = job;
    if (job->broken) {
        refuse_for(core, now, station, &job->fault);
        return;
    }
    if (action == OCPP_ACTION_NONE) {
        refuse(core, now, station, OCPP_NOT_IMPLEMENTED, "This action is not known.");
        return;
    }
    core->stats.requests[action]++;
    if (!(ocpp_action_sender(action) & OCPP_SENDER_PILE)) {
        refuse(core, now, station, OCPP_NOT_SUPPORTED, "This action is not sent by a pile.");
        return;
    }
    if (!may_send(station, job, action)) {
        refuse(core, now, station, OCPP_SECURITY_ERROR, "The charge point is not accepted.");
        return;
    }
    if (job->refused) {
        job_refused(core, now, station);
        return;
    }
    job->verdict = ocpp_frame_request(&job->frame, &job->request);
    work_fill(station, job);
    if (job->verdict == OCPP_UNUSABLE || strictly_refused(core, station)) {
        job_unusable(core, now, station);
        return;
    }
    if (job->verdict == OCPP_TOLERATED)
        core_count(core, CORE_NOTE_TOLERATED, station, job->frame.action_name);
    if (action == OCPP_HEARTBEAT)
        heartbeat(core, now, station);
    else
        job_give(core, now, station);
}

void station_job_submit(struct core *core, struct core_now now, struct core_station *station)
{
    struct core_job *job = station->job;

    (void)now;
    assert(job != NULL && station->work_token == 0 && !station->stalled);
    assert(job->work.kind != CORE_NO_WORK);
    job->work.token = core_token(core, station);
    if (core->ports.work(core->ports.ctx, &job->work)) {
        station->work_token = job->work.token;
    } else {
        station->stalled = true;
        core->stalled++;
    }
}

/* What the outcome tells of the station. */
static void learn(struct core_now now, struct core_station *station, const struct core_answer *row)
{
    const struct core_job *job = station->job;
    const struct ocpp_stop_transaction_req *stop = job->request;

    if (job->work.kind == CORE_BOOT) {
        station->registration = row->registration;
        station->booted_ms = now.mono_ms;
        station->hinted = true;
        core_clock_forget(&station->clock);
    } else if (job->frame.action == OCPP_START_TRANSACTION && row->transaction_id != 0) {
        open_add(station, row->transaction_id);
    } else if (job->work.kind == CORE_STOP) {
        open_remove(station, stop->transaction_id.value);
    }
}

/* A start does not wait for its hold, anything else is waited for by a worker. */
static void busy(struct core *core, struct core_now now, struct core_station *station)
{
    struct core_job *job = station->job;

    core_count(core, CORE_NOTE_BUSY, station, job->frame.action_name);
    if (job->work.kind == CORE_START && !job->work.unsecured) {
        job->work.unsecured = true;
    } else if (job->patience < CORE_PATIENT_MAX) {
        job->patience++;
        job->work.patient = true;
    } else {
        give_up(core, now, station, CORE_CLOSE_RESTART, "try again later");
        return;
    }
    station_job_submit(core, now, station);
}

/* The statement itself was refused: nothing is stored yet, so evidence is, by the plainest way. */
static void failed(struct core *core, struct core_now now, struct core_station *station)
{
    static const struct ocpp_fault fault = {
        .error = OCPP_INTERNAL_ERROR, .text = "The database has refused this message."};
    struct core_job *job = station->job;

    if (!evidence(job->frame.action))
        refuse(core, now, station, OCPP_INTERNAL_ERROR, fault.text);
    else if (job->work.kind != CORE_UNUSABLE)
        unusable(core, now, station, &fault);
    else
        give_up(core, now, station, CORE_CLOSE_INTERNAL, "cannot be stored now");
}

void station_job_done(struct core *core, struct core_now now, struct core_station *station,
    enum core_outcome outcome, const struct core_answer *answer)
{
    struct core_job *job = station->job;
    bool here = station->state == STATION_OPEN && station->conn.slot == job->conn.slot &&
                station->conn.generation == job->conn.generation;
    bool committed = outcome == CORE_DONE || outcome == CORE_REFUSED;
    bool start = job->frame.action == OCPP_START_TRANSACTION;

    if (outcome == CORE_REFUSED)
        core_count(core, CORE_NOTE_REFUSED, station, job->frame.action_name);
    if (committed)
        learn(now, station, answer);
    if (!here) {
        job_end(station, now.wall_us);
        return;
    }
    if (outcome == CORE_BUSY)
        busy(core, now, station);
    else if (outcome == CORE_AWAY)
        give_up(core, now, station, CORE_CLOSE_RESTART, "try again later");
    else if (outcome == CORE_FAILED || (start && answer->transaction_id <= 0))
        failed(core, now, station);
    else
        confirm(core, now, station, outcome, answer);
}
