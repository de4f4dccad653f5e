/* shapes_security.c - field tables of the security extension. */
#include "ocpp/payload_security.h"
#include "ocpp/shapes.h"

#define S struct ocpp_certificate_hash_data
FIELDS(certificate_hash_data) = {
    E(hash_algorithm, "hashAlgorithm", REQ, HASH_ALGORITHM),
    F(issuer_name_hash, "issuerNameHash", REQ, .max = 128),
    F(issuer_key_hash, "issuerKeyHash", REQ, .max = 128),
    F(serial_number, "serialNumber", REQ, .max = 40),
};
SHAPE(certificate_hash_data)
#undef S

#define S struct ocpp_firmware
FIELDS(firmware) = {
    F(location, "location", REQ, .max = 512),
    F(retrieve_date_time, "retrieveDateTime", REQ),
    F(install_date_time, "installDateTime", OPT),
    F(signing_certificate, "signingCertificate", REQ, .max = 5500),
    F(signature, "signature", REQ, .max = 800),
};
SHAPE(firmware)
#undef S

#define S struct ocpp_log_parameters
FIELDS(log_parameters) = {
    F(remote_location, "remoteLocation", REQ, .max = 512),
    F(oldest_timestamp, "oldestTimestamp", OPT),
    F(latest_timestamp, "latestTimestamp", OPT),
};
SHAPE(log_parameters)
#undef S

#define S struct ocpp_certificate_signed_req
FIELDS(certificate_signed_req) = {
    F(certificate_chain, "certificateChain", REQ, .max = 10000),
};
SHAPE(certificate_signed_req)
#undef S

#define S struct ocpp_certificate_signed_conf
FIELDS(certificate_signed_conf) = {
    E(status, "status", REQ, CERTIFICATE_SIGNED_STATUS),
};
SHAPE(certificate_signed_conf)
#undef S

#define S struct ocpp_delete_certificate_req
FIELDS(delete_certificate_req) = {
    O(certificate_hash_data, "certificateHashData", REQ, certificate_hash_data),
};
SHAPE(delete_certificate_req)
#undef S

#define S struct ocpp_delete_certificate_conf
FIELDS(delete_certificate_conf) = {
    E(status, "status", REQ, DELETE_CERTIFICATE_STATUS),
};
SHAPE(delete_certificate_conf)
#undef S

#define S struct ocpp_extended_trigger_message_req
FIELDS(extended_trigger_message_req) = {
    E(requested_message, "requestedMessage", REQ, EXTENDED_MESSAGE_TRIGGER),
    F(connector_id, "connectorId", OPT, AT_LEAST(0)),
};
SHAPE(extended_trigger_message_req)
#undef S

#define S struct ocpp_extended_trigger_message_conf
FIELDS(extended_trigger_message_conf) = {
    E(status, "status", REQ, TRIGGER_MESSAGE_STATUS),
};
SHAPE(extended_trigger_message_conf)
#undef S

#define S struct ocpp_get_installed_certificate_ids_req
FIELDS(get_installed_certificate_ids_req) = {
    E(certificate_type, "certificateType", REQ, CERTIFICATE_USE),
};
SHAPE(get_installed_certificate_ids_req)
#undef S

#define S struct ocpp_get_installed_certificate_ids_conf
FIELDS(get_installed_certificate_ids_conf) = {
    L(certificate_hash_data, "certificateHashData", OPT, certificate_hash_data, .min_items = 1),
    E(status, "status", REQ, GET_INSTALLED_CERTIFICATE_STATUS),
};
SHAPE(get_installed_certificate_ids_conf)
#undef S

#define S struct ocpp_get_log_req
FIELDS(get_log_req) = {
    O(log, "log", REQ, log_parameters),
    E(log_type, "logType", REQ, LOG_TYPE),
    F(request_id, "requestId", REQ),
    F(retries, "retries", OPT, AT_LEAST(0)),
    F(retry_interval, "retryInterval", OPT, AT_LEAST(0)),
};
SHAPE(get_log_req)
#undef S

#define S struct ocpp_get_log_conf
FIELDS(get_log_conf) = {
    E(status, "status", REQ, LOG_STATUS),
    F(filename, "filename", OPT, .max = 255),
};
SHAPE(get_log_conf)
#undef S

#define S struct ocpp_install_certificate_req
FIELDS(install_certificate_req) = {
    E(certificate_type, "certificateType", REQ, CERTIFICATE_USE),
    F(certificate, "certificate", REQ, .max = 5500),
};
SHAPE(install_certificate_req)
#undef S

#define S struct ocpp_install_certificate_conf
FIELDS(install_certificate_conf) = {
    E(status, "status", REQ, CERTIFICATE_STATUS),
};
SHAPE(install_certificate_conf)
#undef S

#define S struct ocpp_log_status_notification_req
FIELDS(log_status_notification_req) = {
    E(status, "status", REQ, UPLOAD_LOG_STATUS),
    F(request_id, "requestId", OPT),
};
SHAPE(log_status_notification_req)
#undef S

SHAPE_EMPTY(log_status_notification_conf)

#define S struct ocpp_security_event_notification_req
FIELDS(security_event_notification_req) = {
    F(type, "type", REQ, .max = 50),
    F(timestamp, "timestamp", REQ),
    F(tech_info, "techInfo", OPT, .max = 255),
};
SHAPE(security_event_notification_req)
#undef S

SHAPE_EMPTY(security_event_notification_conf)

#define S struct ocpp_sign_certificate_req
FIELDS(sign_certificate_req) = {
    F(csr, "csr", REQ, .max = 5500),
};
SHAPE(sign_certificate_req)
#undef S

#define S struct ocpp_sign_certificate_conf
FIELDS(sign_certificate_conf) = {
    E(status, "status", REQ, GENERIC_STATUS),
};
SHAPE(sign_certificate_conf)
#undef S

#define S struct ocpp_signed_firmware_status_notification_req
FIELDS(signed_firmware_status_notification_req) = {
    E(status, "status", REQ, SIGNED_FIRMWARE_STATUS),
    F(request_id, "requestId", OPT),
};
SHAPE(signed_firmware_status_notification_req)
#undef S

SHAPE_EMPTY(signed_firmware_status_notification_conf)

#define S struct ocpp_signed_update_firmware_req
FIELDS(signed_update_firmware_req) = {
    F(retries, "retries", OPT, AT_LEAST(0)),
    F(retry_interval, "retryInterval", OPT, AT_LEAST(0)),
    F(request_id, "requestId", REQ),
    O(firmware, "firmware", REQ, firmware),
};
SHAPE(signed_update_firmware_req)
#undef S

#define S struct ocpp_signed_update_firmware_conf
FIELDS(signed_update_firmware_conf) = {
    E(status, "status", REQ, UPDATE_FIRMWARE_STATUS),
};
SHAPE(signed_update_firmware_conf)
#undef S
