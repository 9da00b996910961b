/* The road of a request through the compiled configuration: destination, route, shares. It is what
 * data planes get, so what is said here is what they do. Main thread. Must not know how it is
 * shown.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/explain.h"

#include "lib/base/mem.h"
#include "lib/codec/normalize.h"
#include "policies/gateway_model.h"
#include "policies/gateway_names.h"
#include "policies/policy_index.h"
#include "weftctl/explain_client.h"
#include "weftctl/explain_priv.h"

enum { ARENA_BLOCK = 16384 };

#define FOR_RESOURCES(e, r)                                         \
    for (size_t i_ = 0; i_ < (e)->configuration->n_resources; i_++) \
        for (const EX(Resource) *r = (e)->configuration->resources[i_]; r; r = NULL)

static bool is_it(const EX(Resource) * r, EX(Resource__BodyCase) which)
{
    return r->body_case == which;
}

const EX(Cluster) * explain_cluster(const struct explain *e, const char *name)
{
    FOR_RESOURCES(e, r)
    {
        if (is_it(r, WEFT__CONFIG__V1__RESOURCE__BODY_CLUSTER) &&
            strcmp(r->cluster->name, name) == 0)
            return r->cluster;
    }
    return NULL;
}

const EX(ClientTraffic) * explain_mesh_rules(const EX(Configuration) * c)
{
    for (size_t i = 0; i < c->n_resources; i++)
        if (c->resources[i]->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_MESH)
            return c->resources[i]->mesh->client_traffic;
    return NULL;
}

/* ---- who asks ---- */

static struct slice trust_domain(const struct explain *e)
{
    FOR_RESOURCES(e, r)
    {
        if (is_it(r, WEFT__CONFIG__V1__RESOURCE__BODY_MESH))
            return slice_from_cstr(r->mesh->trust_domain);
    }
    return SLICE("cluster.local");
}

/* The one that policyd makes for it; where it is not policyd's, it is taken to be named like it. */
static struct slice account_of_gateway(struct explain *e, const struct workload *w)
{
    char name[GATEWAY_NAMES_MAX];
    const struct gateway *g =
        (const void *)policy_index_find(e->set, KIND_GATEWAY, w->namespace_name, w->name);
    if (!g || !gateway_model_is_ours(e->set, g))
        return w->name;
    return arena_copy(&e->arena, slice_from_cstr(gateway_names_managed(g, name)));
}

static void compile_from(struct explain *e, const struct workload *w)
{
    struct compile_target target = {.namespace_name = w->namespace_name};
    struct slice account = w->pod ? w->pod->spec.service_account : w->name;
    if (w->pod)
        target.workload = w->name;
    else
        target.gateway = w->name;
    e->configuration = compile_configuration(e->set, &target, NULL);
    e->from.workload = *w;
    e->from.is_meshed = !w->pod || pod_is_meshed(w->pod);
    if (!w->pod)
        account = account_of_gateway(e, w);
    if (!account.len)
        account = SLICE("default");
    if (e->from.is_meshed)
        e->from.principal =
            arena_printf(&e->arena, "%.*s/ns/%.*s/sa/%.*s", SLICE_ARG(trust_domain(e)),
                         SLICE_ARG(w->namespace_name), SLICE_ARG(account));
}

/* ---- routes ---- */

static struct explain_share *add_share(struct explain *e, const char *cluster, uint32_t weight)
{
    struct explain_share *s = &e->shares[e->share_count++];
    *s = (struct explain_share){
        .cluster_name = cluster, .cluster = explain_cluster(e, cluster), .weight = weight};
    if (s->cluster)
        explain_ends_add(e, s);
    return s;
}

static void answer(struct explain *e, unsigned status, const char *text)
{
    e->status = status;
    e->answer = slice_from_cstr(text);
}

static void take_route(struct explain *e)
{
    const EX(Route) *r = e->route.route;
    if (r->cors && e->route.is_preflight) {
        answer(e, 204, "a preflight, which the route's CORS filter answers");
        return;
    }
    if (r->redirect) {
        answer(e, r->redirect->status ? r->redirect->status : 302, "the route redirects");
        return;
    }
    if (r->direct_status)
        answer(e, r->direct_status, "no backend of the rule can be used");
    e->shares = arena_alloc(&e->arena, (r->n_clusters + 1) * sizeof(*e->shares));
    for (size_t i = 0; i < r->n_clusters; i++) {
        struct explain_share *s = add_share(e, r->clusters[i]->cluster, r->clusters[i]->weight);
        s->redirect = r->clusters[i]->redirect;
    }
}

