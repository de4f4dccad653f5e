/* node.c - typed reads of JSON members. */
#include "csms/rate/node.h"

#include "billing/clock.h"
#include "ocpp/datetime.h"
#include "ocpp/decimal.h"

#include <stdio.h>
#include <string.h>

void csms_reader_init(struct csms_reader *r, const struct ocpp_json *json, struct ocpp_fault *fault)
{
    memset(r, 0, sizeof(*r));
    r->json = json;
    r->fault = fault;
}

size_t csms_reader_enter(struct csms_reader *r, const char *name, int index)
{
    size_t length = strlen(r->path), room = sizeof(r->path) - length;
    const char *dot = length > 0 ? "." : "";

    if (index < 0)
        (void)snprintf(r->path + length, room, "%s%s", dot, name);
    else
        (void)snprintf(r->path + length, room, "%s%s[%d]", dot, name, index);
    return length;
}

void csms_reader_leave(struct csms_reader *r, size_t length)
{
    r->path[length] = 0;
}

bool csms_reader_refuse(struct csms_reader *r, const char *name, const char *text)
{
    struct ocpp_fault *f = r->fault;

    if (r->refused)
        return false;
    r->refused = true;
    f->error = OCPP_PROPERTY_CONSTRAINT_VIOLATION;
    (void)snprintf(f->member, sizeof(f->member), "%s%s%.30s", r->path,
        r->path[0] != 0 && name[0] != 0 ? "." : "", name);
    (void)snprintf(f->text, sizeof(f->text), "%s", text);
    return false;
}

const struct ocpp_node *csms_member(const struct ocpp_node *object, const char *name)
{
    const struct ocpp_node *node = ocpp_json_member(object, name);

    return node == NULL || ocpp_json_kind(node) == OCPP_KIND_NULL ? NULL : node;
}

bool csms_node_decimal(
    struct csms_reader *r, const struct ocpp_node *node, const char *name, int scale, int64_t *ret)
{
    const char *text = ocpp_json_string(node);
    size_t length = text != NULL ? strlen(text) : 0;

    if (text == NULL)
        text = ocpp_json_number(r->json, node, &length);
    if (text == NULL)
        return csms_reader_refuse(r, name, "a number is expected");
    switch (ocpp_decimal_read(text, length, scale, ret)) {
    case OCPP_DECIMAL_OK:
        return true;
    case OCPP_DECIMAL_SYNTAX:
        return csms_reader_refuse(r, name, "not a decimal number");
    case OCPP_DECIMAL_INEXACT:
        return csms_reader_refuse(r, name, "more decimal places than can be kept exactly");
    case OCPP_DECIMAL_RANGE:
        break;
    }
    return csms_reader_refuse(r, name, "the number is too large");
}

bool csms_read_decimal(struct csms_reader *r, const struct ocpp_node *object, const char *name,
    int scale, int64_t *ret)
{
    const struct ocpp_node *node = csms_member(object, name);

    return node == NULL || csms_node_decimal(r, node, name, scale, ret);
}

bool csms_read_text(
    struct csms_reader *r, const struct ocpp_node *object, const char *name, const char **ret)
{
    const struct ocpp_node *node = csms_member(object, name);

    if (node == NULL)
        return true;
    if (ocpp_json_string(node) == NULL)
        return csms_reader_refuse(r, name, "a text is expected");
    *ret = ocpp_json_string(node);
    return true;
}

bool csms_read_time(
    struct csms_reader *r, const struct ocpp_node *object, const char *name, int64_t *ret_us)
{
    const char *text = NULL;

    if (!csms_read_text(r, object, name, &text))
        return false;
    if (text != NULL && ocpp_datetime_read(text, ret_us) == OCPP_DATETIME_INVALID)
        return csms_reader_refuse(r, name, "not a date-time");
    return true;
}

bool csms_read_bool(
    struct csms_reader *r, const struct ocpp_node *object, const char *name, bool *ret)
{
    const struct ocpp_node *node = csms_member(object, name);

    if (node == NULL)
        return true;
    if (ocpp_json_kind(node) != OCPP_KIND_BOOL)
        return csms_reader_refuse(r, name, "true or false is expected");
    *ret = ocpp_json_bool(node);
    return true;
}

static int digits(const char *text, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + text[i] - '0';
    }
    return value;
}

bool csms_read_date(
    struct csms_reader *r, const struct ocpp_node *object, const char *name, int32_t *ret)
{
    static const int8_t lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *text = NULL;
    int year, month, day;

    if (!csms_read_text(r, object, name, &text))
        return false;
    if (text == NULL)
        return true;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
        return csms_reader_refuse(r, name, "not a date");
    year = digits(text, 4);
    month = digits(text + 5, 2);
    day = digits(text + 8, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1] ||
        (month == 2 && day == 29 && bill_day_number(year, 3, 1) - bill_day_number(year, 2, 1) < 29))
        return csms_reader_refuse(r, name, "not a date");
    *ret = bill_day_number(year, month, day);
    return true;
}

static bool read_kind(struct csms_reader *r, const struct ocpp_node *object, const char *name,
    enum ocpp_kind kind, const struct ocpp_node **ret)
{
    const struct ocpp_node *node = csms_member(object, name);

    *ret = NULL;
    if (node != NULL && ocpp_json_kind(node) != kind)
        return csms_reader_refuse(
            r, name, kind == OCPP_KIND_ARRAY ? "a list is expected" : "an object is expected");
    *ret = node;
    return true;
}

bool csms_read_array(struct csms_reader *r, const struct ocpp_node *object, const char *name,
    const struct ocpp_node **ret)
{
    return read_kind(r, object, name, OCPP_KIND_ARRAY, ret);
}

bool csms_read_object(struct csms_reader *r, const struct ocpp_node *object, const char *name,
    const struct ocpp_node **ret)
{
    return read_kind(r, object, name, OCPP_KIND_OBJECT, ret);
}
