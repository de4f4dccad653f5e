/* zone.h - time zones of package tzdata, as the offsets the rating engine needs.
 *
 * Reads one TZif file (RFC 8536, version 2 or later) whole, with the rule in its footer, so that
 * times after its last transition are right too.  A zone's name comes from a site's record and
 * becomes part of a path: names that could leave the folder are refused.
 */
#ifndef CSMS_RATE_ZONE_H
#define CSMS_RATE_ZONE_H

#include "billing/clock.h"

#include "ocpp/types.h"

#define CSMS_ZONE_DIRECTORY "/usr/share/zoneinfo"
enum { CSMS_ZONE_NAME_MAX = 64, CSMS_ZONE_FILE_MAX = 65536 };

struct csms_zone;

enum csms_zone_result {
    CSMS_ZONE_OK,
    CSMS_ZONE_BAD_NAME, /* not a name of the form Area/Place */
    CSMS_ZONE_UNKNOWN,  /* no such file */
    CSMS_ZONE_UNREADABLE, /* there may be one, but it cannot be read now */
    CSMS_ZONE_BAD_FILE, /* no TZif of version 2 or later, or its rule cannot be read */
    CSMS_ZONE_NO_MEMORY,
};

/* A directory of NULL is the system's. */
MUST_CHECK enum csms_zone_result csms_zone_open(
    const char *directory, const char *name, struct csms_zone **ret);
void csms_zone_free(struct csms_zone *);

/* The same from a file's bytes. */
MUST_CHECK enum csms_zone_result csms_zone_parse(
    const uint8_t *bytes, size_t length, struct csms_zone **ret);

/* The offset at `from` and each change until `to`.  The first entry stands for all earlier times.
 * Returns how many; 0: they do not fit. */
MUST_CHECK uint32_t csms_zone_offsets(const struct csms_zone *, int64_t from_us, int64_t to_us,
    struct bill_offset ret[BILL_OFFSETS_MAX]);

const char *csms_zone_text(enum csms_zone_result);

#endif
