/* Whom a request is from, at gateways and beside apps: who is believed, what policies and apps see
 * of it, and names that pretend to be others. In both HTTP versions.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"
#include "tests/sim/sim_mesh.h"
#include "tests/sim/sim_pod.h"

#include <stdio.h>
#include <string.h>

/* What the app behind gateway `d` gets for a request with these fields; "" when it gets none, and
 * then *answer is what the client gets. */
static const char *through_gateway(struct sim_door *d, const char *fields, const char **answer)
{
    char request[2048];
    static char seen[4096];
    struct sim_peer *client = sim_node_connect_gateway(&d->node, 8000);
    snprintf(request, sizeof(request), "GET /x HTTP/1.1\r\nhost: shop\r\n%s\r\n", fields);
    sim_peer_send(client, request);
    struct sim_peer *app = sim_door_app(d, 0);
    snprintf(seen, sizeof(seen), "%s", app ? sim_peer_got(app) : "");
    sim_turn(&d->sim);
    static char got[4096];
    snprintf(got, sizeof(got), "%s", sim_peer_got(client));
    *answer = got;
    sim_door_done(d, client);
    return seen;
}

/* ---- at a gateway ---- */

struct row {
    uint32_t hops;
    const char *trusted;
    const char *fields;
    const char *at_app[6];
    const char *not_at_app[4];
};

static const struct row rows[] = {
    /* Nobody is trusted: everything that says whom it is from is said anew. */
    {0,
     NULL,
     "x-forwarded-for: 8.8.8.8\r\nx-real-ip: 8.8.8.8\r\nforwarded: for=8.8.8.8\r\n"
     "true-client-ip: 8.8.8.8\r\ncf-connecting-ip: 8.8.8.8\r\nx-client-ip: 8.8.8.8\r\n"
     "x-cluster-client-ip: 8.8.8.8\r\nx-weft-client: 8.8.8.8\r\n"
     "x-forwarded-proto: https\r\nx-forwarded-host: evil\r\nx-forwarded-port: 1\r\n",
     {"x-forwarded-for: 203.0.113.9\r\n", "x-real-ip: 203.0.113.9\r\n",
      "x-forwarded-proto: http\r\n", "x-forwarded-host: shop\r\n", "x-forwarded-port: 8000\r\n"},
     {"8.8.8.8", "evil", "forwarded: ", "https"}},
    /* A balancer in front: by number, and by address. */
    {1,
     NULL,
     "x-forwarded-for: 8.8.8.8, 198.51.100.7\r\nx-real-ip: 8.8.8.8\r\n"
     "x-forwarded-proto: https\r\nx-forwarded-host: www\r\nx-forwarded-port: 8443\r\n",
     {"x-forwarded-for: 198.51.100.7, 203.0.113.9\r\n", "x-real-ip: 198.51.100.7\r\n",
      "x-forwarded-proto: https\r\n", "x-forwarded-host: www\r\n", "x-forwarded-port: 8443\r\n"},
     {"8.8.8.8"}},
    {0,
     "203.0.113.0/24",
     "x-forwarded-for: 8.8.8.8, 198.51.100.7\r\nx-forwarded-proto: https\r\n",
     {"x-forwarded-for: 198.51.100.7, 203.0.113.9\r\n", "x-real-ip: 198.51.100.7\r\n",
      "x-forwarded-proto: https\r\n", "x-forwarded-host: shop\r\n", "x-forwarded-port: 443\r\n"},
     {"8.8.8.8"}},
    /* Several fields. */
    {2,
     NULL,
     "x-forwarded-for: 8.8.8.8, 198.51.100.7\r\nx-forwarded-for: [2001:db8::1]:99\r\n",
     {"x-forwarded-for: 198.51.100.7, [2001:db8::1]:99, 203.0.113.9\r\n",
      "x-real-ip: 198.51.100.7\r\n"},
     {"8.8.8.8"}},
    /* What is no scheme, host or port is not passed on, whoever says it. */
    {1,
     NULL,
     "x-forwarded-proto: gopher\r\nx-forwarded-port: 70000\r\nx-forwarded-host: a b\r\n",
     {"x-forwarded-proto: http\r\n", "x-forwarded-port: 8000\r\n", "x-forwarded-host: shop\r\n"},
     {"gopher", "70000", "a b"}},
    /* Addresses elsewhere are not trusted. */
    {0,
     "10.0.0.0/8",
     "x-forwarded-for: 8.8.8.8\r\n",
     {"x-forwarded-for: 203.0.113.9\r\n"},
     {"8.8.8.8"}},
};

