/* Copies of requests: they go where the route says, with everything that came, and whatever becomes
 * of them the original does not notice. And what single backends ask for beside it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"

#include <string.h>

#include "sidecar/exchange/mirror.h"

typedef Weft__Config__V1__Mirror sim_mirror;

/* Port 8000 to "one"; copies to "two". */
struct world {
    struct sim_door d;
    sim_gateway *gateway;
    sim_route *route;
    sim_mirror mirror, *mirrors[2];
};

static void prepare(struct world *w)
{
    static char two[] = "two";
    *w = (struct world){.mirror = WEFT__CONFIG__V1__MIRROR__INIT};
    sim_door_prepare(&w->d);
    w->gateway = sim_conf_gateway(&w->d.conf, 8000, "one");
    w->route = w->gateway->virtual_hosts[0]->routes[0];
    w->mirror.cluster = two;
    w->mirrors[0] = w->mirrors[1] = &w->mirror;
    w->route->mirrors = w->mirrors;
    w->route->n_mirrors = 1;
}

static void finish(struct world *w, struct sim_peer *client)
{
    sim_peer_destroy(client);
    sim_turn(&w->d.sim);
    assert_true(list_is_empty(&w->d.node.worker.mirrors));
    assert_int_equal(w->d.node.worker.mirror_count, 0);
    sim_door_close(&w->d);
}

static void both_get_it(void **state)
{
    static const char head[] = "POST /x?y=1 HTTP/1.1\r\nhost: shop\r\nx-request-id: 1\r\n"
                               "x-a: b\r\ncontent-length: 10\r\n\r\n",
                      body[] = "0123456789";
    for (size_t cut = 0; cut <= 10; cut += 5) {
        struct world w;
        prepare(&w);
        sim_door_start(&w.d);
        struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
        sim_peer_send(client, head);
        sim_peer_send_bytes(client, body, cut);
        struct sim_peer *one = sim_door_app(&w.d, 0), *two = sim_door_app(&w.d, 1);
        assert_non_null(one);
        assert_non_null(two);
        sim_peer_send_bytes(client, &body[cut], 10 - cut);
        sim_turn(&w.d.sim);
        assert_string_equal(sim_peer_got(one), sim_peer_got(two));
        assert_non_null(strstr(sim_peer_got(two), "POST /x?y=1 HTTP/1.1\r\nhost: shop\r\n"));
        assert_non_null(strstr(sim_peer_got(two), "x-forwarded-for: 203.0.113.9\r\n"));
        assert_non_null(strstr(sim_peer_got(two), "\r\n\r\n0123456789"));
        sim_peer_send(two, "HTTP/1.1 500 Oops\r\ncontent-length: 3\r\n\r\nbad");
        sim_peer_send(one, DOOR_OK);
        sim_peer_expect(client, DOOR_OK);
        /* Both connections are good for the next request. */
        sim_peer_forget(two);
        sim_peer_send(client, DOOR_GET);
        sim_turn(&w.d.sim);
        assert_non_null(strstr(sim_peer_got(two), "GET /x HTTP/1.1\r\n"));
        sim_peer_send(two, DOOR_OK);
        sim_peer_send(one, DOOR_OK);
        sim_peer_expect(client, DOOR_OK);
        assert_int_equal(sim_report.values[METRICS_MIRRORS], 2);
        assert_int_equal(sim_report.values[METRICS_MIRRORS_FAILED], 0);
        finish(&w, client);
    }
}

/* Chunked, with trailers, and the mirror answers before it has all. */
static void chunked(void **state)
{
    struct world w;
    prepare(&w);
    sim_door_start(&w.d);
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, "PUT /x HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n"
                          "trailer: x-sum\r\n\r\n3\r\nabc\r\n");
    struct sim_peer *one = sim_door_app(&w.d, 0), *two = sim_door_app(&w.d, 1);
    sim_peer_send(client, "2\r\nde\r\n0\r\nx-sum: 5\r\n\r\n");
    sim_turn(&w.d.sim);
    assert_string_equal(sim_peer_got(one), sim_peer_got(two));
    assert_non_null(strstr(sim_peer_got(two), "x-sum: 5\r\n"));
    sim_peer_send(one, DOOR_OK);
    sim_peer_expect(client, DOOR_OK);
    sim_peer_send(two, DOOR_OK);
    finish(&w, client);
}

