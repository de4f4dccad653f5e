/* cli_rate.c - prices a session's periods with a tariff, on the command line.
 *
 * A session is {start, end, reservation_expired?, periods[]}; a period has start, end and any of
 * energy_kwh, export_kwh, charging_s, parking_s, reservation_s, current (A) and power (kW).
 */
#include "csms/rate/cli_rate.h"

#include "billing/bill.h"
#include "csms/rate/bill_text.h"
#include "csms/rate/node.h"
#include "csms/rate/tariff_json.h"
#include "csms/rate/zone.h"
#include "billing/split.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_DATA = 1, EXIT_USAGE = 2, FILE_MAX = 16 * 1024 * 1024 };

static const struct ocpp_limits file_limits = {
    .bytes = FILE_MAX, .nodes = 1000000, .depth = 16, .keys = 64};

struct job {
    const char *tariff_path, *zone_name, *session_path;
    struct ocpp_json *tariff_json, *session_json;
    struct csms_zone *zone;
    struct bill_tariff tariff;
    struct bill_offset offsets[BILL_OFFSETS_MAX];
    int64_t start_us, end_us;
    struct bill_split split;
    struct bill_rate rate;
    struct bill_bill bill;
};

static int usage(const char *why)
{
    (void)fprintf(stderr,
        "csms rate: %s\n"
        "usage: csms rate --tariff FILE --zone ZONE --session FILE\n",
        why);
    return EXIT_USAGE;
}

static int refuse(const char *path, const struct ocpp_fault *fault)
{
    (void)fprintf(stderr, "csms rate: %s: %s%s%s\n", path, fault->member,
        fault->member[0] != 0 ? ": " : "", fault->text);
    return EXIT_DATA;
}

static int read_options(int argc, char **argv, struct job *job)
{
    static const struct option options[] = {{"tariff", required_argument, NULL, 't'},
        {"zone", required_argument, NULL, 'z'}, {"session", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0}};
    int option;

    optind = 0; /* the command table has already looked at argv */
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 't')
            job->tariff_path = optarg;
        else if (option == 'z')
            job->zone_name = optarg;
        else if (option == 's')
            job->session_path = optarg;
        else
            return usage("unknown option, or one without its value");
    }
    if (optind < argc)
        return usage("too many arguments");
    if (job->tariff_path == NULL || job->zone_name == NULL || job->session_path == NULL)
        return usage("--tariff, --zone and --session are needed");
    return 0;
}

/* A whole file, NULL with errno. */
static char *read_file(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t length = 0;

    if (file == NULL)
        return NULL;
    text = malloc(FILE_MAX + 1);
    if (text != NULL)
        length = fread(text, 1, FILE_MAX + 1, file);
    if (text != NULL && (ferror(file) || length > FILE_MAX)) {
        if (length > FILE_MAX)
            errno = EFBIG;
        free(text);
        text = NULL;
    }
    (void)fclose(file);
    *ret_length = length;
    return text;
}

static int read_json(const char *path, struct ocpp_json **ret)
{
    struct ocpp_fault fault = {0};
    size_t length = 0;
    char *text = read_file(path, &length);

    if (text == NULL) {
        (void)fprintf(stderr, "csms rate: %s: %s\n", path, strerror(errno));
        return EXIT_USAGE;
    }
    *ret = ocpp_json_read(text, length, &file_limits, &fault);
    free(text);
    return *ret != NULL ? 0 : refuse(path, &fault);
}

static bool read_period(
    struct csms_reader *r, const struct ocpp_node *node, struct bill_interval *ret)
{
    static const char *const needed[] = {"start", "end"};

    *ret = (struct bill_interval){.power_mw = BILL_ABSENT, .current_ma = BILL_ABSENT};
    for (unsigned i = 0; i < 2; i++) {
        if (csms_member(node, needed[i]) == NULL)
            return csms_reader_refuse(r, needed[i], "is missing");
    }
    return csms_read_time(r, node, "start", &ret->from_us) &&
           csms_read_time(r, node, "end", &ret->to_us) &&
           csms_read_decimal(r, node, "energy_kwh", 6, &ret->import_mwh) &&
           csms_read_decimal(r, node, "export_kwh", 6, &ret->export_mwh) &&
           csms_read_decimal(r, node, "charging_s", 6, &ret->charge_us) &&
           csms_read_decimal(r, node, "parking_s", 6, &ret->park_us) &&
           csms_read_decimal(r, node, "reservation_s", 6, &ret->reserve_us) &&
           csms_read_decimal(r, node, "current", 3, &ret->current_ma) &&
           csms_read_decimal(r, node, "power", 6, &ret->power_mw);
}

