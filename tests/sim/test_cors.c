/* CORS at a gateway: preflights of routes that look at methods and headers, and that every answer
 * for such a route carries the fields, whoever gave it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"

#include <stdio.h>
#include <string.h>

#define ALLOWED "access-control-allow-origin: https://a.b\r\n"

struct world {
    struct sim_door d;
    sim_gateway *gateway;
    sim_route *route;
};

static void add_filter(struct world *w, const char *type, const char *spec)
{
    sim_conf_name(&w->d.conf, &w->route->n_filters, &w->route->filters,
                  sim_conf_filter(&w->d.conf, type, type, spec));
}

static void prepare(struct world *w)
{
    static char get[] = "GET";
    sim_door_prepare(&w->d);
    w->gateway = sim_conf_gateway(&w->d.conf, 8000, "one");
    w->route = w->gateway->virtual_hosts[0]->routes[0];
    w->route->match->method = get;
    add_filter(w, "cors", "{\"allowOrigins\":[\"https://a.b\"]}");
    add_filter(w, "headerMutation",
               "{\"response\":{\"set\":[{\"name\":\"strict-transport-security\","
               "\"value\":\"max-age=1\"}]}}");
}

/* What the client gets for that method with these fields, at once. */
static const char *ask(struct world *w, const char *method, const char *fields)
{
    static char got[4096];
    char request[1024];
    struct sim_peer *client = sim_node_connect_gateway(&w->d.node, 8000);
    snprintf(request, sizeof(request), "%s /x HTTP/1.1\r\nhost: shop\r\n%s\r\n", method, fields);
    sim_peer_send(client, request);
    sim_turn(&w->d.sim);
    snprintf(got, sizeof(got), "%s", sim_peer_got(client));
    sim_door_done(&w->d, client);
    return got;
}

static void expect(const char *got, const char *start, const char *part)
{
    if (strncmp(got, start, strlen(start)) != 0 || !strstr(got, part))
        fail_msg("want %s … %s, got\n%s", start, part, got);
}

static void expect_cors(const char *got, const char *start)
{
    expect(got, start, ALLOWED);
    expect(got, start, "vary: origin\r\n");
    expect(got, start, "strict-transport-security: max-age=1\r\n");
    expect(got, start, "x-request-id: ");
}

#define PREFLIGHT "origin: https://a.b\r\naccess-control-request-method: GET\r\n"

static void preflight_of_a_get(void **state)
{
    struct world w;
    prepare(&w);
    sim_door_start(&w.d);
    const char *got = ask(&w, "OPTIONS", PREFLIGHT);
    expect(got, "HTTP/1.1 204 ", ALLOWED);
    assert_null(strstr(got, "strict-transport-security")); /* that is for what the route serves */
    /* No app is asked, and another method has no route. */
    assert_null(sim_door_app(&w.d, 0));
    expect(ask(&w, "OPTIONS", "origin: https://a.b\r\naccess-control-request-method: PUT\r\n"),
           "HTTP/1.1 404 ", "no_route");
    sim_door_close(&w.d);
}

/* A preflight has no credentials: it is answered before policies are asked, which would refuse it;
 * the request that it was for is refused, and the page may read why. */
static void policies(void **state)
{
    struct world w;
    prepare(&w);
    sim_authz *policy = sim_conf_authz(&w.d.conf, SIM_ALLOW, NULL, "/elsewhere");
    w.gateway->authorization = sim_conf_authorization(&w.d.conf, policy);
    sim_door_start(&w.d);
    expect(ask(&w, "OPTIONS", PREFLIGHT), "HTTP/1.1 204 ", ALLOWED);
    expect_cors(ask(&w, "GET", "origin: https://a.b\r\n"), "HTTP/1.1 403 ");
    /* A page of another origin, or an OPTIONS request that is no preflight, hears nothing new. */
    assert_null(strstr(ask(&w, "GET", "origin: https://c.d\r\n"), "allow-origin"));
    expect(ask(&w, "OPTIONS", "origin: https://a.b\r\n"), "HTTP/1.1 403 ", "authz_denied");
    assert_null(strstr(ask(&w, "POST", "origin: https://a.b\r\n"), "allow-origin"));
    sim_door_close(&w.d);
}

