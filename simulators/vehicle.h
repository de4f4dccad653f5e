/* vehicle.h - a car's battery: capacity, state of charge, and the power it takes at each state.
 *
 * The curve is a list of corners (state of charge, power), straight between them, flat outside.
 * Integers only: what a battery has taken is exactly what the meter has given.
 */
#ifndef SIMULATORS_VEHICLE_H
#define SIMULATORS_VEHICLE_H

#include <stdint.h>

enum { SIM_CURVE_MAX = 16, SIM_PPM = 1000000 };

struct sim_corner {
    int64_t soc_ppm;
    int64_t power_mw;
};

/* One model of vehicle, as the fleet file describes it. */
struct sim_vehicle {
    char name[32];
    int64_t capacity_mwh;
    int64_t ac_limit_mw; /* the on-board charger */
    struct sim_corner curve[SIM_CURVE_MAX];
    uint32_t corners;
};

/* One battery on a cable. */
struct sim_battery {
    const struct sim_vehicle *vehicle;
    int64_t energy_mwh;
};

void sim_battery_init(struct sim_battery *, const struct sim_vehicle *, int64_t soc_ppm);
int64_t sim_battery_soc_ppm(const struct sim_battery *);

/* The power the vehicle draws now, at most `offered_mw`; 0 when full. */
int64_t sim_battery_power_mw(const struct sim_battery *, int64_t offered_mw);

/* Room until that state of charge; never negative. */
int64_t sim_battery_room_mwh(const struct sim_battery *, int64_t target_ppm);

#endif
