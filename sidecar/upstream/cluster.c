/* Running state of clusters and endpoints, reconciled with each adopted configuration. Worker
 * thread; knows nothing of requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/cluster.h"

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/upstream/balancer.h"
#include "sidecar/upstream/health_checker.h"
#include "sidecar/upstream/named_host.h"
#include "sidecar/upstream/pool.h"
#include "sidecar/worker/worker.h"

#define DYNAMIC_IDLE_MS (5 * 60 * 1000)

static struct endpoint *create_endpoint(struct cluster *c, const struct endpoint_conf *conf)
{
    struct endpoint *e = mem_zalloc(sizeof(*e));
    e->cluster = c;
    e->conf = conf;
    e->owner = cluster_conf_ref(c->conf);
    list_init(&e->node);
    redis_room_init(&e->redis);
    ewma_init(&e->latency, loop_now_ns(c->worker->loop));
    return e;
}

static bool endpoint_is_idle(const struct endpoint *e)
{
    for (int kind = 0; kind < POOL_KIND_COUNT; kind++)
        if (e->pools[kind] && !pool_is_empty(e->pools[kind]))
            return false;
    return e->active == 0 && redis_room_is_empty(&e->redis);
}

static void destroy_endpoint(struct endpoint *e)
{
    list_unlink(&e->node);
    for (int kind = 0; kind < POOL_KIND_COUNT; kind++)
        if (e->pools[kind])
            pool_destroy(e->pools[kind]);
    redis_room_dispose(&e->redis);
    cluster_conf_unref(e->owner);
    mem_free(e);
}

/* Held meanwhile: closing the last connection would collect a gone endpoint. */
static void drain_endpoint(struct endpoint *e)
{
    e->active++;
    for (int kind = 0; kind < POOL_KIND_COUNT; kind++)
        if (e->pools[kind])
            pool_drain(e->pools[kind]);
    redis_room_drain(&e->redis);
    e->active--;
}

static void retire_endpoint(struct endpoint *e)
{
    e->gone = true;
    list_link_last(&e->cluster->gone, &e->node);
    drain_endpoint(e);
}

static void destroy_cluster(struct cluster *c)
{
    health_checker_stop(&c->health);
    named_host_destroy(c->named);
    for (uint32_t i = 0; i < c->endpoint_count; i++)
        destroy_endpoint(c->endpoints[i]);
    LIST_FOREACH_SAFE(node, next, &c->gone)
    destroy_endpoint(container_of(node, struct endpoint, node));
    mem_free(c->endpoints);
    mem_free(c->lb_state);
    cluster_conf_unref(c->conf);
    mem_free(c);
}

/* A gone endpoint goes when nothing uses it, and a gone dynamic cluster is left to the sweep. */
static void collect_endpoint(struct endpoint *e)
{
    if (e->gone && endpoint_is_idle(e))
        destroy_endpoint(e);
}

void endpoint_hold(struct endpoint *e)
{
    e->active++;
}

void endpoint_release(struct endpoint *e)
{
    e->active--;
    collect_endpoint(e);
}

void endpoint_pool_emptied(struct endpoint *e)
{
    collect_endpoint(e);
}

static struct endpoint *take_endpoint(struct endpoint **old, uint32_t count,
                                      const struct endpoint_conf *conf)
{
    for (uint32_t i = 0; i < count; i++) {
        struct endpoint *e = old[i];
        /* A pod that came back at the same address under another identity is another endpoint. */
        if (e && addr_eq(&e->conf->addr, &conf->addr) && e->conf->meshed == conf->meshed &&
            e->conf->mesh_port == conf->mesh_port &&
            slice_eq(e->conf->spiffe_id, conf->spiffe_id)) {
            old[i] = NULL;
            return e;
        }
    }
    return NULL;
}