/* requirement: K20 */
static void at_a_gateway(void **state)
{
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct sim_door d;
        const char *answer;
        sim_door_prepare(&d);
        sim_clients *clients = sim_conf_clients(&d.conf, sim_conf_gateway(&d.conf, 8000, "one"));
        clients->trust->hops = r->hops;
        if (r->trusted)
            sim_conf_trust(&d.conf, clients, r->trusted);
        sim_door_start(&d);
        const char *seen = through_gateway(&d, r->fields, &answer);
        for (unsigned j = 0; j < 6 && r->at_app[j]; j++)
            if (!strstr(seen, r->at_app[j]))
                fail_msg("row %u: \"%s\" is not in\n%s", i, r->at_app[j], seen);
        for (unsigned j = 0; j < 4 && r->not_at_app[j]; j++)
            if (strstr(seen, r->not_at_app[j]))
                fail_msg("row %u: \"%s\" is in\n%s", i, r->not_at_app[j], seen);
        sim_door_close(&d);
    }
}

/* The policy decides by the client's address; who is not trusted cannot choose it, and where it
 * cannot be read nothing is allowed. */
static void policies_at_a_gateway(void **state)
{
    static const struct {
        uint32_t hops;
        const char *fields;
        bool allowed;
    } cases[] = {
        {0, "x-forwarded-for: 198.51.100.7\r\n", false},
        {1, "x-forwarded-for: 198.51.100.7\r\n", true},
        {1, "x-forwarded-for: 198.51.100.7, 8.8.8.8\r\n", false},
        {1, "x-forwarded-for: unknown\r\n", false},
        {1, "", false},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_door d;
        const char *answer;
        sim_door_prepare(&d);
        sim_gateway *g = sim_conf_gateway(&d.conf, 8000, "one");
        sim_authz *policy = sim_conf_authz(&d.conf, SIM_ALLOW, NULL, NULL);
        sim_conf_remote(&d.conf, policy, "198.51.100.0/24");
        g->authorization = sim_conf_authorization(&d.conf, policy);
        sim_conf_clients(&d.conf, g)->trust->hops = cases[i].hops;
        sim_door_start(&d);
        const char *seen = through_gateway(&d, cases[i].fields, &answer);
        assert_int_equal(*seen != 0, cases[i].allowed);
        assert_int_equal(strstr(answer, "HTTP/1.1 403 ") != NULL, !cases[i].allowed);
        sim_door_close(&d);
    }
}

/* ---- beside an app ---- */

static const char *at_app(struct sim_pod *p, const char *fields)
{
    char request[2048];
    static char seen[4096];
    struct sim_peer *client = sim_node_connect_inbound(&p->node, "10.0.5.5", 8080);
    snprintf(request, sizeof(request), "GET /x HTTP/1.1\r\nhost: app\r\n%s\r\n", fields);
    sim_peer_send(client, request);
    sim_turn(&p->sim);
    struct sim_peer *app = sim_app_accept(&p->app);
    snprintf(seen, sizeof(seen), "%s", app ? sim_peer_got(app) : sim_peer_got(client));
    sim_peer_destroy(client);
    sim_turn(&p->sim);
    return seen;
}

