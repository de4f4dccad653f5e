/* pile.c - a pile's connection and calls: boot, answers to its CALLs, failures, time.  See pile.h.
 */
#include "simulators/pile_parts.h"

#include "ocpp/encode.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BACKOFF_FIRST_MS = 500, REBOOT_MS = 2000, GATE_MS = 5, US_PER_MS = 1000 };

static int64_t present_us(struct sim_now now)
{
    return now.wall_us / US_PER_MS * US_PER_MS;
}

static bool catching_up(const struct sim_pile *pile)
{
    return pile->setup.until_us != 0;
}

/* The power was away while a vehicle charged: the session ends where the memory ends. */
static bool end_interrupted(struct sim_pile *pile, const struct sim_recalled *recalled)
{
    for (struct sim_session *session = pile->queue.sessions; session; session = session->next) {
        struct sim_reading end = session->begin;

        if (session->ended)
            continue;
        end.register_mwh = recalled->register_mwh[session->connector - 1];
        end.at_us = recalled->metered_us[session->connector - 1];
        if (!sim_queue_end(&pile->queue, session, &end, "PowerLoss"))
            return false;
        sim_truth_end(&pile->truth, pile->queue.tail->seq, session);
    }
    return true;
}

static bool recall(struct sim_pile *pile, int64_t *from_us, struct sim_error *ret_error)
{
    struct sim_recalled recalled;

    if (!sim_truth_recall(&pile->truth, &pile->queue, &recalled, ret_error))
        return false;
    if (!end_interrupted(pile, &recalled)) {
        sim_error_set(ret_error, "no memory");
        return false;
    }
    if (recalled.last_us > *from_us)
        *from_us = recalled.last_us / US_PER_MS * US_PER_MS;
    for (uint32_t i = 0; i < pile->connector_count; i++) {
        if (recalled.known[i])
            pile->connectors[i].meter.register_mwh = recalled.register_mwh[i];
    }
    return true;
}

static bool configure(struct sim_pile *pile)
{
    char text[24];

    sim_config_init(&pile->config, pile->connector_count, pile->setup.spec->model->dc);
    snprintf(text, sizeof text, "%" PRId64, pile->setup.sample_interval_s);
    return sim_config_set(&pile->config, SIM_KEY_MeterValueSampleInterval, text);
}

bool sim_pile_init(struct sim_pile *pile, const struct sim_setup *setup, struct sim_now now,
    struct sim_error *ret_error)
{
    int64_t from_us = setup->until_us ? setup->from_us : present_us(now);

    memset(pile, 0, sizeof *pile);
    pile->setup = *setup;
    pile->truth.fd = -1;
    pile->key = setup->spec->key;
    pile->connector_count = setup->spec->model->connectors;
    pile->operative = true;
    pile->own_status = OCPP_CHARGE_POINT_STATUS_AVAILABLE;
    pile->own_reported = OCPP_UNKNOWN;
    pile->connect_ms = now.mono_ms;
    pile->next_id = 1;
    snprintf(pile->id_prefix, sizeof pile->id_prefix, "%" PRIx64, (uint64_t)now.wall_us);
    sim_random_init(&pile->random, setup->seed, setup->spec->identity, 0);
    sim_queue_init(&pile->queue);
    if (!configure(pile)) {
        sim_error_set(ret_error, "no memory");
        return false;
    }
    if (setup->truth_dir &&
        !sim_truth_open(&pile->truth, setup->truth_dir, setup->spec->identity, ret_error))
        return false;
    for (uint32_t i = 0; i < pile->connector_count; i++)
        sim_connector_init(pile, i, from_us);
    if (!recall(pile, &from_us, ret_error))
        return false;
    for (uint32_t i = 0; i < pile->connector_count; i++)
        sim_plan_next(pile, &pile->connectors[i], from_us);
    sim_truth_pile(&pile->truth, setup->spec, setup->seed, now.wall_us);
    return true;
}

void sim_pile_done(struct sim_pile *pile)
{
    if (!pile)
        return;
    sim_truth_close(&pile->truth);
    sim_queue_done(&pile->queue);
    sim_config_done(&pile->config);
}

void sim_pile_opened(struct sim_pile *pile, struct sim_now now)
{
    pile->link = SIM_UP;
    pile->counts.connects++;
    pile->backoff_ms = 0;
    pile->boot_ms = now.mono_ms;
    pile->heartbeat_ms = now.mono_ms +
        (uint64_t)sim_config_int(&pile->config, SIM_KEY_HeartbeatInterval) * 1000;
    sim_pile_tick(pile, now);
}

