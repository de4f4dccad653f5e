/* inbound.c - see inbound.h. */
#include "csms/inbound.h"

#include "ocpp/payloads.h"

#include <assert.h>
#include <string.h>

typedef void bind_fn(struct db_args *, const struct core_work *, int64_t node);
typedef void read_fn(const struct db_row *, struct core_answer *);

/* Columns after `outcome`. */
enum { FIRST = 1 };

static void bind_time(struct db_args *args, const struct ocpp_time *time)
{
    if (time->present)
        db_args_time_us(args, time->unix_us);
    else
        db_args_null(args, DB_TIME);
    db_args_text(args, time->text);
}

static void bind_dating(struct db_args *args, const struct core_work *work)
{
    db_args_time_us(args, work->received_us);
    db_args_bool(args, work->queued);
    if (work->offset_known)
        db_args_int8(args, work->offset_us);
    else
        db_args_null(args, DB_INT8);
}

static void bind_json(struct db_args *args, const char *json)
{
    if (json != NULL)
        db_args_json(args, json, strlen(json));
    else
        db_args_null(args, DB_JSON);
}

static void bind_take_over(struct db_args *args, const struct core_work *work, int64_t node)
{
    db_args_int8(args, work->station);
    db_args_int8(args, node);
    db_args_text(args, work->text);
    db_args_time_us(args, work->received_us);
}

static void bind_connection_close(
    struct db_args *args, const struct core_work *work, int64_t node)
{
    (void)node;
    db_args_int8(args, work->station);
    db_args_int8(args, work->epoch);
    db_args_time_us(args, work->received_us);
    db_args_text(args, work->text);
}

static void bind_boot(struct db_args *args, const struct core_work *work, int64_t node)
{
    const struct ocpp_boot_notification_req *req = work->request;

    (void)node;
    db_args_int8(args, work->station);
    db_args_time_us(args, work->received_us);
    db_args_text(args, req->charge_point_vendor);
    db_args_text(args, req->charge_point_model);
    db_args_text(args, req->charge_point_serial_number);
    db_args_text(args, req->charge_box_serial_number);
    db_args_text(args, req->firmware_version);
    db_args_text(args, req->iccid);
    db_args_text(args, req->imsi);
    db_args_text(args, req->meter_type);
    db_args_text(args, req->meter_serial_number);
}

static void bind_status(struct db_args *args, const struct core_work *work, int64_t node)
{
    const struct ocpp_status_notification_req *req = work->request;

    (void)node;
    db_args_int8(args, work->station);
    db_args_int4(args, (int32_t)req->connector_id.value);
    db_args_text(args, req->status.text);
    db_args_text(args, req->error_code.text);
    db_args_text(args, req->info);
    db_args_text(args, req->vendor_id);
    db_args_text(args, req->vendor_error_code);
    bind_time(args, &req->timestamp);
    db_args_time_us(args, work->received_us);
}

static void bind_authorize(struct db_args *args, const struct core_work *work, int64_t node)
{
    const struct ocpp_authorize_req *req = work->request;

    (void)node;
    db_args_int8(args, work->station);
    db_args_text(args, req->id_tag);
    db_args_time_us(args, work->received_us);
}

static void bind_start(struct db_args *args, const struct core_work *work, int64_t node)
{
    const struct ocpp_start_transaction_req *req = work->request;

    (void)node;
    db_args_int8(args, work->station);
    db_args_int4(args, (int32_t)req->connector_id.value);
    db_args_text(args, req->id_tag);
    db_args_int8(args, req->meter_start.value * 1000);
    bind_time(args, &req->timestamp);
    if (req->reservation_id.present)
        db_args_int8(args, req->reservation_id.value);
    else
        db_args_null(args, DB_INT8);
    bind_dating(args, work);
    db_args_bool(args, work->unsecured);
    db_args_text(args, work->frame);
    db_args_text(args, work->deviations);
}

static void bind_stop(struct db_args *args, const struct core_work *work, int64_t node)
{
    const struct ocpp_stop_transaction_req *req = work->request;

    (void)node;
    db_args_int8(args, work->station);
    db_args_int8(args, req->transaction_id.value);
    db_args_int8(args, req->meter_stop.value * 1000);
    bind_time(args, &req->timestamp);
    db_args_text(args, req->id_tag);
    /* StopTransaction.req: who leaves the reason out means Local. */
    db_args_text(args, req->reason.present ? req->reason.text : "Local");
    bind_dating(args, work);
    bind_json(args, work->readings_json);
    db_args_text(args, work->frame);
    db_args_text(args, work->deviations);
}

