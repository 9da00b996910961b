/* Whom a connection may be with, and that it stays true: a listener's own certificate or none, and
 * connections that the roots in force no longer vouch for. Upstream: test_backend_tls.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"
#include "tests/sim/sim_mesh.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/sim_tls_ctx.h"

typedef Weft__Config__V1__ClientValidation sim_validation;

/* ---- certificates of listeners ---- */

/* A listener whose certificate is not there keeps its names, and no other's certificate is shown
 * for them: not one for all names, nor that of a listener for bytes. */
static void listener_without_certificate(void **state)
{
    static const struct {
        const char *name;
        bool served;
    } cases[] = {
        {"other.org", true}, {"lost.org", false},     {"x.lost.org", true}, {"a.some.org", false},
        {NULL, true},        {"good.some.org", true}, {"LOST.org", false},
    };
    for (int mixed = 0; mixed < 2; mixed++) {
        struct sim_door d;
        sim_door_prepare(&d);
        sim_gateway *g = sim_conf_port(&d.conf, 8443, SIM_LISTENER_HTTPS);
        sim_conf_https(&d.conf, g);
        sim_conf_listener(&d.conf, g, "", SIM_LISTENER_HTTPS);
        sim_conf_bare_listener(&d.conf, g, "lost.org", SIM_LISTENER_HTTPS);
        sim_conf_bare_listener(&d.conf, g, "*.some.org", SIM_LISTENER_HTTPS);
        sim_conf_listener(&d.conf, g, "good.some.org", SIM_LISTENER_HTTPS);
        if (mixed)
            sim_conf_listener(&d.conf, g, "bytes.org", SIM_LISTENER_TLS);
        sim_conf_host(&d.conf, g, "*", 0, "one");
        sim_door_start(&d);
        for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct stream_info info = {0};
            unsigned before = sim_tls_handshakes();
            struct sim_peer *client = sim_door_tls(&d, 8443, cases[i].name, NULL, NULL);
            stream_info(client->s, &info);
            assert_int_equal(client->failed, !cases[i].served);
            assert_int_equal(sim_tls_handshakes() - before, cases[i].served ? 2 : 0);
            if (!cases[i].served && !mixed)
                assert_string_equal(info.fail_detail, "alert 112");
            sim_door_done(&d, client);
        }
        sim_door_close(&d);
    }
}

/* The same where TLS that ends here carries bytes, and where nobody has a certificate. */
static void bytes_without_certificate(void **state)
{
    for (int some = 0; some < 2; some++) {
        struct sim_door d;
        sim_door_prepare(&d);
        sim_gateway *g = sim_conf_port(&d.conf, 8443, SIM_LISTENER_TLS);
        sim_listener *pass = sim_conf_bare_listener(&d.conf, g, "pass.org", SIM_LISTENER_TLS);
        sim_listener *lost = sim_conf_bare_listener(&d.conf, g, "lost.org", SIM_LISTENER_TLS);
        pass->passthrough = true;
        if (some) {
            sim_conf_https(&d.conf, g);
            sim_listener *all = sim_conf_listener(&d.conf, g, "", SIM_LISTENER_TLS);
            sim_conf_stream(&d.conf, all, NULL, "one");
        }
        g->protocol = SIM_LISTENER_TLS;
        sim_conf_stream(&d.conf, pass, NULL, "one");
        sim_conf_stream(&d.conf, lost, NULL, "one");
        sim_door_start(&d);
        struct sim_peer *client = sim_door_tls(&d, 8443, "lost.org", NULL, NULL);
        assert_true(client->failed);
        assert_int_equal(client->why, ERR_RESET);
        assert_int_equal(sim_tls_handshakes(), 0);
        assert_null(sim_door_app(&d, 0));
        sim_door_done(&d, client);
        client = sim_door_tls(&d, 8443, "pass.org", NULL, NULL);
        assert_non_null(sim_door_app(&d, 0));
        sim_door_done(&d, client);
        sim_door_close(&d);
    }
}

/* ---- clients, when the authorities for them change ---- */

struct clients {
    struct sim_door d;
    sim_gateway *g;
    sim_validation validation;
    char roots[32];
};

static void open_clients(struct clients *c, const char *roots)
{
    *c = (struct clients){.validation = WEFT__CONFIG__V1__CLIENT_VALIDATION__INIT};
    snprintf(c->roots, sizeof(c->roots), "%s", roots ? roots : "");
    sim_door_prepare(&c->d);
    c->d.one->protocol = SIM_HTTP1;
    c->g = sim_conf_gateway(&c->d.conf, 8443, "one");
    sim_conf_https(&c->d.conf, c->g);
    c->validation.ca_pem = c->roots;
    c->g->client_validation = roots ? &c->validation : NULL;
    sim_door_start(&c->d);
}