/* A question that nobody will answer: the pile falls back to what it may do offline. */
static void unanswered_card(struct sim_pile *pile, struct sim_now now)
{
    struct sim_connector *connector = &pile->connectors[pile->call.connector - 1];
    bool may = sim_config_bool(&pile->config, SIM_KEY_LocalAuthorizeOffline) &&
        sim_config_bool(&pile->config, SIM_KEY_AllowOfflineTxForUnknownId);

    if (connector->phase == SIM_AUTHORIZING)
        sim_connector_authorized(pile, connector, present_us(now), may);
}

static uint64_t next_backoff(struct sim_pile *pile)
{
    int64_t base_ms = pile->backoff_ms;

    pile->backoff_ms = base_ms ? base_ms * 2 : BACKOFF_FIRST_MS;
    if (pile->backoff_ms > pile->setup.backoff_max_ms)
        pile->backoff_ms = pile->setup.backoff_max_ms;
    return (uint64_t)sim_random_between(&pile->random, pile->backoff_ms / 2, pile->backoff_ms);
}

void sim_pile_closed(struct sim_pile *pile, struct sim_now now, const char *why)
{
    bool was_asking = pile->call.active && pile->call.origin == SIM_FROM_CONNECTOR;

    pile->link = SIM_DOWN;
    snprintf(pile->disconnect, sizeof pile->disconnect, "%s", why);
    pile->call.active = false;
    sim_queue_disconnected(&pile->queue);
    if (was_asking)
        unanswered_card(pile, now);
    pile->connect_ms = now.mono_ms + next_backoff(pile);
    if (pile->reboot_on_close) {
        pile->reboot_on_close = false;
        pile->accepted = false;
        pile->connect_ms = now.mono_ms + REBOOT_MS;
    }
}

static void report_all(struct sim_pile *pile)
{
    pile->own_reported = OCPP_UNKNOWN;
    for (uint32_t i = 0; i < pile->connector_count; i++)
        pile->connectors[i].reported = OCPP_UNKNOWN;
}

static void on_boot(struct sim_pile *pile, struct sim_now now,
    const struct ocpp_boot_notification_conf *conf)
{
    int64_t interval_s = conf->interval.present ? conf->interval.value : 0;
    char text[24];

    if (interval_s < 0 || interval_s > 86400)
        interval_s = 0;
    if (conf->status.value != OCPP_REGISTRATION_STATUS_ACCEPTED) {
        pile->boot_ms =
            now.mono_ms + (interval_s ? (uint64_t)interval_s * 1000 : SIM_BOOT_RETRY_MS);
        return;
    }
    pile->accepted = true;
    report_all(pile);
    if (interval_s == 0)
        return;
    snprintf(text, sizeof text, "%" PRId64, interval_s);
    if (!sim_config_set(&pile->config, SIM_KEY_HeartbeatInterval, text))
        pile->truth.failed = true;
    pile->heartbeat_ms = now.mono_ms + (uint64_t)interval_s * 1000;
}

static struct sim_connector *running(struct sim_pile *pile, const struct sim_session *session)
{
    for (uint32_t i = 0; i < pile->connector_count; i++) {
        if (pile->connectors[i].session == session)
            return &pile->connectors[i];
    }
    return NULL;
}

/* OCPP 1.6, 4.8: a transaction whose tag was not accepted is stopped, or only starved. */
static void on_start(struct sim_pile *pile, struct sim_now now,
    const struct ocpp_start_transaction_conf *conf)
{
    struct sim_session *session = pile->queue.head->session;
    struct sim_connector *connector = running(pile, session);
    const struct ocpp_enum *status = &conf->id_tag_info->status;

    sim_truth_answered(&pile->truth, pile->queue.head, now.wall_us, conf->transaction_id.value,
        status->text ? status->text : "");
    sim_queue_answered(&pile->queue, conf->transaction_id.value);
    if (status->value == OCPP_AUTHORIZATION_STATUS_ACCEPTED || !connector || catching_up(pile))
        return;
    pile->counts.refused++;
    snprintf(pile->refusal, sizeof pile->refusal, "connector %u: the start was answered %s",
        connector->number, status->text ? status->text : "without a status");
    if (sim_config_bool(&pile->config, SIM_KEY_StopTransactionOnInvalidId))
        sim_connector_stop(pile, connector, present_us(now), "DeAuthorized");
    else
        sim_connector_status(pile, connector, OCPP_CHARGE_POINT_STATUS_SUSPENDED_EVSE);
}