static void use_hosts(struct explain *e, EX(VirtualHost) *const *hosts, size_t count)
{
    e->is_routed = true;
    explain_route_find(&e->arena, hosts, count, &e->asked, &e->route);
    if (e->route.route)
        take_route(e);
    else if (e->route.host)
        answer(e, 404, "no route matches");
    else
        answer(e, 404, "no route is for this host");
}

/* ---- from a pod ---- */

static bool is_for_host(const EX(Destination) * d, const struct asked *asked)
{
    for (size_t i = 0; d->port == asked->port && i < d->n_hosts; i++)
        if (slice_eq_cstr(asked->host, d->hosts[i]))
            return true;
    return false;
}

static bool is_at_address(const EX(Destination) * d, struct slice address)
{
    for (size_t i = 0; i < d->n_addresses; i++)
        if (slice_eq_cstr(address, d->addresses[i]))
            return true;
    return false;
}

static const EX(Destination) * find_destination(const struct explain *e, struct slice address)
{
    FOR_RESOURCES(e, r)
    {
        if (is_it(r, WEFT__CONFIG__V1__RESOURCE__BODY_DESTINATION) &&
            (address.len ? is_at_address(r->destination, address)
                         : is_for_host(r->destination, &e->asked)))
            return r->destination;
    }
    return NULL;
}

static const EX(Workload) * find_workload(const struct explain *e)
{
    FOR_RESOURCES(e, r)
    {
        if (is_it(r, WEFT__CONFIG__V1__RESOURCE__BODY_WORKLOAD) &&
            slice_eq_cstr(e->asked.host, r->workload->ip))
            return r->workload;
    }
    return NULL;
}

static const EX(ClientTraffic) * mesh_rules(const struct explain *e)
{
    return explain_mesh_rules(e->configuration);
}

/* By the names of its headers, before anything else is looked at. */
static bool is_refused(struct explain *e, const EX(ClientTraffic) * rules,
                       EX(AuthzPolicy) *const *authz, size_t n_authz,
                       EX(VirtualHost) *const *hosts, size_t n_hosts)
{
    struct slice why = explain_client_sift(&e->arena, rules, &e->asked);
    if (!why.len)
        why = explain_client_check(&e->arena, authz, n_authz, hosts, n_hosts, &e->asked);
    if (why.len) {
        e->status = 400;
        e->answer = why;
    }
    return why.len > 0;
}

static bool may_be_http(EX(Protocol) p)
{
    return p != WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TCP &&
           p != WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TLS;
}

static void use_destination(struct explain *e, const EX(Destination) * d)
{
    e->destination = d->name;
    e->protocol = d->protocol;
    /* TLS of the app itself and opaque ports are bytes to the sidecar: no routes. */
    bool is_http = may_be_http(d->protocol) && slice_eq(e->asked.scheme, SLICE("http"));
    if (e->from.is_meshed && is_http && is_refused(e, mesh_rules(e), NULL, 0, d->virtual_hosts,
                                                   d->n_virtual_hosts))
        return;
    if (e->from.is_meshed && is_http && d->n_virtual_hosts) {
        use_hosts(e, d->virtual_hosts, d->n_virtual_hosts);
        return;
    }
    e->shares = arena_alloc(&e->arena, sizeof(*e->shares));
    add_share(e, d->default_cluster, 1);
}

static void from_pod(struct explain *e)
{
    struct addr addr;
    struct slice address = {NULL, 0};
    char text[ADDR_TEXT_MAX];
    if (addr_parse(e->asked.host, &addr) == ERR_OK) {
        addr.port = e->asked.port;
        address = arena_copy(&e->arena, slice_from_cstr(addr_format(&addr, text)));
    }
    const EX(Destination) *d = find_destination(e, address);
    const EX(Workload) *w = d ? NULL : find_workload(e);
    if (d)
        use_destination(e, d);
    else if (w)
        explain_ends_add_workload(e, w);
    else
        e->answer = SLICE("nothing of the mesh is there: the connection is passed on as it is");
}

