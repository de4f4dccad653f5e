/* tally.h - latencies in buckets of 1.6 %, and what processes have used of the processor.
 */
#ifndef TESTS_BENCH_TALLY_H
#define TESTS_BENCH_TALLY_H

#include <stdint.h>

enum { TALLY_BUCKETS = 128 + 40 * 64 };

struct tally {
    uint64_t count, max_us;
    uint32_t buckets[TALLY_BUCKETS];
};

void tally_add(struct tally *, uint64_t us);
/* The latency that `per_mille` of them do not exceed, in ms. */
double tally_ms(const struct tally *, unsigned per_mille);
/* p50_ms=… p99_ms=… p999_ms=… max_ms=…, each name after the prefix. */
void tally_print(const struct tally *, const char *prefix);

/* Seconds of processor time: our own; a process's; one's with all its children. */
struct tally_cpu {
    double self_s, csmsd_s, postgres_s;
};
struct tally_cpu tally_cpu(int csmsd, int postgres);
/* KiB of memory of a process that are resident; 0: there is no such process. */
uint64_t tally_resident_kib(int pid);

#endif