void cluster_reconcile(struct cluster *c, const struct cluster_conf *conf)
{
    struct endpoint **old = c->endpoints;
    uint32_t old_count = c->endpoint_count;
    const struct cluster_conf *old_conf = c->conf;
    c->conf = cluster_conf_ref(conf);
    c->endpoints = mem_zalloc(sizeof(*c->endpoints) * (conf->endpoint_count + 1));
    c->endpoint_count = conf->endpoint_count;
    for (uint32_t i = 0; i < conf->endpoint_count; i++) {
        /* What begins or ceases to speak TLS is another endpoint: no old connection serves it.
         * Where TLS has changed the pools look at their connections one by one. */
        bool same_tls = old_conf && !old_conf->tls == !conf->tls;
        struct endpoint *e = same_tls ? take_endpoint(old, old_count, &conf->endpoints[i]) : NULL;
        if (e) {
            const struct cluster_conf *owner = e->owner;
            if (conf->endpoints[i].ready && !e->conf->ready)
                e->since_ms = loop_now_ms(c->worker->loop);
            e->owner = cluster_conf_ref(conf);
            e->conf = &conf->endpoints[i];
            cluster_conf_unref(owner);
        } else {
            e = create_endpoint(c, &conf->endpoints[i]);
            e->since_ms = old_count ? loop_now_ms(c->worker->loop) : 0;
        }
        c->endpoints[i] = e;
    }
    for (uint32_t i = 0; i < old_count; i++) {
        if (!old[i])
            continue;
        health_checker_forget(c->health, old[i]);
        retire_endpoint(old[i]);
        collect_endpoint(old[i]);
    }
    mem_free(old);
    balancer_adopt(c, old_conf);
    health_checker_adopt(&c->health, c);
    if (old_conf)
        cluster_conf_unref(old_conf);
}

/* The configuration says that, and what a host's addresses are is found out here. */
static void adopt_conf(struct cluster *c, const struct cluster_conf *conf)
{
    if (c->named && conf->host.len) {
        named_host_adopt(c->named, conf);
        return;
    }
    named_host_destroy(c->named);
    c->named = NULL;
    if (conf->host.len)
        c->named = named_host_create(c, conf);
    else
        cluster_reconcile(c, conf);
}

static bool has_conf(const struct cluster *c, const struct cluster_conf *conf)
{
    return (c->named ? named_host_conf(c->named) : c->conf) == conf;
}

static struct cluster *create_cluster(struct worker *w, const struct cluster_conf *conf)
{
    struct cluster *c = mem_zalloc(sizeof(*c));
    c->worker = w;
    list_init(&c->gone);
    list_init(&c->idle);
    c->usage = conf->usage ? conf->usage : &c->own_usage;
    adopt_conf(c, conf);
    return c;
}

void cluster_table_init(struct cluster_table *t, struct worker *w)
{
    *t = (struct cluster_table){.worker = w};
    t->limit = CLUSTER_DYNAMIC_MAX / (w->settings->workers ? w->settings->workers : 1);
    map_init(&t->dynamic);
    list_init(&t->order);
}

void cluster_table_dispose(struct cluster_table *t)
{
    for (uint32_t i = 0; i < t->slots; i++)
        if (t->by_slot[i])
            destroy_cluster(t->by_slot[i]);
    mem_free(t->by_slot);
    size_t at = 0;
    struct slice key;
    void *value;
    while (map_next(&t->dynamic, &at, &key, &value))
        destroy_cluster(value);
    map_dispose(&t->dynamic);
}

static void grow_slots(struct cluster_table *t, uint32_t slot)
{
    if (slot < t->slots)
        return;
    uint32_t slots = slot + 16;
    t->by_slot = mem_realloc(t->by_slot, sizeof(*t->by_slot) * slots);
    for (uint32_t i = t->slots; i < slots; i++)
        t->by_slot[i] = NULL;
    t->slots = slots;
}

static void empty_cluster(struct cluster *c)
{
    health_checker_stop(&c->health);
    for (uint32_t i = 0; i < c->endpoint_count; i++) {
        struct endpoint *e = c->endpoints[i];
        retire_endpoint(e);
        collect_endpoint(e);
    }
    c->endpoint_count = 0;
    named_host_destroy(c->named);
    c->named = NULL;
}

/* Nobody names them any more, and nobody uses them. */
static void forget_vanished(struct cluster_table *t)
{
    for (uint32_t slot = 0; slot < t->slots; slot++) {
        struct cluster *c = t->by_slot[slot];
        if (!c || !c->vanished || c->active || c->connections || !list_is_empty(&c->gone))
            continue;
        t->by_slot[slot] = NULL;
        destroy_cluster(c);
    }
}

/* A host is looked up, and endpoints are asked for their health, before they are called. */
static void meet_early(struct cluster_table *t, const struct cluster_conf *const *confs,
                       uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (confs[i]->host.len || health_checker_is_for(t->worker, confs[i]))
            cluster_of(t, confs[i]);
}

