/* Retries and timeouts as a route of the Gateway API asks for them: which answers, how often, how
 * long in between, and what the client gets when nothing helped.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"

#include <stdio.h>
#include <string.h>

#define ANSWER(status, body) "HTTP/1.1 " status "\r\ncontent-length: 4\r\n\r\n" body

/* Port 8000 to "one", whose app the test speaks for. */
struct world {
    struct sim_door d;
    sim_route *route;
    sim_retry *retry;
    sim_timeouts *timeouts;
    struct sim_peer *client, *app;
};

static uint32_t all_codes[] = {500, 502, 503, 504};

static void prepare(struct world *w, uint32_t attempts, size_t codes)
{
    *w = (struct world){0};
    sim_door_prepare(&w->d);
    sim_gateway *g = sim_conf_gateway(&w->d.conf, 8000, "one");
    w->route = g->virtual_hosts[0]->routes[0];
    w->route->retry = w->retry = sim_conf_retry(&w->d.conf);
    w->route->timeouts = w->timeouts = sim_conf_timeouts(&w->d.conf);
    w->retry->attempts = attempts;
    w->retry->status_codes = all_codes;
    w->retry->n_status_codes = codes;
    w->retry->on_connect_failure = w->retry->on_reset = true;
}

static void start(struct world *w, const char *request)
{
    sim_door_start(&w->d);
    w->client = sim_node_connect_gateway(&w->d.node, 8000);
    sim_peer_send(w->client, request);
    w->app = sim_door_app(&w->d, 0);
    assert_non_null(w->app);
}

static void finish(struct world *w)
{
    sim_door_done(&w->d, w->client);
    sim_door_close(&w->d);
}

/* Something came to the app: on its connection, or on a new one. */
static bool was_asked(struct world *w)
{
    struct sim_peer *p = sim_door_app(&w->d, 0);
    if (p)
        w->app = p;
    bool asked = w->app->in.len > 0;
    sim_peer_forget(w->app);
    return asked;
}

/* The app answers `failures` times with that, and from then on well. How often it was asked. */
static unsigned serve(struct world *w, const char *answer, unsigned failures)
{
    unsigned asked = 0;
    for (unsigned i = 0; i < 20; i++) {
        if (was_asked(w))
            sim_peer_send(w->app, asked++ < failures ? answer : DOOR_OK);
        sim_advance(&w->d.sim, 100);
    }
    return asked;
}

/* requirement: D16 */
/* The table of the Gateway API's conformance test. */
static void by_codes(void **state)
{
    static const struct {
        uint32_t attempts;
        size_t codes;
        const char *status;
        unsigned failures;
        bool good;
    } cases[] = {
        {3, 1, "500", 2, true},  {3, 1, "500", 4, false}, {3, 1, "503", 2, false},
        {2, 4, "500", 1, true},  {2, 4, "500", 3, false}, {2, 4, "502", 1, true},
        {2, 4, "503", 3, false}, {2, 4, "504", 1, true},  {2, 4, "504", 3, false},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        char answer[80];
        snprintf(answer, sizeof(answer), ANSWER("%s No", "last"), cases[i].status);
        prepare(&w, cases[i].attempts, cases[i].codes);
        start(&w, DOOR_GET);
        unsigned asked = serve(&w, answer, cases[i].failures);
        /* When nothing helped, the last answer is the client's, with its body. */
        snprintf(answer, sizeof(answer), "HTTP/1.1 %s ", cases[i].status);
        sim_peer_expect_part(w.client, cases[i].good ? DOOR_OK : answer,
                             cases[i].good ? NULL : "\r\n\r\nlast");
        bool retried = strcmp(cases[i].status, "503") != 0 || cases[i].codes == 4;
        assert_int_equal(asked, cases[i].good ? cases[i].failures + 1
                                : retried     ? cases[i].attempts + 1
                                              : 1);
        finish(&w);
    }
}

/* Whoever names codes and says "any method" means it. */
static void by_method(void **state)
{
    for (unsigned only_idempotent = 0; only_idempotent < 2; only_idempotent++) {
        struct world w;
        prepare(&w, 1, 1);
        w.retry->only_idempotent = only_idempotent;
        start(&w, "POST /x HTTP/1.1\r\nhost: shop\r\ncontent-length: 3\r\n\r\nabc");
        assert_int_equal(serve(&w, ANSWER("500 No", "last"), 1), only_idempotent ? 1 : 2);
        sim_peer_expect_part(w.client, only_idempotent ? "HTTP/1.1 500 " : DOOR_OK, NULL);
        finish(&w);
    }
}

