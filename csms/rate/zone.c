/* zone.c - reads TZif files.  Every length in the file is checked before it is believed. */
#include "csms/rate/zone.h"

#include "csms/rate/zone_rule.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_BYTES = 44, TYPE_BYTES = 6, TYPES_MAX = 256 };

struct csms_zone {
    struct csms_zone_rule rule;
    bool has_rule;
    int32_t first_offset_s; /* before the first change */
    uint32_t count;
    struct change {
        int64_t at_s;
        int32_t offset_s;
    } changes[];
};

struct counts {
    uint32_t utc, standard, leaps, times, types, chars;
};

static uint32_t read32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read64(const uint8_t *p)
{
    return (int64_t)((uint64_t)read32(p) << 32 | read32(p + 4));
}

/* Area/Place: letters, digits, _ + -, parts joined by single slashes, no part empty or a dot. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > CSMS_ZONE_NAME_MAX || name[0] == '/' || name[length - 1] == '/' ||
        strstr(name, "//") != NULL)
        return false;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") ==
           length;
}

static bool read_header(const uint8_t *p, size_t left, struct counts *ret)
{
    if (left < HEADER_BYTES || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        return false;
    *ret = (struct counts){read32(p + 20), read32(p + 24), read32(p + 28), read32(p + 32),
        read32(p + 36), read32(p + 40)};
    return ret->times <= CSMS_ZONE_FILE_MAX && ret->types <= TYPES_MAX && ret->types > 0 &&
           ret->chars <= CSMS_ZONE_FILE_MAX && ret->leaps <= CSMS_ZONE_FILE_MAX &&
           ret->standard <= TYPES_MAX && ret->utc <= TYPES_MAX;
}

static size_t body_size(const struct counts *c, size_t time_bytes)
{
    return c->times * (time_bytes + 1) + c->types * (size_t)TYPE_BYTES + c->chars +
           c->leaps * (time_bytes + 4) + c->standard + c->utc;
}

/* The changes of the second, 64-bit body. */
static bool read_changes(const uint8_t *p, const struct counts *c, struct csms_zone *zone)
{
    const uint8_t *indexes = p + c->times * 8, *types = indexes + c->times;

    zone->first_offset_s = (int32_t)read32(types);
    for (uint32_t i = 0; i < c->times; i++) {
        if (indexes[i] >= c->types)
            return false;
        zone->changes[i].at_s = read64(p + i * 8);
        zone->changes[i].offset_s = (int32_t)read32(types + indexes[i] * TYPE_BYTES);
        if (i > 0 && zone->changes[i].at_s <= zone->changes[i - 1].at_s)
            return false;
    }
    zone->count = c->times;
    return true;
}

/* A newline, the rule, a newline; an empty rule says that nothing is known of later times. */
static bool read_footer(const uint8_t *p, size_t left, struct csms_zone *zone)
{
    const uint8_t *end;

    if (left < 2 || p[0] != '\n')
        return false;
    end = memchr(p + 1, '\n', left - 1);
    if (end == NULL)
        return false;
    if (end == p + 1)
        return true;
    zone->has_rule = true;
    return csms_zone_rule_parse((const char *)p + 1, (size_t)(end - p - 1), &zone->rule);
}

enum csms_zone_result csms_zone_parse(const uint8_t *bytes, size_t length, struct csms_zone **ret)
{
    struct counts c;
    struct csms_zone *zone;
    size_t at, body;

    if (!read_header(bytes, length, &c))
        return CSMS_ZONE_BAD_FILE;
    at = HEADER_BYTES + body_size(&c, 4);
    if (at > length || !read_header(bytes + at, length - at, &c))
        return CSMS_ZONE_BAD_FILE;
    at += HEADER_BYTES;
    body = body_size(&c, 8);
    if (body > length - at)
        return CSMS_ZONE_BAD_FILE;
    zone = calloc(1, sizeof(*zone) + c.times * sizeof(zone->changes[0]));
    if (zone == NULL)
        return CSMS_ZONE_NO_MEMORY;
    if (!read_changes(bytes + at, &c, zone) ||
        !read_footer(bytes + at + body, length - at - body, zone)) {
        free(zone);
        return CSMS_ZONE_BAD_FILE;
    }
    *ret = zone;
    return CSMS_ZONE_OK;
}

