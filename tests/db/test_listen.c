/* test_listen.c - notifications, the node's lock, and the loss of both. */
#include "tests/db/cluster.h"
#include "tests/db/drive.h"
#include "tests/db/proxy.h"

#include "db/listen.h"

#include <check.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ear {
    struct db_listen *listen;
    int fd;
    bool read, write;
    uint64_t alarm_ms;
    int events[5];
    char channel[100], detail[200];
};

static char conninfo[CLUSTER_TEXT_MAX];
static struct ear ears[2];

static void watch(void *ctx, int fd, bool want_read, bool want_write)
{
    struct ear *ear = ctx;

    ck_assert(ear->fd == fd || ear->fd == -1);
    ear->fd = want_read || want_write ? fd : -1;
    ear->read = want_read;
    ear->write = want_write;
}

static void alarm_at(void *ctx, uint64_t at_mono_ms)
{
    struct ear *ear = ctx;

    ear->alarm_ms = at_mono_ms;
}

static void event(void *ctx, enum db_listen_event what, const char *channel, const char *detail)
{
    struct ear *ear = ctx;

    ear->events[what]++;
    ck_assert_ptr_null(strstr(detail, "secret"));
    snprintf(ear->channel, sizeof ear->channel, "%s", channel ? channel : "");
    snprintf(ear->detail, sizeof ear->detail, "%s", detail);
}

static struct ear *ear_new(int i, const char *to, int64_t node)
{
    struct ear *ear = &ears[i];
    struct db_listen_ports ports = {ear, watch, alarm_at, event};

    memset(ear, 0, sizeof *ear);
    ear->fd = -1;
    ear->listen = db_listen_new(to, node, &ports);
    ck_assert_ptr_nonnull(ear->listen);
    return ear;
}

static void turn(struct ear *ear)
{
    struct pollfd polled = {.fd = ear->fd};
    uint64_t now = drive_now();
    int wait_ms = ear->alarm_ms <= now ? 0 : 10;
    int heard;

    polled.events = (short)((ear->read ? POLLIN : 0) | (ear->write ? POLLOUT : 0));
    heard = poll(&polled, ear->fd >= 0, wait_ms);
    now = drive_now();
    if (heard > 0)
        db_listen_ready(ear->listen, polled.revents & (POLLIN | POLLHUP | POLLERR),
            polled.revents & POLLOUT, now);
    if (ear->alarm_ms <= now) {
        ear->alarm_ms = UINT64_MAX;
        db_listen_alarm(ear->listen, now);
    }
}

static bool until(struct ear *ear, enum db_listen_event what, int count)
{
    uint64_t end = drive_now() + DRIVE_PATIENCE_MS;

    while (ear->events[what] < count && drive_now() < end)
        turn(ear);
    return ear->events[what] >= count;
}

static void setup(void)
{
    cluster_database(conninfo);
}

START_TEST(a_notification_arrives)
{
    struct ear *ear = ear_new(0, conninfo, 7);

    ck_assert(until(ear, DB_LISTEN_UP, 1));
    ck_assert(db_listen_up(ear->listen));
    cluster_exec(conninfo, "NOTIFY joulebook_node_8, 'not ours'; NOTIFY joulebook_node_7, '42'");
    ck_assert(until(ear, DB_LISTEN_HEARD, 1));
    ck_assert_str_eq(ear->channel, "joulebook_node_7");
    ck_assert_str_eq(ear->detail, "42");
    cluster_exec(conninfo, "NOTIFY joulebook_directory");
    ck_assert(until(ear, DB_LISTEN_HEARD, 2));
    ck_assert_str_eq(ear->channel, "joulebook_directory");
    db_listen_free(ear->listen);
    ck_assert_int_eq(ear->fd, -1);
}
END_TEST

