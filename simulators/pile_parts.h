/* pile_parts.h - what the files of the pile need of one another; nobody else includes it. */
#ifndef SIMULATORS_PILE_PARTS_H
#define SIMULATORS_PILE_PARTS_H

#include "simulators/pile.h"

enum { SIM_QUEUE_AHEAD = 24, SIM_BOOT_RETRY_MS = 10000, SIM_TEXT_MAX = 16384 };

/* connector.c */
void sim_connector_init(struct sim_pile *, uint32_t index, int64_t at_us);
/* Lives through all that is due until then, in order over the pile's connectors. */
void sim_connectors_advance(struct sim_pile *, int64_t to_us);
int64_t sim_connectors_next_us(const struct sim_pile *);
void sim_connector_plug(struct sim_pile *, struct sim_connector *, int64_t at_us);
void sim_connector_authorized(struct sim_pile *, struct sim_connector *, int64_t at_us,
    bool accepted);
void sim_connector_stop(struct sim_pile *, struct sim_connector *, int64_t at_us,
    const char *reason);
void sim_connector_status(struct sim_pile *, struct sim_connector *, int status);
struct sim_reading sim_connector_read(const struct sim_pile *, const struct sim_connector *,
    int64_t at_us, enum sim_context);

/* plan.c */
void sim_plan_next(struct sim_pile *, struct sim_connector *, int64_t after_us);
void sim_plan_ask(struct sim_pile *, struct sim_connector *, const char *tag);

/* pile_send.c */
void sim_pile_send_next(struct sim_pile *, struct sim_now);

/* answer.c */
void sim_answer(struct sim_pile *, struct sim_now, struct ocpp_frame *);

#endif
