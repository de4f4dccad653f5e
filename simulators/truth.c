/* truth.c - writes a pile's truth, one record a write.  See truth.h. */
#include "simulators/truth.h"

#include "ocpp/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORD_MAX = 8192, QUOTED_MAX = 512 };

size_t sim_identity_encode(char *buf, size_t size, const char *identity)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t used = 0;

    for (const char *at = identity; *at; at++) {
        if (used + 4 > size)
            return 0;
        if (strchr(plain, *at))
            buf[used++] = *at;
        else
            used += (size_t)snprintf(buf + used, 4, "%%%02X", (unsigned)(unsigned char)*at);
    }
    buf[used] = '\0';
    return used;
}

bool sim_truth_open(struct sim_truth *truth, const char *dir, const char *identity,
    struct sim_error *ret_error)
{
    char name[SIM_IDENTITY_MAX * 3 + 1];
    char path[4096];

    truth->failed = false;
    if (sim_identity_encode(name, sizeof name, identity) == 0 ||
        snprintf(path, sizeof path, "%s/%s.jsonl", dir, name) >= (int)sizeof path) {
        sim_error_set(ret_error, "the truth folder's name %s is too long", dir);
        return false;
    }
    truth->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (truth->fd < 0) {
        sim_error_set(ret_error, "cannot open the truth file %s: %s", path, strerror(errno));
        return false;
    }
    return true;
}

void sim_truth_close(struct sim_truth *truth)
{
    if (!truth || truth->fd < 0)
        return;
    close(truth->fd);
    truth->fd = -1;
}

static void append(struct sim_truth *truth, const char *record, size_t length)
{
    ssize_t written;

    if (truth->fd < 0 || truth->failed)
        return;
    do
        written = write(truth->fd, record, length);
    while (written < 0 && errno == EINTR);
    if (written != (ssize_t)length)
        truth->failed = true;
}

__attribute__((format(printf, 2, 3))) static void record(
    struct sim_truth *truth, const char *format, ...)
{
    char line[RECORD_MAX];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (length < 0 || length >= (int)sizeof line - 1) {
        truth->failed = true;
        return;
    }
    line[length] = '\n';
    append(truth, line, (size_t)length + 1);
}

static const char *quoted(char buf[QUOTED_MAX], const char *text)
{
    if (ocpp_json_quote(buf, QUOTED_MAX, text) == 0)
        snprintf(buf, QUOTED_MAX, "\"?\"");
    return buf;
}

void sim_truth_pile(struct sim_truth *truth, const struct sim_pile_spec *spec, uint64_t seed,
    int64_t at_us)
{
    char identity[QUOTED_MAX];
    char site[QUOTED_MAX];
    char model[QUOTED_MAX];

    record(truth,
        "{\"record\":\"pile\",\"identity\":%s,\"site\":%s,\"model\":%s,\"connectors\":%" PRIu32
        ",\"seed\":\"%" PRIu64 "\",\"at_us\":%" PRId64 "}",
        quoted(identity, spec->identity), quoted(site, spec->site->code),
        quoted(model, spec->model->name), spec->model->connectors, seed, at_us);
}

void sim_truth_begin(struct sim_truth *truth, uint64_t seq, const struct sim_session *session)
{
    char tag[QUOTED_MAX];

    record(truth,
        "{\"record\":\"begin\",\"seq\":%" PRIu64 ",\"session\":%" PRIu32 ",\"connector\":%" PRIu32
        ",\"tag\":%s,\"at_us\":%" PRId64 ",\"register_mwh\":%" PRId64 ",\"voltage_mv\":%" PRId64
        ",\"soc_ppm\":%" PRId64 "}",
        seq, session->number, session->connector, quoted(tag, session->tag),
        session->begin.at_us, session->begin.register_mwh, session->begin.voltage_mv,
        session->begin.soc_ppm);
}

void sim_truth_reading(struct sim_truth *truth, uint64_t seq, uint32_t session,
    const struct sim_reading *reading)
{
    record(truth,
        "{\"record\":\"reading\",\"seq\":%" PRIu64 ",\"session\":%" PRIu32 ",\"at_us\":%" PRId64
        ",\"register_mwh\":%" PRId64 ",\"power_mw\":%" PRId64 ",\"voltage_mv\":%" PRId64
        ",\"soc_ppm\":%" PRId64 "}",
        seq, session, reading->at_us, reading->register_mwh, reading->power_mw,
        reading->voltage_mv, reading->soc_ppm);
}

void sim_truth_end(struct sim_truth *truth, uint64_t seq, const struct sim_session *session)
{
    record(truth,
        "{\"record\":\"end\",\"seq\":%" PRIu64 ",\"session\":%" PRIu32 ",\"at_us\":%" PRId64
        ",\"register_mwh\":%" PRId64 ",\"voltage_mv\":%" PRId64 ",\"soc_ppm\":%" PRId64
        ",\"reason\":\"%s\"}",
        seq, session->number, session->end.at_us, session->end.register_mwh,
        session->end.voltage_mv, session->end.soc_ppm, session->reason);
}

void sim_truth_sent(struct sim_truth *truth, const struct sim_entry *entry, const char *id,
    int64_t at_us, const char *payload)
{
    record(truth,
        "{\"record\":\"sent\",\"seq\":%" PRIu64 ",\"session\":%" PRIu32
        ",\"id\":\"%s\",\"attempt\":%" PRIu32 ",\"at_us\":%" PRId64 ",\"payload\":%s}",
        entry->seq, entry->session->number, id, entry->attempts + 1, at_us, payload);
}

void sim_truth_answered(struct sim_truth *truth, const struct sim_entry *entry, int64_t at_us,
    int64_t transaction_id, const char *status)
{
    char text[QUOTED_MAX];

    if (entry->message != SIM_START) {
        record(truth,
            "{\"record\":\"answered\",\"seq\":%" PRIu64 ",\"session\":%" PRIu32
            ",\"at_us\":%" PRId64 "}",
            entry->seq, entry->session->number, at_us);
        return;
    }
    record(truth,
        "{\"record\":\"answered\",\"seq\":%" PRIu64 ",\"session\":%" PRIu32 ",\"at_us\":%" PRId64
        ",\"transaction\":%" PRId64 ",\"status\":%s}",
        entry->seq, entry->session->number, at_us, transaction_id, quoted(text, status));
}

void sim_truth_failed(struct sim_truth *truth, const struct sim_entry *entry, int64_t at_us,
    const char *why)
{
    char text[QUOTED_MAX];

    record(truth,
        "{\"record\":\"failed\",\"seq\":%" PRIu64 ",\"session\":%" PRIu32 ",\"attempt\":%" PRIu32
        ",\"at_us\":%" PRId64 ",\"why\":%s}",
        entry->seq, entry->session->number, entry->attempts + 1, at_us, quoted(text, why));
}

void sim_truth_lost(struct sim_truth *truth, const struct sim_entry *entry, int64_t at_us)
{
    record(truth,
        "{\"record\":\"lost\",\"seq\":%" PRIu64 ",\"session\":%" PRIu32 ",\"at_us\":%" PRId64
        ",\"attempts\":%" PRIu32 "}",
        entry->seq, entry->session->number, at_us, entry->attempts + 1);
}
