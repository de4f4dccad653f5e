/* model.c - see model.h. */
#include "tests/simulation/check.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <inttypes.h>

struct model *model_new(struct world *world, uint32_t stations)
{
    struct model *model = calloc(1, sizeof *model);

    assert(model != NULL);
    model->world = world;
    model->station_count = stations;
    model->stations = calloc(stations, sizeof *model->stations);
    assert(model->stations != NULL);
    for (uint32_t i = 0; i < stations; i++)
        model->stations[i].closed = true;
    model->stored_count = 1;
    return model;
}

void model_free(struct model *model)
{
    if (model == NULL)
        return;
    free(model->stations);
    free(model->stored);
    free(model->commands);
    keys_done(&model->starts);
    keys_done(&model->unusable_starts);
    keys_done(&model->stops);
    keys_done(&model->rows);
    keys_done(&model->readings);
    keys_done(&model->statuses);
    keys_done(&model->notes);
    keys_done(&model->unusable);
    keys_done(&model->refused);
    free(model);
}

/* Tags are T and a number. */
static int64_t tag_number(const char *text)
{
    return text != NULL && text[0] == 'T' ? strtoll(text + 1, NULL, 10) : 0;
}

static void task_request(struct task *task, const struct core_work *work)
{
    if (work->kind == CORE_START) {
        const struct ocpp_start_transaction_req *start = work->request;

        task->connector = start->connector_id.value;
        task->at_us = start->timestamp.unix_us;
        task->mwh = start->meter_start.value * 1000;
        task->tag = tag_number(start->id_tag);
    } else if (work->kind == CORE_STOP) {
        const struct ocpp_stop_transaction_req *stop = work->request;

        task->transaction = stop->transaction_id.value;
        task->at_us = stop->timestamp.unix_us;
        task->mwh = stop->meter_stop.value * 1000;
        task->tag = tag_number(stop->id_tag);
    } else if (work->kind == CORE_STATUS) {
        const struct ocpp_status_notification_req *status = work->request;

        task->connector = status->connector_id.value;
        task->at_us = status->timestamp.unix_us;
    }
}

struct task *task_new(const struct core_work *work, int64_t node)
{
    struct task *task =
        calloc(1, sizeof *task + work->reading_count * sizeof *task->readings);

    assert(task != NULL);
    task->kind = work->kind;
    task->action = work->action;
    task->token = work->token;
    task->station = work->station;
    task->epoch = work->epoch;
    task->received_us = work->received_us;
    task->node = node;
    task->unsecured = work->unsecured;
    task->command = work->command;
    if (work->frame != NULL)
        task->digest = frame_digest(work->frame);
    if (work->state != NULL)
        snprintf(task->state, sizeof task->state, "%s", work->state);
    if (work->message_id != NULL)
        snprintf(task->message_id, sizeof task->message_id, "%s", work->message_id);
    task_request(task, work);
    task->reading_count = work->reading_count;
    for (uint32_t i = 0; i < work->reading_count; i++)
        task->readings[i] = (struct task_reading){
            .at_us = work->readings[i].at_us,
            .connector = work->readings[i].connector,
            .mwh = work->readings[i].value[CORE_IMPORT_MWH],
            .hash = work->readings[i].hash,
            .transaction = work->readings[i].transaction_id,
        };
    return task;
}

struct task *task_copy(const struct task *task)
{
    size_t size = sizeof *task + task->reading_count * sizeof *task->readings;
    struct task *copy = malloc(size);

    assert(copy != NULL);
    memcpy(copy, task, size);
    copy->next = NULL;
    copy->open = NULL;
    return copy;
}

void task_free(struct task *task)
{
    if (task == NULL)
        return;
    free(task->open);
    free(task);
}

uint64_t model_start_key(int64_t station, int64_t connector, int64_t tag, int64_t at_us)
{
    return KEY(station, connector, tag, at_us);
}

uint64_t model_stop_key(int64_t station, int64_t transaction, int64_t at_us, int64_t mwh)
{
    return KEY(station, transaction, at_us, mwh);
}

uint64_t model_reading_key(int64_t station, int64_t at_us, int64_t connector, int64_t mwh)
{
    return KEY(station, at_us, connector, mwh);
}

static struct stored *find(const struct model *model, int64_t transaction)
{
    if (transaction <= TRANSACTION_BASE || transaction >= TRANSACTION_BASE + model->stored_count)
        return NULL;
    return &model->stored[transaction - TRANSACTION_BASE];
}

const struct stored *model_stored(const struct model *model, int64_t transaction)
{
    return find(model, transaction);
}

