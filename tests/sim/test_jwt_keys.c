/* Keys that an issuer publishes, as the filter jwt fetches them: once for all requests, again when
 * they grow old or a token names another one, and what holds when the issuer is away, slow, or
 * answers nonsense. Also clusters that are a host name (here: addresses, which need no resolver).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "tests/sim/sim_mesh.h"
#include "tests/unit/lib/jose/token_maker.h"

#include <string.h>

#define ISSUER "10.0.0.2:8080"
#define ASKED                                                                             \
    "GET /keys HTTP/1.1\r\nhost: login.example.com\r\naccept: application/json\r\nuser-agent: " \
    "weft\r\n\r\n"
#define SPEC                                                                                   \
    "{\"providers\":[{\"issuer\":\"a\",\"requireExpiration\":false,\"jwks\":{\"remote\":{"     \
    "\"uri\":\"http://login.example.com/keys\",\"value\":\"keys\"}}}]}"

struct world {
    struct sim_road r;
    struct sim_app issuer;
    sim_cluster *keys;
    struct arena arena;
    struct sim_peer *asked; /* the connection on which keys were asked for */
};

static void begin(struct world *w)
{
    static char service[] = "login.example.com";
    *w = (struct world){0};
    arena_init(&w->arena, 4096);
    sim_road_prepare(&w->r);
    w->keys = sim_conf_cluster(&w->r.conf, "keys");
    w->keys->service = service;
    sim_route *route = sim_conf_route(&w->r.conf, w->r.destination, "/", "app");
    sim_conf_name(&w->r.conf, &route->n_filters, &route->filters,
                  sim_conf_filter(&w->r.conf, "tokens", "jwt", SPEC));
}

static void start(struct world *w)
{
    sim_road_start(&w->r);
    sim_app_open(&w->issuer, ISSUER);
}

static void start_with_endpoint(struct world *w)
{
    begin(w);
    sim_conf_endpoint(&w->r.conf, w->keys, ISSUER);
    start(w);
}

static void finish(struct world *w)
{
    sim_node_check_idle(&w->r.node);
    sim_node_close(&w->r.node);
    sim_app_close(&w->r.app);
    sim_app_close(&w->issuer);
    sim_conf_dispose(&w->r.conf);
    sim_close(&w->r.sim);
    arena_dispose(&w->arena);
}

/* ---- requests ---- */

/* A request with a token that is signed by that algorithm's key, under that name. */
static struct sim_peer *call(struct world *w, enum signature_alg alg, const char *kid)
{
    const char *name = alg == SIGNATURE_RSA_SHA256 ? "RS256" : "ES256";
    struct slice header = arena_printf(&w->arena, "{\"alg\":\"%s\",\"kid\":\"%s\"}", name, kid);
    struct slice token = token_make(&w->arena, alg, header, SLICE("{\"iss\":\"a\"}"));
    struct sim_peer *client = sim_road_client(&w->r);
    sim_peer_send(client, arena_strdup(&w->arena,
                                       arena_printf(&w->arena,
                                                    "GET /x HTTP/1.1\r\nhost: app\r\n"
                                                    "authorization: Bearer %.*s\r\n\r\n",
                                                    SLICE_ARG(token))));
    sim_turn(&w->r.sim);
    return client;
}

