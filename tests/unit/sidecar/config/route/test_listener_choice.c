/* Listeners that share a port, told apart by name, and the backends of those that carry no HTTP.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/route/listener_choice.h"

#include "lib/tls/tls_ctx.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"

#define LISTENER(kind) WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_##kind

struct world {
    struct config_make make;
    struct snapshot_builder *builder;
    struct snapshot *snapshot;
    Weft__Config__V1__GatewayPort *port;
    char detail[256];
};

static int setup(void **state)
{
    static struct world w;
    config_make_init(&w.make);
    w.builder = snapshot_builder_create();
    w.snapshot = NULL;
    config_make_cluster(&w.make, "c", 1);
    w.port = config_make_gateway(&w.make, "g", 1, 443);
    w.port->protocol = LISTENER(TLS);
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

/* Passes TLS on. */
static Weft__Config__V1__GatewayListener *add(struct world *w, const char *hostname)
{
    Weft__Config__V1__GatewayListener *l = arena_alloc(&w->make.arena, sizeof(*l));
    weft__config__v1__gateway_listener__init(l);
    l->name = l->hostname = config_make_text(&w->make, hostname);
    l->protocol = w->port->protocol;
    l->passthrough = true;
    CONFIG_PUSH(&w->make, w->port, listeners, l);
    return l;
}

/* host NULL: any name. */
static void add_stream(struct world *w, Weft__Config__V1__GatewayListener *l, const char *name,
                       const char *host)
{
    Weft__Config__V1__StreamRoute *s = arena_alloc(&w->make.arena, sizeof(*s));
    Weft__Config__V1__WeightedCluster *c = arena_alloc(&w->make.arena, sizeof(*c));
    weft__config__v1__stream_route__init(s);
    weft__config__v1__weighted_cluster__init(c);
    s->name = config_make_text(&w->make, name);
    c->cluster = config_make_text(&w->make, "c");
    c->weight = 1;
    CONFIG_PUSH(&w->make, s, clusters, c);
    if (host)
        CONFIG_PUSH(&w->make, s, hosts, config_make_text(&w->make, host));
    CONFIG_PUSH(&w->make, l, stream_routes, s);
}

static const struct gateway_conf *build(struct world *w)
{
    if (snapshot_build(w->builder, &w->make.message, &w->snapshot, w->detail))
        fail_msg("%s", w->detail);
    return snapshot_gateway(w->snapshot, 443);
}

static void refused(struct world *w, const char *want)
{
    assert_int_equal(snapshot_build(w->builder, &w->make.message, &w->snapshot, w->detail),
                     ERR_INVALID);
    if (!strstr(w->detail, want))
        fail_msg("\"%s\" does not say \"%s\"", w->detail, want);
}

static void expect(const struct gateway_conf *g, const char *name, const char *listener)
{
    const struct gateway_listener_conf *l = listener_choice_by_name(g, slice_from_cstr(name));
    if (!l && !listener)
        return;
    if (!l || !listener || !slice_eq_cstr(l->name, listener))
        fail_msg("%s: %.*s, not %s", name, l ? (int)l->name.len : 6, l ? l->name.ptr : "nobody",
                 listener ? listener : "nobody");
}

static void test_narrowest_name(void **state)
{
    struct world *w = *state;
    add(w, "*.b.example");
    add(w, "a.b.example");
    add(w, "*.x.b.example");
    add(w, "a.b.example"); /* too late */
    const struct gateway_conf *g = build(w);
    expect(g, "a.b.example", "a.b.example");
    expect(g, "A.B.Example", "a.b.example");
    expect(g, "c.b.example", "*.b.example");
    expect(g, "c.d.b.example", "*.b.example");
    expect(g, "y.x.b.example", "*.x.b.example");
    expect(g, "b.example", NULL);
    expect(g, "", NULL);
    assert_ptr_equal(listener_choice_by_name(g, SLICE("a.b.example")), &g->listeners[1]);
}

static void test_any_name(void **state)
{
    struct world *w = *state;
    add(w, "a.example");
    add(w, "");
    const struct gateway_conf *g = build(w);
    expect(g, "a.example", "a.example");
    expect(g, "b.example", "");
    expect(g, "", "");
}

static void test_misdirected(void **state)
{
    struct world *w = *state;
    add(w, "a.example");
    add(w, "*.example");
    const struct gateway_conf *g = build(w);
    assert_false(listener_choice_is_misdirected(g, SLICE("a.example"), SLICE("A.EXAMPLE")));
    assert_false(listener_choice_is_misdirected(g, SLICE("b.example"), SLICE("c.example")));
    assert_true(listener_choice_is_misdirected(g, SLICE("a.example"), SLICE("b.example")));
    assert_true(listener_choice_is_misdirected(g, SLICE("b.example"), SLICE("a.example")));
    assert_true(listener_choice_is_misdirected(g, SLICE("a.example"), SLICE("elsewhere")));
}

