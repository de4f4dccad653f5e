/* sample.c - payloads from the field tables and a seed. */
#include "tests/ocpp/sample.h"

#include "ocpp/types.h"

#include <assert.h>
#include <string.h>

struct maker {
    enum ocpp_sample_size size;
    uint64_t state;
    struct ocpp_arena *arena;
    bool failed;
};

enum {
    UNBOUNDED_LARGEST = 2000, /* of a string without maximum */
    LIST_LARGEST = 4,
    TIME_SPAN_S = 500000000 /* from 2020 on */
};

/* splitmix64: small, and the same on every machine. */
static uint64_t draw(struct maker *m)
{
    uint64_t z = m->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint32_t draw_below(struct maker *m, uint32_t limit)
{
    return (uint32_t)(draw(m) % limit);
}

static void *take(struct maker *m, size_t size)
{
    void *block = ocpp_arena_take(m->arena, size);

    m->failed |= block == NULL;
    return block;
}

static uint32_t string_length(struct maker *m, uint32_t max)
{
    switch (m->size) {
    case OCPP_SAMPLE_LEAST:
        return 1;
    case OCPP_SAMPLE_LARGEST:
        return max == 0 ? UNBOUNDED_LARGEST : max;
    case OCPP_SAMPLE_SOME:
    case OCPP_SAMPLE_ALL:
    default:
        return 1 + draw_below(m, max == 0 || max > 24 ? 24 : max);
    }
}

/* Letters of one, two, three and four bytes, and what JSON must escape: lengths count letters. */
static const char *make_string(struct maker *m, const struct ocpp_field *field)
{
    static const char *const letters[] = {
        "A", "b", "7", "-", " ", "/", "\"", "\\", "\n", "é", "充", "电", "\xF0\x9F\x94\x8C"};
    static const char uri[] = "https://example.com/files/";
    uint32_t length = string_length(m, field->max);
    char *text, *p;

    p = text = take(m, sizeof(uri) + length * 4);
    if (text == NULL)
        return NULL;
    if (field->format == OCPP_FORMAT_URI) {
        memcpy(p, uri, sizeof(uri) - 1);
        p += sizeof(uri) - 1;
    }
    for (uint32_t i = 0; i < length; i++) {
        uint32_t choice = field->format == OCPP_FORMAT_URI ? 3 : sizeof(letters) / sizeof(*letters);
        const char *letter = letters[draw_below(m, choice)];

        memcpy(p, letter, strlen(letter));
        p += strlen(letter);
    }
    return text;
}

static int64_t make_int(struct maker *m, const struct ocpp_field *field)
{
    int64_t least = field->bounded ? field->least : 0;

    switch (m->size) {
    case OCPP_SAMPLE_LEAST:
        return least;
    case OCPP_SAMPLE_LARGEST:
        return INT32_MAX;
    case OCPP_SAMPLE_SOME:
    case OCPP_SAMPLE_ALL:
    default:
        return least + draw_below(m, 1000);
    }
}

static void make_object(struct maker *m, const struct ocpp_shape *shape, char *object);

static uint32_t list_count(struct maker *m, const struct ocpp_field *field)
{
    uint32_t least = field->min_items > 0 ? field->min_items : field->filled;

    if (m->size == OCPP_SAMPLE_LEAST)
        return least;
    return m->size == OCPP_SAMPLE_LARGEST ? LIST_LARGEST : least + draw_below(m, 3);
}

static void make_list(struct maker *m, const struct ocpp_field *field, void *member)
{
    bool strings = field->kind == OCPP_FIELD_STRINGS;
    size_t size = strings ? sizeof(const char *) : field->nested->size;
    struct ocpp_strings list = {.count = list_count(m, field), .present = true};
    char *items = take(m, list.count * size + 1);

    if (items == NULL)
        return;
    for (uint32_t i = 0; i < list.count; i++) {
        if (strings) {
            const char *text = make_string(m, field);

            memcpy(items + i * size, &text, sizeof(text));
        } else {
            make_object(m, field->nested, items + i * size);
        }
    }
    list.items = (const char *const *)items;
    memcpy(member, &list, sizeof(list));
}

static void make_value(struct maker *m, const struct ocpp_field *field, void *member)
{
    switch (field->kind) {
    case OCPP_FIELD_INT:
        *(struct ocpp_int *)member = (struct ocpp_int){make_int(m, field), true};
        break;
    case OCPP_FIELD_BOOL:
        *(struct ocpp_bool *)member = (struct ocpp_bool){draw_below(m, 2) == 1, true};
        break;
    case OCPP_FIELD_TIME:
        *(struct ocpp_time *)member = (struct ocpp_time){
            (INT64_C(1577836800) + draw_below(m, TIME_SPAN_S)) * 1000000, NULL, true};
        break;
    case OCPP_FIELD_DECIMAL:
        *(struct ocpp_decimal *)member = (struct ocpp_decimal){
            (int64_t)draw_below(m, 100000) * (field->step_micro ? field->step_micro : 1), NULL,
            true};
        break;
    case OCPP_FIELD_ENUM:
        *(struct ocpp_enum *)member = (struct ocpp_enum){
            (int)draw_below(m, (uint32_t)ocpp_enum_count(field->enum_kind)), NULL, true};
        break;
    case OCPP_FIELD_STRING:
        *(const char **)member = make_string(m, field);
        break;
    case OCPP_FIELD_STRINGS:
    case OCPP_FIELD_OBJECT:
    case OCPP_FIELD_OBJECTS:
    case OCPP_FIELD_KIND_COUNT:
    default:
        assert(false);
    }
}

static bool is_wanted(struct maker *m, const struct ocpp_field *field)
{
    if (field->required || m->size == OCPP_SAMPLE_ALL || m->size == OCPP_SAMPLE_LARGEST)
        return true;
    return m->size == OCPP_SAMPLE_SOME && draw_below(m, 2) == 1;
}

static void make_object(struct maker *m, const struct ocpp_shape *shape, char *object)
{
    for (uint32_t i = 0; i < shape->count && !m->failed; i++) {
        const struct ocpp_field *field = &shape->fields[i];
        void *member = object + field->offset;

        if (!is_wanted(m, field))
            continue;
        if (field->kind == OCPP_FIELD_OBJECT) {
            void *nested = take(m, field->nested->size);

            if (nested != NULL)
                make_object(m, field->nested, nested);
            memcpy(member, &nested, sizeof(nested));
        } else if (field->kind == OCPP_FIELD_OBJECTS || field->kind == OCPP_FIELD_STRINGS) {
            make_list(m, field, member);
        } else {
            make_value(m, field, member);
        }
    }
}

const void *ocpp_sample(enum ocpp_action action, bool confirmation, enum ocpp_sample_size size,
    uint64_t seed, struct ocpp_arena *arena)
{
    const struct ocpp_shape *shape = ocpp_shape_of(action, confirmation);
    struct maker m = {.size = size, .state = seed, .arena = arena};
    void *payload = take(&m, shape->size);

    if (payload != NULL)
        make_object(&m, shape, payload);
    return m.failed ? NULL : payload;
}
