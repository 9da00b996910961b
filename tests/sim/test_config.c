/* The configuration changes while requests run: each keeps the one it began with, the next has the
 * new one, and what is no longer named is let go. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <stdio.h>
#include <string.h>


static struct cluster_table *table(struct sim_road *r)
{
    return &r->node.worker.clusters;
}

static unsigned clusters(struct sim_road *r)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < table(r)->slots; i++)
        count += table(r)->by_slot[i] != NULL;
    return count;
}

static void request_keeps_its_snapshot(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    struct lease *old = r.node.worker.lease;
    assert_int_equal(old->pins, 2);
    struct sim_conf next;
    sim_conf_init(&next);
    sim_conf_endpoint(&next, sim_conf_cluster(&next, "other"), "10.0.0.2:8080");
    sim_conf_destination(&next, ROAD_VIP, "app", SIM_HTTP, "other");
    sim_node_adopt(&r.node, &next);
    assert_ptr_not_equal(r.node.worker.lease, old);
    assert_int_equal(old->pins, 1);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    assert_true(app->eof); /* its endpoint is gone */
    /* The same connection, the new configuration. */
    struct sim_app other;
    sim_app_open(&other, "10.0.0.2:8080");
    sim_peer_send(client, ROAD_GET);
    sim_turn(&r.sim);
    assert_int_equal(r.app.connections, 1);
    assert_int_equal(other.connections, 1);
    sim_road_done(&r, client);
    sim_conf_dispose(&next);
    sim_app_close(&other);
    sim_road_close(&r);
}

