/* connector.h - one connector's state: its cable, its meter, and what is to happen there next.
 *
 * Changed by connector.c and plan.c alone; the session belongs to the pile's queue.
 */
#ifndef SIMULATORS_CONNECTOR_H
#define SIMULATORS_CONNECTOR_H

#include "simulators/fleet.h"
#include "simulators/meter.h"
#include "simulators/queue.h"
#include "simulators/random.h"
#include "simulators/vehicle.h"

#define SIM_NEVER INT64_MAX

enum sim_phase { SIM_IDLE, SIM_PLUGGED, SIM_AUTHORIZING, SIM_CHARGING, SIM_FINISHING };

/* What is to happen at a connector next. */
struct sim_plan {
    char tag[SIM_TAG_MAX + 1];
    int64_t soc_ppm, target_ppm;
    int64_t power_mw; /* 0: as pile and vehicle allow */
    int64_t seconds;  /* at most; counts from the start of the transaction */
    int64_t linger_s; /* from the end of charging to the end of the session */
    const struct sim_vehicle *vehicle;
    bool asked;  /* by a charge of the fleet file or a flag */
    bool remote; /* by RemoteStartTransaction */
};

struct sim_connector {
    uint32_t number;
    enum sim_phase phase;
    int status, reported;       /* enum ocpp_charge_point_status; reported -1: never */
    bool operative, inoperative_after; /* ChangeAvailability, now or after the session */
    struct sim_meter meter;
    struct sim_battery battery;
    struct sim_session *session; /* while charging; owned by the queue */
    struct sim_plan plan;
    struct sim_random random;
    int64_t event_us; /* when it acts next; SIM_NEVER: only if asked */
    int64_t metered_us, sample_us, end_us;
    int64_t power_mw; /* constant from metered_us to event_us */
    bool full;        /* the target is reached, the vehicle lingers */
    bool ask_authorize, ask_meter;
    uint32_t begun; /* sessions, in this run */
};

#endif
