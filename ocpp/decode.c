/* decode.c - objects and arrays by the field tables, and the list of deviations. */
#include "ocpp/decode.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define FINDING(name, code, is_prose, sentence)                                                    \
    static const struct ocpp_finding name = {OCPP_##code, is_prose, sentence}

FINDING(unknown, FORMATION_VIOLATION, false, "is no member of this message");
FINDING(missing, OCCURENCE_CONSTRAINT_VIOLATION, false, "is required");
FINDING(is_null, TYPE_CONSTRAINT_VIOLATION, false, "must not be null");
FINDING(not_object, TYPE_CONSTRAINT_VIOLATION, false, "must be an object");
FINDING(not_array, TYPE_CONSTRAINT_VIOLATION, false, "must be an array");
FINDING(not_string, TYPE_CONSTRAINT_VIOLATION, false, "must be a string");
FINDING(too_few, OCCURENCE_CONSTRAINT_VIOLATION, false, "has too few elements");
FINDING(empty, OCCURENCE_CONSTRAINT_VIOLATION, true, "must not be empty");
FINDING(bare_id, FORMATION_VIOLATION, false, "the message id is a number and not a string");
FINDING(odd_id, FORMATION_VIOLATION, false,
    "the message id must have 1 to 36 printable characters");
FINDING(null_payload, FORMATION_VIOLATION, false, "the payload is null and not an object");
FINDING(no_object, FORMATION_VIOLATION, false, "the payload must be an object");

static void decode_object(
    struct ocpp_decoder *d, const struct ocpp_shape *shape, const cJSON *object, void *out);

/* The reason why a payload is unusable goes to the front, however much was noted before. */
static void add(struct ocpp_decoder *d, const struct ocpp_finding *finding, bool in_front)
{
    struct ocpp_frame *frame = d->frame;
    struct ocpp_fault *fault;

    if (frame->deviations == NULL)
        frame->deviations =
            ocpp_arena_take(&frame->arena, OCPP_DEVIATIONS_MAX * sizeof(*frame->deviations));
    if (frame->deviations == NULL) {
        ocpp_decode_no_memory(d);
        return;
    }
    if (frame->deviation_count == OCPP_DEVIATIONS_MAX && !in_front)
        return;
    frame->deviation_count -= frame->deviation_count == OCPP_DEVIATIONS_MAX;
    fault = &frame->deviations[frame->deviation_count];
    if (in_front) {
        memmove(frame->deviations + 1, frame->deviations,
            frame->deviation_count * sizeof(*frame->deviations));
        fault = frame->deviations;
    }
    frame->deviation_count++;
    *fault = (struct ocpp_fault){.error = finding->error, .prose = finding->prose};
    ocpp_path_write(&d->path, fault->member, sizeof(fault->member));
    snprintf(fault->text, sizeof(fault->text), "%s", finding->text);
}

void ocpp_decode_note(struct ocpp_decoder *d, const struct ocpp_finding *finding)
{
    d->tolerated |= !finding->prose;
    add(d, finding, false);
}

void ocpp_decode_lose(struct ocpp_decoder *d, bool required, const struct ocpp_finding *finding)
{
    add(d, finding, required && !d->reasoned);
    d->tolerated = true;
    d->unusable |= required;
    d->reasoned |= required;
}

void ocpp_decode_no_memory(struct ocpp_decoder *d)
{
    d->frame->out_of_memory = true;
}

static const struct ocpp_field *find_field(
    const struct ocpp_shape *shape, const char *name, uint32_t *hint)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        uint32_t at = *hint + i < shape->count ? *hint + i : *hint + i - shape->count;

        if (strcmp(shape->fields[at].name, name) == 0) {
            *hint = at + 1 < shape->count ? at + 1 : 0; /* most piles keep the schema's order */
            return &shape->fields[at];
        }
    }
    return NULL;
}

static uint32_t count_children(const cJSON *array)
{
    uint32_t count = 0;

    for (const cJSON *child = array->child; child != NULL; child = child->next)
        count++;
    return count;
}

static void *take(struct ocpp_decoder *d, size_t size)
{
    void *block = ocpp_arena_take(&d->frame->arena, size);

    if (block == NULL)
        ocpp_decode_no_memory(d);
    return block;
}

static void decode_one(
    struct ocpp_decoder *d, const struct ocpp_field *field, const cJSON *node, void *out)
{
    void *object;

    if (!cJSON_IsObject(node)) {
        ocpp_decode_lose(d, field->required, &not_object);
        return;
    }
    object = take(d, field->nested->size);
    if (object == NULL)
        return;
    decode_object(d, field->nested, node, object);
    memcpy(out, &object, sizeof(object));
}

/* False: it has to be left out of its list. */
static bool decode_element(
    struct ocpp_decoder *d, const struct ocpp_field *field, const cJSON *node, char *out)
{
    bool outer = d->unusable, lost;

    d->unusable = false;
    if (field->kind == OCPP_FIELD_STRINGS) {
        const char *text = ocpp_decode_string(d, field, node);

        if (text == NULL)
            ocpp_decode_lose(d, true, &not_string);
        memcpy(out, &text, sizeof(text));
    } else if (cJSON_IsObject(node)) {
        decode_object(d, field->nested, node, out);
    } else {
        ocpp_decode_lose(d, true, &not_object);
    }
    lost = d->unusable;
    d->unusable = outer;
    return !lost;
}

/* How many could be understood: one that could not does not take the others with it. */
static uint32_t decode_elements(struct ocpp_decoder *d, const struct ocpp_field *field,
    const cJSON *array, char *items, size_t size)
{
    uint32_t index = 0, kept = 0;

    for (const cJSON *node = array->child; node != NULL; node = node->next, index++) {
        ocpp_path_index(&d->path, index);
        if (decode_element(d, field, node, items + kept * size))
            kept++;
        else
            memset(items + kept * size, 0, size);
    }
    d->frame->elements_lost += index - kept;
    ocpp_path_index(&d->path, OCPP_PATH_NO_INDEX);
    return kept;
}

