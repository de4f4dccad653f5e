/* test_decimal.c - decimals from text and back, exactly. */
#include "ocpp/decimal.h"
#include "tests/ocpp/support.h"

#include <inttypes.h>
#include <string.h>

static const struct {
    const char *text;
    int scale;
    enum ocpp_decimal_result expected;
    int64_t value;
} reads[] = {
    {"0", 0, OCPP_DECIMAL_OK, 0},
    {"-0", 0, OCPP_DECIMAL_OK, 0},
    {"108178", 0, OCPP_DECIMAL_OK, 108178},
    {"108178", 3, OCPP_DECIMAL_OK, 108178000},
    {"7.4", 3, OCPP_DECIMAL_OK, 7400},
    {"-7.4", 3, OCPP_DECIMAL_OK, -7400},
    {"+7.4", 3, OCPP_DECIMAL_OK, 7400},
    {"8.1", 6, OCPP_DECIMAL_OK, 8100000},
    {"12.0", 0, OCPP_DECIMAL_OK, 12},
    {"12.000000000000000000000000000000", 0, OCPP_DECIMAL_OK, 12},
    {"1.2e1", 0, OCPP_DECIMAL_OK, 12},
    {"120E-1", 0, OCPP_DECIMAL_OK, 12},
    {"1e3", 3, OCPP_DECIMAL_OK, 1000000},
    {"1.5E+2", 0, OCPP_DECIMAL_OK, 150},
    {"0.001", 3, OCPP_DECIMAL_OK, 1},
    {"0.0010", 3, OCPP_DECIMAL_OK, 1},
    {"000012", 0, OCPP_DECIMAL_OK, 12},
    {".5", 1, OCPP_DECIMAL_OK, 5},
    {"5.", 0, OCPP_DECIMAL_OK, 5},
    {"16,1", 1, OCPP_DECIMAL_OK, 161},
    {"0,125", 3, OCPP_DECIMAL_OK, 125}, /* no thousands begin with a zero */
    {"1,2345", 4, OCPP_DECIMAL_OK, 12345},
    {"1.234", 3, OCPP_DECIMAL_OK, 1234},
    {"  16.1\t", 1, OCPP_DECIMAL_OK, 161},
    {"0e999999999999999999999", 0, OCPP_DECIMAL_OK, 0},
    {"0.000000000000000000000000000000000000000001e42", 0, OCPP_DECIMAL_OK, 1},
    {"1000000000000000000000000000000000000000000e-42", 0, OCPP_DECIMAL_OK, 1},
    {"9223372036854775807", 0, OCPP_DECIMAL_OK, INT64_MAX},
    {"-9223372036854775808", 0, OCPP_DECIMAL_OK, INT64_MIN},
    {"9007199254740993", 0, OCPP_DECIMAL_OK, INT64_C(9007199254740993)},
    {"9223372036854.775807", 6, OCPP_DECIMAL_OK, INT64_MAX},
    {"0.9223372036854775807", 18, OCPP_DECIMAL_INEXACT, 0},
    {"9223372036854775808", 0, OCPP_DECIMAL_RANGE, 0},
    {"-9223372036854775809", 0, OCPP_DECIMAL_RANGE, 0},
    {"18446744073709551616", 0, OCPP_DECIMAL_RANGE, 0},
    {"9223372036854.775808", 6, OCPP_DECIMAL_RANGE, 0},
    {"1e400", 0, OCPP_DECIMAL_RANGE, 0},
    {"1e19", 0, OCPP_DECIMAL_RANGE, 0},
    {"1e999999999999999999999", 0, OCPP_DECIMAL_RANGE, 0},
    {"7777777777777777777777777777777777777777777777777777777777777777777777", 0,
        OCPP_DECIMAL_RANGE, 0},
    {"1.5", 0, OCPP_DECIMAL_INEXACT, 0},
    {"0.0001", 3, OCPP_DECIMAL_INEXACT, 0},
    {"1e-1", 0, OCPP_DECIMAL_INEXACT, 0},
    {"1e-400", 18, OCPP_DECIMAL_INEXACT, 0},
    {"8.10000001", 6, OCPP_DECIMAL_INEXACT, 0},
    {"99999999999999999999.5", 0, OCPP_DECIMAL_INEXACT, 0},
    {"", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"  ", 0, OCPP_DECIMAL_SYNTAX, 0},
    {".", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"-", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"+-1", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"1.2.3", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"1,234.5", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"108,000", 6, OCPP_DECIMAL_SYNTAX, 0},
    {"-1,234", 6, OCPP_DECIMAL_SYNTAX, 0},
    {"10,000e3", 6, OCPP_DECIMAL_SYNTAX, 0},
    {"1e", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"1e+", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"e5", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"1 2", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"0x10", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"NaN", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"null", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"Infinity", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"12 kWh", 0, OCPP_DECIMAL_SYNTAX, 0},
    {"١٢", 0, OCPP_DECIMAL_SYNTAX, 0},
};

