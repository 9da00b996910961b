/* An answer of several services: all are asked at once, none is waited for longer than its time,
 * and what is wrong with one stays with its part. SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_mesh.h"

#include <stdio.h>
#include <string.h>

#define USERS "10.0.0.2:8080"
#define CARTS "10.0.0.3:8080"
#define PART(field, cluster, rest)                                                         \
    "{\"field\":\"" field "\",\"backendRef\":{\"name\":\"" cluster                         \
    "\",\"port\":80,\"value\":\"" cluster "\"},\"path\":\"/" cluster "\"" rest "}"
#define BOTH "{\"parts\":[" PART("user", "users", "") "," PART("cart", "carts", "") "]}"
#define OK(length, body) "HTTP/1.1 200 OK\r\ncontent-length: " length "\r\n\r\n" body
#define WHOLE_HEAD(status, length) \
    "HTTP/1.1 " status "\r\nx-request-id: 1\r\ncontent-type: application/json\r\n" \
    "content-length: " length "\r\n"
#define STAMP "\"timestamp\":\""

struct world {
    struct sim_road r;
    sim_route *route;
    struct sim_app users, carts;
    struct sim_peer *client;
};

static void add_cluster(struct world *w, const char *name, const char *address)
{
    sim_cluster *c = sim_conf_cluster(&w->r.conf, name);
    c->service = c->name;
    sim_conf_endpoint(&w->r.conf, c, address);
}

static void prepare(struct world *w, const char *spec)
{
    *w = (struct world){0};
    sim_road_prepare(&w->r);
    add_cluster(w, "users", USERS);
    add_cluster(w, "carts", CARTS);
    w->route = sim_conf_route(&w->r.conf, w->r.destination, "/", "app");
    sim_conf_name(&w->r.conf, &w->route->n_filters, &w->route->filters,
                  sim_conf_filter(&w->r.conf, "bff", "aggregate", spec));
}

static void start(struct world *w)
{
    sim_road_start(&w->r);
    sim_app_open(&w->users, USERS);
    sim_app_open(&w->carts, CARTS);
    w->client = sim_road_client(&w->r);
}

static void open(struct world *w, const char *spec)
{
    prepare(w, spec);
    start(w);
}

static void finish(struct world *w)
{
    assert_null(sim_app_accept(&w->r.app)); /* the route's own backend is never asked */
    sim_road_done(&w->r, w->client);
    sim_node_close(&w->r.node);
    sim_app_close(&w->r.app);
    sim_app_close(&w->users);
    sim_app_close(&w->carts);
    sim_conf_dispose(&w->r.conf);
    sim_close(&w->r.sim);
}

static struct sim_peer *asked(struct world *w, struct sim_app *app)
{
    sim_turn(&w->r.sim);
    struct sim_peer *p = sim_app_accept(app);
    assert_non_null(p);
    sim_turn(&w->r.sim);
    return p;
}

static void expect_also(struct world *w, const char *part)
{
    sim_turn(&w->r.sim);
    if (!strstr(sim_peer_got(w->client), part))
        fail_msg("got:\n%s\nwithout %s", sim_peer_got(w->client), part);
}

static void expect(struct world *w, const char *start_text, const char *part)
{
    sim_turn(&w->r.sim);
    sim_peer_expect_part(w->client, start_text, part);
}

/* requirement: K5 */
static void all_came(void **state)
{
    struct world w;
    open(&w, BOTH);
    sim_peer_send(w.client, "GET /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\n"
                            "authorization: Bearer x\r\ncookie: a=b\r\ntraceparent: 00-1\r\n\r\n");
    struct sim_peer *users = asked(&w, &w.users), *carts = asked(&w, &w.carts);
    sim_peer_expect(users, "GET /users HTTP/1.1\r\nhost: users\r\ntraceparent: 00-1\r\n"
                           "accept: application/json\r\nx-request-id: 1\r\n\r\n");
    sim_peer_send(carts, OK("7", " [1, 2]"));
    sim_turn(&w.r.sim);
    sim_peer_expect(w.client, "");
    sim_peer_send(users, OK("10", "{\"id\" : 1}"));
    sim_turn(&w.r.sim);
    sim_peer_expect(w.client, WHOLE_HEAD("200 OK", "33") "\r\n"
                              "{\"user\":{\"id\" : 1},\"cart\":[1, 2]}");
    assert_string_equal(sim_report.filter_event, "aggregate complete");
    assert_int_equal(sim_report.exchanges, 3); /* each call is one in the metrics */
    finish(&w);
}