static void answer_app(struct world *w)
{
    struct sim_peer *app = sim_app_accept(&w->r.app);
    assert_non_null(app);
    sim_turn(&w->r.sim);
    sim_peer_send(app, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello");
    sim_turn(&w->r.sim);
    sim_peer_close(app);
}

static void expect_answer(struct world *w, struct sim_peer *client)
{
    sim_peer_expect_part(client, "HTTP/1.1 200 OK\r\n", "hello");
    sim_peer_destroy(client);
    sim_turn(&w->r.sim);
}

/* It has passed: the app answers. */
static void expect_passed(struct world *w, struct sim_peer *client)
{
    sim_advance(&w->r.sim, 60);
    answer_app(w);
    expect_answer(w, client);
}

static void expect_refused(struct world *w, struct sim_peer *client, const char *status,
                           const char *reason)
{
    sim_advance(&w->r.sim, 60);
    assert_null(sim_app_accept(&w->r.app));
    sim_peer_expect_part(client, status, reason);
    sim_peer_destroy(client);
    sim_turn(&w->r.sim);
}

/* ---- the issuer ---- */

static void expect_fetch(struct world *w)
{
    sim_turn(&w->r.sim);
    struct sim_peer *p = sim_app_accept(&w->issuer);
    if (p)
        w->asked = p;
    assert_non_null(w->asked);
    sim_turn(&w->r.sim);
    sim_peer_expect(w->asked, ASKED);
}

static void expect_no_fetch(struct world *w)
{
    sim_turn(&w->r.sim);
    assert_null(sim_app_accept(&w->issuer));
    assert_true(!w->asked || *sim_peer_got(w->asked) == '\0');
}

static void answer(struct world *w, const char *head, struct slice body)
{
    struct slice whole = arena_printf(&w->arena, "%scontent-length: %zu\r\n\r\n%.*s", head,
                                      body.len, SLICE_ARG(body));
    sim_peer_send(w->asked, arena_strdup(&w->arena, whole));
    sim_turn(&w->r.sim);
}

static struct slice keys(struct world *w, bool with_second)
{
    struct slice first = token_jwk(&w->arena, SIGNATURE_RSA_SHA256, SLICE("\"kid\":\"r\""));
    struct slice second = token_jwk(&w->arena, SIGNATURE_P256_SHA256, SLICE("\"kid\":\"e\""));
    return with_second ? arena_printf(&w->arena, "{\"keys\":[%.*s,%.*s]}", SLICE_ARG(first),
                                      SLICE_ARG(second))
                       : arena_printf(&w->arena, "{\"keys\":[%.*s]}", SLICE_ARG(first));
}

#define OK "HTTP/1.1 200 OK\r\n"

/* One request has passed, with the first key. */
static void warm_up(struct world *w)
{
    struct sim_peer *client = call(w, SIGNATURE_RSA_SHA256, "r");
    expect_fetch(w);
    answer(w, OK, keys(w, false));
    expect_passed(w, client);
}

/* ---- tests ---- */

static void fetched_once_for_all(void **state)
{
    struct world w;
    (void)state;
    start_with_endpoint(&w);
    expect_no_fetch(&w); /* nobody needs them yet */
    struct sim_peer *one = call(&w, SIGNATURE_RSA_SHA256, "r");
    struct sim_peer *two = call(&w, SIGNATURE_RSA_SHA256, "r");
    expect_fetch(&w);
    assert_null(sim_app_accept(&w.r.app));
    answer(&w, OK, keys(&w, false));
    sim_advance(&w.r.sim, 60);
    answer_app(&w);
    answer_app(&w);
    expect_answer(&w, one);
    expect_answer(&w, two);
    expect_passed(&w, call(&w, SIGNATURE_RSA_SHA256, "r"));
    expect_no_fetch(&w);
    finish(&w);
}

/* requirement: H8 */
static void a_new_key(void **state)
{
    struct world w;
    (void)state;
    start_with_endpoint(&w);
    warm_up(&w);
    sim_advance(&w.r.sim, 20000);
    struct sim_peer *client = call(&w, SIGNATURE_P256_SHA256, "e");
    expect_fetch(&w);
    answer(&w, OK, keys(&w, true));
    expect_passed(&w, client);
    finish(&w);
}

/* A key that is gone does not sign any more, though its token was found good before. */
static void a_key_that_is_gone(void **state)
{
    struct world w;
    (void)state;
    start_with_endpoint(&w);
    struct sim_peer *client = call(&w, SIGNATURE_P256_SHA256, "e");
    expect_fetch(&w);
    answer(&w, OK, keys(&w, true));
    expect_passed(&w, client);
    sim_advance(&w.r.sim, 601000);
    client = call(&w, SIGNATURE_P256_SHA256, "e");
    expect_fetch(&w);
    answer(&w, OK, keys(&w, false));
    expect_refused(&w, client, "HTTP/1.1 401 ", "x-weft-reason: jwt_invalid");
    finish(&w);
}

/* However many tokens name keys that there are not, the issuer is asked once. */
static void many_unknown_keys(void **state)
{
    enum { MANY = 5 };
    struct world w;
    struct sim_peer *clients[MANY];
    (void)state;
    start_with_endpoint(&w);
    warm_up(&w);
    sim_advance(&w.r.sim, 20000);
    for (unsigned i = 0; i < MANY; i++)
        clients[i] = call(&w, SIGNATURE_P256_SHA256, "x");
    expect_fetch(&w);
    answer(&w, OK, keys(&w, false));
    for (unsigned i = 0; i < MANY; i++)
        expect_refused(&w, clients[i], "HTTP/1.1 401 ", "x-weft-reason: jwt_invalid");
    expect_refused(&w, call(&w, SIGNATURE_P256_SHA256, "y"), "HTTP/1.1 401 ", "jwt_invalid");
    expect_no_fetch(&w);
    sim_advance(&w.r.sim, 10000);
    struct sim_peer *later = call(&w, SIGNATURE_P256_SHA256, "y");
    expect_fetch(&w);
    answer(&w, OK, keys(&w, false));
    expect_refused(&w, later, "HTTP/1.1 401 ", "jwt_invalid");
    finish(&w);
}

/* Never more than ten in a minute. */
static void how_often(void **state)
{
    struct world w;
    unsigned fetches = 0;
    (void)state;
    start_with_endpoint(&w);
    for (unsigned second = 0; second < 55; second++) {
        struct sim_peer *client = call(&w, SIGNATURE_RSA_SHA256, "r");
        struct sim_peer *p = sim_app_accept(&w.issuer);
        w.asked = p ? p : w.asked;
        sim_turn(&w.r.sim);
        if (*sim_peer_got(w.asked)) {
            fetches++;
            sim_peer_forget(w.asked);
            answer(&w, "HTTP/1.1 500 Internal Server Error\r\n", SLICE("no"));
        }
        expect_refused(&w, client, "HTTP/1.1 503 ", "x-weft-reason: jwt_keys_unavailable");
        sim_advance(&w.r.sim, 940);
    }
    assert_int_equal(fetches, 10);
    finish(&w);
}

static void nobody_there(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    sim_conf_endpoint(&w.r.conf, w.keys, "10.0.0.3:8080");
    start(&w);
    expect_refused(&w, call(&w, SIGNATURE_RSA_SHA256, "r"), "HTTP/1.1 503 ",
                   "x-weft-reason: jwt_keys_unavailable");
    finish(&w);
}

static void too_slow(void **state)
{
    struct world w;
    (void)state;
    start_with_endpoint(&w);
    struct sim_peer *client = call(&w, SIGNATURE_RSA_SHA256, "r");
    expect_fetch(&w);
    sim_advance(&w.r.sim, 4900);
    sim_peer_expect(client, "");
    sim_advance(&w.r.sim, 100);
    expect_refused(&w, client, "HTTP/1.1 503 ", "x-weft-reason: jwt_keys_unavailable");
    finish(&w);
}

/* What is no set of keys leaves the last one in use, and a redirect is not followed. */
static void nonsense(void **state)
{
    static const struct {
        const char *head, *body;
    } rows[] = {
        {"HTTP/1.1 500 Internal Server Error\r\n", "{\"keys\":[]}"},
        {"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1:8080/\r\n", ""},
        {OK, "<html>"},
        {OK, "{\"keys\":[]}"},
        {OK, "{\"keys\":[{\"kty\":\"oct\","
             "\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8\"}]}"},
    };
    struct world w;
    (void)state;
    start_with_endpoint(&w);
    warm_up(&w);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sim_advance(&w.r.sim, 601000);
        struct sim_peer *client = call(&w, SIGNATURE_RSA_SHA256, "r");
        expect_fetch(&w);
        assert_null(sim_app_accept(&w.r.app));
        answer(&w, rows[i].head, slice_from_cstr(rows[i].body));
        expect_passed(&w, client);
    }
    sim_advance(&w.r.sim, 86400000); /* but not for ever */
    struct sim_peer *client = call(&w, SIGNATURE_RSA_SHA256, "r");
    expect_fetch(&w);
    answer(&w, "HTTP/1.1 500 Internal Server Error\r\n", SLICE(""));
    expect_refused(&w, client, "HTTP/1.1 503 ", "x-weft-reason: jwt_keys_unavailable");
    finish(&w);
}

