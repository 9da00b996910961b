/* Ports of a gateway that cannot be bound: tried until they can, and never in the way of others.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/worker/worker_listen.h"
#include "tests/sim/sim_door.h"

enum { FIRST = 1000 };

static bool listens_at(struct sim_door *d, unsigned port)
{
    struct addr at = d->node.worker.settings->gateway_bind;
    at.port = (uint16_t)(port + d->node.worker.settings->gateway_port_offset);
    return sim_net_listens_at(&at);
}

static void open_ports(struct sim_door *d, unsigned count)
{
    sim_door_prepare(d);
    for (unsigned i = 0; i < count; i++)
        sim_conf_gateway(&d->conf, FIRST + i, "one");
}

/* Another program has the port. */
static void port_is_taken(void **state)
{
    struct sim_door d;
    open_ports(&d, 1);
    sim_net_refuse_listeners(ERR_ADDR_IN_USE);
    sim_door_start(&d);
    d.node.settings.gateway_port_offset = 10000;
    assert_int_equal(d.node.worker.unbound, 1);
    sim_advance(&d.sim, 5000);
    assert_int_equal(sim_net_listeners(), 0);
    sim_net_refuse_listeners(ERR_OK);
    sim_advance(&d.sim, 1100);
    assert_true(listens_at(&d, FIRST));
    assert_int_equal(sim_net_listeners(), 1);
    assert_int_equal(d.node.worker.unbound, 0);
    sim_door_close(&d);
}

/* It is not the gateway's any more before it was free: nobody listens there then. */
static void port_is_not_wanted_any_more(void **state)
{
    struct sim_door d;
    open_ports(&d, 2);
    sim_net_refuse_listeners(ERR_ADDR_IN_USE);
    sim_door_start(&d);
    assert_int_equal(d.node.worker.unbound, 2);
    d.conf.message.n_resources--;
    sim_node_adopt(&d.node, &d.conf);
    assert_int_equal(d.node.worker.unbound, 1);
    sim_net_refuse_listeners(ERR_OK);
    sim_advance(&d.sim, 1100);
    assert_true(listens_at(&d, FIRST));
    assert_false(listens_at(&d, FIRST + 1));
    assert_int_equal(sim_net_listeners(), 1);
    sim_door_close(&d);
}

/* As many as there is room for are served; another one is when one of them has gone. */
static void more_ports_than_room(void **state)
{
    struct sim_door d;
    open_ports(&d, WORKER_LISTENERS_MAX + 1);
    sim_door_start(&d);
    assert_int_equal(sim_net_listeners(), WORKER_LISTENERS_MAX);
    assert_int_equal(d.node.worker.unbound, 1);
    sim_advance(&d.sim, 5000);
    assert_int_equal(sim_net_listeners(), WORKER_LISTENERS_MAX);
    assert_int_equal(d.node.worker.unbound, 1);
    d.conf.message.n_resources--;
    sim_node_adopt(&d.node, &d.conf);
    sim_advance(&d.sim, 1100);
    assert_int_equal(d.node.worker.unbound, 0);
    for (unsigned i = 0; i < WORKER_LISTENERS_MAX; i++)
        assert_true(listens_at(&d, FIRST + i));
    sim_door_close(&d);
}

/* A change of the configuration leaves alone what is open and stays wanted. */
static void ports_come_and_go(void **state)
{
    struct sim_door d;
    open_ports(&d, 3);
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, FIRST);
    assert_int_equal(sim_net_listeners(), 3);
    sim_node_adopt(&d.node, &d.conf);
    assert_int_equal(sim_net_listeners(), 3);
    d.conf.message.n_resources--;
    sim_node_adopt(&d.node, &d.conf);
    assert_true(listens_at(&d, FIRST) && listens_at(&d, FIRST + 1));
    assert_false(listens_at(&d, FIRST + 2));
    assert_int_equal(sim_net_listeners(), 2);
    d.conf.message.n_resources++;
    sim_node_adopt(&d.node, &d.conf);
    assert_true(listens_at(&d, FIRST + 2));
    assert_int_equal(sim_net_listeners(), 3);
    assert_int_equal(d.node.worker.listener_count, 3);
    assert_int_equal(d.node.worker.unbound, 0);
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* What comes in by a port is that port's, whatever it is bound as. */
static void a_connection_is_its_ports(void **state)
{
    struct sim_door d;
    sim_door_prepare(&d);
    sim_conf_gateway(&d.conf, FIRST, "one");
    sim_conf_gateway(&d.conf, FIRST + 1, "two");
    sim_door_start(&d);
    d.node.settings.gateway_port_offset = 10000;
    d.conf.message.n_resources -= 2;
    sim_node_adopt(&d.node, &d.conf);
    d.conf.message.n_resources += 2;
    sim_node_adopt(&d.node, &d.conf);
    for (unsigned i = 0; i < 2; i++) {
        struct addr from = {.family = 4, .ip = {203, 0, 113, 9}, .port = 40000},
                    at = d.node.settings.gateway_bind;
        struct memstream_options options = {0};
        struct stream *near, *far;
        at.port = (uint16_t)(FIRST + i + 10000);
        assert_true(sim_net_listens_at(&at));
        sim_net_pair(&options, &from, &at, NULL, &near, &far);
        struct sim_peer *client = sim_peer_create(near);
        sim_net_arrive(&at, far);
        sim_peer_send(client, DOOR_GET);
        struct sim_peer *app = sim_door_app(&d, i);
        assert_non_null(app);
        sim_peer_send(app, DOOR_OK);
        sim_peer_expect(client, DOOR_OK);
        sim_door_done(&d, client);
    }
    sim_door_close(&d);
}

