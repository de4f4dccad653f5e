/* test_decode.c - what the decoder says of every member of every payload, one change at a time. */
#include "tests/ocpp/mutate.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAYLOADS = OCPP_ACTION_COUNT * 2 };

/* What a changed payload is expected to be. */
struct expected {
    enum ocpp_verdict verdict;
    enum ocpp_error error; /* of the first deviation that the schema knows, unless exact */
};

#define EXACT(unused) ((struct expected){OCPP_EXACT, OCPP_ERROR_COUNT})
#define TOLERATED(code) ((struct expected){OCPP_TOLERATED, OCPP_##code##_CONSTRAINT_VIOLATION})
/* Not to be understood: a required member spoils the payload, or the element of an optional list
 * that it stands in (here always the only one, and so its list); an optional one is left out. */
#define LOST(m, code)                                                                              \
    ((struct expected){spoils(m) ? OCPP_UNUSABLE : OCPP_TOLERATED,                                 \
        OCPP_##code##_CONSTRAINT_VIOLATION})

static bool spoils(const struct mutated *m)
{
    return m->field->required && !m->spared;
}

static const struct ocpp_fault *first_deviation(const struct ocpp_frame *frame)
{
    const struct ocpp_fault *fault;
    uint32_t i = 0;

    do
        fault = ocpp_frame_deviation(frame, i++);
    while (fault != NULL && fault->prose);
    return fault;
}

static void expect(const struct mutated *m, const struct mutation *mutation,
    struct expected expected, const char *path)
{
    struct support_frame f;
    const void *payload;
    enum ocpp_verdict verdict = support_payload_read(
        &f, m->text, mutation->action, mutation->confirmation, &payload);
    const struct ocpp_fault *fault = first_deviation(&f.frame);

    ck_assert_msg(verdict == expected.verdict, "%s %s: verdict %d, not %d",
        ocpp_action_name(mutation->action), m->text, (int)verdict, (int)expected.verdict);
    ck_assert_ptr_nonnull(payload);
    if (expected.verdict == OCPP_EXACT) {
        ck_assert_msg(fault == NULL, "%s: %s %s", m->text, fault->member, fault->text);
    } else {
        ck_assert_ptr_nonnull(fault);
        ck_assert_msg(fault->error == expected.error, "%s: %s at %s, not %s", m->text,
            ocpp_error_text(fault->error), fault->member, ocpp_error_text(expected.error));
        ck_assert_str_eq(fault->member, path);
        ck_assert_str_ne(fault->text, "");
    }
    support_frame_done(&f);
}

/* One payload of the catalogue a loop: `change` is called for each of its members in turn. */
static struct mutation payload_of(int loop)
{
    return (struct mutation){.action = (enum ocpp_action)(loop / 2),
        .confirmation = loop % 2 == 1, .target = UINT32_MAX};
}

static uint32_t member_count(struct mutation mutation, struct mutated *m)
{
    mutation.target = UINT32_MAX;
    mutate_write(&mutation, m);
    return m->members;
}

static void expect_value(
    struct mutation mutation, struct mutated *m, const char *value, struct expected expected)
{
    mutation.how = MUTATE_REPLACE;
    mutation.value = value;
    mutate_write(&mutation, m);
    expect(m, &mutation, expected, m->path);
}

START_TEST(every_payload_with_all_members_is_exact)
{
    struct mutation mutation = payload_of(_i);
    struct mutated m;

    mutate_write(&mutation, &m);
    expect(&m, &mutation, EXACT(), "");
}
END_TEST

START_TEST(each_required_member_that_is_missing_is_named)
{
    struct mutation mutation = payload_of(_i);
    struct mutated m;
    uint32_t count = member_count(mutation, &m);

    mutation.how = MUTATE_REMOVE;
    for (mutation.target = 0; mutation.target < count; mutation.target++) {
        mutate_write(&mutation, &m);
        expect(&m, &mutation,
            m.field->required ? LOST(&m, OCCURENCE) : EXACT(),
            m.path);
    }
}
END_TEST

START_TEST(an_unknown_member_of_any_object_is_ignored_and_named)
{
    struct mutation mutation = payload_of(_i);
    struct mutated m;
    uint32_t count = member_count(mutation, &m);

    mutation.how = MUTATE_BESIDE;
    for (mutation.target = 0; mutation.target < count; mutation.target++) {
        char path[160];

        mutate_write(&mutation, &m);
        snprintf(path, sizeof(path), "%s%sunheardOf", m.parent, *m.parent == '\0' ? "" : ".");
        expect(&m, &mutation,
            (struct expected){OCPP_TOLERATED, OCPP_FORMATION_VIOLATION}, path);
    }
}
END_TEST

/* What each kind makes of a value of another type. */
static const struct {
    const char *value;
    struct {
        bool lost;
        bool understood;
    } as[OCPP_FIELD_KIND_COUNT];
} types[] = {
#define LOSES      {true, false}
#define TAKES      {false, true}
#define FITS       {false, false}
#define ROW(text, i, b, t, d, e, s, ss, o, os)                                                     \
    {text, {[OCPP_FIELD_INT] = i, [OCPP_FIELD_BOOL] = b, [OCPP_FIELD_TIME] = t,                    \
               [OCPP_FIELD_DECIMAL] = d, [OCPP_FIELD_ENUM] = e, [OCPP_FIELD_STRING] = s,           \
               [OCPP_FIELD_STRINGS] = ss, [OCPP_FIELD_OBJECT] = o, [OCPP_FIELD_OBJECTS] = os}},
    /*               int    bool   time   decim. enum   string strs   object objects */
    ROW("null",      LOSES, LOSES, LOSES, LOSES, LOSES, LOSES, LOSES, LOSES, LOSES)
    ROW("12.0",      TAKES, LOSES, LOSES, FITS,  TAKES, TAKES, LOSES, LOSES, LOSES)
    ROW("1.2e1",     TAKES, LOSES, LOSES, FITS,  TAKES, TAKES, LOSES, LOSES, LOSES)
    ROW("1.5",       LOSES, LOSES, LOSES, FITS,  TAKES, TAKES, LOSES, LOSES, LOSES)
    ROW("1",         FITS,  TAKES, LOSES, FITS,  TAKES, TAKES, LOSES, LOSES, LOSES)
    ROW("0",         FITS,  TAKES, LOSES, FITS,  TAKES, TAKES, LOSES, LOSES, LOSES)
    ROW("\"12\"",    TAKES, LOSES, FITS,  TAKES, FITS,  FITS,  LOSES, LOSES, LOSES)
    ROW("\"true\"",  LOSES, TAKES, FITS,  LOSES, FITS,  FITS,  LOSES, LOSES, LOSES)
    ROW("\"False\"", LOSES, TAKES, FITS,  LOSES, FITS,  FITS,  LOSES, LOSES, LOSES)
    ROW("\"\"",      LOSES, LOSES, FITS,  LOSES, FITS,  FITS,  LOSES, LOSES, LOSES)
    ROW("true",      LOSES, FITS,  LOSES, LOSES, TAKES, TAKES, LOSES, LOSES, LOSES)
    ROW("{}",        LOSES, LOSES, LOSES, LOSES, TAKES, LOSES, LOSES, FITS,  LOSES)
    ROW("[]",        LOSES, LOSES, LOSES, LOSES, TAKES, LOSES, FITS,  LOSES, FITS)
#undef ROW
};

START_TEST(each_member_of_another_type_is_named)
{
    struct mutation mutation = payload_of(_i);
    struct mutated m;
    uint32_t count = member_count(mutation, &m);

    for (mutation.target = 0; mutation.target < count; mutation.target++) {
        for (size_t i = 0; i < COUNT(types); i++) {
            mutate_write(&mutation, &m);
            if (m.field->raw && (*types[i].value == '{' || *types[i].value == '['))
                expect_value(mutation, &m, types[i].value, TOLERATED(TYPE));
            else if (types[i].as[m.field->kind].lost)
                expect_value(mutation, &m, types[i].value, LOST(&m, TYPE));
            else if (types[i].as[m.field->kind].understood)
                expect_value(mutation, &m, types[i].value, TOLERATED(TYPE));
        }
    }
}
END_TEST

/* A JSON string of `count` letters of two bytes each, 65,536 bytes at most. */
static const char *string_of(uint32_t count)
{
    static char text[65536 + 3];
    char *p = text;

    *p++ = '"';
    for (uint32_t i = 0; i < count && i < 32768; i++) {
        *p++ = (char)0xC3;
        *p++ = (char)0xA9;
    }
    *p++ = '"';
    *p = '\0';
    return text;
}

START_TEST(each_string_is_exact_up_to_its_maximum_of_code_points)
{
    struct mutation mutation = payload_of(_i);
    struct mutated m;
    uint32_t count = member_count(mutation, &m);

    for (mutation.target = 0; mutation.target < count; mutation.target++) {
        mutate_write(&mutation, &m);
        if (m.field->kind != OCPP_FIELD_STRING || m.field->format == OCPP_FORMAT_URI)
            continue;
        expect_value(mutation, &m, string_of(0), EXACT());
        if (m.field->max == 0) {
            expect_value(mutation, &m, string_of(10000), EXACT());
            continue;
        }
        expect_value(mutation, &m, string_of(m.field->max), EXACT());
        expect_value(mutation, &m, string_of(m.field->max + 1), TOLERATED(PROPERTY));
        expect_value(mutation, &m, string_of(m.field->max + 3000), TOLERATED(PROPERTY));
    }
}
END_TEST

START_TEST(each_enum_takes_its_values_and_keeps_others_as_text)
{
    struct mutation mutation = payload_of(_i);
    struct mutated m;
    uint32_t count = member_count(mutation, &m);

    for (mutation.target = 0; mutation.target < count; mutation.target++) {
        char value[80];

        mutate_write(&mutation, &m);
        if (m.field->kind != OCPP_FIELD_ENUM)
            continue;
        for (int i = 0; i < ocpp_enum_count(m.field->enum_kind); i++) {
            snprintf(value, sizeof(value), "\"%s\"", ocpp_enum_text(m.field->enum_kind, i));
            expect_value(mutation, &m, value, EXACT());
            snprintf(value, sizeof(value), "\"%s \"", ocpp_enum_text(m.field->enum_kind, i));
            expect_value(mutation, &m, value, TOLERATED(PROPERTY));
            snprintf(value, sizeof(value), "\"%s\"", ocpp_enum_text(m.field->enum_kind, i));
            value[1] = (char)(isupper((unsigned char)value[1]) ? tolower((unsigned char)value[1])
                                                               : toupper((unsigned char)value[1]));
            expect_value(mutation, &m, value, TOLERATED(PROPERTY));
        }
        expect_value(mutation, &m, "\"Unheard.Of\"", TOLERATED(PROPERTY));
        expect_value(mutation, &m, "\"\"", TOLERATED(PROPERTY));
    }
}
END_TEST

START_TEST(each_time_is_exact_tolerated_or_lost)
{
    struct mutation mutation = payload_of(_i);
    struct mutated m;
    uint32_t count = member_count(mutation, &m);

    for (mutation.target = 0; mutation.target < count; mutation.target++) {
        mutate_write(&mutation, &m);
        if (m.field->kind != OCPP_FIELD_TIME)
            continue;
        expect_value(mutation, &m, "\"2026-01-31T20:00:00.123+08:00\"", EXACT());
        expect_value(mutation, &m, "\"1970-01-01T00:00:00Z\"", EXACT());
        expect_value(mutation, &m, "\"2026-01-31T12:00:00\"", TOLERATED(PROPERTY));
        expect_value(mutation, &m, "\"2026-01-31 12:00\"", TOLERATED(PROPERTY));
        expect_value(mutation, &m, "\"2026-02-30T12:00:00Z\"", LOST(&m, PROPERTY));
        expect_value(mutation, &m, "\"\"", LOST(&m, PROPERTY));
    }
}
END_TEST

START_TEST(each_number_is_exact_or_refused)
{
    struct mutation mutation = payload_of(_i);
    struct mutated m;
    uint32_t count = member_count(mutation, &m);

    for (mutation.target = 0; mutation.target < count; mutation.target++) {
        mutate_write(&mutation, &m);
        if (m.field->kind == OCPP_FIELD_INT) {
            expect_value(mutation, &m, "2147483647", EXACT());
            expect_value(mutation, &m, "2147483648", EXACT()); /* the prose minds */
            expect_value(mutation, &m, "9007199254740993", EXACT());
            expect_value(mutation, &m, "-1", EXACT());
            expect_value(mutation, &m, "-0", EXACT());
        }
        if (m.field->kind == OCPP_FIELD_DECIMAL) {
            expect_value(mutation, &m, "8.1", EXACT());
            expect_value(mutation, &m, "-8.10", EXACT());
            expect_value(mutation, &m, "81e-1", EXACT());
            expect_value(mutation, &m, "8.15", TOLERATED(PROPERTY));
            expect_value(mutation, &m, "8.100001", TOLERATED(PROPERTY));
        }
    }
}
END_TEST

/* No schema knows that numbers end, so the fault is marked as beyond it; the verdict is firm. */
START_TEST(a_number_that_cannot_be_kept_is_lost)
{
    static const char *const values[] = {"9223372036854775808", "1e400",
        "777777777777777777777777777777777777777777777777777777777777777", "-1e19"};
    struct mutation mutation = payload_of(_i);
    struct mutated m;
    uint32_t count = member_count(mutation, &m);

    mutation.how = MUTATE_REPLACE;
    for (mutation.target = 0; mutation.target < count; mutation.target++) {
        for (size_t i = 0; i < COUNT(values); i++) {
            struct support_frame f;
            const void *payload;
            enum ocpp_verdict verdict;

            mutation.value = values[i];
            mutate_write(&mutation, &m);
            if (m.field->kind != OCPP_FIELD_INT && m.field->kind != OCPP_FIELD_DECIMAL)
                continue;
            verdict = support_payload_read(
                &f, m.text, mutation.action, mutation.confirmation, &payload);
            ck_assert_int_eq(verdict, spoils(&m) ? OCPP_UNUSABLE : OCPP_TOLERATED);
            ck_assert_int_eq(
                ocpp_frame_deviation(&f.frame, 0)->error, OCPP_PROPERTY_CONSTRAINT_VIOLATION);
            ck_assert(ocpp_frame_deviation(&f.frame, 0)->prose);
            ck_assert_str_eq(ocpp_frame_deviation(&f.frame, 0)->member, m.path);
            support_frame_done(&f);
        }
    }
}
END_TEST

static void expect_array(struct mutation mutation, struct mutated *m, size_t count)
{
    char *array = mutate_array(m->field, count);
    bool too_few = count < m->field->min_items, empty = count == 0 && m->field->filled;
    struct support_frame f;
    const void *payload;
    const struct ocpp_fault *fault;

    mutation.how = MUTATE_REPLACE;
    mutation.value = array;
    mutate_write(&mutation, m);
    ck_assert_int_eq(support_payload_read(
                         &f, m->text, mutation.action, mutation.confirmation, &payload),
        too_few ? OCPP_TOLERATED : OCPP_EXACT);
    fault = ocpp_frame_deviation(&f.frame, 0);
    if (too_few || empty) {
        ck_assert_int_eq(fault->error, OCPP_OCCURENCE_CONSTRAINT_VIOLATION);
        ck_assert_int_eq(fault->prose, empty);
        ck_assert_str_eq(fault->member, m->path);
    } else {
        ck_assert_ptr_null(fault);
    }
    support_frame_done(&f);
    free(array);
}

START_TEST(each_array_takes_none_one_or_many)
{
    static const size_t counts[] = {0, 1, 2, 1000};
    struct mutation mutation = payload_of(_i);
    struct mutated m;
    uint32_t count = member_count(mutation, &m);

    for (mutation.target = 0; mutation.target < count; mutation.target++) {
        mutate_write(&mutation, &m);
        if (m.field->kind != OCPP_FIELD_STRINGS && m.field->kind != OCPP_FIELD_OBJECTS)
            continue;
        for (size_t i = 0; i < COUNT(counts); i++)
            expect_array(mutation, &m, counts[i]);
    }
}
END_TEST

START_TEST(a_list_whose_elements_are_all_of_another_type_is_lost)
{
    static const char *const values[] = {"[null]", "[[],[]]", "[[]]"};
    struct mutation mutation = payload_of(_i);
    struct mutated m;
    uint32_t count = member_count(mutation, &m);

    mutation.how = MUTATE_REPLACE;
    for (mutation.target = 0; mutation.target < count; mutation.target++) {
        for (size_t i = 0; i < COUNT(values); i++) {
            struct support_frame f;
            const void *payload;
            char path[160];

            mutation.value = values[i];
            mutate_write(&mutation, &m);
            if (m.field->kind != OCPP_FIELD_STRINGS && m.field->kind != OCPP_FIELD_OBJECTS)
                continue;
            ck_assert_int_eq(support_payload_read(&f, m.text, mutation.action,
                                 mutation.confirmation, &payload),
                spoils(&m) ? OCPP_UNUSABLE : OCPP_TOLERATED);
            snprintf(path, sizeof(path), "%s[0]", m.path);
            ck_assert_str_eq(ocpp_frame_deviation(&f.frame, 0)->member, path);
            ck_assert_uint_ge(f.frame.elements_lost, i == 1 ? 2 : 1);
            support_frame_done(&f);
        }
    }
}
END_TEST

START_TEST(a_bad_element_is_lost_alone_wherever_it_stands)
{
    struct mutation mutation = payload_of(_i);
    struct mutated m;
    uint32_t count = member_count(mutation, &m);

    mutation.how = MUTATE_REPLACE;
    for (mutation.target = 0; mutation.target < count; mutation.target++) {
        mutation.value = "[]";
        mutate_write(&mutation, &m);
        if (m.field->kind != OCPP_FIELD_STRINGS && m.field->kind != OCPP_FIELD_OBJECTS)
            continue;
        for (size_t i = 0; i < 3; i++) {
            char *one = mutate_array(m.field, 1), value[1 << 15], path[160];
            int length = (int)strlen(one) - 2; /* without the brackets */
            struct support_frame f;
            const void *payload;

            snprintf(value, sizeof(value), "[%s%.*s%s%.*s%s]", i == 0 ? "null," : "", length,
                one + 1, i == 1 ? ",null," : ",", length, one + 1, i == 2 ? ",null" : "");
            mutation.value = value;
            mutate_write(&mutation, &m);
            ck_assert_int_eq(support_payload_read(
                                 &f, m.text, mutation.action, mutation.confirmation, &payload),
                OCPP_TOLERATED);
            snprintf(path, sizeof(path), "%s[%zu]", m.path, i);
            ck_assert_str_eq(first_deviation(&f.frame)->member, path);
            ck_assert_uint_eq(f.frame.elements_lost, 1);
            support_frame_done(&f);
            free(one);
        }
    }
}
END_TEST

START_TEST(a_payload_that_is_no_object_is_told_so)
{
    static const char *const values[] = {"[]", "1", "\"{}\"", "true"};
    struct mutation mutation = payload_of(_i);

    for (size_t i = 0; i < COUNT(values); i++) {
        struct support_frame f;
        const void *payload = &f;

        ck_assert_int_eq(support_payload_read(&f, values[i], mutation.action,
                             mutation.confirmation, &payload),
            OCPP_UNUSABLE);
        ck_assert_ptr_null(payload);
        ck_assert_int_eq(ocpp_frame_deviation(&f.frame, 0)->error, OCPP_FORMATION_VIOLATION);
        ck_assert_str_eq(ocpp_frame_deviation(&f.frame, 0)->member, "");
        support_frame_done(&f);
    }
}
END_TEST

START_TEST(null_is_an_empty_payload)
{
    struct mutation mutation = payload_of(_i);
    const struct ocpp_shape *shape = ocpp_shape_of(mutation.action, mutation.confirmation);
    struct support_frame f;
    const void *payload;
    bool required = false;

    for (uint32_t i = 0; i < shape->count; i++)
        required |= shape->fields[i].required;
    ck_assert_int_eq(
        support_payload_read(&f, "null", mutation.action, mutation.confirmation, &payload),
        required ? OCPP_UNUSABLE : OCPP_TOLERATED);
    ck_assert_ptr_nonnull(payload);
    ck_assert_int_eq(ocpp_frame_deviation(&f.frame, 0)->error,
        required ? OCPP_OCCURENCE_CONSTRAINT_VIOLATION : OCPP_FORMATION_VIOLATION);
    support_frame_done(&f);
}
END_TEST

int main(void)
{
    const struct support_test tests[] = {
        {every_payload_with_all_members_is_exact, PAYLOADS},
        {each_required_member_that_is_missing_is_named, PAYLOADS},
        {an_unknown_member_of_any_object_is_ignored_and_named, PAYLOADS},
        {each_member_of_another_type_is_named, PAYLOADS},
        {each_string_is_exact_up_to_its_maximum_of_code_points, PAYLOADS},
        {each_enum_takes_its_values_and_keeps_others_as_text, PAYLOADS},
        {each_time_is_exact_tolerated_or_lost, PAYLOADS},
        {each_number_is_exact_or_refused, PAYLOADS},
        {a_number_that_cannot_be_kept_is_lost, PAYLOADS},
        {each_array_takes_none_one_or_many, PAYLOADS},
        {a_list_whose_elements_are_all_of_another_type_is_lost, PAYLOADS},
        {a_bad_element_is_lost_alone_wherever_it_stands, PAYLOADS},
        {a_payload_that_is_no_object_is_told_so, PAYLOADS},
        {null_is_an_empty_payload, PAYLOADS},
    };

    return support_run("decode", tests, COUNT(tests));
}
