/* One resource that cannot be built is refused alone: the others go into force, and it stays as it
 * was, or is closed. SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "sidecar/config/snapshot.h"
#include "filters/authz.h"
#include "sidecar/config/route/route_hosts.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"

struct world {
    struct config_make make;
    struct snapshot_builder *builder;
    struct snapshot *snapshot;
    unsigned refused;
    char why[256];
};

static int setup(void **state)
{
    static struct world w;
    w = (struct world){.builder = snapshot_builder_create()};
    config_make_init(&w.make);
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

static void on_refused(void *owner, const char *resource, const char *why)
{
    struct world *w = owner;
    (void)resource;
    w->refused++;
    snprintf(w->why, sizeof(w->why), "%s", why);
}

/* Builds what was made, and forgets it. */
static void build(struct world *w, unsigned refused)
{
    snapshot_unref(w->snapshot);
    w->refused = 0;
    w->snapshot = snapshot_build_what_can_be(w->builder, &w->make.message, on_refused, w);
    assert_non_null(w->snapshot);
    if (w->refused != refused)
        fail_msg("%u are refused, not %u: %s", w->refused, refused, w->why);
    config_make_clear(&w->make);
}

static struct addr addr_of(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(slice_from_cstr(text), &a), ERR_OK);
    return a;
}

static const struct workload_conf *workload(const struct world *w, const char *ip)
{
    struct addr a = addr_of(ip);
    return snapshot_workload(w->snapshot, &a);
}

static void test_workload(void **state)
{
    struct world *w = *state;
    config_make_workload(&w->make, "10.0.0.1", "good", 1);
    config_make_workload(&w->make, "nonsense", "bad", 1);
    build(w, 1);
    assert_non_null(workload(w, "10.0.0.1"));
    assert_non_null(strstr(w->why, "not an IP address"));
}

static void add_cluster(struct world *w, const char *address, uint64_t version)
{
    Weft__Config__V1__Cluster *c = config_make_cluster(&w->make, "c", version);
    config_make_endpoint(&w->make, c, address);
}

static void test_cluster_stays_as_it_was(void **state)
{
    struct world *w = *state;
    uint32_t count;
    add_cluster(w, "10.0.0.1:80", 1);
    build(w, 0);
    add_cluster(w, "nonsense", 2);
    config_make_workload(&w->make, "10.0.0.1", "good", 1);
    build(w, 1);
    const struct cluster_conf *const *all = snapshot_clusters(w->snapshot, &count);
    assert_int_equal(count, 1);
    assert_slice(all[0]->endpoints[0].address_text, "10.0.0.1:80");
    assert_non_null(workload(w, "10.0.0.1"));
    /* What it was before is current; what is good again is taken. */
    add_cluster(w, "10.0.0.1:80", 1);
    build(w, 0);
    add_cluster(w, "10.0.0.2:80", 3);
    build(w, 0);
    assert_slice(snapshot_clusters(w->snapshot, &count)[0]->endpoints[0].address_text,
                 "10.0.0.2:80");
}

/* Each part that a cluster must have, and each that must make sense. */
static void test_clusters_that_cannot_be(void **state)
{
    static char unknown[] = "FairDice", empty[] = "";
    struct world *w = *state;
    uint32_t count;
    for (int i = 0; i < 8; i++) {
        static const char *const whys[] = {"load balancer 'FairDice' is not known",
                                           "a name",
                                           "a port of at most 65535",
                                           "limits",
                                           "limits",
                                           "limits",
                                           "limits",
                                           NULL};
        Weft__Config__V1__Cluster *c = config_make_cluster(&w->make, "c", 10 + (uint64_t)i);
        if (i == 0)
            c->load_balancer = unknown;
        if (i == 1)
            c->name = empty;
        if (i == 2 || i == 7)
            c->port = i == 2 ? 65536 : 65535;
        if (i == 3)
            c->breaker = NULL;
        if (i == 4)
            c->outlier = NULL;
        if (i == 5)
            c->retry = NULL;
        if (i == 6)
            c->connect_timeout_ms = 0;
        build(w, whys[i] ? 1 : 0);
        if (whys[i] && !strstr(w->why, whys[i]))
            fail_msg("%d: %s", i, w->why);
        (void)snapshot_clusters(w->snapshot, &count);
        assert_int_equal(count, whys[i] ? 0 : 1);
    }
}

static Weft__Config__V1__Destination *add_destination(struct world *w, const char *status,
                                                      uint64_t version)
{
    Weft__Config__V1__Destination *d = config_make_destination(&w->make, "a", version, 80);
    Weft__Config__V1__VirtualHost *h = config_make_host(&w->make, "*");
    config_make_route(&w->make, h, "r", status, NULL);
    CONFIG_PUSH(&w->make, d, virtual_hosts, h);
    CONFIG_PUSH(&w->make, d, addresses, config_make_text(&w->make, "10.96.0.1:80"));
    return d;
}

