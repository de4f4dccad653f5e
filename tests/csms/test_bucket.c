/* test_bucket.c - token buckets: the edge of each, the rate, and a flood of keys. */
#include "csms/core/bucket.h"
#include "csms/ws_peers.h"
#include "tests/csms/support.h"

#include <string.h>

static const struct core_rate rate = { .per_minute = 60, .burst = 5 };

static struct core_address address(uint32_t n)
{
    struct core_address address = { { [10] = 0xff, [11] = 0xff } };

    memcpy(address.bytes + 12, &n, sizeof(n));
    return address;
}

static unsigned take_all(struct core_buckets *buckets, uint32_t key, uint64_t now_ms)
{
    struct core_address who = address(key);
    unsigned n = 0;

    while (core_buckets_take(buckets, &who, rate, now_ms))
        n++;
    return n;
}

START_TEST(a_burst_passes_and_one_more_does_not)
{
    struct core_buckets *buckets = core_buckets_new(64, 1);

    ck_assert_uint_eq(take_all(buckets, 1, 1000), 5);
    ck_assert_uint_eq(take_all(buckets, 1, 1000), 0);
    ck_assert_uint_eq(take_all(buckets, 2, 1000), 5);
    core_buckets_free(buckets);
}
END_TEST

START_TEST(tokens_come_back_at_the_rate_and_not_above_the_burst)
{
    struct core_buckets *buckets = core_buckets_new(64, 1);

    ck_assert_uint_eq(take_all(buckets, 1, 1000), 5);
    ck_assert_uint_eq(take_all(buckets, 1, 1999), 0);
    ck_assert_uint_eq(take_all(buckets, 1, 2000), 1);
    ck_assert_uint_eq(take_all(buckets, 1, 5000), 3);
    ck_assert_uint_eq(take_all(buckets, 1, 1000000), 5);
    core_buckets_free(buckets);
}
END_TEST

START_TEST(a_flood_of_other_keys_can_only_make_it_forget)
{
    struct core_buckets *buckets = core_buckets_new(64, 1);

    for (uint32_t key = 100; key < 100000; key++)
        ck_assert_uint_eq(take_all(buckets, key, 1000), 5);
    ck_assert_uint_eq(take_all(buckets, 1, 1000), 5);
    core_buckets_free(buckets);
}
END_TEST

START_TEST(the_emptiest_bucket_is_kept_longest)
{
    struct core_buckets *buckets = core_buckets_new(8, 1); /* one row */
    struct core_address who;

    ck_assert_uint_eq(take_all(buckets, 1, 1000), 5);
    for (uint32_t key = 100; key < 1000; key++) {
        who = address(key);
        ck_assert(core_buckets_take(buckets, &who, rate, 1000));
    }
    ck_assert_uint_eq(take_all(buckets, 1, 1000), 0);
    core_buckets_free(buckets);
}
END_TEST

START_TEST(loopback_is_told_apart)
{
    static const struct {
        uint8_t bytes[16];
        bool loopback;
    } cases[] = {
        { { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 }, true },
        { { [10] = 0xff, [11] = 0xff, [12] = 127, [13] = 9, [15] = 9 }, true },
        { { [10] = 0xff, [11] = 0xff, [12] = 126, [15] = 1 }, false },
        { { [15] = 1 }, true },
        { { [15] = 2 }, false },
        { { [0] = 0xfe, [15] = 1 }, false },
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct core_address who;

        memcpy(who.bytes, cases[i].bytes, sizeof(who.bytes));
        ck_assert(core_address_is_loopback(&who) == cases[i].loopback);
    }
}
END_TEST

START_TEST(an_ipv6_network_is_one_party_and_an_ipv4_address_is_one)
{
    static const struct {
        uint8_t a[16], b[16];
        bool same;
    } cases[] = {
        { { 0x20, 1, [7] = 1, [15] = 1 }, { 0x20, 1, [7] = 1, [8] = 9, [15] = 2 }, true },
        { { 0x20, 1, [7] = 1 }, { 0x20, 1, [7] = 2 }, false },
        { { [10] = 0xff, 0xff, 10, 0, 0, 1 }, { [10] = 0xff, 0xff, 10, 0, 0, 2 }, false },
        { { [15] = 1 }, { [15] = 2 }, false }, /* this machine is spared, its network is not */
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct core_buckets *buckets = core_buckets_new(64, 1);
        struct ws_peers *peers = ws_peers_new(1);
        struct core_address a, b;

        memcpy(a.bytes, cases[i].a, sizeof(a.bytes));
        memcpy(b.bytes, cases[i].b, sizeof(b.bytes));
        for (uint32_t n = 0; n < rate.burst; n++)
            ck_assert(core_buckets_take(buckets, &a, rate, 1000));
        ck_assert(core_buckets_take(buckets, &b, rate, 1000) != cases[i].same);
        ck_assert((ws_peers_get(peers, &a) == ws_peers_get(peers, &b)) == cases[i].same);
        ck_assert_ptr_eq(ws_peers_find(peers, &b), ws_peers_get(peers, &b));
        ws_peers_free(peers);
        core_buckets_free(buckets);
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, a_burst_passes_and_one_more_does_not);
    tcase_add_test(tcase, tokens_come_back_at_the_rate_and_not_above_the_burst);
    tcase_add_test(tcase, a_flood_of_other_keys_can_only_make_it_forget);
    tcase_add_test(tcase, the_emptiest_bucket_is_kept_longest);
    tcase_add_test(tcase, loopback_is_told_apart);
    tcase_add_test(tcase, an_ipv6_network_is_one_party_and_an_ipv4_address_is_one);
}

int main(void)
{
    return support_run("bucket", add);
}
