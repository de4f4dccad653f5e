/* bench_pile.c - see bench_pile.h. */
#include "bench_pile.h"

struct bench bench;


static void bench_connect(void *ctx, struct sim_pile *pile)
{
    (void)ctx;
    (void)pile;
    bench.wants_connection = true;
}

static void bench_disconnect(void *ctx, struct sim_pile *pile)
{
    (void)ctx;
    (void)pile;
    bench.closing = true;
}

static void bench_send(void *ctx, struct sim_pile *pile, const char *text, size_t length)
{
    (void)ctx;
    (void)pile;
    ck_assert_int_lt(bench.sent_count, SENT_MAX);
    ck_assert_uint_lt(length, SENT_TEXT);
    memcpy(bench.sent[bench.sent_count], text, length);
    bench.sent[bench.sent_count++][length] = '\0';
}

/* A DC pile of 120 kW with two connectors unless the test changes the fleet first. */
void bench_fleet(void)
{
    struct sim_error error;
    char path[512];

    snprintf(path, sizeof path, "%s/tests/simulators/bench.json", SOURCE_ROOT);
    ck_assert_msg(sim_fleet_read(path, &bench.fleet, &error), "%s", error.text);
}

void bench_start(int pile, int64_t days, const char *truth)
{
    struct sim_error error;
    struct sim_setup setup = {.seed = 5, .sample_interval_s = 20, .backoff_max_ms = 8000};

    memset(&bench.pile, 0, sizeof bench.pile);
    bench.card_status = bench.start_status = "Accepted";
    bench.ports = (struct sim_ports){
        .connect = bench_connect, .disconnect = bench_disconnect, .send = bench_send};
    bench.now = (struct sim_now){.mono_ms = 1000, .wall_us = BENCH_NOON};
    setup.fleet = &bench.fleet;
    setup.spec = &bench.fleet.piles[pile];
    setup.ports = &bench.ports;
    setup.truth_dir = truth;
    if (days) {
        setup.until_us = BENCH_NOON;
        setup.from_us = BENCH_NOON - days * 86400000000LL;
    }
    ck_assert_msg(sim_pile_init(&bench.pile, &setup, bench.now, &error), "%s", error.text);
    sim_pile_tick(&bench.pile, bench.now);
}

const char *last_sent(void)
{
    return bench.sent_count ? bench.sent[bench.sent_count - 1] : "";
}

void system_says(const char *text)
{
    sim_pile_frame(&bench.pile, bench.now, text, strlen(text));
}

/* [3,"id",payload] for the pile's CALL that is on its way. */
void system_confirms(const char *payload)
{
    char text[1024];

    ck_assert(bench.pile.call.active);
    snprintf(text, sizeof text, "[3,\"%s\",%s]", bench.pile.call.id, payload);
    system_says(text);
}

void system_answers(void)
{
    char payload[256] = "{}";

    switch ((int)bench.pile.call.action) {
    case OCPP_BOOT_NOTIFICATION:
        snprintf(payload, sizeof payload,
            "{\"status\":\"Accepted\",\"currentTime\":\"2027-01-15T08:00:00Z\",\"interval\":300}");
        break;
    case OCPP_HEARTBEAT:
        snprintf(payload, sizeof payload, "{\"currentTime\":\"2027-01-15T08:00:00Z\"}");
        break;
    case OCPP_AUTHORIZE:
        snprintf(payload, sizeof payload, "{\"idTagInfo\":{\"status\":\"%s\"}}",
            bench.card_status);
        break;
    case OCPP_START_TRANSACTION:
        snprintf(payload, sizeof payload,
            "{\"transactionId\":%d,\"idTagInfo\":{\"status\":\"%s\"}}", ++bench.transactions,
            bench.start_status);
        break;
    default:
        break;
    }
    system_confirms(payload);
}

void open_connection(void)
{
    ck_assert(bench.wants_connection);
    bench.wants_connection = false;
    bench.closing = false;
    sim_pile_opened(&bench.pile, bench.now);
}

void answer_all(void)
{
    for (int i = 0; bench.pile.call.active; i++) {
        ck_assert_int_lt(i, BENCH_STEPS);
        system_answers();
    }
}

/* Lets time pass to the next thing the pile has to do, at most until then. */
bool step(uint64_t end_ms)
{
    uint64_t due_ms = sim_pile_due(&bench.pile, bench.now);

    if (due_ms > end_ms)
        due_ms = end_ms;
    if (due_ms > bench.now.mono_ms) {
        bench.now.wall_us += (int64_t)(due_ms - bench.now.mono_ms) * 1000;
        bench.now.mono_ms = due_ms;
    }
    sim_pile_tick(&bench.pile, bench.now);
    return bench.now.mono_ms < end_ms;
}

/* Time passes; with `answering` the system confirms all that comes. */
void pass_s(int64_t seconds, bool answering)
{
    uint64_t end_ms = bench.now.mono_ms + (uint64_t)seconds * 1000;

    for (int i = 0; i < BENCH_STEPS; i++) {
        bool more = step(end_ms);

        if (answering)
            answer_all();
        if (!more)
            return;
    }
    ck_abort_msg("the pile is always due");
}

/* How often a text occurs in what was sent. */
int sent_with(const char *part)
{
    int count = 0;

    for (int i = 0; i < bench.sent_count; i++)
        count += strstr(bench.sent[i], part) != NULL;
    return count;
}

/* The place of the first text with that part; -1: none. */
int sent_at(const char *part)
{
    for (int i = 0; i < bench.sent_count; i++) {
        if (strstr(bench.sent[i], part))
            return i;
    }
    return -1;
}

void bench_up(void)
{
    bench_fleet();
    bench_start(0, 0, NULL);
    open_connection();
    answer_all();
}

void bench_done(void)
{
    sim_pile_done(&bench.pile);
    sim_fleet_done(&bench.fleet);
    memset(&bench, 0, sizeof bench);
}

void ask_charge(int64_t seconds)
{
    struct sim_charge charge = {
        .connector = 1, .power_mw = 120000000, .seconds = seconds, .tag = "CARD"};

    ck_assert(sim_pile_ask(&bench.pile, bench.now, &charge));
}
