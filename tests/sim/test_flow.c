/* Datagrams through a gateway: flows, their ends, their limits, and what becomes of datagrams that
 * lead nowhere.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "sidecar/upstream/outlier.h"
#include "tests/sim/udp_door.h"

static char *client_at(unsigned i)
{
    static char text[32];
    snprintf(text, sizeof(text), "203.0.%u.%u:%u", i >> 8 & 0xff, i & 0xff, 1024 + (i >> 16));
    return text;
}

static void assert_addr(const struct addr *got, const char *wanted)
{
    char text[ADDR_TEXT_MAX];
    assert_string_equal(addr_format(got, text), wanted);
}

/* The answer comes from the address that the client wrote to, and goes to its port; all of a client
 * goes to one server, whose answers have one way back.
 * requirement: A24, L5 */
static void there_and_back(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    for (unsigned i = 0; i < 5; i++)
        udp_door_ask(&d, UDP_CLIENT, "question");
    struct sim_udp_host *server = udp_door_server(&d);
    assert_int_equal(server->count, 5);
    assert_string_equal(server->text, "question");
    assert_int_equal(udp_door_flows(&d), 1);
    sim_udp_answer(server, "the answer");
    assert_int_equal(sim_udp_sent.count, 1);
    assert_string_equal(sim_udp_sent.text, "the answer");
    assert_addr(&sim_udp_sent.peer, UDP_CLIENT);
    assert_addr(&sim_udp_sent.local, "198.51.100.1:53");
    assert_int_equal(sim_report.values[METRICS_UDP_DATAGRAMS_RECEIVED], 5);
    assert_int_equal(sim_report.values[METRICS_UDP_BYTES_RECEIVED], 40);
    assert_int_equal(sim_report.values[METRICS_UDP_DATAGRAMS_SENT], 1);
    assert_int_equal(sim_report.values[METRICS_UDP_BYTES_SENT], 10);
    udp_door_close(&d);
    assert_int_equal(sim_report.tunnels_opened, 1);
    assert_int_equal(sim_report.tunnels_closed, 1);
    assert_int_equal(sim_report.request_bytes, 40);
    assert_int_equal(sim_report.response_bytes, 10);
    assert_int_equal(sim_report.fail, FAIL_NONE);
}

/* A datagram without a byte is one all the same (RFC 768: a length of 8). */
static void nothing_is_something(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, UDP_CLIENT, "");
    struct sim_udp_host *server = udp_door_server(&d);
    assert_int_equal(server->count, 1);
    assert_int_equal(server->len, 0);
    sim_udp_answer(server, "");
    assert_int_equal(sim_udp_sent.count, 1);
    assert_int_equal(sim_udp_sent.len, 0);
    udp_door_close(&d);
}

/* Port, address of the client and address of ours: each makes another flow. */
static void who_is_who(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    sim_udp_arrive(53, "203.0.113.9:1", "198.51.100.1", "x", 1);
    sim_udp_arrive(53, "203.0.113.9:2", "198.51.100.1", "x", 1);
    sim_udp_arrive(53, "203.0.113.8:1", "198.51.100.1", "x", 1);
    sim_udp_arrive(53, "203.0.113.9:1", "198.51.100.2", "x", 1);
    sim_udp_arrive(53, "[2001:db8::9]:1", "[2001:db8::1]", "x", 1);
    assert_int_equal(udp_door_flows(&d), 5);
    sim_udp_arrive(53, "203.0.113.9:1", "198.51.100.1", "x", 1);
    assert_int_equal(udp_door_flows(&d), 5);
    assert_int_equal(d.hosts[0].count + d.hosts[1].count, 6);
    assert_in_range(d.hosts[0].count, 2, 4); /* in turn */
    udp_door_close(&d);
}

/* What comes in together and is of one client is sent together. */
static void batches(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    sim_udp_arrive(53, UDP_CLIENT, NULL, "x", 16);
    sim_udp_arrive(53, UDP_CLIENT, NULL, "x", 7);
    assert_int_equal(udp_door_server(&d)->count, 23);
    assert_int_equal(udp_door_flows(&d), 1);
    udp_door_close(&d);
}

/* A minute of silence in both directions ends it; a datagram of either begins it anew. */
static void silence(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    struct sim_udp_host *server = udp_door_server(&d);
    sim_advance(&d.sim, 59000);
    udp_door_ask(&d, UDP_CLIENT, "x");
    sim_advance(&d.sim, 59000);
    sim_udp_answer(server, "y");
    sim_advance(&d.sim, 59000);
    assert_int_equal(udp_door_flows(&d), 1);
    sim_advance(&d.sim, 2000);
    assert_int_equal(udp_door_flows(&d), 0);
    assert_int_equal(sim_report.fail, FAIL_NONE);
    udp_door_close(&d);
}

