/* test_zone.c - zones that are known, rules of the footer, and files that must be refused. */
#include "csms/rate/zone.h"

#include "csms/rate/zone_rule.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct bill_offset offsets[BILL_OFFSETS_MAX];

static int64_t utc(int year, int month, int day, int hour)
{
    return (bill_day_number(year, month, day) * INT64_C(86400) + hour * 3600) * BILL_SECOND_US;
}

static uint32_t offsets_of(const char *name, int64_t from, int64_t to)
{
    struct csms_zone *zone = NULL;
    uint32_t count;

    ck_assert_int_eq(csms_zone_open(NULL, name, &zone), CSMS_ZONE_OK);
    count = csms_zone_offsets(zone, from, to, offsets);
    csms_zone_free(zone);
    return count;
}

START_TEST(shanghai_has_one_offset)
{
    ck_assert_uint_eq(offsets_of("Asia/Shanghai", utc(2026, 1, 1, 0), utc(2026, 12, 31, 0)), 1);
    ck_assert_int_eq(offsets[0].at_us, 0);
    ck_assert_int_eq(offsets[0].offset_s, 28800);
}
END_TEST

START_TEST(berlin_changes_at_the_hour_that_the_rule_says)
{
    int year = _i == 0 ? 2025 : 2093; /* in the file, and only in the footer's rule */
    int day = _i == 0 ? 26 : 25;

    ck_assert_uint_eq(offsets_of("Europe/Berlin", utc(year, 10, day, 0), utc(year, 10, day, 5)), 2);
    ck_assert_int_eq(offsets[0].offset_s, 7200);
    ck_assert_int_eq(offsets[1].offset_s, 3600);
    ck_assert_int_eq(offsets[1].at_us, utc(year, 10, day, 1));
}
END_TEST

START_TEST(a_change_at_the_last_instant_counts_and_one_after_does_not)
{
    ck_assert_uint_eq(offsets_of("Europe/Berlin", utc(2025, 10, 25, 0), utc(2025, 10, 26, 1)), 2);
    ck_assert_uint_eq(
        offsets_of("Europe/Berlin", utc(2025, 10, 25, 0), utc(2025, 10, 26, 1) - 1), 1);
    ck_assert_uint_eq(offsets_of("Europe/Berlin", utc(2025, 10, 26, 1), utc(2025, 10, 27, 1)), 1);
    ck_assert_int_eq(offsets[0].offset_s, 3600);
}
END_TEST

START_TEST(offsets_that_do_not_fit_are_refused_not_cut)
{
    ck_assert_uint_eq(offsets_of("Europe/Berlin", utc(2030, 1, 1, 0), utc(2037, 7, 1, 0)), 16);
    ck_assert_uint_eq(offsets_of("Europe/Berlin", utc(2030, 1, 1, 0), utc(2037, 12, 1, 0)), 0);
    ck_assert_uint_eq(offsets_of("Europe/Berlin", 0, INT64_MAX), 0);
}
END_TEST

static const struct {
    const char *name;
    enum csms_zone_result result;
} names[] = {
    {"", CSMS_ZONE_BAD_NAME},
    {"/etc/passwd", CSMS_ZONE_BAD_NAME},
    {"../zoneinfo/UTC", CSMS_ZONE_BAD_NAME},
    {"Asia/../UTC", CSMS_ZONE_BAD_NAME},
    {"Asia//Shanghai", CSMS_ZONE_BAD_NAME},
    {"Asia/", CSMS_ZONE_BAD_NAME},
    {"Asia/Shang hai", CSMS_ZONE_BAD_NAME},
    {"tzdata.zi", CSMS_ZONE_BAD_NAME},
    {"Asia\\Shanghai", CSMS_ZONE_BAD_NAME},
    {"\xc3\xa4", CSMS_ZONE_BAD_NAME},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", CSMS_ZONE_BAD_NAME},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", CSMS_ZONE_UNKNOWN},
    {"Mars/Olympus", CSMS_ZONE_UNKNOWN},
    {"Asia", CSMS_ZONE_BAD_FILE},
    {"Etc/GMT+8", CSMS_ZONE_OK},
    {"America/Argentina/Buenos_Aires", CSMS_ZONE_OK},
};

