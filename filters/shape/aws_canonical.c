/* Encoding and sorting. Each part is written into a buffer and lies in the arena then.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/aws_canonical.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/percent.h"

struct pair {
    struct slice name, value;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = slice_compare(x->name, y->name);
    return order ? order : slice_compare(x->value, y->value);
}

/* ---- percent-encoding: all but letters, digits and "-._~" ---- */

static struct slice encode(struct arena *arena, struct slice s, bool keeps_slash)
{
    char *text = arena_alloc(arena, s.len * 3 + 1);
    return slice_of(text, percent_encode(s, keeps_slash ? "-._~/" : "-._~", text));
}

static struct slice decode(struct arena *arena, struct slice s)
{
    return percent_decode(s, arena_alloc(arena, s.len + 1));
}

/* ---- path ---- */

/* As S3 does: each segment decoded and encoded again, so that a slash that was encoded stays so. */
static struct slice encode_again(struct arena *arena, struct slice path)
{
    struct buf out;
    struct slice rest = path, segment;
    bool is_first = true;
    buf_init(&out);
    while (slice_split(&rest, '/', &segment)) {
        if (!is_first)
            buf_append(&out, "/", 1);
        is_first = false;
        buf_append_slice(&out, encode(arena, decode(arena, segment), false));
    }
    struct slice text = buf_take_into(&out, arena);
    buf_dispose(&out);
    return text;
}

/* Without dot segments (RFC 3986 §5.2.4) and empty ones; a slash at the end stays. */
static struct slice remove_dots(struct arena *arena, struct slice path)
{
    char *text = arena_alloc(arena, path.len + 2);
    struct slice rest = path, segment;
    size_t len = 0;
    bool is_open = true; /* nothing behind the last slash */
    while (slice_split(&rest, '/', &segment)) {
        bool is_up = slice_eq_cstr(segment, "..");
        is_open = !segment.len || is_up || slice_eq_cstr(segment, ".");
        while (is_up && len > 0 && text[--len] != '/')
            ;
        if (is_open)
            continue;
        text[len++] = '/';
        memcpy(text + len, segment.ptr, segment.len);
        len += segment.len;
    }
    if (is_open)
        text[len++] = '/';
    return slice_of(text, len);
}

static struct slice canonical_path(struct arena *arena, struct slice path, bool is_s3)
{
    return is_s3 ? encode_again(arena, path.len ? path : SLICE("/"))
                 : encode(arena, remove_dots(arena, path), true);
}

/* ---- query ---- */

