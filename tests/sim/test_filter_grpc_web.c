/* A browser's call through a sidecar: trailers as the backend sends them, by either HTTP version,
 * come out in the body of either; messages arrive as they are sent; and a backend that breaks off
 * is told in gRPC's words.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <string.h>

/* What the two ends speak. */
struct pair {
    enum http_protocol client, app;
};

static const struct pair pairs[] = {
    {HTTP_PROTOCOL_1, HTTP_PROTOCOL_2},
    {HTTP_PROTOCOL_2, HTTP_PROTOCOL_2},
    {HTTP_PROTOCOL_1, HTTP_PROTOCOL_1},
    {HTTP_PROTOCOL_2, HTTP_PROTOCOL_1},
};
enum { PAIRS = sizeof(pairs) / sizeof(pairs[0]) };

struct ends {
    struct sim_road r;
    struct sim_server server;
    struct sim_client client;
};

/* Nobody says what the app speaks, unless it is HTTP/1.1: gRPC is HTTP/2. */
static void open_ends(struct ends *e, const struct pair *p)
{
    sim_road_prepare(&e->r);
    if (p->app == HTTP_PROTOCOL_1)
        e->r.cluster->protocol = SIM_HTTP1;
    sim_route *route = sim_conf_route(&e->r.conf, e->r.destination, "/", "app");
    sim_conf_name(&e->r.conf, &route->n_filters, &route->filters,
                  sim_conf_filter(&e->r.conf, "web", "grpcWeb", "{}"));
    sim_node_open(&e->r.node, &e->r.sim, MODE_SIDECAR, "10.0.9.1", &e->r.conf);
    sim_server_open(&e->server, e->r.sim.loop, ROAD_APP, p->app);
    e->server.manual = true;
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

/* One message, "hi". */
static struct sim_call *call(struct ends *e, const char *type, const char *body)
{
    struct sim_call *c = sim_client_make(&e->client);
    struct message *m = sim_call_request(c, "POST", "app", "/shop.Catalogue/Get");
    sim_call_add(m, c, "content-type", type);
    sim_client_send(&e->client, c, m, false);
    sim_call_send(c, body, true);
    sim_turn(&e->r.sim);
    return c;
}

static struct sim_call *text_call(struct ends *e)
{
    return call(e, "application/grpc-web-text", "AAAAAAJoaQ==");
}

static struct message *head_of(struct sim_call *c)
{
    struct message *m = sim_call_request(c, "", "", "");
    m->status = 200;
    sim_call_add(m, c, "content-type", "application/grpc");
    return m;
}

static void send_message(struct sim_call *c, const char *text)
{
    uint8_t prefix[5] = {0, 0, 0, 0, (uint8_t)strlen(text)};
    struct buf data;
    buf_init(&data);
    buf_append(&data, prefix, sizeof prefix);
    buf_append_slice(&data, slice_from_cstr(text));
    http_stream_send_body(&c->st, &data, false);
    buf_dispose(&data);
}

static void send_status(struct sim_call *c, const char *status)
{
    struct headers *t = arena_zalloc(&c->arena, sizeof(*t));
    headers_init(t, &c->arena);
    headers_add_id(t, HEADER_GRPC_STATUS, slice_from_cstr(status));
    http_stream_send_trailers(&c->st, t);
}

static void trailers_come_in_the_body(void **state)
{
    for (size_t i = 0; i < PAIRS; i++) {
        struct ends e;
        open_ends(&e, &pairs[i]);
        struct sim_call *web = text_call(&e), *app = sim_server_call(&e.server, 0);
        assert_non_null(app);
        assert_string_equal(sim_call_header(app, "content-type"), "application/grpc");
        assert_string_equal(sim_call_header(app, "te"), "trailers");
        assert_int_equal(app->body.len, 7);
        assert_memory_equal(app->body.ptr, "\0\0\0\0\2hi", 7);
        assert_true(app->ended);
        http_stream_send_head(&app->st, head_of(app), false);
        send_message(app, "x");
        sim_turn(&e.r.sim);
        assert_string_equal(sim_text_get(&web->body), "AAAAAAF4"); /* as it is sent */
        assert_string_equal(sim_call_header(web, "content-type"),
                            "application/grpc-web-text+proto");
        send_message(app, "yz");
        sim_turn(&e.r.sim);
        assert_string_equal(sim_text_get(&web->body), "AAAAAAF4AAAAAAJ5eg==");
        assert_false(web->ended);
        send_status(app, "5");
        sim_turn(&e.r.sim);
        assert_string_equal(sim_text_get(&web->body),
                            "AAAAAAF4AAAAAAJ5eg==gAAAABBncnBjLXN0YXR1czogNQ0K");
        assert_true(web->ended);
        assert_null(web->trailers);
        assert_int_equal(sim_report.grpc_status, 5); /* metrics know it all the same */
        assert_string_equal(sim_report.filter_event, "grpcWeb call");
        close_ends(&e);
    }
}

/* Trailers alone, behind no body at all. */
static void an_error_without_a_message(void **state)
{
    for (size_t i = 0; i < PAIRS; i++) {
        struct ends e;
        open_ends(&e, &pairs[i]);
        struct sim_call *web = text_call(&e), *app = sim_server_call(&e.server, 0);
        http_stream_send_head(&app->st, head_of(app), false);
        send_status(app, "7");
        sim_turn(&e.r.sim);
        assert_string_equal(sim_text_get(&web->body), "gAAAABBncnBjLXN0YXR1czogNw0K");
        assert_true(web->ended);
        close_ends(&e);
    }
}

/* Whoever does not need the filter gets trailers as trailers. */
static void grpc_keeps_its_trailers(void **state)
{
    for (size_t i = 1; i < PAIRS; i += 2) {
        struct ends e;
        open_ends(&e, &pairs[i]);
        struct sim_call *c = call(&e, "application/grpc", "hello");
        struct sim_call *app = sim_server_call(&e.server, 0);
        http_stream_send_head(&app->st, head_of(app), false);
        send_message(app, "x");
        send_status(app, "0");
        sim_turn(&e.r.sim);
        assert_int_equal(c->body.len, 6);
        assert_non_null(c->trailers);
        assert_true(slice_eq_cstr(headers_get_id(c->trailers, HEADER_GRPC_STATUS), "0"));
        close_ends(&e);
    }
}

static void a_backend_that_is_not_there(void **state)
{
    for (size_t i = 0; i < PAIRS; i++) {
        struct ends e;
        open_ends(&e, &pairs[i]);
        struct sim_call *web = text_call(&e), *app = sim_server_call(&e.server, 0);
        sim_call_reset(app, ERR_RESET);
        sim_turn(&e.r.sim);
        assert_int_equal(web->head->status, 200);
        assert_string_equal(sim_call_header(web, "content-type"),
                            "application/grpc-web-text+proto");
        assert_string_equal(sim_call_header(web, "grpc-status"), "14");
        assert_true(web->ended);
        assert_int_equal(web->body.len, 0);
        close_ends(&e);
    }
}

static void a_body_that_is_not_base64(void **state)
{
    for (size_t i = 0; i < PAIRS; i++) {
        struct ends e;
        open_ends(&e, &pairs[i]);
        struct sim_call *web = call(&e, "application/grpc-web-text", "AAAA!AJoaQ==");
        assert_int_equal(web->head->status, 200);
        assert_string_equal(sim_call_header(web, "grpc-status"), "3");
        assert_string_equal(sim_call_header(web, "x-weft-reason"), "grpc_web_body_invalid");
        close_ends(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trailers_come_in_the_body), cmocka_unit_test(an_error_without_a_message),
        cmocka_unit_test(grpc_keeps_its_trailers),   cmocka_unit_test(a_backend_that_is_not_there),
        cmocka_unit_test(a_body_that_is_not_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