/* A header in another spelling is refused before there is a route. */
static void bad_names(void **state)
{
    struct world w;
    prepare(&w);
    sim_authz *policy = sim_conf_authz(&w.d.conf, SIM_DENY, NULL, NULL);
    sim_conf_when_header(&w.d.conf, policy, "x-role", "admin");
    w.gateway->authorization = sim_conf_authorization(&w.d.conf, policy);
    sim_door_start(&w.d);
    expect_cors(ask(&w, "GET", "origin: https://a.b\r\nx_role: 1\r\n"), "HTTP/1.1 400 ");
    sim_door_close(&w.d);
}

static void no_endpoint(void **state)
{
    struct world w;
    prepare(&w);
    w.d.one->n_endpoints = 0;
    sim_door_start(&w.d);
    expect_cors(ask(&w, "GET", "origin: https://a.b\r\n"), "HTTP/1.1 503 ");
    sim_door_close(&w.d);
}

/* A backend that is not there. */
static void no_backend(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        static char none[] = "";
        struct world w;
        prepare(&w);
        if (i)
            w.route->n_clusters = 0;
        else
            w.route->clusters[0]->cluster = none;
        sim_door_start(&w.d);
        expect_cors(ask(&w, "GET", "origin: https://a.b\r\n"), "HTTP/1.1 500 ");
        expect(ask(&w, "OPTIONS", PREFLIGHT), "HTTP/1.1 204 ", ALLOWED);
        sim_door_close(&w.d);
    }
}

static void timeout(void **state)
{
    struct world w;
    prepare(&w);
    w.route->timeouts = sim_conf_timeouts(&w.d.conf);
    w.route->timeouts->request_ms = 1000;
    sim_door_start(&w.d);
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: shop\r\norigin: https://a.b\r\n\r\n");
    assert_non_null(sim_door_app(&w.d, 0));
    sim_advance(&w.d.sim, 1001);
    expect_cors(sim_peer_got(client), "HTTP/1.1 504 ");
    sim_door_done(&w.d, client);
    sim_door_close(&w.d);
}

static void redirect(void **state)
{
    struct world w;
    prepare(&w);
    add_filter(&w, "redirect", "{\"hostname\":\"www\"}");
    w.route->n_clusters = 0;
    sim_door_start(&w.d);
    expect_cors(ask(&w, "GET", "origin: https://a.b\r\n"), "HTTP/1.1 302 ");
    expect(ask(&w, "OPTIONS", PREFLIGHT), "HTTP/1.1 204 ", ALLOWED);
    sim_door_close(&w.d);
}

/* The app's own answer has the fields once. */
static void the_apps_answer(void **state)
{
    struct world w;
    prepare(&w);
    sim_door_start(&w.d);
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: shop\r\norigin: https://a.b\r\n\r\n");
    struct sim_peer *app = sim_door_app(&w.d, 0);
    assert_non_null(app);
    sim_peer_send(app, "HTTP/1.1 503 No\r\naccess-control-allow-origin: *\r\n"
                       "content-length: 0\r\n\r\n");
    sim_turn(&w.d.sim);
    const char *got = sim_peer_got(client), *first = strstr(got, "access-control-allow-origin");
    expect(got, "HTTP/1.1 503 ", ALLOWED);
    assert_null(strstr(first + 1, "access-control-allow-origin"));
    sim_door_done(&w.d, client);
    sim_door_close(&w.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preflight_of_a_get),
        cmocka_unit_test(policies),
        cmocka_unit_test(bad_names),
        cmocka_unit_test(no_endpoint),
        cmocka_unit_test(no_backend),
        cmocka_unit_test(timeout),
        cmocka_unit_test(redirect),
        cmocka_unit_test(the_apps_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
