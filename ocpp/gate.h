/* gate.h - the strict gate that every JSON text passes before cJSON sees it.
 *
 * cJSON is lenient where a bill must not be: it takes duplicate names, trailing text, NUL, broken
 * UTF-8, 007.  The gate takes RFC 8259 only, and of that what the limits allow: UTF-8, one
 * document, no byte order mark, no NUL even when escaped, no lone surrogate, no name twice in one
 * object (compared decoded, case-sensitive).  One pass, no allocation, no recursion; its work is
 * bounded by length x keys / 2.
 */
#ifndef OCPP_GATE_H
#define OCPP_GATE_H

#include "ocpp/message.h"

enum {
    OCPP_NUMBER_MAX = 63,  /* bytes of one number: what cJSON's own buffer holds */
    OCPP_GATE_ELEMENTS = 5 /* elements of an outermost array whose place is told */
};

/* Where something stands in the text. */
struct ocpp_mark {
    uint32_t offset, length;
};

struct ocpp_element {
    struct ocpp_mark at;
    uint32_t first_number; /* how many numbers stand before it */
};

enum ocpp_gate_result {
    OCPP_GATE_OK,
    OCPP_GATE_EMPTY, /* no text, or blanks only */
    OCPP_GATE_SYNTAX,
    OCPP_GATE_ENCODING,
    OCPP_GATE_NUL,
    OCPP_GATE_NUMBER,
    OCPP_GATE_DUPLICATE,
    OCPP_GATE_TRAILING,
    OCPP_GATE_BYTES,
    OCPP_GATE_NODES,
    OCPP_GATE_DEPTH,
    OCPP_GATE_KEYS,
    OCPP_GATE_RESULT_COUNT
};

struct ocpp_gate_report {
    size_t offset;         /* where it was refused, or the length */
    uint32_t number_count; /* of all numbers, also those that found no room */
    uint32_t node_count;
    uint32_t element_count; /* of an outermost array; may exceed OCPP_GATE_ELEMENTS */
    struct ocpp_element elements[OCPP_GATE_ELEMENTS];
};

/* `numbers` has room for `number_room` marks and takes the first ones in document order; if more
 * are reported, call again with more room.  The report is filled as far as the gate came, also on a
 * refusal: elements that were complete by then are told. */
MUST_CHECK enum ocpp_gate_result ocpp_gate_check(const char *text, size_t length,
    const struct ocpp_limits *limits, struct ocpp_mark *numbers, uint32_t number_room,
    struct ocpp_gate_report *ret);

/* Whether the text is JSON in UTF-8 at all: names twice, \u0000, an escaped lone surrogate, long
 * numbers and 65,535 levels are let through.  Tells what may be kept as evidence; what passes here
 * only must never be decoded. */
MUST_CHECK enum ocpp_gate_result ocpp_gate_syntax(
    const char *text, size_t length, struct ocpp_gate_report *ret);

const char *ocpp_gate_text(enum ocpp_gate_result); /* a sentence for a fault's text */

#endif
