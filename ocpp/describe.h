/* describe.h - the field tables: what every payload is made of, for whoever wants to read it.
 *
 * One table drives decoding, encoding, samples, the database's copy of the schema, the conformance
 * test and the fuzzers' dictionary.  Constant data; any thread.
 */
#ifndef OCPP_DESCRIBE_H
#define OCPP_DESCRIBE_H

#include "ocpp/catalogue.h"

enum ocpp_field_kind {
    OCPP_FIELD_INT,     /* struct ocpp_int */
    OCPP_FIELD_BOOL,    /* struct ocpp_bool */
    OCPP_FIELD_TIME,    /* struct ocpp_time */
    OCPP_FIELD_DECIMAL, /* struct ocpp_decimal */
    OCPP_FIELD_ENUM,    /* struct ocpp_enum */
    OCPP_FIELD_STRING,  /* const char * */
    OCPP_FIELD_STRINGS, /* struct ocpp_strings */
    OCPP_FIELD_OBJECT,  /* const struct ocpp_x * */
    OCPP_FIELD_OBJECTS, /* struct ocpp_x_list */
    OCPP_FIELD_KIND_COUNT
};

enum ocpp_format { OCPP_FORMAT_NONE, OCPP_FORMAT_URI };

struct ocpp_field {
    const char *name; /* on the wire */
    enum ocpp_field_kind kind;
    bool required;
    enum ocpp_format format;         /* STRING */
    uint32_t max;                    /* STRING, STRINGS (each): code points; 0: unbounded */
    uint32_t step_micro;             /* DECIMAL: must be a multiple of this; 0: any */
    uint32_t min_items;              /* STRINGS, OBJECTS: by the schema */
    enum ocpp_enum_kind enum_kind;   /* ENUM */
    const struct ocpp_shape *nested; /* OBJECT, OBJECTS */
    /* Rules of the prose alone: */
    bool bounded; /* INT: not below `least` */
    bool filled;  /* OBJECTS: at least one */
    int64_t least;
    /* Where it is in the C struct. */
    size_t offset, size;
    /* STRING: a value that is no string is kept as its JSON text. */
    bool raw;
};

struct ocpp_shape {
    const char *name; /* "start_transaction_req", "meter_value" */
    const struct ocpp_field *fields;
    uint32_t count;
    size_t size; /* of the C struct */
};

/* Never NULL for an action of the catalogue. */
const struct ocpp_shape *ocpp_shape_of(enum ocpp_action action, bool confirmation);

/* Whether the member at `member` (a struct's address plus field->offset) is there. */
bool ocpp_field_present(const struct ocpp_field *field, const void *member);

/* "int", "bool", "time", "decimal", "enum", "string", "strings", "object", "objects" */
const char *ocpp_field_kind_text(enum ocpp_field_kind kind);

#endif
