/* test_directory.c - the directory: spellings, whole loads, changes, and a model beside it. */
#include "csms/core/directory.h"
#include "tests/csms/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct core_entry entry(int64_t id, const char *identity)
{
    struct core_entry e = { .station = id, .seq = id, .security_profile = 1, .ping_s = -1 };

    snprintf(e.identity, sizeof(e.identity), "%s", identity);
    return e;
}

static void put(struct core_directory *directory, int64_t id, const char *identity)
{
    struct core_entry e = entry(id, identity);

    ck_assert(core_directory_put(directory, &e));
}

static int64_t find(const struct core_directory *directory, const char *identity)
{
    const struct core_entry *found = core_directory_find(directory, identity, strlen(identity));

    return found ? found->station : 0;
}

START_TEST(an_empty_directory_knows_nobody)
{
    struct core_directory *directory = core_directory_new(1);

    ck_assert_int_eq(find(directory, "CP-1"), 0);
    ck_assert_ptr_null(core_directory_get(directory, 1));
    ck_assert_uint_eq(core_directory_count(directory), 0);
    core_directory_remove(directory, 1);
    core_directory_begin(directory);
    core_directory_end(directory);
    core_directory_free(directory);
    core_directory_free(NULL);
}
END_TEST

START_TEST(the_exact_spelling_comes_before_the_folded_one)
{
    struct core_directory *directory = core_directory_new(1);

    put(directory, 1, "CP-a");
    ck_assert_int_eq(find(directory, "cp-A"), 1);
    put(directory, 2, "cp-A");
    ck_assert_int_eq(find(directory, "CP-a"), 1);
    ck_assert_int_eq(find(directory, "cp-A"), 2);
    ck_assert_int_eq(find(directory, "CP-A"), 0); /* two would match */
    core_directory_remove(directory, 1);
    ck_assert_int_eq(find(directory, "CP-A"), 2);
    ck_assert_int_eq(find(directory, "CP-"), 0);
    ck_assert_int_eq(find(directory, "CP-AA"), 0);
    core_directory_free(directory);
}
END_TEST

START_TEST(only_the_case_of_ascii_is_folded)
{
    struct core_directory *directory = core_directory_new(1);

    put(directory, 1, "S\xc3\xa4ule");
    ck_assert_int_eq(find(directory, "s\xc3\xa4ULE"), 1);
    ck_assert_int_eq(find(directory, "s\xc3\x84ule"), 0);
    put(directory, 2, "a[b");
    ck_assert_int_eq(find(directory, "A[B"), 2);
    ck_assert_int_eq(find(directory, "a{b"), 0);
    core_directory_free(directory);
}
END_TEST

START_TEST(a_change_replaces_and_may_rename)
{
    struct core_directory *directory = core_directory_new(1);
    struct core_entry e = entry(7, "old");

    put(directory, 7, "old");
    snprintf(e.identity, sizeof(e.identity), "new");
    e.blocked = true;
    e.seq = 99;
    ck_assert(core_directory_put(directory, &e));
    ck_assert_int_eq(find(directory, "old"), 0);
    ck_assert_int_eq(find(directory, "new"), 7);
    ck_assert(core_directory_get(directory, 7)->blocked);
    ck_assert_uint_eq(core_directory_count(directory), 1);
    ck_assert_int_eq(core_directory_seq(directory), 99);
    core_directory_free(directory);
}
END_TEST

START_TEST(a_whole_load_forgets_who_is_not_in_it)
{
    struct core_directory *directory = core_directory_new(1);

    put(directory, 1, "a");
    put(directory, 2, "b");
    put(directory, 3, "c");
    core_directory_begin(directory);
    put(directory, 2, "b");
    put(directory, 4, "d");
    core_directory_end(directory);
    ck_assert_int_eq(find(directory, "a"), 0);
    ck_assert_int_eq(find(directory, "b"), 2);
    ck_assert_int_eq(find(directory, "c"), 0);
    ck_assert_int_eq(find(directory, "d"), 4);
    ck_assert_uint_eq(core_directory_count(directory), 2);
    core_directory_free(directory);
}
END_TEST

START_TEST(what_cannot_be_a_station_is_refused)
{
    struct core_directory *directory = core_directory_new(1);
    struct core_entry e = entry(0, "a");

    ck_assert(!core_directory_put(directory, &e));
    e = entry(1, "");
    ck_assert(!core_directory_put(directory, &e));
    e = entry(1, "a\nb");
    ck_assert(!core_directory_put(directory, &e));
    e = entry(1, "a");
    e.key_count = CORE_KEYS_MAX + 1;
    ck_assert(!core_directory_put(directory, &e));
    memset(e.identity, 'x', sizeof(e.identity)); /* not ended */
    e.key_count = 0;
    ck_assert(!core_directory_put(directory, &e));
    ck_assert_uint_eq(core_directory_count(directory), 0);
    core_directory_free(directory);
}
END_TEST

