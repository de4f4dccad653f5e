/* nth.c - lets the N-th allocation, or the N-th call of libpq, of a running csmsd fail: for tests.
 *
 * Built into csmsd with -Dtests_fault=true; the linker sends there what csmsd's own code calls
 * (--wrap), of whatever thread.  JOULEBOOK_NTH names a file that nth.py maps too: it arms, and
 * reads what has failed.  Without the variable nothing ever fails.
 *
 * Allocations are those of csmsd's own code, of which cJSON gets its memory.  Not those of
 *  - libev, which aborts by design when it gets none (ev_realloc);
 *  - libwebsockets 4.1.6, which is not patched here and does not look at each of its own;
 *  - libpq, libcrypto, zlib and the C library: that they failed is what their functions then say,
 *    and of libpq's each is made to say so here;
 *  - libconfuse, which reads the settings before anything is served, and does not look either.
 *
 * A function of libpq fails here as it does when it finds no memory, or no connection any more.
 */
#include <libpq-fe.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum kind { ALLOCATION = 1, LIBPQ = 2 };
enum who { ANYBODY = 0, LOOP = 1, OTHERS = 2 }; /* the thread of the loop, all but that */

/* The same as in nth.py. */
struct nth {
    atomic_int kind; /* 0: nothing fails */
    int who;
    int lasts; /* 1: all that come after it fail too */
    atomic_int failed;
    atomic_long left;
    char what[64]; /* that failed first */
};

static struct nth *nth;

__attribute__((constructor)) static void nth_map(void)
{
    const char *path = getenv("JOULEBOOK_NTH");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map;

    if (fd < 0)
        return;
    map = mmap(NULL, sizeof *nth, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED)
        nth = map;
}

static bool is_meant(enum kind kind)
{
    static _Thread_local enum who me;

    if (nth == NULL || atomic_load(&nth->kind) != (int)kind)
        return false;
    if (me == ANYBODY)
        me = gettid() == getpid() ? LOOP : OTHERS;
    return nth->who == ANYBODY || nth->who == (int)me;
}

static bool fails(enum kind kind, const char *what, const void *caller)
{
    extern const char __executable_start[];
    long left;

    if (!is_meant(kind))
        return false;
    left = atomic_fetch_sub(&nth->left, 1);
    if (left > 1 || (left < 1 && nth->lasts == 0))
        return false;
    if (left == 1) {
        snprintf(nth->what, sizeof nth->what, "%s at 0x%lx", what,
            (unsigned long)((const char *)caller - __executable_start));
        atomic_store(&nth->failed, 1);
    }
    return true;
}

#define FAILS(kind, what) fails(kind, what, __builtin_return_address(0))

/* The linker finds name in the place of NAME that csmsd's objects ask for. */
#define WRAP(type, name, parameters, arguments, kind, failure)                                     \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (FAILS(kind, #name))                                                                    \
            return failure;                                                                        \
        return __real_##name arguments;                                                            \
    }

WRAP(void *, malloc, (size_t size), (size), ALLOCATION, NULL)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), ALLOCATION, NULL)
WRAP(void *, realloc, (void *pointer, size_t size), (pointer, size), ALLOCATION, NULL)
WRAP(char *, strdup, (const char *text), (text), ALLOCATION, NULL)
WRAP(char *, strndup, (const char *text, size_t length), (text, length), ALLOCATION, NULL)

WRAP(PGconn *, PQconnectStartParams,
    (const char *const *keys, const char *const *values, int expand), (keys, values, expand), LIBPQ,
    NULL)
WRAP(PGconn *, PQconnectdbParams, (const char *const *keys, const char *const *values, int expand),
    (keys, values, expand), LIBPQ, NULL)
WRAP(PQconninfoOption *, PQconninfoParse, (const char *text, char **error), (text, error), LIBPQ,
    NULL)
WRAP(PQconninfoOption *, PQconndefaults, (void), (), LIBPQ, NULL)
WRAP(PostgresPollingStatusType, PQconnectPoll, (PGconn * conn), (conn), LIBPQ, PGRES_POLLING_FAILED)
WRAP(int, PQsetnonblocking, (PGconn * conn, int value), (conn, value), LIBPQ, -1)
WRAP(int, PQenterPipelineMode, (PGconn * conn), (conn), LIBPQ, 0)
WRAP(int, PQsendQuery, (PGconn * conn, const char *text), (conn, text), LIBPQ, 0)
WRAP(int, PQsendQueryParams,
    (PGconn * conn, const char *text, int count, const Oid *types, const char *const *values,
        const int *lengths, const int *formats, int format),
    (conn, text, count, types, values, lengths, formats, format), LIBPQ, 0)
WRAP(int, PQsendPrepare,
    (PGconn * conn, const char *name, const char *text, int count, const Oid *types),
    (conn, name, text, count, types), LIBPQ, 0)
WRAP(int, PQsendDescribePrepared, (PGconn * conn, const char *name), (conn, name), LIBPQ, 0)
WRAP(int, PQsendQueryPrepared,
    (PGconn * conn, const char *name, int count, const char *const *values, const int *lengths,
        const int *formats, int format),
    (conn, name, count, values, lengths, formats, format), LIBPQ, 0)
WRAP(int, PQpipelineSync, (PGconn * conn), (conn), LIBPQ, 0)
WRAP(int, PQconsumeInput, (PGconn * conn), (conn), LIBPQ, 0) /* its buffer cannot grow */

int __real_PQflush(PGconn *conn);
int __wrap_PQflush(PGconn *conn);
PGresult *__real_PQgetResult(PGconn *conn);
PGresult *__wrap_PQgetResult(PGconn *conn);
PGnotify *__real_PQnotifies(PGconn *conn);
PGnotify *__wrap_PQnotifies(PGconn *conn);

/* It says so only when the connection is gone. */
int __wrap_PQflush(PGconn *conn)
{
    if (!FAILS(LIBPQ, "PQflush"))
        return __real_PQflush(conn);
    (void)shutdown(PQsocket(conn), SHUT_RDWR);
    return -1;
}

/* A result for which there is no memory is one that says so, without a SQLSTATE.  That of a Sync is
 * an exception: it never comes, and is left alone here. */
PGresult *__wrap_PQgetResult(PGconn *conn)
{
    PGresult *result = __real_PQgetResult(conn);

    if (result == NULL || PQresultStatus(result) == PGRES_PIPELINE_SYNC ||
        !FAILS(LIBPQ, "PQgetResult"))
        return result;
    PQclear(result);
    return PQmakeEmptyPGresult(conn, PGRES_FATAL_ERROR);
}

/* What finds no memory is passed over in silence. */
PGnotify *__wrap_PQnotifies(PGconn *conn)
{
    PGnotify *notify = __real_PQnotifies(conn);

    if (notify == NULL || !FAILS(LIBPQ, "PQnotifies"))
        return notify;
    PQfreemem(notify);
    return __real_PQnotifies(conn);
}
