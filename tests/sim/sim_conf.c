/* Building configuration messages in an arena.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_conf.h"

#include "lib/schema/schema_write.h"

#include <stdio.h>
#include <stdlib.h>

#include "policies/compile/compile.h"

#define MAKE(c, NAME, init)                                \
    struct NAME *m = arena_alloc(&(c)->arena, sizeof(*m)); \
    init(m)
/* Adds to a repeated field. */
#define PUSH(c, count, items, item) \
    ((items) = grow((c), (items), (count)), (items)[(count)++] = (item))

static void *grow(struct sim_conf *c, void *items, size_t count)
{
    void **more = arena_zalloc(&c->arena, (count + 1) * sizeof(*more));
    if (count)
        memcpy(more, items, count * sizeof(*more));
    return more;
}

static char *text(struct sim_conf *c, const char *s)
{
    return arena_strdup(&c->arena, slice_from_cstr(s));
}

static Weft__Config__V1__Resource *add_resource(struct sim_conf *c, const char *kind,
                                                const char *name)
{
    MAKE(c, Weft__Config__V1__Resource, weft__config__v1__resource__init);
    struct slice full = arena_printf(&c->arena, "%s/%s", kind, name);
    m->name = arena_strdup(&c->arena, full);
    PUSH(c, c->message.n_resources, c->message.resources, m);
    return m;
}

void sim_conf_init(struct sim_conf *c)
{
    arena_init(&c->arena, 8192);
    weft__config__v1__configuration__init(&c->message);
    /* Tests want to read why, at gateways too. */
    sim_clients *clients = compile_client_traffic_fallback(&c->arena);
    clients->failure_details = WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_ALWAYS;
    sim_conf_mesh(c)->client_traffic = clients;
    sim_conf_mesh(c)->access_log_json = true;
}

void sim_conf_dispose(struct sim_conf *c)
{
    arena_dispose(&c->arena);
}

sim_cluster *sim_conf_cluster(struct sim_conf *c, const char *name)
{
    MAKE(c, Weft__Config__V1__Cluster, weft__config__v1__cluster__init);
    Weft__Config__V1__Resource *r = add_resource(c, "cluster", name);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_CLUSTER;
    r->cluster = m;
    m->name = m->service = m->service_name = text(c, name);
    compile_clusters_fallback(&c->arena, m);
    return m;
}

void sim_conf_balance(sim_cluster *c, const char *load_balancer)
{
    c->load_balancer = (char *)(uintptr_t)load_balancer;
}

sim_endpoint *sim_conf_endpoint(struct sim_conf *c, sim_cluster *to, const char *address)
{
    MAKE(c, Weft__Config__V1__Endpoint, weft__config__v1__endpoint__init);
    m->address = text(c, address);
    m->ready = true;
    PUSH(c, to->n_endpoints, to->endpoints, m);
    return m;
}

static Weft__Config__V1__Resource *add_filter(struct sim_conf *c, const char *id)
{
    MAKE(c, Weft__Config__V1__Filter, weft__config__v1__filter__init);
    Weft__Config__V1__Resource *r = add_resource(c, "filter", id);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_FILTER;
    r->filter = m;
    return r;
}

char *sim_conf_filter(struct sim_conf *c, const char *id, const char *type, const char *spec)
{
    Weft__Config__V1__Resource *r = add_filter(c, id);
    r->filter->type = text(c, type);
    r->filter->spec = text(c, spec);
    return r->name;
}

char *sim_conf_secret_filter(struct sim_conf *c, const char *id, const char *type,
                             const char *spec, const char *secret)
{
    Weft__Config__V1__Resource *r = add_filter(c, id);
    ProtobufCBinaryData *value = arena_alloc(&c->arena, sizeof(*value));
    *value = (ProtobufCBinaryData){strlen(secret), (uint8_t *)text(c, secret)};
    r->filter->type = text(c, type);
    r->filter->spec = text(c, spec);
    r->filter->n_secrets = 1;
    r->filter->secrets = value;
    return r->name;
}

char *sim_conf_broken_filter(struct sim_conf *c, const char *id, const char *why)
{
    Weft__Config__V1__Resource *r = add_filter(c, id);
    r->filter->broken = text(c, why);
    return r->name;
}

void sim_conf_name(struct sim_conf *c, size_t *count, char ***names, const char *name)
{
    PUSH(c, *count, *names, text(c, name));
}

sim_retry *sim_conf_retry(struct sim_conf *c)
{
    sim_cluster standard = WEFT__CONFIG__V1__CLUSTER__INIT;
    compile_clusters_fallback(&c->arena, &standard);
    standard.retry->attempts = 0;
    standard.retry->on_connect_failure = standard.retry->on_reset = false;
    standard.retry->only_idempotent = false;
    return standard.retry;
}

