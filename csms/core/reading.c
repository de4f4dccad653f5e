/* reading.c - see reading.h; the columns are those of core.meter_reading. */
#include "csms/core/reading.h"

#include "ocpp/catalogue.h"
#include "ocpp/datetime.h"
#include "ocpp/decimal.h"

#include "csms/core/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Years 0001 to 9999: what a time can be written with for the database, which has no year 0. */
static const int64_t EARLIEST_US = INT64_C(-62135596800) * 1000000;
static const int64_t LATEST_US = INT64_C(253402300799) * 1000000;

static const char *const quantity_names[CORE_QUANTITIES] = {
    [CORE_IMPORT_MWH] = "import_mwh",
    [CORE_EXPORT_MWH] = "export_mwh",
    [CORE_POWER_IMPORT_MW] = "power_import_mw",
    [CORE_POWER_EXPORT_MW] = "power_export_mw",
    [CORE_POWER_OFFERED_MW] = "power_offered_mw",
    [CORE_CURRENT_IMPORT_MA] = "current_import_ma",
    [CORE_CURRENT_L1_MA] = "current_l1_ma",
    [CORE_CURRENT_L2_MA] = "current_l2_ma",
    [CORE_CURRENT_L3_MA] = "current_l3_ma",
    [CORE_CURRENT_EXPORT_MA] = "current_export_ma",
    [CORE_CURRENT_OFFERED_MA] = "current_offered_ma",
    [CORE_VOLTAGE_MV] = "voltage_mv",
    [CORE_VOLTAGE_L1_MV] = "voltage_l1_mv",
    [CORE_VOLTAGE_L2_MV] = "voltage_l2_mv",
    [CORE_VOLTAGE_L3_MV] = "voltage_l3_mv",
    [CORE_FREQUENCY_MHZ] = "frequency_mhz",
    [CORE_TEMPERATURE_MC] = "temperature_mc",
    [CORE_SOC_PPM] = "soc_ppm",
};

/* A measurand's columns: without phase, and by phase.  NONE: that combination stays verbatim. */
enum { NONE = -1 };
struct measurand {
    const char *name;
    int overall;
    int phase[3];
    int when_negative; /* where the magnitude goes: discharge told as negative import */
    int scale;
};

static const struct measurand measurands[] = {
    {"Energy.Active.Import.Register", CORE_IMPORT_MWH, {NONE, NONE, NONE}, NONE, 3},
    {"Energy.Active.Export.Register", CORE_EXPORT_MWH, {NONE, NONE, NONE}, NONE, 3},
    {"Power.Active.Import", CORE_POWER_IMPORT_MW, {NONE, NONE, NONE}, CORE_POWER_EXPORT_MW, 3},
    {"Power.Active.Export", CORE_POWER_EXPORT_MW, {NONE, NONE, NONE}, NONE, 3},
    {"Power.Offered", CORE_POWER_OFFERED_MW, {NONE, NONE, NONE}, NONE, 3},
    {"Current.Import", CORE_CURRENT_IMPORT_MA,
        {CORE_CURRENT_L1_MA, CORE_CURRENT_L2_MA, CORE_CURRENT_L3_MA}, CORE_CURRENT_EXPORT_MA, 3},
    {"Current.Export", CORE_CURRENT_EXPORT_MA, {NONE, NONE, NONE}, NONE, 3},
    {"Current.Offered", CORE_CURRENT_OFFERED_MA, {NONE, NONE, NONE}, NONE, 3},
    {"Voltage", CORE_VOLTAGE_MV, {CORE_VOLTAGE_L1_MV, CORE_VOLTAGE_L2_MV, CORE_VOLTAGE_L3_MV},
        NONE, 3},
    {"Frequency", CORE_FREQUENCY_MHZ, {NONE, NONE, NONE}, NONE, 3},
    {"Temperature", CORE_TEMPERATURE_MC, {NONE, NONE, NONE}, NONE, 3},
    {"SoC", CORE_SOC_PPM, {NONE, NONE, NONE}, NONE, 4},
};

