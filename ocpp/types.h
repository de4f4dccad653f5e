/* types.h - the base types of decoded members.
 *
 * Members bear their wire names in snake_case.  A string is a `const char *`, an object a pointer
 * to its struct; NULL is absent.  (A NUL cannot occur inside a string: the gate refuses it.)
 * All pointers of a decoded payload belong to the frame it came from.
 */
#ifndef OCPP_TYPES_H
#define OCPP_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))

enum { OCPP_UNKNOWN = -1 }; /* an enum value that is not in the specification */

struct ocpp_int {
    int64_t value;
    bool present;
};

struct ocpp_bool {
    bool value;
    bool present;
};

/* `text` is the time as sent.  When encoding, a text (of RFC 3339) goes out as it is; without one
 * unix_us is written.  An optional time that nobody can read is absent, but keeps its text. */
struct ocpp_time {
    int64_t unix_us;
    const char *text;
    bool present;
};

/* An exact number, in millionths.  `text` as for times. */
struct ocpp_decimal {
    int64_t micro;
    const char *text;
    bool present;
};

/* `value` is a constant of the member's enum, or OCPP_UNKNOWN; `text` is as sent.  When encoding,
 * the value decides, and text may be NULL. */
struct ocpp_enum {
    int value;
    const char *text;
    bool present;
};

struct ocpp_strings {
    const char *const *items;
    uint32_t count;
    bool present;
};

/* The list type of a payload's nested struct; every list has this layout. */
#define OCPP_LIST_OF(name)                                                                         \
    struct ocpp_##name##_list {                                                                    \
        const struct ocpp_##name *items;                                                           \
        uint32_t count;                                                                            \
        bool present;                                                                              \
    }

/* A payload without members; C wants one all the same. */
#define OCPP_EMPTY(name)                                                                           \
    struct ocpp_##name {                                                                           \
        unsigned char nothing;                                                                     \
    }

#endif
