/* catalogue.h - the actions and enumerations, as C sees them.
 *
 * Everything here is an expansion of messages.def and enums.def.  Constant data; any thread.
 */
#ifndef OCPP_CATALOGUE_H
#define OCPP_CATALOGUE_H

#include "ocpp/types.h"

enum ocpp_action {
    OCPP_ACTION_NONE = -1,
#define MSG(Action, lower, UPPER, sender, gate, repeatable, section) OCPP_##UPPER,
#include "ocpp/messages.def"
#undef MSG
    OCPP_ACTION_COUNT
};

enum ocpp_sender { OCPP_SENDER_PILE = 1, OCPP_SENDER_SYSTEM = 2, OCPP_SENDER_BOTH = 3 };

enum ocpp_gate { OCPP_GATE_ANY, OCPP_GATE_EVIDENCE, OCPP_GATE_PENDING, OCPP_GATE_ACCEPTED };

#define ENUM(lower, UPPER, name)     enum ocpp_##lower {
#define VALUE(UPPER, constant, text) OCPP_##UPPER##_##constant,
#define ENUM_END(UPPER)              OCPP_##UPPER##_COUNT };
#include "ocpp/enums.def"
#undef ENUM
#undef VALUE
#undef ENUM_END

enum ocpp_enum_kind {
    OCPP_ENUM_NONE,
#define ENUM(lower, UPPER, name) OCPP_ENUM_##UPPER,
#define VALUE(UPPER, constant, text)
#define ENUM_END(UPPER)
#include "ocpp/enums.def"
#undef ENUM
#undef VALUE
#undef ENUM_END
    OCPP_ENUM_COUNT
};

/* What each of these gives for an action out of range is a bug, and asserted. */
const char *ocpp_action_name(enum ocpp_action);    /* "StartTransaction" */
const char *ocpp_action_section(enum ocpp_action); /* of the specification */
enum ocpp_sender ocpp_action_sender(enum ocpp_action);
enum ocpp_gate ocpp_action_gate(enum ocpp_action);
bool ocpp_action_repeatable(enum ocpp_action);

/* Case-sensitive; OCPP_ACTION_NONE if there is no such action. */
enum ocpp_action ocpp_action_find(const char *text, size_t length);

int ocpp_enum_count(enum ocpp_enum_kind);        /* values run from 0 to count - 1 */
const char *ocpp_enum_text(enum ocpp_enum_kind, int value); /* NULL: out of range */
int ocpp_enum_find(enum ocpp_enum_kind, const char *text);  /* case-sensitive; or OCPP_UNKNOWN */

#endif
