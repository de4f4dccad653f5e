/* arena.c - chunks of growing size; each request is cut from the newest. */
#include "ocpp/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 8192, ALIGNMENT = _Alignof(max_align_t) };

struct ocpp_arena_chunk {
    struct ocpp_arena_chunk *next;
    size_t size;
    _Alignas(max_align_t) unsigned char bytes[];
};

void ocpp_arena_init(struct ocpp_arena *arena)
{
    *arena = (struct ocpp_arena){0};
}

void ocpp_arena_done(struct ocpp_arena *arena)
{
    struct ocpp_arena_chunk *chunk, *next;

    if (arena == NULL)
        return;
    for (chunk = arena->chunks; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    ocpp_arena_init(arena);
}

/* Doubling keeps the number of chunks small for a large payload. */
static bool add_chunk(struct ocpp_arena *arena, size_t least)
{
    size_t size = arena->chunks == NULL ? CHUNK_BYTES : arena->chunks->size * 2;
    struct ocpp_arena_chunk *chunk;

    if (size < least)
        size = least;
    chunk = malloc(sizeof(*chunk) + size);
    if (chunk == NULL)
        return false;
    chunk->next = arena->chunks;
    chunk->size = size;
    arena->chunks = chunk;
    arena->used = 0;
    return true;
}

void *ocpp_arena_take(struct ocpp_arena *arena, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *block;

    assert(rounded >= size);
    if (arena->chunks == NULL || arena->chunks->size - arena->used < rounded)
        if (!add_chunk(arena, rounded))
            return NULL;
    block = arena->chunks->bytes + arena->used;
    arena->used += rounded;
    return memset(block, 0, size);
}

char *ocpp_arena_copy(struct ocpp_arena *arena, const char *text, size_t length)
{
    char *copy = ocpp_arena_take(arena, length + 1);

    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}
