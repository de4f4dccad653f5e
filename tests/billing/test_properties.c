/* test_properties.c - what holds of every session, tried on 100,000 random ones.
 *
 * The seed is fixed, so that a failure repeats; JOULEBOOK_SEED sets another. Each session has a
 * tariff, readings and states drawn from it; each property is checked on all of them.
 */
#include "kit.h"

#include "billing/evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 100000, READINGS = 12, STATES = 3 };
static const int64_t origin = INT64_C(1767225600) * BILL_SECOND_US; /* 2026-01-01 */

static uint64_t state;

/* splitmix64 */
static uint64_t next(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int64_t below(int64_t most)
{
    return (int64_t)(next() % (uint64_t)most);
}

static bool chance(int percent)
{
    return below(100) < percent;
}

static void seed_with(uint64_t number)
{
    const char *text = getenv("JOULEBOOK_SEED");

    state = (text != NULL ? strtoull(text, NULL, 10) : 20261124) * 1000003 + number;
}

/* A session: what a pile told of one charge. */
struct session {
    int64_t start_us, stop_us;
    unsigned reading_count, state_count;
    struct bill_reading readings[READINGS];
    struct {
        int64_t at_us;
        enum bill_state state;
    } states[STATES];
};

static struct kit k;
static struct session s;

static void random_component(enum bill_dimension dimension, enum bill_charge charge)
{
    static const int32_t rates[] = {0, 60000, 130000, 52000};
    struct bill_component *c = kit_component(&k.tariff, dimension, below(3000000));

    c->charge = charge;
    c->vat_given = true;
    c->vat_ppm = rates[below(4)];
    c->step = chance(80) ? 1 : below(900);
    if (chance(5))
        c->cap_micro = below(20000000);
    if (chance(5) && dimension == BILL_ENERGY)
        c->factor_ppm = 900000 + below(300000);
}

static void random_element(void)
{
    struct bill_restrictions *w = &kit_element(&k.tariff)->when;

    if (chance(70)) {
        w->start_minute = (int32_t)below(1440);
        w->end_minute = (int32_t)((w->start_minute + 1 + below(1438)) % 1440 + 1);
        if (w->end_minute == w->start_minute)
            w->end_minute = 1440;
    }
    if (chance(10))
        w->energy_mwh.max = 1 + below(40 * KIT_KWH);
    if (chance(10))
        w->duration_us.min = below(4 * KIT_HOUR);
    if (chance(10))
        w->weekdays = (uint8_t)(1 + below(127));
    random_component(BILL_ENERGY, BILL_ENERGY_ELEC);
    if (chance(60))
        random_component(BILL_ENERGY, BILL_ENERGY_SERVICE);
    if (chance(20))
        random_component(BILL_FLAT, BILL_START_FEE);
    if (chance(30))
        random_component(BILL_PARKING_TIME, BILL_OCCUPANCY);
}

static void random_limits(void)
{
    if (chance(15)) {
        k.tariff.max_price.net_micro = below(60000000);
        if (chance(50))
            k.tariff.max_price.gross_micro = k.tariff.max_price.net_micro + below(5000000);
    } else if (chance(15)) {
        k.tariff.min_price.net_micro = below(20000000);
        if (chance(50))
            k.tariff.min_price.gross_micro = k.tariff.min_price.net_micro + below(5000000);
    }
}

static void random_export(void)
{
    kit_element(&k.tariff)->direction = BILL_EXPORT;
    kit_component(&k.tariff, BILL_ENERGY, below(1000000))->charge = BILL_V2G_BASE;
    if (chance(50))
        kit_component(&k.tariff, BILL_ENERGY, below(500000))->charge = BILL_SUBSIDY;
}

static void random_tariff(void)
{
    memset(&k, 0, offsetof(struct kit, rate));
    kit_tariff(&k.tariff);
    k.offset.offset_s = (int32_t)(below(27) - 12) * 3600;
    if (chance(40))
        k.tariff.tax = BILL_TAX_GROSS;
    for (int64_t i = below(4); i >= 0; i--)
        random_element();
    random_limits();
    if (chance(30))
        random_export();
    kit_seal(&k.tariff);
}

static void random_session(void)
{
    int64_t import = below(1000) * KIT_KWH, export = below(100) * KIT_KWH;
    int64_t at = s.start_us = origin + below(7 * 86400) * KIT_S;

    s.reading_count = (unsigned)(2 + below(READINGS - 1));
    for (unsigned i = 0; i < s.reading_count; i++) {
        s.readings[i] =
            (struct bill_reading){at, import, export, BILL_ABSENT, BILL_ABSENT, BILL_CONTEXT_OTHER};
        at += below(10) == 0 ? 0 : below(2 * KIT_HOUR);
        import += chance(80) ? below(8000) * 1000 : below(KIT_KWH);
        export += chance(20) ? below(KIT_KWH) : 0;
    }
    s.stop_us = s.readings[s.reading_count - 1].at_us;
    s.state_count = (unsigned)below(STATES + 1);
    for (unsigned i = 0; i < s.state_count; i++) {
        int64_t span = s.stop_us - s.start_us + 1;

        s.states[i].at_us = s.start_us + span * (i + 1) / (STATES + 1);
        s.states[i].state = (enum bill_state)below(3);
    }
}

static void run(void)
{
    unsigned told = 0;

    kit_open(&k, s.start_us);
    for (unsigned i = 0; i < s.reading_count; i++) {
        while (told < s.state_count && s.states[told].at_us < s.readings[i].at_us) {
            ck_assert_int_eq(bill_split_state(&k.split, s.states[told].at_us, s.states[told].state),
                BILL_SPLIT_OK);
            told++;
        }
        ck_assert_int_eq(bill_split_reading(&k.split, &s.readings[i]), BILL_SPLIT_OK);
    }
    kit_total(&k); /* lines, groups, codes and totals add up */
}

static int64_t used(void)
{
    return s.readings[s.reading_count - 1].import_mwh - s.readings[0].import_mwh;
}

static int64_t given(void)
{
    return s.readings[s.reading_count - 1].export_mwh - s.readings[0].export_mwh;
}

static bool covers(enum bill_direction direction)
{
    for (unsigned i = 0; i < k.tariff.element_count; i++) {
        const struct bill_element *e = &k.tariff.elements[i];
        struct bill_restrictions any = bill_element_default().when;

        if (e->direction == direction && memcmp(&e->when, &any, sizeof(any)) == 0)
            return true;
    }
    return false;
}

/* What was metered is the registers' difference, in each direction, never netted. */
static void check_energy(void)
{
    int64_t import = 0, export = 0;

    for (unsigned i = 0; i < k.bill.line_count; i++) {
        const struct bill_line *line = &k.bill.lines[i];

        if (line->kind != BILL_LINE_PRICE || line->dimension != BILL_ENERGY)
            continue;
        if (line->charge == BILL_ENERGY_ELEC)
            import += line->metered;
        if (line->charge == BILL_V2G_BASE)
            export += line->metered;
    }
    ck_assert_int_eq(k.bill.import_mwh, used());
    ck_assert_int_eq(k.bill.export_mwh, given());
    ck_assert_int_le(import, used());
    if (covers(BILL_IMPORT))
        ck_assert_int_eq(import, used());
    if (covers(BILL_EXPORT))
        ck_assert_int_eq(export, given());
}

/* Within the limits, never negative, no credit without export. */
static void check_money(void)
{
    const struct bill_side *c = &k.bill.charge;
    const struct bill_bounds *min = &k.tariff.min_price, *max = &k.tariff.max_price;

    ck_assert_int_ge(c->net_minor, 0);
    ck_assert_int_ge(c->gross_minor, c->net_minor);
    for (unsigned i = 0; i < c->group_count; i++)
        ck_assert_int_ge(c->groups[i].vat_minor, 0);
    if (given() == 0)
        ck_assert_int_eq(k.bill.credit.gross_minor, 0);
    if (!k.rate.begun)
        return;
    ck_assert_int_ge(c->net_micro, min->net_micro);
    ck_assert_int_ge(c->gross_micro, min->gross_micro);
    ck_assert_int_ge(c->net_minor * 10000, min->net_micro);
    ck_assert_int_ge(c->gross_minor * 10000, min->gross_micro);
    if (max->net_micro != BILL_ABSENT)
        ck_assert_int_le(c->net_minor * 10000, max->net_micro);
    if (max->gross_micro != BILL_ABSENT)
        ck_assert_int_le(c->gross_minor * 10000, max->gross_micro);
}

static void draw(uint64_t number)
{
    seed_with(number);
    random_tariff();
    random_session();
}

START_TEST(energy_and_money_of_every_session_add_up)
{
    unsigned limited = 0, credited = 0, lines = 0;

    for (uint64_t n = 0; n < SESSIONS; n++) {
        draw(n);
        run();
        check_energy();
        check_money();
        limited += k.bill.limit != BILL_LINE_PRICE;
        credited += k.bill.credit.gross_minor > 0;
        lines += k.bill.line_count;
    }
    /* the sessions are not all alike */
    ck_assert_uint_gt(limited, SESSIONS / 50);
    ck_assert_uint_gt(credited, SESSIONS / 50);
    ck_assert_uint_gt(lines, 2 * SESSIONS);
}
END_TEST

/* Without limits, steps and restrictions on quantity, whose total may fall when more is used. */
static void plain_tariff(void)
{
    k.tariff.min_price = k.tariff.max_price = (struct bill_bounds){BILL_ABSENT, BILL_ABSENT};
    for (unsigned i = 0; i < k.tariff.element_count; i++)
        k.tariff.elements[i].when.energy_mwh = (struct bill_range){BILL_ABSENT, BILL_ABSENT};
    for (unsigned i = 0; i < k.tariff.component_count; i++)
        k.tariff.components[i].step =
            k.tariff.components[i].step > 1 ? 1 : k.tariff.components[i].step;
    kit_seal(&k.tariff);
}

/* A limit on the net amount alone takes the gross one along by the mix of VAT rates, and a higher
 * price at a low rate changes that mix: limits are taken in pairs here. */
static void pair_limits(void)
{
    struct bill_bounds *all[] = {&k.tariff.min_price, &k.tariff.max_price};

    for (unsigned i = 0; i < 2; i++) {
        if (all[i]->gross_micro == BILL_ABSENT && all[i]->net_micro != BILL_ABSENT)
            all[i]->gross_micro = all[i]->net_micro + all[i]->net_micro / 10;
    }
    kit_seal(&k.tariff);
}

START_TEST(a_higher_price_never_lowers_a_charge)
{
    for (uint64_t n = 0; n < SESSIONS / 20; n++) {
        struct bill_component *c;
        int64_t was;

        draw(n);
        pair_limits();
        run();
        was = k.bill.charge.gross_minor;
        c = &k.tariff.components[below(k.tariff.component_count)];
        c->price_micro += below(500000);
        kit_seal(&k.tariff);
        run();
        ck_assert_int_ge(k.bill.charge.gross_minor, was);
    }
}
END_TEST

START_TEST(more_energy_never_costs_less)
{
    for (uint64_t n = 0; n < SESSIONS / 20; n++) {
        int64_t was, more;

        draw(n);
        plain_tariff();
        run();
        was = k.bill.charge.gross_minor;
        more = below(5 * KIT_KWH);
        /* a start fee that began with the energy, and steps, may not go backwards either */
        for (unsigned i = s.reading_count / 2; i < s.reading_count; i++)
            s.readings[i].import_mwh += more;
        run();
        ck_assert_int_ge(k.bill.charge.gross_minor, was);
    }
}
END_TEST

/* Puts one more reading on the straight line of an interval whose energy divides evenly. */
static bool split_somewhere(void)
{
    unsigned i = (unsigned)below(s.reading_count - 1);
    struct bill_reading *a = &s.readings[i], *b = &s.readings[i + 1], middle;

    if (s.reading_count == READINGS || b->at_us == a->at_us ||
        (b->import_mwh - a->import_mwh) % 2 != 0 || (b->export_mwh - a->export_mwh) % 2 != 0 ||
        (b->at_us - a->at_us) % 2 != 0)
        return false;
    middle = *a;
    middle.at_us += (b->at_us - a->at_us) / 2;
    middle.import_mwh += (b->import_mwh - a->import_mwh) / 2;
    middle.export_mwh += (b->export_mwh - a->export_mwh) / 2;
    memmove(b + 1, b, (s.reading_count - i - 1) * sizeof(*b));
    *b = middle;
    s.reading_count++;
    return true;
}

START_TEST(one_more_reading_at_constant_power_changes_nothing)
{
    unsigned tried = 0;

    for (uint64_t n = 0; n < SESSIONS / 10; n++) {
        int64_t net, gross, credit;

        draw(n);
        run();
        net = k.bill.charge.net_micro;
        gross = k.bill.charge.gross_micro;
        credit = k.bill.credit.gross_micro;
        if (!split_somewhere())
            continue;
        tried++;
        run();
        /* Pieces are whole mWh, cut down: at each of a few boundaries one mWh may fall on the
         * other side, at a difference of prices of 3 at most, twice with VAT, factor and codes. */
        ck_assert_int_le(llabs(k.bill.charge.net_micro - net), 60);
        ck_assert_int_le(llabs(k.bill.charge.gross_micro - gross), 60);
        ck_assert_int_le(llabs(k.bill.credit.gross_micro - credit), 60);
    }
    ck_assert_uint_gt(tried, SESSIONS / 200);
}
END_TEST

static uint64_t digest(uint64_t hash, int64_t value)
{
    for (int i = 0; i < 8; i++)
        hash = (hash ^ ((uint64_t)value >> (8 * i) & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t digest_bills(void)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (uint64_t n = 0; n < 5000; n++) {
        state = n; /* whatever the seed: the digest below is of these sessions */
        random_tariff();
        random_session();
        run();
        for (unsigned i = 0; i < k.bill.line_count; i++) {
            const struct bill_line *line = &k.bill.lines[i];
            const int64_t values[] = {line->kind, line->charge, line->component, line->from_us,
                line->to_us, line->quantity, line->net_micro, line->vat_micro, line->amount_minor};

            for (unsigned v = 0; v < sizeof(values) / sizeof(values[0]); v++)
                hash = digest(hash, values[v]);
        }
        hash = digest(hash, k.bill.charge.net_minor);
    }
    return hash;
}

/* The same in every build: gcc and clang, with and without optimizer and sanitizers. */
START_TEST(the_same_sessions_give_the_same_bills_in_every_build)
{
    uint64_t hash = digest_bills();

    ck_assert_uint_eq(hash, digest_bills());
    ck_assert_msg(hash == UINT64_C(0xdb96a3d7e7295531), "the bills' digest is 0x%016" PRIx64, hash);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("billing properties");
    TCase *tcase = tcase_create("properties");

    tcase_set_timeout(tcase, 280);
    tcase_add_test(tcase, energy_and_money_of_every_session_add_up);
    tcase_add_test(tcase, a_higher_price_never_lowers_a_charge);
    tcase_add_test(tcase, more_energy_never_costs_less);
    tcase_add_test(tcase, one_more_reading_at_constant_power_changes_nothing);
    tcase_add_test(tcase, the_same_sessions_give_the_same_bills_in_every_build);
    suite_add_tcase(suite, tcase);
    return kit_main(suite);
}