/* Units by measurand; the scale adds to the measurand's own, shift_milli is added afterwards. */
struct unit {
    const char *measurand; /* the name begins with it */
    const char *name;      /* NULL: absent */
    int scale;
    int64_t shift_milli;
};

static const struct unit units[] = {
    {"Energy.", NULL, 0, 0},
    {"Energy.", "Wh", 0, 0},
    {"Energy.", "kWh", 3, 0},
    {"Power.", NULL, 0, 0},
    {"Power.", "W", 0, 0},
    {"Power.", "kW", 3, 0},
    {"Current.", NULL, 0, 0},
    {"Current.", "A", 0, 0},
    {"Voltage", NULL, 0, 0},
    {"Voltage", "V", 0, 0},
    {"Frequency", NULL, 0, 0},
    {"Frequency", "Hz", 0, 0},
    {"Frequency", "Hertz", 0, 0},
    {"Temperature", NULL, 0, 0},
    {"Temperature", "Celsius", 0, 0},
    {"Temperature", "Celcius", 0, 0},
    {"Temperature", "K", 0, -273150},
    {"SoC", NULL, 0, 0},
    {"SoC", "Percent", 0, 0},
};

static const struct measurand *measurand_find(const char *name)
{
    for (size_t i = 0; i < sizeof measurands / sizeof *measurands; i++)
        if (strcmp(measurands[i].name, name) == 0)
            return &measurands[i];
    return NULL;
}

static const struct unit *unit_find(const char *measurand, const char *name)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const struct unit *unit = &units[i];

        if (strncmp(unit->measurand, measurand, strlen(unit->measurand)) != 0)
            continue;
        if (name == NULL ? unit->name == NULL : unit->name && strcmp(unit->name, name) == 0)
            return unit;
    }
    return NULL;
}

static const char *text_of(const struct ocpp_enum *value, const char *otherwise)
{
    return value->present ? value->text : otherwise;
}

/* The place a value is measured at unless said otherwise is the outlet; a battery's charge is
 * known only to the vehicle, and a temperature without a place is the body's. */
static bool location_usual(const char *measurand, const struct ocpp_enum *location)
{
    const char *text = text_of(location, "Outlet");

    if (strcmp(measurand, "SoC") == 0)
        return !location->present || strcmp(text, "EV") == 0;
    if (strcmp(measurand, "Temperature") == 0)
        return !location->present || strcmp(text, "Body") == 0;
    return strcmp(text, "Outlet") == 0;
}

static int column_find(const struct measurand *measurand, const struct ocpp_enum *phase)
{
    static const char *const names[] = {"L1", "L2", "L3"};

    if (!phase->present)
        return measurand->overall;
    for (int i = 0; i < 3; i++) {
        if (strncmp(phase->text, names[i], 2) != 0)
            continue;
        if (phase->text[2] == '\0' || strcmp(phase->text + 2, "-N") == 0)
            return measurand->phase[i];
    }
    return NONE;
}

static bool decimal_read(const char *text, int scale, int64_t *ret)
{
    return ocpp_decimal_read(text, strlen(text), scale, ret) == OCPP_DECIMAL_OK;
}

/* The column and the integer of a sampled value, if it fits one exactly. */
static bool value_place(const struct ocpp_sampled_value *sample, int *ret_column, int64_t *ret)
{
    const char *name = text_of(&sample->measurand, "Energy.Active.Import.Register");
    const struct measurand *measurand = measurand_find(name);
    const struct unit *unit = unit_find(name, text_of(&sample->unit, NULL));
    int column;
    int64_t value;

    if (measurand == NULL || unit == NULL || strcmp(text_of(&sample->format, "Raw"), "Raw") != 0)
        return false;
    if (!location_usual(name, &sample->location) || sample->value == NULL)
        return false;
    column = column_find(measurand, &sample->phase);
    if (column == NONE || !decimal_read(sample->value, measurand->scale + unit->scale, &value))
        return false;
    if (unit->shift_milli != 0 && __builtin_add_overflow(value, unit->shift_milli, &value))
        return false;
    if (value < 0 && measurand->when_negative != NONE) {
        if (column != measurand->overall || value == INT64_MIN)
            return false;
        column = measurand->when_negative;
        value = -value;
    }
    *ret_column = column;
    *ret = value;
    return true;
}

