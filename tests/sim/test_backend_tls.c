/* TLS towards services that are not of the mesh: whom we ask for, whom we believe, what we show, in
 * which HTTP version, and that nothing goes out in the clear when it cannot be.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"

#include <string.h>

typedef Weft__Config__V1__UpstreamTls sim_tls_policy;

static const char *const both[] = {"h2", "http/1.1", NULL}, *const h1[] = {"http/1.1", NULL};

/* A gateway at port 8000 whose service speaks TLS. */
struct world {
    struct sim sim;
    struct sim_conf conf;
    struct sim_node node;
    struct sim_server server;
    struct tls_ctx *tls;
    sim_cluster *cluster;
    sim_tls_policy policy;
};

static void prepare(struct world *w, const char *server_id, const char *const *alpn)
{
    static char name[] = "backend.org", roots[] = "ca:";
    *w = (struct world){.policy = WEFT__CONFIG__V1__UPSTREAM_TLS__INIT};
    sim_open(&w->sim);
    sim_conf_init(&w->conf);
    w->cluster = sim_conf_cluster(&w->conf, "app");
    sim_conf_endpoint(&w->conf, w->cluster, "10.0.0.1:8443");
    sim_conf_gateway(&w->conf, 8000, "app");
    w->policy.sni = name;
    w->policy.ca_pem = roots;
    w->cluster->tls = &w->policy;
    w->tls = sim_tls_server(server_id, alpn);
}

static void start(struct world *w)
{
    sim_server_open(&w->server, w->sim.loop, "10.0.0.1:8443", HTTP_PROTOCOL_1);
    w->server.tls = w->tls;
    sim_node_open(&w->node, &w->sim, MODE_INGRESS, "10.0.9.1", &w->conf);
}

static void finish(struct world *w)
{
    sim_node_check_idle(&w->node);
    sim_server_close(&w->server);
    sim_turn(&w->sim);
    sim_node_close(&w->node);
    tls_ctx_unref(w->tls);
    sim_conf_dispose(&w->conf);
    sim_close(&w->sim);
}

/* One request to the gateway; `start_line` is what the answer begins with. */
static void ask(struct world *w, const char *start_line, const char *part)
{
    struct sim_peer *client = sim_node_connect_gateway(&w->node, 8000);
    sim_peer_send(client, DOOR_GET);
    sim_advance(&w->sim, 1000); /* retries */
    sim_peer_expect_part(client, start_line, part);
    sim_peer_destroy(client);
    sim_turn(&w->sim);
}

/* The version is the endpoint's choice where nobody declared one. */
static void version_by_alpn(void **state)
{
    static const struct {
        Weft__Config__V1__Protocol protocol;
        const char *const *offered;
        bool is_h2;
    } cases[] = {
        {SIM_AUTO, both, true},  {SIM_AUTO, h1, false},    {SIM_AUTO, NULL, false},
        {SIM_HTTP, both, true},  {SIM_HTTP1, both, false}, {SIM_HTTP1, NULL, false},
        {SIM_HTTP2, both, true},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        prepare(&w, "ca:backend.org", cases[i].offered);
        w.cluster->protocol = cases[i].protocol;
        start(&w);
        for (unsigned j = 0; j < 3; j++)
            ask(&w, "HTTP/1.1 200 OK\r\n", "hello");
        assert_int_equal(w.server.host.dials, 1); /* and the connection is used again */
        assert_int_equal(w.server.requests, 3);
        struct sim_call *call = sim_server_call(&w.server, 0);
        assert_int_equal(call->head->version, cases[i].is_h2 ? HTTP_2 : HTTP_1_1);
        assert_true(slice_eq_cstr(call->head->authority, "shop"));
        finish(&w);
    }
}

/* HTTP/2 that was declared, and a server that does not choose it. */
static void version_that_the_server_has_not(void **state)
{
    struct world w;
    prepare(&w, "ca:backend.org", h1);
    w.cluster->protocol = SIM_HTTP2;
    start(&w);
    ask(&w, "HTTP/1.1 503 ", "tls_failed");
    assert_int_equal(w.server.requests, 0);
    assert_int_equal(sim_report.fail, FAIL_TLS_FAILED);
    finish(&w);
}

static void believed_or_not(void **state)
{
    static char other[] = "other.org", uri[] = "spiffe://x/y";
    static char *dns_names[] = {other}, *uri_names[] = {uri};
    static const struct {
        const char *server;
        bool by_dns, by_uri, good;
    } cases[] = {
        {"ca:backend.org", false, false, true},  {"evil:backend.org", false, false, false},
        {"ca:other.org", false, false, false},   {"ca:other.org", true, false, true},
        {"ca:backend.org", true, false, false},  {"ca:spiffe://x/y", true, true, true},
        {"ca:spiffe://x/y", true, false, false}, {"evil:spiffe://x/y", false, true, false},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        prepare(&w, cases[i].server, both);
        w.policy.san_dns = dns_names;
        w.policy.n_san_dns = cases[i].by_dns;
        w.policy.san_uri = uri_names;
        w.policy.n_san_uri = cases[i].by_uri;
        start(&w);
        ask(&w, cases[i].good ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 503 ",
            cases[i].good ? "hello" : "x-weft-reason: tls_failed\r\n");
        assert_int_equal(w.server.requests, cases[i].good);
        finish(&w);
    }
}