/* Before they grow old they are fetched again, and no request waits for that. */
static void ahead_of_time(void **state)
{
    struct world w;
    (void)state;
    start_with_endpoint(&w);
    warm_up(&w);
    sim_advance(&w.r.sim, 400000);
    expect_passed(&w, call(&w, SIGNATURE_RSA_SHA256, "r"));
    expect_no_fetch(&w);
    sim_advance(&w.r.sim, 100000);
    struct sim_peer *client = call(&w, SIGNATURE_RSA_SHA256, "r");
    expect_passed(&w, client);
    expect_fetch(&w);
    answer(&w, OK, keys(&w, false));
    finish(&w);
}

/* Cache-Control makes it shorter, but not shorter than a minute. */
static void as_the_issuer_says(void **state)
{
    static const struct {
        const char *said;
        unsigned fresh_ms;
    } rows[] = {
        {"cache-control: public, max-age=120\r\n", 120000},
        {"cache-control: max-age=5\r\n", 60000},
        {"cache-control: no-store\r\n", 60000},
        {"cache-control: max-age=999999\r\n", 600000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;
        start_with_endpoint(&w);
        struct sim_peer *client = call(&w, SIGNATURE_RSA_SHA256, "r");
        expect_fetch(&w);
        answer(&w, arena_strdup(&w.arena, arena_printf(&w.arena, OK "%s", rows[i].said)),
               keys(&w, false));
        expect_passed(&w, client);
        sim_advance(&w.r.sim, rows[i].fresh_ms / 10 * 8 - 2000);
        expect_passed(&w, call(&w, SIGNATURE_RSA_SHA256, "r"));
        expect_no_fetch(&w);
        sim_advance(&w.r.sim, rows[i].fresh_ms / 10 * 2 + 2000);
        client = call(&w, SIGNATURE_RSA_SHA256, "r");
        expect_fetch(&w);
        answer(&w, OK, keys(&w, false));
        expect_passed(&w, client);
        finish(&w);
    }
}

/* ---- hosts ---- */

static void give_host(struct world *w, char *name, bool allows_local)
{
    static Weft__Config__V1__NamedHost host;
    weft__config__v1__named_host__init(&host);
    host.name = name;
    host.allows_local = allows_local;
    w->keys->host = &host;
    w->keys->port = 8080;
}

static void a_host(void **state)
{
    static char name[] = "10.0.0.2";
    struct world w;
    (void)state;
    begin(&w);
    give_host(&w, name, false);
    start(&w);
    warm_up(&w);
    finish(&w);
}

/* Where a name must not lead, nobody is called. */
static void local_hosts(void **state)
{
    static char names[][40] = {"127.0.0.1", "127.8.8.8",  "169.254.169.254",  "0.0.0.0",
                               "224.0.0.1", "255.255.255.255", "::1",      "fe80::1",
                               "::",        "ff02::1",    "::ffff:127.0.0.1", "fd00:ec2::254",
                               "100.100.100.200"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct world w;
        begin(&w);
        give_host(&w, names[i], false);
        start(&w);
        struct sim_peer *client = call(&w, SIGNATURE_RSA_SHA256, "r");
        sim_advance(&w.r.sim, 5000);
        expect_refused(&w, client, "HTTP/1.1 503 ", "x-weft-reason: jwt_keys_unavailable");
        assert_int_equal(sim_node_cluster(&w.r.node, "keys")->endpoint_count, 0);
        finish(&w);
    }
}

static void a_local_host_that_is_allowed(void **state)
{
    static char name[] = "127.0.0.1";
    struct world w;
    (void)state;
    begin(&w);
    give_host(&w, name, true);
    sim_road_start(&w.r);
    sim_app_open(&w.issuer, "127.0.0.1:8080");
    warm_up(&w);
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetched_once_for_all),
        cmocka_unit_test(a_new_key),
        cmocka_unit_test(a_key_that_is_gone),
        cmocka_unit_test(many_unknown_keys),
        cmocka_unit_test(how_often),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(too_slow),
        cmocka_unit_test(nonsense),
        cmocka_unit_test(ahead_of_time),
        cmocka_unit_test(as_the_issuer_says),
        cmocka_unit_test(a_host),
        cmocka_unit_test(local_hosts),
        cmocka_unit_test(a_local_host_that_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
