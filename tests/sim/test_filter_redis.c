/* What filters ask Redis: one connection that all questions share, replies in any pieces, scripts
 * that the server does not know, logins, and everything a server can say that is wrong.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_redis.h"

/* ---- answers ---- */

static void answered(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w), *app = NULL;
    sim_redis_get(&w, client);
    struct sim_peer *redis = sim_redis_greeted(&w, &w.first);
    sim_peer_expect(redis, EVALSHA_X);
    assert_null(sim_app_accept(&w.r.app));
    sim_redis_say(&w, redis, ":42\r\n");
    sim_redis_expect_said(&w, client, &app, "x-said: 42/\r\n");
    /* The connection is used again, and nothing is asked before. */
    sim_redis_get(&w, client);
    sim_peer_expect(redis, EVALSHA_X);
    sim_redis_say(&w, redis, "$5\r\nhello\r\n");
    sim_redis_expect_said(&w, client, &app, "x-said: 0/hello\r\n");
    assert_int_equal(w.first.connections, 1);
    assert_int_equal(sim_report.values[METRICS_REDIS_REQUESTS], 2);
    assert_int_equal(sim_report.values[METRICS_REDIS_FAILURES], 0);
    sim_redis_finish(&w, client);
}

static void a_script_it_does_not_know(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w), *app = NULL;
    sim_redis_get(&w, client);
    struct sim_peer *redis = sim_redis_greeted(&w, &w.first);
    for (unsigned i = 0; i < 2; i++) { /* a server may forget it again */
        if (i)
            sim_redis_get(&w, client);
        sim_peer_expect(redis, EVALSHA_X);
        sim_redis_say(&w, redis, NOSCRIPT);
        sim_peer_expect(redis, EVAL_X);
        sim_redis_say(&w, redis, ":1\r\n");
        sim_redis_expect_said(&w, client, &app, "x-said: 1/\r\n");
    }
    sim_redis_finish(&w, client);
}

/* Replies come in the order of the questions, several in one piece or one in several. */
static void many_at_once(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w), *other = sim_road_client(&w.r), *app = NULL;
    sim_redis_get(&w, client);
    sim_redis_get(&w, other);
    struct sim_peer *redis = sim_redis_greeted(&w, &w.first);
    sim_peer_expect(redis, EVALSHA_X EVALSHA_X);
    sim_redis_say(&w, redis, "$3\r\none\r\n$3\r\nt");
    sim_redis_expect_said(&w, client, &app, "x-said: 0/one\r\n");
    sim_peer_expect(other, "");
    sim_redis_say(&w, redis, "wo\r");
    sim_peer_expect(other, "");
    sim_redis_say(&w, redis, "\n");
    sim_redis_expect_said(&w, other, &app, "x-said: 0/two\r\n");
    assert_int_equal(w.first.connections, 1);
    sim_peer_destroy(other);
    sim_redis_finish(&w, client);
}

static void in_single_bytes(void **state)
{
    struct sim_redis w;
    sim_redis_prepare(&w, "");
    struct sim_peer *client = sim_redis_start(&w), *app = NULL;
    w.first.host.options.piece = 1;
    sim_redis_get(&w, client);
    struct sim_peer *redis = sim_redis_greeted(&w, &w.first);
    sim_peer_expect(redis, EVALSHA_X);
    sim_redis_say(&w, redis, "$5\r\nhello\r\n");
    sim_redis_expect_said(&w, client, &app, "x-said: 0/hello\r\n");
    sim_redis_finish(&w, client);
}

/* What the one who left has asked is answered all the same, and not to the next one. */
static void the_client_leaves(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w), *other = sim_road_client(&w.r), *app = NULL;
    sim_redis_get(&w, client);
    struct sim_peer *redis = sim_redis_greeted(&w, &w.first);
    sim_redis_get(&w, other);
    sim_peer_expect(redis, EVALSHA_X EVALSHA_X);
    sim_peer_reset(client);
    sim_turn(&w.r.sim);
    sim_redis_say(&w, redis, ":1\r\n");
    sim_peer_expect(other, "");
    sim_redis_say(&w, redis, ":2\r\n");
    sim_redis_expect_said(&w, other, &app, "x-said: 2/\r\n");
    sim_peer_destroy(client);
    sim_redis_finish(&w, other);
}

