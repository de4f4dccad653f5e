/* address.h - whom a connection string names, and where that is.
 *
 * libpq resolves host names inside its connect call and blocks for as long as that takes.  Who must
 * not block gives it strings whose hosts all have a hostaddr, are numeric addresses already, or are
 * folders of sockets; db_address_find makes such a string, and may be called where blocking is
 * allowed.  The names stay in it: TLS compares them with the certificate.
 */
#ifndef DB_ADDRESS_H
#define DB_ADDRESS_H

#include "db/result.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    DB_ADDRESS_MAX = 4096, /* of a string with its addresses */
    DB_ADDRESS_WHY_MAX = 400,
    DB_ADDRESS_NUMERIC_MAX = 64,
    DB_ADDRESS_EACH_MAX = 8 /* addresses taken of one name */
};

enum db_address {
    DB_ADDRESS_KNOWN, /* connecting resolves nothing */
    DB_ADDRESS_NAMES,
    DB_ADDRESS_UNREADABLE
};

/* Reads PGHOST, PGHOSTADDR and PGSERVICE too, as connecting would. */
enum db_address db_address_of(const char *conninfo);

/* The addresses of a name as text; returns how many.  NULL stands for the system's resolver. */
typedef int db_address_lookup(
    const char *name, char ret[DB_ADDRESS_EACH_MAX][DB_ADDRESS_NUMERIC_MAX]);

/* Writes the same string with a hostaddr for each host.  A name among others that has no address is
 * left out.  False: no name has one, or the string is too long or unreadable. */
MUST_CHECK bool db_address_find(const char *conninfo, db_address_lookup *,
    char ret[DB_ADDRESS_MAX], char ret_why[DB_ADDRESS_WHY_MAX]);

#endif
