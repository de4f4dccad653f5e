/* tally.c - see tally.h. */
#include "tests/bench/tally.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PLAIN = 128, HALF = 64 };

/* Up to 128 us each has a bucket; above, each power of two has 64. */
static unsigned bucket_of(uint64_t us)
{
    unsigned shift;

    if (us < PLAIN)
        return (unsigned)us;
    shift = 63 - (unsigned)__builtin_clzll(us) - 6;
    return shift > 40 ? TALLY_BUCKETS - 1
                      : PLAIN + (shift - 1) * HALF + (unsigned)(us >> shift) - HALF;
}

static uint64_t bucket_top(unsigned bucket)
{
    unsigned shift;

    if (bucket < PLAIN)
        return bucket;
    shift = (bucket - PLAIN) / HALF + 1;
    return (((uint64_t)(bucket - PLAIN) % HALF + HALF + 1) << shift) - 1;
}

void tally_add(struct tally *tally, uint64_t us)
{
    tally->count++;
    if (us > tally->max_us)
        tally->max_us = us;
    tally->buckets[bucket_of(us)]++;
}

double tally_ms(const struct tally *tally, unsigned per_mille)
{
    uint64_t wanted = (tally->count * per_mille + 999) / 1000, seen = 0, us;

    for (unsigned i = 0; i < TALLY_BUCKETS; i++) {
        seen += tally->buckets[i];
        if (seen >= wanted && seen > 0) {
            us = bucket_top(i);
            return (double)(us < tally->max_us ? us : tally->max_us) / 1000;
        }
    }
    return 0;
}

void tally_print(const struct tally *tally, const char *prefix)
{
    printf(" %sp50_ms=%.2f %sp99_ms=%.2f %sp999_ms=%.2f %smax_ms=%.2f", prefix,
        tally_ms(tally, 500), prefix, tally_ms(tally, 990), prefix, tally_ms(tally, 999), prefix,
        (double)tally->max_us / 1000);
}

/* Parent and processor time of a process from /proc/PID/stat; false: there is none. */
struct process {
    int parent;
    unsigned long user, system;
    long children_user, children_system;
};

static int process_read(int pid, struct process *ret)
{
    char path[32], text[1024], *rest;
    FILE *file;
    size_t size;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    rest = strrchr(text, ')'); /* the name before may hold anything */
    return rest != NULL &&
           sscanf(rest + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld",
               &ret->parent, &ret->user, &ret->system, &ret->children_user,
               &ret->children_system) == 5;
}

/* A server that forks: its own time, that of the children it has buried, and of those that live. */
static double family_s(int pid)
{
    double ticks = 0;
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    struct process process;

    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        int other = (int)strtol(entry->d_name, NULL, 10);

        if (!isdigit((unsigned char)entry->d_name[0]) || !process_read(other, &process))
            continue;
        if (other == pid)
            ticks += (double)(process.children_user + process.children_system);
        if (other == pid || process.parent == pid)
            ticks += (double)(process.user + process.system);
    }
    if (proc != NULL)
        closedir(proc);
    return ticks / (double)sysconf(_SC_CLK_TCK);
}

struct tally_cpu tally_cpu(int csmsd, int postgres)
{
    struct tally_cpu ret = {0};
    struct process process;
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    ret.self_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    if (csmsd != 0 && process_read(csmsd, &process))
        ret.csmsd_s = (double)(process.user + process.system) / (double)sysconf(_SC_CLK_TCK);
    if (postgres != 0)
        ret.postgres_s = family_s(postgres);
    return ret;
}

uint64_t tally_resident_kib(int pid)
{
    unsigned long pages = 0;
    char path[32];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}
