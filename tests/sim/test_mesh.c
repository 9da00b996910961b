/* Two sidecars back to back: app, sidecar, mutual TLS, sidecar, app. What the client sends arrives
 * as it was sent, in the version it was sent in, and the app is told who sent it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_mesh.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/session/session.h"

#define HEAD(line) line "\r\nhost: reviews\r\nx-request-id: 1\r\n"
#define XFCC                                                           \
    "x-forwarded-client-cert: By=" SIM_MESH_SERVER_ID ";Hash="         \
    "0000000000000000000000000000000000000000000000000000000000000000" \
    ";Subject=\"CN=sim\";URI=" SIM_MESH_CLIENT_ID "\r\n"

struct row {
    const char *request, *at_app, *response, *at_client;
};

static const struct row rows[] = {
    {HEAD("GET /x HTTP/1.1") "\r\n", HEAD("GET /x HTTP/1.1") XFCC "\r\n", ROAD_OK, ROAD_OK},
    {HEAD("GET /x HTTP/1.0") "\r\n", HEAD("GET /x HTTP/1.0") XFCC "connection: keep-alive\r\n\r\n",
     ROAD_OK, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"},
    {HEAD("POST /x HTTP/1.1") "content-length: 6\r\n\r\nabcdef",
     HEAD("POST /x HTTP/1.1") XFCC "content-length: 6\r\n\r\nabcdef", ROAD_OK, ROAD_OK},
    {HEAD("HEAD /x HTTP/1.1") "\r\n", HEAD("HEAD /x HTTP/1.1") XFCC "\r\n",
     "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
     "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"},
    {HEAD("GET /x HTTP/1.1") "\r\n", HEAD("GET /x HTTP/1.1") XFCC "\r\n",
     "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"},
    {HEAD("GET /x HTTP/1.1") "\r\n", HEAD("GET /x HTTP/1.1") XFCC "\r\n",
     "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" ROAD_OK,
     "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" ROAD_OK},
    {HEAD("PUT /x HTTP/1.1") "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n",
     HEAD("PUT /x HTTP/1.1") XFCC
     "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n",
     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-u: 1\r\n\r\n",
     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-u: 1\r\n\r\n"},
    {HEAD("GET /x HTTP/1.1") "x-forwarded-client-cert: Hash=evil\r\nx-weft-source: a/b\r\n\r\n",
     HEAD("GET /x HTTP/1.1") XFCC "\r\n", ROAD_OK, ROAD_OK},
};

static void walk(struct sim_mesh *m, const struct row *row)
{
    struct sim_peer *client = sim_node_connect(&m->out, ROAD_VIP);
    sim_peer_send(client, row->request);
    sim_turn(&m->sim);
    struct sim_peer *app = sim_mesh_accept(m);
    sim_peer_expect(app, row->at_app);
    sim_peer_send(app, row->response);
    sim_peer_expect(client, row->at_client);
    sim_peer_destroy(client);
    sim_peer_close(app);
    sim_turn(&m->sim);
    assert_int_equal(m->in.worker.exchange_count, 0);
    assert_int_equal(m->out.worker.exchange_count, 0);
}

static void each_kind(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_mesh_start(&m);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        walk(&m, &rows[i]);
    /* They all went over one connection. */
    assert_int_equal(m.in.host.dials, 1);
    assert_int_equal(m.in.worker.session_count, 1);
    sim_mesh_finish(&m);
}

/* Between the sidecars in pieces of any size; chunks then come in pieces too, so without them. */
static void in_small_pieces(void **state)
{
    for (size_t piece = 1; piece < 40; piece += 1 + piece / 8) {
        struct sim_mesh m;
        sim_mesh_prepare(&m);
        sim_mesh_start(&m);
        m.in.host.options.piece = piece;
        for (unsigned i = 0; i < 6; i++)
            walk(&m, &rows[i]);
        sim_mesh_finish(&m);
    }
}