static void bind_readings(struct db_args *args, const struct core_work *work, int64_t node)
{
    (void)node;
    for (uint32_t i = 0; i < work->reading_count; i++) {
        const struct core_reading *reading = &work->readings[i];

        db_args_int8(args, work->station);
        db_args_time_us(args, reading->at_us);
        db_args_int4(args, (int32_t)reading->connector);
        db_args_int8(args, reading->hash);
        db_args_time_us(args, work->received_us);
        if (reading->has_transaction)
            db_args_int8(args, reading->transaction_id);
        else
            db_args_null(args, DB_INT8);
        db_args_text(args, reading->context);
        for (int k = 0; k < CORE_QUANTITIES; k++) {
            if (reading->present & (1u << k))
                db_args_int8(args, reading->value[k]);
            else
                db_args_null(args, DB_INT8);
        }
        db_args_text(args, reading->extra);
        db_args_bool(args, reading->suspect);
        db_args_row(args);
    }
}

static void bind_data_transfer(struct db_args *args, const struct core_work *work, int64_t node)
{
    const struct ocpp_data_transfer_req *req = work->request;

    (void)node;
    db_args_int8(args, work->station);
    db_args_text(args, req->vendor_id);
    db_args_text(args, req->message_id);
    db_args_text(args, req->data);
    db_args_time_us(args, work->received_us);
}

static void bind_note(struct db_args *args, const struct core_work *work, int64_t node)
{
    (void)node;
    db_args_int8(args, work->station);
    db_args_text(args, work->action_name);
    db_args_time_us(args, work->received_us);
    db_args_text(args, work->text);
}

static void bind_stuck(struct db_args *args, const struct core_work *work, int64_t node)
{
    (void)node;
    db_args_int8(args, work->station);
    db_args_time_us(args, work->received_us);
    db_args_int8(args, work->bytes);
}

static void bind_unusable(struct db_args *args, const struct core_work *work, int64_t node)
{
    (void)node;
    db_args_int8(args, work->station);
    db_args_text(args, work->action_name);
    db_args_time_us(args, work->received_us);
    db_args_text(args, work->frame);
    db_args_text(args, work->code);
    db_args_text(args, work->member);
}

static void bind_command_next(struct db_args *args, const struct core_work *work, int64_t node)
{
    (void)node;
    db_args_int8(args, work->station);
    db_args_int8(args, work->epoch);
    db_args_time_us(args, work->received_us);
}

static void bind_command_answer(struct db_args *args, const struct core_work *work, int64_t node)
{
    (void)node;
    db_args_int8(args, work->command);
    db_args_text(args, work->message_id);
    db_args_text(args, work->state);
    db_args_text(args, work->text);
    db_args_time_us(args, work->received_us);
}

static void bind_command_unsent(struct db_args *args, const struct core_work *work, int64_t node)
{
    (void)node;
    db_args_int8(args, work->command);
    db_args_text(args, work->message_id);
    db_args_time_us(args, work->received_us);
}

static void bind_command_late(struct db_args *args, const struct core_work *work, int64_t node)
{
    (void)node;
    db_args_int8(args, work->station);
    db_args_text(args, work->message_id);
    db_args_text(args, work->state);
    db_args_text(args, work->text);
    db_args_time_us(args, work->received_us);
}

static enum core_registration registration_read(const char *text)
{
    if (text == NULL)
        return CORE_NEVER_BOOTED;
    if (strcasecmp(text, "accepted") == 0)
        return CORE_ACCEPTED;
    if (strcasecmp(text, "pending") == 0)
        return CORE_PENDING;
    if (strcasecmp(text, "rejected") == 0)
        return CORE_REJECTED;
    return CORE_NEVER_BOOTED;
}

static void read_take_over(const struct db_row *row, struct core_answer *ret)
{
    ret->epoch = db_row_int8(row, FIRST);
    ret->registration = registration_read(db_row_text(row, FIRST + 1));
    ret->boot_number = (int32_t)db_row_int8(row, FIRST + 2);
    ret->interval_s = (int32_t)db_row_int8(row, FIRST + 3);
    ret->open_transactions = db_row_text(row, FIRST + 4);
}

static void read_boot(const struct db_row *row, struct core_answer *ret)
{
    ret->registration = registration_read(db_row_text(row, FIRST));
    ret->interval_s = (int32_t)db_row_int8(row, FIRST + 1);
    ret->boot_number = (int32_t)db_row_int8(row, FIRST + 2);
}

/* status, expiry, parent: the columns from `at` on. */
static void read_tag(const struct db_row *row, int at, struct core_answer *ret)
{
    ret->status = db_row_text(row, at);
    ret->has_expiry = !db_row_is_null(row, at + 1);
    ret->expiry_us = db_row_time_us(row, at + 1);
    ret->parent = db_row_text(row, at + 2);
    if (ret->expiry_us == INT64_MAX || ret->expiry_us == INT64_MIN) /* infinity: no end */
        ret->has_expiry = false;
}

static void read_authorize(const struct db_row *row, struct core_answer *ret)
{
    read_tag(row, FIRST, ret);
}

static void read_start(const struct db_row *row, struct core_answer *ret)
{
    ret->transaction_id = db_row_int8(row, FIRST);
    read_tag(row, FIRST + 1, ret);
}

static void read_data_transfer(const struct db_row *row, struct core_answer *ret)
{
    ret->status = db_row_text(row, FIRST);
    ret->data = db_row_text(row, FIRST + 1);
}

