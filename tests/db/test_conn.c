/* test_conn.c - a worker's blocking connection. */
#include "tests/db/cluster.h"
#include "tests/db/drive.h"
#include "tests/db/proxy.h"

#include "db/migrate.h"

#include <check.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char conninfo[CLUSTER_TEXT_MAX];
static struct db_conn *conn;
static struct db_args args;
static struct db_rows rows;

static void setup(void)
{
    cluster_database(conninfo);
    cluster_exec(conninfo, drive_schema);
    conn = cluster_connect(conninfo);
    db_args_init(&args);
}

static void teardown(void)
{
    db_rows_done(&rows);
    db_args_done(&args);
    db_conn_close(conn);
}

START_TEST(every_type_comes_back_as_it_went)
{
    struct db_row row;

    db_args_int8(&args, INT64_MIN);
    db_args_int4(&args, INT32_MIN);
    db_args_int2(&args, INT16_MIN);
    db_args_bool(&args, true);
    db_args_text(&args, "汉字");
    db_args_bytes(&args, "\0x\377", 3);
    db_args_time_us(&args, 1700000000123456);
    db_args_json(&args, "{\"a\": 1}", 8);
    db_args_row(&args);
    ck_assert_int_eq(db_conn_query(conn,
                         "SELECT $1::bigint, $2::int, $3::smallint, $4::bool, $5::text,"
                         " encode($6::bytea, 'hex'), $7::timestamptz, $8::jsonb,"
                         " NULL::bigint, 'infinity'::timestamptz,"
                         " '-infinity'::timestamptz, NULL::text, NULL::jsonb",
                         &args, &rows),
        DB_OK);
    row = db_rows_at(&rows, 0);
    ck_assert_int_eq(db_row_int8(&row, 0), INT64_MIN);
    ck_assert_int_eq(db_row_int8(&row, 1), INT32_MIN);
    ck_assert_int_eq(db_row_int8(&row, 2), INT16_MIN);
    ck_assert(db_row_bool(&row, 3));
    ck_assert_str_eq(db_row_text(&row, 4), "汉字");
    ck_assert_str_eq(db_row_text(&row, 5), "0078ff");
    ck_assert_int_eq(db_row_time_us(&row, 6), 1700000000123456);
    ck_assert_str_eq(db_row_text(&row, 7), "{\"a\": 1}");
    ck_assert(db_row_is_null(&row, 8));
    ck_assert_int_eq(db_row_int8(&row, 8), 0);
    ck_assert_int_eq(db_row_time_us(&row, 9), INT64_MAX);
    ck_assert_int_eq(db_row_time_us(&row, 10), INT64_MIN);
    ck_assert_ptr_null(db_row_text(&row, 11));
    ck_assert_ptr_null(db_row_text(&row, 12));
}
END_TEST

START_TEST(times_at_the_edge_of_timestamptz_are_stored)
{
    static const int64_t edges[] = {INT64_MIN, INT64_MAX};

    for (int i = 0; i < 2; i++) {
        db_rows_done(&rows);
        db_args_reset(&args);
        db_args_time_us(&args, edges[i]);
        db_args_row(&args);
        ck_assert_int_eq(
            db_conn_query(conn, "SELECT isfinite($1::timestamptz)", &args, &rows), DB_OK);
    }
}
END_TEST

START_TEST(an_error_says_its_class_and_the_connection_goes_on)
{
    ck_assert_int_eq(db_conn_script(conn, "INSERT INTO item (id) VALUES (1)"), DB_OK);
    ck_assert_int_eq(db_conn_script(conn, "INSERT INTO item (id) VALUES (1)"), DB_CONFLICT);
    ck_assert_str_eq(db_conn_fault(conn)->sqlstate, "23505");
    ck_assert_int_eq(db_conn_query(conn, "SELECT 1/0", NULL, NULL), DB_REFUSED);
    ck_assert_int_eq(db_conn_query(conn, "SELECT 1 WHERE false", NULL, &rows), DB_NONE);
    ck_assert_int_eq(db_conn_query(conn, "SELECT 1", NULL, NULL), DB_OK);
    ck_assert(db_conn_up(conn));
}
END_TEST