static void on_queued(struct sim_pile *pile, struct sim_now now, const void *conf)
{
    if (pile->call.action == OCPP_START_TRANSACTION) {
        on_start(pile, now, conf);
        return;
    }
    sim_truth_answered(&pile->truth, pile->queue.head, now.wall_us, 0, "");
    sim_queue_answered(&pile->queue, 0);
}

static void on_authorize(struct sim_pile *pile, struct sim_now now,
    const struct ocpp_authorize_conf *conf)
{
    struct sim_connector *connector = &pile->connectors[pile->call.connector - 1];

    if (connector->phase != SIM_AUTHORIZING)
        return;
    sim_connector_authorized(pile, connector, present_us(now),
        conf->id_tag_info->status.value == OCPP_AUTHORIZATION_STATUS_ACCEPTED);
}

/* A transaction message that failed while connected: the rule of attempts and intervals. */
static void queue_failed(struct sim_pile *pile, struct sim_now now, const char *why)
{
    struct sim_retry retry = {
        .attempts =
            (uint32_t)sim_config_int(&pile->config, SIM_KEY_TransactionMessageAttempts),
        .interval_ms = (uint64_t)sim_config_int(
                           &pile->config, SIM_KEY_TransactionMessageRetryInterval) *
            1000,
    };
    struct sim_entry *entry = pile->queue.head;

    if (entry->attempts + 1 >= retry.attempts)
        sim_truth_lost(&pile->truth, entry, now.wall_us);
    else
        sim_truth_failed(&pile->truth, entry, now.wall_us, why);
    if (sim_queue_failed(&pile->queue, &retry, now.mono_ms) == SIM_LOST)
        pile->counts.lost++;
}

static void call_failed(struct sim_pile *pile, struct sim_now now, const char *why)
{
    pile->call.active = false;
    if (pile->call.origin == SIM_FROM_QUEUE)
        queue_failed(pile, now, why);
    else if (pile->call.origin == SIM_FROM_CONNECTOR)
        unanswered_card(pile, now);
    else if (pile->call.action == OCPP_BOOT_NOTIFICATION)
        pile->boot_ms = now.mono_ms + SIM_BOOT_RETRY_MS;
}

static bool is_ours(const struct sim_pile *pile, const struct ocpp_frame *frame)
{
    const struct sim_call *call = &pile->call;

    return call->active && frame->id && frame->id_length == strlen(call->id) &&
        !memcmp(frame->id, call->id, frame->id_length);
}

static void on_result(struct sim_pile *pile, struct sim_now now, struct ocpp_frame *frame)
{
    const void *conf = NULL;

    if (!is_ours(pile, frame))
        return; /* a late answer: its call has failed already */
    if (ocpp_frame_confirmation(frame, pile->call.action, &conf) == OCPP_UNUSABLE) {
        call_failed(pile, now, "unusable confirmation");
        return;
    }
    pile->call.active = false;
    pile->counts.answered++;
    if (pile->call.origin == SIM_FROM_QUEUE)
        on_queued(pile, now, conf);
    else if (pile->call.action == OCPP_BOOT_NOTIFICATION)
        on_boot(pile, now, conf);
    else if (pile->call.origin == SIM_FROM_CONNECTOR)
        on_authorize(pile, now, conf);
}

static void on_error(struct sim_pile *pile, struct sim_now now, struct ocpp_frame *frame)
{
    char why[96];

    if (!is_ours(pile, frame))
        return;
    pile->counts.call_errors++;
    snprintf(why, sizeof why, "CALLERROR %.60s", frame->error_code ? frame->error_code : "");
    call_failed(pile, now, why);
    /* The system has not accepted us, whatever we remember. */
    if (frame->error_code && !strcmp(frame->error_code, "SecurityError")) {
        pile->accepted = false;
        pile->boot_ms = now.mono_ms + 1000;
    }
}

void sim_pile_frame(struct sim_pile *pile, struct sim_now now, const char *text, size_t length)
{
    struct ocpp_frame frame;
    struct ocpp_fault fault;

    if (ocpp_frame_read(text, length, &ocpp_limits_pile, &frame, &fault) == OCPP_READ_FRAME) {
        if (frame.type == OCPP_CALL)
            sim_answer(pile, now, &frame);
        else if (frame.type == OCPP_CALL_RESULT)
            on_result(pile, now, &frame);
        else
            on_error(pile, now, &frame);
    }
    ocpp_frame_done(&frame);
    sim_pile_tick(pile, now);
}

