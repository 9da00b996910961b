/* PINGs over HTTP/2: who is asked whether he is still there, after how long, and given up when.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"
#include "tests/sim/sim_http.h"
#include "tests/sim/sim_pod.h"
#include "tests/sim/sim_road.h"

#include "tests/sim/sim_tls.h"

#include <string.h>

#define CLIENT_ID "spiffe://cluster.local/ns/default/sa/client"
#define SERVER_ID "spiffe://cluster.local/ns/default/sa/server"

typedef Weft__Config__V1__Http2Keepalive keepalive;

static keepalive said(uint32_t interval_ms, uint32_t timeout_ms)
{
    keepalive k = WEFT__CONFIG__V1__HTTP2_KEEPALIVE__INIT;
    k.interval_ms = interval_ms;
    k.timeout_ms = timeout_ms;
    return k;
}

/* ---- endpoints */

struct upstream {
    struct sim_road r;
    struct sim_client client;
    struct sim_call *call;
    const char *alpn[2];
};

/* A request is under way to an endpoint with a sidecar, which does not say a word. */
static void open_upstream(struct upstream *u, keepalive *k)
{
    static char id[] = SERVER_ID;
    sim_road_prepare(&u->r);
    u->r.endpoint->meshed = true;
    u->r.endpoint->spiffe_id = id;
    u->r.cluster->http2_keepalive = k;
    sim_road_start(&u->r);
    sim_node_identify(&u->r.node, CLIENT_ID);
    u->alpn[0] = mesh_alpn_names[MESH_ALPN_H2];
    u->alpn[1] = NULL;
    u->r.app.tls = sim_tls_server(id, u->alpn);
    sim_client_open(&u->client, sim_node_dial(&u->r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    u->call = sim_client_call(&u->client, "POST", "app", "/", "x", true);
    sim_road_app(&u->r);
}

static void close_upstream(struct upstream *u)
{
    sim_client_close(&u->client);
    sim_node_check_idle(&u->r.node);
    tls_ctx_unref(u->r.app.tls);
    u->r.app.tls = NULL;
    sim_road_close(&u->r);
}

static void endpoint_is_given_up_in_time(void **state)
{
    struct upstream u;
    keepalive k = said(2000, 500);
    open_upstream(&u, &k);
    sim_advance(&u.r.sim, 2400);
    assert_false(u.call->done);
    sim_advance(&u.r.sim, 200);
    assert_true(u.call->done);
    assert_int_equal(u.call->head->status, 502);
    close_upstream(&u);
}

static void endpoint_is_never_asked(void **state)
{
    struct upstream u;
    keepalive k = said(0, 500);
    open_upstream(&u, &k);
    sim_advance(&u.r.sim, 60000);
    assert_false(u.call->done);
    assert_int_equal(u.r.app.connections, 1);
    close_upstream(&u);
}

/* ---- clients */

/* Speaks HTTP/2 as far as one request, and then leaves all PINGs without an answer. */
static void ask(struct sim_peer *client)
{
    static const char text[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                               "\0\0\0\4\0\0\0\0\0"
                               "\0\0\x9\1\5\0\0\0\1"
                               "\x82\x84\x86\x41\4shop";
    sim_peer_send_bytes(client, text, sizeof text - 1);
}

static unsigned count_pings(const struct sim_peer *client)
{
    const unsigned char *p = (const void *)sim_peer_got(client);
    unsigned count = 0;
    for (size_t at = 0; at + 9 <= client->in.len;) {
        count += p[at + 3] == 6;
        at += 9u + ((size_t)p[at] << 16 | (size_t)p[at + 1] << 8 | p[at + 2]);
    }
    return count;
}

/* Asked when so much time has passed, and given up after so much more; 0: neither. */
static void check(struct sim *sim, struct sim_peer *client, uint64_t asked_ms, uint64_t over_ms)
{
    sim_turn(sim);
    assert_false(sim_peer_is_over(client));
    if (!asked_ms) {
        sim_advance(sim, 60000);
        assert_int_equal(count_pings(client), 0);
        assert_false(sim_peer_is_over(client));
        return;
    }
    sim_advance(sim, asked_ms - 100);
    assert_int_equal(count_pings(client), 0);
    sim_advance(sim, 200);
    assert_int_equal(count_pings(client), 1);
    sim_advance(sim, over_ms - 200);
    assert_false(sim_peer_is_over(client));
    sim_advance(sim, 200);
    assert_true(sim_peer_is_over(client));
}

struct row {
    bool is_said;
    uint32_t interval_ms, timeout_ms;
    uint64_t asked_ms, over_ms;
};

static void client_of_a_pod(const struct row *row, bool is_mesh)
{
    struct sim_pod p;
    keepalive k = said(row->interval_ms, row->timeout_ms);
    sim_pod_prepare(&p);
    if (row->is_said)
        sim_conf_clients(&p.conf, NULL)->http2_keepalive = &k;
    sim_pod_start(&p);
    sim_node_identify(&p.node, SERVER_ID);
    struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
    if (is_mesh)
        sim_tls_connect(client->s, CLIENT_ID, mesh_alpn_names[MESH_ALPN_H2]);
    ask(client);
    check(&p.sim, client, is_mesh ? row->asked_ms : 0, row->over_ms);
    sim_peer_destroy(client);
    sim_node_check_idle(&p.node);
    sim_pod_close(&p);
}

/* In the mesh, what is said holds, else ten seconds and ten; whoever is not in it is not asked. */
static void clients_of_a_pod(void **state)
{
    static const struct row rows[] = {{false, 0, 0, 10000, 10000},
                                      {true, 3000, 1000, 3000, 1000},
                                      {true, 0, 1000, 0, 0}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        client_of_a_pod(&rows[i], true);
        client_of_a_pod(&rows[i], false);
    }
}

static void clients_of_a_gateway(void **state)
{
    static const struct row rows[] = {{false, 0, 0, 0, 0}, {true, 3000, 1000, 3000, 1000}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sim_door d;
        keepalive k = said(rows[i].interval_ms, rows[i].timeout_ms);
        sim_door_prepare(&d);
        sim_gateway *g = sim_conf_gateway(&d.conf, 8000, "one");
        if (rows[i].is_said)
            sim_conf_clients(&d.conf, g)->http2_keepalive = &k;
        sim_door_start(&d);
        struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
        ask(client);
        check(&d.sim, client, rows[i].asked_ms, rows[i].over_ms);
        sim_door_done(&d, client);
        sim_door_close(&d);
    }
}

/* ---- answers to PINGs (RFC 9113, 6.7 and 6.8) */

enum { FRAME_PING = 6, FRAME_GOAWAY = 7 };

/* The payload of the last frame of that type that came; NULL: none. */
static const unsigned char *last_frame(const struct sim_peer *client, unsigned type,
                                       unsigned *count)
{
    const unsigned char *p = (const void *)sim_peer_got(client), *found = NULL;
    *count = 0;
    for (size_t at = 0; at + 9 <= client->in.len;) {
        if (p[at + 3] == type) {
            found = &p[at + 9];
            ++*count;
        }
        at += 9u + ((size_t)p[at] << 16 | (size_t)p[at + 1] << 8 | p[at + 2]);
    }
    return found;
}

static void answer_ping(struct sim_peer *client, const void *payload)
{
    unsigned char frame[17] = {0, 0, 8, FRAME_PING, 1};
    memcpy(frame + 9, payload, 8);
    sim_peer_send_bytes(client, frame, sizeof frame);
}

/* An answer that nobody asked for means nothing: the connection goes on. */
static void an_answer_to_no_question(void **state)
{
    struct sim_door d;
    unsigned count;
    sim_door_prepare(&d);
    sim_conf_gateway(&d.conf, 8000, "one");
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
    ask(client);
    sim_turn(&d.sim);
    answer_ping(client, "whatever");
    sim_turn(&d.sim);
    sim_advance(&d.sim, 2000);
    assert_null(last_frame(client, FRAME_GOAWAY, &count));
    assert_false(sim_peer_is_over(client));
    sim_door_done(&d, client);
    sim_door_close(&d);
}

/* The second GOAWAY of a drain follows the answer to the PING behind the first, at once. */
static void the_answer_of_a_drain(void **state)
{
    struct sim_door d;
    unsigned count;
    sim_door_prepare(&d);
    sim_conf_gateway(&d.conf, 8000, "one");
    sim_door_start(&d);
    struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
    ask(client);
    sim_turn(&d.sim);
    worker_post_drain(&d.node.worker, true);
    sim_turn(&d.sim);
    const unsigned char *goaway = last_frame(client, FRAME_GOAWAY, &count);
    assert_int_equal(count, 1);
    assert_memory_equal(goaway, "\x7f\xff\xff\xff", 4);
    const unsigned char *ping = last_frame(client, FRAME_PING, &count);
    assert_int_equal(count, 1);
    answer_ping(client, ping);
    sim_turn(&d.sim);
    goaway = last_frame(client, FRAME_GOAWAY, &count);
    assert_int_equal(count, 2);
    assert_memory_equal(goaway, "\0\0\0\1", 4);
    sim_door_done(&d, client);
    sim_door_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoint_is_given_up_in_time),
        cmocka_unit_test(endpoint_is_never_asked),
        cmocka_unit_test(clients_of_a_pod),
        cmocka_unit_test(clients_of_a_gateway),
        cmocka_unit_test(an_answer_to_no_question),
        cmocka_unit_test(the_answer_of_a_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
