/* check.c - see check.h. */
#include "tests/simulation/check.h"

#include "csms/core/station.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
enum { LATE_S = 10, SETTLED_S = 60, PRESENT_S = 160, WAITS_MIN = 8, UNFAIR_TIMES = 8 };

/* Kept as evidence instead of being understood. */
static bool evidence(const struct model *model, const struct content *content)
{
    uint64_t key = KEY((int64_t)content->pile + 1, (int64_t)content->digest);

    return keys_find(&model->refused, key) != NULL || keys_find(&model->unusable, key) != NULL;
}

static bool start_stored(
    const struct model *model, const struct content *content, int64_t transaction)
{
    int64_t station = (int64_t)content->pile + 1;
    uint64_t digest = KEY(station, (int64_t)content->digest);
    const int64_t *known = keys_find(&model->starts,
        model_start_key(station, content->connector, content->tag, content->at_us));

    if (known == NULL)
        known = keys_find(&model->refused, digest);
    if (known == NULL)
        known = keys_find(&model->unusable_starts, digest);
    return known != NULL && *known == transaction;
}

/* Is what this message says in the books? */
static bool stored(const struct model *model, const struct content *content, const char *answer)
{
    int64_t station = (int64_t)content->pile + 1;
    uint64_t digest = KEY(station, (int64_t)content->digest);
    const char *at;

    switch (content->what) {
    case WHAT_START:
        at = strstr(answer, "\"transactionId\":");
        return at != NULL && start_stored(model, content, strtoll(at + 16, NULL, 10));
    case WHAT_STOP:
        return evidence(model, content) ||
               keys_find(&model->stops, model_stop_key(station, content->transaction,
                                            content->at_us, content->wh * 1000)) != NULL;
    case WHAT_READING:
        return keys_find(&model->readings, model_reading_key(station, content->at_us,
                                               content->connector, content->wh * 1000)) != NULL;
    case WHAT_STATUS:
        return evidence(model, content) || keys_find(&model->statuses, digest) != NULL;
    case WHAT_NOTE:
        return evidence(model, content) || keys_find(&model->notes, digest) != NULL;
    case WHAT_UNUSABLE:
        return evidence(model, content);
    case WHAT_BOOT:
        return model->stations[content->pile].boot_number > 0;
    case WHAT_NOTHING:
    case WHAT_OTHER:
    case WHAT_WRONG:
        break;
    }
    return true;
}

static bool is_evidence(enum what what)
{
    return what == WHAT_START || what == WHAT_STOP || what == WHAT_READING || what == WHAT_NOTE ||
           what == WHAT_UNUSABLE;
}

/* How long the message that was next took, once the faults are over. */
static void waited(struct world *world, const struct frame *frame)
{
    struct pile *pile = &world->piles[frame->content.pile];
    int64_t wait_us = world->now_us - frame->front_us;
    int64_t ms = wait_us / 1000;
    bool counts = world->options.day ||
                  (world->calm && frame->front_us > world->calm_us + SETTLED_S * SECOND);

    if (!counts || wait_us == 0) /* from memory */
        return;
    world->waits[ms < WAIT_MS_MAX ? ms : WAIT_MS_MAX - 1]++;
    if (wait_us > pile->wait_us)
        pile->wait_us = wait_us;
}

void check_answer(struct node *node, struct socket *socket, const char *text, size_t length)
{
    struct frame *front = socket->seen;
    struct world *world = node->world;
    char answer[512] = "";

    memcpy(answer, text, length < sizeof answer ? length : sizeof answer - 1);
    if (front == NULL)
        world_breach(world, BREACH_ORDER, "an answer to nothing: %s", answer);
    if (strncmp(answer + 3, front->id, strlen(front->id)) != 0 ||
        answer[3 + strlen(front->id)] != ',')
        world_breach(world, BREACH_ORDER, "%s was answered before %s", answer, front->text);
    if (answer[1] == '4' && is_evidence(front->content.what))
        world_breach(world, BREACH_ANSWER, "%s was answered with %s", front->text, answer);
    if (answer[1] == '3' && front->content.what == WHAT_WRONG)
        world_breach(world, BREACH_ANSWER, "%s was confirmed", front->text);
    if (answer[1] == '3' && !stored(world->model, &front->content, answer))
        world_breach(
            world, BREACH_CONFIRMED_EARLY, "%s was confirmed with %s", front->text, answer);
    waited(world, front);
    socket->seen = front->next;
    if (socket->seen != NULL)
        socket->seen->front_us = world->now_us;
    free(front);
}

