/* Tests of what a snapshot says: defaults, lookups, references, and what is refused.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/snapshot.h"

#include <stdio.h>

#include "filters/filter.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"

struct world {
    struct config_make make;
    struct snapshot_builder *builder;
    struct snapshot *snapshot;
    char detail[256];
};

static int setup(void **state)
{
    static struct world w;
    config_make_init(&w.make);
    w.builder = snapshot_builder_create();
    w.snapshot = NULL;
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    snapshot_unref(w->snapshot);
    snapshot_builder_destroy(w->builder);
    config_make_dispose(&w->make);
    return 0;
}

static void build(struct world *w)
{
    snapshot_unref(w->snapshot);
    if (snapshot_build(w->builder, &w->make.message, &w->snapshot, w->detail))
        fail_msg("%s", w->detail);
}

static void expect_refused(struct world *w, const char *want)
{
    struct snapshot *s;
    w->detail[0] = '\0';
    assert_int_equal(snapshot_build(w->builder, &w->make.message, &s, w->detail), ERR_INVALID);
    assert_null(s);
    if (!strstr(w->detail, want))
        fail_msg("\"%s\" does not say \"%s\"", w->detail, want);
}

static struct addr addr_of(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(slice_from_cstr(text), &a), ERR_OK);
    return a;
}

static void test_empty(void **state)
{
    struct world *w = *state;
    struct addr vip = addr_of("10.96.0.1:80");
    uint32_t count;
    build(w);
    assert_int_equal(snapshot_version(w->snapshot), 1);
    assert_slice(snapshot_trust_domain(w->snapshot), "cluster.local");
    assert_true(snapshot_mesh(w->snapshot)->access_log_json);
    assert_int_equal(snapshot_mesh(w->snapshot)->access_log,
                     WEFT__CONFIG__V1__ACCESS_LOG_MODE__ACCESS_LOG_OFF);
    assert_null(snapshot_destination_by_addr(w->snapshot, &vip));
    assert_null(snapshot_destination_by_host(w->snapshot, SLICE("a"), 80));
    assert_null(snapshot_workload(w->snapshot, &vip));
    assert_null(snapshot_gateway(w->snapshot, 80));
    assert_null(snapshot_inbound_port(w->snapshot, 80));
    assert_int_equal(snapshot_inbound(w->snapshot)->mtls,
                     WEFT__CONFIG__V1__MTLS_MODE__MTLS_PERMISSIVE);
    assert_null(snapshot_inbound(w->snapshot)->chain);
    snapshot_gateways(w->snapshot, &count);
    assert_int_equal(count, 0);
    snapshot_clusters(w->snapshot, &count);
    assert_int_equal(count, 0);
}

static void test_cluster_defaults(void **state)
{
    struct world *w = *state;
    uint32_t count;
    Weft__Config__V1__Cluster *pb = config_make_cluster(&w->make, "c", 1);
    Weft__Config__V1__Endpoint *e = config_make_endpoint(&w->make, pb, "[fd00::1]:9080");
    e->meshed = true;
    e->spiffe_id = config_make_text(&w->make, "spiffe://cluster.local/ns/a/sa/b");
    build(w);
    const struct cluster_conf *c = snapshot_clusters(w->snapshot, &count)[0];
    assert_int_equal(count, 1);
    assert_slice(c->name, "c");
    assert_int_equal(c->connect_timeout_ms, 2000);
    assert_int_equal(c->max_connections, 1024);
    assert_int_equal(c->max_requests, 10000);
    assert_int_equal(c->max_pending, 1024);
    assert_true(c->outlier.enabled);
    assert_int_equal(c->outlier.failures[OUTLIER_ANY], 5);
    assert_int_equal(c->outlier.base_ejection_ms, 5000);
    assert_int_equal(c->outlier.max_ejection_ms, 60000);
    assert_int_equal(c->outlier.max_ejection_percent, 50);
    assert_false(c->has_timeouts);
    assert_int_equal(c->retry.attempts, 1);
    assert_int_equal(c->endpoint_count, 1);
    assert_int_equal(c->endpoints[0].weight, 1);
    assert_true(c->endpoints[0].meshed && c->endpoints[0].ready);
    assert_slice(c->endpoints[0].address_text, "[fd00::1]:9080");
    assert_non_null(c->endpoints[0].health);
}

static void test_route_defaults(void **state)
{
    struct world *w = *state;
    struct addr vip = addr_of("10.96.0.1:80");
    config_make_cluster(&w->make, "c", 1);
    Weft__Config__V1__Destination *d = config_make_destination(&w->make, "d", 1, 80);
    CONFIG_PUSH(&w->make, d, addresses, config_make_text(&w->make, "10.96.0.1:80"));
    d->default_cluster = config_make_text(&w->make, "c");
    build(w);
    const struct destination_conf *conf = snapshot_destination_by_addr(w->snapshot, &vip);
    assert_null(conf->routes);
    assert_slice(conf->default_cluster->name, "c");
    const struct route_conf *r = conf->default_route;
    assert_int_equal(r->timeouts.request_ms, 0);
    assert_int_equal(r->timeouts.backend_ms, 0);
    assert_int_equal(r->timeouts.idle_ms, 300000);
    assert_int_equal(r->retry.attempts, 1);
    assert_true(r->retry.on_connect_failure && r->retry.on_reset && r->retry.only_idempotent);
    assert_false(r->retry.on_gateway_error);
    assert_int_equal(r->retry.budget_percent, 20);
    assert_int_equal(r->retry.budget_min_per_second, 10);
    assert_int_equal(r->retry.backoff_base_ms, 25);
    assert_int_equal(r->retry.backoff_max_ms, 250);
    assert_int_equal(r->total_weight, 1);
    assert_ptr_equal(r->backends[0].cluster, conf->default_cluster);
}

/* The route's word, else the cluster's, else the default. */
static void test_timeouts_and_retries_merge(void **state)
{
    struct world *w = *state;
    struct addr vip = addr_of("10.96.0.1:80");
    Weft__Config__V1__Timeouts cluster_timeouts, route_timeouts;
    Weft__Config__V1__RetryPolicy cluster_retry, route_retry;
    uint32_t codes[] = {429, 503};
    weft__config__v1__timeouts__init(&cluster_timeouts);
    weft__config__v1__timeouts__init(&route_timeouts);
    weft__config__v1__retry_policy__init(&cluster_retry);
    weft__config__v1__retry_policy__init(&route_retry);
    cluster_timeouts.request_ms = 1000;
    cluster_timeouts.idle_ms = 5000;
    cluster_retry.attempts = 3;
    cluster_retry.n_status_codes = 2;
    cluster_retry.status_codes = codes;
    route_timeouts.backend_ms = 20;
    Weft__Config__V1__Cluster *c = config_make_cluster(&w->make, "c", 1);
    c->timeouts = &cluster_timeouts;
    c->retry = &cluster_retry;
    Weft__Config__V1__Destination *d = config_make_destination(&w->make, "d", 1, 80);
    CONFIG_PUSH(&w->make, d, addresses, config_make_text(&w->make, "10.96.0.1:80"));
    d->default_cluster = config_make_text(&w->make, "c");
    Weft__Config__V1__VirtualHost *h = config_make_host(&w->make, "*");
    CONFIG_PUSH(&w->make, d, virtual_hosts, h);
    Weft__Config__V1__Route *r = config_make_route(&w->make, h, "own", "/", "c");
    r->timeouts = &route_timeouts;
    r->retry = &route_retry;
    build(w);
    const struct destination_conf *conf = snapshot_destination_by_addr(w->snapshot, &vip);
    assert_int_equal(conf->default_route->timeouts.request_ms, 1000);
    assert_int_equal(conf->default_route->timeouts.idle_ms, 5000);
    assert_int_equal(conf->default_route->retry.attempts, 3);
    assert_int_equal(conf->default_route->retry.status_count, 2);
    assert_int_equal(conf->default_route->retry.status_codes[1], 503);
    assert_non_null(conf->routes);
}

