/* roster.h - what the node reads of the database by itself: the directory and waiting commands, at
 * each notification and by the clock; by the clock alone the server's time, the piles that other
 * nodes took over, and what dead nodes left.
 *
 * Workers that do nothing else do the reading; the loop never waits.  A station whose key was
 * revoked, or that was blocked, loses its connection.  Loop thread only.
 */
#ifndef CSMS_ROSTER_H
#define CSMS_ROSTER_H

#include "csms/core/core.h"
#include "csms/core/directory.h"
#include "csms/worker.h"

struct roster;

struct roster_config {
    struct loop *loop;
    struct workers *workers;
    struct core_directory *directory;
    struct core *core;
    struct log *log;
    int64_t node;
};

MUST_CHECK struct roster *roster_new(const struct roster_config *);
/* After the workers are gone. */
void roster_free(struct roster *);
/* Looks now, unless it is looking already; then once more afterwards. */
void roster_directory(struct roster *);
void roster_commands(struct roster *);
void roster_clock(struct roster *);
void roster_moved(struct roster *); /* the piles that other nodes took from us */
/* The same, and what dead nodes left open; some time apart, which is how they are told. */
void roster_others(struct roster *);
/* By how much the server's clock is ahead of ours, as last seen. */
int64_t roster_behind_us(const struct roster *);
/* When both the directory and the clock had been looked at last, by the loop's clock. */
uint64_t roster_looked_ms(const struct roster *);
/* Rows that could not be understood, so that their stations are not let in. */
uint64_t roster_unreadable(const struct roster *);
/* Changes may have been missed: the next look reads everything. */
void roster_reload(struct roster *);
bool roster_loaded(const struct roster *);

#endif
