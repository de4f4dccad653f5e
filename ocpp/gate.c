/* gate.c - a state machine over the text, with a stack of fixed size.
 *
 * Names are remembered, for as long as their object is open, by place and hash: a later name of the
 * same object is compared in full only with those of equal hash.  One stack of names serves all
 * levels, because an inner object is closed before the outer one goes on.
 */
#include "ocpp/gate.h"

#include "ocpp/text.h"

#include <assert.h>
#include <string.h>

enum state {
    WANT_VALUE,
    WANT_FIRST_VALUE, /* or the end of the array */
    WANT_NAME,
    WANT_FIRST_NAME, /* or the end of the object */
    AFTER_VALUE
};

struct name {
    uint32_t offset, hash;
};

struct level {
    uint16_t names;      /* of this object so far */
    uint32_t first_name; /* where they begin on the stack */
};

struct walk {
    const char *text, *p, *end;
    const struct ocpp_limits *limits;
    struct ocpp_gate_report *report;
    struct ocpp_mark *numbers;
    uint32_t number_room;
    bool syntax_only;
    enum state state;
    uint16_t depth;
    uint8_t *objects; /* a bit per open level: an object, not an array */
    uint32_t name_count;
    struct level levels[OCPP_DEPTH_MAX];
    union {
        struct name names[OCPP_DEPTH_MAX * OCPP_KEYS_MAX];
        uint8_t deep_objects[UINT16_MAX / 8 + 1]; /* without names there is room for many levels */
    };
    uint8_t shallow_objects[OCPP_DEPTH_MAX / 8];
};

static uint32_t offset_of(const struct walk *w, const char *p)
{
    return (uint32_t)(p - w->text);
}

static bool in_object(const struct walk *w)
{
    unsigned level = w->depth - 1u;

    return (w->objects[level / 8] >> level % 8 & 1) != 0;
}

static bool in_outermost_array(const struct walk *w)
{
    return w->depth == 1 && !in_object(w);
}

static void skip_blanks(struct walk *w)
{
    while (w->p < w->end && (*w->p == ' ' || *w->p == '\t' || *w->p == '\n' || *w->p == '\r'))
        w->p++;
}

static bool is_digit(const struct walk *w)
{
    return w->p < w->end && *w->p >= '0' && *w->p <= '9';
}

/* Strings are those of RFC 8259, section 7; their UTF-8 is that of RFC 3629, section 4. */
static enum ocpp_gate_result read_utf8(struct walk *w)
{
    const unsigned char *s = (const unsigned char *)w->p;
    size_t room = (size_t)(w->end - w->p);
    unsigned low = 0x80, high = 0xBF;
    size_t more;

    if (s[0] >= 0xC2 && s[0] <= 0xDF)
        more = 1;
    else if (s[0] >= 0xE0 && s[0] <= 0xEF)
        more = 2;
    else if (s[0] >= 0xF0 && s[0] <= 0xF4)
        more = 3;
    else
        return OCPP_GATE_ENCODING;
    if (room <= more)
        return OCPP_GATE_ENCODING;
    if (s[0] == 0xE0)
        low = 0xA0; /* overlong */
    if (s[0] == 0xED)
        high = 0x9F; /* surrogates */
    if (s[0] == 0xF0)
        low = 0x90; /* overlong */
    if (s[0] == 0xF4)
        high = 0x8F; /* beyond U+10FFFF */
    if (s[1] < low || s[1] > high)
        return OCPP_GATE_ENCODING;
    for (size_t i = 2; i <= more; i++)
        if (s[i] < 0x80 || s[i] > 0xBF)
            return OCPP_GATE_ENCODING;
    w->p += more + 1;
    return OCPP_GATE_OK;
}