/* All lists have the layout of struct ocpp_strings. */
static void decode_list(
    struct ocpp_decoder *d, const struct ocpp_field *field, const cJSON *node, void *out)
{
    size_t size = field->kind == OCPP_FIELD_STRINGS ? sizeof(const char *) : field->nested->size;
    struct ocpp_strings list = {.present = true};
    bool reasoned = d->reasoned;
    uint32_t count = count_children(node);
    void *items;

    if (!cJSON_IsArray(node)) {
        ocpp_decode_lose(d, field->required, &not_array);
        return;
    }
    items = take(d, count * size);
    if (items == NULL)
        return;
    list.count = decode_elements(d, field, node, items, size);
    list.items = items;
    if (count > 0 && list.count == 0 && field->required)
        d->unusable = true; /* for the reason that its first element was lost for */
    else
        d->reasoned = reasoned;
    if (count > 0 && list.count == 0)
        return;
    memcpy(out, &list, sizeof(list));
    if (count < field->min_items)
        ocpp_decode_note(d, &too_few);
    else if (field->filled && count == 0)
        ocpp_decode_note(d, &empty);
}

static void decode_field(
    struct ocpp_decoder *d, const struct ocpp_field *field, const cJSON *node, char *object)
{
    void *out = object + field->offset;

    if (cJSON_IsNull(node))
        ocpp_decode_lose(d, field->required, &is_null);
    else if (field->kind == OCPP_FIELD_OBJECT)
        decode_one(d, field, node, out);
    else if (field->kind == OCPP_FIELD_OBJECTS || field->kind == OCPP_FIELD_STRINGS)
        decode_list(d, field, node, out);
    else
        ocpp_decode_value(d, field, node, out);
}

static void find_missing(struct ocpp_decoder *d, const struct ocpp_shape *shape, uint64_t seen)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        if (!shape->fields[i].required || (seen & (UINT64_C(1) << i)) != 0)
            continue;
        ocpp_path_push(&d->path, shape->fields[i].name);
        ocpp_decode_lose(d, true, &missing);
        ocpp_path_pop(&d->path);
    }
}

static void decode_object(
    struct ocpp_decoder *d, const struct ocpp_shape *shape, const cJSON *object, void *out)
{
    uint64_t seen = 0;
    uint32_t hint = 0;

    assert(shape->count <= 64);
    for (const cJSON *node = object->child; node != NULL; node = node->next) {
        const struct ocpp_field *field = find_field(shape, node->string, &hint);

        ocpp_path_push(&d->path, node->string);
        if (field == NULL) {
            ocpp_decode_note(d, &unknown);
        } else {
            seen |= UINT64_C(1) << (field - shape->fields);
            decode_field(d, field, node, out);
        }
        ocpp_path_pop(&d->path);
    }
    find_missing(d, shape, seen);
}

static enum ocpp_verdict verdict_of(const struct ocpp_decoder *d)
{
    if (d->unusable || d->frame->out_of_memory)
        return OCPP_UNUSABLE;
    return d->tolerated ? OCPP_TOLERATED : OCPP_EXACT;
}

static enum ocpp_verdict decode_payload(
    struct ocpp_frame *frame, enum ocpp_action action, bool confirmation, const void **ret_payload)
{
    const struct ocpp_shape *shape = ocpp_shape_of(action, confirmation);
    struct ocpp_decoder d = {.frame = frame, .source = {frame->text, frame->numbers}};
    void *out = take(&d, shape->size);

    assert(frame->tree == NULL && !frame->refused);
    *ret_payload = NULL;
    frame->tree = ocpp_tree_read(
        frame->payload, frame->payload_length, frame->payload_number, &frame->arena);
    if (frame->tree == NULL || out == NULL) {
        ocpp_decode_no_memory(&d);
        return OCPP_UNUSABLE;
    }
    if (frame->id_bare)
        ocpp_decode_note(&d, &bare_id);
    if (frame->id_odd)
        ocpp_decode_note(&d, &odd_id);
    if (cJSON_IsObject(frame->tree)) {
        decode_object(&d, shape, frame->tree, out);
    } else if (cJSON_IsNull(frame->tree)) {
        ocpp_decode_note(&d, &null_payload); /* OCPP-J 1.6, 4.2.1: to be read as an empty object */
        find_missing(&d, shape, 0);
    } else {
        ocpp_decode_lose(&d, true, &no_object);
        return OCPP_UNUSABLE;
    }
    *ret_payload = out;
    return verdict_of(&d);
}

enum ocpp_verdict ocpp_frame_request(struct ocpp_frame *frame, const void **ret_request)
{
    assert(frame->type == OCPP_CALL);
    return decode_payload(frame, frame->action, false, ret_request);
}

enum ocpp_verdict ocpp_frame_confirmation(
    struct ocpp_frame *frame, enum ocpp_action action, const void **ret_conf)
{
    assert(frame->type == OCPP_CALL_RESULT);
    return decode_payload(frame, action, true, ret_conf);
}

const struct ocpp_fault *ocpp_frame_deviation(const struct ocpp_frame *frame, uint32_t i)
{
    static const struct ocpp_fault no_memory = {
        .error = OCPP_INTERNAL_ERROR, .text = "out of memory", .prose = true};

    if (frame->out_of_memory)
        return i == 0 ? &no_memory : NULL;
    return i < frame->deviation_count ? &frame->deviations[i] : NULL;
}
