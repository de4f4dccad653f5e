/* answer.c - what the pile says to the system's CALLs.
 *
 * One row an action, indexed by the catalogue's own numbers; an action without a row is known but
 * not supported.  The confirmation leaves before anything that it promises (OCPP 1.6, 5.17).
 */
#include "simulators/pile_parts.h"

#include "ocpp/encode.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { US_PER_MS = 1000, NO_LIST = -1 };

struct answering {
    struct sim_pile *pile;
    struct sim_now now;
    int64_t at_us;
    const void *req;
    const char *id;
    enum ocpp_action action;
};

static struct ocpp_enum choice(int value)
{
    return (struct ocpp_enum){.value = value, .present = true};
}

static void send_text(struct sim_pile *pile, const char *text, size_t length)
{
    assert(length > 0);
    pile->setup.ports->send(pile->setup.ports->ctx, pile, text, length);
}

static void confirm(struct answering *answering, const void *conf)
{
    char text[SIM_TEXT_MAX];
    size_t length =
        ocpp_encode_result(text, sizeof text, answering->id, answering->action, conf);

    send_text(answering->pile, text, length);
}

static void refuse(struct sim_pile *pile, const struct ocpp_frame *frame, enum ocpp_error error,
    const char *why)
{
    char text[SIM_TEXT_MAX / 4];

    send_text(pile, text, ocpp_encode_error(text, sizeof text, frame->id, error, why));
}

static struct sim_connector *connector_of(struct sim_pile *pile, const struct ocpp_int *number)
{
    if (!number->present || number->value < 1 || number->value > pile->connector_count)
        return NULL;
    return &pile->connectors[number->value - 1];
}

static struct sim_connector *free_connector(struct sim_pile *pile)
{
    for (uint32_t i = 0; i < pile->connector_count; i++) {
        if (pile->connectors[i].phase == SIM_IDLE && pile->connectors[i].operative)
            return &pile->connectors[i];
    }
    return NULL;
}

static void remote_start(struct answering *answering)
{
    const struct ocpp_remote_start_transaction_req *req = answering->req;
    struct sim_pile *pile = answering->pile;
    struct sim_connector *connector = req->connector_id.present
        ? connector_of(pile, &req->connector_id)
        : free_connector(pile);
    bool good = connector && connector->phase == SIM_IDLE && connector->operative &&
        !pile->setup.until_us && !pile->ended && strlen(req->id_tag) <= SIM_TAG_MAX;
    struct ocpp_remote_start_transaction_conf conf = {
        .status = choice(good ? OCPP_REMOTE_START_STOP_STATUS_ACCEPTED
                              : OCPP_REMOTE_START_STOP_STATUS_REJECTED)};

    confirm(answering, &conf);
    if (!good)
        return;
    sim_plan_ask(pile, connector, req->id_tag);
    connector->plan.remote = true;
    sim_connector_plug(pile, connector, answering->at_us);
}

static void remote_stop(struct answering *answering)
{
    const struct ocpp_remote_stop_transaction_req *req = answering->req;
    struct sim_pile *pile = answering->pile;
    struct sim_connector *connector = NULL;
    struct ocpp_remote_stop_transaction_conf conf;

    for (uint32_t i = 0; i < pile->connector_count; i++) {
        const struct sim_session *session = pile->connectors[i].session;

        if (session && session->started && session->transaction_id == req->transaction_id.value)
            connector = &pile->connectors[i];
    }
    if (pile->setup.until_us)
        connector = NULL; /* what it catches up on has ended long ago */
    conf.status = choice(connector ? OCPP_REMOTE_START_STOP_STATUS_ACCEPTED
                                   : OCPP_REMOTE_START_STOP_STATUS_REJECTED);
    confirm(answering, &conf);
    if (connector)
        sim_connector_stop(pile, connector, answering->at_us, "Remote");
}

static void stop_all(struct answering *answering, const char *reason)
{
    struct sim_pile *pile = answering->pile;

    for (uint32_t i = 0; i < pile->connector_count && !pile->setup.until_us; i++) {
        if (pile->connectors[i].phase == SIM_CHARGING)
            sim_connector_stop(pile, &pile->connectors[i], answering->at_us, reason);
    }
}

/* The stops are in the queue, which outlives the reset, and follow after the boot. */
static void reset(struct answering *answering)
{
    const struct ocpp_reset_req *req = answering->req;
    struct sim_pile *pile = answering->pile;
    struct ocpp_reset_conf conf = {.status = choice(OCPP_RESET_STATUS_ACCEPTED)};

    confirm(answering, &conf);
    stop_all(answering, req->type.value == OCPP_RESET_TYPE_HARD ? "HardReset" : "SoftReset");
    pile->reboot_on_close = true;
    pile->setup.ports->disconnect(pile->setup.ports->ctx, pile);
}