/* Whatever is wrong with the mirror. */
static void mirror_is_not_there(void **state)
{
    static const enum sim_answer answers[] = {SIM_REFUSE, SIM_SILENT};
    for (unsigned i = 0; i < 3; i++) {
        struct world w;
        prepare(&w);
        w.d.two->endpoints[0]->ready = i < 2;
        sim_door_start(&w.d);
        w.d.apps[1].host.answer = i < 2 ? answers[i] : SIM_ACCEPT;
        struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
        sim_peer_send(client, DOOR_GET);
        struct sim_peer *one = sim_door_app(&w.d, 0);
        sim_peer_send(one, DOOR_OK);
        sim_peer_expect(client, DOOR_OK);
        sim_advance(&w.d.sim, 3000);
        assert_int_equal(sim_report.values[METRICS_MIRRORS], 1);
        assert_int_equal(sim_report.values[METRICS_MIRRORS_FAILED], 1);
        assert_int_equal(sim_report.exchanges, 1); /* nobody but the client asked */
        finish(&w, client);
    }
}

/* It takes nothing, and the original is as fast as ever; what waits for it is bounded. */
static void mirror_is_slow(void **state)
{
    enum { SIZE = 4 << 20 };
    static char data[SIZE + 1];
    struct world w;
    memset(data, 'x', SIZE);
    prepare(&w);
    sim_door_start(&w.d);
    w.d.apps[1].host.options.capacity = 1000;
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, "POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 4194304\r\n\r\n");
    struct sim_peer *one = sim_door_app(&w.d, 0), *two = sim_door_app(&w.d, 1);
    sim_peer_read(two, false);
    sim_peer_send_bytes(client, data, SIZE);
    sim_turn(&w.d.sim);
    assert_true(one->in.len > SIZE);
    assert_int_equal(sim_report.values[METRICS_MIRRORS_FAILED], 1);
    assert_int_equal(w.d.node.worker.mirror_count, 0);
    sim_peer_send(one, DOOR_OK);
    sim_peer_expect(client, DOOR_OK);
    finish(&w, client);
}

static void mirror_never_answers(void **state)
{
    struct world w;
    prepare(&w);
    sim_door_start(&w.d);
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, DOOR_GET);
    struct sim_peer *one = sim_door_app(&w.d, 0), *two = sim_door_app(&w.d, 1);
    sim_peer_send(one, DOOR_OK);
    sim_peer_expect(client, DOOR_OK);
    sim_advance(&w.d.sim, 29000);
    assert_false(sim_peer_is_over(two));
    assert_int_equal(w.d.node.worker.mirror_count, 1);
    sim_advance(&w.d.sim, 2000);
    assert_true(sim_peer_is_over(two));
    finish(&w, client);
}

static void mirror_answers_without_end(void **state)
{
    static char data[200001];
    struct world w;
    memset(data, 'x', 200000);
    prepare(&w);
    sim_door_start(&w.d);
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, DOOR_GET);
    struct sim_peer *one = sim_door_app(&w.d, 0), *two = sim_door_app(&w.d, 1);
    sim_peer_send(one, DOOR_OK);
    sim_peer_send(two, "HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n");
    for (unsigned i = 0; i < 10 && !sim_peer_is_over(two); i++) {
        sim_peer_send(two, data);
        sim_turn(&w.d.sim);
    }
    assert_true(sim_peer_is_over(two));
    sim_peer_expect(client, DOOR_OK);
    finish(&w, client);
}

/* Half a request is none: the mirror does not get it for whole. */
static void client_leaves(void **state)
{
    struct world w;
    prepare(&w);
    sim_door_start(&w.d);
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, "POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 10\r\n\r\nabc");
    struct sim_peer *two = sim_door_app(&w.d, 1);
    sim_peer_reset(client);
    sim_turn(&w.d.sim);
    assert_true(sim_peer_is_over(two));
    assert_int_equal(w.d.node.worker.mirror_count, 0);
    finish(&w, client);
}

/* The original is over and the copy still has something to do. */
static void copy_outlives_its_original(void **state)
{
    struct world w;
    prepare(&w);
    sim_door_start(&w.d);
    w.d.apps[1].host.connect_ms = 1000;
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, "POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 3\r\n\r\nabc");
    struct sim_peer *one = sim_door_app(&w.d, 0);
    sim_peer_send(one, DOOR_OK);
    sim_peer_expect(client, DOOR_OK);
    sim_peer_destroy(client);
    sim_advance(&w.d.sim, 1100);
    struct sim_peer *two = sim_door_app(&w.d, 1);
    assert_non_null(strstr(sim_peer_got(two), "\r\n\r\nabc"));
    /* And the worker ends while it waits for an answer. */
    sim_turn(&w.d.sim);
    assert_int_equal(w.d.node.worker.mirror_count, 1);
    mirror_close_all(&w.d.node.worker);
    sim_turn(&w.d.sim);
    assert_true(sim_peer_is_over(two));
    sim_door_close(&w.d);
}

