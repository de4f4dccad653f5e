/* fault.h - the daemon's own faults, for tests alone: compiled in with -Dtests_fault=true.
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
#include "csms/fault_crash.h"

struct node;

#ifdef JOULEBOOK_TESTS_FAULT
/* True: the work was taken, wrongly. */
bool fault_early(struct node *, const struct core_work *);
#else
#define fault_early(node, work)     ((void)(node), (void)(work), false)
#endif

#endif
