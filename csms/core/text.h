/* text.h - a string that grows, for the JSON that the core writes.
 *
 * A failed allocation is remembered and makes every later call do nothing, so that only the
 * end of a long row of calls has to be checked.  The owner releases it with core_text_done or
 * takes the string with core_text_take.
 */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core_text {
    char *bytes; /* NUL-terminated once anything was added */
    size_t length, capacity;
    bool failed;
};

void core_text_add(struct core_text *, const char *text);
void core_text_int(struct core_text *, int64_t value);
void core_text_quote(struct core_text *, const char *text); /* as a JSON string */
/* "name":"value" with a comma before it unless it is the first member of its object. */
void core_text_member(struct core_text *, const char *name, const char *value);
/* The string, now the caller's to free; NULL: an allocation failed. */
char *core_text_take(struct core_text *);
void core_text_done(struct core_text *);

#endif
