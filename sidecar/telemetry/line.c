/* Writing one line of text into a given room: what does not fit is cut, what a peer sent is
 * escaped.
 * Any thread. Must not know what the line says. SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "sidecar/telemetry/line.h"

#include <string.h>
#include <time.h>

#include "lib/base/decimal.h"
#include "lib/base/utf8.h"

static void put(struct line *l, const char *text, size_t len)
{
    if (len > l->room - l->len)
        len = l->room - l->len;
    memcpy(l->to + l->len, text, len);
    l->len += len;
}

void line_put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

void line_put_u64(struct line *l, uint64_t n)
{
    char digits[DECIMAL_MAX];
    put(l, digits, decimal_write(digits, n));
}

static size_t plain_run(struct slice s)
{
    size_t at = 0;
    while (at < s.len) {
        unsigned char c = (unsigned char)s.ptr[at];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            break;
        size_t len = c < 0x80 ? 1 : utf8_front(slice_sub(s, at, s.len));
        if (len != 1 && !utf8_is_plain(s.ptr + at, len))
            break;
        at += len;
    }
    return at;
}

/* The sequence at the front, or the one byte that begins none; returns its length. Room for all of
 * an escape, or none of it. */
static size_t put_escape(struct line *l, struct slice s)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)s.ptr[0];
    size_t len = utf8_front(s);
    uint32_t code = len ? utf8_decode(s.ptr, len) : 0;
    char text[7] = {'\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15],
                    hex[code & 15], '\0'};
    if (c == '"' || c == '\\') {
        text[1] = (char)c;
        text[2] = '\0';
    } else if (code == 0) { /* broken, or NUL, which many JSON parsers do not take */
        memcpy(text, "\xef\xbf\xbd", 4);
    }
    if (l->room - l->len >= sizeof(text))
        line_put_text(l, text);
    return len ? len : 1;
}

void line_put_escaped(struct line *l, struct slice s)
{
    s = slice_sub(s, 0, LINE_FIELD_MAX);
    while (s.len) {
        size_t run = plain_run(s);
        put(l, s.ptr, run);
        if (run < s.len)
            run += put_escape(l, slice_sub(s, run, s.len));
        s = slice_sub(s, run, s.len);
    }
}

void line_put_time(struct line *l, int64_t wall_ms)
{
    static _Thread_local int64_t known_second = INT64_MIN;
    static _Thread_local char known[24];
    int64_t second = wall_ms >= 0 ? wall_ms / 1000 : 0;
    if (second != known_second) {
        time_t t = (time_t)second;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(known, sizeof(known), "%Y-%m-%dT%H:%M:%S", &tm);
        known_second = second;
    }
    unsigned ms = wall_ms >= 0 ? (unsigned)(wall_ms % 1000) : 0;
    const char millis[] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
                           (char)('0' + ms % 10), 'Z'};
    line_put_text(l, known);
    put(l, millis, sizeof(millis));
}

static void put_ipv4(struct line *l, const struct addr *a)
{
    for (int i = 0; i < 4; i++) {
        if (i)
            put(l, ".", 1);
        line_put_u64(l, a->ip[i]);
    }
    put(l, ":", 1);
    line_put_u64(l, a->port);
}

void line_put_addr(struct line *l, const struct addr *a)
{
    char text[ADDR_TEXT_MAX];
    if (a->family == 4)
        put_ipv4(l, a); /* by far the most, and far cheaper so */
    else
        line_put_text(l, addr_format(a, text));
}
