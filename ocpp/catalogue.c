/* catalogue.c - messages.def and enums.def as tables, and the error codes' spellings. */
#include "ocpp/catalogue.h"

#include "ocpp/message.h"

#include <assert.h>
#include <string.h>

struct message {
    const char *name;
    size_t length;
    const char *section;
    enum ocpp_sender sender;
    enum ocpp_gate gate;
    bool repeatable;
};

static const struct message messages[OCPP_ACTION_COUNT] = {
#define MSG(Action, lower, UPPER, s, g, r, sec)                                                    \
    [OCPP_##UPPER] = {#Action, sizeof(#Action) - 1, sec, OCPP_SENDER_##s, OCPP_GATE_##g, r},
#include "ocpp/messages.def"
#undef MSG
};

#define ENUM(lower, UPPER, name)                                                                   \
    static const char *const lower##_texts[OCPP_##UPPER##_COUNT] = {
#define VALUE(UPPER, constant, text) text,
#define ENUM_END(UPPER)              };
#include "ocpp/enums.def"
#undef ENUM
#undef VALUE
#undef ENUM_END

struct enumeration {
    const char *const *texts;
    int count;
};

static const struct enumeration enumerations[OCPP_ENUM_COUNT] = {
#define ENUM(lower, UPPER, name)                                                                   \
    [OCPP_ENUM_##UPPER] = {lower##_texts, OCPP_##UPPER##_COUNT},
#define VALUE(UPPER, constant, text)
#define ENUM_END(UPPER)
#include "ocpp/enums.def"
#undef ENUM
#undef VALUE
#undef ENUM_END
};

static const char *const error_texts[OCPP_ERROR_COUNT] = {
    [OCPP_NOT_IMPLEMENTED] = "NotImplemented",
    [OCPP_NOT_SUPPORTED] = "NotSupported",
    [OCPP_INTERNAL_ERROR] = "InternalError",
    [OCPP_PROTOCOL_ERROR] = "ProtocolError",
    [OCPP_SECURITY_ERROR] = "SecurityError",
    [OCPP_FORMATION_VIOLATION] = "FormationViolation",
    [OCPP_PROPERTY_CONSTRAINT_VIOLATION] = "PropertyConstraintViolation",
    [OCPP_OCCURENCE_CONSTRAINT_VIOLATION] = "OccurenceConstraintViolation",
    [OCPP_TYPE_CONSTRAINT_VIOLATION] = "TypeConstraintViolation",
    [OCPP_GENERIC_ERROR] = "GenericError",
};

const struct ocpp_limits ocpp_limits_stranger = {
    OCPP_STRANGER_BYTES_MAX, OCPP_STRANGER_NODES_MAX, OCPP_DEPTH_MAX, OCPP_KEYS_MAX};
const struct ocpp_limits ocpp_limits_pile = {
    OCPP_PILE_BYTES_MAX, OCPP_PILE_NODES_MAX, OCPP_DEPTH_MAX, OCPP_KEYS_MAX};

static const struct message *message_of(enum ocpp_action action)
{
    assert(action >= 0 && action < OCPP_ACTION_COUNT);
    return &messages[action];
}

const char *ocpp_action_name(enum ocpp_action action)
{
    return message_of(action)->name;
}

const char *ocpp_action_section(enum ocpp_action action)
{
    return message_of(action)->section;
}

enum ocpp_sender ocpp_action_sender(enum ocpp_action action)
{
    return message_of(action)->sender;
}

enum ocpp_gate ocpp_action_gate(enum ocpp_action action)
{
    return message_of(action)->gate;
}

bool ocpp_action_repeatable(enum ocpp_action action)
{
    return message_of(action)->repeatable;
}

enum ocpp_action ocpp_action_find(const char *text, size_t length)
{
    for (int i = 0; i < OCPP_ACTION_COUNT; i++)
        if (messages[i].length == length && memcmp(messages[i].name, text, length) == 0)
            return (enum ocpp_action)i;
    return OCPP_ACTION_NONE;
}

static const struct enumeration *enumeration_of(enum ocpp_enum_kind kind)
{
    assert(kind > OCPP_ENUM_NONE && kind < OCPP_ENUM_COUNT);
    return &enumerations[kind];
}

int ocpp_enum_count(enum ocpp_enum_kind kind)
{
    return enumeration_of(kind)->count;
}

const char *ocpp_enum_text(enum ocpp_enum_kind kind, int value)
{
    const struct enumeration *e = enumeration_of(kind);

    return value >= 0 && value < e->count ? e->texts[value] : NULL;
}

int ocpp_enum_find(enum ocpp_enum_kind kind, const char *text)
{
    const struct enumeration *e = enumeration_of(kind);

    for (int i = 0; i < e->count; i++)
        if (strcmp(e->texts[i], text) == 0)
            return i;
    return OCPP_UNKNOWN;
}

const char *ocpp_error_text(enum ocpp_error error)
{
    assert(error >= 0 && error < OCPP_ERROR_COUNT);
    return error_texts[error];
}
