/* test_uri.c - absolute URIs of RFC 3986. */
#include "ocpp/uri.h"
#include "tests/ocpp/support.h"

static const struct {
    const char *text;
    bool valid;
} uris[] = {
    {"ftp://user:secret@example.com:21/logs/a%20b.tar?x=1&y=/#top", true},
    {"https://example.com", true},
    {"https://example.com/", true},
    {"http://192.0.2.7:8080/a", true},
    {"http://[2001:db8::1]:80/a", true},
    {"http://[::ffff:192.0.2.7]/", true},
    {"http://[v1.a:b]/", true},
    {"http://host:/a", true},
    {"http:///path", true},
    {"http://host?query", true},
    {"http://host#fragment", true},
    {"mailto:a@example.com", true},
    {"urn:isbn:0451450523", true},
    {"file:/etc/motd", true},
    {"s3+x.y-z:a", true},
    {"", false},
    {"example.com/a", false},
    {"/path", false},
    {"://host", false},
    {"1http://host", false},
    {"ht tp://host", false},
    {"http//host", false},
    {"http://host/a b", false},
    {"http://host/a%2", false},
    {"http://host/a%zz", false},
    {"http://ho st/", false},
    {"http://host:port/", false},
    {"http://host:80x/", false},
    {"http://[::1/", false},
    {"http://[::g]/", false},
    {"http://[]/", false},
    {"http://[v1.]/", false},
    {"http://[v.a]/", false},
    {"http://[vx.a]/", false},
    {"http://[1:2:3:4:5:6:7:8:9]/", false},
    {"http://[::1]x/", false},
    {"http://a@b@c/", false},
    {"http://host/#a#b", false},
    {"http://host/<a>", false},
    {"http://host/\"", false},
    {"http://host/\\", false},
    {"http://host/\xC3\xA9", false},
    {"http://host/{id}", false},
    {"http://host/a\n", false},
};

START_TEST(each_text_is_a_uri_or_not)
{
    ck_assert_msg(ocpp_uri_valid(uris[_i].text) == uris[_i].valid, "%s", uris[_i].text);
}
END_TEST

int main(void)
{
    const struct support_test tests[] = {{each_text_is_a_uri_or_not, COUNT(uris)}};

    return support_run("uri", tests, COUNT(tests));
}