/* A number of the sequence for a session, or for a start that is kept as evidence only. */
static int64_t store(struct model *model, const struct task *task, enum session_kind kind)
{
    struct model_station *station = &model->stations[task->station - 1];

    if (model->stored_count >= model->stored_room) {
        model->stored_room = model->stored_room != 0 ? model->stored_room * 2 : 64;
        model->stored = realloc(model->stored, model->stored_room * sizeof *model->stored);
        assert(model->stored != NULL);
    }
    model->stored[model->stored_count] = (struct stored){
        .kind = kind,
        .station = task->station,
        .connector = task->connector,
        .tag = task->tag,
        .start_us = task->at_us,
        .start_mwh = task->mwh,
        .next = station->sessions,
    };
    station->sessions = model->stored_count;
    return TRANSACTION_BASE + (int64_t)model->stored_count++;
}

static void presume(struct model *model, const struct task *task)
{
    uint32_t at = model->stations[task->station - 1].sessions;

    for (; at != 0; at = model->stored[at].next) {
        struct stored *stored = &model->stored[at];

        if (stored->stopped)
            break;
        if (stored->connector == task->connector && stored->start_us <= task->at_us)
            stored->presumed = true;
    }
}

static void start(struct model *model, struct task *task)
{
    uint64_t key = model_start_key(task->station, task->connector, task->tag, task->at_us);
    int64_t *known = keys_at(&model->starts, key);

    if (*known == 0) {
        presume(model, task);
        *known = store(model, task, SESSION_READ);
    } else {
        const struct stored *first = find(model, *known);

        assert(first != NULL);
        model->conflicts += first->start_mwh != task->mwh;
    }
    task->answer = (struct core_answer){.transaction_id = *known, .status = "Accepted"};
}

static struct stored *session_of(struct model *model, const struct task *task)
{
    struct stored *stored = find(model, task->transaction);
    uint32_t at = model->stations[task->station - 1].sessions;

    if (stored != NULL && stored->station == task->station && stored->kind != SESSION_REFUSED)
        return stored;
    if (task->transaction > 0 || task->tag == 0)
        return NULL;
    while (at != 0 && model->stored[at].tag != task->tag)
        at = model->stored[at].next;
    return at != 0 && !model->stored[at].stopped ? &model->stored[at] : NULL;
}

static void stop(struct model *model, struct task *task)
{
    uint64_t key =
        model_stop_key(task->station, task->transaction, task->at_us, task->mwh);
    int64_t *known = keys_at(&model->stops, key);
    struct stored *stored = session_of(model, task);

    if (task->tag != 0)
        task->answer.status = "Accepted";
    if (*known != 0)
        return;
    *known = 1;
    if (stored == NULL)
        return; /* waits for its start */
    if (stored->stopped) {
        model->conflicts++;
        return;
    }
    stored->stopped = true;
    stored->stop_us = task->at_us;
    stored->stop_mwh = task->mwh;
}

static void readings(struct model *model, const struct task *task)
{
    for (uint32_t i = 0; i < task->reading_count; i++) {
        const struct task_reading *row = &task->readings[i];
        uint64_t key = model_reading_key(task->station, row->at_us, row->connector, row->mwh);
        int64_t *known = keys_at(
            &model->rows, KEY(task->station, row->at_us, row->connector, row->hash));

        if (*known == 0)
            ++*keys_at(&model->readings, key);
        *known = 1;
    }
}

static void unusable(struct model *model, struct task *task)
{
    int64_t *known;

    *keys_at(&model->unusable, KEY(task->station, (int64_t)task->digest)) = 1;
    if (task->action != OCPP_START_TRANSACTION)
        return;
    known = keys_at(&model->unusable_starts, KEY(task->station, (int64_t)task->digest));
    if (*known == 0)
        *known = store(model, task, SESSION_UNREADABLE);
    task->answer.transaction_id = *known;
}

static void boot(struct model *model, struct task *task)
{
    struct model_station *station = &model->stations[task->station - 1];

    if (station->booted_us != task->received_us) {
        station->booted_us = task->received_us;
        station->boot_number++;
        if (station->registration == CORE_NEVER_BOOTED)
            station->registration = CORE_ACCEPTED;
    }
    task->answer = (struct core_answer){
        .registration = station->registration, .boot_number = station->boot_number};
}

static void open_list(struct model *model, struct task *task)
{
    uint32_t at = model->stations[task->station - 1].sessions, count = 0;
    size_t length = 0;

    free(task->open);
    task->open = calloc(64, 24);
    assert(task->open != NULL);
    for (; at != 0 && count < 64; at = model->stored[at].next) {
        if (model->stored[at].stopped || model->stored[at].kind == SESSION_REFUSED)
            continue;
        length += (size_t)snprintf(task->open + length, 24, "%s%d", count > 0 ? "," : "",
            TRANSACTION_BASE + (int)at);
        count++;
    }
}