static void read_unusable(const struct db_row *row, struct core_answer *ret)
{
    ret->transaction_id = db_row_int8(row, FIRST);
}

static void read_command_next(const struct db_row *row, struct core_answer *ret)
{
    ret->command = db_row_int8(row, FIRST);
    ret->action = db_row_text(row, FIRST + 1);
    ret->payload = db_row_text(row, FIRST + 2);
    ret->message_id = db_row_text(row, FIRST + 3);
    ret->timeout_s = (int32_t)db_row_int8(row, FIRST + 4);
    if (ret->action == NULL || ret->payload == NULL || ret->message_id == NULL)
        ret->command = 0;
}

static const struct inbound_row {
    enum db_stmt stmt;
    enum inbound_lane lane;
    bind_fn *bind;
    read_fn *read; /* NULL: the outcome is all */
} rows[CORE_WORK_KINDS] = {
    [CORE_TAKE_OVER] = {DB_STMT_TAKE_OVER, INBOUND_MONEY, bind_take_over, read_take_over},
    [CORE_CONNECTION_CLOSE] =
        {DB_STMT_CONNECTION_CLOSE, INBOUND_MONEY, bind_connection_close, NULL},
    [CORE_BOOT] = {DB_STMT_BOOT, INBOUND_MONEY, bind_boot, read_boot},
    [CORE_STATUS] = {DB_STMT_STATUS, INBOUND_MONEY, bind_status, NULL},
    [CORE_AUTHORIZE] = {DB_STMT_AUTHORIZE, INBOUND_MONEY, bind_authorize, read_authorize},
    [CORE_START] = {DB_STMT_START, INBOUND_MONEY, bind_start, read_start},
    [CORE_STOP] = {DB_STMT_STOP, INBOUND_MONEY, bind_stop, read_authorize},
    [CORE_READINGS] = {DB_STMT_READING_INSERT, INBOUND_TELEMETRY, bind_readings, NULL},
    [CORE_DATA_TRANSFER] =
        {DB_STMT_DATA_TRANSFER, INBOUND_MONEY, bind_data_transfer, read_data_transfer},
    [CORE_NOTE] = {DB_STMT_NOTE, INBOUND_MONEY, bind_note, NULL},
    [CORE_STUCK] = {DB_STMT_STUCK, INBOUND_MONEY, bind_stuck, NULL},
    [CORE_UNUSABLE] = {DB_STMT_UNUSABLE, INBOUND_MONEY, bind_unusable, read_unusable},
    [CORE_COMMAND_NEXT] =
        {DB_STMT_COMMAND_NEXT, INBOUND_MONEY, bind_command_next, read_command_next},
    [CORE_COMMAND_UNSENT] =
        {DB_STMT_COMMAND_UNSENT, INBOUND_MONEY, bind_command_unsent, NULL},
    [CORE_COMMAND_ANSWER] =
        {DB_STMT_COMMAND_ANSWER, INBOUND_MONEY, bind_command_answer, NULL},
    [CORE_COMMAND_LATE] = {DB_STMT_COMMAND_LATE, INBOUND_MONEY, bind_command_late, NULL},
};

enum db_stmt inbound_statement(enum core_work_kind kind)
{
    assert(kind != CORE_NO_WORK && kind < CORE_WORK_KINDS);
    return rows[kind].stmt;
}

enum inbound_lane inbound_lane(enum core_work_kind kind)
{
    assert(kind != CORE_NO_WORK && kind < CORE_WORK_KINDS);
    return rows[kind].lane;
}

void inbound_bind(const struct core_work *work, int64_t node, struct db_args *args)
{
    assert(work->kind != CORE_NO_WORK && work->kind < CORE_WORK_KINDS);
    db_args_reset(args);
    rows[work->kind].bind(args, work, node);
    if (work->kind != CORE_READINGS)
        db_args_row(args);
}

enum core_outcome inbound_outcome(enum db_result result, bool row)
{
    static const enum core_outcome outcomes[DB_RESULT_COUNT] = {
        [DB_OK] = CORE_DONE,
        [DB_NONE] = CORE_FAILED,
        [DB_BUSY] = CORE_BUSY,
        [DB_CONFLICT] = CORE_FAILED,
        [DB_REFUSED] = CORE_REFUSED,
        [DB_RETRY] = CORE_AWAY,
        [DB_DOWN] = CORE_AWAY,
        [DB_UNKNOWN] = CORE_AWAY,
    };

    assert(result < DB_RESULT_COUNT);
    if (result == DB_REFUSED && !row) /* the statement itself: nothing is stored */
        return CORE_FAILED;
    return outcomes[result];
}

void inbound_answer(enum core_work_kind kind, const struct db_row *row, struct core_answer *ret)
{
    assert(kind != CORE_NO_WORK && kind < CORE_WORK_KINDS);
    *ret = (struct core_answer){0};
    if (row != NULL && rows[kind].read != NULL)
        rows[kind].read(row, ret);
}
