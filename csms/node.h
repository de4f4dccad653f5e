/* node.h - one csmsd process: transport, core, lanes and workers put together.
 *
 * The node makes what the core asks for happen: a piece of work becomes a statement on a lane (or
 * with a worker, if it has to wait for a row), a send becomes a frame.  It watches the lanes,
 * holds the node's lock and writes the trace behind the answers.
 * A database that is away at start is waited for; until it is there nobody is admitted.
 * Loop thread only; nothing here blocks.
 */
#ifndef CSMS_NODE_H
#define CSMS_NODE_H

#include "csms/conf.h"
#include "csms/log.h"
#include "csms/loop.h"

struct node;

struct node_config {
    struct loop *loop;
    struct log *log;
    const struct conf *conf;
    const char *version;
};

enum { NODE_WHY_MAX = 512 };

/* NULL: ret_exit is the process's exit status (sysexits), why says it. */
MUST_CHECK struct node *node_new(
    const struct node_config *, int *ret_exit, char why[NODE_WHY_MAX]);
void node_free(struct node *);
/* Why the loop was stopped: 0, or an exit status. */
int node_status(const struct node *);
/* A new configuration is in force; the old one may go afterwards. */
void node_reload(struct node *, const struct conf *);
/* No new connection, no new work; `ended` is called when all connections are gone. */
void node_drain(struct node *, loop_call *ended, void *ctx);

#endif
