/* What it needs is copied: the exchange, and the configuration, may be gone when it comes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_refresh.h"

#include "filters/fetch.h"
#include "lib/base/mem.h"

enum { TIMEOUT_MS = 30000, ARENA_BLOCK = 2048 };

struct refresh {
    struct filter_fetch fetch; /* first */
    struct arena arena;
    struct cache_shelf shelf;
    struct cache_rules rules;
    struct headers asked;
    struct cache_entry *entry; /* what is stale */
};

static void take(struct refresh *r, const struct filter_fetched *got)
{
    struct cache_shelf *s = &r->shelf;
    const struct message *m = got->response;
    struct cache_times times;
    struct headers h;
    s->now_ms = got->now_ms;
    s->unix_ms = got->unix_ms;
    if (m->status == 304) {
        cache_entry_drop(cache_shelf_renew(s, r->entry, &m->headers));
        return;
    }
    if (m->status >= 500)
        return;
    if (cache_shelf_judge(s, m->status, &m->headers, &times) != CACHE_STORE) {
        cache_shelf_forget(s, r->entry);
        return;
    }
    struct cache_body *body = cache_body_create(got->body.len);
    if (got->body.len)
        memcpy(body->bytes, got->body.ptr, got->body.len);
    body->len = got->body.len;
    cache_shelf_copy(s, &m->headers, &h);
    cache_entry_drop(cache_shelf_put(s, m->status, &h, &times, body));
}

static void on_done(struct filter_fetch *f, const struct filter_fetched *got)
{
    struct refresh *r = container_of(f, struct refresh, fetch);
    if (!got->failed)
        take(r, got);
}

/* Also of one that was cut off. */
static void on_over(struct filter_fetch *f)
{
    struct refresh *r = container_of(f, struct refresh, fetch);
    atomic_store(&r->entry->is_refreshing, false);
    cache_entry_drop(r->entry);
    arena_dispose(&r->arena);
    mem_free(r);
}

static struct refresh *create(struct filter_exchange *x, const struct cache_conf *c,
                              struct cache_ctx *own)
{
    struct refresh *r = mem_zalloc(sizeof(*r));
    arena_init(&r->arena, ARENA_BLOCK);
    struct cache_ttl *ttls = arena_alloc(&r->arena, (c->rules.ttl_count + 1) * sizeof(*ttls));
    for (uint32_t i = 0; i < c->rules.ttl_count; i++)
        ttls[i] = c->rules.ttls[i];
    r->rules = c->rules;
    r->rules.ttls = ttls;
    headers_init(&r->asked, &r->arena);
    headers_copy(&r->asked, &own->asked);
    r->entry = own->entry;
    r->shelf = (struct cache_shelf){.arena = &r->arena,
                                    .store = c->store,
                                    .rules = &r->rules,
                                    .max_bytes = c->max_bytes,
                                    .key = arena_copy(&r->arena, own->key),
                                    .hash = own->hash,
                                    .asked = &r->asked,
                                    .is_personal = cache_fill_is_personal(x, c, own),
                                    .asked_ms = x->host->now_ms(x)};
    r->fetch = (struct filter_fetch){.keep = &c->store->keep,
                                     .timeout_ms = TIMEOUT_MS,
                                     .body_max = (uint32_t)c->object_max,
                                     .done = on_done,
                                     .over = on_over};
    return r;
}

/* As the backend would get it from here on, without what the client alone wants. */
static struct message head_of(struct filter_exchange *x, const struct cache_ctx *own)
{
    struct message m = *x->request;
    headers_init(&m.headers, x->arena);
    for (uint32_t i = 0; i < own->asked.count; i++)
        *headers_add(&m.headers, own->asked.items[i].name, own->asked.items[i].value) =
            own->asked.items[i];
    cache_conditions_remove(&m.headers);
    cache_serve_ask_again(own->entry, &m.headers);
    m.method = SLICE("GET");
    return m;
}

enum cache_refresh cache_refresh_begin(struct filter_exchange *x, const struct cache_conf *c,
                                       struct cache_ctx *own)
{
    bool idle = false;
    if (!atomic_compare_exchange_strong(&own->entry->is_refreshing, &idle, true))
        return CACHE_REFRESH_UNDER_WAY;
    /* A reference of its own: there is one, so it cannot be the last that we see. */
    atomic_fetch_add_explicit(&own->entry->refs, 1, memory_order_relaxed);
    struct refresh *r = create(x, c, own);
    struct message head = head_of(x, own);
    if (x->host->refetch(x, &head, &r->fetch))
        return CACHE_REFRESH_BEGUN;
    on_over(&r->fetch);
    return CACHE_REFRESH_NONE;
}
