/* bench_lane.c - what one lane carries: readings and calls a second, acknowledged after commit.
 *
 * Not a test: nothing here fails for being slow.
 *   bench_db_lane [SECONDS [OUTSTANDING]]
 * As many members as OUTSTANDING are always on their way, as from so many piles.  The real schema
 * and statements; the cluster of JOULEBOOK_TEST_PG, or one with fsync that is started for it.
 */
#include "tests/db/cluster.h"
#include "tests/db/drive.h"

#include "db/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct bench {
    const char *name;
    enum db_stmt stmt;
    void (*bind)(struct db_args *, uint64_t n);
};

static struct drive *drive;
static uint64_t acked, failed, number; /* numbers are never used twice: a repeat is cheaper */

static void bind_reading(struct db_args *args, uint64_t n)
{
    int64_t at_us = 1793520000000000 + (int64_t)(n / 4000) * 1000000;

    db_args_int8(args, 1000 + (int64_t)(n % 4000));
    db_args_time_us(args, at_us);
    db_args_int4(args, 1);
    db_args_int8(args, (int64_t)(n * UINT64_C(0x9e3779b97f4a7c15)));
    db_args_time_us(args, at_us + 150000);
    db_args_int8(args, (int64_t)(n % 4000));
    db_args_text(args, "Sample.Periodic");
    db_args_int8(args, (int64_t)n * 1000);
    for (int column = 8; column < 25; column++) {
        if (column == 9 || column == 12 || column == 24)
            db_args_int8(args, (int64_t)n + column);
        else
            db_args_null(args, DB_INT8);
    }
    db_args_text(args, NULL);
    db_args_bool(args, false);
    db_args_row(args);
}

static void bind_note(struct db_args *args, uint64_t n)
{
    db_args_int8(args, 1);
    db_args_text(args, "DiagnosticsStatusNotification");
    db_args_time_us(args, 1793520000000000 + (int64_t)n);
    db_args_text(args, "{\"status\":\"Idle\"}");
    db_args_row(args);
}

static void bind_authorize(struct db_args *args, uint64_t n)
{
    db_args_int8(args, 1);
    db_args_text(args, "NOBODY");
    db_args_time_us(args, 1793520000000000 + (int64_t)n);
    db_args_row(args);
}

static void done(void *ctx, uint64_t token, enum db_result result, const struct db_row *row)
{
    (void)ctx;
    (void)token;
    (void)row;
    acked++;
    failed += result != DB_OK;
}

/* Piles that each have one message out: the small ones of one reading, the large ones of many. */
enum { SMALL = 100, LARGE_MAX = 8, LARGE_ROWS = 12500, LATENCY_MS_MAX = 60000 };

static uint64_t sent_ms[SMALL + LARGE_MAX], latencies[LATENCY_MS_MAX], small_acked, large_acked;
static bool is_out[SMALL + LARGE_MAX];

static void neighbour_done(
    void *ctx, uint64_t token, enum db_result result, const struct db_row *row)
{
    uint64_t took_ms = drive_now() - sent_ms[token];

    (void)ctx;
    (void)row;
    is_out[token] = false;
    failed += result != DB_OK;
    if (token >= SMALL) {
        large_acked++;
        return;
    }
    small_acked++;
    latencies[took_ms < LATENCY_MS_MAX ? took_ms : LATENCY_MS_MAX - 1]++;
}

static void send_neighbour(uint64_t token)
{
    struct db_work work = {.stmt = DB_STMT_READING_INSERT,
        .args = &drive->args,
        .done = neighbour_done,
        .token = token};

    db_args_reset(&drive->args);
    for (int i = 0; i < (token < SMALL ? 1 : LARGE_ROWS); i++)
        bind_reading(&drive->args, number++);
    sent_ms[token] = drive_now();
    is_out[token] = db_lane_submit(drive->lane, &work, sent_ms[token]);
}

/* The time in which so many of a hundred were answered. */
static uint64_t within_ms(uint64_t percent)
{
    uint64_t sum = 0, ms = 0;

    while (ms < LATENCY_MS_MAX - 1 && (sum += latencies[ms]) * 100 < small_acked * percent)
        ms++;
    return ms;
}