void cluster_table_adopt(struct cluster_table *t, const struct snapshot *s)
{
    uint32_t count;
    const struct cluster_conf *const *confs = snapshot_clusters(s, &count);
    bool *present = mem_zalloc(t->slots + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = confs[i]->slot;
        if (slot < t->slots)
            present[slot] = true;
        if (slot < t->slots && t->by_slot[slot] && !has_conf(t->by_slot[slot], confs[i]))
            adopt_conf(t->by_slot[slot], confs[i]);
    }
    for (uint32_t slot = 0; slot < t->slots; slot++) {
        struct cluster *c = t->by_slot[slot];
        if (c && !present[slot])
            empty_cluster(c);
        if (c)
            c->vanished = !present[slot];
    }
    mem_free(present);
    forget_vanished(t);
    meet_early(t, confs, count);
}

static void review_endpoint(struct endpoint *e)
{
    endpoint_hold(e);
    for (int kind = 0; kind < POOL_KIND_COUNT; kind++)
        if (e->pools[kind])
            pool_review(e->pools[kind]);
    redis_room_review(&e->redis);
    endpoint_release(e);
}

static void review_cluster(struct cluster *c)
{
    for (uint32_t i = 0; i < c->endpoint_count; i++)
        review_endpoint(c->endpoints[i]);
    LIST_FOREACH_SAFE(node, next, &c->gone)
    review_endpoint(container_of(node, struct endpoint, node));
}

void cluster_table_review(struct cluster_table *t)
{
    for (uint32_t slot = 0; slot < t->slots; slot++)
        if (t->by_slot[slot])
            review_cluster(t->by_slot[slot]);
    size_t at = 0;
    struct slice key;
    void *value;
    while (map_next(&t->dynamic, &at, &key, &value))
        review_cluster(value);
}

static void drain_cluster(struct cluster *c)
{
    health_checker_stop(&c->health);
    for (uint32_t i = 0; i < c->endpoint_count; i++)
        drain_endpoint(c->endpoints[i]);
    named_host_destroy(c->named);
    c->named = NULL;
}

void cluster_table_drain(struct cluster_table *t)
{
    for (uint32_t i = 0; i < t->slots; i++)
        if (t->by_slot[i])
            drain_cluster(t->by_slot[i]);
    size_t at = 0;
    struct slice key;
    void *value;
    while (map_next(&t->dynamic, &at, &key, &value)) {
        struct cluster *c = value;
        for (uint32_t j = 0; j < c->endpoint_count; j++)
            drain_endpoint(c->endpoints[j]);
    }
}

struct cluster *cluster_of(struct cluster_table *t, const struct cluster_conf *conf)
{
    if (conf->slot < t->slots && t->by_slot[conf->slot])
        return t->by_slot[conf->slot];
    grow_slots(t, conf->slot);
    return t->by_slot[conf->slot] = create_cluster(t->worker, conf);
}

/* ---- clusters of one address ---- */

/* To the app behind us: the policy's limit is the caller's, and may be longer than the default. */
enum { CONNECT_MS = 2000, OWN_APP_CONNECT_MS = 10000 };

struct dynamic_conf { /* one block: the cluster, its endpoint, its texts */
    struct cluster_conf cluster;
    struct endpoint_conf endpoint;
    struct endpoint_health health;
    char address[ADDR_TEXT_MAX];
    char texts[];
};

static const struct cluster_conf *create_dynamic_conf(struct slice name, const struct addr *to,
                                                      struct slice spiffe_id)
{
    struct dynamic_conf *d = mem_zalloc(sizeof(*d) + name.len + spiffe_id.len);
    memcpy(d->texts, name.ptr, name.len);
    if (spiffe_id.len)
        memcpy(d->texts + name.len, spiffe_id.ptr, spiffe_id.len);
    atomic_init(&d->health.refs, 1);
    d->endpoint = (struct endpoint_conf){
        .addr = *to,
        .weight = 1,
        .ready = true,
        .meshed = spiffe_id.len > 0,
        .address_text = slice_from_cstr(addr_format(to, d->address)),
        .spiffe_id = slice_of(d->texts + name.len, spiffe_id.len),
        .health = &d->health,
    };
    d->cluster = (struct cluster_conf){
        .name = slice_of(d->texts, name.len),
        .port = to->port,
        .protocol = WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_AUTO,
        .connect_timeout_ms = slice_eq(name, SLICE("inbound")) ? OWN_APP_CONNECT_MS : CONNECT_MS,
        .max_connections = 10000,
        .max_requests = 100000,
        .max_pending = 10000,
        .endpoints = &d->endpoint,
        .endpoint_count = 1,
    };
    atomic_init(&d->cluster.refs, 1);
    return &d->cluster;
}

