/* http.c - see http.h. */
#include "csms/http.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool http_text_is(struct http_text text, const char *name)
{
    return text.at && strlen(name) == text.length && !strncasecmp(text.at, name, text.length);
}

/* RFC 7230 token characters. */
static bool is_token(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
        (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool all_token(struct http_text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!is_token((unsigned char)text.at[i]))
            return false;
    return text.length > 0;
}

/* Takes the text up to `end`, and the `end` itself. */
static bool take_until(struct http_text *from, char end, struct http_text *ret)
{
    const char *found = memchr(from->at, end, from->length);

    if (!found)
        return false;
    *ret = (struct http_text){ from->at, (size_t)(found - from->at) };
    from->length -= ret->length + 1;
    from->at = found + 1;
    return true;
}

/* METHOD SP /path[?query] SP HTTP/1.x and nothing else. */
static bool read_request_line(struct http_text line, struct http_head *ret)
{
    struct http_text target;

    if (!take_until(&line, ' ', &ret->method) || !all_token(ret->method) ||
        !take_until(&line, ' ', &target))
        return false;
    if (line.length != 8 || memcmp(line.at, "HTTP/1.", 7) ||
        (line.at[7] != '0' && line.at[7] != '1'))
        return false;
    ret->minor = line.at[7] - '0';
    if (!target.length || target.at[0] != '/')
        return false;
    for (size_t i = 0; i < target.length; i++)
        if ((unsigned char)target.at[i] <= 0x20 || target.at[i] == 0x7f || target.at[i] == '#')
            return false;
    if (take_until(&target, '?', &ret->path))
        ret->query = target;
    else
        ret->path = target;
    return true;
}

static struct http_text trimmed(struct http_text text)
{
    while (text.length && (text.at[0] == ' ' || text.at[0] == '\t'))
        text.at++, text.length--;
    while (text.length &&
        (text.at[text.length - 1] == ' ' || text.at[text.length - 1] == '\t'))
        text.length--;
    return text;
}

static bool add_protocols(struct http_head *ret, struct http_text value)
{
    size_t comma = ret->has_protocols;

    if (ret->protocols_length + comma + value.length > sizeof(ret->protocols))
        return false;
    if (comma)
        ret->protocols[ret->protocols_length++] = ',';
    memcpy(ret->protocols + ret->protocols_length, value.at, value.length);
    ret->protocols_length += value.length;
    ret->has_protocols = true;
    return true;
}

/* A header that decides may come once. */
static bool once(struct http_text *field, struct http_text value)
{
    if (field->at)
        return false;
    *field = value;
    return true;
}

static bool read_field(struct http_text line, struct http_head *ret)
{
    struct http_text name, value;

    if (!take_until(&line, ':', &name) || !all_token(name))
        return false;
    value = trimmed(line);
    for (size_t i = 0; i < value.length; i++)
        if (((unsigned char)value.at[i] < 0x20 && value.at[i] != '\t') || value.at[i] == 0x7f)
            return false;
    if (http_text_is(name, "Host"))
        return once(&ret->host, value);
    if (http_text_is(name, "Upgrade"))
        return once(&ret->upgrade, value);
    if (http_text_is(name, "Authorization"))
        return once(&ret->authorization, value);
    if (http_text_is(name, "Sec-WebSocket-Key"))
        return once(&ret->key, value);
    if (http_text_is(name, "Sec-WebSocket-Version"))
        return once(&ret->version, value);
    if (http_text_is(name, "Sec-WebSocket-Protocol"))
        return add_protocols(ret, value);
    /* No request here has a body, and two opinions on its length are an attack. */
    if (http_text_is(name, "Content-Length"))
        return http_text_is(value, "0");
    return !http_text_is(name, "Transfer-Encoding") && !http_text_is(name, "HTTP2-Settings");
}

static bool take_line(struct http_text *from, struct http_text *ret)
{
    if (!take_until(from, '\n', ret) || !ret->length || ret->at[ret->length - 1] != '\r')
        return false;
    ret->length--;
    return true;
}

enum http_result http_head_read(const char *bytes, size_t length, struct http_head *ret)
{
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    struct http_text rest = { bytes, length }, line;
    unsigned fields = 0;

    *ret = (struct http_head){ 0 };
    if (!end) {
        /* Do not wait for the end of what can't become a request: HTTP/2, TLS, garbage. */
        const char *first = memchr(bytes, '\n', length);
        size_t known = first ? (size_t)(first - bytes) : length;

        if (memchr(bytes, '\0', length) || (known && !is_token((unsigned char)bytes[0])))
            return HTTP_BAD;
        if (first && (!take_line(&rest, &line) || !read_request_line(line, ret)))
            return HTTP_BAD;
        return HTTP_MORE;
    }
    rest.length = (size_t)(end - bytes) + 2;
    ret->length = rest.length + 2;
    if (!take_line(&rest, &line) || !read_request_line(line, ret))
        return HTTP_BAD;
    while (rest.length) {
        if (++fields > HTTP_FIELDS_MAX || !take_line(&rest, &line) || !read_field(line, ret))
            return HTTP_BAD;
    }
    return ret->minor == 1 && !ret->host.at ? HTTP_BAD : HTTP_DONE;
}

/* Base64 of 16 bytes. */
static bool is_key(struct http_text key)
{
    if (!key.at || key.length != 24 || memcmp(key.at + 22, "==", 2))
        return false;
    for (size_t i = 0; i < 22; i++) {
        unsigned char c = (unsigned char)key.at[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                c == '+' || c == '/'))
            return false;
    }
    return true;
}

bool http_wants_websocket(const struct http_head *head)
{
    /* "Connection: Upgrade" is not asked for: one charger in the field leaves it out. */
    return http_text_is(head->method, "GET") && head->minor == 1 &&
        http_text_is(head->upgrade, "websocket") && is_key(head->key);
}

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 426:
        return "Upgrade Required";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "Service Unavailable";
    }
}

/* Headers that belong to the status. */
static const char *extra_of(int status)
{
    switch (status) {
    case 401:
        return "WWW-Authenticate: Basic realm=\"ocpp\", charset=\"UTF-8\"\r\n";
    case 405:
        return "Allow: GET, HEAD\r\n";
    case 426:
        return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    default:
        return "";
    }
}

size_t http_answer_head(char *buf, size_t size, const struct http_answer *answer)
{
    char retry[40] = "", type[96] = "";
    int n;

    if (answer->retry_after_s)
        snprintf(retry, sizeof(retry), "Retry-After: %u\r\n", answer->retry_after_s);
    if (answer->content_type)
        snprintf(type, sizeof(type), "Content-Type: %s\r\n", answer->content_type);
    n = snprintf(buf, size,
        "HTTP/1.1 %d %s\r\n%s%s%sContent-Length: %zu\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close%s\r\n\r\n",
        answer->status, reason_of(answer->status), type, extra_of(answer->status), retry,
        answer->length, answer->status == 426 ? ", Upgrade" : "");
    assert(n > 0 && (size_t)n < size);
    return (size_t)n;
}