START_TEST(a_transaction_is_all_or_nothing)
{
    ck_assert_int_eq(db_conn_begin(conn), DB_OK);
    ck_assert_int_eq(db_conn_script(conn, "INSERT INTO item (id) VALUES (1)"), DB_OK);
    db_conn_rollback(conn);
    ck_assert_int_eq(db_conn_begin(conn), DB_OK);
    ck_assert_int_eq(db_conn_script(conn, "INSERT INTO item (id) VALUES (2)"), DB_OK);
    ck_assert_int_eq(db_conn_script(conn, "INSERT INTO item (id) VALUES (2)"), DB_CONFLICT);
    ck_assert_int_eq(db_conn_commit(conn), DB_RETRY); /* PostgreSQL answers ROLLBACK */
    ck_assert_int_eq(db_conn_begin(conn), DB_OK);
    ck_assert_int_eq(db_conn_script(conn, "INSERT INTO child VALUES (1, -1)"), DB_OK);
    ck_assert_int_eq(db_conn_commit(conn), DB_REFUSED); /* the deferred constraint */
    ck_assert_int_eq(db_conn_begin(conn), DB_OK);
    ck_assert_int_eq(db_conn_script(conn, "INSERT INTO item (id) VALUES (3)"), DB_OK);
    ck_assert_int_eq(db_conn_commit(conn), DB_OK);
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item"), 1);
}
END_TEST

