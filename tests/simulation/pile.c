/* pile.c - see pile.h: connections, the queue, and what was answered. */
#include "tests/simulation/model.h"
#include "tests/simulation/pile.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define WALL_US INT64_C(1764000000000000)

void pile_init(struct world *world, struct pile *pile, uint32_t index)
{
    struct random *random = &pile->random;
    bool day = world->options.day;

    *pile = (struct pile){.world = world, .index = index, .wake_us = INT64_MAX};
    random_init(random, world->options.seed, 1000 + index);
    pile->habits = day ? 0 : (uint32_t)random_next(random) & 0x3ff;
    if (pile->habits & HABIT_SAME_ID)
        pile->habits &= ~(uint32_t)HABIT_IDS_RESTART;
    if (random_chance(random, 400))
        pile->clock_us = random_between(random, -40 * 86400, 12 * 3600) * SECOND;
    pile->timeout_us = random_between(random, 10, 30) * SECOND;
    pile->interval_us = random_between(random, 2, 10) * SECOND;
    pile->attempts_max = (uint8_t)random_between(random, 3, 12);
    pile->heartbeat_us = day ? 300 * SECOND : random_between(random, 20, 60) * SECOND;
    pile->sample_us = day ? 60 * SECOND : random_between(random, 4, 30) * SECOND;
    pile->connect_us = world->now_us + random_between(random, 0, day ? 60 : 5) * SECOND;
    pile->beat_us = pile->connect_us + pile->heartbeat_us;
    for (int i = 0; i < CONNECTORS; i++) {
        pile->connectors[i].next_us =
            pile->connect_us + random_between(random, 5, day ? 36000 : 40) * SECOND;
        pile->connectors[i].register_wh = random_between(random, 0, 100000000);
    }
    pile_wake_at(pile, pile->connect_us);
}

static void message_free(struct message *message)
{
    free(message->text);
    free(message);
}

void pile_done(struct pile *pile)
{
    while (pile->first != NULL) {
        struct message *message = pile->first;

        pile->first = message->next;
        message_free(message);
    }
    free(pile->sessions);
    free(pile->readings);
}

void pile_wake_at(struct pile *pile, int64_t at_us)
{
    struct world *world = pile->world;

    if (at_us < world->now_us)
        at_us = world->now_us;
    if (pile->wake_us <= at_us)
        return;
    pile->wake_us = at_us;
    if (pile->awake)
        return;
    world_at(world, at_us, &(struct event){
        .kind = EVENT_PILE, .who = pile->index, .stamp = ++pile->wake_stamp});
}

static bool same(struct socket_ref a, struct socket_ref b)
{
    return a.serial != 0 && a.serial == b.serial;
}

static struct message **message_place(struct pile *pile, bool front)
{
    struct message **at = &pile->first;

    while (*at != NULL && !front)
        at = &(*at)->next;
    return at;
}

struct message *pile_say(struct pile *pile, enum what what, uint32_t session, bool live)
{
    struct message *message = calloc(1, sizeof *message);
    struct message **at = message_place(pile, what == WHAT_BOOT);
    int64_t at_us = WALL_US + pile->world->now_us + pile->clock_us;

    assert(message != NULL);
    message->content = (struct content){
        .what = what, .pile = pile->index, .at_us = at_us - at_us % 1000};
    if (session != 0)
        message->content.connector = pile->sessions[session - 1].connector;
    message->session = session;
    message->live = live;
    message->next = *at;
    *at = message;
    pile_wake_at(pile, pile->world->now_us);
    return message;
}

static void drop(struct pile *pile, struct message *gone)
{
    struct message **at = &pile->first;

    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    message_free(gone);
}

/* The connection is gone: what waits for its answer waits again, without counting; nobody
 * remembers the rest. */
static void offline(struct pile *pile)
{
    struct message *message = pile->first;

    pile->online = false;
    pile->timeouts = 0;
    pile->socket = (struct socket_ref){0};
    while (message != NULL) {
        struct message *next = message->next;

        message->outstanding = false;
        if (message->live)
            drop(pile, message);
        message = next;
    }
    pile->connect_us =
        pile->world->now_us + random_between(&pile->random, 1, 100) * SECOND / 10;
    pile_wake_at(pile, pile->connect_us);
}

