/* From a checked header block to a message or trailers: one copy of the bytes into the arena,
 * cookie crumbs joined. Part of one struct h2, on its thread. Must not know nghttp2 nor streams.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_head.h"

#include <string.h>

#include "lib/codec/http/headers.h"

enum { SPARE_FIELDS = 12 /* so that adding a few later needs no second copy */ };

/* RFC 9113 §8.2.3: crumbs become one field, where the first one stood. */
static void join_cookies(const struct h2_head *h, const char *base, struct headers *to,
                         uint32_t first)
{
    size_t len = 0;
    for (uint32_t i = first; i < h->count; i++)
        len += h->fields[i].id == HEADER_COOKIE ? h->fields[i].value.len + 2 : 0;
    char *whole = arena_alloc(to->arena, len), *end = whole;
    for (uint32_t i = first; i < h->count; i++) {
        if (h->fields[i].id != HEADER_COOKIE)
            continue;
        if (end > whole)
            *end++ = ';', *end++ = ' ';
        memcpy(end, base + h->fields[i].value.at, h->fields[i].value.len);
        end += h->fields[i].value.len;
    }
    struct header *item = &to->items[to->count++];
    *item = (struct header){.name = header_name_of(HEADER_COOKIE),
                            .value = slice_of(whole, (size_t)(end - whole)),
                            .id = HEADER_COOKIE,
                            .never_index = h->fields[first].never_index};
}

static void take_fields(const struct h2_head *h, const char *base, struct headers *to)
{
    bool joined = false;
    headers_reserve(to, h->count + SPARE_FIELDS);
    for (uint32_t i = 0; i < h->count; i++) {
        const struct h2_field *f = &h->fields[i];
        if (f->id == HEADER_COOKIE && h->cookies > 1) {
            if (!joined)
                join_cookies(h, base, to, i);
            joined = true;
            continue;
        }
        struct header *item = &to->items[to->count++];
        item->name = f->id ? header_name_of((enum header_id)f->id) : h2_span_in(base, f->name);
        item->value = h2_span_in(base, f->value);
        item->id = f->id;
        item->never_index = f->never_index;
    }
    for (uint32_t i = 0; i < to->count; i++)
        to->bytes += (uint32_t)(to->items[i].name.len + to->items[i].value.len + 32);
}

static char *take_bytes(const struct h2_head *h, struct arena *arena)
{
    char *base = arena_alloc(arena, h->used);
    memcpy(base, h->bytes, h->used);
    return base;
}

struct message *h2_head_take_message(struct h2_head *h, struct arena *arena)
{
    struct message *m = arena_alloc(arena, sizeof(*m));
    const char *base = take_bytes(h, arena);
    message_init(m, arena);
    m->version = HTTP_2;
    m->status = h->status;
    m->method = h2_span_in(base, h->method);
    m->scheme = h2_span_in(base, h->scheme);
    m->authority = h2_span_in(base, h->authority);
    m->path = h2_span_in(base, h->path);
    m->content_length = h->content_length;
    m->expect_continue = h->expect_continue;
    take_fields(h, base, &m->headers);
    h2_head_reset(h);
    return m;
}

struct headers *h2_head_take_trailers(struct h2_head *h, struct arena *arena)
{
    struct headers *t = arena_alloc(arena, sizeof(*t));
    headers_init(t, arena);
    take_fields(h, take_bytes(h, arena), t);
    h2_head_reset(h);
    return t;
}
