/* test_mask.c - what trace and log show of a frame. */
#include "csms/mask.h"
#include "tests/csms/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *shown(const char *text, bool json)
{
    static char buf[1024];
    size_t length = strlen(text);
    char *exact = malloc(length); /* so that the sanitizer sees a step too far */
    struct mask mask;

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, text, length);
    mask_find(exact, length, json, &mask);
    ck_assert_uint_eq(mask_apply(&mask, exact, length, buf, sizeof buf), strlen(buf));
    free(exact);
    return buf;
}

START_TEST(the_key_of_a_change_is_hidden_in_whatever_order_and_spelling)
{
    static const char *const frames[] = {
        "[2,\"1\",\"ChangeConfiguration\",{\"key\":\"AuthorizationKey\",\"value\":\"S3CRET\"}]",
        "[2,\"1\",\"ChangeConfiguration\",{\"value\":\"S3CRET\",\"key\":\"AuthorizationKey\"}]",
        "[2,\"1\",\"X\",{ \"key\" : \"authorizationkey\" , \"value\" : \"S3CRET\" }]",
        "[2,\"1\",\"X\",{\"key\":\"Author\\u0069zationKey\",\"value\":\"S3CRET\\\"S3CRET\"}]",
        "[2,\"1\",\"X\",{\"key\":\"AuthorizationKey\",\"v\\u0061lue\":\"S3CRET\"}]",
        "[2,\"1\",\"X\",{\"key\":\"AuthorizationKey\",\"value\":\"http://S3CRET:S3CRET@h/\"}]",
        "[2,\"1\",\"X\",{\"key\":\"AuthorizationKey\",\"value\":\"a\",\"value\":\"S3CRET\"}]",
    };

    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        ck_assert_msg(strstr(shown(frames[i], true), "S3CRET") == NULL, "%s", frames[i]);
        ck_assert_ptr_nonnull(strstr(shown(frames[i], true), "***"));
    }
    ck_assert_str_eq(shown(frames[0], true),
        "[2,\"1\",\"ChangeConfiguration\",{\"key\":\"AuthorizationKey\",\"value\":\"***\"}]");
}
END_TEST

START_TEST(of_a_list_of_settings_only_the_key_is_hidden)
{
    ck_assert_str_eq(
        shown("[3,\"1\",{\"configurationKey\":[{\"key\":\"A\",\"readonly\":false,\"value\":\"7\"},"
              "{\"key\":\"AuthorizationKey\",\"readonly\":false,\"value\":\"S3CRET\"}],"
              "\"unknownKey\":[\"value\"]}]", true),
        "[3,\"1\",{\"configurationKey\":[{\"key\":\"A\",\"readonly\":false,\"value\":\"7\"},"
        "{\"key\":\"AuthorizationKey\",\"readonly\":false,\"value\":\"***\"}],"
        "\"unknownKey\":[\"value\"]}]");
    ck_assert_str_eq(shown("[3,\"1\",{\"configurationKey\":[{\"key\":\"AuthorizationKey\","
                           "\"readonly\":true,\"value\":12345678}]}]", true), "***");
    ck_assert_str_eq(shown("[3,\"1\",{\"unknownKey\":[\"AuthorizationKey\"]}]", true),
        "[3,\"1\",{\"unknownKey\":[\"AuthorizationKey\"]}]");
}
END_TEST

START_TEST(the_credentials_of_a_url_are_hidden_and_nothing_else_of_it)
{
    ck_assert_str_eq(
        shown("[2,\"1\",\"GetDiagnostics\",{\"location\":\"ftp://user:pw@host/up\"}]", true),
        "[2,\"1\",\"GetDiagnostics\",{\"location\":\"ftp://***@host/up\"}]");
    ck_assert_str_eq(
        shown("[2,\"1\",\"X\",{\"a\":\"ftp:\\/\\/u:p@w@host\\/up\",\"b\":\"x\"}]", true),
        "[2,\"1\",\"X\",{\"a\":\"ftp:\\/\\/***@host\\/up\",\"b\":\"x\"}]");
    ck_assert_str_eq(
        shown("[2,\"1\",\"X\",{\"a\":\"http://host/up?q=1\",\"b\":\"me@home\"}]", true),
        "[2,\"1\",\"X\",{\"a\":\"http://host/up?q=1\",\"b\":\"me@home\"}]");
    ck_assert_str_eq(shown("[2,\"1\",\"X\",{\"a\":\"h://u:p\\u0040host\"}]", true),
        "[2,\"1\",\"X\",{\"a\":\"h://***\\u0040host\"}]");
}
END_TEST

START_TEST(of_what_is_no_json_and_names_the_key_nothing_is_shown)
{
    ck_assert_str_eq(shown("{\"value\":\"S3CRET\",\"key\":\"AuthorizationKey\"", false), "***");
    ck_assert_str_eq(shown("AuthorizationKey S3CRET", false), "***");
    ck_assert_str_eq(shown("[2,\"1\",\"X\",{\"a\":", false), "[2,\"1\",\"X\",{\"a\":");
    ck_assert_str_eq(shown("", false), "");
}
END_TEST

START_TEST(more_secrets_or_depth_than_are_looked_at_show_nothing)
{
    for (int more = 0; more < 2; more++) {
        char text[512] = "[2,\"1\",\"X\",[", *all, deep[512] = "[2,\"1\",\"X\",";
        int brackets = 64 + more;

        for (int i = 0; i < MASK_RANGES_MAX + more; i++)
            strcat(text, i ? ",\"a://u@h\"" : "\"a://u@h\"");
        strcat(text, "]]");
        all = strdup(shown(text, true));
        if (more)
            ck_assert_str_eq(all, "***");
        else
            ck_assert(strlen(all) == strlen(text) + 2 * MASK_RANGES_MAX && !strstr(all, "u@"));
        free(all);
        for (int i = 0; i < brackets; i++)
            strcat(deep, "{\"a\":");
        strcat(deep, "1");
        for (int i = 0; i < brackets; i++)
            strcat(deep, "}");
        strcat(deep, "]");
        ck_assert_str_eq(shown(deep, true), more ? "***" : deep);
    }
}
END_TEST

START_TEST(any_bytes_are_survived_and_a_small_room_is_kept)
{
    char text[64], small[8];
    struct mask mask;
    uint32_t seed = 7;

    for (int round = 0; round < 20000; round++) {
        size_t length = (size_t)(seed % sizeof text);

        for (size_t i = 0; i < length; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = "\"\\{}:u@/ value,[]\0\xff" "0061"[(seed >> 16) % 24];
        }
        seed = seed * 1664525u + 1013904223u;
        mask_find(text, length, round % 2 == 0, &mask);
        ck_assert_uint_lt(mask_apply(&mask, text, length, small, sizeof small), sizeof small);
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, the_key_of_a_change_is_hidden_in_whatever_order_and_spelling);
    tcase_add_test(tcase, of_a_list_of_settings_only_the_key_is_hidden);
    tcase_add_test(tcase, the_credentials_of_a_url_are_hidden_and_nothing_else_of_it);
    tcase_add_test(tcase, of_what_is_no_json_and_names_the_key_nothing_is_shown);
    tcase_add_test(tcase, more_secrets_or_depth_than_are_looked_at_show_nothing);
    tcase_add_test(tcase, any_bytes_are_survived_and_a_small_room_is_kept);
}

int main(void)
{
    return support_run("mask", add);
}