/* A stranger in the clear: nothing is added, and what is claimed is put right. */
static void a_stranger(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_pod_start(&p);
    const char *seen = at_app(&p, "x-forwarded-for: 8.8.8.8\r\nx-forwarded-for: 9.9.9.9\r\n"
                                  "x-real-ip: 8.8.8.8\r\nforwarded: for=8.8.8.8\r\n"
                                  "x-weft-client: 8.8.8.8\r\nx-forwarded-proto: https\r\n");
    assert_string_equal(seen, "GET /x HTTP/1.1\r\nhost: app\r\nx-forwarded-for: 10.0.5.5\r\n"
                              "x-real-ip: 10.0.5.5\r\nx-forwarded-proto: https\r\n\r\n");
    seen = at_app(&p, "");
    assert_string_equal(seen, "GET /x HTTP/1.1\r\nhost: app\r\n\r\n");
    sim_pod_close(&p);
}

/* A proxy outside of the mesh that is trusted by its address; hops mean nothing here. */
static void a_trusted_address(void **state)
{
    for (unsigned trusted = 0; trusted < 2; trusted++) {
        struct sim_pod p;
        sim_pod_prepare(&p);
        sim_clients *clients = sim_conf_clients(&p.conf, NULL);
        clients->trust->hops = 1;
        if (trusted)
            sim_conf_trust(&p.conf, clients, "10.0.5.0/24");
        sim_authz *policy = sim_conf_authz(&p.conf, SIM_ALLOW, NULL, NULL);
        sim_conf_remote(&p.conf, policy, "198.51.100.7");
        sim_conf_guard(&p.conf, p.inbound, policy);
        sim_pod_start(&p);
        const char *seen =
            at_app(&p, "x-forwarded-for: 8.8.8.8, 198.51.100.7\r\nx-real-ip: 8.8.8.8\r\n"
                       "x-forwarded-for: 10.0.5.6\r\n"); /* another one of them, further out */
        if (trusted)
            assert_string_equal(seen, "GET /x HTTP/1.1\r\nhost: app\r\n"
                                      "x-forwarded-for: 198.51.100.7, 10.0.5.6\r\n"
                                      "x-real-ip: 198.51.100.7\r\n\r\n");
        else
            assert_non_null(strstr(seen, "HTTP/1.1 403 "));
        sim_pod_close(&p);
    }
}

/* An app of the mesh says whom it asks for. It is believed when its identity is trusted, and then
 * for the last address only. */
static void a_mesh_peer(void **state)
{
    for (unsigned trusted = 0; trusted < 2; trusted++) {
        struct sim_mesh m;
        sim_mesh_prepare(&m);
        if (trusted)
            sim_conf_trust_identity(&m.in_conf, sim_conf_clients(&m.in_conf, NULL),
                                    &SIM_MESH_CLIENT_ID[strlen("spiffe://")]);
        sim_authz *policy = sim_conf_authz(&m.in_conf, SIM_DENY, NULL, NULL);
        sim_conf_remote(&m.in_conf, policy, "8.8.8.8");
        sim_conf_guard(&m.in_conf, m.inbound, policy);
        sim_mesh_start(&m);
        struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
        sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: reviews\r\nx-weft-client: 7.7.7.7\r\n"
                              "x-forwarded-for: 8.8.8.8, 198.51.100.7\r\n\r\n");
        struct sim_peer *app = sim_mesh_accept(&m);
        assert_non_null(strstr(sim_peer_got(app), trusted ? "x-forwarded-for: 198.51.100.7\r\n"
                                                          : "x-forwarded-for: 127.0.0.9\r\n"));
        assert_null(strstr(sim_peer_got(app), "7.7.7.7"));
        sim_peer_forget(app);
        sim_peer_send(app, ROAD_OK);
        sim_peer_expect(client, ROAD_OK);
        sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: reviews\r\n"
                              "x-forwarded-for: 8.8.8.8\r\n\r\n");
        sim_turn(&m.sim);
        if (trusted)
            sim_peer_expect_part(client, "HTTP/1.1 403 ", "authz_denied");
        else
            assert_non_null(strstr(sim_peer_got(app), "x-forwarded-for: 127.0.0.9\r\n"));
        sim_peer_destroy(client);
        sim_peer_close(app);
        sim_turn(&m.sim);
        sim_mesh_finish(&m);
    }
}

