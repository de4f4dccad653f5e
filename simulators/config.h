/* config.h - a pile's configuration keys and their values.
 *
 * Expands config_keys.def; values that were never changed cost nothing.  Owns the changed ones.
 */
#ifndef SIMULATORS_CONFIG_H
#define SIMULATORS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_SAMPLED_DEFAULT                                                                        \
    "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC"

enum sim_key_name {
#define KEY(Name, type, access, otherwise, min, max) SIM_KEY_##Name,
#include "simulators/config_keys.def"
#undef KEY
    SIM_KEY_COUNT
};

struct sim_config {
    char *changed[SIM_KEY_COUNT];
    uint32_t connectors;
    bool fixed_cable; /* DC: cannot be unlocked */
    char scratch[16]; /* the text of a DYNAMIC key */
};

enum sim_change { SIM_CHANGE_ACCEPTED, SIM_CHANGE_REJECTED, SIM_CHANGE_NOT_SUPPORTED };

void sim_config_init(struct sim_config *, uint32_t connectors, bool fixed_cable);
void sim_config_done(struct sim_config *);

/* Without regard to case, as CiStrings; -1: no such key. */
int sim_config_find(const char *name);
const char *sim_config_name(int key);
bool sim_config_readonly(int key);

/* Valid until the next call or change; NULL: the value cannot be read. */
const char *sim_config_value(struct sim_config *, int key);
int64_t sim_config_int(struct sim_config *, enum sim_key_name);
bool sim_config_bool(struct sim_config *, enum sim_key_name);

/* True if the comma-separated value holds the item. */
bool sim_config_lists(struct sim_config *, enum sim_key_name, const char *item);

/* The rules of ChangeConfiguration; a refused value changes nothing. */
__attribute__((warn_unused_result)) enum sim_change sim_config_change(
    struct sim_config *, const char *name, const char *value);

/* Sets a key regardless of its access; false: no memory. */
__attribute__((warn_unused_result)) bool sim_config_set(
    struct sim_config *, enum sim_key_name, const char *value);

#endif
