/* fault_crash.c - see fault_crash.h. */
#include "csms/fault_crash.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *crash_file;
static volatile sig_atomic_t told;

/* Passed by the loop and by workers. */
static struct {
    pthread_mutex_t lock;
    char wanted[128]; /* "": nowhere */
    long passed;
} crash = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void tell(int number)
{
    (void)number;
    told = 1;
}

/* Once: each message passes several of these places, and the environment is long. */
__attribute__((constructor)) static void environment_read(void)
{
    const char *at = getenv("JOULEBOOK_CRASH_AT");

    snprintf(crash.wanted, sizeof crash.wanted, "%s", at != NULL ? at : "");
    crash_file = getenv("JOULEBOOK_CRASH_FILE");
    if (crash_file != NULL)
        sigaction(SIGUSR1, &(struct sigaction){.sa_handler = tell, .sa_flags = SA_RESTART}, NULL);
}

static void wanted_read(void)
{
    FILE *file = fopen(crash_file, "r");

    told = 0;
    crash.passed = 0;
    if (file == NULL || fgets(crash.wanted, sizeof crash.wanted, file) == NULL)
        crash.wanted[0] = '\0';
    if (file != NULL)
        fclose(file);
}

/* Is it the place that crash.wanted names, for the N-th time? */
static bool crash_wanted(const char *place, const char *subject)
{
    size_t length = strlen(place), rest = strlen(subject);
    const char *wanted = crash.wanted;
    long times = 1;

    if (strncmp(wanted, place, length) != 0 || wanted[length] != '.' ||
        strncmp(wanted + length + 1, subject, rest) != 0)
        return false;
    wanted += length + 1 + rest;
    if (*wanted == ':')
        times = strtol(wanted + 1, NULL, 10);
    else if (*wanted != '\0')
        return false;
    return ++crash.passed == times;
}

void crash_point(const char *place, const char *subject)
{
    bool now;

    pthread_mutex_lock(&crash.lock);
    if (told)
        wanted_read();
    now = crash_wanted(place, subject);
    pthread_mutex_unlock(&crash.lock);
    if (now)
        raise(SIGKILL);
}
