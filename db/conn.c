/* conn.c - see conn.h.  Results are asked for in binary, so that a row is read as a lane's is.
 *
 * The socket is not blocking: it is waited for here, where a wait can have an end.  Who gives up
 * leaves the answer in the socket, so the connection is of no use afterwards.
 */
#include "db/conn.h"

#include "db/alloc.h"
#include "db/bind.h"

#include <libpq-fe.h>

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CONNECT_MS = 5000 };

struct db_conn {
    PGconn *pg;
    struct db_wait wait;
    const char *given_up; /* why nobody waits for the server any more */
    bool prepared[DB_STMT_COUNT];
    bool warned;
    struct db_fault fault;
};

/* The message of a server's or libpq's error, in one line. */
static void set_text(struct db_fault *fault, const char *text)
{
    db_first_line(fault->text, sizeof fault->text, text);
}

static enum db_result fail(struct db_conn *conn, const PGresult *result)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

    snprintf(conn->fault.sqlstate, sizeof conn->fault.sqlstate, "%s", state ? state : "");
    if (text == NULL)
        text = conn->given_up != NULL ? conn->given_up : PQerrorMessage(conn->pg);
    set_text(&conn->fault, text);
    conn->fault.result = db_result_of_sqlstate(state);
    return conn->fault.result;
}

static void take_notice(void *arg, const PGresult *notice)
{
    struct db_conn *conn = arg;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity && strcmp(severity, "WARNING") == 0)
        conn->warned = true;
}

static bool is_readable(const char *conninfo)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);

    PQconninfoFree(options);
    return options != NULL;
}

/* False: it is over before the socket is ready. */
static bool socket_wait(struct db_conn *conn, short events, int silence_ms)
{
    struct pollfd fds[] = {
        {.fd = PQsocket(conn->pg), .events = events},
        {.fd = conn->wait.interrupt_fd, .events = POLLIN},
    };
    int ready;

    do
        ready = poll(fds, 2, silence_ms);
    while (ready < 0 && errno == EINTR);
    if (ready > 0 && fds[1].revents == 0)
        return true;
    conn->given_up = ready == 0 ? "the server has not said a word for too long"
                                : "the wait for the server was interrupted";
    return false;
}

/* Until libpq has a result, or knows that none comes. */
static bool answer_wait(struct db_conn *conn)
{
    int unsent;

    while ((unsent = PQflush(conn->pg)) > 0 || PQisBusy(conn->pg)) {
        short events = (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN);

        if (!socket_wait(conn, events, conn->wait.silence_ms))
            return false;
        if (!PQconsumeInput(conn->pg))
            return true; /* PQgetResult says why */
    }
    return true;
}

/* The last result of what was sent, as PQexec gives it; NULL: there is none. */
static PGresult *answer(struct db_conn *conn, int sent)
{
    PGresult *last = NULL, *next;

    if (!sent || conn->given_up != NULL)
        return NULL;
    while (answer_wait(conn) && (next = PQgetResult(conn->pg)) != NULL) {
        PQclear(last);
        last = next;
        if (PQstatus(conn->pg) != CONNECTION_OK)
            break;
    }
    return last;
}

static int64_t mono_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A server that says a little now and then gets no more time by it. */
static bool connect_wait(struct db_conn *conn)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    int64_t end_ms = mono_ms() + CONNECT_MS;

    if (PQstatus(conn->pg) == CONNECTION_BAD)
        return false;
    while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
        int64_t left_ms = end_ms - mono_ms();

        if (!socket_wait(conn, state == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                left_ms > 0 ? (int)left_ms : 0))
            return false;
        state = PQconnectPoll(conn->pg);
    }
    return state == PGRES_POLLING_OK;
}

/* The same complaint as libpq's would quote the string, password and all. */
static bool connect_to(struct db_conn *conn, const char *conninfo, const char *application_name)
{
    const char *const keys[] = {"connect_timeout", "keepalives_idle", "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", "dbname", "application_name", "client_encoding",
        NULL};
    const char *const values[] = {
        "5", "10", "5", "3", "15000", conninfo, application_name, "UTF8", NULL};
    bool bounded = conn->wait.silence_ms > 0; /* libpq's own wait cannot be interrupted */

    if (!is_readable(conninfo)) {
        set_text(&conn->fault, "the connection string cannot be read");
        return false;
    }
    conn->pg = bounded ? PQconnectStartParams(keys, values, 1) : PQconnectdbParams(keys, values, 1);
    if ((!bounded || connect_wait(conn)) && PQstatus(conn->pg) == CONNECTION_OK &&
        PQsetnonblocking(conn->pg, 1) == 0) {
        PQsetNoticeReceiver(conn->pg, take_notice, conn);
        return true;
    }
    set_text(&conn->fault, conn->given_up != NULL ? conn->given_up : PQerrorMessage(conn->pg));
    return false;
}

