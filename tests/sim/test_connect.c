/* Which connection an attempt gets: how long making one may take, handshakes included, and that
 * what was lost on a kept one is not tried on another kept one.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <string.h>

/* ---- how long ---- */

enum layer { MESH, BACKEND_TLS };

static void prepare_silent(struct sim_road *r, enum layer layer)
{
    static char id[] = "spiffe://cluster.local/ns/default/sa/app", roots[] = "ca:", name[] = "app";
    static Weft__Config__V1__UpstreamTls tls;
    sim_road_prepare(r);
    r->cluster->connect_timeout_ms = 400;
    r->cluster->retry = sim_conf_retry(&r->conf); /* none */
    if (layer == MESH) {
        r->endpoint->meshed = true;
        r->endpoint->spiffe_id = id;
        return;
    }
    tls = (Weft__Config__V1__UpstreamTls)WEFT__CONFIG__V1__UPSTREAM_TLS__INIT;
    tls.sni = name;
    tls.ca_pem = roots;
    r->cluster->tls = &tls;
}

/* Whoever is there takes the connection, at once or after a while, and then says nothing. */
static void connect_timeout_covers_the_handshake(void **state)
{
    for (int layer = MESH; layer <= BACKEND_TLS; layer++)
        for (unsigned connect_ms = 0; connect_ms < 600; connect_ms += 300) {
            struct sim_road r;
            prepare_silent(&r, (enum layer)layer);
            sim_road_start(&r);
            sim_node_identify(&r.node, "spiffe://cluster.local/ns/default/sa/client");
            r.app.host.connect_ms = connect_ms;
            struct sim_peer *client = sim_road_client(&r);
            sim_peer_send(client, ROAD_GET);
            sim_advance(&r.sim, 390);
            assert_int_equal(r.app.connections, 1);
            sim_peer_expect(client, "");
            sim_advance(&r.sim, 20);
            sim_peer_expect_part(client, "HTTP/1.1 503 ", "x-weft-reason: connect_timeout\r\n");
            sim_road_done(&r, client);
            sim_road_close(&r);
        }
}

static void connect_timeout_of_a_tunnel(void **state)
{
    struct sim_road r;
    prepare_silent(&r, MESH);
    r.destination->protocol = SIM_TCP;
    sim_road_start(&r);
    sim_node_identify(&r.node, "spiffe://cluster.local/ns/default/sa/client");
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, "hello");
    sim_advance(&r.sim, 390);
    assert_false(sim_peer_is_over(client));
    sim_advance(&r.sim, 20);
    assert_true(sim_peer_is_over(client));
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* ---- which one ---- */

enum { KEPT = 3 };

/* Leaves KEPT connections behind; the apps' ends of them are in `apps`. */
static void fill_pool(struct sim_road *r, struct sim_peer *apps[KEPT])
{
    struct sim_peer *clients[KEPT];
    for (int i = 0; i < KEPT; i++) {
        clients[i] = sim_road_client(r);
        sim_peer_send(clients[i], ROAD_GET);
        apps[i] = sim_road_app(r);
    }
    for (int i = 0; i < KEPT; i++) {
        sim_peer_forget(apps[i]);
        sim_peer_send(apps[i], ROAD_OK);
        sim_peer_expect(clients[i], ROAD_OK);
        sim_peer_destroy(clients[i]);
    }
    sim_turn(&r->sim);
    assert_int_equal(r->app.connections, KEPT);
}

/* The app that got it; all others have heard nothing. */
static struct sim_peer *who_was_asked(struct sim_road *r, struct sim_peer *apps[KEPT])
{
    struct sim_peer *asked = NULL;
    sim_turn(&r->sim);
    for (int i = 0; i < KEPT; i++) {
        if (!apps[i] || !sim_peer_got(apps[i])[0])
            continue;
        assert_null(asked);
        asked = apps[i];
        apps[i] = NULL;
    }
    return asked;
}

/* Every connection that has served is lost when it is used again; `limit`: there may be no more
 * than are kept. */
