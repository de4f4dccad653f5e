/* directory.h - all stations, in memory, so that a handshake asks nobody.
 *
 * Loaded whole at start and when changes may have been missed; kept up by changes in order of their
 * seq.  An identity is matched exactly, then without the case of ASCII letters, and then only if
 * one station alone matches.  Pointers to stations live until the next change.
 * Pure; loop thread only.
 */
#ifndef CORE_DIRECTORY_H
#define CORE_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

enum {
    CORE_IDENTITY_MAX = 64, /* bytes */
    CORE_KEY_HASH = 32,     /* HMAC-SHA-256 */
    CORE_KEYS_MAX = 4       /* a key and its successor, with room */
};

/* QUIRK(NAME, bit, "name", "meaning") */
#define CORE_QUIRKS(QUIRK)                                                                         \
    QUIRK(ASSUME_OCPP16, 0, "assume-ocpp1.6", "offers no subprotocol, or a wrong one")            \
    QUIRK(NO_SERVER_PING, 1, "no-server-ping", "does not answer pings")                            \
    QUIRK(STRICT, 2, "strict", "what deviates is refused; from the pile's column of that name")    \
    QUIRK(TRACE_READINGS, 3, "trace-readings", "its MeterValues are traced, too")

#define QUIRK(name, bit, text, meaning) CORE_QUIRK_##name = 1u << bit,
enum core_quirk { CORE_QUIRKS(QUIRK) };
#undef QUIRK

struct core_entry {
    int64_t station; /* core.station.id */
    int64_t seq;
    char identity[CORE_IDENTITY_MAX + 1];
    uint8_t key_hashes[CORE_KEYS_MAX][CORE_KEY_HASH];
    uint8_t key_count;
    uint8_t security_profile;
    bool blocked;
    int32_t ping_s; /* 0: never; -1: the node's own */
    uint32_t quirks;
    int32_t boot_number;
    char registration[12]; /* as the database says */
};

struct core_directory;

MUST_CHECK struct core_directory *core_directory_new(uint64_t seed);
void core_directory_free(struct core_directory *);

/* Adds or replaces the station with this id.  False: no memory, or not a usable identity. */
MUST_CHECK bool core_directory_put(struct core_directory *, const struct core_entry *);
void core_directory_remove(struct core_directory *, int64_t station);
/* A whole load: between begin and end every station is put; end removes those that were not. */
void core_directory_begin(struct core_directory *);
void core_directory_end(struct core_directory *);

const struct core_entry *core_directory_find(
    const struct core_directory *, const char *identity, size_t length);
const struct core_entry *core_directory_get(const struct core_directory *, int64_t station);
uint32_t core_directory_count(const struct core_directory *);
/* The highest seq that was put: the cursor of the next change. */
int64_t core_directory_seq(const struct core_directory *);

/* 1 to 64 bytes of UTF-8 without control characters. */
bool core_identity_valid(const char *identity, size_t length);
/* "assume-ocpp1.6 no-server-ping", separated by blanks or commas; unknown names are passed over. */
uint32_t core_quirks_read(const char *text);
/* Reads the database's list of hashes, 64 hex digits each, separated by blanks, commas or braces.
 * False: something else stands there, or more than CORE_KEYS_MAX. */
MUST_CHECK bool core_key_hashes_read(const char *text, struct core_entry *ret);

#endif
