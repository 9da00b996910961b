/* Cluster resources: one for each TCP port of a Service, with its endpoints and how they are
 * called. Control thread. Must not know which routes lead there.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/addr.h"
#include "policies/compile_priv.h"
#include "policies/kinds/endpoint_slice.h"
#include "policies/protocol.h"
#include "policies/selector.h"

struct cluster_build {
    struct compile *c;
    const struct service *service;
    const struct service_port *port;
    const struct backend_tls_policy *tls; /* NULL: not over TLS */
    PB(Cluster) * out;
    struct map seen; /* addresses */
};

/* What is called otherwise has another name: one name never means two things. */
static char *name_of(struct compile *c, const struct service *s, int64_t port,
                     const struct backend_tls_policy *tls)
{
    const struct metadata *shown =
        tls && c->client_certificate ? &c->client_certificate->object.meta : NULL;
    const char *how =
        !tls    ? ""
        : shown ? compile_build_format(c, "tls:%.*s/%.*s", SLICE_ARG(shown->namespace_name),
                                       SLICE_ARG(shown->name))
                : "tls";
    return compile_build_format(c, "outbound|%d|%s|%s", (int)port, how,
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
    /* TLS of the app's own goes to the app itself. */
    if (b->tls || !pod_is_meshed(pod) ||
        compile_mtls_mode(c, meta->namespace_name, pod, port) ==
            WEFT__CONFIG__V1__MTLS_MODE__MTLS_DISABLE)
        return;
    to->meshed = true;
    to->mesh_port = pod_mesh_port(pod);
    to->spiffe_id = compile_build_spiffe(c, meta->namespace_name, pod->spec.service_account);
}

static void add_endpoint(struct cluster_build *b, const struct object *slice,
                         const struct endpoint_slice_endpoint *e, uint16_t port)
{
    struct compile *c = b->c;
    struct addr addr;
    char text[ADDR_TEXT_MAX];
    struct slice ip = *SCHEMA_AT(e->addresses, struct slice, 0);
    if (addr_parse(ip, &addr) || addr.port || addr_is_any(&addr)) {
        compile_build_note(c, slice, 0, "endpoints", "\"%.*s\" is not an address: left out",
                           SLICE_ARG(ip));
        return;
    }
    addr.port = port;
    addr_format(&addr, text);
    if (map_put(&b->seen, slice_from_cstr(text), b->out))
        return;
    PB(Endpoint) *to = PB_NEW(c, Endpoint, endpoint);
    to->address = compile_build_text(c, slice_from_cstr(text));
    to->ready = e->conditions.ready;
    to->zone = compile_build_text(c, e->zone);
    to->namespace_ = compile_build_text(c, b->service->object.meta.namespace_name);
    const struct pod *pod = find_pod(b, slice, e, ip);
    if (pod)
        describe_pod(b, pod, port, to);
    PB_PUSH(c, b->out, endpoints, to);
}

static void add_slice(struct cluster_build *b, const struct endpoint_slice *slice)
{
    for (SCHEMA_EACH(slice->ports, struct endpoint_slice_port, port)) {
        if (port->protocol != SERVICE_TCP || !port->port || !slice_eq(port->name, b->port->name))
            continue;
        for (SCHEMA_EACH(slice->endpoints, struct endpoint_slice_endpoint, e))
            if (e->addresses.count)
                add_endpoint(b, &slice->object, e, (uint16_t)port->port);
    }
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
                               "\"%.*s\" is not supported: left out",
                               SLICE_ARG(slice->address_type));
    }
    map_dispose(&b->seen);
}

static uint32_t or_zero(int64_t value)
{
    return value > 0 ? (uint32_t)value : 0;
}

static PB(OutlierDetection) * outlier_of(struct compile *c, const struct traffic_outlier *from)
{
    PB(OutlierDetection) *to = PB_NEW(c, OutlierDetection, outlier_detection);
    to->disabled = from->disabled;
    to->consecutive_failures = or_zero(from->consecutive_failures);
    to->base_ejection_ms = or_zero(from->base_ejection);
    to->max_ejection_ms = or_zero(from->max_ejection);
    to->max_ejection_percent = or_zero(from->max_ejection_percent);
    return to;
}

static PB(CircuitBreaker) * breaker_of(struct compile *c, const struct traffic_breaker *from)
{
    PB(CircuitBreaker) *to = PB_NEW(c, CircuitBreaker, circuit_breaker);
    to->max_connections = or_zero(from->max_connections);
    to->max_requests = or_zero(from->max_requests);
    to->max_pending = or_zero(from->max_pending);
    return to;
}

static void apply_traffic(struct cluster_build *b)
{
    static const PB(LoadBalancing) algorithms[] = {
        [TRAFFIC_PEAK_EWMA] = WEFT__CONFIG__V1__LOAD_BALANCING__LB_DEFAULT,
        [TRAFFIC_ROUND_ROBIN] = WEFT__CONFIG__V1__LOAD_BALANCING__LB_ROUND_ROBIN,
        [TRAFFIC_RANDOM] = WEFT__CONFIG__V1__LOAD_BALANCING__LB_RANDOM,
        [TRAFFIC_LEAST_REQUEST] = WEFT__CONFIG__V1__LOAD_BALANCING__LB_LEAST_REQUEST,
    };
    struct compile *c = b->c;
    PB(Cluster) *to = b->out;
    const struct traffic *mesh = compile_traffic_defaults(c);
    struct traffic t = compile_traffic_of_service(c, b->service, b->port);
    const struct traffic_timeouts *timeouts[] = {t.timeouts, mesh->timeouts};
    const struct traffic_retries *retries[] = {t.retries, mesh->retries};
    to->timeouts = compile_traffic_timeouts(c, NULL, timeouts, 2);
    to->retry = compile_traffic_retry(c, NULL, retries, 2);
    to->connect_timeout_ms = compile_traffic_connect_ms(timeouts, 2);
    compile_traffic_merge(&t, mesh);
    to->outlier = t.outlier ? outlier_of(c, t.outlier) : NULL;
    to->breaker = t.breaker ? breaker_of(c, t.breaker) : NULL;
    if (t.balancing)
        to->load_balancing = algorithms[t.balancing->algorithm];
    if (t.pool)
        to->max_requests_per_connection = or_zero(t.pool->max_requests_per_connection);
    if (t.pool && t.pool->keepalive)
        to->keepalive = compile_traffic_keepalive(c->arena, t.pool->keepalive);
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
    b->out->protocol = b->tls ? protocol_inside_tls(&hints, port) : protocol_of_port(&hints, port);
    add_endpoints(b);
    apply_traffic(b);
}

char *compile_clusters_need(struct compile *c, const struct service *s,
                            const struct service_port *port, const struct backend_tls_policy *tls)
{
    char *name = name_of(c, s, port->port, tls);
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
