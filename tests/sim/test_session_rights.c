/* Who may come in, and as what: mutual TLS and other people's, plaintext where it is not wanted,
 * connections from where there should be none; and how they end when the sidecar does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_pod.h"
#include "tests/sim/sim_road.h"

#include <string.h>

#include "sidecar/session/session.h"

#define MESH_CLIENT "spiffe://cluster.local/ns/default/sa/frontend"
#define SELF "spiffe://cluster.local/ns/default/sa/app"

/* ---- TLS that comes in ---- */

/* A client that speaks TLS with this identity and ALPN. */
static struct sim_peer *connect_tls(struct sim_pod *p, const char *id, const char *alpn)
{
    struct sim_peer *client = sim_node_connect_inbound(&p->node, "10.0.5.5", 8080);
    sim_tls_connect(client->s, id, alpn);
    return client;
}

static void mesh_by_alpn(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    p.inbound->mtls = SIM_STRICT;
    sim_pod_start(&p);
    sim_node_identify(&p.node, SELF);
    struct sim_peer *client = connect_tls(&p, MESH_CLIENT, "weft-h1");
    sim_turn(&p.sim);
    assert_true(client->opened);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&p.sim);
    struct sim_peer *app = sim_app_accept(&p.app);
    assert_non_null(app);
    assert_non_null(strstr(sim_peer_got(app), "URI=" MESH_CLIENT));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_destroy(client);
    client = connect_tls(&p, MESH_CLIENT, "weft-tcp");
    sim_turn(&p.sim);
    app = sim_app_accept(&p.app);
    assert_non_null(app);
    sim_peer_send(client, "opaque");
    sim_peer_expect(app, "opaque");
    sim_peer_reset(client);
    sim_turn(&p.sim);
    assert_true(sim_peer_is_over(app));
    sim_peer_destroy(client);
    sim_pod_close(&p);
}

static void mesh_without_an_identity(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_pod_start(&p);
    sim_node_identify(&p.node, SELF);
    struct sim_peer *client = connect_tls(&p, NULL, "weft-h1");
    sim_turn(&p.sim);
    assert_true(sim_peer_is_over(client));
    assert_int_equal(sim_report.handshakes_failed, 1);
    assert_int_equal(p.app.connections, 0);
    sim_peer_destroy(client);
    sim_pod_close(&p);
}

/* TLS that is not ours is the app's own, if nobody says that the port is HTTP or mTLS only. */
static void foreign_tls(void **state)
{
    for (int strict = 0; strict < 2; strict++) {
        struct sim_pod p;
        sim_pod_prepare(&p);
        if (strict)
            p.inbound->mtls = SIM_STRICT;
        sim_pod_start(&p);
        sim_node_identify(&p.node, SELF);
        struct sim_peer *client = connect_tls(&p, MESH_CLIENT, "h2");
        sim_turn(&p.sim);
        struct sim_peer *app = sim_app_accept(&p.app);
        assert_int_equal(app != NULL, !strict);
        if (app) {
            assert_int_equal(sim_peer_got(app)[0], 0x16);
            sim_peer_reset(client);
            sim_turn(&p.sim);
        } else {
            assert_true(sim_peer_is_over(client));
        }
        sim_peer_destroy(client);
        sim_pod_close(&p);
    }
}

static void strict_refuses_opaque(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    p.inbound->mtls = SIM_STRICT;
    sim_pod_start(&p);
    sim_node_identify(&p.node, SELF);
    struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
    sim_peer_send(client, "\x01\x02");
    sim_turn(&p.sim);
    assert_true(sim_peer_is_over(client));
    assert_int_equal(p.app.host.dials, 0);
    sim_peer_destroy(client);
    /* Nor is the app asked to speak first for such a client. */
    client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
    sim_advance(&p.sim, 500);
    assert_int_equal(p.app.host.dials, 0);
    assert_false(sim_peer_is_over(client));
    sim_peer_send(client, "late");
    sim_advance(&p.sim, 11000);
    assert_true(sim_peer_is_over(client));
    assert_int_equal(p.app.host.dials, 0);
    sim_peer_destroy(client);
    sim_pod_close(&p);
}

/* ---- who may come here ---- */

static void not_redirected(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_pod_start(&p);
    sim_node_identify(&p.node, SELF);
    /* Silent, in the clear, and TLS that does not say for which port: all are turned away. */
    struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 15006);
    sim_advance(&p.sim, 1000);
    assert_true(sim_peer_is_over(client));
    sim_peer_destroy(client);
    client = sim_node_connect_inbound(&p.node, "10.0.5.5", 15006);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&p.sim);
    assert_true(sim_peer_is_over(client));
    sim_peer_destroy(client);
    static const char *const names[] = {NULL, "p.weft", "p8080", "p99999.weft", "p9999.weft", "x"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        client = sim_node_connect_inbound(&p.node, "10.0.5.5", 15006);
        sim_tls_connect_to(client->s, names[i], MESH_CLIENT, "weft-h1");
        sim_turn(&p.sim);
        assert_true(sim_peer_is_over(client));
        sim_peer_destroy(client);
    }
    assert_int_equal(p.app.connections, 0);
    sim_pod_close(&p);
}

/* The right name, but not one of ours who asks. */
static void named_port_is_for_the_mesh(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_conf_inbound_port(&p.conf, p.inbound, 8080, SIM_HTTP);
    sim_pod_start(&p);
    sim_node_identify(&p.node, SELF);
    for (int i = 0; i < 2; i++) {
        struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 15006);
        sim_tls_connect_to(client->s, "p8080.weft", i ? MESH_CLIENT : NULL, i ? "h2" : "weft-h1");
        sim_turn(&p.sim);
        assert_true(sim_peer_is_over(client));
        sim_peer_destroy(client);
    }
    assert_int_equal(p.app.connections, 0);
    sim_pod_close(&p);
}

