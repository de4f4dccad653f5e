/* pages.h - what a plain HTTP GET is answered: a closed table of paths, made from memory.
 *
 * / and /metrics belong to listeners that serve metrics, the probes to every one; but why a node is
 * not ready is told on the former alone.  What strangers may ask costs next to nothing.
 * Loop thread only; a page's text lives until the next one is made.
 */
#ifndef CSMS_PAGES_H
#define CSMS_PAGES_H

#include "csms/ws.h"

struct metrics;
struct pages;

struct pages_facts {
    const char *version;
    uint32_t piles_known, piles_connected;
};

struct pages_ports {
    void *ctx;
    void (*facts)(void *ctx, struct pages_facts *ret);
    const char *(*not_ready)(void *ctx); /* why; NULL: it is ready */
    void (*before_metrics)(void *ctx); /* sets the gauges; may be NULL */
};

MUST_CHECK struct pages *pages_new(const struct metrics *, const struct pages_ports *);
void pages_free(struct pages *);
/* Has the type of ws_ports.page but for ctx. */
bool pages_get(struct pages *, const struct listener *, const char *path, struct ws_page *ret);

#endif
