/* run.h - lets a fleet live: the loop, the piles, the wire, the progress lines. */
#ifndef SIMULATORS_RUN_H
#define SIMULATORS_RUN_H

#include "simulators/options.h"

/* Returns the exit status. */
int sim_run(const struct sim_options *);

#endif
