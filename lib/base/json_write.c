/* A streaming JSON writer: commas, colons and escapes are its business, nesting is the caller's.
 * Used on one thread. Must not keep anything but the buf it writes to.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/json_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/utf8.h"

void json_write_init(struct json_write *w, struct buf *out)
{
    w->out = out;
    w->need_comma = false;
}

static void begin_value(struct json_write *w)
{
    if (w->need_comma)
        buf_append(w->out, ",", 1);
    w->need_comma = true;
}

static void write_text(struct json_write *w, const char *text, size_t len)
{
    begin_value(w);
    buf_append(w->out, text, len);
}

static void open_nest(struct json_write *w, const char *bracket)
{
    write_text(w, bracket, 1);
    w->need_comma = false;
}

static void close_nest(struct json_write *w, const char *bracket)
{
    buf_append(w->out, bracket, 1);
    w->need_comma = true;
}

void json_write_object(struct json_write *w)
{
    open_nest(w, "{");
}

void json_write_object_end(struct json_write *w)
{
    close_nest(w, "}");
}

void json_write_array(struct json_write *w)
{
    open_nest(w, "[");
}

void json_write_array_end(struct json_write *w)
{
    close_nest(w, "]");
}

/* How many bytes from the front need no escape. */
static size_t plain_run(struct slice s)
{
    size_t at = 0;
    while (at < s.len) {
        unsigned char c = (unsigned char)s.ptr[at];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            break;
        size_t len = utf8_front(slice_sub(s, at, s.len));
        if (!utf8_is_plain(s.ptr + at, len))
            break;
        at += len;
    }
    return at;
}

/* The sequence at the front, or the one byte that begins none; returns its length. */
static size_t write_escape(struct buf *out, struct slice s)
{
    unsigned char c = (unsigned char)s.ptr[0];
    size_t len = utf8_front(s);
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *known = memchr(from, c, sizeof(from) - 1);
    char text[8];
    int n;
    if (known)
        n = snprintf(text, sizeof(text), "\\%c", to[known - from]);
    else if (len)
        n = snprintf(text, sizeof(text), "\\u%04x", (unsigned)utf8_decode(s.ptr, len));
    else
        n = snprintf(text, sizeof(text), "\xef\xbf\xbd");
    buf_append(out, text, (size_t)n);
    return len ? len : 1;
}

static void write_quoted(struct buf *out, struct slice s)
{
    buf_append(out, "\"", 1);
    while (s.len) {
        size_t run = plain_run(s);
        buf_append(out, s.ptr, run);
        if (run < s.len)
            run += write_escape(out, slice_sub(s, run, s.len));
        s = slice_sub(s, run, s.len);
    }
    buf_append(out, "\"", 1);
}

void json_write_key(struct json_write *w, const char *key)
{
    begin_value(w);
    write_quoted(w->out, slice_from_cstr(key));
    buf_append(w->out, ":", 1);
    w->need_comma = false;
}

void json_write_string(struct json_write *w, struct slice value)
{
    begin_value(w);
    write_quoted(w->out, value);
}

void json_write_i64(struct json_write *w, int64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%lld", (long long)value);
    write_text(w, text, (size_t)n);
}

void json_write_f64(struct json_write *w, double value)
{
    char text[32];
    int n = 0;
    if (!isfinite(value)) {
        json_write_null(w);
        return;
    }
    /* The shortest form that reads back as the same number. */
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    write_text(w, text, (size_t)n);
}

void json_write_bool(struct json_write *w, bool value)
{
    write_text(w, value ? "true" : "false", value ? 4 : 5);
}

void json_write_null(struct json_write *w)
{
    write_text(w, "null", 4);
}

void json_write_field(struct json_write *w, const char *key, struct slice value)
{
    json_write_key(w, key);
    json_write_string(w, value);
}

void json_write_field_u64(struct json_write *w, const char *key, uint64_t value)
{
    json_write_key(w, key);
    json_write_i64(w, (int64_t)value);
}

void json_write_field_bool(struct json_write *w, const char *key, bool value)
{
    json_write_key(w, key);
    json_write_bool(w, value);
}
