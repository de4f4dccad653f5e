/* payload_firmware.h - payloads of the FirmwareManagement profile.
 *
 * Each struct is described, member by member, by the table of its name in shapes_firmware.c.
 */
#ifndef OCPP_PAYLOAD_FIRMWARE_H
#define OCPP_PAYLOAD_FIRMWARE_H

#include "ocpp/types.h"

struct ocpp_diagnostics_status_notification_req {
    struct ocpp_enum status;
};

OCPP_EMPTY(diagnostics_status_notification_conf);

struct ocpp_firmware_status_notification_req {
    struct ocpp_enum status;
};

OCPP_EMPTY(firmware_status_notification_conf);

struct ocpp_get_diagnostics_req {
    const char *location;
    struct ocpp_int retries;
    struct ocpp_int retry_interval;
    struct ocpp_time start_time;
    struct ocpp_time stop_time;
};

struct ocpp_get_diagnostics_conf {
    const char *file_name;
};

struct ocpp_update_firmware_req {
    const char *location;
    struct ocpp_int retries;
    struct ocpp_time retrieve_date;
    struct ocpp_int retry_interval;
};

OCPP_EMPTY(update_firmware_conf);

#endif