/* HTTP/2 stays HTTP/2 for the app. */
static void http2_all_the_way(void **state)
{
    struct sim_mesh m;
    struct sim_client client;
    sim_mesh_prepare(&m);
    sim_mesh_start_http(&m, HTTP_PROTOCOL_2);
    sim_client_open(&client, sim_node_dial(&m.out, ROAD_VIP), HTTP_PROTOCOL_2);
    for (int i = 0; i < 5; i++) {
        struct sim_call *call = sim_client_call(&client, "POST", "reviews", "/", "abc", true);
        sim_turn(&m.sim);
        assert_true(call->done);
        assert_string_equal(sim_text_get(&call->body), "hello");
    }
    assert_int_equal(m.server.host.dials, 1);
    assert_int_equal(m.in.host.dials, 1);
    sim_client_close(&client);
    sim_mesh_finish(&m);
}

static void upgrade(void **state)
{
    static const char switched[] =
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, HEAD("GET /ws HTTP/1.1") "connection: upgrade\r\n"
                                                   "upgrade: websocket\r\n\r\n");
    struct sim_peer *app = sim_mesh_accept(&m);
    sim_peer_expect_part(app, "GET /ws HTTP/1.1\r\n", "connection: upgrade\r\n");
    sim_peer_send(app, switched);
    sim_peer_expect(client, switched);
    sim_peer_send(client, "ping");
    sim_peer_expect(app, "ping");
    sim_peer_send(app, "pong");
    sim_peer_expect(client, "pong");
    sim_peer_send(app, "bye");
    sim_peer_shut(app);
    sim_peer_expect(client, "bye");
    assert_true(client->eof);
    sim_peer_send(client, "last");
    sim_peer_shut(client);
    sim_peer_expect(app, "last");
    assert_true(app->eof);
    assert_int_equal(m.in.worker.exchange_count, 0);
    assert_int_equal(m.out.worker.exchange_count, 0);
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

