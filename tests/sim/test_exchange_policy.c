/* What the sidecar decides about a request, and how it says so: where it may go, who may send it,
 * and answers of our own. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_pod.h"
#include "tests/sim/sim_road.h"

#include <stdio.h>
#include <string.h>

#define FRONTEND "spiffe://cluster.local/ns/default/sa/frontend"
#define REQUEST(line) line "\r\nhost: app\r\nx-request-id: 1\r\n\r\n"

/* ---- authorization ---- */

static void denied(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_conf_guard(&p.conf, p.inbound, sim_conf_authz(&p.conf, SIM_DENY, "GET", "/admin"));
    sim_pod_start(&p);
    struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
    static const char *const refused[] = {"/admin",      "/admin/x", "/%61dmin",
                                          "/a/../admin", "//admin",  "/./admin?x=1"};
    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char request[128];
        snprintf(request, sizeof(request), REQUEST("GET %s HTTP/1.1"), refused[i]);
        sim_peer_send(client, request);
        sim_turn(&p.sim);
        assert_non_null(strstr(sim_peer_got(client),
                               "\r\n\r\nthe authorization policies do not allow this request: "
                               "denied by default/test rule 1\n"));
        sim_peer_expect_part(client, "HTTP/1.1 403 Forbidden\r\n",
                             "x-weft-reason: authz_denied\r\n");
        assert_int_equal(sim_report.fail, FAIL_AUTHZ_DENIED);
    }
    assert_int_equal(p.app.connections, 0);
    sim_peer_send(client, REQUEST("GET /public HTTP/1.1"));
    sim_turn(&p.sim);
    struct sim_peer *app = sim_app_accept(&p.app);
    assert_non_null(app);
    sim_peer_expect(app, REQUEST("GET /public HTTP/1.1"));
    sim_peer_destroy(client);
    sim_pod_close(&p);
}

/* A body behind a refused head does not become the next request. */
static void denied_with_a_body(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_conf_guard(&p.conf, p.inbound, sim_conf_authz(&p.conf, SIM_DENY, "POST", "/"));
    sim_pod_start(&p);
    struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
    sim_peer_send(client, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 33\r\n\r\n"
                          "GET / HTTP/1.1\r\nhost: app\r\n\r\nabcd");
    sim_peer_expect_part(client, "HTTP/1.1 403 Forbidden\r\n", NULL);
    sim_peer_send(client, REQUEST("GET /public HTTP/1.1"));
    sim_turn(&p.sim);
    struct sim_peer *app = sim_app_accept(&p.app);
    assert_non_null(app);
    sim_peer_expect(app, REQUEST("GET /public HTTP/1.1"));
    sim_peer_destroy(client);
    sim_pod_close(&p);
}

static void strict_refuses_plaintext(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    p.inbound->mtls = SIM_STRICT;
    sim_conf_inbound_port(&p.conf, p.inbound, 8081, SIM_HTTP)->mtls =
        WEFT__CONFIG__V1__MTLS_MODE__MTLS_PERMISSIVE;
    sim_pod_start(&p);
    struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect_part(client, "HTTP/1.1 403 Forbidden\r\n",
                         "x-weft-reason: plaintext_denied\r\n");
    assert_int_equal(p.app.connections, 0);
    sim_peer_destroy(client);
    /* The exception of one port. */
    client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8081);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "connect_failed");
    sim_peer_destroy(client);
    sim_pod_close(&p);
}

/* A policy that becomes stricter holds from the next request on, on old connections too. */
static void strict_comes_later(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_pod_start(&p);
    struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&p.sim);
    struct sim_peer *app = sim_app_accept(&p.app);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    p.inbound->mtls = SIM_STRICT;
    sim_node_adopt(&p.node, &p.conf);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect_part(client, "HTTP/1.1 403 Forbidden\r\n", "plaintext_denied");
    sim_peer_destroy(client);
    sim_pod_close(&p);
}

/* ---- paths ---- */