/* True if it takes effect at once. */
static bool set_operative(struct sim_connector *connector, bool operative)
{
    connector->inoperative_after = false;
    if (!operative && connector->phase != SIM_IDLE) {
        connector->inoperative_after = true;
        return false;
    }
    connector->operative = operative;
    if (connector->phase == SIM_IDLE)
        connector->status = operative ? OCPP_CHARGE_POINT_STATUS_AVAILABLE
                                      : OCPP_CHARGE_POINT_STATUS_UNAVAILABLE;
    return true;
}

static void change_availability(struct answering *answering)
{
    const struct ocpp_change_availability_req *req = answering->req;
    struct sim_pile *pile = answering->pile;
    struct sim_connector *connector = connector_of(pile, &req->connector_id);
    bool operative = req->type.value == OCPP_AVAILABILITY_TYPE_OPERATIVE;
    bool at_once = true;
    struct ocpp_change_availability_conf conf;

    if (req->connector_id.value == 0) {
        for (uint32_t i = 0; i < pile->connector_count; i++)
            at_once &= set_operative(&pile->connectors[i], operative);
        pile->own_status = operative ? OCPP_CHARGE_POINT_STATUS_AVAILABLE
                                     : OCPP_CHARGE_POINT_STATUS_UNAVAILABLE;
    } else if (connector) {
        at_once = set_operative(connector, operative);
    }
    if (req->connector_id.value != 0 && !connector)
        conf.status = choice(OCPP_AVAILABILITY_STATUS_REJECTED);
    else
        conf.status = choice(at_once ? OCPP_AVAILABILITY_STATUS_ACCEPTED
                                     : OCPP_AVAILABILITY_STATUS_SCHEDULED);
    confirm(answering, &conf);
}

static void list_all(struct sim_pile *pile, struct ocpp_key_value *rows, uint32_t *count)
{
    for (int key = 0; key < SIM_KEY_COUNT; key++) {
        const char *value = sim_config_value(&pile->config, key);

        if (!value)
            continue; /* AuthorizationKey can only be written */
        rows[(*count)++] = (struct ocpp_key_value){
            .key = sim_config_name(key),
            .value = key == SIM_KEY_NumberOfConnectors ? NULL : value,
            .readonly = {.value = sim_config_readonly(key), .present = true}};
    }
}

static void list_some(struct sim_pile *pile, const struct ocpp_strings *names,
    struct ocpp_key_value *rows, struct ocpp_get_configuration_conf *conf)
{
    static const char *unknown[SIM_KEY_COUNT * 2];

    for (uint32_t i = 0; i < names->count && i < SIM_KEY_COUNT * 2; i++) {
        int key = sim_config_find(names->items[i]);

        if (key < 0 || !sim_config_value(&pile->config, key)) {
            unknown[conf->unknown_key.count++] = names->items[i];
            continue;
        }
        rows[conf->configuration_key.count++] = (struct ocpp_key_value){
            .key = sim_config_name(key),
            .value = key == SIM_KEY_NumberOfConnectors ? NULL
                                                       : sim_config_value(&pile->config, key),
            .readonly = {.value = sim_config_readonly(key), .present = true}};
    }
    conf->unknown_key.items = unknown;
    conf->unknown_key.present = conf->unknown_key.count > 0;
}

static void get_configuration(struct answering *answering)
{
    const struct ocpp_get_configuration_req *req = answering->req;
    struct sim_pile *pile = answering->pile;
    struct ocpp_key_value rows[SIM_KEY_COUNT * 2];
    struct ocpp_get_configuration_conf conf = {.unknown_key = {.count = 0}};
    char connectors[16];

    snprintf(connectors, sizeof connectors, "%u", pile->connector_count);
    if (req->key.count == 0)
        list_all(pile, rows, &conf.configuration_key.count);
    else
        list_some(pile, &req->key, rows, &conf);
    for (uint32_t i = 0; i < conf.configuration_key.count; i++) {
        if (!rows[i].value)
            rows[i].value = connectors;
    }
    conf.configuration_key.items = rows;
    conf.configuration_key.present = true;
    confirm(answering, &conf);
}

