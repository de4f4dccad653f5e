/* payload_security.h - payloads of the security extension.
 *
 * Each struct is described, member by member, by the table of its name in shapes_security.c.
 */
#ifndef OCPP_PAYLOAD_SECURITY_H
#define OCPP_PAYLOAD_SECURITY_H

#include "ocpp/types.h"

struct ocpp_certificate_hash_data {
    struct ocpp_enum hash_algorithm;
    const char *issuer_name_hash;
    const char *issuer_key_hash;
    const char *serial_number;
};
OCPP_LIST_OF(certificate_hash_data);

struct ocpp_firmware {
    const char *location;
    struct ocpp_time retrieve_date_time;
    struct ocpp_time install_date_time;
    const char *signing_certificate;
    const char *signature;
};

struct ocpp_log_parameters {
    const char *remote_location;
    struct ocpp_time oldest_timestamp;
    struct ocpp_time latest_timestamp;
};

struct ocpp_certificate_signed_req {
    const char *certificate_chain;
};

struct ocpp_certificate_signed_conf {
    struct ocpp_enum status;
};

struct ocpp_delete_certificate_req {
    const struct ocpp_certificate_hash_data *certificate_hash_data;
};

struct ocpp_delete_certificate_conf {
    struct ocpp_enum status;
};

struct ocpp_extended_trigger_message_req {
    struct ocpp_enum requested_message;
    struct ocpp_int connector_id;
};

struct ocpp_extended_trigger_message_conf {
    struct ocpp_enum status;
};

struct ocpp_get_installed_certificate_ids_req {
    struct ocpp_enum certificate_type;
};

struct ocpp_get_installed_certificate_ids_conf {
    struct ocpp_certificate_hash_data_list certificate_hash_data;
    struct ocpp_enum status;
};

struct ocpp_get_log_req {
    const struct ocpp_log_parameters *log;
    struct ocpp_enum log_type;
    struct ocpp_int request_id;
    struct ocpp_int retries;
    struct ocpp_int retry_interval;
};

struct ocpp_get_log_conf {
    struct ocpp_enum status;
    const char *filename;
};

struct ocpp_install_certificate_req {
    struct ocpp_enum certificate_type;
    const char *certificate;
};

struct ocpp_install_certificate_conf {
    struct ocpp_enum status;
};

struct ocpp_log_status_notification_req {
    struct ocpp_enum status;
    struct ocpp_int request_id;
};

OCPP_EMPTY(log_status_notification_conf);

struct ocpp_security_event_notification_req {
    const char *type;
    struct ocpp_time timestamp;
    const char *tech_info;
};

OCPP_EMPTY(security_event_notification_conf);

struct ocpp_sign_certificate_req {
    const char *csr;
};

struct ocpp_sign_certificate_conf {
    struct ocpp_enum status;
};

struct ocpp_signed_firmware_status_notification_req {
    struct ocpp_enum status;
    struct ocpp_int request_id;
};

OCPP_EMPTY(signed_firmware_status_notification_conf);

struct ocpp_signed_update_firmware_req {
    struct ocpp_int retries;
    struct ocpp_int retry_interval;
    struct ocpp_int request_id;
    const struct ocpp_firmware *firmware;
};

struct ocpp_signed_update_firmware_conf {
    struct ocpp_enum status;
};

#endif