static void extra_member(struct core_text *text, const char *name, const struct ocpp_enum *value)
{
    if (value->present)
        core_text_member(text, name, value->text);
}

static void extra_open(struct core_text *text)
{
    core_text_add(text, text->length == 0 ? "[{" : ",{");
}

static void extra_add(struct core_text *text, const struct ocpp_sampled_value *sample)
{
    extra_open(text);
    core_text_member(text, "value", sample->value != NULL ? sample->value : "");
    extra_member(text, "context", &sample->context);
    extra_member(text, "format", &sample->format);
    extra_member(text, "measurand", &sample->measurand);
    extra_member(text, "phase", &sample->phase);
    extra_member(text, "location", &sample->location);
    extra_member(text, "unit", &sample->unit);
    core_text_add(text, "}");
}

/* FNV-1a; the last step spreads the entropy over all bits. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    return hash;
}

static uint64_t hash_int(uint64_t hash, int64_t value)
{
    unsigned char bytes[8];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)((uint64_t)value >> (8 * i));
    return hash_bytes(hash, bytes, sizeof bytes);
}

static int64_t reading_hash(const struct core_reading *reading)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    hash = hash_int(hash, reading->has_transaction);
    hash = hash_int(hash, reading->transaction_id);
    hash = hash_bytes(hash, reading->context, strlen(reading->context) + 1);
    hash = hash_int(hash, reading->present);
    for (int i = 0; i < CORE_QUANTITIES; i++)
        if (reading->present & (1u << i))
            hash = hash_int(hash, reading->value[i]);
    if (reading->extra != NULL)
        hash = hash_bytes(hash, reading->extra, strlen(reading->extra));
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (int64_t)(hash ^ (hash >> 33));
}

static struct core_reading *list_add(struct core_reading_list *list)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity != 0 ? list->capacity * 2 : 4;
        struct core_reading *items = realloc(list->items, capacity * sizeof *items);

        if (items == NULL)
            return NULL;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count] = (struct core_reading){0};
    return &list->items[list->count++];
}

/* A time that the database cannot hold becomes the time of receipt, the text stays. */
static void reading_date(struct core_reading *reading, const struct ocpp_time *time,
    int64_t received_us, struct core_text *extra)
{
    reading->at_us = time->unix_us;
    if (time->present && time->unix_us >= EARLIEST_US && time->unix_us <= LATEST_US)
        return;
    reading->at_us = received_us;
    extra_open(extra);
    core_text_member(extra, "timestamp", time->text != NULL ? time->text : "");
    core_text_add(extra, "}");
}

/* What groups sampled values into rows.  All contexts that are not in the specification share one
 * row, so that a message cannot make more rows than there are keys. */
static uint32_t context_key(const struct ocpp_sampled_value *sample)
{
    int value = sample->context.present ? sample->context.value
                                        : (int)OCPP_READING_CONTEXT_SAMPLE_PERIODIC;

    return (uint32_t)(value + 1);
}

/* One row: the sampled values from `first` on that share its context. */
static bool row_convert(struct core_reading_list *list, const struct core_reading_source *source,
    const struct ocpp_meter_value *value, uint32_t first)
{
    const struct ocpp_sampled_value *samples = value->sampled_value.items;
    const char *context = text_of(&samples[first].context, "Sample.Periodic");
    struct core_text extra = {0};
    struct core_reading *reading = list_add(list);

    if (reading == NULL)
        return false;
    reading->connector = source->connector;
    reading->transaction_id = source->has_transaction ? source->transaction_id : 0;
    reading->has_transaction = source->has_transaction;
    reading->suspect = source->suspect;
    reading->context = context;
    reading_date(reading, &value->timestamp, source->received_us, &extra);
    for (uint32_t i = first; i < value->sampled_value.count; i++) {
        int column;
        int64_t number;

        if (context_key(&samples[i]) != context_key(&samples[first]))
            continue;
        if (strcmp(text_of(&samples[i].context, "Sample.Periodic"), context) != 0 ||
            !value_place(&samples[i], &column, &number) || reading->present & (1u << column)) {
            extra_add(&extra, &samples[i]);
            continue;
        }
        reading->present |= 1u << column;
        reading->value[column] = number;
        if (column <= CORE_EXPORT_MWH && number < 0)
            reading->suspect = true;
    }
    if (extra.length > 0 || extra.failed) {
        core_text_add(&extra, "]");
        reading->extra = core_text_take(&extra);
        if (reading->extra == NULL)
            return false;
    }
    reading->hash = reading_hash(reading);
    return true;
}

