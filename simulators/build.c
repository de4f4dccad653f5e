/* build.c - see build.h.  Numbers leave as exact decimals; energy as whole Wh, as displayed. */
#include "simulators/build.h"

#include "ocpp/decimal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PHASES = 3 };

static struct ocpp_int whole(int64_t value)
{
    return (struct ocpp_int){.value = value, .present = true};
}

static struct ocpp_time instant(int64_t at_us)
{
    return (struct ocpp_time){.unix_us = at_us, .present = true};
}

static struct ocpp_enum choice(int value)
{
    return (struct ocpp_enum){.value = value, .present = true};
}

/* The specification keeps these two lists apart, though they mean the same. */
static int wire_context(enum sim_context context)
{
    switch (context) {
    case SIM_BEGIN:
        return OCPP_READING_CONTEXT_TRANSACTION_BEGIN;
    case SIM_END:
        return OCPP_READING_CONTEXT_TRANSACTION_END;
    case SIM_TRIGGER:
        return OCPP_READING_CONTEXT_TRIGGER;
    case SIM_PERIODIC:
        break;
    }
    return OCPP_READING_CONTEXT_SAMPLE_PERIODIC;
}

static struct ocpp_sampled_value *add(struct sim_samples *samples, int measurand, int unit,
    enum sim_context context)
{
    struct ocpp_sampled_value *item;

    assert(samples->count < SIM_SAMPLES_MAX);
    item = &samples->items[samples->count];
    item->value = samples->text[samples->count];
    item->context = choice(wire_context(context));
    item->measurand = choice(measurand);
    item->unit = choice(unit);
    samples->count++;
    return item;
}

static void put(struct sim_samples *samples, int64_t value, int scale)
{
    size_t length = ocpp_decimal_write(
        samples->text[samples->count - 1], SIM_SAMPLE_TEXT, value, scale);

    assert(length > 0);
}

static int64_t current_ma(const struct sim_reading *reading, int phases)
{
    if (reading->voltage_mv == 0)
        return 0;
    return reading->power_mw * 1000 / (reading->voltage_mv * phases);
}

static void add_currents(struct sim_samples *samples, const struct sim_reading *reading, bool dc)
{
    static const int phase[PHASES] = {OCPP_PHASE_L1, OCPP_PHASE_L2, OCPP_PHASE_L3};

    for (int i = 0; i < (dc ? 1 : PHASES); i++) {
        struct ocpp_sampled_value *item = add(samples, OCPP_MEASURAND_CURRENT_IMPORT,
            OCPP_UNIT_OF_MEASURE_A, reading->context);

        if (!dc)
            item->phase = choice(phase[i]);
        put(samples, current_ma(reading, dc ? 1 : PHASES), 3);
    }
}

static void add_voltages(struct sim_samples *samples, const struct sim_reading *reading, bool dc)
{
    static const int phase[PHASES] = {OCPP_PHASE_L1_N, OCPP_PHASE_L2_N, OCPP_PHASE_L3_N};

    for (int i = 0; i < (dc ? 1 : PHASES); i++) {
        struct ocpp_sampled_value *item =
            add(samples, OCPP_MEASURAND_VOLTAGE, OCPP_UNIT_OF_MEASURE_V, reading->context);

        if (!dc)
            item->phase = choice(phase[i]);
        put(samples, reading->voltage_mv, 3);
    }
}

static void add_energy(struct sim_samples *samples, const struct sim_reading *reading)
{
    add(samples, OCPP_MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER, OCPP_UNIT_OF_MEASURE_WH,
        reading->context);
    put(samples, sim_meter_wh(reading->register_mwh), 0);
}

/* What MeterValuesSampledData asks for, as far as this pile measures it.  The register always goes
 * along: a message without samples would say nothing. */
static void sample_all(struct sim_pile *pile, const struct sim_reading *reading,
    struct sim_samples *samples)
{
    bool dc = pile->setup.spec->model->dc;
    enum sim_key_name key = SIM_KEY_MeterValuesSampledData;

    add_energy(samples, reading);
    if (sim_config_lists(&pile->config, key, "Power.Active.Import")) {
        add(samples, OCPP_MEASURAND_POWER_ACTIVE_IMPORT, OCPP_UNIT_OF_MEASURE_W,
            reading->context);
        put(samples, reading->power_mw, 3);
    }
    if (sim_config_lists(&pile->config, key, "Current.Import"))
        add_currents(samples, reading, dc);
    if (sim_config_lists(&pile->config, key, "Voltage"))
        add_voltages(samples, reading, dc);
    if (reading->soc_ppm >= 0 && sim_config_lists(&pile->config, key, "SoC")) {
        add(samples, OCPP_MEASURAND_SOC, OCPP_UNIT_OF_MEASURE_PERCENT, reading->context)
            ->location = choice(OCPP_LOCATION_EV);
        put(samples, reading->soc_ppm / 1000, 1);
    }
}

