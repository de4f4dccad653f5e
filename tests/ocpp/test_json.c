/* test_json.c - the generic reader. */
#include "ocpp/json.h"
#include "tests/ocpp/support.h"

#include <stdlib.h>
#include <string.h>

static struct ocpp_json *read_text(const char *text)
{
    size_t length = strlen(text);
    char *copy = malloc(length > 0 ? length : 1);
    struct ocpp_json *json;

    memcpy(copy, text, length);
    json = ocpp_json_read(copy, length, &ocpp_limits_stranger, NULL);
    free(copy); /* the document needs it no longer */
    return json;
}

START_TEST(members_elements_and_kinds_are_found)
{
    struct ocpp_json *json = read_text("{\"text\":\"\\u00e9\",\"yes\":true,\"no\":false,\"nil\":"
                                       "null,\"list\":[1,[],{}],\"Text\":7}");
    const struct ocpp_node *root = ocpp_json_root(json), *node;

    ck_assert_int_eq(ocpp_json_kind(root), OCPP_KIND_OBJECT);
    ck_assert_uint_eq(ocpp_json_count(root), 6);
    ck_assert_str_eq(ocpp_json_string(ocpp_json_member(root, "text")), "é");
    ck_assert_int_eq(ocpp_json_kind(ocpp_json_member(root, "Text")), OCPP_KIND_NUMBER);
    ck_assert_ptr_null(ocpp_json_member(root, "TEXT"));
    ck_assert(ocpp_json_bool(ocpp_json_member(root, "yes")));
    ck_assert(!ocpp_json_bool(ocpp_json_member(root, "no")));
    ck_assert_int_eq(ocpp_json_kind(ocpp_json_member(root, "no")), OCPP_KIND_BOOL);
    ck_assert_int_eq(ocpp_json_kind(ocpp_json_member(root, "nil")), OCPP_KIND_NULL);
    node = ocpp_json_member(root, "list");
    ck_assert_uint_eq(ocpp_json_count(node), 3);
    node = ocpp_json_first(node);
    ck_assert_int_eq(ocpp_json_kind(node), OCPP_KIND_NUMBER);
    ck_assert_ptr_null(ocpp_json_name(node));
    ck_assert_int_eq(ocpp_json_kind(ocpp_json_next(node)), OCPP_KIND_ARRAY);
    ck_assert_int_eq(ocpp_json_kind(ocpp_json_next(ocpp_json_next(node))), OCPP_KIND_OBJECT);
    ck_assert_ptr_null(ocpp_json_next(ocpp_json_next(ocpp_json_next(node))));
    ck_assert_str_eq(ocpp_json_name(ocpp_json_first(root)), "text");
    ocpp_json_free(json);
}
END_TEST

START_TEST(numbers_are_their_text)
{
    static const char *const numbers[] = {
        "0.30000000000000000000001", "-1e400", "9007199254740993", "1.10"};
    struct ocpp_json *json =
        read_text("[0.30000000000000000000001,{\"a\":-1e400},[9007199254740993],1.10,\"5\"]");
    const struct ocpp_node *node = ocpp_json_first(ocpp_json_root(json));
    size_t length;

    for (size_t i = 0; i < COUNT(numbers); i++, node = ocpp_json_next(node)) {
        const struct ocpp_node *at = ocpp_json_first(node) == NULL ? node : ocpp_json_first(node);
        const char *text = ocpp_json_number(json, at, &length);

        ck_assert_uint_eq(length, strlen(numbers[i]));
        ck_assert_mem_eq(text, numbers[i], length);
    }
    ck_assert_ptr_null(ocpp_json_number(json, node, &length));
    ocpp_json_free(json);
}
END_TEST

START_TEST(nothing_is_found_in_nothing)
{
    size_t length;
    struct ocpp_json *json = read_text("[]");

    ck_assert_ptr_null(ocpp_json_member(NULL, "a"));
    ck_assert_ptr_null(ocpp_json_member(ocpp_json_root(json), "a"));
    ck_assert_ptr_null(ocpp_json_first(NULL));
    ck_assert_ptr_null(ocpp_json_next(NULL));
    ck_assert_ptr_null(ocpp_json_name(NULL));
    ck_assert_ptr_null(ocpp_json_string(NULL));
    ck_assert_ptr_null(ocpp_json_string(ocpp_json_root(json)));
    ck_assert(!ocpp_json_bool(NULL));
    ck_assert_uint_eq(ocpp_json_count(NULL), 0);
    ck_assert_int_eq(ocpp_json_kind(NULL), OCPP_KIND_NULL);
    ck_assert_ptr_null(ocpp_json_number(json, NULL, &length));
    ocpp_json_free(json);
    ocpp_json_free(NULL);
}
END_TEST

static const char *const refused[] = {"", "{", "[1]x", "{\"a\":1,\"a\":2}", "\"\\u0000\"", "[007]"};

START_TEST(what_the_gate_refuses_is_refused_with_a_reason)
{
    struct ocpp_fault fault = {.error = OCPP_ERROR_COUNT};

    ck_assert_ptr_null(
        ocpp_json_read(refused[_i], strlen(refused[_i]), &ocpp_limits_stranger, &fault));
    ck_assert_int_eq(fault.error, OCPP_FORMATION_VIOLATION);
    ck_assert_str_ne(fault.text, "");
    ck_assert_ptr_null(
        ocpp_json_read(refused[_i], strlen(refused[_i]), &ocpp_limits_stranger, NULL));
}
END_TEST

START_TEST(a_text_is_quoted_or_does_not_fit)
{
    static const char text[] = "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f é";
    static const char expected[] = "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f é\"";
    char buf[64];
    struct ocpp_json *json;

    ck_assert_uint_eq(ocpp_json_quote(buf, sizeof(buf), text), sizeof(expected) - 1);
    ck_assert_str_eq(buf, expected);
    ck_assert_uint_eq(ocpp_json_quote(buf, sizeof(expected), text), sizeof(expected) - 1);
    ck_assert_uint_eq(ocpp_json_quote(buf, sizeof(expected) - 1, text), 0);
    ck_assert_uint_eq(ocpp_json_quote(buf, 0, text), 0);
    json = read_text(expected);
    ck_assert_str_eq(ocpp_json_string(ocpp_json_root(json)), text);
    ocpp_json_free(json);
}
END_TEST

int main(void)
{
    const struct support_test tests[] = {
        {members_elements_and_kinds_are_found, 1},
        {numbers_are_their_text, 1},
        {nothing_is_found_in_nothing, 1},
        {what_the_gate_refuses_is_refused_with_a_reason, COUNT(refused)},
        {a_text_is_quoted_or_does_not_fit, 1},
    };

    return support_run("json", tests, COUNT(tests));
}
