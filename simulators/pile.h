/* pile.h - one charging pile: connectors, sessions, calls, commands.
 *
 * Pure logic: time comes in with each call, everything that leaves goes through the ports, and a
 * port's consequences come back later as calls, never from inside.  The pile's own time is the
 * wall clock in a live run.  Catching up, it is a virtual clock that starts in the past and stops
 * at `until_us`: what happens there goes to the queue as if the pile had been offline.
 * A pile owns its queue, its truth and its configuration.  One thread.
 */
#ifndef SIMULATORS_PILE_H
#define SIMULATORS_PILE_H

#include "simulators/config.h"
#include "simulators/connector.h"
#include "simulators/truth.h"

#include "ocpp/frame.h"

struct sim_pile;

struct sim_now {
    uint64_t mono_ms;
    int64_t wall_us;
};

struct sim_ports {
    void *ctx;
    void (*connect)(void *ctx, struct sim_pile *); /* sim_pile_opened or _closed follows */
    void (*disconnect)(void *ctx, struct sim_pile *);
    void (*send)(void *ctx, struct sim_pile *, const char *text, size_t length);
    /* May the head of the queue leave now?  NULL: always. */
    bool (*may_send)(void *ctx, const struct sim_pile *, const struct sim_entry *);
};

enum sim_link { SIM_DOWN, SIM_CONNECTING, SIM_UP };
enum sim_origin { SIM_FROM_PILE, SIM_FROM_CONNECTOR, SIM_FROM_QUEUE };

/* The one CALL that is on its way. */
struct sim_call {
    bool active;
    char id[OCPP_ID_MAX + 1];
    enum ocpp_action action;
    enum sim_origin origin;
    uint32_t connector;
    uint64_t deadline_ms;
};

struct sim_counts {
    uint64_t sent, answered, refused, lost, sessions, call_errors, timeouts, commands, connects;
};

struct sim_setup {
    const struct sim_fleet *fleet;
    const struct sim_pile_spec *spec;
    const struct sim_ports *ports;
    const char *truth_dir; /* NULL: no truth is kept */
    uint64_t seed;
    int64_t sample_interval_s;
    int64_t backoff_max_ms;
    int64_t pace_ms;       /* from one transaction message to the next; 0: at once */
    int64_t sessions_max;  /* of each connector; 0: no limit */
    int64_t from_us, until_us; /* catching up; until_us 0: live */
    uint32_t index;        /* of the pile in the fleet */
};

enum { SIM_TRIGGER_HEARTBEAT = 1, SIM_TRIGGER_DIAGNOSTICS = 2, SIM_TRIGGER_FIRMWARE = 4 };

struct sim_pile {
    struct sim_setup setup;
    struct sim_connector connectors[SIM_CONNECTORS_MAX];
    uint32_t connector_count;
    int own_status, own_reported; /* of connector 0 */
    bool operative;
    struct sim_config config;
    struct sim_truth truth;
    struct sim_queue queue;
    struct sim_key key;
    struct sim_call call;
    struct sim_counts counts;
    enum sim_link link;
    bool accepted;        /* BootNotification, since the last reboot */
    bool ended;           /* no new sessions: the run is ending */
    bool reboot_on_close; /* Reset was accepted */
    bool gated;           /* ports->may_send held the head of the queue back */
    unsigned triggers;
    uint64_t boot_ms, heartbeat_ms, connect_ms, pace_ms; /* when due */
    int64_t backoff_ms;
    uint64_t next_id;
    char id_prefix[20];
    char refusal[160];   /* why the last card or start was refused */
    char disconnect[96]; /* why the last connection failed */
    struct sim_random random;
    void *peer;              /* the socket's own */
    uint32_t place;          /* the agenda's own */
    uint64_t due_ms;
};

/* Opens the truth and takes up what it holds.  The setup is copied, what it points to must live. */
__attribute__((warn_unused_result)) bool sim_pile_init(struct sim_pile *,
    const struct sim_setup *, struct sim_now, struct sim_error *ret_error);
void sim_pile_done(struct sim_pile *);

void sim_pile_opened(struct sim_pile *, struct sim_now);
void sim_pile_closed(struct sim_pile *, struct sim_now, const char *why);
void sim_pile_frame(struct sim_pile *, struct sim_now, const char *text, size_t length);
void sim_pile_tick(struct sim_pile *, struct sim_now);

/* When sim_pile_tick is wanted next; UINT64_MAX: only after an event. */
uint64_t sim_pile_due(const struct sim_pile *, struct sim_now);

/* Plans a charge at once (after_s from now).  False: no such connector, or it is taken. */
__attribute__((warn_unused_result)) bool sim_pile_ask(struct sim_pile *, struct sim_now,
    const struct sim_charge *);

/* Ends all sessions and begins no more. */
void sim_pile_finish(struct sim_pile *, struct sim_now);

/* Nothing is going on and nothing is owed. */
bool sim_pile_idle(const struct sim_pile *);

#endif
