/* Endpoints that are asked for their health: when, how, and what their answers change.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_mesh.h"
#include "tests/sim/sim_service.h"

#include <string.h>

#define GRPC_PATH "/grpc.health.v1.Health/Check"

typedef Weft__Config__V1__HealthCheck sim_check;

/* Every second, of an unhealthy one every 500 ms; three must fail, two must pass. */
static sim_check *add_check(struct sim_conf *conf, sim_cluster *c)
{
    sim_check *h = arena_alloc(&conf->arena, sizeof(*h));
    weft__config__v1__health_check__init(h);
    h->interval_ms = 1000;
    h->unhealthy_interval_ms = 500;
    h->timeout_ms = 300;
    h->unhealthy_threshold = 3;
    h->healthy_threshold = 2;
    return c->health_check = h;
}

static Weft__Config__V1__HttpHealthCheck *over_http(struct sim_conf *conf, sim_check *h)
{
    static char method[] = "GET", path[] = "/health?deep=1";
    h->http = arena_alloc(&conf->arena, sizeof(*h->http));
    weft__config__v1__http_health_check__init(h->http);
    h->http->method = method;
    h->http->path = path;
    return h->http;
}

static void over_grpc(struct sim_conf *conf, sim_check *h, char *service)
{
    h->grpc = arena_alloc(&conf->arena, sizeof(*h->grpc));
    weft__config__v1__grpc_health_check__init(h->grpc);
    h->grpc->service = service;
}

/* Two endpoints in turn, which are never ejected. */
static sim_check *prepare(struct sim_service *s, unsigned endpoints)
{
    sim_service_prepare(s, endpoints);
    sim_conf_balance(s->r.cluster, "RoundRobin");
    s->r.cluster->outlier->disabled = true;
    return add_check(&s->r.conf, s->r.cluster);
}

static unsigned count(struct sim_server *app, const char *path)
{
    unsigned n = 0;
    struct sim_call *call;
    for (unsigned i = 0; (call = sim_server_call(app, i)) != NULL; i++)
        n += call->head && slice_eq_cstr(call->head->path, path);
    return n;
}

static unsigned checks(struct sim_server *app)
{
    return count(app, "/health?deep=1");
}

/* How many of so many requests it gets. */
static unsigned share(struct sim_service *s, struct sim_server *app, unsigned times)
{
    unsigned before = count(app, "/");
    sim_service_ask_times(s, times);
    return count(app, "/") - before;
}

static bool is_unhealthy(struct sim_service *s, unsigned endpoint)
{
    struct cluster *c = sim_node_cluster(&s->r.node, "app");
    return c->endpoints[endpoint]->conf->health->is_unhealthy;
}

/* Until it is so; how long that took. */
static unsigned await(struct sim_service *s, unsigned endpoint, bool unhealthy)
{
    unsigned ms = 0;
    for (; is_unhealthy(s, endpoint) != unhealthy; ms += 10) {
        assert_in_range(ms, 0, 20000);
        sim_advance(&s->r.sim, 10);
    }
    return ms;
}

/* requirement: D5 */
static void unhealthy_endpoint_gets_nothing_and_returns(void **state)
{
    struct sim_service s;
    over_http(&s.r.conf, prepare(&s, 2));
    sim_service_start(&s, HTTP_PROTOCOL_1);
    sim_advance(&s.r.sim, 2000);
    assert_in_range(checks(&s.apps[0]), 1, 3);
    assert_int_equal(share(&s, &s.apps[0], 10), 5);
    s.apps[0].status = 503;
    unsigned before = checks(&s.apps[0]);
    assert_in_range(await(&s, 0, true), 1900, 3400);
    assert_int_equal(checks(&s.apps[0]), before + 3);
    assert_int_equal(share(&s, &s.apps[0], 10), 0);
    assert_int_equal(count(&s.apps[1], "/"), 15);
    s.apps[0].status = 200;
    before = checks(&s.apps[0]);
    assert_in_range(await(&s, 0, false), 400, 1200);
    assert_int_equal(checks(&s.apps[0]), before + 2);
    assert_int_equal(share(&s, &s.apps[0], 10), 5);
    assert_int_equal(sim_report.values[METRICS_HEALTH_CHECKS],
                     checks(&s.apps[0]) + checks(&s.apps[1]));
    assert_int_equal(sim_report.values[METRICS_HEALTH_CHECKS_FAILED], 3);
    sim_service_finish(&s);
}

