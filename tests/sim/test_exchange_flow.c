/* Bodies of any size through one sidecar, in every pair of HTTP versions: nothing is lost, nothing
 * stalls, and whoever is slow slows the other side down instead of filling our memory.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <stdio.h>

/* What the two ends speak. */
struct pair {
    enum http_protocol client, app;
};

static const struct pair pairs[] = {
    {HTTP_PROTOCOL_1, HTTP_PROTOCOL_1},
    {HTTP_PROTOCOL_1, HTTP_PROTOCOL_2},
    {HTTP_PROTOCOL_2, HTTP_PROTOCOL_1},
    {HTTP_PROTOCOL_2, HTTP_PROTOCOL_2},
};

enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]), SLACK = 700 * 1024 };

struct ends {
    struct sim_road r;
    struct sim_server server;
    struct sim_client client;
};

static void open_ends(struct ends *e, const struct pair *p, size_t capacity)
{
    sim_road_prepare(&e->r);
    e->r.cluster->protocol = p->app == HTTP_PROTOCOL_2 ? SIM_HTTP2 : SIM_HTTP1;
    sim_node_open(&e->r.node, &e->r.sim, MODE_SIDECAR, "10.0.9.1", &e->r.conf);
    sim_server_open(&e->server, e->r.sim.loop, ROAD_APP, p->app);
    e->server.manual = true;
    e->server.host.options.capacity = e->r.node.pieces.capacity = capacity;
    sim_client_open(&e->client, sim_node_dial(&e->r.node, ROAD_VIP), p->client);
    sim_turn(&e->r.sim);
}

static void close_ends(struct ends *e)
{
    sim_client_close(&e->client);
    sim_node_check_idle(&e->r.node);
    sim_server_close(&e->server);
    sim_turn(&e->r.sim);
    sim_node_close(&e->r.node);
    sim_conf_dispose(&e->r.conf);
    sim_close(&e->r.sim);
}

static struct sim_call *post(struct ends *e, size_t size, bool with_length)
{
    char text[32];
    struct sim_call *call = sim_client_make(&e->client);
    struct message *m = sim_call_request(call, "POST", "app", "/");
    if (with_length) {
        snprintf(text, sizeof(text), "%zu", size);
        sim_call_add(m, call, "content-length", text);
    }
    sim_client_send(&e->client, call, m, false);
    sim_call_send_zeros(call, size, true);
    return call;
}

static void every_size(void **state)
{
    static const size_t sizes[] = {1,      2,      16383,  16384,  16385,  32767,
                                   32768,  32769,  65535,  65536,  65537,  98304,
                                   131071, 131072, 131073, 262144, 1000003};
    static const size_t capacities[] = {0, 1000, 65536};
    for (size_t p = 0; p < PAIRS; p++) {
        for (size_t c = 0; c < 3; c++) {
            struct ends e;
            open_ends(&e, &pairs[p], capacities[c]);
            for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                if (capacities[c] == 1000 && sizes[i] > 140000)
                    continue; /* nothing new, and slow */
                for (int with_length = 0; with_length < 2; with_length++) {
                    unsigned n = e.server.requests;
                    struct sim_call *call = post(&e, sizes[i], with_length);
                    sim_turn(&e.r.sim);
                    struct sim_call *got = sim_server_call(&e.server, n);
                    assert_non_null(got);
                    assert_true(got->ended);
                    assert_int_equal(got->body.len, sizes[i]);
                    sim_server_head(got, 200, with_length ? (int64_t)sizes[i] : -1, false);
                    sim_call_send_zeros(got, sizes[i], true);
                    sim_turn(&e.r.sim);
                    assert_true(call->done);
                    assert_int_equal(call->body.len, sizes[i]);
                    assert_int_equal(e.r.node.worker.exchange_count, 0);
                }
            }
            assert_int_equal(e.server.host.dials, 1);
            close_ends(&e);
        }
    }
}

