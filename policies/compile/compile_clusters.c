/* Cluster resources: one for each TCP or UDP port of a Service, with its endpoints and how they are
 * called. Control thread. Must not know which routes lead there.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/schema/schema_layer.h"
#include "lib/base/addr.h"
#include "lib/codec/http/http_uri.h"
#include "policies/compile/backend_trust.h"
#include "policies/compile/compile_priv.h"
#include "policies/kinds/endpoint_slice.h"
#include "policies/kinds/external_service.h"
#include "policies/compile/protocol.h"
#include "policies/kinds/selector.h"

enum candidate_state { CANDIDATE_UNUSABLE, CANDIDATE_LAST_RESORT, CANDIDATE_READY };

/* An endpoint of the port, before it is known which of them are called. */
struct candidate {
    const struct object *slice;
    const struct endpoint_slice_endpoint *e;
    uint16_t port;
    enum candidate_state state;
    char *address;
};

enum near { NEAR_ALL, NEAR_SAME_NODE, NEAR_HINTED_NODE, NEAR_HINTED_ZONE };

struct cluster_build {
    struct compile *c;
    const struct service *service;
    const struct service_port *port;
    const struct backend_tls_policy *tls; /* NULL: not over TLS */
    PB(Cluster) * out;
    struct map seen; /* address -> candidate */
    struct candidate **candidates;
    size_t count;
};

static bool is_udp(const struct service_port *port)
{
    return port->protocol == SERVICE_UDP;
}

/* What is called otherwise has another name: one name never means two things. */
static char *name_of(struct compile *c, const struct service *s, const struct service_port *port,
                     const struct backend_tls_policy *tls)
{
    int number = (int)port->port;
    if (external_service_is(s))
        return compile_build_format(c, "external|%d||%s", number, compile_build_service(c, s));
    const struct metadata *shown =
        tls && c->client_certificate ? &c->client_certificate->object.meta : NULL;
    const char *how =
        is_udp(port) ? "udp"
        : !tls       ? ""
        : shown ? compile_build_format(c, "tls:%.*s/%.*s", SLICE_ARG(shown->namespace_name),
                                       SLICE_ARG(shown->name))
                : "tls";
    return compile_build_format(c, "outbound|%d|%s|%s", number, how,
                                compile_build_service(c, s));
}

/* The pod behind an endpoint: the one that it names, else the one that has the address. A wrong
 * name is no danger: whoever answers must prove to be the pod that was named. */
static const struct pod *find_pod(const struct cluster_build *b, const struct object *slice,
                                  const struct endpoint_slice_endpoint *e, struct slice ip)
{
    const struct object *named = NULL;
    struct slice ns = e->target.namespace_name;
    if (slice_eq_cstr(e->target.kind, "Pod"))
        named = policy_index_find(b->c->set, KIND_POD, ns.ptr ? ns : slice->meta.namespace_name,
                                  e->target.name);
    return named ? (const void *)named : policy_addresses_pod(b->c->set, ip);
}

static void describe_pod(struct cluster_build *b, const struct pod *pod, uint16_t port,
                         PB(Endpoint) * to)
{
    struct compile *c = b->c;
    const struct metadata *meta = &pod->object.meta;
    to->workload = compile_build_text(c, meta->name);
    to->namespace_ = compile_build_text(c, meta->namespace_name);
    /* TLS of the app's own goes to the app itself; so do datagrams, which no sidecar takes. */
    if (b->tls || is_udp(b->port) || !pod_is_meshed(pod) ||
        compile_mtls_mode(c, meta->namespace_name, pod, port) ==
            WEFT__CONFIG__V1__MTLS_MODE__MTLS_DISABLE)
        return;
    to->meshed = true;
    to->mesh_port = pod_mesh_port(pod);
    to->spiffe_id = compile_build_spiffe(c, meta->namespace_name, pod->spec.service_account);
}

/* ---- which endpoints: the rules of kube-proxy (pkg/proxy/topology.go) ---- */

static enum candidate_state state_of(const struct endpoint_slice_conditions *c)
{
    return c->ready                          ? CANDIDATE_READY
           : c->serving && c->terminating ? CANDIDATE_LAST_RESORT
                                             : CANDIDATE_UNUSABLE;
}