/* Also while there is no connection yet. */
static void the_client_leaves_before(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w);
    w.first.host.answer = SIM_SILENT;
    sim_redis_get(&w, client);
    sim_peer_reset(client);
    sim_turn(&w.r.sim);
    sim_node_check_idle(&w.r.node);
    sim_redis_finish(&w, client);
}

/* Nobody waits, and it is asked all the same when the exchange is over. */
static void posted(void **state)
{
    struct sim_redis w;
    sim_redis_prepare(&w, ",\"posts\":true");
    struct sim_peer *client = sim_redis_start(&w);
    sim_redis_get(&w, client);
    struct sim_peer *redis = sim_redis_connection(&w, &w.first);
    sim_peer_send(sim_road_app(&w.r), ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_destroy(client);
    sim_turn(&w.r.sim);
    sim_peer_expect(redis, PING);
    sim_redis_say(&w, redis, PONG);
    sim_peer_expect(redis, EVALSHA_X);
    sim_redis_say(&w, redis, NOSCRIPT);
    sim_peer_expect(redis, EVAL_X);
    sim_redis_say(&w, redis, ":1\r\n");
    assert_int_equal(sim_report.values[METRICS_REDIS_REQUESTS], 1);
    assert_int_equal(sim_report.values[METRICS_REDIS_FAILURES], 0);
    sim_redis_finish(&w, sim_road_client(&w.r));
}

/* ---- logins ---- */

static void logins(void **state)
{
    static const struct {
        const char *spec, *greeting, *answer;
    } rows[] = {
        {",\"password\":\"pw\"", "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n", "+OK\r\n"},
        {",\"username\":\"me\",\"password\":\"pw\"",
         "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$2\r\npw\r\n", "+OK\r\n"},
        {",\"database\":7", "*2\r\n$6\r\nSELECT\r\n$1\r\n7\r\n", "+OK\r\n"},
        {",\"password\":\"pw\",\"database\":12",
         "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n",
         "+OK\r\n+OK\r\n"},
        /* Whoever may run scripts and nothing else. */
        {"", PING, "-NOPERM this user has no permissions to run the 'ping' command\r\n"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_redis w;
        sim_redis_prepare(&w, rows[i].spec);
        struct sim_peer *client = sim_redis_start(&w), *app = NULL;
        sim_redis_get(&w, client);
        struct sim_peer *redis = sim_redis_connection(&w, &w.first);
        sim_peer_expect(redis, rows[i].greeting);
        sim_redis_say(&w, redis, rows[i].answer);
        sim_peer_expect(redis, EVALSHA_X);
        sim_redis_say(&w, redis, ":1\r\n");
        sim_redis_expect_said(&w, client, &app, "x-said: 1/\r\n");
        sim_redis_finish(&w, client);
    }
}

/* What a server repeats of what it was told is in no answer: it may be the password. */
static void refused_logins(void **state)
{
    static const struct {
        const char *spec, *answer, *why;
    } rows[] = {
        {",\"password\":\"hush\"", "-WRONGPASS invalid username-password pair\r\n", "WRONGPASS"},
        {",\"password\":\"hush\"", "-ERR unknown command 'AUTH', with args 'hush'\r\n", "ERR"},
        {",\"database\":99", "-ERR DB index is out of range\r\n", "ERR"},
        {"", "-NOAUTH Authentication required.\r\n", "NOAUTH"},
        {"", "-LOADING Redis is loading the dataset in memory\r\n", "LOADING"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_redis w;
        sim_redis_prepare(&w, rows[i].spec);
        struct sim_peer *client = sim_redis_start(&w);
        sim_redis_get(&w, client);
        struct sim_peer *redis = sim_redis_connection(&w, &w.first);
        sim_redis_say(&w, redis, rows[i].answer);
        assert_non_null(strstr(sim_peer_got(client), rows[i].why));
        assert_null(strstr(sim_peer_got(client), "hush"));
        sim_redis_expect_refused(client, "x-weft-reason: redis_refused\r\n");
        assert_true(sim_peer_is_over(redis));
        sim_redis_finish(&w, client);
    }
}

/* ---- what goes wrong ---- */

static void an_error(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w), *app = NULL;
    sim_redis_get(&w, client);
    struct sim_peer *redis = sim_redis_greeted(&w, &w.first);
    sim_redis_say(&w, redis, "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    assert_non_null(strstr(sim_peer_got(client), "OOM command not allowed"));
    sim_redis_expect_refused(client, "x-weft-reason: redis_refused\r\n");
    assert_int_equal(sim_report.values[METRICS_REDIS_FAILURES], 1);
    /* It concerns that question alone. */
    sim_peer_forget(redis);
    sim_redis_get(&w, client);
    sim_peer_expect(redis, EVALSHA_X);
    sim_redis_say(&w, redis, ":1\r\n");
    sim_redis_expect_said(&w, client, &app, "x-said: 1/\r\n");
    sim_redis_finish(&w, client);
}

static void garbage(void **state)
{
    static const char *const rows[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n", "$x\r\n", "$99999999\r\n",
        ":1\r\n:2\r\n", /* an answer to nothing, behind one */
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_redis w;
        struct sim_peer *client = sim_redis_open(&w), *app = NULL;
        bool has_answer = rows[i][0] == ':';
        sim_redis_get(&w, client);
        struct sim_peer *redis = sim_redis_greeted(&w, &w.first);
        sim_redis_say(&w, redis, rows[i]);
        if (has_answer)
            sim_redis_expect_said(&w, client, &app, "x-said: 1/\r\n");
        else
            sim_redis_expect_refused(client, "x-weft-reason: redis_refused\r\n");
        assert_true(sim_peer_is_over(redis));
        sim_redis_finish(&w, client);
    }
}

/* A connection that breaks takes all its questions with it, and they are asked again. */
static void closed_in_the_middle(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w), *other = sim_road_client(&w.r), *app = NULL;
    sim_redis_get(&w, client);
    sim_redis_get(&w, other);
    struct sim_peer *redis = sim_redis_greeted(&w, &w.first);
    sim_redis_say(&w, redis, "$5\r\nhel");
    sim_peer_close(redis);
    sim_turn(&w.r.sim);
    redis = sim_redis_greeted(&w, &w.first);
    sim_peer_expect(redis, EVALSHA_X EVALSHA_X);
    sim_redis_say(&w, redis, ":1\r\n");
    sim_redis_expect_said(&w, client, &app, "x-said: 1/\r\n");
    sim_redis_say(&w, redis, ":2\r\n");
    sim_redis_expect_said(&w, other, &app, "x-said: 2/\r\n");
    sim_peer_destroy(other);
    sim_redis_finish(&w, client);
}

/* It may not go on like that. */
/* requirement: I20 */
static void closed_every_time(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w);
    sim_redis_get(&w, client);
    for (unsigned i = 0; i < REDIS_TRIES_MAX; i++) {
        sim_peer_expect(client, "");
        sim_peer_reset(sim_redis_greeted(&w, &w.first));
        sim_turn(&w.r.sim);
    }
    sim_redis_expect_refused(client, "x-weft-reason: upstream_closed\r\n");
    assert_null(sim_redis_connection(&w, &w.first));
    sim_redis_finish(&w, client);
}

/* Closing between two questions is nobody's failure. */
static void closed_while_idle(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w), *app = NULL;
    for (unsigned i = 0; i < 2; i++) {
        sim_redis_get(&w, client);
        struct sim_peer *redis = sim_redis_greeted(&w, &w.first);
        sim_redis_say(&w, redis, ":1\r\n");
        sim_redis_expect_said(&w, client, &app, "x-said: 1/\r\n");
        sim_peer_close(redis);
        sim_turn(&w.r.sim);
    }
    assert_int_equal(sim_report.values[METRICS_REDIS_FAILURES], 0);
    sim_redis_finish(&w, client);
}

