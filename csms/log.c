/* log.c - see log.h.
 *
 * The ring is Vyukov's bounded queue: each slot has a turn, a writer claims one by moving the tail,
 * the thread is the only reader.  Nobody waits for anybody but the thread, on a semaphore.
 */
#include "csms/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 100, LOOKS_MAX = 5 }; /* at the end, for a reader that does not read */

struct cell {
    atomic_uint turn;
    uint32_t length;
    char line[LOG_LINE_MAX];
};

struct log {
    int fd;
    bool json;
    atomic_int level;
    atomic_uint tail;
    uint32_t head; /* the thread's own */
    uint32_t mask;
    atomic_ullong dropped;
    uint32_t waited; /* the thread's own: looks in vain since it is to end */
    uint64_t told; /* the thread's own: dropped lines that the log has told of */
    sem_t ready;
    atomic_bool stop;
    pthread_t thread;
    struct cell *cells;
};

static const struct {
    const char *name, *meaning;
    enum log_level level;
} events[] = {
#define EVENT(name, level, text, meaning) [LOG_##name] = { text, meaning, LOG_LEVEL_##level },
#include "csms/events.def"
#undef EVENT
};

static const char *const levels[] = { "error", "warn", "info", "debug" };

void log_describe(FILE *out)
{
    fputs("| event | level | meaning |\n|---|---|---|\n", out);
    for (int i = 0; i < LOG_EVENT_COUNT; i++)
        fprintf(out, "| `%s` | %s | %s |\n", events[i].name, levels[events[i].level],
            events[i].meaning);
}

struct log_kv log_bytes(const char *key, const char *text, size_t length)
{
    return (struct log_kv){ .key = key, .kind = LOG_STR, .text = text, .length = length };
}

struct log_kv log_str(const char *key, const char *text)
{
    return log_bytes(key, text, text ? strlen(text) : 0);
}

struct log_kv log_int(const char *key, int64_t number)
{
    return (struct log_kv){ .key = key, .kind = LOG_INT, .text = "", .number = number };
}

struct log_kv log_uint(const char *key, uint64_t number)
{
    return (struct log_kv){ .key = key, .kind = LOG_UINT, .text = "", .number = (int64_t)number };
}

/* A line that is being made; what does not fit is left out, and the line stays one line. */
struct line {
    char *at;
    size_t used, room;
    bool json;
};

