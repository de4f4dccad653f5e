/* out.h - writing text into a buffer of fixed size.  Private to ocpp/.
 *
 * `used` counts on when the buffer is full, so one run with size 0 measures.
 */
#ifndef OCPP_OUT_H
#define OCPP_OUT_H

#include "ocpp/types.h"

struct ocpp_out {
    char *buf;
    size_t size, used;
};

void ocpp_out_bytes(struct ocpp_out *out, const char *bytes, size_t length);
void ocpp_out_text(struct ocpp_out *out, const char *text);

/* As a JSON string, quotes and all.  The text is UTF-8. */
void ocpp_out_quoted(struct ocpp_out *out, const char *text);

/* Ends the text with NUL.  Its length; 0: it did not fit. */
MUST_CHECK size_t ocpp_out_end(struct ocpp_out *out);

#endif