static void opaque(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    m.destination->protocol = SIM_TCP;
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    struct sim_peer *app = sim_mesh_accept(&m);
    sim_peer_send(app, "220 welcome\r\n");
    sim_peer_expect(client, "220 welcome\r\n");
    sim_peer_send(client, "HELO\r\n");
    sim_peer_shut(client);
    sim_peer_expect(app, "HELO\r\n");
    assert_true(app->eof);
    sim_peer_send(app, "250 bye\r\n");
    sim_peer_shut(app);
    sim_peer_expect(client, "250 bye\r\n");
    assert_true(client->eof);
    assert_int_equal(sim_report.tunnels_closed, 2);
    assert_int_equal(sim_report.fail, FAIL_NONE);
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

/* ---- identities ---- */

static void wrong_server(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    static char other[] = SIM_MESH_OTHER_ID;
    m.endpoint->spiffe_id = other;
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, HEAD("GET /x HTTP/1.1") "\r\n");
    sim_advance(&m.sim, 500);
    assert_non_null(strstr(sim_peer_got(client), "expected was " SIM_MESH_OTHER_ID));
    sim_peer_expect_part(client, "HTTP/1.1 503 Service Unavailable\r\n",
                         "x-weft-reason: tls_failed\r\n");
    assert_int_equal(m.app.connections, 0);
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

static void server_without_a_certificate(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    m.no_certificate = true;
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, HEAD("GET /x HTTP/1.1") "\r\n");
    sim_advance(&m.sim, 500);
    sim_peer_expect_part(client, "HTTP/1.1 503 Service Unavailable\r\n", "x-weft-reason: ");
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

static void denied_by_principal(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_authz *deny = sim_conf_authz(&m.in_conf, SIM_DENY, "DELETE", NULL);
    sim_conf_principal(&m.in_conf, deny, "cluster.local/ns/default/sa/frontend");
    sim_conf_guard(&m.in_conf, m.inbound, deny);
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, HEAD("DELETE /x HTTP/1.1") "\r\n");
    sim_peer_expect_part(client, "HTTP/1.1 403 Forbidden\r\n", "x-weft-reason: authz_denied\r\n");
    sim_peer_send(client, HEAD("GET /x HTTP/1.1") "\r\n");
    sim_peer_send(sim_mesh_accept(&m), ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

/* The namespace and the principal are the certificate's, whatever the peer says; its name is what
 * it says, if that is one. */
static void what_a_peer_says_of_itself(void **state)
{
    static char long_name[4096];
    memset(long_name, 'a', sizeof(long_name) - 1);
    memcpy(long_name, "x/", 2);
    const struct {
        const char *said, *name;
    } cases[] = {
        {"default/frontend-7f8bd9c6c8-5sq6d", "frontend-7f8bd9c6c8-5sq6d"},
        {"payments/frontend-1", "frontend-1"},
        {"default/a.b", "a.b"},
        {"default/", ""},
        {"frontend", ""},
        {"/", ""},
        {"default/Frontend", ""},
        {"default/a b", ""},
        {"default/a/b", ""},
        {"default/\xc3\xa4", ""},
        {"default/-a", ""},
        {"default/a\"} 1", ""},
        {long_name, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_mesh m;
        sim_mesh_prepare(&m);
        sim_mesh_start(&m);
        char *own = m.out.settings.source_label, want[256];
        m.out.settings.source_label = (char *)(uintptr_t)cases[i].said;
        uint64_t refused = sim_report.values[METRICS_PEER_NAMES_REFUSED];
        struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
        for (int request = 0; request < 2; request++) {
            sim_peer_send(client, HEAD("GET /x HTTP/1.1") "\r\n");
            struct sim_peer *app = sim_mesh_accept(&m);
            sim_report.source_in[0] = 0;
            sim_peer_send(app, ROAD_OK);
            sim_peer_expect(client, ROAD_OK);
            sim_peer_close(app);
            sim_turn(&m.sim);
        }
        snprintf(want, sizeof(want), "%s default " SIM_MESH_CLIENT_ID, cases[i].name);
        assert_string_equal(sim_report.source_in, want);
        /* Once for a connection, not for each of its requests. */
        assert_int_equal(sim_report.values[METRICS_PEER_NAMES_REFUSED] - refused,
                         cases[i].name[0] ? 0 : 1);
        m.out.settings.source_label = own;
        sim_peer_destroy(client);
        sim_mesh_finish(&m);
    }
}

/* Bytes carry no name, and the certificate counts all the same. */
static void who_opened_a_tunnel(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    m.destination->protocol = SIM_TCP;
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, "HELO\r\n");
    struct sim_peer *app = sim_mesh_accept(&m);
    assert_string_equal(sim_report.source_in, " default " SIM_MESH_CLIENT_ID);
    sim_peer_close(app);
    sim_turn(&m.sim);
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

/* A new certificate is for new connections; what runs goes on. */
static void identity_swap(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, HEAD("GET /1 HTTP/1.1") "\r\n");
    struct sim_peer *app = sim_mesh_accept(&m);
    sim_node_identify(&m.out, SIM_MESH_CLIENT_ID);
    sim_node_identify(&m.in, SIM_MESH_SERVER_ID);
    struct sim_peer *second = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(second, HEAD("GET /2 HTTP/1.1") "\r\n");
    struct sim_peer *other = sim_mesh_accept(&m);
    assert_int_equal(m.in.host.dials, 2);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_send(other, ROAD_OK);
    sim_peer_expect(second, ROAD_OK);
    /* The old connection is gone with its last request. */
    sim_advance(&m.sim, 3000);
    assert_int_equal(m.in.worker.session_count, 1);
    sim_peer_send(client, HEAD("GET /3 HTTP/1.1") "\r\n");
    sim_turn(&m.sim);
    assert_int_equal(m.in.host.dials, 2);
    sim_peer_destroy(client);
    sim_peer_destroy(second);
    sim_mesh_finish(&m);
}

/* ---- breakage goes all the way ---- */

static void app_dies(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n0123456789",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n",
    };
    for (int i = 0; i < 4; i++) {
        struct sim_mesh m;
        sim_mesh_prepare(&m);
        sim_mesh_start(&m);
        struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
        sim_peer_send(client, HEAD("GET /x HTTP/1.1") "\r\n");
        struct sim_peer *app = sim_mesh_accept(&m);
        sim_peer_send(app, answers[i / 2]);
        sim_turn(&m.sim);
        if (i % 2)
            sim_peer_reset(app);
        else
            sim_peer_close(app);
        sim_turn(&m.sim);
        assert_non_null(strstr(sim_peer_got(client), "0123456789"));
        assert_null(strstr(sim_peer_got(client), "\r\n0\r\n"));
        assert_true(client->failed);
        assert_int_equal(m.in.worker.session_count, 1); /* the mesh connection lives */
        sim_peer_destroy(client);
        sim_mesh_finish(&m);
    }
}

static void client_dies(void **state)
{
    for (size_t sent = 60; sent < 100; sent += 7) {
        for (int reset = 0; reset < 2; reset++) {
            struct sim_mesh m;
            sim_mesh_prepare(&m);
            sim_mesh_start(&m);
            struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
            static const char request[] =
                HEAD("POST /x HTTP/1.1") "content-length: 600\r\n\r\n"
                                         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
            sim_peer_send_bytes(client, request, sent);
            sim_turn(&m.sim);
            struct sim_peer *app = sim_app_accept(&m.app);
            if (reset)
                sim_peer_reset(client);
            else
                sim_peer_close(client);
            sim_turn(&m.sim);
            if (app)
                assert_true(sim_peer_is_over(app));
            assert_int_equal(m.in.worker.exchange_count, 0);
            sim_peer_destroy(client);
            sim_mesh_finish(&m);
        }
    }
}

static void mesh_connection_is_cut(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, HEAD("GET /x HTTP/1.1") "\r\n");
    struct sim_peer *app = sim_mesh_accept(&m);
    sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n0123456789");
    sim_turn(&m.sim);
    struct session *s = container_of(m.in.worker.sessions.next, struct session, node);
    sim_net_cut(http_server_transport(s->server), ERR_RESET);
    sim_turn(&m.sim);
    assert_true(client->failed);
    assert_true(sim_peer_is_over(app));
    sim_node_check_idle(&m.in);
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

/* ---- bodies ---- */

static void big_bodies(void **state)
{
    for (int protocol = HTTP_PROTOCOL_1; protocol <= HTTP_PROTOCOL_2; protocol++) {
        struct sim_mesh m;
        struct sim_client client;
        sim_mesh_prepare(&m);
        sim_mesh_start_http(&m, (enum http_protocol)protocol);
        m.server.manual = true;
        m.in.host.options.capacity = m.out.pieces.capacity = m.server.host.options.capacity = 30000;
        sim_client_open(&client, sim_node_dial(&m.out, ROAD_VIP), (enum http_protocol)protocol);
        struct sim_call *call = sim_client_call(&client, "POST", "reviews", "/", "", false);
        sim_call_send_zeros(call, 3000000, true);
        sim_turn(&m.sim);
        struct sim_call *got = sim_server_call(&m.server, 0);
        assert_true(got->ended);
        assert_int_equal(got->body.len, 3000000);
        sim_server_head(got, 200, 2000000, false);
        sim_call_send_zeros(got, 2000000, true);
        sim_turn(&m.sim);
        assert_true(call->done);
        assert_int_equal(call->body.len, 2000000);
        sim_client_close(&client);
        sim_mesh_finish(&m);
    }
}

/* ---- the other side is about to go ---- */

static void destination_drains(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, HEAD("GET /1 HTTP/1.1") "\r\n");
    struct sim_peer *app = sim_mesh_accept(&m);
    worker_post_drain(&m.in.worker, true);
    sim_advance(&m.sim, 1500);
    assert_int_equal(m.in.worker.session_count, 1);
    assert_int_equal(m.in.app.sessions_left, 1);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_advance(&m.sim, 1500);
    assert_int_equal(m.in.worker.session_count, 0);
    assert_int_equal(m.in.app.sessions_left, 0);
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind),
        cmocka_unit_test(in_small_pieces),
        cmocka_unit_test(http2_all_the_way),
        cmocka_unit_test(upgrade),
        cmocka_unit_test(opaque),
        cmocka_unit_test(wrong_server),
        cmocka_unit_test(server_without_a_certificate),
        cmocka_unit_test(denied_by_principal),
        cmocka_unit_test(what_a_peer_says_of_itself),
        cmocka_unit_test(who_opened_a_tunnel),
        cmocka_unit_test(identity_swap),
        cmocka_unit_test(app_dies),
        cmocka_unit_test(client_dies),
        cmocka_unit_test(mesh_connection_is_cut),
        cmocka_unit_test(big_bodies),
        cmocka_unit_test(destination_drains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
