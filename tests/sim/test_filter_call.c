/* Requests of a filter's own: to a service, over the same pools, mutual TLS and limits as all
 * others, and over with the exchange that waits for them. The filter here takes the place of
 * filters/direct_response.c, under its name: it asks a service whether a request may go on.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"
#include "tests/sim/sim_mesh.h"

#include <string.h>

#define AUTH "10.0.0.2:8080"
#define YES "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nann"
#define ASKED "GET /check HTTP/1.1\r\nhost: auth.svc\r\nx-path: /x\r\nx-request-id: 1\r\n\r\n"

/* ---- the filter ---- */

struct ask_spec {
    struct slice cluster;
    int64_t timeout_ms, body_max;
    bool with_body;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct ask_spec, cluster, "cluster", STRING, "Whom.", .flags = SCHEMA_REQUIRED),
    SCHEMA_FIELD(struct ask_spec, timeout_ms, "timeout", DURATION, "How long."),
    SCHEMA_FIELD(struct ask_spec, body_max, "bodyMax", INT, "How much.", .max = 1000000),
    SCHEMA_FIELD(struct ask_spec, with_body, "withBody", BOOL, "Show the body."),
    {0},
};

static const struct schema spec_schema = {
    .name = "Ask", .doc = "Asks.", .size = sizeof(struct ask_spec), .fields = fields};

struct ask {
    struct filter_call call;
    bool has_asked;
};

/* Of all tests. */
static unsigned ended, called;

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    (void)b;
    *(struct ask_spec *)conf = *(const struct ask_spec *)spec;
    return ERR_OK;
}

static void ask(struct filter_exchange *x, const struct ask_spec *c, struct ask *own,
                const char *method, struct slice body)
{
    struct message *m =
        filter_call_request(&own->call, x->arena, slice_from_cstr(method), SLICE("/check"));
    headers_add(&m->headers, SLICE("x-path"), x->match_path);
    own->has_asked = true;
    own->call.cluster = c->cluster;
    own->call.timeout_ms = (uint32_t)c->timeout_ms;
    own->call.body_max = (uint32_t)c->body_max;
    own->call.body = body;
    x->host->call(x, &own->call);
}

static enum filter_verdict judge(struct filter_exchange *x, const struct filter_call *call)
{
    if (!call->is_done)
        return FILTER_WAIT;
    if (call->failed) {
        (x->host->fail)(x, call->failed, call->detail);
        return FILTER_REPLY;
    }
    if (call->response->status != 200) {
        x->host->reply(x, call->response->status, call->response_body);
        return FILTER_REPLY;
    }
    headers_add(&x->request->headers, SLICE("x-user"), call->response_body);
    return FILTER_NEXT;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct ask_spec *c = conf;
    struct ask *own = ctx;
    called++;
    if (c->with_body)
        return FILTER_NEXT;
    if (!own->has_asked)
        ask(x, c, own, "GET", (struct slice){0});
    return judge(x, &own->call);
}

static enum filter_verdict on_request_body(struct filter_exchange *x, const void *conf, void *ctx,
                                           struct buf *body, bool end)
{
    const struct ask_spec *c = conf;
    struct ask *own = ctx;
    if (!c->with_body)
        return FILTER_NEXT;
    if (!end)
        return FILTER_WAIT;
    if (!own->has_asked) {
        char *text = arena_alloc(x->arena, body->len);
        buf_copy_out(body, text, body->len);
        ask(x, c, own, "POST", slice_of(text, body->len));
    }
    return judge(x, &own->call);
}

static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    (void)x, (void)conf, (void)ctx;
    ended++;
}

const struct filter filter_direct_response = {
    .name = "directResponse",
    .doc = "Asks a service.",
    .phase = FILTER_PHASE_AUTHENTICATE,
    .spec = &spec_schema,
    .conf_size = sizeof(struct ask_spec),
    .ctx_size = sizeof(struct ask),
    .prepare = prepare,
    .on_request = on_request,
    .on_request_body = on_request_body,
    .on_end = on_end,
};

/* ---- the room: a client, an app, and whom the filter asks ---- */

struct world {
    struct sim_road r;
    sim_cluster *auth;
    sim_route *route;
    struct sim_app app;
};

static void add_filter(struct sim_conf *c, sim_route *route, const char *spec)
{
    sim_conf_name(c, &route->n_filters, &route->filters,
                  sim_conf_filter(c, "ask", "directResponse", spec));
}