void check_call(struct node *node, const struct socket *socket, const char *text)
{
    struct world *world = node->world;
    struct command *command;
    unsigned id = 0, attempt = 0;

    if (sscanf(text, "[2,\"jb-%u-%u\",", &id, &attempt) != 2 || id == 0 ||
        id > world->model->command_count)
        world_breach(world, BREACH_ANSWER, "a CALL of nobody: %s", text);
    command = &world->model->commands[id - 1];
    if (command->station != (int64_t)socket->pile + 1 || attempt == 0 ||
        attempt > (unsigned)command->attempts)
        world_breach(world, BREACH_EPOCH, "not claimed, or another pile's: %s", text);
    if (socket->epoch == 0 || command->epochs[attempt] != socket->epoch)
        world_breach(world, BREACH_EPOCH, "claimed in epoch %" PRId64 ", sent in %" PRId64 ": %s",
            command->epochs[attempt], socket->epoch, text);
    if (command->left & 1u << attempt || (!command->repeatable && command->left != 0))
        world_breach(world, BREACH_COMMAND_TWICE, "sent again: %s", text);
    for (unsigned i = 1; i < attempt; i++)
        if (command->left & 1u << i && command->epochs[i] == socket->epoch)
            world_breach(world, BREACH_COMMAND_TWICE, "sent again on one connection: %s", text);
    command->left |= 1u << attempt;
}

void check_work(struct node *node, const struct core_work *work)
{
    struct world *world = node->world;
    const struct socket *socket = node_attached(node, work->station);

    if (work->token == 0)
        return;
    if (socket == NULL)
        world_breach(world, BREACH_OWNER, "work for a pile that is not connected");
    if (work->kind == CORE_TAKE_OVER || work->kind == CORE_COMMAND_NEXT) {
        if (work->kind == CORE_COMMAND_NEXT && work->epoch != socket->epoch)
            world_breach(world, BREACH_EPOCH, "a command is asked for in an old epoch");
    } else if (socket->epoch == 0 || work->epoch != socket->epoch) {
        world_breach(world, BREACH_EPOCH, "worked in epoch %" PRId64 " of %" PRId64 ": %s",
            work->epoch, socket->epoch, work->frame);
    } else if (socket->seen == NULL ||
               socket->seen->content.digest != frame_digest(work->frame)) {
        world_breach(world, BREACH_ORDER, "not the next in order: %s", work->frame);
    }
    if (work->kind == CORE_STOP && socket->seen->content.data != (work->readings_json != NULL))
        world_breach(world, BREACH_ANSWER, "transactionData got lost: %s", work->frame);
    if (work->kind != CORE_COMMAND_NEXT && node->in_work[work->station - 1] != 0)
        world_breach(world, BREACH_ORDER, "two messages of a pile are in work");
}

void check_epoch(struct node *node, struct socket *socket, int64_t epoch)
{
    struct world *world = node->world;
    int64_t *given = keys_at(&world->epochs, KEY((int64_t)socket->pile + 1, epoch));

    if (epoch <= node->last_epoch[socket->pile] || *given != 0)
        world_breach(world, BREACH_EPOCH, "epoch %" PRId64 " of pile %u does not rise", epoch,
            (unsigned)socket->pile + 1);
    *given = 1;
    node->last_epoch[socket->pile] = epoch;
    socket->epoch = epoch;
}

void check_connections(struct node *node)
{
    struct world *world = node->world;
    struct core_stats stats;
    uint32_t attached = 0;

    if (node->core == NULL ||
        (world->options.day && (node->ticks % 64 != 0 || node->checked == node->ticks)))
        return;
    node->checked = node->ticks;
    for (uint32_t i = 0; i < world->options.piles; i++) {
        if (node->attached[i] > 1)
            world_breach(world, BREACH_OWNER, "pile %u has two connections here", (unsigned)i + 1);
        attached += node->attached[i];
    }
    core_stats(node->core, &stats);
    if (stats.connections != attached)
        world_breach(world, BREACH_OWNER, "node %u has %u connections, and its core %u",
            (unsigned)node->index, (unsigned)attached, (unsigned)stats.connections);
}

static void job_add(struct core_stats *sum, const struct core_job *job)
{
    if (job != NULL && job->sum != NULL)
        sum->large_bytes += job->length;
}

/* What the core counts as it goes is what there is. */
static void check_counts(struct world *world, const struct core *core)
{
    struct core_stats sum = {0};
    uint32_t stalled = 0, taking = 0;

    for (uint32_t i = 0; i < core->capacity; i++) {
        const struct core_station *station = &core->stations[i];
        size_t bytes = 0;
        uint32_t jobs = 0;

        for (const struct core_job *job = station->first; job != NULL; job = job->next) {
            jobs++;
            bytes += job->length;
            job_add(&sum, job);
        }
        job_add(&sum, station->job);
        stalled += station->stalled;
        taking += station->work_token != 0 && station->job == NULL;
        sum.calls_outstanding += station->call != NULL;
        if (jobs != station->waiting || bytes != station->waiting_bytes ||
            station->open_count > CORE_OPEN_MAX || station->late_count > CORE_LATE_MAX)
            world_breach(world, BREACH_MEMORY, "pile %" PRId64 " has %u messages of %zu bytes",
                station->id, (unsigned)jobs, bytes);
    }
    if (stalled != core->stalled || taking != core->taking ||
        sum.calls_outstanding != core->calls || sum.large_bytes != core->large_sum)
        world_breach(world, BREACH_MEMORY,
            "%u stalled, %u taking, %u calls, %zu bytes are counted otherwise", (unsigned)stalled,
            (unsigned)taking, sum.calls_outstanding, sum.large_bytes);
}

