/* model.h - the database as the core sees it: what the functions of schema `inbound` answer.
 *
 * A task is a copy of a piece of work.  model_run is its commit: it applies and answers at once;
 * whoever calls it decides when, whether the answer arrives, and whether it runs again.
 * Which session a Stop without its number means is SQL's matter and tested there: here it must
 * bear the session's tag.
 */
#ifndef SIMULATION_MODEL_H
#define SIMULATION_MODEL_H

#include "tests/simulation/world.h"

struct task_reading {
    int64_t at_us, connector, mwh, hash, transaction;
};

struct task {
    struct task *next;
    enum core_work_kind kind;
    enum ocpp_action action;
    uint64_t token, digest;
    int64_t station, epoch, received_us, node;
    int64_t connector, at_us, mwh, transaction, tag, command;
    bool unsecured, lived; /* lived: to be run to its end although nobody waits */
    char state[16];
    int64_t since_us, again_us;
    enum core_outcome outcome;
    struct core_answer answer;
    char *open, message_id[32];
    uint32_t reading_count;
    struct task_reading readings[];
};

enum command_state { COMMAND_QUEUED, COMMAND_SENT, COMMAND_FINAL };
enum { COMMAND_ATTEMPTS = 16 };

struct command {
    int64_t station, asked_us, deadline_us, sent_us, timeout_s;
    int64_t seen_us; /* when who asked commits: later ids may be seen before */
    int64_t epochs[COMMAND_ATTEMPTS + 1]; /* the station's at each claim */
    uint32_t left;                        /* bit per attempt whose CALL has left */
    uint32_t told;                        /* and of those, which its pile has answered */
    int32_t attempts;
    enum command_state state;
    char final[16];
    bool repeatable;
    const char *action, *payload;
};

enum session_kind { SESSION_READ, SESSION_UNREADABLE, SESSION_REFUSED };

/* What bears a transaction's number. */
struct stored {
    enum session_kind kind;
    int64_t station, connector, tag, start_us, start_mwh;
    bool stopped, presumed;
    int64_t stop_us, stop_mwh;
    uint32_t next; /* of the station; 0: none */
};

struct model_station {
    int64_t epoch, node, booted_us, opened_us;
    int32_t boot_number;
    bool closed;
    enum core_registration registration;
    int64_t held_until_us;
    uint32_t sessions; /* the newest, an index of stored */
};

struct model {
    struct world *world;
    struct model_station *stations;
    uint32_t station_count;
    struct stored *stored; /* [0] is not used; the transaction is TRANSACTION_BASE + index */
    uint32_t stored_count, stored_room;
    struct keys starts, unusable_starts, stops, rows, readings, statuses, notes, unusable, refused;
    struct command *commands;
    uint32_t command_count, command_room, command_first; /* before it all are final */
    int64_t nodes;
    uint64_t conflicts;
};

enum { TRANSACTION_BASE = 1000 };

struct model *model_new(struct world *, uint32_t stations);
void model_free(struct model *);
void model_run(struct model *, struct task *);
struct task *task_new(const struct core_work *, int64_t node);
struct task *task_copy(const struct task *);
void task_free(struct task *);

const struct stored *model_stored(const struct model *, int64_t transaction);
uint64_t model_start_key(int64_t station, int64_t connector, int64_t tag, int64_t at_us);
uint64_t model_stop_key(int64_t station, int64_t transaction, int64_t at_us, int64_t mwh);
uint64_t model_reading_key(int64_t station, int64_t at_us, int64_t connector, int64_t mwh);

/* commands.c */
struct command *model_command_add(struct model *, int64_t station);
void model_command_next(struct model *, struct task *);
void model_command_answer(struct model *, const struct task *);
void model_command_late(struct model *, const struct task *);
void model_command_unsent(struct model *, const struct task *);
void model_commands_lost(struct model *, int64_t station, int64_t epoch, int64_t at_us);
void model_commands_expire(struct model *, int64_t now_us);
void model_node_settle(struct model *, int64_t node, int64_t now_us);

#endif
