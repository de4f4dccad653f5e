/* pick.h - takes typed members out of a JSON object that the strict reader has passed.
 *
 * `struct sim_pick` remembers the first member that was wrong, so that a reader takes all it needs
 * and asks once.  Returned text lives as long as the JSON.
 */
#ifndef SIMULATORS_PICK_H
#define SIMULATORS_PICK_H

#include "ocpp/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_pick {
    const struct ocpp_json *json;
    const char *wrong; /* NULL so far: the name of the member that is missing or of another type */
};

/* A whole number; `otherwise` when absent. */
int64_t sim_pick_int(struct sim_pick *, const struct ocpp_node *, const char *name,
    int64_t otherwise);
int64_t sim_pick_need_int(struct sim_pick *, const struct ocpp_node *, const char *name);
int64_t sim_pick_value(struct sim_pick *, const struct ocpp_node *number);

/* Text of at most size - 1 bytes, copied; `otherwise` (may be NULL: required) when absent. */
void sim_pick_text(struct sim_pick *, const struct ocpp_node *, const char *name,
    const char *otherwise, char *buf, size_t size);

#endif
