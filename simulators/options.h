/* options.h - the command line of pilesim's own subcommands. */
#ifndef SIMULATORS_OPTIONS_H
#define SIMULATORS_OPTIONS_H

#include "simulators/fleet.h"

enum sim_exit {
    SIM_EXIT_OK = 0,
    SIM_EXIT_DIFFERENT = 1, /* a charge was refused, a message lost, the truth not written */
    SIM_EXIT_USAGE = 2,
    SIM_EXIT_FILE = 3,     /* fleet, keys or truth cannot be used */
    SIM_EXIT_UNREACHED = 4 /* the central system did not let the piles work in time */
};

enum { SIM_CHARGES_MAX = 64 };

struct sim_options {
    bool catch_up;
    const char *url, *fleet, *truth, *keys, *ca;
    uint64_t seed;
    int64_t piles;      /* of the fleet's, the first; 0: all */
    int64_t duration_s; /* 0: until stopped */
    int64_t give_up_s;  /* 0: never */
    int64_t interval_s; /* between readings; -1: as the fleet says */
    int64_t days, open, pace_ms;
    int64_t sessions;       /* of each connector */
    int64_t sessions_total; /* of all connectors together, at least */
    int64_t attempts, retry_s, timeout_s; /* -1: the keys' defaults */
    bool once;
    struct sim_key key;
    struct sim_charge charges[SIM_CHARGES_MAX];
    uint32_t charge_count;
};

enum sim_parsed { SIM_PARSED, SIM_PARSED_HELP, SIM_PARSED_WRONG };

/* Takes argv behind the subcommand's name; help and errors are printed. */
__attribute__((warn_unused_result)) enum sim_parsed sim_options_read(
    struct sim_options *ret, bool backfill, int argc, char **argv);

#endif
