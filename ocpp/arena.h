/* arena.h - memory that is freed all at once: what a decoded payload is made of.
 *
 * Blocks never move.  One thread at a time.
 */
#ifndef OCPP_ARENA_H
#define OCPP_ARENA_H

#include "ocpp/types.h"

struct ocpp_arena_chunk;

struct ocpp_arena {
    struct ocpp_arena_chunk *chunks;
    size_t used;
};

void ocpp_arena_init(struct ocpp_arena *arena);
void ocpp_arena_done(struct ocpp_arena *arena); /* takes NULL and a zeroed one */

/* Zeroed and aligned for any member; NULL: no memory. */
MUST_CHECK void *ocpp_arena_take(struct ocpp_arena *arena, size_t size);

/* A copy of `length` bytes with a NUL after them; NULL: no memory. */
MUST_CHECK char *ocpp_arena_copy(struct ocpp_arena *arena, const char *text, size_t length);

#endif
