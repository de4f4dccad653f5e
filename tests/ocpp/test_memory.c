/* test_memory.c - memory that runs out at every place it can: told, and nothing lost or read twice.
 *
 * The linker sends this room's allocations here (--wrap), cJSON's with them.
 */
#include "ocpp/encode.h"
#include "ocpp/json.h"
#include "tests/ocpp/sample.h"
#include "tests/ocpp/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t allowed = SIZE_MAX; /* allocations until the first that fails */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool may_allocate(void)
{
    if (allowed == 0)
        return false;
    allowed -= allowed != SIZE_MAX;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

static char text[1 << 16];

/* A call with more numbers than a frame holds, deviations of every size, and one over-long text. */
static size_t write_call(void)
{
    size_t used = (size_t)snprintf(text, sizeof(text),
        "[2,\"1\",\"SendLocalList\",{\"listVersion\":1.0,\"localAuthorizationList\":[");

    for (int i = 0; i < 200; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used,
            "%s{\"idTag\":%d,\"idTagInfo\":{\"status\":{\"n\":%d}}}", i > 0 ? "," : "", i, i);
    return used + (size_t)snprintf(text + used, sizeof(text) - used, "],\"updateType\":\"Odd\"}]");
}

/* True: it was done in spite of the limit.  Check allocates too, so it judges after the limit. */
static bool read_call(size_t length, size_t limit)
{
    struct ocpp_frame frame;
    struct ocpp_fault fault;
    const void *payload;
    enum ocpp_verdict verdict = OCPP_UNUSABLE;
    enum ocpp_read result;

    allowed = limit;
    result = ocpp_frame_read(text, length, &ocpp_limits_pile, &frame, &fault);
    if (result == OCPP_READ_FRAME)
        verdict = ocpp_frame_request(&frame, &payload);
    allowed = SIZE_MAX;
    if (result != OCPP_READ_FRAME) {
        ck_assert_int_eq(result, OCPP_READ_NO_MEMORY);
    } else if (verdict != OCPP_TOLERATED) {
        ck_assert_int_eq(verdict, OCPP_UNUSABLE);
        ck_assert_int_eq(ocpp_frame_deviation(&frame, 0)->error, OCPP_INTERNAL_ERROR);
        ck_assert_ptr_null(ocpp_frame_deviation(&frame, 1));
    }
    ocpp_frame_done(&frame);
    return verdict == OCPP_TOLERATED;
}

START_TEST(a_frame_that_finds_no_memory_says_so)
{
    size_t length = write_call(), limit = 0;

    while (!read_call(length, limit))
        limit++;
    ck_assert_uint_gt(limit, 3); /* else the failures were not where they should be */
}
END_TEST

START_TEST(an_error_whose_description_finds_no_memory_says_so)
{
    static const char error[] = "[4,\"1\",\"InternalError\",\"text\",{}]";
    struct ocpp_frame frame;
    struct ocpp_fault fault;
    enum ocpp_read result;

    allowed = 0;
    result = ocpp_frame_read(error, sizeof(error) - 1, &ocpp_limits_pile, &frame, &fault);
    allowed = SIZE_MAX;
    ck_assert_int_eq(result, OCPP_READ_NO_MEMORY);
    ocpp_frame_done(&frame);
}
END_TEST

START_TEST(a_refused_payload_that_finds_no_memory_says_so)
{
    struct ocpp_frame frame;
    const void *payload;
    enum ocpp_verdict verdict;

    allowed = 0;
    verdict = ocpp_payload_read("{", 1, OCPP_AUTHORIZE, false, &frame, &payload);
    allowed = SIZE_MAX;
    ck_assert_int_eq(verdict, OCPP_UNUSABLE);
    ck_assert_int_eq(ocpp_frame_deviation(&frame, 0)->error, OCPP_INTERNAL_ERROR);
    ocpp_frame_done(&frame);
}
END_TEST

START_TEST(a_document_that_finds_no_memory_says_so)
{
    struct ocpp_json *json = NULL;
    size_t length = write_call(), limit = 0;

    for (; json == NULL; limit++) {
        struct ocpp_fault fault;

        allowed = limit;
        json = ocpp_json_read(text, length, &ocpp_limits_pile, &fault);
        allowed = SIZE_MAX;
        if (json == NULL)
            ck_assert_int_eq(fault.error, OCPP_INTERNAL_ERROR);
    }
    ck_assert_uint_gt(limit, 3);
    ocpp_json_free(json);
}
END_TEST

START_TEST(a_sample_that_finds_no_memory_is_none)
{
    const void *sample = NULL;
    size_t limit = 0;

    for (; sample == NULL; limit++) {
        struct ocpp_arena arena;

        ocpp_arena_init(&arena);
        allowed = limit;
        sample = ocpp_sample(OCPP_METER_VALUES, false, OCPP_SAMPLE_LARGEST, 1, &arena);
        allowed = SIZE_MAX;
        ocpp_arena_done(&arena);
    }
    ck_assert_uint_gt(limit, 2);
}
END_TEST

/* Answering needs none: the error path cannot fail for want of memory. */
START_TEST(encoding_allocates_nothing)
{
    struct ocpp_authorize_conf conf = {
        &(struct ocpp_id_tag_info){.expiry_date = {0, NULL, true},
            .status = {OCPP_AUTHORIZATION_STATUS_ACCEPTED, NULL, true}}};

    size_t result, error;

    allowed = 0;
    result = ocpp_encode_result(text, sizeof(text), "1", OCPP_AUTHORIZE, &conf);
    error = ocpp_encode_error(text, sizeof(text), "1", OCPP_INTERNAL_ERROR, "out of memory");
    allowed = SIZE_MAX;
    ck_assert_uint_gt(result, 0);
    ck_assert_uint_gt(error, 0);
}
END_TEST

int main(void)
{
    const struct support_test tests[] = {
        {a_frame_that_finds_no_memory_says_so, 1},
        {an_error_whose_description_finds_no_memory_says_so, 1},
        {a_refused_payload_that_finds_no_memory_says_so, 1},
        {a_document_that_finds_no_memory_says_so, 1},
        {a_sample_that_finds_no_memory_is_none, 1},
        {encoding_allocates_nothing, 1},
    };

    return support_run("memory", tests, COUNT(tests));
}
