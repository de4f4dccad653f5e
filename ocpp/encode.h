/* encode.h - messages of ours.  Strict out: what leaves is valid by the official schema.
 *
 * Each function returns the length without the closing NUL, or 0 if `size` is too small; then the
 * buffer holds nothing of use, for nothing is truncated.  A payload that breaks the schema is a bug
 * of the caller's and asserted: data of foreign origin goes through ocpp_payload_fault first.
 */
#ifndef OCPP_ENCODE_H
#define OCPP_ENCODE_H

#include "ocpp/frame.h"

/* `id` is in JSON's spelling, without quotes: for results and errors ocpp_frame.id as read. */
MUST_CHECK size_t ocpp_encode_call(
    char *buf, size_t size, const char *id, enum ocpp_action action, const void *req);
MUST_CHECK size_t ocpp_encode_result(
    char *buf, size_t size, const char *id, enum ocpp_action action, const void *conf);
MUST_CHECK size_t ocpp_encode_error(
    char *buf, size_t size, const char *id, enum ocpp_error error, const char *text);
/* With the member, if the fault has one, in the description and in the details. */
MUST_CHECK size_t ocpp_encode_fault(
    char *buf, size_t size, const char *id, const struct ocpp_fault *fault);
MUST_CHECK size_t ocpp_encode_payload(
    char *buf, size_t size, enum ocpp_action action, bool confirmation, const void *payload);

/* True, and *ret_fault says what, if the schema would refuse the payload as it stands. */
MUST_CHECK bool ocpp_payload_fault(
    enum ocpp_action action, bool confirmation, const void *payload, struct ocpp_fault *ret_fault);

#endif
