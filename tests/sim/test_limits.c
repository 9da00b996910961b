/* How large the heads of requests and answers may be: by default, where the mesh or a Gateway says
 * otherwise, and what is said of one that is larger. Both HTTP versions.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"
#include "tests/sim/sim_road.h"

#include <stdio.h>
#include <string.h>

static char text[200000];

/* "GET /aaa…" with a target of that many bytes. */
static const char *with_target(size_t len)
{
    size_t at = (size_t)snprintf(text, sizeof(text), "GET /");
    memset(text + at, 'a', len - 1);
    snprintf(text + at + len - 1, 200, " HTTP/1.1\r\nhost: shop\r\nx-request-id: 1\r\n\r\n");
    return text;
}

/* A head with so many fields, the first line's own among them. */
static const char *with_fields(const char *first, unsigned own, unsigned count)
{
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", first);
    for (unsigned i = own; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "x-%u: 1\r\n", i);
    snprintf(text + at, sizeof(text) - at, "\r\n");
    return text;
}

#define REQUEST "GET / HTTP/1.1\r\nhost: shop\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n"

/* Sends it to a sidecar; whether an app gets it, else the status line's beginning is as wanted. */
static void ask(struct sim_road *r, const char *request, const char *refusal)
{
    struct sim_peer *client = sim_road_client(r);
    sim_peer_send(client, request);
    sim_turn(&r->sim);
    struct sim_peer *app = sim_app_accept(&r->app);
    assert_int_equal(app != NULL, refusal == NULL);
    if (app)
        sim_peer_send(app, ANSWER "connection: close\r\n\r\n");
    sim_peer_expect_part(client, refusal ? refusal : "HTTP/1.1 200 OK\r\n", NULL);
    sim_road_done(r, client);
}

static void requests_by_default(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    ask(&r, with_target(65536), NULL);
    ask(&r, with_target(65537), "HTTP/1.1 414 ");
    ask(&r, with_fields(REQUEST, 1, 1000), NULL);
    ask(&r, with_fields(REQUEST, 1, 1001), "HTTP/1.1 431 ");
    sim_road_close(&r);
}

/* requirement: K16 */
static void requests_as_the_mesh_says(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    sim_clients *clients = sim_conf_clients(&r.conf, NULL);
    clients->limits->max_target_bytes = 1000;
    clients->limits->max_header_bytes = 2000;
    clients->limits->max_headers = 20;
    sim_road_start(&r);
    ask(&r, with_target(1000), NULL);
    ask(&r, with_target(1001), "HTTP/1.1 414 ");
    ask(&r, with_fields(REQUEST, 1, 20), NULL);
    ask(&r, with_fields(REQUEST, 1, 21), "HTTP/1.1 431 ");
    clients->limits->max_headers = 1000;
    sim_node_adopt(&r.node, &r.conf);
    ask(&r, with_fields(REQUEST, 1, 50), NULL);
    ask(&r, with_fields(REQUEST, 1, 70), "HTTP/1.1 431 "); /* for its bytes */
    sim_road_close(&r);
}

/* Each Gateway as its own ListenerPolicy says. */
static void requests_at_a_gateway(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct sim_door d;
        sim_door_prepare(&d);
        sim_clients *clients = sim_conf_clients(&d.conf, sim_conf_gateway(&d.conf, 8000, "one"));
        clients->limits->max_target_bytes = 300;
        sim_door_start(&d);
        struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
        sim_peer_send(client, with_target(300 + i));
        assert_int_equal(sim_door_app(&d, 0) != NULL, i == 0);
        if (i)
            sim_peer_expect_part(client, "HTTP/1.1 414 ", "x-weft-reason: target-too-long\r\n");
        sim_door_done(&d, client);
        sim_door_close(&d);
    }
}

static void answers(void **state)
{
    static const struct {
        uint32_t max; /* 0: nobody says anything */
        unsigned count;
        bool passes;
    } cases[] = {
        {0, 150, true}, {0, 1000, true}, {0, 1001, false}, {50, 50, true}, {50, 51, false}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_road r;
        sim_road_prepare(&r);
        if (cases[i].max)
            sim_conf_clients(&r.conf, NULL)->limits->max_headers = cases[i].max;
        sim_road_start(&r);
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, REQUEST "\r\n");
        sim_peer_send(sim_road_app(&r), with_fields(ANSWER, 1, cases[i].count));
        if (cases[i].passes)
            sim_peer_expect_part(client, "HTTP/1.1 200 OK\r\n", NULL);
        else
            sim_peer_expect_part(client, "HTTP/1.1 502 Bad Gateway\r\n",
                                 "there are more header fields than maxHeaders allows");
        assert_int_equal(sim_report.fail, cases[i].passes ? FAIL_NONE : FAIL_UPSTREAM_TOO_LARGE);
        sim_road_done(&r, client);
        sim_road_close(&r);
    }
}

static void large_answers(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    sim_conf_clients(&r.conf, NULL)->limits->max_header_bytes = 2000;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, REQUEST "\r\n");
    sim_peer_send(sim_road_app(&r), with_fields(ANSWER, 1, 60));
    sim_peer_expect_part(client, "HTTP/1.1 502 Bad Gateway\r\n",
                         "the header fields are larger than maxHeaderBytes allows");
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* The value of a setting in what an HTTP/2 client begins with (RFC 9113, 3.4 and 6.5); 0: not
 * said. */
static uint32_t setting(const struct sim_peer *app, unsigned id)
{
    const unsigned char *p = (const void *)sim_peer_got(app);
    size_t at = strlen("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_true(app->in.len > at + 9 && p[at + 3] == 4);
    size_t end = at + 9 + ((size_t)p[at] << 16 | (size_t)p[at + 1] << 8 | p[at + 2]);
    uint32_t value = 0;
    for (at += 9; at + 6 <= end && end <= app->in.len; at += 6)
        if (((unsigned)p[at] << 8 | p[at + 1]) == id)
            value = (uint32_t)p[at + 2] << 24 | (uint32_t)p[at + 3] << 16 |
                    (uint32_t)p[at + 4] << 8 | p[at + 5];
    return value;
}

/* How much a plain HTTP/2 endpoint may send at once is the process's to say. */
static void windows_of_endpoints(void **state)
{
    enum { INITIAL_WINDOW_SIZE = 4 };
    struct sim_road r;
    sim_road_prepare(&r);
    r.cluster->protocol = SIM_HTTP2;
    sim_road_start(&r);
    r.node.settings.client.stream_window = 123456;
    sim_node_adopt(&r.node, &r.conf);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, REQUEST "\r\n");
    assert_int_equal(setting(sim_road_app(&r), INITIAL_WINDOW_SIZE), 123456);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_of_endpoints),
        cmocka_unit_test(requests_by_default),   cmocka_unit_test(requests_as_the_mesh_says),
        cmocka_unit_test(requests_at_a_gateway), cmocka_unit_test(answers),
        cmocka_unit_test(large_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