#define KEY_NAME_MAX 12

/* Address and name as bytes, so that looking up formats nothing. */
static struct slice write_key(char key[19 + KEY_NAME_MAX], const struct addr *to, struct slice name)
{
    size_t name_len = name.len < KEY_NAME_MAX ? name.len : KEY_NAME_MAX;
    key[0] = (char)to->family;
    memcpy(key + 1, &to->port, 2);
    memcpy(key + 3, to->ip, 16);
    memcpy(key + 19, name.ptr, name_len);
    return slice_of(key, 19 + name_len);
}

static bool is_unused(const struct cluster *c)
{
    return !c->active && list_is_empty(&c->gone) && endpoint_is_idle(c->endpoints[0]);
}

static void forget_dynamic(struct cluster_table *t, struct cluster *c)
{
    char key[19 + KEY_NAME_MAX];
    if (t->last_dynamic == c)
        t->last_dynamic = NULL;
    map_remove(&t->dynamic, write_key(key, &c->conf->endpoints[0].addr, c->conf->name));
    list_unlink(&c->order);
    destroy_cluster(c);
}

static void order_last(struct cluster_table *t, struct cluster *c)
{
    list_unlink(&c->order);
    list_link_last(&t->order, &c->order);
    c->ordered_ms = c->used_ms;
}

/* Those that were used since they were linked, or are in use, get another turn; so finding one to
 * forget takes a few steps, and using one costs nothing. */
static void make_room(struct cluster_table *t)
{
    enum { STEPS = 16 };
    for (unsigned i = 0; i < STEPS && t->dynamic.count >= t->limit; i++) {
        struct cluster *c = container_of(t->order.next, struct cluster, order);
        if (!is_unused(c) || c->used_ms != c->ordered_ms) {
            order_last(t, c);
            continue;
        }
        forget_dynamic(t, c);
        metrics_add(t->worker->metrics, METRICS_CLUSTERS_EVICTED, 1);
    }
}

void cluster_table_sweep(struct cluster_table *t)
{
    forget_vanished(t);
    uint64_t now = loop_now_ms(t->worker->loop);
    LIST_FOREACH_SAFE(node, next, &t->order)
    {
        struct cluster *c = container_of(node, struct cluster, order);
        if (is_unused(c) && now - c->used_ms >= DYNAMIC_IDLE_MS)
            forget_dynamic(t, c);
    }
}

static struct cluster *create_dynamic(struct cluster_table *t, struct slice name,
                                      const struct addr *to, struct slice mesh_spiffe_id)
{
    make_room(t);
    const struct cluster_conf *conf = create_dynamic_conf(name, to, mesh_spiffe_id);
    struct cluster *c = create_cluster(t->worker, conf);
    cluster_conf_unref(conf);
    c->dynamic = true;
    c->is_own_app = slice_eq(name, SLICE("inbound"));
    c->used_ms = loop_now_ms(t->worker->loop);
    list_init(&c->order);
    order_last(t, c);
    return c;
}

static struct cluster *find_dynamic(struct cluster_table *t, struct slice name,
                                    const struct addr *to, struct slice mesh_spiffe_id)
{
    char key[19 + KEY_NAME_MAX];
    struct slice key_slice = write_key(key, to, name);
    struct cluster *c = map_get(&t->dynamic, key_slice);
    if (!c) {
        c = create_dynamic(t, name, to, mesh_spiffe_id);
        map_put(&t->dynamic, key_slice, c);
    }
    return c;
}

/* What comes in is nearly always for the same app. */
static bool is_for(const struct cluster *c, struct slice name, const struct addr *to)
{
    return addr_eq(&c->conf->endpoints[0].addr, to) && slice_eq(c->conf->name, name);
}

struct cluster *cluster_for_addr(struct cluster_table *t, struct slice name, const struct addr *to,
                                 struct slice mesh_spiffe_id)
{
    struct cluster *c = t->last_dynamic;
    if (!c || !is_for(c, name, to))
        c = t->last_dynamic = find_dynamic(t, name, to, mesh_spiffe_id);
    if (!slice_eq(c->conf->endpoints[0].spiffe_id, mesh_spiffe_id)) {
        const struct cluster_conf *conf = create_dynamic_conf(name, to, mesh_spiffe_id);
        cluster_reconcile(c, conf);
        cluster_conf_unref(conf);
    }
    c->used_ms = loop_now_ms(t->worker->loop);
    return c;
}
