/* pick.c - see pick.h.  Numbers are read from their text, exactly. */
#include "simulators/pick.h"

#include "ocpp/decimal.h"

#include <stdio.h>
#include <string.h>

static void wrong(struct sim_pick *pick, const char *name)
{
    if (!pick->wrong)
        pick->wrong = name;
}

int64_t sim_pick_value(struct sim_pick *pick, const struct ocpp_node *number)
{
    const char *text;
    size_t length = 0;
    int64_t value = 0;

    if (ocpp_json_kind(number) != OCPP_KIND_NUMBER) {
        wrong(pick, "a number");
        return 0;
    }
    text = ocpp_json_number(pick->json, number, &length);
    if (ocpp_decimal_read(text, length, 0, &value) != OCPP_DECIMAL_OK)
        wrong(pick, "a whole number");
    return value;
}

int64_t sim_pick_int(struct sim_pick *pick, const struct ocpp_node *object, const char *name,
    int64_t otherwise)
{
    const struct ocpp_node *node = ocpp_json_member(object, name);
    struct sim_pick one = {.json = pick->json};
    int64_t value;

    if (!node)
        return otherwise;
    value = sim_pick_value(&one, node);
    if (one.wrong)
        wrong(pick, name);
    return value;
}

int64_t sim_pick_need_int(struct sim_pick *pick, const struct ocpp_node *object, const char *name)
{
    if (!ocpp_json_member(object, name))
        wrong(pick, name);
    return sim_pick_int(pick, object, name, 0);
}

void sim_pick_text(struct sim_pick *pick, const struct ocpp_node *object, const char *name,
    const char *otherwise, char *buf, size_t size)
{
    const struct ocpp_node *node = ocpp_json_member(object, name);
    const char *text = otherwise;

    if (node)
        text = ocpp_json_kind(node) == OCPP_KIND_STRING ? ocpp_json_string(node) : NULL;
    if (!text || strlen(text) >= size) {
        wrong(pick, name);
        text = "";
    }
    snprintf(buf, size, "%s", text);
}
