/* Connections that become something else than HTTP: upgrades to any protocol, with and without a
 * body before them, and CONNECT to a forward proxy; over one sidecar and over two.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"
#include "tests/sim/sim_mesh.h"
#include "tests/sim/sim_pod.h"

#include <string.h>

#define HEAD(line) line "\r\nhost: app\r\nx-request-id: 1\r\n"
#define UPGRADE(to) "connection: upgrade\r\nupgrade: " to "\r\n"
#define SWITCHED(to) "HTTP/1.1 101 Switching Protocols\r\n" UPGRADE(to) "\r\n"
#define CONNECTED "HTTP/1.1 200 OK\r\n\r\n"

struct row {
    const char *request, *line_at_app, *part_at_app, *answer;
};

static const struct row rows[] = {
    {HEAD("GET /ws HTTP/1.1") UPGRADE("websocket") "\r\n", "GET /ws HTTP/1.1\r\n",
     UPGRADE("websocket") "\r\n", SWITCHED("websocket")},
    {HEAD("POST /exec HTTP/1.1") UPGRADE("SPDY/3.1") "content-length: 0\r\n\r\n",
     "POST /exec HTTP/1.1\r\n", UPGRADE("SPDY/3.1") "\r\n", SWITCHED("SPDY/3.1")},
    {HEAD("POST /ts2021 HTTP/1.1") UPGRADE("tailscale-control-protocol") "\r\n",
     "POST /ts2021 HTTP/1.1\r\n", UPGRADE("tailscale-control-protocol") "\r\n",
     SWITCHED("tailscale-control-protocol")},
    /* several in one field, and in two; those that would hide requests are not passed on */
    {HEAD("GET / HTTP/1.1") UPGRADE("h2c,foo/2, TLS/1.2") "upgrade: bar\r\n\r\n",
     "GET / HTTP/1.1\r\n", UPGRADE("foo/2, bar") "\r\n", SWITCHED("bar")},
    /* docker exec: the body is the request's, what follows it is the new protocol's */
    {HEAD("POST /start HTTP/1.1") UPGRADE("tcp") "content-length: 6\r\n\r\nabcdef",
     "POST /start HTTP/1.1\r\n", UPGRADE("tcp") "\r\nabcdef", SWITCHED("tcp")},
    {"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\nproxy-authorization: x\r\n\r\n",
     "CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n", "proxy-authorization: x\r\n",
     CONNECTED},
};

static void talk(struct sim_peer *client, struct sim_peer *app, const struct row *row)
{
    sim_peer_expect_part(app, row->line_at_app, row->part_at_app);
    sim_peer_send(app, row->answer);
    sim_peer_expect(client, row->answer);
    sim_peer_send(client, "GET /not-a-request HTTP/1.1\r\n\r\n");
    sim_peer_expect(app, "GET /not-a-request HTTP/1.1\r\n\r\n");
    sim_peer_send(app, "\x01\x02");
    sim_peer_expect(client, "\x01\x02");
    sim_peer_shut(client);
    sim_peer_expect(app, "");
    assert_true(app->eof);
    sim_peer_send(app, "bye");
    sim_peer_expect(client, "bye");
    assert_false(sim_peer_is_over(client));
    sim_peer_shut(app);
    sim_peer_expect(client, "");
    assert_true(client->eof);
}

/* What a client sends in the hope of a switch, and with its end behind it, comes after the switch.
 */
static void talk_early(struct sim *s, struct sim_peer *client, struct sim_peer *app,
                       const struct row *row)
{
    sim_peer_send(client, "early");
    sim_peer_shut(client);
    sim_turn(s);
    assert_null(strstr(sim_peer_got(app), "early"));
    sim_peer_expect_part(app, row->line_at_app, row->part_at_app);
    sim_peer_send(app, row->answer);
    sim_peer_expect(app, "early");
    assert_true(app->eof);
    sim_peer_send(app, "late");
    sim_peer_shut(app);
    sim_turn(s);
    assert_string_equal(sim_peer_got(client) + strlen(row->answer), "late");
}

static void over_one_sidecar(void **state)
{
    for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i / 2];
        struct sim_road r;
        sim_road_prepare(&r);
        r.destination->protocol = i % 2 ? SIM_AUTO : SIM_HTTP;
        sim_road_start(&r);
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, row->request);
        if (i % 2)
            talk(client, sim_road_app(&r), row);
        else
            talk_early(&r.sim, client, sim_road_app(&r), row);
        assert_int_equal(sim_report.fail, FAIL_NONE);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

static void into_a_pod(void **state)
{
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_pod p;
        sim_pod_prepare(&p);
        if (i % 2)
            sim_conf_inbound_port(&p.conf, p.inbound, 8080, SIM_HTTP);
        sim_pod_start(&p);
        struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
        sim_peer_send(client, rows[i].request);
        sim_turn(&p.sim);
        talk(client, sim_app_accept(&p.app), &rows[i]);
        sim_peer_destroy(client);
        sim_node_check_idle(&p.node);
        sim_pod_close(&p);
    }
}

static void over_the_mesh(void **state)
{
    for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i / 2];
        struct sim_mesh m;
        sim_mesh_prepare(&m);
        sim_mesh_start(&m);
        struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
        sim_peer_send(client, row->request);
        struct sim_peer *app = sim_mesh_accept(&m);
        if (i % 2)
            talk(client, app, row);
        else
            talk_early(&m.sim, client, app, row);
        assert_int_equal(m.in.worker.exchange_count, 0);
        assert_int_equal(m.out.worker.exchange_count, 0);
        sim_peer_destroy(client);
        sim_mesh_finish(&m);
    }
}

/* A switched connection ends when the policy says, however much moves on it, and when only one
 * direction is still open. */