static void add_candidate(struct cluster_build *b, const struct object *slice,
                          const struct endpoint_slice_endpoint *e, uint16_t port)
{
    struct compile *c = b->c;
    struct addr addr;
    char text[ADDR_TEXT_MAX];
    struct slice ip = *SCHEMA_AT(e->addresses, struct slice, 0);
    if (addr_parse(ip, &addr) || addr.port || addr_is_any(&addr)) {
        compile_build_note(c, slice, 0, "endpoints", FINDING_ENDPOINT_ADDRESS,
                           "\"%.*s\" is not an address: left out",
                           SLICE_ARG(ip));
        return;
    }
    addr.port = port;
    struct slice address = slice_from_cstr(addr_format(&addr, text));
    struct candidate one = {slice, e, port, state_of(&e->conditions), NULL};
    /* On its way from one slice to another it is in both. */
    struct candidate *known = map_get(&b->seen, address);
    if (known) {
        one.address = known->address;
        if (one.state > known->state)
            *known = one;
        return;
    }
    one.address = compile_build_text(c, address);
    struct candidate *made = arena_alloc(c->arena, sizeof *made);
    *made = one;
    map_put(&b->seen, address, made);
    b->candidates = compile_build_grow(c, b->candidates, b->count, sizeof(*b->candidates));
    b->candidates[b->count++] = made;
}

static void add_slice(struct cluster_build *b, const struct endpoint_slice *slice)
{
    for (SCHEMA_EACH(slice->ports, struct endpoint_slice_port, port)) {
        if (port->protocol != b->port->protocol || !port->port ||
            !slice_eq(port->name, b->port->name))
            continue;
        for (SCHEMA_EACH(slice->endpoints, struct endpoint_slice_endpoint, e))
            if (e->addresses.count)
                add_candidate(b, &slice->object, e, (uint16_t)port->port);
    }
}

static bool has_hint(const struct schema_list *hints, struct slice name)
{
    for (SCHEMA_EACH(*hints, struct endpoint_slice_hint, h))
        if (name.len && slice_eq(h->name, name))
            return true;
    return false;
}

/* Hints count when every ready endpoint has some and one of them is for us. */
static enum near hinted(struct cluster_build *b)
{
    bool all_nodes = true, all_zones = true, node = false, zone = false, any = false;
    for (size_t i = 0; i < b->count; i++) {
        const struct endpoint_slice_hints *h = &b->candidates[i]->e->hints;
        if (b->candidates[i]->state != CANDIDATE_READY)
            continue;
        any = true;
        all_nodes &= h->nodes.count > 0;
        all_zones &= h->zones.count > 0;
        node |= has_hint(&h->nodes, b->c->node);
        zone |= has_hint(&h->zones, b->c->zone);
    }
    b->c->locality |= (any && all_nodes ? COMPILE_BY_NODE : 0u) |
                      (any && all_zones ? COMPILE_BY_ZONE : 0u);
    return any && all_nodes && node   ? NEAR_HINTED_NODE
           : any && all_zones && zone ? NEAR_HINTED_ZONE
                                      : NEAR_ALL;
}

static enum near how_near(struct cluster_build *b)
{
    if (service_is_headless(b->service))
        return NEAR_ALL;
    if (!service_is_node_local(b->service))
        return hinted(b);
    b->c->locality |= COMPILE_BY_NODE;
    b->out->node_local = b->c->node.len > 0;
    return b->out->node_local ? NEAR_SAME_NODE : NEAR_ALL;
}

static bool is_near(const struct cluster_build *b, const struct candidate *one, enum near how)
{
    switch (how) {
    case NEAR_SAME_NODE:
        return slice_eq(one->e->node, b->c->node);
    case NEAR_HINTED_NODE:
        return has_hint(&one->e->hints.nodes, b->c->node);
    case NEAR_HINTED_ZONE:
        return has_hint(&one->e->hints.zones, b->c->zone);
    default:
        return true;
    }
}

static void emit_endpoint(struct cluster_build *b, const struct candidate *one, bool ready)
{
    struct compile *c = b->c;
    PB(Endpoint) *to = PB_NEW(c, Endpoint, endpoint);
    to->address = one->address;
    to->ready = ready;
    to->namespace_ = compile_build_text(c, b->service->object.meta.namespace_name);
    const struct pod *pod =
        find_pod(b, one->slice, one->e, *SCHEMA_AT(one->e->addresses, struct slice, 0));
    if (pod)
        describe_pod(b, pod, one->port, to);
    PB_PUSH(c, b->out, endpoints, to);
}

