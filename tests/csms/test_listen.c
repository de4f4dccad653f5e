/* test_listen.c - as many listening sockets as there may be, and one more. */
#include "csms/ws.h"
#include "tests/csms/support.h"

#include <errno.h>

START_TEST(the_last_listener_is_opened_and_one_more_is_refused)
{
    struct listener_spec spec = { .name = "x", .bind = "127.0.0.1", .serve = LISTENER_OCPP };
    struct ws_ports ports = { 0 };
    struct ws_limits limits;
    struct loop *loop = loop_new();
    struct ws *ws;

    ws_limits_default(&limits);
    limits.connections = 16;
    ws = ws_new(loop, &limits, &ports);
    ck_assert_ptr_nonnull(ws);
    for (uint32_t i = 0; i < LISTENERS_MAX; i++) {
        ck_assert(ws_listen(ws, &spec));
        ck_assert_uint_ne(ws_port(ws, i), 0);
    }
    errno = 0;
    ck_assert(!ws_listen(ws, &spec));
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_uint_eq(ws_port(ws, LISTENERS_MAX), 0);
    ws_free(ws);
    loop_free(loop);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, the_last_listener_is_opened_and_one_more_is_refused);
}

int main(void)
{
    return support_run("listen", add);
}
