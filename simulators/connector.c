/* connector.c - one connector's life: plug, authorize, charge, stop, unplug.
 *
 * Events carry their own time, which may lie a little before the moment they are worked in a live
 * run, and far in the past when catching up; energy is integrated between events at constant power,
 * so it does not depend on when the process was woken.  States: ocpp16, 7.
 */
#include "simulators/pile_parts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { CARD_S = 3, CABLE_S = 2, STEP_S = 10, UNPLUG_S = 15, REFUSED_S = 5 };

#define US_PER_S 1000000LL
#define US_PER_MS 1000LL

static bool catching_up(const struct sim_pile *pile)
{
    return pile->setup.until_us != 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void sim_connector_init(struct sim_pile *pile, uint32_t index, int64_t at_us)
{
    struct sim_connector *connector = &pile->connectors[index];

    connector->number = index + 1;
    connector->status = OCPP_CHARGE_POINT_STATUS_AVAILABLE;
    connector->reported = OCPP_UNKNOWN;
    connector->operative = true;
    sim_random_init(&connector->random, pile->setup.seed, pile->setup.spec->identity, index + 1);
    /* Meters have run before: a register that begins at 0 would hide a missing subtraction. */
    connector->meter.register_mwh =
        sim_random_between(&connector->random, 1000, 900000) * 1000000;
    connector->event_us = SIM_NEVER;
    connector->metered_us = at_us;
}

/* While catching up the present is reported, and the present is a free connector. */
void sim_connector_status(struct sim_pile *pile, struct sim_connector *connector, int status)
{
    if (!catching_up(pile))
        connector->status = status;
}

struct sim_reading sim_connector_read(const struct sim_pile *pile,
    const struct sim_connector *connector, int64_t at_us, enum sim_context context)
{
    bool dc = pile->setup.spec->model->dc;
    bool attached = connector->phase == SIM_CHARGING;
    struct sim_reading reading = {
        .at_us = at_us,
        .register_mwh = connector->meter.register_mwh,
        .power_mw = attached ? connector->power_mw : 0,
        .voltage_mv = dc ? 0 : 230000,
        .soc_ppm = -1,
        .context = context,
    };

    if (dc && attached) {
        reading.soc_ppm = sim_battery_soc_ppm(&connector->battery);
        reading.voltage_mv = 340000 + reading.soc_ppm * 80 / 1000;
    }
    return reading;
}

void sim_connector_plug(struct sim_pile *pile, struct sim_connector *connector, int64_t at_us)
{
    assert(connector->phase == SIM_IDLE);
    connector->phase = SIM_PLUGGED;
    connector->event_us = at_us + (connector->plan.remote ? CABLE_S : CARD_S) * US_PER_S;
    sim_connector_status(pile, connector, OCPP_CHARGE_POINT_STATUS_PREPARING);
}

static void leave(struct sim_pile *pile, struct sim_connector *connector, int64_t at_us)
{
    connector->phase = SIM_IDLE;
    connector->ask_authorize = false;
    if (connector->inoperative_after) {
        connector->inoperative_after = false;
        connector->operative = false;
    }
    sim_connector_status(pile, connector,
        connector->operative ? OCPP_CHARGE_POINT_STATUS_AVAILABLE
                             : OCPP_CHARGE_POINT_STATUS_UNAVAILABLE);
    sim_plan_next(pile, connector, at_us);
}

static int64_t offered_mw(const struct sim_pile *pile, const struct sim_connector *connector)
{
    const struct sim_model *model = pile->setup.spec->model;

    if (model->dc)
        return model->power_mw;
    return earlier(model->power_mw, connector->plan.vehicle->ac_limit_mw);
}

static int64_t drawn_mw(const struct sim_pile *pile, const struct sim_connector *connector)
{
    if (connector->full || connector->status == OCPP_CHARGE_POINT_STATUS_SUSPENDED_EVSE)
        return 0;
    if (connector->plan.power_mw) {
        return sim_battery_room_mwh(&connector->battery, SIM_PPM) ? connector->plan.power_mw : 0;
    }
    return sim_battery_power_mw(&connector->battery, offered_mw(pile, connector));
}

/* Sets the constant power from now on, and when that ends. */
static void look_ahead(struct sim_pile *pile, struct sim_connector *connector, int64_t at_us)
{
    int64_t room_mwh = sim_battery_room_mwh(&connector->battery, connector->plan.target_ppm);
    int64_t room_ms;

    connector->power_mw = drawn_mw(pile, connector);
    connector->event_us = earlier(connector->sample_us, connector->end_us);
    if (connector->power_mw == 0)
        return;
    room_ms = sim_meter_time_ms(&connector->meter, connector->power_mw, room_mwh);
    connector->event_us = earlier(connector->event_us, at_us + room_ms * US_PER_MS);
    connector->event_us = earlier(connector->event_us, at_us + STEP_S * US_PER_S);
}

static int64_t sample_interval_us(struct sim_pile *pile)
{
    return sim_config_int(&pile->config, SIM_KEY_MeterValueSampleInterval) * US_PER_S;
}

static void begin(struct sim_pile *pile, struct sim_connector *connector, int64_t at_us)
{
    struct sim_reading reading;
    int64_t interval_us = sample_interval_us(pile);

    sim_battery_init(&connector->battery, connector->plan.vehicle, connector->plan.soc_ppm);
    connector->phase = SIM_CHARGING;
    connector->full = false;
    connector->power_mw = 0;
    connector->begun++;
    reading = sim_connector_read(pile, connector, at_us, SIM_BEGIN);
    connector->session =
        sim_queue_begin(&pile->queue, connector->number, connector->plan.tag, &reading);
    if (!connector->session) {
        pile->truth.failed = true;
        return;
    }
    sim_truth_begin(&pile->truth, pile->queue.tail->seq, connector->session);
    pile->counts.sessions++;
    connector->metered_us = at_us;
    connector->sample_us = interval_us ? at_us + interval_us : SIM_NEVER;
    connector->end_us = at_us + connector->plan.seconds * US_PER_S;
    if (catching_up(pile))
        connector->end_us = earlier(connector->end_us, pile->setup.until_us);
    sim_connector_status(pile, connector, OCPP_CHARGE_POINT_STATUS_CHARGING);
    look_ahead(pile, connector, at_us);
}

static void present_card(struct sim_pile *pile, struct sim_connector *connector, int64_t at_us)
{
    bool online = pile->link == SIM_UP && pile->accepted && !catching_up(pile);
    bool free = connector->plan.remote &&
        !sim_config_bool(&pile->config, SIM_KEY_AuthorizeRemoteTxRequests);

    if (free || !online) {
        sim_connector_authorized(pile, connector, at_us,
            free || catching_up(pile) ||
                (sim_config_bool(&pile->config, SIM_KEY_LocalAuthorizeOffline) &&
                    sim_config_bool(&pile->config, SIM_KEY_AllowOfflineTxForUnknownId)));
        return;
    }
    connector->phase = SIM_AUTHORIZING;
    connector->ask_authorize = true;
    connector->event_us =
        at_us + sim_config_int(&pile->config, SIM_KEY_ConnectionTimeOut) * US_PER_S;
}

void sim_connector_authorized(struct sim_pile *pile, struct sim_connector *connector,
    int64_t at_us, bool accepted)
{
    connector->ask_authorize = false;
    if (accepted) {
        begin(pile, connector, at_us);
        return;
    }
    pile->counts.refused++;
    snprintf(pile->refusal, sizeof pile->refusal, "connector %u: the card %s was refused",
        connector->number, connector->plan.tag);
    connector->phase = SIM_FINISHING; /* B6: plugged in, to be unplugged */
    connector->event_us = at_us + REFUSED_S * US_PER_S;
    sim_connector_status(pile, connector, OCPP_CHARGE_POINT_STATUS_FINISHING);
}

static void meter(struct sim_connector *connector, int64_t to_us)
{
    int64_t before_mwh = connector->meter.register_mwh;

    assert(to_us >= connector->metered_us);
    sim_meter_advance(&connector->meter, connector->power_mw,
        (to_us - connector->metered_us) / US_PER_MS);
    connector->battery.energy_mwh += connector->meter.register_mwh - before_mwh;
    connector->metered_us = to_us;
}

void sim_connector_stop(struct sim_pile *pile, struct sim_connector *connector, int64_t at_us,
    const char *reason)
{
    struct sim_reading end;

    assert(connector->phase == SIM_CHARGING);
    if (at_us < connector->metered_us)
        at_us = connector->metered_us;
    meter(connector, at_us);
    end = sim_connector_read(pile, connector, at_us, SIM_END);
    if (!sim_queue_end(&pile->queue, connector->session, &end, reason)) {
        pile->truth.failed = true;
        return;
    }
    sim_truth_end(&pile->truth, pile->queue.tail->seq, connector->session);
    connector->session = NULL;
    connector->power_mw = 0;
    connector->phase = SIM_FINISHING;
    connector->event_us = at_us + UNPLUG_S * US_PER_S;
    if (catching_up(pile)) /* the past ends at now, with the cable back in its place */
        connector->event_us = earlier(connector->event_us, pile->setup.until_us);
    sim_connector_status(pile, connector, OCPP_CHARGE_POINT_STATUS_FINISHING);
}

static void sample(struct sim_pile *pile, struct sim_connector *connector, int64_t at_us)
{
    struct sim_reading reading = sim_connector_read(pile, connector, at_us, SIM_PERIODIC);
    int64_t interval_us = sample_interval_us(pile);

    connector->sample_us = interval_us ? at_us + interval_us : SIM_NEVER;
    if (!sim_queue_reading(&pile->queue, connector->session, &reading)) {
        pile->truth.failed = true;
        return;
    }
    sim_truth_reading(&pile->truth, pile->queue.tail->seq, connector->session->number, &reading);
}

static const char *own_reason(struct sim_connector *connector)
{
    if (connector->plan.asked || sim_random_below(&connector->random, 10) < 7)
        return "Local";
    return "EVDisconnected";
}

static void charge(struct sim_pile *pile, struct sim_connector *connector, int64_t at_us)
{
    meter(connector, at_us);
    if (at_us >= connector->end_us) {
        sim_connector_stop(pile, connector, at_us, own_reason(connector));
        return;
    }
    if (!connector->full &&
        sim_battery_room_mwh(&connector->battery, connector->plan.target_ppm) == 0) {
        connector->full = true;
        connector->end_us =
            earlier(connector->end_us, at_us + connector->plan.linger_s * US_PER_S);
        sim_connector_status(pile, connector, OCPP_CHARGE_POINT_STATUS_SUSPENDED_EV);
    }
    if (at_us >= connector->sample_us)
        sample(pile, connector, at_us);
    look_ahead(pile, connector, at_us);
}

static void act(struct sim_pile *pile, struct sim_connector *connector, int64_t at_us)
{
    switch (connector->phase) {
    case SIM_IDLE:
        sim_connector_plug(pile, connector, at_us);
        break;
    case SIM_PLUGGED:
        if (pile->ended)
            leave(pile, connector, at_us);
        else
            present_card(pile, connector, at_us);
        break;
    case SIM_CHARGING:
        charge(pile, connector, at_us);
        break;
    case SIM_AUTHORIZING: /* B1: nobody answered in ConnectionTimeOut */
    case SIM_FINISHING:
        leave(pile, connector, at_us);
        break;
    }
}

static struct sim_connector *first_due(struct sim_pile *pile)
{
    struct sim_connector *first = &pile->connectors[0];

    for (uint32_t i = 1; i < pile->connector_count; i++) {
        if (pile->connectors[i].event_us < first->event_us)
            first = &pile->connectors[i];
    }
    return first;
}

int64_t sim_connectors_next_us(const struct sim_pile *pile)
{
    int64_t next_us = SIM_NEVER;

    for (uint32_t i = 0; i < pile->connector_count; i++)
        next_us = earlier(next_us, pile->connectors[i].event_us);
    return next_us;
}

void sim_connectors_advance(struct sim_pile *pile, int64_t to_us)
{
    while (!pile->truth.failed) {
        struct sim_connector *connector = first_due(pile);
        int64_t at_us = connector->event_us;

        if (at_us > to_us)
            return;
        /* A pile that catches up makes its past only as fast as it can tell it. */
        if (catching_up(pile) && pile->queue.count >= SIM_QUEUE_AHEAD)
            return;
        act(pile, connector, at_us);
    }
}
