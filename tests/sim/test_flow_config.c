/* Flows of datagrams while the configuration changes, and at the end of the process.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/udp_door.h"

static void adopt(struct udp_door *d)
{
    sim_node_adopt(&d->node, &d->conf);
}

/* Endpoints that come, and weights that change, are no reason to end what runs. */
static void what_is_valid_goes_on(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    struct sim_udp_host *server = udp_door_server(&d);
    sim_conf_endpoint(&d.conf, d.one, "10.0.0.9:5353");
    sim_conf_share(&d.conf, d.route, "two", 1000);
    adopt(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_int_equal(server->count, 2);
    assert_int_equal(sim_report.tunnels_closed, 0);
    udp_door_close(&d);
}

static void a_backend_that_goes(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    struct sim_udp_host *server = udp_door_server(&d);
    d.route->n_clusters = 0;
    sim_conf_share(&d.conf, d.route, "two", 1);
    adopt(&d);
    assert_int_equal(udp_door_flows(&d), 0);
    assert_int_equal(sim_report.fail, FAIL_NO_ROUTE);
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_int_equal(server->count, 1);
    assert_int_equal(d.hosts[2].count, 1);
    udp_door_close(&d);
}

static void an_endpoint_that_goes(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, "203.0.113.9:1", "x");
    udp_door_ask(&d, "203.0.113.9:2", "x");
    assert_int_equal(d.hosts[0].count, 1);
    assert_int_equal(d.hosts[1].count, 1);
    d.one->n_endpoints = 1;
    adopt(&d);
    assert_int_equal(udp_door_flows(&d), 1);
    assert_int_equal(sim_report.fail, FAIL_NO_ENDPOINT);
    udp_door_ask(&d, "203.0.113.9:1", "x");
    udp_door_ask(&d, "203.0.113.9:2", "x");
    assert_int_equal(d.hosts[0].count, 3);
    udp_door_close(&d);
}

/* One that is on its way out keeps what it has until the client asks again. */
static void an_endpoint_that_is_leaving(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    bool is_first = d.hosts[0].count == 1;
    struct sim_udp_host *server = &d.hosts[is_first ? 0 : 1], *other = &d.hosts[is_first ? 1 : 0];
    d.one->endpoints[is_first ? 0 : 1]->ready = false;
    adopt(&d);
    sim_udp_answer(server, "late");
    assert_string_equal(sim_udp_sent.text, "late");
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_int_equal(server->count, 1);
    assert_int_equal(other->count, 1);
    udp_door_close(&d);
}

static void access_that_is_withdrawn(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    sim_authz *a = sim_conf_authz(&d.conf, SIM_DENY, NULL, NULL);
    sim_conf_remote(&d.conf, a, "203.0.113.0/24");
    d.port->authorization = sim_conf_authorization(&d.conf, a);
    adopt(&d);
    assert_int_equal(udp_door_flows(&d), 0);
    assert_int_equal(sim_report.fail, FAIL_AUTHZ_DENIED);
    udp_door_close(&d);
}

/* A shorter time of silence holds for flows that have begun already. */
static void less_patience(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    sim_advance(&d.sim, 10000);
    d.one->timeouts = sim_conf_timeouts(&d.conf);
    d.one->timeouts->idle_ms = 15000;
    adopt(&d);
    sim_advance(&d.sim, 4000);
    assert_int_equal(udp_door_flows(&d), 1);
    sim_advance(&d.sim, 1100);
    assert_int_equal(udp_door_flows(&d), 0);
    udp_door_close(&d);
}

