/* listen.c - see listen.h.
 *
 * One query at a time, in libpq's simple asynchronous mode: the lock, then LISTEN; after that only
 * notifications and a probe every 2 s, which tells a dead line from a quiet one.
 */
#include "db/listen.h"

#include "db/address.h"
#include "db/alloc.h"
#include "db/statement.h"

#include <libpq-fe.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
    CONNECT_MS = 5000, /* from the first packet to LISTEN */
    PROBE_MS = 2000,
    ANSWER_MS = 6000, /* of a probe: the line is dead after it */
    OTHER_MS = 1000,  /* between two tries to get the lock */
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 2000,
};

enum state {
    OFF, /* no connection until due_ms */
    CONNECTING,
    LOCKING,   /* the lock was asked for */
    WAITING,   /* somebody else has it: asked again at due_ms */
    LISTENING, /* LISTEN was sent */
    UP,
    PROBING, /* up, a probe is out */
};

struct db_listen {
    struct db_listen_ports ports;
    char *conninfo;
    int64_t node;
    enum state state;
    PGconn *conn;
    int fd;
    bool fd_read, fd_write;
    uint64_t now_ms, due_ms, alarm_ms;
    uint32_t backoff_ms;
    uint64_t random;
};

static void tell(
    struct db_listen *listen, enum db_listen_event event, const char *channel, const char *detail)
{
    listen->ports.event(listen->ports.ctx, event, channel, detail);
}

static void unwatch(struct db_listen *listen)
{
    if (listen->fd >= 0)
        listen->ports.watch(listen->ports.ctx, listen->fd, false, false);
    listen->fd = -1;
}

static void watch(struct db_listen *listen, bool want_read, bool want_write)
{
    int fd = PQsocket(listen->conn);

    if (fd == listen->fd && want_read == listen->fd_read && want_write == listen->fd_write)
        return;
    listen->fd = fd;
    listen->fd_read = want_read;
    listen->fd_write = want_write;
    listen->ports.watch(listen->ports.ctx, fd, want_read, want_write);
}

static uint64_t jitter(struct db_listen *listen, uint64_t ms)
{
    listen->random ^= listen->random << 13;
    listen->random ^= listen->random >> 7;
    listen->random ^= listen->random << 17;
    return ms - listen->random % (ms / 2 + 1);
}

static void lost(struct db_listen *listen, const char *why)
{
    bool was_up = listen->state == UP || listen->state == PROBING;
    char line[256];

    db_first_line(line, sizeof line, why);
    unwatch(listen);
    PQfinish(listen->conn);
    listen->conn = NULL;
    listen->state = OFF;
    listen->due_ms = listen->now_ms + jitter(listen, listen->backoff_ms);
    listen->backoff_ms =
        listen->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : listen->backoff_ms * 2;
    tell(listen, was_up ? DB_LISTEN_LOST : DB_LISTEN_DOWN, NULL, line);
}

/* A query of ours has gone to libpq; `due_ms` is when its answer is overdue. */
static void asked(struct db_listen *listen, enum state state, bool sent)
{
    int left = sent ? PQflush(listen->conn) : -1;

    listen->state = state;
    listen->due_ms = listen->now_ms + (state == PROBING ? ANSWER_MS : CONNECT_MS);
    if (left < 0)
        lost(listen, "cannot send");
    else
        watch(listen, true, left == 1);
}

static void ask_lock(struct db_listen *listen)
{
    uint32_t key = htonl((uint32_t)listen->node);
    const char *value = (const char *)&key;
    int length = sizeof key, format = 1;

    asked(listen, LOCKING,
        PQsendQueryParams(listen->conn, db_statements[DB_STMT_NODE_LOCK].text, 1, NULL, &value,
            &length, &format, 0));
}

/* LISTEN takes no parameters. */
static void ask_listen(struct db_listen *listen)
{
    char text[120];

    snprintf(text, sizeof text, "LISTEN joulebook_node_%lld; LISTEN joulebook_directory",
        (long long)listen->node);
    asked(listen, LISTENING, PQsendQuery(listen->conn, text));
}

/* libpq's own receiver would print it. */
static void ignore_notice(void *arg, const PGresult *notice)
{
    (void)arg;
    (void)notice;
}

static void connect_start(struct db_listen *listen)
{
    const char *const keys[] = {"dbname", "application_name", "client_encoding", NULL};
    const char *const values[] = {listen->conninfo, "joulebook/listen", "UTF8", NULL};

    if (!listen->conninfo) {
        lost(listen, "the database's address is not known yet");
        return;
    }
    listen->conn = PQconnectStartParams(keys, values, 1);
    PQsetNoticeReceiver(listen->conn, ignore_notice, NULL);
    listen->state = CONNECTING;
    listen->due_ms = listen->now_ms + CONNECT_MS;
    if (!listen->conn || PQstatus(listen->conn) == CONNECTION_BAD)
        lost(listen, listen->conn ? PQerrorMessage(listen->conn) : "no memory");
    else
        watch(listen, false, true);
}

static void connect_poll(struct db_listen *listen)
{
    unwatch(listen); /* libpq may go on with another socket */
    switch (PQconnectPoll(listen->conn)) {
    case PGRES_POLLING_OK:
        if (PQsetnonblocking(listen->conn, 1) == 0)
            ask_lock(listen);
        else
            lost(listen, "cannot set non-blocking");
        break;
    case PGRES_POLLING_READING:
        watch(listen, true, false);
        break;
    case PGRES_POLLING_WRITING:
        watch(listen, false, true);
        break;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE:
        lost(listen, PQerrorMessage(listen->conn));
        break;
    }
}

