/* payload_smart.h - payloads of the SmartCharging profile.
 *
 * Each struct is described, member by member, by the table of its name in shapes_smart.c.
 */
#ifndef OCPP_PAYLOAD_SMART_H
#define OCPP_PAYLOAD_SMART_H

#include "ocpp/types.h"

struct ocpp_charging_schedule_period {
    struct ocpp_int start_period;
    struct ocpp_decimal limit;
    struct ocpp_int number_phases;
};
OCPP_LIST_OF(charging_schedule_period);

struct ocpp_charging_schedule {
    struct ocpp_int duration;
    struct ocpp_time start_schedule;
    struct ocpp_enum charging_rate_unit;
    struct ocpp_charging_schedule_period_list charging_schedule_period;
    struct ocpp_decimal min_charging_rate;
};

struct ocpp_charging_profile {
    struct ocpp_int charging_profile_id;
    struct ocpp_int transaction_id;
    struct ocpp_int stack_level;
    struct ocpp_enum charging_profile_purpose;
    struct ocpp_enum charging_profile_kind;
    struct ocpp_enum recurrency_kind;
    struct ocpp_time valid_from;
    struct ocpp_time valid_to;
    const struct ocpp_charging_schedule *charging_schedule;
};

struct ocpp_clear_charging_profile_req {
    struct ocpp_int id;
    struct ocpp_int connector_id;
    struct ocpp_enum charging_profile_purpose;
    struct ocpp_int stack_level;
};

struct ocpp_clear_charging_profile_conf {
    struct ocpp_enum status;
};

struct ocpp_get_composite_schedule_req {
    struct ocpp_int connector_id;
    struct ocpp_int duration;
    struct ocpp_enum charging_rate_unit;
};

struct ocpp_get_composite_schedule_conf {
    struct ocpp_enum status;
    struct ocpp_int connector_id;
    struct ocpp_time schedule_start;
    const struct ocpp_charging_schedule *charging_schedule;
};

struct ocpp_set_charging_profile_req {
    struct ocpp_int connector_id;
    const struct ocpp_charging_profile *cs_charging_profiles;
};

struct ocpp_set_charging_profile_conf {
    struct ocpp_enum status;
};

#endif
