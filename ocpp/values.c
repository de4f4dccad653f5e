/* values.c - decoding of single values: what the schema says, and what can be understood besides.
 *
 * Understood without guessing are: a number written as a string and the reverse, 12.0 for 12, 0 and
 * 1 for a bool, an unknown enum value and an over-long string (both kept as they are), and the
 * date-times of datetime.h.  No member is ever guessed from another one.
 */
#include "ocpp/decode.h"

#include "ocpp/datetime.h"
#include "ocpp/decimal.h"
#include "ocpp/text.h"
#include "ocpp/uri.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#define FINDING(name, code, is_prose, sentence)                                                    \
    static const struct ocpp_finding name = {OCPP_##code, is_prose, sentence}

FINDING(not_string, TYPE_CONSTRAINT_VIOLATION, false, "must be a string");
FINDING(not_integer, TYPE_CONSTRAINT_VIOLATION, false, "must be an integer");
FINDING(not_number, TYPE_CONSTRAINT_VIOLATION, false, "must be a number");
FINDING(not_bool, TYPE_CONSTRAINT_VIOLATION, false, "must be true or false");
FINDING(too_long, PROPERTY_CONSTRAINT_VIOLATION, false, "is too long");
FINDING(not_uri, PROPERTY_CONSTRAINT_VIOLATION, false, "must be a URI");
FINDING(not_time, PROPERTY_CONSTRAINT_VIOLATION, false, "must be a date-time of RFC 3339");
FINDING(not_in_enum, PROPERTY_CONSTRAINT_VIOLATION, false, "is not one of the values allowed");
FINDING(not_step, PROPERTY_CONSTRAINT_VIOLATION, false, "has too many decimals");
FINDING(too_fine, PROPERTY_CONSTRAINT_VIOLATION, true, "has more decimals than can be kept");
FINDING(too_large, PROPERTY_CONSTRAINT_VIOLATION, true, "is too large to be kept");
FINDING(over_32_bits, PROPERTY_CONSTRAINT_VIOLATION, true, "does not fit 32 bits");
FINDING(too_small, PROPERTY_CONSTRAINT_VIOLATION, true, "is too small");

/* Any value as JSON text in the arena. */
static const char *json_text(struct ocpp_decoder *d, const cJSON *node)
{
    struct ocpp_out out = {0};
    size_t length;

    ocpp_tree_write(&d->source, node, &out);
    out.size = out.used + 1;
    out.used = 0;
    out.buf = ocpp_arena_take(&d->frame->arena, out.size);
    if (out.buf == NULL) {
        ocpp_decode_no_memory(d);
        return NULL;
    }
    ocpp_tree_write(&d->source, node, &out);
    length = ocpp_out_end(&out);
    assert(length > 0);
    return out.buf;
}

/* The digits of a number, or of a string that may hold one; NULL: neither. */
static const char *digits_of(struct ocpp_decoder *d, const cJSON *node, size_t *ret_length)
{
    if (cJSON_IsNumber(node))
        return ocpp_tree_number(&d->source, node, ret_length);
    if (!cJSON_IsString(node))
        return NULL;
    *ret_length = strlen(node->valuestring);
    return node->valuestring;
}

static bool is_plain_integer(const char *text, size_t length)
{
    for (size_t i = text[0] == '-'; i < length; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

static void decode_int(
    struct ocpp_decoder *d, const struct ocpp_field *field, const cJSON *node, struct ocpp_int *out)
{
    size_t length = 0;
    const char *text = digits_of(d, node, &length);
    enum ocpp_decimal_result result =
        text == NULL ? OCPP_DECIMAL_SYNTAX : ocpp_decimal_read(text, length, 0, &out->value);

    if (result != OCPP_DECIMAL_OK) {
        ocpp_decode_lose(
            d, field->required, result == OCPP_DECIMAL_RANGE ? &too_large : &not_integer);
        return;
    }
    out->present = true;
    if (!cJSON_IsNumber(node) || !is_plain_integer(text, length))
        ocpp_decode_note(d, &not_integer);
    if (out->value < INT32_MIN || out->value > INT32_MAX)
        ocpp_decode_note(d, &over_32_bits);
    else if (field->bounded && out->value < field->least)
        ocpp_decode_note(d, &too_small);
}

static void decode_decimal(struct ocpp_decoder *d, const struct ocpp_field *field,
    const cJSON *node, struct ocpp_decimal *out)
{
    size_t length = 0;
    const char *text = digits_of(d, node, &length);
    enum ocpp_decimal_result result =
        text == NULL ? OCPP_DECIMAL_SYNTAX : ocpp_decimal_read(text, length, 6, &out->micro);

    if (result != OCPP_DECIMAL_OK) {
        ocpp_decode_lose(d, field->required,
            result == OCPP_DECIMAL_RANGE     ? &too_large
            : result == OCPP_DECIMAL_INEXACT ? &too_fine
                                             : &not_number);
        return;
    }
    out->text = ocpp_arena_copy(&d->frame->arena, text, length);
    if (out->text == NULL) {
        ocpp_decode_no_memory(d);
        return;
    }
    out->present = true;
    if (!cJSON_IsNumber(node))
        ocpp_decode_note(d, &not_number);
    if (field->step_micro != 0 && out->micro % field->step_micro != 0)
        ocpp_decode_note(d, &not_step);
}

static void decode_bool(struct ocpp_decoder *d, const struct ocpp_field *field, const cJSON *node,
    struct ocpp_bool *out)
{
    size_t length = 0;
    const char *text = digits_of(d, node, &length);

    out->present = true;
    if (cJSON_IsBool(node)) {
        out->value = cJSON_IsTrue(node);
        return;
    }
    if (text != NULL && length == 1 && (*text == '0' || *text == '1')) {
        out->value = *text == '1';
    } else if (cJSON_IsString(node) && strcasecmp(text, "true") == 0) {
        out->value = true;
    } else if (!cJSON_IsString(node) || strcasecmp(text, "false") != 0) {
        out->present = false;
        ocpp_decode_lose(d, field->required, &not_bool);
        return;
    }
    ocpp_decode_note(d, &not_bool);
}

static void decode_time(struct ocpp_decoder *d, const struct ocpp_field *field, const cJSON *node,
    struct ocpp_time *out)
{
    if (!cJSON_IsString(node)) {
        out->text = json_text(d, node);
        ocpp_decode_lose(d, field->required, &not_string);
        return;
    }
    out->text = node->valuestring;
    switch (ocpp_datetime_read(node->valuestring, &out->unix_us)) {
    case OCPP_DATETIME_OK:
        out->present = true;
        break;
    case OCPP_DATETIME_TOLERATED:
        out->present = true;
        ocpp_decode_note(d, &not_time);
        break;
    case OCPP_DATETIME_INVALID:
        ocpp_decode_lose(d, field->required, &not_time);
        break;
    }
}

/* Whatever it is, it is kept as an unknown value: an optional one must not become its default. */
static void decode_enum(struct ocpp_decoder *d, const struct ocpp_field *field, const cJSON *node,
    struct ocpp_enum *out)
{
    out->value = OCPP_UNKNOWN;
    out->text = cJSON_IsString(node) ? node->valuestring : json_text(d, node);
    out->present = out->text != NULL;
    if (!cJSON_IsString(node)) {
        ocpp_decode_note(d, &not_string);
        return;
    }
    out->value = ocpp_enum_find(field->enum_kind, node->valuestring);
    if (out->value == OCPP_UNKNOWN)
        ocpp_decode_note(d, &not_in_enum);
}

const char *ocpp_decode_string(
    struct ocpp_decoder *d, const struct ocpp_field *field, const cJSON *node)
{
    const char *text = cJSON_IsString(node) ? node->valuestring : NULL;

    if (text == NULL) {
        bool composed = cJSON_IsObject(node) || cJSON_IsArray(node);

        if (cJSON_IsNull(node) || (composed && !field->raw))
            return NULL;
        ocpp_decode_note(d, &not_string);
        text = json_text(d, node);
        if (text == NULL)
            return NULL;
    }
    /* Bytes are at least as many as code points. */
    if (field->max != 0 && strlen(text) > field->max && ocpp_text_count(text) > field->max)
        ocpp_decode_note(d, &too_long);
    if (field->format == OCPP_FORMAT_URI && !ocpp_uri_valid(text))
        ocpp_decode_note(d, &not_uri);
    return text;
}

void ocpp_decode_value(
    struct ocpp_decoder *d, const struct ocpp_field *field, const cJSON *node, void *out)
{
    switch (field->kind) {
    case OCPP_FIELD_INT:
        decode_int(d, field, node, out);
        break;
    case OCPP_FIELD_BOOL:
        decode_bool(d, field, node, out);
        break;
    case OCPP_FIELD_TIME:
        decode_time(d, field, node, out);
        break;
    case OCPP_FIELD_DECIMAL:
        decode_decimal(d, field, node, out);
        break;
    case OCPP_FIELD_ENUM:
        decode_enum(d, field, node, out);
        break;
    case OCPP_FIELD_STRING:
        *(const char **)out = ocpp_decode_string(d, field, node);
        if (*(const char **)out == NULL)
            ocpp_decode_lose(d, field->required, &not_string);
        break;
    case OCPP_FIELD_STRINGS:
    case OCPP_FIELD_OBJECT:
    case OCPP_FIELD_OBJECTS:
    case OCPP_FIELD_KIND_COUNT:
    default:
        assert(false); /* composed members are decode.c's */
    }
}
