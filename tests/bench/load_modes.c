/* load_modes.c - what the piles do once they are connected. See load.h. */
#include "tests/bench/load.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TURN_NS = 10000000, SPREAD_NS = 200000, QUIET_NS = 500000000, IDLE_NS = 2000000000 };
#define SECOND_NS UINT64_C(1000000000)

static const char count_readings[] = "SELECT count(*) FROM core.meter_reading";
static const char count_stops[] = "SELECT count(*) FROM core.session WHERE stopped_at IS NOT NULL";

static bool measured_at(const struct load *load, uint64_t now)
{
    return now >= load->begin_ns && now < load->end_ns;
}

static uint64_t warm_up(struct load *load)
{
    uint64_t now = wire_now_ns();

    load->running = true;
    load->latency = (struct tally){0};
    load->sent = load->confirmed = load->measured = 0;
    load->begin_ns = now + WARM_NS;
    load->end_ns = load->begin_ns + (uint64_t)(load->seconds * 1e9);
    return now;
}

/* Answers that are still to come. */
static bool finish(struct load *load, uint64_t expected)
{
    uint64_t give_up = wire_now_ns() + PATIENCE_S * SECOND_NS;

    while (load->confirmed < expected && load->failed == 0 && wire_now_ns() < give_up)
        load_turn(load, wire_now_ns() + TURN_NS);
    if (load->failed > 0)
        fprintf(stderr, "load: %u failures, the first: %s\n", load->failed, load->why);
    else if (load->confirmed < expected)
        fprintf(stderr, "load: %" PRIu64 " of %" PRIu64 " were never confirmed\n",
            expected - load->confirmed, expected);
    return load->failed == 0 && load->confirmed == expected;
}

/* All that was confirmed is stored, and nothing that was not sent. */
static bool stored(struct load *load, const char *sql, int64_t before, uint64_t most)
{
    int64_t now, made;

    if (load->database == NULL) {
        printf(" stored=unasked");
        return true;
    }
    now = load_count(load, sql);
    made = now - before;
    printf(" stored=%" PRId64 " confirmed=%" PRIu64, made, load->confirmed);
    if (before >= 0 && now >= 0 && made >= (int64_t)load->confirmed && made <= (int64_t)most)
        return true;
    fprintf(stderr, "load: %" PRId64 " are stored, %" PRIu64 " confirmed, %" PRIu64 " sent\n", made,
        load->confirmed, most);
    return false;
}

static void print_cpu(const struct load *load, const struct tally_cpu *from,
    const struct tally_cpu *to, double seconds)
{
    double each = load->measured > 0 ? 1e6 / (double)load->measured : 0;

    printf(" client_cpu=%.2f client_us=%.1f", (to->self_s - from->self_s) / seconds,
        (to->self_s - from->self_s) * each);
    if (load->csmsd != 0)
        printf(" csmsd_cpu=%.2f csmsd_us=%.1f", (to->csmsd_s - from->csmsd_s) / seconds,
            (to->csmsd_s - from->csmsd_s) * each);
    if (load->postgres != 0)
        printf(" postgres_cpu=%.2f postgres_us=%.1f", (to->postgres_s - from->postgres_s) / seconds,
            (to->postgres_s - from->postgres_s) * each);
}

/* Until the end of what is measured, with the processor time of that span. */
static void run_span(struct load *load, void (*turn)(struct load *))
{
    struct tally_cpu from = {0}, to;
    uint64_t now;
    bool begun = false;

    while ((now = wire_now_ns()) < load->end_ns && load->failed == 0) {
        if (!begun && now >= load->begin_ns) {
            from = tally_cpu(load->csmsd, load->postgres);
            begun = true;
        }
        turn(load);
    }
    to = tally_cpu(load->csmsd, load->postgres);
    printf("%s rate=%.0f", load->mode, (double)load->measured / load->seconds);
    print_cpu(load, &from, &to, load->seconds);
}

static void ask_reading(struct load *load, struct pile *pile, uint64_t asked_ns)
{
    pile->asked_ns = asked_ns;
    call_send(load, pile, CALL_READING, false);
}

static void closed_answered(struct load *load, struct pile *pile, enum call call, uint64_t now)
{
    (void)call;
    load->confirmed++;
    if (measured_at(load, now)) {
        load->measured++;
        tally_add(&load->latency, (now - pile->asked_ns) / 1000);
    }
    if (now < load->end_ns)
        ask_reading(load, pile, now);
}