bool core_reading_convert(struct core_reading_list *list,
    const struct core_reading_source *source, const struct ocpp_meter_value_list *values)
{
    for (uint32_t i = 0; i < values->count; i++) {
        const struct ocpp_meter_value *value = &values->items[i];
        uint32_t seen = 0; /* bit per context key */

        for (uint32_t k = 0; k < value->sampled_value.count; k++) {
            uint32_t bit = 1u << context_key(&value->sampled_value.items[k]);

            if (!(seen & bit) && !row_convert(list, source, value, k))
                return false;
            seen |= bit;
        }
    }
    return true;
}

bool core_reading_remark(
    struct core_reading_list *list, const char *deviations, const char *payload)
{
    struct core_reading *reading = list->items;
    struct core_text text = {0};
    char *extra;

    assert(list->count > 0);
    core_text_add(&text, "[{");
    core_text_member(&text, "payload", payload);
    core_text_add(&text, ",\"deviations\":");
    core_text_add(&text, deviations);
    core_text_add(&text, reading->extra != NULL ? "}," : "}]");
    if (reading->extra != NULL)
        core_text_add(&text, reading->extra + 1);
    extra = core_text_take(&text);
    if (extra == NULL)
        return false;
    free(reading->extra);
    reading->extra = extra;
    reading->hash = reading_hash(reading);
    return true;
}

static void number_member(struct core_text *text, const char *name, int64_t value)
{
    core_text_add(text, ",");
    core_text_quote(text, name);
    core_text_add(text, ":");
    core_text_int(text, value);
}

/* With microseconds: the time is part of the key that finds a repeat. */
static void time_write(char *buf, size_t size, int64_t unix_us)
{
    int micro = (int)(((unix_us % 1000000) + 1000000) % 1000000);

    ocpp_datetime_write(buf, unix_us);
    snprintf(strchr(buf, '.'), size - (size_t)(strchr(buf, '.') - buf), ".%06dZ", micro);
}

static void row_json(struct core_text *text, const struct core_reading *reading)
{
    char at[OCPP_DATETIME_BYTES + 3];

    core_text_add(text, text->length == 1 ? "{" : ",{");
    time_write(at, sizeof at, reading->at_us);
    core_text_member(text, "at", at);
    number_member(text, "connector", reading->connector);
    core_text_add(text, ",\"hash\":\"");
    core_text_int(text, reading->hash);
    core_text_add(text, "\"");
    if (reading->has_transaction)
        number_member(text, "transaction_id", reading->transaction_id);
    core_text_member(text, "context", reading->context);
    for (int i = 0; i < CORE_QUANTITIES; i++)
        if (reading->present & (1u << i))
            number_member(text, quantity_names[i], reading->value[i]);
    if (reading->extra != NULL) {
        core_text_add(text, ",\"extra\":");
        core_text_add(text, reading->extra);
    }
    core_text_add(text, reading->suspect ? ",\"suspect\":true}" : ",\"suspect\":false}");
}

char *core_reading_json(const struct core_reading_list *list)
{
    struct core_text text = {0};

    core_text_add(&text, "[");
    for (uint32_t i = 0; i < list->count; i++)
        row_json(&text, &list->items[i]);
    core_text_add(&text, "]");
    return core_text_take(&text);
}

void core_reading_list_done(struct core_reading_list *list)
{
    if (list == NULL)
        return;
    for (uint32_t i = 0; i < list->count; i++)
        free(list->items[i].extra);
    free(list->items);
    *list = (struct core_reading_list){0};
}
