/* metrics.c - see metrics.h. */
#include "csms/metrics.h"

#include "csms/core/admit.h"
#include "ocpp/message.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMS_MAX = 3, BUCKETS = 14 };
enum type { COUNTER, SECONDS, GAUGE, AGE, DURATION };

/* The list of a dimension's label values, and one more for what is not in it. */
struct dimension {
    const char *label;
    int count;
    const char *(*name)(int);
};

#define NAMES(function, ...)                                                                       \
    static const char *function(int i)                                                             \
    {                                                                                              \
        static const char *const names[] = { __VA_ARGS__ };                                        \
        return names[i];                                                                           \
    }
NAMES(direction_name, "in", "out")
NAMES(outcome_name, "ok", "error", "timeout", "malformed", "refused", "unanswered")
NAMES(pile_state_name, "online", "offline")
NAMES(auth_status_name, "Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx")
NAMES(db_link_name, "telemetry", "money", "listen")
NAMES(cut_name, "too_large", "fragments", "binary", "stalled", "control_frames", "slow_reader",
    "silent", "no_memory")
NAMES(command_end_name, "accepted", "rejected", "call_error", "timed_out", "unknown", "refused")
NAMES(version_name, JOULEBOOK_VERSION)

static const char *action_name(int i)
{
    return ocpp_action_name((enum ocpp_action)i);
}

static const char *reason_name(int i)
{
    return ocpp_enum_text(OCPP_ENUM_REASON, i);
}

static const char *refusal_name(int i)
{
    return core_refusal_name((enum core_refusal)i);
}

enum dim {
    NONE, ACTION, DIRECTION, OUTCOME, REFUSAL_DIM, PILE_STATE, AUTH_STATUS, DB_LINK, CUT, VERSION,
    COMMAND_END, REASON
};
#define REFUSAL REFUSAL_DIM

static const struct dimension dimensions[] = {
    [NONE] = { NULL, 1, NULL },
    [ACTION] = { "action", OCPP_ACTION_COUNT, action_name },
    [DIRECTION] = { "direction", METRIC_DIRECTIONS, direction_name },
    [OUTCOME] = { "outcome", METRIC_OUTCOMES, outcome_name },
    [REFUSAL_DIM] = { "reason", CORE_REFUSAL_COUNT, refusal_name },
    [PILE_STATE] = { "state", METRIC_PILE_STATES, pile_state_name },
    [AUTH_STATUS] = { "status", METRIC_AUTH_STATUSES, auth_status_name },
    [DB_LINK] = { "link", METRIC_DB_LINKS, db_link_name },
    [CUT] = { "reason", METRIC_CUTS, cut_name },
    [COMMAND_END] = { "outcome", METRIC_COMMAND_ENDS, command_end_name },
    [REASON] = { "reason", OCPP_REASON_COUNT, reason_name },
    [VERSION] = { "version", 1, version_name },
};