/* Those that are on their way out and still serve are better than none. */
static void choose_endpoints(struct cluster_build *b)
{
    enum near how = how_near(b);
    enum candidate_state best = CANDIDATE_LAST_RESORT;
    for (size_t i = 0; i < b->count; i++)
        if (is_near(b, b->candidates[i], how) && b->candidates[i]->state == CANDIDATE_READY)
            best = CANDIDATE_READY;
    for (size_t i = 0; i < b->count; i++)
        if (is_near(b, b->candidates[i], how))
            emit_endpoint(b, b->candidates[i], b->candidates[i]->state == best);
}

static bool has_family(const struct object_list *slices, const char *family)
{
    for (size_t i = 0; i < slices->count; i++)
        if (slice_eq_cstr(POLICY_AT(slices, struct endpoint_slice, i)->address_type, family))
            return true;
    return false;
}

/* A pod with two addresses is in a slice of each family and must count once: the Service's own
 * family decides, the other is for Services that have nothing else. */
static void add_endpoints(struct cluster_build *b)
{
    const struct metadata *meta = &b->service->object.meta;
    const struct object_list *slices =
        policy_index_group(b->c->set, POLICY_GROUP_SLICES, meta->namespace_name, meta->name);
    struct addr ip;
    bool v6 = !addr_parse(b->service->spec.cluster_ip, &ip) && ip.family == 6;
    const char *family = v6 ? "IPv6" : "IPv4", *other = v6 ? "IPv4" : "IPv6";
    const char *chosen = has_family(slices, family) ? family : other;
    map_init(&b->seen);
    for (size_t i = 0; i < slices->count; i++) {
        const struct endpoint_slice *slice = POLICY_AT(slices, struct endpoint_slice, i);
        if (slice_eq_cstr(slice->address_type, chosen))
            add_slice(b, slice);
        else if (!slice_eq_cstr(slice->address_type, family) &&
                 !slice_eq_cstr(slice->address_type, other))
            compile_build_note(b->c, &slice->object, 0, "addressType",
                               FINDING_ENDPOINT_ADDRESS,
                               "\"%.*s\" is not supported: left out",
                               SLICE_ARG(slice->address_type));
    }
    map_dispose(&b->seen);
    choose_endpoints(b);
}

static void add_external_endpoint(struct cluster_build *b,
                                  const struct external_service_endpoint *e)
{
    struct addr addr;
    char text[ADDR_TEXT_MAX];
    if (addr_parse(e->address, &addr))
        return; /* the schema has seen to that */
    addr.port = (uint16_t)(e->port ? e->port : b->port->port);
    PB(Endpoint) *to = PB_NEW(b->c, Endpoint, endpoint);
    to->address = compile_build_text(b->c, slice_from_cstr(addr_format(&addr, text)));
    to->weight = (uint32_t)e->weight;
    to->ready = true;
    to->backup = e->is_backup;
    PB_PUSH(b->c, b->out, endpoints, to);
}

static void add_external(struct cluster_build *b, const struct external_service *s)
{
    for (SCHEMA_EACH(s->spec.endpoints, struct external_service_endpoint, e))
        add_external_endpoint(b, e);
    if (!s->spec.host.len)
        return;
    b->out->host = PB_NEW(b->c, NamedHost, named_host);
    b->out->host->name = compile_build_text(b->c, s->spec.host);
    b->out->host->allows_local = s->spec.allows_local;
}

static uint32_t or_zero(int64_t value)
{
    return value > 0 ? (uint32_t)value : 0;
}

static PB(OutlierDetection) * outlier_of(struct arena *arena, const struct traffic_outlier *said)
{
    struct traffic_outlier from;
    schema_layer_complete(&outlier_detection_schema, said, &from);
    PB(OutlierDetection) *to = arena_alloc(arena, sizeof *to);
    weft__config__v1__outlier_detection__init(to);
    to->disabled = from.disabled;
    to->consecutive_failures = (uint32_t)from.consecutive_failures;
    to->window_ms = or_zero(from.window);
    to->base_ejection_ms = (uint32_t)from.base_ejection;
    to->max_ejection_ms = (uint32_t)from.max_ejection;
    to->max_ejection_percent = (uint32_t)from.max_ejection_percent;
    to->http_failures = or_zero(from.http_failures);
    to->tcp_failures = or_zero(from.tcp_failures);
    to->timeouts = or_zero(from.timeouts);
    to->successes = or_zero(from.successes);
    to->http_statuses = arena_alloc(arena, from.http_statuses.count * sizeof *to->http_statuses);
    for (SCHEMA_EACH(from.http_statuses, int64_t, status))
        to->http_statuses[to->n_http_statuses++] = (uint32_t)*status;
    if (to->max_ejection_ms < to->base_ejection_ms)
        to->max_ejection_ms = to->base_ejection_ms;
    return to;
}