/* The four digits of \uXXXX at p + 2, or -1. */
static int32_t escaped_unit(const struct walk *w, const char *p)
{
    int32_t code = 0;

    if (w->end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        char c = p[i];

        if (c >= '0' && c <= '9')
            code = code * 16 + (c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            code = code * 16 + ((c | 0x20) - 'a' + 10);
        else
            return -1;
    }
    return code;
}

static enum ocpp_gate_result read_escape(struct walk *w)
{
    int32_t code, low;

    if (w->end - w->p < 2)
        return OCPP_GATE_SYNTAX;
    if (w->p[1] != 'u') {
        bool known = w->p[1] != '\0' && strchr("\"\\/bfnrt", w->p[1]) != NULL;

        w->p += known ? 2 : 0;
        return known ? OCPP_GATE_OK : OCPP_GATE_SYNTAX;
    }
    code = escaped_unit(w, w->p);
    if (code < 0)
        return OCPP_GATE_SYNTAX;
    if (code == 0 && !w->syntax_only)
        return OCPP_GATE_NUL;
    if (code < 0xD800 || code > 0xDFFF) {
        w->p += 6;
        return OCPP_GATE_OK;
    }
    low = escaped_unit(w, w->p + 6 <= w->end ? w->p + 6 : w->end);
    if (code <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF)
        w->p += 12;
    else if (w->syntax_only) /* RFC 8259, 8.2: the grammar lets a lone surrogate through */
        w->p += 6;
    else
        return OCPP_GATE_ENCODING;
    return OCPP_GATE_OK;
}

/* From the opening quote to behind the closing one. */
static enum ocpp_gate_result read_string(struct walk *w)
{
    enum ocpp_gate_result result = OCPP_GATE_OK;

    for (w->p++; w->p < w->end && result == OCPP_GATE_OK;) {
        unsigned char c = (unsigned char)*w->p;

        if (c == '"') {
            w->p++;
            return OCPP_GATE_OK;
        }
        if (c == '\\')
            result = read_escape(w);
        else if (c >= 0x80)
            result = read_utf8(w);
        else if (c >= 0x20)
            w->p++;
        else
            result = c == 0 ? OCPP_GATE_NUL : OCPP_GATE_SYNTAX;
    }
    return result == OCPP_GATE_OK ? OCPP_GATE_SYNTAX : result;
}

static uint32_t hash_name(const char *p, const char *end)
{
    uint32_t hash = 2166136261u; /* FNV-1a, by code point */

    while (p < end)
        hash = (hash ^ ocpp_text_next(&p)) * 16777619u;
    return hash;
}

/* Both begin behind an opening quote and end at a closing one. */
static bool same_name(const char *a, const char *b)
{
    while (*a != '"' && *b != '"')
        if (ocpp_text_next(&a) != ocpp_text_next(&b))
            return false;
    return *a == *b;
}

static enum ocpp_gate_result remember_name(struct walk *w, const char *start)
{
    struct level *level = &w->levels[w->depth - 1];
    struct name *names = w->names + level->first_name;
    uint32_t hash = hash_name(start, w->p - 1);

    for (uint16_t i = 0; i < level->names; i++)
        if (names[i].hash == hash && same_name(w->text + names[i].offset, start))
            return OCPP_GATE_DUPLICATE;
    if (level->names == w->limits->keys)
        return OCPP_GATE_KEYS;
    names[level->names++] = (struct name){offset_of(w, start), hash};
    w->name_count++;
    return OCPP_GATE_OK;
}

static enum ocpp_gate_result read_name(struct walk *w)
{
    const char *start = w->p + 1;
    enum ocpp_gate_result result;

    if (*w->p != '"')
        return OCPP_GATE_SYNTAX;
    result = read_string(w);
    if (result == OCPP_GATE_OK && !w->syntax_only)
        result = remember_name(w, start);
    if (result != OCPP_GATE_OK)
        return result;
    skip_blanks(w);
    if (w->p == w->end || *w->p != ':')
        return OCPP_GATE_SYNTAX;
    w->p++;
    w->state = WANT_VALUE;
    return OCPP_GATE_OK;
}

/* A value ended; of an outermost array's elements the place is kept. */
static void end_value(struct walk *w)
{
    struct ocpp_gate_report *report = w->report;

    w->state = AFTER_VALUE;
    if (!in_outermost_array(w))
        return;
    if (report->element_count < OCPP_GATE_ELEMENTS) {
        struct ocpp_mark *at = &report->elements[report->element_count].at;

        at->length = offset_of(w, w->p) - at->offset;
    }
    report->element_count++;
}

static void begin_value(struct walk *w)
{
    struct ocpp_gate_report *report = w->report;

    report->node_count++;
    if (in_outermost_array(w) && report->element_count < OCPP_GATE_ELEMENTS)
        report->elements[report->element_count] = (struct ocpp_element){
            .at.offset = offset_of(w, w->p), .first_number = report->number_count};
}

static bool skip_digits(struct walk *w)
{
    const char *start = w->p;

    while (is_digit(w))
        w->p++;
    return w->p > start;
}

static bool skip_number(struct walk *w)
{
    const char *digits;

    if (*w->p == '-')
        w->p++;
    digits = w->p;
    if (!skip_digits(w) || (*digits == '0' && w->p - digits > 1))
        return false;
    if (w->p < w->end && *w->p == '.') {
        w->p++;
        if (!skip_digits(w))
            return false;
    }
    if (w->p < w->end && (*w->p == 'e' || *w->p == 'E')) {
        w->p++;
        if (w->p < w->end && (*w->p == '+' || *w->p == '-'))
            w->p++;
        return skip_digits(w);
    }
    return true;
}

static enum ocpp_gate_result read_number(struct walk *w)
{
    const char *start = w->p;
    struct ocpp_gate_report *report = w->report;

    if (!skip_number(w) || (w->p - start > OCPP_NUMBER_MAX && !w->syntax_only))
        return OCPP_GATE_NUMBER;
    if (report->number_count < w->number_room)
        w->numbers[report->number_count] =
            (struct ocpp_mark){offset_of(w, start), (uint32_t)(w->p - start)};
    report->number_count++;
    end_value(w);
    return OCPP_GATE_OK;
}

static enum ocpp_gate_result read_word(struct walk *w, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(w->end - w->p) < length || memcmp(w->p, word, length) != 0)
        return OCPP_GATE_SYNTAX;
    w->p += length;
    end_value(w);
    return OCPP_GATE_OK;
}

