/* Tests of showing a snapshot: valid JSON that says what the configuration said, and no secrets.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/snapshot_dump.h"

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/tls/tls_ctx.h"
#include "policies/compile/compile.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"

static void make_cluster(struct config_make *m)
{
    Weft__Config__V1__Cluster *c = config_make_cluster(m, "reviews", 1);
    c->protocol = WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2;
    config_make_endpoint(m, c, "10.0.0.1:9080")->workload = config_make_text(m, "reviews-1");
}

static void make_destination(struct config_make *m)
{
    Weft__Config__V1__Destination *d = config_make_destination(m, "default/reviews:80", 1, 80);
    CONFIG_PUSH(m, d, addresses, config_make_text(m, "10.96.0.1:80"));
    CONFIG_PUSH(m, d, hosts, config_make_text(m, "reviews"));
    d->default_cluster = config_make_text(m, "reviews");
    Weft__Config__V1__VirtualHost *h = config_make_host(m, "*.example.com");
    CONFIG_PUSH(m, d, virtual_hosts, h);
    Weft__Config__V1__Route *r = config_make_route(m, h, "canary", "/a\"b", "gone");
    CONFIG_PUSH(m, r->match, headers, config_make_named(m, "x-canary", "=true"));
    config_make_backend(m, r, "reviews", 3);
    CONFIG_PUSH(m, r, filters,
                config_make_filter(m, "x", "headerMutation", "{\"request\":{\"remove\":[\"x\"]}}"));
}

static void make_gateway(struct config_make *m, const struct pki_leaf *leaf)
{
    Weft__Config__V1__GatewayPort *g = config_make_gateway(m, "infra/front:443", 1, 443);
    Weft__Config__V1__Certificate *cert = arena_alloc(&m->arena, sizeof(*cert));
    weft__config__v1__certificate__init(cert);
    g->protocol = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS;
    cert->cert_chain_pem = leaf->chain;
    cert->key_pem = leaf->key;
    CONFIG_PUSH(m, g, certificates, cert);
    CONFIG_PUSH(m, g, virtual_hosts, config_make_host(m, "*"));
}

static void make_rest(struct config_make *m)
{
    Weft__Config__V1__Inbound *in = config_make_inbound(m, 1);
    in->mtls = WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT;
    in->authorization = config_make_authorization(m, "a/deny", "DENY");
    Weft__Config__V1__InboundPort *port = arena_alloc(&m->arena, sizeof(*port));
    weft__config__v1__inbound_port__init(port);
    port->port = 80;
    CONFIG_PUSH(m, port, filters,
                config_make_filter(m, "shop/limits/requestSize", "requestSize", "{\"max\":5}"));
    CONFIG_PUSH(m, in, ports, port);
    config_make_workload(m, "10.0.0.1", "reviews-1", 1);
}

/* One that ends TLS in its own way. */
static void make_tls_listener(struct config_make *m, Weft__Config__V1__GatewayPort *g)
{
    static Weft__Config__V1__ClientValidation clients = WEFT__CONFIG__V1__CLIENT_VALIDATION__INIT;
    Weft__Config__V1__GatewayListener *l = arena_alloc(&m->arena, sizeof(*l));
    Weft__Config__V1__ListenerTls *t = arena_alloc(&m->arena, sizeof(*t));
    weft__config__v1__gateway_listener__init(l);
    weft__config__v1__listener_tls__init(t);
    l->name = config_make_text(m, "infra/front/ends");
    l->hostname = config_make_text(m, "ends.example");
    l->protocol = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TLS;
    l->tls = t;
    t->max_version = WEFT__CONFIG__V1__TLS_VERSION__TLS_VERSION_1_3;
    clients.optional = true;
    clients.issuers_max = 3;
    t->client_validation = &clients;
    CONFIG_PUSH(m, t, ciphers, config_make_text(m, "TLS_AES_128_GCM_SHA256"));
    CONFIG_PUSH(m, t, groups, config_make_text(m, "X25519"));
    CONFIG_PUSH(m, t, groups, config_make_text(m, "P-256"));
    CONFIG_PUSH(m, t, alpn, config_make_text(m, "h2"));
    CONFIG_PUSH(m, g, listeners, l);
}

