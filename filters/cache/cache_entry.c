/* One block for all but the body. SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_entry.h"

#include <string.h>

#include "lib/base/mem.h"

/* ---- bodies ---- */

struct cache_body *cache_body_create(size_t room)
{
    struct cache_body *b = mem_alloc(sizeof(*b) + room);
    atomic_init(&b->refs, 1);
    b->len = 0;
    return b;
}

void cache_body_drop(struct cache_body *b)
{
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        mem_free(b);
}

static void on_seen(void *owner)
{
    cache_body_drop(owner);
}

void cache_body_lend(struct cache_body *b, size_t from, size_t len, struct buf *to)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    struct chunk *view = chunk_create_lent(on_seen, b);
    buf_append_shared(to, view, (const uint8_t *)b->bytes + from, len);
    chunk_unref(view);
}

/* ---- heads ---- */

/* What is about the connection or the exchange that it came in, and not about the resource (RFC
 * 9111 §3.1). Age is ours to say. */
static bool is_kept(const struct header *h)
{
    switch (h->id) {
    case HEADER_AGE:
    case HEADER_CONTENT_LENGTH:
    case HEADER_PROXY_AUTHENTICATE:
    case HEADER_PROXY_AUTHORIZATION:
    case HEADER_SET_COOKIE:
    case HEADER_TRAILER:
    case HEADER_X_REQUEST_ID:
    case HEADER_WEFT_REASON:
        return false;
    default:
        return !slice_eq_cstr(h->name, "proxy-authentication-info");
    }
}

static size_t text_size(const struct cache_entry_draft *d, uint32_t *count)
{
    size_t size = d->key.len + d->vary.len;
    *count = 0;
    for (uint32_t i = 0; d->headers && i < d->headers->count; i++) {
        const struct header *h = &d->headers->items[i];
        if (!is_kept(h))
            continue;
        ++*count;
        size += h->name.len + h->value.len;
    }
    return size;
}

size_t cache_entry_size(const struct cache_entry_draft *d, size_t body_len)
{
    uint32_t count;
    size_t text = text_size(d, &count);
    return sizeof(struct cache_entry) + count * sizeof(struct header) + text +
           sizeof(struct cache_body) + body_len;
}

static struct slice put_text(char **at, struct slice text)
{
    char *to = *at;
    if (text.len)
        memcpy(to, text.ptr, text.len);
    *at += text.len;
    return slice_of(to, text.len);
}

struct cache_entry *cache_entry_create(const struct cache_entry_draft *d)
{
    uint32_t count;
    size_t text = text_size(d, &count);
    struct cache_entry *e = mem_zalloc(sizeof(*e) + count * sizeof(struct header) + text);
    struct header *fields = (struct header *)(void *)(e + 1);
    char *at = (char *)(fields + count);
    atomic_init(&e->refs, 1);
    e->hash = d->hash;
    e->key = put_text(&at, d->key);
    e->vary = put_text(&at, d->vary);
    e->times = d->times;
    e->born_ms = d->born_ms;
    e->status = d->status;
    e->edition = d->edition;
    e->fields = fields;
    e->field_count = count;
    e->body = d->body;
    e->size = cache_entry_size(d, d->body ? d->body->len : 0);
    for (uint32_t i = 0; count && i < d->headers->count; i++) {
        const struct header *h = &d->headers->items[i];
        if (!is_kept(h))
            continue;
        *fields = *h;
        fields->name = put_text(&at, h->name);
        fields->value = put_text(&at, h->value);
        fields++;
    }
    return e;
}

void cache_entry_drop(struct cache_entry *e)
{
    if (!e || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
        return;
    cache_body_drop(e->body);
    mem_free(e);
}

struct headers cache_entry_headers(const struct cache_entry *e)
{
    return (struct headers){.items = (struct header *)(uintptr_t)e->fields,
                            .count = e->field_count,
                            .capacity = e->field_count};
}

int64_t cache_entry_age_ms(const struct cache_entry *e, uint64_t now_ms)
{
    int64_t here = (int64_t)now_ms - e->born_ms;
    return e->times.age_ms + (here > 0 ? here : 0);
}
