/* payload_local.h - payloads of the LocalAuthListManagement and Reservation profiles.
 *
 * Each struct is described, member by member, by the table of its name in shapes_local.c.
 */
#ifndef OCPP_PAYLOAD_LOCAL_H
#define OCPP_PAYLOAD_LOCAL_H

#include "ocpp/payload_core.h"
#include "ocpp/types.h"

struct ocpp_authorization_data {
    const char *id_tag;
    const struct ocpp_id_tag_info *id_tag_info;
};
OCPP_LIST_OF(authorization_data);

struct ocpp_cancel_reservation_req {
    struct ocpp_int reservation_id;
};

struct ocpp_cancel_reservation_conf {
    struct ocpp_enum status;
};

OCPP_EMPTY(get_local_list_version_req);

struct ocpp_get_local_list_version_conf {
    struct ocpp_int list_version;
};

struct ocpp_reserve_now_req {
    struct ocpp_int connector_id;
    struct ocpp_time expiry_date;
    const char *id_tag;
    const char *parent_id_tag;
    struct ocpp_int reservation_id;
};

struct ocpp_reserve_now_conf {
    struct ocpp_enum status;
};

struct ocpp_send_local_list_req {
    struct ocpp_int list_version;
    struct ocpp_authorization_data_list local_authorization_list;
    struct ocpp_enum update_type;
};

struct ocpp_send_local_list_conf {
    struct ocpp_enum status;
};

#endif
