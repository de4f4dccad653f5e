/* call.c - our calls to a station: a command is claimed, sent, and ends exactly once.
 *
 * The claim is committed before the CALL leaves.  One CALL is outstanding at a time, and none
 * leaves while a CALL of the station is being worked, since some stations cannot do both.
 * A claim is undone only while its CALL has not been handed to a socket.
 */
#include "csms/core/inside.h"

#include "ocpp/encode.h"
#include "ocpp/json.h"

#include "csms/core/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What a confirmation without a status means, its action says. */
static const char no_status[] = "no_status";

/* What counts as yes among the statuses of all confirmations. */
static const char *const yes[] = {
    "Accepted", "Scheduled", "RebootRequired", "Unlocked", "AcceptedCanceled"};

/* And as no.  Any other word asserts neither: nobody knows what the pile did. */
static const char *const no[] = {"Rejected", "NotSupported", "NotImplemented", "Failed",
    "VersionMismatch", "UnlockFailed", "Occupied", "Faulted", "Unavailable", "Unknown", "NotFound",
    "UnknownMessageId", "UnknownVendorId", "InvalidCertificate", "RevokedCertificate"};

/* Which claim of which command came to which end. */
struct ended {
    int64_t command;
    const char *message_id;
    enum ocpp_action action;
    const char *state;
};

static void answer_submit(struct core *core, struct core_now now,
    const struct core_station *station, const struct ended *ended, const char *answer)
{
    struct core_work work = {
        .kind = CORE_COMMAND_ANSWER,
        .station = station->id,
        .epoch = station->epoch,
        .received_us = now.wall_us,
        .action = ended->action,
        .command = ended->command,
        .message_id = ended->message_id,
        .state = ended->state,
        .text = answer,
    };

    core_count(core, CORE_NOTE_COMMAND_ENDED, station, ended->state);
    /* Without room the row stays `sent`, and becomes `unknown` when its time is over. */
    (void)core->ports.work(core->ports.ctx, &work);
}

/* The message id names this claim and no other. */
static void unsent_submit(struct core *core, struct core_now now,
    const struct core_station *station, int64_t command, const char *message_id)
{
    struct core_work work = {
        .kind = CORE_COMMAND_UNSENT,
        .station = station->id,
        .epoch = station->epoch,
        .received_us = now.wall_us,
        .action = OCPP_ACTION_NONE,
        .command = command,
        .message_id = message_id,
    };

    core_count(core, CORE_NOTE_COMMAND_UNSENT, station, message_id);
    /* Without room as with an answer. */
    (void)core->ports.work(core->ports.ctx, &work);
}

static void call_end(struct core *core, struct core_now now, struct core_station *station,
    const char *state, const char *answer)
{
    struct core_call *call = station->call;
    struct ended ended = {0};

    assert(call != NULL);
    ended = (struct ended){call->command, call->id, call->action, state};
    answer_submit(core, now, station, &ended, answer);
    free(call);
    station->call = NULL;
    core->calls--;
    station->hinted = true; /* the next one may wait already */
}

static bool may_receive(const struct core_station *station, enum ocpp_action action)
{
    if (station->registration == CORE_ACCEPTED)
        return true;
    return station->registration == CORE_PENDING && ocpp_action_gate(action) == OCPP_GATE_PENDING;
}

static void error_write(struct core_text *text, const char *code, const char *member,
    const char *description)
{
    core_text_add(text, "{");
    core_text_member(text, "code", code);
    if (member != NULL)
        core_text_member(text, "member", member);
    core_text_member(text, "text", description);
    core_text_add(text, "}");
}

/* A refusal of our own, with the reason as the answer. */
static void call_refuse(struct core *core, struct core_now now, struct core_station *station,
    const struct ended *ended, const struct ocpp_fault *fault)
{
    struct core_text text = {0};

    error_write(&text, ocpp_error_text(fault->error), fault->member, fault->text);
    answer_submit(core, now, station, ended, text.failed ? NULL : text.bytes);
    core_text_done(&text);
    station->hinted = true;
}

