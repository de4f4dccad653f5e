/* fuzz_frame.c - whatever is read as a frame keeps its parts inside the text, and an answer to it
 * can be read again with the same id.
 */
#include "ocpp/encode.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_answer(const char *id)
{
    static char answer[OCPP_ID_BYTES_MAX + 256];
    size_t length = ocpp_encode_error(answer, sizeof(answer), id, OCPP_INTERNAL_ERROR, "a \"b\"");
    struct ocpp_frame frame;
    struct ocpp_fault fault;

    FUZZ_CHECK(length > 0);
    FUZZ_CHECK(
        ocpp_frame_read(answer, length, &ocpp_limits_stranger, &frame, &fault) == OCPP_READ_FRAME);
    FUZZ_CHECK(frame.type == OCPP_CALL_ERROR && strcmp(frame.id, id) == 0);
    FUZZ_CHECK(strcmp(frame.error_code, ocpp_error_text(OCPP_INTERNAL_ERROR)) == 0);
    ocpp_frame_done(&frame);
}

static void check_frame(const struct ocpp_frame *frame, const char *text, size_t size)
{
    FUZZ_CHECK(frame->id != NULL && frame->id_length == strlen(frame->id));
    FUZZ_CHECK(frame->payload_length == 0 ||
               (frame->payload >= text && frame->payload + frame->payload_length <= text + size));
    FUZZ_CHECK((frame->action_name != NULL) == (frame->type == OCPP_CALL));
    FUZZ_CHECK((frame->error_code != NULL) == (frame->type == OCPP_CALL_ERROR));
    FUZZ_CHECK((frame->error_text != NULL) == (frame->type == OCPP_CALL_ERROR));
    FUZZ_CHECK(frame->action == OCPP_ACTION_NONE ||
               strcmp(ocpp_action_name(frame->action), frame->action_name) == 0);
}

/* As any action at all: what a pile answers need not fit what was asked. */
static void decode(struct ocpp_frame *frame, size_t size)
{
    const void *payload;
    enum ocpp_verdict verdict;

    if (frame->type == OCPP_CALL && frame->action != OCPP_ACTION_NONE)
        verdict = ocpp_frame_request(frame, &payload);
    else if (frame->type == OCPP_CALL_RESULT)
        verdict =
            ocpp_frame_confirmation(frame, (enum ocpp_action)(size % OCPP_ACTION_COUNT), &payload);
    else
        return;
    FUZZ_CHECK(verdict == OCPP_EXACT || ocpp_frame_deviation(frame, 0) != NULL);
    FUZZ_CHECK(verdict == OCPP_UNUSABLE || payload != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct ocpp_frame frame;
    struct ocpp_fault fault = {.error = OCPP_ERROR_COUNT};
    enum ocpp_read result = ocpp_frame_read(text, size, &ocpp_limits_stranger, &frame, &fault);

    FUZZ_CHECK(result != OCPP_READ_NO_MEMORY);
    if (result == OCPP_READ_REFUSED)
        FUZZ_CHECK(frame.type == OCPP_CALL && frame.payload != NULL);
    if (result == OCPP_READ_NOT_JSON || result == OCPP_READ_NOT_FRAME ||
        result == OCPP_READ_REFUSED)
        FUZZ_CHECK(fault.error == OCPP_FORMATION_VIOLATION && fault.text[0] != '\0');
    if (frame.id != NULL)
        check_answer(frame.id);
    if (result == OCPP_READ_FRAME) {
        check_frame(&frame, text, size);
        decode(&frame, size);
    }
    ocpp_frame_done(&frame);
    return 0;
}