static void expect_stream(const struct gateway_conf *g, unsigned listener, const char *name,
                          const char *route)
{
    const struct route_conf *r =
        listener_choice_stream(g, &g->listeners[listener], slice_from_cstr(name));
    if (route)
        assert_true(r && slice_eq_cstr(r->name, route));
    else
        assert_null(r);
    if (r)
        assert_non_null(r->backends[0].cluster);
}

static void test_streams(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__GatewayListener *l = add(w, "*.example");
    add_stream(w, l, "one", "a.example");
    add_stream(w, l, "rest", "*.example");
    add_stream(w, l, "late", "a.example");
    add_stream(w, add(w, "other"), "all", NULL);
    add(w, "none");
    const struct gateway_conf *g = build(w);
    expect_stream(g, 0, "a.example", "one");
    expect_stream(g, 0, "b.example", "rest");
    expect_stream(g, 0, "other", NULL);
    expect_stream(g, 1, "whatever", "all");
    expect_stream(g, 1, "", "all");
    expect_stream(g, 2, "none", NULL);
}

/* Where one listener takes every name and speaks HTTPS, nobody has to look at hellos. */
static void test_not_told_apart(void **state)
{
    struct world *w = *state;
    struct pki pki;
    assert_int_equal(tls_lib_init(), ERR_OK);
    pki_init(&pki);
    struct pki_leaf leaf = pki_svid(&pki, PKI_SERVER_ID);
    Weft__Config__V1__Certificate cert = WEFT__CONFIG__V1__CERTIFICATE__INIT;
    cert.cert_chain_pem = leaf.chain;
    cert.key_pem = leaf.key;
    CONFIG_PUSH(&w->make, w->port, certificates, (void *)&cert);
    w->port->protocol = LISTENER(HTTPS);
    add(w, "")->passthrough = false;
    assert_null(build(w)->by_name);
    assert_non_null(snapshot_gateway(w->snapshot, 443)->tls);
    assert_null(snapshot_gateway(w->snapshot, 443)->tls_bytes);
    snapshot_unref(w->snapshot);
    w->snapshot = NULL;
    w->make.message.resources[1]->version = 2;
    Weft__Config__V1__GatewayListener *bytes = add(w, "bytes.example");
    bytes->protocol = LISTENER(TLS);
    bytes->passthrough = false;
    assert_non_null(build(w)->by_name);
    assert_non_null(snapshot_gateway(w->snapshot, 443)->tls_bytes);
    pki_leaf_dispose(&leaf);
    pki_dispose(&pki);
}

/* A listener whose certificate is not there takes nobody down, and borrows none. */
static void test_without_certificate(void **state)
{
    struct world *w = *state;
    struct pki pki;
    assert_int_equal(tls_lib_init(), ERR_OK);
    pki_init(&pki);
    struct pki_leaf leaf = pki_svid(&pki, PKI_SERVER_ID);
    Weft__Config__V1__Certificate cert = WEFT__CONFIG__V1__CERTIFICATE__INIT;
    cert.cert_chain_pem = leaf.chain;
    cert.key_pem = leaf.key;
    add(w, "a.example")->passthrough = false;
    add(w, "b.example");
    const struct gateway_conf *g = build(w);
    assert_null(g->tls_bytes);
    assert_false(g->listeners[0].has_certificate);
    snapshot_unref(w->snapshot);
    w->snapshot = NULL;
    w->make.message.resources[1]->version = 2;
    CONFIG_PUSH(&w->make, &cert, names, config_make_text(&w->make, "*.Example"));
    CONFIG_PUSH(&w->make, w->port, certificates, (void *)&cert);
    add(w, "*.example")->passthrough = false;
    g = build(w);
    assert_non_null(g->tls_bytes);
    assert_false(g->listeners[0].has_certificate);
    assert_true(g->listeners[2].has_certificate);
    pki_leaf_dispose(&leaf);
    pki_dispose(&pki);
}

static void test_refused(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__GatewayListener *l = add(w, "a b");
    refused(w, "is not a host name");
    l->hostname = config_make_text(&w->make, "a");
    l->protocol = LISTENER(HTTP);
    refused(w, "does not speak what its port speaks");
    l->protocol = LISTENER(TLS);
    add_stream(w, l, "s", "a/b");
    refused(w, "is not a host name");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_narrowest_name), TEST(test_any_name),       TEST(test_misdirected),
        TEST(test_streams),        TEST(test_not_told_apart), TEST(test_without_certificate),
        TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
