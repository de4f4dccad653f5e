/* poor_host.c - linked before csms/ws.c: there is never memory to take an upgraded socket over. */
#include "csms/ws_internal.h"

bool __wrap_ws_adopt(struct ws *, int fd, const struct core_address *, const struct core_verdict *,
    struct http_text key, struct http_text rest);

bool __wrap_ws_adopt(struct ws *ws, int fd, const struct core_address *address,
    const struct core_verdict *verdict, struct http_text key, struct http_text rest)
{
    (void)ws, (void)fd, (void)address, (void)verdict, (void)key, (void)rest;
    return false;
}
