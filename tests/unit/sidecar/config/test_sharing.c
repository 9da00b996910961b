/* Tests of what one snapshot shares with the next: parts that did not change are the same
 * pointers, and what did change costs only itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/tls/tls_ctx.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/config/route/route_table.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"

struct world {
    struct config_make make;
    struct snapshot_builder *builder;
    struct snapshot *one, *two;
    char detail[256];
};

static int setup(void **state)
{
    static struct world w;
    config_make_init(&w.make);
    w.builder = snapshot_builder_create();
    w.one = w.two = NULL;
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    snapshot_unref(w->one);
    snapshot_unref(w->two);
    snapshot_builder_destroy(w->builder);
    config_make_dispose(&w->make);
    return 0;
}

static struct snapshot *build(struct world *w)
{
    struct snapshot *s;
    if (snapshot_build(w->builder, &w->make.message, &s, w->detail))
        fail_msg("%s", w->detail);
    return s;
}

/* Destination <name> at 10.96.0.<n>:80, all routed to cluster <name> by a regex. */
static void add_service(struct world *w, const char *name, unsigned n, uint64_t version)
{
    char text[32];
    Weft__Config__V1__Cluster *c = config_make_cluster(&w->make, name, version);
    snprintf(text, sizeof(text), "10.0.0.%u:9080", n);
    config_make_endpoint(&w->make, c, text);
    Weft__Config__V1__Destination *d = config_make_destination(&w->make, name, version, 80);
    snprintf(text, sizeof(text), "10.96.0.%u:80", n);
    CONFIG_PUSH(&w->make, d, addresses, config_make_text(&w->make, text));
    CONFIG_PUSH(&w->make, d, hosts, config_make_text(&w->make, name));
    d->default_cluster = config_make_text(&w->make, name);
    Weft__Config__V1__VirtualHost *h = config_make_host(&w->make, "*");
    CONFIG_PUSH(&w->make, d, virtual_hosts, h);
    config_make_route(&w->make, h, "r", "~/.*", name);
}

static const struct destination_conf *find(const struct snapshot *s, const char *name)
{
    return snapshot_destination_by_host(s, slice_from_cstr(name), 80);
}

static const struct route_conf *route_of(const struct snapshot *s, const char *name)
{
    struct arena arena;
    struct message m;
    arena_init(&arena, 256);
    message_init(&m, &arena);
    const struct route_conf *r = route_table_find(find(s, name)->routes, &m, SLICE("/x"), NULL);
    arena_dispose(&arena);
    return r;
}

static void test_nothing_changed(void **state)
{
    struct world *w = *state;
    uint32_t n;
    add_service(w, "a", 1, 1);
    add_service(w, "b", 2, 1);
    config_make_inbound(&w->make, 1);
    config_make_gateway(&w->make, "g", 1, 80);
    config_make_workload(&w->make, "10.0.0.1", "a-1", 1);
    w->one = build(w);
    w->two = build(w);
    struct addr ip;
    assert_int_equal(addr_parse(SLICE("10.0.0.1"), &ip), ERR_OK);
    assert_ptr_not_equal(w->one, w->two);
    assert_int_equal(snapshot_version(w->two), snapshot_version(w->one) + 1);
    assert_ptr_equal(find(w->one, "a"), find(w->two, "a"));
    assert_ptr_equal(find(w->one, "b"), find(w->two, "b"));
    assert_ptr_equal(snapshot_clusters(w->one, &n)[0], snapshot_clusters(w->two, &n)[0]);
    assert_ptr_equal(snapshot_inbound(w->one), snapshot_inbound(w->two));
    assert_ptr_equal(snapshot_gateway(w->one, 80), snapshot_gateway(w->two, 80));
    assert_ptr_equal(snapshot_workload(w->one, &ip), snapshot_workload(w->two, &ip));
}

/* A new endpoint: that cluster and the destinations that name it are new, their expressions are
 * not. */