struct db_conn *db_conn_open(
    const char *conninfo, const char *application_name, struct db_fault *ret_fault)
{
    struct db_wait wait = {.interrupt_fd = -1, .silence_ms = -1};

    return db_conn_open_within(conninfo, application_name, &wait, ret_fault);
}

struct db_conn *db_conn_open_within(const char *conninfo, const char *application_name,
    const struct db_wait *wait, struct db_fault *ret_fault)
{
    struct db_conn *conn = db_alloc_zero(sizeof *conn);

    if (conn) {
        conn->wait = *wait;
        if (connect_to(conn, conninfo, application_name))
            return conn;
    }
    memset(ret_fault, 0, sizeof *ret_fault);
    if (conn)
        *ret_fault = conn->fault;
    else
        set_text(ret_fault, "no memory");
    ret_fault->result = DB_DOWN;
    db_conn_close(conn);
    return NULL;
}

void db_conn_close(struct db_conn *conn)
{
    if (!conn)
        return;
    PQfinish(conn->pg);
    db_free(conn);
}

bool db_conn_up(const struct db_conn *conn)
{
    return PQstatus(conn->pg) == CONNECTION_OK && conn->given_up == NULL;
}

const struct db_fault *db_conn_fault(const struct db_conn *conn)
{
    return &conn->fault;
}

/* A lost connection leaves it open whether a statement of its own transaction was committed. */
static enum db_result lost(struct db_conn *conn, bool in_transaction)
{
    fail(conn, NULL);
    conn->fault.result = in_transaction ? DB_DOWN : DB_UNKNOWN;
    return conn->fault.result;
}

static enum db_result outcome_of(const struct db_rows *rows)
{
    struct db_row row = db_rows_at(rows, 0);

    return db_result_of_word(db_row_text(&row, 0));
}

static enum db_result judge(
    struct db_conn *conn, PGresult *result, enum db_kind kind, struct db_rows *rows)
{
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        return fail(conn, result);
    rows->result = result;
    rows->count = PQntuples(result);
    if (status == PGRES_COMMAND_OK)
        return DB_OK;
    if (rows->count == 0)
        return DB_NONE;
    return kind == DB_KIND_CALL ? outcome_of(rows) : DB_OK;
}

static enum db_result finish(
    struct db_conn *conn, PGresult *result, enum db_kind kind, struct db_rows *ret_rows)
{
    struct db_rows rows = {0};
    enum db_result outcome = judge(conn, result, kind, &rows);

    if (!rows.result)
        PQclear(result);
    if (ret_rows)
        *ret_rows = rows;
    else
        db_rows_done(&rows);
    return outcome;
}

