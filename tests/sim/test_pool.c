/* Connections to endpoints: kept, shared, limited, given up.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <string.h>

/* One request and its answer over that client. */
static void serve(struct sim_road *r, struct sim_peer *client, struct sim_peer *app,
                  const char *answer)
{
    sim_peer_send(client, ROAD_GET);
    sim_turn(&r->sim);
    sim_peer_expect(app, ROAD_GET);
    sim_peer_send(app, answer);
    sim_turn(&r->sim);
    assert_non_null(strstr(sim_peer_got(client), "hello"));
    sim_peer_forget(client);
}

static struct cluster *cluster(struct sim_road *r)
{
    return sim_node_cluster(&r->node, "app");
}

static void idle_connection_is_closed(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_forget(app);
    for (int i = 0; i < 5; i++) {
        sim_advance(&r.sim, 3900);
        serve(&r, client, app, ROAD_OK);
    }
    sim_advance(&r.sim, 4100);
    assert_true(app->eof);
    assert_int_equal(cluster(&r)->connections, 0);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* The app has said how long it keeps an idle connection. */
static void promise_is_heard(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app,
                  "HTTP/1.1 200 OK\r\nkeep-alive: timeout=2\r\ncontent-length: 5\r\n\r\nhello");
    sim_turn(&r.sim);
    sim_advance(&r.sim, 900);
    assert_false(app->eof);
    sim_advance(&r.sim, 900);
    assert_true(app->eof);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void newest_first(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *a = sim_road_client(&r), *b = sim_road_client(&r);
    sim_peer_send(a, ROAD_GET);
    struct sim_peer *first = sim_road_app(&r);
    sim_peer_send(b, ROAD_GET);
    struct sim_peer *second = sim_road_app(&r);
    sim_peer_send(first, ROAD_OK);
    sim_turn(&r.sim);
    sim_peer_send(second, ROAD_OK);
    sim_turn(&r.sim);
    sim_peer_forget(a);
    sim_peer_forget(first);
    sim_peer_forget(second);
    for (int i = 0; i < 3; i++)
        serve(&r, a, second, ROAD_OK);
    assert_int_equal(r.app.connections, 2);
    sim_peer_destroy(b);
    sim_road_done(&r, a);
    sim_road_close(&r);
}

/* Bytes that no request asked for: whatever they are, the next request must not get them. */
static void unasked_bytes(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_send(app, "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
    sim_turn(&r.sim);
    assert_true(sim_peer_is_over(app));
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect(sim_road_app(&r), ROAD_GET);
    sim_peer_expect(client, "");
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void requests_per_connection(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    r.cluster->max_requests_per_connection = 3;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r), *app = NULL;
    for (unsigned i = 0; i < 9; i++) {
        sim_peer_send(client, ROAD_GET);
        sim_turn(&r.sim);
        if (i % 3 == 0) {
            if (app)
                assert_true(app->eof);
            app = sim_app_accept(&r.app);
        }
        assert_int_equal(r.app.connections, 1 + i / 3);
        sim_peer_expect(app, ROAD_GET);
        sim_peer_send(app, ROAD_OK);
        sim_peer_expect(client, ROAD_OK);
    }
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* ---- HTTP/2 ---- */

struct shared {
    struct sim_road r;
    struct sim_server app;
    struct sim_client client;
};

static void open_shared(struct shared *s, uint32_t max_streams, uint32_t per_connection)
{
    sim_road_prepare(&s->r);
    s->r.cluster->protocol = SIM_HTTP2;
    s->r.cluster->max_requests_per_connection = per_connection;
    sim_node_open(&s->r.node, &s->r.sim, MODE_SIDECAR, "10.0.9.1", &s->r.conf);
    sim_server_open(&s->app, s->r.sim.loop, ROAD_APP, HTTP_PROTOCOL_2);
    s->app.config.max_streams = max_streams;
    s->app.manual = true;
    sim_client_open(&s->client, sim_node_dial(&s->r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    sim_turn(&s->r.sim);
}

static void close_shared(struct shared *s)
{
    sim_client_close(&s->client);
    sim_node_check_idle(&s->r.node);
    sim_server_close(&s->app);
    sim_turn(&s->r.sim);
    sim_node_close(&s->r.node);
    sim_conf_dispose(&s->r.conf);
    sim_close(&s->r.sim);
}

static struct sim_call *ask(struct shared *s)
{
    struct sim_call *call = sim_client_call(&s->client, "GET", "app", "/", NULL, true);
    sim_turn(&s->r.sim);
    return call;
}

static void answer(struct shared *s, unsigned n)
{
    sim_server_answer(sim_server_call(&s->app, n), 200, "ok");
    sim_turn(&s->r.sim);
}

/* Nobody has told us of a limit when the first requests come, all at once. */
static void one_connection_for_many(void **state)
{
    struct shared s;
    open_shared(&s, 100, 0);
    struct sim_call *calls[50];
    for (int i = 0; i < 50; i++)
        calls[i] = sim_client_call(&s.client, "GET", "app", "/", NULL, true);
    sim_turn(&s.r.sim);
    assert_int_equal(s.app.host.dials, 1);
    for (unsigned i = 0; i < 50; i++) {
        answer(&s, i);
        assert_true(calls[i]->done);
    }
    close_shared(&s);
}

static void more_streams_than_one_connection_takes(void **state)
{
    struct shared s;
    open_shared(&s, 2, 0);
    struct sim_call *calls[7];
    for (int i = 0; i < 7; i++)
        calls[i] = ask(&s);
    assert_int_equal(s.app.requests, 7);
    assert_int_equal(s.app.host.dials, 4);
    for (unsigned i = 0; i < 7; i++) {
        answer(&s, i);
        assert_true(calls[i]->done);
    }
    close_shared(&s);
}

static void goaway(void **state)
{
    struct shared s;
    open_shared(&s, 100, 0);
    struct sim_call *before = ask(&s);
    sim_server_drain(&s.app);
    sim_advance(&s.r.sim, 1500);
    struct sim_call *after = ask(&s);
    assert_int_equal(s.app.host.dials, 2);
    answer(&s, 0);
    answer(&s, 1);
    assert_true(before->done && after->done);
    sim_advance(&s.r.sim, 3000);
    assert_int_equal(s.app.open, 1);
    assert_int_equal(cluster(&s.r)->connections, 1);
    close_shared(&s);
}

static void requests_per_connection_h2(void **state)
{
    struct shared s;
    open_shared(&s, 100, 3);
    struct sim_call *calls[7];
    for (int i = 0; i < 7; i++)
        calls[i] = ask(&s);
    assert_int_equal(s.app.host.dials, 3);
    for (unsigned i = 0; i < 7; i++) {
        answer(&s, i);
        assert_true(calls[i]->done);
    }
    sim_advance(&s.r.sim, 3000);
    assert_int_equal(s.app.open, 1);
    close_shared(&s);
}

static void idle_h2(void **state)
{
    struct shared s;
    open_shared(&s, 100, 0);
    ask(&s);
    answer(&s, 0);
    sim_advance(&s.r.sim, 290000);
    assert_int_equal(s.app.open, 1);
    sim_advance(&s.r.sim, 20000);
    assert_int_equal(s.app.open, 0);
    assert_int_equal(cluster(&s.r)->connections, 0);
    close_shared(&s);
}

/* A sidecar that is silent although answers are owed is asked by PING, and does not answer either.
 * What may not be repeated fails; what may is tried again on another connection. */
static void dead_connection(void **state)
{
    static char id[] = "spiffe://cluster.local/ns/default/sa/app";
    const char *const alpn[] = {mesh_alpn_names[MESH_ALPN_H2], NULL};
    struct sim_road r;
    struct sim_client client;
    sim_road_prepare(&r);
    r.endpoint->meshed = true;
    r.endpoint->spiffe_id = id;
    sim_road_start(&r);
    sim_node_identify(&r.node, "spiffe://cluster.local/ns/default/sa/client");
    r.app.tls = sim_tls_server(id, alpn);
    sim_client_open(&client, sim_node_dial(&r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    struct sim_call *post = sim_client_call(&client, "POST", "app", "/", "x", true);
    sim_road_app(&r);
    struct sim_call *get = sim_client_call(&client, "GET", "app", "/", NULL, true);
    sim_advance(&r.sim, 9000);
    assert_false(post->done);
    assert_int_equal(r.app.connections, 1);
    sim_advance(&r.sim, 12000);
    assert_true(post->done);
    assert_int_equal(post->head->status, 502);
    assert_false(get->done); /* it is under way again */
    assert_int_equal(r.app.connections, 2);
    assert_true(cluster(&r)->conf->endpoints[0].health->failures[OUTLIER_ANY] >= 2);
    sim_client_close(&client);
    sim_node_check_idle(&r.node);
    tls_ctx_unref(r.app.tls);
    r.app.tls = NULL;
    sim_road_close(&r);
}

/* An app is not asked: many gRPC servers take it for an attack. */
static void apps_get_no_ping(void **state)
{
    struct sim_road r;
    struct sim_client client;
    sim_road_prepare(&r);
    r.cluster->protocol = SIM_HTTP2;
    r.cluster->timeouts = sim_conf_timeouts(&r.conf);
    r.cluster->timeouts->idle_ms = 3600000;
    sim_road_start(&r);
    sim_client_open(&client, sim_node_dial(&r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    struct sim_call *call = sim_client_call(&client, "POST", "app", "/", "x", true);
    struct sim_peer *app = sim_road_app(&r);
    size_t came = app->in.len;
    sim_advance(&r.sim, 600000);
    assert_int_equal(app->in.len, came);
    assert_false(call->done);
    sim_client_close(&client);
    sim_node_check_idle(&r.node);
    sim_road_close(&r);
}

/* An app that counts what it does not read against the whole connection: others get another. */
static void blocked_connection(void **state)
{
    static const char preface[] = "\0\0\0\4\0\0\0\0\0";
    static char body[70000];
    struct sim_road r;
    sim_road_prepare(&r);
    r.cluster->protocol = SIM_HTTP2;
    sim_road_start(&r);
    struct sim_peer *stalled = sim_road_client(&r), *other = sim_road_client(&r);
    sim_peer_send(stalled, "POST /x HTTP/1.1\r\nhost: app\r\ncontent-length: 70000\r\n\r\n");
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send_bytes(app, preface, sizeof(preface) - 1);
    sim_peer_send_bytes(stalled, body, sizeof(body));
    sim_turn(&r.sim);
    assert_in_range(app->in.len, 65535, 66000);
    sim_peer_send(other, ROAD_GET);
    sim_turn(&r.sim);
    assert_int_equal(r.app.connections, 1);
    sim_advance(&r.sim, 600);
    struct sim_peer *third = sim_road_client(&r);
    sim_peer_send(third, ROAD_GET);
    sim_turn(&r.sim);
    assert_int_equal(r.app.connections, 2);
    sim_peer_destroy(stalled);
    sim_peer_destroy(other);
    sim_peer_destroy(third);
    sim_turn(&r.sim);
    sim_road_close(&r);
}

/* Without a certificate of its own a sidecar cannot call one of the mesh. Whoever asked is told,
 * and nobody waits for what will not come; with a certificate it works. */
static void nothing_can_be_dialled(void **state)
{
    static char id[] = "spiffe://cluster.local/ns/default/sa/server";
    struct sim_road r;
    sim_road_prepare(&r);
    r.endpoint->meshed = true;
    r.endpoint->spiffe_id = id;
    sim_road_start(&r);
    for (int i = 0; i < 3; i++) {
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, ROAD_GET);
        sim_peer_expect_part(client, "HTTP/1.1 503 ", NULL);
        assert_int_equal(cluster(&r)->pending, 0);
        sim_road_done(&r, client);
    }
    assert_int_equal(r.app.connections, 0);
    sim_node_identify(&r.node, "spiffe://cluster.local/ns/default/sa/client");
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&r.sim);
    assert_int_equal(r.app.connections, 1);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_can_be_dialled),
        cmocka_unit_test(idle_connection_is_closed),
        cmocka_unit_test(promise_is_heard),
        cmocka_unit_test(newest_first),
        cmocka_unit_test(unasked_bytes),
        cmocka_unit_test(requests_per_connection),
        cmocka_unit_test(one_connection_for_many),
        cmocka_unit_test(more_streams_than_one_connection_takes),
        cmocka_unit_test(goaway),
        cmocka_unit_test(requests_per_connection_h2),
        cmocka_unit_test(idle_h2),
        cmocka_unit_test(blocked_connection),
        cmocka_unit_test(dead_connection),
        cmocka_unit_test(apps_get_no_ping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