static void what_is_asked(void **state)
{
    for (int is_named = 0; is_named < 2; is_named++) {
        static char host[] = "inside.example.com", head[] = "HEAD";
        struct sim_service s;
        Weft__Config__V1__HttpHealthCheck *h = over_http(&s.r.conf, prepare(&s, 1));
        if (is_named) {
            h->host = host;
            h->method = head;
        }
        sim_service_start(&s, is_named ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1);
        sim_advance(&s.r.sim, 1100);
        struct sim_call *call = sim_server_call(&s.apps[0], 0);
        assert_non_null(call);
        assert_true(slice_eq_cstr(call->head->method, is_named ? "HEAD" : "GET"));
        assert_true(slice_eq_cstr(call->head->path, "/health?deep=1"));
        assert_true(slice_eq(call->head->authority,
                             is_named ? slice_from_cstr(host)
                                      : sim_node_cluster(&s.r.node, "app")->conf->service));
        assert_string_equal(sim_call_header(call, "user-agent"), "weft-health-check");
        sim_service_finish(&s);
    }
}

/* Two failures and a success, again and again. */
static void only_failures_in_a_row_count(void **state)
{
    struct sim_service s;
    over_http(&s.r.conf, prepare(&s, 2));
    sim_service_start(&s, HTTP_PROTOCOL_1);
    for (unsigned i = 0; i < 12; i++) {
        unsigned before = checks(&s.apps[0]);
        s.apps[0].status = i % 3 == 2 ? 200 : 500;
        while (checks(&s.apps[0]) == before)
            sim_advance(&s.r.sim, 10);
        assert_false(is_unhealthy(&s, 0));
    }
    sim_service_finish(&s);
}

static void which_statuses_are_healthy(void **state)
{
    static const struct {
        unsigned listed, answered;
        bool is_good;
    } kinds[] = {{0, 200, true},   {0, 399, true},   {0, 400, false},
                 {0, 500, false},  {404, 404, true}, {404, 200, false}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        struct sim_service s;
        uint32_t listed = kinds[i].listed;
        Weft__Config__V1__HttpHealthCheck *h = over_http(&s.r.conf, prepare(&s, 2));
        h->n_statuses = listed != 0;
        h->statuses = &listed;
        sim_service_start(&s, HTTP_PROTOCOL_1);
        s.apps[0].status = kinds[i].answered;
        sim_advance(&s.r.sim, 5000);
        assert_int_equal(is_unhealthy(&s, 0), !kinds[i].is_good);
        sim_service_finish(&s);
    }
}

static void silence_is_failure(void **state)
{
    struct sim_service s;
    over_http(&s.r.conf, prepare(&s, 2));
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].manual = true;
    await(&s, 0, true);
    assert_int_equal(share(&s, &s.apps[0], 6), 0);
    sim_service_finish(&s);
}

static void when_all_are_unhealthy_all_are_used(void **state)
{
    struct sim_service s;
    over_http(&s.r.conf, prepare(&s, 2));
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].status = s.apps[1].status = 503;
    await(&s, 0, true);
    await(&s, 1, true);
    assert_int_equal(share(&s, &s.apps[0], 10), 5);
    sim_service_finish(&s);
}

/* A check that fails is no failed request, and one that passes no success. */
static void checks_do_not_eject(void **state)
{
    struct sim_service s;
    over_http(&s.r.conf, prepare(&s, 2));
    s.r.cluster->outlier->disabled = false;
    s.r.cluster->outlier->consecutive_failures = 1;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].status = 503;
    await(&s, 0, true);
    assert_int_equal(sim_report.values[METRICS_EJECTIONS], 0);
    sim_service_finish(&s);
}

/* Whom our own limits keep from being asked is not unhealthy for that. */
static void limits_are_no_failure(void **state)
{
    struct sim_service s;
    over_http(&s.r.conf, prepare(&s, 2));
    s.r.cluster->breaker->max_requests = 1;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.apps[0].manual = s.apps[1].manual = true;
    struct sim_call *call = sim_service_ask(&s);
    sim_advance(&s.r.sim, 10000);
    assert_int_equal(checks(&s.apps[0]) + checks(&s.apps[1]), 0);
    assert_false(is_unhealthy(&s, 0) || is_unhealthy(&s, 1));
    sim_call_reset(call, ERR_CANCELED);
    sim_turn(&s.r.sim);
    sim_service_finish(&s);
}

