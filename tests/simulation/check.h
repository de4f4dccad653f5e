/* check.h - what must always hold.  Each function is asked where its matter happens. */
#ifndef SIMULATION_CHECK_H
#define SIMULATION_CHECK_H

#include "tests/simulation/node.h"
#include "tests/simulation/pile.h"

/* A CALLRESULT or CALLERROR leaves; `text` begins with [3 or [4. */
void check_answer(struct node *, struct socket *, const char *text, size_t length);
/* A CALL of ours leaves. */
void check_call(struct node *, const struct socket *, const char *text);
/* The core asks for work. */
void check_work(struct node *, const struct core_work *);
void check_epoch(struct node *, struct socket *, int64_t epoch);
/* Core and transport agree on who is connected. */
void check_connections(struct node *);
void check_memory(struct node *, bool end);
void check_commands(struct world *);
/* In a calm world the database and the nodes agree on who owns each station. */
void check_owners(struct world *);
/* In a calm world no pile waits many times as long for an answer as half of the piles do. */
void check_fair(struct world *);
/* The books against the truth, once all is at rest. */
void check_books(struct world *);

#endif