static void hang_up(struct pile *pile)
{
    struct socket *socket = net_socket(pile->world, pile->socket);

    if (socket != NULL && socket->pile_end)
        net_pile_close(pile->world, socket);
    offline(pile);
}

static void connect(struct pile *pile)
{
    pile->connecting = true;
    net_connect(pile->world, pile->index,
        random_below(&pile->random, pile->world->node_count));
}

static void forget(struct pile *pile)
{
    struct socket *socket = net_socket(pile->world, pile->old);

    if (socket != NULL && socket->pile_end)
        net_pile_close(pile->world, socket);
    pile->old = (struct socket_ref){0};
}

/* What it did not get around to on its last connection.  Some take their time over that, too: the
 * command may be on its way once more. */
static void answer_kept(struct pile *pile)
{
    static const struct content nothing;
    struct socket *socket = net_socket(pile->world, pile->socket);

    if (pile->kept[0] != '\0') {
        if (random_chance(&pile->random, 500))
            socket->up_us = pile->world->now_us + random_between(&pile->random, 0, 4 * SECOND);
        net_up(pile->world, socket, frame_new(&nothing, "", pile->kept));
    }
    pile->kept[0] = '\0';
}

void pile_opened(struct pile *pile, struct socket_ref ref, bool admitted)
{
    struct world *world = pile->world;

    pile->connecting = false;
    if (!admitted) {
        pile->connect_us = world->now_us + random_between(&pile->random, 1, 8) * SECOND;
        pile_wake_at(pile, pile->connect_us);
        return;
    }
    if (pile->online) {
        forget(pile);
        pile->old = pile->socket;
        offline(pile);
    }
    pile->socket = ref;
    pile->online = true;
    if (pile->habits & HABIT_IDS_RESTART)
        pile->id_next = 0;
    if (pile->habits & HABIT_BOOTS_ALWAYS)
        pile->accepted = false;
    if (world->leaving)
        hang_up(pile);
    else
        answer_kept(pile);
    pile_wake_at(pile, world->now_us);
}

void pile_closed(struct pile *pile, struct socket_ref ref)
{
    if (same(ref, pile->socket))
        offline(pile);
    else if (same(ref, pile->old))
        pile->old = (struct socket_ref){0};
}

void pile_reboot(struct pile *pile)
{
    world_line(pile->world, "reboot", (int64_t)pile->index + 1, 0, NULL);
    pile->accepted = false;
    forget(pile);
    hang_up(pile);
    for (int i = 0; i < CONNECTORS; i++)
        if (random_chance(&pile->random, 500))
            pile->connectors[i].stop_us = pile->world->now_us;
}

static void give_up(struct pile *pile, struct message *message)
{
    struct session *session = message->session != 0 ? &pile->sessions[message->session - 1] : NULL;

    world_line(pile->world, "given up", (int64_t)pile->index + 1, message->content.what, NULL);
    if (message->content.what == WHAT_START && !message->repeat)
        session->start = FATE_LOST;
    if (message->content.what == WHAT_STOP && !message->repeat)
        session->stop = FATE_LOST;
    drop(pile, message);
}

void pile_forget(struct pile *pile)
{
    pile_reboot(pile);
    while (pile->first != NULL)
        give_up(pile, pile->first);
    for (int i = 0; i < CONNECTORS; i++)
        pile->connectors[i].session = 0;
    pile->kept[0] = '\0';
    pile->id_next = 0;
}

void pile_second_socket(struct pile *pile)
{
    if (pile->online && !pile->connecting)
        connect(pile);
}

void pile_leave(struct pile *pile)
{
    forget(pile);
    if (pile->online)
        hang_up(pile);
}

bool pile_at_rest(const struct pile *pile)
{
    for (int i = 0; i < CONNECTORS; i++)
        if (pile->connectors[i].session != 0)
            return false;
    return pile->online && pile->accepted && pile->first == NULL;
}

