/* payload_manage.h - payloads of the Core profile and RemoteTrigger that the system sends.
 *
 * Each struct is described, member by member, by the table of its name in shapes_manage.c.
 */
#ifndef OCPP_PAYLOAD_MANAGE_H
#define OCPP_PAYLOAD_MANAGE_H

#include "ocpp/payload_smart.h"
#include "ocpp/types.h"

struct ocpp_key_value {
    const char *key;
    struct ocpp_bool readonly;
    const char *value;
};
OCPP_LIST_OF(key_value);

struct ocpp_change_availability_req {
    struct ocpp_int connector_id;
    struct ocpp_enum type;
};

struct ocpp_change_availability_conf {
    struct ocpp_enum status;
};

struct ocpp_change_configuration_req {
    const char *key;
    const char *value;
};

struct ocpp_change_configuration_conf {
    struct ocpp_enum status;
};

OCPP_EMPTY(clear_cache_req);

struct ocpp_clear_cache_conf {
    struct ocpp_enum status;
};

struct ocpp_get_configuration_req {
    struct ocpp_strings key;
};

struct ocpp_get_configuration_conf {
    struct ocpp_key_value_list configuration_key;
    struct ocpp_strings unknown_key;
};

struct ocpp_remote_start_transaction_req {
    struct ocpp_int connector_id;
    const char *id_tag;
    const struct ocpp_charging_profile *charging_profile;
};

struct ocpp_remote_start_transaction_conf {
    struct ocpp_enum status;
};

struct ocpp_remote_stop_transaction_req {
    struct ocpp_int transaction_id;
};

struct ocpp_remote_stop_transaction_conf {
    struct ocpp_enum status;
};

struct ocpp_reset_req {
    struct ocpp_enum type;
};

struct ocpp_reset_conf {
    struct ocpp_enum status;
};

struct ocpp_unlock_connector_req {
    struct ocpp_int connector_id;
};

struct ocpp_unlock_connector_conf {
    struct ocpp_enum status;
};

struct ocpp_trigger_message_req {
    struct ocpp_enum requested_message;
    struct ocpp_int connector_id;
};

struct ocpp_trigger_message_conf {
    struct ocpp_enum status;
};

#endif
