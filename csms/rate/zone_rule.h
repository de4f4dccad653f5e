/* zone_rule.h - the POSIX TZ rule in the footer of a TZif file (internal to csms/rate/). */
#ifndef CSMS_RATE_ZONE_RULE_H
#define CSMS_RATE_ZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A day of the year and a local time on it, which RFC 8536 lets run from -167 to 167 hours. */
struct csms_zone_edge {
    enum { EDGE_MONTH, EDGE_JULIAN, EDGE_DAY } kind;
    int month, week, day; /* Mm.w.d; Jn and n use day alone */
    int32_t time_s;
};

struct csms_zone_rule {
    int32_t offset_s, summer_offset_s;
    bool has_summer;
    struct csms_zone_edge start, end; /* of summer time */
};

/* False: not a rule.  The text need not be NUL-terminated. */
bool csms_zone_rule_parse(const char *text, size_t length, struct csms_zone_rule *ret);

int32_t csms_zone_rule_at(const struct csms_zone_rule *, int64_t at_s);

/* The first change after `at`; INT64_MAX: none. */
int64_t csms_zone_rule_next(const struct csms_zone_rule *, int64_t at_s);

#endif