static enum ocpp_gate_result open_level(struct walk *w, bool object)
{
    uint8_t *bits = &w->objects[w->depth / 8], bit = (uint8_t)(1u << w->depth % 8);

    if (w->depth == w->limits->depth)
        return OCPP_GATE_DEPTH;
    *bits = (uint8_t)(object ? *bits | bit : *bits & ~bit);
    if (!w->syntax_only)
        w->levels[w->depth] = (struct level){.first_name = w->name_count};
    w->depth++;
    w->state = object ? WANT_FIRST_NAME : WANT_FIRST_VALUE;
    w->p++;
    return OCPP_GATE_OK;
}

static void close_level(struct walk *w)
{
    w->depth--;
    if (!w->syntax_only)
        w->name_count = w->levels[w->depth].first_name;
    w->p++;
    end_value(w);
}

static enum ocpp_gate_result read_value(struct walk *w)
{
    enum ocpp_gate_result result;

    if (w->report->node_count == w->limits->nodes)
        return OCPP_GATE_NODES;
    begin_value(w);
    switch (*w->p) {
    case '{':
        return open_level(w, true);
    case '[':
        return open_level(w, false);
    case '"':
        result = read_string(w);
        if (result == OCPP_GATE_OK)
            end_value(w);
        return result;
    case 't':
        return read_word(w, "true");
    case 'f':
        return read_word(w, "false");
    case 'n':
        return read_word(w, "null");
    default:
        return *w->p == '-' || is_digit(w) ? read_number(w) : OCPP_GATE_SYNTAX;
    }
}

static enum ocpp_gate_result read_after(struct walk *w)
{
    bool object = in_object(w);

    if (*w->p == (object ? '}' : ']')) {
        close_level(w);
        return OCPP_GATE_OK;
    }
    if (*w->p != ',')
        return OCPP_GATE_SYNTAX;
    w->p++;
    w->state = object ? WANT_NAME : WANT_VALUE;
    return OCPP_GATE_OK;
}

