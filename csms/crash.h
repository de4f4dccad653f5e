/* crash.h - named places at which a test makes the daemon die, compiled in with -Dcrashpoints=true.
 *
 * JOULEBOOK_CRASH_AT=PLACE.SUBJECT[:N] kills the process with SIGKILL when it passes there for the
 * N-th time (the first without N).  Places: before_submit, after_submit, after_commit, after_answer
 * with a statement as subject (after_commit.start), and before_post.settle, after_post.settle.
 */
#ifndef CSMS_CRASH_H
#define CSMS_CRASH_H

#ifdef JOULEBOOK_CRASHPOINTS
void crash_point(const char *place, const char *subject);
#else
#define crash_point(place, subject) ((void)(place), (void)(subject))
#endif

#endif