static void silence_of_the_policy(void **state)
{
    struct udp_door d;
    udp_door_prepare(&d);
    d.one->timeouts = sim_conf_timeouts(&d.conf);
    d.one->timeouts->idle_ms = 3000;
    sim_conf_share(&d.conf, d.route, "one", 1);
    udp_door_start(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    sim_advance(&d.sim, 2900);
    assert_int_equal(udp_door_flows(&d), 1);
    sim_advance(&d.sim, 200);
    assert_int_equal(udp_door_flows(&d), 0);
    udp_door_close(&d);
}

/* A share that leads nowhere gets its part of the clients, and all that they send; one of weight 0
 * gets none. The choice is by a hash that differs from process to process. */
static void weights(void **state)
{
    enum { CLIENTS = 1000, EACH = 3 };
    struct udp_door d;
    udp_door_prepare(&d);
    sim_conf_share(&d.conf, d.route, "one", 6);
    sim_conf_share(&d.conf, d.route, "", 4);
    sim_conf_share(&d.conf, d.route, "two", 0);
    udp_door_start(&d);
    for (unsigned i = 0; i < CLIENTS; i++)
        for (unsigned j = 0; j < EACH; j++)
            sim_udp_arrive(53, client_at(i), NULL, "x", 1);
    unsigned passed = d.hosts[0].count + d.hosts[1].count;
    assert_int_equal(passed % EACH, 0);
    assert_int_equal(passed / EACH, udp_door_flows(&d));
    assert_in_range(passed / EACH, CLIENTS * 6 / 10 - 100, CLIENTS * 6 / 10 + 100);
    assert_int_equal(d.hosts[2].count, 0);
    assert_int_equal(sim_report.dropped, CLIENTS * EACH - passed);
    assert_string_equal(sim_report.drop_reason, "no_cluster");
    udp_door_close(&d);
}

static void expect_drop(struct udp_door *d, const char *reason)
{
    sim_udp_arrive(53, UDP_CLIENT, NULL, "x", 3);
    sim_turn(&d->sim);
    assert_int_equal(udp_door_flows(d), 0);
    assert_int_equal(udp_door_had(d), 0);
    assert_int_equal(sim_report.dropped, 3);
    assert_string_equal(sim_report.drop_reason, reason);
    udp_door_close(d);
}

static void without_a_route(void **state)
{
    struct udp_door d;
    udp_door_prepare(&d);
    d.port->listeners[0]->n_stream_routes = 0;
    udp_door_start(&d);
    expect_drop(&d, "no_route");
}

static void without_weights(void **state)
{
    struct udp_door d;
    udp_door_prepare(&d);
    sim_conf_share(&d.conf, d.route, "one", 0);
    udp_door_start(&d);
    expect_drop(&d, "no_cluster");
}

static void without_endpoints(void **state)
{
    struct udp_door d;
    udp_door_prepare(&d);
    sim_conf_share(&d.conf, d.route, "two", 1);
    d.two->endpoints[0]->ready = false;
    udp_door_start(&d);
    expect_drop(&d, "no_endpoint");
}

/* Policies with an address hold, and what asks for more than that lets nothing in. */
static void not_allowed(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct udp_door d;
        udp_door_prepare(&d);
        sim_authz *a = sim_conf_authz(&d.conf, i == 1 ? SIM_DENY : SIM_ALLOW,
                                      i == 2 ? "GET" : NULL, NULL);
        sim_conf_remote(&d.conf, a, i == 1 ? "203.0.113.0/24" : "192.0.2.0/24");
        d.port->authorization = sim_conf_authorization(&d.conf, a);
        sim_conf_share(&d.conf, d.route, "one", 1);
        udp_door_start(&d);
        expect_drop(&d, "authz_denied");
    }
}

