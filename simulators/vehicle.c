/* vehicle.c - the battery model.  Pure; see vehicle.h. */
#include "simulators/vehicle.h"

#include <assert.h>

void sim_battery_init(struct sim_battery *battery, const struct sim_vehicle *vehicle,
    int64_t soc_ppm)
{
    assert(vehicle->capacity_mwh > 0);
    assert(soc_ppm >= 0 && soc_ppm <= SIM_PPM);
    battery->vehicle = vehicle;
    battery->energy_mwh = (int64_t)((__int128)vehicle->capacity_mwh * soc_ppm / SIM_PPM);
}

int64_t sim_battery_soc_ppm(const struct sim_battery *battery)
{
    return (int64_t)((__int128)battery->energy_mwh * SIM_PPM / battery->vehicle->capacity_mwh);
}

static int64_t between(const struct sim_corner *a, const struct sim_corner *b, int64_t soc_ppm)
{
    int64_t span = b->soc_ppm - a->soc_ppm;

    if (span <= 0)
        return b->power_mw;
    return a->power_mw +
        (int64_t)((__int128)(b->power_mw - a->power_mw) * (soc_ppm - a->soc_ppm) / span);
}

static int64_t curve_at(const struct sim_vehicle *vehicle, int64_t soc_ppm)
{
    const struct sim_corner *curve = vehicle->curve;

    if (vehicle->corners == 0)
        return INT64_MAX;
    if (soc_ppm <= curve[0].soc_ppm)
        return curve[0].power_mw;
    for (uint32_t i = 1; i < vehicle->corners; i++) {
        if (soc_ppm <= curve[i].soc_ppm)
            return between(&curve[i - 1], &curve[i], soc_ppm);
    }
    return curve[vehicle->corners - 1].power_mw;
}

int64_t sim_battery_power_mw(const struct sim_battery *battery, int64_t offered_mw)
{
    int64_t power_mw;

    if (battery->energy_mwh >= battery->vehicle->capacity_mwh)
        return 0;
    power_mw = curve_at(battery->vehicle, sim_battery_soc_ppm(battery));
    return power_mw < offered_mw ? power_mw : offered_mw;
}

int64_t sim_battery_room_mwh(const struct sim_battery *battery, int64_t target_ppm)
{
    int64_t target_mwh =
        (int64_t)((__int128)battery->vehicle->capacity_mwh * target_ppm / SIM_PPM);

    return target_mwh > battery->energy_mwh ? target_mwh - battery->energy_mwh : 0;
}
