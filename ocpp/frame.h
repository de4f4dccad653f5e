/* frame.h - one OCPP-J message: reading and decoding, and encoding our own.
 *
 * A frame owns what was decoded from it, and is in use until ocpp_frame_done.  It keeps pointers
 * into the text it was read from, which therefore must outlive it, and into itself: never copy one.
 * No clock, no log, no global state; a frame belongs to one thread.
 */
#ifndef OCPP_FRAME_H
#define OCPP_FRAME_H

#include "ocpp/arena.h"
#include "ocpp/gate.h"
#include "ocpp/message.h"
#include "ocpp/payloads.h"

enum ocpp_type { OCPP_CALL = 2, OCPP_CALL_RESULT = 3, OCPP_CALL_ERROR = 4 };

enum ocpp_read {
    OCPP_READ_FRAME,
    OCPP_READ_EMPTY,     /* no text, or blanks only: to be ignored */
    OCPP_READ_NOT_JSON,  /* the gate refused it */
    OCPP_READ_REFUSED,   /* JSON, and a CALL, so it may be evidence; but the gate refused it, or its
                            id cannot be given back */
    OCPP_READ_NOT_FRAME, /* JSON, but no message of OCPP-J */
    OCPP_READ_OTHER_TYPE, /* a message type this version does not know: to be ignored (4.1.3) */
    OCPP_READ_NO_MEMORY
};

enum {
    OCPP_ID_BYTES_MAX = OCPP_ID_ECHO_MAX * 12, /* each code point spelled as two \uXXXX */
    OCPP_NAME_BYTES_MAX = 128,
    OCPP_DEVIATIONS_MAX = 32, /* kept; further ones only count for the verdict */
    OCPP_FRAME_NUMBERS = 64   /* more numbers than this cost an allocation */
};

struct cJSON;

struct ocpp_frame {
    enum ocpp_type type;
    const char *id; /* in JSON's spelling as sent, without the quotes, for the echo; else NULL */
    size_t id_length;
    bool id_bare;            /* it was a number, not a string: its answer must bear it so */
    bool id_odd;             /* a string of a length or characters that no message id has */
    enum ocpp_action action; /* CALL only; OCPP_ACTION_NONE if unknown */
    const char *action_name; /* CALL only, decoded; a name over OCPP_NAME_BYTES_MAX is cut */
    const char *error_code;  /* CALL_ERROR only; cut likewise */
    const char *error_text;  /* CALL_ERROR only; "" if there is none */
    const char *payload;     /* the payload's bytes in the text; of a CALL_ERROR its details */
    size_t payload_length;   /* 0: there is none */
    uint32_t elements_lost;  /* once decoded: elements of lists that had to be left out */

    /* Private from here on. */
    char id_buffer[OCPP_ID_BYTES_MAX + 1];
    char name_buffer[OCPP_NAME_BYTES_MAX + 1];
    const char *text;
    struct ocpp_mark numbers_few[OCPP_FRAME_NUMBERS];
    struct ocpp_mark *numbers;
    uint32_t number_count, payload_number;
    struct cJSON *tree;
    struct ocpp_arena arena;
    struct ocpp_fault *deviations;
    uint32_t deviation_count;
    bool out_of_memory;
    bool refused; /* by the gate: not to be decoded */
};

/* Reads one whole text message of `length` bytes; it need not end in NUL.  Whatever the result, the
 * frame may be given to ocpp_frame_done.  On NOT_JSON and NOT_FRAME the fault says why, and the
 * frame's `type` and `id` are set if they could be read (id is NULL otherwise), so that a CALL can
 * still be refused by name.  On REFUSED the fault says why, and the frame's public members are set
 * as of a CALL, `id` if it can be given back, but its payload must not be decoded. */
MUST_CHECK enum ocpp_read ocpp_frame_read(const char *text, size_t length,
    const struct ocpp_limits *limits, struct ocpp_frame *ret, struct ocpp_fault *ret_fault);

/* Decodes a CALL's payload; the action must be known.  *ret_request is a struct ocpp_<action>_req.
 * Of an UNUSABLE payload it holds what could be read (what could not is absent), or is NULL if the
 * payload is no object.  An element that cannot be understood is left out of its list; where all
 * are, the list is absent.  Decode a frame once.  Lack of memory is UNUSABLE with InternalError. */
MUST_CHECK enum ocpp_verdict ocpp_frame_request(struct ocpp_frame *frame, const void **ret_request);

/* The same for a CALL_RESULT that answers our call of `action`: a struct ocpp_<action>_conf. */
MUST_CHECK enum ocpp_verdict ocpp_frame_confirmation(
    struct ocpp_frame *frame, enum ocpp_action action, const void **ret_conf);

/* Decodes a payload that stands alone (a command of the database) as if it had come in a frame:
 * verdict, deviations and lifetime as of ocpp_frame_request.  Not JSON is UNUSABLE too.  If it is
 * EXACT, *ret_payload can be encoded. */
MUST_CHECK enum ocpp_verdict ocpp_payload_read(const char *text, size_t length,
    enum ocpp_action action, bool confirmation, struct ocpp_frame *ret, const void **ret_payload);

/* The verdict is that of the official schema; what it minds, and what the prose does, are the
 * deviations.  The i-th of them, NULL past the end; the first is the reason if unusable. */
const struct ocpp_fault *ocpp_frame_deviation(const struct ocpp_frame *frame, uint32_t i);

/* Takes a frame in any state, also one zeroed and never read. */
void ocpp_frame_done(struct ocpp_frame *frame);

#endif
