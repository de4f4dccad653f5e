/* fuzz_decode.c - payloads of every action: what is exact can be encoded and decoded again to the
 * same; what is not has a reason.  Input: "StartTransaction.req {...}".
 */
#include "ocpp/encode.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static char first[1 << 20], second[1 << 20];

static void check_round_trip(enum ocpp_action action, bool confirmation, const void *payload)
{
    struct ocpp_frame frame;
    struct ocpp_fault fault;
    const void *again;
    size_t length;

    FUZZ_CHECK(!ocpp_payload_fault(action, confirmation, payload, &fault));
    length = ocpp_encode_payload(first, sizeof(first), action, confirmation, payload);
    FUZZ_CHECK(length > 0);
    FUZZ_CHECK(
        ocpp_payload_read(first, length, action, confirmation, &frame, &again) == OCPP_EXACT);
    FUZZ_CHECK(ocpp_encode_payload(second, sizeof(second), action, confirmation, again) == length);
    FUZZ_CHECK(memcmp(first, second, length) == 0);
    ocpp_frame_done(&frame);
}

/* The kinds of deviations must add up to the verdict. */
static void check_deviations(const struct ocpp_frame *frame, enum ocpp_verdict verdict)
{
    uint32_t count = 0, schema = 0;

    for (const struct ocpp_fault *f; (f = ocpp_frame_deviation(frame, count)) != NULL; count++) {
        FUZZ_CHECK(f->error >= 0 && f->error < OCPP_ERROR_COUNT && f->text[0] != '\0');
        FUZZ_CHECK(memchr(f->member, '\0', sizeof(f->member)) != NULL);
        schema += !f->prose;
    }
    FUZZ_CHECK(count <= OCPP_DEVIATIONS_MAX);
    FUZZ_CHECK(verdict == OCPP_EXACT || count > 0);
    FUZZ_CHECK(verdict != OCPP_EXACT || schema == 0);
}

/* "Action.req " or "Action.conf "; NULL: neither. */
static const char *read_head(
    const char *text, size_t size, enum ocpp_action *ret_action, bool *ret_confirmation)
{
    const char *dot = memchr(text, '.', size);
    size_t room = dot == NULL ? 0 : (size_t)(text + size - dot);

    if (dot == NULL)
        return NULL;
    *ret_action = ocpp_action_find(text, (size_t)(dot - text));
    *ret_confirmation = room > 6 && memcmp(dot, ".conf ", 6) == 0;
    if (*ret_action == OCPP_ACTION_NONE)
        return NULL;
    if (*ret_confirmation)
        return dot + 6;
    return room > 5 && memcmp(dot, ".req ", 5) == 0 ? dot + 5 : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *start;
    enum ocpp_action action;
    bool confirmation;
    struct ocpp_frame frame;
    const void *payload;
    enum ocpp_verdict verdict;

    start = read_head(text, size, &action, &confirmation);
    if (start == NULL)
        return 0;
    verdict = ocpp_payload_read(
        start, size - (size_t)(start - text), action, confirmation, &frame, &payload);
    check_deviations(&frame, verdict);
    FUZZ_CHECK(verdict == OCPP_UNUSABLE || payload != NULL);
    if (verdict == OCPP_EXACT)
        check_round_trip(action, confirmation, payload);
    ocpp_frame_done(&frame);
    return 0;
}
