/* log.h - one line an event, through a bounded ring to a thread.
 *
 * Writing never blocks and takes no lock: the line is made in the caller's thread, in a slot of the
 * ring; when the ring is full the line is dropped and counted, and the count is logged once there
 * is room.  Any thread may log.
 *
 * A value is escaped and cut at LOG_VALUE_MAX.  Secrets are not logged; a message's text goes
 * through mask.h first.
 */
#ifndef CSMS_LOG_H
#define CSMS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVELS };
enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

enum { LOG_LINE_MAX = 2048, LOG_VALUE_MAX = 384 };

#define EVENT(name, level, text, meaning) LOG_##name,
enum log_event_id {
#include "csms/events.def"
    LOG_EVENT_COUNT
};
#undef EVENT

enum log_kind { LOG_STR, LOG_INT, LOG_UINT };
struct log_kv {
    const char *key; /* a C identifier; not escaped */
    enum log_kind kind;
    const char *text; /* NULL: the pair is left out */
    size_t length;
    int64_t number;
};

struct log_kv log_str(const char *key, const char *text);
struct log_kv log_bytes(const char *key, const char *text, size_t length);
struct log_kv log_int(const char *key, int64_t);
struct log_kv log_uint(const char *key, uint64_t);

struct log;

/* fd stays the caller's.  NULL: no memory, or no thread. */
MUST_CHECK struct log *log_new(int fd, enum log_level, enum log_format, uint32_t slots);
/* Writes what is in the ring, then ends the thread. */
void log_free(struct log *);
void log_level_set(struct log *, enum log_level);
/* Is it worth making an event of this kind? */
bool log_wants(const struct log *, enum log_event_id);
uint64_t log_dropped(const struct log *);

void log_write(struct log *, enum log_event_id, const struct log_kv *, uint32_t count);
/* log_event(log, WS_OPENED, log_str("identity", identity), log_uint("slot", slot)); */
#define log_event(log, name, ...)                                                                  \
    log_write((log), LOG_##name, (const struct log_kv[]){ __VA_ARGS__ },                          \
        (uint32_t)(sizeof((const struct log_kv[]){ __VA_ARGS__ }) / sizeof(struct log_kv)))

/* The operator's page: a Markdown table of every event. */
void log_describe(FILE *out);

#endif