static void connect_if_due(struct sim_pile *pile, struct sim_now now)
{
    if (pile->link != SIM_DOWN || now.mono_ms < pile->connect_ms)
        return;
    pile->link = SIM_CONNECTING;
    pile->setup.ports->connect(pile->setup.ports->ctx, pile);
}

void sim_pile_tick(struct sim_pile *pile, struct sim_now now)
{
    int64_t to_us = catching_up(pile) ? pile->setup.until_us : now.wall_us;

    if (pile->call.active && now.mono_ms >= pile->call.deadline_ms) {
        pile->counts.timeouts++;
        call_failed(pile, now, "no answer");
    }
    sim_connectors_advance(pile, to_us);
    connect_if_due(pile, now);
    sim_pile_send_next(pile, now);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t connectors_due(const struct sim_pile *pile, struct sim_now now)
{
    int64_t next_us = sim_connectors_next_us(pile);

    if (catching_up(pile) || next_us == SIM_NEVER)
        return UINT64_MAX; /* a pile that catches up goes on with each answer */
    if (next_us <= now.wall_us)
        return now.mono_ms;
    return now.mono_ms + (uint64_t)((next_us - now.wall_us) / US_PER_MS) + 1;
}

uint64_t sim_pile_due(const struct sim_pile *pile, struct sim_now now)
{
    uint64_t due_ms = connectors_due(pile, now);

    if (pile->link == SIM_DOWN)
        return sooner(due_ms, pile->connect_ms);
    if (pile->link != SIM_UP)
        return due_ms;
    if (pile->call.active)
        return sooner(due_ms, pile->call.deadline_ms);
    if (!pile->accepted)
        return sooner(due_ms, pile->boot_ms);
    if (pile->gated)
        due_ms = sooner(due_ms, now.mono_ms + GATE_MS);
    if (pile->queue.head && pile->pace_ms > now.mono_ms)
        due_ms = sooner(due_ms, pile->pace_ms);
    if (pile->queue.head && pile->queue.not_before_ms > now.mono_ms)
        due_ms = sooner(due_ms, pile->queue.not_before_ms);
    return sooner(due_ms, pile->heartbeat_ms);
}

bool sim_pile_ask(struct sim_pile *pile, struct sim_now now, const struct sim_charge *charge)
{
    struct sim_connector *connector;

    if (charge->connector < 1 || charge->connector > pile->connector_count)
        return false;
    connector = &pile->connectors[charge->connector - 1];
    if (connector->phase != SIM_IDLE || connector->plan.asked)
        return false;
    sim_plan_ask(pile, connector, charge->tag);
    connector->plan.asked = true;
    connector->plan.soc_ppm = SIM_PPM / 5;
    connector->plan.target_ppm = SIM_PPM;
    connector->plan.power_mw = charge->power_mw;
    connector->plan.seconds = charge->seconds;
    connector->event_us = present_us(now) + charge->after_s * 1000000;
    return true;
}

void sim_pile_finish(struct sim_pile *pile, struct sim_now now)
{
    pile->ended = true;
    for (uint32_t i = 0; i < pile->connector_count; i++) {
        struct sim_connector *connector = &pile->connectors[i];

        if (connector->phase == SIM_CHARGING && !catching_up(pile))
            sim_connector_stop(pile, connector, present_us(now), "Local");
        else if (connector->phase == SIM_IDLE)
            connector->event_us = SIM_NEVER;
        else if (connector->phase == SIM_PLUGGED || connector->phase == SIM_AUTHORIZING)
            connector->event_us = present_us(now);
    }
    sim_pile_send_next(pile, now);
}

bool sim_pile_idle(const struct sim_pile *pile)
{
    if (pile->queue.count || pile->call.active)
        return false;
    for (uint32_t i = 0; i < pile->connector_count; i++) {
        const struct sim_connector *connector = &pile->connectors[i];

        if (connector->phase == SIM_FINISHING && pile->ended)
            continue; /* nobody waits for the cable */
        if (connector->phase != SIM_IDLE)
            return false;
        if (connector->event_us != SIM_NEVER && (connector->plan.asked || catching_up(pile)))
            return false;
    }
    return true;
}
