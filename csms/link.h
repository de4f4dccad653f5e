/* link.h - a database connection of db/ as a guest of the loop: its socket and its one alarm.
 *
 * Embedded in its owner; the functions fit the ports of lanes and of the listener.  Loop thread.
 */
#ifndef CSMS_LINK_H
#define CSMS_LINK_H

#include "csms/loop.h"

/* What the guest wants called; each lands in a db_lane_ or db_listen_ function. */
typedef void link_ready(void *guest, bool readable, bool writable, uint64_t now_ms);
typedef void link_alarm(void *guest, uint64_t now_ms);

struct link {
    struct loop *loop;
    void *guest; /* set once it is made */
    link_ready *ready;
    link_alarm *alarm;
    struct loop_fd *watcher;
    int fd;
    struct wheel_timer timer;
};

/* False: no memory.  Afterwards nothing of it can fail: a node that cannot hear its database is of
 * no use. */
MUST_CHECK bool link_init(struct link *, struct loop *, link_ready *, link_alarm *);
void link_done(struct link *); /* after the guest is gone */
void link_watch(void *link, int fd, bool want_read, bool want_write);
void link_alarm_set(void *link, uint64_t at_mono_ms);

#endif
