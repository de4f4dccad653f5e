/* settle.c - see settle.h.
 *
 * What is stored as evidence is the very text that was rated, with the zone's offsets in it.
 */
#include "csms/settle.h"

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

static enum worker_end fail(char why[WORKER_WHY_MAX], const char *what, const char *detail)
{
    snprintf(why, WORKER_WHY_MAX, "%s: %.360s", what, detail);
    return WORKER_FAILED;
}

/* A CALL whose row says refused is an answer: a review holds the session, or the job is lost.
 * Busy without a row is a row that somebody holds: the input is as good as it was. */
static enum worker_end answered(struct db_conn *conn, enum db_result result, struct db_rows *rows,
    const char *what, char why[WORKER_WHY_MAX])
{
    enum worker_end end = WORKER_ENDED;

    if (result == DB_REFUSED && rows->count == 1)
        end = WORKER_DONE;
    else if (result == DB_BUSY && rows->count == 1)
        end = fail(why, what, "the session has changed: its input is taken again");
    else if (result == DB_BUSY)
        end = worker_put_off(conn, why);
    else if (result != DB_OK)
        end = fail(why, what, db_conn_fault(conn)->text);
    db_rows_done(rows);
    return end;
}

/* input: what was rated, deflated; the review keeps it as evidence. */
static enum worker_end review(struct db_conn *conn, const struct worker_job *job,
    const struct csms_bill *bill, const struct bytes *input, char why[WORKER_WHY_MAX])
{
    struct db_rows rows = {0};
    struct db_args args;
    enum db_result result = DB_DOWN;

    db_args_init(&args);
    worker_job_bind(job, &args);
    db_args_text(&args, bill->kind);
    db_args_json(&args, bill->text, bill->length);
    db_args_bytes(&args, input->data, input->length);
    db_args_row(&args);
    if (db_args_ok(&args))
        result = worker_db_run(conn, DB_STMT_SETTLEMENT_REVIEW, &args, &rows);
    db_args_done(&args);
    return answered(conn, result, &rows, "settlement_review", why);
}

static enum worker_end post(struct db_conn *conn, const struct worker_job *job,
    const struct csms_bill *wrapped, const struct csms_bill *bill, const struct bytes *input,
    char why[WORKER_WHY_MAX])
{
    unsigned char input_hash[SHA256_BYTES], output_hash[SHA256_BYTES];
    struct db_rows rows = {0};
    struct db_args args;
    enum db_result result = DB_DOWN;

    if (!sha256(wrapped->text, wrapped->length, input_hash) ||
        !sha256(bill->text, bill->length, output_hash))
        return fail(why, "sha256", "not available");
    db_args_init(&args);
    worker_job_bind(job, &args);
    db_args_json(&args, bill->text, bill->length);
    db_args_bytes(&args, input->data, input->length);
    db_args_bytes(&args, input_hash, sizeof input_hash);
    db_args_bytes(&args, output_hash, sizeof output_hash);
    db_args_row(&args);
    if (db_args_ok(&args))
        result = worker_db_run(conn, DB_STMT_SETTLE, &args, &rows);
    db_args_done(&args);
    return answered(conn, result, &rows, "settle", why);
}

static enum worker_end rated(struct db_conn *conn, const struct worker_job *job,
    const struct csms_bill *wrapped, char why[WORKER_WHY_MAX])
{
    struct csms_bill bill = {0};
    struct bytes input = {0};
    enum worker_end end;

    csms_bill_rate(wrapped->text, wrapped->length, &bill);
    if (bill.result == CSMS_BILL_NO_MEMORY ||
        !deflate_text(wrapped->text, wrapped->length, &input))
        end = fail(why, "rate", "out of memory");
    else if (bill.result == CSMS_BILL_REVIEW)
        end = review(conn, job, &bill, &input, why);
    else
        end = post(conn, job, wrapped, &bill, &input, why);
    free(input.data);
    csms_bill_done(&bill);
    return end;
}

/* Input that cannot even be wrapped (an unknown zone) is reviewed as it came. */
static enum worker_end wrapped(struct db_conn *conn, const struct worker_job *job,
    const char *text, char why[WORKER_WHY_MAX])
{
    struct csms_bill wrap = {0};
    struct bytes input = {0};
    enum worker_end end;

    csms_bill_wrap(text, strlen(text), NULL, &wrap);
    if (wrap.result == CSMS_BILL_OK)
        end = rated(conn, job, &wrap, why);
    else if (wrap.result == CSMS_BILL_NO_ZONE)
        end = fail(why, "wrap", "the time zone's file cannot be read now");
    else if (wrap.result == CSMS_BILL_NO_MEMORY || !deflate_text(text, strlen(text), &input))
        end = fail(why, "wrap", "out of memory");
    else
        end = review(conn, job, &wrap, &input, why);
    free(input.data);
    csms_bill_done(&wrap);
    return end;
}

enum worker_end settle_job(
    struct db_conn *conn, const struct worker_job *job, char why[WORKER_WHY_MAX])
{
    enum worker_end end = WORKER_DONE;
    struct db_rows rows = {0};
    struct db_args args;
    enum db_result result;

    db_args_init(&args);
    db_args_text(&args, job->key);
    db_args_row(&args);
    result = worker_db_run(conn, DB_STMT_SETTLEMENT_INPUT, &args, &rows);
    db_args_done(&args);
    if (result != DB_OK && result != DB_NONE)
        end = fail(why, "settlement_input", db_conn_fault(conn)->text);
    else if (rows.count == 1) {
        struct db_row row = db_rows_at(&rows, 0);

        if (!db_row_is_null(&row, 0)) /* null: nothing to settle now */
            end = wrapped(conn, job, db_row_text(&row, 0), why);
    }
    db_rows_done(&rows);
    return end;
}
