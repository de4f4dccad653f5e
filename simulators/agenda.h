/* agenda.h - which pile wants a tick next: a heap over the piles of a run.
 *
 * Holds pointers to piles that must outlive it; `place` and `due_ms` of a pile are the agenda's.
 */
#ifndef SIMULATORS_AGENDA_H
#define SIMULATORS_AGENDA_H

#include "simulators/pile.h"

struct sim_agenda {
    struct sim_pile **heap;
    uint32_t count;
};

/* All piles, each due at once. */
__attribute__((warn_unused_result)) bool sim_agenda_init(
    struct sim_agenda *, struct sim_pile *piles, uint32_t count);
void sim_agenda_done(struct sim_agenda *);
void sim_agenda_set(struct sim_agenda *, struct sim_pile *, uint64_t due_ms);
struct sim_pile *sim_agenda_first(const struct sim_agenda *);

#endif
