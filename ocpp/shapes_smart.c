/* shapes_smart.c - field tables of the SmartCharging profile. */
#include "ocpp/payload_smart.h"
#include "ocpp/shapes.h"

#define S struct ocpp_charging_schedule_period
FIELDS(charging_schedule_period) = {
    F(start_period, "startPeriod", REQ, AT_LEAST(0)),
    F(limit, "limit", REQ, .step_micro = 100000),
    F(number_phases, "numberPhases", OPT, AT_LEAST(1)),
};
SHAPE(charging_schedule_period)
#undef S

#define S struct ocpp_charging_schedule
FIELDS(charging_schedule) = {
    F(duration, "duration", OPT, AT_LEAST(0)),
    F(start_schedule, "startSchedule", OPT),
    E(charging_rate_unit, "chargingRateUnit", REQ, CHARGING_RATE_UNIT),
    L(charging_schedule_period, "chargingSchedulePeriod", REQ, charging_schedule_period, FILLED),
    F(min_charging_rate, "minChargingRate", OPT, .step_micro = 100000),
};
SHAPE(charging_schedule)
#undef S

#define S struct ocpp_charging_profile
FIELDS(charging_profile) = {
    F(charging_profile_id, "chargingProfileId", REQ),
    F(transaction_id, "transactionId", OPT),
    F(stack_level, "stackLevel", REQ, AT_LEAST(0)),
    E(charging_profile_purpose, "chargingProfilePurpose", REQ, CHARGING_PROFILE_PURPOSE),
    E(charging_profile_kind, "chargingProfileKind", REQ, CHARGING_PROFILE_KIND),
    E(recurrency_kind, "recurrencyKind", OPT, RECURRENCY_KIND),
    F(valid_from, "validFrom", OPT),
    F(valid_to, "validTo", OPT),
    O(charging_schedule, "chargingSchedule", REQ, charging_schedule),
};
SHAPE(charging_profile)
#undef S

#define S struct ocpp_clear_charging_profile_req
FIELDS(clear_charging_profile_req) = {
    F(id, "id", OPT),
    F(connector_id, "connectorId", OPT, AT_LEAST(0)),
    E(charging_profile_purpose, "chargingProfilePurpose", OPT, CHARGING_PROFILE_PURPOSE),
    F(stack_level, "stackLevel", OPT, AT_LEAST(0)),
};
SHAPE(clear_charging_profile_req)
#undef S

#define S struct ocpp_clear_charging_profile_conf
FIELDS(clear_charging_profile_conf) = {
    E(status, "status", REQ, CLEAR_CHARGING_PROFILE_STATUS),
};
SHAPE(clear_charging_profile_conf)
#undef S

#define S struct ocpp_get_composite_schedule_req
FIELDS(get_composite_schedule_req) = {
    F(connector_id, "connectorId", REQ, AT_LEAST(0)),
    F(duration, "duration", REQ, AT_LEAST(0)),
    E(charging_rate_unit, "chargingRateUnit", OPT, CHARGING_RATE_UNIT),
};
SHAPE(get_composite_schedule_req)
#undef S

#define S struct ocpp_get_composite_schedule_conf
FIELDS(get_composite_schedule_conf) = {
    E(status, "status", REQ, GET_COMPOSITE_SCHEDULE_STATUS),
    F(connector_id, "connectorId", OPT, AT_LEAST(0)),
    F(schedule_start, "scheduleStart", OPT),
    O(charging_schedule, "chargingSchedule", OPT, charging_schedule),
};
SHAPE(get_composite_schedule_conf)
#undef S

#define S struct ocpp_set_charging_profile_req
FIELDS(set_charging_profile_req) = {
    F(connector_id, "connectorId", REQ, AT_LEAST(0)),
    O(cs_charging_profiles, "csChargingProfiles", REQ, charging_profile),
};
SHAPE(set_charging_profile_req)
#undef S

#define S struct ocpp_set_charging_profile_conf
FIELDS(set_charging_profile_conf) = {
    E(status, "status", REQ, CHARGING_PROFILE_STATUS),
};
SHAPE(set_charging_profile_conf)
#undef S
