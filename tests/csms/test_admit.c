/* test_admit.c - admission as a function: paths, credentials, subprotocols, and what they cost. */
#include "csms/core/admit.h"
#include "tests/csms/support.h"

#include <stdio.h>
#include <string.h>

static const uint8_t key[20] = "\x00\x01:key with: bytes";

/* A hash that can be seen through: it is the test of who is hashed, not of HMAC. */
struct hasher {
    unsigned calls;
    bool away, often;
};

static void hash(
    void *ctx, const char *identity, const void *bytes, size_t length, uint8_t ret[CORE_KEY_HASH])
{
    const uint8_t *p = bytes;
    uint64_t h = 5381;

    ((struct hasher *)ctx)->calls++;
    for (; *identity; identity++)
        h = h * 33 + (uint8_t)*identity;
    h *= 33;
    for (size_t i = 0; i < length; i++)
        h = h * 33 + p[i];
    for (unsigned i = 0; i < CORE_KEY_HASH; i++)
        ret[i] = (uint8_t)(h >> i % 8 * 8);
}

static bool serving(void *ctx)
{
    return !((struct hasher *)ctx)->away;
}

static bool may_open(void *ctx, int64_t station)
{
    ck_assert_int_gt(station, 0);
    return !((struct hasher *)ctx)->often;
}

static struct hasher hasher;
static struct core_directory *directory;
static struct core_admit *admit;

static void put(int64_t id, const char *identity, uint8_t profile, uint32_t quirks)
{
    struct core_entry e = { .station = id, .security_profile = profile, .quirks = quirks,
        .ping_s = 17, .key_count = 1 };

    snprintf(e.identity, sizeof(e.identity), "%s", identity);
    hash(&hasher, identity, key, sizeof(key), e.key_hashes[0]);
    ck_assert(core_directory_put(directory, &e));
}

static void set_up(void)
{
    static const struct core_admit_ports ports = { .ctx = &hasher, .hash = hash,
        .serving = serving, .may_open = may_open };
    static const struct core_admit_config config = { .prefix = "/ocpp",
        .failures = { 60, 1000 }, .addresses = 64, .seed = 3 };

    directory = core_directory_new(3);
    admit = core_admit_new(directory, &config, &ports);
    ck_assert_ptr_nonnull(admit);
    put(1, "CP-1", 1, 0);
    put(2, "a:b", 1, 0);
    put(3, "Quirk", 1, CORE_QUIRK_ASSUME_OCPP16 | CORE_QUIRK_NO_SERVER_PING);
    put(4, "Open", 0, 0);
    put(5, "Tls", 2, 0);
    put(6, "Cert", 3, 0);
    hasher = (struct hasher){ 0 };
}

static void tear_down(void)
{
    core_admit_free(admit);
    core_directory_free(directory);
}

static size_t base64(const uint8_t *bytes, size_t length, char *ret)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;

    for (size_t i = 0; i < length; i += 3) {
        uint32_t v = (uint32_t)bytes[i] << 16 | (i + 1 < length ? bytes[i + 1] << 8 : 0) |
            (i + 2 < length ? bytes[i + 2] : 0);

        for (unsigned k = 0; k < 4; k++)
            ret[n++] = i + k > length ? '=' : digits[v >> (18 - 6 * k) & 63];
    }
    return n;
}

struct how {
    const char *path, *user, *offers; /* NULL: ocpp1.6; "": no header */
    const void *key;
    size_t key_length;
    bool open, secure, no_auth;
};

static struct core_verdict decide(struct how how)
{
    uint8_t pair[256];
    char auth[400] = "Basic ";
    size_t n = 0;
    const char *protocols = how.offers ? how.offers : "ocpp1.6";
    struct core_verdict verdict;
    struct core_request request = { .path = how.path, .path_length = strlen(how.path),
        .protocols = *protocols ? protocols : NULL, .credentials = !how.open,
        .secure = how.secure };

    if (how.user) {
        n = strlen(how.user);
        memcpy(pair, how.user, n);
        pair[n++] = ':';
    }
    memcpy(pair + n, how.key ? how.key : key, how.key ? how.key_length : sizeof(key));
    n += how.key ? how.key_length : sizeof(key);
    request.authorization_length = 6 + base64(pair, n, auth + 6);
    request.authorization = how.no_auth ? NULL : auth;
    request.protocols_length = strlen(protocols);
    core_admit_decide(admit, &request, 1000, &verdict);
    return verdict;
}

#define DECIDE(...) decide((struct how){ __VA_ARGS__ })

