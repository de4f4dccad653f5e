/* main.c - a world for each seed, twice; and, of one that fails, the smallest that still does.
 *
 *   simulation --seed N | --seeds A-B [--steps M] [--piles P] [--nodes K]
 *              [--faults MASK] [--fault-limit N] [--shrink]
 *   simulation --day [--piles P] [--seed N]
 *
 * Exit status: 0 all is well; 1 a day had too few frames or took too much of the processor; 2
 * usage; 100 and the number of the breach.
 */
#include "tests/simulation/model.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 8000, PILES = 4, DAY_PILES = 10000, DAY_FRAMES = 500 /* of a pile */, DAY_S = 120 };

/* What the worlds were made of. */
struct totals {
    uint64_t frames, faults, sessions, commands, seconds;
};

struct plan {
    struct world_options options;
    uint64_t last_seed;
    bool shrink, chosen;
};

static const struct option longs[] = {
    {"seed", required_argument, NULL, 's'},
    {"seeds", required_argument, NULL, 'S'},
    {"steps", required_argument, NULL, 'm'},
    {"piles", required_argument, NULL, 'p'},
    {"nodes", required_argument, NULL, 'n'},
    {"faults", required_argument, NULL, 'f'},
    {"fault-limit", required_argument, NULL, 'l'},
    {"shrink", no_argument, NULL, 'x'},
    {"day", no_argument, NULL, 'd'},
    {0},
};

static bool number(const char *text, uint64_t low, uint64_t high, uint64_t *ret)
{
    char *end;

    *ret = strtoull(text, &end, 0);
    return end != text && *end == '\0' && *ret >= low && *ret <= high;
}

static bool seeds(const char *text, struct plan *plan)
{
    char first[32] = "";
    const char *dash = strchr(text, '-');

    if (dash == NULL || dash - text >= (ptrdiff_t)sizeof first)
        return false;
    memcpy(first, text, (size_t)(dash - text));
    return number(first, 0, UINT64_MAX, &plan->options.seed) &&
           number(dash + 1, plan->options.seed, UINT64_MAX, &plan->last_seed);
}

static bool take(struct plan *plan, int option, const char *text)
{
    struct world_options *options = &plan->options;
    uint64_t value = 0;
    bool good = true;

    if (option == 's') {
        good = number(text, 0, UINT64_MAX, &value);
        options->seed = plan->last_seed = value;
    } else if (option == 'S') {
        good = seeds(text, plan);
    } else if (option == 'm') {
        good = number(text, 1, UINT32_MAX, &value);
        options->steps = (uint32_t)value;
    } else if (option == 'p') {
        good = number(text, 1, 100000, &value);
        options->piles = (uint32_t)value;
    } else if (option == 'n') {
        good = number(text, 1, 2, &value);
        options->nodes = (uint32_t)value;
    } else if (option == 'f') {
        good = number(text, 0, UINT32_MAX, &value);
        options->faults = (uint32_t)value;
    } else if (option == 'l') {
        good = number(text, 0, UINT32_MAX, &value);
        options->fault_limit = (uint32_t)value;
    } else {
        plan->shrink |= option == 'x';
        options->day |= option == 'd';
        good = option == 'x' || option == 'd';
    }
    plan->chosen |= strchr("sSd", option) != NULL;
    return good;
}

/* The core's assertions end the process; what led there is told all the same. */
static void aborted(int signal)
{
    (void)signal;
    if (world_now != NULL)
        world_breach(world_now, BREACH_ASSERT, "an assertion failed");
    _Exit(100 + BREACH_ASSERT);
}

static uint64_t run_once(const struct world_options *options, struct totals *totals)
{
    struct world *world = world_new(options);
    int64_t began_us = world->now_us;
    uint64_t digest = world_run(world);

    totals->frames += world->frames_in;
    totals->faults += world->fault_count;
    totals->sessions += world->model->stored_count - 1;
    totals->commands += world->model->command_count;
    totals->seconds += (uint64_t)(world->now_us - began_us) / 1000000;
    world_free(world);
    return digest;
}

static void run_seed(const struct world_options *options, struct totals *totals)
{
    uint64_t first = run_once(options, totals);

    if (first == run_once(options, totals))
        return;
    printf("seed %" PRIu64 " breaks \"%s\"\n", options->seed, world_breach_name(BREACH_DIGEST));
    fflush(stdout);
    _Exit(100 + BREACH_DIGEST);
}