START_TEST(thousands_of_random_changes_agree_with_a_list)
{
    enum { IDS = 3000, STEPS = 30000 };
    static char names[IDS + 1][24]; /* "": absent */
    struct core_directory *directory = core_directory_new((uint64_t)_i);
    unsigned seed = (unsigned)_i + 7, count = 0;

    memset(names, 0, sizeof(names));
    for (unsigned step = 0; step < STEPS; step++) {
        int64_t id = 1 + rand_r(&seed) % IDS;

        if (rand_r(&seed) % 3 == 0) {
            core_directory_remove(directory, id);
            count -= names[id][0] != '\0';
            names[id][0] = '\0';
        } else {
            count += names[id][0] == '\0';
            snprintf(names[id], sizeof(names[id]), "%s-%ld-%u", step % 2 ? "cp" : "CP", (long)id,
                step % 5);
            put(directory, id, names[id]);
        }
    }
    ck_assert_uint_eq(core_directory_count(directory), count);
    for (int64_t id = 1; id <= IDS; id++) {
        const struct core_entry *got = core_directory_get(directory, id);

        if (names[id][0])
            ck_assert_int_eq(find(directory, names[id]), id);
        ck_assert_str_eq(got ? got->identity : "", names[id]);
    }
    core_directory_free(directory);
}
END_TEST

static const struct {
    const char *text;
    size_t length;
    bool valid;
} identities[] = {
    { "a", 1, true }, { "", 0, false }, { "CP 1", 4, true }, { "a\0b", 3, false },
    { "a\x1f", 2, false }, { "a\x7f", 2, false }, { "\xc2\x80", 2, false }, { "\xc2\xa0", 2, true },
    { "\xc3\xa4", 2, true }, { "\xc3", 1, false }, { "\xc0\x80", 2, false },
    { "\xe0\x80\x80", 3, false }, { "\xed\xa0\x80", 3, false }, { "\xf0\x9f\x94\x8c", 4, true },
    { "\xf4\x90\x80\x80", 4, false }, { "\xf8\x88\x80\x80\x80", 5, false }, { "\xff", 1, false },
    { "0123456789012345678901234567890123456789012345678901234567890123", 64, true },
    { "01234567890123456789012345678901234567890123456789012345678901234", 65, false },
};

START_TEST(an_identity_is_1_to_64_bytes_of_plain_utf8)
{
    ck_assert(core_identity_valid(identities[_i].text, identities[_i].length) ==
        identities[_i].valid);
}
END_TEST

START_TEST(quirks_are_read_by_name)
{
    ck_assert_uint_eq(core_quirks_read(NULL), 0);
    ck_assert_uint_eq(core_quirks_read(""), 0);
    ck_assert_uint_eq(core_quirks_read("assume-ocpp1.6"), CORE_QUIRK_ASSUME_OCPP16);
    ck_assert_uint_eq(core_quirks_read(" no-server-ping, unknown,assume-ocpp1.6 "),
        CORE_QUIRK_ASSUME_OCPP16 | CORE_QUIRK_NO_SERVER_PING);
    ck_assert_uint_eq(core_quirks_read("assume-ocpp1.6x no-server-pin"), 0);
}
END_TEST

START_TEST(key_hashes_are_read_or_refused_whole)
{
    char one[65], text[400];
    struct core_entry e = { .key_count = 3 };

    memset(one, 'a', 64);
    one[64] = '\0';
    ck_assert(core_key_hashes_read("", &e));
    ck_assert_uint_eq(e.key_count, 0);
    snprintf(text, sizeof(text), "{%s,\"0F%.62s\"}", one, one);
    ck_assert(core_key_hashes_read(text, &e));
    ck_assert_uint_eq(e.key_count, 2);
    ck_assert_uint_eq(e.key_hashes[0][31], 0xaa);
    ck_assert_uint_eq(e.key_hashes[1][0], 0x0f);
    snprintf(text, sizeof(text), "%s %s %s %s %s", one, one, one, one, one);
    ck_assert(!core_key_hashes_read(text, &e));
    snprintf(text, sizeof(text), "%.63s", one);
    ck_assert(!core_key_hashes_read(text, &e));
    snprintf(text, sizeof(text), "%sa", one);
    ck_assert(!core_key_hashes_read(text, &e));
    snprintf(text, sizeof(text), "%.63sg", one);
    ck_assert(!core_key_hashes_read(text, &e));
    ck_assert_uint_eq(e.key_count, 2);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, an_empty_directory_knows_nobody);
    tcase_add_test(tcase, the_exact_spelling_comes_before_the_folded_one);
    tcase_add_test(tcase, only_the_case_of_ascii_is_folded);
    tcase_add_test(tcase, a_change_replaces_and_may_rename);
    tcase_add_test(tcase, a_whole_load_forgets_who_is_not_in_it);
    tcase_add_test(tcase, what_cannot_be_a_station_is_refused);
    tcase_add_loop_test(tcase, thousands_of_random_changes_agree_with_a_list, 0, 4);
    tcase_add_loop_test(tcase, an_identity_is_1_to_64_bytes_of_plain_utf8, 0,
        sizeof(identities) / sizeof(identities[0]));
    tcase_add_test(tcase, quirks_are_read_by_name);
    tcase_add_test(tcase, key_hashes_are_read_or_refused_whole);
}

int main(void)
{
    return support_run("directory", add);
}
