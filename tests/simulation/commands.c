/* commands.c - core.command as the lanes see it: claimed once, sent at most once. */
#include "tests/simulation/check.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)

static const struct {
    const char *action, *payload;
    bool repeatable;
} kinds[] = {
    {"RemoteStartTransaction", "{\"idTag\":\"REMOTE\",\"connectorId\":1}", false},
    {"RemoteStopTransaction", "{\"transactionId\":1000}", false},
    {"Reset", "{\"type\":\"Soft\"}", false},
    {"UnlockConnector", "{\"connectorId\":1}", false},
    {"ClearCache", "{}", false},
    {"GetConfiguration", "{\"key\":[\"HeartbeatInterval\"]}", true},
    {"TriggerMessage", "{\"requestedMessage\":\"StatusNotification\",\"connectorId\":1}", true},
    {"ChangeAvailability", "{\"connectorId\":0,\"type\":\"Operative\"}", true},
    {"UnlockConnector", "{\"connectorId\":\"one\"}", false}, /* refused by the core */
    {"MakeCoffee", "{}", false},
};

enum { SEEN_US_MAX = 3000000 };

struct command *model_command_add(struct model *model, int64_t station)
{
    struct random *random = &model->world->random;
    uint32_t kind = random_below(random, sizeof kinds / sizeof *kinds);
    struct command *command;

    if (model->command_count == model->command_room) {
        model->command_room = model->command_room != 0 ? model->command_room * 2 : 64;
        model->commands =
            realloc(model->commands, model->command_room * sizeof *model->commands);
        assert(model->commands != NULL);
    }
    command = &model->commands[model->command_count++];
    *command = (struct command){
        .station = station,
        .asked_us = model->world->now_us,
        .seen_us = model->world->now_us +
                   (random_chance(random, 300) ? random_between(random, 0, SEEN_US_MAX) : 0),
        .deadline_us = model->world->now_us + random_between(random, 20, 120) * SECOND,
        .timeout_s = random_chance(random, 500) ? 0 : random_between(random, 5, 40),
        .repeatable = kinds[kind].repeatable,
        .action = kinds[kind].action,
        .payload = kinds[kind].payload,
    };
    return command;
}

static void end(struct command *command, const char *state)
{
    command->state = COMMAND_FINAL;
    snprintf(command->final, sizeof command->final, "%s", state);
}

void model_command_next(struct model *model, struct task *task)
{
    const struct model_station *station = &model->stations[task->station - 1];

    if (station->epoch != task->epoch || station->closed)
        return;
    for (uint32_t i = model->command_first; i < model->command_count; i++) {
        struct command *command = &model->commands[i];

        if (command->station != task->station || command->state != COMMAND_QUEUED ||
            command->seen_us > model->world->now_us ||
            command->deadline_us <= model->world->now_us ||
            command->attempts >= COMMAND_ATTEMPTS)
            continue;
        command->state = COMMAND_SENT;
        command->sent_us = model->world->now_us;
        command->epochs[++command->attempts] = station->epoch;
        snprintf(task->message_id, sizeof task->message_id, "jb-%u-%d", (unsigned)i + 1,
            command->attempts);
        task->answer = (struct core_answer){
            .command = (int64_t)i + 1,
            .action = command->action,
            .payload = command->payload,
            .message_id = task->message_id,
            .timeout_s = (int32_t)command->timeout_s,
        };
        return;
    }
}

static void lost(struct model *model, struct command *command)
{
    if (command->repeatable && command->deadline_us > model->world->now_us)
        command->state = COMMAND_QUEUED;
    else
        end(command, "unknown");
}

/* The number of the claim that a message id names. */
static int claim(const struct model *model, const struct task *task)
{
    unsigned id = 0;
    int attempt = 0;

    if (sscanf(task->message_id, "jb-%u-%d", &id, &attempt) != 2 || id == 0 ||
        id > model->command_count || (task->command != 0 && id != task->command))
        world_breach(model->world, BREACH_ANSWER, "%s is not the claim", task->message_id);
    return attempt;
}

/* May the pile's own word settle it still? */
static bool doubtful(const struct command *command)
{
    return command->state != COMMAND_FINAL || strcmp(command->final, "unknown") == 0 ||
           strcmp(command->final, "timed_out") == 0 || strcmp(command->final, "expired") == 0;
}

void model_command_answer(struct model *model, const struct task *task)
{
    struct command *command = &model->commands[task->command - 1];
    bool evidence = strcmp(task->state, "accepted") == 0 || strcmp(task->state, "rejected") == 0 ||
                    strcmp(task->state, "call_error") == 0;
    int attempt = claim(model, task);

    if (evidence && !(command->left & 1u << attempt))
        world_breach(model->world, BREACH_ANSWER, "%s never left", task->message_id);
    if (attempt != command->attempts ||
        (command->state != COMMAND_SENT && !(evidence && doubtful(command))))
        return;
    if (strcmp(task->state, "unknown") == 0)
        lost(model, command);
    else
        end(command, task->state);
}

void model_command_late(struct model *model, const struct task *task)
{
    struct command *command;
    unsigned id = 0;
    int attempt = 0;

    if (sscanf(task->message_id, "jb-%u-%d", &id, &attempt) != 2 || id == 0 ||
        id > model->command_count)
        return; /* invented */
    command = &model->commands[id - 1];
    if (command->station == task->station && attempt == command->attempts &&
        command->left & 1u << attempt && doubtful(command))
        end(command, strcmp(task->state, "no_status") == 0 ? "accepted" : task->state);
}

void model_command_unsent(struct model *model, const struct task *task)
{
    struct command *command = &model->commands[task->command - 1];
    int attempt = claim(model, task);

    if (command->left & 1u << attempt)
        world_breach(model->world, BREACH_COMMAND_TWICE, "%s has left and is put back",
            task->message_id);
    if (attempt != command->attempts ||
        (command->state != COMMAND_SENT && strcmp(command->final, "unknown") != 0))
        return;
    if (command->deadline_us > model->world->now_us) {
        command->state = COMMAND_QUEUED;
        command->final[0] = '\0';
    } else {
        end(command, "expired");
    }
    if ((uint32_t)task->command - 1 < model->command_first)
        model->command_first = (uint32_t)task->command - 1;
}

void model_commands_lost(struct model *model, int64_t station, int64_t epoch, int64_t at_us)
{
    (void)at_us;
    for (uint32_t i = model->command_first; i < model->command_count; i++) {
        struct command *command = &model->commands[i];

        if (command->station == station && command->state == COMMAND_SENT &&
            command->epochs[command->attempts] < epoch)
            lost(model, command);
    }
}

void model_commands_expire(struct model *model, int64_t now_us)
{
    for (uint32_t i = model->command_first; i < model->command_count; i++) {
        struct command *command = &model->commands[i];
        int64_t timeout_s = command->timeout_s != 0 ? command->timeout_s : 30;

        if (command->state == COMMAND_QUEUED && command->deadline_us <= now_us)
            end(command, "expired");
        else if (command->state == COMMAND_SENT &&
                 command->sent_us + (timeout_s + 60) * SECOND <= now_us)
            end(command, "unknown");
    }
    while (model->command_first < model->command_count &&
           model->commands[model->command_first].state == COMMAND_FINAL)
        model->command_first++;
}

void model_node_settle(struct model *model, int64_t node, int64_t now_us)
{
    for (uint32_t i = 0; i < model->station_count; i++) {
        struct model_station *station = &model->stations[i];

        if (station->node != node || station->closed)
            continue;
        station->closed = true;
        model_commands_lost(model, (int64_t)i + 1, station->epoch + 1, now_us);
    }
}
