/* settle.c - see settle.h.
 *
 * What is stored as evidence is the very text that was rated, with the zone's offsets in it.
 */
#include "csms/settle.h"

#include "csms/fault.h"
#include "csms/rate/bill.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHA256_BYTES = 32 };

struct bytes {
    unsigned char *data;
    size_t length;
};

static bool deflate_text(const char *text, size_t length, struct bytes *ret)
{
    uLongf room = compressBound(length);

    ret->data = malloc(room);
    if (ret->data == NULL)
        return false;
    if (compress2(ret->data, &room, (const Bytef *)text, length, Z_BEST_SPEED) != Z_OK)
        return false;
    ret->length = room;
    return true;
}

static bool sha256(const char *text, size_t length, unsigned char ret[SHA256_BYTES])
{
    return EVP_Q_digest(NULL, "SHA256", NULL, text, length, ret, NULL) == 1;
}

static bool fail(char why[WORKER_WHY_MAX], const char *what, const char *detail)
{
    snprintf(why, WORKER_WHY_MAX, "%s: %.360s", what, detail);
    return false;
}

/* A CALL whose row says refused is an answer: a review holds the session, or it was settled. */
static bool answered(struct db_conn *conn, enum db_result result, struct db_rows *rows,
    const char *what, char why[WORKER_WHY_MAX])
{
    bool ok = result == DB_OK || (result == DB_REFUSED && rows->count == 1);

    if (result == DB_BUSY)
        fail(why, what, "a row is held by somebody else");
    else if (!ok)
        fail(why, what, db_conn_fault(conn)->text);
    db_rows_done(rows);
    return ok;
}

/* text is what the review shows as the engine's input. */
static bool review(struct db_conn *conn, const char *session, const struct csms_bill *bill,
    const struct bytes *input, char why[WORKER_WHY_MAX])
{
    struct db_rows rows = {0};
    struct db_args args;
    enum db_result result = DB_DOWN;

    db_args_init(&args);
    db_args_text(&args, session);
    db_args_text(&args, bill->kind);
    db_args_json(&args, bill->text, bill->length);
    db_args_bytes(&args, input->data, input->length);
    db_args_row(&args);
    if (db_args_ok(&args))
        result = db_conn_run(conn, DB_STMT_SETTLEMENT_REVIEW, &args, &rows);
    db_args_done(&args);
    return answered(conn, result, &rows, "settlement_review", why);
}

static bool post(struct db_conn *conn, const char *session, const struct csms_bill *wrapped,
    const struct csms_bill *bill, const struct bytes *input, char why[WORKER_WHY_MAX])
{
    unsigned char input_hash[SHA256_BYTES], output_hash[SHA256_BYTES];
    struct db_rows rows = {0};
    struct db_args args;
    enum db_result result = DB_DOWN;

    if (!sha256(wrapped->text, wrapped->length, input_hash) ||
        !sha256(bill->text, bill->length, output_hash))
        return fail(why, "sha256", "not available");
    db_args_init(&args);
    db_args_text(&args, session);
    db_args_json(&args, bill->text, bill->length);
    db_args_bytes(&args, input->data, input->length);
    db_args_bytes(&args, input_hash, sizeof input_hash);
    db_args_bytes(&args, output_hash, sizeof output_hash);
    db_args_row(&args);
    crash_point("before_post", "settle");
    if (db_args_ok(&args))
        result = db_conn_run(conn, DB_STMT_SETTLE, &args, &rows);
    crash_point("after_post", "settle");
    db_args_done(&args);
    return answered(conn, result, &rows, "settle", why);
}

static bool rated(struct db_conn *conn, const char *session, const struct csms_bill *wrapped,
    char why[WORKER_WHY_MAX])
{
    struct csms_bill bill = {0};
    struct bytes input = {0};
    bool ok = false;

    csms_bill_rate(wrapped->text, wrapped->length, &bill);
    if (bill.result == CSMS_BILL_NO_MEMORY ||
        !deflate_text(wrapped->text, wrapped->length, &input))
        fail(why, "rate", "out of memory");
    else if (bill.result == CSMS_BILL_REVIEW)
        ok = review(conn, session, &bill, &input, why);
    else
        ok = post(conn, session, wrapped, &bill, &input, why);
    free(input.data);
    csms_bill_done(&bill);
    return ok;
}

/* Input that cannot even be wrapped (an unknown zone) is reviewed as it came. */
static bool wrapped(struct db_conn *conn, const char *session, const char *text,
    char why[WORKER_WHY_MAX])
{
    struct csms_bill wrap = {0};
    struct bytes input = {0};
    bool ok = false;

    csms_bill_wrap(text, strlen(text), NULL, &wrap);
    if (wrap.result == CSMS_BILL_OK)
        ok = rated(conn, session, &wrap, why);
    else if (wrap.result == CSMS_BILL_NO_MEMORY || !deflate_text(text, strlen(text), &input))
        fail(why, "wrap", "out of memory");
    else
        ok = review(conn, session, &wrap, &input, why);
    free(input.data);
    csms_bill_done(&wrap);
    return ok;
}

bool settle_session(struct db_conn *conn, const char *session, char why[WORKER_WHY_MAX])
{
    struct db_rows rows = {0};
    struct db_args args;
    enum db_result result;
    bool ok;

    db_args_init(&args);
    db_args_text(&args, session);
    db_args_row(&args);
    result = db_conn_run(conn, DB_STMT_SETTLEMENT_INPUT, &args, &rows);
    db_args_done(&args);
    ok = result == DB_OK || result == DB_NONE;
    if (!ok)
        fail(why, "settlement_input", db_conn_fault(conn)->text);
    if (ok && rows.count == 1) {
        struct db_row row = db_rows_at(&rows, 0);

        if (!db_row_is_null(&row, 0)) /* null: nothing to settle now */
            ok = wrapped(conn, session, db_row_text(&row, 0), why);
    }
    db_rows_done(&rows);
    return ok;
}
