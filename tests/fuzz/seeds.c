/* seeds.c - a dictionary and first inputs for the fuzzers, from the catalogue.
 *
 * Usage: fuzz-seeds DIR     writes DIR/dictionary, DIR/frame-N and DIR/decode-N
 */
#include "ocpp/encode.h"
#include "ocpp/describe.h"
#include "tests/ocpp/sample.h"

#include <stdio.h>
#include <stdlib.h>

static FILE *open_file(const char *dir, const char *name, int number)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), number < 0 ? "%s/%s" : "%s/%s-%02d", dir, name, number);
    file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

static void close_file(FILE *file)
{
    if (fclose(file) != 0) {
        perror("fuzz-seeds");
        exit(1);
    }
}

static void write_words(FILE *file, const struct ocpp_shape *shape)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        fprintf(file, "\"\\\"%s\\\":\"\n", shape->fields[i].name);
        if (shape->fields[i].nested != NULL)
            write_words(file, shape->fields[i].nested);
    }
}

static void write_dictionary(const char *dir)
{
    FILE *file = open_file(dir, "dictionary", -1);

    for (int i = 0; i < OCPP_ACTION_COUNT; i++) {
        fprintf(file, "\"\\\"%s\\\",\"\n", ocpp_action_name((enum ocpp_action)i));
        fprintf(file, "\"%s.req \"\n", ocpp_action_name((enum ocpp_action)i));
        fprintf(file, "\"%s.conf \"\n", ocpp_action_name((enum ocpp_action)i));
        write_words(file, ocpp_shape_of((enum ocpp_action)i, false));
        write_words(file, ocpp_shape_of((enum ocpp_action)i, true));
    }
    for (int kind = OCPP_ENUM_NONE + 1; kind < OCPP_ENUM_COUNT; kind++)
        for (int i = 0; i < ocpp_enum_count((enum ocpp_enum_kind)kind); i++)
            fprintf(file, "\"\\\"%s\\\"\"\n", ocpp_enum_text((enum ocpp_enum_kind)kind, i));
    for (int i = 0; i < OCPP_ERROR_COUNT; i++)
        fprintf(file, "\"\\\"%s\\\",\"\n", ocpp_error_text((enum ocpp_error)i));
    fputs("\"[2,\\\"\"\n\"[3,\\\"\"\n\"[4,\\\"\"\n\"\\\\ud83d\\\\udd0c\"\n\"\\\\u0000\"\n"
          "\"2026-01-31T12:00:00Z\"\n\"null\"\n\"9223372036854775808\"\n\"1e400\"\n",
        file);
    close_file(file);
}

static void write_seed(const char *dir, int number)
{
    static char text[1 << 16];
    enum ocpp_action action = (enum ocpp_action)(number / 2);
    bool confirmation = number % 2 == 1;
    struct ocpp_arena arena;
    const void *sample;
    FILE *file;

    ocpp_arena_init(&arena);
    sample = ocpp_sample(action, confirmation, OCPP_SAMPLE_ALL, (uint64_t)number, &arena);
    if (sample == NULL ||
        ocpp_encode_payload(text, sizeof(text), action, confirmation, sample) == 0)
        exit(1);
    file = open_file(dir, "decode", number);
    fprintf(file, "%s.%s %s", ocpp_action_name(action), confirmation ? "conf" : "req", text);
    close_file(file);
    file = open_file(dir, "frame", number);
    if (confirmation)
        fprintf(file, "[3,\"%d\",%s]", number, text);
    else
        fprintf(file, "[2,\"%d\",\"%s\",%s]", number, ocpp_action_name(action), text);
    close_file(file);
    ocpp_arena_done(&arena);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIR\n", argv[0]);
        return 2;
    }
    write_dictionary(argv[1]);
    for (int i = 0; i < OCPP_ACTION_COUNT * 2; i++)
        write_seed(argv[1], i);
    return 0;
}
