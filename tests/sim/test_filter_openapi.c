/* openapi in the data plane: nothing of a request goes on before its body was looked at, whatever
 * pieces it comes in; a long body is checked by another thread, and the client may leave meanwhile;
 * a response that does not conform is held back.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <stdio.h>
#include <string.h>

#define SCHEMA(member) \
    "{\\\"application/json\\\":{\\\"schema\\\":{\\\"required\\\":[\\\"" member "\\\"]}}}"
#define OPERATION                                                                  \
    "{\\\"requestBody\\\":{\\\"required\\\":true,\\\"content\\\":" SCHEMA("a") "}," \
    "\\\"responses\\\":{\\\"200\\\":{\\\"content\\\":" SCHEMA("ok") "}}}"
#define SPEC                                                               \
    "{\"responses\":\"Enforce\",\"document\":\"{\\\"openapi\\\":\\\"3.1.0\\\"," \
    "\\\"paths\\\":{\\\"/x\\\":{\\\"post\\\":" OPERATION "}}}\"}"
#define POST                                                \
    "POST /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\n" \
    "content-type: application/json\r\n"
#define JSON_OK "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"

static struct sim_peer *start(struct sim_road *r)
{
    sim_road_prepare(r);
    sim_route *route = sim_conf_route(&r->conf, r->destination, "/", "app");
    sim_conf_name(&r->conf, &route->n_filters, &route->filters,
                  sim_conf_filter(&r->conf, "test", "openapi", SPEC));
    sim_road_start(r);
    return sim_road_client(r);
}

static void finish(struct sim_road *r, struct sim_peer *client)
{
    sim_road_done(r, client);
    sim_road_close(r);
}

static void a_request_in_pieces(void **state)
{
    struct sim_road r;
    (void)state;
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "transfer-encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n");
    sim_turn(&r.sim);
    assert_null(sim_app_accept(&r.app));
    sim_peer_send(client, "2\r\n1}\r\n0\r\n\r\n");
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_expect_part(app, "POST /x HTTP/1.1\r\n", "1}");
    sim_peer_send(app, JSON_OK "content-length: 11\r\n\r\n{\"ok\":true}");
    sim_turn(&r.sim);
    sim_peer_expect_part(client, JSON_OK, "{\"ok\":true}");
    finish(&r, client);
}

static void a_request_that_does_not_conform(void **state)
{
    struct sim_road r;
    (void)state;
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "content-length: 7\r\n\r\n{\"b\":1}");
    sim_turn(&r.sim);
    assert_null(sim_app_accept(&r.app));
    sim_peer_expect_part(client, "HTTP/1.1 400 ",
                         "{\"message\":\"request doesn't conform to schema\"}");
    finish(&r, client);
}

static void send_long(struct sim_peer *client, const char *key)
{
    enum { LEN = 200000 };
    static char text[LEN + 64], head[256];
    int len = snprintf(text, sizeof text, "{\"%s\":\"", key);
    memset(text + len, 'x', LEN);
    memcpy(text + len + LEN, "\"}", 3);
    snprintf(head, sizeof head, POST "content-length: %zu\r\n\r\n", strlen(text));
    sim_peer_send(client, head);
    sim_peer_send(client, text);
}

static void a_long_request(void **state)
{
    struct sim_road r;
    (void)state;
    struct sim_peer *client = start(&r);
    send_long(client, "b");
    for (unsigned i = 0; i < 40; i++)
        sim_turn(&r.sim);
    assert_null(sim_app_accept(&r.app));
    sim_peer_expect_part(client, "HTTP/1.1 400 ", "x-weft-reason: openapi_request\r\n");
    finish(&r, client);
}

static void the_client_leaves_while_its_body_is_checked(void **state)
{
    struct sim_road r;
    (void)state;
    struct sim_peer *client = start(&r);
    send_long(client, "a");
    sim_peer_reset(client);
    for (unsigned i = 0; i < 40; i++)
        sim_turn(&r.sim);
    sim_node_check_idle(&r.node);
    finish(&r, client);
}

static void a_response_that_does_not_conform(void **state)
{
    struct sim_road r;
    (void)state;
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "content-length: 7\r\n\r\n{\"a\":1}");
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_send(app, JSON_OK "transfer-encoding: chunked\r\n\r\n3\r\n{\"n\r\n");
    sim_turn(&r.sim);
    sim_peer_expect(client, "");
    sim_peer_send(app, "4\r\n\":1}\r\n0\r\n\r\n");
    sim_turn(&r.sim);
    sim_peer_expect_part(client, "HTTP/1.1 502 ",
                         "{\"message\":\"response doesn't conform to schema\"}");
    finish(&r, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_in_pieces),
        cmocka_unit_test(a_request_that_does_not_conform),
        cmocka_unit_test(a_long_request),
        cmocka_unit_test(the_client_leaves_while_its_body_is_checked),
        cmocka_unit_test(a_response_that_does_not_conform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
