/* meter.h - the energy register of one connector.
 *
 * The register counts mWh and never falls.  What power and time leave below one mWh is kept as a
 * remainder in mW*ms, so that any way of cutting an interval into pieces gives the same register.
 */
#ifndef SIMULATORS_METER_H
#define SIMULATORS_METER_H

#include <stdint.h>

enum { SIM_MW_MS_PER_MWH = 3600000 };

struct sim_meter {
    int64_t register_mwh;
    int64_t remainder_mw_ms;
};

/* Adds power * time.  Neither is negative. */
void sim_meter_advance(struct sim_meter *, int64_t power_mw, int64_t duration_ms);

/* What the register shows and OCPP's meterStart and meterStop carry: whole Wh, cut off as on a
 * real display.  The cut of one session's end is the cut of the next one's begin. */
int64_t sim_meter_wh(int64_t register_mwh);

/* The time in ms after which `energy_mwh` more have gone through at that power, rounded up;
 * INT64_MAX without power. */
int64_t sim_meter_time_ms(const struct sim_meter *, int64_t power_mw, int64_t energy_mwh);

#endif
