/* alloc.c - see alloc.h.  Any thread, once the hook is set. */
#include "db/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *libc_realloc(void *pointer, size_t size)
{
    if (size == 0) {
        free(pointer);
        return NULL;
    }
    return realloc(pointer, size);
}

static db_realloc_fn *hook = libc_realloc;

void db_set_realloc(db_realloc_fn *fn)
{
    hook = fn ? fn : libc_realloc;
}

void *db_realloc(void *pointer, size_t size)
{
    return hook(pointer, size);
}

void *db_alloc_zero(size_t size)
{
    void *pointer = hook(NULL, size);

    if (pointer)
        memset(pointer, 0, size);
    return pointer;
}

char *db_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = hook(NULL, size);

    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void db_free(void *pointer)
{
    if (pointer)
        (void)hook(pointer, 0);
}