static enum ocpp_gate_result step(struct walk *w)
{
    if ((w->state == WANT_FIRST_VALUE && *w->p == ']') ||
        (w->state == WANT_FIRST_NAME && *w->p == '}')) {
        close_level(w);
        return OCPP_GATE_OK;
    }
    switch (w->state) {
    case WANT_NAME:
    case WANT_FIRST_NAME:
        return read_name(w);
    case AFTER_VALUE:
        return read_after(w);
    case WANT_VALUE:
    case WANT_FIRST_VALUE:
    default:
        return read_value(w);
    }
}

static enum ocpp_gate_result run(struct walk *w)
{
    enum ocpp_gate_result result = OCPP_GATE_OK;

    skip_blanks(w);
    if (w->p == w->end)
        return OCPP_GATE_EMPTY;
    if (w->end - w->p >= 3 && memcmp(w->p, "\xEF\xBB\xBF", 3) == 0)
        return OCPP_GATE_ENCODING;
    while (result == OCPP_GATE_OK && (w->depth > 0 || w->state != AFTER_VALUE)) {
        skip_blanks(w);
        result = w->p < w->end ? step(w) : OCPP_GATE_SYNTAX;
    }
    if (result != OCPP_GATE_OK)
        return result;
    skip_blanks(w);
    return w->p == w->end ? OCPP_GATE_OK : OCPP_GATE_TRAILING;
}

static enum ocpp_gate_result walk_text(struct walk *w, const char *text, size_t length)
{
    enum ocpp_gate_result result;

    assert(w->limits->bytes <= UINT32_MAX);
    *w->report = (struct ocpp_gate_report){0};
    if (length == 0)
        return OCPP_GATE_EMPTY;
    if (length > w->limits->bytes)
        return OCPP_GATE_BYTES;
    w->text = w->p = text;
    w->end = text + length;
    w->state = WANT_VALUE;
    w->depth = 0;
    w->name_count = 0;
    result = run(w);
    w->report->offset = (size_t)(w->p - text);
    return result;
}

enum ocpp_gate_result ocpp_gate_check(const char *text, size_t length,
    const struct ocpp_limits *limits, struct ocpp_mark *numbers, uint32_t number_room,
    struct ocpp_gate_report *ret)
{
    struct walk w;

    assert(limits->depth <= OCPP_DEPTH_MAX && limits->keys <= OCPP_KEYS_MAX);
    w.syntax_only = false;
    w.objects = w.shallow_objects;
    w.limits = limits;
    w.report = ret;
    w.numbers = numbers;
    w.number_room = number_room;
    return walk_text(&w, text, length);
}

enum ocpp_gate_result ocpp_gate_syntax(
    const char *text, size_t length, struct ocpp_gate_report *ret)
{
    static const struct ocpp_limits unlimited = {
        .bytes = UINT32_MAX, .nodes = UINT32_MAX, .depth = UINT16_MAX};
    struct walk w;

    w.syntax_only = true;
    w.objects = w.deep_objects;
    w.limits = &unlimited;
    w.report = ret;
    w.numbers = NULL;
    w.number_room = 0;
    return walk_text(&w, text, length);
}

const char *ocpp_gate_text(enum ocpp_gate_result result)
{
    static const char *const texts[OCPP_GATE_RESULT_COUNT] = {
        [OCPP_GATE_OK] = "the text is accepted",
        [OCPP_GATE_EMPTY] = "the message is empty",
        [OCPP_GATE_SYNTAX] = "the text is no JSON",
        [OCPP_GATE_ENCODING] = "the text is not UTF-8, or begins with a byte order mark",
        [OCPP_GATE_NUL] = "a NUL stands in the text",
        [OCPP_GATE_NUMBER] = "a number is malformed or too long",
        [OCPP_GATE_DUPLICATE] = "an object has two members of one name",
        [OCPP_GATE_TRAILING] = "something follows the JSON document",
        [OCPP_GATE_BYTES] = "the message is too large",
        [OCPP_GATE_NODES] = "the message has too many values",
        [OCPP_GATE_DEPTH] = "the message is nested too deeply",
        [OCPP_GATE_KEYS] = "an object has too many members",
    };

    assert(result >= 0 && result < OCPP_GATE_RESULT_COUNT);
    return texts[result];
}
