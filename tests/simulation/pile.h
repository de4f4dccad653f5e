/* pile.h - a charge point by the rules of OCPP 1.6, with the habits that piles have.
 *
 * Transaction messages are queued, kept over a reboot, sent in order, and sent again after a
 * silence or a CALLERROR until their attempts are used up; nothing else is.  What was truly
 * delivered, refused or given up stands in its sessions and readings: the truth the books are held
 * against.
 */
#ifndef SIMULATION_PILE_H
#define SIMULATION_PILE_H

#include "tests/simulation/net.h"

enum { CONNECTORS = 2, WINDOW_MAX = 10 };

enum habit {
    HABIT_SAME_ID = 1,      /* sends again under the same message id */
    HABIT_BARE_ID = 2,      /* ids are integers */
    HABIT_IDS_RESTART = 4,  /* and begin anew with each connection */
    HABIT_REPEATS = 8,      /* sends a Start or Stop again although it was answered */
    HABIT_BOOTS_ALWAYS = 16, /* with each connection */
    HABIT_NO_NUMBER = 32,   /* MeterValues without transactionId */
    HABIT_EAGER = 64,       /* does not wait for an answer before the next CALL */
    HABIT_TAG_AT_STOP = 128,
    HABIT_DATA_AT_STOP = 256,
    HABIT_TWINS = 512 /* one card starts both connectors at once, and they have one meter */
};

enum fate { FATE_NONE, FATE_QUEUED, FATE_CONFIRMED, FATE_LOST };

/* A reading that was confirmed. */
struct sample {
    int64_t at_us, wh;
    int32_t connector;
};

struct session {
    uint64_t start_digest, stop_digest;
    int32_t connector;
    int64_t tag, start_us, start_wh, stop_us, stop_wh, transaction;
    enum fate start, stop;
    bool unnumbered; /* its Stop left without its transaction */
    bool twin;       /* of another with the same tag */
};

struct message {
    struct message *next;
    struct content content;
    uint32_t session; /* index + 1 */
    bool live, outstanding, repeat;
    uint8_t attempts;
    int64_t due_us, timeout_us;
    char id[16];
    char *text; /* from the action's name on; made when it is first sent, then fixed */
};

struct connector {
    uint32_t session; /* index + 1; 0: none */
    int64_t began_us, next_us, stop_us, register_wh, sample_us;
};

struct pile {
    struct world *world;
    uint32_t index;
    struct random random;
    uint32_t habits;
    int64_t clock_us; /* what its clock shows too much */
    int64_t timeout_us, interval_us, heartbeat_us, sample_us;
    uint8_t attempts_max;
    struct socket_ref socket, old; /* the one it speaks on, and one it may have forgotten */
    bool connecting, online, accepted, awake;
    uint8_t timeouts; /* in a row */
    int64_t connect_us, beat_us, wake_us;
    uint64_t wake_stamp;
    uint32_t id_next;
    char kept[160]; /* an answer that it gives on its next connection; "": none */
    struct connector connectors[CONNECTORS];
    struct message *first;
    struct session *sessions;
    uint32_t session_count, session_room;
    struct sample *readings;
    uint32_t reading_count, reading_room;
    int64_t wait_us; /* the longest for an answer, in a calm world */
};

void pile_init(struct world *, struct pile *, uint32_t index);
void pile_done(struct pile *);
void pile_event(struct world *, struct event *);
void pile_opened(struct pile *, struct socket_ref, bool admitted);
void pile_closed(struct pile *, struct socket_ref);
void pile_frame(struct pile *, struct socket_ref, const char *text);
void pile_reboot(struct pile *);
/* It comes back with an empty memory: what it had not delivered is lost, and its ids begin anew. */
void pile_forget(struct pile *);
void pile_second_socket(struct pile *);
void pile_leave(struct pile *);
bool pile_at_rest(const struct pile *);
struct message *pile_say(struct pile *, enum what, uint32_t session, bool live);
void pile_wake_at(struct pile *, int64_t at_us);

/* texts.c: writes message->text and completes its content. */
void message_write(struct pile *, struct message *);
void message_write_action(struct message *, const char *action, const char *payload);

#endif
