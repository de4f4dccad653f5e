/* frame.c - the head of a message: [2, id, action, payload] and its two answers (OCPP-J 4.2).
 *
 * The head is read from the gate's places alone; a tree is made of the payload only, when it is
 * decoded.  That keeps what is answered without a look at the payload cheap.
 */
#include "ocpp/frame.h"

#include "ocpp/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct head {
    const char *text;
    const struct ocpp_gate_report *report;
};

static void set_fault(struct ocpp_fault *ret_fault, const char *text)
{
    *ret_fault = (struct ocpp_fault){.error = OCPP_FORMATION_VIOLATION};
    snprintf(ret_fault->text, sizeof(ret_fault->text), "%s", text);
}

static enum ocpp_read refuse(struct ocpp_fault *ret_fault, const char *text)
{
    set_fault(ret_fault, text);
    return OCPP_READ_NOT_FRAME;
}

/* The i-th element's text, "" if there is none.  Length and all, since it does not end in NUL. */
static const char *element(const struct head *head, uint32_t i, size_t *ret_length)
{
    const struct ocpp_mark *at = &head->report->elements[i].at;

    *ret_length = i < head->report->element_count ? at->length : 0;
    return *ret_length > 0 ? head->text + at->offset : "";
}

static bool is_string(const struct head *head, uint32_t i)
{
    size_t length;

    return *element(head, i, &length) == '"';
}

static bool is_number(const struct head *head, uint32_t i)
{
    size_t length;
    char first = *element(head, i, &length);

    return first == '-' || (first >= '0' && first <= '9');
}

/* The string at i with its escapes resolved, cut if there is no room. */
static void copy_string(const struct head *head, uint32_t i, char *buf, size_t size)
{
    size_t length;
    const char *text = element(head, i, &length);

    ocpp_text_unescape(text + 1, length - 2, buf, size);
}

/* 2, 3 or 4 as OCPP-J writes them; 0 for anything else, 2.0 and 1e0 among it. */
static int type_of(const struct head *head)
{
    size_t length;
    const char *text = element(head, 0, &length);

    return length == 1 && *text >= '2' && *text <= '4' ? *text - '0' : 0;
}

static void keep_id(struct ocpp_frame *frame, const char *text, size_t length)
{
    frame->id_length = length;
    memcpy(frame->id_buffer, text, length);
    frame->id_buffer[length] = '\0';
    frame->id = frame->id_buffer;
}

/* At most 36 characters (OCPP-J 1.6, 4.1.4), none of them a control character, and not none at all.
 * But a pile whose every id is another (a UUID in braces, a bare number) would have none of its
 * sessions billed: so whatever can be given back as it came, within a JSON that our own gate takes,
 * is. */
static bool read_id(const struct head *head, struct ocpp_frame *frame)
{
    size_t length, count = 0;
    const char *text = element(head, 1, &length), *end = text + length - 1;
    bool odd = false;

    if (is_number(head, 1) && length <= OCPP_NUMBER_MAX) {
        keep_id(frame, text, length);
        frame->id_bare = true;
        return true;
    }
    if (*text != '"')
        return false;
    for (const char *p = text + 1; p < end; count++) {
        uint32_t code = ocpp_text_next(&p);

        if (code == 0 || (code >= 0xD800 && code <= 0xDFFF) || count == OCPP_ID_ECHO_MAX)
            return false;
        odd |= code < 0x20 || code == 0x7F;
    }
    keep_id(frame, text + 1, length - 2);
    frame->id_odd = odd || count == 0 || count > OCPP_ID_MAX;
    return true;
}

static void set_payload(const struct head *head, uint32_t i, struct ocpp_frame *frame)
{
    frame->payload = element(head, i, &frame->payload_length);
    frame->payload_number = head->report->elements[i].first_number;
}

static enum ocpp_read read_call(
    const struct head *head, struct ocpp_frame *frame, struct ocpp_fault *ret_fault)
{
    if (head->report->element_count != 4)
        return refuse(ret_fault, "a CALL has four elements");
    if (!is_string(head, 2))
        return refuse(ret_fault, "the action must be a string");
    copy_string(head, 2, frame->name_buffer, sizeof(frame->name_buffer));
    frame->action_name = frame->name_buffer;
    frame->action = ocpp_action_find(frame->name_buffer, strlen(frame->name_buffer));
    set_payload(head, 3, frame);
    return OCPP_READ_FRAME;
}

static enum ocpp_read read_result(
    const struct head *head, struct ocpp_frame *frame, struct ocpp_fault *ret_fault)
{
    if (head->report->element_count != 3)
        return refuse(ret_fault, "a CALLRESULT has three elements");
    set_payload(head, 2, frame);
    return OCPP_READ_FRAME;
}

/* Piles leave out the details, and the description with them. */
static enum ocpp_read read_error(
    const struct head *head, struct ocpp_frame *frame, struct ocpp_fault *ret_fault)
{
    size_t length;
    char *text;

    if (head->report->element_count < 3 || head->report->element_count > 5)
        return refuse(ret_fault, "a CALLERROR has five elements");
    if (!is_string(head, 2))
        return refuse(ret_fault, "the error code must be a string");
    copy_string(head, 2, frame->name_buffer, sizeof(frame->name_buffer));
    frame->error_code = frame->name_buffer;
    frame->error_text = "";
    if (is_string(head, 3)) {
        (void)element(head, 3, &length);
        text = ocpp_arena_take(&frame->arena, length);
        if (text == NULL)
            return OCPP_READ_NO_MEMORY;
        copy_string(head, 3, text, length);
        frame->error_text = text;
    }
    if (head->report->element_count == 5)
        set_payload(head, 4, frame);
    return OCPP_READ_FRAME;
}