/* No answer, or a CALLERROR: again after a time that grows, until the attempts are used up. */
static void again(struct pile *pile, struct message *message)
{
    message->outstanding = false;
    if (message->live || message->repeat) {
        drop(pile, message);
        return;
    }
    if (++message->attempts >= pile->attempts_max) {
        give_up(pile, message);
        return;
    }
    message->due_us = pile->world->now_us + pile->interval_us * message->attempts;
}

static void id_make(struct pile *pile, struct message *message)
{
    if (message->id[0] != '\0' && pile->habits & HABIT_SAME_ID)
        return;
    pile->id_next++;
    snprintf(message->id, sizeof message->id, pile->habits & HABIT_BARE_ID ? "%u" : "\"m%u\"",
        (unsigned)pile->id_next);
}

/* An answer to another pile's claim, or to a claim that nobody made. */
static void invent(struct pile *pile, struct socket *socket)
{
    static const struct content nothing;
    const struct model *model = pile->world->model;
    uint32_t id = random_below(&pile->random, model->command_count);
    const struct command *command = model->command_count > 0 ? &model->commands[id] : NULL;
    bool own = command == NULL || command->station == (int64_t)pile->index + 1;
    char text[64];

    snprintf(text, sizeof text, "[3,\"jb-%u-%d\",{\"status\":\"Accepted\"}]", (unsigned)id + 1,
        own ? COMMAND_ATTEMPTS : command->attempts);
    net_up(pile->world, socket, frame_new(&nothing, "", text));
}

static void junk(struct pile *pile, struct socket *socket)
{
    static const struct {
        const char *id, *text;
        enum what what;
    } texts[] = {
        {"", "", WHAT_NOTHING},
        {"", "{\"this\":1}", WHAT_NOTHING},
        {"", "[2,\"half", WHAT_NOTHING},
        {"", "[3,\"nobody\",{}]", WHAT_NOTHING},
        {"", "[9,\"x\",{}]", WHAT_NOTHING},
        {"\"j1\"", "[2,\"j1\",\"MakeTea\",{}]", WHAT_WRONG},
        {"\"j2\"", "[2,\"j2\",\"Reset\",{\"type\":\"Soft\"}]", WHAT_WRONG},
        {"\"j3\"", "[2,\"j3\",\"Authorize\",{}]", WHAT_WRONG},
        {"\"j4\"", "[2,\"j4\",\"MeterValues\",{\"connectorId\":1}]", WHAT_UNUSABLE},
        {"\"j5\"", "[2,\"j5\",\"StartTransaction\",{\"connectorId\":1}]", WHAT_UNUSABLE},
        {"\"j6\"", "[2,\"j6\",\"StopTransaction\",{\"transactionId\":1e99}]", WHAT_UNUSABLE},
    };
    uint32_t i = random_below(&pile->random, sizeof texts / sizeof *texts);
    struct content content = {.what = texts[i].what, .pile = pile->index};

    if (random_chance(&pile->random, 300))
        invent(pile, socket);
    if (pile->accepted) /* else even what is wrong is answered otherwise */
        net_up(pile->world, socket, frame_new(&content, texts[i].id, texts[i].text));
}

static void send(struct pile *pile, struct socket *socket, struct message *message)
{
    size_t size;
    char *text;

    if (message->text == NULL)
        message_write(pile, message);
    id_make(pile, message);
    size = strlen(message->text) + strlen(message->id) + 8;
    text = malloc(size);
    assert(text != NULL);
    snprintf(text, size, "[2,%s,%s]", message->id, message->text);
    message->content.digest = frame_digest(text);
    message->outstanding = true;
    message->timeout_us = pile->world->now_us + pile->timeout_us;
    pile_wake_at(pile, message->timeout_us);
    net_up(pile->world, socket, frame_new(&message->content, message->id, text));
    free(text);
}

/* A Stop waits for its Start's answer even where others do not wait. */
static bool waits(const struct pile *pile, const struct message *message)
{
    return message->content.what == WHAT_STOP && !message->repeat &&
           pile->sessions[message->session - 1].start == FATE_QUEUED;
}

