/* describe.c - from the catalogue's actions to their field tables. */
#include "ocpp/describe.h"

#include "ocpp/shapes.h"

#include <assert.h>

static const struct ocpp_shape *const shapes[OCPP_ACTION_COUNT][2] = {
#define MSG(Action, lower, UPPER, sender, gate, repeatable, section)                               \
    [OCPP_##UPPER] = {&ocpp_shape_##lower##_req, &ocpp_shape_##lower##_conf},
#include "ocpp/messages.def"
#undef MSG
};

const struct ocpp_shape *ocpp_shape_of(enum ocpp_action action, bool confirmation)
{
    assert(action >= 0 && action < OCPP_ACTION_COUNT);
    return shapes[action][confirmation];
}

bool ocpp_field_present(const struct ocpp_field *field, const void *member)
{
    switch (field->kind) {
    case OCPP_FIELD_INT:
        return ((const struct ocpp_int *)member)->present;
    case OCPP_FIELD_BOOL:
        return ((const struct ocpp_bool *)member)->present;
    case OCPP_FIELD_TIME:
        return ((const struct ocpp_time *)member)->present;
    case OCPP_FIELD_DECIMAL:
        return ((const struct ocpp_decimal *)member)->present;
    case OCPP_FIELD_ENUM:
        return ((const struct ocpp_enum *)member)->present;
    case OCPP_FIELD_STRINGS:
    case OCPP_FIELD_OBJECTS:
        return ((const struct ocpp_strings *)member)->present; /* all lists are laid out alike */
    case OCPP_FIELD_STRING:
    case OCPP_FIELD_OBJECT:
    case OCPP_FIELD_KIND_COUNT:
    default:
        return *(const void *const *)member != NULL;
    }
}

const char *ocpp_field_kind_text(enum ocpp_field_kind kind)
{
    static const char *const texts[OCPP_FIELD_KIND_COUNT] = {
        [OCPP_FIELD_INT] = "int",
        [OCPP_FIELD_BOOL] = "bool",
        [OCPP_FIELD_TIME] = "time",
        [OCPP_FIELD_DECIMAL] = "decimal",
        [OCPP_FIELD_ENUM] = "enum",
        [OCPP_FIELD_STRING] = "string",
        [OCPP_FIELD_STRINGS] = "strings",
        [OCPP_FIELD_OBJECT] = "object",
        [OCPP_FIELD_OBJECTS] = "objects",
    };

    assert(kind >= 0 && kind < OCPP_FIELD_KIND_COUNT);
    return texts[kind];
}