/* Both directions at once, in pieces that come one after the other. */
static void both_ways_at_once(void **state)
{
    for (size_t p = 0; p < PAIRS; p++) {
        struct ends e;
        open_ends(&e, &pairs[p], 5000);
        struct sim_call *call = sim_client_call(&e.client, "POST", "app", "/", "x", false);
        sim_turn(&e.r.sim);
        struct sim_call *got = sim_server_call(&e.server, 0);
        assert_non_null(got);
        sim_server_head(got, 200, -1, false);
        sim_turn(&e.r.sim);
        assert_non_null(call->head);
        for (int i = 0; i < 50; i++) {
            sim_call_send_zeros(call, 7001, false);
            sim_call_send_zeros(got, 9001, false);
            sim_turn(&e.r.sim);
            assert_int_equal(got->body.len, 1 + 7001 * (i + 1));
            assert_int_equal(call->body.len, 9001 * (i + 1));
        }
        sim_call_send(call, "", true);
        sim_call_send(got, "", true);
        sim_turn(&e.r.sim);
        assert_true(call->done && got->done);
        close_ends(&e);
    }
}

/* Sends as long as it gets rid of what it sends; returns how much that was. */
static size_t send_up_to(struct ends *e, struct sim_call *sender, size_t size)
{
    size_t sent = 0;
    while (sent < size && http_stream_unsent(&sender->st) <= HTTP_STREAM_HIGH_WATER) {
        size_t n = size - sent < 10000 ? size - sent : 10000;
        sent += n;
        sim_call_send_zeros(sender, n, sent == size);
        sim_turn(&e->r.sim);
    }
    return sent;
}

/* While `holder` consumes nothing, `sender` cannot get rid of much; when it goes on, of all. */
static void check_held_back(struct ends *e, struct sim_call *sender, struct sim_call *holder)
{
    enum { SIZE = 4 << 20 };
    size_t sent = send_up_to(e, sender, SIZE);
    assert_true(sent < SLACK);
    assert_true(holder->body.len <= sent);
    sim_call_release(holder);
    sim_turn(&e->r.sim);
    assert_int_equal(holder->body.len, sent);
    send_up_to(e, sender, SIZE - sent);
    assert_int_equal(holder->body.len, SIZE);
    assert_true(holder->ended);
}

static void slow_client(void **state)
{
    for (size_t p = 0; p < PAIRS; p++) {
        struct ends e;
        open_ends(&e, &pairs[p], 10000);
        struct sim_call *call = sim_client_call(&e.client, "GET", "app", "/", NULL, true);
        call->hold = true;
        sim_turn(&e.r.sim);
        struct sim_call *got = sim_server_call(&e.server, 0);
        sim_server_head(got, 200, -1, false);
        check_held_back(&e, got, call);
        assert_true(call->done);
        close_ends(&e);
    }
}

static void slow_app(void **state)
{
    for (size_t p = 0; p < PAIRS; p++) {
        struct ends e;
        open_ends(&e, &pairs[p], 10000);
        struct sim_call *call = sim_client_call(&e.client, "POST", "app", "/", "", false);
        sim_turn(&e.r.sim);
        struct sim_call *got = sim_server_call(&e.server, 0);
        got->hold = true;
        check_held_back(&e, call, got);
        sim_server_answer(got, 200, "ok");
        sim_turn(&e.r.sim);
        assert_true(call->done);
        close_ends(&e);
    }
}

static void trailers_both_ways(void **state)
{
    for (size_t p = 0; p < PAIRS; p++) {
        struct ends e;
        open_ends(&e, &pairs[p], 0);
        struct sim_call *call = sim_client_call(&e.client, "POST", "app", "/", "abc", false);
        struct message *m = sim_call_request(call, "", "", "");
        sim_call_add(m, call, "x-sum", "7");
        http_stream_send_trailers(&call->st, &m->headers);
        sim_turn(&e.r.sim);
        struct sim_call *got = sim_server_call(&e.server, 0);
        assert_non_null(got->trailers);
        assert_true(slice_eq_cstr(headers_find(got->trailers, SLICE("x-sum"))->value, "7"));
        sim_server_head(got, 200, -1, false);
        sim_call_send(got, "def", false);
        struct message *t = sim_call_request(got, "", "", "");
        sim_call_add(t, got, "x-end", "8");
        http_stream_send_trailers(&got->st, &t->headers);
        sim_turn(&e.r.sim);
        assert_true(call->done);
        assert_string_equal(sim_text_get(&call->body), "def");
        assert_non_null(call->trailers);
        assert_true(slice_eq_cstr(headers_find(call->trailers, SLICE("x-end"))->value, "8"));
        close_ends(&e);
    }
}

