/* conninfo.h - a connection string before anybody connects with it.
 *
 * Nothing here connects, and no message repeats a secret.
 */
#ifndef DB_CONNINFO_H
#define DB_CONNINFO_H

#include "db/result.h"

#include <stdbool.h>
#include <stddef.h>

enum { DB_CONNINFO_WHY_MAX = 400 };

/* Would libpq take it, and may it stand in a file that others read?  False: ret_why says why not
 * and what to do. */
MUST_CHECK bool db_conninfo_check(const char *conninfo, char ret_why[DB_CONNINFO_WHY_MAX]);

/* The same string for another user.  False: it is unreadable or does not fit. */
MUST_CHECK bool db_conninfo_as(const char *conninfo, const char *user, char *ret, size_t size);

/* For the socket in a folder, whatever its name has in it.  False: it does not fit. */
MUST_CHECK bool db_conninfo_in(const char *folder, const char *dbname, const char *user, char *ret,
    size_t size);

#endif