static void shares(void **state)
{
    static const struct {
        uint32_t numerator, denominator;
        unsigned least, most; /* of 400 */
    } cases[] = {{0, 0, 400, 400},
                 {20, 100, 50, 110},
                 {1, 2, 160, 240},
                 {0, 100, 0, 0},
                 {100, 100, 400, 400}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        prepare(&w);
        w.mirror.numerator = cases[i].numerator;
        w.mirror.denominator = cases[i].denominator;
        sim_door_start(&w.d);
        struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000), *one = NULL;
        struct sim_peer *two = NULL;
        for (unsigned n = 0; n < 400; n++) {
            sim_peer_send(client, DOOR_GET);
            sim_turn(&w.d.sim);
            one = one ? one : sim_door_app(&w.d, 0);
            two = two ? two : sim_door_app(&w.d, 1);
            if (two && two->in.len)
                sim_peer_send(two, DOOR_OK);
            if (two)
                sim_peer_forget(two);
            sim_peer_send(one, DOOR_OK);
            sim_peer_expect(client, DOOR_OK);
        }
        assert_in_range(sim_report.values[METRICS_MIRRORS], cases[i].least, cases[i].most);
        assert_int_equal(sim_report.values[METRICS_MIRRORS_FAILED], 0);
        finish(&w, client);
    }
}

/* Two mirrors, one of the route and one of the backend; one of them is nobody. */
static void several(void **state)
{
    static char nobody[] = "nobody";
    sim_mirror gone = WEFT__CONFIG__V1__MIRROR__INIT, *more[2];
    struct world w;
    prepare(&w);
    gone.cluster = nobody;
    more[0] = &gone;
    more[1] = &w.mirror;
    w.route->clusters[0]->mirrors = more;
    w.route->clusters[0]->n_mirrors = 2;
    sim_door_start(&w.d);
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, DOOR_GET);
    struct sim_peer *one = sim_door_app(&w.d, 0);
    sim_peer_send(one, DOOR_OK);
    sim_peer_expect(client, DOOR_OK);
    assert_int_equal(sim_report.values[METRICS_MIRRORS], 2);
    assert_int_equal(w.d.apps[1].connections, 2);
    for (unsigned i = 0; i < 2; i++)
        sim_peer_send(sim_door_app(&w.d, 1), DOOR_OK);
    finish(&w, client);
}

/* A switched connection has no copy. */
static void upgrade_is_not_copied(void **state)
{
    struct world w;
    prepare(&w);
    sim_door_start(&w.d);
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, "GET /ws HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\n"
                          "upgrade: websocket\r\n\r\n");
    assert_non_null(sim_door_app(&w.d, 0));
    assert_null(sim_door_app(&w.d, 1));
    finish(&w, client);
}

/* The sidecar before a mirror is told which client the gateway found, as every sidecar is: not the
 * last one that X-Forwarded-For names. */
static void a_mirror_in_the_mesh(void **state)
{
    static char id[] = "spiffe://cluster.local/ns/default/sa/two";
    struct world w;
    struct sim_conf conf;
    struct sim_node beside;
    struct sim_app app;
    prepare(&w);
    sim_conf_clients(&w.d.conf, w.gateway)->trust->hops = 1;
    w.d.two->endpoints[0]->ready = false;
    sim_endpoint *e = sim_conf_endpoint(&w.d.conf, w.d.two, "10.0.9.2:8080");
    e->meshed = true;
    e->spiffe_id = id;
    sim_conf_init(&conf);
    sim_inbound *in = sim_conf_inbound(&conf);
    sim_conf_trust_identity(&conf, sim_conf_clients(&conf, NULL),
                            "cluster.local/ns/default/sa/door");
    sim_authz *policy = sim_conf_authz(&conf, SIM_ALLOW, NULL, NULL);
    sim_conf_remote(&conf, policy, "198.51.100.7");
    sim_conf_guard(&conf, in, policy);
    sim_door_start(&w.d);
    sim_node_open(&beside, &w.d.sim, MODE_SIDECAR, "10.0.9.2", &conf);
    sim_app_open(&app, "10.0.9.2:8080");
    app.host.behind_proxy = true;
    sim_node_identify(&w.d.node, "spiffe://cluster.local/ns/default/sa/door");
    sim_node_identify(&beside, id);
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: shop\r\n"
                          "x-forwarded-for: 8.8.8.8, 198.51.100.7\r\n\r\n");
    sim_peer_send(sim_door_app(&w.d, 0), DOOR_OK);
    sim_turn(&w.d.sim);
    struct sim_peer *copy = sim_app_accept(&app);
    assert_non_null(copy);
    sim_peer_send(copy, DOOR_OK);
    sim_peer_destroy(client);
    sim_turn(&w.d.sim);
    assert_int_equal(sim_report.values[METRICS_MIRRORS_FAILED], 0);
    cluster_table_drain(&w.d.node.worker.clusters);
    sim_advance(&w.d.sim, 3000);
    sim_node_close(&beside);
    sim_app_close(&app);
    sim_conf_dispose(&conf);
    sim_door_close(&w.d);
}