START_TEST(a_lost_answer_to_commit_is_unknown_and_a_warning_too)
{
    struct proxy proxy;
    struct db_conn *far;

    proxy_start(&proxy, conninfo);
    far = cluster_connect(proxy.conninfo);
    ck_assert_int_eq(db_conn_begin(far), DB_OK);
    proxy.control->order = PROXY_WARN_AT_COMMIT;
    ck_assert_int_eq(db_conn_commit(far), DB_UNKNOWN);
    ck_assert_int_eq(db_conn_begin(far), DB_OK);
    ck_assert_int_eq(db_conn_script(far, "INSERT INTO item (id) VALUES (1)"), DB_OK);
    proxy.control->order = PROXY_CUT_COMMIT_ANSWER;
    ck_assert_int_eq(db_conn_commit(far), DB_UNKNOWN);
    ck_assert(!db_conn_up(far));
    ck_assert_int_eq(cluster_number(conninfo, "SELECT count(*) FROM item"), 1);
    db_conn_close(far);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(a_statement_that_loses_its_connection_is_unknown_alone_and_down_in_a_transaction)
{
    struct db_conn *second = cluster_connect(conninfo);
    const char *die = "SELECT pg_terminate_backend(pg_backend_pid())";

    ck_assert_int_eq(db_conn_query(conn, die, NULL, NULL), DB_UNKNOWN);
    ck_assert(!db_conn_up(conn));
    ck_assert_int_eq(db_conn_begin(second), DB_OK);
    ck_assert_int_eq(db_conn_query(second, die, NULL, NULL), DB_DOWN);
    ck_assert_int_ne(db_conn_query(second, "SELECT 1", NULL, NULL), DB_OK);
    db_conn_close(second);
}
END_TEST

START_TEST(real_statements_run_as_calls_bulks_and_queries)
{
    struct db_fault fault;
    struct db_conn *real;
    char name[CLUSTER_TEXT_MAX];
    struct db_row row;

    cluster_database(name);
    ck_assert_msg(db_migrate(name, NULL, NULL, &fault) == DB_OK, "%s", fault.text);
    real = cluster_connect(name);
    for (int i = 0; i < 3; i++) {
        db_args_text(&args, i == 1 ? "other" : "stranger");
        db_args_time_us(&args, 1700000000000000 + i);
        db_args_text(&args, "10.0.0.1");
        db_args_text(&args, "unknown");
        db_args_row(&args);
    }
    ck_assert_int_eq(db_conn_run(real, DB_STMT_DOOR, &args, NULL), DB_OK);
    ck_assert_int_eq(db_conn_run(real, DB_STMT_DOOR, &args, NULL), DB_OK);
    ck_assert_int_eq(cluster_number(name, "SELECT sum(count)::bigint FROM core.door"), 6);
    db_args_reset(&args);
    db_args_int8(&args, 0);
    db_args_row(&args);
    ck_assert_int_eq(db_conn_run(real, DB_STMT_DIRECTORY, &args, &rows), DB_NONE);
    db_rows_done(&rows);
    db_args_reset(&args);
    db_args_int8(&args, 987654); /* no such command */
    db_args_text(&args, "jb-987654-1");
    db_args_text(&args, "accepted");
    db_args_text(&args, NULL);
    db_args_time_us(&args, 1700000000000000);
    db_args_row(&args);
    ck_assert_int_ne(db_conn_run(real, DB_STMT_COMMAND_ANSWER, &args, &rows), DB_DOWN);
    ck_assert_int_eq(rows.count, 1);
    row = db_rows_at(&rows, 0);
    ck_assert_ptr_nonnull(db_row_text(&row, 0));
    db_conn_close(real);
}
END_TEST

START_TEST(parameters_that_failed_are_refused)
{
    db_args_text(&args, "x");
    ck_assert_int_eq(db_conn_query(conn, "SELECT $1::text", &args, NULL), DB_REFUSED);
    ck_assert_str_eq(db_conn_fault(conn)->sqlstate, "");
}
END_TEST

static struct db_conn *open_within(const char *to, int interrupt_fd, int silence_ms)
{
    struct db_wait wait = {.interrupt_fd = interrupt_fd, .silence_ms = silence_ms};
    struct db_fault fault;

    return db_conn_open_within(to, "test", &wait, &fault);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

START_TEST(a_server_that_falls_silent_is_given_up)
{
    struct proxy proxy;
    struct db_conn *far;
    double began;

    proxy_start(&proxy, conninfo);
    far = open_within(proxy.conninfo, -1, 300);
    ck_assert_ptr_nonnull(far);
    ck_assert_int_eq(db_conn_query(far, "SELECT 1", NULL, NULL), DB_OK);
    if (_i == 1)
        ck_assert_int_eq(db_conn_begin(far), DB_OK);
    proxy.control->order = PROXY_STALL;
    began = seconds();
    ck_assert_int_eq(
        db_conn_query(far, "SELECT 1", NULL, NULL), _i == 1 ? DB_DOWN : DB_UNKNOWN);
    ck_assert(seconds() - began > 0.25 && seconds() - began < 3);
    ck_assert(!db_conn_up(far));
    ck_assert_ptr_nonnull(strstr(db_conn_fault(far)->text, "not said a word"));
    began = seconds(); /* and nothing more is waited for */
    ck_assert_int_ne(db_conn_query(far, "SELECT 1", NULL, NULL), DB_OK);
    ck_assert_int_ne(db_conn_script(far, "SELECT 1"), DB_OK);
    ck_assert_int_ne(db_conn_run(far, DB_STMT_CATALOGUE_LOAD, NULL, NULL), DB_OK);
    db_conn_rollback(far);
    db_conn_close(far);
    ck_assert(seconds() - began < 0.25);
    proxy_stop(&proxy);
}
END_TEST

/* It refuses TLS after a long while, and then says nothing more. */
static void *drip(void *fd)
{
    char bytes[8];
    int peer = accept(*(int *)fd, NULL, NULL);

    ck_assert_int_ge(peer, 0);
    ck_assert_int_eq(recv(peer, bytes, sizeof bytes, MSG_WAITALL), (int)sizeof bytes);
    usleep(3500000);
    ck_assert_int_eq(send(peer, "N", 1, MSG_NOSIGNAL), 1);
    while (recv(peer, bytes, sizeof bytes, 0) > 0)
        ;
    close(peer);
    return NULL;
}

START_TEST(a_server_that_drips_is_not_waited_for_anew_with_each_drop)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char slow[96];
    pthread_t server;
    double began;

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, length), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    ck_assert_int_eq(pthread_create(&server, NULL, drip, &fd), 0);
    snprintf(slow, sizeof slow, "hostaddr=127.0.0.1 port=%u user=x dbname=x gssencmode=disable",
        ntohs(at.sin_port));
    began = seconds();
    ck_assert_ptr_null(open_within(slow, -1, 60000));
    ck_assert(seconds() - began > 4.5 && seconds() - began < 7.5);
    pthread_join(server, NULL);
    close(fd);
}
END_TEST