/* A client of a few datagrams, such as a question for DNS, is a connection until it was silent for
 * long enough: what is plenty for connections is soon used up. The data plane has its own bound. */
enum { FLOWS_FALLBACK = 1000000 };

static PB(CircuitBreaker) * breaker_of(struct arena *arena, const struct traffic_breaker *said,
                                       bool udp)
{
    struct traffic_breaker from;
    schema_layer_complete(&traffic_policy_breaker_schema, said, &from);
    PB(CircuitBreaker) *to = arena_alloc(arena, sizeof *to);
    weft__config__v1__circuit_breaker__init(to);
    bool has_own = said && said->max_connections != SCHEMA_UNSET;
    to->max_connections =
        udp && !has_own ? FLOWS_FALLBACK : (uint32_t)from.max_connections;
    to->max_requests = (uint32_t)from.max_requests;
    to->max_pending = (uint32_t)from.max_pending;
    return to;
}

static char *balancer_of(struct arena *arena, const struct traffic_balancing *said)
{
    const char *name = load_balancing_algorithms[said ? said->algorithm : 0];
    return arena_strdup(arena, slice_from_cstr(name));
}

void compile_clusters_fallback(struct arena *arena, PB(Cluster) * to)
{
    to->retry = compile_traffic_retry_of(arena, NULL);
    to->connect_timeout_ms = compile_traffic_connect_ms(NULL, 0);
    to->outlier = outlier_of(arena, NULL);
    to->breaker = breaker_of(arena, NULL, false);
    to->load_balancer = balancer_of(arena, NULL);
}

static bool is_http(PB(Protocol) protocol)
{
    return protocol == WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP ||
           protocol == WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP1 ||
           protocol == WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2;
}

/* A connection that says whose it is cannot be another client's as well; and a header is expected
 * in front of TLS, not in it. */
static void apply_proxy(struct cluster_build *b, int version, bool is_own)
{
    const char *why = b->tls ? "has a BackendTLSPolicy" : NULL;
    if (is_http(b->out->protocol))
        why = "speaks HTTP: its connections are shared by clients";
    if (!why && !is_udp(b->port))
        b->out->proxy_protocol = version == TRAFFIC_PROXY_V1 ? 1 : 2;
    else if (why && is_own)
        compile_build_note(b->c, &b->service->object, 0, "spec.ports", FINDING_NO_EFFECT,
                           "proxyProtocol of its TrafficPolicy is not in force for port %d, which "
                           "%s", (int)b->port->port, why);
}

static void apply_pool(struct compile *c, const struct traffic_pool *from, PB(Cluster) * to)
{
    if (!from)
        return;
    to->max_requests_per_connection = or_zero(from->max_requests_per_connection);
    to->max_idle_connections = or_zero(from->max_idle);
    to->idle_connection_ms = or_zero(from->idle);
    if (from->keepalive)
        to->keepalive = compile_traffic_keepalive(c->arena, from->keepalive);
    if (from->http2_keepalive)
        to->http2_keepalive = compile_traffic_http2_keepalive(c->arena, from->http2_keepalive);
}

static void apply_traffic(struct cluster_build *b)
{
    struct compile *c = b->c;
    PB(Cluster) *to = b->out;
    const struct traffic *mesh = compile_traffic_defaults(c);
    struct traffic t = compile_traffic_of_service(c, b->service, b->port);
    const struct traffic_timeouts *timeouts[] = {t.timeouts, mesh->timeouts};
    const struct traffic_retries *retries[] = {t.retries, mesh->retries};
    to->timeouts = compile_traffic_timeouts(c, NULL, timeouts, 2);
    to->retry = compile_traffic_retry(c, NULL, retries, 2);
    if (!to->retry)
        to->retry = compile_traffic_retry_of(c->arena, NULL);
    to->connect_timeout_ms = compile_traffic_connect_ms(timeouts, 2);
    if (t.balancing && b->out->affinity_s)
        compile_build_note(c, &b->service->object, 0, "spec.sessionAffinity", FINDING_NO_EFFECT,
                           "ClientIP comes before the loadBalancing of its TrafficPolicy");
    bool has_own_pool = t.pool != NULL;
    compile_traffic_merge(&t, mesh);
    to->outlier = outlier_of(c->arena, t.outlier);
    /* Whether a port answers over TCP says nothing of datagrams. */
    to->health_check = is_udp(b->port) ? NULL : compile_health_check(c->arena, t.health);
    to->breaker = breaker_of(c->arena, t.breaker, is_udp(b->port));
    to->load_balancer = balancer_of(c->arena, t.balancing);
    compile_balancing_cluster(c, t.balancing, &b->service->object, to);
    apply_pool(c, t.pool, to);
    if (t.pool && t.pool->proxy != SCHEMA_UNSET)
        apply_proxy(b, t.pool->proxy, has_own_pool);
}