static void test_lookups(void **state)
{
    struct world *w = *state;
    for (uint32_t i = 0; i < 300; i++) {
        char name[32], vip[32], host[32];
        snprintf(name, sizeof(name), "ns/s%u:80", i);
        snprintf(vip, sizeof(vip), "10.96.%u.%u:80", i / 200, i % 200);
        snprintf(host, sizeof(host), "S%u.ns.svc", i);
        Weft__Config__V1__Destination *d = config_make_destination(&w->make, name, i + 1, 80);
        CONFIG_PUSH(&w->make, d, addresses, config_make_text(&w->make, vip));
        CONFIG_PUSH(&w->make, d, hosts, config_make_text(&w->make, host));
        snprintf(vip, sizeof(vip), "10.1.%u.%u", i / 200, i % 200);
        config_make_workload(&w->make, vip, name, i + 1);
    }
    build(w);
    for (uint32_t i = 0; i < 300; i++) {
        char name[32], text[32];
        snprintf(name, sizeof(name), "ns/s%u:80", i);
        snprintf(text, sizeof(text), "10.96.%u.%u:80", i / 200, i % 200);
        struct addr vip = addr_of(text);
        assert_slice(snapshot_destination_by_addr(w->snapshot, &vip)->name, name);
        vip.port = 81;
        assert_null(snapshot_destination_by_addr(w->snapshot, &vip));
        snprintf(text, sizeof(text), "s%u.NS.svc", i);
        assert_slice(snapshot_destination_by_host(w->snapshot, slice_from_cstr(text), 80)->name,
                     name);
        assert_null(snapshot_destination_by_host(w->snapshot, slice_from_cstr(text), 81));
        snprintf(text, sizeof(text), "10.1.%u.%u:5555", i / 200, i % 200);
        struct addr pod = addr_of(text);
        assert_slice(snapshot_workload(w->snapshot, &pod)->name, name);
    }
}

