/* test_datetime.c - date-times: RFC 3339, what is tolerated besides, what is refused. */
#include "ocpp/datetime.h"
#include "tests/ocpp/support.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define S INT64_C(1000000)

static const struct {
    const char *text;
    enum ocpp_datetime_result expected;
    int64_t unix_us;
} reads[] = {
    {"1970-01-01T00:00:00Z", OCPP_DATETIME_OK, 0},
    {"2026-01-31T12:00:00Z", OCPP_DATETIME_OK, 1769860800 * S},
    {"2026-01-31T12:00:00.000Z", OCPP_DATETIME_OK, 1769860800 * S},
    {"2026-01-31t12:00:00z", OCPP_DATETIME_OK, 1769860800 * S},
    {"2026-01-31T12:00:00.123456Z", OCPP_DATETIME_OK, 1769860800 * S + 123456},
    {"2026-01-31T12:00:00.1234567899Z", OCPP_DATETIME_OK, 1769860800 * S + 123456},
    {"2026-01-31T12:00:00.5Z", OCPP_DATETIME_OK, 1769860800 * S + 500000},
    {"2026-01-31T20:00:00+08:00", OCPP_DATETIME_OK, 1769860800 * S},
    {"2026-02-01T02:00:00+14:00", OCPP_DATETIME_OK, 1769860800 * S},
    {"2026-01-31T06:30:00-05:30", OCPP_DATETIME_OK, 1769860800 * S},
    {"2026-01-31T12:00:00-00:00", OCPP_DATETIME_OK, 1769860800 * S},
    {"1969-12-31T23:59:59.999999Z", OCPP_DATETIME_OK, -1},
    {"1969-12-31T23:59:59Z", OCPP_DATETIME_OK, -1 * S},
    {"0000-01-01T00:00:00Z", OCPP_DATETIME_OK, -62167219200 * S},
    {"0001-01-01T00:00:00Z", OCPP_DATETIME_OK, -62135596800 * S},
    {"9999-12-31T23:59:59.999999Z", OCPP_DATETIME_OK, 253402300799 * S + 999999},
    {"9999-12-31T23:59:59-23:59", OCPP_DATETIME_OK, (253402300799 + 86340) * S},
    {"2000-02-29T00:00:00Z", OCPP_DATETIME_OK, 951782400 * S},
    {"2024-02-29T00:00:00Z", OCPP_DATETIME_OK, 1709164800 * S},
    {"2036-02-07T06:28:16Z", OCPP_DATETIME_OK, 2085978496 * S},
    {"2016-12-31T23:59:60Z", OCPP_DATETIME_OK, 1483228800 * S},
    {"2017-01-01T00:59:60+01:00", OCPP_DATETIME_OK, 1483228800 * S},
    {"2016-12-31T18:29:60-05:30", OCPP_DATETIME_OK, 1483228800 * S},
    /* seen in the field, or in the specification's own examples */
    {"2013-01-01T00:00Z", OCPP_DATETIME_TOLERATED, 1356998400 * S},
    {"2024-01-01T10:00:00", OCPP_DATETIME_TOLERATED, 1704103200 * S},
    {"2024-01-01T10:00:00.250", OCPP_DATETIME_TOLERATED, 1704103200 * S + 250000},
    {"2024-01-01T10:00", OCPP_DATETIME_TOLERATED, 1704103200 * S},
    {"2024-01-01T12:00:00+02", OCPP_DATETIME_TOLERATED, 1704103200 * S},
    {"2024-01-01T12:00:00+0200", OCPP_DATETIME_TOLERATED, 1704103200 * S},
    {"2024-01-01T04:30-0530", OCPP_DATETIME_TOLERATED, 1704103200 * S},
    {"2024-01-01T12:00+02:00", OCPP_DATETIME_TOLERATED, 1704103200 * S},
    {"2024-01-01T10:00:00,250Z", OCPP_DATETIME_TOLERATED, 1704103200 * S + 250000},
    {"2024-01-01 10:00:00Z", OCPP_DATETIME_TOLERATED, 1704103200 * S},
    {" 2024-01-01T10:00:00Z ", OCPP_DATETIME_TOLERATED, 1704103200 * S},
    /* dates that are none */
    {"2026-02-30T00:00:00Z", OCPP_DATETIME_INVALID, 0},
    {"2026-02-29T00:00:00Z", OCPP_DATETIME_INVALID, 0},
    {"1900-02-29T00:00:00Z", OCPP_DATETIME_INVALID, 0},
    {"2026-04-31T00:00:00Z", OCPP_DATETIME_INVALID, 0},
    {"2026-00-01T00:00:00Z", OCPP_DATETIME_INVALID, 0},
    {"2026-13-01T00:00:00Z", OCPP_DATETIME_INVALID, 0},
    {"2026-01-00T00:00:00Z", OCPP_DATETIME_INVALID, 0},
    {"2026-01-32T00:00:00Z", OCPP_DATETIME_INVALID, 0},
    {"222222017-01-01T00:00:00Z", OCPP_DATETIME_INVALID, 0},
    {"-001-01-01T00:00:00Z", OCPP_DATETIME_INVALID, 0},
    {"+2026-01-01T00:00:00Z", OCPP_DATETIME_INVALID, 0},
    /* times that are none */
    {"2026-01-31T24:00:00Z", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:60:00Z", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:00:61Z", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:00:60Z", OCPP_DATETIME_INVALID, 0},
    {"2016-12-31T23:59:61Z", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T23:59:60+01:00", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:00:00.Z", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:00.5Z", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T1:00:00Z", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:00:00+24:00", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:00:00+01:60", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:00:00+1", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:00:00+01:", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:00:00+01:0", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:00:00+010", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:00:00ZZ", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T12:00:00 CET", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31", OCPP_DATETIME_INVALID, 0},
    {"2026-01-31T", OCPP_DATETIME_INVALID, 0},
    {"20260131T120000Z", OCPP_DATETIME_INVALID, 0},
    {"31.01.2026 12:00:00", OCPP_DATETIME_INVALID, 0},
    {"1769860800", OCPP_DATETIME_INVALID, 0},
    {"1000000", OCPP_DATETIME_INVALID, 0},
    {"now", OCPP_DATETIME_INVALID, 0},
    {"", OCPP_DATETIME_INVALID, 0},
    {" ", OCPP_DATETIME_INVALID, 0},
};

START_TEST(each_text_is_read_tolerated_or_refused)
{
    int64_t unix_us = 4242;
    enum ocpp_datetime_result result = ocpp_datetime_read(reads[_i].text, &unix_us);

    ck_assert_msg(result == reads[_i].expected, "\"%s\": %d", reads[_i].text, (int)result);
    ck_assert_msg(unix_us == (result == OCPP_DATETIME_INVALID ? 4242 : reads[_i].unix_us),
        "\"%s\": %" PRId64, reads[_i].text, unix_us);
}
END_TEST

static const struct {
    int64_t unix_us;
    const char *expected;
} writes[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {1769860800 * S + 999, "2026-01-31T12:00:00.000Z"},
    {1769860800 * S + 1000, "2026-01-31T12:00:00.001Z"},
    {-1, "1969-12-31T23:59:59.999Z"},
    {951782400 * S, "2000-02-29T00:00:00.000Z"},
    {-62167219200 * S, "0000-01-01T00:00:00.000Z"},
    {253402300799 * S + 999999, "9999-12-31T23:59:59.999Z"},
    {253402300800 * S, "9999-12-31T23:59:59.999Z"},
    {INT64_MAX, "9999-12-31T23:59:59.999Z"},
    {-62167219200 * S - 1, "0000-01-01T00:00:00.000Z"},
    {INT64_MIN, "0000-01-01T00:00:00.000Z"},
};

START_TEST(each_moment_is_written)
{
    char text[OCPP_DATETIME_BYTES];

    ocpp_datetime_write(text, writes[_i].unix_us);
    ck_assert_str_eq(text, writes[_i].expected);
}
END_TEST

/* glibc's calendar is the oracle: one moment of each day from year 0 to 9999. */
START_TEST(every_day_agrees_with_the_c_library)
{
    for (int64_t day = -719528; day <= 2932896; day++) {
        time_t seconds = (time_t)(day * 86400 + 43210);
        char text[OCPP_DATETIME_BYTES], expected[64];
        struct tm tm;
        int64_t again;

        gmtime_r(&seconds, &tm);
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT12:00:10.000Z", tm.tm_year + 1900,
            tm.tm_mon + 1, tm.tm_mday);
        ocpp_datetime_write(text, seconds * S);
        if (strcmp(text, expected) != 0) /* an assertion of Check costs more than all the rest */
            ck_abort_msg("%s, not %s", text, expected);
        if (ocpp_datetime_read(text, &again) != OCPP_DATETIME_OK || again != seconds * S)
            ck_abort_msg("%s is not read back", text);
    }
}
END_TEST

int main(void)
{
    const struct support_test tests[] = {
        {each_text_is_read_tolerated_or_refused, COUNT(reads)},
        {each_moment_is_written, COUNT(writes)},
        {every_day_agrees_with_the_c_library, 1},
    };

    return support_run("datetime", tests, COUNT(tests));
}
