/* Ports of a gateway that cannot be bound: tried until they can, and never in the way of others.
 * SPDX-License-Identifier: GPL-3.0-or-later */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_is_taken),
        cmocka_unit_test(port_is_not_wanted_any_more),
        cmocka_unit_test(more_ports_than_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
