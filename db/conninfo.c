/* conninfo.c - see conninfo.h. */
#include "db/conninfo.h"

#include <libpq-fe.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

__attribute__((format(printf, 2, 3))) static bool refuse(
    char ret_why[DB_CONNINFO_WHY_MAX], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(ret_why, DB_CONNINFO_WHY_MAX, format, args);
    va_end(args);
    return false;
}

/* What libpq says of it holds pieces of the string, which may be pieces of a password. */
static bool unreadable(const char *conninfo, char *said, char ret_why[DB_CONNINFO_WHY_MAX])
{
    bool secret = strstr(conninfo, "password") || strstr(conninfo, "://");
    const char *detail = said && !secret ? said : "libpq cannot read it";

    refuse(ret_why, "is no connection string: %.*s; write host=... dbname=... user=...",
        (int)strcspn(detail, "\n"), detail);
    PQfreemem(said);
    return false;
}

static bool ports_right(const char *value, char ret_why[DB_CONNINFO_WHY_MAX])
{
    for (const char *at = value;; at++) {
        char *end;
        long port = strtol(at, &end, 10);

        if (end != at && (port < 1 || port > 65535))
            end = NULL;
        if (!end || (*end && *end != ','))
            return refuse(ret_why, "port=%.40s: a port is a number from 1 to 65535", value);
        if (!*end)
            return true;
        at = end;
    }
}

static bool sslmode_right(const char *value, char ret_why[DB_CONNINFO_WHY_MAX])
{
    static const char *const modes[] = {
        "disable", "allow", "prefer", "require", "verify-ca", "verify-full"};

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(value, modes[i]) == 0)
            return true;
    return refuse(ret_why,
        "sslmode=%.40s: it is disable, allow, prefer, require, verify-ca or verify-full", value);
}

/* libpq passes over a file that others may read, and is then refused by the server. */
static bool passfile_right(const char *value, char ret_why[DB_CONNINFO_WHY_MAX])
{
    struct stat st;

    if (stat(value, &st) != 0)
        return refuse(ret_why,
            "passfile=%.160s: %s; make it, mode 0600, with a line host:port:dbname:user:password",
            value, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refuse(ret_why, "passfile=%.160s is no regular file; name one of mode 0600", value);
    if (st.st_mode & 077)
        return refuse(ret_why,
            "passfile=%.160s: others may read it, so libpq does not; chmod 600 it", value);
    return true;
}

static bool option_right(const PQconninfoOption *option, char ret_why[DB_CONNINFO_WHY_MAX])
{
    if (strcmp(option->keyword, "password") == 0 || strcmp(option->keyword, "sslpassword") == 0)
        return refuse(ret_why,
            "holds a %s, which everybody reads who reads the configuration; take it out and name a "
            "file of mode 0600 with passfile=FILE (a line host:port:dbname:user:password)",
            option->keyword);
    if (strcmp(option->keyword, "port") == 0)
        return ports_right(option->val, ret_why);
    if (strcmp(option->keyword, "sslmode") == 0)
        return sslmode_right(option->val, ret_why);
    if (strcmp(option->keyword, "passfile") == 0)
        return passfile_right(option->val, ret_why);
    return true;
}

bool db_conninfo_check(const char *conninfo, char ret_why[DB_CONNINFO_WHY_MAX])
{
    char *said = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &said);
    bool right = true;

    if (!options)
        return unreadable(conninfo, said, ret_why);
    for (const PQconninfoOption *at = options; at->keyword && right; at++)
        right = !at->val || !*at->val || option_right(at, ret_why);
    PQconninfoFree(options);
    return right;
}

/* keyword='value', quoted as libpq reads it. */
static bool put(FILE *out, const char *keyword, const char *value)
{
    fprintf(out, "%s%s='", ftell(out) ? " " : "", keyword);
    for (; *value; value++)
        fprintf(out, strchr("'\\", *value) ? "\\%c" : "%c", *value);
    return fputc('\'', out) != EOF;
}

struct draft {
    FILE *out;
    char *text;
    size_t length;
};

/* What was written, if it was made and fits; in any case the end of the draft. */
static bool draft_end(struct draft *draft, bool made, char *ret, size_t size)
{
    made = draft->out && fclose(draft->out) == 0 && made && draft->length < size;
    if (made)
        memcpy(ret, draft->text, draft->length + 1);
    free(draft->text);
    return made;
}

bool db_conninfo_in(
    const char *folder, const char *dbname, const char *user, char *ret, size_t size)
{
    struct draft draft = {0};
    FILE *out = draft.out = open_memstream(&draft.text, &draft.length);
    bool made =
        out && put(out, "host", folder) && put(out, "dbname", dbname) && put(out, "user", user);

    return draft_end(&draft, made, ret, size);
}

bool db_conninfo_as(const char *conninfo, const char *user, char *ret, size_t size)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    struct draft draft = {0};
    FILE *out = draft.out = options ? open_memstream(&draft.text, &draft.length) : NULL;
    bool made = out && put(out, "user", user);

    for (const PQconninfoOption *at = options; made && at->keyword; at++)
        if (at->val && strcmp(at->keyword, "user") != 0)
            made = put(out, at->keyword, at->val);
    PQconninfoFree(options);
    return draft_end(&draft, made, ret, size);
}