/* Only a file that is not there says that there is no such zone. */
static enum csms_zone_result cause(int error)
{
    if (error == ENOMEM)
        return CSMS_ZONE_NO_MEMORY;
    return error == ENOENT || error == ENOTDIR ? CSMS_ZONE_UNKNOWN : CSMS_ZONE_UNREADABLE;
}

static enum csms_zone_result read_file(int fd, struct csms_zone **ret)
{
    enum csms_zone_result result = CSMS_ZONE_BAD_FILE;
    uint8_t *bytes = malloc(CSMS_ZONE_FILE_MAX);
    size_t length = 0;
    ssize_t got = 1;
    struct stat st;

    if (bytes == NULL)
        return CSMS_ZONE_NO_MEMORY;
    if (fstat(fd, &st) != 0) {
        result = cause(errno);
    } else if (S_ISREG(st.st_mode)) {
        while (got > 0 && length < CSMS_ZONE_FILE_MAX) {
            got = read(fd, bytes + length, CSMS_ZONE_FILE_MAX - length);
            length += got > 0 ? (size_t)got : 0;
        }
        if (got < 0 || (got == 0 && length < (size_t)st.st_size))
            result = CSMS_ZONE_UNREADABLE;
        else if (got == 0)
            result = csms_zone_parse(bytes, length, ret);
    }
    free(bytes);
    return result;
}

enum csms_zone_result csms_zone_open(
    const char *directory, const char *name, struct csms_zone **ret)
{
    char path[4096];
    enum csms_zone_result result;
    int fd, length;

    if (!is_name(name))
        return CSMS_ZONE_BAD_NAME;
    length = snprintf(
        path, sizeof(path), "%s/%s", directory != NULL ? directory : CSMS_ZONE_DIRECTORY, name);
    if (length < 0 || (size_t)length >= sizeof(path))
        return CSMS_ZONE_BAD_NAME;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return cause(errno);
    result = read_file(fd, ret);
    close(fd);
    return result;
}

void csms_zone_free(struct csms_zone *zone)
{
    free(zone);
}

/* How many changes are at or before the time. */
static uint32_t changes_until(const struct csms_zone *zone, int64_t at_s)
{
    uint32_t low = 0, high = zone->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (zone->changes[middle].at_s <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t offset_at(const struct csms_zone *zone, int64_t at_s)
{
    uint32_t n = changes_until(zone, at_s);

    if (n == zone->count && zone->has_rule)
        return csms_zone_rule_at(&zone->rule, at_s);
    return n == 0 ? zone->first_offset_s : zone->changes[n - 1].offset_s;
}

static int64_t next_change(const struct csms_zone *zone, int64_t at_s)
{
    uint32_t n = changes_until(zone, at_s);

    if (n < zone->count)
        return zone->changes[n].at_s;
    return zone->has_rule ? csms_zone_rule_next(&zone->rule, at_s) : INT64_MAX;
}

static int64_t floor_seconds(int64_t us)
{
    return us / BILL_SECOND_US - (us % BILL_SECOND_US < 0);
}

uint32_t csms_zone_offsets(const struct csms_zone *zone, int64_t from_us, int64_t to_us,
    struct bill_offset ret[BILL_OFFSETS_MAX])
{
    int64_t at = floor_seconds(from_us), last = floor_seconds(to_us);
    uint32_t count = 1;

    if (at < -BILL_INSTANT_MAX_US / BILL_SECOND_US || last > BILL_INSTANT_MAX_US / BILL_SECOND_US)
        return 0;
    ret[0] = (struct bill_offset){at < 0 ? at * BILL_SECOND_US : 0, offset_at(zone, at)};
    for (at = next_change(zone, at); at <= last; at = next_change(zone, at)) {
        int32_t offset_s = offset_at(zone, at);

        if (offset_s == ret[count - 1].offset_s)
            continue;
        if (count == BILL_OFFSETS_MAX)
            return 0;
        ret[count++] = (struct bill_offset){at * BILL_SECOND_US, offset_s};
    }
    return count;
}

const char *csms_zone_text(enum csms_zone_result result)
{
    static const char *const texts[] = {
        [CSMS_ZONE_OK] = "ok",
        [CSMS_ZONE_BAD_NAME] = "no time zone's name",
        [CSMS_ZONE_UNKNOWN] = "unknown time zone",
        [CSMS_ZONE_UNREADABLE] = "the time zone's file cannot be read now",
        [CSMS_ZONE_BAD_FILE] = "the time zone's file is none",
        [CSMS_ZONE_NO_MEMORY] = "out of memory",
    };

    return texts[result];
}