/* requirement: D5 */
static void by_connecting(void **state)
{
    struct sim_service s;
    prepare(&s, 3);
    sim_service_start(&s, HTTP_PROTOCOL_1);
    sim_advance(&s.r.sim, 1100);
    assert_int_equal(s.apps[0].requests, 0);
    sim_server_close(&s.apps[0]);
    await(&s, 0, true);
    assert_false(is_unhealthy(&s, 1) || is_unhealthy(&s, 2));
    sim_server_open(&s.apps[0], s.r.sim.loop, "10.0.0.1:8080", HTTP_PROTOCOL_1);
    await(&s, 0, false);
    sim_service_finish(&s);
}

/* ---- gRPC ---- */

static struct sim_call *next_question(struct sim_service *s, unsigned *asked)
{
    struct sim_call *call = NULL;
    for (unsigned ms = 0; !call && ms < 2000; ms += 10) {
        sim_advance(&s->r.sim, 10);
        call = sim_server_call(&s->apps[0], *asked);
    }
    assert_non_null(call);
    ++*asked;
    return call;
}

/* message: of HealthCheckResponse, with its prefix; status: in the trailers. */
static void tell(struct sim_service *s, struct sim_call *call, const char *message, size_t len,
                 const char *status)
{
    struct message *head = sim_call_request(call, "", "", "");
    struct headers *trailers = arena_zalloc(&call->arena, sizeof(*trailers));
    struct buf body = {0};
    head->status = 200;
    headers_init(trailers, &call->arena);
    headers_add(&head->headers, SLICE("content-type"), SLICE("application/grpc"));
    headers_add(trailers, SLICE("grpc-status"), slice_from_cstr(status));
    buf_append(&body, message, len);
    http_stream_send_head(&call->st, head, false);
    http_stream_pump(&call->st, &body, true, trailers);
    sim_turn(&s->r.sim);
}

#define SERVING "\0\0\0\0\2\10\1"
#define NOT_SERVING "\0\0\0\0\2\10\2"

/* requirement: D5 */
static void by_grpc(void **state)
{
    static char service[] = "shop.Cart";
    static const struct {
        const char *message, *status;
        size_t len;
        bool is_good;
    } kinds[] = {
        {SERVING, "0", 7, true},       {NOT_SERVING, "0", 7, false}, {SERVING, "12", 7, false},
        {"\0\0\0\0\0", "0", 5, false}, {"", "0", 0, false},          {SERVING "x", "0", 8, false},
        {"\1\0\0\0\2\10\1", "0", 7, false},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        struct sim_service s;
        sim_check *check = prepare(&s, 1);
        over_grpc(&s.r.conf, check, service);
        check->unhealthy_threshold = 1;
        sim_service_start(&s, HTTP_PROTOCOL_2);
        s.apps[0].manual = true;
        unsigned asked = 0;
        struct sim_call *call = next_question(&s, &asked);
        assert_true(slice_eq_cstr(call->head->path, GRPC_PATH));
        assert_string_equal(sim_call_header(call, "content-type"), "application/grpc");
        assert_string_equal(sim_call_header(call, "te"), "trailers");
        assert_memory_equal(sim_text_get(&call->body), "\0\0\0\0\13\12\11shop.Cart", 16);
        tell(&s, call, kinds[i].message, kinds[i].len, kinds[i].status);
        assert_int_equal(is_unhealthy(&s, 0), !kinds[i].is_good);
        sim_service_finish(&s);
    }
}

/* ---- the mesh ---- */

/* A check is a hop as any: over mutual TLS, to the sidecar that asks its app. */
static void over_mutual_tls(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    over_http(&m.out_conf, add_check(&m.out_conf, m.cluster));
    sim_mesh_start_http(&m, HTTP_PROTOCOL_1);
    sim_advance(&m.sim, 1100);
    struct sim_call *call = sim_server_call(&m.server, 0);
    assert_non_null(call);
    assert_true(slice_eq_cstr(call->head->path, "/health?deep=1"));
    const struct endpoint *e = sim_node_cluster(&m.out, "reviews")->endpoints[0];
    m.server.status = 500;
    sim_advance(&m.sim, 4000);
    assert_true(e->conf->health->is_unhealthy);
    m.server.status = 200;
    sim_advance(&m.sim, 2000);
    assert_false(e->conf->health->is_unhealthy);
    sim_mesh_finish(&m);
}

