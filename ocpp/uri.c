/* uri.c - see uri.h; the names of the parts are those of RFC 3986, appendix A. */
#include "ocpp/uri.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#define SUB_DELIMS "!$&'()*+,;="
#define UNRESERVED "-._~"

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Skips letters, digits, percent-encoded bytes and what is in `others`. */
static const char *skip(const char *p, const char *others)
{
    for (;;) {
        if (is_alpha(*p) || is_digit(*p) || is_one_of(*p, others))
            p++;
        else if (*p == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]))
            p += 3;
        else
            return p;
    }
}

static bool valid_ip_literal(const char *p, const char *end)
{
    char address[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    size_t length = (size_t)(end - p);

    if (*p == 'v' || *p == 'V') {
        const char *dot = ++p;

        while (isxdigit((unsigned char)*dot))
            dot++;
        return dot > p && *dot == '.' && dot + 1 < end &&
               skip(dot + 1, UNRESERVED SUB_DELIMS ":") == end && memchr(dot, '%', length) == NULL;
    }
    if (length >= sizeof(address))
        return false;
    memcpy(address, p, length);
    address[length] = '\0';
    return inet_pton(AF_INET6, address, bytes) == 1;
}

/* Behind the authority, or NULL. */
static const char *skip_authority(const char *p)
{
    const char *at = skip(p, UNRESERVED SUB_DELIMS ":");

    if (*at == '@')
        p = at + 1;
    if (*p == '[') {
        const char *end = strchr(p, ']');

        if (end == NULL || !valid_ip_literal(p + 1, end))
            return NULL;
        p = end + 1;
    } else {
        p = skip(p, UNRESERVED SUB_DELIMS);
    }
    if (*p == ':')
        for (p++; is_digit(*p);)
            p++;
    return p;
}

bool ocpp_uri_valid(const char *text)
{
    const char *p = text;

    if (!is_alpha(*p))
        return false;
    while (is_alpha(*p) || is_digit(*p) || is_one_of(*p, "+-."))
        p++;
    if (*p++ != ':')
        return false;
    if (p[0] == '/' && p[1] == '/') {
        p = skip_authority(p + 2);
        if (p == NULL || !is_one_of(*p, "/?#"))
            return p != NULL && *p == '\0';
    }
    p = skip(p, UNRESERVED SUB_DELIMS ":@/");
    if (*p == '?')
        p = skip(p + 1, UNRESERVED SUB_DELIMS ":@/?");
    if (*p == '#')
        p = skip(p + 1, UNRESERVED SUB_DELIMS ":@/?");
    return *p == '\0';
}