/* requirement: I9 */
static void too_slow(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w);
    sim_redis_get(&w, client);
    struct sim_peer *redis = sim_redis_greeted(&w, &w.first);
    sim_advance(&w.r.sim, 1980);
    sim_peer_expect(client, "");
    sim_advance(&w.r.sim, 30);
    sim_redis_expect_refused(client, "x-weft-reason: attempt_timeout\r\n");
    assert_true(sim_peer_is_over(redis)); /* and so it serves nobody else */
    sim_redis_finish(&w, client);
}

/* One slow answer of a server that goes on answering others costs nobody else anything. */
static void slow_but_alive(void **state)
{
    struct sim_redis w;
    struct sim_peer *client = sim_redis_open(&w), *other = sim_road_client(&w.r), *app = NULL;
    sim_redis_get(&w, other);
    struct sim_peer *redis = sim_redis_greeted(&w, &w.first);
    sim_advance(&w.r.sim, 1000);
    sim_redis_get(&w, client);
    sim_advance(&w.r.sim, 10);
    sim_redis_say(&w, redis, "$3\r\none\r\n$3\r\n");
    sim_redis_expect_said(&w, other, &app, "x-said: 0/one\r\n");
    sim_advance(&w.r.sim, 2010);
    sim_redis_expect_refused(client, "x-weft-reason: attempt_timeout\r\n");
    assert_false(sim_peer_is_over(redis));
    sim_peer_destroy(other);
    sim_redis_finish(&w, client);
}

