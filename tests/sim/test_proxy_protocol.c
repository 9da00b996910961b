/* The PROXY protocol at a Gateway: who the client is then, in every kind of listener, and what
 * becomes of connections without a header. Version 1 and 2; the parser has tests of its own.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/codec/proxy/proxy_header.h"
#include "tests/sim/sim_door.h"
#include "tests/sim/sim_pod.h"
#include "tests/sim/sim_tls.h"

#define LINE "PROXY TCP4 198.51.100.7 10.0.9.1 4711 8000\r\n"
#define REFUSED METRICS_CONNECTIONS_REFUSED

static char required[] = "{\"proxyProtocol\":\"Required\"}";
static char in_haste[] =
    "{\"proxyProtocol\":\"Required\",\"timeouts\":{\"requestHeader\":\"500ms\"}}";

static void open_door(struct sim_door *d, char *spec, const char *trusted)
{
    sim_door_prepare(d);
    sim_clients *clients = sim_conf_clients(&d->conf, sim_conf_gateway(&d->conf, 8000, "one"));
    clients->spec = spec;
    if (trusted)
        sim_conf_trust(&d->conf, clients, trusted);
    sim_door_start(d);
}

/* One more was refused, and the client sees its end. */
static void expect_refused(struct sim_door *d, struct sim_peer *client, uint64_t before)
{
    sim_turn(&d->sim);
    assert_true(sim_peer_is_over(client));
    assert_int_equal(sim_report.values[REFUSED], before + 1);
    assert_null(sim_door_app(d, 0));
    sim_door_done(d, client);
}

static void expect_client(struct sim_door *d, struct sim_peer *client, const char *field)
{
    struct sim_peer *app = sim_door_app(d, 0);
    assert_non_null(app);
    sim_peer_expect_part(app, "GET /x HTTP/1.1\r\n", field);
    sim_peer_send(app, DOOR_OK);
    sim_turn(&d->sim);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK\r\n", "hello");
}

static void the_client_is_whom_the_header_names(void **state)
{
    struct sim_door d;
    uint8_t header[PROXY_HEADER_WRITE_MAX];
    struct addr from, to;
    (void)state;
    assert_int_equal(addr_parse(SLICE("[2001:db8::7]:4711"), &from), ERR_OK);
    assert_int_equal(addr_parse(SLICE("[2001:db8::1]:8000"), &to), ERR_OK);
    open_door(&d, required, NULL);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
    sim_peer_send(client, LINE DOOR_GET);
    expect_client(&d, client, "x-forwarded-for: 198.51.100.7\r\n");
    /* Also for the next request of the connection. */
    sim_peer_send(client, DOOR_GET);
    sim_turn(&d.sim);
    sim_door_done(&d, client);
    client = sim_node_connect_gateway(&d.node, 8000);
    sim_peer_send_bytes(client, header, proxy_header_write(2, &from, &to, header));
    sim_turn(&d.sim);
    sim_peer_send(client, DOOR_GET);
    expect_client(&d, client, "x-real-ip: 2001:db8::7\r\n");
    sim_door_done(&d, client);
    sim_door_close(&d);
}

static void byte_by_byte(void **state)
{
    struct sim_door d;
    (void)state;
    open_door(&d, required, NULL);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
    for (const char *at = LINE DOOR_GET; *at; at++) {
        sim_peer_send_bytes(client, at, 1);
        sim_turn(&d.sim);
    }
    expect_client(&d, client, "x-forwarded-for: 198.51.100.7\r\n");
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* A health check of the balancer's own, or a client whose address it does not know. */
static void without_an_address_it_is_the_balancer(void **state)
{
    struct sim_door d;
    (void)state;
    open_door(&d, required, NULL);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
    sim_peer_send(client, "PROXY UNKNOWN\r\n" DOOR_GET);
    expect_client(&d, client, "x-forwarded-for: 203.0.113.9\r\n");
    sim_door_done(&d, client);
    sim_door_close(&d);
}

static void a_connection_without_a_header_is_closed(void **state)
{
    static const char *const first[] = {DOOR_GET, "\x16\x03\x01",
                                        "PROXY TCP4 nobody 10.0.9.1 1 2\r\n"};
    struct sim_door d;
    (void)state;
    open_door(&d, required, NULL);
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        uint64_t before = sim_report.values[REFUSED];
        struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
        sim_peer_send(client, first[i]);
        expect_refused(&d, client, before);
    }
    sim_door_close(&d);
}

