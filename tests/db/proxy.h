/* proxy.h - stands between a lane and the server, in a process of its own, and does harm.
 *
 * One connection at a time, over unix sockets.  The orders are in shared memory; each is carried
 * out once (`done` counts) and then the proxy passes everything again.
 */
#ifndef TESTS_DB_PROXY_H
#define TESTS_DB_PROXY_H

#include "tests/db/cluster.h"

#include <stdint.h>
#include <sys/types.h>

enum proxy_order {
    PROXY_PASS,
    PROXY_CUT_COMMIT_ANSWER, /* the server has committed; its answer is thrown away, the line cut */
    PROXY_CUT_COMMIT,        /* the client's COMMIT does not arrive */
    PROXY_CUT_TO_SERVER,     /* after `bytes` more to the server */
    PROXY_CUT_TO_CLIENT,     /* after `bytes` more to the client */
    PROXY_WARN_AT_COMMIT,    /* as if the wait for the standby had been cancelled */
    PROXY_STALL,             /* nothing passes any more, nothing is closed */
};

struct proxy_control {
    volatile enum proxy_order order;
    volatile int64_t bytes;
    volatile int done, connections;
    volatile int repeat; /* carry the order out so many times more */
};

struct proxy {
    struct proxy_control *control;
    pid_t pid;
    char dir[64];
    char conninfo[CLUSTER_TEXT_MAX];
};

void proxy_start(struct proxy *, const char *conninfo);
void proxy_stop(struct proxy *);

#endif
