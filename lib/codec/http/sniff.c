/* Telling protocols apart by their first bytes; see sniff.h. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/sniff.h"

#include <string.h>

#include "lib/codec/http/method.h"
#include "lib/codec/text/chars.h"

/* ---- the first flight of a TLS client, read without speaking TLS ---- */

enum {
    RECORD_HEADER = 5,
    RECORD_MAX = 16384,
    RECORD_HANDSHAKE = 22,
    HANDSHAKE_HEADER = 4,
    CLIENT_HELLO = 1,
    EXTENSION_SNI = 0,
    EXTENSION_ALPN = 16,
    NAME_HOST = 0,
    NAME_LEN_MAX = 255,
};

/* A reader that, once it ran over its end, only gives zeros. */
struct cursor {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static struct cursor take(struct cursor *c, size_t n)
{
    struct cursor part = {c->at, n, c->failed || n > c->left};
    if (part.failed) {
        c->failed = true;
        c->left = part.left = 0;
        return part;
    }
    c->at += n;
    c->left -= n;
    return part;
}

static unsigned take_number(struct cursor *c, unsigned bytes)
{
    struct cursor part = take(c, bytes);
    unsigned number = 0;
    for (size_t i = 0; i < part.left; i++)
        number = number << 8 | part.at[i];
    return number;
}

/* A vector with its length in front. */
static struct cursor take_vector(struct cursor *c, unsigned length_bytes)
{
    return take(c, take_number(c, length_bytes));
}

/* Where in the hello's own text the next bytes go. */
struct sink {
    struct sniff_hello *hello;
    size_t used;
};

static struct slice keep(struct sink *s, const struct cursor *part)
{
    if (part->left > sizeof(s->hello->text) - s->used)
        return (struct slice){NULL, 0};
    char *to = s->hello->text + s->used;
    memcpy(to, part->at, part->left);
    s->used += part->left;
    return slice_of(to, part->left);
}

static bool read_sni(struct cursor *body, struct sink *sink)
{
    struct cursor list = take_vector(body, 2);
    while (!list.failed && list.left) {
        unsigned type = take_number(&list, 1);
        struct cursor name = take_vector(&list, 2);
        if (list.failed || name.left == 0 || name.left > NAME_LEN_MAX)
            return false;
        if (type != NAME_HOST)
            continue;
        if (sink->hello->sni.len || !chars_all((const char *)name.at, name.left, CHARS_REG))
            return false;
        sink->hello->sni = keep(sink, &name);
    }
    return !list.failed && !body->failed && body->left == 0;
}

static bool read_alpn(struct cursor *body, struct sink *sink)
{
    struct cursor list = take_vector(body, 2);
    while (!list.failed && list.left) {
        struct cursor name = take_vector(&list, 1);
        if (list.failed || name.left == 0)
            return false;
        if (sink->hello->alpn_count == SNIFF_ALPN_MAX)
            continue;
        struct slice kept = keep(sink, &name);
        if (kept.len)
            sink->hello->alpn[sink->hello->alpn_count++] = kept;
    }
    return !list.failed && !body->failed && body->left == 0;
}

static bool read_extensions(struct cursor *c, struct sink *sink)
{
    bool seen_sni = false, seen_alpn = false;
    while (!c->failed && c->left) {
        unsigned type = take_number(c, 2);
        struct cursor body = take_vector(c, 2);
        if (c->failed)
            return false;
        bool *seen = type == EXTENSION_SNI ? &seen_sni : type == EXTENSION_ALPN ? &seen_alpn : NULL;
        if (!seen)
            continue;
        if (*seen || !(seen == &seen_sni ? read_sni(&body, sink) : read_alpn(&body, sink)))
            return false;
        *seen = true;
    }
    return !c->failed;
}

/* version, random, session id, cipher suites, compression methods, extensions */
static bool read_hello(struct cursor c, struct sniff_hello *hello)
{
    struct sink sink = {hello, 0};
    take(&c, 2 + 32);
    take_vector(&c, 1);
    take_vector(&c, 2);
    take_vector(&c, 1);
    if (c.failed)
        return false;
    if (c.left == 0)
        return true;
    struct cursor extensions = take_vector(&c, 2);
    return !c.failed && c.left == 0 && read_extensions(&extensions, &sink);
}

/* The payload of the handshake records at the front, up to `max` bytes; false when another kind of
 * record or a broken header comes before the hello is whole. */
static bool join_records(struct cursor c, uint8_t *to, size_t max, size_t *len)
{
    *len = 0;
    while (c.left >= RECORD_HEADER && *len < max) {
        unsigned type = take_number(&c, 1), version = take_number(&c, 2), size = take_number(&c, 2);
        if (type != RECORD_HANDSHAKE || version >> 8 != 3 || size == 0 || size > RECORD_MAX)
            return false;
        size_t n = size < c.left ? size : c.left;
        n = n < max - *len ? n : max - *len;
        memcpy(to + *len, c.at, n);
        *len += n;
        take(&c, size < c.left ? size : c.left);
    }
    return true;
}

static enum sniff_result finish_hello(const uint8_t *data, size_t len, struct sniff_hello *hello)
{
    uint8_t message[SNIFF_HELLO_MAX];
    size_t have;
    bool sound = join_records((struct cursor){data, len, false}, message, sizeof(message), &have);
    struct cursor c = {message, have, false};
    if (have >= HANDSHAKE_HEADER) {
        take(&c, 1);
        size_t size = take_number(&c, 3);
        struct cursor body = take(&c, size);
        if (!body.failed) {
            hello->complete = read_hello(body, hello);
            if (!hello->complete)
                *hello = (struct sniff_hello){.complete = false};
            return SNIFF_TLS;
        }
        sound &= size + HANDSHAKE_HEADER <= sizeof(message);
    }
    return sound && len <= SNIFF_HELLO_MAX ? SNIFF_MORE : SNIFF_TLS;
}

/* SNIFF_TLS, SNIFF_MORE, or SNIFF_OPAQUE for "not TLS". `hello` as in sniff_bytes, already cleared.
 */
static enum sniff_result sniff_tls(const uint8_t *data, size_t len, struct sniff_hello *hello)
{
    /* type, major version, minor version, length, then the type of the first handshake message */
    if (data[0] != RECORD_HANDSHAKE || (len > 1 && data[1] != 3) || (len > 2 && data[2] > 4))
        return SNIFF_OPAQUE;
    if (len < RECORD_HEADER)
        return SNIFF_MORE;
    unsigned size = (unsigned)data[3] << 8 | data[4];
    if (size == 0 || size > RECORD_MAX)
        return SNIFF_OPAQUE;
    if (len == RECORD_HEADER)
        return SNIFF_MORE;
    if (data[RECORD_HEADER] != CLIENT_HELLO)
        return SNIFF_OPAQUE;
    return hello ? finish_hello(data, len, hello) : SNIFF_TLS;
}

/* ---- all protocols ---- */

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
