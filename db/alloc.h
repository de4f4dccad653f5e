/* alloc.h - the one allocator of db/, so that a test can make the N-th allocation fail.
 *
 * Internal.  The hook is set before any thread starts.
 */
#ifndef DB_ALLOC_H
#define DB_ALLOC_H

#include <stddef.h>

/* realloc's contract, except that size 0 frees and gives NULL. */
typedef void *db_realloc_fn(void *pointer, size_t size);

void db_set_realloc(db_realloc_fn *); /* NULL: libc's */

void *db_realloc(void *pointer, size_t size);
void *db_alloc_zero(size_t size);
char *db_strdup(const char *text);
void db_free(void *pointer);

#endif