sim_timeouts *sim_conf_timeouts(struct sim_conf *c)
{
    MAKE(c, Weft__Config__V1__Timeouts, weft__config__v1__timeouts__init);
    return m;
}

static uint32_t port_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    return (uint32_t)strtoul(colon + 1, NULL, 10);
}

sim_destination *sim_conf_destination(struct sim_conf *c, const char *vip, const char *host,
                                      Weft__Config__V1__Protocol protocol, const char *cluster)
{
    MAKE(c, Weft__Config__V1__Destination, weft__config__v1__destination__init);
    Weft__Config__V1__Resource *r = add_resource(c, "destination", vip ? vip : host);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_DESTINATION;
    r->destination = m;
    m->name = text(c, vip ? vip : host);
    m->port = vip ? port_of(vip) : 80;
    m->protocol = protocol;
    m->default_cluster = text(c, cluster);
    if (vip)
        PUSH(c, m->n_addresses, m->addresses, text(c, vip));
    if (host)
        PUSH(c, m->n_hosts, m->hosts, text(c, host));
    return m;
}

static Weft__Config__V1__VirtualHost *make_host(struct sim_conf *c)
{
    MAKE(c, Weft__Config__V1__VirtualHost, weft__config__v1__virtual_host__init);
    PUSH(c, m->n_hosts, m->hosts, text(c, "*"));
    return m;
}

static sim_route *make_route(struct sim_conf *c, const char *prefix, const char *cluster)
{
    MAKE(c, Weft__Config__V1__Route, weft__config__v1__route__init);
    m->name = text(c, prefix);
    m->match = arena_alloc(&c->arena, sizeof(*m->match));
    weft__config__v1__route_match__init(m->match);
    m->match->path = arena_alloc(&c->arena, sizeof(*m->match->path));
    weft__config__v1__string_match__init(m->match->path);
    m->match->path->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_PATH_PREFIX;
    m->match->path->path_prefix = text(c, prefix);
    if (cluster)
        sim_conf_backend(c, m, cluster, 1);
    return m;
}

sim_route *sim_conf_route(struct sim_conf *c, sim_destination *d, const char *prefix,
                          const char *cluster)
{
    if (d->n_virtual_hosts == 0)
        PUSH(c, d->n_virtual_hosts, d->virtual_hosts, make_host(c));
    sim_route *r = make_route(c, prefix, cluster);
    PUSH(c, d->virtual_hosts[0]->n_routes, d->virtual_hosts[0]->routes, r);
    return r;
}

void sim_conf_backend(struct sim_conf *c, sim_route *r, const char *cluster, uint32_t weight)
{
    MAKE(c, Weft__Config__V1__WeightedCluster, weft__config__v1__weighted_cluster__init);
    m->cluster = text(c, cluster);
    m->weight = weight;
    PUSH(c, r->n_clusters, r->clusters, m);
}

sim_inbound *sim_conf_inbound(struct sim_conf *c)
{
    MAKE(c, Weft__Config__V1__Inbound, weft__config__v1__inbound__init);
    Weft__Config__V1__Resource *r = add_resource(c, "inbound", "all");
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_INBOUND;
    r->inbound = m;
    m->workload = text(c, "default/app");
    return m;
}

sim_inbound_port *sim_conf_inbound_port(struct sim_conf *c, sim_inbound *in, uint32_t port,
                                        Weft__Config__V1__Protocol protocol)
{
    MAKE(c, Weft__Config__V1__InboundPort, weft__config__v1__inbound_port__init);
    m->port = port;
    m->protocol = protocol;
    PUSH(c, in->n_ports, in->ports, m);
    return m;
}

static Weft__Config__V1__StringMatch *make_match(struct sim_conf *c)
{
    MAKE(c, Weft__Config__V1__StringMatch, weft__config__v1__string_match__init);
    return m;
}

static Weft__Config__V1__Cidr *make_cidr(struct sim_conf *c, const char *prefix)
{
    MAKE(c, Weft__Config__V1__Cidr, weft__config__v1__cidr__init);
    m->text = text(c, prefix);
    return m;
}

/* One more item of a list in a specification. */
static void *push_item(struct sim_conf *c, struct schema_list *list, const void *item, size_t size)
{
    char *items = arena_alloc(&c->arena, (list->count + 1) * size);
    if (list->count)
        memcpy(items, list->items, list->count * size);
    memcpy(items + list->count * size, item, size);
    *list = (struct schema_list){items, list->count + 1, true};
    return items + (list->count - 1) * size;
}

static void push_text(struct sim_conf *c, struct schema_list *list, struct slice item)
{
    push_item(c, list, &item, sizeof(item));
}

static struct authz_rule_spec *only_rule(sim_authz *policy)
{
    return policy->rules.items;
}

