/* tree.h - cJSON's tree behind the gate.  Private to ocpp/.
 *
 * cJSON's own reading of a number is used by nobody: after the parse each number's valueint holds
 * its index in the gate's list, and its text is read from there.  All of cJSON's memory is an
 * arena's, throughout the program: nobody else may use it.
 */
#ifndef OCPP_TREE_H
#define OCPP_TREE_H

#include "ocpp/arena.h"
#include "ocpp/gate.h"
#include "ocpp/out.h"

#include <cjson/cJSON.h>

/* What a tree was read from. */
struct ocpp_source {
    const char *text;
    const struct ocpp_mark *numbers;
};

/* Parses text that the gate accepted; its first number has the index `first_number`.  The tree
 * lives in the arena and as long: never give it to cJSON_Delete.  NULL: no memory. */
MUST_CHECK cJSON *ocpp_tree_read(
    const char *text, size_t length, uint32_t first_number, struct ocpp_arena *arena);

/* The text of a number, not NUL-terminated. */
const char *ocpp_tree_number(
    const struct ocpp_source *source, const cJSON *number, size_t *ret_length);

/* The node as JSON again, every number as it was written. */
void ocpp_tree_write(const struct ocpp_source *source, const cJSON *node, struct ocpp_out *out);

#endif
