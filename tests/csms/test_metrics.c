/* test_metrics.c - counting, labels from the catalogues, histograms, and promtool's opinion. */
#include "csms/metrics.h"
#include "tests/csms/support.h"

#include "csms/core/admit.h"
#include "ocpp/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_line(const char *page, const char *line)
{
    const char *at = strstr(page, line);

    return at && (at == page || at[-1] == '\n') && at[strlen(line)] == '\n';
}

START_TEST(every_action_of_the_catalogue_can_be_counted)
{
    struct metrics *metrics = metrics_new();
    size_t length;
    char *page, line[160];

    for (int a = 0; a < OCPP_ACTION_COUNT; a++)
        metrics_add(metrics, METRIC_OCPP_MESSAGES, METRIC_AT((int16_t)a, METRIC_IN, METRIC_OK),
            (uint64_t)a + 1);
    page = metrics_page(metrics, &length);
    ck_assert_uint_eq(length, strlen(page));
    for (int a = 0; a < OCPP_ACTION_COUNT; a++) {
        snprintf(line, sizeof(line),
            "csms_ocpp_messages_total{action=\"%s\",direction=\"in\",outcome=\"ok\"} %d",
            ocpp_action_name((enum ocpp_action)a), a + 1);
        ck_assert_msg(has_line(page, line), "%s", line);
    }
    free(page);
    metrics_free(metrics);
}
END_TEST

START_TEST(every_refusal_can_be_counted)
{
    struct metrics *metrics = metrics_new();
    size_t length;
    char *page, line[160];

    for (int r = 0; r < CORE_REFUSAL_COUNT; r++)
        metrics_set(metrics, METRIC_WS_REFUSED, METRIC_AT((int16_t)r), 7);
    page = metrics_page(metrics, &length);
    for (int r = 0; r < CORE_REFUSAL_COUNT; r++) {
        snprintf(line, sizeof(line), "csms_ws_refused_total{reason=\"%s\"} 7",
            core_refusal_name((enum core_refusal)r));
        ck_assert_msg(has_line(page, line), "%s", line);
    }
    free(page);
    metrics_free(metrics);
}
END_TEST

START_TEST(what_is_in_no_list_is_other)
{
    struct metrics *metrics = metrics_new();
    size_t length;
    char *page;

    metrics_add(metrics, METRIC_OCPP_MESSAGES, METRIC_AT(-1, METRIC_IN, METRIC_ERROR), 1);
    metrics_add(metrics, METRIC_OCPP_MESSAGES, METRIC_AT(30000, METRIC_IN, METRIC_ERROR), 1);
    page = metrics_page(metrics, &length);
    ck_assert(has_line(page,
        "csms_ocpp_messages_total{action=\"other\",direction=\"in\",outcome=\"error\"} 2"));
    free(page);
    metrics_free(metrics);
}
END_TEST

#define BUCKET(le)                                                                                 \
    "csms_ocpp_call_duration_seconds_bucket{action=\"Heartbeat\",direction=\"in\",le=\"" le "\"} "

START_TEST(a_duration_falls_into_its_bucket_and_all_above)
{
    struct metric_at heartbeat = METRIC_AT(OCPP_HEARTBEAT, METRIC_IN);
    struct metrics *metrics = metrics_new();
    size_t length;
    char *page;

    metrics_time(metrics, METRIC_OCPP_CALL_DURATION, heartbeat, 500);
    metrics_time(metrics, METRIC_OCPP_CALL_DURATION, heartbeat, 501);
    metrics_time(metrics, METRIC_OCPP_CALL_DURATION, heartbeat, 40000000);
    page = metrics_page(metrics, &length);
    ck_assert(has_line(page, BUCKET("0.0005") "1"));
    ck_assert(has_line(page, BUCKET("0.001") "2"));
    ck_assert(has_line(page, BUCKET("30") "2"));
    ck_assert(has_line(page, BUCKET("+Inf") "3"));
    ck_assert(has_line(page,
        "csms_ocpp_call_duration_seconds_sum{action=\"Heartbeat\",direction=\"in\"} 40.001001"));
    ck_assert(has_line(page,
        "csms_ocpp_call_duration_seconds_count{action=\"Heartbeat\",direction=\"in\"} 3"));
    free(page);
    metrics_free(metrics);
}
END_TEST

START_TEST(a_gauge_of_zero_is_shown_and_a_counter_of_milliseconds_in_seconds)
{
    struct metrics *metrics = metrics_new();
    size_t length;
    char *page;

    metrics_set(metrics, METRIC_DB_BATCH_TIME, METRIC_AT(METRIC_MONEY), 1234);
    page = metrics_page(metrics, &length);
    ck_assert(has_line(page, "csms_db_up{link=\"money\"} 0"));
    ck_assert(!strstr(page, "csms_db_up{link=\"other\"}"));
    ck_assert(has_line(page, "csms_db_batch_seconds_total{link=\"money\"} 1.234"));
    ck_assert(!strstr(page, "csms_db_batch_seconds_total{link=\"telemetry\"}"));
    free(page);
    metrics_free(metrics);
}
END_TEST

static void touch_everything(struct metrics *metrics)
{
    for (int m = 0; m < METRIC_COUNT; m++) {
        bool duration = m == METRIC_OCPP_CALL_DURATION;

        for (int16_t i = 0; i < 3; i++) {
            if (duration)
                metrics_time(metrics, (enum metric)m, METRIC_AT(i, i, i), 1234);
            else
                metrics_set(metrics, (enum metric)m, METRIC_AT(i, i, i), UINT64_MAX);
        }
    }
}

START_TEST(promtool_has_nothing_to_say_about_any_metric)
{
    char file[] = "/tmp/joulebook-metrics-XXXXXX", command[128];
    int fd = mkstemp(file);
    struct metrics *metrics = metrics_new();
    size_t length;
    char *page;
    FILE *out = fdopen(fd, "w");

    touch_everything(metrics);
    page = metrics_page(metrics, &length);
    ck_assert_uint_eq(fwrite(page, 1, length, out), length);
    fclose(out);
    snprintf(command, sizeof(command), "promtool check metrics <%s >&2", file);
    /* A missing promtool is a failure: the package prometheus is one of the tests' own. */
    ck_assert_int_eq(system(command), 0);
    remove(file);
    free(page);
    metrics_free(metrics);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, every_action_of_the_catalogue_can_be_counted);
    tcase_add_test(tcase, every_refusal_can_be_counted);
    tcase_add_test(tcase, what_is_in_no_list_is_other);
    tcase_add_test(tcase, a_duration_falls_into_its_bucket_and_all_above);
    tcase_add_test(tcase, a_gauge_of_zero_is_shown_and_a_counter_of_milliseconds_in_seconds);
    tcase_add_test(tcase, promtool_has_nothing_to_say_about_any_metric);
}

int main(void)
{
    return support_run("metrics", add);
}
