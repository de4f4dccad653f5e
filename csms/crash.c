/* crash.c - see crash.h.  Built only with -Dcrashpoints=true; any thread. */
#include "csms/crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void crash_point(const char *place, const char *subject)
{
    static atomic_long passed;
    const char *wanted = getenv("JOULEBOOK_CRASH_AT");
    size_t length = strlen(place);
    const char *colon;
    long times = 1;

    if (wanted == NULL || strncmp(wanted, place, length) != 0 || wanted[length] != '.')
        return;
    wanted += length + 1;
    colon = strchr(wanted, ':');
    length = colon != NULL ? (size_t)(colon - wanted) : strlen(wanted);
    if (strlen(subject) != length || strncmp(wanted, subject, length) != 0)
        return;
    if (colon != NULL)
        times = strtol(colon + 1, NULL, 10);
    if (atomic_fetch_add(&passed, 1) + 1 == times)
        raise(SIGKILL);
}
