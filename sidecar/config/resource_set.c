/* Packed resources under their names. Control thread. Must not know who sends them, nor what a
 * snapshot is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/resource_set.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "policies/compile/discovery.h"

typedef Weft__Config__V1__Resource resource;

struct held {
    char *name;
    uint64_t version;
    Weft__Config__V1__Resource__BodyCase kind;
    size_t len;
    uint8_t packed[];
};

static void free_held(struct held *h)
{
    mem_free(h->name);
    mem_free(h);
}

void resource_set_init(struct resource_set *s)
{
    map_init(&s->by_name);
    s->digest = 0;
}

static void clear(struct resource_set *s)
{
    struct slice key;
    void *value;
    for (size_t at = 0; map_next(&s->by_name, &at, &key, &value);)
        free_held(value);
    map_dispose(&s->by_name);
    resource_set_init(s);
}

void resource_set_dispose(struct resource_set *s)
{
    clear(s);
}

size_t resource_set_count(const struct resource_set *s)
{
    return s->by_name.count;
}

/* ---- preview */

static int by_name(const void *a, const void *b)
{
    const resource *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* A resource whose version nobody computed is built anew each time, and the mesh's settings are
 * read each time. */
static bool needs_body(const struct held *h)
{
    return h->version == 0 || h->kind == WEFT__CONFIG__V1__RESOURCE__BODY_MESH;
}

static resource *take_held(struct resource_preview *p, const struct held *h)
{
    if (needs_body(h)) {
        resource *whole = weft__config__v1__resource__unpack(NULL, h->len, h->packed);
        p->unpacked[p->unpacked_count++] = whole;
        return whole;
    }
    resource *head = &p->heads[p->head_count++];
    weft__config__v1__resource__init(head);
    head->name = h->name;
    head->version = h->version;
    head->body_case = h->kind;
    return head;
}

static void mark_gone(struct map *gone, const struct resource_change *change)
{
    static char mark;
    map_init(gone);
    for (size_t i = 0; i < change->removed_count; i++)
        map_put(gone, slice_from_cstr(change->removed[i]), &mark);
    for (size_t i = 0; i < change->resource_count; i++)
        map_put(gone, slice_from_cstr(change->resources[i]->name), &mark);
}

void resource_set_preview(const struct resource_set *s, const struct resource_change *change,
                          struct resource_preview *out)
{
    size_t kept = change->from_nothing ? 0 : s->by_name.count, count = 0;
    resource **all = mem_zalloc((kept + change->resource_count + 1) * sizeof(resource *));
    struct map gone;
    struct slice key;
    void *value;
    *out = (struct resource_preview){0};
    out->heads = mem_zalloc((kept + 1) * sizeof(resource));
    out->unpacked = mem_zalloc((kept + 1) * sizeof(resource *));
    mark_gone(&gone, change);
    for (size_t at = 0; kept && map_next(&s->by_name, &at, &key, &value);)
        if (!map_get(&gone, key))
            all[count++] = take_held(out, value);
    map_dispose(&gone);
    for (size_t i = 0; i < change->resource_count; i++)
        all[count++] = change->resources[i];
    qsort(all, count, sizeof(resource *), by_name);
    weft__config__v1__configuration__init(&out->configuration);
    out->configuration.resources = all;
    out->configuration.n_resources = count;
}

void resource_set_preview_dispose(struct resource_preview *p)
{
    for (size_t i = 0; i < p->unpacked_count; i++)
        weft__config__v1__resource__free_unpacked(p->unpacked[i], NULL);
    mem_free(p->unpacked);
    mem_free(p->heads);
    mem_free(p->configuration.resources);
    *p = (struct resource_preview){0};
}

/* ---- commit */

static void forget(struct resource_set *s, struct held *h)
{
    if (!h)
        return;
    s->digest ^= discovery_digest_part(slice_from_cstr(h->name), h->version);
    free_held(h);
}

static void hold(struct resource_set *s, const resource *r)
{
    size_t len = weft__config__v1__resource__get_packed_size(r);
    struct held *h = mem_alloc(sizeof(*h) + len);
    *h = (struct held){
        .name = mem_strdup(r->name), .version = r->version, .kind = r->body_case, .len = len};
    weft__config__v1__resource__pack(r, h->packed);
    forget(s, map_put(&s->by_name, slice_from_cstr(r->name), h));
    s->digest ^= discovery_digest_part(slice_from_cstr(r->name), r->version);
}

void resource_set_commit(struct resource_set *s, const struct resource_change *change)
{
    if (change->from_nothing)
        clear(s);
    for (size_t i = 0; i < change->removed_count; i++)
        forget(s, map_remove(&s->by_name, slice_from_cstr(change->removed[i])));
    for (size_t i = 0; i < change->resource_count; i++)
        hold(s, change->resources[i]);
}

/* ---- for others */

Weft__Discovery__V1__Known **resource_set_known(const struct resource_set *s)
{
    size_t count = s->by_name.count, i = 0;
    Weft__Discovery__V1__Known **known = mem_alloc((count + 1) * sizeof(*known));
    Weft__Discovery__V1__Known *items = mem_alloc((count + 1) * sizeof(*items));
    struct slice key;
    void *value;
    known[0] = items; /* what there is to free, even of none */
    for (size_t at = 0; map_next(&s->by_name, &at, &key, &value); i++) {
        const struct held *h = value;
        weft__discovery__v1__known__init(&items[i]);
        items[i].name = h->name;
        items[i].version = h->version;
        known[i] = &items[i];
    }
    return known;
}

static int held_by_name(const void *a, const void *b)
{
    const struct held *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static const struct held **sorted(const struct resource_set *s)
{
    const struct held **all = mem_alloc((s->by_name.count + 1) * sizeof(struct held *));
    struct slice key;
    void *value;
    size_t count = 0;
    for (size_t at = 0; map_next(&s->by_name, &at, &key, &value);)
        all[count++] = value;
    qsort(all, count, sizeof(struct held *), held_by_name);
    return all;
}

/* Field 1 of Configuration, length-delimited. */
static void put_field(struct buf *out, const struct held *h)
{
    uint8_t prefix[11] = {1 << 3 | 2};
    size_t at = 1, left = h->len;
    do {
        prefix[at++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        left >>= 7;
    } while (left);
    buf_append(out, prefix, at);
    buf_append(out, h->packed, h->len);
}

void resource_set_pack(const struct resource_set *s, struct buf *out)
{
    const struct held **all = sorted(s);
    for (size_t i = 0; i < s->by_name.count; i++)
        put_field(out, all[i]);
    mem_free(all);
}
