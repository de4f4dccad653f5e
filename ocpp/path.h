/* path.h - where in a payload we are, for faults.  Private to ocpp/.
 *
 * Made of pointers while walking; text is made of it only when something is wrong.
 */
#ifndef OCPP_PATH_H
#define OCPP_PATH_H

#include "ocpp/message.h"

enum { OCPP_PATH_NO_INDEX = UINT32_MAX };

struct ocpp_step {
    const char *name;
    uint32_t index; /* of an array's element, or OCPP_PATH_NO_INDEX */
};

struct ocpp_path {
    uint32_t depth;
    struct ocpp_step steps[OCPP_DEPTH_MAX];
};

void ocpp_path_push(struct ocpp_path *path, const char *name);
void ocpp_path_index(struct ocpp_path *path, uint32_t index); /* of the last step */
void ocpp_path_pop(struct ocpp_path *path);

/* "meterValue[0].sampledValue[2].unit"; cut at a code point's border if it is too long. */
void ocpp_path_write(const struct ocpp_path *path, char *buf, size_t size);

#endif