/* A port where the hello chooses: one listener that passes on, with limits of its own. */
static void make_listener(struct config_make *m)
{
    Weft__Config__V1__GatewayPort *g = config_make_gateway(m, "infra/front:8443", 1, 8443);
    Weft__Config__V1__GatewayListener *l = arena_alloc(&m->arena, sizeof(*l));
    Weft__Config__V1__StreamRoute *r = arena_alloc(&m->arena, sizeof(*r));
    weft__config__v1__gateway_listener__init(l);
    weft__config__v1__stream_route__init(r);
    g->protocol = l->protocol = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TLS;
    l->name = config_make_text(m, "infra/front/through");
    l->hostname = config_make_text(m, "db.example");
    l->passthrough = true;
    l->client_traffic = compile_client_traffic_fallback(&m->arena);
    l->client_traffic->limits->max_headers = 55;
    l->client_traffic->spec = config_make_text(m, "{\"proxyProtocol\":\"Required\"}");
    r->name = config_make_text(m, "db");
    CONFIG_PUSH(m, r, hosts, config_make_text(m, "db.example"));
    CONFIG_PUSH(m, l, stream_routes, r);
    CONFIG_PUSH(m, g, listeners, l);
    make_tls_listener(m, g);
}

static void make_mesh(struct config_make *m)
{
    static Weft__Config__V1__Http2Keepalive ping = WEFT__CONFIG__V1__HTTP2_KEEPALIVE__INIT;
    Weft__Config__V1__MeshSettings *mesh = arena_alloc(&m->arena, sizeof(*mesh));
    weft__config__v1__mesh_settings__init(mesh);
    Weft__Config__V1__Resource *r = config_make_resource(m, "mesh", "", 1);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_MESH;
    r->mesh = mesh;
    mesh->client_traffic = compile_client_traffic_fallback(&m->arena);
    mesh->client_traffic->trust->hops = 3;
    ping.interval_ms = 1500;
    ping.timeout_ms = 700;
    mesh->client_traffic->http2_keepalive = &ping;
}

static void make_limits(struct config_make *m)
{
    static Weft__Config__V1__TcpKeepalive alive = WEFT__CONFIG__V1__TCP_KEEPALIVE__INIT;
    static Weft__Config__V1__CircuitBreaker breaker = WEFT__CONFIG__V1__CIRCUIT_BREAKER__INIT;
    static Weft__Config__V1__OutlierDetection outlier = WEFT__CONFIG__V1__OUTLIER_DETECTION__INIT;
    static Weft__Config__V1__HealthCheck health = WEFT__CONFIG__V1__HEALTH_CHECK__INIT;
    Weft__Config__V1__Cluster *c = config_make_cluster(m, "settings", 1);
    breaker.max_connections = 11;
    breaker.max_requests = 12;
    breaker.max_pending = 13;
    alive.time_s = 14;
    alive.interval_s = 15;
    alive.probes = 16;
    outlier.consecutive_failures = 17;
    c->breaker = &breaker;
    c->keepalive = &alive;
    c->outlier = &outlier;
    health.interval_ms = 20;
    health.unhealthy_interval_ms = health.timeout_ms = 1;
    health.healthy_threshold = health.unhealthy_threshold = 1;
    c->health_check = &health;
    c->connect_timeout_ms = 18;
    c->max_requests_per_connection = 19;
}

static void check(const struct doc *d, const char *path, const char *want)
{
    assert_slice(doc_string(doc_find(d, path)), want);
}

static void check_number(const struct doc *d, const char *path, int64_t want)
{
    const struct doc *at = doc_find(d, path);
    if (!at || at->type != DOC_INT || at->integer != want)
        fail_msg("%s is not %lld", path, (long long)want);
}

