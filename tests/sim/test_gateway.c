/* Listeners of a gateway that are told apart by name, carry other things than HTTP, or want to know
 * who calls. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/session/session.h"

#define WHOLE_HELLO "\x16\x03\x01" /* how one begins */

/* ---- HTTPS listeners that share a port ---- */

/* The listeners of the Gateway API's conformance test for misdirected requests. */
static void open_names(struct sim_door *d)
{
    sim_door_prepare(d);
    d->one->protocol = SIM_HTTP1;
    sim_gateway *g = sim_conf_port(&d->conf, 8443, SIM_LISTENER_HTTPS);
    sim_conf_https(&d->conf, g);
    sim_conf_listener(&d->conf, g, "", SIM_LISTENER_HTTPS);
    sim_conf_listener(&d->conf, g, "second-example.org", SIM_LISTENER_HTTPS);
    sim_conf_listener(&d->conf, g, "*.wildcard.org", SIM_LISTENER_HTTPS);
    sim_conf_listener(&d->conf, g, "fourth.wildcard.org", SIM_LISTENER_HTTPS);
    sim_conf_host(&d->conf, g, "example.org", 0, "one");
    sim_conf_host(&d->conf, g, "second-example.org", 1, "one");
    sim_conf_host(&d->conf, g, "*.wildcard.org", 2, "one");
    sim_conf_host(&d->conf, g, "fourth.wildcard.org", 3, "one");
    sim_door_start(d);
}

static void misdirected_requests(void **state)
{
    static const struct {
        const char *sni, *host;
        unsigned status;
    } cases[] = {
        {"example.org", "example.org", 200},
        {"example.org", "Example.ORG:8443", 200},
        {"example.org", "second-example.org", 421},
        {"example.org", "unknown-example.org", 404},
        {"second-example.org", "second-example.org", 200},
        {"second-example.org", "example.org", 421},
        {"second-example.org", "unknown-example.org", 421},
        {"third.wildcard.org", "third.wildcard.org", 200},
        {"third.wildcard.org", "fifth.wildcard.org", 200},
        {"third.wildcard.org", "fourth.wildcard.org", 421},
        {"third.wildcard.org", "second-example.org", 421},
        {"fourth.wildcard.org", "fourth.wildcard.org", 200},
        {"fourth.wildcard.org", "fifth.wildcard.org", 421},
        {"unknown-example.org", "example.org", 200},
        {"unknown-example.org", "unknown-example.org", 404},
        {NULL, "example.org", 200},
        {NULL, "second-example.org", 421},
    };
    struct sim_door d;
    open_names(&d);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_client client;
        struct stream *s = sim_node_dial_gateway(&d.node, 8443);
        sim_client_open(&client, s, HTTP_PROTOCOL_2);
        sim_tls_connect_to(s, cases[i].sni, NULL, "h2");
        struct sim_call *call = sim_client_call(&client, "GET", cases[i].host, "/", NULL, true);
        struct sim_peer *at = sim_door_app(&d, 0);
        assert_int_equal(at != NULL, cases[i].status == 200);
        if (at)
            sim_peer_send(at, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        sim_turn(&d.sim);
        if (!call->done || call->head->status != cases[i].status)
            fail_msg("SNI %s, host %s: %d", cases[i].sni, cases[i].host,
                     call->done ? call->head->status : 0);
        sim_client_close(&client);
        sim_node_check_idle(&d.node);
    }
    sim_door_close(&d);
}

/* A name that is nobody's: an alert says so before anything is told about us. */
static void name_of_no_listener(void **state)
{
    static const char *const names[] = {"other.org", "b.org.evil", "x.a.b.org", NULL};
    struct sim_door d;
    sim_door_prepare(&d);
    sim_gateway *g = sim_conf_port(&d.conf, 8443, SIM_LISTENER_HTTPS);
    sim_conf_https(&d.conf, g);
    sim_conf_listener(&d.conf, g, "a.b.org", SIM_LISTENER_HTTPS);
    sim_conf_host(&d.conf, g, "a.b.org", 0, "one");
    sim_door_start(&d);
    for (unsigned i = 0; i < 4; i++) {
        struct stream_info info = {0};
        struct sim_peer *client = sim_door_tls(&d, 8443, names[i], NULL, NULL);
        assert_true(client->failed);
        stream_info(client->s, &info);
        assert_string_equal(info.fail_detail, "alert 112");
        sim_door_done(&d, client);
        assert_int_equal(sim_report.values[METRICS_CONNECTIONS_REFUSED], i + 1);
    }
    assert_int_equal(sim_tls_handshakes(), 0);
    sim_node_check_idle(&d.node);
    sim_door_close(&d);
}

