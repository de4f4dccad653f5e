/* shapes_core.c - field tables of the Core profile that the pile sends, and DataTransfer. */
#include "ocpp/payload_core.h"
#include "ocpp/shapes.h"

#define S struct ocpp_id_tag_info
FIELDS(id_tag_info) = {
    F(expiry_date, "expiryDate", OPT),
    F(parent_id_tag, "parentIdTag", OPT, .max = 20),
    E(status, "status", REQ, AUTHORIZATION_STATUS),
};
SHAPE(id_tag_info)
#undef S

#define S struct ocpp_sampled_value
FIELDS(sampled_value) = {
    F(value, "value", REQ),
    E(context, "context", OPT, READING_CONTEXT),
    E(format, "format", OPT, VALUE_FORMAT),
    E(measurand, "measurand", OPT, MEASURAND),
    E(phase, "phase", OPT, PHASE),
    E(location, "location", OPT, LOCATION),
    E(unit, "unit", OPT, UNIT_OF_MEASURE),
};
SHAPE(sampled_value)
#undef S

#define S struct ocpp_meter_value
FIELDS(meter_value) = {
    F(timestamp, "timestamp", REQ),
    L(sampled_value, "sampledValue", REQ, sampled_value, FILLED),
};
SHAPE(meter_value)
#undef S

#define S struct ocpp_authorize_req
FIELDS(authorize_req) = {
    F(id_tag, "idTag", REQ, .max = 20),
};
SHAPE(authorize_req)
#undef S

#define S struct ocpp_authorize_conf
FIELDS(authorize_conf) = {
    O(id_tag_info, "idTagInfo", REQ, id_tag_info),
};
SHAPE(authorize_conf)
#undef S

#define S struct ocpp_boot_notification_req
FIELDS(boot_notification_req) = {
    F(charge_point_vendor, "chargePointVendor", REQ, .max = 20),
    F(charge_point_model, "chargePointModel", REQ, .max = 20),
    F(charge_point_serial_number, "chargePointSerialNumber", OPT, .max = 25),
    F(charge_box_serial_number, "chargeBoxSerialNumber", OPT, .max = 25),
    F(firmware_version, "firmwareVersion", OPT, .max = 50),
    F(iccid, "iccid", OPT, .max = 20),
    F(imsi, "imsi", OPT, .max = 20),
    F(meter_type, "meterType", OPT, .max = 25),
    F(meter_serial_number, "meterSerialNumber", OPT, .max = 25),
};
SHAPE(boot_notification_req)
#undef S

#define S struct ocpp_boot_notification_conf
FIELDS(boot_notification_conf) = {
    E(status, "status", REQ, REGISTRATION_STATUS),
    F(current_time, "currentTime", REQ),
    F(interval, "interval", REQ, AT_LEAST(0)),
};
SHAPE(boot_notification_conf)
#undef S

#define S struct ocpp_data_transfer_req
FIELDS(data_transfer_req) = {
    F(vendor_id, "vendorId", REQ, .max = 255),
    F(message_id, "messageId", OPT, .max = 50),
    F(data, "data", OPT, .raw = true),
};
SHAPE(data_transfer_req)
#undef S

#define S struct ocpp_data_transfer_conf
FIELDS(data_transfer_conf) = {
    E(status, "status", REQ, DATA_TRANSFER_STATUS),
    F(data, "data", OPT, .raw = true),
};
SHAPE(data_transfer_conf)
#undef S

SHAPE_EMPTY(heartbeat_req)

#define S struct ocpp_heartbeat_conf
FIELDS(heartbeat_conf) = {
    F(current_time, "currentTime", REQ),
};
SHAPE(heartbeat_conf)
#undef S

#define S struct ocpp_meter_values_req
FIELDS(meter_values_req) = {
    F(connector_id, "connectorId", REQ, AT_LEAST(0)),
    F(transaction_id, "transactionId", OPT),
    L(meter_value, "meterValue", REQ, meter_value, FILLED),
};
SHAPE(meter_values_req)
#undef S

SHAPE_EMPTY(meter_values_conf)

#define S struct ocpp_start_transaction_req
FIELDS(start_transaction_req) = {
    F(connector_id, "connectorId", REQ, AT_LEAST(1)),
    F(id_tag, "idTag", REQ, .max = 20),
    F(meter_start, "meterStart", REQ),
    F(reservation_id, "reservationId", OPT),
    F(timestamp, "timestamp", REQ),
};
SHAPE(start_transaction_req)
#undef S

#define S struct ocpp_start_transaction_conf
FIELDS(start_transaction_conf) = {
    O(id_tag_info, "idTagInfo", REQ, id_tag_info),
    F(transaction_id, "transactionId", REQ),
};
SHAPE(start_transaction_conf)
#undef S

#define S struct ocpp_status_notification_req
FIELDS(status_notification_req) = {
    F(connector_id, "connectorId", REQ, AT_LEAST(0)),
    E(error_code, "errorCode", REQ, CHARGE_POINT_ERROR_CODE),
    F(info, "info", OPT, .max = 50),
    E(status, "status", REQ, CHARGE_POINT_STATUS),
    F(timestamp, "timestamp", OPT),
    F(vendor_id, "vendorId", OPT, .max = 255),
    F(vendor_error_code, "vendorErrorCode", OPT, .max = 50),
};
SHAPE(status_notification_req)
#undef S

SHAPE_EMPTY(status_notification_conf)

#define S struct ocpp_stop_transaction_req
FIELDS(stop_transaction_req) = {
    F(id_tag, "idTag", OPT, .max = 20),
    F(meter_stop, "meterStop", REQ),
    F(timestamp, "timestamp", REQ),
    F(transaction_id, "transactionId", REQ),
    E(reason, "reason", OPT, REASON),
    L(transaction_data, "transactionData", OPT, meter_value),
};
SHAPE(stop_transaction_req)
#undef S

#define S struct ocpp_stop_transaction_conf
FIELDS(stop_transaction_conf) = {
    O(id_tag_info, "idTagInfo", OPT, id_tag_info),
};
SHAPE(stop_transaction_conf)
#undef S
