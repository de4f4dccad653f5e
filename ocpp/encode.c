/* encode.c - messages of ours, by the field tables. */
#include "ocpp/encode.h"

#include "ocpp/datetime.h"
#include "ocpp/decimal.h"
#include "ocpp/describe.h"
#include "ocpp/out.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void write_object(struct ocpp_out *out, const struct ocpp_shape *shape, const char *object);

static void write_int(struct ocpp_out *out, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, value);
    ocpp_out_text(out, text);
}

static void write_time(struct ocpp_out *out, const struct ocpp_time *time)
{
    char text[OCPP_DATETIME_BYTES];

    if (time->text == NULL)
        ocpp_datetime_write(text, time->unix_us);
    ocpp_out_quoted(out, time->text == NULL ? text : time->text);
}

static void write_decimal(struct ocpp_out *out, const struct ocpp_decimal *decimal)
{
    char text[OCPP_DECIMAL_BYTES];

    if (decimal->text == NULL)
        ocpp_decimal_write(text, sizeof(text), decimal->micro, 6);
    ocpp_out_text(out, decimal->text == NULL ? text : decimal->text);
}

static void write_list(
    struct ocpp_out *out, const struct ocpp_field *field, const struct ocpp_strings *list)
{
    const char *items = (const char *)list->items;

    ocpp_out_text(out, "[");
    for (uint32_t i = 0; i < list->count; i++) {
        if (i > 0)
            ocpp_out_text(out, ",");
        if (field->kind == OCPP_FIELD_STRINGS)
            ocpp_out_quoted(out, list->items[i]);
        else
            write_object(out, field->nested, items + i * field->nested->size);
    }
    ocpp_out_text(out, "]");
}

static void write_member(struct ocpp_out *out, const struct ocpp_field *field, const char *member)
{
    switch (field->kind) {
    case OCPP_FIELD_INT:
        write_int(out, ((const struct ocpp_int *)member)->value);
        break;
    case OCPP_FIELD_BOOL:
        ocpp_out_text(out, ((const struct ocpp_bool *)member)->value ? "true" : "false");
        break;
    case OCPP_FIELD_TIME:
        write_time(out, (const struct ocpp_time *)member);
        break;
    case OCPP_FIELD_DECIMAL:
        write_decimal(out, (const struct ocpp_decimal *)member);
        break;
    case OCPP_FIELD_ENUM:
        ocpp_out_quoted(
            out, ocpp_enum_text(field->enum_kind, ((const struct ocpp_enum *)member)->value));
        break;
    case OCPP_FIELD_STRING:
        ocpp_out_quoted(out, *(const char *const *)member);
        break;
    case OCPP_FIELD_OBJECT:
        write_object(out, field->nested, *(const char *const *)member);
        break;
    case OCPP_FIELD_STRINGS:
    case OCPP_FIELD_OBJECTS:
        write_list(out, field, (const struct ocpp_strings *)member);
        break;
    case OCPP_FIELD_KIND_COUNT:
    default:
        assert(false);
    }
}

static void write_object(struct ocpp_out *out, const struct ocpp_shape *shape, const char *object)
{
    const char *separator = "";

    ocpp_out_text(out, "{");
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct ocpp_field *field = &shape->fields[i];

        if (!ocpp_field_present(field, object + field->offset))
            continue;
        ocpp_out_text(out, separator);
        ocpp_out_quoted(out, field->name);
        ocpp_out_text(out, ":");
        write_member(out, field, object + field->offset);
        separator = ",";
    }
    ocpp_out_text(out, "}");
}

static void write_payload(
    struct ocpp_out *out, enum ocpp_action action, bool confirmation, const void *payload)
{
    struct ocpp_fault fault;
    bool faulty = ocpp_payload_fault(action, confirmation, payload, &fault);

    assert(!faulty);
    write_object(out, ocpp_shape_of(action, confirmation), payload);
}

static void open_message(struct ocpp_out *out, enum ocpp_type type, const char *id)
{
    const char head[] = {'[', (char)('0' + (int)type), ',', '"', '\0'};

    ocpp_out_text(out, head);
    ocpp_out_text(out, id);
    ocpp_out_text(out, "\",");
}

size_t ocpp_encode_call(
    char *buf, size_t size, const char *id, enum ocpp_action action, const void *req)
{
    struct ocpp_out out = {buf, size, 0};

    open_message(&out, OCPP_CALL, id);
    ocpp_out_quoted(&out, ocpp_action_name(action));
    ocpp_out_text(&out, ",");
    write_payload(&out, action, false, req);
    ocpp_out_text(&out, "]");
    return ocpp_out_end(&out);
}

size_t ocpp_encode_result(
    char *buf, size_t size, const char *id, enum ocpp_action action, const void *conf)
{
    struct ocpp_out out = {buf, size, 0};

    open_message(&out, OCPP_CALL_RESULT, id);
    write_payload(&out, action, true, conf);
    ocpp_out_text(&out, "]");
    return ocpp_out_end(&out);
}

size_t ocpp_encode_error(
    char *buf, size_t size, const char *id, enum ocpp_error error, const char *text)
{
    struct ocpp_out out = {buf, size, 0};

    open_message(&out, OCPP_CALL_ERROR, id);
    ocpp_out_quoted(&out, ocpp_error_text(error));
    ocpp_out_text(&out, ",");
    ocpp_out_quoted(&out, text);
    ocpp_out_text(&out, ",{}]");
    return ocpp_out_end(&out);
}

/* The member stands before the text as long as both are no longer than a description should be. */
size_t ocpp_encode_fault(
    char *buf, size_t size, const char *id, const struct ocpp_fault *fault)
{
    struct ocpp_out out = {buf, size, 0};
    char both[256];
    int length = snprintf(both, sizeof(both), "%s: %s", fault->member, fault->text);

    if (fault->member[0] == '\0')
        return ocpp_encode_error(buf, size, id, fault->error, fault->text);
    open_message(&out, OCPP_CALL_ERROR, id);
    ocpp_out_quoted(&out, ocpp_error_text(fault->error));
    ocpp_out_text(&out, ",");
    ocpp_out_quoted(&out, length < (int)sizeof(both) ? both : fault->text);
    ocpp_out_text(&out, ",{\"member\":");
    ocpp_out_quoted(&out, fault->member);
    ocpp_out_text(&out, "}]");
    return ocpp_out_end(&out);
}

size_t ocpp_encode_payload(
    char *buf, size_t size, enum ocpp_action action, bool confirmation, const void *payload)
{
    struct ocpp_out out = {buf, size, 0};

    write_payload(&out, action, confirmation, payload);
    return ocpp_out_end(&out);
}
