/* Filters as resources of their own, and the chains of those who name them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/filter_part.h"

#include <stdio.h>
#include <string.h>

#include "filters/chain.h"
#include "filters/prepare.h"
#include "lib/base/mem.h"

#define PREFIX "filter/"

/* ---- what cannot be used ---- */

/* Stands where a filter should: whatever that was to guard stays closed. */
static enum filter_verdict refuse_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    (void)ctx;
    x->host->fail(x, fail_info(FAIL_FILTER_BROKEN), *(const struct slice *)conf);
    return FILTER_REPLY;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    (void)prefix;
    return arena_printf(arena, "cannot be used, so it answers 500: %.*s",
                        SLICE_ARG(*(const struct slice *)conf));
}

static const struct filter filter_broken = {
    .name = "broken",
    .phase = FILTER_PHASE_CORS,
    .on_request = refuse_request,
    .describe = describe,
    .is_pure = true,
};

static struct filter_entry broken_entry(struct arena *arena, struct slice why)
{
    struct slice *text = arena_alloc(arena, sizeof(*text));
    *text = why;
    return (struct filter_entry){.filter = &filter_broken, .conf = text};
}

/* ---- one filter ---- */

static struct filter_part *create(const char *name)
{
    struct filter_part *p = mem_zalloc(sizeof(*p));
    struct slice id = slice_from_cstr(name);
    atomic_init(&p->refs, 1);
    part_init(&p->part);
    if (slice_starts_with(id, SLICE(PREFIX)))
        id = slice_sub(id, sizeof(PREFIX) - 1, id.len);
    p->entry.id = arena_copy(&p->part.arena, id);
    return p;
}

static void set_broken(struct filter_part *p, const char *why)
{
    struct slice id = p->entry.id;
    p->entry = broken_entry(&p->part.arena, part_text(&p->part, why));
    p->entry.id = id;
}

static void give_back_keep(void *keep)
{
    filter_keep_unref(keep);
}

static void hold_keep(void *part, struct filter_keep *keep)
{
    part_keep(part, keep, give_back_keep);
}

static enum err take_filter(const struct part_build *b, const Weft__Config__V1__Filter *from,
                            struct filter_keeps *keeps, struct filter_part *to)
{
    char why[FILTER_DETAIL_MAX];
    const struct filter *f = filter_find(slice_from_cstr(from->type));
    struct slice *secrets = part_array(b->part, from->n_secrets, sizeof(*secrets));
    struct filter_build build = {.arena = &b->part->arena,
                                 .detail = why,
                                 .secrets = secrets,
                                 .secret_count = from->n_secrets,
                                 .id = to->entry.id,
                                 .keeps = keeps,
                                 .hold = hold_keep,
                                 .holder = b->part};
    for (size_t i = 0; i < from->n_secrets; i++)
        secrets[i] = arena_copy(&b->part->arena,
                                slice_of(from->secrets[i].data, from->secrets[i].len));
    if (!f)
        return part_refuse(b, "there is no filter \"%.64s\" in this version", from->type);
    if (filter_prepare(f, slice_from_cstr(from->spec), &build, &to->entry.conf))
        return part_refuse(b, "%s", why);
    to->entry.filter = f;
    return ERR_OK;
}

enum err filter_part_create(const Weft__Config__V1__Resource *resource, struct filter_keeps *keeps,
                            char *detail, struct filter_part **out)
{
    const Weft__Config__V1__Filter *from = resource->filter;
    struct filter_part *p = create(resource->name);
    struct part_build b = {&p->part, slice_from_cstr(resource->name), detail};
    enum err e = ERR_OK;
    if (*from->broken)
        set_broken(p, from->broken);
    else
        e = take_filter(&b, from, keeps, p);
    if (e)
        filter_part_unref(p);
    else
        *out = p;
    return e;
}

struct filter_part *filter_part_create_broken(const char *name, const char *why)
{
    struct filter_part *p = create(name);
    set_broken(p, why);
    return p;
}