static void put(struct line *line, const char *text, size_t length)
{
    if (length > line->room - line->used)
        length = line->room - line->used;
    memcpy(line->at + line->used, text, length);
    line->used += length;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* How many bytes of well-formed UTF-8 begin here; 0: none that may stand in a line as it is. */
static size_t plain(const unsigned char *p, size_t room)
{
    size_t length = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

    if (length == 1)
        return p[0] >= 0x20 && p[0] != 0x7f && p[0] != '"' && p[0] != '\\';
    if (p[0] < 0xc2 || p[0] > 0xf4 || length > room)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    /* Controls of the upper half, line and paragraph separators, overlong forms, surrogates. */
    if ((p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8) ||
        (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return length;
}

static void put_escaped(struct line *line, unsigned char c)
{
    char text[8];
    int n;

    if (c == '"' || c == '\\')
        n = snprintf(text, sizeof(text), "\\%c", c);
    else if (c == '\n' || c == '\r' || c == '\t')
        n = snprintf(text, sizeof(text), "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else
        n = snprintf(text, sizeof(text), "\\u%04x", c);
    put(line, text, (size_t)n);
}

static void put_quoted(struct line *line, const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text;
    bool cut = length > LOG_VALUE_MAX;
    size_t end = cut ? LOG_VALUE_MAX : length;

    put_text(line, "\"");
    for (size_t i = 0; i < end && line->used + 16 < line->room;) {
        size_t step = plain(p + i, length - i);

        if (step)
            put(line, text + i, step);
        else
            put_escaped(line, p[i]);
        i += step ? step : 1;
    }
    if (cut)
        put_text(line, "\xe2\x80\xa6");
    put_text(line, "\"");
}

/* In text lines a simple word needs no quotes. */
static bool is_word(const char *text, size_t length)
{
    if (!length || length > LOG_VALUE_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@+*#",
                text[i]) ||
            !text[i])
            return false;
    return true;
}

static void put_value(struct line *line, const struct log_kv *kv)
{
    char number[24];

    switch (kv->kind) {
    case LOG_STR:
        if (!line->json && is_word(kv->text, kv->length))
            put(line, kv->text, kv->length);
        else
            put_quoted(line, kv->text, kv->length);
        break;
    case LOG_INT:
        snprintf(number, sizeof(number), "%" PRId64, kv->number);
        put_text(line, number);
        break;
    case LOG_UINT:
        snprintf(number, sizeof(number), "%" PRIu64, (uint64_t)kv->number);
        put_text(line, number);
        break;
    }
}

static void put_time(struct line *line)
{
    struct timespec now;
    struct tm utc;
    char text[64];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", utc.tm_year + 1900,
        utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
        now.tv_nsec / 1000000);
    put_text(line, text);
}

static size_t make_line(bool json, char *buf, enum log_event_id id, const struct log_kv *kvs,
    uint32_t count)
{
    /* Room for the end of the line is kept back. */
    struct line line = { .at = buf, .room = LOG_LINE_MAX - 4, .json = json };

    put_text(&line, json ? "{\"time\":\"" : "");
    put_time(&line);
    put_text(&line, json ? "\",\"level\":\"" : " ");
    put_text(&line, levels[events[id].level]);
    put_text(&line, json ? "\",\"event\":\"" : " ");
    put_text(&line, events[id].name);
    put_text(&line, json ? "\"" : "");
    for (uint32_t i = 0; i < count; i++) {
        /* A pair that may not fit whole is left out whole. */
        if (!kvs[i].text || line.used + strlen(kvs[i].key) + 32 > line.room)
            continue;
        put_text(&line, json ? ",\"" : " ");
        put_text(&line, kvs[i].key);
        put_text(&line, json ? "\":" : "=");
        put_value(&line, &kvs[i]);
    }
    line.room = LOG_LINE_MAX;
    put_text(&line, json ? "}\n" : "\n");
    return line.used;
}

bool log_wants(const struct log *log, enum log_event_id id)
{
    return (int)events[id].level <= atomic_load_explicit(&log->level, memory_order_relaxed);
}

void log_write(struct log *log, enum log_event_id id, const struct log_kv *kvs, uint32_t count)
{
    uint32_t at = atomic_load_explicit(&log->tail, memory_order_relaxed);
    struct cell *cell;

    if (!log_wants(log, id))
        return;
    for (;;) {
        uint32_t turn;

        cell = &log->cells[at & log->mask];
        turn = atomic_load_explicit(&cell->turn, memory_order_acquire);
        if (turn == at) {
            if (atomic_compare_exchange_weak_explicit(&log->tail, &at, at + 1,
                    memory_order_relaxed, memory_order_relaxed))
                break;
        } else if ((int32_t)(turn - at) < 0) {
            atomic_fetch_add_explicit(&log->dropped, 1, memory_order_relaxed);
            return;
        } else {
            at = atomic_load_explicit(&log->tail, memory_order_relaxed);
        }
    }
    cell->length = (uint32_t)make_line(log->json, cell->line, id, kvs, count);
    atomic_store_explicit(&cell->turn, at + 1, memory_order_release);
    sem_post(&log->ready);
}

/* A pipe that nobody reads is waited for, but does not hold up the end of the daemon. */
static bool may_write(struct log *log)
{
    struct pollfd out = { .fd = log->fd, .events = POLLOUT };

    while (poll(&out, 1, log->waited < LOOKS_MAX ? LOOK_MS : 0) == 0)
        if (atomic_load(&log->stop) && ++log->waited >= LOOKS_MAX)
            return false;
    return true;
}

static_assert(LOG_LINE_MAX <= PIPE_BUF, "a line that poll has found room for does not block");

/* A log that cannot be written is no reason to stop; the lines count as dropped. */
static void write_line(struct log *log, const char *line, size_t length)
{
    while (length) {
        ssize_t n = may_write(log) ? write(log->fd, line, length) : 0;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            atomic_fetch_add_explicit(&log->dropped, 1, memory_order_relaxed);
            log->told++; /* telling of it would be lost too */
            return;
        }
        line += n;
        length -= (size_t)n;
    }
}

static void tell_dropped(struct log *log)
{
    uint64_t dropped = atomic_load_explicit(&log->dropped, memory_order_relaxed);
    struct log_kv kv = log_uint("lines", dropped - log->told);
    char line[LOG_LINE_MAX];

    if (dropped == log->told)
        return;
    log->told = dropped;
    write_line(log, line, make_line(log->json, line, LOG_LOG_DROPPED, &kv, 1));
}

static bool write_next(struct log *log)
{
    struct cell *cell = &log->cells[log->head & log->mask];

    if (atomic_load_explicit(&cell->turn, memory_order_acquire) != log->head + 1)
        return false;
    write_line(log, cell->line, cell->length);
    atomic_store_explicit(&cell->turn, log->head + log->mask + 1, memory_order_release);
    log->head++;
    return true;
}

static void *run(void *ctx)
{
    struct log *log = ctx;

    while (!atomic_load(&log->stop)) {
        while (sem_wait(&log->ready) && errno == EINTR)
            ;
        while (write_next(log))
            ;
        tell_dropped(log);
    }
    while (write_next(log))
        ;
    tell_dropped(log);
    return NULL;
}

struct log *log_new(int fd, enum log_level level, enum log_format format, uint32_t slots)
{
    struct log *log = calloc(1, sizeof(*log));
    uint32_t room = 2;

    if (!log)
        return NULL;
    while (room < slots)
        room *= 2;
    log->fd = fd;
    log->json = format == LOG_FORMAT_JSON || (format == LOG_FORMAT_AUTO && !isatty(fd));
    log->mask = room - 1;
    atomic_init(&log->level, (int)level);
    log->cells = calloc(room, sizeof(*log->cells));
    if (!log->cells) {
        free(log);
        return NULL;
    }
    for (uint32_t i = 0; i < room; i++)
        atomic_init(&log->cells[i].turn, i);
    sem_init(&log->ready, 0, 0);
    if (pthread_create(&log->thread, NULL, run, log)) {
        sem_destroy(&log->ready);
        free(log->cells);
        free(log);
        return NULL;
    }
    return log;
}

void log_free(struct log *log)
{
    if (!log)
        return;
    atomic_store(&log->stop, true);
    sem_post(&log->ready);
    pthread_join(log->thread, NULL);
    sem_destroy(&log->ready);
    free(log->cells);
    free(log);
}

void log_level_set(struct log *log, enum log_level level)
{
    atomic_store_explicit(&log->level, (int)level, memory_order_relaxed);
}

uint64_t log_dropped(const struct log *log)
{
    return atomic_load_explicit(&log->dropped, memory_order_relaxed);
}
