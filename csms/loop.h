/* loop.h - the event loop: one thread, libev, and everything that may wake it.
 *
 * Time is read once for each turn, so that all of a turn's work sees the same instant.  All
 * functions belong to the loop's thread except loop_wake_send.  Nothing called from here may block.
 */
#ifndef CSMS_LOOP_H
#define CSMS_LOOP_H

#include "csms/wheel.h"

#include <stdbool.h>
#include <stdint.h>

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

struct loop;
struct loop_fd;
struct loop_wake;
struct ev_loop;

/* NULL: no memory, or no epoll. */
MUST_CHECK struct loop *loop_new(void);
/* After everything that was made from it is gone. */
void loop_free(struct loop *);
/* Runs until loop_stop. */
void loop_run(struct loop *);
void loop_stop(struct loop *);

uint64_t loop_mono_ms(const struct loop *);
int64_t loop_wall_us(const struct loop *);

/* Timers are struct wheel_timer, embedded in their owner. */
void loop_timer_arm(struct loop *, struct wheel_timer *, uint64_t at_mono_ms);
void loop_timer_disarm(struct loop *, struct wheel_timer *);

/* Watches a file descriptor, at first for nothing; the descriptor stays the caller's. */
typedef void loop_fd_ready(void *ctx, bool readable, bool writable);
MUST_CHECK struct loop_fd *loop_fd_new(struct loop *, int fd, loop_fd_ready *ready, void *ctx);
void loop_fd_want(struct loop_fd *, bool read, bool write);
/* To another descriptor, at first for nothing; -1: to none, of which nothing may be wanted. */
void loop_fd_move(struct loop_fd *, int fd);
/* May be called from within its own ready function. NULL is allowed. */
void loop_fd_free(struct loop_fd *);

/* Lets other threads call a function in the loop.  Several sends may become one call. */
typedef void loop_call(void *ctx);
MUST_CHECK struct loop_wake *loop_wake_new(struct loop *, loop_call *call, void *ctx);
void loop_wake_send(struct loop_wake *); /* any thread, any signal handler */
void loop_wake_free(struct loop_wake *);

/* Calls it in the loop (not in the handler) when the signal came.  At most 8 signals. */
MUST_CHECK bool loop_signal(struct loop *, int signum, loop_call *call, void *ctx);
/* Calls it at the end of every turn, before the loop sleeps: the place to flush what the turn has
 * gathered.  At most 8. */
MUST_CHECK bool loop_each_turn(struct loop *, loop_call *call, void *ctx);

/* For guests that bring watchers of their own (libwebsockets). */
struct ev_loop *loop_ev(struct loop *);

#endif
