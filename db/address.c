/* address.c - see address.h. */
#include "db/address.h"

#include <libpq-fe.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { NAME_MAX_BYTES = 256 };

struct out {
    char *text;
    size_t size, length;
    bool full;
};

static void put(struct out *out, const char *text, size_t length)
{
    if (out->length + length >= out->size) {
        out->full = true;
        return;
    }
    memcpy(out->text + out->length, text, length);
    out->length += length;
    out->text[out->length] = '\0';
}

static void put_text(struct out *out, const char *text)
{
    put(out, text, strlen(text));
}

static void put_option(struct out *out, const char *keyword, const char *value)
{
    put_text(out, out->length ? " " : "");
    put_text(out, keyword);
    put_text(out, "='");
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            put_text(out, "\\");
        put(out, value, 1);
    }
    put_text(out, "'");
}

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val && *options->val ? options->val : NULL;
    return NULL;
}

/* What the string says itself, and what the environment says where it is silent. */
struct target {
    PQconninfoOption *options, *defaults;
    const char *host, *hostaddr, *port;
};

static const char *said(const struct target *target, const char *keyword)
{
    const char *value = value_of(target->options, keyword);

    return value ? value : value_of(target->defaults, keyword);
}

static bool target_read(struct target *target, const char *conninfo)
{
    *target = (struct target){.options = PQconninfoParse(conninfo, NULL)};
    if (!target->options)
        return false;
    target->defaults = PQconndefaults();
    target->host = said(target, "host");
    target->hostaddr = said(target, "hostaddr");
    target->port = said(target, "port");
    return true;
}

static void target_done(struct target *target)
{
    PQconninfoFree(target->options);
    PQconninfoFree(target->defaults);
}

/* The n-th of a list with commas, "" past its end.  False: it is past the end, or too long. */
static bool piece(const char *list, int n, char ret[NAME_MAX_BYTES])
{
    size_t length;

    ret[0] = '\0';
    for (; list && n > 0; n--) {
        list = strchr(list, ',');
        list = list ? list + 1 : NULL;
    }
    if (!list)
        return false;
    length = strcspn(list, ",");
    if (length >= NAME_MAX_BYTES)
        return false;
    memcpy(ret, list, length);
    ret[length] = '\0';
    return true;
}

static bool is_name(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    return *host && *host != '/' && *host != '@' && inet_pton(AF_INET, host, address) != 1 &&
           inet_pton(AF_INET6, host, address) != 1;
}

static bool names_one(const struct target *target)
{
    char host[NAME_MAX_BYTES], address[NAME_MAX_BYTES];

    if (!target->host && !target->hostaddr)
        return value_of(target->options, "service") != NULL; /* libpq would read its host there */
    for (int i = 0; piece(target->host, i, host); i++)
        if (!piece(target->hostaddr, i, address) || !*address)
            if (is_name(host))
                return true;
    return target->host && strlen(target->host) >= NAME_MAX_BYTES && !target->hostaddr;
}

enum db_address db_address_of(const char *conninfo)
{
    struct target target;
    bool names;

    if (!target_read(&target, conninfo))
        return DB_ADDRESS_UNREADABLE;
    names = names_one(&target);
    target_done(&target);
    return names ? DB_ADDRESS_NAMES : DB_ADDRESS_KNOWN;
}

static int system_lookup(
    const char *name, char ret[DB_ADDRESS_EACH_MAX][DB_ADDRESS_NUMERIC_MAX])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int count = 0;

    if (getaddrinfo(name, NULL, &hints, &found) != 0)
        return 0;
    for (struct addrinfo *at = found; at && count < DB_ADDRESS_EACH_MAX; at = at->ai_next)
        if (getnameinfo(at->ai_addr, at->ai_addrlen, ret[count], DB_ADDRESS_NUMERIC_MAX, NULL, 0,
                NI_NUMERICHOST) == 0)
            count++;
    freeaddrinfo(found);
    return count;
}