/* What is shown when the server asks. */
static void client_certificate(void **state)
{
    static char good[] = "us:gateway", bad[] = "them:gateway", key[] = "key";
    static char *const shown[] = {good, bad, NULL};
    for (unsigned i = 0; i < 3; i++) {
        struct world w;
        prepare(&w, "ca:backend.org", both);
        sim_tls_ask(w.tls, "us:");
        if (shown[i]) {
            w.policy.client_cert_chain_pem = shown[i];
            w.policy.client_key_pem = key;
        }
        start(&w);
        ask(&w, i ? "HTTP/1.1 50" : "HTTP/1.1 200 OK\r\n", NULL);
        assert_int_equal(w.server.requests, i == 0);
        finish(&w);
    }
}

/* Roots that are none: everything else is served, this is not, and not in the clear either. */
static void unusable_roots(void **state)
{
    static char broken[] = "broken", nothing[] = "";
    static char *const roots[] = {broken, nothing};
    for (unsigned i = 0; i < 2; i++) {
        struct world w;
        prepare(&w, "ca:backend.org", both);
        w.policy.ca_pem = roots[i];
        start(&w);
        ask(&w, "HTTP/1.1 503 ", "tls_failed");
        assert_int_equal(w.server.host.dials, 0);
        finish(&w);
    }
}

/* Other endpoints beside it are nobody's business; another policy is. */
static void policy_changes(void **state)
{
    static char stricter[] = "nobody:";
    struct world w;
    prepare(&w, "ca:backend.org", both);
    start(&w);
    ask(&w, "HTTP/1.1 200 OK\r\n", NULL);
    sim_conf_endpoint(&w.conf, w.cluster, "10.0.0.7:8443")->ready = false;
    sim_node_adopt(&w.node, &w.conf);
    ask(&w, "HTTP/1.1 200 OK\r\n", NULL);
    assert_int_equal(w.server.host.dials, 1);
    w.policy.ca_pem = stricter;
    sim_node_adopt(&w.node, &w.conf);
    ask(&w, "HTTP/1.1 503 ", "tls_failed");
    w.cluster->tls = NULL;
    w.server.tls = NULL;
    sim_node_adopt(&w.node, &w.conf);
    ask(&w, "HTTP/1.1 200 OK\r\n", NULL);
    w.cluster->tls = &w.policy;
    sim_node_adopt(&w.node, &w.conf);
    ask(&w, "HTTP/1.1 50", NULL);
    finish(&w);
}

/* An upgrade is not for HTTP/2, whatever the endpoint would choose. */
static void upgrade(void **state)
{
    struct world w;
    prepare(&w, "ca:backend.org", both);
    start(&w);
    w.server.manual = true;
    struct sim_peer *client = sim_node_connect_gateway(&w.node, 8000);
    sim_peer_send(client, "GET /ws HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\n"
                          "upgrade: websocket\r\n\r\n");
    sim_turn(&w.sim);
    struct sim_call *call = sim_server_call(&w.server, 0);
    assert_non_null(call);
    assert_int_equal(call->head->version, HTTP_1_1);
    assert_true(slice_eq_cstr(call->head->upgrade, "websocket"));
    sim_peer_destroy(client);
    finish(&w);
}

/* ---- connections that are there when whom we believe changes ---- */

static void set_roots(struct world *w, char *roots)
{
    w->policy.ca_pem = roots;
    sim_node_adopt(&w->node, &w->conf);
}

/* One whose server is still believed serves on; one whose server is not is closed, busy or idle. */
static void roots_are_replaced(void **state)
{
    static char wider[] = "c", other[] = "nobody:", back[] = "ca:";
    for (unsigned busy = 0; busy < 2; busy++) {
        struct world w;
        prepare(&w, "ca:backend.org", both);
        start(&w);
        ask(&w, "HTTP/1.1 200 OK\r\n", NULL);
        set_roots(&w, wider);
        ask(&w, "HTTP/1.1 200 OK\r\n", NULL);
        assert_int_equal(w.server.host.dials, 1);
        assert_int_equal(w.server.open, 1);
        w.server.manual = busy;
        struct sim_peer *client = sim_node_connect_gateway(&w.node, 8000);
        if (busy)
            sim_peer_send(client, "POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 0\r\n\r\n");
        sim_turn(&w.sim);
        set_roots(&w, other);
        assert_int_equal(w.server.open, 0);
        sim_advance(&w.sim, 1000);
        if (busy)
            sim_peer_expect_part(client, "HTTP/1.1 50", NULL);
        sim_peer_destroy(client);
        w.server.manual = false;
        ask(&w, "HTTP/1.1 503 ", "tls_failed");
        set_roots(&w, back);
        ask(&w, "HTTP/1.1 200 OK\r\n", NULL);
        finish(&w);
    }
}