static void *interrupt_later(void *fd)
{
    usleep(200000);
    ck_assert_int_eq(eventfd_write(*(int *)fd, 1), 0);
    return NULL;
}

START_TEST(an_interrupt_ends_the_wait_of_every_connection)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    struct db_conn *one = open_within(conninfo, fd, 60000);
    struct db_conn *other = open_within(conninfo, fd, 60000);
    pthread_t thread;
    double began = seconds();

    ck_assert(fd >= 0 && one != NULL && other != NULL);
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_later, &fd), 0);
    ck_assert_int_eq(db_conn_query(one, "SELECT pg_sleep(20)", NULL, NULL), DB_UNKNOWN);
    ck_assert_ptr_nonnull(strstr(db_conn_fault(one)->text, "interrupted"));
    ck_assert_int_eq(db_conn_query(other, "SELECT pg_sleep(20)", NULL, NULL), DB_UNKNOWN);
    ck_assert_ptr_null(open_within(conninfo, fd, 60000));
    ck_assert(seconds() - began < 5);
    pthread_join(thread, NULL);
    db_conn_close(one);
    db_conn_close(other);
    close(fd);
}
END_TEST

START_TEST(a_text_that_no_socket_holds_goes_and_comes)
{
    static char text[8 << 20];
    struct db_row row;

    memset(text, 'x', sizeof text - 1);
    db_args_text(&args, text);
    db_args_row(&args);
    ck_assert_int_eq(db_conn_query(conn, "SELECT $1::text", &args, &rows), DB_OK);
    row = db_rows_at(&rows, 0);
    ck_assert_uint_eq(strlen(db_row_text(&row, 0)), sizeof text - 1);
}
END_TEST

START_TEST(no_server_is_down_and_names_no_password)
{
    struct db_fault fault;

    ck_assert_ptr_null(db_conn_open("host=/tmp/nowhere password=hidden", "test", &fault));
    ck_assert_int_eq(fault.result, DB_DOWN);
    ck_assert_ptr_null(strstr(fault.text, "hidden"));
    ck_assert_ptr_null(db_conn_open("hidden", "test", &fault));
    ck_assert_ptr_null(strstr(fault.text, "hidden"));
}
END_TEST

static Suite *suite(void)
{
    Suite *worker = suite_create("db conn");
    TCase *cases = tcase_create("conn");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, every_type_comes_back_as_it_went);
    tcase_add_test(cases, times_at_the_edge_of_timestamptz_are_stored);
    tcase_add_test(cases, an_error_says_its_class_and_the_connection_goes_on);
    tcase_add_test(cases, a_transaction_is_all_or_nothing);
    tcase_add_test(cases, a_lost_answer_to_commit_is_unknown_and_a_warning_too);
    tcase_add_test(
        cases, a_statement_that_loses_its_connection_is_unknown_alone_and_down_in_a_transaction);
    tcase_add_test(cases, real_statements_run_as_calls_bulks_and_queries);
    tcase_add_test(cases, parameters_that_failed_are_refused);
    tcase_add_loop_test(cases, a_server_that_falls_silent_is_given_up, 0, 2);
    tcase_add_test(cases, a_server_that_drips_is_not_waited_for_anew_with_each_drop);
    tcase_add_test(cases, an_interrupt_ends_the_wait_of_every_connection);
    tcase_add_test(cases, a_text_that_no_socket_holds_goes_and_comes);
    tcase_add_test(cases, no_server_is_down_and_names_no_password);
    suite_add_tcase(worker, cases);
    return worker;
}

int main(void)
{
    SRunner *runner;
    int failed;

    cluster_need();
    runner = srunner_create(suite());
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
