/* admit.c - see admit.h. */
#include "csms/core/admit.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEY_MIN = 16, /* bytes; white paper A00.FR.205 */
    KEY_MAX = 20,
    USER_PASS_MAX = CORE_IDENTITY_MAX + 1 + 2 * KEY_MAX,
    RETRY_LEAST_S = 5,
    RETRY_SPREAD_S = 30, /* so that a whole site does not come back in one second */
    RETRY_OFTEN_S = 60
};

struct core_admit {
    const struct core_directory *directory;
    struct core_admit_config config;
    struct core_admit_ports ports;
    struct core_buckets *failures;
    uint64_t spread;
};

static const struct {
    const char *name;
    int status;
} refusals[] = {
    [CORE_ADMITTED] = { "admitted", 101 },
#define REFUSAL(name, status, text) [CORE_REFUSAL_##name] = { text, status },
    CORE_REFUSALS(REFUSAL)
#undef REFUSAL
};

const char *core_refusal_name(enum core_refusal refusal)
{
    return refusals[refusal].name;
}

int core_refusal_status(enum core_refusal refusal)
{
    return refusals[refusal].status;
}

struct core_admit *core_admit_new(const struct core_directory *directory,
    const struct core_admit_config *config, const struct core_admit_ports *ports)
{
    struct core_admit *admit = calloc(1, sizeof(*admit));

    if (!admit)
        return NULL;
    admit->directory = directory;
    admit->config = *config;
    admit->ports = *ports;
    admit->spread = config->seed | 1;
    admit->failures = core_buckets_new(config->addresses, config->seed);
    if (!admit->failures) {
        free(admit);
        return NULL;
    }
    return admit;
}

void core_admit_free(struct core_admit *admit)
{
    if (!admit)
        return;
    core_buckets_free(admit->failures);
    free(admit);
}

void core_admit_failures(struct core_admit *admit, struct core_rate failures)
{
    admit->config.failures = failures;
}

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool percent_decode(const char *text, size_t length, char *ret, size_t *ret_length)
{
    size_t n = 0;

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '%') {
            int high, low;

            if (length - i < 3)
                return false;
            high = hex_digit((unsigned char)text[i + 1]);
            low = hex_digit((unsigned char)text[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = (unsigned char)(high << 4 | low);
            i += 2;
        }
        if (n == CORE_IDENTITY_MAX)
            return false;
        ret[n++] = (char)c;
    }
    *ret_length = n;
    return true;
}

static size_t slashes(const char *text, size_t length)
{
    size_t n = 0;

    while (n < length && text[n] == '/')
        n++;
    return n;
}

enum core_refusal core_path_identity(const char *prefix, const char *path, size_t length, char *ret)
{
    const char *name = prefix + slashes(prefix, strlen(prefix));
    size_t name_length = strlen(name), lead = slashes(path, length), n;
    char identity[CORE_IDENTITY_MAX];

    if (!lead || length - lead < name_length || memcmp(path + lead, name, name_length))
        return CORE_REFUSAL_PATH;
    path += lead + name_length;
    length -= lead + name_length;
    lead = slashes(path, length);
    path += lead;
    length -= lead;
    if (length && path[length - 1] == '/')
        length--;
    if (!lead || !length || memchr(path, '/', length))
        return CORE_REFUSAL_PATH;
    if (!percent_decode(path, length, identity, &n) || !core_identity_valid(identity, n))
        return CORE_REFUSAL_IDENTITY;
    /* Other software would read these as directories. */
    if ((n == 1 && identity[0] == '.') || (n == 2 && !memcmp(identity, "..", 2)))
        return CORE_REFUSAL_IDENTITY;
    memcpy(ret, identity, n);
    ret[n] = '\0';
    return CORE_ADMITTED;
}