static void open_for_too_long(void **state)
{
    for (unsigned i = 0; i < 6; i++) {
        bool said = i % 3, half = i % 3 == 2;
        const struct row *row = &rows[i / 3 ? 5 : 0];
        struct sim_road r;
        sim_road_prepare(&r);
        r.cluster->timeouts = sim_conf_timeouts(&r.conf);
        r.cluster->timeouts->request_ms = 1000;
        r.cluster->timeouts->tunnel_ms = said ? 10000 : 0;
        sim_road_start(&r);
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, row->request);
        struct sim_peer *app = sim_road_app(&r);
        sim_peer_send(app, row->answer);
        sim_peer_expect(client, row->answer);
        if (half)
            sim_peer_shut(app);
        for (int j = 0; j < 9; j++) {
            sim_advance(&r.sim, 1000);
            sim_peer_send(j % 2 && !half ? app : client, "x");
        }
        sim_turn(&r.sim);
        assert_int_equal(r.node.worker.exchange_count, 1);
        sim_advance(&r.sim, 1100);
        assert_int_equal(r.node.worker.exchange_count, !said);
        if (said && !half)
            assert_int_equal(sim_report.fail, FAIL_TUNNEL_TIMEOUT);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

/* The app answers instead of switching, also while the body is still coming; the connection lives
 * on. */
static void declined(void **state)
{
    static const char *const requests[] = {
        HEAD("GET /ws HTTP/1.1") UPGRADE("x") "\r\n",
        HEAD("POST /ws HTTP/1.1") UPGRADE("x") "content-length: 3\r\n\r\nabc",
        HEAD("POST /ws HTTP/1.1") UPGRADE("x") "content-length: 3\r\n\r\nabc",
    };
    for (unsigned i = 0; i < 3; i++) {
        struct sim_mesh m;
        sim_mesh_prepare(&m);
        sim_mesh_start(&m);
        struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
        size_t first = strlen(requests[i]) - (i == 2 ? 2 : 0);
        sim_peer_send_bytes(client, requests[i], first);
        struct sim_peer *app = sim_mesh_accept(&m);
        sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
        sim_turn(&m.sim);
        sim_peer_send(client, requests[i] + first);
        sim_turn(&m.sim);
        const char *last = i ? "\r\nabc" : "\r\n";
        assert_string_equal(sim_peer_got(app) + app->in.len - strlen(last), last);
        sim_peer_send(app, "hello");
        sim_peer_expect(client, ROAD_OK);
        assert_false(sim_peer_is_over(client));
        sim_peer_send(client, ROAD_GET);
        sim_peer_send(sim_mesh_accept(&m), ROAD_OK);
        sim_peer_expect(client, ROAD_OK);
        sim_peer_destroy(client);
        sim_mesh_finish(&m);
    }
}

/* No part of a chunked body's end can be told before the switch: served as a plain request. */
static void not_with_chunks(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, HEAD("POST /x HTTP/1.1") UPGRADE("tcp")
                              "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_expect(app, HEAD("POST /x HTTP/1.1")
                             "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* ---- where CONNECT is not carried ---- */

static const char connect_app[] = "CONNECT app:443 HTTP/1.1\r\nhost: app:443\r\n\r\n";

static void expect_denied(struct sim_peer *client)
{
    sim_peer_expect_part(client, "HTTP/1.1 403 Forbidden\r\n", "x-weft-reason: upgrade_denied\r\n");
}

static void we_are_no_proxy(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_node_connect(&r.node, NULL);
    sim_peer_send(client, connect_app);
    loop_sim_turn(client->loop);
    assert_non_null(strstr(sim_peer_got(client), "CONNECT")); /* what it was that is denied */
    expect_denied(client);
    assert_int_equal(r.app.connections, 0);
    sim_road_done(&r, client);
    sim_road_close(&r);
    struct sim_door d;
    sim_door_prepare(&d);
    sim_conf_gateway(&d.conf, 80, "one");
    sim_door_start(&d);
    client = sim_node_connect_gateway(&d.node, 80);
    sim_peer_send(client, connect_app);
    loop_sim_turn(client->loop);
    assert_non_null(strstr(sim_peer_got(client), "CONNECT")); /* what it was that is denied */
    expect_denied(client);
    assert_null(sim_door_app(&d, 0));
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* In a tunnel nobody sees requests: a policy that says anything of them forbids it. */
static void policies_about_requests_forbid_tunnels(void **state)
{
    static const struct {
        enum authz_action action;
        const char *prefix;
        bool carried;
    } cases[] = {
        {SIM_DENY, "/admin", false},
        {SIM_ALLOW, "/", false},
        {SIM_ALLOW, NULL, true},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_pod p;
        sim_pod_prepare(&p);
        sim_authz *policy = sim_conf_authz(&p.conf, cases[i].action, NULL, cases[i].prefix);
        sim_conf_guard(&p.conf, p.inbound, policy);
        sim_pod_start(&p);
        struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
        sim_peer_send(client, connect_app);
        sim_turn(&p.sim);
        struct sim_peer *app = sim_app_accept(&p.app);
        if (!cases[i].carried)
            expect_denied(client);
        assert_int_equal(app != NULL, cases[i].carried);
        sim_peer_destroy(client);
        sim_node_check_idle(&p.node);
        sim_pod_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_one_sidecar),
        cmocka_unit_test(into_a_pod),
        cmocka_unit_test(over_the_mesh),
        cmocka_unit_test(open_for_too_long),
        cmocka_unit_test(declined),
        cmocka_unit_test(not_with_chunks),
        cmocka_unit_test(we_are_no_proxy),
        cmocka_unit_test(policies_about_requests_forbid_tunnels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
