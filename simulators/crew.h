/* crew.h - the piles of one run, made from the options and the fleet file. */
#ifndef SIMULATORS_CREW_H
#define SIMULATORS_CREW_H

#include "simulators/options.h"
#include "simulators/pile.h"

struct sim_crew {
    struct sim_fleet fleet;
    struct sim_pile *piles;
    uint32_t count;
};

struct sim_totals {
    struct sim_counts counts;
    uint64_t queued, open;
    uint32_t up, charging;
};

/* Reads fleet and keys, opens the truths, plans the charges asked for.  `ports` must live. */
__attribute__((warn_unused_result)) bool sim_crew_init(struct sim_crew *,
    const struct sim_options *, const struct sim_ports *ports, struct sim_now,
    struct sim_error *ret_error);
void sim_crew_done(struct sim_crew *);

void sim_crew_total(const struct sim_crew *, struct sim_totals *ret);

/* True while a charge that was asked for is not over. */
bool sim_crew_asked(const struct sim_crew *);

/* Nothing is going on and nothing is owed anywhere. */
bool sim_crew_idle(const struct sim_crew *);

/* May this stop leave, if more than `least` sessions are to stay open?  Counts what the system can
 * have seen; says yes as well once no other pile could open one. */
bool sim_crew_may_stop(const struct sim_crew *, const struct sim_pile *, int64_t least);

#endif