START_TEST(a_right_key_is_admitted_under_its_registered_name)
{
    struct core_verdict v = DECIDE(.path = "/ocpp/cp-1", .user = "cp-1");

    ck_assert_int_eq(v.refusal, CORE_ADMITTED);
    ck_assert_int_eq(v.station, 1);
    ck_assert_str_eq(v.identity, "CP-1");
    ck_assert_str_eq(v.protocol, "ocpp1.6");
    ck_assert_int_eq(v.ping_s, 17);
    v = DECIDE(.path = "/ocpp/cp-1", .user = "CP-1");
    ck_assert_int_eq(v.refusal, CORE_ADMITTED);
}
END_TEST

START_TEST(colons_in_identity_and_key_are_no_obstacle)
{
    ck_assert_int_eq(DECIDE(.path = "/ocpp/a:b", .user = "a:b").refusal, CORE_ADMITTED);
    ck_assert_int_eq(DECIDE(.path = "/ocpp/a%3Ab", .user = "a:b").refusal, CORE_ADMITTED);
    ck_assert_int_eq(DECIDE(.path = "/ocpp/a:b", .user = "a").refusal, CORE_REFUSAL_WRONG_NAME);
}
END_TEST

START_TEST(every_reason_for_401_costs_two_hashes)
{
    static const uint8_t wrong[20] = "wrong", hex[40] = "0001020304050607080900010203040506070809";
    const struct how cases[] = {
        { .path = "/ocpp/CP-1", .user = "CP-1", .key = wrong, .key_length = 20 },
        { .path = "/ocpp/CP-1", .user = "CP-1", .key = hex, .key_length = 40 },
        { .path = "/ocpp/CP-1", .user = "CP-1", .key = wrong, .key_length = 15 },
        { .path = "/ocpp/CP-1", .user = "CP-1", .key = wrong, .key_length = 1 },
        { .path = "/ocpp/CP-1", .user = "CP-2" },
        { .path = "/ocpp/CP-1", .no_auth = true },
        { .path = "/ocpp/none", .user = "none" },
        { .path = "/ocpp/Open", .user = "Open" },
        { .path = "/ocpp/Tls", .user = "Tls" },
        { .path = "/ocpp/Cert", .user = "Cert" },
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct core_verdict v;

        hasher.calls = 0;
        v = decide(cases[i]);
        ck_assert_int_eq(core_refusal_status(v.refusal), 401);
        ck_assert_uint_eq(hasher.calls, 2);
        ck_assert_int_eq(v.station, 0);
        ck_assert_uint_eq(v.retry_after_s, 0);
    }
}
END_TEST

START_TEST(profiles_come_over_their_own_transport_alone)
{
    ck_assert_int_eq(
        DECIDE(.path = "/ocpp/Tls", .user = "Tls", .secure = true).refusal, CORE_ADMITTED);
    ck_assert_int_eq(DECIDE(.path = "/ocpp/Tls", .user = "Tls").refusal, CORE_REFUSAL_PROFILE);
    ck_assert_int_eq(
        DECIDE(.path = "/ocpp/Open", .no_auth = true).refusal, CORE_REFUSAL_NO_CREDENTIALS);
    ck_assert_int_eq(
        DECIDE(.path = "/ocpp/Open", .no_auth = true, .open = true).refusal, CORE_ADMITTED);
    ck_assert_int_eq(DECIDE(.path = "/ocpp/CP-1", .no_auth = true, .open = true).refusal,
        CORE_REFUSAL_NO_CREDENTIALS);
    ck_assert_int_eq(DECIDE(.path = "/ocpp/none", .no_auth = true, .open = true).refusal,
        CORE_REFUSAL_NOT_FOUND);
}
END_TEST

START_TEST(the_subprotocol_is_looked_at_only_after_the_key)
{
    static const uint8_t wrong[20] = "wrong";
    struct core_verdict v = DECIDE(.path = "/ocpp/CP-1", .user = "CP-1", .offers = "ocpp2.0.1");

    ck_assert_int_eq(v.refusal, CORE_REFUSAL_SUBPROTOCOL);
    v = DECIDE(.path = "/ocpp/CP-1", .user = "CP-1", .offers = "x", .key = wrong,
        .key_length = 20);
    ck_assert_int_eq(v.refusal, CORE_REFUSAL_WRONG_KEY);
    v = DECIDE(.path = "/ocpp/Quirk", .user = "Quirk", .offers = "");
    ck_assert_int_eq(v.refusal, CORE_ADMITTED);
    ck_assert_ptr_null(v.protocol);
    ck_assert_int_eq(v.ping_s, 0);
}
END_TEST

