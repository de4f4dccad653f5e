/* fault_crash.h - places where the daemon dies when told to, for tests alone: -Dtests_fault=true.
 *
 * JOULEBOOK_CRASH_AT=PLACE.SUBJECT[:N] kills the process with SIGKILL when it passes there for the
 * N-th time (the first without N).  Places, with a statement as subject (after_commit.start):
 * before_submit and after_submit where a lane is given it, before_commit where a worker sends it,
 * after_commit where its result is there, and after_answer where the core has had it; the frame
 * log, the door's and what was heard have no result.  commit_sent with a lane (commit_sent.money).
 * before_write and after_write of frame, close, upgrade (the 101) and answer (any other HTTP).
 *
 * SIGUSR1 reads PLACE.SUBJECT[:N] anew, from the file JOULEBOOK_CRASH_FILE, and counts from there.
 */
#ifndef CSMS_FAULT_CRASH_H
#define CSMS_FAULT_CRASH_H

#ifdef JOULEBOOK_TESTS_FAULT
void crash_point(const char *place, const char *subject);
#else
#define crash_point(place, subject) ((void)(place), (void)(subject))
#endif

#endif