/* Never sooner than was asked for. */
static void pause_between(void **state)
{
    struct world w;
    prepare(&w, 3, 1);
    w.retry->backoff_base_ms = 1000;
    w.retry->backoff_max_ms = 1000;
    start(&w, DOOR_GET);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(was_asked(&w));
        sim_peer_send(w.app, ANSWER("500 No", "last"));
        sim_advance(&w.d.sim, 990);
        assert_false(was_asked(&w));
        sim_advance(&w.d.sim, 1100);
    }
    assert_true(was_asked(&w));
    sim_peer_send(w.app, DOOR_OK);
    sim_peer_expect(w.client, DOOR_OK);
    finish(&w);
}

/* An attempt that takes too long is like the 504 that the client would get. */
static void backend_timeout(void **state)
{
    static uint32_t only[] = {504};
    for (unsigned listed = 0; listed < 2; listed++) {
        struct world w;
        prepare(&w, 1, listed);
        w.retry->status_codes = only;
        w.retry->on_reset = false;
        w.timeouts->backend_ms = 500;
        start(&w, DOOR_GET);
        assert_true(was_asked(&w));
        sim_advance(&w.d.sim, 700);
        assert_int_equal(was_asked(&w), listed);
        if (listed)
            sim_peer_send(w.app, DOOR_OK);
        sim_peer_expect_part(w.client, listed ? DOOR_OK : "HTTP/1.1 504 ",
                             listed ? NULL : "attempt_timeout");
        finish(&w);
    }
}

static void backend_timeout_until_the_end(void **state)
{
    struct world w;
    prepare(&w, 2, 0);
    w.timeouts->backend_ms = 500;
    start(&w, DOOR_GET);
    unsigned asked = 0;
    for (unsigned i = 0; i < 30; i++) {
        asked += was_asked(&w);
        sim_advance(&w.d.sim, 100);
    }
    assert_int_equal(asked, 3);
    sim_peer_expect_part(w.client, "HTTP/1.1 504 ", "attempt_timeout");
    finish(&w);
}

/* Attempts and pauses together take no longer than the request may. */
static void request_timeout(void **state)
{
    for (unsigned pausing = 0; pausing < 2; pausing++) {
        struct world w;
        prepare(&w, 10, 1);
        w.timeouts->request_ms = 500;
        w.retry->backoff_base_ms = pausing ? 2000 : 25;
        start(&w, DOOR_GET);
        assert_true(was_asked(&w));
        sim_advance(&w.d.sim, 300);
        sim_peer_send(w.app, ANSWER("500 No", "last"));
        sim_advance(&w.d.sim, 150);
        assert_int_equal(was_asked(&w), !pausing);
        /* Where the pause would outlast the request, the last answer is the answer. */
        sim_peer_expect_part(w.client, pausing ? "HTTP/1.1 500 " : "", pausing ? "last" : NULL);
        sim_advance(&w.d.sim, 60);
        sim_peer_expect_part(w.client, pausing ? "" : "HTTP/1.1 504 ",
                             pausing ? NULL : "request_timeout");
        finish(&w);
    }
}

/* Half of the endpoints do not answer, and no client notices. */
static void connection_errors(void **state)
{
    struct world w;
    prepare(&w, 100, 0);
    sim_conf_endpoint(&w.d.conf, w.d.one, "10.0.0.9:8080"); /* nobody is there */
    sim_door_start(&w.d);
    w.client = sim_node_connect_gateway(&w.d.node, 8000);
    for (unsigned i = 0; i < 10; i++) {
        sim_peer_send(w.client, DOOR_GET);
        sim_advance(&w.d.sim, 600);
        struct sim_peer *p = sim_door_app(&w.d, 0);
        w.app = p ? p : w.app;
        assert_non_null(w.app);
        sim_peer_send(w.app, DOOR_OK);
        sim_peer_expect(w.client, DOOR_OK);
    }
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_codes),
        cmocka_unit_test(by_method),
        cmocka_unit_test(pause_between),
        cmocka_unit_test(backend_timeout),
        cmocka_unit_test(backend_timeout_until_the_end),
        cmocka_unit_test(request_timeout),
        cmocka_unit_test(connection_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