START_TEST(the_database_away_and_coming_too_often_are_503)
{
    struct core_verdict v;

    hasher.away = true;
    v = DECIDE(.path = "/ocpp/CP-1", .user = "CP-1");
    ck_assert_int_eq(v.refusal, CORE_REFUSAL_DATABASE);
    ck_assert_uint_ge(v.retry_after_s, 5);
    ck_assert_uint_lt(v.retry_after_s, 35);
    hasher = (struct hasher){ .often = true };
    v = DECIDE(.path = "/ocpp/CP-1", .user = "CP-1");
    ck_assert_int_eq(v.refusal, CORE_REFUSAL_FLAPPING);
    ck_assert_uint_ge(v.retry_after_s, 60);
    ck_assert_int_eq(v.station, 0);
}
END_TEST

static const struct {
    const char *path, *identity; /* NULL: refused */
    enum core_refusal refusal;
} paths[] = {
    { "/ocpp/CP-1", "CP-1", CORE_ADMITTED }, { "/ocpp/RDAM%20123", "RDAM 123", CORE_ADMITTED },
    { "/ocpp/a%2Fb", "a/b", CORE_ADMITTED }, { "/ocpp/%2F", "/", CORE_ADMITTED },
    { "/ocpp/a+b", "a+b", CORE_ADMITTED }, { "/ocpp/a%2Bb", "a+b", CORE_ADMITTED },
    { "/ocpp/a%2525", "a%25", CORE_ADMITTED }, { "//ocpp///CP-1/", "CP-1", CORE_ADMITTED },
    { "/ocpp/...", "...", CORE_ADMITTED }, { "/ocpp/%E2%82%AC", "\xe2\x82\xac", CORE_ADMITTED },
    { "/ocpp", NULL, CORE_REFUSAL_PATH }, { "/ocpp/", NULL, CORE_REFUSAL_PATH },
    { "/ocpp//", NULL, CORE_REFUSAL_PATH }, { "/ocpp/a/b", NULL, CORE_REFUSAL_PATH },
    { "/ocpp/a//", NULL, CORE_REFUSAL_PATH }, { "/ocppa", NULL, CORE_REFUSAL_PATH },
    { "ocpp/a", NULL, CORE_REFUSAL_PATH }, { "", NULL, CORE_REFUSAL_PATH },
    { "/", NULL, CORE_REFUSAL_PATH }, { "/ocp", NULL, CORE_REFUSAL_PATH },
    { "/%6fcpp/a", NULL, CORE_REFUSAL_PATH }, { "/ocpp/%", NULL, CORE_REFUSAL_IDENTITY },
    { "/ocpp/%2", NULL, CORE_REFUSAL_IDENTITY }, { "/ocpp/%2x", NULL, CORE_REFUSAL_IDENTITY },
    { "/ocpp/%00", NULL, CORE_REFUSAL_IDENTITY }, { "/ocpp/a%0d", NULL, CORE_REFUSAL_IDENTITY },
    { "/ocpp/%ff", NULL, CORE_REFUSAL_IDENTITY }, { "/ocpp/.", NULL, CORE_REFUSAL_IDENTITY },
    { "/ocpp/%2E%2e", NULL, CORE_REFUSAL_IDENTITY },
};

START_TEST(a_path_becomes_an_identity_or_is_refused)
{
    char identity[CORE_IDENTITY_MAX + 1] = "untouched";

    ck_assert_int_eq(core_path_identity("/ocpp", paths[_i].path, strlen(paths[_i].path), identity),
        paths[_i].refusal);
    ck_assert_str_eq(identity, paths[_i].identity ? paths[_i].identity : "untouched");
}
END_TEST

START_TEST(every_refusal_has_a_name_of_its_own_and_a_status)
{
    for (int a = 0; a < CORE_REFUSAL_COUNT; a++) {
        int status = core_refusal_status((enum core_refusal)a);

        ck_assert(status == 0 || status == 101 || (status >= 400 && status <= 503));
        for (int b = 0; b < a; b++)
            ck_assert_str_ne(core_refusal_name((enum core_refusal)a),
                core_refusal_name((enum core_refusal)b));
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_right_key_is_admitted_under_its_registered_name);
    tcase_add_test(tcase, colons_in_identity_and_key_are_no_obstacle);
    tcase_add_test(tcase, every_reason_for_401_costs_two_hashes);
    tcase_add_test(tcase, profiles_come_over_their_own_transport_alone);
    tcase_add_test(tcase, the_subprotocol_is_looked_at_only_after_the_key);
    tcase_add_test(tcase, the_database_away_and_coming_too_often_are_503);
    tcase_add_loop_test(tcase, a_path_becomes_an_identity_or_is_refused, 0,
        sizeof(paths) / sizeof(paths[0]));
    tcase_add_test(tcase, every_refusal_has_a_name_of_its_own_and_a_status);
}

int main(void)
{
    return support_run("admit", add);
}
