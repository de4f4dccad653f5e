/* echo_host.c - a small daemon around csms/ws.c for tests over real sockets.
 *
 * Its stations stand in a table below and share one key.  It echoes what it is sent, except for
 * texts that begin with '!': these tell it what to do.  Settings are arguments: name=value.
 */
#include "csms/metrics.h"
#include "csms/pages.h"
#include "csms/pepper.h"
#include "csms/ws.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *identity;
    uint8_t profile;
    bool blocked;
    int32_t ping_s;
    uint32_t quirks;
} stations[] = {
    { "CP-1", 1, false, -1, 0 },
    { "CP-2", 1, false, -1, 0 },
    { "RDAM 123", 1, false, -1, 0 },
    { "A/B", 1, false, -1, 0 },
    { "DE*ABC*E1:2", 1, false, -1, 0 },
    { "S\xc3\xa4ule-7", 1, false, -1, 0 },
    { "twin", 1, false, -1, 0 },
    { "TWIN", 1, false, -1, 0 },
    { "Quirk", 1, false, -1, CORE_QUIRK_ASSUME_OCPP16 },
    { "Mute", 1, false, -1, CORE_QUIRK_NO_SERVER_PING },
    { "Eager", 1, false, 1, 0 },
    { "Blocked", 1, true, -1, 0 },
    { "Open", 0, false, -1, 0 },
    { "Secure", 2, false, -1, 0 },
    { "Often", 1, false, -1, 0 },
};

static const uint8_t key[20] = { 0, 1, 2, 3, 4, 5, 6, 7, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255 };
static const char text_key[] = "sixteen-chars-ok";

struct host {
    struct settings *settings;
    struct loop *loop;
    struct ws *ws;
    struct core_directory *directory;
    struct core_admit *admit;
    struct metrics *metrics;
    struct pages *pages;
    struct pepper pepper;
    struct ws_conn paused;
    struct wheel_timer resume, roomy, stop;
    bool away, full;
    size_t roomy_bytes; /* the largest message that there is room for */
    uint64_t opened, closed;
    int last_code;
    char last_reason[64];
};

static void admit(void *ctx, const struct core_request *request, struct core_verdict *ret)
{
    struct host *host = ctx;

    core_admit_decide(host->admit, request, loop_mono_ms(host->loop), ret);
}

static void opened(
    void *ctx, struct ws_conn conn, const struct core_verdict *verdict, const char *remote)
{
    struct host *host = ctx;

    (void)conn, (void)verdict, (void)remote;
    host->opened++;
}

static void resume(void *ctx)
{
    struct host *host = ctx;

    ws_pause(host->ws, host->paused, false);
}

static void make_room(void *ctx)
{
    ((struct host *)ctx)->full = false;
}

static bool room(void *ctx, size_t length)
{
    const struct host *host = ctx;

    return length <= host->roomy_bytes && (length <= 16384 || !host->full);
}

static void burst(struct host *host, struct ws_conn conn, unsigned count, size_t size)
{
    char *text = malloc(size);

    assert(text);
    memset(text, 'x', size);
    for (unsigned i = 0; i < count; i++)
        ws_send(host->ws, conn, text, size);
    free(text);
}

static void say_stats(struct host *host, struct ws_conn conn)
{
    struct ws_stats s;
    char text[1024];
    int n;

    ws_stats(host->ws, &s);
    n = snprintf(text, sizeof(text),
        "connections=%u half_open=%u accepted=%lu opened=%lu closed=%lu in=%lu out=%lu "
        "too_large=%lu fragments=%lu binary=%lu stalled=%lu control=%lu slow=%lu silent=%lu "
        "no_memory=%lu "
        "accept_paused=%lu evicted=%lu too_slow=%lu address=%lu last_code=%d last_reason=%s",
        s.connections, s.half_open, s.accepted, s.opened, s.closed, s.messages_in, s.messages_out,
        s.cut_too_large, s.cut_fragments, s.cut_binary, s.cut_stalled, s.cut_control,
        s.cut_slow_reader, s.cut_silent, s.cut_no_memory, s.accept_paused,
        s.refused[CORE_REFUSAL_EVICTED], s.refused[CORE_REFUSAL_TOO_SLOW],
        s.refused[CORE_REFUSAL_ADDRESS], host->last_code, host->last_reason);
    assert(host->opened == s.opened && host->closed == s.closed);
    ws_send(host->ws, conn, text, (size_t)n);
}

static void change(struct host *, const char *setting);

