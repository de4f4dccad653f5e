/* json.h - a generic exact reader, behind the same gate as the frames.
 *
 * For what has no field table: tariffs, signed meter data, the admin channel.  Numbers are given as
 * their text (read them with decimal.h).  A document is read-only once read; its nodes live until
 * ocpp_json_free.
 */
#ifndef OCPP_JSON_H
#define OCPP_JSON_H

#include "ocpp/message.h"

struct ocpp_json;
struct ocpp_node;

enum ocpp_kind {
    OCPP_KIND_NULL,
    OCPP_KIND_BOOL,
    OCPP_KIND_NUMBER,
    OCPP_KIND_STRING,
    OCPP_KIND_ARRAY,
    OCPP_KIND_OBJECT
};

/* Copies what it needs of the text.  NULL: refused, and the fault (which may be NULL) says why. */
MUST_CHECK struct ocpp_json *ocpp_json_read(const char *text, size_t length,
    const struct ocpp_limits *limits, struct ocpp_fault *ret_fault);
void ocpp_json_free(struct ocpp_json *json);

/* All of these take NULL for a node: it has no members, no elements and the kind NULL. */
const struct ocpp_node *ocpp_json_root(const struct ocpp_json *json);
const struct ocpp_node *ocpp_json_member(const struct ocpp_node *node, const char *name);
const struct ocpp_node *ocpp_json_first(const struct ocpp_node *node);
const struct ocpp_node *ocpp_json_next(const struct ocpp_node *node);
const char *ocpp_json_name(const struct ocpp_node *node); /* NULL: no member of an object */
enum ocpp_kind ocpp_json_kind(const struct ocpp_node *node);
uint32_t ocpp_json_count(const struct ocpp_node *node);
const char *ocpp_json_string(const struct ocpp_node *node); /* NULL: no string */
bool ocpp_json_bool(const struct ocpp_node *node);          /* false unless true */

/* The number as it stands in the text, not NUL-terminated; NULL: no number. */
const char *ocpp_json_number(
    const struct ocpp_json *json, const struct ocpp_node *node, size_t *ret_length);

/* Writes "text" as a JSON string with its quotes.  The length without NUL; 0: does not fit. */
MUST_CHECK size_t ocpp_json_quote(char *buf, size_t size, const char *text);

#endif
