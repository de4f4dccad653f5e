/* station.h - one station inside the core: its connection, the message in work, the call of ours.
 *
 * Private to csms/core; the functions are in inside.h.  A record lives while its station is
 * connected or has work outstanding.
 * `station_go` is the only writer of `state`.  Invariants:
 *  - `job` is NULL or the one inbound CALL in work; `work_token` is not 0 while the database owes
 *    us its outcome, or that of a take-over (then `job` is NULL);
 *  - `call` is NULL or the one command that is claimed; `command_token` is not 0 while a claim is
 *    outstanding (then `call` is NULL).
 */
#ifndef CORE_STATION_H
#define CORE_STATION_H

#include "ocpp/frame.h"

#include "csms/core/clock.h"
#include "csms/core/core.h"

enum {
    CORE_QUEUE_PAUSE = 4, /* CALLs that wait before reading is paused */
    CORE_QUEUE_MAX = 64,  /* what a transport may still deliver after that */
    CORE_OPEN_MAX = 256,  /* open transactions remembered of one station */
    CORE_PATIENT_MAX = 3, /* how often a worker waits for a row before the pile is put off */
    CORE_AGAIN_HOUR = 60, /* times that a station may come again; then once a minute */
    CORE_TAKING_MAX = 128, /* take-overs in the lane at once: what else is said waits behind them */
    CORE_ALIVE_MS = 30 * 1000,
    CORE_LIVE_MS = 10 * 1000,      /* A status so soon after a boot or trigger is live */
    CORE_TRIGGERED_MS = 60 * 1000, /* how long a pending station may send what we triggered */
    CORE_RUN_GAP_US = 5 * 1000000, /* CALLs this close are one unbroken run */
    CORE_LATE_MAX = 30, /* answers nobody waits for that go to the database within a window */
    CORE_LATE_WINDOW_MS = 60 * 1000,
    CORE_OUT_BYTES = 64 * 1024
};

enum station_state {
    STATION_FREE,
    STATION_WAITING, /* connected; work of an earlier connection is still outstanding */
    STATION_TAKING,  /* connected; the epoch is on its way */
    STATION_OPEN,    /* connected; frames are worked */
    STATION_LEAVING, /* not connected; work is still outstanding */
    STATION_STATES
};

/* One inbound CALL.  The frame points into `text`. */
struct core_job {
    struct core_job *next;
    struct ocpp_frame frame;
    enum ocpp_verdict verdict;
    const void *request;
    struct core_conn conn;
    int64_t received_us;
    uint64_t received_ms;
    struct core_work work; /* kept to be given again: busy rows, a full lane */
    struct ocpp_fault fault;
    struct core_reading_list readings;
    char *readings_json, *deviations, *payload;
    uint8_t patience;
    bool broken;   /* no frame that can be worked; `fault` says why */
    bool refused;  /* by the gate for what is in it; evidence is kept all the same */
    size_t *sum; /* of the texts of all large messages, this one's among them; NULL: it is small */
    size_t length;
    char text[];
};

/* One command's CALL. */
struct core_call {
    int64_t command;
    int64_t epoch;
    enum ocpp_action action;
    enum ocpp_action triggers; /* what a TriggerMessage asks for, or OCPP_ACTION_NONE */
    bool sent;
    int64_t sent_us;
    uint32_t timeout_ms;
    uint64_t deadline_ms;
    size_t length;
    char id[40];
    char text[];
};

struct core_station {
    int64_t id;
    int64_t epoch;
    struct core_conn conn;
    enum station_state state;
    enum core_registration registration;
    struct core_job *job;
    struct core_job *first, *last; /* CALLs that wait */
    uint64_t work_token;
    uint16_t waiting;
    size_t waiting_bytes;
    bool paused;
    bool stalled; /* no room in the lane, or for another take-over; tried again at the next tick */

    bool hinted; /* commands may wait in the database */
    uint64_t command_token;
    int64_t command_epoch;
    struct core_call *call;
    uint64_t late_ms;
    uint8_t late_count; /* since late_ms */

    int64_t connected_us, heard_us;
    uint64_t heard_ms;
    int64_t busy_since_us, answered_us;
    uint64_t booted_ms, triggered_ms;
    enum ocpp_action triggered;
    struct core_clock clock;

    int64_t *open; /* transactions without a Stop */
    uint16_t open_count, open_room;

    char remote[48];
};

struct core_slot {
    uint32_t generation;
    uint32_t station; /* index + 1; 0: none */
};

struct core {
    struct core_config config;
    struct core_ports ports;
    struct core_station *stations;
    uint32_t capacity;
    uint32_t *free; /* stack of free records */
    uint32_t free_count;
    uint32_t *map; /* station id to index + 1, open addressing */
    uint32_t map_mask;
    struct core_slot *slots;
    struct core_often *often; /* rows of who came how often */
    uint32_t often_mask;
    uint64_t sequence; /* of tokens */
    uint32_t stalled, calls;
    uint32_t taking, taking_next; /* take-overs in the lane; where the next is looked for */
    size_t large_sum;
    bool away, draining;
    struct core_stats stats;
    char out[CORE_OUT_BYTES];
};

_Static_assert(sizeof(struct core_station) <= 600, "an idle station costs little");

#endif
