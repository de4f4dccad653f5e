/* build.h - the pile's own messages as payload structs, with the memory they point into.
 *
 * A struct sim_built points into itself: never copy one.
 */
#ifndef SIMULATORS_BUILD_H
#define SIMULATORS_BUILD_H

#include "simulators/pile_parts.h"

enum { SIM_SAMPLES_MAX = 10, SIM_SAMPLE_TEXT = 32 };

struct sim_samples {
    struct ocpp_sampled_value items[SIM_SAMPLES_MAX];
    char text[SIM_SAMPLES_MAX][SIM_SAMPLE_TEXT];
    uint32_t count;
};

struct sim_built {
    enum ocpp_action action;
    union {
        struct ocpp_boot_notification_req boot;
        struct ocpp_status_notification_req status;
        struct ocpp_authorize_req authorize;
        struct ocpp_heartbeat_req heartbeat;
        struct ocpp_start_transaction_req start;
        struct ocpp_meter_values_req meter;
        struct ocpp_stop_transaction_req stop;
        struct ocpp_diagnostics_status_notification_req diagnostics;
        struct ocpp_firmware_status_notification_req firmware;
    } req;
    struct ocpp_meter_value values[2];
    struct sim_samples samples[2];
    char serial[26];
};

void sim_build_boot(struct sim_pile *, struct sim_built *ret);
void sim_build_status(uint32_t connector, int status, int64_t at_us, struct sim_built *ret);
void sim_build_entry(struct sim_pile *, const struct sim_entry *, struct sim_built *ret);
/* A triggered MeterValues of a connector. */
void sim_build_trigger(struct sim_pile *, const struct sim_connector *, int64_t at_us,
    struct sim_built *ret);

#endif