static void ambiguous_paths(void **state)
{
    static const char *const paths[] = {"/%00", "/a%2fb/%2e%2e%00", "/%2e%2e%2f%00x"};
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char request[128];
        snprintf(request, sizeof(request), REQUEST("GET %s HTTP/1.1"), paths[i]);
        sim_peer_send(client, request);
        sim_peer_expect_part(client, "HTTP/1.1 400 Bad Request\r\n",
                             "x-weft-reason: bad_request\r\n");
    }
    assert_int_equal(r.app.connections, 0);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void paths_are_forwarded_untouched(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, REQUEST("GET /a//b/./%41?x=%2e%2e HTTP/1.1"));
    sim_peer_expect(sim_road_app(&r), REQUEST("GET /a//b/./%41?x=%2e%2e HTTP/1.1"));
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void asterisk(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, REQUEST("OPTIONS * HTTP/1.1"));
    sim_peer_expect(sim_road_app(&r), REQUEST("OPTIONS * HTTP/1.1"));
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* ---- where to ---- */

static void explicit_by_host(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    sim_conf_destination(&r.conf, NULL, "other", SIM_HTTP, "app");
    sim_road_start(&r);
    static const struct {
        const char *host, *answer;
    } rows[] = {
        {"app", NULL},
        {"APP:80", NULL},
        {"other", NULL},
        {"app:81", "HTTP/1.1 502 Bad Gateway\r\n"},
        {"app:65616", "HTTP/1.1 "}, /* not 80 */
        {"nobody", "HTTP/1.1 502 Bad Gateway\r\n"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_peer *client = sim_node_connect(&r.node, NULL);
        char request[128];
        unsigned before = r.app.connections;
        snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nhost: %s\r\nx-request-id: 1\r\n\r\n",
                 rows[i].host);
        sim_peer_send(client, request);
        sim_turn(&r.sim);
        assert_int_equal(r.app.connections - before, rows[i].answer ? 0 : 1);
        if (rows[i].answer)
            sim_peer_expect_part(client, rows[i].answer, NULL);
        else
            sim_peer_expect(sim_road_app(&r), request);
        sim_road_done(&r, client);
    }
    sim_road_close(&r);
}

static void routes(void **state)
{
    struct sim_road r;
    struct sim_app other;
    sim_road_prepare(&r);
    sim_cluster *c = sim_conf_cluster(&r.conf, "other");
    sim_conf_endpoint(&r.conf, c, "10.0.0.2:8080");
    sim_conf_route(&r.conf, r.destination, "/other", "other");
    sim_conf_route(&r.conf, r.destination, "/none", "missing");
    sim_conf_route(&r.conf, r.destination, "/app", "app");
    sim_road_start(&r);
    sim_app_open(&other, "10.0.0.2:8080");
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, REQUEST("GET /other/x HTTP/1.1"));
    sim_turn(&r.sim);
    struct sim_peer *app = sim_app_accept(&other);
    assert_non_null(app);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_send(client, REQUEST("GET /app HTTP/1.1"));
    sim_peer_send(sim_road_app(&r), ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_send(client, REQUEST("GET /none HTTP/1.1"));
    sim_peer_expect_part(client, "HTTP/1.1 500 Internal Server Error\r\n",
                         "x-weft-reason: no_cluster\r\n");
    sim_peer_send(client, REQUEST("GET /others HTTP/1.1"));
    sim_peer_expect_part(client, "HTTP/1.1 404 Not Found\r\n", "x-weft-reason: no_route\r\n");
    sim_road_done(&r, client);
    sim_app_close(&other);
    sim_road_close(&r);
}