void check_memory(struct node *node, bool end)
{
    struct world *world = node->world;
    struct core_stats stats;

    check_counts(world, node->core);
    core_stats(node->core, &stats);
    if (stats.large_bytes > node->core->config.large_bytes + OCPP_PILE_BYTES_MAX)
        world_breach(world, BREACH_MEMORY, "%zu bytes of large messages", stats.large_bytes);
    for (uint32_t i = 0; i < node->core->capacity; i++) {
        const struct core_station *station = &node->core->stations[i];

        if (station->waiting > CORE_QUEUE_MAX)
            world_breach(world, BREACH_MEMORY, "%d messages wait", station->waiting);
        if (station->paused && station->waiting == 0 && station->job == NULL)
            world_breach(world, BREACH_CALM, "pile %" PRId64 " is paused for nothing", station->id);
    }
    if (end && (stats.open > 0 || stats.calls_outstanding > 0 || stats.large_bytes > 0 ||
                   node->core->free_count != node->core->capacity))
        world_breach(world, BREACH_MEMORY, "at the end %u open, %u calls, %zu bytes, %u stations",
            stats.open, stats.calls_outstanding, stats.large_bytes,
            node->core->capacity - node->core->free_count);
}

void check_commands(struct world *world)
{
    const struct model *model = world->model;

    for (uint32_t i = model->command_first; i < model->command_count; i++) {
        const struct command *command = &model->commands[i];
        int64_t timeout_s = command->timeout_s != 0 ? command->timeout_s : 30;
        int64_t end_us = command->deadline_us;

        if (command->state == COMMAND_FINAL)
            continue;
        /* Claimed before the calm it may have been forgotten: then the clock's part ends it. */
        if (command->state == COMMAND_SENT &&
            command->sent_us < world->calm_us + SETTLED_S * SECOND)
            timeout_s += 60;
        if (command->state == COMMAND_SENT && command->sent_us + timeout_s * SECOND > end_us)
            end_us = command->sent_us + timeout_s * SECOND;
        if (world->now_us > end_us + LATE_S * SECOND)
            world_breach(world, BREACH_COMMAND_STUCK, "command %u of pile %" PRId64 " is %s",
                (unsigned)i + 1, command->station,
                command->state == COMMAND_SENT ? "sent" : "queued");
    }
}

/* Asked for when each pile has long noticed that its line was dead, and is back. */
static void check_expired(struct world *world, uint32_t index)
{
    const struct command *command = &world->model->commands[index];

    if (strcmp(command->final, "expired") == 0 &&
        command->asked_us > world->calm_us + PRESENT_S * SECOND)
        world_breach(world, BREACH_COMMAND_STUCK, "command %u of pile %" PRId64 " never left",
            (unsigned)index + 1, command->station);
}

/* An answer is the word of the pile it was asked of and of nobody else, and in a calm world none is
 * lost. */
static void check_told(struct world *world, uint32_t index)
{
    const struct command *command = &world->model->commands[index];
    bool said = strcmp(command->final, "accepted") == 0 ||
                strcmp(command->final, "rejected") == 0 ||
                strcmp(command->final, "call_error") == 0;
    bool told = command->told & 1u << command->attempts;
    bool calm = command->asked_us > world->calm_us + PRESENT_S * SECOND;

    if ((said && !told) || (calm && told && !said))
        world_breach(world, BREACH_ANSWER, "command %u of pile %" PRId64 " is %s, and was %s by it",
            (unsigned)index + 1, command->station, command->final,
            told ? "answered" : "not answered");
}

void check_fair(struct world *world)
{
    uint64_t count = 0, seen = 0;
    int64_t median_ms = 0;

    for (uint32_t i = 0; i < WAIT_MS_MAX; i++)
        count += world->waits[i];
    if (count < WAITS_MIN)
        return;
    while ((seen += world->waits[median_ms]) * 2 < count)
        median_ms++;
    for (uint32_t i = 0; i < world->options.piles; i++)
        if (world->piles[i].wait_us > UNFAIR_TIMES * (median_ms + 1) * 1000)
            world_breach(world, BREACH_UNFAIR,
                "pile %u waited %" PRId64 " us, half of them %" PRId64 " ms", (unsigned)i + 1,
                world->piles[i].wait_us, median_ms);
}

