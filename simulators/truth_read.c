/* truth_read.c - a pile remembers: registers and queue from its truth file.  See truth.h.
 *
 * The queue is rebuilt by doing again what the records say, in order, so the sequence numbers of
 * the entries must come out as recorded; if they do not, the file is not one of ours.
 */
#include "simulators/pick.h"
#include "simulators/truth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct recall {
    struct sim_queue *queue;
    struct sim_recalled *ret;
    struct sim_pick pick;
    const struct ocpp_node *record;
};

static int64_t number(struct recall *recall, const char *name)
{
    return sim_pick_need_int(&recall->pick, recall->record, name);
}

static struct sim_reading reading_of(struct recall *recall)
{
    struct sim_reading reading = {
        .at_us = number(recall, "at_us"),
        .register_mwh = number(recall, "register_mwh"),
        .power_mw = sim_pick_int(&recall->pick, recall->record, "power_mw", 0),
        .voltage_mv = number(recall, "voltage_mv"),
        .soc_ppm = number(recall, "soc_ppm"),
        .context = SIM_PERIODIC,
    };

    return reading;
}

static void note_register(struct recall *recall, uint32_t connector,
    const struct sim_reading *reading)
{
    if (reading->at_us > recall->ret->last_us)
        recall->ret->last_us = reading->at_us;
    if (connector < 1 || connector > SIM_CONNECTORS_MAX)
        return;
    recall->ret->register_mwh[connector - 1] = reading->register_mwh;
    recall->ret->metered_us[connector - 1] = reading->at_us;
    recall->ret->known[connector - 1] = true;
}

static bool redo_begin(struct recall *recall)
{
    struct sim_reading begin = reading_of(recall);
    uint32_t connector = (uint32_t)number(recall, "connector");
    char tag[SIM_TAG_MAX + 1];
    struct sim_session *session;

    sim_pick_text(&recall->pick, recall->record, "tag", NULL, tag, sizeof tag);
    if (recall->pick.wrong)
        return false;
    session = sim_queue_begin(recall->queue, connector, tag, &begin);
    note_register(recall, connector, &begin);
    return session && session->number == number(recall, "session");
}

static bool redo_reading(struct recall *recall, struct sim_session *session)
{
    struct sim_reading reading = reading_of(recall);

    if (recall->pick.wrong || session->ended)
        return false;
    note_register(recall, session->connector, &reading);
    return sim_queue_reading(recall->queue, session, &reading);
}

static bool redo_end(struct recall *recall, struct sim_session *session)
{
    struct sim_reading end = reading_of(recall);
    char reason[16];

    sim_pick_text(&recall->pick, recall->record, "reason", NULL, reason, sizeof reason);
    if (recall->pick.wrong || session->ended || end.register_mwh < session->begin.register_mwh)
        return false;
    note_register(recall, session->connector, &end);
    return sim_queue_end(recall->queue, session, &end, reason);
}

/* The record is about the queue's head, or the file is wrong. */
static bool redo_head(struct recall *recall, const char *kind)
{
    struct sim_queue *queue = recall->queue;
    static const struct sim_retry once = {.attempts = 1};

    if (!queue->head || queue->head->seq != (uint64_t)number(recall, "seq"))
        return false;
    if (!strcmp(kind, "sent")) {
        queue->head->sent_once = true;
        return true;
    }
    if (!strcmp(kind, "failed")) {
        queue->head->attempts++;
        return true;
    }
    if (!strcmp(kind, "answered")) {
        sim_queue_answered(queue, sim_pick_int(&recall->pick, recall->record, "transaction", -1));
        return true;
    }
    queue->in_flight = true;
    return sim_queue_failed(queue, &once, 0) == SIM_LOST;
}

static bool redo(struct recall *recall)
{
    char kind[16];
    uint64_t next_seq = recall->queue->next_seq;
    struct sim_session *session;

    sim_pick_text(&recall->pick, recall->record, "record", NULL, kind, sizeof kind);
    if (recall->pick.wrong)
        return false;
    if (!strcmp(kind, "pile"))
        return true;
    if (!strcmp(kind, "begin"))
        return number(recall, "seq") == (int64_t)next_seq && redo_begin(recall);
    if (!strcmp(kind, "reading") || !strcmp(kind, "end")) {
        session = sim_queue_session(recall->queue, (uint32_t)number(recall, "session"));
        if (!session || number(recall, "seq") != (int64_t)next_seq)
            return false;
        return *kind == 'r' ? redo_reading(recall, session) : redo_end(recall, session);
    }
    return redo_head(recall, kind);
}

static bool redo_line(struct recall *recall, const char *line, size_t length)
{
    struct ocpp_fault fault;
    struct ocpp_json *json = ocpp_json_read(line, length, &ocpp_limits_pile, &fault);
    bool done;

    if (!json)
        return false;
    recall->pick.json = json;
    recall->pick.wrong = NULL;
    recall->record = ocpp_json_root(json);
    done = ocpp_json_kind(recall->record) == OCPP_KIND_OBJECT && redo(recall);
    ocpp_json_free(json);
    return done && !recall->pick.wrong;
}

static char *load(int fd, size_t *ret_length)
{
    struct stat status;
    char *text;
    size_t have = 0;

    if (fstat(fd, &status) != 0)
        return NULL;
    text = malloc((size_t)status.st_size + 1);
    while (text && have < (size_t)status.st_size) {
        ssize_t n = pread(fd, text + have, (size_t)status.st_size - have, (off_t)have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    *ret_length = have;
    return text;
}

static bool redo_all(struct recall *recall, const char *text, size_t *length,
    struct sim_error *ret_error)
{
    const char *at = text;
    const char *end = text + *length;

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        if (!newline)
            break; /* the write that a crash cut off */
        if (!redo_line(recall, at, (size_t)(newline - at))) {
            sim_error_set(ret_error, "record %" PRIu64 " is not a truth record that fits here%s%s",
                recall->ret->records + 1, recall->pick.wrong ? ": member " : "",
                recall->pick.wrong ? recall->pick.wrong : "");
            return false;
        }
        recall->ret->records++;
        at = newline + 1;
    }
    *length = (size_t)(at - text);
    return true;
}

bool sim_truth_recall(struct sim_truth *truth, struct sim_queue *queue, struct sim_recalled *ret,
    struct sim_error *ret_error)
{
    struct recall recall = {.queue = queue, .ret = ret};
    size_t length = 0;
    char *text;
    bool done;

    memset(ret, 0, sizeof *ret);
    ret->last_us = INT64_MIN;
    if (truth->fd < 0)
        return true;
    text = load(truth->fd, &length);
    if (!text) {
        sim_error_set(ret_error, "cannot be read: %s", strerror(errno));
        return false;
    }
    done = redo_all(&recall, text, &length, ret_error);
    free(text);
    if (done && ftruncate(truth->fd, (off_t)length) != 0) {
        sim_error_set(ret_error, "its unfinished last line cannot be cut off: %s", strerror(errno));
        return false;
    }
    return done;
}
