/* decimal.c - exact decimal numbers: a mantissa without zeros at either end, and a power of ten.
 *
 * Once trailing zeros are gone the last digit is not zero, so a negative power always loses
 * something, and a positive one either fits or does not: no case needs more than 64 bits.
 */
#include "ocpp/decimal.h"

#include <assert.h>
#include <string.h>

/* An exponent beyond this decides the result whatever the digits: the text would have to be longer
 * than any limit of the gate to make up for it. */
enum { EXPONENT_MAX = 100000000 };

struct number {
    uint64_t mantissa;
    int64_t power; /* of ten */
    int64_t zeros; /* seen since the last digit that was not zero */
    bool overflow; /* more digits than 64 bits hold, not counting zeros at the end */
    bool negative;
};

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

static bool is_digit(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

static void push_digit(struct number *n, unsigned digit)
{
    if (digit == 0) {
        n->zeros += n->mantissa != 0 || n->overflow;
        return;
    }
    for (; n->zeros > 0 && !n->overflow; n->zeros--)
        n->overflow = __builtin_mul_overflow(n->mantissa, 10u, &n->mantissa);
    n->overflow = n->overflow || __builtin_mul_overflow(n->mantissa, 10u, &n->mantissa) ||
                  __builtin_add_overflow(n->mantissa, digit, &n->mantissa);
    n->zeros = 0;
}

/* Digits with at most one point or comma among them.  NULL: no digit at all, or one of the numbers
 * that mean two things: in 108,000 the comma may divide thousands as well. */
static const char *read_digits(const char *p, const char *end, struct number *n)
{
    bool any = false, whole = false;
    char point = '\0';

    for (; p < end; p++) {
        if (is_digit(p, end)) {
            any = true;
            n->power -= point != '\0';
            push_digit(n, (unsigned)(*p - '0'));
        } else if ((*p == '.' || *p == ',') && point == '\0') {
            point = *p;
            whole = n->mantissa != 0 || n->overflow;
        } else {
            break;
        }
    }
    return any && !(point == ',' && whole && n->power == -3) ? p : NULL;
}

static const char *read_exponent(const char *p, const char *end, struct number *n)
{
    int64_t exponent = 0;
    bool negative;

    if (p == end || (*p != 'e' && *p != 'E'))
        return p;
    p++;
    negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (!is_digit(p, end))
        return NULL;
    for (; is_digit(p, end); p++)
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (*p - '0');
    n->power += negative ? -exponent : exponent;
    return p;
}

static bool read_number(const char *text, size_t length, struct number *n)
{
    const char *end = text + length;
    const char *p = skip_blanks(text, end);

    n->negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    p = read_digits(p, end, n);
    if (p != NULL)
        p = read_exponent(p, end, n);
    return p != NULL && skip_blanks(p, end) == end;
}

enum ocpp_decimal_result ocpp_decimal_read(const char *text, size_t length, int scale, int64_t *ret)
{
    struct number n = {0};

    assert(scale >= 0 && scale <= OCPP_DECIMAL_SCALE_MAX);
    if (!read_number(text, length, &n))
        return OCPP_DECIMAL_SYNTAX;
    if (n.mantissa == 0 && !n.overflow) {
        *ret = 0;
        return OCPP_DECIMAL_OK;
    }
    n.power += scale + n.zeros;
    if (n.power < 0)
        return OCPP_DECIMAL_INEXACT;
    for (; n.power > 0 && !n.overflow; n.power--)
        n.overflow = __builtin_mul_overflow(n.mantissa, 10u, &n.mantissa);
    if (n.overflow || n.mantissa > (uint64_t)INT64_MAX + n.negative)
        return OCPP_DECIMAL_RANGE;
    *ret = (int64_t)(n.negative ? 0 - n.mantissa : n.mantissa);
    return OCPP_DECIMAL_OK;
}

size_t ocpp_decimal_write(char *buf, size_t size, int64_t value, int scale)
{
    char text[OCPP_DECIMAL_BYTES];
    char *end = text + sizeof(text), *p = end;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int place = 0;

    assert(scale >= 0 && scale <= OCPP_DECIMAL_SCALE_MAX);
    for (; place < scale && rest % 10 == 0; place++)
        rest /= 10;
    for (; place < scale; place++, rest /= 10)
        *--p = (char)('0' + rest % 10);
    if (p != end)
        *--p = '.';
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        *--p = '-';
    if ((size_t)(end - p) >= size)
        return 0;
    memcpy(buf, p, (size_t)(end - p));
    buf[end - p] = '\0';
    return (size_t)(end - p);
}