/* What we show or ask for has changed: who is there serves what it has, and nothing new. */
static void our_side_changes(void **state)
{
    static char pem[] = "us", wider[] = "c";
    struct world w;
    prepare(&w, "ca:backend.org", both);
    start(&w);
    ask(&w, "HTTP/1.1 200 OK\r\n", NULL);
    w.policy.client_cert_chain_pem = w.policy.client_key_pem = pem;
    set_roots(&w, wider);
    assert_int_equal(w.server.host.dials, 1);
    ask(&w, "HTTP/1.1 200 OK\r\n", NULL);
    assert_int_equal(w.server.host.dials, 2);
    assert_int_equal(w.server.open, 1);
    finish(&w);
}

/* ---- connections that carry no HTTP ---- */

static void bytes_when_roots_are_replaced(void **state)
{
    static char name[] = "one.org", roots[] = "ca:", wider[] = "c", other[] = "nobody:";
    struct sim_door d;
    sim_tls_policy policy = WEFT__CONFIG__V1__UPSTREAM_TLS__INIT;
    sim_door_prepare(&d);
    sim_gateway *g = sim_conf_port(&d.conf, 9000, SIM_LISTENER_TCP);
    sim_listener *l = sim_conf_listener(&d.conf, g, "", SIM_LISTENER_TCP);
    sim_conf_stream(&d.conf, l, NULL, "one");
    policy.sni = name;
    policy.ca_pem = roots;
    d.one->tls = &policy;
    sim_door_start(&d);
    d.apps[0].tls = sim_tls_server("ca:one.org", NULL);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 9000);
    sim_peer_send(client, "ping");
    struct sim_peer *at = sim_door_app(&d, 0);
    assert_non_null(at);
    sim_peer_expect(at, "ping");
    policy.ca_pem = wider;
    sim_node_adopt(&d.node, &d.conf);
    sim_peer_send(client, "more");
    sim_peer_expect(at, "more");
    policy.ca_pem = other;
    sim_node_adopt(&d.node, &d.conf);
    assert_true(sim_peer_is_over(at));
    assert_true(sim_peer_is_over(client));
    tls_ctx_unref(d.apps[0].tls);
    d.apps[0].tls = NULL;
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* TLS ends at the gateway and begins anew behind it. */
static void bytes_over_tls(void **state)
{
    static char name[] = "one.org", roots[] = "ca:", wrong[] = "nobody:";
    for (unsigned good = 0; good < 2; good++) {
        struct sim_door d;
        sim_tls_policy policy = WEFT__CONFIG__V1__UPSTREAM_TLS__INIT;
        sim_door_prepare(&d);
        sim_gateway *g = sim_conf_port(&d.conf, 8443, SIM_LISTENER_TLS);
        sim_conf_https(&d.conf, g);
        g->protocol = SIM_LISTENER_TLS;
        sim_listener *l = sim_conf_listener(&d.conf, g, "", SIM_LISTENER_TLS);
        sim_conf_stream(&d.conf, l, NULL, "one");
        policy.sni = name;
        policy.ca_pem = good ? roots : wrong;
        d.one->tls = &policy;
        sim_door_start(&d);
        d.apps[0].tls = sim_tls_server("ca:one.org", NULL);
        struct sim_peer *client = sim_door_tls(&d, 8443, "any.org", NULL, NULL);
        sim_peer_send(client, "ping");
        struct sim_peer *at = sim_door_app(&d, 0);
        assert_non_null(at);
        if (good) {
            assert_string_equal(sim_tls_sni(at->s), "one.org");
            sim_peer_expect(at, "ping");
            sim_peer_send(at, "pong");
            sim_peer_expect(client, "pong");
            assert_int_equal(sim_tls_handshakes(), 4); /* two, and both ends */
            sim_peer_close(at);
        } else {
            assert_true(client->failed);
            assert_int_equal(sim_report.fail, FAIL_TLS_FAILED);
        }
        sim_door_done(&d, client);
        tls_ctx_unref(d.apps[0].tls);
        sim_door_close(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_by_alpn),
        cmocka_unit_test(version_that_the_server_has_not),
        cmocka_unit_test(believed_or_not),
        cmocka_unit_test(client_certificate),
        cmocka_unit_test(unusable_roots),
        cmocka_unit_test(policy_changes),
        cmocka_unit_test(roots_are_replaced),
        cmocka_unit_test(our_side_changes),
        cmocka_unit_test(bytes_when_roots_are_replaced),
        cmocka_unit_test(upgrade),
        cmocka_unit_test(bytes_over_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
