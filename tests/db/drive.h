/* drive.h - a lane on a poll() loop of the test's own, and what came of its members.
 *
 * Tests wait for what they assert, never for a time: a machine may be busy.  Where the lane's own
 * times are tested, its clock is stopped and moved by hand.
 */
#ifndef TESTS_DB_DRIVE_H
#define TESTS_DB_DRIVE_H

#include "db/lane.h"

#include <stdbool.h>

enum {
    DRIVE_TOKENS_MAX = 70000,
    DRIVE_LINE_MAX = 200,
    DRIVE_PATIENCE_MS = 60000, /* who waits as long waits for what will not come */
};

struct drive {
    struct db_lane *lane;
    int fd;
    bool read, write;
    uint64_t alarm_ms;
    uint64_t stopped_ms; /* the lane's time while its clock stands; 0: it runs */
    uint64_t ahead_ms;   /* of a running clock, modulo 2^64 */
    int done_count, events[8];
    char last[8][DRIVE_LINE_MAX];             /* the last detail of each event */
    enum db_result results[DRIVE_TOKENS_MAX]; /* by token; DB_RESULT_COUNT: not done */
    int64_t values[DRIVE_TOKENS_MAX];         /* the row's second column */
    int order[DRIVE_TOKENS_MAX];              /* how many were done before it */
    bool in_submit;
    struct db_args args;
};

uint64_t drive_now(void);

/* Statements of the test schema below; the lane's table. */
enum { PUT, ROWS, MARK, DRIVE_STATEMENTS };
extern const struct db_statement drive_statements[DRIVE_STATEMENTS];
extern const char drive_schema[];

/* A lane on those statements.  `durability_test` as in the lane's configuration. */
struct drive *drive_new(const char *conninfo, bool durability_test);
struct drive *drive_new_on(const struct db_lane_config *);
void drive_free(struct drive *);

/* One round of the loop, at most `wait_ms`. */
void drive_turn(struct drive *, int wait_ms);

/* Until it is so, or false when patience ends.  Commits: probes included.  Active: the lane's
 * backend runs a statement whose text begins so. */
bool drive_until_done(struct drive *, int count);
bool drive_until_up(struct drive *);
bool drive_until_event(struct drive *, enum db_lane_event, int count);
bool drive_until_commits(struct drive *, uint64_t count);
bool drive_until_busy(struct drive *, uint64_t count);
bool drive_until_active(struct drive *, const char *conninfo, const char *query);

/* For what must not happen meanwhile. */
void drive_for(struct drive *, uint64_t ms);

/* The lane's time; stands from stop to go on but for what is made to pass. */
uint64_t drive_clock(const struct drive *);
void drive_clock_stop(struct drive *);
void drive_clock_pass(struct drive *, uint64_t ms);
void drive_clock_go(struct drive *);

/* Members `gate` end, and commits of members `slow`, once it is open. */
void drive_gate_open(const char *conninfo);

/* put(id, what): false when the queue is full. */
bool drive_put(struct drive *, uint64_t token, int64_t id, const char *what);
/* One member of `count` rows from `id` on; with a note of the caller's. */
bool drive_rows(struct drive *, uint64_t token, int64_t id, int count);
bool drive_notes(struct drive *, uint64_t token, int64_t id, int count, const char *note);

#endif
