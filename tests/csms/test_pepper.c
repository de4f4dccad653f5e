/* test_pepper.c - the pepper file and the hash, whose value other programs must get too. */
#include "csms/pepper.h"
#include "tests/csms/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], file[96], why[256];

static void set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/joulebook-pepper-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/pepper", folder);
    why[0] = '\0';
}

static void tear_down(void)
{
    unlink(file);
    rmdir(folder);
}

static void write_file(size_t length, mode_t mode)
{
    FILE *out = fopen(file, "w");

    for (size_t i = 0; i < length; i++)
        fputc((int)i, out);
    fclose(out);
    chmod(file, mode);
}

START_TEST(a_missing_file_is_made_once_and_kept)
{
    struct pepper first, second, zero = { { 0 } };
    struct stat st;

    ck_assert_msg(pepper_load(&first, file, why), "%s", why);
    ck_assert_int_eq(stat(file, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(st.st_size, PEPPER_BYTES);
    ck_assert(pepper_load(&second, file, why));
    ck_assert_mem_eq(first.bytes, second.bytes, PEPPER_BYTES);
    ck_assert_mem_ne(first.bytes, zero.bytes, PEPPER_BYTES);
    pepper_done(&first);
    ck_assert_mem_eq(first.bytes, zero.bytes, PEPPER_BYTES);
}
END_TEST

START_TEST(what_a_crash_left_half_made_hinders_nobody)
{
    static const char *const endings[] = { "new", "000000", "aaaaaa" };
    struct pepper pepper;
    char part[128];

    for (unsigned i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        FILE *out;

        snprintf(part, sizeof(part), "%s.%s", file, endings[i]);
        out = fopen(part, "w");
        ck_assert_ptr_nonnull(out);
        fputs("half a pepper", out);
        fclose(out);
        ck_assert_msg(pepper_load(&pepper, file, why), "%s", why);
        unlink(part);
        unlink(file);
    }
    ck_assert_int_eq(rmdir(folder), 0); /* and nothing half made is left by the load itself */
    ck_assert_int_eq(mkdir(folder, 0700), 0);
}
END_TEST

START_TEST(a_file_that_cannot_be_trusted_is_refused_with_the_reason)
{
    struct pepper pepper;
    char link_name[128];

    write_file(32, 0640);
    ck_assert(!pepper_load(&pepper, file, why));
    ck_assert_ptr_nonnull(strstr(why, "others may read it"));
    write_file(31, 0600);
    ck_assert(!pepper_load(&pepper, file, why));
    ck_assert_ptr_nonnull(strstr(why, "32 bytes"));
    write_file(33, 0600);
    ck_assert(!pepper_load(&pepper, file, why));
    write_file(32, 0600);
    ck_assert(pepper_load(&pepper, file, why));
    snprintf(link_name, sizeof(link_name), "%s/link", folder);
    ck_assert_int_eq(symlink(file, link_name), 0);
    ck_assert(!pepper_load(&pepper, link_name, why));
    ck_assert_ptr_nonnull(strstr(why, "name the file itself"));
    unlink(link_name);
    ck_assert(!pepper_load(&pepper, "/nonexistent/pepper", why));
    ck_assert_ptr_nonnull(strstr(why, "No such file"));
    ck_assert(!pepper_load(&pepper, folder, why));
}
END_TEST

START_TEST(a_file_that_could_not_be_made_is_refused_before_and_left_unmade)
{
    char elsewhere[128];

    ck_assert_msg(pepper_check(file, why), "%s", why);
    snprintf(elsewhere, sizeof(elsewhere), "%s/none/pepper", folder);
    ck_assert(!pepper_check(elsewhere, why));
    ck_assert_ptr_nonnull(strstr(why, "make it, mode 0700"));
    ck_assert_int_eq(chmod(folder, 0555), 0);
    ck_assert_int_eq(seteuid(geteuid() ? geteuid() : 65534), 0); /* root may write anywhere */
    ck_assert(!pepper_check(file, why));
    ck_assert_ptr_nonnull(strstr(why, "cannot be made in its folder; let csmsd's user"));
    ck_assert_int_eq(seteuid(getuid()), 0);
    ck_assert_int_eq(chmod(folder, 0700), 0);
    ck_assert_int_ne(access(file, F_OK), 0);
}
END_TEST

/* python3: hmac.new(bytes(range(32)), b'AL1000\0' + key, 'sha256').hexdigest() */
START_TEST(the_hash_is_hmac_sha256_of_identity_nul_key)
{
    static const uint8_t key[20] = { 0, 1, 2, 3, 4, 5, 6, 7, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255 };
    struct pepper pepper;
    uint8_t hash[PEPPER_HASH];
    char hex[2 * PEPPER_HASH + 1];

    for (unsigned i = 0; i < PEPPER_BYTES; i++)
        pepper.bytes[i] = (uint8_t)i;
    pepper_hash(&pepper, "AL1000", key, sizeof(key), hash);
    for (unsigned i = 0; i < PEPPER_HASH; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    ck_assert_str_eq(hex, "aafd8bf70d907116c714ac678fb4ef4f65b1bc6f56d39f454657930f840b04f5");
}
END_TEST

START_TEST(keys_are_40_upper_case_hex_digits_and_differ)
{
    char a[2 * PEPPER_KEY + 1], b[2 * PEPPER_KEY + 1];

    ck_assert(pepper_key_make(a) && pepper_key_make(b));
    ck_assert_uint_eq(strlen(a), 40);
    ck_assert_uint_eq(strspn(a, "0123456789ABCDEF"), 40);
    ck_assert_str_ne(a, b);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_missing_file_is_made_once_and_kept);
    tcase_add_test(tcase, what_a_crash_left_half_made_hinders_nobody);
    tcase_add_test(tcase, a_file_that_cannot_be_trusted_is_refused_with_the_reason);
    tcase_add_test(tcase, a_file_that_could_not_be_made_is_refused_before_and_left_unmade);
    tcase_add_test(tcase, the_hash_is_hmac_sha256_of_identity_nul_key);
    tcase_add_test(tcase, keys_are_40_upper_case_hex_digits_and_differ);
}

int main(void)
{
    return support_run("pepper", add);
}