/* ---- what single backends ask for ---- */

static void add_filter(struct world *w, size_t *count, char ***names, const char *id,
                       const char *type, const char *spec)
{
    sim_conf_name(&w->d.conf, count, names, sim_conf_filter(&w->d.conf, id, type, spec));
}

static void backend_redirects(void **state)
{
    struct world w;
    prepare(&w);
    Weft__Config__V1__WeightedCluster *share = w.route->clusters[0];
    w.route->n_mirrors = 0;
    add_filter(&w, &share->n_filters, &share->filters, "one", "redirect",
               "{\"hostname\":\"example.org\",\"statusCode\":301}");
    share->cluster = (char[]){""};
    sim_door_start(&w.d);
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, DOOR_GET);
    sim_peer_expect_part(client, "HTTP/1.1 301 ", "location: http://example.org:8000/x\r\n");
    finish(&w, client);
}

/* First the route, then the backend; the app hears where the client wanted to go at first. */
static void backend_rewrites(void **state)
{
    static const char who[] = "{\"request\":{\"set\":[{\"name\":\"x-who\",\"value\":\"one\"}]},"
                              "\"response\":{\"set\":[{\"name\":\"x-who\",\"value\":\"one\"}]}}";
    struct world w;
    prepare(&w);
    Weft__Config__V1__WeightedCluster *share = w.route->clusters[0];
    w.route->n_mirrors = 0;
    add_filter(&w, &w.route->n_filters, &w.route->filters, "outer", "rewrite",
               "{\"hostname\":\"outer.org\"}");
    add_filter(&w, &share->n_filters, &share->filters, "inner", "rewrite",
               "{\"hostname\":\"inner.org\",\"path\":{\"type\":\"ReplacePrefixMatch\","
               "\"replacePrefixMatch\":\"/api\"}}");
    add_filter(&w, &share->n_filters, &share->filters, "who", "headerMutation", who);
    sim_door_start(&w.d);
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, DOOR_GET);
    struct sim_peer *one = sim_door_app(&w.d, 0);
    assert_non_null(strstr(sim_peer_got(one), "GET /api/x HTTP/1.1\r\nhost: inner.org\r\n"));
    assert_non_null(strstr(sim_peer_got(one), "x-forwarded-host: shop\r\n"));
    assert_non_null(strstr(sim_peer_got(one), "x-who: one\r\n"));
    sim_peer_send(one, DOOR_OK);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK\r\n", "x-who: one\r\n");
    finish(&w, client);
}

/* A preflight is nobody's business but ours, and mirrors see none either. */
static void preflight(void **state)
{
    struct world w;
    prepare(&w);
    add_filter(&w, &w.route->n_filters, &w.route->filters, "cors", "cors",
               "{\"allowOrigins\":[\"*\"]}");
    sim_door_start(&w.d);
    struct sim_peer *client = sim_node_connect_gateway(&w.d.node, 8000);
    sim_peer_send(client, "OPTIONS / HTTP/1.1\r\nhost: shop\r\norigin: https://a.b\r\n"
                          "access-control-request-method: PUT\r\n\r\n");
    sim_peer_expect_part(client, "HTTP/1.1 204 ", "access-control-allow-origin: *\r\n");
    assert_null(sim_door_app(&w.d, 0));
    assert_null(sim_door_app(&w.d, 1));
    finish(&w, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_get_it),
        cmocka_unit_test(chunked),
        cmocka_unit_test(mirror_is_not_there),
        cmocka_unit_test(mirror_is_slow),
        cmocka_unit_test(mirror_never_answers),
        cmocka_unit_test(mirror_answers_without_end),
        cmocka_unit_test(client_leaves),
        cmocka_unit_test(copy_outlives_its_original),
        cmocka_unit_test(shares),
        cmocka_unit_test(several),
        cmocka_unit_test(upgrade_is_not_copied),
        cmocka_unit_test(a_mirror_in_the_mesh),
        cmocka_unit_test(backend_redirects),
        cmocka_unit_test(backend_rewrites),
        cmocka_unit_test(preflight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