static void build(struct cluster_build *b)
{
    struct compile *c = b->c;
    const struct metadata *meta = &b->service->object.meta;
    struct protocol_hints hints = {
        b->port->app_protocol, b->port->name,
        selector_label(&meta->annotations, SLICE(PROTOCOL_OPAQUE_ANNOTATION))};
    b->out->service = compile_build_service(c, b->service);
    b->out->service_name = compile_build_text(c, meta->name);
    b->out->service_namespace = compile_build_text(c, meta->namespace_name);
    b->out->port = (uint32_t)b->port->port;
    uint16_t port = (uint16_t)b->port->port;
    b->out->protocol = is_udp(b->port) ? WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TCP
                       : b->tls        ? protocol_inside_tls(&hints, port)
                                       : protocol_of_port(&hints, port);
    b->out->affinity_s = service_affinity_s(b->service);
    b->out->affinity_by_client = b->out->affinity_s && c->is_gateway;
    if (external_service_is(b->service))
        add_external(b, external_service_of(b->service));
    else
        add_endpoints(b);
    apply_traffic(b);
}

/* The system's roots say who may answer for the host. */
static PB(UpstreamTls) * host_tls(struct compile *c, char *host)
{
    PB(UpstreamTls) *tls = PB_NEW(c, UpstreamTls, upstream_tls);
    tls->sni = host;
    tls->system_roots = true;
    return tls;
}

char *compile_clusters_host(struct compile *c, const struct http_uri *uri, bool allows_local)
{
    char *name = compile_build_format(c, "host|%u|%s%s|%.*s", (unsigned)uri->port,
                                      uri->is_tls ? "tls" : "", allows_local ? "local" : "",
                                      SLICE_ARG(uri->host));
    if (map_get(&c->clusters, slice_from_cstr(name)))
        return name;
    map_put(&c->clusters, slice_from_cstr(name), name);
    PB(Cluster) *to = PB_NEW(c, Cluster, cluster);
    PB(NamedHost) *host = PB_NEW(c, NamedHost, named_host);
    host->name = compile_build_text(c, uri->host);
    host->allows_local = allows_local;
    compile_clusters_fallback(c->arena, to);
    to->name = name;
    to->service = host->name;
    to->port = uri->port;
    to->protocol = WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP1;
    to->tls = uri->is_tls ? host_tls(c, host->name) : NULL;
    to->host = host;
    compile_build_resource(c, compile_build_format(c, "cluster/%s", name),
                           WEFT__CONFIG__V1__RESOURCE__BODY_CLUSTER, to);
    return name;
}

char *compile_clusters_need(struct compile *c, const struct service *s,
                            const struct service_port *port, const struct backend_tls_policy *tls)
{
    if (external_service_is(s))
        tls = backend_trust_of_external(c->arena, external_service_of(s));
    char *name = name_of(c, s, port, tls);
    char *known = map_get(&c->clusters, slice_from_cstr(name));
    PB(UpstreamTls) *upstream = NULL;
    if (known)
        return known;
    if (tls && !(upstream = compile_upstream_tls(c, tls)))
        return NULL;
    map_put(&c->clusters, slice_from_cstr(name), name);
    struct cluster_build b = {.c = c, .service = s, .port = port, .tls = tls};
    b.out = PB_NEW(c, Cluster, cluster);
    b.out->name = name;
    b.out->tls = upstream;
    build(&b);
    compile_build_resource(c, compile_build_format(c, "cluster/%s", name),
                           WEFT__CONFIG__V1__RESOURCE__BODY_CLUSTER, b.out);
    return name;
}
