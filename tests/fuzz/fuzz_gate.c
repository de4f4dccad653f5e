/* fuzz_gate.c - whatever the gate accepts, cJSON parses to the same number of values, and every
 * place that the gate tells lies inside the text and holds what it should.
 */
#include "ocpp/gate.h"
#include "ocpp/tree.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBERS_MAX = 65536 };

static struct ocpp_mark marks[NUMBERS_MAX];

static void check_places(
    const char *text, size_t length, enum ocpp_gate_result result, const struct ocpp_gate_report *r)
{
    uint32_t end = 0;

    FUZZ_CHECK(r->offset <= length);
    FUZZ_CHECK(result == OCPP_GATE_EMPTY || result == OCPP_GATE_BYTES || r->node_count > 0 ||
               result != OCPP_GATE_OK);
    for (uint32_t i = 0; i < r->number_count && i < NUMBERS_MAX; i++) {
        FUZZ_CHECK(marks[i].offset >= end && marks[i].length > 0);
        end = marks[i].offset + marks[i].length;
        FUZZ_CHECK(end <= length);
        FUZZ_CHECK(strchr("-0123456789", text[marks[i].offset]) != NULL);
        FUZZ_CHECK(strchr("0123456789", text[end - 1]) != NULL);
    }
    end = 0;
    for (uint32_t i = 0; i < r->element_count && i < OCPP_GATE_ELEMENTS; i++) {
        FUZZ_CHECK(r->elements[i].at.offset >= end && r->elements[i].at.length > 0);
        end = r->elements[i].at.offset + r->elements[i].at.length;
        FUZZ_CHECK(end <= length);
        FUZZ_CHECK(r->elements[i].first_number <= r->number_count);
    }
}

static void count_nodes(const cJSON *node, uint32_t *nodes, uint32_t *numbers)
{
    for (; node != NULL; node = node->next) {
        ++*nodes;
        *numbers += cJSON_IsNumber(node);
        count_nodes(node->child, nodes, numbers);
    }
}

/* The tree as text again; written twice, it must be the same. */
static char *write_tree(const cJSON *tree, const struct ocpp_source *source, size_t *ret_length)
{
    struct ocpp_out out = {0};

    ocpp_tree_write(source, tree, &out);
    out = (struct ocpp_out){malloc(out.used + 1), out.used + 1, 0};
    FUZZ_CHECK(out.buf != NULL);
    ocpp_tree_write(source, tree, &out);
    *ret_length = ocpp_out_end(&out);
    return out.buf;
}

static void check_tree(const char *text, size_t length, const struct ocpp_gate_report *report)
{
    struct ocpp_arena arena;
    cJSON *tree, *second;
    struct ocpp_gate_report again;
    uint32_t nodes = 0, numbers = 0;
    size_t length_1, length_2;
    char *text_1, *text_2;

    ocpp_arena_init(&arena);
    tree = ocpp_tree_read(text, length, 0, &arena);
    FUZZ_CHECK(tree != NULL);
    count_nodes(tree, &nodes, &numbers);
    FUZZ_CHECK(nodes == report->node_count && numbers == report->number_count);
    text_1 = write_tree(tree, &(struct ocpp_source){text, marks}, &length_1);
    FUZZ_CHECK(ocpp_gate_check(text_1, length_1, &ocpp_limits_pile, marks, NUMBERS_MAX, &again) ==
               OCPP_GATE_OK);
    FUZZ_CHECK(again.node_count == nodes && again.number_count == numbers);
    second = ocpp_tree_read(text_1, length_1, 0, &arena);
    FUZZ_CHECK(second != NULL);
    text_2 = write_tree(second, &(struct ocpp_source){text_1, marks}, &length_2);
    FUZZ_CHECK(length_1 == length_2 && memcmp(text_1, text_2, length_1) == 0);
    ocpp_arena_done(&arena);
    free(text_1);
    free(text_2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct ocpp_gate_report report;
    enum ocpp_gate_result result =
        ocpp_gate_check(text, size, &ocpp_limits_stranger, marks, NUMBERS_MAX, &report);

    check_places(text, size, result, &report);
    if (result == OCPP_GATE_OK)
        check_tree(text, size, &report);
    return 0;
}