sim_authz *sim_conf_authz(struct sim_conf *c, enum authz_action action, const char *method,
                          const char *prefix)
{
    sim_authz *policy = arena_zalloc(&c->arena, sizeof(*policy));
    struct authz_rule_spec rule = {0};
    struct authz_to_spec to = {0};
    policy->name = SLICE("default/test");
    policy->action = (int)action;
    if (method)
        push_text(c, &to.operation.methods, slice_from_cstr(method));
    if (prefix)
        push_text(c, &to.operation.paths, arena_printf(&c->arena, "%s*", prefix));
    if (method || prefix)
        push_item(c, &rule.to, &to, sizeof(to));
    push_item(c, &policy->rules, &rule, sizeof(rule));
    return policy;
}

void sim_conf_principal(struct sim_conf *c, sim_authz *policy, const char *principal)
{
    struct authz_from_spec from = {0};
    push_text(c, &from.source.principals, slice_from_cstr(principal));
    push_item(c, &only_rule(policy)->from, &from, sizeof(from));
}

void sim_conf_when_header(struct sim_conf *c, sim_authz *policy, const char *name,
                          const char *value)
{
    struct authz_when_spec when = {
        .key = arena_printf(&c->arena, "request.headers[%s]", name)};
    push_text(c, &when.values, slice_from_cstr(value));
    push_item(c, &only_rule(policy)->when, &when, sizeof(when));
}

void sim_conf_remote(struct sim_conf *c, sim_authz *policy, const char *prefix)
{
    struct authz_from_spec from = {0};
    push_text(c, &from.source.remote_ip_blocks, slice_from_cstr(prefix));
    push_item(c, &only_rule(policy)->from, &from, sizeof(from));
}

static Weft__Config__V1__Filter *make_authorization(struct sim_conf *c, sim_authz *policies,
                                                    size_t count)
{
    MAKE(c, Weft__Config__V1__Filter, weft__config__v1__filter__init);
    struct authz_spec spec = {.policies = {policies, count, true}};
    bool asks = false;
    struct buf json;
    buf_init(&json);
    schema_write(filter_authz.spec, &spec, &json);
    for (size_t i = 0; i < count; i++)
        asks |= policies[i].action == AUTHZ_CUSTOM;
    m->type = text(c, asks ? filter_authz_custom.name : filter_authz.name);
    m->spec = arena_strdup(&c->arena, buf_take_into(&json, &c->arena));
    return m;
}

Weft__Config__V1__Filter *sim_conf_authorization(struct sim_conf *c, sim_authz *policy)
{
    return make_authorization(c, policy, 1);
}

void sim_conf_guards(struct sim_conf *c, sim_inbound *in, sim_authz *policies, size_t count)
{
    in->authorization = make_authorization(c, policies, count);
}

void sim_conf_guard(struct sim_conf *c, sim_inbound *in, sim_authz *policy)
{
    in->authorization = sim_conf_authorization(c, policy);
}

static Weft__Config__V1__Resource *add_port(struct sim_conf *c, const char *kind, uint32_t port)
{
    char name[16];
    snprintf(name, sizeof(name), "%u", port);
    return add_resource(c, kind, name);
}

sim_gateway *sim_conf_port(struct sim_conf *c, uint32_t port,
                           Weft__Config__V1__ListenerProtocol protocol)
{
    MAKE(c, Weft__Config__V1__GatewayPort, weft__config__v1__gateway_port__init);
    bool is_udp = protocol == SIM_LISTENER_UDP;
    Weft__Config__V1__Resource *r = add_port(c, is_udp ? "gateway/udp" : "gateway", port);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_GATEWAY;
    r->gateway = m;
    m->name = text(c, "default/gateway");
    m->port = port;
    m->protocol = protocol;
    return m;
}

sim_gateway *sim_conf_gateway(struct sim_conf *c, uint32_t port, const char *cluster)
{
    sim_gateway *g = sim_conf_port(c, port, SIM_LISTENER_HTTP);
    Weft__Config__V1__VirtualHost *host = make_host(c);
    PUSH(c, host->n_routes, host->routes, make_route(c, "/", cluster));
    PUSH(c, g->n_virtual_hosts, g->virtual_hosts, host);
    return g;
}

void sim_conf_gateway_route(struct sim_conf *c, sim_gateway *g, const char *prefix,
                            const char *cluster)
{
    Weft__Config__V1__VirtualHost *host = g->virtual_hosts[0];
    PUSH(c, host->n_routes, host->routes, make_route(c, prefix, cluster));
}

void sim_conf_https(struct sim_conf *c, sim_gateway *g)
{
    MAKE(c, Weft__Config__V1__Certificate, weft__config__v1__certificate__init);
    m->cert_chain_pem = m->key_pem = text(c, "pem");
    PUSH(c, m->n_names, m->names, text(c, "shop"));
    PUSH(c, g->n_certificates, g->certificates, m);
    g->protocol = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS;
}

