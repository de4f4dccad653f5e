/* poor_host.c - linked before csms/ws.c: there is never memory to take an upgraded socket over, or,
 * with POOR=queue in the environment, to keep a message that waits.
 */
#include "csms/ws_internal.h"

#include <stdlib.h>

bool __real_ws_adopt(struct ws *, int fd, const struct core_address *, const struct core_verdict *,
    struct http_text key, struct http_text rest);
bool __real_ws_queue_push(struct ws_queue *, const char *text, size_t length);
bool __wrap_ws_queue_push(struct ws_queue *, const char *text, size_t length);

bool __wrap_ws_adopt(struct ws *, int fd, const struct core_address *, const struct core_verdict *,
    struct http_text key, struct http_text rest);

bool __wrap_ws_adopt(struct ws *ws, int fd, const struct core_address *address,
    const struct core_verdict *verdict, struct http_text key, struct http_text rest)
{
    return getenv("POOR") && __real_ws_adopt(ws, fd, address, verdict, key, rest);
}

bool __wrap_ws_queue_push(struct ws_queue *queue, const char *text, size_t length)
{
    return !getenv("POOR") && __real_ws_queue_push(queue, text, length);
}
