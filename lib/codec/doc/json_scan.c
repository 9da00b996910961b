/* The grammar of JSON as a machine with one byte of state and one bit for each level of nesting.
 * Text is looked at once and never kept; strings, of which most of a text consists, go by a tight
 * loop. On the caller's thread. Must not know which values somebody wants.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/json_scan.h"

#include "lib/codec/text/chars.h"

enum state {
    VALUE,     /* a value must come; at level 0 also the end */
    FIRST,     /* behind '[' */
    KEY_FIRST, /* behind '{' */
    KEY,       /* behind ',' in an object */
    COLON,
    AFTER, /* behind a value inside another */
    STRING,
    ESCAPE,
    HEX,
    WORD,
    MINUS,
    ZERO,
    DIGITS,
    POINT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    EXPONENT_DIGITS,
};

void json_scan_init(struct json_scan *s)
{
    *s = (struct json_scan){.state = VALUE};
}

bool json_scan_is_idle(const struct json_scan *s)
{
    return s->depth == 0 && s->state == VALUE;
}

bool json_scan_in_object(const struct json_scan *s)
{
    unsigned level = s->depth - 1;
    return s->depth && (s->kinds[level / 64] >> (level % 64) & 1);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void value_is_over(struct json_scan *s)
{
    s->state = s->depth ? AFTER : VALUE;
}

static enum json_scan_event in_string(struct json_scan *s, const char **at, const char *end)
{
    const char *p = *at;
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        p++;
    if (p == end) {
        *at = p;
        return JSON_SCAN_MORE;
    }
    *at = p + 1;
    if (*p == '\\') {
        s->state = ESCAPE;
        return JSON_SCAN_MORE;
    }
    if (*p != '"')
        return JSON_SCAN_BAD;
    if (s->in_key)
        s->state = COLON;
    else
        value_is_over(s);
    s->in_key = false;
    return JSON_SCAN_MORE;
}

static enum json_scan_event in_escape(struct json_scan *s, char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        s->state = STRING;
        return JSON_SCAN_MORE;
    case 'u':
        s->state = HEX;
        s->hex_left = 4;
        return JSON_SCAN_MORE;
    default:
        return JSON_SCAN_BAD;
    }
}

static enum json_scan_event in_hex(struct json_scan *s, char c)
{
    if (!chars_is(c, CHARS_HEX))
        return JSON_SCAN_BAD;
    if (--s->hex_left == 0)
        s->state = STRING;
    return JSON_SCAN_MORE;
}

static enum json_scan_event in_word(struct json_scan *s, char c)
{
    if (c != *s->word)
        return JSON_SCAN_BAD;
    if (*++s->word == '\0')
        value_is_over(s);
    return JSON_SCAN_MORE;
}

/* The state behind c inside a number; AFTER when c is no part of it; -1 when it may not end here.
 */
static int number_step(enum state state, char c)
{
    bool digit = is_digit(c), e = c == 'e' || c == 'E';
    switch (state) {
    case MINUS:
        return !digit ? -1 : c == '0' ? ZERO : DIGITS;
    case ZERO:
        return digit ? -1 : c == '.' ? POINT : e ? EXPONENT : AFTER;
    case DIGITS:
        return digit ? DIGITS : c == '.' ? POINT : e ? EXPONENT : AFTER;
    case POINT:
        return digit ? FRACTION : -1;
    case FRACTION:
        return digit ? FRACTION : e ? EXPONENT : AFTER;
    case EXPONENT:
        return digit ? EXPONENT_DIGITS : c == '+' || c == '-' ? EXPONENT_SIGN : -1;
    case EXPONENT_SIGN:
        return digit ? EXPONENT_DIGITS : -1;
    default:
        return digit ? EXPONENT_DIGITS : AFTER;
    }
}

