/* test_log.c - lines: one an event whatever is in it, a full ring counted. */
#include "csms/log.h"
#include "tests/csms/support.h"

#include "ocpp/json.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the log has written to a temporary file, NUL-terminated; the caller frees it. */
static char *written(FILE *file)
{
    long size;
    char *text;

    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    text = calloc(1, (size_t)size + 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    return text;
}

static unsigned lines_of(const char *text)
{
    unsigned n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static char *log_one(enum log_format format, struct log_kv kv)
{
    FILE *file = tmpfile();
    struct log *log = log_new(fileno(file), LOG_LEVEL_INFO, format, 16);

    ck_assert_ptr_nonnull(log);
    log_event(log, REFUSED, kv, log_int("last", -7));
    log_free(log);
    return written(file);
}

static char big[1 << 20];

static const char *const hostile[] = {"plain", "", "two words", "a\nb\r\nc", "\x1b[31mred\x1b[0m",
    "%n%s%s%n%x %1$s", "${jndi:ldap://x}", "quote\" and \\", "tab\t", "\x7f", "\xff\xfe",
    "\xc2\x9b",
    "\xe2\x80\xa8line separator",
    "\xed\xa0\x80", "S\xc3\xa4ule", "a=b event=forged", big};

START_TEST(a_value_stays_in_its_line_and_reads_as_json)
{
    const char *value = hostile[_i];

    for (int json = 0; json < 2; json++) {
        char *text;

        memset(big, 'x', sizeof(big) - 1);
        text = log_one(json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT, log_str("value", value));
        ck_assert_uint_eq(lines_of(text), 1);
        ck_assert_uint_lt(strlen(text), LOG_LINE_MAX);
        for (const char *c = text; c[1]; c++)
            ck_assert((unsigned char)*c >= 0x20 && *c != 0x7f);
        ck_assert_ptr_nonnull(strstr(text, json ? ",\"last\":-7}\n" : " last=-7\n"));
        if (json) {
            struct ocpp_fault fault;
            struct ocpp_json *read =
                ocpp_json_read(text, strlen(text) - 1, &ocpp_limits_stranger, &fault);

            ck_assert_ptr_nonnull(read);
            ck_assert_ptr_nonnull(ocpp_json_member(ocpp_json_root(read), "value"));
            ocpp_json_free(read);
        }
        free(text);
    }
}
END_TEST

START_TEST(words_are_bare_and_everything_else_is_quoted)
{
    char *text = log_one(LOG_FORMAT_TEXT, log_str("value", "CP-7"));

    ck_assert_ptr_nonnull(strstr(text, "Z info door.refused value=CP-7 last=-7\n"));
    free(text);
    text = log_one(LOG_FORMAT_TEXT, log_str("value", "CP 7\n"));
    ck_assert_ptr_nonnull(strstr(text, " value=\"CP 7\\n\" "));
    free(text);
    text = log_one(LOG_FORMAT_TEXT, log_str("value", NULL));
    ck_assert_ptr_null(strstr(text, "value"));
    free(text);
    text = log_one(LOG_FORMAT_TEXT, log_bytes("value", "a\0b", 3));
    ck_assert_ptr_nonnull(strstr(text, "value=\"a\\u0000b\""));
    free(text);
}
END_TEST

START_TEST(the_operators_page_has_every_event_once)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    log_describe(out);
    fclose(out);
    ck_assert_uint_eq(lines_of(text), LOG_EVENT_COUNT + 2);
    ck_assert_ptr_nonnull(strstr(text, "\n| `csmsd.started` | info | the daemon serves |\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n| `csmsd.fatal` | error | the daemon cannot go on |\n"));
    free(text);
}
END_TEST

START_TEST(more_pairs_than_fit_leave_a_whole_line)
{
    struct log_kv pairs[200];
    FILE *file = tmpfile();
    struct log *log = log_new(fileno(file), LOG_LEVEL_INFO, LOG_FORMAT_JSON, 16);
    struct ocpp_fault fault;
    struct ocpp_json *read;
    char *text;

    for (unsigned i = 0; i < 200; i++)
        pairs[i] = log_str("key", i % 2 ? "\x01\x02\x03\x04\x05\x06\x07 and more" : "value");
    log_write(log, LOG_OPENED, pairs, 200);
    log_free(log);
    text = written(file);
    ck_assert_uint_lt(strlen(text), LOG_LINE_MAX);
    ck_assert_uint_eq(lines_of(text), 1);
    ck_assert_str_eq(text + strlen(text) - 3, "\"}\n");
    /* Members repeat, so the gate says that and nothing else. */
    read = ocpp_json_read(text, strlen(text) - 1, &ocpp_limits_stranger, &fault);
    ck_assert_ptr_null(read);
    ck_assert_msg(strstr(fault.text, "two members") != NULL, "%s", fault.text);
    free(text);
}
END_TEST

START_TEST(a_level_hides_what_is_less_important)
{
    FILE *file = tmpfile();
    struct log *log = log_new(fileno(file), LOG_LEVEL_WARN, LOG_FORMAT_TEXT, 64);
    char *text;

    log_event(log, OPENED, log_str("n", "1"));
    log_event(log, NO_DESCRIPTORS, log_str("n", "2"));
    ck_assert(!log_wants(log, LOG_FRAME_IN));
    log_level_set(log, LOG_LEVEL_DEBUG);
    ck_assert(log_wants(log, LOG_FRAME_IN));
    log_event(log, FRAME_IN, log_str("n", "3"));
    log_free(log);
    text = written(file);
    ck_assert_uint_eq(lines_of(text), 2);
    ck_assert_ptr_null(strstr(text, "n=1"));
    free(text);
}
END_TEST

START_TEST(a_full_ring_drops_and_counts_and_says_so_when_there_is_room)
{
    int pipes[2];
    struct log *log;
    char text[65536] = "";
    size_t used = 0;
    ssize_t n;

    ck_assert_int_eq(pipe(pipes), 0);
    fcntl(pipes[1], F_SETPIPE_SZ, 4096);
    log = log_new(pipes[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT, 16);
    for (unsigned i = 0; i < 1000; i++)
        log_event(log, OPENED, log_str("filler", "0123456789012345678901234567890123456789"));
    ck_assert_uint_gt(log_dropped(log), 800);
    while (used < sizeof(text) - 1 && !strstr(text, "log.dropped")) {
        n = read(pipes[0], text + used, sizeof(text) - 1 - used);
        ck_assert_int_gt(n, 0);
        used += (size_t)n;
    }
    ck_assert_ptr_nonnull(strstr(text, "warn log.dropped lines="));
    log_event(log, OPENED, log_str("filler", "after"));
    log_free(log);
    n = read(pipes[0], text, sizeof(text) - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "filler=after"));
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

START_TEST(a_pipe_that_nobody_reads_does_not_hold_up_the_end)
{
    int pipes[2];
    struct log *log;
    char text[32768];
    ssize_t n;

    ck_assert_int_eq(pipe(pipes), 0);
    fcntl(pipes[1], F_SETPIPE_SZ, 16384);
    log = log_new(pipes[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT, 512);
    for (unsigned i = 0; i < 400; i++)
        log_event(log, OPENED, log_str("filler", "0123456789012345678901234567890123456789"));
    alarm(3);
    log_free(log);
    alarm(0);
    n = read(pipes[0], text, sizeof(text) - 1);
    ck_assert_int_gt(n, 2000);
    ck_assert_int_eq(text[n - 1], '\n'); /* no half line */
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

START_TEST(a_full_disk_is_no_reason_to_stop)
{
    int fd = open("/dev/full", O_WRONLY);
    struct log *log = log_new(fd, LOG_LEVEL_INFO, LOG_FORMAT_TEXT, 64);

    for (unsigned i = 0; i < 10; i++)
        log_event(log, OPENED, log_uint("n", i));
    while (log_dropped(log) < 10)
        usleep(1000);
    log_free(log);
    close(fd);
}
END_TEST

enum { THREADS = 4, EACH = 2000 };

static void *shout(void *ctx)
{
    struct log *log = ctx;

    for (unsigned i = 0; i < EACH; i++)
        log_event(log, OPENED, log_uint("n", i), log_str("text", "from many threads"));
    return NULL;
}

START_TEST(threads_do_not_mix_their_lines)
{
    FILE *file = tmpfile();
    struct log *log = log_new(fileno(file), LOG_LEVEL_INFO, LOG_FORMAT_TEXT, 256);
    pthread_t threads[THREADS];
    char *text, *line;
    unsigned lines = 0;
    uint64_t dropped;

    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, shout, log), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    dropped = log_dropped(log);
    log_free(log);
    text = written(file);
    for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (strstr(line, "log.dropped"))
            continue;
        lines++;
        ck_assert_ptr_nonnull(strstr(line, "text=\"from many threads\""));
        ck_assert_uint_lt(strlen(line), 100);
    }
    ck_assert_uint_eq(lines + dropped, THREADS * EACH);
    free(text);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_loop_test(tcase, a_value_stays_in_its_line_and_reads_as_json, 0,
        sizeof(hostile) / sizeof(hostile[0]));
    tcase_add_test(tcase, words_are_bare_and_everything_else_is_quoted);
    tcase_add_test(tcase, the_operators_page_has_every_event_once);
    tcase_add_test(tcase, more_pairs_than_fit_leave_a_whole_line);
    tcase_add_test(tcase, a_level_hides_what_is_less_important);
    tcase_add_test(tcase, a_full_ring_drops_and_counts_and_says_so_when_there_is_room);
    tcase_add_test(tcase, a_pipe_that_nobody_reads_does_not_hold_up_the_end);
    tcase_add_test(tcase, a_full_disk_is_no_reason_to_stop);
    tcase_add_test(tcase, threads_do_not_mix_their_lines);
}

int main(void)
{
    return support_run("log", add);
}
