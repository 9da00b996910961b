/* When a request is sent again, when it is not, and that it arrives as it was: policy, harm,
 * budget, and the body kept for it. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"

#define HEAD(line) line "\r\nhost: app\r\nx-request-id: 1\r\n"
#define POST HEAD("POST /x HTTP/1.1") "content-length: 6\r\n\r\nabcdef"
#define PUT HEAD("PUT /x HTTP/1.1") "content-length: 6\r\n\r\nabcdef"
#define AGAIN "x-weft-attempt: 2\r\n"
#define REFUSAL "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"

enum { BACKOFF_MS = 300 };

/* A second endpoint beside the road's, and an app there. */
struct two {
    struct sim_road r;
    struct sim_app other;
};

static void open_two(struct two *t, void (*change)(struct two *t))
{
    sim_road_prepare(&t->r);
    sim_conf_endpoint(&t->r.conf, t->r.cluster, "10.0.0.2:8080");
    /* In turn, so that the test knows who is asked first. */
    sim_conf_balance(t->r.cluster, "RoundRobin");
    if (change)
        change(t);
    sim_road_start(&t->r);
    sim_app_open(&t->other, "10.0.0.2:8080");
}

static void close_two(struct two *t)
{
    sim_app_close(&t->other);
    sim_road_close(&t->r);
}

static void after_backoff(struct two *t)
{
    sim_advance(&t->r.sim, BACKOFF_MS);
}

/* ---- could not connect ---- */

static void connect_failure_is_hidden(void **state)
{
    static const char *const requests[] = {ROAD_GET, POST};
    for (unsigned i = 0; i < 2; i++) {
        struct two t;
        open_two(&t, NULL);
        t.r.app.host.answer = SIM_REFUSE;
        struct sim_peer *client = sim_road_client(&t.r);
        sim_peer_send(client, requests[i]);
        sim_turn(&t.r.sim);
        after_backoff(&t);
        struct sim_peer *app = sim_app_accept(&t.other);
        assert_non_null(app);
        assert_non_null(strstr(sim_peer_got(app), AGAIN));
        assert_int_equal(strstr(sim_peer_got(app), "\r\n\r\nabcdef") != NULL, i == 1);
        sim_peer_send(app, ROAD_OK);
        sim_peer_expect(client, ROAD_OK);
        assert_int_equal(sim_report.values[METRICS_RETRIES], 1);
        sim_road_done(&t.r, client);
        close_two(&t);
    }
}

static void connect_failure_everywhere(void **state)
{
    struct two t;
    open_two(&t, NULL);
    t.r.app.host.answer = t.other.host.answer = SIM_REFUSE;
    struct sim_peer *client = sim_road_client(&t.r);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&t.r.sim);
    after_backoff(&t);
    sim_peer_expect_part(client, "HTTP/1.1 503 Service Unavailable\r\n",
                         "x-weft-reason: connect_failed\r\n");
    assert_int_equal(t.r.app.host.dials, 1);
    assert_int_equal(t.other.host.dials, 1);
    sim_road_done(&t.r, client);
    close_two(&t);
}

static void connect_timeout(void **state)
{
    struct two t;
    open_two(&t, NULL);
    t.r.app.host.answer = SIM_SILENT;
    struct sim_peer *client = sim_road_client(&t.r);
    sim_peer_send(client, ROAD_GET);
    sim_advance(&t.r.sim, 1900);
    assert_int_equal(t.other.host.dials, 0);
    sim_advance(&t.r.sim, 200 + BACKOFF_MS);
    struct sim_peer *app = sim_app_accept(&t.other);
    assert_non_null(app);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_road_done(&t.r, client);
    close_two(&t);
}

