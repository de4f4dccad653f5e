/* test_gate.c - the strict gate: what passes, what does not and why, and each limit at its edge. */
#include "ocpp/gate.h"
#include "tests/ocpp/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text whose length is told, so that it may hold a NUL. */
#define TEXT(text) text, sizeof(text) - 1

static const struct {
    const char *text;
    size_t length;
    enum ocpp_gate_result expected;
} texts[] = {
    {TEXT("{}"), OCPP_GATE_OK},
    {TEXT("[]"), OCPP_GATE_OK},
    {TEXT(" \t\r\n[ 1 , \"a\" , true,false ,null, { \"k\" : [ ] } ]\n"), OCPP_GATE_OK},
    {TEXT("\"alone\""), OCPP_GATE_OK},
    {TEXT("0"), OCPP_GATE_OK},
    {TEXT("true"), OCPP_GATE_OK},
    {TEXT(""), OCPP_GATE_EMPTY},
    {TEXT(" \n\t"), OCPP_GATE_EMPTY},
    /* structure */
    {TEXT("["), OCPP_GATE_SYNTAX},
    {TEXT("]"), OCPP_GATE_SYNTAX},
    {TEXT("[1,]"), OCPP_GATE_SYNTAX},
    {TEXT("[,1]"), OCPP_GATE_SYNTAX},
    {TEXT("[1 2]"), OCPP_GATE_SYNTAX},
    {TEXT("[1}"), OCPP_GATE_SYNTAX},
    {TEXT("{\"a\":1]"), OCPP_GATE_SYNTAX},
    {TEXT("{\"a\"}"), OCPP_GATE_SYNTAX},
    {TEXT("{\"a\":}"), OCPP_GATE_SYNTAX},
    {TEXT("{\"a\":1,}"), OCPP_GATE_SYNTAX},
    {TEXT("{,}"), OCPP_GATE_SYNTAX},
    {TEXT("{1:2}"), OCPP_GATE_SYNTAX},
    {TEXT("{a:1}"), OCPP_GATE_SYNTAX},
    {TEXT("{'a':1}"), OCPP_GATE_SYNTAX},
    {TEXT("[/* no */]"), OCPP_GATE_SYNTAX},
    {TEXT("nul"), OCPP_GATE_SYNTAX},
    {TEXT("True"), OCPP_GATE_SYNTAX},
    {TEXT("[tru]"), OCPP_GATE_SYNTAX},
    {TEXT("\x0b[]"), OCPP_GATE_SYNTAX},
    {TEXT("[\xC2\xA0]"), OCPP_GATE_SYNTAX},
    /* what follows */
    {TEXT("[] []"), OCPP_GATE_TRAILING},
    {TEXT("{}x"), OCPP_GATE_TRAILING},
    {TEXT("{},"), OCPP_GATE_TRAILING},
    {TEXT("truex"), OCPP_GATE_TRAILING},
    {TEXT("1 2"), OCPP_GATE_TRAILING},
    {TEXT("{}\0"), OCPP_GATE_TRAILING},
    /* strings */
    {TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\""), OCPP_GATE_OK},
    {TEXT("\"\\ud83d\\uDD0C\""), OCPP_GATE_OK},
    {TEXT("\"open"), OCPP_GATE_SYNTAX},
    {TEXT("\"open\\"), OCPP_GATE_SYNTAX},
    {TEXT("\"open\\\""), OCPP_GATE_SYNTAX},
    {TEXT("\"\\x41\""), OCPP_GATE_SYNTAX},
    {TEXT("\"\\u12g4\""), OCPP_GATE_SYNTAX},
    {TEXT("\"\\u123\""), OCPP_GATE_SYNTAX},
    {TEXT("\"\\u12"), OCPP_GATE_SYNTAX},
    {TEXT("\"a\nb\""), OCPP_GATE_SYNTAX},
    {TEXT("\"a\x1f\""), OCPP_GATE_SYNTAX},
    {TEXT("\"\x7f\""), OCPP_GATE_OK},
    {TEXT("\"a\0b\""), OCPP_GATE_NUL},
    {TEXT("\"\\u0000\""), OCPP_GATE_NUL},
    {TEXT("{\"\\u0000\":1}"), OCPP_GATE_NUL},
    {TEXT("[\"a\",\0]"), OCPP_GATE_SYNTAX},
    {TEXT("\"\\ud83d\""), OCPP_GATE_ENCODING},
    {TEXT("\"\\udd0c\""), OCPP_GATE_ENCODING},
    {TEXT("\"\\ud83d\\u0041\""), OCPP_GATE_ENCODING},
    {TEXT("\"\\ud83d\\ud83d\""), OCPP_GATE_ENCODING},
    {TEXT("\"\\ud83dx\""), OCPP_GATE_ENCODING},
    {TEXT("\"\\ud83d"), OCPP_GATE_ENCODING},
    /* UTF-8 */
    {TEXT("\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\""), OCPP_GATE_OK},
    {TEXT("\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\""), OCPP_GATE_OK},
    {TEXT("\"\x80\""), OCPP_GATE_ENCODING},
    {TEXT("\"\xC0\x80\""), OCPP_GATE_ENCODING},
    {TEXT("\"\xC1\xBF\""), OCPP_GATE_ENCODING},
    {TEXT("\"\xE0\x9F\xBF\""), OCPP_GATE_ENCODING},
    {TEXT("\"\xED\xA0\x80\""), OCPP_GATE_ENCODING},
    {TEXT("\"\xF0\x8F\xBF\xBF\""), OCPP_GATE_ENCODING},
    {TEXT("\"\xF4\x90\x80\x80\""), OCPP_GATE_ENCODING},
    {TEXT("\"\xF5\x80\x80\x80\""), OCPP_GATE_ENCODING},
    {TEXT("\"\xFF\""), OCPP_GATE_ENCODING},
    {TEXT("\"\xC3"), OCPP_GATE_ENCODING},
    {TEXT("\"\xC3\""), OCPP_GATE_ENCODING},
    {TEXT("\"\xE2\x82\""), OCPP_GATE_ENCODING},
    {TEXT("\"\xE2\x82x\""), OCPP_GATE_ENCODING},
    {TEXT("\"\xF0\x9F\x94\""), OCPP_GATE_ENCODING},
    {TEXT("\xEF\xBB\xBF{}"), OCPP_GATE_ENCODING},
    {TEXT(" \xEF\xBB\xBF{}"), OCPP_GATE_ENCODING},
    /* numbers */
    {TEXT("[0,-0,1,-1,10,0.0,-0.5,1e5,1E+5,1e-05,12.50e2,2147483648,1e400]"), OCPP_GATE_OK},
    {TEXT("[007]"), OCPP_GATE_NUMBER},
    {TEXT("[-01]"), OCPP_GATE_NUMBER},
    {TEXT("[5.]"), OCPP_GATE_NUMBER},
    {TEXT("[.5]"), OCPP_GATE_SYNTAX},
    {TEXT("[+1]"), OCPP_GATE_SYNTAX},
    {TEXT("[-]"), OCPP_GATE_NUMBER},
    {TEXT("-"), OCPP_GATE_NUMBER},
    {TEXT("[1e]"), OCPP_GATE_NUMBER},
    {TEXT("[1e+]"), OCPP_GATE_NUMBER},
    {TEXT("1."), OCPP_GATE_NUMBER},
    {TEXT("1e"), OCPP_GATE_NUMBER},
    {TEXT("[1.e5]"), OCPP_GATE_NUMBER},
    {TEXT("[0x10]"), OCPP_GATE_SYNTAX},
    {TEXT("[1,5.5.5]"), OCPP_GATE_SYNTAX},
    {TEXT("[--1]"), OCPP_GATE_NUMBER},
    {TEXT("[NaN]"), OCPP_GATE_SYNTAX},
    {TEXT("[Infinity]"), OCPP_GATE_SYNTAX},
    {TEXT("[-Infinity]"), OCPP_GATE_NUMBER},
    /* names: the same decoded name twice is refused, and only that */
    {TEXT("{\"a\":1,\"a\":1}"), OCPP_GATE_DUPLICATE},
    {TEXT("{\"connectorId\":1,\"b\":2,\"\\u0063onnectorId\":1}"), OCPP_GATE_DUPLICATE},
    {TEXT("{\"\xC3\xA9\":1,\"\\u00E9\":1}"), OCPP_GATE_DUPLICATE},
    {TEXT("{\"\xF0\x9F\x94\x8C\":1,\"\\ud83d\\udd0c\":1}"), OCPP_GATE_DUPLICATE},
    {TEXT("{\"/\":1,\"\\/\":1}"), OCPP_GATE_DUPLICATE},
    {TEXT("{\"\":1,\"\":1}"), OCPP_GATE_DUPLICATE},
    {TEXT("{\"a\":{\"a\":1},\"a\":1}"), OCPP_GATE_DUPLICATE},
    {TEXT("{\"a\":[{\"b\":1,\"b\":2}]}"), OCPP_GATE_DUPLICATE},
    {TEXT("{\"a\":1,\"A\":1}"), OCPP_GATE_OK},
    {TEXT("{\"a\":1,\"aa\":1,\"\":1}"), OCPP_GATE_OK},
    {TEXT("{\"e\xCC\x81\":1,\"\xC3\xA9\":1}"), OCPP_GATE_OK},
    {TEXT("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}"), OCPP_GATE_OK},
    {TEXT("[{\"a\":1},{\"a\":1}]"), OCPP_GATE_OK},
    /* names of one hash */
    {TEXT("{\"a\":1,\"ab94sxnaa\":1}"), OCPP_GATE_OK},
    {TEXT("{\"ab94sxnaa\":1,\"a\":1}"), OCPP_GATE_OK},
    {TEXT("{\"a\":1,\"ab94sxnaa\":1,\"a\":1}"), OCPP_GATE_DUPLICATE},
};

