/* resolve.c - see resolve.h.  Between the start of a thread and its end, told by the wake, only the
 * thread touches the answer. */
#include "csms/resolve.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct resolve {
    struct resolve_config config;
    struct loop_wake *wake;
    pthread_t thread;
    bool under_way; /* a thread is to be joined */
    atomic_bool ended;
    bool ok;
    char conninfo[DB_ADDRESS_MAX], why[DB_ADDRESS_WHY_MAX];
};

static void *look_up(void *ctx)
{
    struct resolve *resolve = ctx;

    resolve->ok = db_address_find(
        resolve->config.conninfo, resolve->config.lookup, resolve->conninfo, resolve->why);
    atomic_store(&resolve->ended, true);
    loop_wake_send(resolve->wake);
    return NULL;
}

static void tell(void *ctx)
{
    struct resolve *resolve = ctx;

    if (!resolve->under_way || !atomic_load(&resolve->ended))
        return;
    pthread_join(resolve->thread, NULL);
    resolve->under_way = false;
    resolve->config.found(
        resolve->config.ctx, resolve->ok ? resolve->conninfo : NULL, resolve->why);
}

struct resolve *resolve_new(const struct resolve_config *config)
{
    struct resolve *resolve = calloc(1, sizeof *resolve);

    if (resolve == NULL)
        return NULL;
    resolve->config = *config;
    resolve->wake = loop_wake_new(config->loop, tell, resolve);
    if (resolve->wake == NULL) {
        free(resolve);
        return NULL;
    }
    return resolve;
}

void resolve_free(struct resolve *resolve)
{
    if (resolve == NULL)
        return;
    if (resolve->under_way)
        pthread_join(resolve->thread, NULL);
    loop_wake_free(resolve->wake);
    free(resolve);
}

/* Signals belong to the loop's thread.  Without a thread now there is another chance later. */
void resolve_ask(struct resolve *resolve)
{
    sigset_t all, before;

    if (resolve->under_way)
        return;
    atomic_store(&resolve->ended, false);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    resolve->under_way = pthread_create(&resolve->thread, NULL, look_up, resolve) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
