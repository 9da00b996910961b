/* From the first bytes, or none, to what serves a connection: which protocol, whose TLS, who speaks
 * first, and who may be here at all. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <string.h>

#include "lib/net/tls_stream.h"
#include "sidecar/session.h"

#define MESH_CLIENT "spiffe://cluster.local/ns/default/sa/frontend"
#define SELF "spiffe://cluster.local/ns/default/sa/app"

/* The road with a service of this protocol. */
static void open_road(struct sim_road *r, Weft__Config__V1__Protocol protocol)
{
    sim_road_prepare(r);
    r->destination->protocol = protocol;
    sim_road_start(r);
}

/* ---- declared HTTP ---- */

/* What looks like a request gets an answer that says what is wrong, and nothing is passed on. */
static void declared_http_speaking_something_else(void **state)
{
    static const char *const openings[] = {"SSH-2.0-x\r\n", "hello\r\n", "GET\x01 / HTTP/1.1\r\n",
                                           "get / HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n",
                                           "GET a HTTP/1.1\r\nhost: app\r\n\r\n"};
    for (unsigned i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        struct sim_road r;
        open_road(&r, i % 2 ? SIM_HTTP : SIM_HTTP1);
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, openings[i]);
        sim_turn(&r.sim);
        assert_true(sim_peer_is_over(client));
        sim_peer_expect_part(client, "HTTP/1.1 ", "\r\nx-weft-reason: ");
        assert_int_equal(r.app.host.dials, 0);
        assert_int_equal(sim_report.values[METRICS_BAD_REQUESTS], 1);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* It cannot be told what this is, and nobody waits for ever. */
static void declared_http_speaking_half_a_hello(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_HTTP);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, "\x16\x03\x01");
    sim_advance(&r.sim, 10100);
    assert_true(sim_peer_is_over(client));
    sim_peer_expect(client, "");
    assert_int_equal(r.app.host.dials, 0);
    assert_int_equal(sim_report.values[METRICS_CONNECTIONS_REFUSED], 1);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void http_opening_in_single_bytes(void **state)
{
    static const char request[] = "\r\n" ROAD_GET;
    struct sim_road r;
    open_road(&r, SIM_AUTO);
    struct sim_peer *client = sim_road_client(&r);
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        sim_peer_send_bytes(client, &request[i], 1);
        sim_advance(&r.sim, 20);
    }
    /* Slower than the silence after which the server is asked, but it did speak. */
    sim_peer_expect(sim_road_app(&r), ROAD_GET);
    assert_int_equal(r.app.connections, 1);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void http2_preface_in_single_bytes(void **state)
{
    struct sim_road r;
    struct sim_client client;
    sim_road_prepare(&r);
    r.destination->protocol = SIM_AUTO;
    r.cluster->protocol = SIM_HTTP1;
    sim_road_start(&r);
    r.node.pieces.piece = 1;
    sim_client_open(&client, sim_node_dial(&r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    struct sim_call *call = sim_client_call(&client, "GET", "app", "/", NULL, true);
    sim_peer_send(sim_road_app(&r), ROAD_OK);
    sim_turn(&r.sim);
    assert_true(call->done);
    sim_client_close(&client);
    sim_node_check_idle(&r.node);
    sim_road_close(&r);
}

/* Who dribbles is not waited for longer because of it. */
static void slow_opening(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_HTTP);
    struct sim_peer *client = sim_road_client(&r);
    for (int i = 0; i < 12; i++) {
        if (!sim_peer_is_over(client))
            sim_peer_send(client, "A");
        sim_advance(&r.sim, 1000);
    }
    assert_true(sim_peer_is_over(client));
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* A connection that says nothing is not kept for ever either. */
static void silent_on_declared_http(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_HTTP);
    struct sim_peer *client = sim_road_client(&r);
    sim_advance(&r.sim, 60000);
    assert_false(sim_peer_is_over(client));
    sim_advance(&r.sim, 3600000);
    assert_true(sim_peer_is_over(client));
    assert_int_equal(r.app.host.dials, 0);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* ---- nobody declared anything ---- */

static void server_speaks_first(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_AUTO);
    struct sim_peer *client = sim_road_client(&r);
    sim_advance(&r.sim, 90);
    assert_int_equal(r.app.host.dials, 0);
    sim_advance(&r.sim, 20);
    struct sim_peer *app = sim_road_app(&r);
    sim_advance(&r.sim, 1000);
    sim_peer_send(app, "220 hello\r\n");
    sim_peer_expect(client, "220 hello\r\n");
    sim_peer_send(client, "GET / HTTP/1.1\r\n\r\n"); /* too late to be HTTP */
    sim_peer_expect(app, "GET / HTTP/1.1\r\n\r\n");
    sim_peer_send(app, "bye");
    sim_peer_shut(app);
    sim_peer_expect(client, "bye");
    assert_true(client->eof);
    sim_road_done(&r, client);
    assert_int_equal(sim_report.tunnels_closed, 1);
    sim_road_close(&r);
}

/* The server stayed silent as well, and then the client spoke after all. */
static void client_speaks_after_the_probe(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_AUTO);
    struct sim_peer *client = sim_road_client(&r);
    sim_advance(&r.sim, 500);
    struct sim_peer *probe = sim_road_app(&r);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&r.sim);
    /* HTTP after all: the probe was for nothing. */
    assert_true(sim_peer_is_over(probe));
    struct sim_peer *app = sim_app_accept(&r.app);
    assert_non_null(app);
    sim_peer_expect(app, ROAD_GET);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void client_speaks_something_else_after_the_probe(void **state)
{
    for (int dialling = 0; dialling < 2; dialling++) {
        struct sim_road r;
        open_road(&r, SIM_AUTO);
        r.app.host.connect_ms = dialling ? 200 : 0;
        struct sim_peer *client = sim_road_client(&r);
        sim_advance(&r.sim, 200);
        assert_int_equal(r.app.host.dials, 1);
        sim_peer_send(client, "\x01binary");
        sim_advance(&r.sim, 300);
        struct sim_peer *app = sim_road_app(&r);
        sim_peer_expect(app, "\x01binary");
        sim_peer_send(app, "\x02");
        sim_peer_expect(client, "\x02");
        assert_int_equal(r.app.host.dials, 1);
        sim_peer_reset(client);
        sim_road_done(&r, client);
        assert_true(sim_peer_is_over(app));
        sim_road_close(&r);
    }
}

