/* What is asked of the app on behalf of others: the kubelet's probes, and its metrics behind ours.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_probes.h"

#include <stdio.h>

#include "tests/sim/control_world.h"

static struct sim_peer *ask_app(struct world *w, const struct addr *at, const char *path,
                                struct sim_app *app, struct sim_peer **asker)
{
    char request[128];
    sim_app_open(app, "127.0.0.1:9090");
    *asker = control_bed_call(&w->bed, at);
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", path);
    sim_peer_send(*asker, request);
    control_bed_turn(&w->bed);
    return sim_app_accept(app);
}

static void finish_app(struct world *w, struct sim_app *app, struct sim_peer *asker)
{
    sim_peer_destroy(asker);
    sim_app_close(app);
    control_bed_turn(&w->bed);
}

static struct world *open_world_with(const char *probes, const char *metrics)
{
    static char one[2048], other[64];
    struct world *w = control_world_prepare();
    snprintf(one, sizeof(one), "%s", probes ? probes : "");
    snprintf(other, sizeof(other), "%s", metrics ? metrics : "");
    w->bed.settings->app_probes = probes ? one : NULL;
    w->bed.settings->app_metrics = metrics ? other : NULL;
    return w;
}

static void app_metrics_behind_ours(void **state)
{
    static const struct {
        const char *answer, *part, *but;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\napp_x1", "weft_app_metrics_up 1\napp_x1\n",
         "weft_app_metrics_up 0"},
        {"HTTP/1.1 500 No\r\ncontent-length: 6\r\n\r\napp_x1", "\nweft_app_metrics_up 0\n",
         "app_x1"},
        {"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\napp_x1", NULL, "app_x1"},
    };
    for (unsigned i = 0; i < 3; i++) {
        struct world *w = open_world_with(NULL, "9090/m?x=1");
        struct sim_app app;
        struct sim_peer *asker;
        assert_int_equal(app_admin_open(&w->app), ERR_OK);
        struct sim_peer *at = ask_app(w, &w->metrics, "/metrics", &app, &asker);
        assert_non_null(at);
        sim_peer_expect_part(at, "GET /m?x=1 HTTP/1.1\r\n", "accept: text/plain;version=0.0.4");
        assert_string_equal(sim_peer_got(asker), "");
        sim_peer_send(at, cases[i].answer);
        control_bed_turn(&w->bed);
        control_bed_advance(&w->bed, 2900);
        assert_int_equal(*sim_peer_got(asker) != 0, cases[i].part != NULL);
        control_bed_advance(&w->bed, 200);
        const char *got = sim_peer_got(asker);
        assert_non_null(strstr(got, "\nweft_config_version "));
        assert_non_null(strstr(got, cases[i].part ? cases[i].part : "\nweft_app_metrics_up 0\n"));
        assert_null(strstr(got, cases[i].but));
        finish_app(w, &app, asker);
        control_world_close(w);
    }
}

/* An end while the app is asked: nobody is left behind. */
static void app_metrics_at_the_end(void **state)
{
    struct world *w = open_world_with(NULL, "9090/m");
    struct sim_app app;
    struct sim_peer *asker;
    assert_int_equal(app_admin_open(&w->app), ERR_OK);
    assert_non_null(ask_app(w, &w->metrics, "/metrics", &app, &asker));
    assert_int_equal(w->app.metrics_pages, 1);
    app_admin_close(&w->app);
    w->app.metrics = NULL;
    w->app.probes = NULL;
    memset(w->app.admin, 0, sizeof(w->app.admin));
    control_bed_turn(&w->bed);
    assert_int_equal(w->app.metrics_pages, 0);
    finish_app(w, &app, asker);
    control_world_close(w);
}

static void app_metrics_that_mean_nothing(void **state)
{
    static const struct {
        const char *where;
        enum err e;
    } cases[] = {{"0/m", ERR_INVALID},     {"1/m", ERR_OK},       {"65535/m", ERR_OK},
                 {"65536/m", ERR_INVALID}, {"9090", ERR_INVALID}, {"x/m", ERR_INVALID},
                 {"9090/ m", ERR_INVALID}, {"/m", ERR_INVALID}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *w = open_world_with(NULL, cases[i].where);
        if (app_admin_open(&w->app) != cases[i].e)
            fail_msg("%s", cases[i].where);
        control_world_close(w);
    }
}