struct filter_part *filter_part_ref(struct filter_part *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void filter_part_unref(struct filter_part *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    part_dispose(&p->part);
    mem_free(p);
}

enum err filter_part_inline(const struct part_build *b, const Weft__Config__V1__Filter *from,
                            const struct filter_chain **chain, const void **conf)
{
    struct filter_part made = {.refs = 0};
    *chain = NULL;
    *conf = NULL;
    if (!from)
        return ERR_OK;
    enum err e = take_filter(b, from, NULL, &made);
    *conf = made.entry.conf;
    return e ? e : filter_chain_make(&b->part->arena, &made.entry, 1, chain);
}

/* ---- names ---- */

void filter_names_begin(struct filter_names *n)
{
    *n = (struct filter_names){0};
    map_init(&n->known);
}

void filter_names_end(struct filter_names *n)
{
    map_dispose(&n->known);
}

static uint32_t index_of(struct part *part, struct filter_names *n, const char *name)
{
    uintptr_t known = (uintptr_t)map_get(&n->known, slice_from_cstr(name));
    if (known)
        return (uint32_t)(known - 1);
    if (n->count == n->room) {
        uint32_t room = n->room ? n->room * 2 : 4;
        struct slice *bigger = part_array(part, room, sizeof(*bigger));
        if (n->count)
            memcpy(bigger, n->items, n->count * sizeof(*bigger));
        n->items = bigger;
        n->room = room;
    }
    n->items[n->count++] = part_text(part, name);
    known = n->count;
    map_put(&n->known, slice_from_cstr(name), (void *)known);
    return n->count - 1;
}

enum err filter_names_take(const struct part_build *b, struct filter_names *n, char *const *names,
                           size_t count, const struct filter_chain *own, struct filter_uses *out)
{
    if (count + (own ? own->count : 0) > FILTER_CHAIN_MAX)
        return part_refuse(b, "more than %d filters", FILTER_CHAIN_MAX);
    uint32_t *items = part_array(b->part, count, sizeof(*items));
    for (size_t i = 0; i < count; i++)
        items[i] = index_of(b->part, n, names[i]);
    *out = (struct filter_uses){items, (uint32_t)count};
    return ERR_OK;
}

/* ---- binding ---- */

struct filter_part **filter_names_bind(const struct filter_names *n, struct arena *arena,
                                       filter_find_fn find, const void *filters)
{
    struct filter_part **parts = arena_zalloc(arena, n->count * sizeof(struct filter_part *));
    for (uint32_t i = 0; i < n->count; i++) {
        struct filter_part *p = find(filters, n->items[i]);
        parts[i] = p ? filter_part_ref(p) : NULL;
    }
    return parts;
}

void filter_names_release(const struct filter_names *n, struct filter_part **parts)
{
    for (uint32_t i = 0; i < n->count; i++)
        filter_part_unref(parts[i]);
}

bool filter_names_are_bound(const struct filter_names *n, struct filter_part *const *parts,
                            filter_find_fn find, const void *filters)
{
    for (uint32_t i = 0; i < n->count; i++)
        if (parts[i] != find(filters, n->items[i]))
            return false;
    return true;
}

static struct filter_entry entry_of(const struct filter_names *n, struct filter_part *const *parts,
                                    uint32_t index, struct arena *arena)
{
    if (parts[index])
        return parts[index]->entry;
    return broken_entry(arena, arena_printf(arena, "there is no %.*s in this configuration",
                                            SLICE_ARG(n->items[index])));
}

const struct filter_chain *filter_names_chain(const struct filter_names *n,
                                              struct filter_part *const *parts,
                                              const struct filter_chain *own,
                                              const struct filter_uses *uses, struct arena *arena)
{
    struct filter_entry entries[FILTER_CHAIN_MAX];
    const struct filter_chain *chain;
    size_t count = own ? own->count : 0;
    if (!uses->count)
        return own;
    if (count)
        memcpy(entries, own->entries, count * sizeof(*entries));
    for (uint32_t i = 0; i < uses->count; i++)
        entries[count++] = entry_of(n, parts, uses->items[i], arena);
    enum err e = filter_chain_make(arena, entries, count, &chain);
    (void)e; /* filter_names_take has counted them */
    return chain;
}
