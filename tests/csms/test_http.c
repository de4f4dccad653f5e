/* test_http.c - the request reader cut at every byte, and what http_answer_head writes.  The table
 * of malformed requests is in test_ws_handshake.py, where they go over a socket. */
#include "csms/http.h"
#include "tests/csms/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static const char request[] = "GET /ocpp/CP%201?x=y HTTP/1.1\r\nhost:  example \r\n"
                              "UPGRADE: WebSocket\r\n"
                              "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n"
                              "Sec-WebSocket-Protocol: ocpp2.0.1\r\nX-Empty:\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol:\tocpp1.6 \r\n"
                              "Authorization: Basic eDp5\r\n\r\nfirst frame";

/* A copy of exactly these bytes, so that the sanitizer sees a step too far. */
static enum http_result read_exactly(const char *bytes, size_t length, struct http_head *ret)
{
    char *copy = malloc(length ? length : 1);
    enum http_result result;

    memcpy(copy, bytes, length);
    result = http_head_read(copy, length, ret);
    free(copy);
    return result;
}

START_TEST(a_request_is_read_and_what_follows_is_left)
{
    struct http_head head;

    ck_assert_int_eq(http_head_read(request, sizeof(request) - 1, &head), HTTP_DONE);
    ck_assert_str_eq(request + head.length, "first frame");
    ck_assert(http_wants_websocket(&head));
    ck_assert(http_text_is(head.path, "/ocpp/CP%201"));
    ck_assert(http_text_is(head.query, "x=y"));
    ck_assert(http_text_is(head.host, "example"));
    ck_assert(http_text_is(head.version, "13"));
    ck_assert(http_text_is(head.authorization, "Basic eDp5"));
    ck_assert_uint_eq(head.protocols_length, strlen("ocpp2.0.1,ocpp1.6"));
    ck_assert_mem_eq(head.protocols, "ocpp2.0.1,ocpp1.6", head.protocols_length);
}
END_TEST

START_TEST(every_beginning_of_it_waits_for_more)
{
    size_t whole = sizeof(request) - 1 - strlen("first frame");
    struct http_head head;

    for (size_t length = 0; length < whole; length++)
        ck_assert_int_eq(read_exactly(request, length, &head), HTTP_MORE);
    ck_assert_int_eq(read_exactly(request, whole, &head), HTTP_DONE);
}
END_TEST

START_TEST(any_byte_changed_does_no_harm)
{
    size_t length = sizeof(request) - 1;
    char *copy = malloc(length);
    struct http_head head;

    for (size_t i = 0; i < length; i++)
        for (int c = 0; c < 256; c += 1 + c % 3) {
            memcpy(copy, request, length);
            copy[i] = (char)c;
            if (http_head_read(copy, length, &head) == HTTP_DONE)
                ck_assert_uint_le(head.length, length);
        }
    free(copy);
}
END_TEST

START_TEST(a_list_of_protocols_that_does_not_fit_is_refused)
{
    char text[1024];
    struct http_head head;
    int room = HTTP_LIST_MAX;

    snprintf(text, sizeof(text),
        "GET / HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Protocol: %0*d\r\n\r\n", room, 0);
    ck_assert_int_eq(http_head_read(text, strlen(text), &head), HTTP_DONE);
    snprintf(text, sizeof(text),
        "GET / HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Protocol: %0*d\r\n\r\n", room + 1, 0);
    ck_assert_int_eq(http_head_read(text, strlen(text), &head), HTTP_BAD);
}
END_TEST

START_TEST(headers_up_to_64_pass_and_65_do_not)
{
    char text[4096];
    struct http_head head;

    for (int more = 0; more < 2; more++) {
        size_t used = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: x\r\n");

        for (int i = 1; i < HTTP_FIELDS_MAX + more; i++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "X: y\r\n");
        used += (size_t)snprintf(text + used, sizeof(text) - used, "\r\n");
        ck_assert_int_eq(http_head_read(text, used, &head), more ? HTTP_BAD : HTTP_DONE);
    }
}
END_TEST

START_TEST(an_answer_has_what_its_status_asks_for)
{
    char text[512];
    const struct {
        struct http_answer answer;
        const char *has;
    } cases[] = {
        { { .status = 200, .content_type = "text/plain", .length = 7 },
            "Content-Type: text/plain\r\nContent-Length: 7\r\n" },
        { { .status = 401 }, "WWW-Authenticate: Basic realm=" },
        { { .status = 405 }, "Allow: GET, HEAD\r\n" },
        { { .status = 426 }, "Sec-WebSocket-Version: 13\r\n" },
        { { .status = 503, .retry_after_s = 4294967295u }, "Retry-After: 4294967295\r\n" },
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t length = http_answer_head(text, sizeof(text), &cases[i].answer);

        ck_assert_uint_eq(length, strlen(text));
        ck_assert_ptr_nonnull(strstr(text, cases[i].has));
        ck_assert_ptr_nonnull(strstr(text, "Connection: close"));
        ck_assert_str_eq(text + length - 4, "\r\n\r\n");
        ck_assert_mem_eq(text, "HTTP/1.1 ", 9);
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, a_request_is_read_and_what_follows_is_left);
    tcase_add_test(tcase, every_beginning_of_it_waits_for_more);
    tcase_add_test(tcase, any_byte_changed_does_no_harm);
    tcase_add_test(tcase, a_list_of_protocols_that_does_not_fit_is_refused);
    tcase_add_test(tcase, headers_up_to_64_pass_and_65_do_not);
    tcase_add_test(tcase, an_answer_has_what_its_status_asks_for);
}

int main(void)
{
    return support_run("http", add);
}
