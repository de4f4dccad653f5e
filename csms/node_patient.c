/* node_patient.c - statements that somebody has to be patient with.
 *
 * A statement that found a row held in the lane is tried again by the workers, and a command's end
 * has to be written even though nobody waits for it.  The functions pass over rows that are held,
 * so waiting is asking again: between two tries a patient lies on the loop's timer, never in a
 * worker.  All of a node's patients are in one list, so that none outlives it.
 *
 * What a pile answered it says once: while the database is away a command's end waits for as long
 * as the process lives, within PATIENT_BYTES_MAX.  One that is lost is told; its command becomes
 * unknown when its time is over (inbound.command_expiry).
 */
#include "csms/node_inside.h"

#include "csms/fault.h"

#include <stdlib.h>

enum {
    PATIENT_MS = 2000,
    PATIENT_WRITE_MS = 60000, /* nobody waits for a command's end: more patience with a held row */
    PATIENT_STEP_MS = 100,
    PATIENT_AWAY_MS = 1000,              /* a step while the database is away */
    PATIENT_FAILURES_MAX = 10,           /* of an end; it may be what the database fails of */
    PATIENT_BYTES_MAX = 64 * 1024 * 1024 /* of ends, as much as a lane keeps */
};

struct patient {
    struct worker_task task;
    struct wheel_timer timer;
    struct patient *next, *before;
    struct node_kind *kind;
    uint64_t token;   /* 0: nobody waits for the outcome, a command's end */
    int64_t station;
    uint64_t busy_ms; /* when the row was found held first; 0: not yet */
    uint32_t failures; /* outcomes unknown, or cancelled */
    struct db_args args;
    enum db_result result;
    struct db_rows rows;
};

static size_t patient_bytes(const struct patient *patient)
{
    return patient->token == 0 ? sizeof *patient + patient->args.size : 0;
}

static void patient_free(struct patient *patient)
{
    struct node *node = patient->kind->node;

    if (patient->next != NULL)
        patient->next->before = patient->before;
    if (patient->before != NULL)
        patient->before->next = patient->next;
    else
        node->patients = patient->next;
    node->patient_count--;
    node->patient_bytes -= patient_bytes(patient);
    loop_timer_disarm(node->config.loop, &patient->timer);
    db_rows_done(&patient->rows);
    db_args_done(&patient->args);
    free(patient);
}

/* In a worker. */
static void patient_run(struct worker_task *task, struct db_conn *conn)
{
    struct patient *patient = (struct patient *)task;

    patient->result = DB_DOWN;
    if (conn != NULL)
        patient->result = worker_db_run(conn, inbound_statement(patient->kind->kind),
            &patient->args, &patient->rows);
}

static void end_lost(
    struct node *node, enum core_work_kind kind, int64_t station, const char *why)
{
    log_event(node->config.log, COMMAND_LOST, log_int("station", station),
        log_str("what", db_statements[inbound_statement(kind)].name), log_str("why", why));
}

static void patient_wait(struct patient *patient, uint32_t step_ms)
{
    struct loop *loop = patient->kind->node->config.loop;

    loop_timer_arm(loop, &patient->timer, loop_mono_ms(loop) + step_ms);
}

static void patient_again(void *ctx)
{
    struct patient *patient = ctx;

    if (!workers_post(patient->kind->node->workers, &patient->task))
        patient_wait(patient, PATIENT_STEP_MS);
}

/* In how long it is to be asked again; 0: never. */
static uint32_t patient_step(struct patient *patient, enum db_result result)
{
    struct node *node = patient->kind->node;
    uint64_t now_ms = loop_mono_ms(node->config.loop);
    bool waited_for = patient->token != 0;

    if (node->ending)
        return 0;
    if (result == DB_BUSY) {
        if (patient->busy_ms == 0)
            patient->busy_ms = now_ms;
        return now_ms - patient->busy_ms < (waited_for ? PATIENT_MS : PATIENT_WRITE_MS)
                   ? PATIENT_STEP_MS
                   : 0;
    }
    if (waited_for || inbound_outcome(result, false) != CORE_AWAY)
        return 0;
    patient->busy_ms = 0;
    patient->failures += result != DB_DOWN;
    return patient->failures < PATIENT_FAILURES_MAX ? PATIENT_AWAY_MS : 0;
}

