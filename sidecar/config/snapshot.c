/* A snapshot: counted parts, and the tables that find them.
 * Filled on the control thread, read by every worker; the last reference may go on any thread.
 * Must not know how a part is compiled.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/snapshot.h"

#include "lib/base/mem.h"
#include "sidecar/config/snapshot_priv.h"
#include "lib/codec/http/host.h"
#include "sidecar/config/route/listener_choice.h"

enum { BLOCK_SIZE = 4096 };

/* ---- life ---- */

struct snapshot *snapshot_create(uint64_t version)
{
    struct snapshot *s = mem_zalloc(sizeof(*s));
    atomic_init(&s->refs, 1);
    s->version = version;
    arena_init(&s->arena, BLOCK_SIZE);
    return s;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < s->routed_count; i++)
        routed_unref(s->routed[i]);
    for (uint32_t i = 0; i < s->cluster_count; i++)
        cluster_conf_unref(s->clusters[i]);
    for (uint32_t i = 0; i < s->workload_count; i++)
        workload_part_unref(s->workloads[i]);
    inbound_part_unref(s->inbound);
    mesh_part_unref(s->mesh);
    consumer_table_unref(s->consumers);
    arena_dispose(&s->arena);
    mem_free(s);
}

/* ---- filling ---- */

static void *reserve(struct snapshot *s, size_t count, size_t size)
{
    return arena_zalloc(&s->arena, count * size);
}

void snapshot_reserve_clusters(struct snapshot *s, size_t count)
{
    s->clusters = reserve(s, count, sizeof(*s->clusters));
    lookup_init(&s->by_cluster, &s->arena, count);
}

void snapshot_reserve(struct snapshot *s, const struct snapshot_sizes *sizes)
{
    s->routed = reserve(s, sizes->destinations + sizes->gateways, sizeof(*s->routed));
    s->gateways = reserve(s, sizes->gateways, sizeof(*s->gateways));
    s->workloads = reserve(s, sizes->workloads, sizeof(*s->workloads));
    lookup_init(&s->by_gateway, &s->arena, sizes->gateways);
    lookup_init(&s->by_ip, &s->arena, sizes->workloads);
    lookup_init(&s->by_addr, &s->arena, sizes->addresses);
    lookup_init(&s->by_host, &s->arena, sizes->hosts);
}

static uint64_t hash_number(uint64_t n)
{
    return n * 0x9e3779b97f4a7c15u >> 24;
}

static uint64_t hash_host(struct slice lower, uint16_t port)
{
    return slice_hash(lower) + hash_number(port);
}

static uint64_t hash_ip(const struct addr *ip)
{
    struct addr key = *ip;
    key.port = 0;
    return addr_hash(&key);
}

bool snapshot_add_cluster(struct snapshot *s, const struct cluster_conf *c)
{
    if (snapshot_find_cluster(s, c->name))
        return false;
    s->clusters[s->cluster_count++] = cluster_conf_ref(c);
    lookup_add(&s->by_cluster, slice_hash(c->name), c);
    return true;
}

static const struct gateway_conf *find_gateway(const struct snapshot *s, uint16_t port, bool udp)
{
    uint64_t hash = hash_number(port), at = hash;
    const struct gateway_conf *g;
    while ((g = lookup_next(&s->by_gateway, hash, &at))) {
        if (g->port == port && gateway_is_udp(g) == udp)
            break;
    }
    return g;
}

bool snapshot_add_gateway(struct snapshot *s, struct routed *r)
{
    if (find_gateway(s, r->gateway.port, gateway_is_udp(&r->gateway)))
        return false;
    s->routed[s->routed_count++] = routed_ref(r);
    s->gateways[s->gateway_count++] = &r->gateway;
    lookup_add(&s->by_gateway, hash_number(r->gateway.port), &r->gateway);
    return true;
}

/* Where two destinations claim one address or host, the first one has it. */
static void add_addr(struct snapshot *s, const struct addr *addr,
                     const struct destination_conf *destination)
{
    if (snapshot_destination_by_addr(s, addr))
        return;
    struct snapshot_addr *entry = arena_alloc(&s->arena, sizeof(*entry));
    *entry = (struct snapshot_addr){addr, destination};
    lookup_add(&s->by_addr, addr_hash(addr), entry);
}

static void add_host(struct snapshot *s, struct slice host,
                     const struct destination_conf *destination)
{
    if (snapshot_destination_by_host(s, host, destination->port))
        return;
    struct snapshot_host *entry = arena_alloc(&s->arena, sizeof(*entry));
    *entry = (struct snapshot_host){host, destination};
    lookup_add(&s->by_host, hash_host(host, destination->port), entry);
}

