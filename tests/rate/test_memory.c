/* test_memory.c - memory that runs out anywhere on the way to a bill: tried again, never reviewed.
 *
 * The linker sends the room's and ocpp's allocations here (--wrap), cJSON's with them.
 */
#include "csms/rate/bill.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

static const char input[] =
    "{\"session\":{\"uid\":\"u\",\"started_at\":\"2026-11-24T05:30:00Z\","
    "\"stopped_at\":\"2026-11-24T06:30:00Z\",\"zone\":\"Asia/Shanghai\",\"currency\":\"CNY\","
    "\"exponent\":2,\"meter_start_mwh\":\"1000000\",\"meter_stop_mwh\":\"3000000\","
    "\"max_power_w\":120000,\"direction_allowed\":\"import\"},\"tariff\":{\"currency\":\"CNY\","
    "\"elements\":[{\"price_components\":[{\"type\":\"ENERGY\",\"price\":1.2,\"vat\":13}]}]},"
    "\"calendar\":[{\"date\":\"2026-11-24\",\"day_type\":\"workday\"}],"
    "\"readings\":[{\"at\":\"2026-11-24T06:00:00Z\",\"import_mwh\":\"2000000\"}],"
    "\"states\":[{\"at\":\"2026-11-24T05:30:05Z\",\"state\":\"Charging\"}]}";

static long countdown = -1; /* of allocations until one fails; negative: none does */
static bool failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);

static bool fails(void)
{
    if (countdown < 0 || countdown-- != 0)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
    return fails() ? NULL : __real_realloc(pointer, size);
}

/* One of the two steps, of which the allocation of that number fails; true: there is none. */
static bool step(bool rating, const char *text, size_t length, long number)
{
    struct csms_bill bill;

    failed = false;
    countdown = number;
    if (rating)
        csms_bill_rate(text, length, &bill);
    else
        csms_bill_wrap(text, length, NULL, &bill);
    countdown = -1;
    ck_assert_msg(bill.result == (failed ? CSMS_BILL_NO_MEMORY : CSMS_BILL_OK),
        "%s, allocation %ld: %d %s", rating ? "rating" : "wrapping", number, (int)bill.result,
        bill.kind);
    csms_bill_done(&bill);
    return !failed;
}

START_TEST(memory_that_runs_out_is_no_reason_for_a_review)
{
    struct csms_bill wrapped;
    long numbers[2] = {0, 0};

    csms_bill_wrap(input, strlen(input), NULL, &wrapped);
    ck_assert_int_eq(wrapped.result, CSMS_BILL_OK);
    while (!step(false, input, strlen(input), numbers[0]))
        numbers[0]++;
    while (!step(true, wrapped.text, wrapped.length, numbers[1]))
        numbers[1]++;
    csms_bill_done(&wrapped);
    ck_assert_int_gt(numbers[0], 3);
    ck_assert_int_gt(numbers[1], 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate memory");
    TCase *tcase = tcase_create("memory");
    SRunner *runner = srunner_create(suite);
    int wrong;

    tcase_add_test(tcase, memory_that_runs_out_is_no_reason_for_a_review);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    wrong = srunner_ntests_failed(runner);
    srunner_free(runner);
    return wrong == 0 ? 0 : 1;
}
