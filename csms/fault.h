/* fault.h - the daemon's own faults, for tests alone: compiled in with -Dtests_fault=true.
 *
 * JOULEBOOK_CRASH_AT=PLACE.SUBJECT[:N] kills the process with SIGKILL when it passes there for the
 * N-th time (the first without N).  Places, with a statement as subject (after_commit.start):
 * before_submit and after_submit where a lane is given it, before_commit where a worker sends it,
 * after_commit where its result is there, and after_answer where the core has had it; the frame
 * log, the door's and what was heard have no result.  commit_sent with a lane (commit_sent.money).
 * before_write and after_write of frame and close.
 *
 * SIGUSR1 reads PLACE.SUBJECT[:N] anew, from the file JOULEBOOK_CRASH_FILE, and counts from there.
 *
 * JOULEBOOK_FAULT=answer_unstored confirms MeterValues without the database, in the next turn of
 * the loop: what tests/bench compares the daemon with.
 *
 * JOULEBOOK_FAULT=answer_before_commit confirms StopTransaction and MeterValues at once and stores
 * them a second later: the daemon that nobody must write, to see that the tests would catch it.
 */
#ifndef CSMS_FAULT_H
#define CSMS_FAULT_H

#include "csms/core/work.h"

struct node;

#ifdef JOULEBOOK_TESTS_FAULT
void crash_point(const char *place, const char *subject);
/* True: the work was taken, wrongly. */
bool fault_early(struct node *, const struct core_work *);
#else
#define crash_point(place, subject) ((void)(place), (void)(subject))
#define fault_early(node, work)     ((void)(node), (void)(work), false)
#endif

#endif