START_TEST(many_notifications_arrive_in_order_also_around_a_probe)
{
    struct ear *ear = ear_new(0, conninfo, 7);
    uint64_t end;

    ck_assert(until(ear, DB_LISTEN_UP, 1));
    end = drive_now() + 2500;
    while (drive_now() < end)
        turn(ear);
    cluster_exec(conninfo, "SELECT pg_notify('joulebook_node_7', n::text)"
                           " FROM generate_series(1, 1000) n");
    ck_assert(until(ear, DB_LISTEN_HEARD, 1000));
    ck_assert_str_eq(ear->detail, "1000");
    ck_assert_int_eq(ear->events[DB_LISTEN_LOST], 0);
    db_listen_free(ear->listen);
}
END_TEST

START_TEST(a_lost_connection_is_told_and_made_again)
{
    struct ear *ear = ear_new(0, conninfo, 7);

    ck_assert(until(ear, DB_LISTEN_UP, 1));
    cluster_exec(conninfo, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                           " WHERE application_name = 'joulebook/listen'"
                           " AND datname = current_database()");
    ck_assert(until(ear, DB_LISTEN_LOST, 1));
    ck_assert(!db_listen_up(ear->listen));
    ck_assert(until(ear, DB_LISTEN_UP, 2));
    cluster_exec(conninfo, "NOTIFY joulebook_node_7, 'again'");
    ck_assert(until(ear, DB_LISTEN_HEARD, 1));
    db_listen_free(ear->listen);
}
END_TEST

START_TEST(one_node_holds_the_lock_and_the_next_gets_it_when_it_is_gone)
{
    struct ear *first = ear_new(0, conninfo, 7), *second;

    ck_assert(until(first, DB_LISTEN_UP, 1));
    second = ear_new(1, conninfo, 7);
    ck_assert(until(second, DB_LISTEN_OTHER, 2));
    ck_assert(!db_listen_up(second->listen));
    db_listen_free(first->listen);
    ck_assert(until(second, DB_LISTEN_UP, 1));
    db_listen_free(second->listen);
}
END_TEST

START_TEST(nodes_of_other_numbers_do_not_meet)
{
    struct ear *first = ear_new(0, conninfo, 7), *second = ear_new(1, conninfo, 8);

    ck_assert(until(first, DB_LISTEN_UP, 1));
    ck_assert(until(second, DB_LISTEN_UP, 1));
    db_listen_free(first->listen);
    db_listen_free(second->listen);
}
END_TEST

START_TEST(a_dead_line_is_noticed_by_the_probe)
{
    struct proxy proxy;
    struct ear *ear;

    proxy_start(&proxy, conninfo);
    ear = ear_new(0, proxy.conninfo, 7);
    ck_assert(until(ear, DB_LISTEN_UP, 1));
    proxy.control->order = PROXY_STALL;
    ck_assert(until(ear, DB_LISTEN_LOST, 1));
    ck_assert_str_eq(ear->detail, "no answer");
    db_listen_free(ear->listen);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(a_server_that_is_away_is_tried_again)
{
    struct ear *ear = ear_new(0, "host=/tmp/nowhere password=secret", 7);

    ck_assert(until(ear, DB_LISTEN_DOWN, 3));
    ck_assert_int_eq(ear->events[DB_LISTEN_LOST], 0);
    db_listen_free(ear->listen);
    ck_assert_ptr_null(db_listen_new("secret", 7, &(struct db_listen_ports){0}));
}
END_TEST

static Suite *suite(void)
{
    Suite *listening = suite_create("db listen");
    TCase *cases = tcase_create("listen");

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, NULL);
    tcase_add_test(cases, a_notification_arrives);
    tcase_add_test(cases, many_notifications_arrive_in_order_also_around_a_probe);
    tcase_add_test(cases, a_lost_connection_is_told_and_made_again);
    tcase_add_test(cases, one_node_holds_the_lock_and_the_next_gets_it_when_it_is_gone);
    tcase_add_test(cases, nodes_of_other_numbers_do_not_meet);
    tcase_add_test(cases, a_dead_line_is_noticed_by_the_probe);
    tcase_add_test(cases, a_server_that_is_away_is_tried_again);
    suite_add_tcase(listening, cases);
    return listening;
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