static void check_settings(const struct doc *d)
{
    check_number(d, "client_traffic.trusted_hops", 3);
    check_number(d, "client_traffic.max_headers", 1000);
    check_number(d, "client_traffic.http2_keepalive_interval_ms", 1500);
    check_number(d, "client_traffic.http2_keepalive_timeout_ms", 700);
    check(d, "clusters[1].name", "settings");
    check_number(d, "clusters[1].max_connections", 11);
    check_number(d, "clusters[1].max_requests", 12);
    check_number(d, "clusters[1].max_pending", 13);
    check_number(d, "clusters[1].tcp_keepalive_time_s", 14);
    check_number(d, "clusters[1].tcp_keepalive_interval_s", 15);
    check_number(d, "clusters[1].tcp_keepalive_probes", 16);
    check_number(d, "clusters[1].eject_after_failures", 17);
    check_number(d, "clusters[1].health_check_interval_ms", 20);
    check_number(d, "clusters[1].connect_timeout_ms", 18);
    check_number(d, "clusters[1].max_requests_per_connection", 19);
    assert_null(doc_find(d, "clusters[1].http2_keepalive_interval_ms"));
    check(d, "gateways[1].listeners[0].name", "infra/front/through");
    check(d, "gateways[1].listeners[0].protocol", "TLS");
    assert_true(doc_find(d, "gateways[1].listeners[0].passthrough")->boolean);
    check_number(d, "gateways[1].listeners[0].client_traffic.max_headers", 55);
    check(d, "gateways[1].listeners[0].client_traffic.connection.proxyProtocol", "Required");
    check_number(d, "gateways[1].listeners[0].client_traffic.connection.http2.streamWindow", 65536);
    assert_non_null(doc_find(d, "gateways[1].listeners[0].streams"));
    assert_null(doc_find(d, "gateways[1].listeners[0].tls"));
    check(d, "gateways[1].listeners[1].tls.versions", "1.2-1.3");
    check(d, "gateways[1].listeners[1].tls.ciphers", "TLS_AES_128_GCM_SHA256");
    check(d, "gateways[1].listeners[1].tls.groups", "X25519,P-256");
    check(d, "gateways[1].listeners[1].tls.alpn", "h2");
    check(d, "gateways[1].listeners[1].tls.client_certificates", "optional");
    check_number(d, "gateways[1].listeners[1].tls.client_issuers_max", 3);
    check_number(d, "inbound.ports[0].port", 80);
}

static void check_all(const struct doc *d)
{
    check(d, "trust_domain", "cluster.local");
    check(d, "clusters[0].protocol", "HTTP2");
    check(d, "clusters[0].endpoints[0].address", "10.0.0.1:9080");
    check(d, "clusters[0].endpoints[0].workload", "reviews-1");
    check(d, "destinations[0].name", "default/reviews:80");
    check(d, "destinations[0].addresses[0]", "10.96.0.1:80");
    check(d, "destinations[0].default_cluster", "reviews");
    check(d, "destinations[0].virtual_hosts[0].host", "*.example.com");
    check(d, "destinations[0].virtual_hosts[0].routes[0].name", "canary");
    check(d, "destinations[0].virtual_hosts[0].routes[0].path.path_prefix", "/a\"b");
    check(d, "destinations[0].virtual_hosts[0].routes[0].headers[0].value.exact", "true");
    check(d, "destinations[0].virtual_hosts[0].routes[0].filters[0]", "headerMutation");
    check(d, "destinations[0].virtual_hosts[0].routes[0].backends[1].cluster", "reviews");
    assert_int_equal(
        doc_find(d, "destinations[0].virtual_hosts[0].routes[0].backends[0].cluster")->type,
        DOC_NULL);
    check(d, "gateways[0].protocol", "HTTPS");
    check(d, "gateways[0].virtual_hosts[0].host", "*");
    check(d, "inbound.mtls", "STRICT");
    check(d, "inbound.ports[0].filters[0]", "authorization");
    check(d, "inbound.ports[0].filters[1]", "shop/limits/requestSize");
    check(d, "inbound.authorization[0].name", "a/deny");
    check(d, "inbound.authorization[0].action", "DENY");
    check(d, "workloads[0].ip", "10.0.0.1");
}

static void test_dump(void **state)
{
    struct config_make m;
    struct pki pki;
    struct snapshot *s;
    struct buf out;
    char detail[256];
    assert_int_equal(tls_lib_init(), ERR_OK);
    pki_init(&pki);
    struct pki_leaf leaf = pki_svid(&pki, PKI_SERVER_ID);
    config_make_init(&m);
    make_cluster(&m);
    make_destination(&m);
    make_gateway(&m, &leaf);
    make_rest(&m);
    make_listener(&m);
    make_mesh(&m);
    make_limits(&m);
    struct snapshot_builder *b = snapshot_builder_create();
    if (snapshot_build(b, &m.message, &s, detail))
        fail_msg("%s", detail);
    buf_init(&out);
    snapshot_dump(s, &out);
    char *text = mem_alloc(out.len);
    buf_copy_out(&out, text, out.len);
    struct slice all = slice_of(text, out.len);
    struct doc_error error;
    const struct doc *doc;
    if (doc_json_parse(all, &m.arena, &doc, &error))
        fail_msg("%s", error.text);
    check_all(doc);
    check_settings(doc);
    assert_int_equal(slice_find(all, SLICE("PRIVATE")), all.len);
    mem_free(text);
    buf_dispose(&out);
    snapshot_unref(s);
    snapshot_builder_destroy(b);
    config_make_dispose(&m);
    pki_leaf_dispose(&leaf);
    pki_dispose(&pki);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
