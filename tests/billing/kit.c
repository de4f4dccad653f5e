/* kit.c - builds tariffs and runs sessions for the tests of billing/. */
#include "kit.h"

#include <string.h>

void kit_tariff(struct bill_tariff *t)
{
    bill_tariff_init(t);
    memcpy(t->currency, "CNY", 4);
    t->exponent = 2;
}

struct bill_element *kit_element(struct bill_tariff *t)
{
    struct bill_element *e = &t->elements[t->element_count++];

    *e = bill_element_default();
    e->first = t->component_count;
    return e;
}

struct bill_component *kit_component(
    struct bill_tariff *t, enum bill_dimension dimension, int64_t price_micro)
{
    struct bill_component *c = &t->components[t->component_count++];

    *c = bill_component_default(dimension);
    c->price_micro = price_micro;
    t->elements[t->element_count - 1].count++;
    return c;
}

void kit_seal(struct bill_tariff *t)
{
    struct bill_lint_fault fault = {0};

    ck_assert_msg(bill_tariff_seal(t, &fault), "%s", bill_lint_text(fault.lint));
}

static void open_with(struct kit *k, struct bill_sink sink, int64_t begin_us)
{
    if (k->clock.offset_count == 0)
        k->clock = (struct bill_clock){.offsets = &k->offset, .offset_count = 1};
    bill_split_init(&k->split, &k->tariff, &k->clock, sink, begin_us);
}

void kit_open(struct kit *k, int64_t begin_us)
{
    bill_rate_init(&k->rate, &k->tariff, (struct bill_terms){.export_allowed = true});
    open_with(k, bill_rate_sink(&k->rate), begin_us);
}

static void keep(void *ctx, const struct bill_segment *s)
{
    struct kit *k = ctx;

    ck_assert_uint_lt(k->segment_count, 256);
    k->segments[k->segment_count++] = *s;
}

void kit_open_segments(struct kit *k, int64_t begin_us)
{
    k->segment_count = 0;
    open_with(k, (struct bill_sink){keep, k}, begin_us);
}

struct bill_interval kit_stretch(int64_t from_us, int64_t to_us)
{
    return (struct bill_interval){
        .from_us = from_us, .to_us = to_us, .power_mw = BILL_ABSENT, .current_ma = BILL_ABSENT};
}

void kit_interval(struct kit *k, struct bill_interval interval)
{
    ck_assert_int_eq(bill_split_interval(&k->split, &interval), BILL_SPLIT_OK);
}

void kit_energy(struct kit *k, int64_t from_us, int64_t to_us, int64_t mwh)
{
    struct bill_interval interval = kit_stretch(from_us, to_us);

    interval.import_mwh = mwh;
    kit_interval(k, interval);
}

void kit_reading(struct kit *k, int64_t at_us, int64_t import_mwh)
{
    struct bill_reading reading = {
        at_us, import_mwh, 0, BILL_ABSENT, BILL_ABSENT, BILL_CONTEXT_OTHER};

    ck_assert_int_eq(bill_split_reading(&k->split, &reading), BILL_SPLIT_OK);
}

const struct bill_bill *kit_total(struct kit *k)
{
    bill_rate_total(&k->rate, &k->bill);
    ck_assert_ptr_null(bill_check_sums(&k->bill));
    return &k->bill;
}

int kit_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