static void test_first_claim_wins(void **state)
{
    struct world *w = *state;
    struct addr vip = addr_of("10.96.0.1:80");
    for (int i = 0; i < 2; i++) {
        Weft__Config__V1__Destination *d =
            config_make_destination(&w->make, i ? "second" : "first", 1, 80);
        CONFIG_PUSH(&w->make, d, addresses, config_make_text(&w->make, "10.96.0.1:80"));
        CONFIG_PUSH(&w->make, d, hosts, config_make_text(&w->make, "a"));
    }
    build(w);
    assert_slice(snapshot_destination_by_addr(w->snapshot, &vip)->name, "first");
    assert_slice(snapshot_destination_by_host(w->snapshot, SLICE("a"), 80)->name, "first");
}

static Weft__Config__V1__InboundPort *add_port(struct world *w, Weft__Config__V1__Inbound *in,
                                               uint32_t port)
{
    Weft__Config__V1__InboundPort *p = arena_alloc(&w->make.arena, sizeof(*p));
    weft__config__v1__inbound_port__init(p);
    p->port = port;
    CONFIG_PUSH(&w->make, in, ports, p);
    return p;
}

static void test_inbound(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__Inbound *in = config_make_inbound(&w->make, 1);
    in->mtls = WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT;
    add_port(w, in, 9080)->service = config_make_text(&w->make, "reviews.default.svc");
    add_port(w, in, 9081)->mtls = WEFT__CONFIG__V1__MTLS_MODE__MTLS_DISABLE;
    build(w);
    assert_int_equal(snapshot_inbound(w->snapshot)->mtls, WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT);
    assert_int_equal(snapshot_inbound_port(w->snapshot, 9080)->mtls,
                     WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT);
    assert_slice(snapshot_inbound_port(w->snapshot, 9080)->service, "reviews.default.svc");
    assert_int_equal(snapshot_inbound_port(w->snapshot, 9081)->mtls,
                     WEFT__CONFIG__V1__MTLS_MODE__MTLS_DISABLE);
    assert_null(snapshot_inbound_port(w->snapshot, 9082));
}