static void answered(struct db_listen *listen, bool got_lock)
{
    switch (listen->state) {
    case LOCKING:
        if (got_lock) {
            ask_listen(listen);
            return;
        }
        listen->state = WAITING;
        listen->due_ms = listen->now_ms + OTHER_MS;
        tell(listen, DB_LISTEN_OTHER, NULL, "another process holds the node's lock");
        return;
    case LISTENING:
        listen->state = UP;
        listen->backoff_ms = BACKOFF_MIN_MS;
        listen->due_ms = listen->now_ms + PROBE_MS;
        tell(listen, DB_LISTEN_UP, NULL, "");
        return;
    case PROBING:
        listen->state = UP;
        listen->due_ms = listen->now_ms + PROBE_MS;
        return;
    case OFF:
    case CONNECTING:
    case WAITING:
    case UP:
        return;
    }
}

static bool is_asking(const struct db_listen *listen)
{
    return listen->state == LOCKING || listen->state == LISTENING || listen->state == PROBING;
}

/* False: the answer is an error, and the connection is given up. */
static bool take_result(struct db_listen *listen, PGresult *result, bool *got_lock)
{
    ExecStatusType status = PQresultStatus(result);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    char why[64];

    if (listen->state == LOCKING && status == PGRES_TUPLES_OK)
        *got_lock = PQntuples(result) == 1 && PQgetvalue(result, 0, 0)[0] == 't';
    snprintf(why, sizeof why, "refused with %s", state ? state : "no reason");
    PQclear(result);
    if (!ok)
        lost(listen, why);
    return ok;
}

static void take_results(struct db_listen *listen)
{
    PGresult *result;
    bool got_lock = false;

    while (is_asking(listen) && !PQisBusy(listen->conn)) {
        result = PQgetResult(listen->conn);
        if (!result) {
            answered(listen, got_lock);
            return;
        }
        if (!take_result(listen, result, &got_lock))
            return;
    }
}

static void take_notifications(struct db_listen *listen)
{
    PGnotify *notify;

    while (listen->conn && (notify = PQnotifies(listen->conn))) {
        tell(listen, DB_LISTEN_HEARD, notify->relname, notify->extra);
        PQfreemem(notify);
    }
}

static void talk(struct db_listen *listen, bool readable)
{
    int left;

    if (readable && !PQconsumeInput(listen->conn)) {
        lost(listen, "connection lost");
        return;
    }
    take_results(listen);
    if (!listen->conn)
        return;
    take_notifications(listen);
    left = PQflush(listen->conn);
    if (left < 0 || PQstatus(listen->conn) != CONNECTION_OK)
        lost(listen, "connection lost");
    else
        watch(listen, true, left == 1);
}

static void arm(struct db_listen *listen)
{
    if (listen->alarm_ms == listen->due_ms)
        return;
    listen->alarm_ms = listen->due_ms;
    listen->ports.alarm(listen->ports.ctx, listen->due_ms);
}

static void see(struct db_listen *listen, uint64_t now_ms)
{
    if (now_ms > listen->now_ms)
        listen->now_ms = now_ms;
}

void db_listen_ready(struct db_listen *listen, bool readable, bool writable, uint64_t now_ms)
{
    (void)writable; /* talk() flushes in any case */
    see(listen, now_ms);
    if (listen->state == CONNECTING)
        connect_poll(listen);
    else if (listen->state != OFF)
        talk(listen, readable);
    arm(listen);
}

void db_listen_alarm(struct db_listen *listen, uint64_t now_ms)
{
    see(listen, now_ms);
    listen->alarm_ms = UINT64_MAX; /* it has rung */
    if (listen->due_ms <= listen->now_ms) {
        switch (listen->state) {
        case OFF:
            connect_start(listen);
            break;
        case WAITING:
            ask_lock(listen);
            break;
        case UP:
            asked(listen, PROBING, PQsendQuery(listen->conn, "SELECT"));
            break;
        case CONNECTING:
        case LOCKING:
        case LISTENING:
        case PROBING:
            lost(listen, "no answer");
            break;
        }
    }
    arm(listen);
}

bool db_listen_up(const struct db_listen *listen)
{
    return listen->state == UP || listen->state == PROBING;
}

struct db_listen *db_listen_new(
    const char *conninfo, int64_t node, const struct db_listen_ports *ports)
{
    struct db_listen *listen;

    if (conninfo && db_address_of(conninfo) != DB_ADDRESS_KNOWN)
        return NULL;
    listen = db_alloc_zero(sizeof *listen);
    if (!listen)
        return NULL;
    listen->fd = -1;
    listen->ports = *ports;
    listen->node = node;
    listen->backoff_ms = BACKOFF_MIN_MS;
    listen->random = (uint64_t)node * UINT64_C(0x9e3779b97f4a7c15) ^ (uintptr_t)listen;
    listen->random |= 1;
    listen->alarm_ms = UINT64_MAX;
    listen->conninfo = conninfo ? db_strdup(conninfo) : NULL;
    if (conninfo && !listen->conninfo) {
        db_free(listen);
        return NULL;
    }
    arm(listen);
    return listen;
}

bool db_listen_address(struct db_listen *listen, const char *conninfo)
{
    char *copy = db_address_of(conninfo) == DB_ADDRESS_KNOWN ? db_strdup(conninfo) : NULL;

    if (!copy)
        return false;
    db_free(listen->conninfo);
    listen->conninfo = copy;
    return true;
}

void db_listen_free(struct db_listen *listen)
{
    if (!listen)
        return;
    unwatch(listen);
    PQfinish(listen->conn);
    db_free(listen->conninfo);
    db_free(listen);
}
