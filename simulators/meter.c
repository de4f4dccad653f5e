/* meter.c - exact integration of power into mWh.  Pure; see meter.h. */
#include "simulators/meter.h"

#include <assert.h>

void sim_meter_advance(struct sim_meter *meter, int64_t power_mw, int64_t duration_ms)
{
    __int128 sum;

    assert(power_mw >= 0);
    assert(duration_ms >= 0);
    sum = (__int128)power_mw * duration_ms + meter->remainder_mw_ms;
    meter->register_mwh += (int64_t)(sum / SIM_MW_MS_PER_MWH);
    meter->remainder_mw_ms = (int64_t)(sum % SIM_MW_MS_PER_MWH);
}

int64_t sim_meter_wh(int64_t register_mwh)
{
    return register_mwh / 1000;
}

int64_t sim_meter_time_ms(const struct sim_meter *meter, int64_t power_mw, int64_t energy_mwh)
{
    __int128 need = (__int128)energy_mwh * SIM_MW_MS_PER_MWH - meter->remainder_mw_ms;

    if (energy_mwh <= 0 || need <= 0)
        return 0;
    if (power_mw <= 0)
        return INT64_MAX;
    return (int64_t)((need + power_mw - 1) / power_mw);
}
