/* What a stranger can make a sidecar remember, by choosing what he calls or what he says: each map
 * has a bound, and what is in use is not counted against it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_pod.h"
#include "tests/sim/sim_road.h"

#include <stdio.h>

enum { MANY = CLUSTER_DYNAMIC_MAX + 500 };

/* ---- one address after another ---- */

static void scan_ports(struct sim_pod *p, unsigned i)
{
    struct sim_peer *client = sim_node_connect_inbound(&p->node, "10.0.5.5", (uint16_t)(1 + i));
    sim_peer_send(client, "x");
    sim_turn(&p->sim);
    sim_peer_destroy(client);
    sim_turn(&p->sim);
}

static void scan_ports_by_http(struct sim_pod *p, unsigned i)
{
    struct sim_peer *client = sim_node_connect_inbound(&p->node, "10.0.5.5", (uint16_t)(1 + i));
    sim_peer_send(client, ROAD_GET);
    sim_turn(&p->sim);
    sim_peer_destroy(client);
    sim_turn(&p->sim);
}

static void call_addresses(struct sim_pod *p, unsigned i)
{
    char to[32];
    snprintf(to, sizeof(to), "192.0.%u.%u:80", i / 250, i % 250);
    struct sim_peer *client = sim_node_connect(&p->node, to);
    sim_turn(&p->sim);
    sim_peer_destroy(client);
    sim_turn(&p->sim);
}

static const struct {
    const char *name;
    void (*act)(struct sim_pod *p, unsigned i);
} scans[] = {
    {"ports of the pod", scan_ports},
    {"ports of the pod, in HTTP", scan_ports_by_http},
    {"addresses of strangers", call_addresses},
};

static void addresses_are_bounded(void **state)
{
    for (size_t i = 0; i < sizeof(scans) / sizeof(scans[0]); i++) {
        struct sim_pod p;
        sim_pod_prepare(&p);
        sim_pod_start(&p);
        uint64_t evicted = sim_report.values[METRICS_CLUSTERS_EVICTED];
        size_t limit = p.node.worker.clusters.limit;
        for (unsigned n = 0; n < MANY; n++)
            scans[i].act(&p, n);
        if (p.node.worker.clusters.dynamic.count != limit)
            fail_msg("%s: %zu are kept, of %zu", scans[i].name,
                     p.node.worker.clusters.dynamic.count, limit);
        assert_int_equal(sim_report.values[METRICS_CLUSTERS_EVICTED] - evicted, MANY - limit);
        sim_pod_close(&p);
    }
}

/* However many others come: what is in use stays, and so does what is used again and again. */
static void what_is_in_use_stays(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    p.inbound->mtls = WEFT__CONFIG__V1__MTLS_MODE__MTLS_DISABLE;
    sim_pod_start(&p);
    struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
    sim_peer_send(client, "\x01 bytes");
    sim_turn(&p.sim);
    struct sim_peer *app = sim_app_accept(&p.app);
    assert_non_null(app);
    for (unsigned n = 0; n < MANY; n++) {
        sim_advance(&p.sim, 1);
        scan_ports(&p, n < 8079 ? n : n + 1);
    }
    sim_peer_forget(app);
    sim_peer_send(client, "more");
    sim_peer_expect(app, "more");
    assert_int_equal(p.node.worker.clusters.dynamic.count, p.node.worker.clusters.limit);
    sim_peer_close(app);
    sim_turn(&p.sim);
    sim_peer_destroy(client);
    sim_pod_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_bounded),
        cmocka_unit_test(what_is_in_use_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
