/* node_patient.c - statements that somebody has to be patient with.
 *
 * A statement that found a row held in the lane is tried again by the workers, and a command's end
 * has to be written even though nobody waits for it.  The functions pass over rows that are held,
 * so waiting is asking again: between two tries a patient lies on the loop's timer, never in a
 * worker.  All of a node's patients are in one list, so that none outlives it.
 */
#include "csms/node_inside.h"

#include <stdlib.h>

/* Nobody waits for a command's end, and what is lost of it is never known: more patience. */
enum { PATIENT_MS = 2000, PATIENT_WRITE_MS = 60000, PATIENT_STEP_MS = 100 };

struct patient {
    struct worker_task task;
    struct wheel_timer timer;
    struct patient *next, *before;
    struct node_kind *kind;
    uint64_t token;   /* 0: nobody waits for the outcome */
    uint64_t busy_ms; /* when a worker found the row held first; 0: not yet */
    struct db_args args;
    enum db_result result;
    struct db_rows rows;
};

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
        patient->result = db_conn_run(conn, inbound_statement(patient->kind->kind),
            &patient->args, &patient->rows);
}

static void patient_wait(struct patient *patient)
{
    struct loop *loop = patient->kind->node->config.loop;

    loop_timer_arm(loop, &patient->timer, loop_mono_ms(loop) + PATIENT_STEP_MS);
}

static void patient_again(void *ctx)
{
    struct patient *patient = ctx;

    if (!workers_post(patient->kind->node->workers, &patient->task))
        patient_wait(patient);
}

static bool patient_stays(struct patient *patient)
{
    struct node *node = patient->kind->node;
    uint64_t now_ms = loop_mono_ms(node->config.loop);

    if (patient->result != DB_BUSY || node->ending)
        return false;
    if (patient->busy_ms == 0)
        patient->busy_ms = now_ms;
    return now_ms - patient->busy_ms < (patient->token != 0 ? PATIENT_MS : PATIENT_WRITE_MS);
}

static void patient_done(struct worker_task *task)
{
    struct patient *patient = (struct patient *)task;
    bool found = patient->rows.count == 1;
    struct db_row row = {0};

    if (patient_stays(patient)) {
        db_rows_done(&patient->rows);
        patient_wait(patient);
        return;
    }
    if (found)
        row = db_rows_at(&patient->rows, 0);
    node_give(patient->kind, patient->token, patient->result, found ? &row : NULL);
    patient_free(patient);
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
    patient->next = node->patients;
    if (patient->next != NULL)
        patient->next->before = patient;
    node->patients = patient;
    node->patient_count++;
    db_args_init(&patient->args);
    inbound_bind(work, node->id, &patient->args);
    if (db_args_ok(&patient->args))
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

/* If the lane finds the row held by somebody, the workers ask again. */
static void written(void *ctx, uint64_t token, enum db_result result, const struct db_row *row)
{
    struct patient *patient = ctx;

    (void)token;
    (void)row;
    if (result == DB_BUSY)
        patient_again(patient);
    else
        patient_free(patient);
}

bool node_patient_write(struct node *node, const struct core_work *work)
{
    struct patient *patient = patient_new(node, work);
    struct db_work db_work = {.stmt = inbound_statement(work->kind), .done = written};

    if (patient == NULL)
        return false;
    db_work.args = &patient->args;
    db_work.ctx = patient;
    if (db_lane_submit(node->money, &db_work, loop_mono_ms(node->config.loop)))
        return true;
    patient_free(patient);
    return false;
}

void node_patients_end(struct node *node)
{
    while (node->patients != NULL)
        patient_free(node->patients);
}
