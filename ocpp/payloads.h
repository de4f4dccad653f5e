/* payloads.h - all payloads: struct ocpp_<action>_req and struct ocpp_<action>_conf. */
#ifndef OCPP_PAYLOADS_H
#define OCPP_PAYLOADS_H

#include "ocpp/payload_core.h"
#include "ocpp/payload_firmware.h"
#include "ocpp/payload_local.h"
#include "ocpp/payload_manage.h"
#include "ocpp/payload_security.h"
#include "ocpp/payload_smart.h"

#endif