static const struct family {
    const char *name, *help;
    enum type type;
    enum dim dims[DIMS_MAX];
} families[] = {
#define METRIC(name, type, text, help, d1, d2, d3)                                                 \
    [METRIC_##name] = { text, help, type, { d1, d2, d3 } },
#include "csms/metrics.def"
#undef METRIC
};

/* Upper bounds in microseconds. */
static const struct {
    uint64_t us;
    const char *text;
} bounds[BUCKETS] = {
    { 500, "0.0005" }, { 1000, "0.001" }, { 2500, "0.0025" }, { 5000, "0.005" },
    { 10000, "0.01" }, { 25000, "0.025" }, { 50000, "0.05" }, { 100000, "0.1" },
    { 250000, "0.25" }, { 500000, "0.5" }, { 1000000, "1" }, { 5000000, "5" },
    { 30000000, "30" }, { UINT64_MAX, "+Inf" },
};

/* A series is one value, or BUCKETS counts, then the sum. */
struct metrics {
    uint32_t first[METRIC_COUNT];
    uint32_t total;
    atomic_ullong values[];
};

static uint32_t width_of(const struct family *family)
{
    return family->type == DURATION ? BUCKETS + 1 : 1;
}

/* Of a dimension, with the value "other". */
static uint32_t size_of_dim(enum dim dim)
{
    return dim == NONE ? 1 : (uint32_t)dimensions[dim].count + 1;
}

static uint32_t series_of(const struct family *family)
{
    uint32_t n = 1;

    for (unsigned d = 0; d < DIMS_MAX; d++)
        n *= size_of_dim(family->dims[d]);
    return n;
}

struct metrics *metrics_new(void)
{
    uint32_t total = 0, first[METRIC_COUNT];
    struct metrics *metrics;

    for (unsigned m = 0; m < METRIC_COUNT; m++) {
        first[m] = total;
        total += series_of(&families[m]) * width_of(&families[m]);
    }
    metrics = calloc(1, sizeof(*metrics) + total * sizeof(metrics->values[0]));
    if (!metrics)
        return NULL;
    memcpy(metrics->first, first, sizeof(first));
    metrics->total = total;
    metrics_set(metrics, METRIC_BUILD_INFO, METRIC_AT(0), 1);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    free(metrics);
}

static uint32_t place_of(const struct metrics *metrics, enum metric metric, struct metric_at at)
{
    const struct family *family = &families[metric];
    uint32_t index = 0;

    for (unsigned d = 0; d < DIMS_MAX; d++) {
        uint32_t size = size_of_dim(family->dims[d]), i = (uint32_t)at.i[d];

        if (family->dims[d] == NONE)
            continue;
        index = index * size + (i < size - 1 ? i : size - 1);
    }
    return metrics->first[metric] + index * width_of(family);
}

static void bump(struct metrics *metrics, uint32_t place, uint64_t n)
{
    atomic_fetch_add_explicit(&metrics->values[place], n, memory_order_relaxed);
}

static uint64_t value(const struct metrics *metrics, uint32_t place)
{
    return atomic_load_explicit(&metrics->values[place], memory_order_relaxed);
}

void metrics_add(struct metrics *metrics, enum metric metric, struct metric_at at, uint64_t n)
{
    assert(families[metric].type == COUNTER);
    bump(metrics, place_of(metrics, metric, at), n);
}

/* Also for counters that are kept elsewhere and copied before a page is made. */
void metrics_set(struct metrics *metrics, enum metric metric, struct metric_at at, uint64_t to)
{
    assert(families[metric].type != DURATION);
    atomic_store_explicit(
        &metrics->values[place_of(metrics, metric, at)], to, memory_order_relaxed);
}

void metrics_time(struct metrics *metrics, enum metric metric, struct metric_at at, uint64_t us)
{
    uint32_t place = place_of(metrics, metric, at), bucket = 0;

    assert(families[metric].type == DURATION);
    while (us > bounds[bucket].us)
        bucket++;
    bump(metrics, place + bucket, 1);
    bump(metrics, place + BUCKETS, us);
}

/* {a="x",b="y"} of the series, ready for one more label. */
static void labels_of(const struct family *family, uint32_t series, char *ret, size_t room)
{
    const char *names[DIMS_MAX] = { NULL };
    size_t used = 0;

    for (unsigned d = DIMS_MAX; d-- > 0;) {
        uint32_t size = size_of_dim(family->dims[d]), i = series % size;

        series /= size;
        if (family->dims[d] != NONE)
            names[d] = i < size - 1 ? dimensions[family->dims[d]].name((int)i) : "other";
    }
    ret[0] = '\0';
    for (unsigned d = 0; d < DIMS_MAX && used < room; d++)
        if (names[d])
            used += (size_t)snprintf(ret + used, room - used, "%s%s=\"%s\"", used ? "," : "",
                dimensions[family->dims[d]].label, names[d]);
}

static void print_duration(
    const struct metrics *metrics, const struct family *family, uint32_t place, const char *labels,
    FILE *out)
{
    uint64_t sum = value(metrics, place + BUCKETS), count = 0;
    const char *comma = labels[0] ? "," : "";

    for (unsigned b = 0; b < BUCKETS; b++) {
        count += value(metrics, place + b);
        fprintf(out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", family->name, labels, comma,
            bounds[b].text, count);
    }
    fprintf(out, "%s_sum{%s} %" PRIu64 ".%06" PRIu64 "\n", family->name, labels, sum / 1000000,
        sum % 1000000);
    fprintf(out, "%s_count{%s} %" PRIu64 "\n", family->name, labels, count);
}

static void print_value(const struct family *family, const char *labels, uint64_t number, FILE *out)
{
    fprintf(out, labels[0] ? "%s{%s} " : "%s%s ", family->name, labels);
    if (family->type == AGE || family->type == SECONDS)
        fprintf(out, "%" PRIu64 ".%03" PRIu64 "\n", number / 1000, number % 1000);
    else
        fprintf(out, "%" PRIu64 "\n", number);
}

static bool untouched(const struct metrics *metrics, uint32_t place, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++)
        if (value(metrics, place + i))
            return false;
    return true;
}

static bool is_gauge(const struct family *family)
{
    return family->type == GAUGE || family->type == AGE;
}

/* Counters with labels are shown once they have counted something; a page of zeroes for each action
 * and outcome tells nobody anything.  A gauge of zero does: csms_db_up 0. */
static void print_family(const struct metrics *metrics, enum metric metric, FILE *out)
{
    static const char *const types[] = { "counter", "counter", "gauge", "gauge", "histogram" };
    const struct family *family = &families[metric];
    uint32_t width = width_of(family), series = series_of(family);

    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
        types[family->type]);
    for (uint32_t i = 0; i < series; i++) {
        uint32_t place = metrics->first[metric] + i * width;
        char labels[256];

        labels_of(family, i, labels, sizeof(labels));
        if (series > 1 && untouched(metrics, place, width) &&
            (!is_gauge(family) || strstr(labels, "\"other\"")))
            continue;
        if (family->type == DURATION)
            print_duration(metrics, family, place, labels, out);
        else
            print_value(family, labels, value(metrics, place), out);
    }
}

char *metrics_page(const struct metrics *metrics, size_t *ret_length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_length);
    bool failed;

    if (!out)
        return NULL;
    for (unsigned m = 0; m < METRIC_COUNT; m++)
        print_family(metrics, (enum metric)m, out);
    failed = ferror(out);
    if (fclose(out) || failed) {
        free(text);
        return NULL;
    }
    return text;
}
