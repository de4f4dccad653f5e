/* mask.h - where the secrets of a frame stand, so that trace and log show "***" there.
 *
 * Secret are the value beside the key AuthorizationKey (in whatever order, spelling and case), and
 * in every text the credentials of a URL.  Works on any bytes; of what is no JSON and names the
 * key nothing is shown.  Pure; any thread.
 */
#ifndef CSMS_MASK_H
#define CSMS_MASK_H

#include <stdbool.h>
#include <stddef.h>

enum { MASK_RANGES_MAX = 32 };

struct mask {
    struct {
        size_t at, end;
    } ranges[MASK_RANGES_MAX]; /* in the order of the text */
    unsigned count;
    bool whole; /* nothing of it may be shown */
};

/* json: the text was read as JSON, so that its objects can be relied on. */
void mask_find(const char *text, size_t length, bool json, struct mask *ret);
/* The text with "***" in the place of each secret, NUL-terminated and cut to what fits. */
size_t mask_apply(const struct mask *, const char *text, size_t length, char *buf, size_t size);

#endif
