/* admit.h - who may come in: the decision on one upgrade request.
 *
 * A function of the request, the directory and the time; it closes and opens nothing.  Where
 * credentials are required an unknown identity, a wrong key and a blocked station get the same
 * answer after the same work; a right key is never locked out by the wrong ones of others.
 * Pure: HMAC, the time and the state of the database are handed in.  Loop thread only.
 */
#ifndef CORE_ADMIT_H
#define CORE_ADMIT_H

#include "csms/core/bucket.h"
#include "csms/core/directory.h"

/* REFUSAL(NAME, status, "name") : name is what the log, the metrics and query.door say. */
#define CORE_REFUSALS(REFUSAL)                                                                     \
    REFUSAL(BAD_REQUEST, 400, "bad_request")                                                      \
    REFUSAL(NOT_UPGRADE, 426, "not_upgrade")                                                      \
    REFUSAL(VERSION, 426, "websocket_version")                                                    \
    REFUSAL(PATH, 404, "path")                                                                    \
    REFUSAL(IDENTITY, 400, "identity")                                                            \
    REFUSAL(NO_CREDENTIALS, 401, "no_credentials")                                                \
    REFUSAL(BAD_CREDENTIALS, 401, "bad_credentials")                                              \
    REFUSAL(UNKNOWN, 401, "unknown_identity")                                                     \
    REFUSAL(WRONG_KEY, 401, "wrong_key")                                                          \
    REFUSAL(WRONG_NAME, 401, "wrong_name")                                                        \
    REFUSAL(BLOCKED, 401, "blocked")                                                              \
    REFUSAL(PROFILE, 401, "security_profile")                                                     \
    REFUSAL(NOT_FOUND, 404, "not_found")                                                          \
    REFUSAL(SUBPROTOCOL, 400, "subprotocol")                                                      \
    REFUSAL(GUESSING, 503, "guessing")                                                            \
    REFUSAL(DATABASE, 503, "database_away")                                                       \
    REFUSAL(FLAPPING, 503, "flapping")                                                            \
    REFUSAL(FULL, 503, "full")                                                                    \
    REFUSAL(ADDRESS, 503, "address_limit")                                                        \
    REFUSAL(TOO_SLOW, 408, "too_slow")                                                            \
    REFUSAL(TOO_LARGE, 431, "header_too_large")                                                   \
    REFUSAL(EVICTED, 0, "evicted")                                                                \
    REFUSAL(GONE, 0, "gone")

#define REFUSAL(name, status, text) CORE_REFUSAL_##name,
enum core_refusal { CORE_ADMITTED, CORE_REFUSALS(REFUSAL) CORE_REFUSAL_COUNT };
#undef REFUSAL

const char *core_refusal_name(enum core_refusal); /* CORE_ADMITTED: "admitted" */
int core_refusal_status(enum core_refusal);       /* 0: closed without an answer */

struct core_request {
    const char *path; /* of the request line as sent: not decoded, without the query */
    size_t path_length;
    const char *authorization; /* NULL: no such header */
    size_t authorization_length;
    const char *protocols; /* all Sec-WebSocket-Protocol lines, joined by commas; NULL: none */
    size_t protocols_length;
    struct core_address address;
    bool credentials; /* the listener requires them */
    bool secure;      /* it came over TLS */
};

struct core_verdict {
    enum core_refusal refusal;
    uint32_t retry_after_s;                  /* with 503 */
    int64_t station;                         /* 0 unless admitted */
    char identity[CORE_IDENTITY_MAX + 1];    /* as registered; as sent if that is not known */
    const char *protocol;                    /* to be named in the answer; NULL: none */
    int32_t ping_s;                          /* of the station; -1: the node's own, 0: never */
};

struct core_admit_ports {
    void *ctx;
    /* HMAC-SHA-256(pepper, identity 0x00 key). */
    void (*hash)(void *ctx, const char *identity, const void *key, size_t key_length,
        uint8_t ret[CORE_KEY_HASH]);
    bool (*serving)(void *ctx);                  /* false: database away, or draining */
    /* False: the directory was never loaded, so nobody is known yet.  NULL: it was. */
    bool (*loaded)(void *ctx);
    bool (*may_open)(void *ctx, int64_t station); /* false: it was here too often */
};

struct core_admit_config {
    const char *prefix;        /* "/ocpp" */
    struct core_rate failures; /* wrong credentials of one address */
    uint32_t addresses;        /* remembered */
    uint64_t seed;
};

struct core_admit;

/* Borrows the directory.  NULL: no memory. */
MUST_CHECK struct core_admit *core_admit_new(const struct core_directory *,
    const struct core_admit_config *, const struct core_admit_ports *);
void core_admit_free(struct core_admit *);
/* A new limit of failures is in force. */
void core_admit_failures(struct core_admit *, struct core_rate);
void core_admit_decide(struct core_admit *, const struct core_request *, uint64_t now_ms,
    struct core_verdict *ret);

/* The last segment of the path below the prefix, decoded once; so %2F is part of the identity.
 * One slash at the end and doubled slashes are tolerated.  ret has CORE_IDENTITY_MAX + 1 bytes.
 * CORE_ADMITTED, CORE_REFUSAL_PATH or CORE_REFUSAL_IDENTITY. */
MUST_CHECK enum core_refusal core_path_identity(
    const char *prefix, const char *path, size_t length, char *ret);

#endif