static int base64_digit(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* With or without padding; what does not fit is as wrong as what is no base64. */
static bool base64_decode(const char *text, size_t length, uint8_t *ret, size_t *ret_length)
{
    uint32_t bits = 0;
    size_t digits = 0, n = 0;

    if (length % 4 == 0)
        for (int pad = 0; pad < 2 && length && text[length - 1] == '='; pad++)
            length--;
    if (length % 4 == 1)
        return false;
    for (; digits < length; digits++) {
        int digit = base64_digit((unsigned char)text[digits]);

        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (digits % 4 == 0)
            continue;
        if (n == USER_PASS_MAX)
            return false;
        ret[n++] = (uint8_t)(bits >> (6 - 2 * (digits % 4)));
    }
    *ret_length = n;
    return true;
}

/* "Basic" and base64, the scheme in any case (RFC 7617). */
static bool basic_read(const struct core_request *request, uint8_t *ret, size_t *ret_length)
{
    static const char scheme[] = "basic";
    const char *text = request->authorization;
    size_t length = request->authorization_length, i;

    if (length < sizeof(scheme))
        return false;
    for (i = 0; i < sizeof(scheme) - 1; i++)
        if ((text[i] | 0x20) != scheme[i])
            return false;
    if (text[i] != ' ')
        return false;
    while (i < length && text[i] == ' ')
        i++;
    return base64_decode(text + i, length - i, ret, ret_length);
}

/* Is the user this identity?  It may hold a colon, and so may the key: no splitting. */
static bool user_is(const uint8_t *pair, size_t length, const char *identity, size_t *ret_key_at)
{
    size_t n = strlen(identity);

    if (length <= n || memcmp(pair, identity, n) || pair[n] != ':')
        return false;
    *ret_key_at = n + 1;
    return true;
}

static bool hex_key(const uint8_t *text, size_t length, uint8_t ret[KEY_MAX])
{
    if (length < 2 * KEY_MIN || length > 2 * KEY_MAX || length % 2)
        return false;
    for (size_t i = 0; i < length / 2; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* In constant time, over all places for keys, used or not. */
static bool known_hash(const struct core_entry *entry, const uint8_t hash[CORE_KEY_HASH])
{
    unsigned found = 0;

    for (unsigned k = 0; k < CORE_KEYS_MAX; k++) {
        unsigned difference = k >= entry->key_count;

        for (unsigned i = 0; i < CORE_KEY_HASH; i++)
            difference |= entry->key_hashes[k][i] ^ hash[i];
        found |= !difference;
    }
    return found;
}

/* The key as bytes, or the hex text of them, which many chargers send.  Both forms are hashed,
 * whatever was sent, so that the work tells nothing. */
static bool key_fits(const struct core_admit *admit, const struct core_entry *entry,
    const uint8_t *key, size_t length)
{
    static const uint8_t none[KEY_MAX];
    uint8_t bytes[KEY_MAX], plain_hash[CORE_KEY_HASH], bytes_hash[CORE_KEY_HASH];
    bool plain = length >= KEY_MIN && length <= KEY_MAX, hex = hex_key(key, length, bytes);
    bool plain_known, hex_known;

    admit->ports.hash(admit->ports.ctx, entry->identity, plain ? key : none,
        plain ? length : KEY_MAX, plain_hash);
    admit->ports.hash(admit->ports.ctx, entry->identity, hex ? bytes : none,
        hex ? length / 2 : KEY_MAX, bytes_hash);
    plain_known = known_hash(entry, plain_hash);
    hex_known = known_hash(entry, bytes_hash);
    return (plain && plain_known) || (hex && hex_known);
}

static enum core_refusal credentials_check(const struct core_admit *admit,
    const struct core_request *request, const struct core_entry *entry, const char *identity)
{
    uint8_t pair[USER_PASS_MAX] = { 0 };
    struct core_entry stranger = { 0 };
    const struct core_entry *against = entry ? entry : &stranger;
    size_t length = 0, key_at = 0;
    bool read, user, fits;

    memcpy(stranger.identity, identity, strlen(identity) + 1);
    read = request->authorization && basic_read(request, pair, &length);
    user = read && (user_is(pair, length, identity, &key_at) ||
                       user_is(pair, length, against->identity, &key_at));
    fits = key_fits(admit, against, pair + key_at, user ? length - key_at : 0);
    if (!request->authorization)
        return CORE_REFUSAL_NO_CREDENTIALS;
    if (!read)
        return CORE_REFUSAL_BAD_CREDENTIALS;
    if (!entry)
        return CORE_REFUSAL_UNKNOWN;
    if (!user)
        return CORE_REFUSAL_WRONG_NAME;
    if (!fits)
        return CORE_REFUSAL_WRONG_KEY;
    if (entry->blocked)
        return CORE_REFUSAL_BLOCKED;
    /* Profile 0 has no key; 2 and 3 must not come unencrypted (A00.FR.001, 002). */
    if (entry->security_profile == 0 || (entry->security_profile >= 2 && !request->secure))
        return CORE_REFUSAL_PROFILE;
    return CORE_ADMITTED;
}

static bool offers_ocpp16(const char *list, size_t length)
{
    static const char name[] = "ocpp1.6";

    while (length) {
        const char *comma = memchr(list, ',', length);
        size_t item = comma ? (size_t)(comma - list) : length, first = 0, end = item;

        while (first < end && (list[first] == ' ' || list[first] == '\t'))
            first++;
        while (end > first && (list[end - 1] == ' ' || list[end - 1] == '\t'))
            end--;
        if (end - first == sizeof(name) - 1 && !memcmp(list + first, name, end - first))
            return true;
        item += comma != NULL;
        list += item;
        length -= item;
    }
    return false;
}

static uint32_t retry_spread(struct core_admit *admit)
{
    admit->spread ^= admit->spread << 13;
    admit->spread ^= admit->spread >> 7;
    admit->spread ^= admit->spread << 17;
    return (uint32_t)(admit->spread % RETRY_SPREAD_S);
}

static enum core_refusal who_is_it(struct core_admit *admit, const struct core_request *request,
    const struct core_entry *entry, const struct core_verdict *verdict)
{
    if (!request->credentials) {
        if (!entry || entry->blocked)
            return CORE_REFUSAL_NOT_FOUND;
        if (entry->security_profile == 0)
            return CORE_ADMITTED;
    }
    return credentials_check(admit, request, entry, verdict->identity);
}

static enum core_refusal may_it_come_now(struct core_admit *admit,
    const struct core_request *request, const struct core_entry *entry, struct core_verdict *ret)
{
    bool offered = request->protocols &&
        offers_ocpp16(request->protocols, request->protocols_length);

    if (!offered && !(entry->quirks & CORE_QUIRK_ASSUME_OCPP16))
        return CORE_REFUSAL_SUBPROTOCOL;
    if (!admit->ports.serving(admit->ports.ctx)) {
        ret->retry_after_s = RETRY_LEAST_S + retry_spread(admit);
        return CORE_REFUSAL_DATABASE;
    }
    if (!admit->ports.may_open(admit->ports.ctx, entry->station)) {
        ret->retry_after_s = RETRY_OFTEN_S + retry_spread(admit);
        return CORE_REFUSAL_FLAPPING;
    }
    /* One that offered nothing must not be named anything (RFC 6455, 4.1). */
    ret->protocol = offered ? "ocpp1.6" : NULL;
    return CORE_ADMITTED;
}

void core_admit_decide(struct core_admit *admit, const struct core_request *request,
    uint64_t now_ms, struct core_verdict *ret)
{
    const struct core_entry *entry;

    *ret = (struct core_verdict){ .ping_s = -1 };
    ret->refusal = core_path_identity(
        admit->config.prefix, request->path, request->path_length, ret->identity);
    if (ret->refusal != CORE_ADMITTED)
        return;
    if (admit->ports.loaded && !admit->ports.loaded(admit->ports.ctx)) {
        ret->refusal = CORE_REFUSAL_DATABASE;
        ret->retry_after_s = RETRY_LEAST_S + retry_spread(admit);
        return;
    }
    entry = core_directory_find(admit->directory, ret->identity, strlen(ret->identity));
    ret->refusal = who_is_it(admit, request, entry, ret);
    if (core_refusal_status(ret->refusal) == 401 &&
        !core_buckets_take(admit->failures, &request->address, admit->config.failures, now_ms)) {
        ret->refusal = CORE_REFUSAL_GUESSING;
        ret->retry_after_s = RETRY_OFTEN_S;
    }
    if (ret->refusal != CORE_ADMITTED)
        return;
    memcpy(ret->identity, entry->identity, sizeof(ret->identity));
    ret->refusal = may_it_come_now(admit, request, entry, ret);
    if (ret->refusal != CORE_ADMITTED)
        return;
    ret->station = entry->station;
    ret->ping_s = entry->quirks & CORE_QUIRK_NO_SERVER_PING ? 0 : entry->ping_s;
}
