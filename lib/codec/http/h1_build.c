/* The bytes of a head are copied in one go, names are lower-cased in the copy (or replaced by the
 * static text of a well-known one), and everything else points into it. Pure; whoever owns the
 * arena.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_build.h"

#include <string.h>

#include "lib/codec/http/headers.h"

enum { SPARE_FIELDS = 12 };

/* Where the input's bytes lie now. */
struct copy {
    const char *from;
    char *to;
};

static char *place(const struct copy *c, const char *at)
{
    return c->to + (at - c->from);
}

static struct slice moved(const struct copy *c, struct slice s)
{
    return s.len ? slice_of(place(c, s.ptr), s.len) : (struct slice){NULL, 0};
}

static void build_fields(const struct h1_head *h, const struct copy *c, struct headers *out)
{
    headers_reserve(out, h->count + SPARE_FIELDS);
    for (uint32_t i = 0; i < h->count; i++) {
        const struct h1_field *f = &h->fields[i];
        if (f->dropped)
            continue;
        struct slice value = moved(c, h1_head_value(h, f));
        char *name = place(c, h->base + f->name);
        if (f->id == HEADER_OTHER)
            headers_add(out, slice_lower(slice_of(name, f->name_len), name), value);
        else
            headers_add_id(out, (enum header_id)f->id, value);
    }
}

/* A request line and field lines; the status line holds nothing that is kept. */
static struct copy copy_bytes(const struct h1_head *h, struct arena *arena)
{
    const char *from = h->status ? h->base + h->fields_at : h->base;
    size_t len = (size_t)(h->base + h->len - from);
    return (struct copy){.from = from, .to = (char *)arena_copy(arena, slice_of(from, len)).ptr};
}

static struct slice build_path(const struct h1_head *h, const struct copy *c, struct arena *arena)
{
    if (h->path_lacks_slash)
        return arena_printf(arena, "/%.*s", SLICE_ARG(h->path));
    /* "*" stands for itself, whether it was sent so or follows from an absolute form. */
    if (slice_eq(h->path, SLICE("*")))
        return SLICE("*");
    return moved(c, h->path);
}

/* What is asked for, or was switched to, in all fields, as one list. */
static struct slice build_upgrade(const struct h1_head *h, struct arena *arena)
{
    struct slice protocol;
    size_t len = 0, room = 0;
    if (!h->upgrade.len)
        return (struct slice){NULL, 0};
    for (uint32_t i = 0; i < h->count; i++)
        room += h->fields[i].id == HEADER_UPGRADE ? 2 * h->fields[i].value_len + 2 : 0;
    char *text = arena_alloc(arena, room); /* "a,b" becomes "a, b" */
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice list = h1_head_value(h, &h->fields[i]);
        while (h->fields[i].id == HEADER_UPGRADE && h1_head_next_protocol(h, &list, &protocol)) {
            memcpy(text + len, ", ", len ? 2 : 0);
            len += len ? 2 : 0;
            memcpy(text + len, protocol.ptr, protocol.len);
            len += protocol.len;
        }
    }
    return slice_of(text, len);
}

struct message *h1_build_message(const struct h1_head *h, struct arena *arena, struct slice scheme)
{
    struct message *m = arena_alloc(arena, sizeof(*m));
    struct copy c = copy_bytes(h, arena);
    message_init(m, arena);
    m->version = h->minor ? HTTP_1_1 : HTTP_1_0;
    m->status = h->status;
    m->content_length = h->content_length;
    m->keep_alive = h->keep_alive;
    m->expect_continue = h->expect_continue;
    m->upgrade = build_upgrade(h, arena);
    if (!h->status) {
        m->method = moved(&c, h->method);
        m->scheme = scheme;
        m->authority = moved(&c, h->authority);
        m->path = build_path(h, &c, arena);
    }
    build_fields(h, &c, &m->headers);
    if (h->te_trailers)
        headers_add_id(&m->headers, HEADER_TE, SLICE("trailers"));
    return m;
}

struct headers *h1_build_trailers(const struct h1_head *h, struct arena *arena)
{
    struct headers *out = arena_alloc(arena, sizeof(*out));
    struct copy c = {.from = h->base,
                     .to = (char *)arena_copy(arena, slice_of(h->base, h->len)).ptr};
    headers_init(out, arena);
    build_fields(h, &c, out);
    return out;
}