/* Whoever is leaving opens nothing any more, neither what it waited for nor what is new. */
static void no_ports_while_draining(void **state)
{
    for (int all = 0; all < 2; all++) {
        struct sim_door d;
        open_ports(&d, 2);
        d.conf.message.n_resources--;
        sim_net_refuse_listeners(ERR_ADDR_IN_USE);
        sim_door_start(&d);
        assert_int_equal(d.node.worker.unbound, 1);
        worker_post_drain(&d.node.worker, all);
        sim_turn(&d.sim);
        assert_int_equal(d.node.worker.unbound, 0);
        sim_net_refuse_listeners(ERR_OK);
        sim_advance(&d.sim, 5000);
        assert_int_equal(sim_net_listeners(), 0);
        d.conf.message.n_resources++;
        sim_node_adopt(&d.node, &d.conf);
        sim_advance(&d.sim, 5000);
        assert_int_equal(sim_net_listeners(), 0);
        assert_int_equal(d.node.worker.unbound, 0);
        sim_door_close(&d);
    }
}

/* A sidecar that cannot have one of its two ports says so: its process ends with that. */
static void a_sidecar_without_its_ports(void **state)
{
    struct sim_door d;
    sim_door_prepare(&d);
    sim_app_open(&d.apps[0], "10.0.0.1:8080");
    sim_app_open(&d.apps[1], "10.0.0.2:8080");
    sim_node_open(&d.node, &d.sim, MODE_SIDECAR, "10.0.9.1", &d.conf);
    assert_int_equal(sim_net_listeners(), 2);
    assert_true(sim_net_listens_at(&d.node.settings.outbound));
    assert_true(sim_net_listens_at(&d.node.settings.inbound));
    for (int which = 0; which < 4; which++) {
        worker_listen_close(&d.node.worker, true);
        assert_int_equal(sim_net_listeners(), 0);
        d.node.settings.outbound.family = which & 1 ? 4 : 0;
        d.node.settings.inbound.family = which & 2 ? 4 : 0;
        assert_true(worker_listen_open(&d.node.worker));
        assert_int_equal(sim_net_listeners(), (which & 1) + (which >> 1));
        worker_listen_close(&d.node.worker, true);
        sim_net_refuse_listeners(ERR_ADDR_IN_USE);
        assert_int_equal(worker_listen_open(&d.node.worker), which == 0);
        sim_net_refuse_listeners(ERR_OK);
    }
    sim_door_close(&d);
}

/* A client that speaks TLS to a port for HTTP is refused; it hears no answer that it could not
 * read. */
static void tls_at_a_port_for_http(void **state)
{
    struct sim_door d;
    open_ports(&d, 1);
    sim_door_start(&d);
    struct sim_peer *client = sim_door_tls(&d, FIRST, "shop", NULL, "h2");
    assert_true(sim_peer_is_over(client));
    assert_string_equal(sim_peer_got(client), "");
    assert_null(sim_door_app(&d, 0));
    assert_int_equal(sim_report.values[METRICS_CONNECTIONS_REFUSED], 1);
    sim_door_done(&d, client);
    sim_door_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_is_taken),
        cmocka_unit_test(port_is_not_wanted_any_more),
        cmocka_unit_test(more_ports_than_room),
        cmocka_unit_test(ports_come_and_go),
        cmocka_unit_test(a_connection_is_its_ports),
        cmocka_unit_test(no_ports_while_draining),
        cmocka_unit_test(a_sidecar_without_its_ports),
        cmocka_unit_test(tls_at_a_port_for_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
