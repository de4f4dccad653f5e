/* shapes.h - how a field table is written.  Private to ocpp/, only for the files shapes_*.c.
 *
 * A table's rows stand between `#define S struct ocpp_x` and `#undef S`.  A row's kind is taken
 * from the member's C type, so it cannot say anything else; a member of a type without a kind does
 * not compile, and neither does an action of the catalogue without both its tables.
 */
#ifndef OCPP_SHAPES_H
#define OCPP_SHAPES_H

#include "ocpp/describe.h"

#define MEMBER(member) (((S *)NULL)->member)

#define PLAIN_KIND(member)                                                                         \
    _Generic(MEMBER(member),                                                                       \
        struct ocpp_int: OCPP_FIELD_INT,                                                           \
        struct ocpp_bool: OCPP_FIELD_BOOL,                                                         \
        struct ocpp_time: OCPP_FIELD_TIME,                                                         \
        struct ocpp_decimal: OCPP_FIELD_DECIMAL,                                                   \
        struct ocpp_strings: OCPP_FIELD_STRINGS,                                                   \
        const char *: OCPP_FIELD_STRING)

#define ROW(member, wire, need, row_kind, ...)                                                     \
    {                                                                                              \
        .name = wire, .kind = row_kind, .required = need, .offset = offsetof(S, member),           \
        .size = sizeof(MEMBER(member)), ##__VA_ARGS__                                              \
    }

#define REQ true
#define OPT false

/* A plain member (F), an enum (E), an object (O) or a list of objects (L). */
#define F(member, wire, need, ...) ROW(member, wire, need, PLAIN_KIND(member), ##__VA_ARGS__)
#define E(member, wire, need, UPPER)                                                               \
    ROW(member, wire, need, _Generic(MEMBER(member), struct ocpp_enum: OCPP_FIELD_ENUM),           \
        .enum_kind = OCPP_ENUM_##UPPER)
#define O(member, wire, need, shape, ...)                                                          \
    ROW(member, wire, need,                                                                        \
        _Generic(MEMBER(member), const struct ocpp_##shape *: OCPP_FIELD_OBJECT),                  \
        .nested = &ocpp_shape_##shape, ##__VA_ARGS__)
#define L(member, wire, need, shape, ...)                                                          \
    ROW(member, wire, need,                                                                        \
        _Generic(MEMBER(member), struct ocpp_##shape##_list: OCPP_FIELD_OBJECTS),                  \
        .nested = &ocpp_shape_##shape, ##__VA_ARGS__)

/* Rules of the specification's prose. */
#define AT_LEAST(n) .bounded = true, .least = n
#define FILLED      .filled = true

#define FIELDS(shape) static const struct ocpp_field shape##_fields[]
#define SHAPE(shape)                                                                               \
    const struct ocpp_shape ocpp_shape_##shape = {#shape, shape##_fields,                          \
        sizeof(shape##_fields) / sizeof(shape##_fields[0]), sizeof(struct ocpp_##shape)};
#define SHAPE_EMPTY(shape)                                                                         \
    const struct ocpp_shape ocpp_shape_##shape = {#shape, NULL, 0, sizeof(struct ocpp_##shape)};

#define MSG(Action, lower, UPPER, sender, gate, repeatable, section)                               \
    extern const struct ocpp_shape ocpp_shape_##lower##_req, ocpp_shape_##lower##_conf;
#include "ocpp/messages.def"
#undef MSG

extern const struct ocpp_shape ocpp_shape_authorization_data, ocpp_shape_certificate_hash_data,
    ocpp_shape_charging_profile, ocpp_shape_charging_schedule, ocpp_shape_charging_schedule_period,
    ocpp_shape_firmware, ocpp_shape_id_tag_info, ocpp_shape_key_value, ocpp_shape_log_parameters,
    ocpp_shape_meter_value, ocpp_shape_sampled_value;

#endif
