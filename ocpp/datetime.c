/* datetime.c - date-times: RFC 3339 strictly, and what piles send instead, told apart.
 *
 * Section 3.14 asks for ISO 8601 and lets receivers expect any zone; the schema says RFC 3339.
 * A reader walks the text once; each step that leaves RFC 3339 sets `loose`.
 */
#include "ocpp/datetime.h"

#include <assert.h>
#include <stdio.h>

#define US INT64_C(1000000)

enum { YEAR_MAX = 9999, MINUTES_PER_DAY = 1440 };

struct reader {
    const char *p;
    bool loose;
};

struct moment {
    int year, month, day, hour, minute, second;
    int micro;
    int zone_minutes;
};

/* Exactly `count` digits, or -1. */
static int read_digits(struct reader *r, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++) {
        if (r->p[i] < '0' || r->p[i] > '9')
            return -1;
        value = value * 10 + (r->p[i] - '0');
    }
    r->p += count;
    return value;
}

static bool take(struct reader *r, char c)
{
    if (*r->p != c)
        return false;
    r->p++;
    return true;
}

static void skip_blanks(struct reader *r)
{
    for (; *r->p == ' ' || *r->p == '\t'; r->p++)
        r->loose = true;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

static bool read_date(struct reader *r, struct moment *m)
{
    m->year = read_digits(r, 4);
    if (m->year < 0 || !take(r, '-'))
        return false;
    m->month = read_digits(r, 2);
    if (m->month < 1 || m->month > 12 || !take(r, '-'))
        return false;
    m->day = read_digits(r, 2);
    return m->day >= 1 && m->day <= days_in_month(m->year, m->month);
}

static bool read_separator(struct reader *r)
{
    if (take(r, 'T') || take(r, 't'))
        return true;
    r->loose = true;
    return take(r, ' ');
}

static bool read_fraction(struct reader *r, struct moment *m)
{
    int weight = 100000;

    if (*r->p != '.' && *r->p != ',')
        return true;
    r->loose |= *r->p == ',';
    r->p++;
    if (*r->p < '0' || *r->p > '9')
        return false;
    for (; *r->p >= '0' && *r->p <= '9'; r->p++, weight /= 10)
        m->micro += (*r->p - '0') * weight;
    return true;
}

static bool read_time(struct reader *r, struct moment *m)
{
    m->hour = read_digits(r, 2);
    if (m->hour < 0 || m->hour > 23 || !take(r, ':'))
        return false;
    m->minute = read_digits(r, 2);
    if (m->minute < 0 || m->minute > 59)
        return false;
    if (!take(r, ':')) {
        r->loose = true; /* the specification's own example has no seconds */
        return true;
    }
    m->second = read_digits(r, 2);
    return m->second >= 0 && m->second <= 60 && read_fraction(r, m);
}

static bool read_zone(struct reader *r, struct moment *m)
{
    int sign = *r->p == '-' ? -1 : 1;
    int hours, minutes = 0;

    if (take(r, 'Z') || take(r, 'z'))
        return true;
    if (!take(r, '+') && !take(r, '-')) {
        r->loose = true;
        return true;
    }
    hours = read_digits(r, 2);
    if (hours < 0 || hours > 23)
        return false;
    if (!take(r, ':'))
        r->loose = true;
    if (!r->loose || (*r->p >= '0' && *r->p <= '9'))
        minutes = read_digits(r, 2);
    m->zone_minutes = sign * (hours * 60 + minutes);
    return minutes >= 0 && minutes <= 59;
}

/* A leap second can only be the last one of a day of UTC. */
static bool second_exists(const struct moment *m)
{
    int minute = m->hour * 60 + m->minute - m->zone_minutes;

    return m->second < 60 ||
           (minute + 2 * MINUTES_PER_DAY) % MINUTES_PER_DAY == MINUTES_PER_DAY - 1;
}

static bool read_moment(struct reader *r, struct moment *m)
{
    skip_blanks(r);
    if (!read_date(r, m) || !read_separator(r) || !read_time(r, m) || !read_zone(r, m))
        return false;
    skip_blanks(r);
    return *r->p == '\0' && second_exists(m);
}

/* Days from 1970-01-01.  Counted from March, so that the leap day is the last of its year. */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = year - (month <= 2) + 400; /* a whole cycle: never negative */
    int64_t month_day = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

    return y * 365 + y / 4 - y / 100 + y / 400 + month_day - 719468 - 146097;
}

static void date_from_days(int64_t days, struct moment *m)
{
    int64_t z = days + 719468 + 146097;
    int64_t era = z / 146097;
    int64_t in_era = z % 146097;
    int64_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
    int64_t month = (5 * in_year + 2) / 153;

    m->day = (int)(in_year - (153 * month + 2) / 5 + 1);
    m->month = (int)(month < 10 ? month + 3 : month - 9);
    m->year = (int)(era * 400 + y + (m->month <= 2) - 400);
}

enum ocpp_datetime_result ocpp_datetime_read(const char *text, int64_t *ret_unix_us)
{
    struct reader r = {.p = text};
    struct moment m = {0};
    int64_t seconds;

    if (!read_moment(&r, &m))
        return OCPP_DATETIME_INVALID;
    seconds = days_from_date(m.year, m.month, m.day) * 86400 + m.hour * 3600 + m.minute * 60 +
              m.second - (int64_t)m.zone_minutes * 60;
    *ret_unix_us = seconds * US + m.micro;
    return r.loose ? OCPP_DATETIME_TOLERATED : OCPP_DATETIME_OK;
}

void ocpp_datetime_write(char buf[OCPP_DATETIME_BYTES], int64_t unix_us)
{
    static const int64_t day_us = 86400 * US;
    int64_t first = days_from_date(0, 1, 1) * day_us;
    int64_t last = (days_from_date(YEAR_MAX, 12, 31) + 1) * day_us - 1;
    int64_t us = unix_us < first ? first : unix_us > last ? last : unix_us;
    int64_t days = (us - first) / day_us + first / day_us;
    int64_t ms = (us - days * day_us) / 1000;
    struct moment m = {0};
    int length;

    date_from_days(days, &m);
    length = snprintf(buf, OCPP_DATETIME_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", m.year,
        m.month, m.day, (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
        (int)(ms % 1000));
    assert(length == OCPP_DATETIME_BYTES - 1);
}
