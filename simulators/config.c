/* config.c - see config.h. */
#include "simulators/config.h"

#include "simulators/fleet.h"

#include "ocpp/catalogue.h"
#include "ocpp/decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum type { BOOL, INT, TEXT, LIST };
enum access { RW, RO, WO, DYNAMIC };

struct key {
    const char *name;
    enum type type;
    enum access access;
    const char *otherwise;
    int64_t min, max;
};

static const struct key keys[SIM_KEY_COUNT] = {
#define KEY(Name, type, access, otherwise, min, max)                                               \
    [SIM_KEY_##Name] = {#Name, type, access, otherwise, min, max},
#include "simulators/config_keys.def"
#undef KEY
};

void sim_config_init(struct sim_config *config, uint32_t connectors, bool fixed_cable)
{
    memset(config, 0, sizeof *config);
    config->connectors = connectors;
    config->fixed_cable = fixed_cable;
}

void sim_config_done(struct sim_config *config)
{
    if (!config)
        return;
    for (int key = 0; key < SIM_KEY_COUNT; key++)
        free(config->changed[key]);
    memset(config->changed, 0, sizeof config->changed);
}

int sim_config_find(const char *name)
{
    for (int key = 0; key < SIM_KEY_COUNT; key++) {
        if (!strcasecmp(keys[key].name, name))
            return key;
    }
    return -1;
}

const char *sim_config_name(int key)
{
    return keys[key].name;
}

bool sim_config_readonly(int key)
{
    return keys[key].access == RO || keys[key].access == DYNAMIC;
}

const char *sim_config_value(struct sim_config *config, int key)
{
    if (keys[key].access == WO)
        return NULL;
    if (key == SIM_KEY_NumberOfConnectors) {
        snprintf(config->scratch, sizeof config->scratch, "%u", config->connectors);
        return config->scratch;
    }
    if (key == SIM_KEY_UnlockConnectorOnEVSideDisconnect)
        return config->fixed_cable ? "false" : "true";
    return config->changed[key] ? config->changed[key] : keys[key].otherwise;
}

int64_t sim_config_int(struct sim_config *config, enum sim_key_name key)
{
    return strtoll(sim_config_value(config, (int)key), NULL, 10);
}

bool sim_config_bool(struct sim_config *config, enum sim_key_name key)
{
    return !strcmp(sim_config_value(config, (int)key), "true");
}

bool sim_config_lists(struct sim_config *config, enum sim_key_name key, const char *item)
{
    const char *at = sim_config_value(config, (int)key);
    size_t length = strlen(item);

    while (*at) {
        size_t part = strcspn(at, ",");

        if (part == length && !strncmp(at, item, length))
            return true;
        at += part + (at[part] == ',');
    }
    return false;
}

/* A pile here measures these and no others; one unknown item refuses the whole value (errata
 * 3.14.4). */
static bool good_list(const char *value)
{
    while (*value) {
        size_t part = strcspn(value, ",");
        bool known = false;
        const char *list = SIM_SAMPLED_DEFAULT;

        while (*list && !known) {
            size_t have = strcspn(list, ",");

            known = have == part && !strncmp(list, value, part);
            list += have + (list[have] == ',');
        }
        if (!known)
            return false;
        value += part + (value[part] == ',');
    }
    return true;
}

static bool good_value(const struct key *key, const char *value)
{
    int64_t number = 0;
    struct sim_key secret;

    switch (key->type) {
    case BOOL:
        return !strcmp(value, "true") || !strcmp(value, "false");
    case INT:
        return ocpp_decimal_read(value, strlen(value), 0, &number) == OCPP_DECIMAL_OK &&
            number >= key->min && number <= key->max;
    case LIST:
        return good_list(value);
    case TEXT:
        break;
    }
    if (key->access == WO) /* AuthorizationKey: 16 to 20 bytes in hex */
        return sim_key_read(value, &secret) && secret.length >= 16;
    return true;
}

bool sim_config_set(struct sim_config *config, enum sim_key_name key, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return false;
    free(config->changed[key]);
    config->changed[key] = copy;
    return true;
}

enum sim_change sim_config_change(struct sim_config *config, const char *name, const char *value)
{
    int key = sim_config_find(name);

    if (key < 0)
        return SIM_CHANGE_NOT_SUPPORTED;
    if (sim_config_readonly(key) || !good_value(&keys[key], value))
        return SIM_CHANGE_REJECTED;
    if (!sim_config_set(config, (enum sim_key_name)key, value))
        return SIM_CHANGE_REJECTED;
    return SIM_CHANGE_ACCEPTED;
}