static const struct destination_conf *destination(const struct world *w)
{
    struct addr vip = addr_of("10.96.0.1:80");
    return snapshot_destination_by_addr(w->snapshot, &vip);
}

/* A new one is the mesh's all the same: nothing passes it by. */
static void test_destination(void **state)
{
    struct world *w = *state;
    add_destination(w, "no path", 1);
    build(w, 1);
    assert_non_null(destination(w));
    assert_int_equal(destination(w)->routes->routes[0].direct_status, 500);
    assert_slice(destination(w)->routes->routes[0].name, "refused");
    add_destination(w, "/good", 2);
    build(w, 0);
    assert_slice(destination(w)->routes->routes[0].name, "r");
    add_destination(w, "no path", 3);
    build(w, 1);
    assert_slice(destination(w)->routes->routes[0].name, "r");
}

static void test_gateways(void **state)
{
    struct world *w = *state;
    config_make_gateway(&w->make, "infra/front:80", 1, 80);
    Weft__Config__V1__GatewayPort *g = config_make_gateway(&w->make, "infra/front:443", 1, 443);
    g->protocol = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS; /* without certificate */
    config_make_gateway(&w->make, "infra/other:80", 1, 80);
    build(w, 2);
    assert_non_null(snapshot_gateway(w->snapshot, 80));
    assert_slice(snapshot_gateway(w->snapshot, 80)->name, "infra/front:80");
    assert_null(snapshot_gateway(w->snapshot, 443));
}

static void add_inbound(struct world *w, uint32_t port, uint64_t version)
{
    Weft__Config__V1__Inbound *in = config_make_inbound(&w->make, version);
    Weft__Config__V1__InboundPort *p = arena_alloc(&w->make.arena, sizeof(*p));
    weft__config__v1__inbound_port__init(p);
    p->port = port;
    CONFIG_PUSH(&w->make, in, ports, p);
}

/* What decides access fails closed. */
static void test_inbound(void **state)
{
    struct world *w = *state;
    add_inbound(w, 0, 1);
    build(w, 1);
    const struct inbound_conf *in = snapshot_inbound(w->snapshot);
    assert_int_equal(in->mtls, WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT);
    assert_int_equal(in->authz->count, 1);
    assert_int_equal(in->authz->policies[0].rule_count, 0);
    add_inbound(w, 80, 2);
    build(w, 0);
    assert_null(snapshot_inbound(w->snapshot)->authz);
    add_inbound(w, 0, 3);
    build(w, 1);
    assert_non_null(snapshot_inbound_port(w->snapshot, 80));
}

static void add_mesh(struct world *w, const char *trust_domain, bool is_good, uint64_t version)
{
    Weft__Config__V1__MeshSettings *m = arena_alloc(&w->make.arena, sizeof(*m));
    weft__config__v1__mesh_settings__init(m);
    m->trust_domain = config_make_text(&w->make, trust_domain);
    if (!is_good) {
        m->client_traffic = arena_alloc(&w->make.arena, sizeof(*m->client_traffic));
        weft__config__v1__client_traffic__init(m->client_traffic); /* without limits */
    }
    Weft__Config__V1__Resource *r = config_make_resource(&w->make, "mesh", "", version);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_MESH;
    r->mesh = m;
}

/* The mesh's settings stay as they were, and that is told as long as it is so. */
static void test_mesh(void **state)
{
    struct world *w = *state;
    add_mesh(w, "never.example", false, 1);
    build(w, 1);
    assert_slice(snapshot_trust_domain(w->snapshot), "cluster.local");
    add_mesh(w, "one.example", true, 2);
    build(w, 0);
    assert_slice(snapshot_trust_domain(w->snapshot), "one.example");
    for (int i = 0; i < 2; i++) {
        add_mesh(w, "two.example", false, 3);
        build(w, 1);
        assert_slice(snapshot_trust_domain(w->snapshot), "one.example");
    }
    /* What it was before is current. */
    add_mesh(w, "one.example", true, 2);
    build(w, 0);
    assert_slice(snapshot_trust_domain(w->snapshot), "one.example");
    /* The first of two counts, also where the second is broken. */
    add_mesh(w, "three.example", true, 4);
    add_mesh(w, "four.example", false, 5);
    build(w, 1);
    assert_slice(snapshot_trust_domain(w->snapshot), "three.example");
}

static void test_doubles(void **state)
{
    struct world *w = *state;
    config_make_workload(&w->make, "10.0.0.1", "first", 1);
    config_make_workload(&w->make, "10.0.0.1", "second", 1);
    add_cluster(w, "10.0.0.1:80", 1);
    add_cluster(w, "10.0.0.2:80", 1);
    config_make_resource(&w->make, "mystery", "", 1);
    build(w, 3);
    assert_slice(workload(w, "10.0.0.1")->name, "first");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_workload),    TEST(test_cluster_stays_as_it_was),
        TEST(test_destination), TEST(test_gateways),
        TEST(test_inbound),     TEST(test_mesh),
        TEST(test_doubles),     TEST(test_clusters_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
