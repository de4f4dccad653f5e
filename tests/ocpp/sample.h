/* sample.h - payloads made from the field tables: valid by the official schema and by the prose.
 *
 * For tests and the seeds of fuzzing: the same seed makes the same payload.
 */
#ifndef TESTS_OCPP_SAMPLE_H
#define TESTS_OCPP_SAMPLE_H

#include "ocpp/arena.h"
#include "ocpp/describe.h"

enum ocpp_sample_size {
    OCPP_SAMPLE_LEAST,  /* required members only, short, arrays as small as they may be */
    OCPP_SAMPLE_SOME,   /* each optional member or not, as the seed says */
    OCPP_SAMPLE_ALL,    /* every member */
    OCPP_SAMPLE_LARGEST /* every member, strings at their maximum, arrays of several */
};

/* A struct ocpp_<action>_req or _conf whose memory is the arena's; NULL: no memory. */
MUST_CHECK const void *ocpp_sample(enum ocpp_action action, bool confirmation,
    enum ocpp_sample_size size, uint64_t seed, struct ocpp_arena *arena);

#endif