static enum ocpp_read read_head(
    const struct head *head, struct ocpp_frame *frame, struct ocpp_fault *ret_fault)
{
    static const char no_id[] = "the message id cannot be given back";
    int type = type_of(head);
    enum ocpp_read read;
    bool has_id;

    if (head->report->element_count == 0)
        return refuse(ret_fault, "a message is an array that is not empty");
    if (!is_number(head, 0))
        return refuse(ret_fault, "a message begins with its type, a number");
    if (type == 0)
        return OCPP_READ_OTHER_TYPE;
    frame->type = (enum ocpp_type)type;
    has_id = read_id(head, frame);
    if (frame->type == OCPP_CALL) {
        read = read_call(head, frame, ret_fault);
        if (read != OCPP_READ_FRAME || has_id)
            return read;
        set_fault(ret_fault, no_id);
        return OCPP_READ_REFUSED;
    }
    if (!has_id)
        return refuse(ret_fault, no_id);
    if (frame->type == OCPP_CALL_RESULT)
        return read_result(head, frame, ret_fault);
    return read_error(head, frame, ret_fault);
}

/* Of a refused text, who sent what: its type and id, if the gate came that far. */
static void recover(const struct head *head, struct ocpp_frame *frame)
{
    frame->type = (enum ocpp_type)type_of(head);
    if (frame->type != 0 && head->report->element_count > 1)
        (void)read_id(head, frame);
}

/* Is a text that the gate refused a CALL all the same?  Then it is one whose content is minded: a
 * name twice, a NUL, a lone surrogate, a number or a list out of bounds. */
static bool is_call(struct ocpp_frame *frame, size_t length)
{
    struct ocpp_gate_report report;
    struct head head = {frame->text, &report};
    struct ocpp_fault unused;
    enum ocpp_read read;

    if (ocpp_gate_syntax(frame->text, length, &report) != OCPP_GATE_OK ||
        type_of(&head) != OCPP_CALL)
        return false;
    read = read_head(&head, frame, &unused);
    return read == OCPP_READ_FRAME || read == OCPP_READ_REFUSED;
}

static enum ocpp_gate_result pass_gate(const struct head *head, size_t length,
    const struct ocpp_limits *limits, struct ocpp_frame *frame, struct ocpp_gate_report *report)
{
    enum ocpp_gate_result result =
        ocpp_gate_check(head->text, length, limits, frame->numbers_few, OCPP_FRAME_NUMBERS, report);
    uint32_t count = report->number_count;

    frame->numbers = frame->numbers_few;
    if (result != OCPP_GATE_OK || count <= OCPP_FRAME_NUMBERS)
        return result;
    frame->numbers = malloc(count * sizeof(*frame->numbers));
    if (frame->numbers == NULL) {
        frame->out_of_memory = true;
        return result;
    }
    return ocpp_gate_check(head->text, length, limits, frame->numbers, count, report);
}

enum ocpp_read ocpp_frame_read(const char *text, size_t length, const struct ocpp_limits *limits,
    struct ocpp_frame *ret, struct ocpp_fault *ret_fault)
{
    struct ocpp_gate_report report;
    struct head head = {text, &report};
    enum ocpp_gate_result result;
    enum ocpp_read read;

    *ret = (struct ocpp_frame){.action = OCPP_ACTION_NONE, .text = text};
    result = pass_gate(&head, length, limits, ret, &report);
    if (result == OCPP_GATE_EMPTY)
        return OCPP_READ_EMPTY;
    if (ret->out_of_memory)
        return OCPP_READ_NO_MEMORY;
    if (result == OCPP_GATE_OK) {
        read = read_head(&head, ret, ret_fault);
        ret->refused = read == OCPP_READ_REFUSED;
        return read;
    }
    recover(&head, ret);
    set_fault(ret_fault, ocpp_gate_text(result));
    ret->refused = result != OCPP_GATE_BYTES && is_call(ret, length);
    return ret->refused ? OCPP_READ_REFUSED : OCPP_READ_NOT_JSON;
}

enum ocpp_verdict ocpp_payload_read(const char *text, size_t length, enum ocpp_action action,
    bool confirmation, struct ocpp_frame *ret, const void **ret_payload)
{
    struct ocpp_gate_report report;
    struct head head = {text, &report};
    enum ocpp_gate_result result;

    *ret = (struct ocpp_frame){.action = action, .text = text, .payload = text};
    *ret_payload = NULL;
    ret->type = confirmation ? OCPP_CALL_RESULT : OCPP_CALL;
    ret->payload_length = length;
    result = pass_gate(&head, length, &ocpp_limits_pile, ret, &report);
    if (ret->out_of_memory)
        return OCPP_UNUSABLE;
    if (result != OCPP_GATE_OK) {
        ret->deviations = ocpp_arena_take(&ret->arena, sizeof(*ret->deviations));
        ret->out_of_memory = ret->deviations == NULL;
        if (ret->deviations != NULL) {
            set_fault(ret->deviations, ocpp_gate_text(result));
            ret->deviation_count = 1;
        }
        return OCPP_UNUSABLE;
    }
    return confirmation ? ocpp_frame_confirmation(ret, action, ret_payload)
                        : ocpp_frame_request(ret, ret_payload);
}

void ocpp_frame_done(struct ocpp_frame *frame)
{
    if (frame == NULL)
        return;
    if (frame->numbers != frame->numbers_few)
        free(frame->numbers);
    ocpp_arena_done(&frame->arena);
    *frame = (struct ocpp_frame){.action = OCPP_ACTION_NONE};
}
