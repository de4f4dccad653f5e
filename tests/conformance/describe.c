/* describe.c - the field tables as JSON, for comparison with the official schemas.
 *
 * {"Authorize.req": {"idTag": {"kind": "string", "required": true, "max": 20}, ...}, ...}
 */
#include "ocpp/describe.h"

#include <stdio.h>

static void print_shape(const struct ocpp_shape *shape);

static void print_enum(enum ocpp_enum_kind kind)
{
    printf(",\"enum\":[");
    for (int i = 0; i < ocpp_enum_count(kind); i++)
        printf("%s\"%s\"", i > 0 ? "," : "", ocpp_enum_text(kind, i));
    printf("]");
}

static void print_field(const struct ocpp_field *field)
{
    printf("\"%s\":{\"kind\":\"%s\",\"required\":%s", field->name,
        ocpp_field_kind_text(field->kind), field->required ? "true" : "false");
    if (field->max != 0)
        printf(",\"max\":%u", field->max);
    if (field->min_items != 0)
        printf(",\"minItems\":%u", field->min_items);
    if (field->step_micro != 0)
        printf(",\"stepMicro\":%u", field->step_micro);
    if (field->format == OCPP_FORMAT_URI)
        printf(",\"format\":\"uri\"");
    if (field->kind == OCPP_FIELD_ENUM)
        print_enum(field->enum_kind);
    if (field->nested != NULL) {
        printf(",\"members\":");
        print_shape(field->nested);
    }
    printf("}");
}

static void print_shape(const struct ocpp_shape *shape)
{
    printf("{");
    for (uint32_t i = 0; i < shape->count; i++) {
        if (i > 0)
            printf(",");
        print_field(&shape->fields[i]);
    }
    printf("}");
}

int main(void)
{
    printf("{");
    for (int i = 0; i < OCPP_ACTION_COUNT * 2; i++) {
        enum ocpp_action action = (enum ocpp_action)(i / 2);

        printf("%s\"%s.%s\":", i > 0 ? ",\n" : "\n", ocpp_action_name(action),
            i % 2 == 1 ? "conf" : "req");
        print_shape(ocpp_shape_of(action, i % 2 == 1));
    }
    printf("\n}\n");
    return 0;
}