void check_owners(struct world *world)
{
    for (uint32_t i = 0; i < world->options.piles; i++) {
        const struct model_station *station = &world->model->stations[i];
        uint32_t owners = 0;

        for (uint32_t k = 0; k < world->node_count; k++) {
            const struct socket *socket = node_attached(&world->nodes[k], (int64_t)i + 1);

            owners += socket != NULL;
            if (socket != NULL && socket->epoch != station->epoch)
                world_breach(world, BREACH_OWNER,
                    "pile %u is connected in epoch %" PRId64 " and owned in %" PRId64,
                    (unsigned)i + 1, socket->epoch, station->epoch);
        }
        if (owners > 1 || station->closed != (owners == 0))
            world_breach(world, BREACH_OWNER, "pile %u has %u owners", (unsigned)i + 1,
                (unsigned)owners);
    }
}

static void check_start(
    struct world *world, const struct pile *pile, const struct session *session)
{
    const struct stored *row = model_stored(world->model, session->transaction);
    int64_t station = (int64_t)pile->index + 1;

    if (row == NULL || row->station != station)
        world_breach(world, BREACH_LOST, "transaction %" PRId64 " was answered and is not there",
            session->transaction);
    if (row->kind != SESSION_READ)
        return; /* kept as evidence: check_answer has seen it */
    if (row->connector != session->connector || row->tag != session->tag ||
        row->start_us != session->start_us || row->start_mwh != session->start_wh * 1000)
        world_breach(world, BREACH_SESSION, "transaction %" PRId64 " is not what pile %u started",
            session->transaction, (unsigned)pile->index + 1);
    if (session->stop == FATE_CONFIRMED &&
        keys_find(&world->model->refused, KEY(station, (int64_t)session->stop_digest)) == NULL &&
        keys_find(&world->model->unusable, KEY(station, (int64_t)session->stop_digest)) == NULL &&
        (!row->stopped || row->stop_us != session->stop_us ||
            row->stop_mwh != session->stop_wh * 1000))
        world_breach(world, BREACH_SESSION, "transaction %" PRId64 " has not its true end",
            session->transaction);
}

static void check_pile(struct world *world, const struct pile *pile)
{
    int64_t station = (int64_t)pile->index + 1;

    for (uint32_t i = 0; i < pile->session_count; i++) {
        const struct session *session = &pile->sessions[i];

        if (session->start == FATE_QUEUED || session->stop == FATE_QUEUED)
            world_breach(world, BREACH_CALM, "pile %u still has a queue", (unsigned)station);
        if (session->start == FATE_CONFIRMED)
            check_start(world, pile, session);
    }
    for (uint32_t i = 0; i < pile->reading_count; i++) {
        const struct sample *sample = &pile->readings[i];
        const int64_t *rows = keys_find(&world->model->readings,
            model_reading_key(station, sample->at_us, sample->connector, sample->wh * 1000));

        if (rows == NULL || *rows != 1)
            world_breach(world, BREACH_LOST, "a reading of pile %u is there %d times",
                (unsigned)station, rows != NULL ? (int)*rows : 0);
    }
}

/* The session that bears this row's tag, on its connector. */
static const struct session *session_of(const struct pile *pile, const struct stored *row)
{
    uint32_t number = (uint32_t)(row->tag % 1000000);

    for (uint32_t i = number; i <= number + 1; i++) /* a twin comes after its sibling */
        if (i > 0 && i <= pile->session_count && pile->sessions[i - 1].tag == row->tag &&
            pile->sessions[i - 1].connector == row->connector)
            return &pile->sessions[i - 1];
    return NULL;
}

void check_books(struct world *world)
{
    const struct model *model = world->model;
    struct keys seen = {0};

    for (uint32_t i = 0; i < model->command_count; i++) {
        check_expired(world, i);
        check_told(world, i);
    }
    if (model->conflicts != 0)
        world_breach(world, BREACH_SESSION, "%" PRIu64 " Starts or Stops contradict the first",
            model->conflicts);
    for (uint32_t i = 0; i < world->options.piles; i++)
        check_pile(world, &world->piles[i]);
    for (uint32_t i = 1; i < model->stored_count; i++) {
        const struct stored *row = &model->stored[i];
        const struct session *session = session_of(&world->piles[row->station - 1], row);

        if (row->kind != SESSION_READ)
            continue;
        if (session == NULL || session->start_wh * 1000 != row->start_mwh ||
            (*keys_at(&seen, KEY(row->station, row->tag, row->connector)))++ != 0)
            world_breach(world, BREACH_SESSION, "transaction %u is no true session of its own",
                (unsigned)i + TRANSACTION_BASE);
    }
    keys_done(&seen);
}
