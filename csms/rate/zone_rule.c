/* zone_rule.c - reads and follows a POSIX TZ rule such as CET-1CEST,M3.5.0,M10.5.0/3. */
#include "csms/rate/zone_rule.h"

#include "billing/clock.h"

#include <string.h>

struct text {
    const char *at, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool skip(struct text *t, char c)
{
    if (t->at == t->end || *t->at != c)
        return false;
    t->at++;
    return true;
}

static bool read_number(struct text *t, int max, int *ret)
{
    int value = 0;
    const char *start = t->at;

    while (t->at < t->end && is_digit(*t->at) && value <= max)
        value = value * 10 + (*t->at++ - '0');
    if (t->at == start || value > max)
        return false;
    *ret = value;
    return true;
}

/* Three letters or more, or <+08>. */
static bool read_name(struct text *t)
{
    const char *start = t->at;
    bool quoted = skip(t, '<');

    while (t->at < t->end &&
           (is_letter(*t->at) || (quoted && (is_digit(*t->at) || *t->at == '+' || *t->at == '-'))))
        t->at++;
    if (t->at - start < (quoted ? 4 : 3))
        return false;
    return !quoted || skip(t, '>');
}

/* [+-]h[:m[:s]] in seconds. */
static bool read_time(struct text *t, int32_t *ret)
{
    bool negative = skip(t, '-');
    int hours, minutes = 0, seconds = 0;

    if (!negative)
        skip(t, '+');
    if (!read_number(t, 167, &hours))
        return false;
    if (skip(t, ':') && !read_number(t, 59, &minutes))
        return false;
    if (skip(t, ':') && !read_number(t, 59, &seconds))
        return false;
    *ret = (negative ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool read_edge(struct text *t, struct csms_zone_edge *ret)
{
    ret->time_s = 2 * 3600;
    if (skip(t, 'M')) {
        ret->kind = EDGE_MONTH;
        if (!read_number(t, 12, &ret->month) || !skip(t, '.') || !read_number(t, 5, &ret->week) ||
            !skip(t, '.') || !read_number(t, 6, &ret->day) || ret->month < 1 || ret->week < 1)
            return false;
    } else {
        ret->kind = skip(t, 'J') ? EDGE_JULIAN : EDGE_DAY;
        if (!read_number(t, 365, &ret->day) || (ret->kind == EDGE_JULIAN && ret->day < 1))
            return false;
    }
    return !skip(t, '/') || read_time(t, &ret->time_s);
}

/* POSIX counts offsets westwards. */
static bool read_offset(struct text *t, int32_t *ret)
{
    if (!read_time(t, ret))
        return false;
    *ret = -*ret;
    return *ret >= -86400 && *ret <= 86400;
}

bool csms_zone_rule_parse(const char *text, size_t length, struct csms_zone_rule *ret)
{
    struct text t = {text, text + length};

    memset(ret, 0, sizeof(*ret));
    if (!read_name(&t) || !read_offset(&t, &ret->offset_s))
        return false;
    if (t.at == t.end)
        return true;
    ret->has_summer = true;
    ret->summer_offset_s = ret->offset_s + 3600;
    if (!read_name(&t))
        return false;
    if (t.at < t.end && *t.at != ',' && !read_offset(&t, &ret->summer_offset_s))
        return false;
    return skip(&t, ',') && read_edge(&t, &ret->start) && skip(&t, ',') &&
           read_edge(&t, &ret->end) && t.at == t.end;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The w-th weekday d of a month; week 5 is the last one. */
static int64_t month_day(int year, const struct csms_zone_edge *e)
{
    int64_t first = bill_day_number(year, e->month, 1);
    int64_t next =
        e->month == 12 ? bill_day_number(year + 1, 1, 1) : bill_day_number(year, e->month + 1, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 0 is Sunday */
    int64_t day = first + (e->day - weekday + 7) % 7 + (e->week - 1) * 7;

    return day >= next ? day - 7 : day;
}

static int64_t edge_at(int year, const struct csms_zone_edge *e, int32_t offset_s)
{
    int64_t day = bill_day_number(year, 1, 1);

    if (e->kind == EDGE_MONTH)
        day = month_day(year, e);
    else if (e->kind == EDGE_DAY)
        day += e->day;
    else /* Julian days never count the 29th of February */
        day += e->day - 1 + (is_leap(year) && e->day > 59);
    return day * 86400 + e->time_s - offset_s;
}

static int year_of(int64_t at_s)
{
    int year = (int)(1970 + at_s / 31556952);

    while (bill_day_number(year, 1, 1) * INT64_C(86400) > at_s)
        year--;
    while (bill_day_number(year + 1, 1, 1) * INT64_C(86400) <= at_s)
        year++;
    return year;
}

/* Edges of the years around: a time of up to a week past its day, and offsets, move them. */
int32_t csms_zone_rule_at(const struct csms_zone_rule *rule, int64_t at_s)
{
    int64_t latest = INT64_MIN;
    int32_t offset_s = rule->offset_s;
    int year = year_of(at_s);

    for (int y = year - 1; rule->has_summer && y <= year + 1; y++) {
        int64_t start = edge_at(y, &rule->start, rule->offset_s);
        int64_t end = edge_at(y, &rule->end, rule->summer_offset_s);

        if (end <= at_s && end > latest) {
            latest = end;
            offset_s = rule->offset_s;
        }
        if (start <= at_s && start >= latest) {
            latest = start;
            offset_s = rule->summer_offset_s;
        }
    }
    return offset_s;
}

int64_t csms_zone_rule_next(const struct csms_zone_rule *rule, int64_t at_s)
{
    int64_t next = INT64_MAX;
    int year = year_of(at_s);

    for (int y = year - 1; rule->has_summer && y <= year + 2; y++) {
        int64_t start = edge_at(y, &rule->start, rule->offset_s);
        int64_t end = edge_at(y, &rule->end, rule->summer_offset_s);

        if (start > at_s && start < next)
            next = start;
        if (end > at_s && end < next)
            next = end;
    }
    return next;
}