START_TEST(a_name_cannot_leave_the_folder)
{
    struct csms_zone *zone = NULL;
    enum csms_zone_result result = csms_zone_open(NULL, names[_i].name, &zone);

    ck_assert_int_eq(result, names[_i].result);
    ck_assert_int_eq(zone != NULL, result == CSMS_ZONE_OK);
    ck_assert_int_gt(strlen(csms_zone_text(result)), 1);
    csms_zone_free(zone);
}
END_TEST

/* For lack of a descriptor, or for an error in reading, which the memory of a process gives too. */
START_TEST(a_file_that_cannot_be_read_now_is_not_unknown)
{
    struct csms_zone *zone = NULL;
    struct rlimit few;
    int least = open("/dev/null", O_RDONLY);

    ck_assert_int_eq(csms_zone_open("/proc/self", "mem", &zone), CSMS_ZONE_UNREADABLE);
    ck_assert_int_eq(csms_zone_open("/dev/null", "UTC", &zone), CSMS_ZONE_UNKNOWN);
    ck_assert_int_ge(least, 0);
    close(least);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &few), 0);
    few.rlim_cur = (rlim_t)least;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    ck_assert_int_eq(csms_zone_open(NULL, "Asia/Shanghai", &zone), CSMS_ZONE_UNREADABLE);
    few.rlim_cur = few.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    ck_assert_ptr_null(zone);
    ck_assert_int_eq(csms_zone_open(NULL, "Asia/Shanghai", &zone), CSMS_ZONE_OK);
    csms_zone_free(zone);
}
END_TEST