/* A form's: '+' is a blank. */
struct slice aws_canonical_decode(struct arena *arena, struct slice s)
{
    char *text = arena_alloc(arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        text[i] = s.ptr[i] == '+' ? ' ' : s.ptr[i];
    return decode(arena, slice_of(text, s.len));
}

/* What a client has signed in the query ("presigned") would be a second signature where we sign. */
static bool is_signature(struct slice name)
{
    static const char *const names[] = {
        "X-Amz-Algorithm", "X-Amz-Credential",     "X-Amz-Date",           "X-Amz-Expires",
        "X-Amz-Signature", "X-Amz-SignedHeaders",  "X-Amz-Security-Token", "X-Amz-Content-Sha256",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq_nocase(name, slice_from_cstr(names[i])))
            return true;
    return false;
}

static bool is_only_signature(struct slice name)
{
    return slice_eq_cstr(name, "X-Amz-Signature");
}

static struct slice canonical_query(struct arena *arena, struct slice query,
                                    bool (*is_left_out)(struct slice name))
{
    size_t count = 0, room = 1;
    struct slice rest = query, item;
    for (size_t i = 0; i < query.len; i++)
        room += query.ptr[i] == '&';
    struct pair *pairs = arena_alloc(arena, room * sizeof(*pairs));
    while (slice_split(&rest, '&', &item)) {
        size_t equals = slice_find_byte(item, '=');
        struct slice name = aws_canonical_decode(arena, slice_sub(item, 0, equals));
        struct slice value = aws_canonical_decode(arena, slice_sub(item, equals + 1, item.len));
        if (item.len && !is_left_out(name))
            pairs[count++] = (struct pair){encode(arena, name, false), encode(arena, value, false)};
    }
    qsort(pairs, count, sizeof(*pairs), compare_pairs);
    struct buf out;
    buf_init(&out);
    for (size_t i = 0; i < count; i++) {
        buf_append(&out, "&", i ? 1 : 0);
        buf_append_slice(&out, pairs[i].name);
        buf_append(&out, "=", 1);
        buf_append_slice(&out, pairs[i].value);
    }
    struct slice text = buf_take_into(&out, arena);
    buf_dispose(&out);
    return text;
}

/* ---- headers ---- */

/* Without blanks at the ends, and one instead of several. */
static struct slice trim_all(struct arena *arena, struct slice value)
{
    struct slice s = slice_trim(value);
    char *text = arena_alloc(arena, s.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool is_blank = s.ptr[i] == ' ' || s.ptr[i] == '\t';
        if (!is_blank || text[len - 1] != ' ')
            text[len++] = is_blank ? ' ' : s.ptr[i];
    }
    return slice_of(text, len);
}

static size_t take_headers(struct arena *arena, const struct message *m, struct pair *to)
{
    size_t count = 0;
    to[count++] = (struct pair){SLICE("host"), m->authority};
    for (uint32_t i = 0; i < m->headers.count; i++) {
        const struct header *h = &m->headers.items[i];
        if (!slice_starts_with(h->name, SLICE("x-amz-")))
            continue;
        struct slice value = trim_all(arena, h->value);
        size_t at = 0;
        while (at < count && !slice_eq(to[at].name, h->name))
            at++;
        if (at < count)
            value = arena_printf(arena, "%.*s,%.*s", SLICE_ARG(to[at].value), SLICE_ARG(value));
        else
            count++;
        to[at] = (struct pair){h->name, value};
    }
    qsort(to, count, sizeof(*to), compare_pairs);
    return count;
}

static struct slice name_all(struct arena *arena, const struct pair *headers, size_t count)
{
    struct slice names = headers[0].name;
    for (size_t i = 1; i < count; i++)
        names = arena_printf(arena, "%.*s;%.*s", SLICE_ARG(names), SLICE_ARG(headers[i].name));
    return names;
}

/* ---- all of it ---- */

static void put_line(struct buf *to, struct slice text)
{
    buf_append_slice(to, text);
    buf_append(to, "\n", 1);
}

struct parts {
    struct slice method, path, query, names, payload; /* canonical */
    const struct pair *headers;
    size_t count;
};

static struct slice write_all(struct arena *arena, const struct parts *p)
{
    struct buf text;
    buf_init(&text);
    put_line(&text, p->method);
    put_line(&text, p->path);
    put_line(&text, p->query);
    for (size_t i = 0; i < p->count; i++) {
        buf_append_slice(&text, p->headers[i].name);
        buf_append(&text, ":", 1);
        put_line(&text, p->headers[i].value);
    }
    buf_append(&text, "\n", 1);
    put_line(&text, p->names);
    buf_append_slice(&text, p->payload);
    struct slice out = buf_take_into(&text, arena);
    buf_dispose(&text);
    return out;
}

void aws_canonical_make(struct arena *arena, const struct message *m, bool is_s3,
                        struct slice payload, struct aws_canonical *out)
{
    struct pair *headers = arena_alloc(arena, (m->headers.count + 1) * sizeof(*headers));
    struct slice path = message_path_only(m);
    struct parts p = {.method = m->method,
                      .path = canonical_path(arena, path, is_s3),
                      .query = canonical_query(arena, message_query(m), is_signature),
                      .payload = payload,
                      .headers = headers,
                      .count = take_headers(arena, m, headers)};
    p.names = out->signed_headers = name_all(arena, headers, p.count);
    out->text = write_all(arena, &p);
    out->target = p.query.len ? arena_printf(arena, "%.*s?%.*s", SLICE_ARG(path),
                                             SLICE_ARG(p.query))
                              : path;
}

/* ---- what somebody else has signed ---- */

/* All values of that header, as one. False: there is none. */
static bool value_of(struct arena *arena, const struct message *m, struct slice name,
                     struct slice *out)
{
    bool is_there = slice_eq_cstr(name, "host");
    if (is_there)
        *out = m->authority;
    for (uint32_t i = 0; i < m->headers.count; i++) {
        const struct header *h = &m->headers.items[i];
        if (!slice_eq(h->name, name))
            continue;
        struct slice value = trim_all(arena, h->value);
        *out = is_there ? arena_printf(arena, "%.*s,%.*s", SLICE_ARG(*out), SLICE_ARG(value))
                        : value;
        is_there = true;
    }
    return is_there;
}

bool aws_canonical_of_signed(struct arena *arena, const struct message *m, struct slice target,
                             bool is_s3, struct slice payload, struct slice names,
                             struct slice *text)
{
    size_t mark = slice_find_byte(target, '?'), room = 1;
    for (size_t i = 0; i < names.len; i++)
        room += names.ptr[i] == ';';
    struct pair *headers = arena_alloc(arena, room * sizeof(*headers));
    struct parts p = {
        .method = m->method,
        .path = canonical_path(arena, slice_sub(target, 0, mark), is_s3),
        .query = canonical_query(arena, slice_sub(target, mark + 1, target.len), is_only_signature),
        .names = names,
        .payload = payload,
        .headers = headers};
    struct slice rest = names, name;
    while (slice_split(&rest, ';', &name)) {
        headers[p.count].name = name;
        if (!value_of(arena, m, name, &headers[p.count++].value))
            return false;
    }
    *text = write_all(arena, &p);
    return true;
}
