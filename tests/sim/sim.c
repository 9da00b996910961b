/* Setting up and taking down what is simulated, with the checks that nothing is left behind.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim.h"

#include "lib/base/log.h"
#include "lib/io/work.h"
#include "sidecar/session/session.h"
#include "sidecar/upstream/cluster.h"
#include "tests/sim/sim_report.h"
#include "tests/sim/sim_udp.h"

struct sim_report sim_report;

enum { START_MS = 1000000, SEED = 7, SIM_WORK_MAX = 2 };

void sim_open(struct sim *s)
{
    /* What a sidecar says of hostile peers is of no subscription here. */
    atomic_store(&log_threshold, LOG_ERROR);
    s->loop = loop_sim_create(START_MS);
    sim_net_open(s->loop);
    sim_tls_reset();
    sim_report = (struct sim_report){0};
}

void sim_turn(struct sim *s)
{
    assert_true(loop_sim_turn(s->loop));
}

void sim_advance(struct sim *s, uint64_t ms)
{
    loop_sim_advance(s->loop, ms);
}

void sim_close(struct sim *s)
{
    sim_turn(s);
    assert_int_equal(sim_net_streams(), 0);
    assert_int_equal(sim_net_listeners(), 0);
    assert_int_equal(sim_udp_open(), 0);
    loop_destroy(s->loop);
    sim_net_close();
}

/* ---- sidecars ---- */

static struct snapshot *build(struct sim_node *n, const struct sim_conf *conf)
{
    static const Weft__Config__V1__Configuration empty = WEFT__CONFIG__V1__CONFIGURATION__INIT;
    struct snapshot *made;
    char detail[256] = "";
    if (snapshot_build(n->builder, conf ? &conf->message : &empty, &made, detail) != ERR_OK)
        fail_msg("%s", detail);
    return made;
}

static void set_up(struct settings *s, enum sidecar_mode mode, const char *ip)
{
    static char label[] = "default/app", domain[] = "cluster.local", space[] = "default",
                account[] = "app";
    *s = (struct settings){
        .mode = mode,
        .source_label = label,
        .trust_domain = domain,
        .namespace_name = space,
        .service_account = account,
        .workload = account,
        .outbound = {.family = 4, .port = 15001, .ip = {127, 0, 0, 1}},
        .inbound = {.family = 4, .port = 15006},
        .gateway_bind = {.family = 4},
        .outbound_port = 15001,
        .inbound_port = 15006,
        .is_redirected = true,
        .silence_ms = 100,
        .server_outbound = {.scheme = SLICE("http")},
        .server_inbound = {.scheme = SLICE("http")},
        .server_mesh = {.scheme = SLICE("http"), .ping_interval_ms = 10000},
        .client_mesh = {.ping_interval_ms = 10000},
        .server_ingress = {.scheme = SLICE("http")},
        .server_ingress_tls = {.scheme = SLICE("https")},
    };
    assert_int_equal(addr_parse(slice_from_cstr(ip), &s->pod_ip), ERR_OK);
    s->inbound.port = 15006;
}

static void on_inbound(struct sim_host *h, struct stream *accepted, const struct addr *to)
{
    struct sim_node *n = h->owner;
    (void)to;
    session_open(&n->worker, accepted, &side_inbound, 0);
}

void sim_node_open(struct sim_node *n, struct sim *s, enum sidecar_mode mode, const char *ip,
                   const struct sim_conf *conf)
{
    *n = (struct sim_node){.sim = s};
    set_up(&n->settings, mode, ip);
    n->app.settings = &n->settings;
    n->app.work = work_pool_create_on(s->loop, SIM_WORK_MAX);
    n->builder = snapshot_builder_create();
    struct snapshot *first = build(n, conf);
    worker_init_on(&n->worker, s->loop, &n->app, 0, first);
    snapshot_unref(first);
    rand_seed(&n->worker.rand, SEED);
    worker_open(&n->worker);
    assert_true(n->app.listening);
    n->host = (struct sim_host){
        .at = n->settings.pod_ip, .proxy_port = 15006, .on_accept = on_inbound, .owner = n};
    sim_net_add(&n->host);
}

void sim_node_adopt(struct sim_node *n, const struct sim_conf *conf)
{
    struct snapshot *next = build(n, conf);
    worker_post_snapshot(&n->worker, next);
    sim_turn(n->sim);
    assert_int_equal(n->app.adopted, snapshot_version(next));
    snapshot_unref(next);
}

