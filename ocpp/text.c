/* text.c - see text.h. */
#include "ocpp/text.h"

static uint32_t hex_digit(char c)
{
    return (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static uint32_t hex4(const char *p)
{
    return hex_digit(p[0]) << 12 | hex_digit(p[1]) << 8 | hex_digit(p[2]) << 4 | hex_digit(p[3]);
}

static bool is_low(uint32_t code)
{
    return code >= 0xDC00 && code <= 0xDFFF;
}

static uint32_t next_utf8(const char **p)
{
    const unsigned char *s = (const unsigned char *)*p;
    int more = s[0] >= 0xF0 ? 3 : s[0] >= 0xE0 ? 2 : 1;
    uint32_t code = s[0] & (0x3Fu >> more);

    for (int i = 1; i <= more; i++)
        code = code << 6 | (s[i] & 0x3Fu);
    *p += more + 1;
    return code;
}

static uint32_t next_escape(const char **p)
{
    uint32_t code;

    *p += 2;
    switch ((*p)[-1]) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'u':
        break;
    default:
        return (unsigned char)(*p)[-1];
    }
    code = hex4(*p);
    *p += 4;
    if (code < 0xD800 || code > 0xDBFF)
        return code;
    if ((*p)[0] != '\\' || (*p)[1] != 'u' || !is_low(hex4(*p + 2)))
        return code;
    code = 0x10000 + ((code - 0xD800) << 10) + (hex4(*p + 2) - 0xDC00);
    *p += 6;
    return code;
}

uint32_t ocpp_text_next(const char **p)
{
    if (**p == '\\')
        return next_escape(p);
    if ((unsigned char)**p >= 0x80)
        return next_utf8(p);
    return (unsigned char)*(*p)++;
}

static size_t put_utf8(char out[4], uint32_t code)
{
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t length;

    if (code >= 0xD800 && code <= 0xDFFF)
        code = 0xFFFD; /* no UTF-8 spells a lone surrogate */
    length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(lead[length == 1 ? 0 : length] | code);
    return length;
}

size_t ocpp_text_unescape(const char *raw, size_t length, char *buf, size_t size)
{
    const char *p = raw, *end = raw + length;
    size_t used = 0;

    while (p < end) {
        char bytes[4];
        size_t count = put_utf8(bytes, ocpp_text_next(&p));

        if (used + count >= size)
            break;
        for (size_t i = 0; i < count; i++)
            buf[used++] = bytes[i];
    }
    buf[used] = '\0';
    return used;
}

size_t ocpp_text_count(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += (*text & 0xC0) != 0x80;
    return count;
}