static void allowed(void **state)
{
    struct udp_door d;
    udp_door_prepare(&d);
    sim_authz *a = sim_conf_authz(&d.conf, SIM_ALLOW, NULL, NULL);
    sim_conf_remote(&d.conf, a, "203.0.113.0/24");
    d.port->authorization = sim_conf_authorization(&d.conf, a);
    sim_conf_share(&d.conf, d.route, "one", 1);
    udp_door_start(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_int_equal(udp_door_had(&d), 1);
    udp_door_close(&d);
}

/* A flow is a connection for the circuit breaker, until it ends. */
static void circuit_breaker(void **state)
{
    struct udp_door d;
    udp_door_prepare(&d);
    sim_conf_share(&d.conf, d.route, "one", 1);
    d.one->breaker = arena_alloc(&d.conf.arena, sizeof(*d.one->breaker));
    weft__config__v1__circuit_breaker__init(d.one->breaker);
    d.one->breaker->max_connections = 2;
    d.one->breaker->max_requests = d.one->breaker->max_pending = 100;
    udp_door_start(&d);
    for (unsigned i = 0; i < 3; i++)
        udp_door_ask(&d, client_at(i), "x");
    assert_int_equal(udp_door_flows(&d), 2);
    assert_string_equal(sim_report.drop_reason, "overflow");
    udp_door_ask(&d, client_at(0), "x");
    assert_int_equal(udp_door_had(&d), 3);
    sim_advance(&d.sim, 61000);
    udp_door_ask(&d, client_at(2), "x");
    assert_int_equal(udp_door_had(&d), 4);
    udp_door_close(&d);
}

/* Of too many, the one that was silent for longest goes; neither the newest nor one that talks. */
static void too_many(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    uint32_t limit = d.node.worker.flows.limit;
    assert_int_equal(limit, FLOW_MAX);
    d.node.worker.flows.limit = 10;
    for (unsigned i = 0; i < 10; i++)
        udp_door_ask(&d, client_at(i), "x");
    udp_door_ask(&d, client_at(0), "x");
    udp_door_ask(&d, client_at(10), "x");
    assert_int_equal(udp_door_flows(&d), 10);
    assert_int_equal(sim_report.values[METRICS_UDP_FLOWS_EVICTED], 1);
    unsigned opened = sim_report.tunnels_opened;
    udp_door_ask(&d, client_at(0), "x");
    udp_door_ask(&d, client_at(2), "x");
    assert_int_equal(sim_report.tunnels_opened, opened);
    udp_door_ask(&d, client_at(1), "x");
    assert_int_equal(sim_report.tunnels_opened, opened + 1);
    assert_int_equal(sim_report.dropped, 0);
    udp_door_close(&d);
}

/* Where there is no descriptor left, one that was silent gives its own, once. */
static void out_of_descriptors(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, client_at(0), "x");
    sim_udp_refuse_connects(ERR_FILES, 1);
    udp_door_ask(&d, client_at(1), "x");
    assert_int_equal(udp_door_had(&d), 2);
    assert_int_equal(udp_door_flows(&d), 1);
    assert_int_equal(sim_report.values[METRICS_UDP_FLOWS_EVICTED], 1);
    sim_udp_refuse_connects(ERR_FILES, 2);
    udp_door_ask(&d, client_at(2), "x");
    assert_int_equal(udp_door_flows(&d), 0);
    assert_string_equal(sim_report.drop_reason, "connect_failed");
    sim_udp_refuse_connects(ERR_UNREACHABLE, 1);
    udp_door_ask(&d, client_at(3), "x");
    assert_int_equal(sim_report.dropped, 2);
    udp_door_close(&d);
}

/* What the kernel does not take is lost and counted; the flow goes on. */
static void back_pressure(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    struct sim_udp_host *server = udp_door_server(&d);
    sim_udp_refuse_sends(ERR_AGAIN, ERR_OK);
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_string_equal(sim_report.drop_reason, "buffer_full");
    sim_udp_refuse_sends(ERR_OK, ERR_AGAIN);
    sim_udp_answer(server, "y");
    assert_int_equal(sim_report.dropped, 2);
    assert_int_equal(sim_udp_sent.count, 0);
    sim_udp_refuse_sends(ERR_LIMIT, ERR_UNREACHABLE);
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_string_equal(sim_report.drop_reason, "unsendable");
    sim_udp_answer(server, "y");
    assert_string_equal(sim_report.drop_reason, "client_unreachable");
    sim_udp_refuse_sends(ERR_OK, ERR_OK);
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_int_equal(server->count, 2);
    assert_int_equal(udp_door_flows(&d), 1);
    udp_door_close(&d);
}

/* A server whose system says that nobody listens: the flow ends, the next one goes elsewhere, and
 * who does that again and again is ejected. */