static void probe_fails_and_the_client_speaks(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_AUTO);
    r.app.host.answer = SIM_REFUSE;
    struct sim_peer *client = sim_road_client(&r);
    sim_advance(&r.sim, 1000);
    assert_int_equal(r.app.host.dials, 1);
    assert_false(sim_peer_is_over(client));
    r.app.host.answer = SIM_ACCEPT;
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect(sim_road_app(&r), ROAD_GET);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void probe_ends_and_the_client_speaks(void **state)
{
    for (int reset = 0; reset < 2; reset++) {
        struct sim_road r;
        open_road(&r, SIM_AUTO);
        struct sim_peer *client = sim_road_client(&r);
        sim_advance(&r.sim, 1000);
        struct sim_peer *probe = sim_road_app(&r);
        if (reset)
            sim_peer_reset(probe);
        else
            sim_peer_close(probe);
        sim_turn(&r.sim);
        assert_false(sim_peer_is_over(client));
        sim_peer_send(client, ROAD_GET);
        sim_peer_expect(sim_road_app(&r), ROAD_GET);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

static void client_leaves_during_the_probe(void **state)
{
    for (int reset = 0; reset < 2; reset++) {
        struct sim_road r;
        open_road(&r, SIM_AUTO);
        struct sim_peer *client = sim_road_client(&r);
        sim_advance(&r.sim, 1000);
        struct sim_peer *probe = sim_road_app(&r);
        if (reset)
            sim_peer_reset(client);
        else
            sim_peer_close(client);
        sim_turn(&r.sim);
        /* An end without a word is passed on; then the server ends too. */
        assert_true(sim_peer_is_over(probe));
        sim_peer_close(probe);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* A beginning that could still become HTTP, and then waits for the server: opaque. */
static void ambiguous_opening_is_opaque_in_the_end(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_AUTO);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, "PUT");
    sim_advance(&r.sim, 10100);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_expect(app, "PUT");
    sim_peer_send(app, "OK");
    sim_peer_expect(client, "OK");
    sim_peer_reset(client);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void half_closed_beginnings(void **state)
{
    static const char *const openings[] = {"", "quit\r\n", "P"};
    for (unsigned i = 0; i < 3; i++) {
        struct sim_road r;
        open_road(&r, SIM_AUTO);
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, openings[i]);
        sim_peer_shut(client);
        struct sim_peer *app = sim_road_app(&r);
        sim_peer_expect(app, openings[i]);
        assert_true(app->eof);
        sim_peer_send(app, "answer");
        sim_peer_shut(app);
        sim_peer_expect(client, "answer");
        assert_true(client->eof);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* Half a request is no request, and nothing of it is passed on. */
static void half_a_request(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_HTTP);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, "GET / HTTP/1.1\r\nhost: a");
    sim_peer_shut(client);
    sim_turn(&r.sim);
    assert_true(sim_peer_is_over(client));
    assert_int_equal(r.app.host.dials, 0);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void endless_opening(void **state)
{
    static char opening[40000];
    for (int i = 0; i < 2; i++) {
        struct sim_road r;
        open_road(&r, i ? SIM_AUTO : SIM_HTTP);
        struct sim_peer *client = sim_road_client(&r);
        memset(opening, 'A', sizeof(opening));
        memcpy(opening, "PROPFIND ", 9);
        opening[9] = '/';
        sim_peer_send_bytes(client, opening, sizeof(opening));
        sim_turn(&r.sim);
        assert_int_equal(sim_peer_is_over(client), i == 0);
        assert_int_equal(r.app.host.dials, i);
        if (i)
            sim_peer_reset(client);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* More in the first read than is ever looked at. */
static void big_first_read(void **state)
{
    static const char head[] = "POST /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\n"
                               "content-length: 60000\r\n\r\n";
    static const char other[] = "\x01\x02";
    for (int http = 0; http < 2; http++) {
        struct sim_road r;
        open_road(&r, SIM_AUTO);
        struct sim_peer *client = sim_road_client(&r);
        struct session *s = container_of(r.node.worker.sessions.next, struct session, node);
        size_t len = http ? sizeof(head) - 1 : sizeof(other) - 1;
        struct chunk *c = chunk_create((uint32_t)len + 60000);
        memset(c->data, 'x', len + 60000);
        memcpy(c->data, http ? head : other, len);
        c->used = (uint32_t)len + 60000;
        s->transport->events->on_data(s->transport, c, c->data, c->used);
        chunk_unref(c);
        struct sim_peer *app = sim_road_app(&r);
        assert_int_equal(app->in.len, len + 60000);
        sim_peer_reset(client);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* ---- TLS that comes in ---- */

struct pod {
    struct sim sim;
    struct sim_conf conf;
    sim_inbound *inbound;
    struct sim_node node;
    struct sim_app app;
};

static void prepare_pod(struct pod *p)
{
    *p = (struct pod){0};
    sim_report = (struct sim_report){0};
    sim_open(&p->sim);
    sim_conf_init(&p->conf);
    p->inbound = sim_conf_inbound(&p->conf);
}

static void start_pod(struct pod *p)
{
    sim_app_open(&p->app, "10.0.9.1:8080");
    p->app.host.behind_proxy = true;
    sim_node_open(&p->node, &p->sim, MODE_SIDECAR, "10.0.9.1", &p->conf);
    sim_node_identify(&p->node, SELF);
}

static void close_pod(struct pod *p)
{
    sim_node_close(&p->node);
    sim_app_close(&p->app);
    sim_conf_dispose(&p->conf);
    sim_close(&p->sim);
}

/* A client that speaks TLS with this identity and ALPN. */
static struct sim_peer *connect_tls(struct pod *p, const char *id, const char *alpn)
{
    struct sim_peer *client = sim_node_connect_inbound(&p->node, "10.0.5.5", 8080);
    struct tls_ctx *ctx = sim_tls_client(id, alpn);
    struct tls_stream_options options = {0};
    struct stream *s = client->s;
    tls_stream_create(s, ctx, &options, NULL, s->events, client);
    tls_ctx_unref(ctx);
    sim_tls_begin(s);
    return client;
}

static void mesh_by_alpn(void **state)
{
    struct pod p;
    prepare_pod(&p);
    p.inbound->mtls = SIM_STRICT;
    start_pod(&p);
    struct sim_peer *client = connect_tls(&p, MESH_CLIENT, "weft-h1");
    sim_turn(&p.sim);
    assert_true(client->opened);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&p.sim);
    struct sim_peer *app = sim_app_accept(&p.app);
    assert_non_null(app);
    assert_non_null(strstr(sim_peer_got(app), "URI=" MESH_CLIENT));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_destroy(client);
    client = connect_tls(&p, MESH_CLIENT, "weft-tcp");
    sim_turn(&p.sim);
    app = sim_app_accept(&p.app);
    assert_non_null(app);
    sim_peer_send(client, "opaque");
    sim_peer_expect(app, "opaque");
    sim_peer_reset(client);
    sim_turn(&p.sim);
    assert_true(sim_peer_is_over(app));
    sim_peer_destroy(client);
    close_pod(&p);
}

static void mesh_without_an_identity(void **state)
{
    struct pod p;
    prepare_pod(&p);
    start_pod(&p);
    struct sim_peer *client = connect_tls(&p, NULL, "weft-h1");
    sim_turn(&p.sim);
    assert_true(sim_peer_is_over(client));
    assert_int_equal(sim_report.handshakes_failed, 1);
    assert_int_equal(p.app.connections, 0);
    sim_peer_destroy(client);
    close_pod(&p);
}

/* TLS that is not ours is the app's own, if nobody says that the port is HTTP or mTLS only. */
static void foreign_tls(void **state)
{
    for (int strict = 0; strict < 2; strict++) {
        struct pod p;
        prepare_pod(&p);
        if (strict)
            p.inbound->mtls = SIM_STRICT;
        start_pod(&p);
        struct sim_peer *client = connect_tls(&p, MESH_CLIENT, "h2");
        sim_turn(&p.sim);
        struct sim_peer *app = sim_app_accept(&p.app);
        assert_int_equal(app != NULL, !strict);
        if (app) {
            assert_int_equal(sim_peer_got(app)[0], 0x16);
            sim_peer_reset(client);
            sim_turn(&p.sim);
        } else {
            assert_true(sim_peer_is_over(client));
        }
        sim_peer_destroy(client);
        close_pod(&p);
    }
}

static void strict_refuses_opaque(void **state)
{
    struct pod p;
    prepare_pod(&p);
    p.inbound->mtls = SIM_STRICT;
    start_pod(&p);
    struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
    sim_peer_send(client, "\x01\x02");
    sim_turn(&p.sim);
    assert_true(sim_peer_is_over(client));
    assert_int_equal(p.app.host.dials, 0);
    sim_peer_destroy(client);
    /* Nor is the app asked to speak first, or at least nobody hears what it says. */
    client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
    sim_advance(&p.sim, 500);
    struct sim_peer *app = sim_app_accept(&p.app);
    if (app) {
        sim_peer_send(app, "secret");
        sim_turn(&p.sim);
    }
    sim_peer_expect(client, "");
    sim_peer_destroy(client);
    close_pod(&p);
}

/* ---- who may come here ---- */

static void not_redirected(void **state)
{
    struct pod p;
    prepare_pod(&p);
    start_pod(&p);
    struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 15006);
    sim_turn(&p.sim);
    assert_true(sim_peer_is_over(client));
    sim_peer_destroy(client);
    close_pod(&p);
}

static void explicit_from_outside_the_pod(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct addr from, at = r.node.settings.outbound;
    struct stream *near, *far;
    assert_int_equal(addr_parse(SLICE("10.0.7.7:4000"), &from), ERR_OK);
    sim_net_pair(NULL, &from, &at, NULL, &near, &far);
    session_open(&r.node.worker, far, DIRECTION_OUTBOUND, 0);
    struct sim_peer *client = sim_peer_create(near);
    sim_turn(&r.sim);
    assert_true(sim_peer_is_over(client));
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* To an address that nobody knows: passed on untouched. */
static void passthrough(void **state)
{
    struct sim_road r;
    struct sim_app outside;
    sim_road_open(&r);
    sim_app_open(&outside, "198.51.100.7:443");
    struct sim_peer *client = sim_node_connect(&r.node, "198.51.100.7:443");
    sim_turn(&r.sim);
    struct sim_peer *app = sim_app_accept(&outside);
    assert_non_null(app);
    sim_peer_send(client, "GET / HTTP/1.1\r\n\r\n");
    sim_peer_expect(app, "GET / HTTP/1.1\r\n\r\n");
    sim_peer_reset(client);
    sim_road_done(&r, client);
    sim_app_close(&outside);
    sim_turn(&r.sim);
    sim_road_close(&r);
}

/* ---- draining ---- */

static void drain(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_AUTO);
    struct sim_peer *deciding = sim_road_client(&r);
    struct sim_peer *idle = sim_road_client(&r), *busy = sim_road_client(&r);
    struct sim_peer *opaque = sim_node_connect(&r.node, ROAD_APP);
    sim_peer_send(idle, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    struct sim_peer *tunnel_app = app;
    if (!strlen(sim_peer_got(app)))
        app = sim_road_app(&r);
    else
        tunnel_app = sim_road_app(&r);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(idle, ROAD_OK);
    sim_peer_forget(app);
    sim_peer_send(busy, ROAD_GET);
    sim_peer_expect(app, ROAD_GET);
    worker_post_drain(&r.node.worker);
    sim_turn(&r.sim);
    assert_int_equal(sim_net_listeners(), 0);
    assert_true(sim_peer_is_over(deciding));
    assert_true(sim_peer_is_over(idle));
    assert_false(sim_peer_is_over(busy));
    assert_false(sim_peer_is_over(opaque));
    assert_int_equal(r.node.app.sessions_left, 2);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(busy, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    assert_true(sim_peer_is_over(busy));
    assert_int_equal(r.node.app.sessions_left, 1);
    sim_peer_send(opaque, "still here");
    sim_peer_expect(tunnel_app, "still here");
    sim_peer_reset(opaque);
    sim_turn(&r.sim);
    assert_int_equal(r.node.app.sessions_left, 0);
    sim_peer_destroy(deciding);
    sim_peer_destroy(idle);
    sim_peer_destroy(busy);
    sim_peer_destroy(opaque);
    sim_road_close(&r);
}

/* At once, whatever runs. */
static void stop(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_AUTO);
    struct sim_peer *deciding = sim_road_client(&r), *busy = sim_road_client(&r);
    struct sim_peer *opaque = sim_node_connect(&r.node, ROAD_APP);
    sim_peer_send(busy, ROAD_GET);
    sim_turn(&r.sim);
    worker_post_stop(&r.node.worker);
    sim_turn(&r.sim);
    assert_true(sim_peer_is_over(deciding));
    assert_true(sim_peer_is_over(busy));
    assert_true(sim_peer_is_over(opaque));
    sim_node_check_idle(&r.node);
    sim_peer_destroy(deciding);
    sim_peer_destroy(busy);
    sim_peer_destroy(opaque);
    sim_road_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declared_http_speaking_something_else),
        cmocka_unit_test(declared_http_speaking_half_a_hello),
        cmocka_unit_test(http_opening_in_single_bytes),
        cmocka_unit_test(http2_preface_in_single_bytes),
        cmocka_unit_test(slow_opening),
        cmocka_unit_test(silent_on_declared_http),
        cmocka_unit_test(server_speaks_first),
        cmocka_unit_test(client_speaks_after_the_probe),
        cmocka_unit_test(client_speaks_something_else_after_the_probe),
        cmocka_unit_test(probe_fails_and_the_client_speaks),
        cmocka_unit_test(probe_ends_and_the_client_speaks),
        cmocka_unit_test(client_leaves_during_the_probe),
        cmocka_unit_test(ambiguous_opening_is_opaque_in_the_end),
        cmocka_unit_test(half_closed_beginnings),
        cmocka_unit_test(half_a_request),
        cmocka_unit_test(endless_opening),
        cmocka_unit_test(big_first_read),
        cmocka_unit_test(mesh_by_alpn),
        cmocka_unit_test(mesh_without_an_identity),
        cmocka_unit_test(foreign_tls),
        cmocka_unit_test(strict_refuses_opaque),
        cmocka_unit_test(not_redirected),
        cmocka_unit_test(explicit_from_outside_the_pod),
        cmocka_unit_test(passthrough),
        cmocka_unit_test(drain),
        cmocka_unit_test(stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