static enum ocpp_action triggered_action(enum ocpp_action action, const void *request)
{
    const struct ocpp_enum *message;

    if (action == OCPP_TRIGGER_MESSAGE)
        message = &((const struct ocpp_trigger_message_req *)request)->requested_message;
    else if (action == OCPP_EXTENDED_TRIGGER_MESSAGE)
        message = &((const struct ocpp_extended_trigger_message_req *)request)->requested_message;
    else
        return OCPP_ACTION_NONE;
    if (strcmp(message->text, "SignChargePointCertificate") == 0)
        return OCPP_SIGN_CERTIFICATE;
    return ocpp_action_find(message->text, strlen(message->text));
}

/* Writes the CALL into core->out; 0 and the fault if it must not leave. */
static size_t call_write(struct core *core, const struct core_answer *row, enum ocpp_action action,
    enum ocpp_action *ret_triggers, struct ocpp_fault *ret_fault)
{
    struct ocpp_frame frame = {0};
    const struct ocpp_fault *deviation;
    const void *request;
    size_t length = 0;

    *ret_fault = (struct ocpp_fault){
        .error = OCPP_GENERIC_ERROR, .text = "The command is too long to be sent."};
    if (ocpp_payload_read(row->payload, strlen(row->payload), action, false, &frame, &request) ==
        OCPP_EXACT) {
        *ret_triggers = triggered_action(action, request);
        length = ocpp_encode_call(
            core->out, sizeof core->out, row->message_id, action, request);
    } else {
        deviation = ocpp_frame_deviation(&frame, 0);
        if (deviation != NULL)
            *ret_fault = *deviation;
    }
    ocpp_frame_done(&frame);
    return length;
}

static struct core_call *call_new(struct core *core, const struct core_answer *row, size_t length)
{
    struct core_call *call = calloc(1, sizeof *call + length + 1);

    if (call == NULL)
        return NULL;
    call->command = row->command;
    call->timeout_ms =
        row->timeout_s > 0 ? (uint32_t)row->timeout_s * 1000 : core->config.call_timeout_ms;
    memcpy(call->id, row->message_id, strlen(row->message_id) + 1);
    memcpy(call->text, core->out, length);
    call->length = length;
    return call;
}

/* A committed claim becomes a call, or a refusal. */
static void call_make(struct core *core, struct core_now now, struct core_station *station,
    const struct core_answer *row)
{
    enum ocpp_action action = ocpp_action_find(row->action, strlen(row->action));
    enum ocpp_action triggers = OCPP_ACTION_NONE;
    struct ocpp_fault fault = {.error = OCPP_NOT_SUPPORTED, .text = "Not an action to a pile."};
    struct core_call *call = NULL;
    size_t length = 0;

    assert(station->call == NULL);
    if (action != OCPP_ACTION_NONE && ocpp_action_sender(action) & OCPP_SENDER_SYSTEM &&
        strlen(row->message_id) < sizeof call->id)
        length = call_write(core, row, action, &triggers, &fault);
    if (length != 0) {
        call = call_new(core, row, length);
        fault = (struct ocpp_fault){.error = OCPP_INTERNAL_ERROR, .text = "Out of memory."};
    }
    if (call == NULL) {
        struct ended ended = {row->command, row->message_id, action, "refused"};

        call_refuse(core, now, station, &ended, &fault);
        return;
    }
    call->action = action;
    call->triggers = triggers;
    call->epoch = station->epoch;
    station->call = call;
    core->calls++;
}

