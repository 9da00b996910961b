/* What is particular about HTTP at a gateway: gRPC and its answers, HTTP/2 in the clear, switched
 * connections, backends that cannot be called.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"

#include <string.h>

/* ---- gRPC ---- */

struct grpc {
    struct sim_door d;
    sim_gateway *gateway;
    struct sim_server server;
    struct sim_client client;
};

static void open_grpc(struct grpc *g, Weft__Config__V1__Protocol protocol)
{
    static char prefix[] = "/echo.Echo";
    sim_door_prepare(&g->d);
    g->d.one->protocol = protocol;
    sim_conf_endpoint(&g->d.conf, g->d.one, "10.0.0.3:7070");
    g->d.one->endpoints[0]->ready = false;
    g->gateway = sim_conf_gateway(&g->d.conf, 8000, "one");
    g->gateway->virtual_hosts[0]->routes[0]->match->path->path_prefix = prefix;
    sim_door_start(&g->d);
    sim_server_open(&g->server, g->d.sim.loop, "10.0.0.3:7070", HTTP_PROTOCOL_2);
    g->server.manual = true;
    sim_client_open(&g->client, sim_node_dial_gateway(&g->d.node, 8000), HTTP_PROTOCOL_2);
}

static void close_grpc(struct grpc *g)
{
    sim_client_close(&g->client);
    sim_node_check_idle(&g->d.node);
    sim_server_close(&g->server);
    sim_door_close(&g->d);
}

static struct sim_call *call(struct grpc *g, const char *path)
{
    struct sim_call *c = sim_client_make(&g->client);
    struct message *m = sim_call_request(c, "POST", "shop", path);
    sim_call_add(m, c, "content-type", "application/grpc");
    sim_call_add(m, c, "te", "trailers");
    sim_client_send(&g->client, c, m, false);
    sim_call_send(c, "ping", true);
    sim_turn(&g->d.sim);
    return c;
}

/* Answers of our own are answers that a gRPC client understands. */
static void expect_status(struct sim_call *c, const char *status, const char *reason)
{
    assert_true(c->done);
    assert_int_equal(c->head->status, 200);
    assert_string_equal(sim_call_header(c, "content-type"), "application/grpc");
    assert_string_equal(sim_call_header(c, "grpc-status"), status);
    assert_string_equal(sim_call_header(c, "x-weft-reason"), reason);
}

/* By HTTP/2 to a backend of which nobody said what it speaks: gRPC does. */
static void grpc_both_ways(void **state)
{
    static const Weft__Config__V1__Protocol protocols[] = {SIM_AUTO, SIM_HTTP2};
    for (unsigned i = 0; i < 2; i++) {
        struct grpc g;
        struct headers trailers;
        open_grpc(&g, protocols[i]);
        struct sim_call *c = call(&g, "/echo.Echo/Say");
        struct sim_call *at = sim_server_call(&g.server, 0);
        assert_non_null(at);
        assert_int_equal(at->head->version, HTTP_2);
        assert_string_equal(sim_text_get(&at->body), "ping");
        headers_init(&trailers, &at->arena);
        headers_add(&trailers, SLICE("grpc-status"), SLICE("0"));
        sim_server_head(at, 200, -1, false);
        sim_call_send(at, "pong", false);
        http_stream_send_trailers(&at->st, &trailers);
        sim_turn(&g.d.sim);
        assert_true(c->done);
        assert_string_equal(sim_text_get(&c->body), "pong");
        assert_true(slice_eq_cstr(headers_get_id(c->trailers, HEADER_GRPC_STATUS), "0"));
        close_grpc(&g);
    }
}

/* The frame of that kind among what came; NULL: there is none. */
static const unsigned char *find_frame(const struct sim_peer *p, unsigned char kind)
{
    const unsigned char *f = (const void *)(sim_peer_got(p) + 24); /* behind the preface */
    for (size_t left = p->in.len - 24; left >= 9;) {
        size_t len = 9u + ((size_t)f[0] << 16 | (size_t)f[1] << 8 | f[2]);
        if (f[3] == kind)
            return f;
        if (len > left)
            break;
        f += len;
        left -= len;
    }
    return NULL;
}

/* A stream that is opened and closed without a message: servers of gRPC want to be told of the end
 * by a DATA frame. Whoever has no more to say than a head, in other requests, is told by it. */