/* In a process of its own, silently: its exit status. */
static int trial(const struct world_options *options)
{
    struct totals totals = {0};
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _Exit(2);
        run_seed(options, &totals);
        _Exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return 2;
    return WEXITSTATUS(status);
}

/* Halves the distance to the smallest value that still fails. */
static void smaller(struct world_options *options, uint32_t *value, int breach)
{
    uint32_t low = 0, high = *value;

    while (low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;

        *value = middle;
        if (trial(options) == breach)
            high = middle;
        else
            low = middle;
    }
    *value = high;
}

static void shrink_faults(struct world_options *options, int breach)
{
    for (uint32_t i = 0; i < FAULT_COUNT; i++) {
        uint32_t with = options->faults;

        options->faults &= ~(1u << i);
        if (options->faults != with && trial(options) != breach)
            options->faults = with;
    }
}

static int shrink(struct world_options *options)
{
    int breach = trial(options);
    struct totals totals = {0};

    if (breach <= 100) {
        printf("seed %" PRIu64 " does not fail\n", options->seed);
        return 0;
    }
    shrink_faults(options, breach);
    options->fault_limit = options->fault_limit < 4096 ? options->fault_limit : 4096;
    smaller(options, &options->steps, breach);
    smaller(options, &options->fault_limit, breach);
    for (uint32_t piles = 1; piles < options->piles; piles++) {
        struct world_options fewer = *options;

        fewer.piles = piles;
        if (trial(&fewer) == breach)
            *options = fewer;
    }
    shrink_faults(options, breach);
    smaller(options, &options->steps, breach);
    printf("smallest: --seed %" PRIu64 " --steps %u --piles %u --faults 0x%x --fault-limit %u\n",
        options->seed, options->steps, options->piles, options->faults, options->fault_limit);
    for (uint32_t i = 0; i < FAULT_COUNT; i++)
        if (options->faults & 1u << i)
            printf("  fault: %s\n", world_fault_name((enum fault)i));
    run_seed(options, &totals);
    return 2;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void tell(const struct totals *totals, double took_s)
{
    printf("%" PRIu64 " frames in, %" PRIu64 " sessions, %" PRIu64 " commands, %" PRIu64
           " faults; %" PRIu64 " hours in %.1f s\n",
        totals->frames, totals->sessions, totals->commands, totals->faults, totals->seconds / 3600,
        took_s);
}

static int run_day(const struct world_options *options)
{
    double began = seconds(), processor_s;
    struct totals totals = {0};

    (void)run_once(options, &totals);
    processor_s = (double)clock() / CLOCKS_PER_SEC;
    printf("a day of %u piles, %.1f s of the processor: ", options->piles, processor_s);
    tell(&totals, seconds() - began);
    return totals.frames < (uint64_t)options->piles * DAY_FRAMES || processor_s > DAY_S;
}

static int run(struct plan *plan)
{
    double began = seconds();
    struct totals totals = {0};
    uint64_t count = plan->last_seed - plan->options.seed + 1;

    if (plan->options.day)
        return run_day(&plan->options);
    for (;; plan->options.seed++) {
        if (plan->shrink && trial(&plan->options) != 0)
            return shrink(&plan->options);
        run_seed(&plan->options, &totals);
        if (plan->options.seed == plan->last_seed)
            break;
    }
    printf("%" PRIu64 " seeds, each twice: ", count);
    tell(&totals, seconds() - began);
    return 0;
}

int main(int argc, char **argv)
{
    struct plan plan = {.options = {
        .steps = STEPS, .faults = (1u << FAULT_COUNT) - 1, .fault_limit = UINT32_MAX}};
    int option;

    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option == '?' || !take(&plan, option, optarg)) {
            fprintf(stderr, "simulation: what is that?  See the head of main.c\n");
            return 2;
        }
    }
    if (!plan.chosen || optind != argc) {
        fprintf(stderr, "usage: simulation --seed N | --seeds A-B | --day [--piles P] ...\n");
        return 2;
    }
    if (plan.options.day)
        plan.options.faults = 0;
    if (plan.options.piles == 0)
        plan.options.piles = plan.options.day ? DAY_PILES : PILES;
    signal(SIGABRT, aborted);
    return run(&plan);
}