/* ---- names that pretend to be others ---- */

static const char *const owned[] = {
    "x_forwarded_for",      "x-forwarded_for",   "x_forwarded_client_cert", "x.forwarded.proto",
    "x_forwarded_anything", "x_weft_source",     "x_weft_client",           "x_real_ip",
    "x_request_id",         "x-weft_http-version", "true_client_ip",        "x|client|ip",
    "keep_alive",           "proxy_connection",
};

/* They reach no app: not at a gateway, not from an app, not to one. */
static void owned_names(void **state)
{
    struct sim_door d;
    struct sim_pod p;
    const char *answer;
    sim_door_prepare(&d);
    sim_conf_gateway(&d.conf, 8000, "one");
    sim_door_start(&d);
    for (unsigned i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
        char field[64];
        snprintf(field, sizeof(field), "%s: evil\r\nx_mine: kept\r\n", owned[i]);
        const char *seen = through_gateway(&d, field, &answer);
        assert_null(strstr(seen, "evil"));
        assert_non_null(strstr(seen, "x_mine: kept\r\n"));
    }
    sim_door_close(&d);
    sim_pod_prepare(&p);
    sim_pod_start(&p);
    for (unsigned i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
        char field[64];
        snprintf(field, sizeof(field), "%s: evil\r\nx_mine: kept\r\n", owned[i]);
        const char *seen = at_app(&p, field);
        assert_null(strstr(seen, "evil"));
        assert_non_null(strstr(seen, "x_mine: kept\r\n"));
    }
    sim_pod_close(&p);
}

/* A header that a policy looks at, in another spelling: refused, and nobody else's is. */
static void names_of_policies(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_authz *policy = sim_conf_authz(&p.conf, SIM_DENY, NULL, NULL);
    sim_conf_when_header(&p.conf, policy, "x-role", "admin");
    sim_conf_guard(&p.conf, p.inbound, policy);
    sim_pod_start(&p);
    assert_non_null(strstr(at_app(&p, "x-role: admin\r\n"), "HTTP/1.1 403 "));
    static const char *const spelled[] = {"x_role: admin\r\n", "X_Role: user\r\n",
                                          "x.role: admin\r\n"};
    for (unsigned i = 0; i < 3; i++) {
        const char *seen = at_app(&p, spelled[i]);
        assert_non_null(strstr(seen, "HTTP/1.1 400 "));
        assert_non_null(strstr(seen, "x-weft-reason: bad_request\r\n"));
        assert_non_null(strstr(seen, "can be read as x-role"));
    }
    assert_non_null(strstr(at_app(&p, "x_roles: admin\r\n"), "GET /x HTTP/1.1\r\n"));
    sim_pod_close(&p);
}

/* The policy's own spelling may be the odd one. */
static void odd_names_of_policies(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_authz *policy = sim_conf_authz(&p.conf, SIM_DENY, NULL, NULL);
    sim_conf_when_header(&p.conf, policy, "x_role", "admin");
    sim_conf_guard(&p.conf, p.inbound, policy);
    sim_pod_start(&p);
    assert_non_null(strstr(at_app(&p, "x_role: admin\r\n"), "HTTP/1.1 403 "));
    assert_non_null(strstr(at_app(&p, "x_role: user\r\n"), "GET /x HTTP/1.1\r\n"));
    assert_non_null(strstr(at_app(&p, "x-role: admin\r\n"), "HTTP/1.1 400 "));
    sim_pod_close(&p);
}