static void explicit_from_outside_the_pod(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct addr from, at = r.node.settings.outbound;
    struct stream *near, *far;
    assert_int_equal(addr_parse(SLICE("10.0.7.7:4000"), &from), ERR_OK);
    sim_net_pair(NULL, &from, &at, NULL, &near, &far);
    session_open(&r.node.worker, far, &side_outbound, 0);
    struct sim_peer *client = sim_peer_create(near);
    sim_turn(&r.sim);
    assert_true(sim_peer_is_over(client));
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* To an address that nobody knows: passed on untouched. */
static void passthrough(void **state)
{
    struct sim_road r;
    struct sim_app outside;
    sim_road_open(&r);
    sim_app_open(&outside, "198.51.100.7:443");
    struct sim_peer *client = sim_node_connect(&r.node, "198.51.100.7:443");
    sim_turn(&r.sim);
    struct sim_peer *app = sim_app_accept(&outside);
    assert_non_null(app);
    sim_peer_send(client, "GET / HTTP/1.1\r\n\r\n");
    sim_peer_expect(app, "GET / HTTP/1.1\r\n\r\n");
    sim_peer_reset(client);
    sim_road_done(&r, client);
    sim_app_close(&outside);
    sim_turn(&r.sim);
    sim_road_close(&r);
}

/* ---- draining ---- */

static void drain(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    r.destination->protocol = SIM_AUTO;
    sim_road_start(&r);
    struct sim_peer *deciding = sim_road_client(&r);
    struct sim_peer *idle = sim_road_client(&r), *busy = sim_road_client(&r);
    struct sim_peer *opaque = sim_node_connect(&r.node, ROAD_APP);
    sim_peer_send(idle, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    struct sim_peer *tunnel_app = app;
    if (!strlen(sim_peer_got(app)))
        app = sim_road_app(&r);
    else
        tunnel_app = sim_road_app(&r);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(idle, ROAD_OK);
    sim_peer_forget(app);
    sim_peer_send(busy, ROAD_GET);
    sim_peer_expect(app, ROAD_GET);
    worker_post_drain(&r.node.worker, true);
    sim_turn(&r.sim);
    assert_int_equal(sim_net_listeners(), 0);
    assert_true(sim_peer_is_over(deciding));
    assert_true(sim_peer_is_over(idle));
    assert_false(sim_peer_is_over(busy));
    assert_false(sim_peer_is_over(opaque));
    assert_int_equal(r.node.app.sessions_left, 2);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(busy, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    assert_true(sim_peer_is_over(busy));
    assert_int_equal(r.node.app.sessions_left, 1);
    sim_peer_send(opaque, "still here");
    sim_peer_expect(tunnel_app, "still here");
    sim_peer_reset(opaque);
    sim_turn(&r.sim);
    assert_int_equal(r.node.app.sessions_left, 0);
    sim_peer_destroy(deciding);
    sim_peer_destroy(idle);
    sim_peer_destroy(busy);
    sim_peer_destroy(opaque);
    sim_road_close(&r);
}

/* While the app is still there, its own calls go on: old connections and new ones. */
static void drain_of_what_comes_in(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    struct sim_peer *from_outside = sim_node_connect_inbound(&r.node, "10.0.5.5", 8080);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    worker_post_drain(&r.node.worker, false);
    sim_turn(&r.sim);
    assert_int_equal(sim_net_listeners(), 1);
    assert_true(sim_peer_is_over(from_outside));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK); /* and nothing about closing */
    struct sim_peer *another = sim_road_client(&r);
    sim_peer_send(another, ROAD_GET);
    sim_turn(&r.sim);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(another, ROAD_OK);
    worker_post_drain(&r.node.worker, true);
    sim_turn(&r.sim);
    assert_int_equal(sim_net_listeners(), 0);
    assert_true(sim_peer_is_over(client));
    assert_true(sim_peer_is_over(another));
    assert_int_equal(r.node.app.sessions_left, 0);
    sim_peer_destroy(from_outside);
    sim_peer_destroy(client);
    sim_peer_destroy(another);
    sim_road_close(&r);
}

/* At once, whatever runs. */
static void stop(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    r.destination->protocol = SIM_AUTO;
    sim_road_start(&r);
    struct sim_peer *deciding = sim_road_client(&r), *busy = sim_road_client(&r);
    struct sim_peer *opaque = sim_node_connect(&r.node, ROAD_APP);
    sim_peer_send(busy, ROAD_GET);
    sim_turn(&r.sim);
    worker_post_stop(&r.node.worker);
    sim_turn(&r.sim);
    assert_true(sim_peer_is_over(deciding));
    assert_true(sim_peer_is_over(busy));
    assert_true(sim_peer_is_over(opaque));
    sim_node_check_idle(&r.node);
    sim_peer_destroy(deciding);
    sim_peer_destroy(busy);
    sim_peer_destroy(opaque);
    sim_road_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mesh_by_alpn),
        cmocka_unit_test(mesh_without_an_identity),
        cmocka_unit_test(foreign_tls),
        cmocka_unit_test(strict_refuses_opaque),
        cmocka_unit_test(not_redirected),
        cmocka_unit_test(named_port_is_for_the_mesh),
        cmocka_unit_test(explicit_from_outside_the_pod),
        cmocka_unit_test(passthrough),
        cmocka_unit_test(drain),
        cmocka_unit_test(drain_of_what_comes_in),
        cmocka_unit_test(stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