static void patient_tried(
    struct patient *patient, enum db_result result, const struct db_row *row)
{
    static const char *const whys[] = {
        [CORE_BUSY] = "its row is held",
        [CORE_REFUSED] = "the database refuses it",
        [CORE_FAILED] = "the database refuses it",
        [CORE_AWAY] = "nobody knows whether it is written",
    };
    struct node *node = patient->kind->node;
    enum core_outcome outcome = inbound_outcome(result, row != NULL);
    uint32_t step_ms = patient_step(patient, result);

    if (step_ms != 0) {
        db_rows_done(&patient->rows);
        patient_wait(patient, step_ms);
        return;
    }
    if (patient->token != 0)
        node_give(patient->kind, patient->token, result, row);
    else if (outcome != CORE_DONE)
        end_lost(node, patient->kind->kind, patient->station,
            node->ending ? "the node ends" : whys[outcome]);
    patient_free(patient);
}

static void patient_done(struct worker_task *task)
{
    struct patient *patient = (struct patient *)task;
    struct db_row row = {0};
    bool found = patient->rows.count == 1;

    if (found)
        row = db_rows_at(&patient->rows, 0);
    patient_tried(patient, patient->result, found ? &row : NULL);
}

/* Of the lane, which has asked for a while. */
static void written(void *ctx, uint64_t token, enum db_result result, const struct db_row *row)
{
    const struct patient *patient = ctx;

    (void)token;
    crash_point("after_commit", db_statements[inbound_statement(patient->kind->kind)].name);
    patient_tried(ctx, result, row);
}

static struct patient *patient_new(struct node *node, const struct core_work *work)
{
    struct patient *patient = calloc(1, sizeof *patient);

    if (patient == NULL)
        return NULL;
    patient->task = (struct worker_task){.run = patient_run, .done = patient_done};
    patient->timer = (struct wheel_timer){.fire = patient_again, .ctx = patient};
    patient->kind = &node->kinds[work->kind];
    patient->token = work->token;
    patient->station = work->station;
    patient->next = node->patients;
    if (patient->next != NULL)
        patient->next->before = patient;
    node->patients = patient;
    node->patient_count++;
    db_args_init(&patient->args);
    inbound_bind(work, node->id, &patient->args);
    node->patient_bytes += patient_bytes(patient);
    if (db_args_ok(&patient->args) && node->patient_bytes <= PATIENT_BYTES_MAX)
        return patient;
    patient_free(patient);
    return NULL;
}

bool node_patient_start(struct node *node, const struct core_work *work)
{
    struct patient *patient = node->ending ? NULL : patient_new(node, work);

    if (patient == NULL)
        return false;
    if (workers_post(node->workers, &patient->task))
        return true;
    patient_free(patient);
    return false;
}

bool node_patient_write(struct node *node, const struct core_work *work)
{
    struct patient *patient = patient_new(node, work);
    struct db_work db_work = {.stmt = inbound_statement(work->kind), .done = written};

    if (patient == NULL) {
        end_lost(node, work->kind, work->station, "no room");
        return false;
    }
    db_work.args = &patient->args;
    db_work.ctx = patient;
    crash_point("before_submit", db_statements[db_work.stmt].name);
    if (!db_lane_submit(node->money, &db_work, loop_mono_ms(node->config.loop)))
        patient_wait(patient, PATIENT_STEP_MS);
    crash_point("after_submit", db_statements[db_work.stmt].name);
    return true;
}

void node_patients_end(struct node *node)
{
    while (node->patients != NULL) {
        struct patient *patient = node->patients;

        if (patient->token == 0)
            end_lost(node, patient->kind->kind, patient->station, "the node ends");
        patient_free(patient);
    }
}