static void value_of(struct sim_built *built, int index, const struct sim_reading *reading)
{
    struct ocpp_meter_value *value = &built->values[index];

    value->timestamp = instant(reading->at_us);
    value->sampled_value.items = built->samples[index].items;
    value->sampled_value.count = built->samples[index].count;
    value->sampled_value.present = true;
}

void sim_build_boot(struct sim_pile *pile, struct sim_built *ret)
{
    const struct sim_model *model = pile->setup.spec->model;

    memset(ret, 0, sizeof *ret);
    ret->action = OCPP_BOOT_NOTIFICATION;
    snprintf(ret->serial, sizeof ret->serial, "%.25s", pile->setup.spec->identity);
    ret->req.boot.charge_point_vendor = model->vendor;
    ret->req.boot.charge_point_model = model->model;
    ret->req.boot.charge_point_serial_number = ret->serial;
    ret->req.boot.firmware_version = "pilesim";
    ret->req.boot.meter_type = "exact";
}

void sim_build_status(uint32_t connector, int status, int64_t at_us, struct sim_built *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->action = OCPP_STATUS_NOTIFICATION;
    ret->req.status.connector_id = whole(connector);
    ret->req.status.error_code = choice(OCPP_CHARGE_POINT_ERROR_CODE_NO_ERROR);
    ret->req.status.status = choice(status);
    ret->req.status.timestamp = instant(at_us);
}

static void build_start(const struct sim_session *session, struct sim_built *ret)
{
    ret->action = OCPP_START_TRANSACTION;
    ret->req.start.connector_id = whole(session->connector);
    ret->req.start.id_tag = session->tag;
    ret->req.start.meter_start = whole(sim_meter_wh(session->begin.register_mwh));
    ret->req.start.timestamp = instant(session->begin.at_us);
}

static void build_stop(struct sim_pile *pile, const struct sim_session *session,
    struct sim_built *ret)
{
    struct ocpp_stop_transaction_req *stop = &ret->req.stop;

    ret->action = OCPP_STOP_TRANSACTION;
    stop->transaction_id = whole(session->transaction_id);
    stop->meter_stop = whole(sim_meter_wh(session->end.register_mwh));
    stop->timestamp = instant(session->end.at_us);
    stop->reason = choice(ocpp_enum_find(OCPP_ENUM_REASON, session->reason));
    if (!strcmp(session->reason, "Local"))
        stop->id_tag = session->tag;
    if (!*sim_config_value(&pile->config, SIM_KEY_StopTxnSampledData))
        return;
    add_energy(&ret->samples[0], &session->begin);
    add_energy(&ret->samples[1], &session->end);
    value_of(ret, 0, &session->begin);
    value_of(ret, 1, &session->end);
    stop->transaction_data.items = ret->values;
    stop->transaction_data.count = 2;
    stop->transaction_data.present = true;
}

static void build_meter(struct sim_pile *pile, uint32_t connector, int64_t transaction_id,
    const struct sim_reading *reading, struct sim_built *ret)
{
    struct ocpp_meter_values_req *meter = &ret->req.meter;

    ret->action = OCPP_METER_VALUES;
    meter->connector_id = whole(connector);
    if (transaction_id != 0)
        meter->transaction_id = whole(transaction_id);
    sample_all(pile, reading, &ret->samples[0]);
    value_of(ret, 0, reading);
    meter->meter_value.items = ret->values;
    meter->meter_value.count = 1;
    meter->meter_value.present = true;
}

void sim_build_entry(struct sim_pile *pile, const struct sim_entry *entry, struct sim_built *ret)
{
    const struct sim_session *session = entry->session;

    memset(ret, 0, sizeof *ret);
    switch (entry->message) {
    case SIM_START:
        build_start(session, ret);
        break;
    case SIM_READING:
        build_meter(pile, session->connector, session->transaction_id, &entry->reading, ret);
        break;
    case SIM_STOP:
        build_stop(pile, session, ret);
        break;
    }
}

void sim_build_trigger(struct sim_pile *pile, const struct sim_connector *connector,
    int64_t at_us, struct sim_built *ret)
{
    struct sim_reading reading = sim_connector_read(pile, connector, at_us, SIM_TRIGGER);

    memset(ret, 0, sizeof *ret);
    build_meter(pile, connector->number,
        connector->session && connector->session->started ? connector->session->transaction_id : 0,
        &reading, ret);
}
