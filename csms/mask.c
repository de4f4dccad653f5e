/* mask.c - see mask.h.  One walk over the text, string by string, with a stack of open objects. */
#include "csms/mask.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

static const char KEY[] = "authorizationkey";
static const char STARS[] = "***";

/* An open object: does it name the key, and where is its member `value`? */
struct object {
    bool secret, named, valued;
    size_t at, end;
};

struct walk {
    const char *text;
    size_t length, at;
    struct mask *mask;
    struct object objects[DEPTH_MAX];
    unsigned depth;
    bool value_next; /* the string before was a member's name `value` */
};

static void hide(struct mask *mask, size_t at, size_t end)
{
    unsigned i = mask->count;

    if (i == MASK_RANGES_MAX) {
        mask->whole = true;
        return;
    }
    for (; i > 0 && mask->ranges[i - 1].at > at; i--)
        mask->ranges[i] = mask->ranges[i - 1];
    mask->ranges[i].at = at;
    mask->ranges[i].end = end;
    mask->count++;
}

static int hex4(const char *at)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'         ? c - '0'
            : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                 : -1;

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* One character of a string, its escape undone; what is not ASCII is '?'. */
static char character(struct walk *walk)
{
    char c = walk->text[walk->at++];
    int code;

    if (c != '\\' || walk->at >= walk->length)
        return (unsigned char)c < 0x80 ? c : '?';
    c = walk->text[walk->at++];
    if (c != 'u' || walk->length - walk->at < 4)
        return c == 'n' || c == 't' || c == 'r' ? ' ' : c;
    code = hex4(walk->text + walk->at);
    walk->at += 4;
    return code > 0 && code < 0x80 ? (char)code : '?';
}

struct seen {
    char start[sizeof KEY]; /* in small letters; cut */
    size_t length;
};

/* Reads the string whose quote was just passed, and hides a URL's credentials in it. */
static void string_read(struct walk *walk, struct seen *seen)
{
    char last[3] = {0};
    size_t from = 0, until = 0;

    *seen = (struct seen){.length = 0};
    while (walk->at < walk->length && walk->text[walk->at] != '"') {
        size_t at = walk->at;
        char c = character(walk);

        if (seen->length < sizeof seen->start - 1)
            seen->start[seen->length] = c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
        seen->length++;
        if (c == '@' && from != 0)
            until = at;
        if (c == ' ' && until == 0)
            from = 0;
        last[0] = last[1];
        last[1] = last[2];
        last[2] = c;
        if (from == 0 && memcmp(last, "://", 3) == 0)
            from = walk->at;
    }
    if (until > from)
        hide(walk->mask, from, until);
}

static bool is(const struct seen *seen, const char *word)
{
    return seen->length == strlen(word) && memcmp(seen->start, word, seen->length) == 0;
}

/* Is it a member's name? */
static bool colon_next(const struct walk *walk)
{
    size_t at = walk->at + 1;

    while (at < walk->length && (walk->text[at] == ' ' || walk->text[at] == '\n' ||
                                    walk->text[at] == '\t' || walk->text[at] == '\r'))
        at++;
    return at < walk->length && walk->text[at] == ':';
}

static void string_met(struct walk *walk)
{
    struct object *object = walk->depth > 0 ? &walk->objects[walk->depth - 1] : NULL;
    size_t from = walk->at;
    unsigned count = walk->mask->count;
    struct seen seen;
    bool value = walk->value_next;

    string_read(walk, &seen);
    walk->value_next = false;
    if (is(&seen, KEY) && object != NULL)
        object->secret = true;
    if (is(&seen, KEY) && object == NULL)
        walk->mask->whole = true;
    if (object == NULL)
        return;
    if (value && object->valued) {
        walk->mask->whole = true;
    } else if (value && count == walk->mask->count) {
        object->valued = true;
        object->at = from;
        object->end = walk->at;
    }
    walk->value_next = is(&seen, "value") && colon_next(walk);
    object->named |= walk->value_next;
}

static void object_end(struct walk *walk)
{
    struct object *object;

    if (walk->depth == 0)
        return;
    object = &walk->objects[--walk->depth];
    if (object->secret && object->valued)
        hide(walk->mask, object->at, object->end);
    else if (object->secret && object->named) /* a number, or partly hidden already */
        walk->mask->whole = true;
}

static void object_begin(struct walk *walk)
{
    if (walk->depth == DEPTH_MAX) {
        walk->mask->whole = true;
        return;
    }
    walk->objects[walk->depth++] = (struct object){0};
    walk->value_next = false;
}

static bool names_key(const struct walk *walk)
{
    for (size_t at = 0; at + sizeof KEY - 1 <= walk->length; at++)
        if (strncasecmp(walk->text + at, KEY, sizeof KEY - 1) == 0)
            return true;
    return false;
}

void mask_find(const char *text, size_t length, bool json, struct mask *ret)
{
    struct walk walk = {.text = text, .length = length, .mask = ret};

    *ret = (struct mask){.count = 0};
    while (walk.at < length && !ret->whole) {
        char c = text[walk.at++];

        if (c == '"') {
            string_met(&walk);
            walk.at++;
        } else if (c == '{') {
            object_begin(&walk);
        } else if (c == '}') {
            object_end(&walk);
        }
    }
    for (unsigned i = 0; i < walk.depth; i++)
        if (walk.objects[i].secret)
            ret->whole = true;
    if (!json && (names_key(&walk) || (ret->count > 0 && walk.depth > 0)))
        ret->whole = true;
}

static size_t put(char *buf, size_t size, size_t used, const char *text, size_t length)
{
    if (used + 1 >= size)
        return used;
    if (length > size - 1 - used)
        length = size - 1 - used;
    memcpy(buf + used, text, length);
    return used + length;
}

size_t mask_apply(const struct mask *mask, const char *text, size_t length, char *buf, size_t size)
{
    size_t used = 0, at = 0;

    for (unsigned i = 0; i < mask->count && !mask->whole; i++) {
        used = put(buf, size, used, text + at, mask->ranges[i].at - at);
        used = put(buf, size, used, STARS, sizeof STARS - 1);
        at = mask->ranges[i].end;
    }
    if (mask->whole)
        used = put(buf, size, used, STARS, sizeof STARS - 1);
    else
        used = put(buf, size, used, text + at, length - at);
    buf[used] = '\0';
    return used;
}