/* A listener that goes takes its flows along; nobody else's. */
static void a_port_that_goes(void **state)
{
    struct udp_door d;
    udp_door_prepare(&d);
    sim_conf_share(&d.conf, d.route, "one", 1);
    sim_gateway *g = sim_conf_port(&d.conf, 54, SIM_LISTENER_UDP);
    sim_conf_stream(&d.conf, sim_conf_listener(&d.conf, g, "", SIM_LISTENER_UDP), NULL, "two");
    udp_door_start(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    sim_udp_arrive(54, UDP_CLIENT, NULL, "x", 1);
    assert_int_equal(d.hosts[2].count, 1);
    assert_int_equal(udp_door_flows(&d), 2);
    d.conf.message.n_resources--;
    adopt(&d);
    assert_int_equal(udp_door_flows(&d), 1);
    assert_int_equal(sim_udp_open(), 2);
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_int_equal(udp_door_flows(&d), 1);
    d.conf.message.n_resources++;
    adopt(&d);
    sim_udp_arrive(54, UDP_CLIENT, NULL, "x", 1);
    assert_int_equal(d.hosts[2].count, 2);
    udp_door_close(&d);
}

/* Connections and datagrams have ports of their own; what goes for one stays for the other. */
static void one_number_twice(void **state)
{
    struct udp_door d;
    udp_door_prepare(&d);
    sim_conf_share(&d.conf, d.route, "one", 1);
    sim_gateway *g = sim_conf_port(&d.conf, 53, SIM_LISTENER_TCP);
    sim_conf_stream(&d.conf, sim_conf_listener(&d.conf, g, "", SIM_LISTENER_TCP), NULL, "two");
    udp_door_start(&d);
    assert_int_equal(sim_net_listeners(), 1);
    assert_int_equal(sim_udp_open(), 1);
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_int_equal(udp_door_had(&d), 1);
    assert_int_equal(d.hosts[2].count, 0);
    d.conf.message.n_resources--;
    adopt(&d);
    assert_int_equal(sim_net_listeners(), 0);
    assert_int_equal(udp_door_flows(&d), 1);
    d.conf.message.n_resources++;
    adopt(&d);
    assert_int_equal(sim_net_listeners(), 1);
    udp_door_close(&d);
}

static void a_port_that_is_taken(void **state)
{
    struct udp_door d;
    udp_door_prepare(&d);
    sim_conf_share(&d.conf, d.route, "one", 1);
    sim_net_refuse_listeners(ERR_ADDR_IN_USE);
    udp_door_start(&d);
    assert_int_equal(d.node.worker.unbound, 1);
    sim_net_refuse_listeners(ERR_OK);
    sim_advance(&d.sim, 1100);
    assert_int_equal(d.node.worker.unbound, 0);
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_int_equal(udp_door_had(&d), 1);
    udp_door_close(&d);
}

/* Draining: what runs goes on, for a few seconds of silence at most, and is waited for; what is new
 * is not begun. */
static void draining(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    worker_post_drain(&d.node.worker, true);
    sim_turn(&d.sim);
    assert_int_equal(d.node.app.sessions_left, 1);
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_int_equal(udp_door_server(&d)->count, 2);
    udp_door_ask(&d, "203.0.113.9:1", "x");
    assert_int_equal(udp_door_had(&d), 2);
    assert_string_equal(sim_report.drop_reason, "draining");
    sim_advance(&d.sim, FLOW_DRAIN_IDLE_MS - 100);
    assert_int_equal(udp_door_flows(&d), 1);
    sim_udp_answer(udp_door_server(&d), "y");
    assert_int_equal(sim_udp_sent.count, 1);
    sim_advance(&d.sim, FLOW_DRAIN_IDLE_MS + 100);
    assert_int_equal(udp_door_flows(&d), 0);
    assert_int_equal(d.node.app.sessions_left, 0);
    udp_door_close(&d);
}

static void stopping(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    worker_post_stop(&d.node.worker);
    sim_turn(&d.sim);
    assert_int_equal(udp_door_flows(&d), 0);
    assert_int_equal(sim_udp_open(), 0);
    assert_int_equal(sim_report.fail, FAIL_DRAINING);
    udp_door_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_valid_goes_on),
        cmocka_unit_test(a_backend_that_goes),
        cmocka_unit_test(an_endpoint_that_goes),
        cmocka_unit_test(an_endpoint_that_is_leaving),
        cmocka_unit_test(access_that_is_withdrawn),
        cmocka_unit_test(less_patience),
        cmocka_unit_test(a_port_that_goes),
        cmocka_unit_test(one_number_twice),
        cmocka_unit_test(a_port_that_is_taken),
        cmocka_unit_test(draining),
        cmocka_unit_test(stopping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
