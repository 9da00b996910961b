/* Responses that the cache keeps, with a client, a backend and a clock: what is sent again, how
 * much of it, who waits for whom, and what becomes of what is stale.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <stdio.h>
#include <string.h>

#define FIVE_MINUTES "\"ttl\":[{\"statuses\":[\"200\"],\"for\":\"5m\"}]"
#define GET(path, fields) \
    "GET " path " HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\n" fields "\r\n"
#define HIT "x-cache-status: HIT\r\ncontent-length: 5\r\n\r\nhello"
#define OK(fields) "HTTP/1.1 200 OK\r\n" fields "content-length: 5\r\n\r\nhello"

struct world {
    struct sim_road r;
    struct sim_peer *client, *app;
};

static void open_world(struct world *w, const char *spec)
{
    *w = (struct world){0};
    sim_road_prepare(&w->r);
    sim_route *route = sim_conf_route(&w->r.conf, w->r.destination, "/", "app");
    sim_conf_name(&w->r.conf, &route->n_filters, &route->filters,
                  sim_conf_filter(&w->r.conf, "cache", "cache", spec));
    sim_road_start(&w->r);
    w->client = sim_road_client(&w->r);
}

static void close_world(struct world *w)
{
    sim_road_done(&w->r, w->client);
    sim_road_close(&w->r);
}

static void ask_app(struct world *w, const char *request)
{
    sim_peer_send(w->client, request);
    sim_turn(&w->r.sim);
    struct sim_peer *fresh = sim_app_accept(&w->r.app);
    w->app = fresh ? fresh : w->app;
    assert_non_null(w->app);
}

/* It went to the backend, which has answered so; the client reads that the cache did `word`. */
static void miss(struct world *w, const char *request, const char *response, const char *word)
{
    char status[64];
    ask_app(w, request);
    assert_true(strlen(sim_peer_got(w->app)) > 0);
    sim_peer_forget(w->app);
    sim_peer_send(w->app, response);
    sim_turn(&w->r.sim);
    snprintf(status, sizeof status, "x-cache-status: %s\r\n", word);
    sim_peer_expect_part(w->client, "HTTP/1.1 ", word ? status : NULL);
}

static void has(struct world *w, const char *start, const char *part)
{
    sim_turn(&w->r.sim);
    sim_peer_expect_part(w->client, start, part);
}

/* The backend heard nothing of it. */
static void hit(struct world *w, const char *request, const char *start, const char *part)
{
    sim_peer_send(w->client, request);
    sim_turn(&w->r.sim);
    assert_null(sim_app_accept(&w->r.app));
    if (w->app)
        assert_string_equal(sim_peer_got(w->app), "");
    has(w, start, part);
}

/* ---- what is sent again ---- */

static void from_the_cache(void **state)
{
    struct world w;
    open_world(&w, "{" FIVE_MINUTES "}");
    miss(&w, GET("/x", ""), OK(""), "MISS");
    hit(&w, GET("/x", ""), "HTTP/1.1 200 OK\r\n", HIT);
    sim_advance(&w.r.sim, 7000);
    hit(&w, GET("/x", ""), "HTTP/1.1 200 OK\r\n", "age: 7\r\n");
    hit(&w, "HEAD /x HTTP/1.1\r\nhost: app\r\n\r\n", "HTTP/1.1 200 OK\r\n",
        "content-length: 5\r\n");
    hit(&w, GET("/x", "range: bytes=1-2\r\n"), "HTTP/1.1 206 ", "content-range: bytes 1-2/5\r\n");
    hit(&w, GET("/x", "range: bytes=-2\r\n"), "HTTP/1.1 206 ", "\r\n\r\nlo");
    hit(&w, GET("/x", "range: bytes=3-\r\n"), "HTTP/1.1 206 ", "content-range: bytes 3-4/5\r\n");
    hit(&w, GET("/x", "range: bytes=5-\r\n"), "HTTP/1.1 416 ", "content-range: bytes */5\r\n");
    hit(&w, GET("/x", "range: bytes=0-1,3-4\r\n"), "HTTP/1.1 200 ", "\r\n\r\nhello");
    hit(&w, GET("/x", "range: bytes=0-1\r\nif-range: \"y\"\r\n"), "HTTP/1.1 200 ", "hello");
    /* Another path, and the same when its time is over. */
    miss(&w, GET("/y", ""), OK(""), "MISS");
    sim_advance(&w.r.sim, 293000);
    miss(&w, GET("/x", ""), OK(""), "EXPIRED");
    close_world(&w);
}