static void unchanged_endpoints_keep_their_connections(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_forget(app);
    sim_conf_endpoint(&r.conf, r.cluster, "10.0.0.2:8080");
    sim_conf_endpoint(&r.conf, r.cluster, "10.0.0.3:8080")->ready = false;
    r.cluster->endpoints[1]->ready = false;
    r.cluster->connect_timeout_ms = 700;
    sim_node_adopt(&r.node, &r.conf);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect(app, ROAD_GET);
    assert_int_equal(r.app.connections, 1);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void removed_endpoint(void **state)
{
    struct sim_road r;
    struct sim_app other;
    sim_road_prepare(&r);
    sim_conf_endpoint(&r.conf, r.cluster, "10.0.0.2:8080");
    sim_conf_balance(r.cluster, "RoundRobin");
    sim_road_start(&r);
    sim_app_open(&other, "10.0.0.2:8080");
    struct sim_peer *idle = sim_road_client(&r), *busy = sim_road_client(&r);
    sim_peer_send(idle, ROAD_GET);
    struct sim_peer *idle_app = sim_road_app(&r);
    sim_peer_send(busy, ROAD_GET);
    sim_turn(&r.sim);
    sim_peer_send(idle_app, ROAD_OK);
    sim_peer_expect(idle, ROAD_OK);
    struct sim_peer *busy_app = sim_app_accept(&other);
    assert_non_null(busy_app);
    /* Both go; what is idle at once, what is busy when it is done. */
    r.cluster->n_endpoints = 0;
    sim_node_adopt(&r.node, &r.conf);
    assert_true(idle_app->eof);
    assert_false(sim_peer_is_over(busy_app));
    sim_peer_send(idle, ROAD_GET);
    sim_peer_expect_part(idle, "HTTP/1.1 503 ", "no_endpoint");
    struct cluster *c = sim_node_cluster(&r.node, "app");
    assert_false(list_is_empty(&c->gone));
    sim_peer_send(busy_app, ROAD_OK);
    sim_peer_expect(busy, ROAD_OK);
    assert_true(busy_app->eof);
    assert_true(list_is_empty(&c->gone));
    assert_int_equal(c->connections, 0);
    sim_peer_destroy(idle);
    sim_road_done(&r, busy);
    sim_app_close(&other);
    sim_road_close(&r);
}

/* Its endpoint was removed while the request still waited for a connection to it. */
static void removed_while_we_dial(void **state)
{
    for (int dies = 0; dies < 3; dies++) {
        struct sim_road r;
        sim_road_open(&r);
        r.app.host.connect_ms = 100;
        r.app.host.answer = dies == 2 ? SIM_REFUSE : SIM_ACCEPT;
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, ROAD_GET);
        sim_turn(&r.sim);
        r.cluster->n_endpoints = 0;
        sim_node_adopt(&r.node, &r.conf);
        if (dies == 1)
            sim_peer_reset(client); /* nobody is left to dial for */
        sim_advance(&r.sim, 200);
        if (dies == 0) {
            struct sim_peer *app = sim_road_app(&r);
            sim_peer_send(app, ROAD_OK);
            sim_peer_expect(client, ROAD_OK);
            assert_true(app->eof);
        } else if (dies == 1) {
            assert_int_equal(r.app.connections, 0);
        }
        sim_advance(&r.sim, 1000);
        if (dies == 2)
            sim_peer_expect_part(client, "HTTP/1.1 503 ", NULL);
        struct cluster *c = sim_node_cluster(&r.node, "app");
        assert_true(list_is_empty(&c->gone));
        assert_int_equal(c->connections, 0);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* The same address, another identity: another pod, and not the old connection. */
static void endpoint_under_another_identity(void **state)
{
    static char first[] = "spiffe://cluster.local/ns/a/sa/a",
                second[] = "spiffe://cluster.local/ns/a/sa/b";
    struct sim_road r;
    struct sim_node to;
    struct sim_app app;
    sim_road_prepare(&r);
    r.endpoint->meshed = true;
    r.endpoint->spiffe_id = first;
    sim_road_start(&r);
    sim_node_identify(&r.node, "spiffe://cluster.local/ns/a/sa/client");
    sim_app_close(&r.app);
    sim_node_open(&to, &r.sim, MODE_SIDECAR, "10.0.0.1", NULL);
    sim_node_identify(&to, first);
    sim_app_open(&app, ROAD_APP);
    app.host.behind_proxy = true;
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&r.sim);
    sim_peer_send(sim_app_accept(&app), ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    r.endpoint->spiffe_id = second;
    sim_node_adopt(&r.node, &r.conf);
    sim_node_identify(&to, second);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&r.sim);
    assert_int_equal(to.host.dials, 2);
    sim_peer_destroy(client);
    sim_node_check_idle(&r.node);
    cluster_table_drain(table(&r));
    sim_advance(&r.sim, 3000);
    sim_node_close(&to);
    sim_app_close(&app);
    sim_app_open(&r.app, ROAD_APP);
    sim_road_close(&r);
}

/* A cluster that is named no more takes no memory when its last request is done; its number may
 * then be another's. */
static void vanished_cluster_is_forgotten(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    assert_int_equal(clusters(&r), 1);
    sim_node_adopt(&r.node, NULL);
    assert_int_equal(clusters(&r), 1);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_advance(&r.sim, 60000);
    assert_int_equal(clusters(&r), 0);
    for (int i = 0; i < 200; i++) {
        struct sim_conf next;
        char name[16];
        snprintf(name, sizeof(name), "app-%d", i);
        sim_conf_init(&next);
        sim_conf_endpoint(&next, sim_conf_cluster(&next, name), ROAD_APP);
        sim_conf_destination(&next, ROAD_VIP, "app", SIM_HTTP, name);
        sim_node_adopt(&r.node, &next);
        sim_peer_forget(app);
        sim_peer_send(client, ROAD_GET);
        app = sim_road_app(&r);
        sim_peer_send(app, ROAD_OK);
        sim_peer_expect(client, ROAD_OK);
        sim_conf_dispose(&next);
    }
    sim_advance(&r.sim, 60000);
    assert_int_equal(clusters(&r), 1);
    assert_true(table(&r)->slots <= 64);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* Addresses that were called directly, or lie behind inbound ports. */
static void single_addresses_are_forgotten(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    for (int i = 0; i < 100; i++) {
        char to[32];
        snprintf(to, sizeof(to), "198.51.100.%d:443", i + 1);
        struct sim_peer *client = sim_node_connect(&r.node, to);
        sim_turn(&r.sim);
        assert_true(sim_peer_is_over(client));
        sim_peer_destroy(client);
    }
    sim_turn(&r.sim);
    assert_int_equal(table(&r)->dynamic.count, 100);
    sim_advance(&r.sim, 400000);
    assert_int_equal(table(&r)->dynamic.count, 0);
    sim_road_close(&r);
}

/* Changes of every kind, one after the other, with requests in every state. */
static void changes_under_load(void **state)
{
    enum { CLIENTS = 12, ROUNDS = 400 };
    struct sim_road r;
    struct sim_server apps[3];
    struct sim_client clients[CLIENTS];
    struct rand_state rand;
    rand_seed(&rand, 11);
    sim_road_prepare(&r);
    sim_conf_endpoint(&r.conf, r.cluster, "10.0.0.2:8080");
    sim_conf_endpoint(&r.conf, r.cluster, "10.0.0.3:8080");
    r.cluster->protocol = SIM_HTTP1;
    sim_route *route = sim_conf_route(&r.conf, r.destination, "/", "app");
    sim_cluster *b = sim_conf_cluster(&r.conf, "b");
    b->protocol = SIM_HTTP1;
    sim_conf_endpoint(&r.conf, b, "10.0.0.2:8080");
    sim_conf_backend(&r.conf, route, "b", 1);
    sim_node_open(&r.node, &r.sim, MODE_SIDECAR, "10.0.9.1", &r.conf);
    for (unsigned i = 0; i < 3; i++) {
        char at[32];
        snprintf(at, sizeof(at), "10.0.0.%u:8080", i + 1);
        sim_server_open(&apps[i], r.sim.loop, at, HTTP_PROTOCOL_1);
        apps[i].host.connect_ms = i * 8;
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        sim_client_open(&clients[i], sim_node_dial(&r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    unsigned sent = 0, answered = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < CLIENTS; i++, sent++)
            sim_client_call(&clients[i], "GET", "app", "/", NULL, true);
        for (uint32_t turns = rand_below(&rand, 4); turns > 0; turns--)
            sim_advance(&r.sim, rand_below(&rand, 6));
        r.cluster->n_endpoints = 1 + rand_below(&rand, 3);
        r.cluster->connect_timeout_ms = 1000 + rand_below(&rand, 2);
        route->n_clusters = 1 + rand_below(&rand, 2);
        sim_node_adopt(&r.node, &r.conf);
        sim_advance(&r.sim, 100);
        for (unsigned i = 0; i < CLIENTS; i++) {
            struct sim_call *call = container_of(clients[i].calls.prev, struct sim_call, node);
            answered += call->done && call->head->status == 200;
        }
    }
    assert_int_equal(answered, sent); /* nothing failed because of a change */
    for (unsigned i = 0; i < CLIENTS; i++)
        sim_client_close(&clients[i]);
    sim_node_check_idle(&r.node);
    for (unsigned i = 0; i < 3; i++)
        sim_server_close(&apps[i]);
    sim_turn(&r.sim);
    sim_node_close(&r.node);
    sim_conf_dispose(&r.conf);
    sim_close(&r.sim);
}

/* ---- gateways ---- */

static bool listens(uint16_t port)
{
    struct addr at = {.family = 4, .port = port};
    return sim_net_listens_at(&at);
}

static void gateways_come_and_go(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    sim_gateway *g = sim_conf_gateway(&r.conf, 8000, "app");
    sim_node_open(&r.node, &r.sim, MODE_INGRESS, "10.0.9.1", &r.conf);
    assert_true(listens(8000));
    assert_int_equal(sim_net_listeners(), 1);
    struct sim_peer *client = sim_node_connect_gateway(&r.node, 8000);
    /* More often than there is room for listeners at one time. */
    for (uint16_t port = 8001; port < 8201; port++) {
        g->port = port;
        sim_node_adopt(&r.node, &r.conf);
        assert_true(listens(port));
        assert_int_equal(sim_net_listeners(), 1);
    }
    /* The connection outlives its listener, and is told that nothing is served there any more. */
    sim_peer_send(client, "GET / HTTP/1.1\r\nhost: shop\r\n\r\n");
    sim_peer_expect_part(client, "HTTP/1.1 404 Not Found\r\n", "no_route");
    sim_peer_destroy(client);
    sim_node_close(&r.node);
    sim_conf_dispose(&r.conf);
    sim_close(&r.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_keeps_its_snapshot),
        cmocka_unit_test(unchanged_endpoints_keep_their_connections),
        cmocka_unit_test(removed_endpoint),
        cmocka_unit_test(removed_while_we_dial),
        cmocka_unit_test(endpoint_under_another_identity),
        cmocka_unit_test(vanished_cluster_is_forgotten),
        cmocka_unit_test(single_addresses_are_forgotten),
        cmocka_unit_test(changes_under_load),
        cmocka_unit_test(gateways_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