/* A file of one type at +01:00, one change to it, and a footer. */
static size_t make_file(uint8_t *p, const char *footer)
{
    static const uint8_t empty[44] = {'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4};
    static const uint8_t type[6] = {0, 0, 0x0e, 0x10, 0, 0};
    size_t at = 0;

    memcpy(p, empty, 44);
    memcpy(p + 44, type, 6);
    memcpy(p + 50, "CET", 4);
    at = 54;
    memcpy(p + at, empty, 44);
    p[at + 35] = 1; /* one change */
    memset(p + at + 44, 0, 8);
    p[at + 52] = 0;
    memcpy(p + at + 53, type, 6);
    memcpy(p + at + 59, "CET", 4);
    at += 63;
    memcpy(p + at, footer, strlen(footer));
    return at + strlen(footer);
}

START_TEST(every_shortened_file_is_refused)
{
    uint8_t bytes[256], *copy;
    size_t length = make_file(bytes, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    struct csms_zone *zone = NULL;

    ck_assert_int_eq(csms_zone_parse(bytes, length, &zone), CSMS_ZONE_OK);
    csms_zone_free(zone);
    for (size_t n = 0; n < length; n++) {
        copy = malloc(n > 0 ? n : 1); /* so that a read past the end is found */
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, bytes, n);
        ck_assert_int_eq(csms_zone_parse(copy, n, &zone), CSMS_ZONE_BAD_FILE);
        free(copy);
    }
}
END_TEST

START_TEST(a_spoilt_file_is_refused_or_read_but_never_read_past)
{
    uint8_t bytes[256], *copy;
    size_t length = make_file(bytes, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");

    for (size_t i = 0; i < length; i++) {
        for (int value = 0; value < 256; value += 15) {
            struct csms_zone *zone = NULL;

            copy = malloc(length);
            ck_assert_ptr_nonnull(copy);
            memcpy(copy, bytes, length);
            copy[i] = (uint8_t)value;
            if (csms_zone_parse(copy, length, &zone) == CSMS_ZONE_OK)
                (void)!csms_zone_offsets(zone, 0, utc(2040, 1, 1, 0), offsets);
            csms_zone_free(zone);
            free(copy);
        }
    }
}
END_TEST

START_TEST(version_one_and_other_magic_are_refused)
{
    uint8_t bytes[256];
    size_t length = make_file(bytes, "\n\n");
    struct csms_zone *zone = NULL;

    ck_assert_int_eq(csms_zone_parse(bytes, length, &zone), CSMS_ZONE_OK);
    csms_zone_free(zone);
    bytes[4] = 0;
    ck_assert_int_eq(csms_zone_parse(bytes, length, &zone), CSMS_ZONE_BAD_FILE);
    bytes[4] = '2';
    bytes[0] = 'X';
    ck_assert_int_eq(csms_zone_parse(bytes, length, &zone), CSMS_ZONE_BAD_FILE);
}
END_TEST

static const struct {
    const char *text;
    bool ok;
    int32_t january, july;
} rules[] = {
    {"CST-8", true, 28800, 28800},
    {"<+0545>-5:45", true, 20700, 20700},
    {"CET-1CEST,M3.5.0,M10.5.0/3", true, 3600, 7200},
    {"EST5EDT,M3.2.0,M11.1.0", true, -18000, -14400},
    {"NZST-12NZDT,M9.5.0,M4.1.0/3", true, 46800, 43200},
    {"IST-1GMT0,M10.5.0,M3.5.0/1", true, 0, 3600}, /* winter time is the exception */
    {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", true, 39600, 37800},
    {"XXX0YYY,J60/0,J300/0", true, 0, 3600},
    {"XXX0YYY,59,300", true, 0, 3600},
    {"XXX3EDT4,0/0,J365/23", true, -14400, -14400}, /* summer time all year */
    {"", false, 0, 0},
    {"CE-1", false, 0, 0},
    {"CET", false, 0, 0},
    {"<+8-8", false, 0, 0},
    {"CET-1CEST", false, 0, 0},
    {"CET-1CEST,M3.5.0", false, 0, 0},
    {"CET-1CEST,M13.5.0,M10.5.0", false, 0, 0},
    {"CET-1CEST,M3.6.0,M10.5.0", false, 0, 0},
    {"CET-1CEST,M3.5.7,M10.5.0", false, 0, 0},
    {"CET-1CEST,M0.5.0,M10.5.0", false, 0, 0},
    {"CET-1CEST,J0,J366", false, 0, 0},
    {"CET-1CEST,M3.5.0/168,M10.5.0", false, 0, 0},
    {"CET-25", false, 0, 0},
    {"CET-1CEST,M3.5.0,M10.5.0/3 ", false, 0, 0},
};

START_TEST(a_rule_is_followed_or_refused)
{
    struct csms_zone_rule rule;
    bool ok = csms_zone_rule_parse(rules[_i].text, strlen(rules[_i].text), &rule);

    ck_assert_int_eq(ok, rules[_i].ok);
    if (!ok)
        return;
    ck_assert_int_eq(
        csms_zone_rule_at(&rule, utc(2031, 1, 15, 0) / BILL_SECOND_US), rules[_i].january);
    ck_assert_int_eq(
        csms_zone_rule_at(&rule, utc(2031, 7, 15, 0) / BILL_SECOND_US), rules[_i].july);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate zone");
    TCase *tcase = tcase_create("zone");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tcase, shanghai_has_one_offset);
    tcase_add_loop_test(tcase, berlin_changes_at_the_hour_that_the_rule_says, 0, 2);
    tcase_add_test(tcase, a_change_at_the_last_instant_counts_and_one_after_does_not);
    tcase_add_test(tcase, offsets_that_do_not_fit_are_refused_not_cut);
    tcase_add_loop_test(tcase, a_name_cannot_leave_the_folder, 0, sizeof(names) / sizeof(names[0]));
    tcase_add_test(tcase, a_file_that_cannot_be_read_now_is_not_unknown);
    tcase_add_test(tcase, every_shortened_file_is_refused);
    tcase_add_test(tcase, a_spoilt_file_is_refused_or_read_but_never_read_past);
    tcase_add_test(tcase, version_one_and_other_magic_are_refused);
    tcase_add_loop_test(tcase, a_rule_is_followed_or_refused, 0, sizeof(rules) / sizeof(rules[0]));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
