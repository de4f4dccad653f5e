/* pile_send.c - which CALL leaves next.  One is on its way at a time (OCPP-J 4.1.1).
 *
 * Before acceptance only BootNotification leaves.  Then: the first status of each connector since
 * the boot, a short queue (so that Start precedes Charging), changes of status, questions about
 * cards, what was triggered, a long queue, and Heartbeat when nothing else was said for a while.
 */
#include "simulators/build.h"

#include "ocpp/encode.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHORT_QUEUE = 2, US_PER_MS = 1000 };

static int64_t present_us(struct sim_now now)
{
    return now.wall_us / US_PER_MS * US_PER_MS;
}

static void send_call(struct sim_pile *pile, struct sim_now now, const struct sim_built *built,
    enum sim_origin origin)
{
    char text[SIM_TEXT_MAX];
    struct sim_call *call = &pile->call;
    size_t length;

    snprintf(call->id, sizeof call->id, "%s-%" PRIu64, pile->id_prefix, pile->next_id++);
    length = ocpp_encode_call(text, sizeof text, call->id, built->action, &built->req);
    assert(length > 0);
    call->active = true;
    call->action = built->action;
    call->origin = origin;
    call->deadline_ms =
        now.mono_ms + (uint64_t)sim_config_int(&pile->config, SIM_KEY_MessageTimeout) * 1000;
    pile->heartbeat_ms = now.mono_ms +
        (uint64_t)sim_config_int(&pile->config, SIM_KEY_HeartbeatInterval) * 1000;
    pile->counts.sent++;
    pile->setup.ports->send(pile->setup.ports->ctx, pile, text, length);
}

static bool send_boot(struct sim_pile *pile, struct sim_now now)
{
    struct sim_built built;

    if (now.mono_ms < pile->boot_ms)
        return false;
    sim_build_boot(pile, &built);
    send_call(pile, now, &built, SIM_FROM_PILE);
    return true;
}

/* `first`: only what was not reported since the boot. */
static bool send_status(struct sim_pile *pile, struct sim_now now, bool first)
{
    struct sim_built built;

    if (first ? pile->own_reported == OCPP_UNKNOWN : pile->own_reported != pile->own_status) {
        pile->own_reported = pile->own_status;
        sim_build_status(0, pile->own_status, present_us(now), &built);
        send_call(pile, now, &built, SIM_FROM_PILE);
        return true;
    }
    for (uint32_t i = 0; i < pile->connector_count; i++) {
        struct sim_connector *connector = &pile->connectors[i];

        if (first ? connector->reported != OCPP_UNKNOWN : connector->reported == connector->status)
            continue;
        connector->reported = connector->status;
        sim_build_status(connector->number, connector->status, present_us(now), &built);
        send_call(pile, now, &built, SIM_FROM_PILE);
        return true;
    }
    return false;
}

static bool send_authorize(struct sim_pile *pile, struct sim_now now)
{
    struct sim_built built = {.action = OCPP_AUTHORIZE};

    for (uint32_t i = 0; i < pile->connector_count; i++) {
        struct sim_connector *connector = &pile->connectors[i];

        if (!connector->ask_authorize)
            continue;
        connector->ask_authorize = false;
        built.req.authorize.id_tag = connector->plan.tag;
        pile->call.connector = connector->number;
        send_call(pile, now, &built, SIM_FROM_CONNECTOR);
        return true;
    }
    return false;
}

static bool send_triggered(struct sim_pile *pile, struct sim_now now)
{
    struct sim_built built = {.action = OCPP_HEARTBEAT};

    for (uint32_t i = 0; i < pile->connector_count; i++) {
        if (!pile->connectors[i].ask_meter)
            continue;
        pile->connectors[i].ask_meter = false;
        sim_build_trigger(pile, &pile->connectors[i], present_us(now), &built);
        send_call(pile, now, &built, SIM_FROM_PILE);
        return true;
    }
    if (pile->triggers & SIM_TRIGGER_DIAGNOSTICS) {
        pile->triggers &= ~(unsigned)SIM_TRIGGER_DIAGNOSTICS;
        built.action = OCPP_DIAGNOSTICS_STATUS_NOTIFICATION;
        built.req.diagnostics.status =
            (struct ocpp_enum){.value = OCPP_DIAGNOSTICS_STATUS_IDLE, .present = true};
    } else if (pile->triggers & SIM_TRIGGER_FIRMWARE) {
        pile->triggers &= ~(unsigned)SIM_TRIGGER_FIRMWARE;
        built.action = OCPP_FIRMWARE_STATUS_NOTIFICATION;
        built.req.firmware.status =
            (struct ocpp_enum){.value = OCPP_FIRMWARE_STATUS_IDLE, .present = true};
    } else if (pile->triggers & SIM_TRIGGER_HEARTBEAT || now.mono_ms >= pile->heartbeat_ms) {
        pile->triggers &= ~(unsigned)SIM_TRIGGER_HEARTBEAT;
    } else {
        return false;
    }
    send_call(pile, now, &built, SIM_FROM_PILE);
    return true;
}

static bool send_queued(struct sim_pile *pile, struct sim_now now)
{
    const struct sim_ports *ports = pile->setup.ports;
    struct sim_entry *entry = sim_queue_due(&pile->queue, now.mono_ms);
    struct sim_built built;
    char payload[SIM_TEXT_MAX / 4];

    if (now.mono_ms < pile->pace_ms)
        return false;
    pile->gated = entry && ports->may_send && !ports->may_send(ports->ctx, pile, entry);
    if (!entry || pile->gated)
        return false;
    sim_build_entry(pile, entry, &built);
    if (ocpp_encode_payload(payload, sizeof payload, built.action, false, &built.req) == 0)
        assert(false);
    send_call(pile, now, &built, SIM_FROM_QUEUE);
    pile->pace_ms = now.mono_ms + (uint64_t)pile->setup.pace_ms;
    sim_truth_sent(&pile->truth, entry, pile->call.id, now.wall_us, payload);
    sim_queue_sent(&pile->queue);
    return true;
}

void sim_pile_send_next(struct sim_pile *pile, struct sim_now now)
{
    if (pile->link != SIM_UP || pile->call.active || pile->truth.failed || pile->reboot_on_close)
        return;
    if (!pile->accepted) {
        send_boot(pile, now);
        return;
    }
    if (send_status(pile, now, true))
        return;
    if (pile->queue.count <= SHORT_QUEUE && send_queued(pile, now))
        return;
    if (send_status(pile, now, false) || send_authorize(pile, now) || send_queued(pile, now))
        return;
    send_triggered(pile, now);
}