/* The answer is whole before the request is: the rest is not waited for. */
static void early_answer(void **state)
{
    static const size_t sizes[] = {0, 3, 20000, 200000};
    for (size_t p = 0; p < PAIRS; p++) {
        for (size_t i = 0; i < 4; i++) {
            struct ends e;
            open_ends(&e, &pairs[p], 0);
            struct sim_call *call = sim_client_call(&e.client, "POST", "app", "/", "abc", false);
            sim_turn(&e.r.sim);
            struct sim_call *got = sim_server_call(&e.server, 0);
            assert_non_null(got);
            sim_server_head(got, 413, (int64_t)sizes[i], sizes[i] == 0);
            if (sizes[i])
                sim_call_send_zeros(got, sizes[i], true);
            sim_turn(&e.r.sim);
            assert_non_null(call->head);
            assert_int_equal(call->head->status, 413);
            assert_true(call->ended);
            assert_int_equal(call->body.len, sizes[i]);
            assert_int_equal(e.r.node.worker.exchange_count, 0);
            assert_int_equal(sim_report.fail, FAIL_NONE);
            close_ends(&e);
        }
    }
}

static void many_at_once(void **state)
{
    enum { COUNT = 60 };
    for (size_t p = 2; p < PAIRS; p++) { /* of HTTP/2 clients */
        struct ends e;
        struct sim_call *calls[COUNT];
        open_ends(&e, &pairs[p], 3000);
        for (unsigned i = 0; i < COUNT; i++) {
            calls[i] = sim_client_call(&e.client, "POST", "app", "/", "", false);
            sim_call_send_zeros(calls[i], 1000 * i, true);
        }
        sim_turn(&e.r.sim);
        assert_int_equal(e.server.requests, COUNT);
        for (unsigned i = 0; i < COUNT; i++) {
            struct sim_call *got = sim_server_call(&e.server, i);
            assert_true(got->ended);
            sim_server_head(got, 200, -1, false);
            sim_call_send_zeros(got, got->body.len * 2, true);
        }
        sim_turn(&e.r.sim);
        for (unsigned i = 0; i < COUNT; i++) {
            assert_true(calls[i]->done);
            assert_int_equal(calls[i]->body.len, 2000 * i);
        }
        assert_int_equal(e.server.host.dials, pairs[p].app == HTTP_PROTOCOL_2 ? 1 : COUNT);
        close_ends(&e);
    }
}

/* One that is not read must not hold up the others on the same connection. */
static void one_slow_stream_among_others(void **state)
{
    struct ends e;
    open_ends(&e, &pairs[3], 20000);
    struct sim_call *slow = sim_client_call(&e.client, "GET", "app", "/slow", NULL, true);
    slow->hold = true;
    sim_turn(&e.r.sim);
    struct sim_call *got = sim_server_call(&e.server, 0);
    sim_server_head(got, 200, -1, false);
    assert_true(send_up_to(&e, got, 4 << 20) < SLACK);
    for (unsigned i = 1; i < 20; i++) {
        struct sim_call *call = sim_client_call(&e.client, "GET", "app", "/", NULL, true);
        sim_turn(&e.r.sim);
        sim_server_answer(sim_server_call(&e.server, i), 200, "quick");
        sim_turn(&e.r.sim);
        assert_true(call->done);
    }
    sim_call_release(slow);
    sim_turn(&e.r.sim);
    sim_call_send(got, "", true);
    sim_turn(&e.r.sim);
    assert_true(slow->done);
    close_ends(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size),         cmocka_unit_test(both_ways_at_once),
        cmocka_unit_test(slow_client),        cmocka_unit_test(slow_app),
        cmocka_unit_test(trailers_both_ways), cmocka_unit_test(early_answer),
        cmocka_unit_test(many_at_once),       cmocka_unit_test(one_slow_stream_among_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