START_TEST(each_text_passes_or_is_refused_for_its_reason)
{
    struct ocpp_gate_report report;
    char *copy = malloc(texts[_i].length + 1);
    enum ocpp_gate_result result;

    memcpy(copy, texts[_i].text, texts[_i].length);
    copy = realloc(copy, texts[_i].length > 0 ? texts[_i].length : 1);
    result = ocpp_gate_check(copy, texts[_i].length, &ocpp_limits_stranger, NULL, 0, &report);
    free(copy);
    ck_assert_msg(
        result == texts[_i].expected, "%s: got %s", texts[_i].text, ocpp_gate_text(result));
    ck_assert_uint_le(report.offset, texts[_i].length);
}
END_TEST

static enum ocpp_gate_result check(const char *text, size_t length)
{
    struct ocpp_gate_report report;

    return ocpp_gate_check(text, length, &ocpp_limits_stranger, NULL, 0, &report);
}

START_TEST(a_text_cut_anywhere_is_refused)
{
    static const char text[] =
        "[2,\"m1\",\"MeterValues\",{\"connectorId\":1,\"meterValue\":[{\"timestamp\":"
        "\"2026-01-31T12:02:00Z\",\"sampledValue\":[{\"value\":\"1\\u00e9\\ud83d\\udd0c\xC3\xA9\","
        "\"x\":-1.5e+3,\"y\":[true,false,null,{}]}]}]}]";

    ck_assert_int_eq(check(text, sizeof(text) - 1), OCPP_GATE_OK);
    for (size_t length = 0; length < sizeof(text) - 1; length++) {
        char *copy = malloc(length > 0 ? length : 1);

        memcpy(copy, text, length);
        ck_assert_msg(check(copy, length) != OCPP_GATE_OK, "accepted at %zu bytes", length);
        free(copy);
    }
}
END_TEST

