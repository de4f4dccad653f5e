/* test_catalogue.c - the one table: names, enumerations, and field tables that cover their structs.
 */
#include "ocpp/describe.h"
#include "ocpp/message.h"
#include "ocpp/payloads.h"
#include "tests/ocpp/support.h"

#include <stdlib.h>
#include <string.h>

START_TEST(there_are_39_actions_and_each_is_found_by_its_name)
{
    ck_assert_int_eq(OCPP_ACTION_COUNT, 39);
    for (int i = 0; i < OCPP_ACTION_COUNT; i++) {
        const char *name = ocpp_action_name((enum ocpp_action)i);

        ck_assert_int_eq(ocpp_action_find(name, strlen(name)), i);
        ck_assert_int_eq(ocpp_action_find(name, strlen(name) - 1), OCPP_ACTION_NONE);
        ck_assert_str_ne(ocpp_action_section((enum ocpp_action)i), "");
    }
}
END_TEST

/* Only calls of ours can be repeated, and only piles have evidence. */
START_TEST(senders_gates_and_repeatability_agree)
{
    int by_sender[4] = {0}, evidence = 0;

    for (int i = 0; i < OCPP_ACTION_COUNT; i++) {
        enum ocpp_action action = (enum ocpp_action)i;

        by_sender[ocpp_action_sender(action)]++;
        if (ocpp_action_repeatable(action))
            ck_assert_int_eq(ocpp_action_sender(action), OCPP_SENDER_SYSTEM);
        if (ocpp_action_gate(action) == OCPP_GATE_EVIDENCE) {
            ck_assert_int_eq(ocpp_action_sender(action), OCPP_SENDER_PILE);
            evidence++;
        }
    }
    ck_assert_int_eq(by_sender[OCPP_SENDER_PILE], 13);
    ck_assert_int_eq(by_sender[OCPP_SENDER_SYSTEM], 25);
    ck_assert_int_eq(by_sender[OCPP_SENDER_BOTH], 1);
    ck_assert_int_eq(evidence, 4);
    ck_assert(!ocpp_action_repeatable(OCPP_REMOTE_START_TRANSACTION));
    ck_assert(ocpp_action_repeatable(OCPP_CHANGE_AVAILABILITY));
}
END_TEST

START_TEST(each_enum_value_is_found_by_its_text)
{
    for (int k = OCPP_ENUM_NONE + 1; k < OCPP_ENUM_COUNT; k++) {
        enum ocpp_enum_kind kind = (enum ocpp_enum_kind)k;

        ck_assert_int_gt(ocpp_enum_count(kind), 1);
        for (int i = 0; i < ocpp_enum_count(kind); i++)
            ck_assert_int_eq(ocpp_enum_find(kind, ocpp_enum_text(kind, i)), i);
        ck_assert_ptr_null(ocpp_enum_text(kind, ocpp_enum_count(kind)));
        ck_assert_ptr_null(ocpp_enum_text(kind, OCPP_UNKNOWN));
        ck_assert_int_eq(ocpp_enum_find(kind, ""), OCPP_UNKNOWN);
    }
    ck_assert_str_eq(
        ocpp_enum_text(OCPP_ENUM_MEASURAND, OCPP_MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER),
        "Energy.Active.Import.Register");
}
END_TEST

START_TEST(the_error_codes_have_the_spelling_of_1_6)
{
    ck_assert_str_eq(
        ocpp_error_text(OCPP_OCCURENCE_CONSTRAINT_VIOLATION), "OccurenceConstraintViolation");
    ck_assert_str_eq(ocpp_error_text(OCPP_FORMATION_VIOLATION), "FormationViolation");
}
END_TEST

static int by_offset(const void *a, const void *b)
{
    const struct ocpp_field *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* No byte of the struct but padding is without a row, and no two rows share one. */
static void expect_covered(const struct ocpp_shape *shape)
{
    struct ocpp_field fields[64];
    size_t end = 0;

    ck_assert_uint_le(shape->count, COUNT(fields));
    if (shape->count == 0)
        return;
    memcpy(fields, shape->fields, shape->count * sizeof(fields[0]));
    qsort(fields, shape->count, sizeof(fields[0]), by_offset);
    for (uint32_t i = 0; i < shape->count; i++) {
        ck_assert_msg(fields[i].offset == (end + 7) / 8 * 8, "%s: a gap or an overlap before %s",
            shape->name, fields[i].name);
        end = fields[i].offset + fields[i].size;
        if (fields[i].nested != NULL)
            expect_covered(fields[i].nested);
        ck_assert_int_eq(fields[i].nested != NULL,
            fields[i].kind == OCPP_FIELD_OBJECT || fields[i].kind == OCPP_FIELD_OBJECTS);
        ck_assert_int_eq(fields[i].enum_kind != OCPP_ENUM_NONE, fields[i].kind == OCPP_FIELD_ENUM);
    }
    ck_assert_msg((end + 7) / 8 * 8 == shape->size, "%s: a member without a row", shape->name);
}

START_TEST(each_table_covers_its_struct)
{
    expect_covered(ocpp_shape_of((enum ocpp_action)(_i / 2), _i % 2 == 1));
}
END_TEST

START_TEST(all_lists_have_one_layout)
{
#define SAME_LAYOUT(list)                                                                          \
    ck_assert_uint_eq(sizeof(struct list), sizeof(struct ocpp_strings));                           \
    ck_assert_uint_eq(offsetof(struct list, items), offsetof(struct ocpp_strings, items));         \
    ck_assert_uint_eq(offsetof(struct list, count), offsetof(struct ocpp_strings, count));         \
    ck_assert_uint_eq(offsetof(struct list, present), offsetof(struct ocpp_strings, present))

    SAME_LAYOUT(ocpp_meter_value_list);
    SAME_LAYOUT(ocpp_sampled_value_list);
    SAME_LAYOUT(ocpp_key_value_list);
    SAME_LAYOUT(ocpp_authorization_data_list);
    SAME_LAYOUT(ocpp_charging_schedule_period_list);
    SAME_LAYOUT(ocpp_certificate_hash_data_list);
}
END_TEST

START_TEST(names_of_shapes_and_kinds_are_told)
{
    ck_assert_str_eq(ocpp_shape_of(OCPP_START_TRANSACTION, false)->name, "start_transaction_req");
    ck_assert_str_eq(ocpp_shape_of(OCPP_GET_LOG, true)->name, "get_log_conf");
    ck_assert_str_eq(ocpp_field_kind_text(OCPP_FIELD_OBJECTS), "objects");
}
END_TEST

int main(void)
{
    const struct support_test tests[] = {
        {there_are_39_actions_and_each_is_found_by_its_name, 1},
        {senders_gates_and_repeatability_agree, 1},
        {each_enum_value_is_found_by_its_text, 1},
        {the_error_codes_have_the_spelling_of_1_6, 1},
        {each_table_covers_its_struct, OCPP_ACTION_COUNT * 2},
        {all_lists_have_one_layout, 1},
        {names_of_shapes_and_kinds_are_told, 1},
    };

    return support_run("catalogue", tests, COUNT(tests));
}