static void closed_turn(struct load *load)
{
    uint64_t now = wire_now_ns();
    uint64_t limit = now < load->begin_ns ? load->begin_ns : load->end_ns;

    load_turn(load, now + TURN_NS < limit ? now + TURN_NS : limit);
}

/* Open loop: the k-th reading is pile k modulo N's, and should leave at k / rate. */
static uint64_t open_start_ns, open_next;

static uint64_t open_time(const struct load *load, uint64_t k)
{
    return open_start_ns + (uint64_t)((double)k * 1e9 / load->rate);
}

static void open_send(struct load *load, struct pile *pile)
{
    uint64_t k = (uint64_t)(pile - load->piles) + pile->begun * load->count;

    pile->begun++;
    ask_reading(load, pile, open_time(load, k));
}

static void open_answered(struct load *load, struct pile *pile, enum call call, uint64_t now)
{
    (void)call;
    load->confirmed++;
    if (measured_at(load, pile->asked_ns)) { /* also those that come back later */
        load->measured++;
        tally_add(&load->latency, (now - pile->asked_ns) / 1000);
    }
    if (pile->begun < pile->due)
        open_send(load, pile);
}

static void open_turn(struct load *load)
{
    uint64_t now = wire_now_ns(), next;

    while ((next = open_time(load, open_next)) <= now && next < load->end_ns) {
        struct pile *pile = &load->piles[open_next++ % load->count];

        pile->due++;
        if (pile->waits_for == CALL_NONE)
            open_send(load, pile);
    }
    /* A little late together costs less than each in time; the latency counts it. */
    if (next < now + SPREAD_NS)
        next = now + SPREAD_NS;
    load_turn(load, next < load->end_ns ? next : load->end_ns);
}

bool mode_readings(struct load *load)
{
    int64_t before = 0;
    bool ok;

    if (!load_connect(load, true))
        return false;
    if (load->database != NULL)
        before = load_count(load, count_readings);
    load->answered = load->rate > 0 ? open_answered : closed_answered;
    open_start_ns = warm_up(load);
    for (uint32_t i = 0; load->rate == 0 && i < load->count; i++)
        ask_reading(load, &load->piles[i], wire_now_ns());
    run_span(load, load->rate > 0 ? open_turn : closed_turn);
    ok = finish(load, load->rate > 0 ? open_next : load->sent);
    tally_print(&load->latency, "");
    ok = stored(load, count_readings, before, load->sent) && ok;
    printf("\n");
    return ok;
}

static uint64_t charges_begun;

static void charge_begin(struct load *load, struct pile *pile, uint64_t now)
{
    charges_begun++;
    pile->asked_ns = now;
    call_send(load, pile, CALL_START, false);
}

static void charge_answered(struct load *load, struct pile *pile, enum call call, uint64_t now)
{
    struct tally *tally = call == CALL_START ? &load->latency : &load->second;

    if (measured_at(load, now))
        tally_add(tally, (now - pile->asked_ns) / 1000);
    if (call == CALL_START) {
        pile->asked_ns = now;
        call_send(load, pile, CALL_STOP, false);
        return;
    }
    load->confirmed++;
    load->measured += measured_at(load, now);
    if (now < load->end_ns)
        charge_begin(load, pile, now);
}

bool mode_charges(struct load *load)
{
    int64_t before = 0;
    bool ok;

    if (!load_connect(load, false))
        return false;
    if (load->database != NULL)
        before = load_count(load, count_stops);
    load->answered = charge_answered;
    warm_up(load);
    for (uint32_t i = 0; i < load->count; i++)
        charge_begin(load, &load->piles[i], wire_now_ns());
    run_span(load, closed_turn);
    ok = finish(load, charges_begun);
    tally_print(&load->latency, "start_");
    tally_print(&load->second, "stop_");
    ok = stored(load, count_stops, before, charges_begun) && ok;
    printf("\n");
    return ok;
}

bool mode_connect(struct load *load)
{
    struct tally_cpu from = tally_cpu(load->csmsd, load->postgres), to;
    uint64_t begin = wire_now_ns();
    double seconds;

    if (!load_connect(load, false))
        return false;
    seconds = (double)(wire_now_ns() - begin) / 1e9;
    to = tally_cpu(load->csmsd, load->postgres);
    load->measured = load->count;
    printf("connect rate=%.0f", (double)load->count / seconds);
    print_cpu(load, &from, &to, seconds);
    tally_print(&load->latency, "");
    printf(" piles=%u\n", load->count);
    return true;
}