static void pump(struct pile *pile)
{
    int outstanding = 0, window = pile->habits & HABIT_EAGER ? WINDOW_MAX : 1;
    struct socket *socket = net_socket(pile->world, pile->socket);

    if (!pile->online || socket == NULL || !socket->pile_end)
        return;
    if (world_fault(pile->world, FAULT_JUNK, 30))
        junk(pile, socket);
    for (struct message *message = pile->first; message != NULL; message = message->next)
        outstanding += message->outstanding;
    for (struct message *message = pile->first; message != NULL; message = message->next) {
        if (message->outstanding)
            continue;
        if (outstanding >= window || (!pile->accepted && message->content.what != WHAT_BOOT) ||
            waits(pile, message))
            return;
        if (message->due_us > pile->world->now_us) {
            pile_wake_at(pile, message->due_us);
            return;
        }
        send(pile, socket, message);
        outstanding++;
    }
}

static void started(struct pile *pile, struct message *message, const char *text)
{
    struct session *session = &pile->sessions[message->session - 1];
    const char *at = strstr(text, "\"transactionId\":");
    int64_t transaction = at != NULL ? strtoll(at + 16, NULL, 10) : 0;

    if (transaction <= 0)
        world_breach(pile->world, BREACH_ANSWER, "a Start got no transaction: %s", text);
    if (session->transaction != 0 && session->transaction != transaction)
        world_breach(pile->world, BREACH_ANSWER,
            "a Start got transaction %" PRId64 ", then %" PRId64, session->transaction,
            transaction);
    session->transaction = transaction;
    session->start = FATE_CONFIRMED;
    session->start_digest = message->content.digest;
}

static void sampled(struct pile *pile, const struct content *content)
{
    if (pile->reading_count == pile->reading_room) {
        pile->reading_room = pile->reading_room != 0 ? pile->reading_room * 2 : 16;
        pile->readings = realloc(pile->readings, pile->reading_room * sizeof *pile->readings);
        assert(pile->readings != NULL);
    }
    pile->readings[pile->reading_count++] =
        (struct sample){content->at_us, content->wh, content->connector};
}

/* Some piles say it once more. */
static void repeat(struct pile *pile, const struct message *message)
{
    struct message *copy;

    if (message->repeat || !(pile->habits & HABIT_REPEATS) || !random_chance(&pile->random, 300))
        return;
    copy = pile_say(pile, message->content.what, message->session, false);
    copy->repeat = true;
    copy->content = message->content;
    copy->text = strdup(message->text);
    assert(copy->text != NULL);
}

static void confirmed(struct pile *pile, struct message *message, const char *text)
{
    struct session *session = message->session != 0 ? &pile->sessions[message->session - 1] : NULL;

    if (message->content.what == WHAT_BOOT) {
        pile->accepted = strstr(text, "\"Accepted\"") != NULL;
        pile->beat_us = pile->world->now_us + (pile->accepted ? pile->heartbeat_us : 5 * SECOND);
    } else if (message->content.what == WHAT_START) {
        started(pile, message, text);
    } else if (message->content.what == WHAT_STOP && !message->repeat) {
        session->stop = FATE_CONFIRMED;
        session->stop_digest = message->content.digest;
    } else if (message->content.what == WHAT_READING) {
        sampled(pile, &message->content);
    }
    if (message->content.what == WHAT_START || message->content.what == WHAT_STOP)
        repeat(pile, message);
    drop(pile, message);
}

