/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/named_host.h"

#include "lib/base/addr_reach.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/codec/http/host.h"
#include "lib/io/resolve.h"
#include "lib/io/timer.h"
#include "sidecar/config/hash_table.h"
#include "sidecar/worker/worker.h"

struct named_host {
    struct cluster *cluster;
    const struct cluster_conf *conf; /* referenced */
    struct resolve *asking;          /* NULL: nobody is asked at the moment */
    struct timer again;
    struct addr addrs[RESOLVE_MAX];
    size_t count;
    bool has_failed; /* the last time; it is in the log */
};

/* ---- endpoints from addresses ---- */

/* One block: the configured cluster with other endpoints, and what these need. */
struct found {
    struct cluster_conf cluster;
    struct endpoint_conf endpoints[RESOLVE_MAX];
    struct endpoint_health health[RESOLVE_MAX];
    char texts[RESOLVE_MAX][ADDR_TEXT_MAX];
};

/* Room for the table of as many as a lookup finds, whichever balancer makes it. */
#define HASH_TABLE_SMALL_MAX (48u * 1024)
_Static_assert(RESOLVE_MAX <= 16, "their points must fit into HASH_TABLE_SMALL_MAX");

/* All but the count of references, which others change meanwhile. */
static void copy_conf(struct cluster_conf *to, const struct cluster_conf *from)
{
    size_t begin = offsetof(struct cluster_conf, part);
    memcpy((char *)to + begin, (const char *)from + begin, sizeof(*to) - begin);
    atomic_init(&to->refs, 1);
    to->part = NULL;
    to->base = cluster_conf_ref(from);
}

/* What was learnt of an address stays with it. */
static void take_health(const struct named_host *n, const struct addr *a,
                        struct endpoint_health *to)
{
    atomic_init(&to->refs, 1);
    for (uint32_t i = 0; i < n->cluster->endpoint_count; i++) {
        const struct endpoint_conf *e = n->cluster->endpoints[i]->conf;
        if (!addr_eq(&e->addr, a))
            continue;
        for (unsigned kind = 0; kind < OUTLIER_KIND_COUNT; kind++)
            atomic_init(&to->failures[kind], atomic_load(&e->health->failures[kind]));
        atomic_init(&to->owes, atomic_load(&e->health->owes));
        atomic_init(&to->ejections, atomic_load(&e->health->ejections));
        atomic_init(&to->ejected_until_ms, atomic_load(&e->health->ejected_until_ms));
        atomic_init(&to->is_unhealthy, atomic_load(&e->health->is_unhealthy));
    }
}

static const struct cluster_conf *make_conf(const struct named_host *n)
{
    size_t table = hash_table_size(n->conf->lb, NULL, 0, true) ? HASH_TABLE_SMALL_MAX : 0;
    struct found *f = mem_zalloc(sizeof(*f) + table);
    copy_conf(&f->cluster, n->conf);
    for (size_t i = 0; i < n->count; i++) {
        struct slice text = slice_from_cstr(addr_format(&n->addrs[i], f->texts[i]));
        take_health(n, &n->addrs[i], &f->health[i]);
        f->endpoints[i] = (struct endpoint_conf){.addr = n->addrs[i],
                                                 .weight = 1,
                                                 .ready = true,
                                                 .address_text = text,
                                                 .address_hash = slice_hash(text),
                                                 .health = &f->health[i]};
    }
    f->cluster.endpoints = f->endpoints;
    f->cluster.endpoint_count = (uint32_t)n->count;
    if (table && n->count) {
        struct hash_table *t = (struct hash_table *)(f + 1);
        hash_table_make(t, n->conf->lb, f->endpoints, f->cluster.endpoint_count, true);
        f->cluster.hash_table = t;
    }
    return &f->cluster;
}

static void show_endpoints(struct named_host *n)
{
    const struct cluster_conf *conf = make_conf(n);
    cluster_reconcile(n->cluster, conf);
    cluster_conf_unref(conf);
}

/* ---- looking up ---- */

static bool is_known(const struct named_host *n, const struct addr *a)
{
    for (size_t i = 0; i < n->count; i++)
        if (addr_eq(&n->addrs[i], a))
            return true;
    return false;
}

