/* The cache of compiled answers, by question, each resource checked once by the data plane's own
 * builder. Owned by the loop's thread. Must not know who asks,
 * nor how anything is sent.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/compile_cache.h"

#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "sidecar/fit/fit.h"

struct compile_cache {
    const struct policy_set *(*set)(void *owner);
    void *owner;
    struct slice trust_domain, cluster_domain;
    struct map by_key;
    struct packed_resource_table *packed;
    uint64_t round, compiled;
};

struct compile_cache *compile_cache_create(const struct policy_set *(*set)(void *owner),
                                           void *owner, struct slice trust_domain,
                                           struct slice cluster_domain)
{
    struct compile_cache *a = mem_zalloc(sizeof *a);
    a->set = set;
    a->owner = owner;
    a->trust_domain = trust_domain;
    a->cluster_domain = cluster_domain;
    a->round = 1;
    map_init(&a->by_key);
    a->packed = packed_resource_table_create();
    return a;
}

void compile_cache_destroy(struct compile_cache *a)
{
    map_dispose(&a->by_key);
    packed_resource_table_destroy(a->packed);
    mem_free(a);
}

struct packed_resource_table *compile_cache_packed(struct compile_cache *a)
{
    return a->packed;
}

/* ---- holding ---- */

struct question {
    enum invalidation_sort sort;
    struct slice namespace_name, a, b, c;
    struct slice node, zone; /* empty: wherever the asker is */
};

/* None of the texts can hold a newline: they are names and addresses that were checked. */
static char *key_of(const struct question *q)
{
    return mem_printf("%d\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s", (int)q->sort,
                      SLICE_ARG(q->namespace_name), SLICE_ARG(q->a), SLICE_ARG(q->b),
                      SLICE_ARG(q->c), SLICE_ARG(q->node), SLICE_ARG(q->zone));
}

static void point_into_key(struct answer *one)
{
    struct slice rest = one->key, part[7] = {{0}};
    for (size_t i = 0; i < 7; i++)
        slice_split(&rest, '\n', &part[i]);
    one->target.namespace_name = part[1];
    one->target.node = part[5];
    one->target.zone = part[6];
    if (one->sort == INVALIDATION_ADDRESS)
        one->address = part[2];
    else if (one->sort == INVALIDATION_GATEWAY)
        one->target.gateway = part[2];
    else {
        one->target.workload = part[2];
        one->target.service_account = part[3];
        one->target.pod_ip = part[4];
    }
}

static struct answer *hold(struct compile_cache *a, const struct question *q)
{
    char *key = key_of(q);
    struct answer *one = map_get(&a->by_key, slice_from_cstr(key));
    if (one) {
        mem_free(key);
        one->refs++;
        return one;
    }
    one = mem_zalloc(sizeof *one);
    one->home = a;
    one->sort = q->sort;
    one->refs = 1;
    one->is_stale = true;
    one->key = slice_from_cstr(key);
    one->target.trust_domain = a->trust_domain;
    one->target.cluster_domain = a->cluster_domain;
    point_into_key(one);
    map_put(&a->by_key, one->key, one);
    return one;
}

struct answer *compile_cache_hold_address(struct compile_cache *a, struct slice namespace_name,
                                          struct slice address)
{
    return hold(a, &(struct question){.sort = INVALIDATION_ADDRESS,
                                      .namespace_name = namespace_name,
                                      .a = address});
}

struct answer *compile_cache_hold_workload(struct compile_cache *a, struct slice namespace_name,
                                           struct slice service_account, struct slice pod,
                                           struct slice pod_ip)
{
    return hold(a, &(struct question){.sort = INVALIDATION_WORKLOAD,
                                      .namespace_name = namespace_name,
                                      .a = pod,
                                      .b = service_account,
                                      .c = pod_ip});
}

struct answer *compile_cache_hold_gateway(struct compile_cache *a, struct slice namespace_name,
                                          struct slice gateway)
{
    return hold(a, &(struct question){.sort = INVALIDATION_GATEWAY,
                                      .namespace_name = namespace_name,
                                      .a = gateway});
}

static void drop_packed(struct packed_resource **packed, size_t count)
{
    for (size_t i = 0; i < count; i++)
        packed_resource_unref(packed[i]);
    mem_free(packed);
}

void compile_cache_drop(struct answer *one)
{
    if (--one->refs)
        return;
    map_remove(&one->home->by_key, one->key);
    drop_packed(one->packed, one->count);
    drop_packed(one->refused, one->refused_count);
    invalidation_facts_dispose(&one->facts);
    mem_free((char *)one->key.ptr);
    mem_free(one);
}

/* ---- rounds ---- */

uint64_t compile_cache_round(const struct compile_cache *a)
{
    return a->round;
}

void compile_cache_mark(struct compile_cache *a, const struct invalidation *changes)
{
    struct slice key;
    void *value;
    a->round++;
    for (size_t at = 0; map_next(&a->by_key, &at, &key, &value);) {
        struct answer *one = value;
        if (!one->is_stale)
            one->is_stale = invalidation_touches(changes, one->sort, &one->facts);
    }
}

/* ---- compiling ---- */

static Weft__Config__V1__Configuration *compile(const struct answer *one)
{
    const struct compile_cache *a = one->home;
    const struct policy_set *set = a->set(a->owner);
    if (one->sort == INVALIDATION_ADDRESS)
        return compile_address(set, &one->target, one->address);
    return compile_base(set, &one->target, NULL);
}