static void measure_neighbours(const char *conninfo, uint64_t ms, uint64_t large)
{
    struct db_lane_config config = {
        .conninfo = conninfo, .name = "neighbours", .durability_test = true};
    uint64_t begin, end;

    drive = drive_new_on(&config);
    failed = small_acked = large_acked = 0;
    memset(latencies, 0, sizeof latencies);
    memset(is_out, 0, sizeof is_out);
    if (!drive_until_up(drive)) {
        fprintf(stderr, "the lane does not come up\n");
        exit(1);
    }
    begin = drive_now();
    while ((end = drive_now()) < begin + ms) {
        for (uint64_t token = 0; token < SMALL + large; token++) {
            if (!is_out[token])
                send_neighbour(token);
        }
        drive_turn(drive, 5);
    }
    printf(
        "%d piles beside %lu that send %d readings a message: answered after %lu ms (half), %lu ms"
        " (99 of 100), %lu ms (all); %.0f/s, the others' readings %.0f/s (%lu not ok)\n",
        SMALL, (unsigned long)large, LARGE_ROWS, (unsigned long)within_ms(50),
        (unsigned long)within_ms(99), (unsigned long)within_ms(100),
        (double)small_acked * 1000 / (double)(end - begin),
        (double)large_acked * LARGE_ROWS * 1000 / (double)(end - begin), (unsigned long)failed);
    fflush(stdout);
    drive_free(drive);
}

static double cpu_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void measure(
    const char *conninfo, const struct bench *bench, uint64_t ms, uint64_t outstanding)
{
    struct db_lane_config config = {
        .conninfo = conninfo, .name = bench->name, .durability_test = true};
    uint64_t sent = 0, begin, end;
    struct db_lane_stats before, after;
    double cpu;

    drive = drive_new_on(&config);
    acked = failed = 0;
    if (!drive_until_up(drive)) {
        fprintf(stderr, "the lane does not come up\n");
        exit(1);
    }
    drive_for(drive, 100);
    before = db_lane_stats(drive->lane);
    cpu = cpu_s();
    begin = drive_now();
    while ((end = drive_now()) < begin + ms) {
        while (sent - acked < outstanding) {
            struct db_work work = {.stmt = bench->stmt, .args = &drive->args, .done = done};

            db_args_reset(&drive->args);
            bench->bind(&drive->args, number++);
            if (!db_lane_submit(drive->lane, &work, end))
                break;
            sent++;
        }
        drive_turn(drive, 5);
    }
    cpu = cpu_s() - cpu;
    after = db_lane_stats(drive->lane);
    printf("%-10s %6lu outstanding: %8.0f/s, %4.0f a commit, %5.2f ms a batch, %5.2f us of CPU each"
           " (%lu: %lu not ok)\n",
        bench->name, (unsigned long)outstanding, (double)acked * 1000 / (double)(end - begin),
        (double)acked / (double)(after.commits - before.commits),
        (double)(after.batch_ms_total - before.batch_ms_total) /
            (double)(after.commits - before.commits),
        cpu * 1e6 / (double)acked, (unsigned long)acked, (unsigned long)failed);
    fflush(stdout);
    drive_free(drive);
}

int main(int argc, char **argv)
{
    static const struct bench benches[] = {
        {"reading", DB_STMT_READING_INSERT, bind_reading},
        {"note", DB_STMT_NOTE, bind_note},
        {"authorize", DB_STMT_AUTHORIZE, bind_authorize},
    };
    static const uint64_t piles[] = {100, 500, 4000}, floods[] = {0, 1, LARGE_MAX};
    uint64_t ms = argc > 1 ? strtoull(argv[1], NULL, 10) * 1000 : 3000;
    uint64_t only = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    char conninfo[CLUSTER_TEXT_MAX];
    struct cluster cluster = {0};
    struct db_fault fault;

    if (!getenv("JOULEBOOK_TEST_PG")) {
        cluster_start(&cluster, true);
        cluster_database_of(cluster.conninfo, conninfo);
    } else {
        cluster_database(conninfo);
    }
    if (db_migrate(conninfo, NULL, NULL, &fault) != DB_OK) {
        fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++) {
        for (size_t k = 0; k < (only ? 1 : 3); k++)
            measure(conninfo, &benches[i], ms, only ? only : piles[k]);
    }
    for (size_t i = 0; i < sizeof floods / sizeof floods[0] && !only; i++)
        measure_neighbours(conninfo, ms, floods[i]);
    printf("%ld readings stored\n",
        (long)cluster_number(conninfo, "SELECT count(*) FROM core.meter_reading"));
    if (*cluster.conninfo)
        cluster_stop(&cluster);
    return 0;
}
