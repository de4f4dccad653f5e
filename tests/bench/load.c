/* load.c - the load client's command line, and what all modes begin with. See load.h. */
#include "tests/bench/load.h"

#include "db/conn.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { DESCRIPTORS_BESIDE = 32, FIRST_WH = 108200 };

static const char usage[] =
    "usage: load MODE --port PORT [OPTIONS]\n"
    "\n"
    "Piles BENCH-00000 … with the keys and cards of seed.sql, at a csmsd on 127.0.0.1. Each "
    "boots,\n"
    "and has one CALL outstanding at most. Prints one line of figures.\n"
    "\n"
    "modes:\n"
    "  readings   each pile starts a transaction, then sends MeterValues (632 bytes, 4 samples):\n"
    "             the next as soon as one is confirmed, or with --rate at their times, latencies\n"
    "             counted from the time at which each should have left\n"
    "  charges    StartTransaction and StopTransaction, a pair after the other\n"
    "  connect    connections a second, each from connect() to its accepted BootNotification\n"
    "  idle       what csmsd's memory grows by for each connection that has booted (wants "
    "--csmsd)\n"
    "  recover    readings, while somebody kills: reads `killed T0 T1` from standard input "
    "(monotonic\n"
    "             ns when the kill began and when all were dead), connects again, sends again "
    "what\n"
    "             was not confirmed, and prints the time from T0 to the end of the longest "
    "silence\n"
    "\n"
    "options:\n"
    "  --piles N        connections (500)\n"
    "  --seconds S      that are measured (10), after 0.3 s that are not\n"
    "  --rate R         readings a second of all piles together\n"
    "  --long           MeterValues with 8 samples\n"
    "  --window N       connections that may be under way at once (64)\n"
    "  --csmsd PID      tell its processor time\n"
    "  --postgres PID   the same of a postmaster and its children\n"
    "  --database C     conninfo: count at the end what is stored, and fail if it is not what was\n"
    "                   confirmed\n"
    "  --bare           against bench_echo: no BootNotification, no transaction\n"
    "\n"
    "Exit status 0; 1 if anything was not answered as it should be, or a count differs; 64 "
    "usage.\n";

static void on_opened(void *ctx, uint32_t index)
{
    struct load *load = ctx;
    struct pile *pile = &load->piles[index];

    pile->again_ns = 0;
    if (load->running) { /* again: what was not confirmed goes first */
        load->connected++;
        if (pile->waits_for != CALL_NONE)
            call_send(load, pile, pile->waits_for, true);
    } else if (load->bare) {
        load->ready++;
    } else {
        call_send(load, pile, CALL_BOOT, false);
    }
}

static void on_text(void *ctx, uint32_t index, const char *text, size_t length)
{
    answer_take(ctx, index, text, length);
}

static void on_closed(void *ctx, uint32_t index, const char *why)
{
    struct load *load = ctx;

    if (strcmp(load->mode, "recover") != 0 || !load->running) {
        load_fail(load, why);
        return;
    }
    load->piles[index].again_ns = wire_now_ns() + 10000000;
}

void load_turn(struct load *load, uint64_t until_ns)
{
    wire_turn(&load->wire, until_ns);
}

/* While piles are made ready. */
static void prepared(struct load *load, struct pile *pile, enum call call, uint64_t now)
{
    if (call == CALL_BOOT)
        tally_add(&load->latency, (now - pile->asked_ns) / 1000);
    load->ready++;
}

/* All, but no more at once than the window holds; false: failed. */
static bool ready_all(struct load *load, const char *what, void (*begin)(struct load *, uint32_t))
{
    uint64_t give_up = wire_now_ns() + PATIENCE_S * UINT64_C(1000000000);
    uint32_t begun = 0, before = 0;

    load->ready = 0;
    while (load->ready < load->count && load->failed == 0 && wire_now_ns() < give_up) {
        while (begun < load->count && begun - load->ready < load->window)
            begin(load, begun++);
        load_turn(load, wire_now_ns() + 10000000);
        if (load->ready != before) {
            before = load->ready;
            give_up = wire_now_ns() + PATIENCE_S * UINT64_C(1000000000);
        }
    }
    if (load->ready == load->count && load->failed == 0)
        return true;
    fprintf(stderr, "load: %s: %u of %u piles, then: %s\n", what, load->ready, load->count,
        load->failed ? load->why : "no answer");
    return false;
}

static void begin_connect(struct load *load, uint32_t index)
{
    load->piles[index].asked_ns = wire_now_ns();
    wire_connect(&load->wire, index);
}

