/* From the Cluster message to struct cluster_conf.
 * Control thread; the last reference may go on any. Must not know who routes to it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/cluster_part.h"

#include "lib/base/mem.h"
#include "lib/codec/http/host.h"
#include "sidecar/config/backend_tls.h"
#include "sidecar/config/hash_table.h"
#include "sidecar/config/traffic_conf.h"
#include "sidecar/config/series_hash.h"
#include "sidecar/config/affinity.h"

enum { ENDPOINT_WEIGHT_MAX = 1000000 };

static void take_mesh_port(const struct part_build *b, const Weft__Config__V1__Endpoint *from,
                           struct endpoint_conf *to)
{
    to->mesh_port = (uint16_t)from->mesh_port;
    if (to->mesh_port)
        to->port_name = arena_printf(&b->part->arena, "p%u.weft", to->addr.port);
}

static enum err take_endpoint(const struct part_build *b, struct stable_ids *ids,
                              struct slice cluster, const Weft__Config__V1__Endpoint *from,
                              struct endpoint_conf *to)
{
    struct slice address = slice_from_cstr(from->address);
    if (addr_parse(address, &to->addr) || to->addr.port == 0)
        return part_refuse(b, "endpoint \"%s\" is not an address with a port", from->address);
    if (from->meshed && from->spiffe_id[0] == '\0')
        return part_refuse(b, "endpoint %s is in the mesh but has no identity", from->address);
    if (from->weight > ENDPOINT_WEIGHT_MAX)
        return part_refuse(b, "endpoint %s weighs more than %d", from->address,
                           ENDPOINT_WEIGHT_MAX);
    if (from->mesh_port > UINT16_MAX || (from->mesh_port && !from->meshed))
        return part_refuse(b, "endpoint %s: a port for the mesh is one of a meshed endpoint",
                           from->address);
    char text[ADDR_TEXT_MAX];
    take_mesh_port(b, from, to);
    to->address_text = part_text(b->part, addr_format(&to->addr, text));
    to->weight = from->weight ? from->weight : 1;
    to->meshed = from->meshed;
    to->ready = from->ready;
    to->is_backup = from->backup;
    to->spiffe_id = part_text(b->part, from->spiffe_id);
    to->workload = part_text(b->part, from->workload);
    to->namespace_name = part_text(b->part, from->namespace_);
    to->party_hash = series_hash_texts(to->workload, to->namespace_name, to->spiffe_id);
    to->address_hash = slice_hash(to->address_text);
    to->health = stable_ids_health(ids, cluster, to->address_text);
    return ERR_OK;
}

static enum err take_endpoints(const struct part_build *b, struct stable_ids *ids,
                               const Weft__Config__V1__Cluster *from, struct cluster_conf *to)
{
    struct endpoint_conf *endpoints = part_array(b->part, from->n_endpoints, sizeof(*endpoints));
    to->endpoints = endpoints;
    for (size_t i = 0; i < from->n_endpoints; i++) {
        enum err e = take_endpoint(b, ids, to->name, from->endpoints[i], &endpoints[i]);
        if (e)
            return e;
        to->endpoint_count++;
        to->is_weighted |= endpoints[i].weight != endpoints[0].weight;
    }
    return ERR_OK;
}

static enum err take_host(const struct part_build *b, const Weft__Config__V1__Cluster *from,
                          struct cluster_conf *to)
{
    const Weft__Config__V1__NamedHost *host = from->host;
    if (!host)
        return ERR_OK;
    to->host = part_text(b->part, host->name);
    to->host_allows_local = host->allows_local;
    if (!to->host.len || to->host.len > HOST_MAX || !to->port || to->endpoint_count)
        return part_refuse(b, "a cluster with a host needs its name and port, and no endpoints");
    return ERR_OK;
}

static void take_limits(const Weft__Config__V1__Cluster *from, struct cluster_conf *to)
{
    to->max_connections = from->breaker->max_connections;
    to->max_requests = from->breaker->max_requests;
    to->max_pending = from->breaker->max_pending;
    to->connect_timeout_ms = from->connect_timeout_ms;
    to->max_requests_per_connection = from->max_requests_per_connection;
    to->slow_start_ms = from->slow_start_ms;
    to->slow_start_percent = from->slow_start_percent;
    to->panic_percent = from->panic_percent;
    to->max_idle_connections = from->max_idle_connections;
    to->idle_connection_ms = from->idle_connection_ms;
    to->keepalive = traffic_conf_keepalive(from->keepalive);
    to->http2_keepalive = traffic_conf_http2_keepalive(from->http2_keepalive);
    to->proxy_version = from->proxy_protocol;
}

static void take_affinity(const Weft__Config__V1__Cluster *from, struct cluster_slot *slot,
                          struct cluster_conf *to)
{
    to->affinity_s = from->affinity_s;
    to->affinity_by_client = from->affinity_by_client;
    if (!from->affinity_s)
        return;
    if (!slot->affinity)
        slot->affinity = affinity_create(from->affinity_by_client);
    to->affinity = slot->affinity;
}

/* What a client is given that has no such cookie, but its value and whether it is secure. */
static struct slice attributes_of(const struct part_build *b, const Weft__Config__V1__HashOn *from)
{
    if (!from->cookie_s)
        return arena_printf(&b->part->arena, "; Path=%s; HttpOnly; SameSite=Lax",
                            from->cookie_path);
    return arena_printf(&b->part->arena, "; Path=%s; Max-Age=%u; HttpOnly; SameSite=Lax",
                        from->cookie_path, from->cookie_s);
}