#define WEB "{\"web/livez\": {\"httpGet\": "

static void app_health(void **state)
{
    static const struct {
        const char *probes, *request, *answer;
        unsigned status;
        const char *part;
    } cases[] = {
        {WEB "{\"port\": 9090, \"path\": \"/live\"}}}",
         "GET /live HTTP/1.1\r\nhost: 127.0.0.1:9090", "200 OK\r\ncontent-length: 2\r\n\r\nok", 200,
         "\r\n\r\nok"},
        {WEB "{\"port\": 9090, \"path\": \"live\"}}}", "GET /live HTTP/1.1\r\n",
         "500 X\r\ncontent-length: 3\r\n\r\nbad", 500, "\r\n\r\nbad"},
        {WEB "{\"port\": 9090}}}", "GET / HTTP/1.1\r\n",
         "302 F\r\nlocation: http://example.org/\r\ncontent-length: 1\r\n\r\nx", 200, "\r\n\r\nx"},
        {WEB "{\"port\": 9090}}}", "GET / HTTP/1.1\r\n", "399 F\r\ncontent-length: 0\r\n\r\n", 200,
         "the app says no more"},
        {WEB "{\"port\": 9090}}}", "GET / HTTP/1.1\r\n", "400 F\r\ncontent-length: 0\r\n\r\n", 400,
         "the app says no more"},
        {WEB "{\"port\": 9090, \"httpHeaders\": [{\"name\": \"HOST\", \"value\": \"shop\"}, "
             "{\"name\": \"X-AZ\", \"value\": \"1\"}]}}}",
         "GET / HTTP/1.1\r\nhost: shop\r\nx-az: 1\r\n", "200 OK\r\ncontent-length: 0\r\n\r\n", 200,
         "the app says no more"},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *w = open_world_with(cases[i].probes, NULL);
        struct sim_app app;
        struct sim_peer *asker;
        char line[160];
        assert_int_equal(app_admin_open(&w->app), ERR_OK);
        struct sim_peer *at = ask_app(w, &w->health, "/app-health/web/livez", &app, &asker);
        assert_non_null(at);
        sim_peer_expect_part(at, cases[i].request, NULL);
        snprintf(line, sizeof(line), "HTTP/1.1 %s", cases[i].answer);
        sim_peer_send(at, line);
        control_bed_turn(&w->bed);
        snprintf(line, sizeof(line), "HTTP/1.1 %u ", cases[i].status);
        sim_peer_expect_part(asker, line, cases[i].part);
        finish_app(w, &app, asker);
        control_world_expect(w, &w->health, "GET", "/app-health/web/readyz", 404, "no such probe");
        control_world_expect(w, &w->health, "GET", "/app-health/web/livez", 503,
                             "does not answer: ");
        control_world_close(w);
    }
}

/* How long the app may take: a second, or as long as the probe says. */
static void app_health_takes_its_time(void **state)
{
    for (unsigned seconds = 1; seconds < 4; seconds += 2) {
        struct world *w =
            open_world_with(seconds == 1 ? WEB "{\"port\": 9090}}}"
                                         : "{\"web/livez\": {\"httpGet\": {\"port\": 9090}, "
                                           "\"timeoutSeconds\": 3}}",
                            NULL);
        struct sim_app app;
        struct sim_peer *asker;
        assert_int_equal(app_admin_open(&w->app), ERR_OK);
        assert_non_null(ask_app(w, &w->health, "/app-health/web/livez", &app, &asker));
        control_bed_advance(&w->bed, seconds * 1000 - 50);
        assert_string_equal(sim_peer_got(asker), "");
        control_bed_advance(&w->bed, 100);
        sim_peer_expect_part(asker, "HTTP/1.1 503 ", "the app does not answer: no answer within");
        finish_app(w, &app, asker);
        control_world_close(w);
    }
}

#define HOOK "/app-lifecycle/k/web/prestop"

/* Every answer of the app is handed on, whatever its status; where there is none, nobody may take
 * ours for one. */
