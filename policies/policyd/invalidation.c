/* Which answers a changed object reaches, by the row of its kind, and the comparing of facts. Pure.
 * Must not know what an answer is for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/invalidation.h"

#include <stdlib.h>

#include "lib/base/addr.h"
#include "lib/base/mem.h"
#include "policies/kinds/endpoint_slice.h"
#include "policies/kinds/pod.h"
#include "policies/kinds/selector.h"

enum { FACTS_MAX = 4096 }; /* of one round of changes; above that everything is looked at */

/* ---- facts ---- */

void invalidation_facts_dispose(struct invalidation_facts *f)
{
    mem_free(f->items);
    *f = (struct invalidation_facts){0};
}

static void add(struct invalidation_facts *f, uint64_t fact)
{
    if (f->count == f->capacity) {
        f->capacity = f->capacity ? f->capacity * 2 : 16;
        f->items = mem_realloc(f->items, f->capacity * sizeof *f->items);
    }
    f->items[f->count++] = fact;
}

static uint64_t named(uint64_t kind, struct slice namespace_name, struct slice name)
{
    uint64_t hash = (slice_hash(namespace_name) + kind) * UINT64_C(0x9e3779b97f4a7c15);
    return (hash ^ slice_hash(name)) * UINT64_C(0xff51afd7ed558ccd);
}

void invalidation_facts_pod(struct invalidation_facts *f, struct slice namespace_name,
                            struct slice name)
{
    if (name.len)
        add(f, named(1, namespace_name, name));
}

void invalidation_facts_service(struct invalidation_facts *f, struct slice namespace_name,
                                struct slice name)
{
    if (name.len)
        add(f, named(2, namespace_name, name));
}

void invalidation_facts_node(struct invalidation_facts *f, struct slice name)
{
    add(f, named(4, SLICE(""), name));
}

void invalidation_facts_ip(struct invalidation_facts *f, struct slice address)
{
    struct addr addr;
    if (addr_parse(address, &addr))
        return;
    add(f, named(3, SLICE(""), slice_of(addr.ip, sizeof addr.ip)));
}

static void gather_cluster(struct invalidation_facts *f, const Weft__Config__V1__Cluster *c)
{
    invalidation_facts_service(f, slice_from_cstr(c->service_namespace),
                               slice_from_cstr(c->service_name));
    for (size_t i = 0; i < c->n_endpoints; i++) {
        const Weft__Config__V1__Endpoint *e = c->endpoints[i];
        invalidation_facts_ip(f, slice_from_cstr(e->address));
        invalidation_facts_pod(f, slice_from_cstr(e->namespace_), slice_from_cstr(e->workload));
    }
}

void invalidation_facts_gather(struct invalidation_facts *f,
                               const Weft__Config__V1__Configuration *c)
{
    for (size_t i = 0; i < c->n_resources; i++) {
        const Weft__Config__V1__Resource *r = c->resources[i];
        if (r->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_CLUSTER)
            gather_cluster(f, r->cluster);
        if (r->body_case != WEFT__CONFIG__V1__RESOURCE__BODY_WORKLOAD)
            continue;
        invalidation_facts_ip(f, slice_from_cstr(r->workload->ip));
        invalidation_facts_pod(f, slice_from_cstr(r->workload->namespace_),
                               slice_from_cstr(r->workload->name));
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void invalidation_facts_settle(struct invalidation_facts *f)
{
    size_t kept = 0;
    if (f->count)
        qsort(f->items, f->count, sizeof *f->items, by_value);
    for (size_t i = 0; i < f->count; i++)
        if (i == 0 || f->items[i] != f->items[i - 1])
            f->items[kept++] = f->items[i];
    f->count = kept;
    if (kept < f->capacity) {
        f->items = mem_realloc(f->items, (kept ? kept : 1) * sizeof *f->items);
        f->capacity = kept ? kept : 1;
    }
}

/* ---- changes ---- */

void invalidation_dispose(struct invalidation *r)
{
    invalidation_facts_dispose(&r->facts);
    r->sorts = 0;
}

void invalidation_reset(struct invalidation *r)
{
    r->facts.count = 0;
    r->sorts = 0;
}

void invalidation_note_all(struct invalidation *r)
{
    r->sorts = INVALIDATION_ALL;
}

bool invalidation_is_empty(const struct invalidation *r)
{
    return !r->sorts && !r->facts.count;
}

static void note_pod(struct invalidation_facts *f, const struct pod *pod)
{
    invalidation_facts_pod(f, pod->object.meta.namespace_name, pod->object.meta.name);
    invalidation_facts_ip(f, pod->status.ip);
    for (SCHEMA_EACH(pod->status.ips, struct pod_ip, ip))
        invalidation_facts_ip(f, ip->ip);
}

static void note_slice(struct invalidation_facts *f, const struct endpoint_slice *slice)
{
    const struct metadata *meta = &slice->object.meta;
    invalidation_facts_service(f, meta->namespace_name,
                               selector_label(&meta->labels, SLICE(ENDPOINT_SLICE_SERVICE_LABEL)));
    for (SCHEMA_EACH(slice->endpoints, struct endpoint_slice_endpoint, e))
        for (SCHEMA_EACH(e->addresses, struct slice, ip))
            invalidation_facts_ip(f, *ip);
}

static void note_one(struct invalidation *r, const struct object *o)
{
    if (!o)
        return;
    if (o->kind->id == KIND_POD)
        note_pod(&r->facts, (const struct pod *)(const void *)o);
    /* In no answer: who asks is looked at, and may be somewhere else now. */
    else if (o->kind->id == KIND_NODE)
        invalidation_facts_node(&r->facts, o->meta.name);
    else if (o->kind->id == KIND_ENDPOINT_SLICE)
        note_slice(&r->facts, (const struct endpoint_slice *)(const void *)o);
    else
        r->sorts |= o->kind->invalidates;
}

void invalidation_note(void *owner, const struct object *before, const struct object *after)
{
    struct invalidation *r = owner;
    note_one(r, before);
    note_one(r, after);
    if (r->facts.count > FACTS_MAX)
        invalidation_note_all(r);
    if (r->sorts == INVALIDATION_ALL)
        r->facts.count = 0;
}

static bool has(const struct invalidation_facts *f, uint64_t fact)
{
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->items[middle] == fact)
            return true;
        if (f->items[middle] < fact)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool invalidation_touches(const struct invalidation *r, enum invalidation_sort sort,
                          const struct invalidation_facts *facts)
{
    if (r->sorts & (unsigned)sort)
        return true;
    for (size_t i = 0; i < r->facts.count; i++)
        if (has(facts, r->facts.items[i]))
            return true;
    return false;
}