static void test_endpoint_changed(void **state)
{
    struct world *w = *state;
    add_service(w, "a", 1, 1);
    add_service(w, "b", 2, 1);
    w->one = build(w);
    const struct cluster_conf *old = find(w->one, "a")->default_cluster;
    Weft__Config__V1__Resource *r = w->make.message.resources[0];
    r->version = 2;
    config_make_endpoint(&w->make, r->cluster, "10.0.0.9:9080");
    w->two = build(w);
    assert_ptr_equal(find(w->one, "b"), find(w->two, "b"));
    assert_ptr_not_equal(find(w->one, "a"), find(w->two, "a"));
    const struct cluster_conf *now = find(w->two, "a")->default_cluster;
    assert_ptr_not_equal(old, now);
    assert_int_equal(old->slot, now->slot);
    assert_int_equal(old->endpoint_count, 1);
    assert_int_equal(now->endpoint_count, 2);
    /* Health is the endpoint's, not the snapshot's. */
    assert_ptr_equal(old->endpoints[0].health, now->endpoints[0].health);
    assert_ptr_not_equal(now->endpoints[0].health, now->endpoints[1].health);
    assert_ptr_equal(route_of(w->one, "a")->path.regex, route_of(w->two, "a")->path.regex);
    assert_ptr_equal(route_of(w->one, "a")->backends[0].cluster, old);
    assert_ptr_equal(route_of(w->two, "a")->backends[0].cluster, now);
    assert_ptr_equal(find(w->two, "a")->default_route->backends[0].cluster, now);
}

static void test_cluster_comes_and_goes(void **state)
{
    struct world *w = *state;
    add_service(w, "a", 1, 1);
    Weft__Config__V1__Resource *cluster = w->make.message.resources[0];
    w->make.message.resources++;
    w->make.message.n_resources--;
    w->one = build(w);
    assert_null(find(w->one, "a")->default_cluster);
    assert_null(find(w->one, "a")->default_route);
    assert_null(route_of(w->one, "a")->backends[0].cluster);
    CONFIG_PUSH(&w->make, &w->make.message, resources, cluster);
    w->two = build(w);
    assert_slice(find(w->two, "a")->default_cluster->name, "a");
    assert_slice(route_of(w->two, "a")->backends[0].cluster->name, "a");
    assert_null(route_of(w->one, "a")->backends[0].cluster);
}

/* A version of zero was never computed: such a resource is always compiled. */
static void test_version_zero_is_never_shared(void **state)
{
    struct world *w = *state;
    add_service(w, "a", 1, 0);
    w->one = build(w);
    w->two = build(w);
    assert_ptr_not_equal(find(w->one, "a"), find(w->two, "a"));
    assert_ptr_not_equal(find(w->one, "a")->default_cluster, find(w->two, "a")->default_cluster);
}

static void test_refusal_leaves_no_trace(void **state)
{
    struct world *w = *state;
    add_service(w, "a", 1, 1);
    w->one = build(w);
    const struct destination_conf *a = find(w->one, "a");
    add_service(w, "b", 2, 1);
    Weft__Config__V1__Cluster *bad = config_make_cluster(&w->make, "bad", 1);
    config_make_endpoint(&w->make, bad, "nowhere");
    struct snapshot *refused;
    assert_int_equal(snapshot_build(w->builder, &w->make.message, &refused, w->detail),
                     ERR_INVALID);
    assert_null(refused);
    assert_ptr_equal(find(w->one, "a"), a);
    w->make.message.n_resources--;
    w->two = build(w);
    assert_int_equal(snapshot_version(w->two), snapshot_version(w->one) + 1);
    assert_ptr_equal(find(w->two, "a"), a);
    assert_non_null(find(w->two, "b"));
}

/* Slots are small, stable, and not given to another name while anybody can still use them. */
static void test_slots(void **state)
{
    struct world *w = *state;
    uint32_t n;
    config_make_cluster(&w->make, "a", 1);
    config_make_cluster(&w->make, "b", 1);
    w->one = build(w);
    const struct cluster_conf *a = cluster_conf_ref(snapshot_clusters(w->one, &n)[0]);
    assert_int_equal(a->slot, 0);
    assert_int_equal(snapshot_clusters(w->one, &n)[1]->slot, 1);
    config_make_clear(&w->make);
    config_make_cluster(&w->make, "c", 1);
    w->two = build(w);
    assert_int_equal(snapshot_clusters(w->two, &n)[0]->slot, 2);
    /* b's slot is free once the first snapshot is gone, a's only when we let go. */
    snapshot_unref(w->one);
    config_make_cluster(&w->make, "d", 1);
    w->one = build(w);
    assert_int_equal(snapshot_clusters(w->one, &n)[1]->slot, 1);
    cluster_conf_unref(a);
    config_make_cluster(&w->make, "e", 1);
    snapshot_unref(w->two);
    w->two = build(w);
    assert_int_equal(snapshot_clusters(w->two, &n)[2]->slot, 0);
    assert_int_equal(snapshot_clusters(w->two, &n)[0]->slot, 2);
}