static void lost_once(const char *request, bool limit)
{
    struct sim_road r;
    struct sim_peer *apps[KEPT];
    sim_road_prepare(&r);
    if (limit) {
        r.cluster->breaker->max_connections = KEPT;
    }
    sim_road_start(&r);
    fill_pool(&r, apps);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, request);
    struct sim_peer *asked = who_was_asked(&r, apps);
    assert_non_null(asked);
    sim_peer_close(asked);
    struct sim_peer *fresh = sim_road_app(&r);
    assert_non_null(strstr(sim_peer_got(fresh), "x-weft-attempt: 2\r\n"));
    assert_null(who_was_asked(&r, apps));
    sim_peer_send(fresh, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    assert_int_equal(sim_node_cluster(&r.node, "app")->connections, KEPT);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void what_was_lost_on_a_kept_connection_gets_a_new_one(void **state)
{
    static const char put[] =
        "PUT /x HTTP/1.1\r\nhost: app\r\ncontent-length: 6\r\n\r\nabcdef";
    for (int limit = 0; limit < 2; limit++) {
        lost_once(ROAD_GET, limit);
        lost_once(put, limit);
    }
}

/* A race that is lost is no sign of trouble: it takes nothing of the retry budget. */
static void lost_races_are_not_limited(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    sim_retry *retry = r.cluster->retry = sim_conf_retry(&r.conf);
    retry->attempts = 1;
    retry->on_reset = true;
    retry->only_idempotent = true;
    retry->budget_percent = 1;
    retry->budget_min_per_second = 1;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    for (int i = 0; i < 50; i++) {
        sim_peer_send(client, ROAD_GET);
        sim_turn(&r.sim);
        sim_peer_close(app);
        app = sim_road_app(&r);
        sim_peer_send(app, ROAD_OK);
        sim_peer_expect(client, ROAD_OK);
    }
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* Nothing will be tried again, so the connection is asked first. */
static void without_retries_the_connection_is_asked(void **state)
{
    struct sim_road r;
    struct sim_peer *apps[KEPT];
    sim_road_prepare(&r);
    r.cluster->retry = sim_conf_retry(&r.conf);
    sim_road_start(&r);
    fill_pool(&r, apps);
    struct sim_peer *client = sim_road_client(&r);
    /* Between two turns: the request is here, and of the ends nobody has heard yet. */
    sim_peer_send(client, ROAD_GET);
    while (sim_net_pump(client->s))
        ;
    for (int i = 0; i < KEPT; i++)
        sim_peer_close(apps[i]);
    sim_peer_send(sim_road_app(&r), ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* ---- limits ---- */

/* The only connection that there may be is idle, at another endpoint: it is given up for the one
 * that is needed. */
static void room_is_made_where_nobody_needs_it(void **state)
{
    struct sim_road r;
    struct sim_app other;
    sim_road_prepare(&r);
    sim_conf_endpoint(&r.conf, r.cluster, "10.0.0.2:8080");
    sim_conf_balance(r.cluster, "RoundRobin");
    r.cluster->breaker->max_connections = 1;
    sim_road_start(&r);
    sim_app_open(&other, "10.0.0.2:8080");
    struct sim_peer *client = sim_road_client(&r);
    for (int i = 0; i < 6; i++) {
        sim_peer_send(client, ROAD_GET);
        sim_advance(&r.sim, 1100);
        struct sim_peer *app = sim_app_accept(i % 2 ? &other : &r.app);
        assert_non_null(app);
        assert_int_equal(sim_node_cluster(&r.node, "app")->connections, 1);
        sim_peer_send(app, ROAD_OK);
        sim_peer_expect(client, ROAD_OK);
    }
    sim_road_done(&r, client);
    assert_int_equal(sim_node_cluster(&r.node, "app")->usage->starved, 0);
    assert_int_equal(sim_node_cluster(&r.node, "app")->usage->pending, 0);
    sim_app_close(&other);
    sim_road_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_timeout_covers_the_handshake),
        cmocka_unit_test(connect_timeout_of_a_tunnel),
        cmocka_unit_test(what_was_lost_on_a_kept_connection_gets_a_new_one),
        cmocka_unit_test(lost_races_are_not_limited),
        cmocka_unit_test(without_retries_the_connection_is_asked),
        cmocka_unit_test(room_is_made_where_nobody_needs_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
