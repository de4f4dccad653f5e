/* tree.h - cJSON's tree behind the gate.  Private to ocpp/.
 *
 * cJSON's own reading of a number is used by nobody: after the parse each number's valueint holds
 * its index in the gate's list, and its text is read from there.
 */
#ifndef OCPP_TREE_H
#define OCPP_TREE_H

#include "ocpp/gate.h"
#include "ocpp/out.h"

#include <cjson/cJSON.h>

/* What a tree was read from. */
struct ocpp_source {
    const char *text;
    const struct ocpp_mark *numbers;
};

/* Parses text that the gate accepted; its first number has the index `first_number`.  NULL: no
 * memory.  Freed by cJSON_Delete. */
MUST_CHECK cJSON *ocpp_tree_read(const char *text, size_t length, uint32_t first_number);

/* The text of a number, not NUL-terminated. */
const char *ocpp_tree_number(
    const struct ocpp_source *source, const cJSON *number, size_t *ret_length);

/* The node as JSON again, every number as it was written. */
void ocpp_tree_write(const struct ocpp_source *source, const cJSON *node, struct ocpp_out *out);

#endif