/* On a connection that is ending it stays as it is, and is put back when that is gone. */
static void call_send(struct core *core, struct core_now now, struct core_station *station)
{
    struct core_call *call = station->call;
    struct core_trace message = {
        .type = OCPP_CALL,
        .action = call->action,
        .action_name = ocpp_action_name(call->action),
        .message_id = call->id,
        .text = call->text,
        .length = call->length,
    };

    assert(call->epoch == station->epoch && !call->sent);
    if (!station_send(core, now, station, &message))
        return;
    call->sent = true;
    call->sent_us = now.wall_us;
    call->deadline_ms = now.mono_ms + call->timeout_ms;
    if (call->triggers != OCPP_ACTION_NONE) {
        station->triggered = call->triggers;
        station->triggered_ms = now.mono_ms;
    }
    core_count(core, CORE_NOTE_COMMAND, station, ocpp_action_name(call->action));
}

/* What is claimed and not sent yet; a boot in between may have changed what may be sent. */
static void call_release(struct core *core, struct core_now now, struct core_station *station)
{
    static const struct ocpp_fault fault = {
        .error = OCPP_SECURITY_ERROR, .text = "The charge point is not accepted."};
    struct core_call *call = station->call;
    struct ended ended = {call->command, call->id, call->action, "refused"};

    if (may_receive(station, call->action)) {
        call_send(core, now, station);
        return;
    }
    station->call = NULL;
    core->calls--;
    call_refuse(core, now, station, &ended, &fault);
    free(call);
}

void call_next(struct core *core, struct core_now now, struct core_station *station)
{
    struct core_work work = {
        .kind = CORE_COMMAND_NEXT,
        .station = station->id,
        .epoch = station->epoch,
        .received_us = now.wall_us,
        .action = OCPP_ACTION_NONE,
    };

    assert(station->state == STATION_OPEN && station->job == NULL);
    if (core->draining)
        return;
    if (station->call != NULL && !station->call->sent)
        call_release(core, now, station);
    if (station->call != NULL || station->command_token != 0 || !station->hinted)
        return;
    if (station->registration != CORE_ACCEPTED && station->registration != CORE_PENDING)
        return;
    work.token = core_token(core, station);
    if (!core->ports.work(core->ports.ctx, &work))
        return;
    station->hinted = false;
    station->command_token = work.token;
    station->command_epoch = station->epoch;
}

void call_claimed(struct core *core, struct core_now now, struct core_station *station,
    enum core_outcome outcome, const struct core_answer *answer)
{
    bool ours = station->state == STATION_OPEN && station->command_epoch == station->epoch;

    if (outcome != CORE_DONE || answer->command == 0)
        return;
    if (ours && !core->draining)
        call_make(core, now, station, answer);
    else
        unsent_submit(core, now, station, answer->command, answer->message_id);
}

static bool among(const char *status, const char *const *words, size_t count)
{
    for (size_t i = 0; status != NULL && i < count; i++)
        if (strcmp(status, words[i]) == 0)
            return true;
    return false;
}

/* Accepted or rejected, by the status that most confirmations have; by a word that no list has
 * nobody knows.  NULL: no memory to read it. */
static const char *verdict_of(const struct ocpp_frame *frame)
{
    struct ocpp_json *json =
        ocpp_json_read(frame->payload, frame->payload_length, &ocpp_limits_pile, NULL);
    const struct ocpp_node *member;
    const char *status, *verdict;

    if (json == NULL)
        return NULL;
    member = ocpp_json_member(ocpp_json_root(json), "status");
    status = ocpp_json_string(member);
    verdict = member == NULL ? no_status : "unknown";
    if (among(status, yes, sizeof yes / sizeof *yes))
        verdict = "accepted";
    else if (among(status, no, sizeof no / sizeof *no))
        verdict = "rejected";
    ocpp_json_free(json);
    return verdict;
}

/* The answer as it is kept: the confirmation, or the error. */
static void answer_write(struct core_text *text, const struct ocpp_frame *frame)
{
    char *payload;

    if (frame->type == OCPP_CALL_ERROR) {
        error_write(text, frame->error_code, NULL, frame->error_text);
        return;
    }
    payload = strndup(frame->payload, frame->payload_length);
    if (payload != NULL)
        core_text_add(text, payload);
    free(payload);
}