START_TEST(depth_is_accepted_up_to_the_limit)
{
    static const size_t depths[] = {1, 2, 15, 16, 17, 18, 1000, 100000};
    size_t depth = depths[_i];
    bool fits = depth <= OCPP_DEPTH_MAX;
    char *text = malloc(depth * 2);
    struct ocpp_gate_report report;

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    ck_assert_int_eq(ocpp_gate_check(text, depth * 2, &ocpp_limits_pile, NULL, 0, &report),
        fits ? OCPP_GATE_OK : OCPP_GATE_DEPTH);
    ck_assert_int_eq(ocpp_gate_check(text, depth, &ocpp_limits_pile, NULL, 0, &report),
        fits ? OCPP_GATE_SYNTAX : OCPP_GATE_DEPTH);
    free(text);
}
END_TEST

START_TEST(syntax_alone_is_followed_down_to_its_own_limit)
{
    static const size_t depths[] = {1, 16, 17, 18, 64, 65534, 65535, 65536, 100000};
    size_t depth = depths[_i];
    bool fits = depth <= UINT16_MAX;
    char *text = malloc(depth * 2);
    struct ocpp_gate_report report;

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    ck_assert_int_eq(
        ocpp_gate_syntax(text, depth * 2, &report), fits ? OCPP_GATE_OK : OCPP_GATE_DEPTH);
    text[depth + depth / 2] = '}'; /* somewhere an array ends as an object */
    ck_assert_int_eq(
        ocpp_gate_syntax(text, depth * 2, &report), fits ? OCPP_GATE_SYNTAX : OCPP_GATE_DEPTH);
    free(text);
}
END_TEST