static void weights(void **state)
{
    enum { REQUESTS = 2000 };
    struct sim_road r;
    struct sim_server apps[3];
    sim_road_prepare(&r);
    sim_conf_endpoint(&r.conf, sim_conf_cluster(&r.conf, "b"), "10.0.0.2:8080");
    sim_conf_endpoint(&r.conf, sim_conf_cluster(&r.conf, "c"), "10.0.0.3:8080");
    sim_route *route = sim_conf_route(&r.conf, r.destination, "/", "app");
    route->clusters[0]->weight = 95;
    sim_conf_backend(&r.conf, route, "b", 5);
    sim_conf_backend(&r.conf, route, "c", 0);
    sim_node_open(&r.node, &r.sim, MODE_SIDECAR, "10.0.9.1", &r.conf);
    for (int i = 0; i < 3; i++) {
        char at[32];
        snprintf(at, sizeof(at), "10.0.0.%d:8080", i + 1);
        sim_server_open(&apps[i], r.sim.loop, at, HTTP_PROTOCOL_1);
    }
    struct sim_client client;
    sim_client_open(&client, sim_node_dial(&r.node, ROAD_VIP), HTTP_PROTOCOL_1);
    for (int i = 0; i < REQUESTS; i++) {
        sim_client_call(&client, "GET", "app", "/", NULL, true);
        sim_turn(&r.sim);
    }
    /* 100 expected, 9.7 the standard deviation, and the seed is fixed. */
    assert_in_range(apps[1].requests, 71, 129);
    assert_int_equal(apps[0].requests + apps[1].requests, REQUESTS);
    assert_int_equal(apps[2].requests, 0);
    sim_client_close(&client);
    sim_node_check_idle(&r.node);
    for (int i = 0; i < 3; i++)
        sim_server_close(&apps[i]);
    sim_turn(&r.sim);
    sim_node_close(&r.node);
    sim_conf_dispose(&r.conf);
    sim_close(&r.sim);
}

