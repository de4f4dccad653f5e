/* payload_core.h - payloads of the Core profile that the pile sends; DataTransfer, which both do.
 *
 * Each struct is described, member by member, by the table of its name in shapes_core.c.
 */
#ifndef OCPP_PAYLOAD_CORE_H
#define OCPP_PAYLOAD_CORE_H

#include "ocpp/types.h"

struct ocpp_id_tag_info {
    struct ocpp_time expiry_date;
    const char *parent_id_tag;
    struct ocpp_enum status;
};

struct ocpp_sampled_value {
    const char *value;
    struct ocpp_enum context;
    struct ocpp_enum format;
    struct ocpp_enum measurand;
    struct ocpp_enum phase;
    struct ocpp_enum location;
    struct ocpp_enum unit;
};
OCPP_LIST_OF(sampled_value);

struct ocpp_meter_value {
    struct ocpp_time timestamp;
    struct ocpp_sampled_value_list sampled_value;
};
OCPP_LIST_OF(meter_value);

struct ocpp_authorize_req {
    const char *id_tag;
};

struct ocpp_authorize_conf {
    const struct ocpp_id_tag_info *id_tag_info;
};

struct ocpp_boot_notification_req {
    const char *charge_point_vendor;
    const char *charge_point_model;
    const char *charge_point_serial_number;
    const char *charge_box_serial_number;
    const char *firmware_version;
    const char *iccid;
    const char *imsi;
    const char *meter_type;
    const char *meter_serial_number;
};

struct ocpp_boot_notification_conf {
    struct ocpp_enum status;
    struct ocpp_time current_time;
    struct ocpp_int interval;
};

struct ocpp_data_transfer_req {
    const char *vendor_id;
    const char *message_id;
    const char *data;
};

struct ocpp_data_transfer_conf {
    struct ocpp_enum status;
    const char *data;
};

OCPP_EMPTY(heartbeat_req);

struct ocpp_heartbeat_conf {
    struct ocpp_time current_time;
};

struct ocpp_meter_values_req {
    struct ocpp_int connector_id;
    struct ocpp_int transaction_id;
    struct ocpp_meter_value_list meter_value;
};

OCPP_EMPTY(meter_values_conf);

struct ocpp_start_transaction_req {
    struct ocpp_int connector_id;
    const char *id_tag;
    struct ocpp_int meter_start;
    struct ocpp_int reservation_id;
    struct ocpp_time timestamp;
};

struct ocpp_start_transaction_conf {
    const struct ocpp_id_tag_info *id_tag_info;
    struct ocpp_int transaction_id;
};

struct ocpp_status_notification_req {
    struct ocpp_int connector_id;
    struct ocpp_enum error_code;
    const char *info;
    struct ocpp_enum status;
    struct ocpp_time timestamp;
    const char *vendor_id;
    const char *vendor_error_code;
};

OCPP_EMPTY(status_notification_conf);

struct ocpp_stop_transaction_req {
    const char *id_tag;
    struct ocpp_int meter_stop;
    struct ocpp_time timestamp;
    struct ocpp_int transaction_id;
    struct ocpp_enum reason;
    struct ocpp_meter_value_list transaction_data;
};

struct ocpp_stop_transaction_conf {
    const struct ocpp_id_tag_info *id_tag_info;
};

#endif
