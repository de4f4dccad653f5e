/* lane.h - one libpq connection in pipeline mode on the owner's loop, with group commit.
 *
 * What is submitted while a batch is in flight forms the next batch; a batch is one transaction.
 * A member is done only when the COMMIT itself has come back without an error or a warning.
 *  - A batch that fails is run again without the member whose CALL failed, which then runs alone;
 *    where nobody can be blamed (a BULK, the COMMIT) in halves, down to single members.  So a bad
 *    member harms only itself and costs a few commits, not one for each of the others.
 *  - A CALL that answers `busy`, or waits for a lock for more than 100 ms, joins the next batch,
 *    then one every 50 ms, and is done DB_BUSY after 2 s.
 *  - When the connection is lost with a batch in flight its outcome is unknown: it is run again in
 *    a transaction that also writes the lane's mark.  Statements are therefore idempotent.
 *  - While the server is away, members wait in the queue.  Nothing is answered for them.
 *  - Members of many rows queue apart.  After a batch of them as much time as it took belongs to
 *    the others, also if none waits yet.  So whatever some senders flood the lane with, the others
 *    wait for one large batch at most, and mostly for none.
 *  - A server with fsync or full_page_writes off, in recovery, or on an older timeline than was
 *    seen before is refused, unless durability_test (which accepts the first two).
 *
 * Order: CALLs of one batch run in the order of their submission; the rows of BULKs of the same
 * statement run as one execution, before the batch's CALLs.  Batches run in order.  A member that
 * was large, busy or bad may come later than that; who needs an order waits for `done`.
 * Every accepted member gets exactly one `done`, except those left when the lane is freed.
 * One thread, the loop's.  Never blocks, reads no clock, writes no log.
 */
#ifndef DB_LANE_H
#define DB_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "db/args.h"
#include "db/result.h"
#include "db/row.h"
#include "db/statement.h"

enum {
    DB_LANE_BATCH_MEMBERS_MAX = 2048,
    DB_LANE_BATCH_BYTES_MAX = 4 * 1024 * 1024, /* but at least one member, however large */
    DB_LANE_BATCH_ROWS_MAX = 4000,             /* the same */
    DB_LANE_LARGE_ROWS = 16,                   /* a member with more is large */
    DB_LANE_BATCHES_MAX = 32,                  /* waiting, of either kind: 65,536 members each */
    DB_LANE_QUEUE_BYTES_MAX = 64 * 1024 * 1024,
    DB_LANE_LARGE_BYTES_MAX = 16 * 1024 * 1024, /* the large ones' share, but at least one member */
    DB_LANE_LARGE_PAUSE_MAX_MS = 1000,          /* after a large batch, however long it took */
    DB_LANE_BUSY_MAX = 4096,
    DB_LANE_BUSY_BATCH_MAX = 256, /* busy members that join one batch */
    DB_LANE_WINDOW_MS = 1,
    DB_LANE_WINDOW_MEMBERS = 64, /* enough to go without waiting for the window */
    DB_LANE_BUSY_RETRY_MS = 50,
    DB_LANE_BUSY_LIMIT_MS = 2000,
    DB_LANE_PROBE_MS = 2000,
    DB_LANE_CONNECT_MS = 5000, /* from the first packet to the last PREPARE */
    DB_LANE_STALL_MS = 30000,  /* a batch without any answer: the line is dead */
    DB_LANE_BACKOFF_MIN_MS = 100,
    DB_LANE_BACKOFF_MAX_MS = 5000,
    DB_LANE_TRIES_MAX = 3, /* of a member alone whose failure may pass */
};

enum db_lane_event {
    DB_LANE_UP,         /* connected, checked, prepared; detail: the server's version */
    DB_LANE_LOST,       /* connection lost or not made; detail: why */
    DB_LANE_SERVER,     /* the server is refused; detail: why */
    DB_LANE_UNPREPARED, /* a statement cannot be prepared; detail: its name and the SQLSTATE */
    DB_LANE_AGAIN,      /* a batch of unknown outcome is run again; detail: why */
    DB_LANE_SPLIT,      /* a batch failed and is run again in parts; detail: statement, SQLSTATE */
    DB_LANE_FAILED,     /* a single member failed; detail: statement, SQLSTATE, constraint */
    DB_LANE_SENT,       /* a batch has left, its COMMIT too; every time, and not for the log */
};

/* `watch`: what the lane wants to hear about fd; both false: forget the fd, now, before it is
 * closed (it may come back as another connection's: register it anew).
 * `alarm`: the lane has one alarm, each call replaces it; UINT64_MAX: none.  The owner calls
 * db_lane_alarm at that time, never from inside the port.
 * `event`: for the log.  Details are never NULL, and hold no parameter values and no passwords. */
struct db_lane_ports {
    void *ctx;
    void (*watch)(void *ctx, int fd, bool want_read, bool want_write);
    void (*alarm)(void *ctx, uint64_t at_mono_ms);
    void (*event)(void *ctx, enum db_lane_event, const char *detail);
};

struct db_lane_config {
    const char *conninfo; /* db_address_of: KNOWN.  NULL: none is known yet */
    const char *name; /* application_name is joulebook/<name> */
    bool durability_test;
    const struct db_statement *statements; /* NULL: db_statements */
    uint32_t statement_count;
};

struct db_lane_stats {
    uint64_t submitted, refused_full, commits, rows, executions, busy, split, unknown, lost, probes;
    uint64_t done[DB_RESULT_COUNT];
    uint64_t batch_members_max, batch_rows_max, batch_ms_total, batch_ms_max;
    uint32_t queued; /* members not yet done, in flight ones included */
    size_t queued_bytes;
};

struct db_lane;

/* `row` only from a CALL that came to DB_OK or DB_REFUSED, and NULL in DB_REFUSED if the statement
 * itself failed and nothing was stored. */
typedef void db_done(void *ctx, uint64_t token, enum db_result, const struct db_row *row);

/* Connects from the first alarm on (asked for before this returns).  NULL: no memory, or the
 * connection string cannot be read or names a host without its address, which libpq would resolve
 * and block.  Copies the configuration, except the statements' table. */
MUST_CHECK struct db_lane *db_lane_new(const struct db_lane_config *, const struct db_lane_ports *);

/* From the next attempt to connect on; copied.  False: as with db_lane_new, and nothing changed. */
MUST_CHECK bool db_lane_address(struct db_lane *, const char *conninfo);

/* Calls no `done`; closes the connection, which rolls back what was not committed.
 * Not from inside `done`. */
void db_lane_free(struct db_lane *);

void db_lane_ready(struct db_lane *, bool readable, bool writable, uint64_t now_ms);
void db_lane_alarm(struct db_lane *, uint64_t now_ms);

struct db_work {
    enum db_stmt stmt;
    const struct db_args *args; /* copied */
    db_done *done;              /* never from inside submit; NULL: nobody waits */
    void *ctx;
    uint64_t token;
};

/* False: the queue is full or the arguments are not ok; `done` will not come. */
MUST_CHECK bool db_lane_submit(struct db_lane *, const struct db_work *, uint64_t now_ms);

/* Connected, checked and prepared. */
bool db_lane_up(const struct db_lane *);

/* Age of the oldest work that is not committed, an overdue probe and a missing connection included;
 * 0: none. */
uint64_t db_lane_oldest_ms(const struct db_lane *, uint64_t now_ms);

struct db_lane_stats db_lane_stats(const struct db_lane *);

#endif