static bool is_in_transaction(const struct db_conn *conn)
{
    PGTransactionStatusType status = PQtransactionStatus(conn->pg);

    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

/* What was sent and got no answer at all is unknown, unless a transaction goes down with it. */
static enum db_result run_bound(struct db_conn *conn, enum db_stmt stmt, uint16_t columns,
    const struct bind_values *bound, struct db_rows *ret_rows)
{
    bool in_transaction = is_in_transaction(conn);
    PGresult *result =
        answer(conn, PQsendQueryPrepared(conn->pg, db_statements[stmt].name, columns,
                         bound->values, bound->lengths, bound->formats, 1));

    if (!db_conn_up(conn)) {
        PQclear(result);
        return lost(conn, in_transaction);
    }
    return finish(conn, result, db_statements[stmt].kind, ret_rows);
}

static enum db_result run_bulk(
    struct db_conn *conn, enum db_stmt stmt, const struct db_args *args, struct db_rows *ret_rows)
{
    struct bind_arrays arrays;
    struct bind_values bound;
    unsigned char *scratch;
    enum db_result outcome;

    bind_arrays_begin(&arrays, args->columns);
    bind_arrays_measure(&arrays, args->data, args->rows);
    scratch = db_realloc(NULL, bind_arrays_size(&arrays));
    if (!scratch) {
        set_text(&conn->fault, "no memory");
        return conn->fault.result = DB_DOWN;
    }
    bind_arrays_lay_out(&arrays, args->types, scratch, &bound);
    bind_arrays_fill(&arrays, args->data, args->rows);
    outcome = run_bound(conn, stmt, args->columns, &bound, ret_rows);
    db_free(scratch);
    return outcome;
}

static enum db_result prepare(struct db_conn *conn, enum db_stmt stmt)
{
    PGresult *result;
    enum db_result outcome;

    if (conn->prepared[stmt])
        return DB_OK;
    result = answer(conn,
        PQsendPrepare(conn->pg, db_statements[stmt].name, db_statements[stmt].text, 0, NULL));
    outcome = finish(conn, result, DB_KIND_QUERY, NULL);
    conn->prepared[stmt] = outcome == DB_OK;
    return outcome;
}

static bool are_ok(struct db_conn *conn, const struct db_args *args)
{
    if (!args || db_args_ok(args))
        return true;
    memset(&conn->fault, 0, sizeof conn->fault);
    set_text(&conn->fault, "the parameters are too large, or there is no memory");
    conn->fault.result = DB_REFUSED;
    return false;
}

enum db_result db_conn_run(
    struct db_conn *conn, enum db_stmt stmt, const struct db_args *args, struct db_rows *ret_rows)
{
    struct bind_values bound;
    enum db_result prepared;

    if (ret_rows)
        memset(ret_rows, 0, sizeof *ret_rows);
    if (!are_ok(conn, args))
        return DB_REFUSED;
    prepared = prepare(conn, stmt);
    if (prepared != DB_OK)
        return prepared;
    if (db_statements[stmt].kind == DB_KIND_BULK) {
        assert(args && args->rows > 0);
        return run_bulk(conn, stmt, args, ret_rows);
    }
    assert(!args || args->rows == 1);
    if (args)
        bind_row(&bound, args->data, args->columns);
    return run_bound(conn, stmt, args ? args->columns : 0, &bound, ret_rows);
}

enum db_result db_conn_query(
    struct db_conn *conn, const char *text, const struct db_args *args, struct db_rows *ret_rows)
{
    struct bind_values bound;
    bool in_transaction = is_in_transaction(conn);
    PGresult *result;

    if (ret_rows)
        memset(ret_rows, 0, sizeof *ret_rows);
    if (!are_ok(conn, args))
        return DB_REFUSED;
    assert(!args || args->rows == 1);
    if (args)
        bind_row(&bound, args->data, args->columns);
    result = answer(conn, PQsendQueryParams(conn->pg, text, args ? args->columns : 0, NULL,
                              bound.values, bound.lengths, bound.formats, 1));
    if (!db_conn_up(conn)) {
        PQclear(result);
        return lost(conn, in_transaction);
    }
    return finish(conn, result, DB_KIND_QUERY, ret_rows);
}

/* Says in which line of a long text the error is, where the server knows. */
static void add_line(struct db_fault *fault, const PGresult *result, const char *text)
{
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    size_t length = strlen(fault->text);
    long left = position ? strtol(position, NULL, 10) : 0;
    int line = 1;

    if (left <= 0)
        return;
    for (; left > 1 && *text; text++) {
        left -= (*text & 0xc0) != 0x80; /* positions count characters */
        line += *text == '\n';
    }
    snprintf(fault->text + length, sizeof fault->text - length, " (line %d)", line);
}

enum db_result db_conn_script(struct db_conn *conn, const char *text)
{
    bool in_transaction = is_in_transaction(conn);
    PGresult *result = answer(conn, PQsendQuery(conn->pg, text));
    enum db_result outcome;

    if (!db_conn_up(conn)) {
        PQclear(result);
        return lost(conn, in_transaction);
    }
    if (PQresultStatus(result) == PGRES_EMPTY_QUERY) {
        PQclear(result);
        return DB_OK;
    }
    if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
        outcome = fail(conn, result);
        add_line(&conn->fault, result, text);
        PQclear(result);
        return outcome;
    }
    outcome = finish(conn, result, DB_KIND_QUERY, NULL);
    return outcome == DB_NONE ? DB_OK : outcome;
}

enum db_result db_conn_begin(struct db_conn *conn)
{
    assert(!is_in_transaction(conn));
    return db_conn_script(conn, "BEGIN");
}

enum db_result db_conn_commit(struct db_conn *conn)
{
    PGresult *result;
    enum db_result outcome;
    bool committed;

    conn->warned = false;
    result = answer(conn, PQsendQuery(conn->pg, "COMMIT"));
    committed = result && strcmp(PQcmdStatus(result), "COMMIT") == 0;
    if (!db_conn_up(conn)) {
        PQclear(result);
        return lost(conn, false);
    }
    outcome = finish(conn, result, DB_KIND_QUERY, NULL);
    if (outcome == DB_OK && conn->warned) {
        set_text(&conn->fault, "the server warned while it committed");
        return conn->fault.result = DB_UNKNOWN;
    }
    if (outcome == DB_OK && !committed) {
        set_text(&conn->fault, "the transaction had failed and was rolled back");
        return conn->fault.result = DB_RETRY;
    }
    return outcome;
}

void db_conn_rollback(struct db_conn *conn)
{
    if (is_in_transaction(conn))
        PQclear(answer(conn, PQsendQuery(conn->pg, "ROLLBACK")));
}

struct db_row db_rows_at(const struct db_rows *rows, int index)
{
    assert(index >= 0 && index < rows->count);
    return (struct db_row){rows->result, index};
}

void db_rows_done(struct db_rows *rows)
{
    if (!rows)
        return;
    PQclear(rows->result);
    memset(rows, 0, sizeof *rows);
}