static void a_header_that_does_not_end_is_not_waited_for(void **state)
{
    struct sim_door d;
    (void)state;
    open_door(&d, in_haste, NULL);
    uint64_t before = sim_report.values[REFUSED];
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
    sim_peer_send(client, "PROXY TCP4 ");
    sim_advance(&d.sim, 400);
    assert_false(sim_peer_is_over(client));
    sim_peer_send(client, "198.51.100.7 ");
    sim_advance(&d.sim, 200);
    expect_refused(&d, client, before);
    /* Nor is one that was only begun. */
    before = sim_report.values[REFUSED];
    client = sim_node_connect_gateway(&d.node, 8000);
    sim_peer_send(client, "PROXY ");
    sim_peer_shut(client);
    expect_refused(&d, client, before);
    sim_door_close(&d);
}

static void only_trusted_addresses_may_say_it(void **state)
{
    struct sim_door d;
    (void)state;
    open_door(&d, required, "10.0.0.0/8");
    uint64_t before = sim_report.values[REFUSED];
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
    expect_refused(&d, client, before);
    sim_door_close(&d);
    open_door(&d, required, "203.0.113.0/24");
    client = sim_node_connect_gateway(&d.node, 8000);
    sim_peer_send(client, LINE DOOR_GET);
    expect_client(&d, client, "x-forwarded-for: 198.51.100.7\r\n");
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* It stands in front of the TLS hello. */
static void before_tls(void **state)
{
    struct sim_door d;
    (void)state;
    sim_door_prepare(&d);
    sim_gateway *g = sim_conf_gateway(&d.conf, 8443, "one");
    sim_conf_https(&d.conf, g);
    sim_conf_clients(&d.conf, g)->spec = required;
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8443);
    sim_peer_send(client, LINE);
    sim_tls_connect_to(client->s, "shop", NULL, NULL);
    sim_turn(&d.sim);
    sim_peer_send(client, DOOR_GET);
    expect_client(&d, client, "x-forwarded-for: 198.51.100.7\r\n");
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* What is set for connections to come changes nothing about those that are there. */
static void turned_on_while_a_connection_is_there(void **state)
{
    struct sim_door d;
    (void)state;
    sim_door_prepare(&d);
    sim_gateway *g = sim_conf_gateway(&d.conf, 8000, "one");
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
    sim_peer_send(client, DOOR_GET);
    expect_client(&d, client, "x-forwarded-for: 203.0.113.9\r\n");
    sim_conf_clients(&d.conf, g)->spec = required;
    sim_node_adopt(&d.node, &d.conf);
    sim_peer_send(client, DOOR_GET);
    sim_turn(&d.sim);
    struct sim_peer *other = sim_node_connect_gateway(&d.node, 8000);
    uint64_t before = sim_report.values[REFUSED];
    sim_peer_send(other, DOOR_GET);
    sim_turn(&d.sim);
    assert_true(sim_peer_is_over(other));
    assert_int_equal(sim_report.values[REFUSED], before + 1);
    assert_false(sim_peer_is_over(client));
    sim_peer_destroy(other);
    sim_door_done(&d, client);
    sim_door_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_whom_the_header_names),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(without_an_address_it_is_the_balancer),
        cmocka_unit_test(a_connection_without_a_header_is_closed),
        cmocka_unit_test(a_header_that_does_not_end_is_not_waited_for),
        cmocka_unit_test(only_trusted_addresses_may_say_it),
        cmocka_unit_test(before_tls),
        cmocka_unit_test(turned_on_while_a_connection_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