static void change_configuration(struct answering *answering)
{
    const struct ocpp_change_configuration_req *req = answering->req;
    struct sim_pile *pile = answering->pile;
    enum sim_change change = sim_config_change(&pile->config, req->key, req->value);
    struct ocpp_change_configuration_conf conf;

    conf.status = choice(change == SIM_CHANGE_ACCEPTED ? OCPP_CONFIGURATION_STATUS_ACCEPTED
            : change == SIM_CHANGE_REJECTED            ? OCPP_CONFIGURATION_STATUS_REJECTED
                                                       : OCPP_CONFIGURATION_STATUS_NOT_SUPPORTED);
    confirm(answering, &conf);
    if (change != SIM_CHANGE_ACCEPTED)
        return;
    if (sim_config_find(req->key) == SIM_KEY_AuthorizationKey &&
        sim_key_read(req->value, &pile->key)) /* A01: back with the new key */
        pile->setup.ports->disconnect(pile->setup.ports->ctx, pile);
}

static void trigger_statuses(struct sim_pile *pile, const struct ocpp_int *number)
{
    struct sim_connector *connector = connector_of(pile, number);

    if (connector) {
        connector->reported = OCPP_UNKNOWN;
        return;
    }
    pile->own_reported = OCPP_UNKNOWN;
    for (uint32_t i = 0; i < pile->connector_count && !number->present; i++)
        pile->connectors[i].reported = OCPP_UNKNOWN;
}

static void trigger_meters(struct sim_pile *pile, const struct ocpp_int *number)
{
    for (uint32_t i = 0; i < pile->connector_count; i++) {
        if (!number->present || number->value == (int64_t)i + 1)
            pile->connectors[i].ask_meter = true;
    }
}

static void trigger_message(struct answering *answering)
{
    const struct ocpp_trigger_message_req *req = answering->req;
    struct sim_pile *pile = answering->pile;
    bool known = !req->connector_id.present || req->connector_id.value == 0 ||
        connector_of(pile, &req->connector_id);
    struct ocpp_trigger_message_conf conf = {
        .status = choice(OCPP_TRIGGER_MESSAGE_STATUS_ACCEPTED)};

    /* Errata 3.40: an accepted pile does not boot because it is asked to. */
    if (!known ||
        (req->requested_message.value == OCPP_MESSAGE_TRIGGER_BOOT_NOTIFICATION && pile->accepted))
        conf.status = choice(OCPP_TRIGGER_MESSAGE_STATUS_REJECTED);
    if (req->requested_message.value == OCPP_UNKNOWN)
        conf.status = choice(OCPP_TRIGGER_MESSAGE_STATUS_NOT_IMPLEMENTED);
    confirm(answering, &conf);
    if (conf.status.value != OCPP_TRIGGER_MESSAGE_STATUS_ACCEPTED)
        return;
    switch (req->requested_message.value) {
    case OCPP_MESSAGE_TRIGGER_BOOT_NOTIFICATION:
        pile->boot_ms = answering->now.mono_ms;
        break;
    case OCPP_MESSAGE_TRIGGER_DIAGNOSTICS_STATUS_NOTIFICATION:
        pile->triggers |= SIM_TRIGGER_DIAGNOSTICS;
        break;
    case OCPP_MESSAGE_TRIGGER_FIRMWARE_STATUS_NOTIFICATION:
        pile->triggers |= SIM_TRIGGER_FIRMWARE;
        break;
    case OCPP_MESSAGE_TRIGGER_HEARTBEAT:
        pile->triggers |= SIM_TRIGGER_HEARTBEAT;
        break;
    case OCPP_MESSAGE_TRIGGER_METER_VALUES:
        trigger_meters(pile, &req->connector_id);
        break;
    default: /* StatusNotification is all that is left */
        trigger_statuses(pile, &req->connector_id);
    }
}

/* A DC cable is part of the pile.  On AC a running transaction ends first (OCTT TC_018_1). */
static void unlock_connector(struct answering *answering)
{
    const struct ocpp_unlock_connector_req *req = answering->req;
    struct sim_pile *pile = answering->pile;
    struct sim_connector *connector = connector_of(pile, &req->connector_id);
    struct ocpp_unlock_connector_conf conf = {.status = choice(OCPP_UNLOCK_STATUS_UNLOCKED)};

    if (!connector || pile->setup.spec->model->dc)
        conf.status = choice(OCPP_UNLOCK_STATUS_NOT_SUPPORTED);
    confirm(answering, &conf);
    if (conf.status.value == OCPP_UNLOCK_STATUS_UNLOCKED && connector->phase == SIM_CHARGING &&
        !pile->setup.until_us)
        sim_connector_stop(pile, connector, answering->at_us, "UnlockCommand");
}

static void clear_cache(struct answering *answering)
{
    struct ocpp_clear_cache_conf conf = {.status = choice(OCPP_CLEAR_CACHE_STATUS_REJECTED)};

    confirm(answering, &conf); /* there is no cache */
}

