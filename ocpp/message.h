/* message.h - what can be said of a message: its verdict, its faults, the limits it must keep.
 *
 * A payload is
 *   EXACT      the official schema accepts it,
 *   TOLERATED  the schema refuses it, but it can be understood without guessing,
 *   UNUSABLE   a required member is missing, or has a meaning that cannot be recovered.
 * A message id is tolerated, too, if it can be given back: a number ([2,17,"Heartbeat",{}]), and a
 * string that is empty, or longer than 36 characters but not than 255, or not printable.
 * One bad element does not spoil its list: it is left out, which is tolerated, while another of the
 * list remains or the list is optional.
 *
 * Two readings of "the schema" had to be chosen.  Its own dialect (draft 4) says that 12.0 is no
 * integer: tolerated.  And what no int64 can hold (or a decimal finer than a millionth) cannot be
 * recovered, although a schema knows no such limit.
 * Rules that stand only in the specification's prose (connectorId > 0, at least one meterValue,
 * numbers of 32 bits) never change the verdict; they are listed with `prose` set.
 */
#ifndef OCPP_MESSAGE_H
#define OCPP_MESSAGE_H

#include "ocpp/catalogue.h"

enum ocpp_verdict { OCPP_EXACT, OCPP_TOLERATED, OCPP_UNUSABLE };

/* The error codes of OCPP-J 1.6, in its spelling. */
enum ocpp_error {
    OCPP_NOT_IMPLEMENTED,
    OCPP_NOT_SUPPORTED,
    OCPP_INTERNAL_ERROR,
    OCPP_PROTOCOL_ERROR,
    OCPP_SECURITY_ERROR,
    OCPP_FORMATION_VIOLATION,
    OCPP_PROPERTY_CONSTRAINT_VIOLATION,
    OCPP_OCCURENCE_CONSTRAINT_VIOLATION,
    OCPP_TYPE_CONSTRAINT_VIOLATION,
    OCPP_GENERIC_ERROR,
    OCPP_ERROR_COUNT
};

const char *ocpp_error_text(enum ocpp_error);

struct ocpp_fault {
    enum ocpp_error error;
    char member[128]; /* path: meterValue[0].sampledValue[2].unit; "" is the whole payload */
    char text[160];   /* an English sentence fit for errorDescription */
    bool prose;       /* a rule that the official schema does not know */
};

struct ocpp_limits {
    size_t bytes;
    uint32_t nodes; /* every value counts: objects, arrays, strings, numbers, literals */
    uint16_t depth; /* nested objects and arrays; the outermost is 1 */
    uint16_t keys;  /* members of one object */
};

enum {
    OCPP_DEPTH_MAX = 16,
    OCPP_KEYS_MAX = 64,
    OCPP_STRANGER_BYTES_MAX = 64 * 1024,
    OCPP_STRANGER_NODES_MAX = 20000,
    OCPP_PILE_BYTES_MAX = 1024 * 1024,
    OCPP_PILE_NODES_MAX = 200000,
    OCPP_ID_MAX = 36,      /* code points of a message id (OCPP-J 1.6, 4.1.4) */
    OCPP_ID_ECHO_MAX = 255 /* of one that is tolerated */
};

extern const struct ocpp_limits ocpp_limits_stranger; /* before authentication */
extern const struct ocpp_limits ocpp_limits_pile;     /* an authenticated pile */

#endif