/* The three lists that grow side by side; libpq wants them of one length. */
struct lists {
    char host_text[DB_ADDRESS_MAX], address_text[DB_ADDRESS_MAX], port_text[DB_ADDRESS_MAX];
    struct out host, address, port;
    bool ports; /* each host has its own */
    int count;
};

static void lists_add(
    struct lists *lists, const char *host, const char *address, const char *port)
{
    const char *comma = lists->count++ ? "," : "";

    put_text(&lists->host, comma);
    put_text(&lists->host, host);
    put_text(&lists->address, comma);
    put_text(&lists->address, address);
    put_text(&lists->port, comma);
    put_text(&lists->port, port);
}

static void lists_fill(struct lists *lists, const struct target *target, db_address_lookup *lookup)
{
    char found[DB_ADDRESS_EACH_MAX][DB_ADDRESS_NUMERIC_MAX];
    char host[NAME_MAX_BYTES], address[NAME_MAX_BYTES], port[NAME_MAX_BYTES];

    for (int i = 0; piece(target->host, i, host); i++) {
        int count = 0;

        (void)piece(target->hostaddr, i, address);
        (void)piece(target->port, i, port);
        if (*address || !is_name(host)) {
            lists_add(lists, host, address, port);
            continue;
        }
        count = lookup(host, found);
        for (int n = 0; n < count; n++)
            lists_add(lists, host, found[n], port);
    }
}

static bool write_all(const struct target *target, const struct lists *lists, char *ret)
{
    struct out out = {.text = ret, .size = DB_ADDRESS_MAX};

    put_option(&out, "host", lists->host_text);
    put_option(&out, "hostaddr", lists->address_text);
    if (lists->ports || value_of(target->options, "port"))
        put_option(&out, "port", lists->ports ? lists->port_text : target->port);
    for (const PQconninfoOption *at = target->options; at->keyword; at++)
        if (at->val && *at->val && strcmp(at->keyword, "host") != 0 &&
            strcmp(at->keyword, "hostaddr") != 0 && strcmp(at->keyword, "port") != 0)
            put_option(&out, at->keyword, at->val);
    return !out.full && !lists->host.full && !lists->address.full && !lists->port.full;
}

static bool find(const struct target *target, db_address_lookup *lookup,
    char ret[DB_ADDRESS_MAX], char ret_why[DB_ADDRESS_WHY_MAX])
{
    struct lists lists = {.ports = target->port && strchr(target->port, ',')};

    lists.host = (struct out){.text = lists.host_text, .size = sizeof lists.host_text};
    lists.address = (struct out){.text = lists.address_text, .size = sizeof lists.address_text};
    lists.port = (struct out){.text = lists.port_text, .size = sizeof lists.port_text};
    if (!target->host) {
        snprintf(ret_why, DB_ADDRESS_WHY_MAX, "the connection string names no host");
        return false;
    }
    lists_fill(&lists, target, lookup);
    if (lists.count == 0) {
        snprintf(ret_why, DB_ADDRESS_WHY_MAX, "no address was found for %.300s", target->host);
        return false;
    }
    if (write_all(target, &lists, ret))
        return true;
    snprintf(ret_why, DB_ADDRESS_WHY_MAX, "the connection string is too long");
    return false;
}

bool db_address_find(const char *conninfo, db_address_lookup *lookup, char ret[DB_ADDRESS_MAX],
    char ret_why[DB_ADDRESS_WHY_MAX])
{
    struct target target;
    bool ok;

    ret_why[0] = '\0';
    if (!target_read(&target, conninfo)) {
        snprintf(ret_why, DB_ADDRESS_WHY_MAX, "the connection string cannot be read");
        return false;
    }
    ok = find(&target, lookup ? lookup : system_lookup, ret, ret_why);
    target_done(&target);
    return ok;
}
