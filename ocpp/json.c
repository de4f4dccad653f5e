/* json.c - a gate's report, a copy of the text for the numbers' sake, and cJSON's tree. */
#include "ocpp/json.h"

#include "ocpp/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ocpp_json {
    cJSON *root;
    struct ocpp_source source;
    struct ocpp_mark *numbers;
    struct ocpp_arena arena; /* all of it */
};

static void refuse(struct ocpp_fault *ret_fault, enum ocpp_error error, const char *why, size_t at)
{
    if (ret_fault == NULL)
        return;
    *ret_fault = (struct ocpp_fault){.error = error};
    snprintf(ret_fault->text, sizeof(ret_fault->text), "%s (byte %zu)", why, at);
}

/* Reads into a document that has been zeroed; what it took is the document's in any case. */
static bool read_into(struct ocpp_json *json, const char *text, size_t length, uint32_t numbers)
{
    char *copy = ocpp_arena_copy(&json->arena, text, length);

    json->numbers = ocpp_arena_take(&json->arena, (numbers + 1) * sizeof(*json->numbers));
    if (json->numbers == NULL || copy == NULL)
        return false;
    json->source = (struct ocpp_source){copy, json->numbers};
    json->root = ocpp_tree_read(copy, length, 0, &json->arena);
    return json->root != NULL;
}

struct ocpp_json *ocpp_json_read(
    const char *text, size_t length, const struct ocpp_limits *limits, struct ocpp_fault *ret_fault)
{
    struct ocpp_gate_report report;
    enum ocpp_gate_result result = ocpp_gate_check(text, length, limits, NULL, 0, &report);
    struct ocpp_json *json;

    if (result != OCPP_GATE_OK) {
        refuse(ret_fault, OCPP_FORMATION_VIOLATION, ocpp_gate_text(result), report.offset);
        return NULL;
    }
    json = calloc(1, sizeof(*json));
    if (json == NULL || !read_into(json, text, length, report.number_count) ||
        ocpp_gate_check(json->source.text, length, limits, json->numbers, report.number_count,
            &report) != OCPP_GATE_OK) {
        ocpp_json_free(json);
        refuse(ret_fault, OCPP_INTERNAL_ERROR, "out of memory", 0);
        return NULL;
    }
    return json;
}

void ocpp_json_free(struct ocpp_json *json)
{
    if (json == NULL)
        return;
    ocpp_arena_done(&json->arena);
    free(json);
}

static const cJSON *inner(const struct ocpp_node *node)
{
    return (const cJSON *)node;
}

const struct ocpp_node *ocpp_json_root(const struct ocpp_json *json)
{
    return (const struct ocpp_node *)json->root;
}

const struct ocpp_node *ocpp_json_member(const struct ocpp_node *node, const char *name)
{
    if (ocpp_json_kind(node) != OCPP_KIND_OBJECT)
        return NULL;
    return (const struct ocpp_node *)cJSON_GetObjectItemCaseSensitive(inner(node), name);
}

const struct ocpp_node *ocpp_json_first(const struct ocpp_node *node)
{
    return node == NULL ? NULL : (const struct ocpp_node *)inner(node)->child;
}

const struct ocpp_node *ocpp_json_next(const struct ocpp_node *node)
{
    return node == NULL ? NULL : (const struct ocpp_node *)inner(node)->next;
}

const char *ocpp_json_name(const struct ocpp_node *node)
{
    return node == NULL ? NULL : inner(node)->string;
}

enum ocpp_kind ocpp_json_kind(const struct ocpp_node *node)
{
    const cJSON *item = inner(node);

    if (cJSON_IsBool(item))
        return OCPP_KIND_BOOL;
    if (cJSON_IsNumber(item))
        return OCPP_KIND_NUMBER;
    if (cJSON_IsString(item))
        return OCPP_KIND_STRING;
    if (cJSON_IsArray(item))
        return OCPP_KIND_ARRAY;
    return cJSON_IsObject(item) ? OCPP_KIND_OBJECT : OCPP_KIND_NULL;
}

uint32_t ocpp_json_count(const struct ocpp_node *node)
{
    uint32_t count = 0;

    for (node = ocpp_json_first(node); node != NULL; node = ocpp_json_next(node))
        count++;
    return count;
}

const char *ocpp_json_string(const struct ocpp_node *node)
{
    return ocpp_json_kind(node) == OCPP_KIND_STRING ? inner(node)->valuestring : NULL;
}

bool ocpp_json_bool(const struct ocpp_node *node)
{
    return cJSON_IsTrue(inner(node));
}

const char *ocpp_json_number(
    const struct ocpp_json *json, const struct ocpp_node *node, size_t *ret_length)
{
    if (ocpp_json_kind(node) != OCPP_KIND_NUMBER)
        return NULL;
    return ocpp_tree_number(&json->source, inner(node), ret_length);
}

size_t ocpp_json_quote(char *buf, size_t size, const char *text)
{
    struct ocpp_out out = {buf, size, 0};

    ocpp_out_quoted(&out, text);
    return ocpp_out_end(&out);
}
