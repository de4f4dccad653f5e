/* reading.h - from a meterValue to wide rows of integers.
 *
 * One meterValue is split by context; what has a column of its own becomes an integer there,
 * everything else stays verbatim in `extra`.  `hash` is 64 bits over the canonical content, so
 * only a true repeat is equal.  Pure functions; a list owns what its rows point to.
 */
#ifndef CORE_READING_H
#define CORE_READING_H

#include "ocpp/payloads.h"

#include <stdbool.h>
#include <stdint.h>

enum core_quantity {
    CORE_IMPORT_MWH,
    CORE_EXPORT_MWH,
    CORE_POWER_IMPORT_MW,
    CORE_POWER_EXPORT_MW,
    CORE_POWER_OFFERED_MW,
    CORE_CURRENT_IMPORT_MA,
    CORE_CURRENT_L1_MA,
    CORE_CURRENT_L2_MA,
    CORE_CURRENT_L3_MA,
    CORE_CURRENT_EXPORT_MA,
    CORE_CURRENT_OFFERED_MA,
    CORE_VOLTAGE_MV,
    CORE_VOLTAGE_L1_MV,
    CORE_VOLTAGE_L2_MV,
    CORE_VOLTAGE_L3_MV,
    CORE_FREQUENCY_MHZ,
    CORE_TEMPERATURE_MC,
    CORE_SOC_PPM,
    CORE_QUANTITIES
};

struct core_reading {
    int64_t at_us;
    int64_t connector;
    int64_t hash;
    int64_t transaction_id;
    bool has_transaction;
    bool suspect; /* names a transaction that is not open as far as the core knows */
    uint32_t present; /* bit per enum core_quantity */
    const char *context; /* as sent; Sample.Periodic if absent */
    int64_t value[CORE_QUANTITIES];
    char *extra; /* JSON array of sampled values as sent, and perhaps a remark, or NULL */
};

struct core_reading_list {
    struct core_reading *items;
    uint32_t count;
    uint32_t capacity;
};

/* Where the values come from: members of a message that holds for all its meterValues. */
struct core_reading_source {
    int64_t connector;
    int64_t transaction_id;
    bool has_transaction;
    bool suspect;
    int64_t received_us; /* for a time that the database cannot hold */
};

/* Appends the rows of all meterValues.  Contexts point into the decoded message.  False: no
 * memory; the list is still to be released. */
MUST_CHECK bool core_reading_convert(struct core_reading_list *,
    const struct core_reading_source *, const struct ocpp_meter_value_list *);
/* Puts the message itself, and the JSON array of what was minded, into the first row's `extra`: for
 * a message of which not everything was understood.  The list is not empty.  False: no memory. */
MUST_CHECK bool core_reading_remark(
    struct core_reading_list *, const char *deviations, const char *payload);
/* The rows as a JSON array, members named as the columns; NULL: no memory.  To be freed. */
MUST_CHECK char *core_reading_json(const struct core_reading_list *);
void core_reading_list_done(struct core_reading_list *);

#endif