static bool feed_periods(struct csms_reader *r, const struct ocpp_node *list, struct job *job)
{
    int index = 0;

    for (const struct ocpp_node *n = ocpp_json_first(list); n != NULL; n = ocpp_json_next(n)) {
        size_t was = csms_reader_enter(r, "periods", index++);
        struct bill_interval interval;
        enum bill_split_result result;

        if (!read_period(r, n, &interval))
            return false;
        if (interval.from_us < job->start_us || interval.to_us > job->end_us)
            return csms_reader_refuse(r, "", "lies outside the session");
        result = bill_split_interval(&job->split, &interval);
        if (result != BILL_SPLIT_OK)
            return csms_reader_refuse(r, "", bill_split_text(result));
        csms_reader_leave(r, was);
    }
    return true;
}

static bool read_head(
    struct csms_reader *r, const struct ocpp_node *root, struct job *job, bool *ret_expired)
{
    if (csms_member(root, "start") == NULL)
        return csms_reader_refuse(r, "start", "is missing");
    if (csms_member(root, "end") == NULL)
        return csms_reader_refuse(r, "end", "is missing");
    if (!csms_read_time(r, root, "start", &job->start_us) ||
        !csms_read_time(r, root, "end", &job->end_us) ||
        !csms_read_bool(r, root, "reservation_expired", ret_expired))
        return false;
    if (job->end_us < job->start_us)
        return csms_reader_refuse(r, "end", "is before start");
    if (job->end_us - job->start_us > BILL_SESSION_MAX_US)
        return csms_reader_refuse(r, "end", bill_split_text(BILL_SPLIT_TOO_LONG));
    return true;
}

static int rate_session(struct job *job)
{
    const struct ocpp_node *root = ocpp_json_root(job->session_json), *list;
    struct bill_terms terms = {.export_allowed = true};
    struct bill_clock clock = {.offsets = job->offsets};
    struct ocpp_fault fault = {0};
    struct csms_reader r;
    bool expired = false;

    csms_reader_init(&r, job->session_json, &fault);
    if (!read_head(&r, root, job, &expired) || !csms_read_array(&r, root, "periods", &list))
        return refuse(job->session_path, &fault);
    clock.offset_count = csms_zone_offsets(job->zone, job->start_us, job->end_us, job->offsets);
    if (clock.offset_count == 0) {
        csms_reader_refuse(&r, "start", "more changes of the clock than a session can have");
        return refuse(job->session_path, &fault);
    }
    bill_rate_init(&job->rate, &job->tariff, terms);
    bill_split_init(&job->split, &job->tariff, &clock, bill_rate_sink(&job->rate), job->start_us);
    job->split.expired = expired;
    if (!feed_periods(&r, list, job))
        return refuse(job->session_path, &fault);
    bill_rate_total(&job->rate, &job->bill);
    return 0;
}

static int print(const struct job *job)
{
    struct csms_out out;
    int status = 0;

    csms_out_init(&out);
    csms_bill_write_rate(&out, &job->tariff, &job->bill);
    csms_out_text(&out, "\n");
    if (out.failed || fwrite(out.text, 1, out.length, stdout) != out.length ||
        fflush(stdout) != 0) {
        (void)fprintf(stderr, "csms rate: cannot write the result\n");
        status = EXIT_DATA;
    }
    csms_out_done(&out);
    return status;
}

static int run(struct job *job)
{
    struct ocpp_fault fault = {0};
    enum csms_zone_result zone;
    int status = read_json(job->tariff_path, &job->tariff_json);

    if (status == 0)
        status = read_json(job->session_path, &job->session_json);
    if (status != 0)
        return status;
    zone = csms_zone_open(NULL, job->zone_name, &job->zone);
    if (zone != CSMS_ZONE_OK) {
        (void)fprintf(stderr, "csms rate: --zone %s: %s\n", job->zone_name, csms_zone_text(zone));
        return EXIT_USAGE;
    }
    if (!csms_tariff_read(job->tariff_json, ocpp_json_root(job->tariff_json), &job->tariff, &fault))
        return refuse(job->tariff_path, &fault);
    status = rate_session(job);
    return status != 0 ? status : print(job);
}

int csms_rate_main(int argc, char **argv)
{
    struct job *job = calloc(1, sizeof(*job));
    int status;

    if (job == NULL) {
        (void)fprintf(stderr, "csms rate: out of memory\n");
        return EXIT_DATA;
    }
    status = read_options(argc, argv, job);
    if (status == 0)
        status = run(job);
    ocpp_json_free(job->tariff_json);
    ocpp_json_free(job->session_json);
    csms_zone_free(job->zone);
    free(job);
    return status;
}
