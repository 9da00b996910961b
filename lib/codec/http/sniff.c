/* Telling protocols apart by their first bytes; see sniff.h. Pure; any thread. TLS hellos are read
 * by sniff_tls.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/sniff.h"

#include "lib/codec/text/chars.h"
#include "lib/codec/http/method.h"
#include "lib/codec/http/sniff_tls.h"

enum { SNIFF_METHOD_MAX = 16 };

static enum sniff_result sniff_h2(struct slice s)
{
    struct slice preface = SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    size_t n = s.len < preface.len ? s.len : preface.len;
    if (!slice_eq(slice_sub(s, 0, n), slice_sub(preface, 0, n)))
        return SNIFF_OPAQUE;
    return n == preface.len ? SNIFF_H2 : SNIFF_MORE;
}

/* Does the line end in " HTTP/1.<digit>"? Only a whole line can tell. */
static enum sniff_result sniff_version(struct slice s)
{
    static const char form[] = " HTTP/1.#";
    size_t end = slice_find_byte(s, '\n');
    struct slice line = slice_sub(s, 0, end);
    for (size_t i = 0; i < line.len; i++) {
        bool last = i + 1 == line.len && line.ptr[i] == '\r';
        if (!chars_is(line.ptr[i], CHARS_VALUE) && !last)
            return SNIFF_OPAQUE;
    }
    if (end == s.len)
        return s.len > SNIFF_LINE_MAX ? SNIFF_OPAQUE : SNIFF_MORE;
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (line.len < sizeof(form) - 1)
        return SNIFF_OPAQUE;
    const char *tail = line.ptr + line.len - (sizeof(form) - 1);
    for (size_t i = 0; form[i]; i++) {
        if (form[i] == '#' ? !chars_is(tail[i], CHARS_DIGIT) : tail[i] != form[i])
            return SNIFF_OPAQUE;
    }
    return SNIFF_H1;
}

/* Behind a method that many protocols do not have, a slash settles it. */
static enum sniff_result sniff_target(struct slice s, struct slice target, bool common)
{
    static const struct slice absolute[] = {{"http://", 7}, {"https://", 8}};
    if (target.len == 0)
        return SNIFF_MORE;
    if (target.ptr[0] == '/')
        return common ? SNIFF_H1 : sniff_version(s);
    for (size_t i = 0; i < 2; i++) {
        size_t n = target.len < absolute[i].len ? target.len : absolute[i].len;
        if (slice_eq_nocase(slice_sub(target, 0, n), slice_sub(absolute[i], 0, n)))
            return n < absolute[i].len ? SNIFF_MORE : sniff_version(s);
    }
    return SNIFF_OPAQUE;
}

static enum sniff_result sniff_h1(struct slice s)
{
    size_t n = 0;
    while (n < s.len && n <= SNIFF_METHOD_MAX &&
           ((s.ptr[n] >= 'A' && s.ptr[n] <= 'Z') || s.ptr[n] == '-'))
        n++;
    if (n == s.len && n <= SNIFF_METHOD_MAX)
        return SNIFF_MORE;
    if (n == 0 || n > SNIFF_METHOD_MAX || s.ptr[n] != ' ')
        return SNIFF_OPAQUE;
    struct slice method = slice_sub(s, 0, n), target = slice_sub(s, n + 1, s.len);
    char first = target.len ? target.ptr[0] : '\0';
    if (slice_eq_cstr(method, "CONNECT") && (chars_is(first, CHARS_REG) || first == '['))
        return sniff_version(s);
    if (slice_eq_cstr(method, "OPTIONS") && first == '*')
        return sniff_version(s);
    return sniff_target(s, target, method_is_common(method));
}

/* An HTTP/1 client may send one empty line first. */
static struct slice skip_empty_line(struct slice s)
{
    return slice_starts_with(s, SLICE("\r\n")) ? slice_sub(s, 2, s.len) : s;
}

enum sniff_result sniff_bytes(const uint8_t *data, size_t len, struct sniff_hello *hello)
{
    if (hello)
        *hello = (struct sniff_hello){.complete = false};
    if (len == 0)
        return SNIFF_MORE;
    enum sniff_result result = sniff_tls(data, len, hello);
    if (result != SNIFF_OPAQUE)
        return result;
    struct slice s = slice_of(data, len);
    result = sniff_h2(s);
    if (result != SNIFF_OPAQUE)
        return result;
    if (slice_eq(s, SLICE("\r")) || slice_eq(s, SLICE("\r\n")))
        return SNIFF_MORE;
    return sniff_h1(skip_empty_line(s));
}
