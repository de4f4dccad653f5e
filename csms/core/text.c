/* text.c - see text.h.  Values only, no thread of its own. */
#include "csms/core/text.h"

#include "ocpp/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

/* Makes room for `more` bytes and the NUL. */
static bool text_reserve(struct core_text *text, size_t more)
{
    size_t need = text->length + more + 1;
    size_t capacity = text->capacity != 0 ? text->capacity : FIRST_CAPACITY;
    char *bytes;

    if (text->failed)
        return false;
    while (capacity < need)
        capacity *= 2;
    if (capacity == text->capacity)
        return true;
    bytes = realloc(text->bytes, capacity);
    if (bytes == NULL) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void core_text_add(struct core_text *text, const char *more)
{
    size_t length = strlen(more);

    if (!text_reserve(text, length))
        return;
    memcpy(text->bytes + text->length, more, length + 1);
    text->length += length;
}

void core_text_int(struct core_text *text, int64_t value)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%lld", (long long)value);
    core_text_add(text, digits);
}

void core_text_quote(struct core_text *text, const char *more)
{
    size_t room = strlen(more) * 6 + 3; /* every byte as \u00XX, two quotes, NUL */

    if (!text_reserve(text, room))
        return;
    text->length += ocpp_json_quote(text->bytes + text->length, room, more);
    text->bytes[text->length] = '\0';
}

void core_text_member(struct core_text *text, const char *name, const char *value)
{
    if (text->length > 0 && text->bytes[text->length - 1] != '{')
        core_text_add(text, ",");
    core_text_quote(text, name);
    core_text_add(text, ":");
    core_text_quote(text, value);
}

char *core_text_take(struct core_text *text)
{
    char *bytes = text->bytes;

    if (text->failed) {
        core_text_done(text);
        return NULL;
    }
    *text = (struct core_text){0};
    return bytes;
}

void core_text_done(struct core_text *text)
{
    if (text == NULL)
        return;
    free(text->bytes);
    *text = (struct core_text){0};
}