static void no_endpoint(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    r.endpoint->ready = false;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect_part(client, "HTTP/1.1 503 Service Unavailable\r\n",
                         "x-weft-reason: no_endpoint\r\n");
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* To its own port, at its own address: that would never end. */
static void loop_is_refused(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    static char own[] = "10.0.9.1:15001";
    r.endpoint->address = own;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect_part(client, "HTTP/1.1 508 Loop Detected\r\n", "x-weft-reason: loop\r\n");
    sim_road_done(&r, client);
    sim_road_close(&r);
}

static void no_identity_yet(void **state)
{
    struct sim_road r;
    sim_road_prepare(&r);
    r.endpoint->meshed = true;
    static char id[] = FRONTEND;
    r.endpoint->spiffe_id = id;
    sim_road_start(&r);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_expect_part(client, "HTTP/1.1 503 Service Unavailable\r\n",
                         "x-weft-reason: identity_missing\r\n");
    assert_int_equal(r.app.host.dials, 0);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* ---- answers of our own ---- */

static void head_gets_no_body(void **state)
{
    struct sim_road r;
    sim_road_open(&r);
    r.app.host.answer = SIM_REFUSE;
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, REQUEST("HEAD / HTTP/1.1"));
    sim_advance(&r.sim, 300);
    const char *end = strstr(sim_peer_got(client), "\r\n\r\n");
    assert_non_null(end);
    assert_string_equal(end, "\r\n\r\n");
    assert_non_null(strstr(sim_peer_got(client), "content-length: "));
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "connect_failed");
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* gRPC clients are told in their own words: a head with the status and nothing behind it. */
static void grpc(void **state)
{
    struct sim_road r;
    struct sim_client client;
    sim_road_prepare(&r);
    static char name[] = "100% \xc3\xa4";
    sim_conf_route(&r.conf, r.destination, "/a", "missing")->name = name;
    sim_road_start(&r);
    sim_client_open(&client, sim_node_dial(&r.node, ROAD_VIP), HTTP_PROTOCOL_2);
    struct sim_call *call = sim_client_make(&client);
    struct message *m = sim_call_request(call, "POST", "app", "/a/b");
    sim_call_add(m, call, "content-type", "application/grpc+proto");
    sim_call_add(m, call, "te", "trailers");
    sim_client_send(&client, call, m, false);
    sim_call_send(call, "abcde", true);
    sim_turn(&r.sim);
    assert_true(call->done);
    assert_int_equal(call->head->status, 200);
    assert_int_equal(call->body.len, 0);
    assert_string_equal(sim_call_header(call, "grpc-status"), "13");
    assert_string_equal(sim_call_header(call, "content-type"), "application/grpc");
    assert_string_equal(sim_call_header(call, "content-length"), "");
    assert_string_equal(sim_call_header(call, "x-weft-reason"), "no_cluster");
    assert_string_equal(sim_call_header(call, "grpc-message"),
                        "the route names a backend that does not exist: 100%25 %C3%A4");
    sim_client_close(&client);
    sim_node_check_idle(&r.node);
    sim_road_close(&r);
}

/* ---- gateways ---- */

static void ingress_says_who_asked(void **state)
{
    struct sim_road r;
    struct sim_app app;
    sim_road_prepare(&r);
    sim_conf_gateway(&r.conf, 8000, "app");
    sim_node_open(&r.node, &r.sim, MODE_INGRESS, "10.0.9.1", &r.conf);
    sim_app_open(&app, ROAD_APP);
    struct sim_peer *client = sim_node_connect_gateway(&r.node, 8000);
    sim_peer_send(client, "GET / HTTP/1.1\r\nhost: shop\r\nx-request-id: 1\r\n"
                          "x-forwarded-for: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\n"
                          "x-forwarded-proto: https\r\nx-forwarded-host: evil\r\n\r\n");
    sim_turn(&r.sim);
    struct sim_peer *at = sim_app_accept(&app);
    assert_non_null(at);
    sim_peer_expect(at, "GET / HTTP/1.1\r\nhost: shop\r\nx-request-id: 1\r\n"
                        "x-forwarded-for: 203.0.113.9\r\n"
                        "x-forwarded-proto: http\r\nx-forwarded-host: shop\r\n"
                        "x-forwarded-port: 8000\r\nx-real-ip: 203.0.113.9\r\n\r\n");
    sim_peer_destroy(client);
    sim_node_check_idle(&r.node);
    sim_app_close(&app);
    sim_turn(&r.sim);
    sim_node_close(&r.node);
    sim_conf_dispose(&r.conf);
    sim_close(&r.sim);
}

/* The version is the one that ALPN chose, and the app hears that it was HTTPS. */
static void ingress_https(void **state)
{
    static const char *const names[] = {"h2", "http/1.1", NULL};
    for (unsigned i = 0; i < 3; i++) {
        struct sim_road r;
        struct sim_app app;
        sim_road_prepare(&r);
        r.cluster->protocol = SIM_HTTP1;
        sim_conf_https(&r.conf, sim_conf_gateway(&r.conf, 8443, "app"));
        sim_node_open(&r.node, &r.sim, MODE_INGRESS, "10.0.9.1", &r.conf);
        sim_app_open(&app, ROAD_APP);
        struct stream *s = sim_node_dial_gateway(&r.node, 8443);
        struct sim_client client;
        sim_client_open(&client, s, i ? HTTP_PROTOCOL_1 : HTTP_PROTOCOL_2);
        sim_tls_connect(s, NULL, names[i]);
        struct sim_call *call = sim_client_call(&client, "GET", "shop", "/", NULL, true);
        sim_turn(&r.sim);
        struct sim_peer *at = sim_app_accept(&app);
        assert_non_null(at);
        assert_non_null(strstr(sim_peer_got(at), "x-forwarded-proto: https\r\n"));
        sim_peer_send(at, ROAD_OK);
        sim_turn(&r.sim);
        assert_true(call->done);
        sim_client_close(&client);
        sim_node_check_idle(&r.node);
        sim_app_close(&app);
        sim_turn(&r.sim);
        sim_node_close(&r.node);
        sim_conf_dispose(&r.conf);
        sim_close(&r.sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(denied),
        cmocka_unit_test(denied_with_a_body),
        cmocka_unit_test(strict_refuses_plaintext),
        cmocka_unit_test(strict_comes_later),
        cmocka_unit_test(ambiguous_paths),
        cmocka_unit_test(paths_are_forwarded_untouched),
        cmocka_unit_test(asterisk),
        cmocka_unit_test(explicit_by_host),
        cmocka_unit_test(routes),
        cmocka_unit_test(weights),
        cmocka_unit_test(no_endpoint),
        cmocka_unit_test(loop_is_refused),
        cmocka_unit_test(no_identity_yet),
        cmocka_unit_test(head_gets_no_body),
        cmocka_unit_test(grpc),
        cmocka_unit_test(ingress_says_who_asked),
        cmocka_unit_test(ingress_https),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
