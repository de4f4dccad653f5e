/* valid.c - whether a payload of ours keeps the schema, by the tables that decode foreign ones. */
#include "ocpp/encode.h"

#include "ocpp/datetime.h"
#include "ocpp/decimal.h"
#include "ocpp/describe.h"
#include "ocpp/path.h"
#include "ocpp/text.h"
#include "ocpp/uri.h"

#include <stdio.h>
#include <string.h>

/* Why a member may not go out; NULL: it may. */
struct reason {
    enum ocpp_error error;
    const char *text;
};

#define REASON(name, code, sentence) static const struct reason name = {OCPP_##code, sentence}

REASON(missing, OCCURENCE_CONSTRAINT_VIOLATION, "is required");
REASON(too_few, OCCURENCE_CONSTRAINT_VIOLATION, "has too few elements");
REASON(too_long, PROPERTY_CONSTRAINT_VIOLATION, "is too long");
REASON(not_uri, PROPERTY_CONSTRAINT_VIOLATION, "must be a URI");
REASON(not_time, PROPERTY_CONSTRAINT_VIOLATION, "must be a date-time of RFC 3339");
REASON(not_in_enum, PROPERTY_CONSTRAINT_VIOLATION, "is not one of the values allowed");
REASON(not_step, PROPERTY_CONSTRAINT_VIOLATION, "has too many decimals");
REASON(not_number, PROPERTY_CONSTRAINT_VIOLATION, "has a text that is another number");

static const struct reason *check_object(
    struct ocpp_path *path, const struct ocpp_shape *shape, const char *object);

static const struct reason *check_string(const struct ocpp_field *field, const char *text)
{
    if (field->max != 0 && strlen(text) > field->max && ocpp_text_count(text) > field->max)
        return &too_long;
    if (field->format == OCPP_FORMAT_URI && !ocpp_uri_valid(text))
        return &not_uri;
    return NULL;
}

static const struct reason *check_time(const struct ocpp_time *time)
{
    int64_t unix_us;

    if (time->text != NULL && ocpp_datetime_read(time->text, &unix_us) != OCPP_DATETIME_OK)
        return &not_time;
    return NULL;
}

static const struct reason *check_decimal(
    const struct ocpp_field *field, const struct ocpp_decimal *decimal)
{
    int64_t micro = 0;

    if (decimal->text != NULL &&
        (ocpp_decimal_read(decimal->text, strlen(decimal->text), 6, &micro) != OCPP_DECIMAL_OK ||
            micro != decimal->micro))
        return &not_number;
    if (field->step_micro != 0 && decimal->micro % field->step_micro != 0)
        return &not_step;
    return NULL;
}

static const struct reason *check_value(const struct ocpp_field *field, const char *member)
{
    switch (field->kind) {
    case OCPP_FIELD_STRING:
        return check_string(field, *(const char *const *)member);
    case OCPP_FIELD_TIME:
        return check_time((const struct ocpp_time *)member);
    case OCPP_FIELD_DECIMAL:
        return check_decimal(field, (const struct ocpp_decimal *)member);
    case OCPP_FIELD_ENUM:
        return ocpp_enum_text(field->enum_kind, ((const struct ocpp_enum *)member)->value) == NULL
                   ? &not_in_enum
                   : NULL;
    case OCPP_FIELD_INT:
    case OCPP_FIELD_BOOL:
    case OCPP_FIELD_STRINGS:
    case OCPP_FIELD_OBJECT:
    case OCPP_FIELD_OBJECTS:
    case OCPP_FIELD_KIND_COUNT:
    default:
        return NULL;
    }
}

static const struct reason *check_list(
    struct ocpp_path *path, const struct ocpp_field *field, const struct ocpp_strings *list)
{
    const struct reason *reason = NULL;
    const char *items = (const char *)list->items;

    if (list->count < field->min_items)
        return &too_few;
    for (uint32_t i = 0; i < list->count && reason == NULL; i++) {
        ocpp_path_index(path, i);
        if (field->kind == OCPP_FIELD_STRINGS)
            reason = check_string(field, list->items[i]);
        else
            reason = check_object(path, field->nested, items + i * field->nested->size);
    }
    return reason;
}

static const struct reason *check_member(
    struct ocpp_path *path, const struct ocpp_field *field, const char *member)
{
    if (!ocpp_field_present(field, member))
        return field->required ? &missing : NULL;
    if (field->kind == OCPP_FIELD_OBJECT)
        return check_object(path, field->nested, *(const char *const *)member);
    if (field->kind == OCPP_FIELD_OBJECTS || field->kind == OCPP_FIELD_STRINGS)
        return check_list(path, field, (const struct ocpp_strings *)member);
    return check_value(field, member);
}

static const struct reason *check_object(
    struct ocpp_path *path, const struct ocpp_shape *shape, const char *object)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct ocpp_field *field = &shape->fields[i];
        const struct reason *reason;

        ocpp_path_push(path, field->name);
        reason = check_member(path, field, object + field->offset);
        if (reason != NULL)
            return reason; /* the path stays, for the fault */
        ocpp_path_pop(path);
    }
    return NULL;
}

bool ocpp_payload_fault(
    enum ocpp_action action, bool confirmation, const void *payload, struct ocpp_fault *ret_fault)
{
    struct ocpp_path path = {0};
    const struct reason *reason = check_object(&path, ocpp_shape_of(action, confirmation), payload);

    if (reason == NULL)
        return false;
    *ret_fault = (struct ocpp_fault){.error = reason->error};
    ocpp_path_write(&path, ret_fault->member, sizeof(ret_fault->member));
    snprintf(ret_fault->text, sizeof(ret_fault->text), "%s", reason->text);
    return true;
}
