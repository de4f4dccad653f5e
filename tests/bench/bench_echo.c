/* bench_echo.c - the sockets' own limit: libwebsockets on libev, and a confirmation for each CALL.
 *
 *   bench_echo        prints its port, and serves until it is killed
 *
 * Nothing is read of a message but its id. What it carries is what csmsd could if it had nothing to
 * do but talk.
 */
#include <ev.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>

enum { ID_AT = 4, ID_LENGTH = 36, CALL_LEAST = ID_AT + ID_LENGTH + 1 };

static int on_event(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    static unsigned char room[LWS_PRE + 64];
    char *answer = (char *)room + LWS_PRE;
    int size;

    (void)user;
    if (reason != LWS_CALLBACK_RECEIVE)
        return 0;
    /* The client sends whole messages that fit the buffer. */
    if (length < CALL_LEAST || !lws_is_final_fragment(wsi))
        return -1;
    size = snprintf(answer, 64, "[3,\"%.*s\",{}]", ID_LENGTH, (const char *)in + ID_AT);
    return lws_write(wsi, (unsigned char *)answer, (size_t)size, LWS_WRITE_TEXT) == size ? 0 : -1;
}

int main(void)
{
    static const struct lws_protocols protocols[] = {
        {.name = "ocpp1.6", .callback = on_event, .rx_buffer_size = 4096}, {.name = NULL}};
    /* No pings: a list of all connections sorted by time would be walked for each. */
    static const lws_retry_bo_t quiet = {.secs_since_valid_ping = 0, .secs_since_valid_hangup = 0};
    struct ev_loop *loop = ev_default_loop(0);
    void *loops[] = {loop};
    struct lws_context_creation_info info = {.port = 0,
        .iface = "127.0.0.1",
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBEV,
        .foreign_loops = loops,
        .retry_and_idle_policy = &quiet};
    struct lws_context *context;
    struct lws_vhost *vhost;

    lws_set_log_level(LLL_ERR, NULL);
    context = lws_create_context(&info);
    vhost = context != NULL ? lws_get_vhost_by_name(context, "default") : NULL;
    if (vhost == NULL)
        return 1;
    printf("port %d\n", lws_get_vhost_listen_port(vhost));
    fflush(stdout);
    ev_run(loop, 0);
    lws_context_destroy(context);
    return 0;
}
