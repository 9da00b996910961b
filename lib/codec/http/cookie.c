/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/cookie.h"

static void read_pair(struct slice pair, struct cookie *out)
{
    size_t equals = slice_find_byte(pair, '=');
    bool has_name = equals < pair.len;
    out->name = has_name ? slice_trim(slice_sub(pair, 0, equals)) : SLICE("");
    out->value = slice_trim(slice_sub(pair, has_name ? equals + 1 : 0, pair.len));
    struct slice v = out->value;
    if (v.len >= 2 && v.ptr[0] == '"' && v.ptr[v.len - 1] == '"')
        out->value = slice_sub(v, 1, v.len - 2);
}

bool cookie_next(struct slice *rest, struct cookie *out)
{
    struct slice pair;
    while (slice_split(rest, ';', &pair)) {
        pair = slice_trim(pair);
        read_pair(pair, out);
        if (pair.len)
            return true;
    }
    return false;
}

bool cookie_walk_next(struct cookie_walk *w, struct cookie *out)
{
    while (!cookie_next(&w->rest, out)) {
        if (w->next == w->headers->count)
            return false;
        const struct header *field = &w->headers->items[w->next++];
        w->rest = field->id == HEADER_COOKIE ? field->value : (struct slice){0};
    }
    return true;
}

static bool has_any(struct slice all, cookie_is_fn is, const void *what)
{
    struct cookie c;
    while (cookie_next(&all, &c))
        if (is(&c, what))
            return true;
    return false;
}

static struct slice without(struct arena *arena, struct slice all, cookie_is_fn is,
                            const void *what)
{
    char *to = arena_alloc(arena, all.len * 3 + 1);
    size_t len = 0;
    struct slice pair;
    while (slice_split(&all, ';', &pair)) {
        struct cookie c;
        pair = slice_trim(pair);
        read_pair(pair, &c);
        if (!pair.len || is(&c, what))
            continue;
        if (len) {
            memcpy(to + len, "; ", 2);
            len += 2;
        }
        memcpy(to + len, pair.ptr, pair.len);
        len += pair.len;
    }
    return slice_of(to, len);
}

static bool is_empty(const struct header *h)
{
    return h->id == HEADER_COOKIE && h->value.len == 0;
}

void cookie_remove_if(struct headers *h, cookie_is_fn is, const void *what)
{
    for (uint32_t i = 0; i < h->count; i++) {
        struct header *item = &h->items[i];
        if (item->id != HEADER_COOKIE || !has_any(item->value, is, what))
            continue;
        struct slice left = without(h->arena, item->value, is, what);
        h->bytes -= (uint32_t)(item->value.len - left.len);
        item->value = left;
    }
    headers_remove_if(h, is_empty);
}
