/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jsonschema/uri_reference.h"

#include "lib/base/percent.h"

struct parts {
    struct slice scheme;      /* with ':'; empty: none */
    struct slice authority;   /* with "//"; empty: none */
    struct slice path, query; /* query with '?' */
};

static bool is_scheme(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = slice_lower_byte(s.ptr[i]);
        bool is_letter = c >= 'a' && c <= 'z';
        bool is_other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!is_letter && (!i || !is_other))
            return false;
    }
    return s.len > 0;
}

static struct slice take_front(struct slice *rest, size_t len)
{
    struct slice front = slice_sub(*rest, 0, len);
    *rest = slice_sub(*rest, len, rest->len);
    return front;
}

static struct parts split(struct slice uri)
{
    struct parts p = {0};
    uri = slice_sub(uri, 0, slice_find_byte(uri, '#'));
    size_t colon = slice_find_byte(uri, ':');
    if (colon < uri.len && is_scheme(slice_sub(uri, 0, colon)))
        p.scheme = take_front(&uri, colon + 1);
    size_t query = slice_find_byte(uri, '?');
    p.query = slice_sub(uri, query, uri.len);
    uri = slice_sub(uri, 0, query);
    if (slice_starts_with(uri, SLICE("//"))) {
        size_t end = 2;
        while (end < uri.len && uri.ptr[end] != '/')
            end++;
        p.authority = take_front(&uri, end);
    }
    p.path = uri;
    return p;
}

/* RFC 3986 §5.2.4, in place. */
static struct slice remove_dots(char *path, size_t len)
{
    size_t to = 0, from = 0;
    while (from < len) {
        size_t end = from + 1;
        while (end < len && path[end] != '/')
            end++;
        struct slice segment = slice_of(path + from, end - from);
        bool is_last = end == len;
        bool is_up = slice_eq_cstr(segment, "/..");
        if (is_up || slice_eq_cstr(segment, "/.")) {
            while (is_up && to && path[--to] != '/')
                ;
            if (is_last)
                path[to++] = '/';
        } else {
            memmove(path + to, path + from, segment.len);
            to += segment.len;
        }
        from = end;
    }
    return slice_of(path, to);
}

static struct slice merge(struct arena *a, const struct parts *base, struct slice path)
{
    size_t keep = base->path.len;
    if (path.len && path.ptr[0] == '/')
        keep = 0;
    while (keep && base->path.ptr[keep - 1] != '/')
        keep--;
    bool needs_slash = !keep && base->authority.len && (!path.len || path.ptr[0] != '/');
    char *all = arena_alloc(a, keep + path.len + 1);
    size_t len = 0;
    if (needs_slash)
        all[len++] = '/';
    if (keep)
        memcpy(all + len, base->path.ptr, keep);
    len += keep;
    if (path.len)
        memcpy(all + len, path.ptr, path.len);
    return remove_dots(all, len + path.len);
}

struct slice uri_reference_resolve(struct arena *a, struct slice base, struct slice reference)
{
    struct parts b = split(base), r = split(reference);
    if (!r.scheme.len) {
        r.scheme = b.scheme;
        if (!r.authority.len) {
            r.authority = b.authority;
            if (!r.path.len)
                r.query = r.query.len ? r.query : b.query;
            r.path = r.path.len ? merge(a, &b, r.path) : b.path;
        }
    }
    return arena_printf(a, "%.*s%.*s%.*s%.*s", SLICE_ARG(r.scheme), SLICE_ARG(r.authority),
                        SLICE_ARG(r.path), SLICE_ARG(r.query));
}

struct slice uri_reference_fragment(struct arena *a, struct slice reference)
{
    size_t at = slice_find_byte(reference, '#');
    if (at == reference.len)
        return (struct slice){0};
    struct slice raw = slice_sub(reference, at + 1, reference.len);
    return percent_decode(raw, arena_alloc(a, raw.len + 1));
}
