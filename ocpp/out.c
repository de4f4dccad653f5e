/* out.c - see out.h. */
#include "ocpp/out.h"

#include <stdio.h>
#include <string.h>

void ocpp_out_bytes(struct ocpp_out *out, const char *bytes, size_t length)
{
    if (out->used < out->size && length < out->size - out->used)
        memcpy(out->buf + out->used, bytes, length);
    out->used += length;
}

void ocpp_out_text(struct ocpp_out *out, const char *text)
{
    ocpp_out_bytes(out, text, strlen(text));
}

static void put_escape(struct ocpp_out *out, unsigned char c)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    char text[8] = {'\\'};

    for (size_t i = 0; i + 1 < sizeof(named); i += 2) {
        if ((unsigned char)named[i] == c) {
            text[1] = named[i + 1];
            ocpp_out_bytes(out, text, 2);
            return;
        }
    }
    snprintf(text, sizeof(text), "\\u%04x", c);
    ocpp_out_bytes(out, text, 6);
}

void ocpp_out_quoted(struct ocpp_out *out, const char *text)
{
    const char *start = text, *p;

    ocpp_out_bytes(out, "\"", 1);
    for (p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        ocpp_out_bytes(out, start, (size_t)(p - start));
        put_escape(out, c);
        start = p + 1;
    }
    ocpp_out_bytes(out, start, (size_t)(p - start));
    ocpp_out_bytes(out, "\"", 1);
}

size_t ocpp_out_end(struct ocpp_out *out)
{
    if (out->used >= out->size)
        return 0;
    out->buf[out->used] = '\0';
    return out->used;
}