static void prepare_world(struct world *w, const char *spec)
{
    static char service[] = "auth.svc";
    *w = (struct world){0};
    ended = called = 0;
    sim_road_prepare(&w->r);
    w->auth = sim_conf_cluster(&w->r.conf, "auth");
    w->auth->service = service;
    sim_conf_endpoint(&w->r.conf, w->auth, AUTH);
    w->route = sim_conf_route(&w->r.conf, w->r.destination, "/", "app");
    add_filter(&w->r.conf, w->route, spec);
}

static struct sim_peer *start(struct world *w)
{
    sim_road_start(&w->r);
    sim_app_open(&w->app, AUTH);
    return sim_road_client(&w->r);
}

/* The next connection of the filter's. */
static struct sim_peer *asked(struct world *w)
{
    sim_turn(&w->r.sim);
    struct sim_peer *p = sim_app_accept(&w->app);
    assert_non_null(p);
    sim_turn(&w->r.sim);
    return p;
}

static void finish(struct world *w, struct sim_peer *client)
{
    sim_road_done(&w->r, client);
    sim_node_close(&w->r.node);
    sim_app_close(&w->r.app);
    sim_app_close(&w->app);
    sim_conf_dispose(&w->r.conf);
    sim_close(&w->r.sim);
}

static void answered(void **state)
{
    struct world w;
    prepare_world(&w, "{\"cluster\":\"auth\"}");
    struct sim_peer *client = start(&w);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *auth = asked(&w);
    sim_peer_expect(auth, ASKED);
    assert_null(sim_app_accept(&w.r.app));
    sim_peer_send(auth, YES);
    struct sim_peer *app = sim_road_app(&w.r);
    assert_non_null(strstr(sim_peer_got(app), "x-user: ann\r\n"));
    assert_int_equal(sim_report.exchanges, 1); /* the call is one too */
    assert_int_equal(sim_report.status, 200);
    assert_int_equal(sim_report.response_bytes, 3);
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    /* Both connections are used again. */
    sim_peer_forget(app);
    sim_peer_send(client, ROAD_GET);
    sim_turn(&w.r.sim);
    sim_peer_expect(auth, ASKED);
    sim_peer_send(auth, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nbo\r\n");
    sim_turn(&w.r.sim);
    assert_string_equal(sim_peer_got(app), "");
    sim_peer_send(auth, "1\r\nb\r\n0\r\n\r\n");
    sim_turn(&w.r.sim);
    assert_non_null(strstr(sim_peer_got(app), "x-user: bob\r\n"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    assert_int_equal(ended, 2);
    assert_int_equal(sim_report.exchanges, 4);
    finish(&w, client);
}

/* What the filter makes of a status is its own business; the endpoint's failures count. */
static void a_status_of_failure(void **state)
{
    struct world w;
    prepare_world(&w, "{\"cluster\":\"auth\"}");
    struct sim_peer *client = start(&w);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *auth = asked(&w);
    sim_peer_send(auth, "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy");
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "\r\n\r\nbusy");
    assert_null(sim_app_accept(&w.r.app));
    assert_int_equal(called, 2);
    finish(&w, client);
}

static void too_slow(void **state)
{
    struct world w;
    prepare_world(&w, "{\"cluster\":\"auth\",\"timeout\":\"300ms\"}");
    struct sim_peer *client = start(&w);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *auth = asked(&w);
    sim_peer_send(auth, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nan");
    sim_advance(&w.r.sim, 290);
    sim_peer_expect(client, "");
    sim_advance(&w.r.sim, 20);
    sim_peer_expect_part(client, "HTTP/1.1 504 ", "x-weft-reason: attempt_timeout\r\n");
    assert_true(sim_peer_is_over(auth));
    finish(&w, client);
}

/* Nobody said how long: as the policies of the service say, and without any 5 s. */
static void time_without_saying(void **state)
{
    static const uint32_t policy_ms[] = {0, 700};
    for (unsigned i = 0; i < 2; i++) {
        uint32_t limit_ms = policy_ms[i] ? policy_ms[i] : 5000;
        struct world w;
        prepare_world(&w, "{\"cluster\":\"auth\"}");
        if (policy_ms[i]) {
            w.auth->timeouts = sim_conf_timeouts(&w.r.conf);
            w.auth->timeouts->request_ms = policy_ms[i];
        }
        struct sim_peer *client = start(&w);
        sim_peer_send(client, ROAD_GET);
        asked(&w);
        sim_advance(&w.r.sim, limit_ms - 20);
        sim_peer_expect(client, "");
        sim_advance(&w.r.sim, 40);
        sim_peer_expect_part(client, "HTTP/1.1 504 ", "x-weft-reason: attempt_timeout\r\n");
        finish(&w, client);
    }
}

static void too_much(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nanne",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nan\r\n2\r\nne\r\n",
    };
    for (unsigned i = 0; i < 2; i++) {
        struct world w;
        prepare_world(&w, "{\"cluster\":\"auth\",\"bodyMax\":3}");
        struct sim_peer *client = start(&w);
        sim_peer_send(client, ROAD_GET);
        sim_peer_send(asked(&w), answers[i]);
        sim_peer_expect_part(client, "HTTP/1.1 502 ", "upstream_too_large");
        assert_null(sim_app_accept(&w.r.app));
        finish(&w, client);
    }
}

static void the_client_leaves(void **state)
{
    struct world w;
    prepare_world(&w, "{\"cluster\":\"auth\"}");
    struct sim_peer *client = start(&w);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *auth = asked(&w);
    sim_peer_send(auth, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na");
    sim_turn(&w.r.sim);
    sim_peer_reset(client);
    sim_turn(&w.r.sim);
    assert_int_equal(ended, 1);
    assert_true(sim_peer_is_over(auth));
    sim_node_check_idle(&w.r.node);
    finish(&w, client);
}

/* Also while there is no connection yet. */
static void the_client_leaves_before(void **state)
{
    struct world w;
    prepare_world(&w, "{\"cluster\":\"auth\"}");
    struct sim_peer *client = start(&w);
    w.app.host.answer = SIM_SILENT;
    sim_peer_send(client, ROAD_GET);
    sim_turn(&w.r.sim);
    sim_peer_reset(client);
    sim_turn(&w.r.sim);
    assert_int_equal(ended, 1);
    sim_node_check_idle(&w.r.node);
    finish(&w, client);
}

/* What the route says of time holds for the wait, too. */
static void the_deadline_comes_first(void **state)
{
    struct world w;
    prepare_world(&w, "{\"cluster\":\"auth\"}");
    w.route->timeouts = sim_conf_timeouts(&w.r.conf);
    w.route->timeouts->request_ms = 1000;
    struct sim_peer *client = start(&w);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *auth = asked(&w);
    sim_advance(&w.r.sim, 1010);
    sim_peer_expect_part(client, "HTTP/1.1 504 ", "x-weft-reason: request_timeout\r\n");
    sim_turn(&w.r.sim);
    assert_true(sim_peer_is_over(auth));
    finish(&w, client);
}

/* Nobody can be asked; what is known of it is what the filter is told. */
static void nobody_there(void **state)
{
    static const struct {
        const char *spec, *status, *why;
        bool ready, refuses;
    } rows[] = {
        {"{\"cluster\":\"auth\"}", "HTTP/1.1 503 ", "no_endpoint", false, false},
        {"{\"cluster\":\"nobody\"}", "HTTP/1.1 500 ", "no_cluster", true, false},
        {"{\"cluster\":\"auth\"}", "HTTP/1.1 503 ", "connect_failed", true, true},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;
        prepare_world(&w, rows[i].spec);
        w.auth->endpoints[0]->ready = rows[i].ready;
        struct sim_peer *client = start(&w);
        w.app.host.answer = rows[i].refuses ? SIM_REFUSE : SIM_ACCEPT;
        sim_peer_send(client, ROAD_GET);
        sim_peer_expect_part(client, rows[i].status, rows[i].why);
        assert_null(sim_app_accept(&w.r.app));
        assert_int_equal(ended, 1);
        finish(&w, client);
    }
}

/* The service's limit is for calls as well. */
static void too_many_at_once(void **state)
{
    struct world w;
    prepare_world(&w, "{\"cluster\":\"auth\"}");
    w.auth->breaker->max_requests = 1;
    struct sim_peer *client = start(&w), *other = sim_road_client(&w.r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *auth = asked(&w);
    sim_peer_send(other, ROAD_GET);
    sim_peer_expect_part(other, "HTTP/1.1 503 ", "x-weft-reason: overflow\r\n");
    sim_peer_send(auth, YES);
    sim_peer_send(sim_road_app(&w.r), ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_destroy(other);
    finish(&w, client);
}

static void cut_in_the_middle(void **state)
{
    struct world w;
    prepare_world(&w, "{\"cluster\":\"auth\"}");
    struct sim_peer *client = start(&w);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *auth = asked(&w);
    sim_peer_send(auth, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na");
    sim_turn(&w.r.sim);
    sim_peer_close(auth);
    sim_peer_expect_part(client, "HTTP/1.1 502 ", "x-weft-reason: upstream_closed\r\n");
    finish(&w, client);
}

/* The body is shown as a whole, and goes on after that. */
static void with_a_body(void **state)
{
    struct world w;
    prepare_world(&w, "{\"cluster\":\"auth\",\"withBody\":true}");
    struct sim_peer *client = start(&w);
    sim_peer_send(client, "POST /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\n"
                          "content-length: 5\r\n\r\nhe");
    sim_turn(&w.r.sim);
    assert_null(sim_app_accept(&w.app));
    sim_peer_send(client, "llo");
    struct sim_peer *auth = asked(&w);
    sim_peer_expect(auth, "POST /check HTTP/1.1\r\nhost: auth.svc\r\nx-path: /x\r\n"
                          "x-request-id: 1\r\ncontent-length: 5\r\n\r\nhello");
    assert_null(sim_app_accept(&w.r.app));
    sim_peer_send(auth, YES);
    struct sim_peer *app = sim_road_app(&w.r);
    assert_non_null(strstr(sim_peer_got(app), "x-user: ann\r\n"));
    assert_non_null(strstr(sim_peer_got(app), "\r\n\r\nhello"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&w, client);
}

/* HTTP/2 where the service speaks it. */
static void over_http2(void **state)
{
    static char yes[] = "ann";
    struct sim_server server = {.status = 200, .body = yes};
    struct world w;
    prepare_world(&w, "{\"cluster\":\"auth\"}");
    w.auth->protocol = WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2;
    sim_road_start(&w.r);
    sim_server_open(&server, w.r.sim.loop, AUTH, HTTP_PROTOCOL_2);
    server.status = 200;
    server.body = yes;
    struct sim_peer *client = sim_road_client(&w.r);
    for (unsigned i = 0; i < 2; i++) {
        sim_peer_send(client, ROAD_GET);
        sim_turn(&w.r.sim);
        if (i == 0)
            sim_peer_send(sim_road_app(&w.r), ROAD_OK);
        sim_turn(&w.r.sim);
        struct sim_call *call = sim_server_call(&server, i);
        assert_non_null(call);
        assert_true(slice_eq(call->head->path, SLICE("/check")));
        assert_true(slice_eq(call->head->authority, SLICE("auth.svc")));
        if (i == 0)
            sim_peer_expect(client, ROAD_OK);
    }
    assert_int_equal(server.open, 1);
    sim_road_done(&w.r, client);
    sim_server_close(&server);
    sim_road_close(&w.r);
}

/* To a service of the mesh: from sidecar to sidecar, as whom this workload is. */
static void over_the_mesh(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_route *route = sim_conf_route(&m.out_conf, m.destination, "/", "reviews");
    add_filter(&m.out_conf, route, "{\"cluster\":\"reviews\"}");
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: reviews\r\nx-request-id: 1\r\n\r\n");
    struct sim_peer *app = sim_mesh_accept(&m);
    sim_turn(&m.sim);
    assert_non_null(strstr(sim_peer_got(app), "GET /check HTTP/1.1\r\n"));
    assert_non_null(strstr(sim_peer_got(app), "URI=" SIM_MESH_CLIENT_ID));
    sim_peer_forget(app);
    sim_peer_send(app, YES);
    sim_turn(&m.sim);
    assert_non_null(strstr(sim_peer_got(app), "GET /x HTTP/1.1\r\n"));
    assert_non_null(strstr(sim_peer_got(app), "x-user: ann\r\n"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_destroy(client);
    sim_mesh_finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered),
        cmocka_unit_test(a_status_of_failure),
        cmocka_unit_test(too_slow),
        cmocka_unit_test(time_without_saying),
        cmocka_unit_test(too_much),
        cmocka_unit_test(the_client_leaves),
        cmocka_unit_test(the_client_leaves_before),
        cmocka_unit_test(the_deadline_comes_first),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(too_many_at_once),
        cmocka_unit_test(cut_in_the_middle),
        cmocka_unit_test(with_a_body),
        cmocka_unit_test(over_http2),
        cmocka_unit_test(over_the_mesh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
