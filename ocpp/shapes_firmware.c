/* shapes_firmware.c - field tables of the FirmwareManagement profile. */
#include "ocpp/payload_firmware.h"
#include "ocpp/shapes.h"

#define S struct ocpp_diagnostics_status_notification_req
FIELDS(diagnostics_status_notification_req) = {
    E(status, "status", REQ, DIAGNOSTICS_STATUS),
};
SHAPE(diagnostics_status_notification_req)
#undef S

SHAPE_EMPTY(diagnostics_status_notification_conf)

#define S struct ocpp_firmware_status_notification_req
FIELDS(firmware_status_notification_req) = {
    E(status, "status", REQ, FIRMWARE_STATUS),
};
SHAPE(firmware_status_notification_req)
#undef S

SHAPE_EMPTY(firmware_status_notification_conf)

#define S struct ocpp_get_diagnostics_req
FIELDS(get_diagnostics_req) = {
    F(location, "location", REQ, .format = OCPP_FORMAT_URI),
    F(retries, "retries", OPT, AT_LEAST(0)),
    F(retry_interval, "retryInterval", OPT, AT_LEAST(0)),
    F(start_time, "startTime", OPT),
    F(stop_time, "stopTime", OPT),
};
SHAPE(get_diagnostics_req)
#undef S

#define S struct ocpp_get_diagnostics_conf
FIELDS(get_diagnostics_conf) = {
    F(file_name, "fileName", OPT, .max = 255),
};
SHAPE(get_diagnostics_conf)
#undef S

#define S struct ocpp_update_firmware_req
FIELDS(update_firmware_req) = {
    F(location, "location", REQ, .format = OCPP_FORMAT_URI),
    F(retries, "retries", OPT, AT_LEAST(0)),
    F(retrieve_date, "retrieveDate", REQ),
    F(retry_interval, "retryInterval", OPT, AT_LEAST(0)),
};
SHAPE(update_firmware_req)
#undef S

SHAPE_EMPTY(update_firmware_conf)