static void answer_call(struct pile *pile, struct socket *socket, const char *text)
{
    static const struct content nothing;
    struct world *world = pile->world;
    unsigned command = 0, attempt = 0;
    char id[48] = "", answer[160];
    bool late = world_fault(world, FAULT_LATE, 100), error = random_chance(&pile->random, 100);

    sscanf(text, "[2,\"%40[^\"]\"", id);
    if (world_fault(world, FAULT_MUTE, 150))
        return;
    if (sscanf(id, "jb-%u-%u", &command, &attempt) == 2) /* check_call has seen it */
        world->model->commands[command - 1].told |= 1u << attempt;
    if (error)
        snprintf(answer, sizeof answer, "[4,\"%s\",\"NotSupported\",\"no\",{}]", id);
    else if (strstr(text, "GetConfiguration") != NULL)
        snprintf(answer, sizeof answer, "[3,\"%s\",{\"unknownKey\":[]}]", id);
    else
        snprintf(answer, sizeof answer, "[3,\"%s\",{\"status\":\"%s\"}]", id,
            strstr(text, "Unlock") != NULL ? "Unlocked" : "Accepted");
    if (late && world_fault(world, FAULT_LATE, 500)) {
        snprintf(pile->kept, sizeof pile->kept, "%s", answer);
        return;
    }
    if (late) /* on a slow day it comes after its time, and twice */
        socket->up_us = world->now_us + 45 * SECOND;
    net_up(world, socket, frame_new(&nothing, "", answer));
    if (late)
        net_up(world, socket, frame_new(&nothing, "", answer));
    if (strstr(text, "\"Reset\"") != NULL && !error && random_chance(&pile->random, 500))
        pile_reboot(pile);
}

void pile_frame(struct pile *pile, struct socket_ref ref, const char *text)
{
    struct socket *socket = net_socket(pile->world, ref);
    struct message *message = pile->first;

    if (text[1] == '2') {
        answer_call(pile, socket, text);
        return;
    }
    if (!same(ref, pile->socket))
        return;
    while (message != NULL && (!message->outstanding ||
                                  strncmp(text + 3, message->id, strlen(message->id)) != 0 ||
                                  text[3 + strlen(message->id)] != ','))
        message = message->next;
    if (message == NULL)
        return;
    pile->timeouts = 0;
    if (text[1] == '3')
        confirmed(pile, message, text);
    else
        again(pile, message);
    pile_wake_at(pile, pile->world->now_us);
}

static void time_out(struct pile *pile)
{
    struct message *message = pile->first;

    while (message != NULL) {
        struct message *next = message->next;

        if (message->outstanding && message->timeout_us <= pile->world->now_us) {
            pile->timeouts++;
            again(pile, message);
        } else if (message->outstanding) {
            pile_wake_at(pile, message->timeout_us);
        }
        message = next;
    }
    if (pile->timeouts >= 2)
        hang_up(pile);
}

static uint32_t session_new(struct pile *pile, int32_t connector)
{
    struct session *session;

    if (pile->session_count == pile->session_room) {
        pile->session_room = pile->session_room != 0 ? pile->session_room * 2 : 8;
        pile->sessions = realloc(pile->sessions, pile->session_room * sizeof *pile->sessions);
        assert(pile->sessions != NULL);
    }
    session = &pile->sessions[pile->session_count++];
    *session = (struct session){.connector = connector, .start = FATE_QUEUED,
        .tag = (int64_t)pile->index * 1000000 + pile->session_count};
    return pile->session_count;
}

static void begin(struct pile *pile, struct connector *connector, int32_t number)
{
    struct message *message;
    bool day = pile->world->options.day;
    const struct connector *other = &pile->connectors[CONNECTORS - number];

    connector->session = session_new(pile, number);
    if (pile->habits & HABIT_TWINS && number == 2 && other->session == connector->session - 1 &&
        other->began_us == pile->world->now_us) {
        pile->sessions[connector->session - 1].tag = pile->sessions[other->session - 1].tag;
        pile->sessions[connector->session - 1].twin = true;
        pile->sessions[other->session - 1].twin = true;
    }
    connector->began_us = pile->world->now_us;
    if (random_chance(&pile->random, 700) && pile->online)
        (void)pile_say(pile, WHAT_OTHER, connector->session, true);
    message = pile_say(pile, WHAT_START, connector->session, false);
    message->content.wh = connector->register_wh;
    pile->sessions[connector->session - 1].start_us = message->content.at_us;
    pile->sessions[connector->session - 1].start_wh = connector->register_wh;
    connector->stop_us = pile->world->now_us +
        (day ? random_between(&pile->random, 1800, 5400) : random_between(&pile->random, 5, 150)) *
            SECOND;
    connector->sample_us = pile->world->now_us + pile->sample_us;
}