/* An ejection survives a configuration change. */
static void test_health_survives(void **state)
{
    struct world *w = *state;
    uint32_t n;
    Weft__Config__V1__Cluster *c = config_make_cluster(&w->make, "a", 1);
    config_make_endpoint(&w->make, c, "10.0.0.1:80");
    w->one = build(w);
    atomic_store(&snapshot_clusters(w->one, &n)[0]->endpoints[0].health->ejected_until_ms, 77);
    w->make.message.resources[0]->version = 2;
    w->two = build(w);
    assert_int_equal(
        atomic_load(&snapshot_clusters(w->two, &n)[0]->endpoints[0].health->ejected_until_ms), 77);
    assert_ptr_not_equal(snapshot_clusters(w->one, &n)[0], snapshot_clusters(w->two, &n)[0]);
}

/* Snapshots, and clusters in a worker's hands, outlive the builder. */
static void test_builder_goes_first(void **state)
{
    struct world *w = *state;
    uint32_t n;
    add_service(w, "a", 1, 1);
    w->one = build(w);
    const struct cluster_conf *c = cluster_conf_ref(snapshot_clusters(w->one, &n)[0]);
    snapshot_builder_destroy(w->builder);
    w->builder = snapshot_builder_create();
    assert_non_null(find(w->one, "a"));
    snapshot_unref(w->one);
    w->one = NULL;
    assert_slice(c->name, "a");
    assert_slice(c->endpoints[0].address_text, "10.0.0.1:9080");
    cluster_conf_unref(c);
}

/* Workers make clusters of their own as one block; the last reference frees it. */
static void test_a_conf_of_ones_own(void **state)
{
    struct cluster_conf *c = mem_zalloc(sizeof(*c));
    atomic_init(&c->refs, 1);
    assert_ptr_equal(cluster_conf_ref(c), c);
    cluster_conf_unref(c);
    assert_int_equal(atomic_load(&c->refs), 1);
    cluster_conf_unref(c);
    cluster_conf_unref(NULL);
}

static void add_certificate(struct world *w, Weft__Config__V1__GatewayPort *g,
                            const struct pki_leaf *leaf, const char *name)
{
    Weft__Config__V1__Certificate *cert = arena_alloc(&w->make.arena, sizeof(*cert));
    weft__config__v1__certificate__init(cert);
    cert->cert_chain_pem = leaf->chain;
    cert->key_pem = leaf->key;
    CONFIG_PUSH(&w->make, cert, names, config_make_text(&w->make, name));
    CONFIG_PUSH(&w->make, g, certificates, cert);
}

/* Routes of a gateway change often, its keys seldom. */
static void test_gateway_keeps_its_tls_context(void **state)
{
    struct world *w = *state;
    struct pki pki;
    struct snapshot *three;
    assert_int_equal(tls_lib_init(), ERR_OK);
    pki_init(&pki);
    struct pki_leaf leaf = pki_svid(&pki, PKI_SERVER_ID);
    Weft__Config__V1__GatewayPort *g = config_make_gateway(&w->make, "g", 1, 443);
    g->protocol = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS;
    add_certificate(w, g, &leaf, "a.example");
    w->one = build(w);
    assert_non_null(snapshot_gateway(w->one, 443)->tls);
    CONFIG_PUSH(&w->make, g, virtual_hosts, config_make_host(&w->make, "*"));
    w->make.message.resources[0]->version = 2;
    w->two = build(w);
    assert_ptr_not_equal(snapshot_gateway(w->one, 443), snapshot_gateway(w->two, 443));
    assert_ptr_equal(snapshot_gateway(w->one, 443)->tls, snapshot_gateway(w->two, 443)->tls);
    add_certificate(w, g, &leaf, "b.example");
    w->make.message.resources[0]->version = 3;
    three = build(w);
    assert_ptr_not_equal(snapshot_gateway(w->two, 443)->tls, snapshot_gateway(three, 443)->tls);
    snapshot_unref(three);
    pki_leaf_dispose(&leaf);
    pki_dispose(&pki);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_changed),         TEST(test_endpoint_changed),
        TEST(test_cluster_comes_and_goes),  TEST(test_version_zero_is_never_shared),
        TEST(test_refusal_leaves_no_trace), TEST(test_slots),
        TEST(test_health_survives),         TEST(test_builder_goes_first),
        TEST(test_a_conf_of_ones_own),      TEST(test_gateway_keeps_its_tls_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
