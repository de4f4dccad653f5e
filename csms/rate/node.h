/* node.h - typed reads of JSON members, with the path of whatever is refused.
 *
 * A reader carries the document, where it stands (a path such as elements[0].price_components),
 * and the first fault.  Every read returns false after the first refusal; numbers may stand as
 * numbers or as strings, for both are met in tariffs.
 */
#ifndef CSMS_RATE_NODE_H
#define CSMS_RATE_NODE_H

#include "ocpp/json.h"

struct csms_reader {
    const struct ocpp_json *json;
    struct ocpp_fault *fault;
    bool refused;
    char path[96];
};

void csms_reader_init(struct csms_reader *, const struct ocpp_json *, struct ocpp_fault *);

/* Goes into member `name` (index < 0) or its element `index`, returns the path's old length for
 * csms_reader_leave. */
size_t csms_reader_enter(struct csms_reader *, const char *name, int index);
void csms_reader_leave(struct csms_reader *, size_t length);

/* Refuses member `name` of where the reader stands; always false. */
bool csms_reader_refuse(struct csms_reader *, const char *name, const char *text);

/* Is the member there, and not null? */
const struct ocpp_node *csms_member(const struct ocpp_node *, const char *name);

/* A member that may be absent leaves *ret as it is. */
MUST_CHECK bool csms_read_decimal(struct csms_reader *, const struct ocpp_node *object,
    const char *name, int scale, int64_t *ret);
MUST_CHECK bool csms_read_text(
    struct csms_reader *, const struct ocpp_node *object, const char *name, const char **ret);
MUST_CHECK bool csms_read_time(
    struct csms_reader *, const struct ocpp_node *object, const char *name, int64_t *ret_us);
MUST_CHECK bool csms_read_bool(
    struct csms_reader *, const struct ocpp_node *object, const char *name, bool *ret);
/* 2026-05-01 as days since 1970. */
MUST_CHECK bool csms_read_date(
    struct csms_reader *, const struct ocpp_node *object, const char *name, int32_t *ret);
/* NULL if absent; refused if it is no array (no object). */
MUST_CHECK bool csms_read_array(struct csms_reader *, const struct ocpp_node *object,
    const char *name, const struct ocpp_node **ret);
MUST_CHECK bool csms_read_object(struct csms_reader *, const struct ocpp_node *object,
    const char *name, const struct ocpp_node **ret);

/* One decimal, wherever it stands; the name is for the refusal. */
MUST_CHECK bool csms_node_decimal(
    struct csms_reader *, const struct ocpp_node *, const char *name, int scale, int64_t *ret);

#endif