static void grpc_request_without_messages(void **state)
{
    static const char *const types[] = {"application/grpc", "text/plain"};
    for (unsigned i = 0; i < 2; i++) {
        struct sim_door d;
        struct sim_client client;
        sim_door_prepare(&d);
        d.one->protocol = SIM_HTTP2;
        sim_conf_gateway(&d.conf, 8000, "one");
        sim_door_start(&d);
        sim_client_open(&client, sim_node_dial_gateway(&d.node, 8000), HTTP_PROTOCOL_2);
        struct sim_call *c = sim_client_make(&client);
        struct message *m = sim_call_request(c, "POST", "shop", "/echo.Echo/Say");
        sim_call_add(m, c, "content-type", types[i]);
        sim_client_send(&client, c, m, false);
        sim_call_send(c, "", true);
        struct sim_peer *app = sim_door_app(&d, 0);
        assert_non_null(app);
        const unsigned char *head = find_frame(app, 1), *data = find_frame(app, 0);
        assert_non_null(head);
        assert_int_equal(head[4] & 1, i);
        assert_int_equal(data == NULL, i);
        if (data) {
            assert_int_equal(data[2], 0);
            assert_int_equal(data[4] & 1, 1);
        }
        sim_client_close(&client);
        sim_node_check_idle(&d.node);
        sim_door_close(&d);
    }
}

static void grpc_without_a_route(void **state)
{
    struct grpc g;
    open_grpc(&g, SIM_HTTP2);
    expect_status(call(&g, "/other.Service/Say"), "12", "no_route"); /* UNIMPLEMENTED */
    assert_int_equal(sim_report.grpc_status, 12);
    close_grpc(&g);
}

static void grpc_without_a_backend(void **state)
{
    struct grpc g;
    open_grpc(&g, SIM_HTTP2);
    g.d.one->n_endpoints = 0;
    sim_node_adopt(&g.d.node, &g.d.conf);
    expect_status(call(&g, "/echo.Echo/Say"), "14", "no_endpoint"); /* UNAVAILABLE */
    close_grpc(&g);
}

/* ---- the rest ---- */

static void http2_in_the_clear(void **state)
{
    struct grpc g;
    open_grpc(&g, SIM_HTTP2);
    struct sim_call *c = sim_client_call(&g.client, "GET", "shop", "/echo.Echo", NULL, true);
    sim_turn(&g.d.sim);
    struct sim_call *at = sim_server_call(&g.server, 0);
    assert_non_null(at);
    assert_int_equal(at->head->version, HTTP_2);
    sim_server_answer(at, 200, "hello");
    sim_turn(&g.d.sim);
    assert_true(c->done);
    assert_string_equal(sim_text_get(&c->body), "hello");
    close_grpc(&g);
}

/* requirement: L1 */
static void websocket(void **state)
{
    static const char switched[] = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n"
                                   "upgrade: websocket\r\n\r\n";
    struct sim_door d;
    sim_door_prepare(&d);
    d.one->protocol = SIM_HTTP1; /* kubernetes.io/ws */
    sim_conf_gateway(&d.conf, 8000, "one");
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
    sim_peer_send(client, "GET /ws HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\n"
                          "upgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n");
    struct sim_peer *at = sim_door_app(&d, 0);
    assert_non_null(at);
    assert_non_null(strstr(sim_peer_got(at), "sec-websocket-version: 13\r\n"));
    sim_peer_forget(at);
    sim_peer_send(at, switched);
    sim_peer_expect_part(client, "HTTP/1.1 101 ", NULL);
    sim_peer_send(client, "\x81\x02hi");
    sim_peer_expect(at, "\x81\x02hi");
    sim_peer_send(at, "\x81\x03hey");
    sim_peer_expect(client, "\x81\x03hey");
    sim_peer_close(at);
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* A share of the weight that leads nowhere is answered 500, and only that share. */
static void unusable_share(void **state)
{
    unsigned good = 0, bad = 0;
    struct sim_door d;
    sim_door_prepare(&d);
    sim_gateway *g = sim_conf_gateway(&d.conf, 8000, "one");
    sim_conf_backend(&d.conf, g->virtual_hosts[0]->routes[0], "", 1);
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000), *at = NULL;
    for (unsigned i = 0; i < 100; i++) {
        sim_peer_send(client, DOOR_GET);
        struct sim_peer *p = sim_door_app(&d, 0);
        at = p ? p : at;
        if (at && at->in.len) {
            good++;
            sim_peer_forget(at);
            sim_peer_send(at, DOOR_OK);
            sim_peer_expect(client, DOOR_OK);
        } else {
            bad++;
            sim_peer_expect_part(client, "HTTP/1.1 500 ", "no_cluster");
        }
    }
    assert_in_range(good, 30, 70);
    assert_int_equal(good + bad, 100);
    sim_door_done(&d, client);
    sim_door_close(&d);
}

static void no_ready_endpoint(void **state)
{
    struct sim_door d;
    sim_door_prepare(&d);
    d.one->endpoints[0]->ready = false;
    sim_conf_gateway(&d.conf, 8000, "one");
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
    sim_peer_send(client, DOOR_GET);
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "no_endpoint");
    sim_door_done(&d, client);
    sim_door_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grpc_both_ways),
        cmocka_unit_test(grpc_request_without_messages),
        cmocka_unit_test(grpc_without_a_route),
        cmocka_unit_test(grpc_without_a_backend),
        cmocka_unit_test(http2_in_the_clear),
        cmocka_unit_test(websocket),
        cmocka_unit_test(unusable_share),
        cmocka_unit_test(no_ready_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