/* ---- who is asked ---- */

static void changes_of_the_configuration(void **state)
{
    struct sim_service s;
    sim_check *check = prepare(&s, 3);
    over_http(&s.r.conf, check);
    check->interval_ms = check->unhealthy_interval_ms = 3600000;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    sim_advance(&s.r.sim, 60000);
    assert_int_equal(checks(&s.apps[0]), 1);
    /* A shorter interval counts at once. */
    check->interval_ms = check->unhealthy_interval_ms = 1000;
    sim_node_adopt(&s.r.node, &s.r.conf);
    s.apps[0].status = 503;
    await(&s, 0, true);
    /* What is known stays, also of others' endpoints. */
    s.r.cluster->n_endpoints = 2;
    sim_node_adopt(&s.r.node, &s.r.conf);
    assert_true(is_unhealthy(&s, 0));
    sim_turn(&s.r.sim);
    unsigned gone = checks(&s.apps[2]), stays = checks(&s.apps[1]);
    sim_advance(&s.r.sim, 5000);
    assert_int_equal(checks(&s.apps[2]), gone);
    assert_true(checks(&s.apps[1]) > stays);
    /* Who is not asked is not unhealthy. */
    s.r.cluster->health_check = NULL;
    sim_node_adopt(&s.r.node, &s.r.conf);
    assert_false(is_unhealthy(&s, 0));
    stays = checks(&s.apps[0]);
    sim_advance(&s.r.sim, 5000);
    assert_int_equal(checks(&s.apps[0]), stays);
    /* Asked again, it is met as if for the first time. */
    s.r.cluster->health_check = check;
    sim_node_adopt(&s.r.node, &s.r.conf);
    await(&s, 0, true);
    sim_service_finish(&s);
}

/* An endpoint that goes, and a configuration that ends, while a check is under way. */
static void changes_during_a_check(void **state)
{
    for (int kind = 0; kind < 3; kind++) {
        struct sim_service s;
        sim_check *check = prepare(&s, 2);
        if (kind < 2)
            over_http(&s.r.conf, check);
        sim_service_start(&s, HTTP_PROTOCOL_1);
        s.apps[0].manual = s.apps[1].manual = true;
        while (kind < 2 && !checks(&s.apps[1]))
            sim_advance(&s.r.sim, 10);
        if (kind == 0)
            s.r.cluster->n_endpoints = 1;
        else
            s.r.cluster->health_check = NULL;
        sim_node_adopt(&s.r.node, &s.r.conf);
        sim_advance(&s.r.sim, 2000);
        assert_int_equal(checks(&s.apps[1]), kind < 2);
        s.apps[0].manual = false;
        sim_advance(&s.r.sim, 300); /* what is asked of the other one is over */
        sim_service_finish(&s);
    }
}

/* One worker asks for all. */
static void other_workers_do_not_ask(void **state)
{
    struct sim_service s;
    sim_check *check = prepare(&s, 2);
    over_http(&s.r.conf, check);
    s.r.cluster->health_check = NULL;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    s.r.node.worker.index = 1;
    s.r.cluster->health_check = check;
    sim_node_adopt(&s.r.node, &s.r.conf);
    sim_advance(&s.r.sim, 5000);
    assert_int_equal(checks(&s.apps[0]), 0);
    s.r.node.worker.index = 0;
    sim_service_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unhealthy_endpoint_gets_nothing_and_returns),
        cmocka_unit_test(what_is_asked),
        cmocka_unit_test(only_failures_in_a_row_count),
        cmocka_unit_test(which_statuses_are_healthy),
        cmocka_unit_test(silence_is_failure),
        cmocka_unit_test(when_all_are_unhealthy_all_are_used),
        cmocka_unit_test(checks_do_not_eject),
        cmocka_unit_test(limits_are_no_failure),
        cmocka_unit_test(by_connecting),
        cmocka_unit_test(by_grpc),
        cmocka_unit_test(over_mutual_tls),
        cmocka_unit_test(changes_of_the_configuration),
        cmocka_unit_test(changes_during_a_check),
        cmocka_unit_test(other_workers_do_not_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