/* Its body is lent to each, and outlives what the store has. */
static void large_ones_while_they_are_replaced(void **state)
{
    struct world w;
    static char big[600000];
    open_world(&w, "{\"key\":{\"headers\":[\"x-v\"]}," FIVE_MINUTES "}");
    memset(big, 'a', sizeof big - 1);
    ask_app(&w, GET("/x", ""));
    sim_peer_send(w.app, "HTTP/1.1 200 OK\r\ncontent-length: 599999\r\n\r\n");
    sim_peer_send(w.app, big);
    sim_turn(&w.r.sim);
    sim_peer_forget(w.app);
    assert_non_null(strstr(sim_peer_got(w.client), "aaa"));
    sim_peer_forget(w.client);
    struct sim_peer *slow = sim_road_client(&w.r);
    sim_peer_read(slow, false);
    sim_peer_send(slow, GET("/x", ""));
    sim_turn(&w.r.sim);
    miss(&w, "POST /x HTTP/1.1\r\nhost: app\r\ncontent-length: 0\r\n\r\n",
         "HTTP/1.1 204 No Content\r\n\r\n", NULL);
    sim_peer_read(slow, true);
    sim_turn(&w.r.sim);
    const char *body = strstr(sim_peer_got(slow), "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(strlen(body + 4), sizeof big - 1);
    sim_peer_destroy(slow);
    close_world(&w);
}

/* What came only in part is not kept, and nobody gets the beginning of it for the whole. */
static void cut_off(void **state)
{
    struct world w;
    open_world(&w, "{" FIVE_MINUTES "}");
    ask_app(&w, GET("/x", ""));
    sim_peer_send(w.app, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello");
    sim_turn(&w.r.sim);
    sim_peer_close(w.app);
    sim_turn(&w.r.sim);
    sim_peer_destroy(w.client);
    w.client = sim_road_client(&w.r);
    miss(&w, GET("/x", ""), OK(""), "MISS");
    close_world(&w);
}

static void by_vary(void **state)
{
    struct world w;
    open_world(&w, "{" FIVE_MINUTES "}");
    miss(&w, GET("/x", "accept-language: de\r\n"),
         "HTTP/1.1 200 OK\r\nvary: accept-language\r\ncontent-length: 5\r\n\r\nhallo", "MISS");
    miss(&w, GET("/x", "accept-language: en\r\n"), OK("vary: accept-language\r\n"), "MISS");
    hit(&w, GET("/x", "accept-language: de\r\n"), "HTTP/1.1 200 ", "hallo");
    hit(&w, GET("/x", "accept-language: en\r\n"), "HTTP/1.1 200 ", "hello");
    miss(&w, GET("/x", ""), OK("vary: accept-language\r\n"), "MISS");
    /* All of them are over when the resource was changed, also when the same Vary comes again. */
    miss(&w, "DELETE /x HTTP/1.1\r\nhost: app\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", NULL);
    miss(&w, GET("/x", "accept-language: en\r\n"), OK("vary: accept-language\r\n"), "MISS");
    miss(&w, GET("/x", "accept-language: de\r\n"), OK("vary: accept-language\r\n"), "MISS");
    close_world(&w);
}

/* ---- what is stale ---- */

static void revalidated(void **state)
{
    struct world w;
    open_world(&w, "{}");
    miss(&w, GET("/x", ""),
         OK("cache-control: max-age=10\r\netag: \"a\"\r\nx-old: 1\r\ncontent-type: a/b\r\n"),
         "MISS");
    sim_advance(&w.r.sim, 10000);
    ask_app(&w, GET("/x", "if-none-match: \"b\"\r\n"));
    assert_non_null(strstr(sim_peer_got(w.app), "if-none-match: \"a\"\r\n"));
    assert_null(strstr(sim_peer_got(w.app), "\"b\""));
    sim_peer_forget(w.app);
    sim_peer_send(w.app, "HTTP/1.1 304 Not Modified\r\ncache-control: max-age=20\r\n"
                         "etag: \"a\"\r\nx-old: 2\r\n\r\n");
    has(&w, "HTTP/1.1 200 OK\r\n", "x-cache-status: REVALIDATED\r\ncontent-length: 5\r\n\r\nhello");
    sim_advance(&w.r.sim, 15000);
    hit(&w, GET("/x", ""), "HTTP/1.1 200 OK\r\n", "x-old: 2\r\n");
    /* The client's own condition is answered with what is kept. */
    sim_advance(&w.r.sim, 10000);
    ask_app(&w, GET("/x", "if-none-match: \"a\"\r\n"));
    sim_peer_forget(w.app);
    sim_peer_send(w.app, "HTTP/1.1 304 Not Modified\r\n\r\n");
    has(&w, "HTTP/1.1 304 ", "x-cache-status: REVALIDATED\r\n");
    /* It has changed. */
    sim_advance(&w.r.sim, 30000);
    miss(&w, GET("/x", ""), OK("cache-control: max-age=10\r\netag: \"c\"\r\n"), "EXPIRED");
    hit(&w, GET("/x", ""), "HTTP/1.1 200 OK\r\n", "etag: \"c\"\r\n");
    close_world(&w);
}

static void stale_if_error(void **state)
{
    struct world w;
    open_world(&w, "{\"staleIfError\":\"60s\"}");
    miss(&w, GET("/x", ""), OK("cache-control: max-age=10\r\n"), "MISS");
    miss(&w, GET("/y", ""), OK("cache-control: max-age=10, must-revalidate\r\n"), "MISS");
    sim_advance(&w.r.sim, 10000);
    ask_app(&w, GET("/x", ""));
    sim_peer_forget(w.app);
    sim_peer_send(w.app, "HTTP/1.1 503 Oops\r\ncontent-length: 3\r\n\r\nbad");
    has(&w, "HTTP/1.1 200 OK\r\n", "x-cache-status: STALE\r\ncontent-length: 5\r\n\r\nhello");
    miss(&w, GET("/y", ""), "HTTP/1.1 503 Oops\r\ncontent-length: 3\r\n\r\nbad", "EXPIRED");
    /* Nobody is there at all. */
    w.r.app.host.answer = SIM_REFUSE;
    sim_peer_close(w.app);
    w.app = NULL;
    sim_turn(&w.r.sim);
    sim_peer_send(w.client, GET("/x", ""));
    sim_advance(&w.r.sim, 2000);
    has(&w, "HTTP/1.1 200 OK\r\n", "x-cache-status: STALE\r\ncontent-length: 5\r\n\r\nhello");
    sim_advance(&w.r.sim, 60000);
    sim_peer_send(w.client, GET("/x", ""));
    sim_advance(&w.r.sim, 2000);
    has(&w, "HTTP/1.1 503 ", NULL);
    close_world(&w);
}

/* It is sent at once, and fetched again meanwhile: once, whoever else comes. */
static void while_it_is_fetched_again(void **state)
{
    struct world w;
    open_world(&w, "{\"staleWhileRevalidate\":\"60s\"}");
    struct sim_peer *second = sim_road_client(&w.r);
    miss(&w, GET("/x", ""), OK("cache-control: max-age=10\r\netag: \"a\"\r\n"), "MISS");
    sim_advance(&w.r.sim, 10000);
    ask_app(&w, GET("/x", "range: bytes=0-0\r\n"));
    has(&w, "HTTP/1.1 206 ", "x-cache-status: STALE\r\n");
    sim_peer_send(second, GET("/x", ""));
    sim_turn(&w.r.sim);
    assert_null(sim_app_accept(&w.r.app));
    sim_peer_expect_part(second, "HTTP/1.1 200 OK\r\n", "x-cache-status: UPDATING\r\n");
    /* What the client alone wanted is not asked for. */
    assert_non_null(strstr(sim_peer_got(w.app), "GET /x HTTP/1.1\r\nhost: app\r\n"));
    assert_non_null(strstr(sim_peer_got(w.app), "if-none-match: \"a\"\r\n"));
    assert_null(strstr(sim_peer_got(w.app), "range:"));
    sim_peer_forget(w.app);
    sim_peer_send(w.app, "HTTP/1.1 304 Not Modified\r\ncache-control: max-age=10\r\n\r\n");
    sim_turn(&w.r.sim);
    hit(&w, GET("/x", ""), "HTTP/1.1 200 OK\r\n", "x-cache-status: HIT\r\n");
    /* Another one comes; and where the backend has nothing to say, what there is stays. */
    sim_advance(&w.r.sim, 10000);
    ask_app(&w, GET("/x", ""));
    has(&w, "HTTP/1.1 200 ", "x-cache-status: STALE\r\n");
    sim_peer_forget(w.app);
    sim_peer_send(w.app, "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n");
    sim_turn(&w.r.sim);
    ask_app(&w, GET("/x", ""));
    has(&w, "HTTP/1.1 200 ", "x-cache-status: STALE\r\n");
    sim_peer_forget(w.app);
    sim_peer_send(w.app, "HTTP/1.1 200 OK\r\ncache-control: max-age=10\r\n"
                         "content-length: 3\r\n\r\nnew");
    sim_turn(&w.r.sim);
    hit(&w, GET("/x", ""), "HTTP/1.1 200 OK\r\n", "\r\n\r\nnew");
    /* One that comes when who caused it is gone. */
    sim_advance(&w.r.sim, 10000);
    sim_peer_send(second, GET("/x", ""));
    sim_turn(&w.r.sim);
    sim_peer_expect_part(second, "HTTP/1.1 200 ", "x-cache-status: STALE\r\n");
    sim_peer_destroy(second);
    struct sim_peer *fresh = sim_app_accept(&w.r.app);
    w.app = fresh ? fresh : w.app;
    sim_peer_forget(w.app);
    sim_peer_send(w.app, OK("cache-control: max-age=10\r\n"));
    sim_turn(&w.r.sim);
    hit(&w, GET("/x", ""), "HTTP/1.1 200 OK\r\n", "\r\n\r\nhello");
    close_world(&w);
}

/* ---- one for all ---- */

static void others_wait(void **state)
{
    struct world w;
    open_world(&w, "{" FIVE_MINUTES "}");
    struct sim_peer *second = sim_road_client(&w.r), *third = sim_road_client(&w.r);
    ask_app(&w, GET("/x", ""));
    sim_peer_forget(w.app);
    sim_peer_send(second, GET("/x", ""));
    sim_peer_send(third, GET("/x", ""));
    sim_turn(&w.r.sim);
    assert_null(sim_app_accept(&w.r.app));
    sim_peer_send(w.app, OK(""));
    has(&w, "HTTP/1.1 200 OK\r\n", "x-cache-status: MISS\r\n");
    sim_peer_expect_part(second, "HTTP/1.1 200 OK\r\n", HIT);
    sim_peer_expect_part(third, "HTTP/1.1 200 OK\r\n", HIT);
    sim_peer_destroy(second);
    sim_peer_destroy(third);
    close_world(&w);
}

/* What is of no use to others: all that wait go to the backend at once, and later ones do not wait
 * any more. */
static void nobody_waits_in_vain(void **state)
{
    struct world w;
    open_world(&w, "{" FIVE_MINUTES "}");
    struct sim_peer *second = sim_road_client(&w.r), *third = sim_road_client(&w.r);
    ask_app(&w, GET("/x", ""));
    sim_peer_send(second, GET("/x", ""));
    sim_peer_send(third, GET("/x", ""));
    sim_turn(&w.r.sim);
    assert_null(sim_app_accept(&w.r.app));
    sim_peer_send(w.app, OK("cache-control: no-store\r\n"));
    sim_turn(&w.r.sim);
    struct sim_peer *more = sim_app_accept(&w.r.app), *most = sim_app_accept(&w.r.app);
    has(&w, "HTTP/1.1 200 OK\r\n", "x-cache-status: MISS\r\n");
    /* One of the two may have got the first's connection. */
    assert_non_null(more ? more : most);
    sim_peer_destroy(second);
    sim_peer_destroy(third);
    sim_turn(&w.r.sim);
    close_world(&w);
}

/* The one who fetched leaves: the next one fetches. */
static void the_first_leaves(void **state)
{
    struct world w;
    open_world(&w, "{" FIVE_MINUTES "}");
    struct sim_peer *second = sim_road_client(&w.r);
    ask_app(&w, GET("/x", ""));
    sim_peer_send(second, GET("/x", ""));
    sim_turn(&w.r.sim);
    sim_peer_destroy(w.client);
    sim_turn(&w.r.sim);
    struct sim_peer *app = sim_app_accept(&w.r.app);
    assert_non_null(app);
    sim_peer_send(app, OK(""));
    sim_turn(&w.r.sim);
    sim_peer_expect_part(second, "HTTP/1.1 200 OK\r\n", "x-cache-status: MISS\r\n");
    w.client = second;
    close_world(&w);
}

static void not_for_ever(void **state)
{
    struct world w;
    open_world(&w, "{\"lockTimeout\":\"2s\"," FIVE_MINUTES "}");
    struct sim_peer *second = sim_road_client(&w.r);
    ask_app(&w, GET("/x", ""));
    sim_peer_send(second, GET("/x", ""));
    sim_advance(&w.r.sim, 1999);
    assert_null(sim_app_accept(&w.r.app));
    sim_advance(&w.r.sim, 2);
    struct sim_peer *app = sim_app_accept(&w.r.app);
    assert_non_null(app);
    sim_peer_send(app, OK(""));
    sim_turn(&w.r.sim);
    sim_peer_expect_part(second, "HTTP/1.1 200 OK\r\n", "x-cache-status: MISS\r\n");
    sim_peer_destroy(second);
    sim_peer_send(w.app, OK(""));
    has(&w, "HTTP/1.1 200 OK\r\n", NULL);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_the_cache),
        cmocka_unit_test(large_ones_while_they_are_replaced),
        cmocka_unit_test(cut_off),
        cmocka_unit_test(by_vary),
        cmocka_unit_test(revalidated),
        cmocka_unit_test(stale_if_error),
        cmocka_unit_test(while_it_is_fetched_again),
        cmocka_unit_test(others_wait),
        cmocka_unit_test(nobody_waits_in_vain),
        cmocka_unit_test(the_first_leaves),
        cmocka_unit_test(not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