/* What the gate minds beyond the syntax, alone and with a fault of the syntax behind it. */
static const struct {
    const char *head, *tail;
} beyond[] = {
    {"{\"a\":1,\"a\":{\"b\":[]}", "}"},
    {"[\"\\u0000\"", "]"},
    {"[\"\\ud800\",\"\\udc00\\ud83d\",\"\\ud83d\\u0041\\ud83d\"", "]"},
    {"[{\"\\u0000\":{}}", "]"},
    {"[1111111111222222222233333333334444444444555555555566666666667777", "]"},
    {"[[[[[[[[[{\"a\":[[[[[[[[[[{}]]]]]]]]]],\"a\":1}]]]]]]]]", "]"},
};

START_TEST(what_is_minded_beyond_the_syntax_does_not_hide_a_fault_of_it)
{
    static const char *const faults[] = {"x", "\xff", "]", ",", ",01"};
    struct ocpp_gate_report report;
    char text[256];

    snprintf(text, sizeof(text), "%s%s", beyond[_i].head, beyond[_i].tail);
    ck_assert_int_ne(check(text, strlen(text)), OCPP_GATE_OK);
    ck_assert_int_eq(ocpp_gate_syntax(text, strlen(text), &report), OCPP_GATE_OK);
    ck_assert_uint_eq(report.offset, strlen(text));
    for (size_t i = 0; i < COUNT(faults); i++) {
        snprintf(text, sizeof(text), "%s%s%s", beyond[_i].head, faults[i], beyond[_i].tail);
        ck_assert_int_ne(ocpp_gate_syntax(text, strlen(text), &report), OCPP_GATE_OK);
    }
    ck_assert_int_eq(ocpp_gate_syntax("\"\0\"", 3, &report), OCPP_GATE_NUL);
}
END_TEST

static char *array_of_ones(size_t count, size_t *ret_length)
{
    char *text = malloc(count * 2 + 2);

    text[0] = '[';
    for (size_t i = 0; i < count; i++)
        memcpy(text + 1 + i * 2, "1,", 2);
    *ret_length = count > 0 ? count * 2 + 1 : 2;
    text[*ret_length - 1] = ']';
    return text;
}

START_TEST(nodes_are_accepted_up_to_the_limit)
{
    size_t length;
    struct ocpp_gate_report report;
    char *text = array_of_ones(OCPP_STRANGER_NODES_MAX - 1, &length);

    ck_assert_int_eq(
        ocpp_gate_check(text, length, &ocpp_limits_stranger, NULL, 0, &report), OCPP_GATE_OK);
    ck_assert_uint_eq(report.node_count, OCPP_STRANGER_NODES_MAX);
    free(text);
    text = array_of_ones(OCPP_STRANGER_NODES_MAX, &length);
    ck_assert_int_eq(check(text, length), OCPP_GATE_NODES);
    ck_assert_int_eq(
        ocpp_gate_check(text, length, &ocpp_limits_pile, NULL, 0, &report), OCPP_GATE_OK);
    free(text);
    text = array_of_ones(OCPP_PILE_NODES_MAX, &length);
    ck_assert_int_eq(
        ocpp_gate_check(text, length, &ocpp_limits_pile, NULL, 0, &report), OCPP_GATE_NODES);
    free(text);
    text = array_of_ones(1000000, &length); /* two megabytes */
    ck_assert_int_eq(
        ocpp_gate_check(text, length, &ocpp_limits_pile, NULL, 0, &report), OCPP_GATE_BYTES);
    free(text);
}
END_TEST