/* The body comes while we are still connecting, in pieces, and each piece wakes the exchange. */
static void body_arrives_while_we_dial(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    r.app.host.connect_ms = 100;
    struct sim_peer *client = sim_road_client(&r);
    for (size_t i = 0; i < strlen(POST); i++) {
        sim_peer_send_bytes(client, &POST[i], 1);
        sim_turn(&r.sim);
    }
    assert_int_equal(sim_node_cluster(&r.node, "app")->pending, 1);
    assert_int_equal(r.app.host.dials, 1);
    sim_advance(&r.sim, 200);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_expect(app, POST);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* ---- broken off before an answer ---- */

/* The connection had served before, so that the app may have closed it while our request was under
 * way: a GET is sent again without being asked to, a POST is not. */
static void race_with_an_idle_close(void **state)
{
    static const char *const requests[] = {ROAD_GET, PUT, POST};
    for (unsigned i = 0; i < 3; i++) {
        for (int reset = 0; reset < 2; reset++) {
            struct sim_road r;
            sim_road_open(&r);
            struct sim_peer *client = sim_road_client(&r);
            sim_peer_send(client, ROAD_GET);
            struct sim_peer *app = sim_road_app(&r);
            sim_peer_send(app, ROAD_OK);
            sim_peer_expect(client, ROAD_OK);
            sim_peer_forget(app);
            sim_peer_send(client, requests[i]);
            sim_peer_expect(app, requests[i]);
            if (reset)
                sim_peer_reset(app);
            else
                sim_peer_close(app);
            sim_advance(&r.sim, BACKOFF_MS);
            if (i == 2) {
                assert_int_equal(r.app.connections, 1);
                sim_peer_expect_part(client, "HTTP/1.1 502 Bad Gateway\r\n",
                                     "x-weft-reason: upstream_closed\r\n");
            } else {
                struct sim_peer *other = sim_road_app(&r);
                assert_non_null(strstr(sim_peer_got(other), AGAIN));
                sim_peer_send(other, ROAD_OK);
                sim_peer_expect(client, ROAD_OK);
            }
            sim_road_done(&r, client);
            sim_road_close(&r);
        }
    }
}

/* The app has closed before our POST left: the pool looks before it takes an idle connection. */
static void stale_connection_is_not_used_for_a_post(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    /* Between two turns: the request is here, and of the end nobody has heard yet. */
    sim_peer_send(client, POST);
    while (sim_net_pump(client->s))
        ;
    sim_peer_close(app);
    struct sim_peer *other = sim_road_app(&r);
    sim_peer_expect(other, POST);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void set_no_retry(struct two *t)
{
    t->r.cluster->retry = sim_conf_retry(&t->r.conf);
}

static void no_retry_when_policy_says_none(void **state)
{
    struct two t;
    open_two(&t, set_no_retry);
    t.r.app.host.answer = SIM_REFUSE;
    struct sim_peer *client = sim_road_client(&t.r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "connect_failed");
    assert_int_equal(t.other.host.dials, 0);
    sim_road_done(&t.r, client);
    close_two(&t);
}

/* ---- answers ---- */

static void set_on_503(struct two *t)
{
    static uint32_t codes[] = {429};
    sim_retry *retry = t->r.cluster->retry = sim_conf_retry(&t->r.conf);
    retry->attempts = 2;
    retry->on_gateway_error = true;
    retry->only_idempotent = true;
    retry->status_codes = codes;
    retry->n_status_codes = 1;
}

static void answer_is_tried_again(void **state)
{
    struct two t;
    open_two(&t, set_on_503);
    struct sim_peer *client = sim_road_client(&t.r);
    sim_peer_send(client, PUT);
    struct sim_peer *app = sim_road_app(&t.r);
    sim_peer_expect(app, PUT);
    sim_peer_send(app, REFUSAL);
    sim_peer_expect(client, "");
    after_backoff(&t);
    struct sim_peer *other = sim_app_accept(&t.other);
    assert_non_null(other);
    sim_peer_expect(other, HEAD("PUT /x HTTP/1.1") AGAIN "content-length: 6\r\n\r\nabcdef");
    sim_peer_send(other, "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n");
    sim_turn(&t.r.sim);
    after_backoff(&t);
    /* Everybody was asked: now anybody will do. The third answer is the last. */
    struct sim_peer *third = strlen(sim_peer_got(app)) ? app : other;
    assert_non_null(strstr(sim_peer_got(third), "x-weft-attempt: 3\r\n"));
    sim_peer_send(third, REFUSAL);
    sim_peer_expect(client, REFUSAL);
    assert_int_equal(sim_report.values[METRICS_RETRIES], 2);
    sim_road_done(&t.r, client);
    close_two(&t);
}

static void answer_to_a_post_is_final(void **state)
{
    struct two t;
    open_two(&t, set_on_503);
    struct sim_peer *client = sim_road_client(&t.r);
    sim_peer_send(client, POST);
    struct sim_peer *app = sim_road_app(&t.r);
    sim_peer_send(app, REFUSAL);
    sim_peer_expect(client, REFUSAL);
    after_backoff(&t);
    assert_int_equal(t.other.connections, 0);
    sim_road_done(&t.r, client);
    close_two(&t);
}

static void other_answers_are_final(void **state)
{
    struct two t;
    open_two(&t, set_on_503);
    struct sim_peer *client = sim_road_client(&t.r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&t.r);
    sim_peer_send(app, "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n");
    sim_peer_expect_part(client, "HTTP/1.1 500 ", NULL);
    assert_int_equal(t.other.connections, 0);
    sim_road_done(&t.r, client);
    close_two(&t);
}

/* ---- HTTP/2: provably not processed ---- */

static void refused_stream(void **state)
{
    struct two t;
    struct sim_server servers[2];
    struct sim_client client;
    sim_road_prepare(&t.r);
    sim_conf_endpoint(&t.r.conf, t.r.cluster, "10.0.0.2:8080");
    sim_conf_balance(t.r.cluster, "RoundRobin");
    t.r.cluster->protocol = SIM_HTTP2;
    sim_node_open(&t.r.node, &t.r.sim, MODE_SIDECAR, "10.0.9.1", &t.r.conf);
    sim_server_open(&servers[0], t.r.sim.loop, ROAD_APP, HTTP_PROTOCOL_2);
    sim_server_open(&servers[1], t.r.sim.loop, "10.0.0.2:8080", HTTP_PROTOCOL_2);
    servers[0].refuse = true;
    sim_client_open(&client, sim_node_dial(&t.r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    struct sim_call *call = sim_client_call(&client, "POST", "app", "/", "abcdef", true);
    sim_turn(&t.r.sim);
    after_backoff(&t);
    assert_int_equal(servers[0].host.dials, 1);
    struct sim_call *got = sim_server_call(&servers[1], 0);
    assert_non_null(got);
    assert_string_equal(sim_text_get(&got->body), "abcdef");
    assert_true(call->done);
    assert_int_equal(call->head->status, 200);
    sim_client_close(&client);
    sim_node_check_idle(&t.r.node);
    sim_server_close(&servers[0]);
    sim_server_close(&servers[1]);
    sim_turn(&t.r.sim);
    sim_node_close(&t.r.node);
    sim_conf_dispose(&t.r.conf);
    sim_close(&t.r.sim);
}

/* ---- the body ---- */

static void set_on_reset(struct two *t)
{
    sim_retry *retry = t->r.cluster->retry = sim_conf_retry(&t->r.conf);
    retry->attempts = 1;
    retry->on_reset = true;
    retry->only_idempotent = true;
}

static void fill(char *body, size_t len)
{
    for (size_t i = 0; i < len; i++)
        body[i] = (char)('a' + (i * 7 + i / 251) % 26);
}

/* Breaks the first attempt after `before` bytes of the body have come; the second must get all of
 * it exactly, or there is none. */
static void replay(size_t len, size_t before, size_t piece)
{
    struct two t;
    char *body = mem_alloc(len), head[128];
    fill(body, len);
    open_two(&t, set_on_reset);
    t.r.node.pieces.piece = piece;
    struct sim_peer *client = sim_road_client(&t.r);
    snprintf(head, sizeof(head), HEAD("PUT /x HTTP/1.1") "content-length: %zu\r\n\r\n", len);
    sim_peer_send(client, head);
    sim_peer_send_bytes(client, body, before);
    struct sim_peer *app = sim_road_app(&t.r);
    assert_int_equal(app->in.len, strlen(head) + before);
    sim_peer_reset(app);
    sim_turn(&t.r.sim);
    after_backoff(&t);
    struct sim_peer *other = sim_app_accept(&t.other);
    assert_int_equal(other != NULL, before <= 65536);
    if (other) {
        sim_peer_send_bytes(client, body + before, len - before);
        sim_turn(&t.r.sim);
        size_t head_len = strlen(head) + strlen(AGAIN);
        assert_int_equal(other->in.len, head_len + len);
        assert_memory_equal(other->in.ptr + head_len, body, len);
        sim_peer_send(other, ROAD_OK);
        sim_peer_expect(client, ROAD_OK);
    } else {
        sim_peer_expect_part(client, "HTTP/1.1 502 Bad Gateway\r\n", "upstream_");
    }
    sim_road_done(&t.r, client);
    close_two(&t);
    mem_free(body);
}

static void body_is_replayed_exactly(void **state)
{
    replay(10, 0, 0);
    replay(10, 4, 1);
    replay(10, 10, 3);
    replay(65536, 65536, 0);
    replay(65536, 40000, 1000);
    replay(300000, 65536, 0);
    replay(300000, 30000, 777);
    replay(300000, 65537, 0);
    replay(300000, 200000, 5000);
}

/* The windows of the client's HTTP/2 stream are given back once for each byte, not once for each
 * attempt. */
static void replay_gives_back_the_window_once(void **state)
{
    struct two t;
    struct sim_client client;
    sim_road_prepare(&t.r);
    sim_conf_endpoint(&t.r.conf, t.r.cluster, "10.0.0.2:8080");
    sim_conf_balance(t.r.cluster, "RoundRobin");
    t.r.cluster->protocol = SIM_HTTP1;
    set_on_reset(&t);
    sim_road_start(&t.r);
    sim_app_open(&t.other, "10.0.0.2:8080");
    t.other.host.options.capacity = 1000;
    sim_client_open(&client, sim_node_dial(&t.r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    struct sim_call *call = sim_client_call(&client, "PUT", "app", "/", "", false);
    sim_call_send_zeros(call, 60000, false);
    struct sim_peer *app = sim_road_app(&t.r);
    sim_peer_reset(app);
    sim_turn(&t.r.sim);
    after_backoff(&t);
    struct sim_peer *other = sim_app_accept(&t.other);
    assert_non_null(other);
    sim_peer_read(other, false);
    sim_turn(&t.r.sim);
    sim_call_send_zeros(call, 1000000, true);
    sim_turn(&t.r.sim);
    /* The app reads nothing: what we took of the client's is bounded all the same. */
    assert_true(1000000 - http_stream_unsent(&call->st) < 400 * 1024);
    sim_peer_read(other, true);
    sim_turn(&t.r.sim);
    assert_int_equal(http_stream_unsent(&call->st), 0);
    sim_peer_send(other, ROAD_OK);
    sim_turn(&t.r.sim);
    assert_true(call->done);
    sim_client_close(&client);
    sim_node_check_idle(&t.r.node);
    close_two(&t);
}

/* ---- the budget ---- */

static void budget(void **state)
{
    struct two t;
    open_two(&t, NULL);
    t.r.app.host.answer = t.other.host.answer = SIM_REFUSE;
    struct sim_peer *client = sim_road_client(&t.r);
    enum { REQUESTS = 150 };
    for (int i = 0; i < REQUESTS; i++) {
        sim_peer_send(client, ROAD_GET);
        sim_advance(&t.r.sim, 60);
        sim_peer_expect_part(client, "HTTP/1.1 503 ", NULL);
    }
    /* In nine seconds: ten a second at least, and a fifth of the requests. */
    unsigned retries = (unsigned)sim_report.values[METRICS_RETRIES];
    assert_int_equal(retries, 100 + REQUESTS / 5);
    assert_int_equal(sim_report.values[METRICS_RETRY_BUDGET_EXHAUSTED], REQUESTS - retries);
    /* Later there is a new one. */
    sim_advance(&t.r.sim, 20000);
    sim_peer_send(client, ROAD_GET);
    sim_advance(&t.r.sim, 300);
    assert_int_equal(sim_report.values[METRICS_RETRIES], retries + 1);
    sim_road_done(&t.r, client);
    close_two(&t);
}

/* ---- at the destination's own sidecar ---- */

static void inbound_retries_only_the_race(void **state)
{
    struct sim_road r;
    struct sim_app app;
    sim_road_prepare(&r);
    sim_node_open(&r.node, &r.sim, MODE_SIDECAR, "10.0.9.1", &r.conf);
    sim_app_open(&app, "10.0.9.1:8080");
    app.host.behind_proxy = true;
    struct sim_peer *client = sim_node_connect_inbound(&r.node, "10.0.5.5", 8080);
    app.host.answer = SIM_REFUSE;
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "connect_failed");
    assert_int_equal(app.host.dials, 1);
    app.host.answer = SIM_ACCEPT;
    sim_peer_send(client, ROAD_GET);
    sim_turn(&r.sim);
    struct sim_peer *first = sim_app_accept(&app);
    assert_non_null(first);
    sim_peer_close(first);
    sim_advance(&r.sim, 50);
    struct sim_peer *second = sim_app_accept(&app);
    assert_non_null(second);
    sim_peer_send(second, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_road_done(&r, client);
    sim_app_close(&app);
    sim_turn(&r.sim);
    sim_node_close(&r.node);
    sim_conf_dispose(&r.conf);
    sim_close(&r.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_failure_is_hidden),
        cmocka_unit_test(connect_failure_everywhere),
        cmocka_unit_test(connect_timeout),
        cmocka_unit_test(body_arrives_while_we_dial),
        cmocka_unit_test(race_with_an_idle_close),
        cmocka_unit_test(stale_connection_is_not_used_for_a_post),
        cmocka_unit_test(no_retry_when_policy_says_none),
        cmocka_unit_test(answer_is_tried_again),
        cmocka_unit_test(answer_to_a_post_is_final),
        cmocka_unit_test(other_answers_are_final),
        cmocka_unit_test(refused_stream),
        cmocka_unit_test(body_is_replayed_exactly),
        cmocka_unit_test(replay_gives_back_the_window_once),
        cmocka_unit_test(budget),
        cmocka_unit_test(inbound_retries_only_the_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
