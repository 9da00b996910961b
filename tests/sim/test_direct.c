/* A destination without redirection: it is dialled at its sidecar, which is told the port by name;
 * the app is behind its loopback address, and policies are those of the app's port.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "tests/sim/sim_road.h"

#define CLIENT_ID "spiffe://cluster.local/ns/default/sa/frontend"
#define SERVER_ID "spiffe://cluster.local/ns/default/sa/reviews"

struct pair {
    struct sim sim;
    struct sim_conf out_conf, in_conf;
    sim_inbound *inbound;
    struct sim_node out, in;
    struct sim_app app;
};

static void prepare(struct pair *p, Weft__Config__V1__Protocol protocol)
{
    static char id[] = SERVER_ID;
    *p = (struct pair){0};
    sim_open(&p->sim);
    sim_conf_init(&p->out_conf);
    sim_conf_init(&p->in_conf);
    sim_endpoint *e =
        sim_conf_endpoint(&p->out_conf, sim_conf_cluster(&p->out_conf, "app"), "10.0.9.2:8080");
    e->meshed = true;
    e->spiffe_id = id;
    e->mesh_port = 15006;
    sim_conf_destination(&p->out_conf, ROAD_VIP, "app", protocol, "app");
    p->inbound = sim_conf_inbound(&p->in_conf);
    p->inbound->mtls = SIM_STRICT;
    sim_conf_inbound_port(&p->in_conf, p->inbound, 8080, protocol);
}

static void start(struct pair *p)
{
    sim_node_open(&p->out, &p->sim, MODE_SIDECAR, "10.0.9.1", &p->out_conf);
    sim_node_open(&p->in, &p->sim, MODE_SIDECAR, "10.0.9.2", &p->in_conf);
    sim_node_identify(&p->out, CLIENT_ID);
    sim_node_identify(&p->in, SERVER_ID);
    sim_app_open(&p->app, "127.0.0.1:8080");
    p->app.host.behind_proxy = true;
}

static void finish(struct pair *p, struct sim_peer *client)
{
    sim_peer_destroy(client);
    cluster_table_drain(&p->out.worker.clusters);
    sim_turn(&p->sim);
    sim_advance(&p->sim, 3000);
    sim_node_close(&p->out);
    sim_node_close(&p->in);
    sim_app_close(&p->app);
    sim_conf_dispose(&p->out_conf);
    sim_conf_dispose(&p->in_conf);
    sim_close(&p->sim);
}

static void request(void **state)
{
    struct pair p;
    prepare(&p, SIM_HTTP);
    start(&p);
    struct sim_peer *client = sim_node_connect(&p.out, ROAD_VIP);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&p.sim);
    struct sim_peer *app = sim_app_accept(&p.app);
    assert_non_null(app);
    assert_non_null(strstr(sim_peer_got(app), "URI=" CLIENT_ID));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&p, client);
}

static void opaque(void **state)
{
    struct pair p;
    prepare(&p, SIM_TCP);
    start(&p);
    struct sim_peer *client = sim_node_connect(&p.out, ROAD_VIP);
    sim_peer_send(client, "ping");
    sim_turn(&p.sim);
    struct sim_peer *app = sim_app_accept(&p.app);
    assert_non_null(app);
    sim_peer_expect(app, "ping");
    sim_peer_reset(client);
    sim_turn(&p.sim);
    assert_true(sim_peer_is_over(app));
    finish(&p, client);
}

static void denied(void **state)
{
    struct pair p;
    prepare(&p, SIM_HTTP);
    sim_conf_guard(&p.in_conf, p.inbound, sim_conf_authz(&p.in_conf, SIM_DENY, "GET", "/x"));
    start(&p);
    struct sim_peer *client = sim_node_connect(&p.out, ROAD_VIP);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect_part(client, "HTTP/1.1 403", NULL);
    assert_int_equal(p.app.connections, 0);
    finish(&p, client);
}

/* A port of the app that nobody is known to call is not opened by its number alone. */
static void unknown_port(void **state)
{
    struct pair p;
    prepare(&p, SIM_TCP);
    p.inbound->ports[0]->port = 9090;
    start(&p);
    struct sim_peer *client = sim_node_connect(&p.out, ROAD_VIP);
    sim_peer_send(client, "ping");
    sim_turn(&p.sim);
    assert_int_equal(p.app.connections, 0);
    assert_true(sim_peer_is_over(client));
    finish(&p, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),
        cmocka_unit_test(opaque),
        cmocka_unit_test(denied),
        cmocka_unit_test(unknown_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