static void forwarded(void **state)
{
    struct world w;
    open(&w, "{\"parts\":[" PART("user", "users",
                                 ",\"method\":\"POST\","
                                 "\"body\":\"{\\\"of\\\":\\\"$(headers.x-u)\\\"}\","
                                 "\"forwardHeaders\":[\"Authorization\",\"X-U\"]") "]}");
    sim_peer_send(w.client, "GET /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\n"
                            "authorization: Bearer x\r\nx-u: a\"b\r\ncookie: a=b\r\n\r\n");
    sim_peer_expect(asked(&w, &w.users),
                    "POST /users HTTP/1.1\r\nhost: users\r\nauthorization: Bearer x\r\n"
                    "x-u: a\"b\r\naccept: application/json\r\ncontent-type: application/json\r\n"
                    "x-request-id: 1\r\ncontent-length: 13\r\n\r\n{\"of\":\"a\\\"b\"}");
    sim_peer_reset(w.client);
    sim_turn(&w.r.sim);
    finish(&w);
}

/* A part that hangs ends with its time; the others are not lost. */
static void one_hangs(void **state)
{
    struct world w;
    open(&w, "{\"parts\":[" PART("user", "users", ",\"fallback\":\"{}\"") "," PART(
                 "cart", "carts", ",\"timeout\":\"300ms\"") "]}");
    sim_peer_send(w.client, ROAD_GET);
    struct sim_peer *users = asked(&w, &w.users), *carts = asked(&w, &w.carts);
    sim_peer_send(users, OK("1", "1"));
    sim_peer_send(carts, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n[");
    sim_advance(&w.r.sim, 290);
    sim_peer_expect(w.client, "");
    sim_advance(&w.r.sim, 20);
    expect_also(&w, "{\"user\":1,\"cart\":null,\"_metadata\":{\"partial\":true," STAMP);
    expect_also(&w, "Z\",\"errors\":[{\"field\":\"cart\",\"reason\":\"timeout\"}]}}");
    expect(&w, "HTTP/1.1 206 Partial Content\r\n", "cache-control: no-store\r\n");
    assert_true(sim_peer_is_over(carts));
    assert_string_equal(sim_report.filter_event, "aggregate partial");
    finish(&w);
}

/* Nobody says how long: 5 s. */
static void a_usual_time(void **state)
{
    struct world w;
    open(&w, BOTH);
    sim_peer_send(w.client, ROAD_GET);
    asked(&w, &w.users);
    sim_peer_send(asked(&w, &w.carts), OK("1", "1"));
    sim_advance(&w.r.sim, 4980);
    sim_peer_expect(w.client, "");
    sim_advance(&w.r.sim, 40);
    expect(&w, "HTTP/1.1 206 ", "\"reason\":\"timeout\"}");
    finish(&w);
}

/* What one service does wrong, and what is said of it. */
static void one_fails(void **state)
{
    static const struct {
        const char *answer, *said;
    } rows[] = {
        {"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy",
         "{\"field\":\"cart\",\"reason\":\"status\",\"status\":503}"},
        {"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
         "{\"field\":\"cart\",\"reason\":\"status\",\"status\":302}"},
        {OK("6", "<html>"), "{\"field\":\"cart\",\"reason\":\"invalid\",\"status\":200}"},
        {OK("6", "{\"a\":1"), "{\"field\":\"cart\",\"reason\":\"invalid\",\"status\":200}"},
        {OK("5", "1},\"x"), "{\"field\":\"cart\",\"reason\":\"invalid\",\"status\":200}"},
        {OK("0", ""), "{\"field\":\"cart\",\"reason\":\"invalid\",\"status\":200}"},
        {OK("17", "[1,2,3,4,5,6,7,8]"), "{\"field\":\"cart\",\"reason\":\"too_large\"}"},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
         "9\r\n[1,2,3,4,\r\n9\r\n5,6,7,8, \r\n",
         "{\"field\":\"cart\",\"reason\":\"too_large\"}"},
        {"HTP", "{\"field\":\"cart\",\"reason\":\"unavailable\"}"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;
        open(&w, "{\"parts\":[" PART("cart", "carts",
                                     ",\"maxBody\":16,\"fallback\":\"[]\"") "," PART(
                     "user", "users", "") "]}");
        sim_peer_send(w.client, ROAD_GET);
        struct sim_peer *carts = asked(&w, &w.carts);
        sim_peer_send(carts, rows[i].answer);
        sim_turn(&w.r.sim);
        sim_peer_expect(w.client, "");
        sim_peer_send(asked(&w, &w.users), OK("2", "\"\""));
        expect_also(&w, rows[i].said);
        expect(&w, "HTTP/1.1 206 ",
               "{\"cart\":[],\"user\":\"\",\"_metadata\":{\"partial\":true,");
        finish(&w);
    }
}

static void nothing_is_said(void **state)
{
    struct world w;
    open(&w, "{\"parts\":[" PART("cart", "carts", "") "]}");
    sim_peer_send(w.client, ROAD_GET);
    sim_peer_send(asked(&w, &w.carts), "HTTP/1.1 204 No Content\r\n\r\n");
    expect(&w, "HTTP/1.1 200 OK\r\n", "\r\n\r\n{\"cart\":null}");
    finish(&w);
}

static void a_place_in_it(void **state)
{
    static const struct {
        const char *answer, *status, *body;
    } rows[] = {
        {OK("31", "{\"data\":{\"items\":[1,{\"b\": 2}]}}"), "HTTP/1.1 200 ",
         "{\"cart\":{\"b\": 2}}"},
        {OK("11", "{\"data\":{}} "), "HTTP/1.1 206 ", "\"reason\":\"absent\",\"status\":200}"},
    };
    for (unsigned i = 0; i < 2; i++) {
        struct world w;
        open(&w, "{\"parts\":[" PART("cart", "carts", ",\"pick\":\"data.items[1]\"") "]}");
        sim_peer_send(w.client, ROAD_GET);
        sim_peer_send(asked(&w, &w.carts), rows[i].answer);
        expect(&w, rows[i].status, rows[i].body);
        finish(&w);
    }
}

/* The answer needs it: nobody waits for the others then. */
static void a_required_part(void **state)
{
    static const struct {
        const char *answer, *status, *reason;
    } rows[] = {
        {OK("1", "x"), "HTTP/1.1 502 ", "x-weft-reason: aggregate_part_failed\r\n"},
        {"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 502 ", ": cart: status 500\n"},
        {"", "HTTP/1.1 504 ", "x-weft-reason: aggregate_part_timeout\r\n"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;
        open(&w, "{\"parts\":[" PART("user", "users", "") "," PART(
                     "cart", "carts", ",\"required\":true,\"timeout\":\"1s\"") "]}");
        sim_peer_send(w.client, ROAD_GET);
        struct sim_peer *users = asked(&w, &w.users);
        sim_peer_send(asked(&w, &w.carts), rows[i].answer);
        sim_advance(&w.r.sim, 1010);
        expect(&w, rows[i].status, rows[i].reason);
        assert_true(sim_peer_is_over(users));
        assert_string_equal(sim_report.filter_event, "aggregate failed");
        finish(&w);
    }
}

static void the_client_leaves(void **state)
{
    struct world w;
    open(&w, BOTH);
    sim_peer_send(w.client, ROAD_GET);
    struct sim_peer *users = asked(&w, &w.users), *carts = asked(&w, &w.carts);
    sim_peer_send(users, OK("1", "1"));
    sim_peer_send(carts, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[");
    sim_turn(&w.r.sim);
    sim_peer_reset(w.client);
    sim_turn(&w.r.sim);
    assert_true(sim_peer_is_over(carts));
    assert_int_equal(sim_report.fail, FAIL_DOWNSTREAM_GONE);
    sim_node_check_idle(&w.r.node);
    finish(&w);
}

/* The route's time holds for all of it. */
static void the_deadline_comes_first(void **state)
{
    struct world w;
    prepare(&w, BOTH);
    w.route->timeouts = sim_conf_timeouts(&w.r.conf);
    w.route->timeouts->request_ms = 1000;
    start(&w);
    sim_peer_send(w.client, ROAD_GET);
    struct sim_peer *users = asked(&w, &w.users);
    sim_advance(&w.r.sim, 1010);
    expect(&w, "HTTP/1.1 504 ", "x-weft-reason: request_timeout\r\n");
    sim_turn(&w.r.sim);
    assert_true(sim_peer_is_over(users));
    finish(&w);
}

/* More than is looked at in one turn. */
static void a_long_answer(void **state)
{
    enum { LEN = 400000 };
    static char text[LEN + 128];
    struct world w;
    open(&w, "{\"parts\":[" PART("cart", "carts", ",\"maxBody\":\"1Mi\"") "]}");
    sim_peer_send(w.client, ROAD_GET);
    struct sim_peer *carts = asked(&w, &w.carts);
    int head = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n[\"", LEN);
    memset(text + head, 'x', LEN - 4);
    memcpy(text + head + LEN - 4, "\"]", 3);
    sim_peer_send(carts, text);
    for (unsigned i = 0; i < 60; i++)
        sim_turn(&w.r.sim);
    expect_also(&w, "xx\"]}");
    sim_peer_expect_part(w.client, "HTTP/1.1 200 ", "content-length: 400009\r\n");
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_came),
        cmocka_unit_test(forwarded),
        cmocka_unit_test(one_hangs),
        cmocka_unit_test(a_usual_time),
        cmocka_unit_test(one_fails),
        cmocka_unit_test(nothing_is_said),
        cmocka_unit_test(a_place_in_it),
        cmocka_unit_test(a_required_part),
        cmocka_unit_test(the_client_leaves),
        cmocka_unit_test(the_deadline_comes_first),
        cmocka_unit_test(a_long_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
