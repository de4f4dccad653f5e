/* fleet.h - the fleet file: sites, models, piles, vehicles, users, and the charges asked for.
 *
 * Read once through the strict JSON reader; everything here is owned by the fleet and constant
 * until sim_fleet_done.  README.md describes the file.
 */
#ifndef SIMULATORS_FLEET_H
#define SIMULATORS_FLEET_H

#include "simulators/vehicle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_IDENTITY_MAX = 64, SIM_TAG_MAX = 20, SIM_KEY_MAX = 20, SIM_CONNECTORS_MAX = 8 };
enum { SIM_PILES_MAX = 20000, SIM_FLEET_BYTES_MAX = 8 << 20 };

struct sim_model {
    char name[32];
    char vendor[21];
    char model[21];
    bool dc;
    int64_t power_mw; /* of one connector */
    uint32_t connectors;
};

struct sim_site {
    char code[32];
    char currency[4];
    int64_t arrivals_per_day; /* of one connector */
    int64_t utc_offset_h;     /* of the hours below */
    int64_t hour_weight[24];
};

struct sim_key {
    unsigned char bytes[SIM_KEY_MAX];
    uint32_t length; /* 0: the pile has no key */
};

struct sim_pile_spec {
    char identity[SIM_IDENTITY_MAX + 1];
    const struct sim_site *site;
    const struct sim_model *model;
    struct sim_key key;
};

struct sim_card {
    char tag[SIM_TAG_MAX + 1];
    char currency[4];
};

/* One charge that was asked for: by the file's `charges` or by --charge. */
struct sim_charge {
    char pile[SIM_IDENTITY_MAX + 1];
    char tag[SIM_TAG_MAX + 1];
    int64_t connector;
    int64_t power_mw; /* 0: as pile and vehicle allow */
    int64_t seconds;
    int64_t after_s; /* from the start of the run */
};

struct sim_fleet {
    struct sim_model *models;
    struct sim_site *sites;
    struct sim_vehicle *vehicles;
    struct sim_pile_spec *piles;
    struct sim_card *cards;
    struct sim_charge *charges;
    uint32_t model_count, site_count, vehicle_count, pile_count, card_count, charge_count;
    int64_t sample_interval_s;
};

struct sim_error {
    char text[320];
};

__attribute__((warn_unused_result)) bool sim_fleet_read(
    const char *path, struct sim_fleet *ret, struct sim_error *ret_error);
void sim_fleet_done(struct sim_fleet *);

/* Adds one charge; false: no memory. */
__attribute__((warn_unused_result)) bool sim_fleet_add_charge(
    struct sim_fleet *, const struct sim_charge *);

/* Reads hexadecimal digits of a pile's key, 1 to 20 bytes. */
__attribute__((warn_unused_result)) bool sim_key_read(const char *hex, struct sim_key *ret);

/* Gives the piles the keys of a file with lines `IDENTITY HEX`; empty lines and # are skipped. */
__attribute__((warn_unused_result)) bool sim_fleet_read_keys(
    struct sim_fleet *, const char *path, struct sim_error *ret_error);

void sim_error_set(struct sim_error *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