static void refused_by_the_server(void **state)
{
    struct udp_door d;
    udp_door_prepare(&d);
    sim_conf_share(&d.conf, d.route, "one", 1);
    d.one->outlier->consecutive_failures = 3;
    udp_door_start(&d);
    d.hosts[0].refuses = true;
    for (unsigned i = 0; i < 20; i++)
        udp_door_ask(&d, UDP_CLIENT, "x");
    assert_int_equal(d.hosts[0].count, 0);
    assert_in_range(d.hosts[1].count, 18, 19); /* the flow that was not refused stays */
    for (unsigned i = 0; i < 6; i++)
        udp_door_ask(&d, client_at(i), "x");
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 1);
    unsigned before = d.hosts[1].count;
    for (unsigned i = 100; i < 110; i++)
        udp_door_ask(&d, client_at(i), "x");
    assert_int_equal(d.hosts[1].count, before + 10);
    udp_door_close(&d);
}

/* An answer in between: the failures are not in a row. */
static void answers_make_up_for_refusals(void **state)
{
    struct udp_door d;
    udp_door_prepare(&d);
    sim_conf_share(&d.conf, d.route, "two", 1);
    sim_conf_endpoint(&d.conf, d.two, "10.0.0.1:5353");
    d.two->outlier->consecutive_failures = 3;
    sim_conf_balance(d.two, "RoundRobin");
    udp_door_start(&d);
    for (unsigned i = 0; i < 12; i++) {
        bool is_answering = i % 3 == 2;
        d.hosts[2].refuses = d.hosts[0].refuses = !is_answering;
        for (unsigned j = 0; j < 2; j++) /* one for each of the two */
            udp_door_ask(&d, client_at(i * 2 + j), "x");
        if (is_answering) {
            sim_udp_answer(&d.hosts[2], "y");
            sim_udp_answer(&d.hosts[0], "y");
        }
    }
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 0);
    udp_door_close(&d);
}

/* The refusal of an earlier datagram may also be heard when the next one is sent. */
static void refused_while_sending(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    sim_udp_refuse_sends(ERR_REFUSED, ERR_OK);
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_int_equal(udp_door_flows(&d), 0);
    assert_int_equal(sim_report.fail, FAIL_CONNECT_FAILED);
    udp_door_close(&d);
}

/* Whoever keeps its port leaves a server that was ejected meanwhile. */
static void away_from_the_ejected(void **state)
{
    struct udp_door d;
    udp_door_open(&d);
    udp_door_ask(&d, UDP_CLIENT, "x");
    struct sim_udp_host *server = udp_door_server(&d);
    struct sim_udp_host *other = server == &d.hosts[0] ? &d.hosts[1] : &d.hosts[0];
    struct cluster *c = sim_node_cluster(&d.node, "one");
    struct endpoint *e = c->endpoints[server == &d.hosts[0] ? 0 : 1];
    for (unsigned i = 0; i < 10; i++)
        (void)outlier_failure(e, OUTLIER_TCP);
    assert_true(outlier_is_ejected(e->conf->health, loop_now_ms(d.sim.loop)));
    udp_door_ask(&d, UDP_CLIENT, "x");
    assert_int_equal(server->count, 1);
    assert_int_equal(other->count, 1);
    assert_int_equal(udp_door_flows(&d), 1);
    udp_door_close(&d);
}

/* A Service that is the gateway itself would be asked for ever. */
static void no_loop(void **state)
{
    struct udp_door d;
    udp_door_prepare(&d);
    sim_conf_share(&d.conf, d.route, "self", 1);
    sim_conf_endpoint(&d.conf, sim_conf_cluster(&d.conf, "self"), "10.0.9.1:53");
    udp_door_start(&d);
    expect_drop(&d, "loop");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(nothing_is_something),
        cmocka_unit_test(who_is_who),
        cmocka_unit_test(batches),
        cmocka_unit_test(silence),
        cmocka_unit_test(silence_of_the_policy),
        cmocka_unit_test(weights),
        cmocka_unit_test(without_a_route),
        cmocka_unit_test(without_weights),
        cmocka_unit_test(without_endpoints),
        cmocka_unit_test(not_allowed),
        cmocka_unit_test(allowed),
        cmocka_unit_test(circuit_breaker),
        cmocka_unit_test(too_many),
        cmocka_unit_test(out_of_descriptors),
        cmocka_unit_test(back_pressure),
        cmocka_unit_test(refused_by_the_server),
        cmocka_unit_test(answers_make_up_for_refusals),
        cmocka_unit_test(refused_while_sending),
        cmocka_unit_test(away_from_the_ejected),
        cmocka_unit_test(no_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