sim_listener *sim_conf_bare_listener(struct sim_conf *c, sim_gateway *g, const char *hostname,
                                     Weft__Config__V1__ListenerProtocol protocol)
{
    MAKE(c, Weft__Config__V1__GatewayListener, weft__config__v1__gateway_listener__init);
    m->name = m->hostname = text(c, hostname);
    m->protocol = protocol;
    PUSH(c, g->n_listeners, g->listeners, m);
    return m;
}

sim_listener *sim_conf_listener(struct sim_conf *c, sim_gateway *g, const char *hostname,
                                Weft__Config__V1__ListenerProtocol protocol)
{
    sim_listener *m = sim_conf_bare_listener(c, g, hostname, protocol);
    if (g->n_certificates)
        PUSH(c, g->certificates[0]->n_names, g->certificates[0]->names,
             text(c, hostname[0] ? hostname : "*"));
    return m;
}

sim_stream *sim_conf_stream(struct sim_conf *c, sim_listener *l, const char *host,
                            const char *cluster)
{
    MAKE(c, Weft__Config__V1__StreamRoute, weft__config__v1__stream_route__init);
    m->name = text(c, "stream");
    if (host)
        PUSH(c, m->n_hosts, m->hosts, text(c, host));
    PUSH(c, l->n_stream_routes, l->stream_routes, m);
    if (cluster)
        sim_conf_share(c, m, cluster, 1);
    return m;
}

void sim_conf_share(struct sim_conf *c, sim_stream *s, const char *cluster, uint32_t weight)
{
    MAKE(c, Weft__Config__V1__WeightedCluster, weft__config__v1__weighted_cluster__init);
    m->cluster = text(c, cluster);
    m->weight = weight;
    PUSH(c, s->n_clusters, s->clusters, m);
}

sim_route *sim_conf_host(struct sim_conf *c, sim_gateway *g, const char *host, uint32_t listener,
                         const char *cluster)
{
    MAKE(c, Weft__Config__V1__VirtualHost, weft__config__v1__virtual_host__init);
    sim_route *r = make_route(c, "/", cluster);
    m->listener = listener;
    PUSH(c, m->n_hosts, m->hosts, text(c, host));
    PUSH(c, m->n_routes, m->routes, r);
    PUSH(c, g->n_virtual_hosts, g->virtual_hosts, m);
    return r;
}

void sim_conf_workload(struct sim_conf *c, const char *ip, const char *spiffe_id)
{
    MAKE(c, Weft__Config__V1__Workload, weft__config__v1__workload__init);
    Weft__Config__V1__Resource *r = add_resource(c, "workload", ip);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_WORKLOAD;
    r->workload = m;
    m->ip = text(c, ip);
    m->name = text(c, "pod");
    m->spiffe_id = text(c, spiffe_id ? spiffe_id : "");
    m->meshed = spiffe_id != NULL;
}

static sim_clients *make_clients(struct sim_conf *c)
{
    MAKE(c, Weft__Config__V1__ClientTraffic, weft__config__v1__client_traffic__init);
    m->limits = arena_alloc(&c->arena, sizeof(*m->limits));
    weft__config__v1__client_limits__init(m->limits);
    m->limits->max_target_bytes = m->limits->max_header_bytes = 65536;
    m->limits->max_headers = 100;
    m->trust = arena_alloc(&c->arena, sizeof(*m->trust));
    weft__config__v1__client_trust__init(m->trust);
    m->failure_details = WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_ALWAYS;
    return m;
}

Weft__Config__V1__MeshSettings *sim_conf_mesh(struct sim_conf *c)
{
    for (size_t i = 0; i < c->message.n_resources; i++)
        if (c->message.resources[i]->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_MESH)
            return c->message.resources[i]->mesh;
    MAKE(c, Weft__Config__V1__MeshSettings, weft__config__v1__mesh_settings__init);
    Weft__Config__V1__Resource *r = add_resource(c, "mesh", "settings");
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_MESH;
    r->mesh = m;
    return m;
}

sim_clients *sim_conf_clients(struct sim_conf *c, sim_gateway *g)
{
    if (g)
        return g->client_traffic = make_clients(c);
    return sim_conf_mesh(c)->client_traffic = make_clients(c);
}

void sim_conf_trust(struct sim_conf *c, sim_clients *to, const char *prefix)
{
    PUSH(c, to->trust->n_addresses, to->trust->addresses, make_cidr(c, prefix));
}

void sim_conf_trust_identity(struct sim_conf *c, sim_clients *to, const char *principal)
{
    Weft__Config__V1__StringMatch *s = make_match(c);
    s->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT;
    s->exact = text(c, principal);
    PUSH(c, to->trust->n_identities, to->trust->identities, s);
}