static void gather_facts(struct answer *one, const Weft__Config__V1__Configuration *c)
{
    const struct compile_target *t = &one->target;
    one->facts.count = 0;
    invalidation_facts_ip(&one->facts, one->address);
    invalidation_facts_ip(&one->facts, t->pod_ip);
    invalidation_facts_pod(&one->facts, t->namespace_name, t->workload);
    invalidation_facts_gather(&one->facts, c);
    invalidation_facts_settle(&one->facts);
}

static bool is_same(const struct answer *one, struct packed_resource *const *packed, size_t count)
{
    if (one->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (one->packed[i] != packed[i])
            return false;
    return true;
}

static void take(struct answer *one, struct packed_resource **packed, size_t count)
{
    drop_packed(one->packed, one->count);
    one->packed = packed;
    one->count = count;
    one->changed = one->home->round;
    one->names = count;
    for (size_t i = 0; i < count; i++)
        one->names = (one->names ^ slice_hash(packed_resource_name_text(packed[i]->name))) *
                     UINT64_C(0x9e3779b97f4a7c15);
}

/* ---- what can be built ---- */

static void on_refused(void *owner, const char *resource, const char *why)
{
    (void)resource;
    LOG_W("answers", "a data plane cannot use this, so it is not in force: %s", why);
    packed_resource_refuse(owner, why);
}

/* Asked once of each version, however many answers it is in. */
static struct packed_resource *make_checked(struct compile_cache *a, Weft__Config__V1__Resource *r)
{
    struct packed_resource *p = packed_resource_make(a->packed, r);
    if (!p->is_checked) {
        p->is_checked = true;
        fit_check_resource(r, on_refused, p);
    }
    return p;
}

static struct packed_resource *last_good(const struct answer *one,
                                         const struct packed_resource_name *name)
{
    for (size_t i = 0; i < one->count; i++)
        if (one->packed[i]->name == name && !one->packed[i]->refusal)
            return one->packed[i];
    return NULL;
}

/* Puts what is to be sent into packed resources, and keeps what is refused. */
static void choose(struct answer *one, const Weft__Config__V1__Configuration *c,
                   struct packed_resource **packed)
{
    size_t count = c->n_resources, refused = 0;
    struct packed_resource **old = one->refused;
    size_t old_count = one->refused_count;
    one->refused = NULL;
    for (size_t i = 0; i < count; i++) {
        struct packed_resource *p = make_checked(one->home, c->resources[i]);
        if (p->refusal) {
            struct packed_resource *good = last_good(one, p->name);
            one->refused =
                mem_realloc(one->refused, (refused + 1) * sizeof(struct packed_resource *));
            one->refused[refused++] = p;
            p = packed_resource_ref(good ? good : p);
        }
        packed[i] = p;
    }
    one->refused_count = refused;
    drop_packed(old, old_count);
}

const char *compile_cache_refusal(const struct answer *one)
{
    return one->refused_count ? one->refused[0]->refusal : NULL;
}

void compile_cache_each_refused(const struct compile_cache *a,
                                void (*each)(void *owner, const struct answer *one,
                                             const struct packed_resource *refused),
                                void *owner)
{
    struct slice key;
    void *value;
    for (size_t at = 0; map_next(&a->by_key, &at, &key, &value);) {
        const struct answer *one = value;
        for (size_t i = 0; i < one->refused_count; i++)
            each(owner, one, one->refused[i]);
    }
}

void compile_cache_refresh(struct answer *one)
{
    if (!one->is_stale)
        return;
    Weft__Config__V1__Configuration *c = compile(one);
    size_t count = c->n_resources;
    one->locality = compile_locality(c);
    struct packed_resource **packed = mem_alloc((count ? count : 1) * sizeof *packed);
    choose(one, c, packed);
    gather_facts(one, c);
    compile_free(c);
    one->home->compiled++;
    one->is_stale = false;
    if (one->changed && is_same(one, packed, count))
        drop_packed(packed, count);
    else
        take(one, packed, count);
}

/* ---- answers that depend on where the asker is ---- */

static struct answer *hold_at(const struct answer *general, struct slice node, struct slice zone)
{
    const struct compile_target *t = &general->target;
    struct question q = {.sort = general->sort,
                         .namespace_name = t->namespace_name,
                         .node = node,
                         .zone = zone};
    q.a = q.sort == INVALIDATION_ADDRESS   ? general->address
          : q.sort == INVALIDATION_GATEWAY ? t->gateway
                                           : t->workload;
    if (q.sort == INVALIDATION_WORKLOAD) {
        q.b = t->service_account;
        q.c = t->pod_ip;
    }
    return hold(general->home, &q);
}

bool compile_cache_refresh_at(struct answer_at *a, struct slice node, struct slice zone)
{
    struct answer *old = a->here;
    compile_cache_refresh(a->general);
    node = a->general->locality & COMPILE_BY_NODE ? node : SLICE("");
    zone = a->general->locality & COMPILE_BY_ZONE ? zone : SLICE("");
    bool is_here = node.len || zone.len;
    if (old && is_here && slice_eq(old->target.node, node) && slice_eq(old->target.zone, zone)) {
        compile_cache_refresh(old);
        return false;
    }
    a->here = is_here ? hold_at(a->general, node, zone) : NULL;
    if (a->here)
        compile_cache_refresh(a->here);
    if (old)
        compile_cache_drop(old);
    return a->here != old;
}

void compile_cache_drop_at(struct answer_at *a)
{
    if (a->here)
        compile_cache_drop(a->here);
    if (a->general)
        compile_cache_drop(a->general);
    *a = (struct answer_at){0};
}

void compile_cache_measure(const struct compile_cache *a, struct answers_count *out)
{
    *out = (struct answers_count){a->by_key.count, packed_resource_table_bytes(a->packed),
                                  packed_resource_table_refused(a->packed), a->compiled};
}
