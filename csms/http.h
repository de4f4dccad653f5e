/* http.h - the head of an HTTP/1.1 request, read strictly; pure.
 *
 * What other software might read differently is refused rather than understood: folded lines,
 * blanks before a colon, bare line feeds, bodies, repeated headers that decide, absolute targets.
 * Nothing is copied but lists that may span several lines; the rest points into the bytes given.
 */
#ifndef CSMS_HTTP_H
#define CSMS_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

enum { HTTP_FIELDS_MAX = 64, HTTP_LIST_MAX = 256 };

struct http_text {
    const char *at; /* NULL: no such header */
    size_t length;
};

struct http_head {
    size_t length; /* of the whole head; what follows is the peer's first frames */
    struct http_text method, path, query;
    int minor; /* of HTTP/1.x */
    struct http_text host, upgrade, authorization, key, version;
    char protocols[HTTP_LIST_MAX]; /* all Sec-WebSocket-Protocol lines, joined by commas */
    size_t protocols_length;
    bool has_protocols;
};

enum http_result { HTTP_DONE, HTTP_MORE, HTTP_BAD };

MUST_CHECK enum http_result http_head_read(
    const char *bytes, size_t length, struct http_head *ret);
/* Does it ask for a websocket with a key that is one? */
bool http_wants_websocket(const struct http_head *);
bool http_text_is(struct http_text, const char *text); /* in any case */

struct http_answer {
    int status;
    const char *content_type; /* NULL: no body */
    size_t length;            /* of the body */
    unsigned retry_after_s;   /* 0: no such header */
};
/* The head of an answer that ends the connection.  Returns its length; size >= 512. */
size_t http_answer_head(char *buf, size_t size, const struct http_answer *);

#endif