static void app_hooks(void **state)
{
    static const char json[] = "{\"k/web/prestop\": {\"httpGet\": {\"port\": 9090, \"path\": "
                               "\"/down\"}, \"timeoutSeconds\": 3}}";
    for (unsigned i = 0; i < 4; i++) {
        struct world *w = open_world_with(json, NULL);
        struct sim_app app;
        struct sim_peer *asker;
        assert_int_equal(app_admin_open(&w->app), ERR_OK);
        struct sim_peer *at =
            ask_app(w, &w->health, i == 3 ? "/app-lifecycle/x/web/prestop" : HOOK, &app, &asker);
        if (i < 3) {
            assert_non_null(at);
            sim_peer_expect_part(at, "GET /down HTTP/1.1\r\n", NULL);
        }
        if (i == 0) {
            sim_peer_send(at, "HTTP/1.1 503 X\r\ncontent-length: 2\r\n\r\nno");
            control_bed_turn(&w->bed);
            sim_peer_expect_part(asker, "HTTP/1.1 503 ", "no");
        } else if (i == 1) {
            control_bed_advance(&w->bed, 2900);
            assert_false(sim_peer_is_over(asker));
            control_bed_advance(&w->bed, 200);
        } else if (i == 2) {
            sim_peer_send(at, "what\r\n\r\n");
            control_bed_turn(&w->bed);
        }
        control_bed_turn(&w->bed);
        if (i > 0) {
            assert_string_equal(sim_peer_got(asker), "");
            assert_true(sim_peer_is_over(asker));
        }
        finish_app(w, &app, asker);
        control_world_close(w);
    }
}

static void probes_that_mean_nothing(void **state)
{
    static const struct {
        const char *json;
        enum err e;
    } cases[] = {
        {"{}", ERR_OK},
        {"[]", ERR_SYNTAX},
        {"{", ERR_SYNTAX},
        {"{\"a/livez\": {\"tcpSocket\": {\"port\": 1}}}", ERR_OK},
        {"{\"a/livez\": {\"tcpSocket\": {\"port\": 65535}, \"timeoutSeconds\": 86400}}", ERR_OK},
        {"{\"a/livez\": {\"tcpSocket\": {\"port\": 65536}}}", ERR_INVALID},
        {"{\"a/livez\": {\"tcpSocket\": {\"port\": 0}}}", ERR_INVALID},
        {"{\"a/livez\": {\"tcpSocket\": {\"port\": \"http\"}}}", ERR_INVALID},
        {"{\"a/livez\": {\"tcpSocket\": {}}}", ERR_INVALID},
        {"{\"a/livez\": {\"tcpSocket\": {\"port\": 1}, \"timeoutSeconds\": 86401}}",
         ERR_INVALID},
        {"{\"a/livez\": {\"tcpSocket\": {\"port\": 1}, \"timeoutSeconds\": 0}}", ERR_INVALID},
        {"{\"a/livez\": {\"exec\": {\"port\": 1}}}", ERR_INVALID},
        {"{\"a/livez\": {\"grpc\": {\"port\": 1, \"service\": \"x\"}}}", ERR_OK},
        {"{\"a/livez\": {\"httpGet\": {\"port\": 1, \"path\": \"/a b\"}}}", ERR_INVALID},
        {"{\"a/livez\": {\"httpGet\": {\"port\": 1, \"httpHeaders\": "
         "[{\"name\": \"a b\", \"value\": \"x\"}]}}}",
         ERR_INVALID},
        {"{\"a/livez\": {\"httpGet\": {\"port\": 1, \"httpHeaders\": "
         "[{\"name\": \"a\", \"value\": \"x\\ny\"}]}}}",
         ERR_INVALID},
        {"{\"a/livez\": {\"httpGet\": {\"port\": 1, \"httpHeaders\": "
         "[{\"name\": \"host\", \"value\": \"a b\"}]}}}",
         ERR_INVALID},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *w = open_world_with(cases[i].json, NULL);
        if (app_admin_open(&w->app) != cases[i].e)
            fail_msg("%s", cases[i].json);
        control_world_close(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(app_metrics_behind_ours),       cmocka_unit_test(app_metrics_at_the_end),
        cmocka_unit_test(app_metrics_that_mean_nothing), cmocka_unit_test(app_health),
        cmocka_unit_test(app_health_takes_its_time),     cmocka_unit_test(app_hooks),
        cmocka_unit_test(probes_that_mean_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