START_TEST(each_text_is_read_exactly_or_refused)
{
    int64_t value = 4242;
    enum ocpp_decimal_result result =
        ocpp_decimal_read(reads[_i].text, strlen(reads[_i].text), reads[_i].scale, &value);

    ck_assert_msg(result == reads[_i].expected, "\"%s\": %d", reads[_i].text, (int)result);
    ck_assert_msg(value == (result == OCPP_DECIMAL_OK ? reads[_i].value : 4242), "\"%s\": %" PRId64,
        reads[_i].text, value);
}
END_TEST

static const struct {
    int64_t value;
    int scale;
    const char *expected;
} writes[] = {
    {0, 0, "0"},
    {0, 6, "0"},
    {12, 0, "12"},
    {7400, 3, "7.4"},
    {8100000, 6, "8.1"},
    {-1, 6, "-0.000001"},
    {1000000, 6, "1"},
    {120000000, 6, "120"},
    {INT64_MAX, 0, "9223372036854775807"},
    {INT64_MIN, 0, "-9223372036854775808"},
    {INT64_MIN, 18, "-9.223372036854775808"},
    {INT64_MAX, 6, "9223372036854.775807"},
    {5, 18, "0.000000000000000005"},
};

START_TEST(each_value_is_written_and_read_back)
{
    char text[OCPP_DECIMAL_BYTES];
    size_t length = ocpp_decimal_write(text, sizeof(text), writes[_i].value, writes[_i].scale);
    int64_t value;

    ck_assert_str_eq(text, writes[_i].expected);
    ck_assert_uint_eq(length, strlen(writes[_i].expected));
    ck_assert_int_eq(ocpp_decimal_read(text, length, writes[_i].scale, &value), OCPP_DECIMAL_OK);
    ck_assert_int_eq(value, writes[_i].value);
    ck_assert_uint_eq(ocpp_decimal_write(text, length, writes[_i].value, writes[_i].scale), 0);
    ck_assert_uint_eq(
        ocpp_decimal_write(text, length + 1, writes[_i].value, writes[_i].scale), length);
}
END_TEST

START_TEST(any_value_at_any_scale_survives_a_round_trip)
{
    uint64_t state = 1;

    for (int i = 0; i < 20000; i++) {
        char text[OCPP_DECIMAL_BYTES];
        int64_t value, again = 0;
        int scale = i % (OCPP_DECIMAL_SCALE_MAX + 1);
        size_t length;

        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        value = (int64_t)(state >> (i % 60)) * (i % 2 == 0 ? 1 : -1);
        length = ocpp_decimal_write(text, sizeof(text), value, scale);
        ck_assert_uint_gt(length, 0);
        ck_assert_int_eq(ocpp_decimal_read(text, length, scale, &again), OCPP_DECIMAL_OK);
        ck_assert_msg(again == value, "%s", text);
    }
}
END_TEST

int main(void)
{
    const struct support_test tests[] = {
        {each_text_is_read_exactly_or_refused, COUNT(reads)},
        {each_value_is_written_and_read_back, COUNT(writes)},
        {any_value_at_any_scale_survives_a_round_trip, 1},
    };

    return support_run("decimal", tests, COUNT(tests));
}
