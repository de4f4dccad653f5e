/* shapes_manage.c - field tables of the Core profile and RemoteTrigger that the system sends. */
#include "ocpp/payload_manage.h"
#include "ocpp/shapes.h"

#define S struct ocpp_key_value
FIELDS(key_value) = {
    F(key, "key", REQ, .max = 50),
    F(readonly, "readonly", REQ),
    F(value, "value", OPT, .max = 500),
};
SHAPE(key_value)
#undef S

#define S struct ocpp_change_availability_req
FIELDS(change_availability_req) = {
    F(connector_id, "connectorId", REQ, AT_LEAST(0)),
    E(type, "type", REQ, AVAILABILITY_TYPE),
};
SHAPE(change_availability_req)
#undef S

#define S struct ocpp_change_availability_conf
FIELDS(change_availability_conf) = {
    E(status, "status", REQ, AVAILABILITY_STATUS),
};
SHAPE(change_availability_conf)
#undef S

#define S struct ocpp_change_configuration_req
FIELDS(change_configuration_req) = {
    F(key, "key", REQ, .max = 50),
    F(value, "value", REQ, .max = 500),
};
SHAPE(change_configuration_req)
#undef S

#define S struct ocpp_change_configuration_conf
FIELDS(change_configuration_conf) = {
    E(status, "status", REQ, CONFIGURATION_STATUS),
};
SHAPE(change_configuration_conf)
#undef S

SHAPE_EMPTY(clear_cache_req)

#define S struct ocpp_clear_cache_conf
FIELDS(clear_cache_conf) = {
    E(status, "status", REQ, CLEAR_CACHE_STATUS),
};
SHAPE(clear_cache_conf)
#undef S

#define S struct ocpp_get_configuration_req
FIELDS(get_configuration_req) = {
    F(key, "key", OPT, .max = 50),
};
SHAPE(get_configuration_req)
#undef S

#define S struct ocpp_get_configuration_conf
FIELDS(get_configuration_conf) = {
    L(configuration_key, "configurationKey", OPT, key_value),
    F(unknown_key, "unknownKey", OPT, .max = 50),
};
SHAPE(get_configuration_conf)
#undef S

#define S struct ocpp_remote_start_transaction_req
FIELDS(remote_start_transaction_req) = {
    F(connector_id, "connectorId", OPT, AT_LEAST(1)),
    F(id_tag, "idTag", REQ, .max = 20),
    O(charging_profile, "chargingProfile", OPT, charging_profile),
};
SHAPE(remote_start_transaction_req)
#undef S

#define S struct ocpp_remote_start_transaction_conf
FIELDS(remote_start_transaction_conf) = {
    E(status, "status", REQ, REMOTE_START_STOP_STATUS),
};
SHAPE(remote_start_transaction_conf)
#undef S

#define S struct ocpp_remote_stop_transaction_req
FIELDS(remote_stop_transaction_req) = {
    F(transaction_id, "transactionId", REQ),
};
SHAPE(remote_stop_transaction_req)
#undef S

#define S struct ocpp_remote_stop_transaction_conf
FIELDS(remote_stop_transaction_conf) = {
    E(status, "status", REQ, REMOTE_START_STOP_STATUS),
};
SHAPE(remote_stop_transaction_conf)
#undef S

#define S struct ocpp_reset_req
FIELDS(reset_req) = {
    E(type, "type", REQ, RESET_TYPE),
};
SHAPE(reset_req)
#undef S

#define S struct ocpp_reset_conf
FIELDS(reset_conf) = {
    E(status, "status", REQ, RESET_STATUS),
};
SHAPE(reset_conf)
#undef S

#define S struct ocpp_unlock_connector_req
FIELDS(unlock_connector_req) = {
    F(connector_id, "connectorId", REQ, AT_LEAST(1)),
};
SHAPE(unlock_connector_req)
#undef S

#define S struct ocpp_unlock_connector_conf
FIELDS(unlock_connector_conf) = {
    E(status, "status", REQ, UNLOCK_STATUS),
};
SHAPE(unlock_connector_conf)
#undef S

#define S struct ocpp_trigger_message_req
FIELDS(trigger_message_req) = {
    E(requested_message, "requestedMessage", REQ, MESSAGE_TRIGGER),
    F(connector_id, "connectorId", OPT, AT_LEAST(0)),
};
SHAPE(trigger_message_req)
#undef S

#define S struct ocpp_trigger_message_conf
FIELDS(trigger_message_conf) = {
    E(status, "status", REQ, TRIGGER_MESSAGE_STATUS),
};
SHAPE(trigger_message_conf)
#undef S