static void change_roots(struct clients *c, const char *roots)
{
    snprintf(c->roots, sizeof(c->roots), "%s", roots);
    c->g->client_validation = &c->validation;
    sim_node_adopt(&c->d.node, &c->d.conf);
}

static void expect_served(struct clients *c, struct sim_peer *client)
{
    sim_peer_send(client, "GET / HTTP/1.1\r\nhost: shop\r\n\r\n");
    struct sim_peer *at = sim_door_app(&c->d, 0);
    assert_non_null(at);
    sim_peer_send(at, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    sim_turn(&c->d.sim);
    sim_peer_close(at);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK", NULL);
}

/* Another root beside: nobody notices. One less: whom it vouched for is gone, with what it was
 * doing, and the others are not. */
static void client_authority_is_replaced(void **state)
{
    struct clients c;
    open_clients(&c, "ca");
    struct sim_peer *alice = sim_door_tls(&c.d, 8443, "shop", "ca1:alice", NULL);
    struct sim_peer *bob = sim_door_tls(&c.d, 8443, "shop", "ca2:bob", NULL);
    struct sim_peer *busy = sim_door_tls(&c.d, 8443, "shop", "ca2:busy", NULL);
    change_roots(&c, "c");
    expect_served(&c, alice);
    expect_served(&c, bob);
    sim_peer_send(busy, "GET / HTTP/1.1\r\nhost: shop\r\n\r\n");
    struct sim_peer *at = sim_door_app(&c.d, 0);
    assert_non_null(at);
    change_roots(&c, "ca1:");
    assert_true(sim_peer_is_over(bob));
    assert_true(sim_peer_is_over(busy));
    assert_true(sim_peer_is_over(at));
    assert_false(sim_peer_is_over(alice));
    expect_served(&c, alice);
    sim_peer_destroy(bob);
    sim_peer_destroy(busy);
    sim_door_done(&c.d, alice);
    sim_door_close(&c.d);
}

/* Clients that showed nothing, once certificates are asked for; and whose certificates are not
 * asked for any more. */
static void client_validation_comes_and_goes(void **state)
{
    for (int optional = 0; optional < 2; optional++) {
        struct clients c;
        open_clients(&c, NULL);
        struct sim_peer *client = sim_door_tls(&c.d, 8443, "shop", "ca:alice", NULL);
        c.validation.insecure_fallback = optional;
        change_roots(&c, "ca:");
        assert_int_equal(sim_peer_is_over(client), !optional);
        sim_door_done(&c.d, client);
        client = sim_door_tls(&c.d, 8443, "shop", "ca:alice", NULL);
        expect_served(&c, client);
        c.g->client_validation = NULL;
        sim_node_adopt(&c.d.node, &c.d.conf);
        expect_served(&c, client);
        /* None that is of use: nobody is let in, nor stays. */
        change_roots(&c, "");
        assert_true(sim_peer_is_over(client));
        sim_door_done(&c.d, client);
        sim_door_close(&c.d);
    }
}

/* When nobody of the list is of use the port is not in force: those who were let in by it go too.
 */
static void port_of_known_clients_goes(void **state)
{
    struct clients c;
    open_clients(&c, "ca");
    struct sim_peer *alice = sim_door_tls(&c.d, 8443, "shop", "ca1:alice", NULL);
    expect_served(&c, alice);
    c.d.conf.message.n_resources--; /* the port was the last */
    sim_node_adopt(&c.d.node, &c.d.conf);
    assert_true(sim_peer_is_over(alice));
    sim_door_done(&c.d, alice);
    sim_door_close(&c.d);
}

/* Also where what is inside TLS is no HTTP. */
static void clients_of_bytes(void **state)
{
    static char roots[] = "ca", fewer[] = "ca1:";
    struct sim_door d;
    sim_validation v = WEFT__CONFIG__V1__CLIENT_VALIDATION__INIT;
    sim_door_prepare(&d);
    sim_gateway *g = sim_conf_port(&d.conf, 8443, SIM_LISTENER_TLS);
    sim_conf_https(&d.conf, g);
    g->protocol = SIM_LISTENER_TLS;
    sim_listener *l = sim_conf_listener(&d.conf, g, "", SIM_LISTENER_TLS);
    sim_conf_stream(&d.conf, l, NULL, "one");
    v.ca_pem = roots;
    g->client_validation = &v;
    sim_door_start(&d);
    struct sim_peer *stranger = sim_door_tls(&d, 8443, "any.org", NULL, NULL);
    assert_true(stranger->failed);
    assert_null(sim_door_app(&d, 0));
    sim_peer_destroy(stranger);
    struct sim_peer *alice = sim_door_tls(&d, 8443, "any.org", "ca1:alice", NULL);
    struct sim_peer *hers = sim_door_app(&d, 0);
    struct sim_peer *bob = sim_door_tls(&d, 8443, "any.org", "ca2:bob", NULL);
    struct sim_peer *his = sim_door_app(&d, 0);
    assert_true(hers && his);
    v.ca_pem = fewer;
    sim_node_adopt(&d.node, &d.conf);
    assert_true(sim_peer_is_over(bob) && sim_peer_is_over(his));
    sim_peer_send(alice, "ping");
    sim_peer_expect(hers, "ping");
    sim_peer_destroy(bob);
    sim_door_done(&d, alice);
    sim_door_close(&d);
}

/* A fallback client that was known is not taken for an unknown one behind its back. */
static void known_client_of_a_fallback(void **state)
{
    struct clients c;
    open_clients(&c, "ca");
    c.validation.insecure_fallback = true;
    change_roots(&c, "ca");
    struct sim_peer *known = sim_door_tls(&c.d, 8443, "shop", "ca1:alice", NULL);
    struct sim_peer *unknown = sim_door_tls(&c.d, 8443, "shop", "stranger:bob", NULL);
    change_roots(&c, "ca2:");
    assert_true(sim_peer_is_over(known));
    expect_served(&c, unknown);
    sim_peer_destroy(known);
    sim_door_done(&c.d, unknown);
    sim_door_close(&c.d);
}

/* ---- the mesh, when the trust bundle changes ---- */

/* A new certificate for a node, whose roots vouch for ids that begin so. */
static void renew(struct sim_mesh *m, struct sim_node *n, const char *id, const char *roots)
{
    struct mesh_identity *fresh = sim_tls_identity(++n->identity_generation, id);
    snprintf(fresh->server->roots, SIM_NAME_MAX, "%s", roots);
    for (unsigned i = 0; i < MESH_ALPN_COUNT; i++)
        snprintf(fresh->client[i]->roots, SIM_NAME_MAX, "%s", roots);
    worker_post_identity(&n->worker, fresh);
    mesh_identity_unref(fresh);
    sim_turn(&m->sim);
}

static unsigned connections_of(const struct sim_node *n)
{
    return n->worker.session_count;
}

static struct sim_peer *ask_over_mesh(struct sim_mesh *m, struct sim_peer *client)
{
    sim_peer_send(client, ROAD_GET);
    sim_turn(&m->sim);
    struct sim_peer *app = sim_mesh_accept(m);
    assert_non_null(app);
    return app;
}

/* Both ends look at their connections: the one that accepted them at its sessions, the one that
 * dialled at its pools. */
static void trust_bundle_is_replaced(void **state)
{
    for (int at_server = 0; at_server < 2; at_server++) {
        struct sim_mesh m;
        sim_mesh_prepare(&m);
        sim_mesh_start(&m);
        struct sim_node *n = at_server ? &m.in : &m.out;
        const char *id = at_server ? SIM_MESH_SERVER_ID : SIM_MESH_CLIENT_ID;
        struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
        struct sim_peer *app = ask_over_mesh(&m, client);
        assert_int_equal(connections_of(&m.in), 1);
        /* Another certificate, other roots, the same peers: what runs goes on. */
        renew(&m, n, id, "spiffe://cluster.local/");
        assert_int_equal(connections_of(&m.in), 1);
        assert_false(sim_peer_is_over(app));
        renew(&m, n, id, "spiffe://elsewhere/");
        assert_true(sim_peer_is_over(app));
        sim_peer_destroy(client);
        sim_mesh_finish(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listener_without_certificate),
        cmocka_unit_test(bytes_without_certificate),
        cmocka_unit_test(client_authority_is_replaced),
        cmocka_unit_test(client_validation_comes_and_goes),
        cmocka_unit_test(port_of_known_clients_goes),
        cmocka_unit_test(clients_of_bytes),
        cmocka_unit_test(known_client_of_a_fallback),
        cmocka_unit_test(trust_bundle_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