static void take_hash_on(const struct part_build *b, const Weft__Config__V1__Cluster *from,
                         struct cluster_conf *to)
{
    struct hash_on_conf *all = part_array(b->part, from->n_hash_on, sizeof(*all));
    for (size_t i = 0; i < from->n_hash_on; i++) {
        const Weft__Config__V1__HashOn *one = from->hash_on[i];
        bool is_cookie = one->source == WEFT__CONFIG__V1__HASH_SOURCE__HASH_COOKIE;
        all[i].source = one->source;
        all[i].name = part_text(b->part, one->name);
        if (is_cookie)
            all[i].attributes = attributes_of(b, one);
    }
    to->hash_on = all;
    to->hash_on_count = (uint32_t)from->n_hash_on;
}

/* Where the endpoints are not known yet (take_host), who finds them out makes it. */
static void make_hash_table(const struct part_build *b, struct cluster_conf *to)
{
    size_t size = hash_table_size(to->lb, to->endpoints, to->endpoint_count, to->host.len > 0);
    if (!size || !to->endpoint_count)
        return;
    struct hash_table *t = arena_alloc(&b->part->arena, size);
    hash_table_make(t, to->lb, to->endpoints, to->endpoint_count, to->host.len > 0);
    to->hash_table = t;
}

#define LB(symbol, name, doc) [LB_##symbol] = name,
static const char *const lb_names[LB_COUNT] = {
#include "policies/kinds/lb.def"
};
#undef LB

const char *cluster_part_lb_name(enum lb_id lb)
{
    return lb_names[lb];
}

static bool find_lb(const char *name, enum lb_id *out)
{
    for (enum lb_id i = 0; i < LB_COUNT; i++)
        if (strcmp(name, lb_names[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static enum err take_cluster(const struct part_build *b, struct stable_ids *ids,
                             const Weft__Config__V1__Cluster *from,
                             const struct cluster_conf *before, struct cluster_part *p)
{
    struct cluster_conf *to = &p->conf;
    if (from->name[0] == '\0' || from->port > UINT16_MAX)
        return part_refuse(b, "a cluster needs a name, and a port of at most 65535");
    if (!from->breaker || !from->outlier || !from->retry || !from->connect_timeout_ms)
        return part_refuse(b, "a cluster needs its limits, its retries and when to eject");
    if (from->proxy_protocol > 2)
        return part_refuse(b, "there is no version %u of the PROXY protocol", from->proxy_protocol);
    to->name = part_text(b->part, from->name);
    p->slot = stable_ids_slot(ids, to->name);
    to->slot = p->slot->number;
    to->usage = &p->slot->usage;
    to->service = part_text(b->part, from->service);
    to->service_name = part_text(b->part, from->service_name);
    to->service_namespace = part_text(b->part, from->service_namespace);
    to->service_hash = series_hash_texts(to->service, to->service_name, to->service_namespace);
    to->port = (uint16_t)from->port;
    to->protocol = from->protocol;
    if (!find_lb(from->load_balancer, &to->lb))
        return part_refuse(b, "load balancer '%s' is not known", from->load_balancer);
    to->mtls_disabled = from->mtls_disabled;
    to->node_local = from->node_local;
    take_affinity(from, p->slot, to);
    if (from->tls)
        to->tls = backend_tls_create(from->tls, to->name, before ? before->tls : NULL);
    take_limits(from, to);
    take_hash_on(b, from, to);
    to->has_timeouts = from->timeouts != NULL;
    to->timeouts = traffic_conf_timeouts(from->timeouts);
    enum err e = traffic_conf_retry(b, from->retry, &to->retry);
    if (!e)
        e = traffic_conf_outlier(b, from->outlier, &to->outlier);
    if (!e)
        e = traffic_conf_health_check(b, from->health_check, &to->health_check);
    if (!e)
        e = traffic_conf_persistence(b, from->session_persistence, &to->persistence);
    if (!e)
        e = take_endpoints(b, ids, from, to);
    if (!e)
        e = take_host(b, from, to);
    if (!e)
        make_hash_table(b, to);
    return e;
}

static void destroy(struct cluster_part *p)
{
    for (uint32_t i = 0; i < p->conf.endpoint_count; i++)
        stable_ids_unref_health(p->conf.endpoints[i].health);
    if (p->slot)
        stable_ids_unref_slot(p->slot);
    backend_tls_unref(p->conf.tls);
    part_dispose(&p->part);
    mem_free(p);
}

enum err cluster_part_create(struct stable_ids *ids, const Weft__Config__V1__Resource *resource,
                             const struct cluster_conf *before, char *detail,
                             const struct cluster_conf **out)
{
    struct cluster_part *p = mem_zalloc(sizeof(*p));
    struct part_build b = {&p->part, slice_from_cstr(resource->name), detail};
    part_init(&p->part);
    atomic_init(&p->conf.refs, 1);
    p->conf.part = p;
    p->conf.version = resource->version;
    enum err e = take_cluster(&b, ids, resource->cluster, before, p);
    if (e)
        destroy(p);
    else
        *out = &p->conf;
    return e;
}

/* The count is the one thing that changes in a published conf. */
static _Atomic uint32_t *refs_of(const struct cluster_conf *c)
{
    return &((struct cluster_conf *)(uintptr_t)c)->refs;
}

const struct cluster_conf *cluster_conf_ref(const struct cluster_conf *c)
{
    atomic_fetch_add_explicit(refs_of(c), 1, memory_order_relaxed);
    return c;
}

void cluster_conf_unref(const struct cluster_conf *c)
{
    if (!c || atomic_fetch_sub_explicit(refs_of(c), 1, memory_order_acq_rel) != 1)
        return;
    const struct cluster_conf *base = c->base;
    if (c->part)
        destroy(c->part);
    else
        mem_free((void *)(uintptr_t)c);
    cluster_conf_unref(base);
}