static void data_transfer(struct answering *answering)
{
    struct ocpp_data_transfer_conf conf = {
        .status = choice(OCPP_DATA_TRANSFER_STATUS_UNKNOWN_VENDOR_ID)};

    confirm(answering, &conf);
}

static void get_local_list_version(struct answering *answering)
{
    struct ocpp_get_local_list_version_conf conf = {
        .list_version = {.value = NO_LIST, .present = true}};

    confirm(answering, &conf);
}

static void send_local_list(struct answering *answering)
{
    struct ocpp_send_local_list_conf conf = {.status = choice(OCPP_UPDATE_STATUS_NOT_SUPPORTED)};

    confirm(answering, &conf);
}

static void reserve_now(struct answering *answering)
{
    struct ocpp_reserve_now_conf conf = {.status = choice(OCPP_RESERVATION_STATUS_REJECTED)};

    confirm(answering, &conf);
}

static void cancel_reservation(struct answering *answering)
{
    struct ocpp_cancel_reservation_conf conf = {
        .status = choice(OCPP_CANCEL_RESERVATION_STATUS_REJECTED)};

    confirm(answering, &conf);
}

static void set_charging_profile(struct answering *answering)
{
    struct ocpp_set_charging_profile_conf conf = {
        .status = choice(OCPP_CHARGING_PROFILE_STATUS_NOT_SUPPORTED)};

    confirm(answering, &conf);
}

static void clear_charging_profile(struct answering *answering)
{
    struct ocpp_clear_charging_profile_conf conf = {
        .status = choice(OCPP_CLEAR_CHARGING_PROFILE_STATUS_UNKNOWN)};

    confirm(answering, &conf);
}

static void get_composite_schedule(struct answering *answering)
{
    struct ocpp_get_composite_schedule_conf conf = {
        .status = choice(OCPP_GET_COMPOSITE_SCHEDULE_STATUS_REJECTED)};

    confirm(answering, &conf);
}

static void get_diagnostics(struct answering *answering)
{
    struct ocpp_get_diagnostics_conf conf = {.file_name = NULL};

    confirm(answering, &conf); /* there is nothing to upload */
}

static void (*const handlers[OCPP_ACTION_COUNT])(struct answering *) = {
    [OCPP_REMOTE_START_TRANSACTION] = remote_start,
    [OCPP_REMOTE_STOP_TRANSACTION] = remote_stop,
    [OCPP_RESET] = reset,
    [OCPP_CHANGE_AVAILABILITY] = change_availability,
    [OCPP_GET_CONFIGURATION] = get_configuration,
    [OCPP_CHANGE_CONFIGURATION] = change_configuration,
    [OCPP_TRIGGER_MESSAGE] = trigger_message,
    [OCPP_UNLOCK_CONNECTOR] = unlock_connector,
    [OCPP_CLEAR_CACHE] = clear_cache,
    [OCPP_DATA_TRANSFER] = data_transfer,
    [OCPP_GET_LOCAL_LIST_VERSION] = get_local_list_version,
    [OCPP_SEND_LOCAL_LIST] = send_local_list,
    [OCPP_RESERVE_NOW] = reserve_now,
    [OCPP_CANCEL_RESERVATION] = cancel_reservation,
    [OCPP_SET_CHARGING_PROFILE] = set_charging_profile,
    [OCPP_CLEAR_CHARGING_PROFILE] = clear_charging_profile,
    [OCPP_GET_COMPOSITE_SCHEDULE] = get_composite_schedule,
    [OCPP_GET_DIAGNOSTICS] = get_diagnostics,
};

void sim_answer(struct sim_pile *pile, struct sim_now now, struct ocpp_frame *frame)
{
    struct answering answering = {.pile = pile,
        .now = now,
        .at_us = now.wall_us / US_PER_MS * US_PER_MS,
        .id = frame->id,
        .action = frame->action};

    pile->counts.commands++;
    if (frame->action == OCPP_ACTION_NONE) {
        refuse(pile, frame, OCPP_NOT_IMPLEMENTED, "this action is not known here");
        return;
    }
    if (!handlers[frame->action]) {
        refuse(pile, frame, OCPP_NOT_SUPPORTED, "this pile does not support the action");
        return;
    }
    if (ocpp_frame_request(frame, &answering.req) == OCPP_UNUSABLE) {
        const struct ocpp_fault *fault = ocpp_frame_deviation(frame, 0);

        refuse(pile, frame, fault ? fault->error : OCPP_FORMATION_VIOLATION,
            fault ? fault->text : "");
        return;
    }
    handlers[frame->action](&answering);
}