/* To a server of the mesh: through its sidecar, as whom this workload is. */
static void over_the_mesh(void **state)
{
    struct sim_mesh m;
    sim_mesh_prepare(&m);
    sim_route *route = sim_conf_route(&m.out_conf, m.destination, "/", "reviews");
    sim_conf_name(&m.out_conf, &route->n_filters, &route->filters,
                  sim_conf_filter(&m.out_conf, "ask", "directResponse",
                                  "{\"cluster\":\"reviews\"}"));
    sim_mesh_start(&m);
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: reviews\r\nx-request-id: 1\r\n\r\n");
    struct sim_peer *redis = sim_mesh_accept(&m);
    sim_turn(&m.sim);
    sim_peer_expect(redis, PING);
    sim_peer_send(redis, PONG);
    sim_turn(&m.sim);
    sim_peer_expect(redis, EVALSHA_X);
    sim_peer_send(redis, ":7\r\n");
    struct sim_peer *app = sim_mesh_accept(&m);
    sim_turn(&m.sim);
    assert_non_null(strstr(sim_peer_got(app), "x-said: 7/\r\n"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_peer_destroy(client);
    sim_peer_close(redis);
    sim_mesh_finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered),
        cmocka_unit_test(a_script_it_does_not_know),
        cmocka_unit_test(many_at_once),
        cmocka_unit_test(in_single_bytes),
        cmocka_unit_test(the_client_leaves),
        cmocka_unit_test(the_client_leaves_before),
        cmocka_unit_test(posted),
        cmocka_unit_test(logins),
        cmocka_unit_test(refused_logins),
        cmocka_unit_test(an_error),
        cmocka_unit_test(garbage),
        cmocka_unit_test(closed_in_the_middle),
        cmocka_unit_test(closed_every_time),
        cmocka_unit_test(closed_while_idle),
        cmocka_unit_test(too_slow),
        cmocka_unit_test(slow_but_alive),
        cmocka_unit_test(over_the_mesh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
