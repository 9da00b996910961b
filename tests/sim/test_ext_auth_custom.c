/* AuthorizationPolicies of action CUSTOM at a sidecar: the authorizer is asked about what their
 * rules choose, before DENY and ALLOW, which see what it has set.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_mesh.h"

#include <string.h>

#include "filters/ext_auth.h"

#define AUTH "10.0.0.9:9000"
#define YES "HTTP/1.1 200 OK\r\nx-role: admin\r\nx-user: ann\r\ncontent-length: 0\r\n\r\n"
#define NO "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n"
#define GET "GET /admin HTTP/1.1\r\nhost: reviews\r\nx-request-id: 1\r\nx-role: root\r\n\r\n"

static struct slice names[] = {{"x-role", 6}, {"x-user", 6}};
static struct schema_ref backend = {.name = {"a", 1}, .port = 1, .value = {"auth", 4}};
static struct ext_auth_spec asks = {.protocol = EXT_AUTH_HTTP,
                                    .backend = &backend,
                                    .to_backend = {names, 2, true},
                                    .timeout_ms = 200,
                                    .status_on_error = 403};

struct world {
    struct sim_mesh m;
    struct sim_app auth;
};

/* ask: for paths below /admin. second: one more policy, or NULL. */
static struct sim_peer *start(struct world *w, const struct ext_auth_spec *provider,
                              bool denies_role)
{
    static struct authz_policy_spec both[2];
    static char service[] = "authz.svc";
    struct sim_conf *in = &w->m.in_conf;
    sim_mesh_prepare(&w->m);
    sim_conf_route(&w->m.out_conf, w->m.destination, "/", "reviews");
    sim_cluster *auth = sim_conf_cluster(in, "auth");
    auth->service = service;
    sim_conf_endpoint(in, auth, AUTH);
    both[0] = *sim_conf_authz(in, AUTHZ_CUSTOM, NULL, "/admin");
    both[0].provider_name = SLICE("shop/authorizer");
    both[0].provider = provider;
    sim_authz *deny = sim_conf_authz(in, AUTHZ_DENY, NULL, NULL);
    sim_conf_when_header(in, deny, "x-role", denies_role ? "admin" : "root");
    both[1] = *deny;
    sim_conf_guards(in, w->m.inbound, both, 2);
    sim_mesh_start(&w->m);
    sim_app_open(&w->auth, AUTH);
    return sim_node_connect(&w->m.out, "10.96.0.1:80");
}

static void finish(struct world *w, struct sim_peer *client)
{
    sim_peer_destroy(client);
    sim_app_close(&w->auth);
    sim_mesh_finish(&w->m);
}

static struct sim_peer *asked(struct world *w)
{
    sim_turn(&w->m.sim);
    struct sim_peer *p = sim_app_accept(&w->auth);
    assert_non_null(p);
    sim_turn(&w->m.sim);
    return p;
}

/* The authorizer's word on x-role is what DENY sees, and not the client's. */
static void it_allows(void **state)
{
    struct world w;
    struct sim_peer *client = start(&w, &asks, false);
    sim_peer_send(client, GET);
    struct sim_peer *auth = asked(&w);
    assert_non_null(strstr(sim_peer_got(auth), "GET /admin HTTP/1.1\r\n"));
    sim_peer_send(auth, YES);
    struct sim_peer *app = sim_mesh_accept(&w.m);
    sim_turn(&w.m.sim);
    assert_non_null(strstr(sim_peer_got(app), "x-user: ann\r\n"));
    assert_null(strstr(sim_peer_got(app), "root"));
    sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    sim_turn(&w.m.sim);
    assert_non_null(strstr(sim_peer_got(client), "\r\n\r\nhello"));
    finish(&w, client);
}

static void deny_comes_after_it(void **state)
{
    struct world w;
    struct sim_peer *client = start(&w, &asks, true);
    sim_peer_send(client, GET);
    sim_peer_send(asked(&w), YES);
    sim_peer_expect_part(client, "HTTP/1.1 403 ", "x-weft-reason: authz_denied\r\n");
    finish(&w, client);
}

static void it_denies(void **state)
{
    struct world w;
    struct sim_peer *client = start(&w, &asks, true);
    sim_peer_send(client, GET);
    sim_peer_send(asked(&w), NO);
    sim_peer_expect_part(client, "HTTP/1.1 401 ", "www-authenticate: Basic\r\n");
    finish(&w, client);
}

static void it_is_silent(void **state)
{
    struct world w;
    struct sim_peer *client = start(&w, &asks, true);
    sim_peer_send(client, GET);
    asked(&w);
    sim_advance(&w.m.sim, 210);
    sim_peer_expect_part(client, "HTTP/1.1 403 ", "x-weft-reason: ext_auth_error\r\n");
    finish(&w, client);
}

static void it_is_not_asked(void **state)
{
    struct world w;
    struct sim_peer *client = start(&w, &asks, true);
    sim_peer_send(client, "GET /shop HTTP/1.1\r\nhost: reviews\r\n\r\n");
    struct sim_peer *app = sim_mesh_accept(&w.m);
    assert_null(sim_app_accept(&w.auth));
    sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    sim_turn(&w.m.sim);
    assert_non_null(strstr(sim_peer_got(client), "\r\n\r\nhello"));
    finish(&w, client);
}

static void nobody_can_be_asked(void **state)
{
    struct world w;
    struct sim_peer *client = start(&w, NULL, false);
    sim_peer_send(client, GET);
    sim_peer_expect_part(client, "HTTP/1.1 403 ", "x-weft-reason: authz_denied\r\n");
    finish(&w, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_allows),       cmocka_unit_test(deny_comes_after_it),
        cmocka_unit_test(it_denies),       cmocka_unit_test(it_is_silent),
        cmocka_unit_test(it_is_not_asked), cmocka_unit_test(nobody_can_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
