/* mutate.c - see mutate.h. */
#include "tests/ocpp/mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 1 << 20 };

static char written[TEXT_BYTES];

struct writer {
    const struct mutation *mutation;
    struct mutated *ret;
    char *text;
    size_t used, size;
    unsigned optional_lists; /* around what is written now */
};

static void put(struct writer *w, const char *text)
{
    size_t length = strlen(text);

    ck_assert_uint_lt(w->used + length, w->size);
    memcpy(w->text + w->used, text, length + 1);
    w->used += length;
}

/* JSON text of a value that the field accepts. */
static void write_valid(const struct ocpp_field *field, char *buf, size_t size)
{
    switch (field->kind) {
    case OCPP_FIELD_INT:
        snprintf(buf, size, "1");
        break;
    case OCPP_FIELD_BOOL:
        snprintf(buf, size, "true");
        break;
    case OCPP_FIELD_TIME:
        snprintf(buf, size, "\"2026-01-31T12:00:00Z\"");
        break;
    case OCPP_FIELD_DECIMAL:
        snprintf(buf, size, "16.1");
        break;
    case OCPP_FIELD_ENUM:
        snprintf(buf, size, "\"%s\"", ocpp_enum_text(field->enum_kind, 0));
        break;
    case OCPP_FIELD_STRING:
        snprintf(buf, size, "\"%s\"", field->format == OCPP_FORMAT_URI ? "ftp://a/b" : "a");
        break;
    case OCPP_FIELD_STRINGS:
        snprintf(buf, size, "[\"a\"]");
        break;
    case OCPP_FIELD_OBJECT:
    case OCPP_FIELD_OBJECTS:
    case OCPP_FIELD_KIND_COUNT:
    default:
        ck_abort_msg("a composed member has no single value");
    }
}

static void put_object(struct writer *w, const struct ocpp_shape *shape, const char *path);

static void put_value(struct writer *w, const struct ocpp_field *field, const char *path)
{
    char text[256];

    if (field->kind == OCPP_FIELD_OBJECT) {
        put_object(w, field->nested, path);
    } else if (field->kind == OCPP_FIELD_OBJECTS) {
        snprintf(text, sizeof(text), "%s[0]", path);
        w->optional_lists += !field->required;
        put(w, "[");
        put_object(w, field->nested, text);
        put(w, "]");
        w->optional_lists -= !field->required;
    } else {
        write_valid(field, text, sizeof(text));
        put(w, text);
    }
}

static void put_member(struct writer *w, const struct ocpp_field *field, const char *parent)
{
    uint32_t number = w->ret->members++;
    bool target = number == w->mutation->target;
    char path[128], name[64];

    snprintf(path, sizeof(path), "%s%s%s", parent, *parent == '\0' ? "" : ".", field->name);
    if (target) {
        w->ret->field = field;
        w->ret->spared = w->optional_lists > 0;
        snprintf(w->ret->path, sizeof(w->ret->path), "%s", path);
        snprintf(w->ret->parent, sizeof(w->ret->parent), "%s", parent);
    }
    if (target && w->mutation->how == MUTATE_REMOVE)
        return;
    snprintf(name, sizeof(name), "%s\"%s\":", w->text[w->used - 1] == '{' ? "" : ",", field->name);
    put(w, name);
    if (target && w->mutation->how == MUTATE_REPLACE)
        put(w, w->mutation->value);
    else
        put_value(w, field, path);
    if (target && w->mutation->how == MUTATE_BESIDE)
        put(w, ",\"unheardOf\":{\"a\":[1,2.5]}");
}

static void put_object(struct writer *w, const struct ocpp_shape *shape, const char *path)
{
    put(w, "{");
    for (uint32_t i = 0; i < shape->count; i++)
        put_member(w, &shape->fields[i], path);
    put(w, "}");
}

void mutate_write(const struct mutation *mutation, struct mutated *ret)
{
    struct writer w = {mutation, ret, written, 0, sizeof(written), 0};

    ret->text = written;
    ret->members = 0;
    ret->field = NULL;
    put_object(&w, ocpp_shape_of(mutation->action, mutation->confirmation), "");
}

char *mutate_array(const struct ocpp_field *field, size_t count)
{
    static const struct mutation nothing = {.target = UINT32_MAX};
    struct mutated ignored = {0};
    struct writer w = {&nothing, &ignored, malloc(TEXT_BYTES), 0, TEXT_BYTES, 0};

    put(&w, "[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(&w, ",");
        if (field->kind == OCPP_FIELD_STRINGS)
            put(&w, "\"a\"");
        else
            put_object(&w, field->nested, "");
    }
    put(&w, "]");
    return w.text;
}
