/* From the first bytes, or none, to what serves a connection: which protocol it is, and who speaks
 * first. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <string.h>

#include "sidecar/session/session.h"

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
    static const char *const openings[] = {
        "SSH-2.0-x\r\n",          "hello\r\n",           "GET\x01 / HTTP/1.1\r\n",
        "get / HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n", "GET a HTTP/1.1\r\nhost: app\r\n\r\n"};
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

/* TLS of the app's own is carried as bytes, but not by a port that is declared to be HTTP. */
static void tls_of_the_app(void **state)
{
    static const Weft__Config__V1__Protocol protocols[] = {SIM_HTTP, SIM_HTTP1, SIM_AUTO, SIM_TCP};
    for (unsigned i = 0; i < 4; i++) {
        struct sim_road r;
        bool is_refused = i < 2;
        open_road(&r, protocols[i]);
        struct sim_peer *client = sim_road_client(&r);
        sim_tls_connect_to(client->s, "elsewhere", NULL, NULL);
        sim_turn(&r.sim);
        assert_int_equal(sim_peer_is_over(client), is_refused);
        assert_int_equal(r.app.host.dials, !is_refused);
        assert_int_equal(sim_report.values[METRICS_CONNECTIONS_REFUSED], is_refused);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
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

/* Both sides silent, on a port that may be anything. */
static void silent_on_both_sides(void **state)
{
    for (int answers = 0; answers < 2; answers++) {
        struct sim_road r;
        open_road(&r, SIM_AUTO);
        r.app.host.answer = answers ? SIM_ACCEPT : SIM_REFUSE;
        struct sim_peer *client = sim_road_client(&r);
        sim_advance(&r.sim, 3000000);
        assert_false(sim_peer_is_over(client));
        assert_int_equal(r.app.host.dials, 1);
        sim_advance(&r.sim, 700000);
        assert_true(sim_peer_is_over(client));
        assert_int_equal(r.app.host.dials, 1);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
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
/* A client that begins like another protocol and then waits for its answer: after the pause that is
 * set for silence. */
static void ambiguous_opening_is_opaque_after_a_pause(void **state)
{
    static const char *const openings[] = {
        "PUT", "PING", "P", "\r\n", "\r", "\x16\x03", "PRI * HTTP/2.0\r\n", "GET ", "QUIT x",
    };
    for (unsigned i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
        for (int in = 0; in < 2; in++) {
            struct sim_road r;
            open_road(&r, SIM_AUTO);
            if (in)
                r.app.host.at = r.node.settings.pod_ip;
            r.app.host.at.port = 8080;
            r.app.host.behind_proxy = in;
            struct sim_peer *client = in ? sim_node_connect_inbound(&r.node, "10.0.5.5", 8080)
                                         : sim_road_client(&r);
            size_t len = strlen(openings[i]);
            sim_peer_send_bytes(client, openings[i], len - 1);
            sim_advance(&r.sim, r.node.settings.silence_ms - 1);
            sim_peer_send_bytes(client, openings[i] + len - 1, 1);
            sim_advance(&r.sim, r.node.settings.silence_ms - 1);
            bool is_other = slice_eq_cstr(slice_from_cstr(openings[i]), "QUIT x");
            assert_int_equal(r.app.host.dials, is_other ? 1 : 0);
            sim_advance(&r.sim, 2);
            struct sim_peer *app = sim_road_app(&r);
            sim_peer_expect(app, openings[i]);
            sim_peer_send(app, "OK");
            sim_peer_expect(client, "OK");
            sim_peer_reset(client);
            sim_road_done(&r, client);
            sim_road_close(&r);
        }
    }
}

/* However slowly it drips, in ten seconds it must be clear. */
static void dripping_opening_is_opaque_in_the_end(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_AUTO);
    r.node.settings.silence_ms = 2000;
    struct sim_peer *client = sim_road_client(&r);
    for (int i = 0; i < 6; i++) {
        sim_peer_send(client, "A");
        sim_advance(&r.sim, 1900);
        assert_int_equal(r.app.host.dials, i == 5);
    }
    sim_peer_expect(sim_road_app(&r), "AAAAAA");
    sim_peer_reset(client);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* The rest of a hello may be lost and sent again: nothing but TLS begins like this. */
static void half_a_hello_is_waited_for(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_AUTO);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send_bytes(client, "\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03", 11);
    sim_advance(&r.sim, 9000);
    assert_int_equal(r.app.host.dials, 0);
    sim_advance(&r.sim, 1100);
    assert_int_equal(r.app.host.dials, 1);
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
    static char opening[80000];
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declared_http_speaking_something_else),
        cmocka_unit_test(declared_http_speaking_half_a_hello),
        cmocka_unit_test(tls_of_the_app),
        cmocka_unit_test(http_opening_in_single_bytes),
        cmocka_unit_test(http2_preface_in_single_bytes),
        cmocka_unit_test(slow_opening),
        cmocka_unit_test(silent_on_declared_http),
        cmocka_unit_test(silent_on_both_sides),
        cmocka_unit_test(server_speaks_first),
        cmocka_unit_test(client_speaks_after_the_probe),
        cmocka_unit_test(client_speaks_something_else_after_the_probe),
        cmocka_unit_test(probe_fails_and_the_client_speaks),
        cmocka_unit_test(probe_ends_and_the_client_speaks),
        cmocka_unit_test(client_leaves_during_the_probe),
        cmocka_unit_test(ambiguous_opening_is_opaque_after_a_pause),
        cmocka_unit_test(dripping_opening_is_opaque_in_the_end),
        cmocka_unit_test(half_a_hello_is_waited_for),
        cmocka_unit_test(half_closed_beginnings),
        cmocka_unit_test(half_a_request),
        cmocka_unit_test(endless_opening),
        cmocka_unit_test(big_first_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