/* What is no TLS, half a hello, a hello that never ends. */
static void no_hello(void **state)
{
    static char endless[40000] = "\x16\x03\x01\x3f\xff";
    struct sim_door d;
    open_names(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8443);
    sim_peer_send(client, "GET / HTTP/1.1\r\nhost: example.org\r\n\r\n");
    sim_turn(&d.sim);
    assert_true(sim_peer_is_over(client));
    sim_door_done(&d, client);
    client = sim_node_connect_gateway(&d.node, 8443);
    sim_peer_send(client, WHOLE_HELLO);
    sim_advance(&d.sim, 9900);
    assert_false(sim_peer_is_over(client));
    sim_advance(&d.sim, 200);
    assert_true(sim_peer_is_over(client));
    sim_door_done(&d, client);
    client = sim_node_connect_gateway(&d.node, 8443);
    sim_peer_send_bytes(client, endless, sizeof(endless));
    sim_turn(&d.sim);
    assert_true(sim_peer_is_over(client));
    sim_door_done(&d, client);
    client = sim_node_connect_gateway(&d.node, 8443);
    sim_peer_send(client, WHOLE_HELLO);
    sim_peer_shut(client);
    sim_turn(&d.sim);
    assert_true(sim_peer_is_over(client));
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* The hello comes in pieces of every size, and the listeners change before it is whole. */
static void hello_in_pieces(void **state)
{
    for (size_t piece = 1; piece < 8; piece++) {
        struct sim_door d;
        open_names(&d);
        d.node.pieces.piece = piece;
        struct sim_peer *client = sim_door_tls(&d, 8443, "second-example.org", NULL, NULL);
        sim_peer_send(client, "GET / HTTP/1.1\r\nhost: second-example.org\r\n\r\n");
        struct sim_peer *at = sim_door_app(&d, 0);
        assert_non_null(at);
        sim_peer_send(at, DOOR_OK);
        sim_peer_expect(client, DOOR_OK);
        sim_door_done(&d, client);
        sim_door_close(&d);
    }
}

static void port_changes_during_the_hello(void **state)
{
    struct sim_door d;
    sim_door_prepare(&d);
    sim_gateway *g = sim_conf_port(&d.conf, 8443, SIM_LISTENER_TLS);
    sim_listener *l = sim_conf_listener(&d.conf, g, "a.org", SIM_LISTENER_TLS);
    l->passthrough = true;
    sim_conf_stream(&d.conf, l, "a.org", "one");
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8443);
    sim_peer_send(client, WHOLE_HELLO);
    sim_turn(&d.sim);
    g->protocol = l->protocol = SIM_LISTENER_TCP;
    sim_node_adopt(&d.node, &d.conf);
    assert_false(sim_peer_is_over(client));
    sim_peer_send(client, "more");
    sim_turn(&d.sim);
    assert_true(sim_peer_is_over(client));
    assert_null(sim_door_app(&d, 0));
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* ---- TLS listeners ---- */

static void open_tls(struct sim_door *d)
{
    sim_door_prepare(d);
    sim_gateway *g = sim_conf_port(&d->conf, 8443, SIM_LISTENER_HTTPS);
    sim_conf_https(&d->conf, g);
    sim_listener *pass = sim_conf_listener(&d->conf, g, "*.pass.org", SIM_LISTENER_TLS);
    sim_listener *end = sim_conf_listener(&d->conf, g, "end.org", SIM_LISTENER_TLS);
    sim_conf_listener(&d->conf, g, "web.org", SIM_LISTENER_HTTPS);
    pass->passthrough = true;
    sim_conf_stream(&d->conf, pass, "a.pass.org", "one");
    sim_conf_stream(&d->conf, pass, "*.pass.org", "two");
    sim_conf_stream(&d->conf, pass, "a.pass.org", "two"); /* too late */
    sim_conf_stream(&d->conf, end, NULL, "two");
    sim_conf_host(&d->conf, g, "web.org", 2, "one");
    sim_door_start(d);
}

/* Nobody but the app ends TLS: what comes out is the hello that went in. */
static void passed_on_by_name(void **state)
{
    static const char *const names[] = {"a.pass.org", "A.Pass.Org", "b.pass.org", "x.y.pass.org"};
    struct sim_door d;
    open_tls(&d);
    for (unsigned i = 0; i < 4; i++) {
        struct sim_peer *client = sim_door_tls(&d, 8443, names[i], NULL, "h2");
        struct sim_peer *at = sim_door_app(&d, i < 2 ? 0 : 1);
        assert_non_null(at);
        assert_memory_equal(sim_peer_got(at), WHOLE_HELLO, 3);
        assert_non_null(memmem(sim_peer_got(at), at->in.len, names[i], strlen(names[i])));
        assert_int_equal(sim_tls_handshakes(), 0);
        sim_peer_close(at);
        sim_door_done(&d, client);
    }
    assert_int_equal(sim_report.tunnels_opened, 4);
    assert_int_equal(sim_report.tunnels_closed, 4);
    sim_door_close(&d);
}

static void ended_here(void **state)
{
    struct sim_door d;
    open_tls(&d);
    struct sim_peer *client = sim_door_tls(&d, 8443, "end.org", NULL, "h2");
    struct sim_peer *at = sim_door_app(&d, 1);
    assert_non_null(at); /* it may be the one who speaks first */
    sim_peer_send(at, "220 hello\r\n");
    sim_peer_expect(client, "220 hello\r\n");
    sim_peer_send(client, "GET / HTTP/1.1\r\n\r\n"); /* bytes like any others */
    sim_peer_expect(at, "GET / HTTP/1.1\r\n\r\n");
    sim_peer_close(at);
    sim_door_done(&d, client);
    assert_int_equal(sim_report.tunnels_closed, 1);
    /* On the same port. */
    client = sim_door_tls(&d, 8443, "web.org", NULL, NULL);
    sim_peer_send(client, "GET / HTTP/1.1\r\nhost: web.org\r\n\r\n");
    at = sim_door_app(&d, 0);
    assert_non_null(at);
    assert_non_null(strstr(sim_peer_got(at), "x-forwarded-proto: https\r\n"));
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* Names without a listener or a route, and a share without a backend, are reset at once. */
static void no_way_for_a_name(void **state)
{
    struct sim_door d;
    sim_door_prepare(&d);
    sim_gateway *g = sim_conf_port(&d.conf, 8443, SIM_LISTENER_TLS);
    sim_conf_https(&d.conf, g);
    g->protocol = SIM_LISTENER_TLS;
    sim_listener *pass = sim_conf_listener(&d.conf, g, "*.pass.org", SIM_LISTENER_TLS);
    sim_listener *end = sim_conf_listener(&d.conf, g, "*.end.org", SIM_LISTENER_TLS);
    pass->passthrough = true;
    sim_conf_stream(&d.conf, pass, "gone.pass.org", "nobody");
    sim_conf_stream(&d.conf, pass, "empty.pass.org", NULL);
    sim_conf_stream(&d.conf, end, "gone.end.org", "nobody");
    sim_door_start(&d);
    static const char *const names[] = {"other.org",      "c.pass.org",   "gone.pass.org",
                                        "empty.pass.org", "gone.end.org", "c.end.org"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct sim_peer *client = sim_door_tls(&d, 8443, names[i], NULL, NULL);
        assert_true(client->failed);
        assert_int_equal(client->why, ERR_RESET);
        sim_door_done(&d, client);
    }
    assert_int_equal(sim_tls_handshakes(), 0);
    assert_int_equal(sim_report.fail, FAIL_NO_CLUSTER);
    sim_door_close(&d);
}

/* ---- TCP listeners ---- */

static sim_stream *open_tcp(struct sim_door *d)
{
    sim_door_prepare(d);
    sim_gateway *g = sim_conf_port(&d->conf, 9000, SIM_LISTENER_TCP);
    sim_listener *l = sim_conf_listener(&d->conf, g, "", SIM_LISTENER_TCP);
    return sim_conf_stream(&d->conf, l, NULL, NULL);
}

static void tcp_without_a_listener(void **state)
{
    struct sim_door d;
    sim_door_prepare(&d);
    sim_conf_port(&d.conf, 9000, SIM_LISTENER_TCP);
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 9000);
    sim_turn(&d.sim);
    assert_true(sim_peer_is_over(client));
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* The app may be the one who speaks first, so nobody waits for the client. */
static void tcp_both_ways(void **state)
{
    struct sim_door d;
    sim_stream *route = open_tcp(&d);
    sim_conf_share(&d.conf, route, "two", 1);
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 9000);
    struct sim_peer *at = sim_door_app(&d, 1);
    assert_non_null(at);
    sim_peer_send(at, "220 hello\r\n");
    sim_peer_expect(client, "220 hello\r\n");
    sim_peer_send(client, "GET / HTTP/1.1\r\n\r\n");
    sim_peer_expect(at, "GET / HTTP/1.1\r\n\r\n");
    sim_peer_shut(client);
    sim_turn(&d.sim);
    assert_true(at->eof);
    sim_peer_close(at);
    sim_door_done(&d, client);
    assert_int_equal(sim_report.request_bytes, 18);
    assert_int_equal(sim_report.response_bytes, 11);
    sim_door_close(&d);
}

static void tcp_by_weight(void **state)
{
    enum { CALLS = 1000 };
    struct sim_door d;
    unsigned counts[3] = {0};
    sim_stream *route = open_tcp(&d);
    sim_conf_share(&d.conf, route, "one", 7);
    sim_conf_share(&d.conf, route, "two", 2);
    sim_conf_share(&d.conf, route, "", 1);
    sim_door_start(&d);
    for (unsigned i = 0; i < CALLS; i++) {
        struct sim_peer *client = sim_node_connect_gateway(&d.node, 9000);
        struct sim_peer *one = sim_door_app(&d, 0), *two = sim_door_app(&d, 1);
        counts[one ? 0 : two ? 1 : 2]++;
        assert_int_equal(client->failed, !one && !two);
        if (one || two)
            sim_peer_close(one ? one : two);
        sim_peer_destroy(client);
        sim_turn(&d.sim);
    }
    assert_in_range(counts[0], 640, 760);
    assert_in_range(counts[1], 150, 250);
    assert_in_range(counts[2], 60, 140);
    sim_node_check_idle(&d.node);
    sim_door_close(&d);
}

/* Policies of the gateway hold for what is no HTTP as well. */
static void tcp_by_policy(void **state)
{
    struct sim_door d;
    sim_stream *route = open_tcp(&d);
    sim_conf_share(&d.conf, route, "one", 1);
    sim_gateway *g = d.conf.message.resources[d.conf.message.n_resources - 1]->gateway;
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 9000);
    struct sim_peer *at = sim_door_app(&d, 0);
    assert_non_null(at);
    sim_authz *all = sim_conf_authz(&d.conf, SIM_DENY, NULL, NULL);
    g->authorization = sim_conf_authorization(&d.conf, all);
    sim_node_adopt(&d.node, &d.conf);
    assert_true(client->failed);
    sim_door_done(&d, client);
    client = sim_node_connect_gateway(&d.node, 9000);
    assert_null(sim_door_app(&d, 0));
    assert_true(sim_peer_is_over(client));
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* A connection outlives its port, and what its port speaks. */
static void tcp_port_goes(void **state)
{
    struct sim_door d;
    sim_stream *route = open_tcp(&d);
    sim_conf_share(&d.conf, route, "one", 1);
    sim_door_start(&d);
    assert_int_equal(sim_net_listeners(), 1);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 9000);
    struct sim_peer *at = sim_door_app(&d, 0);
    assert_non_null(at);
    d.conf.message.n_resources--;
    sim_node_adopt(&d.node, &d.conf);
    assert_int_equal(sim_net_listeners(), 0);
    sim_peer_send(client, "still");
    sim_peer_expect(at, "still");
    sim_peer_close(at);
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* ---- who calls ---- */

static sim_gateway *open_asking(struct sim_door *d, Weft__Config__V1__ClientValidation *validation)
{
    sim_door_prepare(d);
    d->one->protocol = SIM_HTTP1;
    sim_gateway *g = sim_conf_gateway(&d->conf, 8443, "one");
    sim_conf_https(&d->conf, g);
    g->client_validation = validation;
    sim_door_start(d);
    return g;
}

static void clients_show_certificates(void **state)
{
    static char ca[] = "ca:";
    static const char *const ids[] = {"ca:alice", "stranger:alice", NULL};
    for (unsigned optional = 0; optional < 2; optional++) {
        Weft__Config__V1__ClientValidation v = WEFT__CONFIG__V1__CLIENT_VALIDATION__INIT;
        struct sim_door d;
        v.ca_pem = ca;
        v.insecure_fallback = optional;
        open_asking(&d, &v);
        for (unsigned i = 0; i < 3; i++) {
            struct sim_peer *client = sim_door_tls(&d, 8443, "shop", ids[i], NULL);
            assert_int_equal(client->failed, i > 0 && !optional);
            if (client->failed) {
                sim_door_done(&d, client);
                continue;
            }
            sim_peer_send(client, "GET / HTTP/1.1\r\nhost: shop\r\n"
                                  "x-forwarded-client-cert: Hash=forged\r\n\r\n");
            struct sim_peer *at = sim_door_app(&d, 0);
            assert_non_null(at);
            /* The app is told of what was verified, and of nothing else. */
            assert_null(strstr(sim_peer_got(at), "forged"));
            assert_int_equal(strstr(sim_peer_got(at), "x-forwarded-client-cert: Hash=") != NULL,
                             i == 0);
            sim_peer_destroy(client);
            sim_turn(&d.sim);
        }
        sim_node_check_idle(&d.node);
        sim_door_close(&d);
    }
}

/* Whoever may sign for a gateway's clients cannot make them members of the mesh. */
static void clients_are_nobody_in_the_mesh(void **state)
{
    static char ca[] = "spiffe:";
    Weft__Config__V1__ClientValidation v = WEFT__CONFIG__V1__CLIENT_VALIDATION__INIT;
    struct sim_door d;
    v.ca_pem = ca;
    sim_gateway *g = open_asking(&d, &v);
    sim_authz *policy = sim_conf_authz(&d.conf, SIM_ALLOW, NULL, NULL);
    sim_conf_principal(&d.conf, policy, "cluster.local/ns/default/sa/boss");
    g->authorization = sim_conf_authorization(&d.conf, policy);
    sim_node_adopt(&d.node, &d.conf);
    struct sim_peer *client =
        sim_door_tls(&d, 8443, "shop", "spiffe://cluster.local/ns/default/sa/boss", NULL);
    sim_peer_send(client, DOOR_GET);
    sim_peer_expect_part(client, "HTTP/1.1 403 Forbidden\r\n", "authz_denied");
    sim_door_done(&d, client);
    sim_door_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misdirected_requests),
        cmocka_unit_test(name_of_no_listener),
        cmocka_unit_test(no_hello),
        cmocka_unit_test(hello_in_pieces),
        cmocka_unit_test(port_changes_during_the_hello),
        cmocka_unit_test(passed_on_by_name),
        cmocka_unit_test(ended_here),
        cmocka_unit_test(no_way_for_a_name),
        cmocka_unit_test(tcp_without_a_listener),
        cmocka_unit_test(tcp_both_ways),
        cmocka_unit_test(tcp_by_weight),
        cmocka_unit_test(tcp_by_policy),
        cmocka_unit_test(tcp_port_goes),
        cmocka_unit_test(clients_show_certificates),
        cmocka_unit_test(clients_are_nobody_in_the_mesh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