static void take_over(struct model *model, struct task *task)
{
    struct world *world = model->world;
    struct model_station *station = &model->stations[task->station - 1];
    int64_t before = station->closed ? 0 : station->node;

    station->epoch++;
    station->node = task->node;
    world_line(world, "taken over", task->station, station->epoch, NULL);
    station->closed = false;
    station->opened_us = world->now_us;
    for (uint32_t i = 0; i < world->node_count; i++)
        if (before != task->node && world->nodes[i].number == before &&
            !world_fault(world, FAULT_NOTICE, 300))
            world_at(world, world_delay(world, 500, 20000), &(struct event){.kind = EVENT_MOVED,
                .who = i, .stamp = world->nodes[i].stamp, .more = task->station - 1});
    model_commands_lost(model, task->station, station->epoch, task->received_us);
    open_list(model, task);
    task->answer = (struct core_answer){
        .epoch = station->epoch,
        .registration = station->registration,
        .boot_number = station->boot_number,
        .open_transactions = task->open,
    };
}

static void connection_close(struct model *model, const struct task *task)
{
    struct model_station *station = &model->stations[task->station - 1];

    if (station->epoch != task->epoch || station->closed)
        return;
    station->closed = true;
    model_commands_lost(model, task->station, task->epoch + 1, task->received_us);
}

/* Some contents meet a constraint; the same one each time. */
static bool refused(struct model *model, struct task *task)
{
    struct world *world = model->world;
    bool refusable = task->kind == CORE_START || task->kind == CORE_STOP ||
                     task->kind == CORE_STATUS || task->kind == CORE_NOTE;
    int64_t *known;

    if (!refusable || !(world->faults & 1u << FAULT_REFUSE) || task->digest % 24 > 1)
        return false;
    if (task->digest % 24 == 1) { /* the statement itself: nothing is kept of it */
        task->outcome = CORE_FAILED;
        return true;
    }
    known = keys_at(&model->refused, KEY(task->station, (int64_t)task->digest));
    if (*known == 0)
        *known = task->kind == CORE_START ? store(model, task, SESSION_REFUSED) : 1;
    task->outcome = CORE_REFUSED;
    task->answer = (struct core_answer){.status = task->kind == CORE_START ? "Invalid" : NULL};
    if (task->kind == CORE_START)
        task->answer.transaction_id = *known;
    return true;
}

static bool held(const struct model *model, const struct task *task)
{
    bool locks = task->kind != CORE_READINGS && task->kind != CORE_AUTHORIZE &&
                 task->kind != CORE_NOTE && task->kind != CORE_DATA_TRANSFER &&
                 task->kind != CORE_STUCK && task->kind != CORE_COMMAND_NEXT && !task->unsecured;

    return locks && model->stations[task->station - 1].held_until_us > model->world->now_us;
}

void model_run(struct model *model, struct task *task)
{
    task->answer = (struct core_answer){0};
    task->outcome = CORE_BUSY;
    if (held(model, task) || refused(model, task))
        return;
    task->outcome = CORE_DONE;
    if (task->kind == CORE_TAKE_OVER)
        take_over(model, task);
    else if (task->kind == CORE_CONNECTION_CLOSE)
        connection_close(model, task);
    else if (task->kind == CORE_BOOT)
        boot(model, task);
    else if (task->kind == CORE_STATUS)
        *keys_at(&model->statuses, KEY(task->station, (int64_t)task->digest)) = 1;
    else if (task->kind == CORE_START)
        start(model, task);
    else if (task->kind == CORE_STOP)
        stop(model, task);
    else if (task->kind == CORE_READINGS)
        readings(model, task);
    else if (task->kind == CORE_NOTE)
        *keys_at(&model->notes, KEY(task->station, (int64_t)task->digest)) = 1;
    else if (task->kind == CORE_UNUSABLE)
        unusable(model, task);
    else if (task->kind == CORE_COMMAND_NEXT)
        model_command_next(model, task);
    else if (task->kind == CORE_COMMAND_ANSWER)
        model_command_answer(model, task);
    else if (task->kind == CORE_COMMAND_UNSENT)
        model_command_unsent(model, task);
    else if (task->kind == CORE_COMMAND_LATE)
        model_command_late(model, task);
    else if (task->kind == CORE_AUTHORIZE || task->kind == CORE_DATA_TRANSFER)
        task->answer.status = task->kind == CORE_AUTHORIZE ? "Accepted" : "UnknownVendorId";
}