/* Live connections are judged anew when rights change, and only then. */
static void test_authz_version(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__Inbound *in = config_make_inbound(&w->make, 1);
    Weft__Config__V1__Resource *r = w->make.message.resources[0];
    build(w);
    uint64_t before = snapshot_inbound(w->snapshot)->authz_version;
    r->version = 2;
    in->workload = config_make_text(&w->make, "renamed");
    build(w);
    assert_int_equal(snapshot_inbound(w->snapshot)->authz_version, before);
    r->version = 3;
    in->mtls = WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT;
    build(w);
    uint64_t strict = snapshot_inbound(w->snapshot)->authz_version;
    assert_int_not_equal(strict, before);
    r->version = 4;
    in->authorization = config_make_authorization(&w->make, "a/deny", "DENY");
    build(w);
    assert_int_not_equal(snapshot_inbound(w->snapshot)->authz_version, strict);
    assert_non_null(snapshot_inbound(w->snapshot)->authz);
    assert_int_equal(snapshot_inbound(w->snapshot)->chain->count, 1);
}

static void test_mesh_settings(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__MeshSettings mesh;
    weft__config__v1__mesh_settings__init(&mesh);
    mesh.trust_domain = config_make_text(&w->make, "example.org");
    mesh.access_log_json = true;
    Weft__Config__V1__Resource *r = config_make_resource(&w->make, "mesh", "", 1);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_MESH;
    r->mesh = &mesh;
    build(w);
    assert_slice(snapshot_trust_domain(w->snapshot), "example.org");
    assert_true(snapshot_mesh(w->snapshot)->access_log_json);
}

static void test_gateways(void **state)
{
    struct world *w = *state;
    uint32_t count;
    Weft__Config__V1__GatewayPort *g = config_make_gateway(&w->make, "infra/front:80", 1, 80);
    Weft__Config__V1__VirtualHost *h = config_make_host(&w->make, "*");
    CONFIG_PUSH(&w->make, g, virtual_hosts, h);
    config_make_route(&w->make, h, "r", "/", "gone");
    config_make_gateway(&w->make, "infra/front:8080", 1, 8080);
    build(w);
    assert_slice(snapshot_gateway(w->snapshot, 80)->name, "infra/front:80");
    assert_non_null(snapshot_gateway(w->snapshot, 80)->routes);
    assert_null(snapshot_gateway(w->snapshot, 80)->tls);
    assert_slice(snapshot_gateway(w->snapshot, 8080)->name, "infra/front:8080");
    snapshot_gateways(w->snapshot, &count);
    assert_int_equal(count, 2);
}

/* ---- refusals: each names the resource and says what is wrong ---- */

static void test_refuses_bad_clusters(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__Cluster *c = config_make_cluster(&w->make, "c", 1);
    Weft__Config__V1__Endpoint *e = config_make_endpoint(&w->make, c, "10.0.0.1");
    expect_refused(w, "cluster/c: endpoint \"10.0.0.1\" is not an address with a port");
    e->address = config_make_text(&w->make, "10.0.0.1:80");
    e->meshed = true;
    expect_refused(w, "cluster/c: endpoint 10.0.0.1:80 is in the mesh but has no identity");
    e->meshed = false;
    e->weight = 2000000;
    expect_refused(w, "weighs more than");
    e->weight = 0;
    c->outlier->max_ejection_percent = 101;
    expect_refused(w, "more than 100 percent");
    c->outlier->max_ejection_percent = 50;
    Weft__Config__V1__CircuitBreaker *breaker = c->breaker;
    c->breaker = NULL;
    expect_refused(w, "cluster/c: a cluster needs its limits, its retries and when to eject");
    c->breaker = breaker;
    build(w);
}

static void test_refuses_doubles(void **state)
{
    struct world *w = *state;
    config_make_cluster(&w->make, "c", 1);
    config_make_cluster(&w->make, "c", 2);
    expect_refused(w, "cluster/c: there are two resources of this name");
    w->make.message.resources[1]->name = config_make_text(&w->make, "cluster/other");
    expect_refused(w, "cluster/other: there are two clusters of this name");
    config_make_clear(&w->make);
    config_make_gateway(&w->make, "a", 1, 80);
    config_make_gateway(&w->make, "b", 1, 80);
    expect_refused(w, "gateway/b: another gateway has this port already");
    config_make_clear(&w->make);
    config_make_inbound(&w->make, 1);
    config_make_inbound(&w->make, 1);
    w->make.message.resources[1]->name = config_make_text(&w->make, "inbound/2");
    expect_refused(w, "inbound/2: there are two inbound resources");
    config_make_clear(&w->make);
    Weft__Config__V1__Inbound *in = config_make_inbound(&w->make, 1);
    add_port(w, in, 80);
    add_port(w, in, 80);
    expect_refused(w, "port 80 is there twice");
}

