/* shapes_local.c - field tables of the LocalAuthListManagement and Reservation profiles. */
#include "ocpp/payload_local.h"
#include "ocpp/shapes.h"

#define S struct ocpp_authorization_data
FIELDS(authorization_data) = {
    F(id_tag, "idTag", REQ, .max = 20),
    O(id_tag_info, "idTagInfo", OPT, id_tag_info),
};
SHAPE(authorization_data)
#undef S

#define S struct ocpp_cancel_reservation_req
FIELDS(cancel_reservation_req) = {
    F(reservation_id, "reservationId", REQ),
};
SHAPE(cancel_reservation_req)
#undef S

#define S struct ocpp_cancel_reservation_conf
FIELDS(cancel_reservation_conf) = {
    E(status, "status", REQ, CANCEL_RESERVATION_STATUS),
};
SHAPE(cancel_reservation_conf)
#undef S

SHAPE_EMPTY(get_local_list_version_req)

#define S struct ocpp_get_local_list_version_conf
FIELDS(get_local_list_version_conf) = {
    F(list_version, "listVersion", REQ),
};
SHAPE(get_local_list_version_conf)
#undef S

#define S struct ocpp_reserve_now_req
FIELDS(reserve_now_req) = {
    F(connector_id, "connectorId", REQ, AT_LEAST(0)),
    F(expiry_date, "expiryDate", REQ),
    F(id_tag, "idTag", REQ, .max = 20),
    F(parent_id_tag, "parentIdTag", OPT, .max = 20),
    F(reservation_id, "reservationId", REQ),
};
SHAPE(reserve_now_req)
#undef S

#define S struct ocpp_reserve_now_conf
FIELDS(reserve_now_conf) = {
    E(status, "status", REQ, RESERVATION_STATUS),
};
SHAPE(reserve_now_conf)
#undef S

#define S struct ocpp_send_local_list_req
FIELDS(send_local_list_req) = {
    F(list_version, "listVersion", REQ),
    L(local_authorization_list, "localAuthorizationList", OPT, authorization_data),
    E(update_type, "updateType", REQ, UPDATE_TYPE),
};
SHAPE(send_local_list_req)
#undef S

#define S struct ocpp_send_local_list_conf
FIELDS(send_local_list_conf) = {
    E(status, "status", REQ, UPDATE_STATUS),
};
SHAPE(send_local_list_conf)
#undef S
