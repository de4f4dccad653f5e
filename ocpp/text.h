/* text.h - strings: code points of UTF-8 and of JSON's escaped spelling.  Private to ocpp/.
 *
 * All of these want text that has passed the gate, and check nothing.
 */
#ifndef OCPP_TEXT_H
#define OCPP_TEXT_H

#include "ocpp/types.h"

/* The next code point of a JSON string's inside, escapes resolved; moves *p behind it. */
uint32_t ocpp_text_next(const char **p);

/* Resolves the escapes of `length` bytes into `buf` and ends it with NUL.  What finds no room is
 * cut off at a code point's border.  The result's length. */
size_t ocpp_text_unescape(const char *raw, size_t length, char *buf, size_t size);

/* Code points of a UTF-8 string. */
size_t ocpp_text_count(const char *text);

#endif