/* A route that a header chooses. */
static void names_of_routes(void **state)
{
    struct sim_door d;
    const char *answer;
    static Weft__Config__V1__NamedMatch match, *matches[] = {&match};
    static Weft__Config__V1__StringMatch value;
    static char name[] = "x-version", v2[] = "v2";
    sim_door_prepare(&d);
    sim_gateway *g = sim_conf_gateway(&d.conf, 8000, "one");
    weft__config__v1__named_match__init(&match);
    weft__config__v1__string_match__init(&value);
    value.kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT;
    value.exact = v2;
    match.name = name;
    match.value = &value;
    g->virtual_hosts[0]->routes[0]->match->headers = matches;
    g->virtual_hosts[0]->routes[0]->match->n_headers = 1;
    sim_door_start(&d);
    assert_non_null(strstr(through_gateway(&d, "x-version: v2\r\n", &answer), "x-version: v2"));
    through_gateway(&d, "x_version: v2\r\n", &answer);
    assert_non_null(strstr(answer, "HTTP/1.1 400 "));
    assert_non_null(strstr(answer, "can be read as x-version"));
    sim_door_close(&d);
}

/* What may frame a message for somebody behind us. */
static void names_that_frame(void **state)
{
    static const char *const names[] = {"content.length", "transfer~encoding", "content_length"};
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_pod_start(&p);
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char field[64];
        snprintf(field, sizeof(field), "%s: 5\r\n", names[i]);
        assert_non_null(strstr(at_app(&p, field), "HTTP/1.1 400 "));
    }
    sim_pod_close(&p);
}

static void underscores_as_configured(void **state)
{
    for (int action = 0; action < 3; action++) {
        struct sim_pod p;
        sim_pod_prepare(&p);
        sim_conf_clients(&p.conf, NULL)->underscores =
            (Weft__Config__V1__UnderscoresAction)action;
        sim_pod_start(&p);
        const char *seen = at_app(&p, "x_mine: 1\r\nx.mine: 2\r\nx-mine: 3\r\n");
        if (action == WEFT__CONFIG__V1__UNDERSCORES_ACTION__UNDERSCORES_REJECT) {
            assert_non_null(strstr(seen, "HTTP/1.1 400 "));
            assert_non_null(strstr(seen, "the name of header x_mine has an underscore"));
        } else {
            assert_non_null(strstr(seen, "x.mine: 2\r\nx-mine: 3\r\n"));
            assert_int_equal(strstr(seen, "x_mine: 1\r\n") != NULL,
                             action == WEFT__CONFIG__V1__UNDERSCORES_ACTION__UNDERSCORES_ALLOW);
        }
        sim_pod_close(&p);
    }
}

/* Trailers come after the decision: nothing in them is one that we say or that decides. */
static void trailers(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_authz *policy = sim_conf_authz(&p.conf, SIM_DENY, NULL, NULL);
    sim_conf_when_header(&p.conf, policy, "x-role", "admin");
    sim_conf_guard(&p.conf, p.inbound, policy);
    sim_pod_start(&p);
    struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
    sim_peer_send(client, "POST /x HTTP/1.1\r\nhost: app\r\ntransfer-encoding: chunked\r\n\r\n"
                          "3\r\nabc\r\n0\r\nx-role: admin\r\nX_Role: admin\r\nx-sum: 1\r\n"
                          "x_real_ip: 8.8.8.8\r\nx-forwarded-for: 8.8.8.8\r\n\r\n");
    sim_turn(&p.sim);
    struct sim_peer *app = sim_app_accept(&p.app);
    assert_non_null(app);
    assert_non_null(strstr(sim_peer_got(app), "\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n"));
    sim_peer_destroy(client);
    sim_turn(&p.sim);
    sim_pod_close(&p);
}

