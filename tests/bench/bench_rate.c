/* bench_rate.c - how many sessions a second one core splits and rates.
 *
 *   bench_rate [SECONDS]
 *
 * A tariff of four rates with electricity and service fee; sessions of 60 readings over three price
 * boundaries; each is split, rated and totalled. Prints sessions a second of processor time.
 */
#include "billing/bill.h"
#include "billing/split.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { READINGS = 60, ROUND = 1000 };

static void add_rate(struct bill_tariff *t, int from, int to, int64_t price)
{
    struct bill_element *e = &t->elements[t->element_count++];

    *e = bill_element_default();
    e->when.start_minute = from;
    e->when.end_minute = to;
    e->first = t->component_count;
    e->count = 2;
    for (unsigned i = 0; i < 2; i++) {
        struct bill_component *c = &t->components[t->component_count++];

        *c = bill_component_default(BILL_ENERGY);
        c->charge = i == 0 ? BILL_ENERGY_ELEC : BILL_ENERGY_SERVICE;
        c->price_micro = i == 0 ? price : 450000;
        c->vat_given = true;
        c->vat_ppm = i == 0 ? 130000 : 60000;
    }
}

static void make_tariff(struct bill_tariff *t)
{
    struct bill_lint_fault fault;

    bill_tariff_init(t);
    t->currency[0] = 'C';
    t->currency[1] = 'N';
    t->currency[2] = 'Y';
    t->exponent = 2;
    add_rate(t, 0, 480, 350000);
    add_rate(t, 480, 600, 1050000);
    add_rate(t, 600, 720, 1250000);
    add_rate(t, 720, 1440, 700000);
    if (!bill_tariff_seal(t, &fault))
        abort();
}

/* From 07:30 to 12:30 local time: over 08:00, 10:00 and 12:00. */
static void rate_one(const struct bill_tariff *t, const struct bill_clock *clock,
    struct bill_rate *rate, struct bill_bill *bill)
{
    const int64_t start = INT64_C(1767051000) * BILL_SECOND_US;
    struct bill_terms terms = {.nothing_is_free = true};
    struct bill_split split;

    bill_rate_init(rate, t, terms);
    bill_split_init(&split, t, clock, bill_rate_sink(rate), start);
    for (int64_t i = 0; i <= READINGS; i++) {
        struct bill_reading r = {.at_us = start + i * 300 * BILL_SECOND_US,
            .import_mwh = 5000000 + i * 1234567,
            .power_mw = BILL_ABSENT,
            .current_ma = BILL_ABSENT};

        if (bill_split_reading(&split, &r) != BILL_SPLIT_OK)
            abort();
    }
    bill_rate_total(rate, bill);
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static struct bill_tariff tariff;
    static struct bill_rate rate;
    static struct bill_bill bill;
    struct bill_offset offset = {0, 28800};
    struct bill_clock clock = {&offset, 1, NULL, 0};
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1, begin, spent = 0;
    uint64_t sessions = 0;

    make_tariff(&tariff);
    begin = now();
    while (spent < seconds) {
        for (int i = 0; i < ROUND; i++)
            rate_one(&tariff, &clock, &rate, &bill);
        sessions += ROUND;
        spent = now() - begin;
    }
    if (bill.line_count != 8 || bill_check_sums(&bill) != NULL)
        return 1;
    (void)printf("rate: %.0f sessions/s and core (%d readings, 4 rates, 2 charge codes, "
                 "3 boundaries, gross %" PRId64 ")\n",
        (double)sessions / spent, READINGS, bill.charge.gross_minor);
    return 0;
}
