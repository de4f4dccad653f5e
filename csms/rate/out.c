/* out.c - a text that grows while JSON is written into it. */
#include "csms/rate/out.h"

#include "ocpp/datetime.h"
#include "ocpp/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void csms_out_init(struct csms_out *out)
{
    memset(out, 0, sizeof(*out));
}

void csms_out_done(struct csms_out *out)
{
    if (out == NULL)
        return;
    free(out->text);
    memset(out, 0, sizeof(*out));
}

/* Room for `more` bytes and a NUL. */
static bool make_room(struct csms_out *out, size_t more)
{
    size_t size = out->size == 0 ? 4096 : out->size;
    char *text;

    if (out->failed)
        return false;
    while (size < out->length + more + 1)
        size *= 2;
    if (size == out->size)
        return true;
    text = realloc(out->text, size);
    if (text == NULL) {
        out->failed = true;
        return false;
    }
    out->text = text;
    out->size = size;
    return true;
}

void csms_out_bytes(struct csms_out *out, const char *bytes, size_t length)
{
    if (!make_room(out, length))
        return;
    memcpy(out->text + out->length, bytes, length);
    out->length += length;
    out->text[out->length] = 0;
}

void csms_out_text(struct csms_out *out, const char *format, ...)
{
    char buf[512];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(buf, sizeof(buf), format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof(buf)) {
        out->failed = true;
        return;
    }
    csms_out_bytes(out, buf, (size_t)length);
}

void csms_out_quoted(struct csms_out *out, const char *text)
{
    size_t most = strlen(text) * 6 + 3, length; /* \u0000 is the longest escape */

    if (!make_room(out, most))
        return;
    length = ocpp_json_quote(out->text + out->length, most, text);
    if (length == 0)
        out->failed = true;
    out->length += length;
    out->text[out->length] = 0;
}

void csms_out_int(struct csms_out *out, const char *name, int64_t value)
{
    csms_out_text(out, "\"%s\":\"%" PRId64 "\"", name, value);
}

void csms_out_time(struct csms_out *out, int64_t unix_us)
{
    char buf[OCPP_DATETIME_BYTES];
    int64_t micro = unix_us % 1000000;

    ocpp_datetime_write(buf, unix_us);
    csms_out_text(out, "\"%.19s.%06dZ\"", buf, (int)(micro < 0 ? micro + 1000000 : micro));
}

void csms_out_decimal(struct csms_out *out, int64_t value, unsigned places)
{
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value, unit = 1;

    for (unsigned i = 0; i < places; i++)
        unit *= 10;
    csms_out_text(out, "\"%s%" PRIu64, value < 0 ? "-" : "", magnitude / unit);
    if (places > 0)
        csms_out_text(out, ".%0*" PRIu64, (int)places, magnitude % unit);
    csms_out_bytes(out, "\"", 1);
}