/* ---- from outside, at a Gateway ---- */

static const EX(GatewayPort) * find_gateway_port(const struct explain *e)
{
    FOR_RESOURCES(e, r)
    {
        if (is_it(r, WEFT__CONFIG__V1__RESOURCE__BODY_GATEWAY) && r->gateway->port == e->asked.port)
            return r->gateway;
    }
    return NULL;
}

/* What holds for its clients: of the listener with that very name, of the port, of the mesh. */
static const EX(ClientTraffic) * rules_at(const struct explain *e, const EX(GatewayPort) * g)
{
    for (size_t i = 0; slice_eq(e->asked.scheme, SLICE("https")) && i < g->n_listeners; i++)
        if (g->listeners[i]->client_traffic &&
            slice_eq_cstr(e->asked.host, g->listeners[i]->hostname))
            return g->listeners[i]->client_traffic;
    return g->client_traffic ? g->client_traffic : mesh_rules(e);
}

/* What the backend may read must be what was routed. */
static bool is_one_route(struct explain *e, const EX(GatewayPort) * g,
                         const struct explain_route *chosen)
{
    const struct normalize_readings *others = e->asked.other_paths;
    for (uint32_t i = 0; others && i < others->count; i++) {
        struct asked asked = e->asked;
        struct explain_route found;
        asked.path = others->paths[i];
        explain_route_find(&e->arena, g->virtual_hosts, g->n_virtual_hosts, &asked, &found);
        if (found.route != chosen->route)
            return false;
    }
    return true;
}

static void at_gateway(struct explain *e, struct slice client_ip)
{
    const EX(GatewayPort) *g = find_gateway_port(e);
    if (!g) {
        e->answer =
            arena_printf(&e->arena, "the Gateway has no listener on port %u", e->asked.port);
        return;
    }
    e->destination = g->name;
    e->protocol = WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP;
    const EX(ClientTraffic) *rules = rules_at(e, g);
    struct explain_peer peer = {.ip = client_ip, .at_gateway = true};
    e->client = explain_client_find(&e->arena, rules, &peer, &e->asked);
    if (is_refused(e, rules, g->authz, g->n_authz, g->virtual_hosts, g->n_virtual_hosts))
        return;
    struct explain_call call = {.asked = &e->asked,
                                .caller_ip = client_ip,
                                .remote_ip = e->client,
                                .port = e->asked.port};
    e->entry = arena_alloc(&e->arena, sizeof(*e->entry));
    explain_authz_decide(&e->arena, g->authz, g->n_authz, &call, e->entry);
    struct explain_route route;
    explain_route_find(&e->arena, g->virtual_hosts, g->n_virtual_hosts, &e->asked, &route);
    bool is_answered = route.is_preflight && route.route && route.route->cors;
    if (!e->entry->allowed && !is_answered)
        answer(e, 403, "denied at the Gateway");
    else if (!is_one_route(e, g, &route))
        answer(e, 400, "the path can be read in ways that lead to different routes");
    else
        use_hosts(e, g->virtual_hosts, g->n_virtual_hosts);
}

/* ---- the whole ---- */

static void conclude(struct explain *e)
{
    for (size_t i = 0; i < e->share_count; i++) {
        const struct explain_share *s = &e->shares[i];
        for (size_t j = 0; s->weight && j < s->count; j++)
            e->is_delivered |= s->endpoints[j].endpoint->ready && s->endpoints[j].verdict.allowed;
    }
    e->is_delivered &= e->status == 0;
}

struct explain *explain_create(const struct policy_set *set, const struct workload *from,
                               const struct asked *asked, struct slice client_ip)
{
    struct explain *e = mem_zalloc(sizeof(*e));
    arena_init(&e->arena, ARENA_BLOCK);
    e->set = set;
    e->asked = *asked;
    compile_from(e, from);
    if (!e->asked.path.len)
        answer(e, 400, "the path can be read in two ways");
    else if (from->pod)
        from_pod(e);
    else
        at_gateway(e, client_ip);
    conclude(e);
    return e;
}

void explain_destroy(struct explain *e)
{
    compile_free(e->configuration);
    arena_dispose(&e->arena);
    mem_free(e);
}