static void obey(struct host *host, struct ws_conn conn, const char *order)
{
    unsigned a, b;
    int n = 0;

    if (sscanf(order, "!close %u %n", &a, &n) == 1) {
        ws_close(host->ws, conn, (int)a, order + n);
    } else if (sscanf(order, "!burst %u %u", &a, &b) == 2) {
        burst(host, conn, a, b);
    } else if (sscanf(order, "!pause %u", &a) == 1) {
        host->paused = conn;
        ws_pause(host->ws, conn, true);
        loop_timer_arm(host->loop, &host->resume, loop_mono_ms(host->loop) + a);
    } else if (sscanf(order, "!full %u", &a) == 1) {
        host->full = true;
        loop_timer_arm(host->loop, &host->roomy, loop_mono_ms(host->loop) + a);
    } else if (sscanf(order, "!room %u", &a) == 1) {
        host->roomy_bytes = a;
    } else if (!strncmp(order, "!set ", 5)) {
        change(host, order + 5);
    } else if (!strcmp(order, "!stats")) {
        say_stats(host, conn);
    } else if (!strcmp(order, "!away")) {
        host->away = true;
    } else if (!strcmp(order, "!back")) {
        host->away = false;
    } else if (!strcmp(order, "!old")) {
        /* A handle of an earlier life of this very slot. */
        conn.generation--;
        assert(!ws_send(host->ws, conn, "never", 5));
        ws_close(host->ws, conn, 1000, "never");
        ws_pause(host->ws, conn, true);
    }
}

static void frame(void *ctx, struct ws_conn conn, const char *text, size_t length)
{
    struct host *host = ctx;
    char order[256];

    if (length && text[0] == '!' && length < sizeof(order)) {
        memcpy(order, text, length);
        order[length] = '\0';
        obey(host, conn, order);
    } else {
        ws_send(host->ws, conn, text, length);
    }
}

static void closed(void *ctx, struct ws_conn conn, int code, const char *reason)
{
    struct host *host = ctx;

    (void)conn;
    host->closed++;
    host->last_code = code;
    snprintf(host->last_reason, sizeof(host->last_reason), "%s", reason);
}

static bool page(
    void *ctx, const struct listener *listener, const char *path, struct ws_page *ret)
{
    struct host *host = ctx;

    return pages_get(host->pages, listener, path, ret);
}

static void refused(void *ctx, const struct ws_door *door)
{
    struct host *host = ctx;

    metrics_add(host->metrics, METRIC_WS_REFUSED, METRIC_AT((int16_t)door->reason), 1);
    printf("refused %s identity=%s remote=%s\n", core_refusal_name(door->reason), door->identity,
        door->remote);
    fflush(stdout);
}

static void starved(void *ctx)
{
    (void)ctx;
    printf("starved\n");
    fflush(stdout);
}

static void facts(void *ctx, struct pages_facts *ret)
{
    struct host *host = ctx;
    struct ws_stats stats;

    ws_stats(host->ws, &stats);
    *ret = (struct pages_facts){ .version = "test",
        .piles_known = core_directory_count(host->directory),
        .piles_connected = stats.connections };
}

static const char *not_ready(void *ctx)
{
    return ((struct host *)ctx)->away ? "the database is away" : NULL;
}

static bool serving(void *ctx)
{
    return !((struct host *)ctx)->away;
}

static bool may_open(void *ctx, int64_t station)
{
    struct host *host = ctx;

    return strcmp(core_directory_get(host->directory, station)->identity, "Often") != 0;
}

static void fill_directory(struct host *host, unsigned more)
{
    unsigned listed = sizeof(stations) / sizeof(stations[0]);

    for (unsigned i = 0; i < listed + more; i++) {
        struct core_entry entry = { .station = i + 1, .seq = i + 1, .key_count = 2, .ping_s = -1,
            .security_profile = 1 };

        if (i < listed) {
            snprintf(entry.identity, sizeof(entry.identity), "%s", stations[i].identity);
            entry.security_profile = stations[i].profile;
            entry.blocked = stations[i].blocked;
            entry.ping_s = stations[i].ping_s;
            entry.quirks = stations[i].quirks;
        } else {
            snprintf(entry.identity, sizeof(entry.identity), "X-%u", i - listed);
        }
        pepper_hash(&host->pepper, entry.identity, key, sizeof(key), entry.key_hashes[0]);
        pepper_hash(&host->pepper, entry.identity, text_key, strlen(text_key),
            entry.key_hashes[1]);
        if (!core_directory_put(host->directory, &entry))
            abort();
    }
}

static void on_stopped(void *ctx)
{
    loop_stop(((struct host *)ctx)->loop);
}

static void on_term(void *ctx)
{
    struct host *host = ctx;

    ws_listen_stop(host->ws);
    ws_drain(host->ws, 1001, "going away", 1000);
    loop_timer_arm(host->loop, &host->stop, loop_mono_ms(host->loop) + 1500);
}

struct settings {
    struct ws_limits limits;
    struct listener_spec spec;
    uint32_t stations, failures;
};