void snapshot_add_destination(struct snapshot *s, struct routed *r)
{
    s->routed[s->routed_count++] = routed_ref(r);
    for (uint32_t i = 0; i < r->core->address_count; i++)
        add_addr(s, &r->core->addresses[i], &r->destination);
    for (uint32_t i = 0; i < r->core->host_count; i++)
        add_host(s, r->core->hosts[i], &r->destination);
}

void snapshot_add_workload(struct snapshot *s, struct workload_part *w)
{
    s->workloads[s->workload_count++] = workload_part_ref(w);
    if (!snapshot_workload(s, &w->conf.ip))
        lookup_add(&s->by_ip, hash_ip(&w->conf.ip), &w->conf);
}

/* ---- reading ---- */

const struct consumer_directory *snapshot_consumers(const struct snapshot *s)
{
    return s->consumers ? s->consumers->directory : NULL;
}

uint64_t snapshot_version(const struct snapshot *s)
{
    return s->version;
}

struct slice snapshot_trust_domain(const struct snapshot *s)
{
    return s->mesh->conf.trust_domain;
}

const struct mesh_conf *snapshot_mesh(const struct snapshot *s)
{
    return &s->mesh->conf;
}

const struct client_conf *snapshot_client_conf(const struct snapshot *s, uint16_t gateway_port,
                                               struct slice sni)
{
    const struct gateway_conf *g = gateway_port ? snapshot_gateway(s, gateway_port) : NULL;
    const struct gateway_listener_conf *l = NULL;
    if (g && g->by_name && sni.len)
        l = listener_choice_by_name(g, sni);
    if (l && l->clients)
        return l->clients;
    return g && g->clients ? g->clients : s->mesh->conf.clients;
}

const struct cluster_conf *snapshot_find_cluster(const void *snapshot, struct slice name)
{
    const struct snapshot *s = snapshot;
    uint64_t hash = slice_hash(name), at = hash;
    const struct cluster_conf *c;
    while ((c = lookup_next(&s->by_cluster, hash, &at))) {
        if (slice_eq(c->name, name))
            break;
    }
    return c;
}

const struct destination_conf *snapshot_destination_by_addr(const struct snapshot *s,
                                                            const struct addr *vip)
{
    uint64_t hash = addr_hash(vip), at = hash;
    const struct snapshot_addr *entry;
    while ((entry = lookup_next(&s->by_addr, hash, &at))) {
        if (addr_eq(entry->addr, vip))
            return entry->destination;
    }
    return NULL;
}

const struct destination_conf *snapshot_destination_by_host(const struct snapshot *s,
                                                            struct slice host, uint16_t port)
{
    char text[HOST_MAX];
    struct slice lower = host_lower(host, text);
    uint64_t hash = hash_host(lower, port), at = hash;
    const struct snapshot_host *entry;
    while ((entry = lookup_next(&s->by_host, hash, &at))) {
        if (entry->destination->port == port && slice_eq(entry->host, lower))
            return entry->destination;
    }
    return NULL;
}

const struct workload_conf *snapshot_workload(const struct snapshot *s, const struct addr *ip)
{
    uint64_t hash = hash_ip(ip), at = hash;
    const struct workload_conf *w;
    while ((w = lookup_next(&s->by_ip, hash, &at))) {
        if (addr_eq_ip(&w->ip, ip))
            break;
    }
    return w;
}

const struct inbound_conf *snapshot_inbound(const struct snapshot *s)
{
    return &s->inbound->conf;
}

Weft__Config__V1__MtlsMode snapshot_mtls_mode(const struct snapshot *s, uint16_t port)
{
    const struct inbound_port_conf *listed = snapshot_inbound_port(s, port);
    return listed ? listed->mtls : snapshot_inbound(s)->mtls;
}

const struct inbound_port_conf *snapshot_inbound_port(const struct snapshot *s, uint16_t port)
{
    return inbound_part_port(s->inbound, port);
}

const struct gateway_conf *snapshot_gateway(const struct snapshot *s, uint16_t port)
{
    return find_gateway(s, port, false);
}

const struct gateway_conf *snapshot_udp_gateway(const struct snapshot *s, uint16_t port)
{
    return find_gateway(s, port, true);
}

const struct gateway_conf *const *snapshot_gateways(const struct snapshot *s, uint32_t *count)
{
    *count = s->gateway_count;
    return s->gateways;
}

const struct cluster_conf *const *snapshot_clusters(const struct snapshot *s, uint32_t *count)
{
    *count = s->cluster_count;
    return s->clusters;
}
