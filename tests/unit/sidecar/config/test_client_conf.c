/* What holds for a client's connection: by the listener that its hello chose, its port, the mesh.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/client_conf.h"

#include "policies/compile/compile.h"
#include "sidecar/config/snapshot.h"
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

static Weft__Config__V1__ClientTraffic *clients_of(struct world *w, uint32_t max_headers)
{
    Weft__Config__V1__ClientTraffic *t = compile_client_traffic_fallback(&w->make.arena);
    t->limits->max_headers = max_headers;
    return t;
}

static Weft__Config__V1__GatewayListener *add_passthrough(struct world *w,
                                                          Weft__Config__V1__GatewayPort *g,
                                                          const char *hostname)
{
    Weft__Config__V1__GatewayListener *l = arena_alloc(&w->make.arena, sizeof(*l));
    weft__config__v1__gateway_listener__init(l);
    l->name = l->hostname = config_make_text(&w->make, hostname);
    l->protocol = g->protocol;
    l->passthrough = true;
    CONFIG_PUSH(&w->make, g, listeners, l);
    return l;
}

static uint32_t headers_at(const struct world *w, uint16_t port, const char *sni)
{
    return snapshot_client_conf(w->snapshot, port, slice_from_cstr(sni))->limits.max_headers;
}

/* The listener that the hello chose, its port, the mesh, and what holds where nobody speaks. */
static void test_clients(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__MeshSettings mesh;
    build(w);
    assert_int_equal(headers_at(w, 0, ""), 1000);
    weft__config__v1__mesh_settings__init(&mesh);
    Weft__Config__V1__Resource *r = config_make_resource(&w->make, "mesh", "", 1);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_MESH;
    r->mesh = &mesh;
    build(w);
    assert_int_equal(headers_at(w, 0, ""), 1000);
    mesh.client_traffic = clients_of(w, 20);
    r->version = 2;
    Weft__Config__V1__GatewayPort *g = config_make_gateway(&w->make, "infra/front:443", 1, 443);
    g->protocol = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TLS;
    add_passthrough(w, g, "a.com")->client_traffic = clients_of(w, 40);
    add_passthrough(w, g, "b.com");
    build(w);
    assert_int_equal(headers_at(w, 0, ""), 20);
    assert_int_equal(headers_at(w, 0, "a.com"), 20);
    assert_int_equal(headers_at(w, 443, ""), 20);
    assert_int_equal(headers_at(w, 443, "a.com"), 40);
    assert_int_equal(headers_at(w, 443, "b.com"), 20);
    assert_int_equal(headers_at(w, 80, "a.com"), 20);
    g->client_traffic = clients_of(w, 30);
    w->make.message.resources[1]->version = 2;
    build(w);
    assert_int_equal(headers_at(w, 443, ""), 30);
    assert_int_equal(headers_at(w, 443, "b.com"), 30);
    assert_int_equal(headers_at(w, 443, "a.com"), 40);
}

static void test_incomplete(void **state)
{
    struct world *w = *state;
    struct snapshot *s;
    Weft__Config__V1__GatewayPort *g = config_make_gateway(&w->make, "infra/front:80", 1, 80);
    g->client_traffic = clients_of(w, 0);
    assert_int_equal(snapshot_build(w->builder, &w->make.message, &s, w->detail), ERR_INVALID);
    assert_non_null(strstr(w->detail, "limits are incomplete"));
}

/* How connections are held travels as text: what is not in it has its fallback, and what nobody
 * here knows is refused. */
static void test_connection(void **state)
{
    static const struct {
        const char *spec, *refused;
    } cases[] = {
        {"{\"maxConnections\":\"x\"}", "maxConnections: must be an integer"},
        {"{\"fromTheFuture\":1}", "fromTheFuture: unknown field"},
        {"{", "client_traffic: spec"},
    };
    struct world *w = *state;
    struct snapshot *s;
    Weft__Config__V1__GatewayPort *g = config_make_gateway(&w->make, "infra/front:80", 1, 80);
    g->client_traffic = clients_of(w, 30);
    g->client_traffic->spec = config_make_text(
        &w->make, "{\"maxConnections\":5,\"timeouts\":{\"requestBody\":\"2s\"}}");
    build(w);
    const struct client_connection *c =
        &snapshot_client_conf(w->snapshot, 80, SLICE(""))->connection;
    assert_int_equal(c->max_connections, 5);
    assert_int_equal(c->timeouts.request_body, 2000);
    assert_int_equal(c->timeouts.idle, 3600000);
    assert_int_equal(c->http2.max_streams, 100);
    assert_int_equal(c->proxy, CLIENT_CONNECTION_PROXY_DISABLED);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        g->client_traffic->spec = config_make_text(&w->make, cases[i].spec);
        w->make.message.resources[0]->version++;
        assert_int_equal(snapshot_build(w->builder, &w->make.message, &s, w->detail), ERR_INVALID);
        if (!strstr(w->detail, cases[i].refused))
            fail_msg("%s: %s", cases[i].spec, w->detail);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_clients),
        TEST(test_incomplete),
        TEST(test_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