static void sample(struct pile *pile, struct connector *connector)
{
    struct message *message = pile_say(pile, WHAT_READING, connector->session, false);

    message->content.wh = connector->register_wh;
    connector->sample_us = pile->world->now_us + pile->sample_us;
}

static void end(struct pile *pile, struct connector *connector)
{
    struct session *session = &pile->sessions[connector->session - 1];
    struct message *message = pile_say(pile, WHAT_STOP, connector->session, false);
    bool day = pile->world->options.day;

    message->content.wh = connector->register_wh;
    session->stop = FATE_QUEUED;
    session->stop_us = message->content.at_us;
    session->stop_wh = connector->register_wh;
    connector->session = 0;
    connector->next_us = pile->world->now_us +
        (day ? random_between(&pile->random, 14400, 50400) : random_between(&pile->random, 2, 40)) *
            SECOND;
}

static void charge(struct pile *pile, int32_t number)
{
    struct connector *connector = &pile->connectors[number - 1], *first = &pile->connectors[0];
    int64_t now_us = pile->world->now_us;

    if (pile->habits & HABIT_TWINS && number == 2) {
        connector->register_wh = first->register_wh;
        if (first->session != 0 && first->began_us == now_us)
            connector->next_us = now_us;
    }
    if (connector->session == 0 && connector->next_us <= now_us && !pile->world->calm) {
        begin(pile, connector, number);
    } else if (connector->session != 0) {
        if (!(pile->habits & HABIT_TWINS) || number == 1)
            connector->register_wh += random_between(&pile->random, 0, 400);
        if (connector->stop_us <= now_us || pile->world->calm)
            end(pile, connector);
        else if (connector->sample_us <= now_us)
            sample(pile, connector);
    }
    if (connector->session != 0)
        pile_wake_at(pile, connector->stop_us < connector->sample_us ? connector->stop_us
                                                                     : connector->sample_us);
    else if (!pile->world->calm)
        pile_wake_at(pile, connector->next_us);
}

static bool has(const struct pile *pile, enum what what)
{
    for (const struct message *message = pile->first; message != NULL; message = message->next)
        if (message->content.what == what && message->live)
            return true;
    return false;
}

/* Reports that nobody queues: they are said now or not at all. */
static void report(struct pile *pile)
{
    int64_t now_us = pile->world->now_us;
    uint32_t other = random_below(&pile->random, 8);

    if (!pile->online)
        return;
    if (!pile->accepted && !has(pile, WHAT_BOOT) && pile->beat_us <= now_us + 5 * SECOND) {
        (void)pile_say(pile, WHAT_BOOT, 0, true);
        pile->beat_us = now_us + 30 * SECOND;
    } else if (pile->accepted && pile->beat_us <= now_us) {
        pile->beat_us = now_us + pile->heartbeat_us;
        if (!has(pile, WHAT_OTHER))
            (void)pile_say(pile, WHAT_OTHER, 0, true);
        if (other == 0)
            (void)pile_say(pile, WHAT_STATUS, 0, true);
        if (other == 1)
            (void)pile_say(pile, WHAT_NOTE, 0, false);
    }
    pile_wake_at(pile, pile->beat_us);
}

void pile_event(struct world *world, struct event *event)
{
    struct pile *pile = &world->piles[event->who];

    if (event->stamp != pile->wake_stamp)
        return;
    pile->wake_us = INT64_MAX;
    if (world->leaving)
        return;
    pile->awake = true; /* it goes to sleep once, until the earliest of what it waits for */
    if (!pile->online && !pile->connecting && pile->connect_us <= world->now_us)
        connect(pile);
    else if (!pile->online && !pile->connecting)
        pile_wake_at(pile, pile->connect_us);
    time_out(pile);
    for (int32_t i = 1; i <= CONNECTORS; i++)
        charge(pile, i);
    report(pile);
    pump(pile);
    pile->awake = false;
    if (pile->wake_us != INT64_MAX)
        world_at(world, pile->wake_us, &(struct event){
            .kind = EVENT_PILE, .who = pile->index, .stamp = ++pile->wake_stamp});
}
