/* money.c - exact money in 128 bits.  Pure, no allocation, no floating point. */
#include "billing/money.h"

#include <assert.h>

static const int64_t scales[BILL_EXPONENT_MAX + 1] = {1000000, 100000, 10000, 1000, 100};

__int128 bill_list_amount(const struct bill_component *c, __int128 fine)
{
    switch (c->dimension) {
    case BILL_ENERGY: /* 1 kWh is 1e6 mWh, an hour 3.6e9 microseconds */
        return fine * c->price_micro * 3600;
    case BILL_TIME:
    case BILL_PARKING_TIME:
        return fine * c->price_micro;
    case BILL_FLAT:
        return (__int128)c->price_micro * BILL_DENOMINATOR;
    case BILL_DIMENSION_COUNT:
        break;
    }
    assert(false);
}

/* Divides in two steps: the whole millionths first, then what is left of both, so that the
 * multiplication by a VAT factor cannot overflow. */
struct bill_exact bill_exact_of(__int128 list, int64_t multiply, int64_t divide)
{
    __int128 first = list / BILL_DENOMINATOR * multiply;
    __int128 rest = first % divide * BILL_DENOMINATOR + list % BILL_DENOMINATOR * multiply;
    __int128 unit = (__int128)BILL_DENOMINATOR * divide;
    __int128 whole = first / divide + rest / unit;

    assert(list >= 0 && whole <= INT64_MAX);
    return (struct bill_exact){(int64_t)whole, (int64_t)(rest % unit * BILL_REST_WHOLE / unit)};
}

static __int128 half_away(__int128 value, int64_t divide)
{
    return value < 0 ? -((-value + divide / 2) / divide) : (value + divide / 2) / divide;
}

int64_t bill_scale(int64_t value, int64_t multiply, int64_t divide)
{
    __int128 product = (__int128)value * multiply;

    assert(divide > 0);
    /* An odd divisor has no exact half, an even one has it in divide / 2. */
    return (int64_t)half_away(product, divide);
}

int64_t bill_round(int64_t micro, unsigned exponent)
{
    assert(exponent <= BILL_EXPONENT_MAX);
    return (int64_t)half_away(micro, scales[exponent]);
}

int64_t bill_round_down(int64_t micro, unsigned exponent)
{
    assert(micro >= 0 && exponent <= BILL_EXPONENT_MAX);
    return micro / scales[exponent];
}

int64_t bill_round_up(int64_t micro, unsigned exponent)
{
    assert(micro >= 0 && exponent <= BILL_EXPONENT_MAX);
    return micro / scales[exponent] + (micro % scales[exponent] > 0);
}

void bill_share(int64_t total, const int64_t *weights, unsigned count, int64_t *ret)
{
    __int128 rest[BILL_SHARES_MAX], sum = 0;
    int64_t amount = total < 0 ? -total : total, left = amount, sign = total < 0 ? -1 : 1;

    assert(count > 0 && count <= BILL_SHARES_MAX);
    for (unsigned i = 0; i < count; i++)
        sum += weights[i];
    for (unsigned i = 0; i < count; i++) {
        __int128 product = (__int128)amount * weights[i];

        assert(weights[i] >= 0);
        ret[i] = sum > 0 ? (int64_t)(product / sum) : i == 0 ? amount : 0;
        rest[i] = sum > 0 ? product % sum : 0;
        left -= ret[i];
    }
    for (; left > 0; left--) {
        unsigned best = 0;

        for (unsigned i = 1; i < count; i++) {
            if (rest[i] > rest[best])
                best = i;
        }
        ret[best]++;
        rest[best] = -1;
    }
    for (unsigned i = 0; i < count; i++)
        ret[i] *= sign;
}

void bill_settle(int64_t total, struct bill_exact *parts, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        total -= parts[i].whole;
    assert(total >= 0 && total <= 2 * (int64_t)count);
    for (; total > 0; total--) {
        unsigned best = 0;

        for (unsigned i = 1; i < count; i++) {
            if (parts[i].rest > parts[best].rest)
                best = i;
        }
        parts[best].whole++;
        parts[best].rest -= BILL_REST_WHOLE; /* behind all that have had none yet */
    }
}
