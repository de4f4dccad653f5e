/* mutate.h - payload texts written from the field tables, with one thing changed.
 *
 * The members of a payload are numbered in the order of its tables, nested ones included (of a list
 * its first element's).  Written without the encoder, so that a mistake there is not repeated here.
 */
#ifndef TESTS_OCPP_MUTATE_H
#define TESTS_OCPP_MUTATE_H

#include "ocpp/describe.h"
#include "tests/ocpp/support.h"

enum mutate_how {
    MUTATE_NOTHING,
    MUTATE_REMOVE,  /* the member */
    MUTATE_REPLACE, /* its value, by `value` */
    MUTATE_BESIDE   /* one more member, named "unheardOf", in the same object */
};

struct mutation {
    enum ocpp_action action;
    bool confirmation;
    uint32_t target; /* the member's number */
    enum mutate_how how;
    const char *value;
};

struct mutated {
    const char *text;               /* until the next mutate_write */
    uint32_t members;               /* how many the payload has */
    const struct ocpp_field *field; /* the target; NULL: no such member */
    char path[128];                 /* of the target */
    char parent[128];               /* of the object that holds it; "" is the payload */
    bool spared; /* it stands in an element of an optional list, which is lost alone */
};

void mutate_write(const struct mutation *mutation, struct mutated *ret);

/* An array for a list's field: `count` elements that it accepts.  To be freed. */
char *mutate_array(const struct ocpp_field *field, size_t count);

#endif