bool mode_idle(struct load *load)
{
    uint64_t before = tally_resident_kib(load->csmsd), after, until;

    if (before == 0) {
        fprintf(stderr, "load: idle wants --csmsd PID of a process that lives\n");
        return false;
    }
    if (!load_connect(load, false))
        return false;
    until = wire_now_ns() + IDLE_NS;
    while (wire_now_ns() < until)
        load_turn(load, until);
    after = tally_resident_kib(load->csmsd);
    printf("idle kib_each=%.2f before_kib=%" PRIu64 " after_kib=%" PRIu64 " piles=%u\n",
        (double)(after - before) / load->count, before, after, load->count);
    if (load->failed > 0 || after == 0)
        fprintf(stderr, "load: %s\n", load->failed > 0 ? load->why : "csmsd is gone");
    return load->failed == 0 && after != 0;
}

/* Recovery: the longest time without a confirmation that has ended since the kill began. */
static struct {
    uint64_t begun_ns, dead_ns; /* of the kill; 0: not yet */
    uint64_t last_ns, longest_ns, ended_ns;
} silence;

static void recover_answered(struct load *load, struct pile *pile, enum call call, uint64_t now)
{
    (void)call;
    load->confirmed++;
    if (silence.begun_ns != 0 && now - silence.last_ns > silence.longest_ns) {
        silence.longest_ns = now - silence.last_ns;
        silence.ended_ns = now;
    }
    silence.last_ns = now;
    if (now < load->end_ns)
        ask_reading(load, pile, now);
}

/* `killed T0 T1` */
static void hear(struct load *load)
{
    static char line[128];
    static size_t length;
    ssize_t n = read(STDIN_FILENO, line + length, sizeof line - 1 - length);

    if (n > 0)
        length += (size_t)n;
    line[length] = '\0';
    if (silence.begun_ns == 0 && strchr(line, '\n') != NULL &&
        sscanf(line, "killed %" SCNu64 " %" SCNu64, &silence.begun_ns, &silence.dead_ns) != 2)
        load_fail(load, "standard input does not say `killed T0 T1`");
}

static bool recovered(const struct load *load, uint64_t now)
{
    return silence.dead_ns != 0 && now >= silence.dead_ns + SECOND_NS &&
           silence.last_ns + TURN_NS * 10 > now && silence.ended_ns + QUIET_NS < now &&
           load->failed == 0;
}

static void connect_again(struct load *load, uint64_t now)
{
    for (uint32_t i = 0; i < load->count; i++) {
        struct pile *pile = &load->piles[i];

        if (pile->again_ns != 0 && pile->again_ns <= now) {
            pile->again_ns = UINT64_MAX; /* until it is known how it ends */
            wire_connect(&load->wire, i);
        }
    }
}

bool mode_recover(struct load *load)
{
    int64_t before = 0;
    uint64_t now;
    bool ok, come;

    if (!load_connect(load, true))
        return false;
    if (load->database != NULL)
        before = load_count(load, count_readings);
    (void)!fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    load->answered = recover_answered;
    silence.last_ns = warm_up(load);
    load->end_ns = silence.last_ns + (uint64_t)(load->seconds * 1e9);
    for (uint32_t i = 0; i < load->count; i++)
        ask_reading(load, &load->piles[i], silence.last_ns);
    printf("steady\n");
    fflush(stdout);
    while ((now = wire_now_ns()) < load->end_ns && load->failed == 0 && !recovered(load, now)) {
        hear(load);
        connect_again(load, now);
        load_turn(load, now + TURN_NS / 10);
    }
    come = recovered(load, now);
    load->end_ns = 0;
    ok = finish(load, load->sent) && come;
    printf("recover ms=%.0f silence_ms=%.0f", (double)(silence.ended_ns - silence.begun_ns) / 1e6,
        (double)silence.longest_ns / 1e6);
    if (!come)
        fprintf(stderr, "load: no recovery within %.0f s\n", load->seconds);
    ok = stored(load, count_readings, before, load->sent) && ok;
    printf("\n");
    return ok;
}
