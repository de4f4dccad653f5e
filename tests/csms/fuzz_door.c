/* fuzz_door.c - whatever a stranger may send before anybody knows him: the request's head, and with
 * it path, credentials and subprotocols.  Built with -Dfuzz=true and clang. */
#include "csms/core/admit.h"
#include "csms/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hash(
    void *ctx, const char *identity, const void *key, size_t length, uint8_t ret[CORE_KEY_HASH])
{
    (void)ctx, (void)identity;
    assert(length <= 20);
    memset(ret, 0, CORE_KEY_HASH);
    memcpy(ret, key, length);
}

static bool yes(void *ctx)
{
    (void)ctx;
    return true;
}

static bool may_open(void *ctx, int64_t station)
{
    (void)ctx;
    return station > 0;
}

static struct core_admit *make(void)
{
    static const struct core_admit_ports ports = { .hash = hash, .serving = yes,
        .may_open = may_open };
    static const struct core_admit_config config = { .prefix = "/ocpp", .failures = { 60, 60 },
        .addresses = 8, .seed = 1 };
    struct core_directory *directory = core_directory_new(1);
    struct core_entry entry = { .station = 1, .identity = "CP", .security_profile = 1,
        .key_count = 1, .key_hashes = { "0123456789abcdef" } };

    if (!directory || !core_directory_put(directory, &entry))
        abort();
    return core_admit_new(directory, &config, &ports);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct core_admit *admit;
    struct http_head head;
    struct core_verdict verdict;
    struct core_request request = { .credentials = true };

    if (!admit)
        admit = make();
    if (http_head_read((const char *)data, size, &head) != HTTP_DONE)
        return 0;
    assert(head.length <= size);
    request.path = head.path.at;
    request.path_length = head.path.length;
    request.authorization = head.authorization.at;
    request.authorization_length = head.authorization.length;
    request.protocols = head.has_protocols ? head.protocols : NULL;
    request.protocols_length = head.protocols_length;
    core_admit_decide(admit, &request, 1, &verdict);
    /* Who is let in knew the key. */
    if (verdict.refusal == CORE_ADMITTED)
        assert(verdict.station == 1 && head.authorization.length > 20);
    else
        assert(verdict.station == 0);
    return 0;
}
