/* test_conninfo.c - what a connection string may not be, and that no refusal repeats a secret. */
#include "db/conninfo.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char why[DB_CONNINFO_WHY_MAX];

static const char *const good[] = {"host=/run/joulebook dbname=joulebook user=joulebook_app",
    "host=a,b port=5432,5433 dbname=x", "host=a,b port=,5433", "host=a port=''", "service=books",
    "postgresql://joulebook_app@db.example/joulebook?sslmode=verify-full", "sslmode=prefer", "",
    "dbname='it\\'s' application_name='a b'", "host=h passfile=''"};

START_TEST(what_libpq_takes_without_a_secret_is_right)
{
    ck_assert_msg(db_conninfo_check(good[_i], why), "%s: %s", good[_i], why);
}
END_TEST

static const struct {
    const char *conninfo, *says;
} bad[] = {
    {"joulebook", "missing \"=\" after \"joulebook\""},
    {"host=a colour=red", "invalid connection option \"colour\""},
    {"host='a", "unterminated quoted string"},
    {"host=a password=geheim", "passfile=FILE"},
    {"password=ge geheim", "libpq cannot read it"},
    {"host=a sslpassword=geheim", "holds a sslpassword"},
    {"postgresql://u:geheim@h/db", "passfile=FILE"},
    {"postgresql://h/db?password=geheim&x=y", "libpq cannot read it"},
    {"postgresql://h/db?password=geheim", "passfile=FILE"},
    {"postgresql://u:geheim%zz@h/db", "libpq cannot read it"},
    {"postgresql://h:99999/db", "port=99999"},
    {"host=a port=0", "from 1 to 65535"},
    {"host=a port=-1", "from 1 to 65535"},
    {"host=a port=65536", "from 1 to 65535"},
    {"host=a port=http", "port=http"},
    {"host=a,b port=5432,x", "port=5432,x"},
    {"host=a sslmode=yes", "sslmode=yes"},
    {"host=a passfile=/nonexistent/pass", "No such file"},
    {"host=a passfile=/tmp", "no regular file"},
};

START_TEST(what_would_fail_is_refused_with_what_to_do)
{
    ck_assert_msg(!db_conninfo_check(bad[_i].conninfo, why), "%s", bad[_i].conninfo);
    ck_assert_msg(strstr(why, bad[_i].says) != NULL, "%s: %s", bad[_i].conninfo, why);
    ck_assert_msg(strstr(why, "geheim") == NULL, "%s: %s", bad[_i].conninfo, why);
}
END_TEST

START_TEST(a_passfile_that_others_may_read_is_refused)
{
    char file[] = "/tmp/joulebook-pass-XXXXXX", conninfo[64];
    int fd = mkstemp(file);

    ck_assert_int_ge(fd, 0);
    snprintf(conninfo, sizeof conninfo, "host=a passfile=%s", file);
    for (mode_t mode = 0600; mode <= 0677; mode++) {
        ck_assert_int_eq(fchmod(fd, mode), 0);
        ck_assert_msg(db_conninfo_check(conninfo, why) == (mode == 0600), "mode %o", mode);
        ck_assert(mode == 0600 || strstr(why, "chmod 600"));
    }
    close(fd);
    unlink(file);
}
END_TEST

START_TEST(a_string_for_another_user_keeps_the_rest)
{
    char text[128];

    ck_assert(db_conninfo_as("host=h user=app dbname='it\\'s'", "me.viewer", text, sizeof text));
    ck_assert_str_eq(text, "user='me.viewer' dbname='it\\'s' host='h'");
    ck_assert(
        db_conninfo_as("postgresql://app@h:5433/db?sslmode=require", "m\\e", text, sizeof text));
    ck_assert_str_eq(text, "user='m\\\\e' dbname='db' host='h' port='5433' sslmode='require'");
    ck_assert(db_conninfo_as("", "", text, sizeof "user=''"));
    ck_assert_str_eq(text, "user=''");
    ck_assert(!db_conninfo_as("", "", text, sizeof "user=''" - 1));
    ck_assert(!db_conninfo_as("nonsense", "me", text, sizeof text));
}
END_TEST

START_TEST(a_folder_is_found_whatever_its_name_has)
{
    char text[128];

    ck_assert(db_conninfo_in("/a run/it's\\", "books", "me.viewer", text, sizeof text));
    ck_assert_str_eq(text, "host='/a run/it\\'s\\\\' dbname='books' user='me.viewer'");
    ck_assert_msg(db_conninfo_check(text, why), "%s", why);
    ck_assert(db_conninfo_in("/", "", "", text, sizeof "host='/' dbname='' user=''"));
    ck_assert(!db_conninfo_in("/", "", "", text, sizeof "host='/' dbname='' user=''" - 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("db conninfo");
    TCase *cases = tcase_create("conninfo");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(
        cases, what_libpq_takes_without_a_secret_is_right, 0, sizeof good / sizeof *good);
    tcase_add_loop_test(
        cases, what_would_fail_is_refused_with_what_to_do, 0, sizeof bad / sizeof *bad);
    tcase_add_test(cases, a_passfile_that_others_may_read_is_refused);
    tcase_add_test(cases, a_string_for_another_user_keeps_the_rest);
    tcase_add_test(cases, a_folder_is_found_whatever_its_name_has);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
