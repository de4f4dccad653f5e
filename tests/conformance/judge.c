/* judge.c - the decoder's verdicts, one a line, on payloads from standard input.
 *
 * In:   {"action":"Authorize","direction":"req","payload":{"idTag":"A"}}
 * Out:  verdict, code of the first deviation the schema could know, its member, in JSON
 *
 * ocpp-judge --samples N prints lines of the first form instead: N samples of each payload and
 * size.
 */
#include "ocpp/encode.h"
#include "ocpp/json.h"
#include "tests/ocpp/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {
    [OCPP_EXACT] = "exact", [OCPP_TOLERATED] = "tolerated", [OCPP_UNUSABLE] = "unusable"};

static void die(const char *why)
{
    fprintf(stderr, "ocpp-judge: %s\n", why);
    exit(2);
}

static void print_verdict(const struct ocpp_frame *frame, enum ocpp_verdict verdict)
{
    const struct ocpp_fault *fault = NULL;
    char member[1024];
    uint32_t i = 0;

    do
        fault = ocpp_frame_deviation(frame, i++);
    while (fault != NULL && fault->prose);
    if (ocpp_json_quote(member, sizeof(member), fault == NULL ? "" : fault->member) == 0)
        die("a member's path is too long");
    printf("{\"verdict\":\"%s\",\"code\":\"%s\",\"member\":%s,\"beyond\":%s}\n", verdicts[verdict],
        fault == NULL ? "" : ocpp_error_text(fault->error), member,
        ocpp_frame_deviation(frame, 0) != NULL && ocpp_frame_deviation(frame, 0)->prose ? "true"
                                                                                        : "false");
}

/* The payload's own bytes: behind the last of the three names, up to the closing brace. */
static void judge_line(char *line, size_t length)
{
    static const char mark[] = ",\"payload\":";
    struct ocpp_json *json =
        ocpp_json_read(line, length, &(struct ocpp_limits){1 << 22, 400000, 16, 64}, NULL);
    char *payload = strstr(line, mark);
    const char *name, *direction;
    enum ocpp_action action;
    struct ocpp_frame frame;
    enum ocpp_verdict verdict;
    const void *decoded;

    if (json == NULL || payload == NULL)
        die("a line is no JSON");
    name = ocpp_json_string(ocpp_json_member(ocpp_json_root(json), "action"));
    direction = ocpp_json_string(ocpp_json_member(ocpp_json_root(json), "direction"));
    action = name == NULL ? OCPP_ACTION_NONE : ocpp_action_find(name, strlen(name));
    if (action == OCPP_ACTION_NONE || direction == NULL)
        die("a line names no message");
    payload += sizeof(mark) - 1;
    verdict = ocpp_payload_read(payload, length - (size_t)(payload - line) - 1, action,
        strcmp(direction, "conf") == 0, &frame, &decoded);
    print_verdict(&frame, verdict);
    ocpp_frame_done(&frame);
    ocpp_json_free(json);
}

static void print_samples(uint64_t count)
{
    static char text[1 << 18];

    for (int i = 0; i < OCPP_ACTION_COUNT * 2; i++) {
        enum ocpp_action action = (enum ocpp_action)(i / 2);
        bool confirmation = i % 2 == 1;

        for (uint64_t n = 0; n < count * 4; n++) {
            struct ocpp_arena arena;
            const void *sample;

            ocpp_arena_init(&arena);
            sample =
                ocpp_sample(action, confirmation, (enum ocpp_sample_size)(n % 4), n / 4, &arena);
            if (sample == NULL ||
                ocpp_encode_payload(text, sizeof(text), action, confirmation, sample) == 0)
                die("a sample cannot be made");
            printf("{\"action\":\"%s\",\"direction\":\"%s\",\"payload\":%s}\n",
                ocpp_action_name(action), confirmation ? "conf" : "req", text);
            ocpp_arena_done(&arena);
        }
    }
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    if (argc == 3 && strcmp(argv[1], "--samples") == 0) {
        print_samples(strtoull(argv[2], NULL, 10));
        return 0;
    }
    while ((length = getline(&line, &room, stdin)) > 0)
        judge_line(line, (size_t)length - (line[length - 1] == '\n'));
    free(line);
    return 0;
}