START_TEST(bytes_are_accepted_up_to_the_limit)
{
    static const struct {
        const struct ocpp_limits *limits;
        size_t most;
    } callers[] = {
        {&ocpp_limits_stranger, OCPP_STRANGER_BYTES_MAX}, {&ocpp_limits_pile, OCPP_PILE_BYTES_MAX}};

    for (int i = 0; i < 2; i++) {
        size_t most = callers[i].most;
        struct ocpp_gate_report report;
        char *text = malloc(most + 1);

        memset(text, 'x', most + 1);
        text[0] = text[most - 1] = '"';
        ck_assert_int_eq(
            ocpp_gate_check(text, most, callers[i].limits, NULL, 0, &report), OCPP_GATE_OK);
        text[most] = ' ';
        ck_assert_int_eq(
            ocpp_gate_check(text, most + 1, callers[i].limits, NULL, 0, &report), OCPP_GATE_BYTES);
        free(text);
    }
}
END_TEST

static size_t object_of(char *text, size_t size, unsigned members)
{
    size_t used = (size_t)snprintf(text, size, "{");

    for (unsigned i = 0; i < members; i++)
        used += (size_t)snprintf(text + used, size - used, "%s\"n%u\":{}", i > 0 ? "," : "", i);
    return used + (size_t)snprintf(text + used, size - used, "}");
}

START_TEST(members_of_one_object_are_accepted_up_to_the_limit)
{
    char text[4096];

    ck_assert_int_eq(check(text, object_of(text, sizeof(text), OCPP_KEYS_MAX)), OCPP_GATE_OK);
    ck_assert_int_eq(check(text, object_of(text, sizeof(text), OCPP_KEYS_MAX + 1)), OCPP_GATE_KEYS);
}
END_TEST

/* The stack of names is full only when each level but the last is. */
START_TEST(every_level_may_be_full_at_once)
{
    size_t size = 1 << 20, used = 0;
    char *text = malloc(size);

    for (unsigned level = 0; level < OCPP_DEPTH_MAX; level++) {
        used += (size_t)snprintf(text + used, size - used, "{");
        for (unsigned i = 1; i < OCPP_KEYS_MAX; i++)
            used += (size_t)snprintf(text + used, size - used, "\"n%u\":1,", i);
        used += (size_t)snprintf(text + used, size - used, "\"last\":");
    }
    used += (size_t)snprintf(text + used, size - used, "1");
    for (unsigned level = 0; level < OCPP_DEPTH_MAX; level++)
        used += (size_t)snprintf(text + used, size - used, "}");
    ck_assert_int_eq(check(text, used), OCPP_GATE_OK);
    free(text);
}
END_TEST

START_TEST(a_number_is_accepted_up_to_its_limit)
{
    char text[OCPP_NUMBER_MAX + 2];

    memset(text, '7', sizeof(text));
    ck_assert_int_eq(check(text, OCPP_NUMBER_MAX), OCPP_GATE_OK);
    ck_assert_int_eq(check(text, OCPP_NUMBER_MAX + 1), OCPP_GATE_NUMBER);
}
END_TEST