static void look_up(struct named_host *n);

static void fail(struct named_host *n, const char *why)
{
    if (!n->has_failed)
        LOG_W("upstream", "%.*s: %.*s %s%s", SLICE_ARG(n->conf->name), SLICE_ARG(n->conf->host),
              why, n->count ? ": its last addresses stay in use" : "");
    n->has_failed = true;
    timer_start(&n->again, NAMED_HOST_RETRY_MS);
}

/* A little earlier than it has to be, so that not all data planes ask in the same moment. */
static uint32_t good_for_ms(struct named_host *n, uint32_t ttl_s)
{
    uint64_t ms = ttl_s ? (uint64_t)ttl_s * 1000 : NAMED_HOST_UNSAID_MS;
    ms = ms < NAMED_HOST_LONGEST_MS ? ms : NAMED_HOST_LONGEST_MS;
    ms -= rand_below(&n->cluster->worker->rand, (uint32_t)ms / 10 + 1);
    return (uint32_t)(ms > NAMED_HOST_SHORTEST_MS ? ms : NAMED_HOST_SHORTEST_MS);
}

static void take(struct named_host *n, const struct addr *addrs, size_t count, uint32_t ttl_s)
{
    bool is_same = count == n->count;
    for (size_t i = 0; i < count; i++)
        is_same = is_same && is_known(n, &addrs[i]);
    n->has_failed = false;
    timer_start(&n->again, good_for_ms(n, ttl_s));
    if (is_same)
        return;
    memcpy(n->addrs, addrs, count * sizeof(*addrs));
    n->count = count;
    show_endpoints(n);
}

static void on_answer(void *owner, enum err e, const struct addr *addrs, size_t count,
                      uint32_t ttl_s)
{
    struct named_host *n = owner;
    struct addr allowed[RESOLVE_MAX];
    size_t kept = 0;
    n->asking = NULL;
    for (size_t i = 0; i < count; i++)
        if (n->conf->host_allows_local || addr_is_beyond(&addrs[i]))
            allowed[kept++] = addrs[i];
    if (e)
        fail(n, "cannot be resolved");
    else if (!kept)
        fail(n, "leads to local addresses only, where it must not");
    else
        take(n, allowed, kept, ttl_s);
}

/* An absolute name: what a policy calls "a.b" must not become a Service of the cluster. */
static void look_up(struct named_host *n)
{
    char name[HOST_MAX + 1];
    struct slice host = n->conf->host;
    struct addr literal;
    timer_stop(&n->again);
    if (n->asking)
        return;
    memcpy(name, host.ptr, host.len);
    name[host.len] = '.';
    struct slice absolute = slice_of(name, host.len + 1);
    n->asking = resolve_start(n->cluster->worker->loop,
                              addr_parse(host, &literal) == ERR_OK ? host : absolute,
                              n->conf->port, on_answer, n);
}

static void on_time(struct timer *t)
{
    look_up(container_of(t, struct named_host, again));
}

/* ---- life ---- */

struct named_host *named_host_create(struct cluster *c, const struct cluster_conf *conf)
{
    struct named_host *n = mem_zalloc(sizeof(*n));
    n->cluster = c;
    n->conf = cluster_conf_ref(conf);
    timer_init(&n->again, c->worker->loop, on_time);
    show_endpoints(n);
    look_up(n);
    return n;
}

void named_host_adopt(struct named_host *n, const struct cluster_conf *conf)
{
    const struct cluster_conf *before = n->conf;
    bool is_same = slice_eq(before->host, conf->host) && before->port == conf->port &&
                   before->host_allows_local == conf->host_allows_local;
    n->conf = cluster_conf_ref(conf);
    if (!is_same) {
        if (n->asking)
            resolve_cancel(n->asking);
        n->asking = NULL;
        n->count = 0;
        look_up(n);
    }
    show_endpoints(n);
    cluster_conf_unref(before);
}

const struct cluster_conf *named_host_conf(const struct named_host *n)
{
    return n->conf;
}

void named_host_destroy(struct named_host *n)
{
    if (!n)
        return;
    if (n->asking)
        resolve_cancel(n->asking);
    timer_stop(&n->again);
    cluster_conf_unref(n->conf);
    mem_free(n);
}
