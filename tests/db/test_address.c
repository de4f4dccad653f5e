/* test_address.c - no connection string with a name to resolve reaches a lane or the listener. */
#include "db/address.h"
#include "db/lane.h"
#include "db/listen.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char found[DB_ADDRESS_MAX], why[DB_ADDRESS_WHY_MAX];

static int lookup(const char *name, char ret[DB_ADDRESS_EACH_MAX][DB_ADDRESS_NUMERIC_MAX])
{
    if (strcmp(name, "two") == 0) {
        strcpy(ret[0], "192.0.2.1");
        strcpy(ret[1], "2001:db8::1");
        return 2;
    }
    if (strcmp(name, "most") == 0) {
        for (int i = 0; i < DB_ADDRESS_EACH_MAX; i++)
            snprintf(ret[i], DB_ADDRESS_NUMERIC_MAX, "192.0.2.%d", i);
        return DB_ADDRESS_EACH_MAX;
    }
    if (strcmp(name, "one") == 0) {
        strcpy(ret[0], "192.0.2.9");
        return 1;
    }
    return 0;
}

static int never(const char *name, char ret[DB_ADDRESS_EACH_MAX][DB_ADDRESS_NUMERIC_MAX])
{
    (void)ret;
    ck_abort_msg("%s was looked up", name);
    return 0;
}

START_TEST(names_without_an_address_are_told_from_what_needs_no_resolver)
{
    static const struct {
        const char *conninfo;
        enum db_address is;
    } rows[] = {
        {"dbname=x", DB_ADDRESS_KNOWN}, /* the socket's default folder */
        {"host=/run/x", DB_ADDRESS_KNOWN},
        {"host=@abstract", DB_ADDRESS_KNOWN},
        {"host=192.0.2.1", DB_ADDRESS_KNOWN},
        {"host=::1", DB_ADDRESS_KNOWN},
        {"postgresql://[::1]:5433/x", DB_ADDRESS_KNOWN},
        {"hostaddr=192.0.2.1", DB_ADDRESS_KNOWN},
        {"host=db.example hostaddr=192.0.2.1", DB_ADDRESS_KNOWN},
        {"host=a,b hostaddr=192.0.2.1,192.0.2.2", DB_ADDRESS_KNOWN},
        {"host=/run/x,b hostaddr=,192.0.2.2", DB_ADDRESS_KNOWN},
        {"host=db.example", DB_ADDRESS_NAMES},
        {"host=localhost", DB_ADDRESS_NAMES},
        {"postgresql://db.example/x", DB_ADDRESS_NAMES},
        {"host=a,b hostaddr=192.0.2.1,", DB_ADDRESS_NAMES},
        {"host=/run/x,b", DB_ADDRESS_NAMES},
        {"service=books", DB_ADDRESS_NAMES},
        {"host=/tmp secret", DB_ADDRESS_UNREADABLE},
        {"postgresql://[::1/x", DB_ADDRESS_UNREADABLE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(db_address_of(rows[i].conninfo) == rows[i].is, "%s", rows[i].conninfo);
    setenv("PGHOST", "db.example", 1);
    ck_assert_int_eq(db_address_of("dbname=x"), DB_ADDRESS_NAMES);
    ck_assert_int_eq(db_address_of("host=/run/x"), DB_ADDRESS_KNOWN);
    unsetenv("PGHOST");
}
END_TEST

START_TEST(lanes_and_the_listener_refuse_a_name_without_an_address)
{
    struct db_lane_config config = {.conninfo = "host=db.example dbname=x", .name = "test"};
    struct db_lane_ports lane_ports = {0};
    struct db_listen_ports listen_ports = {0};

    ck_assert_ptr_null(db_lane_new(&config, &lane_ports));
    ck_assert_ptr_null(db_listen_new(config.conninfo, 1, &listen_ports));
}
END_TEST

START_TEST(a_name_keeps_its_place_beside_each_of_its_addresses)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"host=one", "host='one' hostaddr='192.0.2.9'"},
        {"host=two dbname=x port=5433",
            "host='two,two' hostaddr='192.0.2.1,2001:db8::1' port='5433' dbname='x'"},
        {"host=two,/run/x,one port=1,2,3",
            "host='two,two,/run/x,one' hostaddr='192.0.2.1,2001:db8::1,,192.0.2.9'"
            " port='1,1,2,3'"},
        {"host=most,one",
            "host='most,most,most,most,most,most,most,most,one' hostaddr='192.0.2.0,192.0.2.1,"
            "192.0.2.2,192.0.2.3,192.0.2.4,192.0.2.5,192.0.2.6,192.0.2.7,192.0.2.9'"},
        {"host=gone,one port=1,2", "host='one' hostaddr='192.0.2.9' port='2'"},
        {"host=192.0.2.5,one", "host='192.0.2.5,one' hostaddr=',192.0.2.9'"},
        {"postgresql://me:p%27%5C%20w@one/x?sslmode=verify-full",
            "host='one' hostaddr='192.0.2.9' user='me' password='p\\'\\\\ w' dbname='x'"
            " sslmode='verify-full'"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_msg(db_address_find(rows[i].from, lookup, found, why), "%s", why);
        ck_assert_str_eq(found, rows[i].to);
        ck_assert_int_eq(db_address_of(found), DB_ADDRESS_KNOWN);
    }
}
END_TEST

START_TEST(an_address_that_is_given_is_not_looked_up)
{
    ck_assert(db_address_find("host=a hostaddr=192.0.2.1", never, found, why));
    ck_assert_str_eq(found, "host='a' hostaddr='192.0.2.1'");
}
END_TEST

START_TEST(what_cannot_be_found_is_told_without_the_password)
{
    char name[300] = "host=one dbname=", longer[DB_ADDRESS_MAX + 100] = "host=one dbname=";

    memset(name + strlen(name), 'x', 200);
    ck_assert(db_address_find(name, lookup, found, why));
    memset(longer + strlen(longer), 'x', DB_ADDRESS_MAX);
    ck_assert(!db_address_find(longer, lookup, found, why));
    ck_assert_str_eq(why, "the connection string is too long");
    ck_assert(!db_address_find("host=gone password=secret", lookup, found, why));
    ck_assert_str_eq(why, "no address was found for gone");
    ck_assert(!db_address_find("host=gone secret", lookup, found, why));
    ck_assert_str_eq(why, "the connection string cannot be read");
    ck_assert(!db_address_find("service=books", lookup, found, why));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("db address");
    TCase *cases = tcase_create("address");
    SRunner *runner = srunner_create(suite);
    int failed;

    unsetenv("PGHOST");
    unsetenv("PGHOSTADDR");
    unsetenv("PGPORT");
    unsetenv("PGSERVICE");
    tcase_add_test(cases, names_without_an_address_are_told_from_what_needs_no_resolver);
    tcase_add_test(cases, lanes_and_the_listener_refuse_a_name_without_an_address);
    tcase_add_test(cases, a_name_keeps_its_place_beside_each_of_its_addresses);
    tcase_add_test(cases, an_address_that_is_given_is_not_looked_up);
    tcase_add_test(cases, what_cannot_be_found_is_told_without_the_password);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
