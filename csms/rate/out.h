/* out.h - a text that grows while JSON is written into it.
 *
 * Failure is remembered: after the memory ran out nothing more is written and `failed` says so, so
 * that a writer checks once, at its end.  The text is the owner's to free.
 */
#ifndef CSMS_RATE_OUT_H
#define CSMS_RATE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csms_out {
    char *text;
    size_t length, size;
    bool failed;
};

void csms_out_init(struct csms_out *);
void csms_out_done(struct csms_out *);
void csms_out_bytes(struct csms_out *, const char *bytes, size_t length);
void csms_out_text(struct csms_out *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void csms_out_quoted(struct csms_out *, const char *text);       /* as a JSON string */
void csms_out_int(struct csms_out *, const char *name, int64_t); /* "name":"value" */
void csms_out_time(struct csms_out *, int64_t unix_us);          /* quoted, with microseconds */
void csms_out_decimal(struct csms_out *, int64_t value, unsigned places); /* quoted, all places */

#endif
