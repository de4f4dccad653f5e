/* pages.c - see pages.h. */
#include "csms/pages.h"

#include "csms/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 2048 };

struct pages {
    const struct metrics *metrics;
    struct pages_ports ports;
    char *body;
    size_t length;
};

typedef bool page_make(struct pages *, bool open, struct ws_page *ret); /* open: to strangers */

struct pages *pages_new(const struct metrics *metrics, const struct pages_ports *ports)
{
    struct pages *pages = calloc(1, sizeof(*pages));

    if (!pages)
        return NULL;
    pages->metrics = metrics;
    pages->ports = *ports;
    return pages;
}

void pages_free(struct pages *pages)
{
    if (!pages)
        return;
    free(pages->body);
    free(pages);
}

static void give_text(struct pages *pages, const char *text, struct ws_page *ret)
{
    free(pages->body);
    pages->body = strdup(text);
    ret->content_type = "text/plain; charset=utf-8";
    ret->body = pages->body;
    ret->length = pages->body ? strlen(text) : 0;
}

static bool make_front(struct pages *pages, bool open, struct ws_page *ret)
{
    const char *why_not = pages->ports.not_ready(pages->ports.ctx);
    struct pages_facts facts;
    char text[TEXT_MAX];

    (void)open;
    pages->ports.facts(pages->ports.ctx, &facts);
    snprintf(text, sizeof(text),
        "Joulebook %s\n"
        "An OCPP 1.6 central system that keeps the books.\n\n"
        "state      %s%s%s\n"
        "piles      %u known, %u connected\n\n"
        "piles      ws://HOST:PORT/ocpp/IDENTITY  (subprotocol ocpp1.6, Basic IDENTITY:key)\n"
        "metrics    /metrics  (Prometheus)\n"
        "liveness   /healthz\n"
        "readiness  /readyz\n",
        facts.version, why_not ? "not ready" : "ready", why_not ? ": " : "", why_not ? why_not : "",
        facts.piles_known, facts.piles_connected);
    ret->status = 200;
    give_text(pages, text, ret);
    return true;
}

/* The loop turns, or this would not be answered. */
static bool make_health(struct pages *pages, bool open, struct ws_page *ret)
{
    (void)open;
    ret->status = 200;
    give_text(pages, "ok\n", ret);
    return true;
}

static bool make_ready(struct pages *pages, bool open, struct ws_page *ret)
{
    const char *why_not = pages->ports.not_ready(pages->ports.ctx);
    char text[TEXT_MAX];

    ret->status = why_not ? 503 : 200;
    snprintf(text, sizeof(text), "%s\n", !why_not ? "ready" : open ? "not ready" : why_not);
    give_text(pages, text, ret);
    return true;
}

static bool make_metrics(struct pages *pages, bool open, struct ws_page *ret)
{
    (void)open;
    if (pages->ports.before_metrics)
        pages->ports.before_metrics(pages->ports.ctx);
    free(pages->body);
    pages->body = metrics_page(pages->metrics, &pages->length);
    ret->status = pages->body ? 200 : 503;
    ret->content_type = "text/plain; version=0.0.4; charset=utf-8";
    ret->body = pages->body;
    ret->length = pages->body ? pages->length : 0;
    return true;
}

/* A pile's address, looked at without asking for a websocket. */
static void make_upgrade_required(struct pages *pages, struct ws_page *ret)
{
    ret->status = 426;
    give_text(pages, "This is where piles connect, by websocket, with subprotocol ocpp1.6.\n", ret);
}

bool pages_get(
    struct pages *pages, const struct listener *listener, const char *path, struct ws_page *ret)
{
    static const struct {
        const char *path;
        page_make *make;
        uint32_t serve; /* 0: every listener */
    } table[] = {
        { "/", make_front, LISTENER_METRICS },
        { "/healthz", make_health, 0 },
        { "/readyz", make_ready, 0 },
        { "/metrics", make_metrics, LISTENER_METRICS },
    };
    uint32_t serves = listener_serves(listener);

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (!strcmp(path, table[i].path) && (!table[i].serve || serves & table[i].serve))
            return table[i].make(pages, !(serves & LISTENER_METRICS), ret);
    if ((strcmp(path, "/ocpp") && strncmp(path, "/ocpp/", 6)) || !(serves & LISTENER_OCPP))
        return false;
    make_upgrade_required(pages, ret);
    return true;
}