static void test_refuses_bad_routes(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__Destination *d = config_make_destination(&w->make, "d", 1, 80);
    Weft__Config__V1__VirtualHost *h = config_make_host(&w->make, "*");
    CONFIG_PUSH(&w->make, d, virtual_hosts, h);
    Weft__Config__V1__Route *r = config_make_route(&w->make, h, "ns/r/0", "~[a", "c");
    expect_refused(w, "destination/d: route ns/r/0: regular expression \"[a\"");
    r->match->path = config_make_match(&w->make, "/x/%2e%2e/y");
    expect_refused(w, "path \"/x/%2e%2e/y\" is not a path");
    r->match->path = config_make_match(&w->make, "/x");
    CONFIG_PUSH(&w->make, r->match, headers, config_make_named(&w->make, "not a name", "=1"));
    expect_refused(w, "\"not a name\" is not a header name");
    r->match->n_headers = 0;
    CONFIG_PUSH(&w->make, h, hosts, config_make_text(&w->make, "*"));
    expect_refused(w, "virtual host \"*\" is there twice");
    h->n_hosts = 1;
    CONFIG_PUSH(&w->make, h, hosts, config_make_text(&w->make, "a.*.b"));
    expect_refused(w, "virtual host \"a.*.b\" is not a host name");
    h->n_hosts = 1;
    r->direct_status = 99;
    expect_refused(w, "99 is not a final status");
    r->direct_status = 0;
    r->clusters[0]->weight = UINT32_MAX;
    config_make_backend(&w->make, r, "c", 1);
    expect_refused(w, "weights too big");
    r->n_clusters = 1;
    d->port = 0;
    expect_refused(w, "destination/d: 0 is not a port");
    d->port = 80;
    build(w);
}

static void test_refuses_https_without_certificate(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__GatewayPort *g = config_make_gateway(&w->make, "g", 1, 443);
    Weft__Config__V1__Certificate cert;
    g->protocol = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS;
    expect_refused(w, "gateway/g: TLS ends here, and there is no certificate");
    weft__config__v1__certificate__init(&cert);
    cert.cert_chain_pem = config_make_text(&w->make, "nonsense");
    cert.key_pem = config_make_text(&w->make, "nonsense");
    CONFIG_PUSH(&w->make, g, certificates, &cert);
    expect_refused(w, "gateway/g: certificates: ");
}

static void test_refuses_unknown_kind(void **state)
{
    struct world *w = *state;
    config_make_resource(&w->make, "odd", "x", 1);
    expect_refused(w, "odd/x: a resource of an unknown kind");
}

static void test_long_names_do_not_overflow_the_detail(void **state)
{
    struct world *w = *state;
    char name[600];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    Weft__Config__V1__Cluster *c = config_make_cluster(&w->make, name, 1);
    config_make_endpoint(&w->make, c, "nowhere");
    expect_refused(w, "cluster/nnn");
    assert_int_equal(strlen(w->detail), sizeof(w->detail) - 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_empty),
        TEST(test_cluster_defaults),
        TEST(test_route_defaults),
        TEST(test_timeouts_and_retries_merge),
        TEST(test_lookups),
        TEST(test_first_claim_wins),
        TEST(test_inbound),
        TEST(test_authz_version),
        TEST(test_mesh_settings),
        TEST(test_gateways),
        TEST(test_refuses_bad_clusters),
        TEST(test_refuses_doubles),
        TEST(test_refuses_bad_routes),
        TEST(test_refuses_https_without_certificate),
        TEST(test_refuses_unknown_kind),
        TEST(test_long_names_do_not_overflow_the_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