START_TEST(it_tells_where_each_number_stands)
{
    static const char text[] = "[2, {\"a\":-1.5e3,\"b\":[10,\"3\"]},7]";
    static const char *const expected[] = {"2", "-1.5e3", "10", "7"};
    struct ocpp_mark marks[4];
    struct ocpp_gate_report report;

    ck_assert_int_eq(
        ocpp_gate_check(text, sizeof(text) - 1, &ocpp_limits_stranger, marks, 4, &report),
        OCPP_GATE_OK);
    ck_assert_uint_eq(report.number_count, 4);
    for (size_t i = 0; i < COUNT(expected); i++) {
        ck_assert_uint_eq(marks[i].length, strlen(expected[i]));
        ck_assert_mem_eq(text + marks[i].offset, expected[i], marks[i].length);
    }
}
END_TEST

START_TEST(numbers_without_room_are_counted_and_not_written)
{
    static const char text[] = "[1,2,3]";
    struct ocpp_mark marks[3] = {{9, 9}, {9, 9}, {9, 9}};
    struct ocpp_gate_report report;

    ck_assert_int_eq(
        ocpp_gate_check(text, sizeof(text) - 1, &ocpp_limits_stranger, marks, 2, &report),
        OCPP_GATE_OK);
    ck_assert_uint_eq(report.number_count, 3);
    ck_assert_uint_eq(marks[1].offset, 3);
    ck_assert_uint_eq(marks[2].offset, 9);
}
END_TEST

START_TEST(it_tells_where_the_outermost_elements_stand)
{
    static const char text[] = " [ 2 ,\"id\", {\"a\":[1,2]} , 3,[4],5,6]";
    static const char *const expected[] = {"2", "\"id\"", "{\"a\":[1,2]}", "3", "[4]"};
    static const uint32_t numbers[] = {0, 1, 1, 3, 4};
    struct ocpp_gate_report report;

    ck_assert_int_eq(
        ocpp_gate_check(text, sizeof(text) - 1, &ocpp_limits_stranger, NULL, 0, &report),
        OCPP_GATE_OK);
    ck_assert_uint_eq(report.element_count, 7);
    for (size_t i = 0; i < COUNT(expected); i++) {
        const struct ocpp_element *element = &report.elements[i];

        ck_assert_uint_eq(element->at.length, strlen(expected[i]));
        ck_assert_mem_eq(text + element->at.offset, expected[i], element->at.length);
        ck_assert_uint_eq(element->first_number, numbers[i]);
    }
}
END_TEST

START_TEST(a_refused_text_still_tells_the_elements_before_the_fault)
{
    static const char text[] = "[2,\"id\",\"Action\",{\"a\":01}]";
    struct ocpp_gate_report report;

    ck_assert_int_eq(
        ocpp_gate_check(text, sizeof(text) - 1, &ocpp_limits_stranger, NULL, 0, &report),
        OCPP_GATE_NUMBER);
    ck_assert_uint_eq(report.element_count, 3);
    ck_assert_mem_eq(text + report.elements[1].at.offset, "\"id\"", 4);
}
END_TEST

START_TEST(each_result_has_a_sentence)
{
    for (int i = 0; i < OCPP_GATE_RESULT_COUNT; i++)
        ck_assert_uint_gt(strlen(ocpp_gate_text((enum ocpp_gate_result)i)), 0);
}
END_TEST

int main(void)
{
    const struct support_test tests[] = {
        {each_text_passes_or_is_refused_for_its_reason, COUNT(texts)},
        {a_text_cut_anywhere_is_refused, 1},
        {depth_is_accepted_up_to_the_limit, 8},
        {syntax_alone_is_followed_down_to_its_own_limit, 9},
        {what_is_minded_beyond_the_syntax_does_not_hide_a_fault_of_it, COUNT(beyond)},
        {nodes_are_accepted_up_to_the_limit, 1},
        {bytes_are_accepted_up_to_the_limit, 1},
        {members_of_one_object_are_accepted_up_to_the_limit, 1},
        {every_level_may_be_full_at_once, 1},
        {a_number_is_accepted_up_to_its_limit, 1},
        {it_tells_where_each_number_stands, 1},
        {numbers_without_room_are_counted_and_not_written, 1},
        {it_tells_where_the_outermost_elements_stand, 1},
        {a_refused_text_still_tells_the_elements_before_the_fault, 1},
        {each_result_has_a_sentence, 1},
    };

    return support_run("gate", tests, COUNT(tests));
}
