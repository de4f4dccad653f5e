/* decode.h - how a decoder speaks of what it finds.  Private to ocpp/. */
#ifndef OCPP_DECODE_H
#define OCPP_DECODE_H

#include "ocpp/describe.h"
#include "ocpp/frame.h"
#include "ocpp/path.h"
#include "ocpp/tree.h"

struct ocpp_decoder {
    struct ocpp_frame *frame;
    struct ocpp_source source;
    struct ocpp_path path;
    bool tolerated;
    bool unusable; /* of what is decoded now: the payload, or one element of a list */
    bool reasoned; /* the first deviation is the reason of what was lost */
};

/* What was found: an error code, whether only the prose minds, and a sentence. */
struct ocpp_finding {
    enum ocpp_error error;
    bool prose;
    const char *text;
};

/* Notes a deviation at the present path.  It was understood; unless only the prose minds, the
 * payload is at best tolerated. */
void ocpp_decode_note(struct ocpp_decoder *d, const struct ocpp_finding *finding);

/* Notes that what stands at the present path cannot be understood.  An optional member is left out
 * for it; a required one spoils the payload, or the element of a list that it stands in. */
void ocpp_decode_lose(struct ocpp_decoder *d, bool required, const struct ocpp_finding *finding);

void ocpp_decode_no_memory(struct ocpp_decoder *d);

/* Decodes one member that is neither an object nor an array into `out`, where its struct is. */
void ocpp_decode_value(
    struct ocpp_decoder *d, const struct ocpp_field *field, const cJSON *node, void *out);

/* Decodes one string of at most field->max code points; NULL: it could not be. */
const char *ocpp_decode_string(
    struct ocpp_decoder *d, const struct ocpp_field *field, const cJSON *node);

#endif