void sim_node_identify(struct sim_node *n, const char *spiffe_id)
{
    struct mesh_identity *m = sim_tls_identity(++n->identity_generation, spiffe_id);
    worker_post_identity(&n->worker, m);
    mesh_identity_unref(m);
    sim_turn(n->sim);
}

static void check_cluster(const struct cluster *c)
{
    assert_int_equal(c->active, 0);
    assert_int_equal(c->pending, 0);
    for (uint32_t i = 0; i < c->endpoint_count; i++)
        assert_int_equal(c->endpoints[i]->active, 0);
}

void sim_node_check_idle(struct sim_node *n)
{
    const struct cluster_table *t = &n->worker.clusters;
    sim_turn(n->sim);
    assert_int_equal(n->worker.session_count, 0);
    assert_int_equal(n->worker.exchange_count, 0);
    assert_int_equal(n->worker.lease->pins, 1);
    for (uint32_t i = 0; i < t->slots; i++)
        if (t->by_slot[i])
            check_cluster(t->by_slot[i]);
    size_t at = 0;
    struct slice key;
    void *value;
    while (map_next(&t->dynamic, &at, &key, &value))
        check_cluster(value);
}

static void check_unconnected(const struct cluster_table *t)
{
    for (uint32_t i = 0; i < t->slots; i++) {
        if (!t->by_slot[i])
            continue;
        assert_int_equal(t->by_slot[i]->connections, 0);
        assert_true(list_is_empty(&t->by_slot[i]->gone));
    }
}

void sim_node_close(struct sim_node *n)
{
    sim_node_check_idle(n);
    work_pool_stop(n->app.work);
    work_pool_destroy(n->app.work);
    worker_close(&n->worker);
    sim_turn(n->sim);
    check_unconnected(&n->worker.clusters);
    worker_dispose(&n->worker);
    snapshot_builder_destroy(n->builder);
    sim_net_remove(&n->host);
}

/* ---- clients ---- */

static struct addr client_address(const char *ip)
{
    static uint16_t port = 50000;
    struct addr a;
    assert_int_equal(addr_parse(slice_from_cstr(ip), &a), ERR_OK);
    a.port = port++;
    return a;
}

struct stream *sim_node_dial(struct sim_node *n, const char *to)
{
    struct addr from = client_address("127.0.0.1"), original = {0};
    struct stream *client, *server;
    if (to)
        assert_int_equal(addr_parse(slice_from_cstr(to), &original), ERR_OK);
    sim_net_pair(&n->pieces, &from, &n->settings.outbound, to ? &original : NULL, &client, &server);
    session_open(&n->worker, server, &side_outbound, 0);
    return client;
}

struct sim_peer *sim_node_connect(struct sim_node *n, const char *to)
{
    return sim_peer_create(sim_node_dial(n, to));
}

struct stream *sim_node_dial_inbound(struct sim_node *n, const char *from, uint16_t port)
{
    struct addr peer = client_address(from), at = n->settings.pod_ip, original = at;
    struct stream *client, *server;
    at.port = n->settings.inbound_port;
    original.port = port;
    sim_net_pair(&n->pieces, &peer, &at, &original, &client, &server);
    session_open(&n->worker, server, &side_inbound, 0);
    return client;
}

struct sim_peer *sim_node_connect_inbound(struct sim_node *n, const char *from, uint16_t port)
{
    return sim_peer_create(sim_node_dial_inbound(n, from, port));
}

struct stream *sim_node_dial_gateway(struct sim_node *n, uint16_t port)
{
    struct addr from = client_address("203.0.113.9"), at = n->settings.pod_ip;
    struct stream *client, *server;
    at.port = port;
    sim_net_pair(&n->pieces, &from, &at, NULL, &client, &server);
    session_open(&n->worker, server, &side_gateway, port);
    return client;
}

struct sim_peer *sim_node_connect_gateway(struct sim_node *n, uint16_t port)
{
    return sim_peer_create(sim_node_dial_gateway(n, port));
}

struct cluster *sim_node_cluster(struct sim_node *n, const char *name)
{
    uint32_t count;
    const struct cluster_conf *const *confs =
        snapshot_clusters(worker_snapshot(&n->worker), &count);
    for (uint32_t i = 0; i < count; i++)
        if (slice_eq_cstr(confs[i]->name, name))
            return cluster_of(&n->worker.clusters, confs[i]);
    return NULL;
}