bool call_is(const struct core_station *station, const char *id)
{
    const struct core_call *call = station->call;

    return call != NULL && call->sent && id != NULL && strcmp(call->id, id) == 0;
}

/* Nothing holds back a pile that invents answers but this count. */
static bool late_may(struct core_station *station, struct core_now now)
{
    if (station->late_count == 0 || now.mono_ms - station->late_ms >= CORE_LATE_WINDOW_MS) {
        station->late_ms = now.mono_ms;
        station->late_count = 0;
    }
    if (station->late_count == CORE_LATE_MAX)
        return false;
    station->late_count++;
    return true;
}

/* No call waits for it.  One of ours may have, on an earlier connection or until its time was
 * over: the database knows it by its message id. */
static void call_late(struct core *core, struct core_now now, struct core_station *station,
    const struct ocpp_frame *frame)
{
    struct core_text text = {0};
    struct core_work work = {
        .kind = CORE_COMMAND_LATE,
        .station = station->id,
        .epoch = station->epoch,
        .received_us = now.wall_us,
        .action = OCPP_ACTION_NONE,
        .message_id = frame->id,
        .state = "call_error",
    };

    core_count(core, CORE_NOTE_UNMATCHED, station, frame->id);
    if (frame->id == NULL || strncmp(frame->id, "jb-", 3) != 0 ||
        strlen(frame->id) >= sizeof station->call->id || !late_may(station, now))
        return;
    if (frame->type != OCPP_CALL_ERROR)
        work.state = verdict_of(frame);
    if (work.state == NULL || strcmp(work.state, "unknown") == 0)
        return;
    answer_write(&text, frame);
    work.text = text.failed ? NULL : text.bytes;
    /* Without room the command stays as it is. */
    (void)core->ports.work(core->ports.ctx, &work);
    core_text_done(&text);
}

void call_answered(struct core *core, struct core_now now, struct core_station *station,
    struct ocpp_frame *frame)
{
    struct core_call *call = station->call;
    const struct ocpp_fault *fault;
    struct core_text text = {0};
    const char *state = "call_error";
    const void *conf;

    if (!call_is(station, frame->id)) {
        call_late(core, now, station, frame);
        return;
    }
    if (frame->type != OCPP_CALL_ERROR &&
        ocpp_frame_confirmation(frame, call->action, &conf) == OCPP_UNUSABLE) {
        fault = ocpp_frame_deviation(frame, 0);
        assert(fault != NULL);
        if (fault->error == OCPP_INTERNAL_ERROR) /* ours: no memory to decode it */
            state = "unknown";
        else
            error_write(&text, ocpp_error_text(fault->error), fault->member, fault->text);
    } else {
        if (frame->type != OCPP_CALL_ERROR)
            state = verdict_of(frame);
        if (state == no_status)
            state = "accepted";
        /* An `unknown` with an answer is the pile's own word, and the command is not repeated. */
        if (state != NULL)
            answer_write(&text, frame);
        else
            state = "unknown";
    }
    call_end(core, now, station, state, text.failed ? NULL : text.bytes);
    core_text_done(&text);
}

void call_tick(struct core *core, struct core_now now, struct core_station *station)
{
    if (station->call->sent && now.mono_ms >= station->call->deadline_ms)
        call_end(core, now, station, "timed_out", NULL);
}

void call_lost(struct core *core, struct core_now now, struct core_station *station)
{
    call_put_back(core, now, station);
    if (station->call != NULL)
        call_end(core, now, station, "unknown", NULL);
}

void call_put_back(struct core *core, struct core_now now, struct core_station *station)
{
    struct core_call *call = station->call;

    if (call == NULL || call->sent)
        return;
    unsent_submit(core, now, station, call->command, call->id);
    free(call);
    station->call = NULL;
    core->calls--;
}
