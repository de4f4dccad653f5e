/* cluster.h - databases for tests.
 *
 * JOULEBOOK_TEST_PG holds the conninfo of a running throw-away cluster; without it the first call
 * starts one with tests/cluster.sh and removes it when the process ends.  Tests that stop servers
 * have a cluster of their own.  A failure here ends the test.
 */
#ifndef TESTS_DB_CLUSTER_H
#define TESTS_DB_CLUSTER_H

#include "db/conn.h"

#include <stdbool.h>

enum { CLUSTER_TEXT_MAX = 256 };

struct cluster {
    char dir[CLUSTER_TEXT_MAX];
    char conninfo[CLUSTER_TEXT_MAX];
};

/* To be called by main() before any test forks. */
void cluster_need(void);

/* A new, empty database of the shared cluster; its conninfo is written to `ret`. */
void cluster_database(char ret[CLUSTER_TEXT_MAX]);

/* The same in another cluster. */
void cluster_database_of(const char *base, char ret[CLUSTER_TEXT_MAX]);

/* A cluster of the test's own. */
void cluster_start(struct cluster *, bool durable);
void cluster_halt(const struct cluster *);
void cluster_resume(const struct cluster *);
void cluster_stop(const struct cluster *);

struct db_conn *cluster_connect(const char *conninfo);
void cluster_exec(const char *conninfo, const char *script);

/* The first column of the first row, an integer of any width. */
int64_t cluster_number(const char *conninfo, const char *query);

#endif