/* HTTP/2 has the same rules. */
static void over_http2(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_authz *policy = sim_conf_authz(&p.conf, SIM_DENY, NULL, NULL);
    sim_conf_when_header(&p.conf, policy, "x-role", "admin");
    sim_conf_guard(&p.conf, p.inbound, policy);
    sim_pod_start(&p);
    struct sim_client client;
    sim_client_open(&client, sim_node_dial_inbound(&p.node, "10.0.5.5", 8080), HTTP_PROTOCOL_2);
    static const struct {
        const char *name;
        unsigned status; /* 0: it reaches the app */
    } cases[] = {{"x_role", 400},     {"x-role", 403},        {"keep_alive", 0},
                 {"content.length", 400}, {"x_forwarded_for", 0}, {"x_weft_source", 0}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_call *c = sim_client_make(&client);
        struct message *m = sim_call_request(c, "GET", "app", "/x");
        sim_call_add(m, c, cases[i].name, "admin");
        sim_client_send(&client, c, m, true);
        sim_turn(&p.sim);
        if (cases[i].status) {
            assert_true(c->done);
            assert_int_equal(c->head->status, cases[i].status);
            assert_int_equal(strlen(sim_call_header(c, "x-request-id")), 36);
        } else {
            assert_false(c->done);
            sim_call_reset(c, ERR_CANCELED);
            sim_turn(&p.sim);
        }
    }
    sim_client_close(&client);
    sim_turn(&p.sim);
    sim_pod_close(&p);
}

/* ---- x-request-id on answers of our own ---- */

static void own_answers_have_an_id(void **state)
{
    struct sim_door d;
    const char *answer;
    sim_door_prepare(&d);
    sim_gateway *g = sim_conf_gateway(&d.conf, 8000, "one");
    static char prefix[] = "/elsewhere";
    g->virtual_hosts[0]->routes[0]->match->path->path_prefix = prefix;
    sim_door_start(&d);
    through_gateway(&d, "x-request-id: mine\r\n", &answer);
    assert_non_null(strstr(answer, "HTTP/1.1 404 "));
    assert_non_null(strstr(answer, "x-request-id: mine\r\n"));
    through_gateway(&d, "", &answer);
    const char *id = strstr(answer, "x-request-id: ");
    assert_non_null(id);
    assert_memory_equal(id + 14 + 36, "\r\n", 2);
    through_gateway(&d, "x-request-id:\r\n", &answer);
    id = strstr(answer, "x-request-id: ");
    assert_non_null(id);
    assert_memory_equal(id + 14 + 36, "\r\n", 2);
    sim_door_close(&d);
}

static void refusals_have_an_id(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    p.inbound->mtls = SIM_STRICT;
    sim_pod_start(&p);
    const char *seen = at_app(&p, "");
    assert_non_null(strstr(seen, "HTTP/1.1 403 "));
    const char *id = strstr(seen, "x-request-id: ");
    assert_non_null(id);
    assert_memory_equal(id + 14 + 36, "\r\n", 2);
    assert_non_null(strstr(at_app(&p, "x-request-id: mine\r\n"), "x-request-id: mine\r\n"));
    seen = at_app(&p, "no field\r\n");
    assert_non_null(strstr(seen, "HTTP/1.1 400 "));
    assert_non_null(strstr(seen, "x-request-id: "));
    sim_pod_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_a_gateway),
        cmocka_unit_test(policies_at_a_gateway),
        cmocka_unit_test(a_stranger),
        cmocka_unit_test(a_trusted_address),
        cmocka_unit_test(a_mesh_peer),
        cmocka_unit_test(owned_names),
        cmocka_unit_test(names_of_policies),
        cmocka_unit_test(odd_names_of_policies),
        cmocka_unit_test(names_of_routes),
        cmocka_unit_test(names_that_frame),
        cmocka_unit_test(underscores_as_configured),
        cmocka_unit_test(trailers),
        cmocka_unit_test(over_http2),
        cmocka_unit_test(own_answers_have_an_id),
        cmocka_unit_test(refusals_have_an_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