static enum json_scan_event in_number(struct json_scan *s, const char **at)
{
    int next = number_step(s->state, **at);
    if (next < 0)
        return JSON_SCAN_BAD;
    if (next == AFTER) {
        value_is_over(s);
        return JSON_SCAN_MORE;
    }
    s->state = (uint8_t)next;
    ++*at;
    return JSON_SCAN_MORE;
}

static enum json_scan_event open_value(struct json_scan *s, bool is_object)
{
    if (s->depth == JSON_SCAN_DEPTH_MAX)
        return JSON_SCAN_BAD;
    uint64_t bit = (uint64_t)1 << (s->depth % 64);
    uint64_t *kinds = &s->kinds[s->depth / 64];
    *kinds = is_object ? *kinds | bit : *kinds & ~bit;
    s->depth++;
    s->state = is_object ? KEY_FIRST : FIRST;
    return JSON_SCAN_OPEN;
}

static enum json_scan_event close_value(struct json_scan *s, bool is_object)
{
    bool may = s->state == AFTER || s->state == (is_object ? KEY_FIRST : FIRST);
    if (!may || s->depth == 0 || json_scan_in_object(s) != is_object)
        return JSON_SCAN_BAD;
    s->depth--;
    value_is_over(s);
    return JSON_SCAN_CLOSE;
}

static enum json_scan_event begin_string(struct json_scan *s)
{
    s->in_key = s->state == KEY_FIRST || s->state == KEY;
    if (!s->in_key && s->state != VALUE && s->state != FIRST)
        return JSON_SCAN_BAD;
    s->state = STRING;
    return s->in_key ? JSON_SCAN_KEY : JSON_SCAN_SCALAR;
}

static enum json_scan_event begin_scalar(struct json_scan *s, char c)
{
    if (s->state != VALUE && s->state != FIRST)
        return JSON_SCAN_BAD;
    s->state = WORD;
    if (c == 't')
        s->word = "rue";
    else if (c == 'f')
        s->word = "alse";
    else if (c == 'n')
        s->word = "ull";
    else if (c == '-')
        s->state = MINUS;
    else if (is_digit(c))
        s->state = c == '0' ? ZERO : DIGITS;
    else
        return JSON_SCAN_BAD;
    return JSON_SCAN_SCALAR;
}

static enum json_scan_event between(struct json_scan *s, char c)
{
    switch (c) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
        return JSON_SCAN_MORE;
    case '"':
        return begin_string(s);
    case ':':
        if (s->state != COLON)
            return JSON_SCAN_BAD;
        s->state = VALUE;
        return JSON_SCAN_COLON;
    case ',':
        if (s->state != AFTER)
            return JSON_SCAN_BAD;
        s->state = json_scan_in_object(s) ? KEY : VALUE;
        return JSON_SCAN_COMMA;
    case '{':
    case '[':
        return s->state == VALUE || s->state == FIRST ? open_value(s, c == '{') : JSON_SCAN_BAD;
    case '}':
    case ']':
        return close_value(s, c == '}');
    default:
        return begin_scalar(s, c);
    }
}

enum json_scan_event json_scan_next(struct json_scan *s, unsigned depth, const char **at,
                                    const char *end)
{
    while (*at < end) {
        enum json_scan_event event;
        unsigned before = s->depth;
        if (s->state == STRING)
            event = in_string(s, at, end);
        else if (s->state < STRING)
            event = between(s, *(*at)++);
        else if (s->state == ESCAPE)
            event = in_escape(s, *(*at)++);
        else if (s->state == HEX)
            event = in_hex(s, *(*at)++);
        else if (s->state == WORD)
            event = in_word(s, *(*at)++);
        else
            event = in_number(s, at);
        if (event == JSON_SCAN_MORE)
            continue;
        unsigned inside = event == JSON_SCAN_CLOSE ? s->depth : before;
        if (inside <= depth || event == JSON_SCAN_BAD)
            return event;
    }
    return JSON_SCAN_MORE;
}
