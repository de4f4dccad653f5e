/* probe.c - the rating of csms/rate/ as a program, for the tests that are written in python3.
 *
 *   probe rate --tariff FILE --zone ZONE --session FILE    as `csms rate`
 *   probe bill     settlement inputs on standard input, one a line; results, one a line
 *   probe zone     lines "NAME FROM TO" (seconds); the offsets, one line each
 */
#include "csms/rate/bill.h"
#include "csms/rate/cli_rate.h"
#include "csms/rate/zone.h"
#include "tests/rate/bill_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bill_line(const char *line, size_t length)
{
    struct csms_bill wrapped, bill = {0};
    struct ocpp_fault fault = {0};
    const struct csms_bill *shown = &wrapped;

    csms_bill_wrap(line, length, NULL, &wrapped);
    if (wrapped.result == CSMS_BILL_OK) {
        csms_bill_rate(wrapped.text, wrapped.length, &bill);
        shown = &bill;
    }
    if (shown->result == CSMS_BILL_NO_MEMORY)
        return 1;
    if (shown->result == CSMS_BILL_OK && !bill_check(bill.text, bill.length, &fault)) {
        (void)fprintf(stderr, "probe: %s: %s\n", fault.member, fault.text);
        return 1;
    }
    (void)printf("{\"review\":%s%s%s,\"text\":%s}\n", shown->kind[0] != 0 ? "\"" : "null",
        shown->kind, shown->kind[0] != 0 ? "\"" : "", shown->text);
    csms_bill_done(&wrapped);
    csms_bill_done(&bill);
    return 0;
}

static int bills(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int status = 0;

    while (status == 0 && (length = getline(&line, &size, stdin)) > 0)
        status = bill_line(line, (size_t)length);
    free(line);
    return status;
}

static int zones(void)
{
    struct bill_offset offsets[BILL_OFFSETS_MAX];
    char name[128];
    int64_t from, to;

    while (scanf("%127s %" SCNd64 " %" SCNd64, name, &from, &to) == 3) {
        struct csms_zone *zone = NULL;
        enum csms_zone_result result = csms_zone_open(NULL, name, &zone);
        uint32_t count = 0;

        if (result == CSMS_ZONE_OK)
            count = csms_zone_offsets(zone, from * BILL_SECOND_US, to * BILL_SECOND_US, offsets);
        (void)printf("%s", result == CSMS_ZONE_OK ? "ok" : "refused");
        for (uint32_t i = 0; i < count; i++)
            (void)printf(" %" PRId64 ":%d", offsets[i].at_us / BILL_SECOND_US, offsets[i].offset_s);
        (void)printf("\n");
        csms_zone_free(zone);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "rate") == 0)
        return csms_rate_main(argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[1], "bill") == 0)
        return bills();
    if (argc == 2 && strcmp(argv[1], "zone") == 0)
        return zones();
    (void)fprintf(stderr, "usage: probe rate|bill|zone\n");
    return 2;
}