static void begin_start(struct load *load, uint32_t index)
{
    call_send(load, &load->piles[index], CALL_START, false);
}

bool load_connect(struct load *load, bool start)
{
    load->answered = prepared;
    if (!ready_all(load, "connecting", begin_connect))
        return false;
    load->connected = load->count;
    return !start || load->bare || ready_all(load, "starting", begin_start);
}

int64_t load_count(struct load *load, const char *sql)
{
    struct db_rows rows = {0};
    struct db_fault fault;
    struct db_conn *conn = db_conn_open(load->database, "load", &fault);
    int64_t count = -1;

    if (conn != NULL && db_conn_query(conn, sql, NULL, &rows) == DB_OK) {
        struct db_row row = db_rows_at(&rows, 0);

        count = db_row_int8(&row, 0);
    } else {
        fprintf(stderr, "load: %s\n", conn != NULL ? db_conn_fault(conn)->text : fault.text);
    }
    db_rows_done(&rows);
    db_conn_close(conn);
    return count;
}

static const struct {
    const char *name;
    bool (*run)(struct load *);
} modes[] = {
    {"readings", mode_readings},
    {"charges", mode_charges},
    {"connect", mode_connect},
    {"idle", mode_idle},
    {"recover", mode_recover},
};

static bool options_read(struct load *load, int argc, char **argv)
{
    enum { PILES, SECONDS, RATE, LONG, WINDOW, CSMSD, POSTGRES, DATABASE, BARE, PORT, HELP };
    static const struct option options[] = {{"piles", 1, NULL, PILES},
        {"seconds", 1, NULL, SECONDS}, {"rate", 1, NULL, RATE}, {"long", 0, NULL, LONG},
        {"window", 1, NULL, WINDOW}, {"csmsd", 1, NULL, CSMSD}, {"postgres", 1, NULL, POSTGRES},
        {"database", 1, NULL, DATABASE}, {"bare", 0, NULL, BARE}, {"port", 1, NULL, PORT},
        {"help", 0, NULL, HELP}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        long number = optarg != NULL ? strtol(optarg, NULL, 10) : 0;

        switch (option) {
        case PILES:
            load->count = (uint32_t)number;
            break;
        case SECONDS:
            load->seconds = strtod(optarg, NULL);
            break;
        case RATE:
            load->rate = (uint32_t)number;
            break;
        case LONG:
            load->long_message = true;
            break;
        case WINDOW:
            load->window = (uint32_t)number;
            break;
        case CSMSD:
            load->csmsd = (int)number;
            break;
        case POSTGRES:
            load->postgres = (int)number;
            break;
        case DATABASE:
            load->database = optarg;
            break;
        case BARE:
            load->bare = true;
            break;
        case PORT:
            load->port = (int)number;
            break;
        case HELP:
            fputs(usage, stdout);
            exit(0);
        default:
            return false;
        }
    }
    load->mode = optind == argc - 1 ? argv[optind] : NULL;
    return load->mode != NULL && load->port > 0 && load->port < 65536 && load->count > 0 &&
           load->count < 100000 && load->window > 0 && load->seconds > 0;
}

static bool descriptors_get(uint32_t count)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && count + DESCRIPTORS_BESIDE <= limit.rlim_cur)
        return true;
    fprintf(stderr, "load: %u piles want more descriptors than the %lu that are allowed\n", count,
        (unsigned long)limit.rlim_max);
    return false;
}

int main(int argc, char **argv)
{
    struct load load = {.count = 500, .window = 64, .seconds = 10};
    struct wire_ports ports = {
        .ctx = &load, .opened = on_opened, .text = on_text, .closed = on_closed};
    bool ok = false, known = false;

    if (!options_read(&load, argc, argv)) {
        fputs(usage, stderr);
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!descriptors_get(load.count))
        return 1;
    load.piles = calloc(load.count, sizeof *load.piles);
    if (load.piles == NULL || !wire_init(&load.wire, load.count, (uint16_t)load.port, &ports)) {
        perror("load");
        return 1;
    }
    for (uint32_t i = 0; i < load.count; i++)
        load.piles[i].register_wh = FIRST_WH;
    calls_prepare(&load);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(modes[i].name, load.mode) == 0) {
            known = true;
            ok = modes[i].run(&load);
        }
    }
    if (!known)
        fputs(usage, stderr);
    wire_done(&load.wire);
    free(load.piles);
    return !known ? 64 : ok ? 0 : 1;
}