static void read_setting(struct settings *settings, const char *text)
{
    struct ws_limits *l = &settings->limits;
    const struct {
        const char *name;
        uint32_t *value;
    } known[] = { { "connections", &l->connections }, { "half_open", &l->half_open },
        { "half_open_per_address", &l->half_open_per_address },
        { "connections_per_address", &l->connections_per_address },
        { "accepts_per_minute", &l->accepts_per_address.per_minute },
        { "accepts_burst", &l->accepts_per_address.burst },
        { "accepts_per_s", &l->accepts_per_s }, { "head_bytes", &l->head_bytes },
        { "handshake_ms", &l->handshake_ms }, { "message_bytes", &l->message_bytes },
        { "large_bytes", &l->large_bytes }, { "fragments", &l->fragments },
        { "stall_ms", &l->stall_ms },
        { "message_ms", &l->message_ms }, { "send_messages", &l->send_messages },
        { "send_bytes", &l->send_bytes }, { "control_burst", &l->control_frames.burst },
        { "ping_ms", &l->ping_ms }, { "dead_ms", &l->dead_ms },
        { "stations", &settings->stations }, { "failures", &settings->failures },
        { "serve", &settings->spec.serve } };
    const char *equals = strchr(text, '=');
    uint32_t value = equals ? (uint32_t)strtoul(equals + 1, NULL, 10) : 0;
    size_t length = equals ? (size_t)(equals - text) : 0;

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strlen(known[i].name) == length && !memcmp(known[i].name, text, length)) {
            *known[i].value = value;
            return;
        }
    if (!strncmp(text, "credentials=", 12)) {
        settings->spec.credentials = value;
    } else if (!strncmp(text, "spare_loopback=", 15)) {
        l->spare_loopback = value;
    } else {
        fprintf(stderr, "echo_host: unknown setting %s\n", text);
        exit(64);
    }
}

static void change(struct host *host, const char *setting)
{
    read_setting(host->settings, setting);
    ws_limits_set(host->ws, &host->settings->limits);
}

static void hash_port(
    void *ctx, const char *identity, const void *bytes, size_t length, uint8_t ret[CORE_KEY_HASH])
{
    pepper_hash(&((struct host *)ctx)->pepper, identity, bytes, length, ret);
}

static void build(struct host *host, const struct settings *settings)
{
    struct core_admit_ports admit_ports = { .ctx = host, .hash = hash_port, .serving = serving,
        .may_open = may_open };
    struct core_admit_config config = { .prefix = "/ocpp",
        .failures = { settings->failures, settings->failures }, .addresses = 1024, .seed = 7 };
    struct pages_ports pages_ports = { .ctx = host, .facts = facts, .not_ready = not_ready };

    host->directory = core_directory_new(7);
    host->metrics = metrics_new();
    host->loop = loop_new();
    host->pages = pages_new(host->metrics, &pages_ports);
    assert(host->directory && host->metrics && host->loop && host->pages);
    fill_directory(host, settings->stations);
    host->admit = core_admit_new(host->directory, &config, &admit_ports);
    assert(host->admit);
    host->resume = (struct wheel_timer){ .fire = resume, .ctx = host };
    host->roomy = (struct wheel_timer){ .fire = make_room, .ctx = host };
    host->stop = (struct wheel_timer){ .fire = on_stopped, .ctx = host };
}

static void tear_down(struct host *host)
{
    loop_timer_disarm(host->loop, &host->resume);
    loop_timer_disarm(host->loop, &host->roomy);
    ws_free(host->ws);
    loop_free(host->loop);
    core_admit_free(host->admit);
    core_directory_free(host->directory);
    pages_free(host->pages);
    metrics_free(host->metrics);
}

int main(int argc, char **argv)
{
    struct host host = { .roomy_bytes = SIZE_MAX };
    struct settings settings = { .failures = 100000,
        .spec = { .name = "test", .bind = "127.0.0.1", .credentials = true,
            .serve = LISTENER_OCPP | LISTENER_METRICS } };
    struct ws_ports ports = { .ctx = &host, .admit = admit, .opened = opened, .frame = frame,
        .room = room, .closed = closed, .page = page, .refused = refused,
        .starved = starved };

    ws_limits_default(&settings.limits);
    settings.limits.connections = 256;
    host.settings = &settings;
    for (int i = 1; i < argc; i++)
        read_setting(&settings, argv[i]);
    signal(SIGPIPE, SIG_IGN);
    build(&host, &settings);
    host.ws = ws_new(host.loop, &settings.limits, &ports);
    if (!host.ws || !ws_listen(host.ws, &settings.spec) ||
        !loop_signal(host.loop, SIGTERM, on_term, &host)) {
        perror("echo_host");
        return 1;
    }
    printf("port %u\n", ws_port(host.ws, 0));
    fflush(stdout);
    loop_run(host.loop);
    tear_down(&host);
    printf("opened %lu closed %lu\n", host.opened, host.closed);
    return 0;
}
